/* SPDX-License-Identifier: MIT */
/* Wait queues, completions, time, grace periods, workqueues. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/explore.h>
#include <p2psim/inject.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/task.h>

struct gate {
	wait_queue_head_t wq;
	int open;
	long result;
};

static void waits(void *arg)
{
	struct gate *gate = arg;

	wait_event(gate->wq, READ_ONCE(gate->open));
	gate->result = 1;
}

static void opens(void *arg)
{
	struct gate *gate = arg;

	WRITE_ONCE(gate->open, 1);
	wake_up_all(&gate->wq);
}

static void test_a_waiter_sleeps_until_it_is_woken(void **state)
{
	struct gate gate = {};
	struct task_struct *waiter;

	(void)state;
	init_waitqueue_head(&gate.wq);
	waiter = p2psim_task_spawn("waiter", waits, &gate);
	assert_int_equal(p2psim_run_alone(waiter), -EAGAIN);
	assert_true(waitqueue_active(&gate.wq));
	gate.open = 1; /* nobody is told: it sleeps on */
	assert_int_equal(p2psim_run_alone(waiter), -EAGAIN);
	wake_up(&gate.wq);
	assert_int_equal(p2psim_run_alone(waiter), 0);
	assert_int_equal(gate.result, 1);
}

static void waits_in_turn(void *arg)
{
	struct gate *gate = arg;
	DEFINE_WAIT(wait);

	prepare_to_wait_exclusive(&gate->wq, &wait, TASK_UNINTERRUPTIBLE);
	schedule();
	finish_wait(&gate->wq, &wait);
}

static void test_wake_up_wakes_all_but_one_only_of_the_exclusive_waiters(void **state)
{
	struct gate gate = { .open = 0 };
	struct task_struct *turn[2], *shared[2];
	int i;

	(void)state;
	init_waitqueue_head(&gate.wq);
	for (i = 0; i < 2; i++) {
		turn[i] = p2psim_task_spawn("turn", waits_in_turn, &gate);
		assert_int_equal(p2psim_run_alone(turn[i]), -EAGAIN);
		shared[i] = p2psim_task_spawn("shared", waits, &gate);
		assert_int_equal(p2psim_run_alone(shared[i]), -EAGAIN);
	}
	gate.open = 1;
	wake_up(&gate.wq);
	assert_int_equal(p2psim_run_alone(shared[0]), 0);
	assert_int_equal(p2psim_run_alone(shared[1]), 0);
	assert_int_equal(p2psim_run_alone(turn[0]), 0);
	assert_int_equal(p2psim_run_alone(turn[1]), -EAGAIN);
	wake_up(&gate.wq);
	assert_int_equal(p2psim_run_alone(turn[1]), 0);
}

/* The mistake: look first, then queue.  A wake-up in between is lost. */
static void looks_too_early(void *arg)
{
	struct gate *gate = arg;
	DEFINE_WAIT(wait);

	if (!READ_ONCE(gate->open)) {
		p2psim_step("about to sleep");
		prepare_to_wait(&gate->wq, &wait, TASK_UNINTERRUPTIBLE);
		schedule();
		finish_wait(&gate->wq, &wait);
	}
}

/*
 *	waiter				opener
 *	reads "closed"
 *					open = 1; wakes nobody
 *	sleeps for ever
 */
static void test_a_wake_up_can_be_lost(void **state)
{
	struct gate gate = {};
	struct task_struct *waiter;

	init_waitqueue_head(&gate.wq);
	waiter = p2psim_task_spawn("waiter", looks_too_early, &gate);
	assert_int_equal(p2psim_run_until(waiter, "about to sleep"), 0);
	p2psim_run_alone(p2psim_task_spawn("opener", opens, &gate));
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(*state, P2PSIM_DEADLOCK, "waiter waits for sleep");
}

