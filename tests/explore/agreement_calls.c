/* SPDX-License-Identifier: MIT */
/*
 * Strategies agree on random programs of the kernel's calls: work, timers, sleepers, threads that are stopped, grace periods.
 *
 * A call that decides something before its step, or whose step does not name what it changes, loses traces: dpor and sleep
 * then prove what naive refutes, and no other test turns red.  Here naive, which needs no step to name anything, is the judge
 * of both (explore/agreement.c has locks, variables and wait queues, and judges the sets of traces too).
 *
 * A program is a word of letters a task, "kf|k|c"; each letter is a call of the table below.  What a task has seen and how far
 * it came is its end.  A failing program is made smaller and printed; "explore_agreement_calls 'kf|k'" runs it alone.
 */
#include "core_world.h"
#include "ends.h"
#include "random.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/explore.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/linux/xarray.h>
#include <p2psim/task.h>

#define TASKS 3
#define CALLS 4
#define NAIVE_MOST 1500
#define TEXT (TASKS * (CALLS + 1))

struct calls {
	struct {
		uint32_t var[2];
		uint32_t seen[TASKS]; /* all that it has read */
		uint32_t pc[TASKS];
	} end; /* first: what is compared */
	struct task_struct *task[TASKS];
	wait_queue_head_t wq;
	struct workqueue_struct *queue;
	struct work_struct work;
	struct delayed_work delayed;
	struct timer_list timer;
	struct completion done;
	struct srcu_struct srcu;
	struct callback_head callback;
	struct mutex mutex;
	atomic_t called;
	struct xarray xa;
};

static void see(struct calls *c, unsigned int task, uint64_t value)
{
	c->end.seen[task] = (c->end.seen[task] ^ (uint32_t)value) * 0x9e3779b1u + 1;
}

/* ---- Work ---- */

static void work_runs(struct work_struct *work)
{
	struct calls *c = container_of(work, struct calls, work);

	WRITE_ONCE(c->end.var[1], c->end.var[1] * 3 + 1);
}

static void delayed_runs(struct work_struct *work)
{
	struct calls *c = container_of(to_delayed_work(work), struct calls, delayed);

	WRITE_ONCE(c->end.var[1], c->end.var[1] * 3 + 2);
}

static void call_queue(struct calls *c, unsigned int task)
{
	see(c, task, queue_work(c->queue, &c->work));
}

static void call_flush(struct calls *c, unsigned int task)
{
	flush_work(&c->work);
	see(c, task, READ_ONCE(c->end.var[1]));
}

static void call_flush_all(struct calls *c, unsigned int task)
{
	flush_workqueue(c->queue);
	see(c, task, READ_ONCE(c->end.var[1]));
}

static void call_cancel(struct calls *c, unsigned int task)
{
	see(c, task, cancel_work_sync(&c->work));
}

static void call_work_pending(struct calls *c, unsigned int task)
{
	see(c, task, work_pending(&c->work));
}

static void call_delay(struct calls *c, unsigned int task)
{
	see(c, task, queue_delayed_work(c->queue, &c->delayed, 3 + task));
}

static void call_delay_anew(struct calls *c, unsigned int task)
{
	see(c, task, mod_delayed_work(c->queue, &c->delayed, 2));
}

static void call_cancel_delayed(struct calls *c, unsigned int task)
{
	see(c, task, cancel_delayed_work_sync(&c->delayed));
}

static void call_flush_delayed(struct calls *c, unsigned int task)
{
	flush_delayed_work(&c->delayed);
	see(c, task, READ_ONCE(c->end.var[1]));
}

/* ---- Timers ---- */

static void timer_runs(struct timer_list *timer)
{
	struct calls *c = from_timer(c, timer, timer);

	WRITE_ONCE(c->end.var[0], c->end.var[0] * 3 + 1);
}

static void call_timer(struct calls *c, unsigned int task)
{
	see(c, task, (uint64_t)mod_timer(&c->timer, jiffies + 2));
}

