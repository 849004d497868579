/* SPDX-License-Identifier: MIT */
/*
 * The simulated process: its name, its threads, its signals, and the two counts of its mm.
 */
#include "vma_bench.h"

#include <signal.h>

#include <p2psim/linux/sched/mm.h>
#include <p2psim/task.h>

static void test_a_process_has_a_name_and_an_empty_address_space(void **state)
{
	struct vma_bench *b = *state;

	assert_string_equal(p2psim_process_name(b->app), "app");
	assert_ptr_equal(p2psim_process_mm(b->app), b->mm);
	assert_null(p2psim_vma_first(b->mm));
	assert_int_equal(b->mm->mm_users.counter, 1);
	assert_int_equal(b->mm->mm_count.counter, 1);
	assert_true(p2psim_mm_is_valid(b->mm));
}

/* ---- signals (2.2) ---- */

static void assert_signal(struct vma_bench *b, int signo, int code, unsigned long address)
{
	const struct p2psim_signal *signal = p2psim_process_signal(b->app);

	assert_int_equal(signal->signo, signo);
	assert_int_equal(signal->code, code);
	assert_int_equal(signal->address, address);
}

/*	0  1  2		r- memory, a hole, a device without a fault handler */
static void test_a_failed_access_says_which_signal_and_where(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, PROT_READ);
	bench_device(b, 2, 1);
	assert_int_equal(p2psim_load_byte(b->app, AT(1) + 5), -EFAULT);
	assert_signal(b, SIGSEGV, P2PSIM_SEGV_MAPERR, AT(1) + 5);
	assert_int_equal(p2psim_store_byte(b->app, AT(0) + 6, 1), -EFAULT);
	assert_signal(b, SIGSEGV, P2PSIM_SEGV_ACCERR, AT(0) + 6);
	assert_int_equal(p2psim_load_byte(b->app, AT(2) + 7), -EFAULT);
	assert_signal(b, SIGBUS, P2PSIM_BUS_ADRERR, AT(2) + 7);
}

/* The signal is of the last access that failed: one that works leaves it, and another process has its own. */
static void test_a_signal_stays_until_the_next_and_is_the_process_s_own(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");

	bench_anon(b, 0, 1, RW);
	assert_int_equal(p2psim_process_signal(b->app)->signo, 0);
	assert_int_equal(p2psim_load_byte(b->app, AT(1)), -EFAULT);
	assert_int_equal(p2psim_store_byte(b->app, AT(0), 1), 0);
	assert_signal(b, SIGSEGV, P2PSIM_SEGV_MAPERR, AT(1));
	assert_int_equal(p2psim_process_signal(other)->signo, 0);
	p2psim_process_exit(other);
}

/* What was moved before the page that failed has been moved; the address is where the access went on. */
static void test_a_long_store_stops_at_the_hole(void **state)
{
	struct vma_bench *b = *state;
	const char bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	bench_anon(b, 0, 1, RW);
	assert_int_equal(p2psim_store(b->app, AT(1) - 4, bytes, sizeof(bytes)), -EFAULT);
	assert_signal(b, SIGSEGV, P2PSIM_SEGV_MAPERR, AT(1));
	assert_int_equal(p2psim_load_byte(b->app, AT(1) - 4), 1);
	assert_int_equal(p2psim_load_byte(b->app, AT(1) - 1), 4);
}

/* Memory belongs to the process: the same address is something else next door. */
static void test_two_processes_do_not_share_private_memory(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	assert_int_equal(p2psim_load_byte(other, AT(0)), -EFAULT);
	p2psim_mmap(other, AT(0), PAGE_SIZE, RW, FIXED_ANON, NULL, 0);
	assert_int_equal(p2psim_load_byte(other, AT(0)), 0);
	p2psim_store_byte(other, AT(0), 9);
	assert_int_equal(p2psim_load_byte(b->app, AT(0)), 1);
	p2psim_process_exit(other);
}

/* ---- threads ---- */

struct thread {
	struct vma_bench *b;
	struct mm_struct *before, *attached;
};

static void thread(void *arg)
{
	struct thread *t = arg;

	t->before = current->mm;
	p2psim_process_attach(t->b->app);
	p2psim_yield();
	t->attached = current->mm;
	p2psim_process_detach();
}

/* current->mm is of the task: two threads of one process have the same, and task 0 none of it. */
static void test_threads_share_their_process_s_mm(void **state)
{
	struct vma_bench *b = *state;
	struct thread one = { .b = b }, two = { .b = b };

	p2psim_task_spawn("one", thread, &one);
	p2psim_task_spawn("two", thread, &two);
	assert_int_equal(p2psim_run(), 0);
	assert_null(one.before);
	assert_ptr_equal(one.attached, b->mm);
	assert_ptr_equal(two.attached, b->mm);
	assert_null(current->mm);
}

