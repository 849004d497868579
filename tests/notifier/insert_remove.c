/* SPDX-License-Identifier: MIT */
/* Inserting and removing interval notifiers in each state of the mm: the deferred list and who waits for it (N6-N8). */
#include "notifier_mm.h"

#include "notifier/internal.h"

static void start_on(struct notifier_test *t, unsigned long first, unsigned long end)
{
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, first, end);
	mmu_notifier_invalidate_range_start(&t->range);
}

static void end_of(struct notifier_test *t)
{
	mmu_notifier_invalidate_range_end(&t->range);
}

static void test_insert_refuses_an_empty_and_an_endless_interval(void **state)
{
	struct notifier_test *t = *state;

	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, PAGES(1), 0, &mirror_ops), -EOVERFLOW);
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, PAGES(1), ULONG_MAX, &mirror_ops), -EOVERFLOW);
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, 1, ULONG_MAX, &mirror_ops), 0);
	mmu_interval_notifier_remove(&t->m.sub);
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, 0, ULONG_MAX, &mirror_ops), 0);
	assert_int_equal(t->m.sub.interval_tree.last, ULONG_MAX - 1);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_insert_locked_is_for_who_holds_mmap_lock(void **state)
{
	struct notifier_test *t = *state;

	mutex_init(&t->m.lock);
	down_write(&t->mm->mmap_lock);
	assert_int_equal(mmu_interval_notifier_insert_locked(&t->m.sub, t->mm, 0, PAGES(4), &mirror_ops), 0);
	up_write(&t->mm->mmap_lock);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 3, 4);
	assert_int_equal(t->m.calls, 1);
	mmu_interval_notifier_remove(&t->m.sub);
	assert_null(p2psim_world_violation(t->world));
	assert_int_equal(mmu_interval_notifier_insert_locked(&t->m.sub, t->mm, 0, PAGES(4), &mirror_ops), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "without mmap_lock held for writing");
	mmu_interval_notifier_remove(&t->m.sub);
}

/* Row (0, even): sub.seq = seq - 1, in the tree at once. */
static void test_insert_at_rest_goes_into_the_tree_with_the_sequence_before(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	assert_int_equal(t->m.sub.invalidate_seq, 1);
	assert_int_equal(t->m.sub.state, NOTIFIER_INSERTED);
	assert_int_equal(atomic_read(&t->mm->mm_count), 2);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mirror_insert(&t->n, t->mm, 4, 8);
	assert_int_equal(t->n.sub.invalidate_seq, 3);
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
	assert_int_equal(atomic_read(&t->mm->mm_count), 1);
}

static void nic_begins(void *arg)
{
	struct notifier_test *t = arg;

	t->seq = mmu_interval_read_begin(&t->n.sub);
	t->done++;
}

/*
 * T4, row (n, even): the invalidation under way touched nobody, the newcomer makes seq odd and counts as invalidated.
 *
 *	pages	0   4   8
 *	m	mmmm			inserted before
 *	range	    ####		start [2]
 *	n	    nnnn		insert [2->3]
 */
static void test_T4_insert_during_an_untouching_invalidation_makes_readers_wait_for_its_end(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *nic;

	mirror_insert(&t->m, t->mm, 0, 4);
	start_on(t, 4, 8);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 2);
	assert_int_equal(mirror_insert(&t->n, t->mm, 4, 8), 0);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 3);
	assert_int_equal(t->n.sub.invalidate_seq, 3);
	assert_int_equal(t->n.sub.state, NOTIFIER_INSERTED);
	nic = p2psim_task_spawn("nic0", nic_begins, t);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	end_of(t);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->n.calls, 0);
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
}

/* Row (n, odd), N6: the insert is deferred to the end; no callback for what is under way or begins meanwhile. */
static void test_insert_during_a_touching_invalidation_is_deferred_to_its_end(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier_range meanwhile;

	mirror_insert(&t->m, t->mm, 0, 8);
	start_on(t, 4, 8);
	assert_int_equal(mirror_insert(&t->n, t->mm, 4, 8), 0);
	assert_int_equal(t->n.sub.state, NOTIFIER_INSERTING);
	assert_int_equal(t->n.sub.invalidate_seq, 3);
	range_of(&meanwhile, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&meanwhile);
	mmu_notifier_invalidate_range_end(&meanwhile);
	assert_int_equal(t->n.calls, 0);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("nic0", nic_begins, t)), -EAGAIN);
	end_of(t);
	assert_int_equal(t->n.sub.state, NOTIFIER_INSERTED);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	assert_int_equal(t->n.calls, 1);
	p2psim_run();
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
}

