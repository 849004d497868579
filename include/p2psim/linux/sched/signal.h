/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/sched/signal.h, 6.1 (reduced): fatal_signal_pending() is in sched.h. */
#ifndef P2PSIM_LINUX_SCHED_SIGNAL_H
#define P2PSIM_LINUX_SCHED_SIGNAL_H

#include <sys/resource.h>

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/sched.h>

/* Of the process that the task works for: bytes; RLIM_INFINITY for a limit that is not modelled. */
static inline unsigned long rlimit(unsigned int limit)
{
	static const unsigned int known[] = { RLIMIT_AS, RLIMIT_MEMLOCK, RLIMIT_STACK };
	unsigned int i;

	for (i = 0; current->mm && i < ARRAY_SIZE(known); i++)
		if (limit == known[i])
			return (unsigned long)current->mm->limits[i];
	return RLIM_INFINITY;
}

#endif
