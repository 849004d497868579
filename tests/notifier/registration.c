/* SPDX-License-Identifier: MIT */
/* The list's subscribers: how they come, how often they are released, and when their memory may go. */
#include "notifier_mm.h"

#include "notifier/internal.h"

struct listener {
	struct mmu_notifier mn;
	unsigned int starts, ends, releases;
	bool freed;
};

static struct listener *listener_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct listener, mn);
}

static int listener_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	listener_of(mn)->starts++;
	p2psim_step("listener:start");
	return 0;
}

static void listener_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	listener_of(mn)->ends++;
}

static void listener_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mm;
	listener_of(mn)->releases++;
}

static const struct mmu_notifier_ops listener_ops = {
	.release = listener_release,
	.invalidate_range_start = listener_start,
	.invalidate_range_end = listener_end,
};

static struct mmu_notifier *counted_alloc(struct mm_struct *mm)
{
	struct listener *l = kzalloc(sizeof(*l), GFP_KERNEL);

	(void)mm;
	return l ? &l->mn : ERR_PTR(-ENOMEM);
}

static void counted_free(struct mmu_notifier *mn)
{
	kfree(listener_of(mn));
}

static const struct mmu_notifier_ops counted_ops = {
	.release = listener_release,
	.invalidate_range_start = listener_start,
	.invalidate_range_end = listener_end,
	.alloc_notifier = counted_alloc,
	.free_notifier = counted_free,
};

static struct listener listener(void)
{
	return (struct listener){ .mn = { .ops = &listener_ops } };
}

static void test_register_keeps_the_struct_and_unregister_gives_it_back(void **state)
{
	struct notifier_test *t = *state;
	struct listener l = listener();

	assert_int_equal(mmu_notifier_register(&l.mn, t->mm), 0);
	assert_int_equal(atomic_read(&t->mm->mm_count), 2);
	assert_int_equal(atomic_read(&t->mm->mm_users), 1);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	assert_int_equal(l.starts, 1);
	assert_int_equal(l.ends, 1);
	mmu_notifier_unregister(&l.mn, t->mm);
	assert_int_equal(l.releases, 1);
	assert_int_equal(atomic_read(&t->mm->mm_count), 1);
}

/* 3.2: release at most once: the mm ended first, unregister does not call it again. */
static void test_release_is_called_once_when_the_mm_ends_first(void **state)
{
	struct notifier_test *t = *state;
	struct mm_struct *mm = notifier_mm_create();
	struct listener l = listener();

	(void)t;
	assert_int_equal(mmu_notifier_register(&l.mn, mm), 0);
	mmput(mm);
	assert_int_equal(l.releases, 1);
	assert_int_equal(l.starts, 0); /* off the list before the UNMAP of everything */
	mmu_notifier_unregister(&l.mn, mm);
	assert_int_equal(l.releases, 1);
	assert_true(p2psim_ptr_is_freed(mm));
}

static void test_a_pending_fatal_signal_makes_register_return_EINTR(void **state)
{
	struct notifier_test *t = *state;
	struct listener l = listener();

	p2psim_task_kill(current);
	assert_int_equal(mmu_notifier_register(&l.mn, t->mm), -EINTR);
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, 0, PAGES(1), &mirror_ops), -EINTR);
	assert_false(mm_has_notifiers(t->mm));
	assert_int_equal(atomic_read(&t->mm->mm_count), 1);
}

static void app_unmaps(void *arg)
{
	struct notifier_test *t = arg;

	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 8);
	t->done |= 1;
}

struct registering {
	struct notifier_test *t;
	struct listener l;
};

static void driver_registers(void *arg)
{
	struct registering *r = arg;

	P2PSIM_CHECK(mmu_notifier_register(&r->l.mn, r->t->mm) == 0);
	r->t->done |= 2;
}

static void driver_unregisters(void *arg)
{
	struct registering *r = arg;

	mmu_notifier_unregister(&r->l.mn, r->t->mm);
	r->t->done |= 4;
}

/* A newcomer must not hear the end of an invalidation whose start it did not hear. */
static void test_register_waits_for_the_invalidations_under_way(void **state)
{
	struct notifier_test *t = *state;
	struct registering r = { t, listener() };
	struct task_struct *app, *driver;

	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_registers, &r);
	assert_int_equal(p2psim_run_until(app, "app:change"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 3);
	assert_int_equal(r.l.starts + r.l.ends, 0);
	mmu_notifier_unregister(&r.l.mn, t->mm);
}

