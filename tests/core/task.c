/* SPDX-License-Identifier: MIT */
/* Tasks: who runs when, directed stops, ends. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/step.h>
#include <p2psim/task.h>

struct log {
	char text[64];
	struct mutex lock;
};

static void say(struct log *log, char c)
{
	size_t n = strlen(log->text);

	log->text[n] = c;
	log->text[n + 1] = '\0';
}

static void two_steps(void *arg)
{
	say(arg, 'a');
	p2psim_step("first");
	say(arg, 'b');
	p2psim_step("second");
	say(arg, 'c');
}

static void test_a_new_task_runs_to_its_first_step_and_waits(void **state)
{
	struct log log = {};
	struct task_struct *task;

	(void)state;
	task = p2psim_task_spawn("t", two_steps, &log);
	assert_string_equal(log.text, "a");
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(log.text, "abc");
	assert_true(p2psim_task_done(task));
}

static void test_the_default_policy_continues_then_takes_the_lowest(void **state)
{
	struct log log = {};

	(void)state;
	p2psim_task_spawn("t1", two_steps, &log);
	p2psim_task_spawn("t2", two_steps, &log);
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(log.text, "aabcbc");
}

static void test_a_directed_stop_stands_before_the_labelled_step(void **state)
{
	struct log log = {};
	struct task_struct *t1 = p2psim_task_spawn("t1", two_steps, &log);

	(void)state;
	assert_int_equal(p2psim_run_until(t1, "second"), 0);
	assert_string_equal(log.text, "ab");
	assert_int_equal(p2psim_run_until(t1, "second"), 0);
	assert_int_equal(p2psim_run_until(t1, "third"), -ENOENT);
	assert_string_equal(log.text, "abc");
}

static void takes_the_lock(void *arg)
{
	struct log *log = arg;

	mutex_lock(&log->lock);
	say(log, 'L');
	mutex_unlock(&log->lock);
}

static void test_a_blocked_task_is_reported_as_such_by_run_alone(void **state)
{
	struct log log = {};
	struct task_struct *task;

	(void)state;
	mutex_init(&log.lock);
	mutex_lock(&log.lock);
	task = p2psim_task_spawn("t", takes_the_lock, &log);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	mutex_unlock(&log.lock);
	assert_int_equal(p2psim_run_alone(task), 0);
	assert_string_equal(log.text, "L");
}

static void test_outside_a_run_a_call_that_blocks_lets_others_run(void **state)
{
	struct log log = {};
	struct task_struct *task;

	(void)state;
	mutex_init(&log.lock);
	task = p2psim_task_spawn("t", takes_the_lock, &log);
	assert_int_equal(p2psim_run_until(task, "never"), -ENOENT);
	mutex_lock(&log.lock);
	say(&log, 'M');
	mutex_unlock(&log.lock);
	assert_string_equal(log.text, "LM");
}

struct crossing {
	struct mutex a, b;
};

static void a_then_b(void *arg)
{
	struct crossing *c = arg;

	mutex_lock(&c->a);
	p2psim_step("holds a");
	mutex_lock(&c->b);
	mutex_unlock(&c->b);
	mutex_unlock(&c->a);
}

static void b_then_a(void *arg)
{
	struct crossing *c = arg;

	mutex_lock(&c->b);
	p2psim_step("holds b");
	mutex_lock(&c->a);
	mutex_unlock(&c->a);
	mutex_unlock(&c->b);
}

/*
 *	t1: lock a ... lock b		t2: lock b ... lock a
 */
static void test_a_deadlock_names_who_waits_for_whom(void **state)
{
	static const struct p2psim_config no_graph = { .oracles_off = 1u << P2PSIM_LOCKGRAPH };
	struct p2psim_world *world = p2psim_world_create(&no_graph);
	struct task_struct *t1;
	struct crossing c;

	p2psim_world_on_violation(world, core_quiet, NULL);
	mutex_init(&c.a);
	mutex_init(&c.b);
	t1 = p2psim_task_spawn("t1", a_then_b, &c);
	p2psim_task_spawn("t2", b_then_a, &c);
	assert_int_equal(p2psim_run_until(t1, "holds a"), 0);
	assert_int_equal(p2psim_run_until(t1, NULL), 0);
	p2psim_world_reset(world);
	mutex_init(&c.a);
	mutex_init(&c.b);
	t1 = p2psim_task_spawn("t1", a_then_b, &c);
	assert_int_equal(p2psim_run_until(t1, "holds a"), 0);
	p2psim_task_spawn("t2", b_then_a, &c);
	assert_int_equal(p2psim_run_until(t1, NULL), 0);
	assert_int_equal(p2psim_run(), 0);
	p2psim_world_reset(world);
	mutex_init(&c.a);
	mutex_init(&c.b);
	t1 = p2psim_task_spawn("t1", a_then_b, &c);
	struct task_struct *t2 = p2psim_task_spawn("t2", b_then_a, &c);
	p2psim_run_until(t1, "holds a");
	p2psim_run_until(t2, "holds b");
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(world, P2PSIM_DEADLOCK, "t1 waits for &c.b, held by t2");
	p2psim_world_destroy(world);
	p2psim_world_enter(*state);
}

