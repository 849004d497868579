/* SPDX-License-Identifier: MIT */
/* Sequence counters, reader/writer spinlocks, the clock as a ktime_t, and masks: what drivers of the family bring along. */
#include "core_world.h"

#include <p2psim/linux/bitfield.h>
#include <p2psim/linux/circ_buf.h>
#include <p2psim/linux/cpumask.h>
#include <p2psim/linux/ktime.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/preempt.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/rwlock.h>
#include <p2psim/linux/seqlock.h>
#include <p2psim/linux/unaligned.h>
#include <p2psim/task.h>

/* ---- seqlock_t ---- */

struct pair {
	seqlock_t lock;
	int a, b;			/* equal, under the lock */
	int torn, retries;
};

static void write_pair(void *arg)
{
	struct pair *p = arg;

	write_seqlock(&p->lock);
	p->a++;
	p2psim_step("half");
	p->b++;
	write_sequnlock(&p->lock);
}

static void read_pair(void *arg)
{
	struct pair *p = arg;
	unsigned int seq;
	int a, b;

	for (;;) {
		seq = read_seqbegin(&p->lock);
		a = p->a;
		p2psim_step("between");
		b = p->b;
		if (!read_seqretry(&p->lock, seq))
			break;
		p->retries++;
	}
	p->torn += a != b;
}

/*
 *	reader			writer
 *	begin = 0
 *	a = 0
 *				a = 1, b = 1
 *	b = 1
 *	retry: yes
 */
static void test_a_reader_that_a_writer_passes_tries_again(void **state)
{
	struct pair p = {};
	struct task_struct *reader;

	(void)state;
	seqlock_init(&p.lock);
	reader = p2psim_task_spawn("reader", read_pair, &p);
	p2psim_run_until(reader, "between");
	write_pair(&p);
	p2psim_run();
	assert_int_equal(p.retries, 1);
	assert_int_equal(p.torn, 0);
	assert_int_equal(p.a, 1);
}

/* A reader that comes while somebody writes waits: it never sees half. */
static void test_a_reader_waits_for_the_end_of_a_write(void **state)
{
	struct pair p = {};
	struct task_struct *writer;

	(void)state;
	seqlock_init(&p.lock);
	writer = p2psim_task_spawn("writer", write_pair, &p);
	p2psim_run_until(writer, "half");
	read_pair(&p);
	p2psim_run();
	assert_int_equal(p.retries, 0);
	assert_int_equal(p.torn, 0);
	assert_int_equal(p.a, 1);
}

static void test_two_writers_without_a_lock_are_told(void **state)
{
	seqcount_t count;

	seqcount_init(&count);
	write_seqcount_begin(&count);
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "may sleep in a section that writes under a sequence counter");
	write_seqcount_begin(&count);
	assert_violation(*state, P2PSIM_CONTRACT, "two write &count at once");
	write_seqcount_end(&count);
	write_seqcount_end(&count);
	assert_violation(*state, P2PSIM_BALANCE, "nobody has begun to write");
	preempt_disable();
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "with preemption disabled");
	preempt_enable();
}

/* ---- rwlock_t ---- */

static void test_readers_share_a_rwlock_and_keep_writers_out(void **state)
{
	rwlock_t lock;

	(void)state;
	rwlock_init(&lock);
	read_lock(&lock);
	assert_int_equal(read_trylock(&lock), 1);
	assert_int_equal(write_trylock(&lock), 0);
	read_unlock(&lock);
	read_unlock(&lock);
	assert_int_equal(write_trylock(&lock), 1);
	assert_int_equal(read_trylock(&lock), 0);
	write_unlock(&lock);
}

static void test_mistakes_with_a_rwlock_are_told(void **state)
{
	rwlock_t lock;

	rwlock_init(&lock);
	read_lock(&lock);
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "spinlock held");
	read_unlock(&lock);
	read_unlock(&lock);
	assert_violation(*state, P2PSIM_BALANCE, "no reader holds");
	write_unlock(&lock);
	assert_violation(*state, P2PSIM_BALANCE, "no writer holds");
	write_lock(&lock);
	write_lock(&lock);
	assert_violation(*state, P2PSIM_DEADLOCK, "which it holds for writing already");
	write_unlock(&lock);
	might_sleep();
	assert_null(p2psim_world_violation(*state));
}

static void test_a_protected_pointer_asks_for_its_lock(void **state)
{
	struct mutex lock;
	int value, *pointer = &value;

	mutex_init(&lock);
	assert_ptr_equal(rcu_dereference_protected(pointer, p2psim_lock_is_held(&lock.lock)), &value);
	assert_violation(*state, P2PSIM_CONTRACT, "p2psim_lock_is_held(&lock.lock)");
	mutex_lock(&lock);
	assert_ptr_equal(rcu_dereference_protected(pointer, p2psim_lock_is_held(&lock.lock)), &value);
	mutex_unlock(&lock);
	assert_null(p2psim_world_violation(*state));
}

/* ---- values ---- */

static void test_ktime_is_the_logical_clock_in_nanoseconds(void **state)
{
	ktime_t before = ktime_get();

	(void)state;
	msleep(5);
	assert_int_equal(ktime_us_delta(ktime_get(), before), 5000);
	assert_true(ktime_after(ktime_get(), before));
	assert_int_equal(ktime_to_ms(ktime_add_ms(ktime_set(1, 5), 20)), 1020);
	assert_int_equal(ktime_set(INT64_MAX, 0), KTIME_MAX);
}

static void test_fields_masks_and_rings_are_as_in_the_kernel(void **state)
{
	struct cpumask mask;
	unsigned char bytes[] = { 0, 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(FIELD_PREP(GENMASK(7, 4), 0x1a), 0xa0);
	assert_int_equal(FIELD_GET(GENMASK(7, 4), 0x1a5), 0xa);
	assert_false(FIELD_FIT(GENMASK(7, 4), 16));
	assert_int_equal(get_unaligned_be32(bytes + 1), 0x01020304);
	assert_int_equal(CIRC_CNT(1, 14, 16), 3);
	assert_int_equal(CIRC_SPACE_TO_END(14, 1, 16), 2);
	cpumask_clear(&mask);
	cpumask_set_cpu(63, &mask);
	assert_int_equal(cpumask_next(-1, &mask), 63);
	assert_int_equal(cpumask_next(63, &mask), NR_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_reader_that_a_writer_passes_tries_again),
		core_test(test_a_reader_waits_for_the_end_of_a_write),
		core_test(test_two_writers_without_a_lock_are_told),
		core_test(test_readers_share_a_rwlock_and_keep_writers_out),
		core_test(test_mistakes_with_a_rwlock_are_told),
		core_test(test_a_protected_pointer_asks_for_its_lock),
		core_test(test_ktime_is_the_logical_clock_in_nanoseconds),
		core_test(test_fields_masks_and_rings_are_as_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