static void call_no_timer(struct calls *c, unsigned int task)
{
	see(c, task, (uint64_t)del_timer(&c->timer));
}

static void call_no_timer_sync(struct calls *c, unsigned int task)
{
	see(c, task, (uint64_t)del_timer_sync(&c->timer));
}

static void call_timer_pending(struct calls *c, unsigned int task)
{
	see(c, task, timer_pending(&c->timer));
}

/* ---- Completions ---- */

static void call_complete(struct calls *c, unsigned int task)
{
	(void)task;
	complete(&c->done);
}

static void call_wait(struct calls *c, unsigned int task)
{
	(void)task;
	wait_for_completion(&c->done);
}

static void call_is_done(struct calls *c, unsigned int task)
{
	see(c, task, completion_done(&c->done));
}

static void call_once_more(struct calls *c, unsigned int task)
{
	(void)task;
	reinit_completion(&c->done);
}

/* ---- Sleepers, in the right order and in the wrong one, and who wakes, stops and kills them ---- */

static void call_sleep(struct calls *c, unsigned int task)
{
	set_current_state(TASK_INTERRUPTIBLE);
	see(c, task, READ_ONCE(c->end.var[0]));
	if (!c->end.var[0])
		schedule();
	set_current_state(TASK_RUNNING);
}

static void call_sleep_late(struct calls *c, unsigned int task)
{
	uint32_t var = READ_ONCE(c->end.var[0]);

	see(c, task, var);
	if (var)
		return;
	set_current_state(TASK_INTERRUPTIBLE);
	schedule();
}

static void call_sleep_queued(struct calls *c, unsigned int task)
{
	DEFINE_WAIT(wait);

	prepare_to_wait_exclusive(&c->wq, &wait, TASK_INTERRUPTIBLE);
	see(c, task, READ_ONCE(c->end.var[0]));
	if (!c->end.var[0])
		schedule();
	finish_wait(&c->wq, &wait);
}

static struct task_struct *next_task(struct calls *c, unsigned int task)
{
	return c->task[c->task[(task + 1) % TASKS] ? (task + 1) % TASKS : 0];
}

static void call_wake_task(struct calls *c, unsigned int task)
{
	WRITE_ONCE(c->end.var[0], 1);
	wake_up_process(next_task(c, task));
}

static void call_wake_queue(struct calls *c, unsigned int task)
{
	(void)task;
	WRITE_ONCE(c->end.var[0], 1);
	wake_up(&c->wq);
}

static void call_stop(struct calls *c, unsigned int task)
{
	if (task)
		return;
	kthread_stop(next_task(c, task)); /* once: the program has one such letter */
	see(c, task, c->end.seen[1]);
}

static void call_should_stop(struct calls *c, unsigned int task)
{
	see(c, task, kthread_should_stop());
}

static void call_should_sleep(struct calls *c, unsigned int task)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule();
	set_current_state(TASK_RUNNING);
	see(c, task, 1);
}

static void call_kill(struct calls *c, unsigned int task)
{
	p2psim_task_kill(next_task(c, task));
}

static void call_wait_killable(struct calls *c, unsigned int task)
{
	see(c, task, (uint64_t)wait_event_killable(c->wq, READ_ONCE(c->end.var[0])));
}

static void call_lock_killable(struct calls *c, unsigned int task)
{
	int error = mutex_lock_killable(&c->mutex);

	see(c, task, (uint64_t)error);
	if (!error)
		mutex_unlock(&c->mutex);
}

static void call_lock(struct calls *c, unsigned int task)
{
	mutex_lock(&c->mutex);
	see(c, task, READ_ONCE(c->end.var[0]));
	mutex_unlock(&c->mutex);
}

/* ---- Grace periods, arrays ---- */

static void call_read_side(struct calls *c, unsigned int task)
{
	int side = srcu_read_lock(&c->srcu);

	see(c, task, READ_ONCE(c->end.var[0]));
	srcu_read_unlock(&c->srcu, side);
}

