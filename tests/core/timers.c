/* SPDX-License-Identifier: MIT */
/* Timers and delayed work: the order and the time at which they come, and the waits for their ends. */
#include "core_world.h"

#include <stdio.h>

#include <p2psim/linux/completion.h>
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/timer.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/task.h>

struct bench {
	struct timer_list timer[3];
	struct delayed_work dwork;
	struct completion done;
	char said[64];
	bool again, sleeps;
};

static struct bench b;

static void say(const char *what)
{
	size_t at = strlen(b.said);

	snprintf(b.said + at, sizeof(b.said) - at, "%s@%lu ", what, jiffies);
}

static void fired(struct timer_list *timer)
{
	static const char *const names[] = { "a", "b", "c" };
	struct mutex lock;

	say(names[timer - b.timer]);
	if (b.again) {
		b.again = false;
		mod_timer(timer, jiffies + 5);
	}
	if (b.sleeps) {
		mutex_init(&lock);
		mutex_lock(&lock);
		mutex_unlock(&lock);
	}
	if (timer == &b.timer[2])
		complete(&b.done);
}

static void worked(struct work_struct *work)
{
	say("work");
	assert_ptr_equal(to_delayed_work(work), &b.dwork);
	complete(&b.done);
}

static int setup(void **state)
{
	int i, ret = core_setup(state);

	memset(&b, 0, sizeof(b));
	for (i = 0; i < 3; i++)
		timer_setup(&b.timer[i], fired, 0);
	INIT_DELAYED_WORK(&b.dwork, worked);
	init_completion(&b.done);
	return ret;
}

static void test_timers_fire_in_their_order_and_in_time(void **state)
{
	(void)state;
	assert_int_equal(mod_timer(&b.timer[2], 30), 0);
	mod_timer(&b.timer[1], 20);
	mod_timer(&b.timer[0], 50);
	assert_int_equal(mod_timer(&b.timer[0], 10), 1);
	assert_true(timer_pending(&b.timer[0]));
	wait_for_completion(&b.done);
	assert_string_equal(b.said, "a@10 b@20 c@30 ");
	assert_false(timer_pending(&b.timer[0]));
}

static void test_a_timer_that_is_deleted_stays_away(void **state)
{
	(void)state;
	mod_timer(&b.timer[0], 10);
	mod_timer(&b.timer[2], 20);
	assert_int_equal(del_timer_sync(&b.timer[0]), 1);
	assert_int_equal(del_timer(&b.timer[0]), 0);
	wait_for_completion(&b.done);
	assert_string_equal(b.said, "c@20 ");
}

static void test_a_timer_may_set_itself_again(void **state)
{
	(void)state;
	b.again = true;
	mod_timer(&b.timer[2], 10);
	wait_for_completion(&b.done);
	wait_for_completion(&b.done);
	assert_string_equal(b.said, "c@10 c@15 ");
}

static void test_a_timers_function_must_not_sleep(void **state)
{
	b.sleeps = true;
	mod_timer(&b.timer[2], 10);
	wait_for_completion(&b.done);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "a timer's function");
}

static void test_a_timer_that_runs_is_not_added(void **state)
{
	b.timer[0].expires = 10;
	add_timer(&b.timer[0]);
	add_timer(&b.timer[0]);
	assert_violation(*state, P2PSIM_CONTRACT, "which runs already");
	del_timer(&b.timer[0]);
}

static void test_work_comes_after_its_delay(void **state)
{
	(void)state;
	assert_true(schedule_delayed_work(&b.dwork, 40));
	assert_false(schedule_delayed_work(&b.dwork, 10));
	assert_true(mod_delayed_work(system_wq, &b.dwork, 7));
	wait_for_completion(&b.done);
	assert_string_equal(b.said, "work@7 ");
	schedule_delayed_work(&b.dwork, 10);
	assert_true(cancel_delayed_work_sync(&b.dwork));
	assert_false(cancel_delayed_work(&b.dwork));
	schedule_delayed_work(&b.dwork, 1000);
	assert_true(flush_delayed_work(&b.dwork));
	assert_string_equal(b.said, "work@7 work@7 ");
}

static int waits_for_ever(void *data)
{
	wait_for_completion(&b.done);
	return 0;
}

/* A daemon that has nothing to wait for does not hide that others wait for ever. */
static void test_a_deadlock_is_one_with_timers_too(void **state)
{
	mod_timer(&b.timer[0], 10);
	kthread_run(waits_for_ever, NULL, "waiter");
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(*state, P2PSIM_DEADLOCK, "waiter waits for");
}

#define timer_test(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		timer_test(test_timers_fire_in_their_order_and_in_time),
		timer_test(test_a_timer_that_is_deleted_stays_away),
		timer_test(test_a_timer_may_set_itself_again),
		timer_test(test_a_timers_function_must_not_sleep),
		timer_test(test_a_timer_that_runs_is_not_added),
		timer_test(test_work_comes_after_its_delay),
		cmocka_unit_test_setup_teardown(test_a_deadlock_is_one_with_timers_too, setup, core_teardown_rubble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
