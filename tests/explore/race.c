/* SPDX-License-Identifier: MIT */
/*
 * The data-race check: each kind of synchronisation orders plain accesses, what does not order them is caught under
 * exploration with both accesses named.  The rules: docs/memory-model.md.
 */
#include "core_world.h"

#include <p2psim/explore.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/race.h>
#include <p2psim/task.h>

struct shared {
	struct mutex mutex;
	spinlock_t spin;
	struct rw_semaphore sem;
	struct completion done;
	wait_queue_head_t wq;
	struct srcu_struct srcu;
	struct work_struct work;
	refcount_t refs;
	int ready;
	int *published;
	int x, y;
	char bytes[8];
};

static void work_writes(struct work_struct *work)
{
	p2psim_plain_write(&container_of(work, struct shared, work)->x, 1);
}

static int init(void *state)
{
	struct shared *s = state;

	mutex_init(&s->mutex);
	spin_lock_init(&s->spin);
	init_rwsem(&s->sem);
	init_completion(&s->done);
	init_waitqueue_head(&s->wq);
	init_srcu_struct(&s->srcu);
	INIT_WORK(&s->work, work_writes);
	refcount_set(&s->refs, 2);
	p2psim_plain_write(&s->x, 0);
	s->published = &s->y;
	return 0;
}

static void writes(void *state)
{
	p2psim_plain_write(&((struct shared *)state)->x, 1);
}

static void reads(void *state)
{
	(void)p2psim_plain_read(&((struct shared *)state)->x);
}

/* Code around a plain write and a plain read of x: TASK(name, before, access, after). */
#define TASK(name, before, access, after)                                                                              \
	static void name(void *state)                                                                                  \
	{                                                                                                              \
		struct shared *s = state;                                                                              \
                                                                                                                       \
		before;                                                                                                \
		access(s);                                                                                             \
		after;                                                                                                 \
	}

TASK(mutex_writes, mutex_lock(&s->mutex), writes, mutex_unlock(&s->mutex))
TASK(mutex_reads, mutex_lock(&s->mutex), reads, mutex_unlock(&s->mutex))
TASK(spin_writes, spin_lock(&s->spin), writes, spin_unlock(&s->spin))
TASK(spin_reads, spin_lock(&s->spin), reads, spin_unlock(&s->spin))
TASK(sem_writes, down_write(&s->sem), writes, up_write(&s->sem))
TASK(sem_reads, down_read(&s->sem), reads, up_read(&s->sem))
TASK(reader_writes, down_read(&s->sem), writes, up_read(&s->sem))
TASK(downgrade_reads, (down_write(&s->sem), downgrade_write(&s->sem)), reads, up_read(&s->sem))
TASK(completes, (void)0, writes, complete(&s->done))
TASK(waits_for_it, wait_for_completion(&s->done), reads, (void)0)
TASK(stores, (void)0, writes, WRITE_ONCE(s->ready, 1))
TASK(stores_release, (void)0, writes, smp_store_release(&s->ready, 1))
TASK(wakes, (void)0, writes, WRITE_ONCE(s->ready, 1); wake_up_all(&s->wq))
TASK(wakes_release, (void)0, writes, smp_store_release(&s->ready, 1); wake_up_all(&s->wq))
TASK(sleeps, wait_event(s->wq, READ_ONCE(s->ready)), reads, (void)0)
TASK(sleeps_acquire, wait_event(s->wq, smp_load_acquire(&s->ready)), reads, (void)0)
TASK(publishes, (void)0, writes, rcu_assign_pointer(s->published, &s->x))
TASK(drops_and_writes, if (!refcount_dec_and_test(&s->refs)) return, writes, (void)0)
TASK(reads_and_drops, (void)0, reads, (void)refcount_dec_and_test(&s->refs))

static void loads(void *state)
{
	if (READ_ONCE(((struct shared *)state)->ready))
		reads(state);
}

static void loads_acquire(void *state)
{
	if (smp_load_acquire(&((struct shared *)state)->ready))
		reads(state);
}

static void dereferences(void *state)
{
	int *p = rcu_dereference(((struct shared *)state)->published);

	(void)p2psim_plain_read(p);
}

static void srcu_reads(void *state)
{
	struct shared *s = state;
	int idx = srcu_read_lock(&s->srcu);

	if (!READ_ONCE(s->ready))
		reads(s);
	srcu_read_unlock(&s->srcu, idx);
}

static void grace_then_writes(void *state)
{
	struct shared *s = state;

	WRITE_ONCE(s->ready, 1);
	synchronize_srcu(&s->srcu);
	writes(s);
}

