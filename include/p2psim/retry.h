/* SPDX-License-Identifier: MIT */
/*
 * Retry loops, and what it means that they get on.
 *
 *	struct p2psim_retry again;
 *
 *	p2psim_retry_begin(&again);
 *	for (;;) {
 *		seq = mmu_interval_read_begin(&sub);
 *		...
 *		mutex_lock(&update);
 *		if (!mmu_interval_read_retry(&sub, seq))
 *			break;
 *		mutex_unlock(&update);
 *		p2psim_retry(&again, seq);		the back edge
 *	}
 *
 * Three PROGRESS violations come of it:
 *
 *	unjustified	a round ends as the one before did, with the same `seq`, and nobody else has run, nor has time passed:
 *			the next one will end no other way
 *	livelock	everything is as it was at an earlier back edge, and every task that was ready in between has run: all of
 *			this can happen again, for ever, and no fair scheduler prevents it
 *	starvation	p2psim_spin_until() on the one CPU of a nonpreemptive world; and the watchdog there, see config
 *
 * "Everything" is the simulated memory, the clock, who can run, and where each task stands.  A loop that counts in
 * simulated memory, or allocates anew, is never again as it was: it is no livelock, but cut as too long when it is.
 *
 * The promise: what a round learned is gone at the back edge.  What survives it in locals, as a number of tries does, and
 * what it changes itself so that the next one may end otherwise, is part of `seq`.
 *
 * A back edge is no step: marked loops have the interleavings that unmarked ones have.
 */
#ifndef P2PSIM_RETRY_H
#define P2PSIM_RETRY_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

/* One run of one loop, on the stack of its task. */
struct p2psim_retry {
	uint64_t seq;			/* at the last back edge */
	uint64_t now, switches, effects; /* then; of the world, and of the task */
	uint32_t loop;			/* which of the task's */
	uint32_t rounds;
	unsigned int held;		/* locks, before the first round */
};

/* Before the first round. */
P2PSIM_EXPORT void p2psim_retry_begin(struct p2psim_retry *again);
/*
 * At the end of a round that has to be repeated.  `seq`: what the round was about and found changed, as the sequence that
 * mmu_interval_read_begin() gave, or the value that was not the expected one.
 * Context: any task.  Does not return when it ends a run with a violation from inside a task.
 */
P2PSIM_EXPORT void p2psim_retry(struct p2psim_retry *again, uint64_t seq);

/*
 * Spins until cond(arg) holds, on the CPU: one step, as p2psim_step_await().  In a nonpreemptive world nobody else gets the
 * CPU meanwhile, so that a condition that does not hold never will: PROGRESS.
 */
P2PSIM_EXPORT void p2psim_spin_until(struct p2psim_object *obj, bool (*cond)(void *arg), void *arg);

#define p2psim_retry(again, seq) (P2PSIM_HERE(), p2psim_retry((again), (seq)))
#define p2psim_spin_until(obj, cond, arg) (P2PSIM_HERE(), p2psim_spin_until((obj), (cond), (arg)))

P2PSIM_END_DECLS

#endif