static int notes_current(struct file *file, struct vm_area_struct *vma)
{
	struct vma_bench *b = file->private_data;

	bench_say(b, current->mm == vma->vm_mm ? "its own; " : "another's; ");
	return 0;
}

/* A call for another process runs as that one, and gives current->mm back. */
static void test_a_call_for_another_process_runs_as_that_one(void **state)
{
	static const struct file_operations fops = { .mmap = notes_current };
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");
	struct file *file = p2psim_file_create("curious", &fops, b, FMODE_READ | FMODE_WRITE);

	p2psim_process_attach(b->app);
	p2psim_mmap(other, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	assert_string_equal(bench_log(b), "its own; ");
	assert_ptr_equal(current->mm, b->mm);
	p2psim_process_exit(other);
	assert_ptr_equal(current->mm, b->mm);
	p2psim_process_detach();
	fput(file);
}

/* ---- mm_users and mm_count ---- */

/*
 *			mm_users  mm_count
 *	process		1	  1		all users together hold one count
 *	mmgrab		1	  2
 *	exit		0	  1		no address space any more; the struct stays
 *	mmdrop		0	  0		freed
 */
static void test_the_struct_outlives_the_address_space(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	mmgrab(b->mm);
	assert_int_equal(b->mm->mm_count.counter, 2);
	assert_true(mmget_not_zero(b->mm));
	mmput(b->mm);
	p2psim_process_exit(b->app);
	b->app = NULL;
	assert_int_equal(b->mm->map_count, 0);
	assert_false(mmget_not_zero(b->mm));
	assert_int_equal(b->mm->mm_users.counter, 0);
	assert_int_equal(b->mm->mm_count.counter, 1);
	mmdrop(b->mm);
}

/* mmput_async(): the address space ends later, in a worker. */
static void test_an_async_put_leaves_the_end_to_a_worker(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 1);
	mmget(b->mm);
	p2psim_process_exit(b->app);
	b->app = NULL;
	bench_log(b);
	mmput_async(b->mm);
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(bench_log(b), "close 0-1 W; ");
}

/* The mm as it is after exit, kept by mmgrab(); what is wrong with it is the test's. */
static struct mm_struct *address_space_gone(struct vma_bench *b)
{
	mmgrab(b->mm);
	p2psim_process_exit(b->app);
	b->app = NULL;
	return b->mm;
}

static void test_mmget_of_a_gone_address_space_is_a_UAF(void **state)
{
	struct vma_bench *b = *state;
	struct mm_struct *mm = address_space_gone(b);

	mmget(mm);
	assert_violation(b->world, P2PSIM_UAF, "mmget() of an address space that is gone");
	mmdrop(mm);
}

static void test_mmput_without_mmget_is_unbalanced(void **state)
{
	struct vma_bench *b = *state;
	struct mm_struct *mm = address_space_gone(b);

	mmput(mm);
	assert_violation(b->world, P2PSIM_BALANCE, "mmput() without mmget()");
	mmdrop(mm);
}

static void keep(struct mm_struct *mm)
{
}

/* The struct is kept here, so that there is something to look at after the last mmdrop(). */
static void test_mmgrab_and_mmdrop_of_a_freed_mm_are_noticed(void **state)
{
	struct vma_bench *b = *state;
	struct mm_struct *mm = address_space_gone(b);
	void (*free_mm)(struct mm_struct *) = mm->free;

	mm->free = keep;
	mmdrop(mm);
	mmdrop(mm);
	assert_violation(b->world, P2PSIM_BALANCE, "mmdrop() without mmgrab()");
	mmgrab(mm);
	assert_violation(b->world, P2PSIM_UAF, "mmgrab() of an mm that is freed");
	free_mm(mm);
}

static void test_an_mm_that_is_never_dropped_is_a_leak(void **state)
{
	struct vma_bench *b = *state;
	struct mm_struct *mm = address_space_gone(b);

	fput(b->file);
	b->file = NULL;
	assert_int_not_equal(p2psim_world_check_quiescent(b->world), 0);
	assert_violation(b->world, P2PSIM_LEAK, "");
	mmdrop(mm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_a_process_has_a_name_and_an_empty_address_space),
		bench_test(test_a_failed_access_says_which_signal_and_where),
		bench_test(test_a_signal_stays_until_the_next_and_is_the_process_s_own),
		bench_test(test_a_long_store_stops_at_the_hole),
		bench_test(test_two_processes_do_not_share_private_memory),
		bench_test(test_threads_share_their_process_s_mm),
		bench_test(test_a_call_for_another_process_runs_as_that_one),
		bench_test(test_the_struct_outlives_the_address_space),
		bench_test(test_an_async_put_leaves_the_end_to_a_worker),
		bench_test(test_mmget_of_a_gone_address_space_is_a_UAF),
		bench_test(test_mmput_without_mmget_is_unbalanced),
		bench_test(test_mmgrab_and_mmdrop_of_a_freed_mm_are_noticed),
		bench_test(test_an_mm_that_is_never_dropped_is_a_leak),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
