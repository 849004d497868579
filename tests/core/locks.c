/* SPDX-License-Identifier: MIT */
/* Mutex, spinlock, rw_semaphore: exclusion, order, mistakes. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/task.h>

static void test_taking_a_mutex_twice_is_a_deadlock(void **state)
{
	struct mutex lock;

	mutex_init(&lock);
	mutex_lock(&lock);
	mutex_lock(&lock);
	assert_violation(*state, P2PSIM_DEADLOCK, "which it holds already");
	mutex_unlock(&lock);
}

static void test_releasing_what_one_does_not_hold_is_unbalanced(void **state)
{
	struct rw_semaphore sem;
	struct mutex lock;
	spinlock_t spin;

	mutex_init(&lock);
	spin_lock_init(&spin);
	init_rwsem(&sem);
	mutex_unlock(&lock);
	assert_violation(*state, P2PSIM_BALANCE, "&lock, which nobody holds");
	spin_unlock(&spin);
	assert_violation(*state, P2PSIM_BALANCE, "&spin");
	up_read(&sem);
	assert_violation(*state, P2PSIM_BALANCE, "no reader holds");
	up_write(&sem);
	assert_violation(*state, P2PSIM_BALANCE, "no writer holds");
}

static void test_trylock_says_no_and_adds_no_edge(void **state)
{
	struct mutex a, b;

	(void)state;
	mutex_init(&a);
	mutex_init(&b);
	mutex_lock(&a);
	assert_int_equal(mutex_trylock(&b), 1);
	assert_int_equal(mutex_trylock(&b), 0);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b); /* b then a: no cycle, because a then b was a trylock */
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

/* L2: the orders occur one after the other, in one task: nobody hangs, the graph still tells. */
static void test_two_orders_of_two_locks_are_a_cycle(void **state)
{
	struct mutex a, b;

	mutex_init(&a);
	mutex_init(&b);
	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "lock order: &a is taken with &b held");
	mutex_unlock(&a);
	mutex_unlock(&b);
}

/* L2: a -> b, b -> c, c -> a. */
static void test_a_cycle_of_three_is_found(void **state)
{
	struct mutex a, b, c, *order[] = { &a, &b, &b, &c, &c, &a };
	int i;

	mutex_init(&a);
	mutex_init(&b);
	mutex_init(&c);
	for (i = 0; i < 6; i += 2) {
		assert_null(p2psim_world_violation(*state));
		mutex_lock(order[i]);
		mutex_lock(order[i + 1]);
		mutex_unlock(order[i + 1]);
		mutex_unlock(order[i]);
	}
	assert_violation(*state, P2PSIM_LOCKGRAPH, "by way of &b");
}

/* L3 */
static void test_two_of_one_class_need_a_subclass(void **state)
{
	struct mutex lock[2];
	int i;

	for (i = 0; i < 2; i++)
		mutex_init(&lock[i]);
	mutex_lock(&lock[0]);
	mutex_lock_nested(&lock[1], 1);
	assert_null(p2psim_world_violation(*state));
	mutex_unlock(&lock[1]);
	mutex_lock(&lock[1]);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "name a subclass");
	mutex_unlock(&lock[1]);
	mutex_unlock(&lock[0]);
}

/* L5 */
static void test_sleeping_with_a_spinlock_or_in_rcu_or_nonblock_is_reported(void **state)
{
	spinlock_t spin;

	spin_lock_init(&spin);
	spin_lock(&spin);
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "spinlock held");
	spin_unlock(&spin);
	rcu_read_lock();
	kfree(kmalloc(8, GFP_KERNEL));
	assert_violation(*state, P2PSIM_LOCKGRAPH, "RCU read side");
	kfree(kmalloc(8, GFP_ATOMIC));
	assert_null(p2psim_world_violation(*state));
	rcu_read_unlock();
	non_block_start();
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "non-blockable");
	non_block_end();
	might_sleep();
	assert_null(p2psim_world_violation(*state));
}

static void test_allocating_under_a_lock_that_reclaim_takes_is_a_cycle(void **state)
{
	struct mutex lock;

	mutex_init(&lock);
	lock_map_acquire(&p2psim_fs_reclaim_map); /* reclaim takes the lock */
	mutex_lock(&lock);
	mutex_unlock(&lock);
	lock_map_release(&p2psim_fs_reclaim_map);
	mutex_lock(&lock);
	kfree(kmalloc(8, GFP_NOFS));
	assert_null(p2psim_world_violation(*state));
	kfree(kmalloc(8, GFP_KERNEL));
	assert_violation(*state, P2PSIM_LOCKGRAPH, "fs_reclaim");
	mutex_unlock(&lock);
}

