/* SPDX-License-Identifier: MIT */
/*
 * An mm without VMAs, who announces, and a device that mirrors one interval of it: what the tests of the notifiers
 * need.
 */
#ifndef TESTS_NOTIFIER_MM_H
#define TESTS_NOTIFIER_MM_H

#include "core_world.h"

#include <errno.h>
#include <stdlib.h>

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/notifier.h>
#include <p2psim/task.h>

#define PAGES(n) ((unsigned long)(n) << PAGE_SHIFT)

/* As exit_mmap(): release, then everything is unmapped. */
static inline void notifier_mm_exit(struct mm_struct *mm)
{
	struct mmu_notifier_range range;

	mmu_notifier_release(mm);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, NULL, mm, 0, ULONG_MAX);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

static inline void notifier_mm_free(struct mm_struct *mm)
{
	mmu_notifier_subscriptions_destroy(mm);
	kfree(mm);
}

/* One user, one count; mmput() ends it.  NULL: out of memory. */
static inline struct mm_struct *notifier_mm_create(void)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	if (!mm)
		return NULL;
	p2psim_object_init(&mm->obj, "mm");
	init_rwsem(&mm->mmap_lock);
	mmu_notifier_subscriptions_init(mm);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->exit = notifier_mm_exit;
	mm->free = notifier_mm_free;
	return mm;
}

/* A device with a page-table entry for each of its interval's pages, all of them in one word. */
struct mirror {
	struct mutex lock;
	struct mmu_interval_notifier sub;
	struct mm_struct *mm;
	bool mapped;			/* lock */
	void *owner;			/* whose MIGRATE and EXCLUSIVE are its own */
	unsigned int calls, ignored, refused;
	enum mmu_notifier_event event;	/* of the last call */
	unsigned long cur_seq;
	bool blockable;
	unsigned int tries;		/* of mirror_fault() */
	char *order;			/* where its letter is noted at each call */
	char letter;
};

static inline bool mirror_is_own(const struct mirror *m, const struct mmu_notifier_range *range)
{
	return (range->event == MMU_NOTIFY_MIGRATE || range->event == MMU_NOTIFY_EXCLUSIVE) && m->owner &&
	       range->owner == m->owner;
}

static inline bool mirror_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
				     unsigned long cur_seq)
{
	struct mirror *m = container_of(sub, struct mirror, sub);

	if (mirror_is_own(m, range)) {
		m->ignored++;
		return true;
	}
	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&m->lock);
	} else if (!mutex_trylock(&m->lock)) {
		m->refused++;
		return false;
	}
	mmu_interval_set_seq(sub, cur_seq);
	m->mapped = false;
	m->calls++;
	m->event = range->event;
	m->cur_seq = cur_seq;
	m->blockable = mmu_notifier_range_blockable(range);
	if (m->order)
		*m->order++ = m->letter;
	mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = mirror_invalidate };

static inline int mirror_insert(struct mirror *m, struct mm_struct *mm, unsigned long first, unsigned long end)
{
	memset(m, 0, sizeof(*m));
	mutex_init(&m->lock);
	m->mm = mm;
	return mmu_interval_notifier_insert(&m->sub, mm, PAGES(first), PAGES(end - first), &mirror_ops);
}

/* The collision-retry loop. */
static inline void mirror_fault(struct mirror *m)
{
	unsigned long seq;

	for (;;) {
		m->tries++;
		seq = mmu_interval_read_begin(&m->sub);
		p2psim_step("mirror:read");
		mutex_lock(&m->lock);
		if (!mmu_interval_read_retry(&m->sub, seq))
			break;
		mutex_unlock(&m->lock);
	}
	m->mapped = true;
	mutex_unlock(&m->lock);
}

/* One look, as who holds the lock at this moment would have it. */
static inline bool mirror_retry(struct mirror *m, unsigned long seq)
{
	bool retry;

	mutex_lock(&m->lock);
	retry = mmu_interval_read_retry(&m->sub, seq);
	mutex_unlock(&m->lock);
	return retry;
}

/* [first, end) in pages. */
static inline void range_of(struct mmu_notifier_range *range, struct mm_struct *mm, enum mmu_notifier_event event,
			    unsigned long first, unsigned long end)
{
	mmu_notifier_range_init(range, event, 0, NULL, mm, PAGES(first), PAGES(end));
}

static inline void invalidate_pages(struct mm_struct *mm, enum mmu_notifier_event event, unsigned long first,
				    unsigned long end)
{
	struct mmu_notifier_range range;

	range_of(&range, mm, event, first, end);
	mmu_notifier_invalidate_range_start(&range);
	p2psim_step("app:change");
	mmu_notifier_invalidate_range_end(&range);
}

/* What a test of one mm and up to three mirrors stands on. */
struct notifier_test {
	struct p2psim_world *world;
	struct mm_struct *mm;
	struct mirror m, n, o;
	struct mmu_notifier_range range;
	unsigned long seq;
	unsigned int done;
};

static inline int notifier_setup(void **state)
{
	static const struct p2psim_config config = { .trace_events = 512 };
	struct notifier_test *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	t->world = p2psim_world_create(&config);
	p2psim_world_on_violation(t->world, core_quiet, NULL);
	t->mm = notifier_mm_create();
	*state = t;
	return t->mm ? 0 : -1;
}

/* The test has removed what it inserted; the mm goes, and nothing may be left. */
static inline int notifier_teardown(void **state)
{
	struct notifier_test *t = *state;
	int dirty;

	mmput(t->mm);
	dirty = p2psim_world_violation(t->world) || p2psim_world_check_quiescent(t->world);
	if (dirty)
		print_error("left over: %s: %s\n", p2psim_oracle_name(p2psim_world_violation(t->world)->oracle),
			    p2psim_world_violation(t->world)->sentence);
	p2psim_world_destroy(t->world);
	free(t);
	return dirty ? -1 : 0;
}

static inline int notifier_teardown_rubble(void **state)
{
	struct notifier_test *t = *state;

	p2psim_world_destroy(t->world);
	free(t);
	return 0;
}

#define notifier_test(f) cmocka_unit_test_setup_teardown(f, notifier_setup, notifier_teardown)
#define notifier_test_rubble(f) cmocka_unit_test_setup_teardown(f, notifier_setup, notifier_teardown_rubble)

#endif
