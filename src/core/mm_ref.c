/* SPDX-License-Identifier: MIT */
/*
 * The two counts of an mm.  The mm itself is two layers up: its end is called through the struct.
 */
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/workqueue.h>

#include "core/internal.h"

void mmgrab(struct mm_struct *mm)
{
	if (atomic_add_return(1, &mm->mm_count) <= 1)
		p2psim_violate(P2PSIM_UAF, 0, mm->obj.id, 0, "mmgrab() of an mm that is freed");
}

void mmdrop(struct mm_struct *mm)
{
	int left = atomic_add_return(-1, &mm->mm_count);

	if (left < 0)
		p2psim_violate(P2PSIM_BALANCE, 0, mm->obj.id, 0, "mmdrop() without mmgrab()");
	else if (!left)
		mm->free(mm);
}

void mmget(struct mm_struct *mm)
{
	if (atomic_add_return(1, &mm->mm_users) <= 1)
		p2psim_violate(P2PSIM_UAF, 0, mm->obj.id, 0, "mmget() of an address space that is gone");
}

bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

void mmput(struct mm_struct *mm)
{
	int left;

	(might_sleep)();
	left = atomic_add_return(-1, &mm->mm_users);
	if (left < 0) {
		p2psim_violate(P2PSIM_BALANCE, 0, mm->obj.id, 0, "mmput() without mmget()");
	} else if (!left) {
		mm->exit(mm);
		mmdrop(mm);
	}
}

struct async_put {
	struct work_struct work;
	struct mm_struct *mm;
};

static void put_later(struct work_struct *work)
{
	struct async_put *put = container_of(work, struct async_put, work);
	struct mm_struct *mm = put->mm;

	mm->exit(mm);
	mmdrop(mm);
}

void mmput_async(struct mm_struct *mm)
{
	struct async_put *put;

	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	put = p2psim_arena_alloc(sizeof(*put));
	if (!put) {
		p2psim_violate(P2PSIM_LEAK, 0, mm->obj.id, 0, "the arena is full: an address space is never torn down");
		return;
	}
	INIT_WORK(&put->work, put_later);
	put->mm = mm;
	schedule_work(&put->work);
}
