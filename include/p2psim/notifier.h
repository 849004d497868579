/* SPDX-License-Identifier: MIT */
/*
 * What oracles and tests ask about the invalidations of an mm.  Nothing here takes a step or changes anything: a look
 * from outside, at the moment of the caller's last step.
 *
 * An invalidation *runs* from the return of start() to the call of end(): in between nobody may have, or install, an
 * entry of its range.  Between the call and the return of start() subscribers are being told one by one; an entry
 * that is installed then is dropped by the callback that follows, so that time does not count.
 */
#ifndef P2PSIM_NOTIFIER_H
#define P2PSIM_NOTIFIER_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct mm_struct;
struct mmu_notifier_range;

/* How many completed invalidations of an mm are remembered. */
#define P2PSIM_INVALIDATIONS_KEPT 64

/* One invalidation of the past: what, and at which steps of the execution. */
struct p2psim_invalidation {
	unsigned long start;
	unsigned long end;
	unsigned int event;	/* enum mmu_notifier_event */
	uint64_t step_begin;	/* start() was called */
	uint64_t step_told;	/* start() returned */
	uint64_t step_end;	/* end() was called */
};

/*
 * Does an invalidation run that overlaps [start, end)?
 * *last_completed_step (may be NULL): the step at which the last completed one that overlapped it ended; 0 = none among
 * those remembered.
 */
P2PSIM_EXPORT bool p2psim_mm_invalidating(struct mm_struct *mm, unsigned long start, unsigned long end,
					  uint64_t *last_completed_step);
/* The last completed invalidation that overlapped [start, end), if it is remembered. */
P2PSIM_EXPORT bool p2psim_mm_last_invalidation(struct mm_struct *mm, unsigned long start, unsigned long end,
					       struct p2psim_invalidation *last);
/* The steps of an invalidation under way, also from inside its callbacks; step_end is 0.  False: it is not. */
P2PSIM_EXPORT bool p2psim_invalidation_running(const struct mmu_notifier_range *range,
					       struct p2psim_invalidation *running);
/* How many invalidations of the mm are under way, from the call of start() to the call of end(). */
P2PSIM_EXPORT unsigned int p2psim_mm_active_invalidations(struct mm_struct *mm);
/* The sequence of the mm's interval notifiers; even = idle.  0: there never was one. */
P2PSIM_EXPORT unsigned long p2psim_mm_invalidate_seq(struct mm_struct *mm);
/* "UNMAP", "CLEAR", "PROT_VMA", ...  Never NULL. */
P2PSIM_EXPORT const char *p2psim_notifier_event_name(unsigned int event);

/*
 * The invariants N1, N2, N6, N7 of src/notifier/interval.c, and the interval tree's own, hold for all subscriptions
 * of mm.
 */
P2PSIM_EXPORT bool p2psim_notifier_is_valid(struct mm_struct *mm);

P2PSIM_END_DECLS

#endif