static void waits_for_both(void *arg)
{
	struct crossing *c = arg;

	(void)!mutex_lock_killable(&c->a);
}

/* Every sort of wait is described by its own lock: the killable ones carry more than the lock to their guard. */
static void test_a_deadlock_describes_killable_waits_too(void **state)
{
	struct crossing c;

	mutex_init(&c.a);
	mutex_lock(&c.a);
	p2psim_task_spawn("t", waits_for_both, &c);
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(*state, P2PSIM_DEADLOCK, "t waits for &c.a, held by main");
}

static int counts_until_stopped(void *data)
{
	int *n = data;

	while (!kthread_should_stop())
		++*n;
	return *n;
}

static void test_kthread_stop_waits_for_the_end_and_returns_its_value(void **state)
{
	int n = 0;
	struct task_struct *task = kthread_run(counts_until_stopped, &n, "counter/%d", 7);

	(void)state;
	assert_false(IS_ERR(task));
	assert_string_equal(task->comm, "counter/7");
	assert_int_equal(kthread_stop(task), n);
}

static void test_stopping_twice_is_a_contract_violation(void **state)
{
	int n = 0;
	struct task_struct *task = kthread_run(counts_until_stopped, &n, "t");

	kthread_stop(task);
	assert_int_equal(kthread_stop(task), -EINVAL);
	assert_violation(*state, P2PSIM_CONTRACT, "stopped before");
}

static void waits_for_ever(void *arg)
{
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, 0, false, "for ever", (bool (*)(void *))arg, NULL);
}

static bool no(void *arg)
{
	(void)arg;
	return false;
}

static void test_a_daemon_may_wait_at_the_end(void **state)
{
	struct log log = {};
	struct task_struct *daemon = p2psim_task_spawn("d", waits_for_ever, (void *)no);

	(void)state;
	p2psim_task_set_daemon(daemon);
	p2psim_task_spawn("t", two_steps, &log);
	assert_int_equal(p2psim_run(), 0);
	assert_false(p2psim_task_done(daemon));
}

static void test_more_tasks_than_there_are_slots_are_refused(void **state)
{
	struct task_struct *task = NULL;
	int i, n = 0;

	(void)state;
	for (i = 1; i < P2PSIM_TASKS_MAX; i++)
		assert_non_null(p2psim_task_spawn("t", waits_for_ever, (void *)no));
	assert_null(p2psim_task_spawn("one too many", waits_for_ever, (void *)no));
	task = kthread_run(counts_until_stopped, &n, "one too many");
	assert_int_equal(PTR_ERR(task), -EAGAIN);
}

static void test_a_yield_lets_the_next_one_run(void **state)
{
	(void)state;
	p2psim_yield(); /* alone: nothing happens */
	assert_int_equal(p2psim_run(), 0);
}

static void ends_with_a_lock(void *arg)
{
	mutex_lock((struct mutex *)arg);
}

static void test_a_task_that_ends_with_a_lock_held_is_unbalanced(void **state)
{
	struct mutex lock;

	mutex_init(&lock);
	p2psim_task_spawn("t", ends_with_a_lock, &lock);
	assert_int_equal(p2psim_run(), -ECANCELED);
	assert_violation(*state, P2PSIM_BALANCE, "ends with 1 lock(s) held");
}

static void waits_killably(void *arg)
{
	int *result = arg;
	static struct mutex *lock;

	lock = (struct mutex *)(result + 2);
	*result = mutex_lock_killable(lock);
}

static void test_a_killed_task_gives_up_its_killable_wait(void **state)
{
	struct {
		int result, pad;
		struct mutex lock;
	} s = { 1, 0, {} };
	struct task_struct *task;

	(void)state;
	mutex_init(&s.lock);
	mutex_lock(&s.lock);
	task = p2psim_task_spawn("t", waits_killably, &s);
	p2psim_run_alone(task);
	assert_int_equal(s.result, 1);
	p2psim_task_kill(task);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(s.result, -EINTR);
	mutex_unlock(&s.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_new_task_runs_to_its_first_step_and_waits),
		core_test(test_the_default_policy_continues_then_takes_the_lowest),
		core_test(test_a_directed_stop_stands_before_the_labelled_step),
		core_test(test_a_blocked_task_is_reported_as_such_by_run_alone),
		core_test(test_outside_a_run_a_call_that_blocks_lets_others_run),
		core_test(test_a_deadlock_names_who_waits_for_whom),
		core_test_rubble(test_a_deadlock_describes_killable_waits_too),
		core_test(test_kthread_stop_waits_for_the_end_and_returns_its_value),
		core_test(test_stopping_twice_is_a_contract_violation),
		core_test(test_a_daemon_may_wait_at_the_end),
		core_test_rubble(test_more_tasks_than_there_are_slots_are_refused),
		core_test(test_a_yield_lets_the_next_one_run),
		core_test_rubble(test_a_task_that_ends_with_a_lock_held_is_unbalanced),
		core_test(test_a_killed_task_gives_up_its_killable_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