static void no_grace_writes(void *state)
{
	WRITE_ONCE(((struct shared *)state)->ready, 1);
	writes(state);
}

static void works(void *state)
{
	struct shared *s = state;

	writes(s);
	schedule_work(&s->work);
	flush_work(&s->work);
	reads(s);
}

static void works_without_flush(void *state)
{
	schedule_work(&((struct shared *)state)->work);
	reads(state);
}

static int thread(void *state)
{
	p2psim_step("thread");
	writes(state);
	return 0;
}

static void starts_and_stops(void *state)
{
	struct task_struct *child;

	writes(state);
	child = kthread_run(thread, state, "child");
	kthread_stop(child);
	reads(state);
}

static void reads_before_stop(void *state)
{
	struct task_struct *child = kthread_run(thread, state, "child");

	reads(state);
	kthread_stop(child);
}

static void one_byte(void *state)
{
	p2psim_race_check(&((struct shared *)state)->bytes[3], 1, true);
}

static void the_bytes_after_it(void *state)
{
	p2psim_race_check(&((struct shared *)state)->bytes[4], 6, true);
}

static void bytes_around_it(void *state)
{
	p2psim_race_check(((struct shared *)state)->bytes, 8, false);
}

static void idles(void *state)
{
	(void)state;
}

struct pair {
	const char *name;
	void (*a)(void *state), (*b)(void *state);
};

static struct p2psim_explore_result explored(const struct pair *pair, enum p2psim_strategy_kind strategy)
{
	struct p2psim_scenario scenario = { .name = pair->name, .question = "Is it a race?", .setup = init,
		.state_size = sizeof(struct shared), .tasks = { { "a", pair->a }, { "b", pair->b } },
		.config = { .races = true } };
	struct p2psim_explore_options options = { .strategy = strategy, .keep_going = true };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.complete);
	return result;
}

static void never(const struct pair *pairs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct p2psim_explore_result result = explored(&pairs[i], P2PSIM_EXPLORE_DPOR);

		if (result.verdict != P2PSIM_NEVER)
			fail_msg("%s: %s", pairs[i].name, result.violation.sentence);
	}
}

static void always_caught(const struct pair *pairs, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct p2psim_explore_result result = explored(&pairs[i], P2PSIM_EXPLORE_DPOR);

		if (result.verdict != P2PSIM_VIOLATION || result.violation.oracle != P2PSIM_RACE)
			fail_msg("%s: no race: %s", pairs[i].name, result.violation.sentence);
	}
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_locks_order_plain_accesses(void **state)
{
	static const struct pair pairs[] = {
		{ "mutex", mutex_writes, mutex_reads }, { "mutex, both write", mutex_writes, mutex_writes },
		{ "spinlock", spin_writes, spin_reads }, { "rwsem", sem_writes, sem_reads },
		{ "downgrade", sem_writes, downgrade_reads }, { "two readers", reads, reads },
	};

	(void)state;
	never(pairs, COUNT(pairs));
}

static void test_waiting_for_somebody_orders_plain_accesses(void **state)
{
	static const struct pair pairs[] = {
		{ "completion", completes, waits_for_it }, { "work", works, idles }, { "kthread", starts_and_stops, idles },
		{ "wait queue", wakes_release, sleeps_acquire }, { "grace period", srcu_reads, grace_then_writes },
	};

	(void)state;
	never(pairs, COUNT(pairs));
}

static void test_acquire_and_release_order_plain_accesses(void **state)
{
	static const struct pair pairs[] = {
		{ "release", stores_release, loads_acquire }, { "rcu pointer", publishes, dereferences },
		{ "last reference", reads_and_drops, drops_and_writes }, { "other bytes", one_byte, the_bytes_after_it },
	};

	(void)state;
	never(pairs, COUNT(pairs));
}

static void test_what_does_not_order_is_a_race(void **state)
{
	static const struct pair pairs[] = {
		{ "bare write and read", writes, reads }, { "bare writes", writes, writes },
		{ "one locks", mutex_writes, reads }, { "two locks", mutex_writes, spin_reads },
		{ "readers write", reader_writes, reader_writes }, { "marked only", stores, loads },
		{ "acquire without release", stores, loads_acquire }, { "release without acquire", stores_release, loads },
		{ "no grace period", srcu_reads, no_grace_writes }, { "no flush", works_without_flush, idles },
		{ "before stop", reads_before_stop, idles }, { "a byte of eight", one_byte, bytes_around_it },
		{ "seen before the wake-up", wakes, sleeps },
	};

	(void)state;
	always_caught(pairs, COUNT(pairs));
}