static void call_grace(struct calls *c, unsigned int task)
{
	synchronize_srcu(&c->srcu);
	WRITE_ONCE(c->end.var[0], 7 + task);
}

static void callback_runs(struct callback_head *head)
{
	struct calls *c = container_of(head, struct calls, callback);

	atomic_set(&c->called, 0);
	WRITE_ONCE(c->end.var[1], c->end.var[1] + 1);
}

/* One at a time. */
static void call_callback(struct calls *c, unsigned int task)
{
	int called = atomic_xchg(&c->called, 1);

	see(c, task, (uint64_t)called);
	if (called)
		return;
	call_srcu(&c->srcu, &c->callback, callback_runs);
}

static void call_barrier(struct calls *c, unsigned int task)
{
	srcu_barrier(&c->srcu);
	see(c, task, READ_ONCE(c->end.var[1]));
}

static void call_array_store(struct calls *c, unsigned int task)
{
	see(c, task, (uintptr_t)xa_store(&c->xa, 1, xa_mk_value(task + 1), GFP_KERNEL));
}

static void call_array_load(struct calls *c, unsigned int task)
{
	see(c, task, (uintptr_t)xa_load(&c->xa, 1));
}

static void call_array_first(struct calls *c, unsigned int task)
{
	unsigned long index = 0;

	see(c, task, (uintptr_t)xa_find(&c->xa, &index, 3, XA_PRESENT) + index);
}

static void call_array_erase(struct calls *c, unsigned int task)
{
	see(c, task, (uintptr_t)xa_erase(&c->xa, 1));
}

/* ---- Programs ---- */

static const struct {
	char letter;
	char sort; /* programs are made of one sort */
	void (*call)(struct calls *c, unsigned int task);
} table[] = {
	{ 'k', 'w', call_queue },	  { 'f', 'w', call_flush },
	{ 'F', 'w', call_flush_all },	  { 'c', 'w', call_cancel },
	{ 'p', 'w', call_work_pending },  { 'd', 'd', call_delay },
	{ 'e', 'd', call_delay_anew },	  { 'g', 'd', call_cancel_delayed },
	{ 'h', 'd', call_flush_delayed }, { 'm', 't', call_timer },
	{ 'n', 't', call_no_timer },	  { 'N', 't', call_no_timer_sync },
	{ 'o', 't', call_timer_pending }, { 'v', 'c', call_complete },
	{ 'u', 'c', call_wait },	  { 'U', 'c', call_is_done },
	{ 'r', 'c', call_once_more },	  { 's', 's', call_sleep },
	{ 'S', 's', call_sleep_late },	  { 'Q', 's', call_sleep_queued },
	{ 'W', 's', call_wake_task },	  { 'w', 's', call_wake_queue },
	{ 'T', 'k', call_stop },	  { 't', 'k', call_should_stop },
	{ 'i', 'k', call_should_sleep },  { 'x', 'x', call_array_store },
	{ 'y', 'x', call_array_load },	  { 'z', 'x', call_array_erase },
	{ 'Y', 'x', call_array_first },	  { 'l', 'g', call_read_side },
	{ 'q', 'g', call_grace },	  { 'b', 'g', call_callback },
	{ 'B', 'g', call_barrier },	  { 'K', 'K', call_kill },
	{ 'E', 'K', call_wait_killable }, { 'L', 'K', call_lock_killable },
	{ 'M', 'K', call_lock },	  { 'w', 'K', call_wake_queue },
	{ 'W', 'K', call_wake_task },	  { 's', 'K', call_sleep },
};

#define LETTERS (sizeof(table) / sizeof(table[0]))

