/* SPDX-License-Identifier: MIT */
/*
 * CR(N), one invalidation against N faults; each line is one step:
 *
 *	inval				fault x N
 *	lock L				again: await seq even; s = seq
 *	seq++				v = page
 *	pte = NONE			lock L
 *	unlock L			if seq != s: unlock L, again
 *	page = 2			pte = v
 *	lock L				unlock L
 *	seq++
 *	unlock L			at the end: pte == NONE or pte == page
 */
#ifndef TESTS_CR_H
#define TESTS_CR_H

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/wait.h>
#include <p2psim/retry.h>
#include <p2psim/step.h>

struct cr {
	struct mutex lock;
	struct p2psim_object seq_obj, page_obj, pte_obj;
	int seq, page, pte;
	wait_queue_head_t wq;		/* of the version that sleeps and is woken */
};

static inline int cr_setup(void *state)
{
	struct cr *cr = state;

	mutex_init(&cr->lock);
	init_waitqueue_head(&cr->wq);
	p2psim_object_init(&cr->seq_obj, "seq");
	p2psim_object_init(&cr->page_obj, "page");
	p2psim_object_init(&cr->pte_obj, "pte");
	cr->page = 1;
	return 0;
}

static inline void rd(struct p2psim_object *obj)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(obj), false, NULL);
}

static inline void wr(struct p2psim_object *obj)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(obj), true, NULL);
}

static inline void cr_inval(void *state)
{
	struct cr *cr = state;

	mutex_lock(&cr->lock);
	wr(&cr->seq_obj);
	cr->seq++;
	wr(&cr->pte_obj);
	cr->pte = 0;
	mutex_unlock(&cr->lock);
	wr(&cr->page_obj);
	cr->page = 2;
	mutex_lock(&cr->lock);
	wr(&cr->seq_obj);
	cr->seq++;
	mutex_unlock(&cr->lock);
}

static inline bool seq_is_even(void *state)
{
	return !(((struct cr *)state)->seq & 1);
}

/* In one step. */
static inline void cr_await(struct cr *cr)
{
	p2psim_step_await(&cr->seq_obj, seq_is_even, cr);
}

static inline bool cr_looks_even(struct cr *cr)
{
	rd(&cr->seq_obj);
	return seq_is_even(cr);
}

/* As a kernel does: on the queue, a look, asleep until woken, a look again. */
static inline void cr_sleep(struct cr *cr)
{
	wait_event(cr->wq, cr_looks_even(cr));
}

static inline void cr_fault_checking(struct cr *cr, bool check, void (*await_even)(struct cr *cr))
{
	struct p2psim_retry again;
	int seq, page;

	p2psim_retry_begin(&again);
	for (;;) {
		await_even(cr);
		seq = cr->seq;
		rd(&cr->page_obj);
		page = cr->page;
		mutex_lock(&cr->lock);
		if (!check)
			break;
		rd(&cr->seq_obj);
		if (cr->seq == seq)
			break;
		mutex_unlock(&cr->lock);
		p2psim_retry(&again, (uint64_t)seq);
	}
	wr(&cr->pte_obj);
	cr->pte = page;
	mutex_unlock(&cr->lock);
}

static inline void cr_fault(void *state)
{
	cr_fault_checking(state, true, cr_await);
}

static inline void cr_fault_unchecked(void *state)
{
	cr_fault_checking(state, false, cr_await);
}

static inline void cr_fault_sleeping(void *state)
{
	cr_fault_checking(state, true, cr_sleep);
}

static inline void cr_inval_waking(void *state)
{
	cr_inval(state);
	wake_up_all(&((struct cr *)state)->wq);
}

/* The wake-up comes before what is waited for. */
static inline void cr_inval_waking_early(void *state)
{
	wake_up_all(&((struct cr *)state)->wq);
	cr_inval(state);
}

static inline bool cr_stale(void *state)
{
	struct cr *cr = state;

	return cr->pte && cr->pte != cr->page;
}

#endif
