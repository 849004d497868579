/* SPDX-License-Identifier: MIT */
/* The collision-retry sequence: each row of its table, and the interleavings that it exists for (N1-N6, N9, N12). */
#include "notifier_mm.h"

#include "notifier/internal.h"

/* ---- start and end ---- */

/*
 *	pages	0   4   8   12
 *	m	    mmmm
 *	range	      ####
 */
static void test_a_start_that_touches_somebody_makes_the_sequence_odd_and_the_end_even(void **state)
{
	struct notifier_test *t = *state;

	assert_int_equal(mirror_insert(&t->m, t->mm, 4, 8), 0);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 2);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 6, 10);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 3);
	assert_int_equal(t->m.cur_seq, 3);
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* N12.  The range ends where m begins, and begins where n ends. */
static void test_a_start_that_touches_nobody_leaves_the_sequence_even(void **state)
{
	struct notifier_test *t = *state;

	assert_int_equal(mirror_insert(&t->m, t->mm, 8, 12), 0);
	assert_int_equal(mirror_insert(&t->n, t->mm, 0, 4), 0);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 8);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 2);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 2);
	assert_int_equal(t->m.calls + t->n.calls, 0);
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
}

/* N1: start(A) start(B) end(A) end(B): one odd sequence for all that overlap in time; even with the last. */
static void test_overlapping_invalidations_share_one_odd_sequence(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier_range other;

	mirror_insert(&t->m, t->mm, 0, 16);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 0, 4);
	range_of(&other, t->mm, MMU_NOTIFY_CLEAR, 8, 12);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_start(&other);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 3);
	assert_int_equal(t->m.cur_seq, 3);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 3);
	mmu_notifier_invalidate_range_end(&other);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	mmu_interval_notifier_remove(&t->m.sub);
}

/* N9.  Three intervals over page 10, inserted out of order. */
static void test_intervals_hear_in_ascending_order_of_their_start(void **state)
{
	struct notifier_test *t = *state;
	char order[4] = "";

	mirror_insert(&t->m, t->mm, 9, 20);
	mirror_insert(&t->n, t->mm, 2, 11);
	mirror_insert(&t->o, t->mm, 5, 30);
	t->m.letter = 'm';
	t->n.letter = 'n';
	t->o.letter = 'o';
	t->n.order = &order[0];
	t->o.order = &order[1];
	t->m.order = &order[2];
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 10, 11);
	assert_string_equal(order, "nom");
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
	mmu_interval_notifier_remove(&t->o.sub);
}

/* ---- set_seq, read_retry, check_retry ---- */

static void test_read_retry_tells_a_collision_and_only_a_collision(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;

	mirror_insert(&t->m, t->mm, 4, 8);
	seq = mmu_interval_read_begin(&t->m.sub);
	assert_int_equal(seq, 1);
	assert_false(mirror_retry(&t->m, seq));
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 4);
	assert_false(mirror_retry(&t->m, seq));
	assert_false(mmu_interval_check_retry(&t->m.sub, seq));
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 7, 8);
	assert_true(mmu_interval_check_retry(&t->m.sub, seq));
	assert_true(mirror_retry(&t->m, seq));
	mmu_interval_notifier_remove(&t->m.sub);
}

/*
 * T3, N5: a whole invalidation, and another, between two looks.  A flag would read "valid" again.
 *
 *	nic0				app
 *	read_begin()	= 1
 *	reads pages
 *					start [2->3] end [3->4]
 *					start [4->5] end [5->6]
 *	lock; read_retry(1) = true
 */
static void test_T3_two_whole_invalidations_between_two_looks_are_noticed(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;

	mirror_insert(&t->m, t->mm, 4, 8);
	seq = mmu_interval_read_begin(&t->m.sub);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 6);
	assert_true(mirror_retry(&t->m, seq));
	assert_int_equal(mmu_interval_read_begin(&t->m.sub), 5);
	assert_false(mirror_retry(&t->m, 5));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* N2: after each of many invalidations the subscription's sequence is odd, below the mm's, and has not gone down. */
