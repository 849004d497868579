/* SPDX-License-Identifier: MIT */
/* Every allocation failed once in turn: -ENOMEM, nothing left behind, and the next try works. */
#include "notifier_mm.h"

#include <p2psim/inject.h>

#include "core/layer.h"

static int quiet_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
	return 0;
}

static struct mmu_notifier *quiet_alloc(struct mm_struct *mm)
{
	struct mmu_notifier *mn = kzalloc(sizeof(*mn), GFP_KERNEL);

	(void)mm;
	return mn ? mn : ERR_PTR(-ENOMEM);
}

static void quiet_free(struct mmu_notifier *mn)
{
	kfree(mn);
}

static const struct mmu_notifier_ops quiet_ops = {
	.invalidate_range_start = quiet_start,
	.alloc_notifier = quiet_alloc,
	.free_notifier = quiet_free,
};

struct life {
	struct mm_struct *mm;
	struct mmu_notifier mn;
	struct mirror m;
};

/* Each returns 0 or the error of the one call that it makes; the failed call has left nothing behind. */

static int life_insert(struct life *l)
{
	int error = mirror_insert(&l->m, l->mm, 4, 8);

	if (!error)
		mmu_interval_notifier_remove(&l->m.sub);
	return error;
}

static int life_insert_locked(struct life *l)
{
	int error;

	mutex_init(&l->m.lock);
	down_write(&l->mm->mmap_lock);
	error = mmu_interval_notifier_insert_locked(&l->m.sub, l->mm, 0, PAGES(1), &mirror_ops);
	up_write(&l->mm->mmap_lock);
	if (!error)
		mmu_interval_notifier_remove(&l->m.sub);
	return error;
}

static int life_register(struct life *l)
{
	int error;

	l->mn = (struct mmu_notifier){ .ops = &quiet_ops };
	error = mmu_notifier_register(&l->mn, l->mm);
	if (!error)
		mmu_notifier_unregister(&l->mn, l->mm);
	return error;
}

static int life_get(struct life *l)
{
	struct mmu_notifier *mn = mmu_notifier_get(&quiet_ops, l->mm);

	if (IS_ERR(mn))
		return (int)PTR_ERR(mn);
	mmu_notifier_put(mn);
	mmu_notifier_synchronize();
	return 0;
}

/* What must never need memory: once subscribed, an invalidation cannot fail. */
static int life_invalidate(struct life *l)
{
	struct p2psim_world *world = p2psim_world_current();
	int error = mirror_insert(&l->m, l->mm, 4, 8);
	uint64_t points = p2psim_inject_points(world);

	if (error)
		return error;
	invalidate_pages(l->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mirror_fault(&l->m);
	mmu_interval_notifier_remove(&l->m.sub);
	return p2psim_inject_points(world) == points ? 0 : -EIO;
}

/* Fails the n-th allocation of one life of an mm, for each n until there is no n-th; how many failed. */
static unsigned int fail_each(struct p2psim_world *world, int (*act)(struct life *))
{
	unsigned int n, wrong = 0, failed = 0;
	bool fired = true;

	for (n = 1; fired; n++) {
		struct life l = {};
		int error;

		p2psim_world_reset(world);
		l.mm = notifier_mm_create();
		p2psim_inject_fail_nth(world, n);
		error = act(&l);
		fired = p2psim_inject_fired(world, NULL);
		p2psim_inject_fail_nth(world, 0);
		wrong += error != (fired ? -ENOMEM : 0) || atomic_read(&l.mm->mm_count) != 1;
		wrong += act(&l) != 0;
		mmput(l.mm);
		wrong += p2psim_world_violation(world) || p2psim_world_check_quiescent(world);
		failed += fired;
	}
	assert_int_equal(wrong, 0);
	return failed;
}

static void test_insert_survives_every_failed_allocation(void **state)
{
	assert_int_equal(fail_each(*state, life_insert), 1);
	assert_int_equal(fail_each(*state, life_insert_locked), 1);
}

static void test_register_survives_every_failed_allocation(void **state)
{
	assert_int_equal(fail_each(*state, life_register), 1);
}

static void test_get_survives_every_failed_allocation(void **state)
{
	assert_int_equal(fail_each(*state, life_get), 2);
}

static void test_invalidate_read_and_remove_need_no_memory(void **state)
{
	assert_int_equal(fail_each(*state, life_invalidate), 1);
}

/* No room for the book: what cannot be known is not held against anybody, and the protocol works. */
static void test_a_full_arena_accuses_nobody(void **state)
{
	const struct p2psim_config config = { .arena_bytes = 4 << 20 };
	struct p2psim_world *world = p2psim_world_create(&config), *before = *state;
	struct mm_struct *mm = notifier_mm_create();
	struct mirror m;

	assert_int_equal(mirror_insert(&m, mm, 4, 8), 0);
	while (p2psim_arena_alloc(64))
		;
	invalidate_pages(mm, MMU_NOTIFY_CLEAR, 4, 5);
	mirror_fault(&m);
	assert_int_equal(m.calls, 1);
	assert_int_equal(p2psim_mm_invalidate_seq(mm), 4);
	mmu_interval_notifier_remove(&m.sub);
	mmput(mm);
	assert_null(p2psim_world_violation(world));
	assert_int_equal(p2psim_world_check_quiescent(world), 0);
	p2psim_world_destroy(world);
	p2psim_world_enter(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_insert_survives_every_failed_allocation),
		core_test(test_register_survives_every_failed_allocation),
		core_test(test_get_survives_every_failed_allocation),
		core_test(test_a_full_arena_accuses_nobody),
		core_test(test_invalidate_read_and_remove_need_no_memory),
	};

	return cmocka_run_group_tests_name("notifier/fail_nth", tests, NULL, NULL);
}