static void test_lockdep_assert_held_fires_without_the_lock(void **state)
{
	struct mutex lock;

	mutex_init(&lock);
	lockdep_assert_held(&lock);
	assert_violation(*state, P2PSIM_CONTRACT, "must be held");
	mutex_lock(&lock);
	lockdep_assert_held(&lock);
	assert_null(p2psim_world_violation(*state));
	mutex_destroy(&lock);
	assert_violation(*state, P2PSIM_BALANCE, "destroyed while main holds it");
	mutex_unlock(&lock);
}

static void test_a_lock_in_freed_memory_is_a_uaf(void **state)
{
	struct mutex *lock = kmalloc(sizeof(*lock), GFP_KERNEL);

	mutex_init(lock);
	kfree(lock);
	p2psim_object_id_slow(&lock->lock.obj);
	assert_violation(*state, P2PSIM_UAF, "freed");
}

struct rw {
	struct rw_semaphore sem;
	int readers, writers, log;
};

static void reads(void *arg)
{
	struct rw *rw = arg;

	down_read(&rw->sem);
	rw->log = rw->log * 10 + 1;
	up_read(&rw->sem);
}

static void writes(void *arg)
{
	struct rw *rw = arg;

	down_write(&rw->sem);
	rw->log = rw->log * 10 + 2;
	up_write(&rw->sem);
}

static void test_readers_share_and_a_waiting_writer_stops_new_ones(void **state)
{
	struct rw rw = {};
	struct task_struct *writer, *reader;

	(void)state;
	init_rwsem(&rw.sem);
	down_read(&rw.sem);
	assert_int_equal(down_read_trylock(&rw.sem), 1);
	up_read(&rw.sem);
	writer = p2psim_task_spawn("writer", writes, &rw);
	reader = p2psim_task_spawn("reader", reads, &rw);
	assert_int_equal(p2psim_run_alone(writer), -EAGAIN);
	assert_int_equal(p2psim_run_alone(reader), -EAGAIN);
	assert_int_equal(down_read_trylock(&rw.sem), 0);
	up_read(&rw.sem);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(rw.log, 21);
}

static void test_downgrade_lets_readers_in_but_no_writer(void **state)
{
	struct rw rw = {};
	struct task_struct *writer, *reader;

	(void)state;
	init_rwsem(&rw.sem);
	down_write(&rw.sem);
	reader = p2psim_task_spawn("reader", reads, &rw);
	assert_int_equal(p2psim_run_alone(reader), -EAGAIN);
	downgrade_write(&rw.sem);
	assert_int_equal(p2psim_run_alone(reader), 0);
	writer = p2psim_task_spawn("writer", writes, &rw);
	assert_int_equal(p2psim_run_alone(writer), -EAGAIN);
	up_read(&rw.sem);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(rw.log, 12);
}

static void kill_writer(void *arg)
{
	struct rw *rw = arg;

	rw->log = down_write_killable(&rw->sem);
}

static void test_a_killed_writer_leaves_the_queue(void **state)
{
	struct rw rw = {};
	struct task_struct *writer;

	(void)state;
	init_rwsem(&rw.sem);
	down_read(&rw.sem);
	writer = p2psim_task_spawn("writer", kill_writer, &rw);
	p2psim_run_alone(writer);
	p2psim_task_kill(writer);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(rw.log, -EINTR);
	assert_int_equal(down_read_trylock(&rw.sem), 1);
	up_read(&rw.sem);
	up_read(&rw.sem);
}

static void test_a_recursive_write_is_a_deadlock(void **state)
{
	struct rw_semaphore sem;

	init_rwsem(&sem);
	down_write(&sem);
	assert_true(rwsem_is_write_held(&sem));
	down_write(&sem);
	assert_violation(*state, P2PSIM_DEADLOCK, "holds for writing already");
	assert_int_equal(down_write_trylock(&sem), 0);
	up_write(&sem);
	assert_false(rwsem_is_locked(&sem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_taking_a_mutex_twice_is_a_deadlock),
		core_test(test_releasing_what_one_does_not_hold_is_unbalanced),
		core_test(test_trylock_says_no_and_adds_no_edge),
		core_test(test_two_orders_of_two_locks_are_a_cycle),
		core_test(test_a_cycle_of_three_is_found),
		core_test(test_two_of_one_class_need_a_subclass),
		core_test(test_sleeping_with_a_spinlock_or_in_rcu_or_nonblock_is_reported),
		core_test(test_allocating_under_a_lock_that_reclaim_takes_is_a_cycle),
		core_test(test_lockdep_assert_held_fires_without_the_lock),
		core_test(test_a_lock_in_freed_memory_is_a_uaf),
		core_test(test_readers_share_and_a_waiting_writer_stops_new_ones),
		core_test(test_downgrade_lets_readers_in_but_no_writer),
		core_test(test_a_killed_writer_leaves_the_queue),
		core_test(test_a_recursive_write_is_a_deadlock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