/* And an invalidation that begins while somebody registers waits until he is on the list. */
static void test_an_invalidation_waits_for_a_registration_under_way(void **state)
{
	struct notifier_test *t = *state;
	struct registering r = { t, listener() };
	struct task_struct *app, *driver;

	driver = p2psim_task_spawn("driver", driver_registers, &r);
	app = p2psim_task_spawn("app", app_unmaps, t);
	assert_int_equal(p2psim_run_until(driver, "notifier:hash"), 0);
	assert_int_equal(p2psim_run_alone(app), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(r.l.starts, 1);
	assert_int_equal(r.l.ends, 1);
	mmu_notifier_unregister(&r.l.mn, t->mm);
}

/*
 * After unregister() no callback runs: it waits for the one that does.
 *
 *	app				driver
 *	start: l.start() [running]
 *					unregister(): release(), off the list, waits
 *	... returns
 *					returns
 */
static void test_unregister_waits_for_the_callback_that_runs(void **state)
{
	struct notifier_test *t = *state;
	struct registering r = { t, listener() };
	struct task_struct *app, *driver;

	assert_int_equal(mmu_notifier_register(&r.l.mn, t->mm), 0);
	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_unregisters, &r);
	assert_int_equal(p2psim_run_until(app, "listener:start"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(t->done, 0);
	assert_int_equal(r.l.releases, 1);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 5);
	assert_int_equal(r.l.ends, 0); /* it was off the list by the end */
}

/* The walker stands on one that is taken off meanwhile; those behind it still hear. */
static void test_taking_one_off_loses_nobody_behind_it(void **state)
{
	struct notifier_test *t = *state;
	struct listener behind = listener();
	struct registering r = { t, listener() };
	struct task_struct *app, *driver;

	assert_int_equal(mmu_notifier_register(&behind.mn, t->mm), 0);
	assert_int_equal(mmu_notifier_register(&r.l.mn, t->mm), 0);
	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_unregisters, &r);
	assert_int_equal(p2psim_run_until(app, "listener:start"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(behind.starts, 1);
	assert_int_equal(behind.ends, 1);
	mmu_notifier_unregister(&behind.mn, t->mm);
}

static void test_get_makes_one_per_mm_and_ops_and_counts(void **state)
{
	struct notifier_test *t = *state;
	struct mm_struct *mm = notifier_mm_create();
	struct mmu_notifier *a = mmu_notifier_get(&counted_ops, t->mm), *b = mmu_notifier_get(&counted_ops, t->mm);
	struct mmu_notifier *c = mmu_notifier_get(&counted_ops, mm);

	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_equal(a->users, 2);
	assert_int_equal(atomic_read(&t->mm->mm_count), 2);
	mmu_notifier_put(a);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	assert_int_equal(listener_of(a)->starts, 1);
	mmu_notifier_put(a);
	mmu_notifier_put(c);
	mmu_notifier_synchronize();
	assert_true(p2psim_ptr_is_freed(a));
	mmput(mm);
}

static void test_get_says_EOVERFLOW_at_the_last_user(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier *a = mmu_notifier_get(&counted_ops, t->mm);

	a->users = UINT_MAX;
	assert_ptr_equal(mmu_notifier_get(&counted_ops, t->mm), ERR_PTR(-EOVERFLOW));
	a->users = 1;
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
}

/* The last put calls no release, and frees only after those who read the list are through. */
static void test_the_last_put_frees_after_a_grace_period_without_release(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier *a = mmu_notifier_get(&counted_ops, t->mm);
	struct task_struct *app = p2psim_task_spawn("app", app_unmaps, t);

	assert_int_equal(p2psim_run_until(app, "listener:start"), 0);
	mmu_notifier_put(a);
	assert_false(p2psim_ptr_is_freed(a));
	assert_int_equal(listener_of(a)->releases, 0);
	assert_int_equal(p2psim_run(), 0);
	mmu_notifier_synchronize();
	assert_true(p2psim_ptr_is_freed(a));
	assert_int_equal(atomic_read(&t->mm->mm_count), 1);
}

/* The mm ends before its last user puts: released by the end, freed by the put. */
static void test_put_after_the_end_of_the_mm(void **state)
{
	struct notifier_test *t = *state;
	struct mm_struct *mm = notifier_mm_create();
	struct mmu_notifier *a = mmu_notifier_get(&counted_ops, mm);

	(void)t;
	mmput(mm);
	assert_int_equal(listener_of(a)->releases, 1);
	mmu_notifier_put(a);
	mmu_notifier_synchronize();
	assert_true(p2psim_ptr_is_freed(a));
	assert_true(p2psim_ptr_is_freed(mm));
}

static struct mmu_notifier *refuse_alloc(struct mm_struct *mm)
{
	(void)mm;
	return ERR_PTR(-EBUSY);
}

static void test_get_passes_on_what_alloc_notifier_says(void **state)
{
	static const struct mmu_notifier_ops ops = { .alloc_notifier = refuse_alloc, .free_notifier = counted_free };
	struct notifier_test *t = *state;

	assert_ptr_equal(mmu_notifier_get(&ops, t->mm), ERR_PTR(-EBUSY));
	assert_false(mm_has_notifiers(t->mm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		notifier_test(test_register_keeps_the_struct_and_unregister_gives_it_back),
		notifier_test(test_release_is_called_once_when_the_mm_ends_first),
		notifier_test(test_a_pending_fatal_signal_makes_register_return_EINTR),
		notifier_test(test_register_waits_for_the_invalidations_under_way),
		notifier_test(test_an_invalidation_waits_for_a_registration_under_way),
		notifier_test(test_unregister_waits_for_the_callback_that_runs),
		notifier_test(test_taking_one_off_loses_nobody_behind_it),
		notifier_test(test_get_makes_one_per_mm_and_ops_and_counts),
		notifier_test(test_get_says_EOVERFLOW_at_the_last_user),
		notifier_test(test_the_last_put_frees_after_a_grace_period_without_release),
		notifier_test(test_put_after_the_end_of_the_mm),
		notifier_test(test_get_passes_on_what_alloc_notifier_says),
	};

	return cmocka_run_group_tests_name("notifier/registration", tests, NULL, NULL);
}
