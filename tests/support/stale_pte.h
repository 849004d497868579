/* SPDX-License-Identifier: MIT */
/*
 * The smallest bug of this field, as state and tasks for scenarios about exploring itself: who faults holds what he has read
 * before the invalidation, and enters it after.
 *
 *	fault				inval
 *	v = page
 *					lock; pte = NONE; unlock
 *					page = 2
 *	lock; pte = v; unlock	<- stale
 */
#ifndef P2PSIM_TESTS_STALE_PTE_H
#define P2PSIM_TESTS_STALE_PTE_H

#include <p2psim/linux/mutex.h>
#include <p2psim/step.h>

struct page_and_pte {
	struct mutex lock;
	int page, pte;
	int other;		/* of who takes no part */
};

static inline int set_up_page(void *state)
{
	struct page_and_pte *s = state;

	mutex_init(&s->lock);
	s->page = 1;
	return 0;
}

static inline void inval(void *state)
{
	struct page_and_pte *s = state;

	mutex_lock(&s->lock);
	s->pte = 0;
	mutex_unlock(&s->lock);
	WRITE_ONCE(s->page, 2);
}

static inline void enters(struct page_and_pte *s, int page)
{
	mutex_lock(&s->lock);
	s->pte = page;
	mutex_unlock(&s->lock);
}

static inline bool is_stale(void *state)
{
	struct page_and_pte *s = state;

	return s->pte && s->pte != s->page;
}

#endif