static void test_a_subscriptions_sequence_is_odd_and_never_goes_down(void **state)
{
	struct notifier_test *t = *state;
	unsigned long before = 0;
	unsigned int i, wrong = 0;

	mirror_insert(&t->m, t->mm, 4, 8);
	for (i = 0; i < 50; i++) {
		invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, i % 8, i % 8 + 1);
		wrong += !(t->m.sub.invalidate_seq & 1) || t->m.sub.invalidate_seq < before;
		wrong += t->m.sub.invalidate_seq >= p2psim_mm_invalidate_seq(t->mm);
		wrong += !p2psim_notifier_is_valid(t->mm);
		before = t->m.sub.invalidate_seq;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(t->m.calls, 24);
	mmu_interval_notifier_remove(&t->m.sub);
}

/* The sequence wraps: ...fe, ...ff, 0.  What is compared is equality, and nobody who began before is fooled. */
static void test_the_sequence_wraps_harmlessly(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;

	mirror_insert(&t->m, t->mm, 4, 8);
	t->mm->notifier_subscriptions->invalidate_seq = ULONG_MAX - 1;
	mmu_interval_notifier_remove(&t->m.sub);
	mirror_insert(&t->m, t->mm, 4, 8);
	seq = mmu_interval_read_begin(&t->m.sub);
	assert_int_equal(seq, ULONG_MAX - 2);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 0);
	assert_true(mirror_retry(&t->m, seq));
	assert_int_equal(mmu_interval_read_begin(&t->m.sub), ULONG_MAX);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	assert_true(mirror_retry(&t->m, ULONG_MAX));
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* ---- read_begin waits ---- */

static void nic_begins(void *arg)
{
	struct notifier_test *t = arg;

	t->seq = mmu_interval_read_begin(&t->m.sub);
	t->done++;
}

/*
 * N3, (c) of the argument in interval.c:
 *
 *	app				nic0
 *	start [2->3], invalidate()
 *					read_begin(): sub.seq == seq, sleeps
 *	end [3->4], wakes
 *					= 3; nothing to retry
 */
static void test_read_begin_sleeps_until_the_invalidation_has_ended(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *nic;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 4, 8);
	mmu_notifier_invalidate_range_start(&t->range);
	nic = p2psim_task_spawn("nic0", nic_begins, t);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	assert_int_equal(t->done, 0);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->seq, 3);
	assert_false(mirror_retry(&t->m, t->seq));
	mmu_interval_notifier_remove(&t->m.sub);
}

/*
 * N3: start(A) start(B) end(A): the reader of A waits for B as well, though B does not touch it.
 *
 *	pages	0   4   8   12
 *	m	mmmm
 *	A	####
 *	B	        ####
 */
static void test_collateral_wait_for_a_range_that_does_not_touch_the_reader(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier_range other;
	struct task_struct *nic;

	mirror_insert(&t->m, t->mm, 0, 4);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 0, 4);
	range_of(&other, t->mm, MMU_NOTIFY_CLEAR, 8, 12);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_start(&other);
	mmu_notifier_invalidate_range_end(&t->range);
	nic = p2psim_task_spawn("nic0", nic_begins, t);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	mmu_notifier_invalidate_range_end(&other);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->done, 1);
	mmu_interval_notifier_remove(&t->m.sub);
}

/* A range that was touched before but not by the invalidation under way: nothing to wait for. */
static void test_a_reader_whom_no_running_invalidation_touches_does_not_wait(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *nic;

	mirror_insert(&t->m, t->mm, 0, 4);
	mirror_insert(&t->n, t->mm, 8, 12);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 8, 12);
	mmu_notifier_invalidate_range_start(&t->range);
	nic = p2psim_task_spawn("nic0", nic_begins, t);
	assert_int_equal(p2psim_run_alone(nic), 0);
	assert_int_equal(t->seq, 1);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_false(mirror_retry(&t->m, t->seq));
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
}

static void app_unmaps(void *arg)
{
	struct notifier_test *t = arg;

	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 8);
}

static void nic_faults(void *arg)
{
	struct notifier_test *t = arg;

	mirror_fault(&t->m);
	t->done++;
}