static void test_a_race_names_both_accesses(void **state)
{
	static const struct pair pair = { "bare", writes, reads };
	struct p2psim_explore_result result = explored(&pair, P2PSIM_EXPLORE_NAIVE);

	(void)state;
	assert_non_null(strstr(result.violation.sentence, "reads &((struct shared *)state)->x (reads() line "));
	assert_non_null(strstr(result.violation.sentence, "which a wrote (writes() line "));
	assert_non_null(strstr(result.violation.sentence, "nothing orders them"));
	assert_string_equal(p2psim_oracle_name(result.violation.oracle), "RACE");
}

static void test_without_the_option_nothing_is_checked(void **state)
{
	struct p2psim_scenario scenario = { .name = "off", .question = "?", .setup = init,
		.state_size = sizeof(struct shared), .tasks = { { "a", writes }, { "b", writes } } };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
}

/* Plain accesses are no steps: the same interleavings with the check and without. */
static void test_the_check_adds_no_interleaving(void **state)
{
	static const struct pair pair = { "mutex", mutex_writes, mutex_reads };
	struct p2psim_scenario scenario = { .name = "off", .question = "?", .setup = init,
		.state_size = sizeof(struct shared), .tasks = { { "a", mutex_writes }, { "b", mutex_reads } } };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE };
	struct p2psim_explore_result off, on = explored(&pair, P2PSIM_EXPLORE_NAIVE);

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &off), 0);
	assert_int_equal(on.executions, off.executions);
	assert_int_equal(on.steps, off.steps);
}

static int checked_setup(void **state)
{
	static const struct p2psim_config config = { .races = true, .arena_bytes = 16u << 20 };
	struct p2psim_world *world = p2psim_world_create(&config);

	if (world)
		p2psim_world_on_violation(world, core_quiet, NULL);
	*state = world;
	return world ? 0 : -1;
}

#define checked_test(f) cmocka_unit_test_setup_teardown(f, checked_setup, core_teardown)

static int global;

static void writes_global(void *arg)
{
	p2psim_step("global");
	p2psim_plain_write((int *)arg, 1);
}

/* A variable outside the arena too: what one execution did is nothing to the next. */
static void test_an_execution_forgets_the_one_before(void **state)
{
	int i;

	for (i = 0; i < 3; i++) {
		p2psim_task_spawn("one", writes_global, &global);
		assert_int_equal(p2psim_run(), 0);
		assert_null(p2psim_world_violation(*state));
		p2psim_world_reset(*state);
	}
	p2psim_task_spawn("one", writes_global, &global);
	p2psim_task_spawn("two", writes_global, &global);
	p2psim_run();
	assert_violation(*state, P2PSIM_RACE, "two writes (int *)arg");
}

static void test_memory_that_is_used_again_is_another_variable(void **state)
{
	int i, *p;

	(void)state;
	for (i = 0; i < 200; i++) {
		p = kmalloc(sizeof(*p), GFP_KERNEL);
		p2psim_task_spawn("one", writes_global, p);
		assert_int_equal(p2psim_run_alone(p2psim_task_spawn("two", idles, NULL)), 0);
		assert_int_equal(p2psim_run(), 0);
		kfree(p);
		if (i % 20 == 19)
			p2psim_world_reset(*state);
	}
}

static void test_a_plain_access_of_freed_memory_is_told(void **state)
{
	int *p = kmalloc(sizeof(*p), GFP_KERNEL);

	kfree(p);
	p2psim_race_check(p, sizeof(*p), false);
	assert_violation(*state, P2PSIM_UAF, "p is read after");
}

static void test_a_check_without_memory_says_that_it_ends(void **state)
{
	static char much[4u << 20];
	size_t i;

	for (i = 0; i < sizeof(much) && !p2psim_world_violation(*state); i += 8)
		p2psim_race_check(&much[i], 1, true);
	assert_violation(*state, P2PSIM_RACE, "no memory left");
	p2psim_race_check(much, 1, true);
	assert_null(p2psim_world_violation(*state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks_order_plain_accesses),
		cmocka_unit_test(test_waiting_for_somebody_orders_plain_accesses),
		cmocka_unit_test(test_acquire_and_release_order_plain_accesses),
		cmocka_unit_test(test_what_does_not_order_is_a_race),
		cmocka_unit_test(test_a_race_names_both_accesses),
		cmocka_unit_test(test_without_the_option_nothing_is_checked),
		cmocka_unit_test(test_the_check_adds_no_interleaving),
		checked_test(test_an_execution_forgets_the_one_before),
		checked_test(test_memory_that_is_used_again_is_another_variable),
		checked_test(test_a_plain_access_of_freed_memory_is_told),
		checked_test(test_a_check_without_memory_says_that_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