/* The same interleaving, whatever it is, is harmless with wait_event(): all stops of the waiter are tried. */
static void test_wait_event_loses_nothing_wherever_the_wake_up_falls(void **state)
{
	struct p2psim_world *world = *state;
	int before;

	for (before = 0; before < 8; before++) {
		struct gate gate = {};
		struct task_struct *waiter;
		int i;

		p2psim_world_reset(world);
		init_waitqueue_head(&gate.wq);
		waiter = p2psim_task_spawn("waiter", waits, &gate);
		for (i = 0; i < before; i++)
			p2psim_run_alone(waiter);
		p2psim_run_alone(p2psim_task_spawn("opener", opens, &gate));
		assert_int_equal(p2psim_run(), 0);
		assert_int_equal(gate.result, 1);
	}
}

static void waits_killably(void *arg)
{
	struct gate *gate = arg;

	gate->result = wait_event_killable(gate->wq, READ_ONCE(gate->open));
}

static void test_a_killed_waiter_returns_restartsys(void **state)
{
	struct gate gate = {};
	struct task_struct *waiter;

	(void)state;
	init_waitqueue_head(&gate.wq);
	waiter = p2psim_task_spawn("waiter", waits_killably, &gate);
	p2psim_run_alone(waiter);
	p2psim_task_kill(waiter);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(gate.result, -ERESTARTSYS);
	assert_false(waitqueue_active(&gate.wq));
}

static void test_a_timed_wait_ends_when_nobody_else_can_run(void **state)
{
	struct gate gate = {};
	uint64_t start = p2psim_now();

	(void)state;
	init_waitqueue_head(&gate.wq);
	assert_int_equal(wait_event_timeout(gate.wq, gate.open, 50), 0);
	assert_int_equal(p2psim_now() - start, 50);
	gate.open = 1;
	assert_int_equal(wait_event_timeout(gate.wq, gate.open, 50), 50);
	msleep(7);
	assert_int_equal(p2psim_now() - start, 57);
	assert_int_equal(schedule_timeout(0), 0);
}

static void completes(void *arg)
{
	complete((struct completion *)arg);
}

static void test_a_completion_is_consumed_once(void **state)
{
	struct completion done;

	(void)state;
	init_completion(&done);
	assert_int_equal(wait_for_completion_timeout(&done, 10), 0);
	p2psim_task_spawn("completer", completes, &done);
	wait_for_completion(&done);
	assert_false(try_wait_for_completion(&done));
	complete_all(&done);
	wait_for_completion(&done);
	assert_true(completion_done(&done));
	assert_int_equal(wait_for_completion_timeout(&done, 10), 10);
	reinit_completion(&done);
	assert_false(completion_done(&done));
}

struct grace {
	struct srcu_struct srcu;
	struct callback_head head;
	int log;
};

static void synchronizes(void *arg)
{
	struct grace *grace = arg;

	synchronize_srcu(&grace->srcu);
	grace->log = 1;
}

static void test_a_grace_period_waits_for_earlier_readers_only(void **state)
{
	struct grace grace = {};
	struct task_struct *updater;
	int early, late;

	(void)state;
	init_srcu_struct(&grace.srcu);
	early = srcu_read_lock(&grace.srcu);
	updater = p2psim_task_spawn("updater", synchronizes, &grace);
	assert_int_equal(p2psim_run_alone(updater), -EAGAIN);
	late = srcu_read_lock(&grace.srcu);
	srcu_read_unlock(&grace.srcu, early);
	assert_int_equal(p2psim_run_alone(updater), 0);
	assert_int_equal(grace.log, 1);
	srcu_read_unlock(&grace.srcu, late);
	cleanup_srcu_struct(&grace.srcu);
}

static void logs(struct callback_head *head)
{
	container_of(head, struct grace, head)->log++;
}