/*
 * (d) of the argument: the invalidation has begun, its callback has not run yet when the reader begins.
 *
 *	app				nic0
 *	start [2->3]
 *					read_begin() = 1, reads pages
 *	invalidate(): set_seq(3)
 *					lock; read_retry(1) = true -> again
 *					read_begin(): sleeps
 *	end [3->4]
 *					maps
 */
static void test_a_reader_that_begins_before_the_callback_retries(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *app, *nic;

	mirror_insert(&t->m, t->mm, 4, 8);
	app = p2psim_task_spawn("app", app_unmaps, t);
	nic = p2psim_task_spawn("nic0", nic_faults, t);
	assert_int_equal(p2psim_run_until(app, "notifier:invalidate"), 0);
	assert_int_equal(p2psim_run_until(nic, "mirror:read"), 0);
	assert_int_equal(p2psim_run_until(app, "notifier:end"), 0);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->m.tries, 2);
	assert_true(t->m.mapped);
	mmu_interval_notifier_remove(&t->m.sub);
}

/*
 * (b) of the argument: the reader comes to its lock first, installs, and the callback drops it.
 *
 *	nic0				app
 *	read_begin() = 1
 *					start [2->3]
 *	lock; read_retry(1) = false
 *	installs; unlock
 *					invalidate(): drops it
 */
static void test_what_is_installed_before_the_callback_is_dropped_by_it(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *app, *nic;

	mirror_insert(&t->m, t->mm, 4, 8);
	nic = p2psim_task_spawn("nic0", nic_faults, t);
	app = p2psim_task_spawn("app", app_unmaps, t);
	assert_int_equal(p2psim_run_until(nic, "mirror:read"), 0);
	assert_int_equal(p2psim_run_until(app, "notifier:invalidate"), 0);
	assert_int_equal(p2psim_run_alone(nic), 0);
	assert_true(t->m.mapped);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->m.tries, 1);
	assert_false(t->m.mapped);
	mmu_interval_notifier_remove(&t->m.sub);
}

/*
 * The wake-up comes between the reader's look at the sequence and its sleep: it is on the queue already, so it is
 * woken.
 */
static void test_a_wake_up_between_the_look_and_the_sleep_is_not_lost(void **state)
{
	struct notifier_test *t = *state;
	struct task_struct *nic;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 4, 8);
	mmu_notifier_invalidate_range_start(&t->range);
	nic = p2psim_task_spawn("nic0", nic_begins, t);
	assert_int_equal(p2psim_run_until(nic, "seq:wait"), 0);
	assert_int_equal(p2psim_run_until(nic, "sleep"), 0);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(p2psim_run_alone(nic), 0);
	assert_int_equal(t->done, 1);
	mmu_interval_notifier_remove(&t->m.sub);
}

