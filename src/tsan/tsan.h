/* SPDX-License-Identifier: MIT */
/*
 * The entry points of -fsanitize=thread: their names and types are the compilers' (gcc's sanitizer.def, LLVM's
 * ThreadSanitizer pass).  They keep no state: a driver in a shared object may have a copy of its own.
 */
#ifndef P2PSIM_TSAN_TSAN_H
#define P2PSIM_TSAN_TSAN_H

#include <p2psim/linux/kernel.h>
#include <p2psim/race.h>

#pragma GCC visibility push(default)
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* Where the instrumented code is: only in an entry point itself. */
#define HERE __builtin_return_address(0)

static inline void tsan_access(const volatile void *addr, size_t size, enum p2psim_race_how how, const void *pc)
{
	if (p2psim_race_on())
		p2psim_race_access(addr, size, how, pc);
}

#endif