static void test_call_srcu_is_a_schedulable_event(void **state)
{
	struct grace grace = {};
	int idx;

	init_srcu_struct(&grace.srcu);
	idx = srcu_read_lock(&grace.srcu);
	call_srcu(&grace.srcu, &grace.head, logs);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(grace.log, 0);
	cleanup_srcu_struct(&grace.srcu);
	assert_violation(*state, P2PSIM_BALANCE, "cleaned up with");
	srcu_read_unlock(&grace.srcu, idx);
	srcu_barrier(&grace.srcu);
	assert_int_equal(grace.log, 1);
	srcu_read_unlock(&grace.srcu, idx);
	assert_violation(*state, P2PSIM_BALANCE, "not inside");
}

static void test_synchronize_rcu_in_a_read_side_is_reported(void **state)
{
	rcu_read_lock();
	rcu_read_lock();
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "RCU read side");
	rcu_read_unlock();
	rcu_read_unlock();
	synchronize_rcu();
	rcu_read_unlock();
	assert_violation(*state, P2PSIM_BALANCE, "without rcu_read_lock");
}

static int ready;

static void looks_and_leaves(void *arg)
{
	struct gate *gate = arg;
	DEFINE_WAIT(wait);

	prepare_to_wait_exclusive(&gate->wq, &wait, TASK_UNINTERRUPTIBLE);
	if (!READ_ONCE(ready))
		schedule();
	finish_wait(&gate->wq, &wait);
}

/*
 *	first			second
 *	on the queue
 *				on the queue, sleeps
 *	looks: ready
 *						wake_up(): one, the first
 *	leaves			sleeps on
 */
static void test_who_has_looked_and_not_left_yet_takes_the_wake_up_of_another(void **state)
{
	struct gate gate = {};
	struct task_struct *first, *second;

	init_waitqueue_head(&gate.wq);
	ready = 1;
	first = p2psim_task_spawn("first", looks_and_leaves, &gate);
	assert_int_equal(p2psim_run_until(first, "finish_wait"), 0);
	ready = 0;
	second = p2psim_task_spawn("second", looks_and_leaves, &gate);
	assert_int_equal(p2psim_run_alone(second), -EAGAIN);
	wake_up(&gate.wq);
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(*state, P2PSIM_DEADLOCK, "second waits for sleep");
}

static bool looks_with_a_step(void *arg)
{
	return READ_ONCE(*(int *)arg) && READ_ONCE(*(int *)arg);
}

static struct p2psim_object gate_object;
static int gate_open;

static void waits_for_a_step(void *arg)
{
	(void)arg;
	p2psim_step_await(&gate_object, looks_with_a_step, &gate_open);
}

static void takes_steps(void *arg)
{
	(void)arg;
	p2psim_step("one");
	p2psim_step("two");
}

static void test_a_condition_that_takes_a_step_is_a_contract_violation(void **state)
{
	(void)state;
	p2psim_object_init(&gate_object, "gate");
	gate_open = 1;
	p2psim_task_spawn("waiter", waits_for_a_step, NULL);
	p2psim_task_spawn("other", takes_steps, NULL);
	assert_int_equal(p2psim_run(), -ECANCELED);
	assert_violation(*state, P2PSIM_CONTRACT, "the condition that waiter waits for takes a step: it may only look");
}

static int makes_a_gate(void *state)
{
	(void)state;
	p2psim_object_init(&gate_object, "gate");
	return 0;
}

static void test_exploration_tells_of_a_condition_that_takes_a_step(void **state)
{
	const struct p2psim_scenario scenario = {
		.name = "gate", .setup = makes_a_gate, .tasks = { { "other", takes_steps }, { "waiter", waits_for_a_step } },
		.expect = P2PSIM_VIOLATION, .oracle = P2PSIM_CONTRACT,
	};
	struct p2psim_explore_result result;

	(void)state;
	for (gate_open = 0; gate_open < 2; gate_open++) {
		assert_int_equal(p2psim_explore(&scenario, NULL, &result), 0);
		assert_true(result.as_expected);
		assert_non_null(strstr(result.violation.sentence, "waiter waits for takes a step"));
	}
}

struct job {
	struct work_struct work;
	int runs;
};