static void driver_removes(void *arg)
{
	struct notifier_test *t = arg;

	mmu_interval_notifier_remove(&t->m.sub);
	p2psim_step("driver:removed");
	t->done++;
}

static void driver_removes_n(void *arg)
{
	struct notifier_test *t = arg;

	mmu_interval_notifier_remove(&t->n.sub);
	t->done++;
}

/* Row (n, even): an invalidation is under way and touches nobody: remove takes it out at once. */
static void test_remove_while_nobody_is_touched_does_not_wait(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 0, 4);
	start_on(t, 8, 12);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("driver", driver_removes, t)), 0);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->m.sub.state, NOTIFIER_GONE);
	end_of(t);
}

/* Row (n, odd): what is still on the deferred list is dropped from it; nobody waits. */
static void test_remove_of_a_deferred_insert_drops_it_without_waiting(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 0, 8);
	start_on(t, 4, 8);
	mirror_insert(&t->n, t->mm, 4, 8);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("driver", driver_removes_n, t)), 0);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->n.sub.state, NOTIFIER_GONE);
	assert_true(p2psim_notifier_is_valid(t->mm));
	end_of(t);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	assert_int_equal(t->n.calls, 0);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void app_unmaps(void *arg)
{
	struct notifier_test *t = arg;

	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 8);
}

/*
 * T5, N8: remove while the callback runs: deferred, waits for the end.
 *
 *	app				driver
 *	start [2->3]
 *	  m.invalidate()
 *					remove(): deferred, waits
 *	end [3->4]: out of the tree, wakes
 *					returns; no callback any more
 */
static void test_T5_remove_during_an_invalidation_waits_for_its_end(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *app, *driver;

	mirror_insert(&t->m, t->mm, 4, 8);
	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_removes, t);
	assert_int_equal(p2psim_run_until(app, "seq:set_seq"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(t->m.sub.state, NOTIFIER_REMOVING);
	assert_int_equal(p2psim_run_until(app, "notifier:end"), 0);
	assert_int_equal(t->m.calls, 1);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->m.sub.state, NOTIFIER_GONE);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 8);
	assert_int_equal(t->m.calls, 1);
}

/* A deferred remove still hears of what begins meanwhile: it is in the tree until seq is even. */
static void test_a_deferred_remove_still_hears_of_what_begins_meanwhile(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 0, 8);
	start_on(t, 4, 8);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("driver", driver_removes, t)), -EAGAIN);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	assert_int_equal(t->m.calls, 2);
	end_of(t);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 1);
}

/*
 * N7, the shape of B14: seq is even already, the list is not done yet.  The remover must not get through, wherever it
 * stands: it would free what is still on the list.
 *
 *	app				driver
 *	end: lock
 *	  seq++		[3->4]
 *					looks at seq: must not see 4
 *	  takes m off the list
 *	unlock, wakes
 *					returns, frees m
 */
static void test_B14_a_remover_does_not_see_the_even_sequence_before_the_deferred_list_is_done(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *app, *driver;

	mirror_insert(&t->m, t->mm, 4, 8);
	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_removes, t);
	assert_int_equal(p2psim_run_until(app, "notifier:end"), 0);
	assert_int_equal(p2psim_run_until(driver, "seq:wait"), 0);
	assert_int_equal(p2psim_run_until(app, "notifier:deferred"), 0);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	assert_int_equal(t->m.sub.state, NOTIFIER_REMOVING);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(t->done, 0);
	assert_int_equal(p2psim_run_until(driver, "driver:removed"), 0);
	assert_int_equal(t->m.sub.state, NOTIFIER_GONE);
	assert_int_equal(p2psim_run(), 0);
}

