/* SPDX-License-Identifier: MIT */
/*
 * mm_struct: made with one user (the process), torn down by the last mmput(), freed by the last mmdrop().
 */
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/step.h>

#include "vma/internal.h"
#include "vma/vma_map_internal.h"

static void mm_free(struct mm_struct *mm)
{
	p2psim_vma_map_mm_exit(mm);
	mmu_notifier_subscriptions_destroy(mm);
	if (mm->rss_anon || mm->rss_file || mm->rss_shmem)
		p2psim_violate(P2PSIM_BALANCE, 0, mm->obj.id, 0, "%s is freed with %ld anonymous and %ld file pages counted",
			       mm->comm, mm->rss_anon, mm->rss_file + mm->rss_shmem);
	kfree(mm);
}

struct mm_struct *mm_alloc(const char *name)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	if (!mm)
		return NULL;
	snprintf(mm->comm, sizeof(mm->comm), "%s", name);
	p2psim_object_init(&mm->obj, "mm");
	p2psim_object_rename(&mm->obj, "%s.mm", name);
	p2psim_object_init(&mm->vmas_obj, "vmas");
	p2psim_object_rename(&mm->vmas_obj, "%s.vmas", name);
	spin_lock_init(&mm->page_table_lock);
	mmap_init_lock(mm);
	p2psim_object_rename(&mm->mmap_lock.lock.obj, "%s.mmap_lock", name);
	mm->mm_users.counter = 1;
	mm->mm_count.counter = 1;
	memset(mm->limits, 0xff, sizeof(mm->limits)); /* P2PSIM_UNLIMITED */
	mm->limits[P2PSIM_LIMIT_STACK] = 8UL << 20;
	mm->exit = exit_mmap;
	mm->free = mm_free;
	mmu_notifier_subscriptions_init(mm);
	p2psim_vma_map_mm_init(mm);
	return mm;
}