static void perform(struct calls *c, unsigned int task)
{
	const char *at = p2psim_scenario_data();
	unsigned int i;
	size_t n;

	for (i = 0; i < task; i++)
		at = strchr(at, '|') + 1;
	c->task[task] = current;
	if (!task)
		p2psim_step("all are there");
	for (; *at && *at != '|'; at++) {
		for (n = 0; n < LETTERS; n++)
			if (table[n].letter == *at)
				break;
		table[n].call(c, task);
		c->end.pc[task]++;
	}
}

static void task0(void *state)
{
	perform(state, 0);
}

static void task1(void *state)
{
	perform(state, 1);
}

static void task2(void *state)
{
	perform(state, 2);
}

static bool has(const char *letters, char sort)
{
	size_t n;

	for (n = 0; n < LETTERS; n++)
		if (table[n].sort == sort && strchr(letters, table[n].letter))
			return true;
	return false;
}

static int begin(void *state)
{
	const char *text = p2psim_scenario_data();
	struct calls *c = state;

	init_waitqueue_head(&c->wq);
	init_completion(&c->done);
	xa_init(&c->xa);
	mutex_init(&c->mutex);
	timer_setup(&c->timer, timer_runs, 0);
	INIT_WORK(&c->work, work_runs);
	INIT_DELAYED_WORK(&c->delayed, delayed_runs);
	if (init_srcu_struct(&c->srcu))
		return -1;
	if (has(text, 'w') || has(text, 'd'))
		c->queue = alloc_workqueue("queue", 0, 1);
	return 0;
}

static const struct p2psim_scenario base = {
	.name = "calls",
	.state_size = sizeof(struct calls),
	.setup = begin,
	.expect = P2PSIM_NEVER,
	/* rubble is left: what is asked is how far the tasks came */
	.config = { .oracles_off = 1u << P2PSIM_LOCKGRAPH | 1u << P2PSIM_BALANCE | 1u << P2PSIM_LEAK | 1u << P2PSIM_CONTRACT },
};

struct outcome {
	struct ends ends;
	struct p2psim_explore_result result;
};

static void on_execution(const struct p2psim_explored *explored, void *arg)
{
	add_end(arg, end_hash(explored->state, sizeof(((struct calls *)0)->end)));
}

static int explore(const char *text, enum p2psim_strategy_kind kind, struct outcome *out)
{
	static void (*const fn[])(void *) = { task0, task1, task2 };
	struct p2psim_scenario scenario = base;
	const struct p2psim_explore_options options = {
		.strategy = kind, .keep_going = true, .budget = NAIVE_MOST,
		.on_execution = on_execution, .on_execution_arg = &out->ends,
	};
	unsigned int t;

	memset(out, 0, sizeof(*out));
	scenario.data = text;
	for (t = 0; text && t < TASKS; t++) {
		scenario.tasks[t].name = "task";
		scenario.tasks[t].fn = fn[t];
		text = strchr(text, '|');
		text = text ? text + 1 : NULL;
	}
	return p2psim_explore(&scenario, &options, &out->result);
}

/* Executions that were looked at; 0: too large. */
struct tally {
	unsigned int programs, skipped, deadlocks;
	uint64_t interleavings, executions;
};

static const char *disagreement(const char *text, struct tally *tally)
{
	static struct outcome naive, other;

	if (explore(text, P2PSIM_EXPLORE_NAIVE, &naive))
		return naive.result.error;
	tally->programs++;
	tally->skipped += !naive.result.complete;
	if (!naive.result.complete)
		return NULL;
	tally->deadlocks += naive.result.deadlocks > 0;
	tally->interleavings += naive.result.executions;
	if (explore(text, P2PSIM_EXPLORE_SLEEP, &other) || !same_ends(&naive.ends, &other.ends))
		return "naive and sleep differ";
	if (explore(text, P2PSIM_EXPLORE_DPOR, &other) || !same_ends(&naive.ends, &other.ends))
		return "naive and dpor differ";
	tally->executions += other.result.executions;
	return NULL;
}