static void counts(struct work_struct *work)
{
	container_of(work, struct job, work)->runs++;
}

static void flushes_itself(struct work_struct *work)
{
	counts(work);
	flush_work(work);
}

static void test_work_runs_when_the_scheduler_says_so(void **state)
{
	struct job job = {};
	struct workqueue_struct *wq = alloc_workqueue("wq%d", 0, 1, 3);

	(void)state;
	INIT_WORK(&job.work, counts);
	assert_false(flush_work(&job.work));
	assert_true(queue_work(wq, &job.work));
	assert_false(queue_work(wq, &job.work));
	assert_int_equal(job.runs, 0);
	assert_true(flush_work(&job.work));
	assert_int_equal(job.runs, 1);
	queue_work(wq, &job.work);
	assert_true(cancel_work_sync(&job.work));
	queue_work(wq, &job.work);
	destroy_workqueue(wq);
	assert_int_equal(job.runs, 2);
}

static struct job first_job, second_job;

static void takes_a_while(struct work_struct *work)
{
	p2psim_step("working");
	counts(work);
}

static void flushes(void *arg)
{
	flush_workqueue(arg);
	P2PSIM_CHECK(first_job.runs == 1);
}

/* queue first; flush begins; queue second; cancel second: the first has not run for that. */
static void test_a_flush_does_not_take_an_item_that_was_cancelled_for_one_that_has_run(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("wq", 0, 1);
	struct task_struct *flusher;

	(void)state;
	first_job = second_job = (struct job){};
	INIT_WORK(&first_job.work, takes_a_while);
	INIT_WORK(&second_job.work, takes_a_while);
	queue_work(wq, &first_job.work);
	flusher = p2psim_task_spawn("flusher", flushes, wq);
	assert_int_equal(p2psim_run_until(flusher, "flush_workqueue"), 0);
	queue_work(wq, &second_job.work);
	assert_true(cancel_work_sync(&second_job.work));
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(first_job.runs, 1);
	assert_int_equal(second_job.runs, 0);
	destroy_workqueue(wq);
}

static void test_work_that_flushes_itself_is_a_deadlock(void **state)
{
	struct job job = {};

	INIT_WORK(&job.work, flushes_itself);
	schedule_work(&job.work);
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(*state, P2PSIM_DEADLOCK, "flushes the work that it runs");
}

static void test_a_workqueue_without_memory_is_null(void **state)
{
	int n;

	for (n = 1; n <= 2; n++) {
		p2psim_world_check_quiescent(*state);
		p2psim_inject_fail_nth(*state, (uint64_t)n);
		assert_null(alloc_workqueue("q", 0, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_waiter_sleeps_until_it_is_woken),
		core_test(test_wake_up_wakes_all_but_one_only_of_the_exclusive_waiters),
		core_test_rubble(test_a_wake_up_can_be_lost),
		core_test(test_wait_event_loses_nothing_wherever_the_wake_up_falls),
		core_test(test_a_killed_waiter_returns_restartsys),
		core_test(test_a_timed_wait_ends_when_nobody_else_can_run),
		core_test(test_a_completion_is_consumed_once),
		core_test(test_a_grace_period_waits_for_earlier_readers_only),
		core_test_rubble(test_call_srcu_is_a_schedulable_event),
		core_test(test_synchronize_rcu_in_a_read_side_is_reported),
		core_test(test_work_runs_when_the_scheduler_says_so),
		core_test(test_a_flush_does_not_take_an_item_that_was_cancelled_for_one_that_has_run),
		core_test_rubble(test_who_has_looked_and_not_left_yet_takes_the_wake_up_of_another),
		core_test_rubble(test_a_condition_that_takes_a_step_is_a_contract_violation),
		cmocka_unit_test(test_exploration_tells_of_a_condition_that_takes_a_step),
		core_test_rubble(test_work_that_flushes_itself_is_a_deadlock),
		core_test(test_a_workqueue_without_memory_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