/* 3.7: the driver's own MIGRATE restarts no reader, neither one who began before nor one who begins meanwhile. */
static void test_an_ignored_migrate_of_ones_own_restarts_no_reader(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;
	int mine;

	mirror_insert(&t->m, t->mm, 4, 8);
	t->m.owner = &mine;
	seq = mmu_interval_read_begin(&t->m.sub);
	mmu_notifier_range_init_owner(&t->range, MMU_NOTIFY_MIGRATE, 0, NULL, t->mm, PAGES(4), PAGES(5), &mine);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_int_equal(t->m.ignored, 1);
	assert_int_equal(p2psim_run_alone(p2psim_task_spawn("nic0", nic_begins, t)), 0);
	assert_int_equal(t->seq, seq);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_false(mirror_retry(&t->m, seq));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* 3.7: of another driver it is an invalidation like any other. */
static void test_a_migrate_of_somebody_elses_restarts_readers(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;
	int mine, other;

	mirror_insert(&t->m, t->mm, 4, 8);
	t->m.owner = &mine;
	seq = mmu_interval_read_begin(&t->m.sub);
	mmu_notifier_range_init_owner(&t->range, MMU_NOTIFY_MIGRATE, 0, NULL, t->mm, PAGES(4), PAGES(5), &other);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(t->m.ignored, 0);
	assert_true(mirror_retry(&t->m, seq));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* 3.7: `owner` of any other event says nothing; a driver that looks at it first must not find itself there. */
static void test_owner_of_other_events_is_nobody(void **state)
{
	struct notifier_test *t = *state;

	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_ptr_equal(t->range.owner, P2PSIM_NOTIFIER_NO_OWNER);
	assert_non_null(t->range.owner);
	assert_string_equal(p2psim_notifier_event_name(MMU_NOTIFY_PROTECTION_VMA), "PROT_VMA");
	assert_string_equal(p2psim_notifier_event_name(99), "?");
}

/* 3.7: EXCLUSIVE with owner NULL is the CPU that takes the page back: nobody may ignore it. */
static void test_an_exclusive_without_owner_revokes(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;
	int mine;

	mirror_insert(&t->m, t->mm, 4, 8);
	t->m.owner = &mine;
	seq = mmu_interval_read_begin(&t->m.sub);
	mmu_notifier_range_init_owner(&t->range, MMU_NOTIFY_EXCLUSIVE, 0, NULL, t->mm, PAGES(4), PAGES(5), NULL);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(t->m.event, MMU_NOTIFY_EXCLUSIVE);
	assert_true(mirror_retry(&t->m, seq));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* What oracles ask: running from the return of start to the call of end; then in the past, with its steps. */
static void test_the_book_tells_what_runs_and_what_ended(void **state)
{
	struct notifier_test *t = *state;
	struct p2psim_invalidation what;
	uint64_t ended;

	mirror_insert(&t->m, t->mm, 4, 8);
	assert_false(p2psim_mm_invalidating(t->mm, PAGES(4), PAGES(5), &ended));
	assert_int_equal(ended, 0);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 6);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_true(p2psim_mm_invalidating(t->mm, PAGES(5), PAGES(9), NULL));
	assert_false(p2psim_mm_invalidating(t->mm, PAGES(6), PAGES(9), NULL));
	assert_true(p2psim_invalidation_running(&t->range, &what));
	mmu_notifier_invalidate_range_end(&t->range);
	assert_false(p2psim_mm_invalidating(t->mm, PAGES(5), PAGES(9), &ended));
	assert_true(what.step_begin && what.step_begin <= what.step_told && what.step_told < ended);
	assert_true(p2psim_mm_last_invalidation(t->mm, 0, PAGES(5), &what));
	mmu_interval_notifier_remove(&t->m.sub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		notifier_test(test_a_start_that_touches_somebody_makes_the_sequence_odd_and_the_end_even),
		notifier_test(test_a_start_that_touches_nobody_leaves_the_sequence_even),
		notifier_test(test_overlapping_invalidations_share_one_odd_sequence),
		notifier_test(test_intervals_hear_in_ascending_order_of_their_start),
		notifier_test(test_read_retry_tells_a_collision_and_only_a_collision),
		notifier_test(test_T3_two_whole_invalidations_between_two_looks_are_noticed),
		notifier_test(test_a_subscriptions_sequence_is_odd_and_never_goes_down),
		notifier_test(test_the_sequence_wraps_harmlessly),
		notifier_test(test_read_begin_sleeps_until_the_invalidation_has_ended),
		notifier_test(test_collateral_wait_for_a_range_that_does_not_touch_the_reader),
		notifier_test(test_a_reader_whom_no_running_invalidation_touches_does_not_wait),
		notifier_test(test_a_reader_that_begins_before_the_callback_retries),
		notifier_test(test_what_is_installed_before_the_callback_is_dropped_by_it),
		notifier_test(test_a_wake_up_between_the_look_and_the_sleep_is_not_lost),
		notifier_test(test_an_ignored_migrate_of_ones_own_restarts_no_reader),
		notifier_test(test_a_migrate_of_somebody_elses_restarts_readers),
		notifier_test(test_owner_of_other_events_is_nobody),
		notifier_test(test_an_exclusive_without_owner_revokes),
		notifier_test(test_the_book_tells_what_runs_and_what_ended),
	};

	return cmocka_run_group_tests_name("notifier/sequence", tests, NULL, NULL);
}