static void random_program(uint32_t *seed, char sort, char text[TEXT])
{
	unsigned int tasks = 2 + !random_below(seed, sort == 'g' ? 8 : 3), t, n; /* grace periods have many steps */
	char *at = text;
	uint32_t i;

	for (t = 0; t < tasks; t++) {
		if (t)
			*at++ = '|';
		for (n = 1 + random_below(seed, sort == 'g' ? 1 : tasks == 2 ? CALLS - 1 : 2); n; n--) {
			do {
				i = random_below(seed, LETTERS);
			} while (table[i].sort != sort || (table[i].letter == 'T' && (t || memchr(text, 'T', at - text))));
			*at++ = table[i].letter;
		}
	}
	*at = '\0';
}

/* Takes one letter after the other away, as long as something is wrong. */
static void shrink(char text[TEXT])
{
	struct tally none = {};
	char smaller[TEXT];
	size_t i;

	for (i = 0; text[i]; i++) {
		if (!isalpha((unsigned char)text[i]))
			continue;
		strcpy(smaller, text);
		memmove(smaller + i, smaller + i + 1, strlen(smaller + i));
		if (!disagreement(smaller, &none))
			continue;
		strcpy(text, smaller);
		i = (size_t)-1;
	}
}

static bool check(const char *program, struct tally *tally)
{
	const char *wrong = disagreement(program, tally);
	struct tally none = {};
	char text[TEXT];

	if (!wrong)
		return true;
	snprintf(text, sizeof(text), "%s", program);
	print_error("%s: %s\n", wrong, text);
	shrink(text);
	print_error("smaller: %s: %s\n", disagreement(text, &none), text);
	return false;
}

/* ---- Tests ---- */

static unsigned int programs = 60; /* "--many": set once, before the tests */

static void test_strategies_agree_on_random_programs_of_calls(void **state)
{
	static const char sorts[] = "wdtcskKxg";
	unsigned int i, n, bad = 0;
	char text[TEXT];

	(void)state;
	for (i = 0; sorts[i]; i++) {
		struct tally tally = {};
		uint32_t seed = 12345;

		for (n = 0; n < programs; n++) {
			random_program(&seed, sorts[i], text);
			bad += !check(text, &tally);
		}
		print_message("# sort %c: %u programs, %u too large, %u with deadlocks: %lu interleavings, %lu by dpor\n",
			      sorts[i], tally.programs, tally.skipped, tally.deadlocks, (unsigned long)tally.interleavings,
			      (unsigned long)tally.executions);
		assert_true(tally.skipped * 2 < tally.programs);
		assert_true(tally.executions <= tally.interleavings);
	}
	assert_int_equal(bad, 0);
}

/* Who says that he sleeps after he has looked, and who makes a completion new after it was promised, may sleep for ever. */
static void test_a_wake_up_that_is_lost_is_found_by_traces(void **state)
{
	static const struct {
		const char *program;
		bool lost;
	} shapes[] = {
		{ "s|W", false }, { "S|W", true },	{ "u|v", false },  { "ru|v", true }, { "Q|w", false },
		{ "Q|Q|w", true }, { "i|", true },	{ "T|t", false }, { "fk|k", false },
	};
	static struct outcome outcome;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		assert_int_equal(explore(shapes[i].program, P2PSIM_EXPLORE_DPOR, &outcome), 0);
		assert_true(outcome.result.complete);
		if (shapes[i].lost != (outcome.result.deadlocks > 0))
			fail_msg("%s: %lu deadlocks", shapes[i].program, (unsigned long)outcome.result.deadlocks);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strategies_agree_on_random_programs_of_calls),
		cmocka_unit_test(test_a_wake_up_that_is_lost_is_found_by_traces),
	};
	struct tally tally = {};

	if (argc > 1 && !strcmp(argv[1], "--many"))
		programs = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000;
	else if (argc > 1)
		return !check(argv[1], &tally);
	return cmocka_run_group_tests_name("explore/agreement_calls", tests, NULL, NULL);
}
