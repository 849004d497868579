/* SPDX-License-Identifier: MIT */
/*
 * struct pid: a driver remembers who registered a region, without keeping him.
 */
#include "vma_bench.h"

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/pid.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/sched/task.h>
#include <p2psim/task.h>

static struct pid *pid_of_app(struct vma_bench *b)
{
	struct pid *pid;

	p2psim_process_attach(b->app);
	pid = get_task_pid(current->group_leader, PIDTYPE_PID);
	p2psim_process_detach();
	return pid;
}

static void end_app(struct vma_bench *b)
{
	p2psim_process_exit(b->app);
	b->app = NULL;
}

static void test_a_process_is_found_until_it_exits(void **state)
{
	struct vma_bench *b = *state;
	struct pid *pid = pid_of_app(b);
	struct task_struct *leader = get_pid_task(pid, PIDTYPE_PID);

	assert_non_null(leader);
	assert_ptr_equal(leader->mm, b->mm);
	put_task_struct(leader);
	end_app(b);
	assert_null(get_pid_task(pid, PIDTYPE_PID));
	put_pid(pid);
	assert_null(get_pid_task(NULL, PIDTYPE_PID));
}

/* A reference of the task keeps its memory, not the task. */
static void test_the_task_of_a_process_that_has_exited_has_no_mm(void **state)
{
	struct vma_bench *b = *state;
	struct pid *pid = pid_of_app(b);
	struct task_struct *leader = get_pid_task(pid, PIDTYPE_PID);

	put_pid(pid);
	assert_true(pid_alive(leader));
	assert_ptr_equal(get_task_mm(leader), b->mm);
	mmput(b->mm);
	end_app(b);
	assert_false(pid_alive(leader));
	assert_null(get_task_mm(leader));
	put_task_struct(leader);
}

static void test_threads_of_a_process_have_one_leader_and_processes_different_ones(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *mine = current->group_leader;
	struct p2psim_process *child;
	struct pid *pid = pid_of_app(b), *again = pid_of_app(b);

	assert_ptr_equal(mine, current);
	assert_ptr_equal(pid, again);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	p2psim_process_attach(child);
	assert_int_not_equal(task_tgid_nr(current), pid_nr(pid));
	p2psim_process_exit(child);
	assert_ptr_equal(current->group_leader, current);
	put_pid(again);
	put_pid(pid);
}

static int wait_to_be_stopped(void *arg)
{
	while (!kthread_should_stop())
		schedule_timeout(1);
	return 0;
}

/* Its slot is not given to another thread while somebody has it. */
static void test_a_thread_that_somebody_holds_is_not_used_again(void **state)
{
	struct task_struct *first = kthread_run(wait_to_be_stopped, NULL, "first"), *second;
	struct pid *pid = get_task_pid(first, PIDTYPE_TGID);

	get_task_struct(first);
	assert_int_equal(pid_nr(pid), task_pid_nr(first));
	kthread_stop(first);
	assert_null(get_pid_task(pid, PIDTYPE_PID));
	put_pid(pid);
	second = kthread_run(wait_to_be_stopped, NULL, "second");
	assert_ptr_not_equal(first, second);
	put_task_struct(first);
	kthread_stop(second);
}

static void test_a_pid_that_is_kept_is_a_leak(void **state)
{
	struct vma_bench *b = *state;

	struct pid *pid = pid_of_app(b);

	fput(b->file);
	b->file = NULL;
	end_app(b);
	assert_int_not_equal(p2psim_world_check_quiescent(b->world), 0);
	assert_violation(b->world, P2PSIM_LEAK, "pid_of_app");
	put_pid(pid);
}

static void test_a_reference_too_many_given_back_is_told(void **state)
{
	struct vma_bench *b = *state;

	put_task_struct(current);
	assert_violation(b->world, P2PSIM_BALANCE, "without get_task_struct()");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_a_process_is_found_until_it_exits),
		bench_test(test_the_task_of_a_process_that_has_exited_has_no_mm),
		bench_test(test_threads_of_a_process_have_one_leader_and_processes_different_ones),
		bench_test(test_a_thread_that_somebody_holds_is_not_used_again),
		bench_test(test_a_pid_that_is_kept_is_a_leak),
		bench_test(test_a_reference_too_many_given_back_is_told),
	};

	return cmocka_run_group_tests_name("pid", tests, NULL, NULL);
}