/* N7: the same with the remover asleep: it is woken only after the list is done. */
static void test_B14_a_sleeping_remover_is_woken_after_the_deferred_list_is_done(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *app, *driver;

	mirror_insert(&t->m, t->mm, 4, 8);
	app = p2psim_task_spawn("app", app_unmaps, t);
	driver = p2psim_task_spawn("driver", driver_removes, t);
	assert_int_equal(p2psim_run_until(app, "notifier:end"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(p2psim_run_until(app, "notifier:deferred"), 0);
	assert_int_equal(p2psim_run_alone(driver), -EAGAIN);
	assert_int_equal(p2psim_run_until(app, "notifier:list"), 0);
	assert_int_equal(p2psim_run_alone(driver), 0);
	assert_int_equal(t->m.sub.state, NOTIFIER_GONE);
	assert_int_equal(p2psim_run(), 0);
}

/* N8: the object may be freed as soon as remove() returns, and the next invalidation does not miss it. */
static void test_a_removed_subscription_may_be_freed_at_once(void **state)
{
	struct notifier_test *t = *state;
	struct mirror *m = kzalloc(sizeof(*m), GFP_KERNEL);

	assert_int_equal(mirror_insert(m, t->mm, 4, 8), 0);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 8);
	mmu_interval_notifier_remove(&m->sub);
	kfree(m);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 8);
	assert_null(p2psim_world_violation(t->world));
}

/* A subscription keeps the struct (mm_count), not the address space (mm_users). */
static void test_T7_the_end_of_the_mm_is_a_release_and_then_an_unmap(void **state)
{
	struct notifier_test *t = *state;
	struct mm_struct *mm = notifier_mm_create();

	mirror_insert(&t->m, mm, 4, 8);
	mirror_insert(&t->n, mm, 100, 200);
	mmput(mm);
	assert_int_equal(t->m.event, MMU_NOTIFY_UNMAP);
	assert_int_equal(t->m.calls, 2);
	assert_int_equal(t->n.calls, 2);
	assert_int_equal(p2psim_mm_invalidate_seq(mm), 6);
	assert_false(mmget_not_zero(mm));
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
	assert_true(p2psim_ptr_is_freed(mm));
}

/* RELEASE goes by the same protocol: odd while it runs, readers wait, [0, ULONG_MAX), blockable. */
static void app_exits(void *arg)
{
	mmput(arg);
}

static void test_release_goes_by_the_same_protocol(void **state)
{
	struct notifier_test *t = *state;
	struct mm_struct *mm = notifier_mm_create();
	struct task_struct *app;

	mirror_insert(&t->n, mm, 4, 8);
	app = p2psim_task_spawn("app", app_exits, mm);
	assert_int_equal(p2psim_run_until(app, "notifier:invalidate-done"), 0);
	assert_int_equal(t->n.event, MMU_NOTIFY_RELEASE);
	assert_true(t->n.blockable);
	assert_int_equal(t->n.cur_seq, 3);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("nic0", nic_begins, t)), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 1);
	mmu_interval_notifier_remove(&t->n.sub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		notifier_test(test_insert_refuses_an_empty_and_an_endless_interval),
		notifier_test(test_insert_locked_is_for_who_holds_mmap_lock),
		notifier_test(test_insert_at_rest_goes_into_the_tree_with_the_sequence_before),
		notifier_test(test_T4_insert_during_an_untouching_invalidation_makes_readers_wait_for_its_end),
		notifier_test(test_insert_during_a_touching_invalidation_is_deferred_to_its_end),
		notifier_test(test_remove_while_nobody_is_touched_does_not_wait),
		notifier_test(test_remove_of_a_deferred_insert_drops_it_without_waiting),
		notifier_test(test_T5_remove_during_an_invalidation_waits_for_its_end),
		notifier_test(test_a_deferred_remove_still_hears_of_what_begins_meanwhile),
		notifier_test(test_B14_a_remover_does_not_see_the_even_sequence_before_the_deferred_list_is_done),
		notifier_test(test_B14_a_sleeping_remover_is_woken_after_the_deferred_list_is_done),
		notifier_test(test_a_removed_subscription_may_be_freed_at_once),
		notifier_test(test_T7_the_end_of_the_mm_is_a_release_and_then_an_unmap),
		notifier_test(test_release_goes_by_the_same_protocol),
	};

	return cmocka_run_group_tests_name("notifier/insert_remove", tests, NULL, NULL);
}
