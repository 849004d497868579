/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/completion.h, 6.1 (reduced).  complete() is one step; waiting is one guarded step. */
#ifndef P2PSIM_LINUX_COMPLETION_H
#define P2PSIM_LINUX_COMPLETION_H

#include <p2psim/linux/sched.h>
#include <p2psim/linux/wait.h>

struct completion {
	struct p2psim_object obj;
	unsigned int done;
};

#define COMPLETION_INITIALIZER(c) { .obj = { .name = #c } }
#define DECLARE_COMPLETION(c) struct completion c = COMPLETION_INITIALIZER(c)
#define DECLARE_COMPLETION_ONSTACK(c) DECLARE_COMPLETION(c)

P2PSIM_EXPORT void __init_completion(struct completion *c, const char *name);
#define init_completion(c) __init_completion((c), #c)
P2PSIM_EXPORT void reinit_completion(struct completion *c);
P2PSIM_EXPORT void complete(struct completion *c);
P2PSIM_EXPORT void complete_all(struct completion *c);
P2PSIM_EXPORT void wait_for_completion(struct completion *c);
/* Ticks left (at least 1), or 0 when the time ran out. */
P2PSIM_EXPORT unsigned long wait_for_completion_timeout(struct completion *c, unsigned long ticks);
P2PSIM_EXPORT bool try_wait_for_completion(struct completion *c);
P2PSIM_EXPORT bool completion_done(struct completion *c);
#define complete(c) (P2PSIM_HERE(), complete(c))
#define complete_all(c) (P2PSIM_HERE(), complete_all(c))
#define wait_for_completion(c) (P2PSIM_HERE(), wait_for_completion(c))
#define wait_for_completion_timeout(c, t) (P2PSIM_HERE(), wait_for_completion_timeout(c, t))

#endif
