/* SPDX-License-Identifier: MIT */
/*
 * Somebody else's memory: access_remote_vm(), process_vm_readv(2), process_vm_writev(2).
 */
#include "vma_family.h"

#include <p2psim/linux/sched/mm.h>

static void test_bytes_cross_pages_both_ways(void **state)
{
	struct vma_bench *b = *state;
	char text[3 * PAGE_SIZE], back[sizeof(text)];

	memset(text, 'x', sizeof(text));
	text[PAGE_SIZE] = 'y';
	bench_anon(b, 0, 4, RW);
	assert_int_equal(p2psim_process_vm_write(b->app, AT(0) + 100, text, sizeof(text)), sizeof(text));
	assert_int_equal(p2psim_load_byte(b->app, AT(1) + 100), 'y');
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0) + 100, back, sizeof(back)), sizeof(back));
	assert_memory_equal(text, back, sizeof(text));
	assert_int_equal(access_remote_vm(b->mm, AT(1) + 100, back, 1, 0), 1);
	assert_int_equal(back[0], 'y');
	assert_int_equal(p2psim_process_vm_read(b->app, AT(9), back, 0), 0);
}

/* As far as it goes; -EFAULT, or nothing, only if that is nowhere. */
static void test_a_hole_ends_it(void **state)
{
	struct vma_bench *b = *state;
	char buf[2 * PAGE_SIZE];

	bench_anon(b, 0, 1, RW);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0) + 8, buf, sizeof(buf)), PAGE_SIZE - 8);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(1), buf, 1), -EFAULT);
	assert_int_equal(access_remote_vm(b->mm, AT(0) + 8, buf, sizeof(buf), 0), PAGE_SIZE - 8);
	assert_int_equal(access_remote_vm(b->mm, AT(1), buf, 1, 0), 0);
}

/* Rounds of 16 pages: a hole behind the first is no loss of what it did. */
static void test_more_pages_than_are_pinned_at_once(void **state)
{
	static char buf[20 * PAGE_SIZE];
	struct vma_bench *b = *state;

	bench_anon(b, 0, 18, RW);
	assert_int_equal(p2psim_process_vm_write(b->app, AT(0), buf, sizeof(buf)), 18 * PAGE_SIZE);
	assert_int_equal(b->mm->rss_anon, 18);
}

/* FOLL_FORCE: PROT_NONE is read, read-only is written, a shared read-only mapping is not. */
static void test_a_debugger_is_stopped_by_less(void **state)
{
	struct vma_bench *b = *state;
	char byte = 7;

	bench_anon(b, 0, 1, PROT_NONE);
	b->ops = &pages_ops;
	bench_device(b, 2, 1);
	bench_protect(b, 2, 1, PROT_READ);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0), &byte, 1), -EFAULT);
	assert_int_equal(p2psim_process_vm_write(b->app, AT(2), &byte, 1), -EFAULT);
	assert_int_equal(access_remote_vm(b->mm, AT(0), &byte, 1, FOLL_FORCE | FOLL_WRITE), 1);
	byte = 0;
	assert_int_equal(access_remote_vm(b->mm, AT(0), &byte, 1, FOLL_FORCE), 1);
	assert_int_equal(byte, 7);
	assert_int_equal(access_remote_vm(b->mm, AT(2), &byte, 1, FOLL_FORCE | FOLL_WRITE), 0);
}

static int driver_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	if (write)
		return -EIO;
	memset(buf, 0xab, (size_t)len);
	return len;
}

static const struct vm_operations_struct accessible_ops = { .access = driver_access };

/* A BAR has no pages: the driver is asked. */
static void test_where_there_is_no_page_the_driver_is_asked(void **state)
{
	struct vma_bench *b = *state;
	unsigned char bytes[2] = { 0 };

	b->ops = &accessible_ops;
	b->fills = true;
	bench_device(b, 0, 1);
	assert_int_equal(access_remote_vm(b->mm, AT(0), bytes, 2, 0), 2);
	assert_int_equal(bytes[1], 0xab);
	assert_int_equal(access_remote_vm(b->mm, AT(0), bytes, 2, FOLL_WRITE), 0);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0), bytes, 1), -EFAULT);
}

/* Reading is pinning: what the family shares is copied first. */
static void test_reading_a_shared_page_unshares_it(void **state)
{
	struct vma_bench *b = *state, *child;
	char byte;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	pages_listen(b);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0), &byte, 1), 1);
	assert_int_equal(byte, 5);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_string_equal(family_page(child, 0), "ro 1");
	family_exit(child, b);
}

/* Its address space is going: mm_users is 0. */
static void read_at_the_end(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);
	char byte;

	bench_say(b, "%ld", p2psim_process_vm_read(b->app, AT(0), &byte, 1));
}

static void test_a_process_that_is_going_has_no_memory(void **state)
{
	static const struct mmu_notifier_ops ops = { .release = read_at_the_end };
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	child = family_fork(b);
	child->listener.ops = &ops;
	assert_int_equal(mmu_notifier_register(&child->listener, child->mm), 0);
	mmgrab(child->mm);
	p2psim_process_exit(child->app);
	assert_int_equal(atoi(bench_log(child)), -ESRCH);
	mmu_notifier_unregister(&child->listener, child->mm);
	mmdrop(child->mm);
	free(child);
}

static void killed_access(void *arg)
{
	struct vma_bench *b = arg;
	char byte = 1;

	p2psim_step("about to");
	P2PSIM_CHECK(access_remote_vm(b->mm, AT(0), &byte, 1, FOLL_WRITE) == 0);
}

static void test_a_killed_debugger_has_done_nothing(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;

	bench_anon(b, 0, 1, RW);
	task = p2psim_task_spawn("gdb", killed_access, b);
	p2psim_task_kill(task);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(pages_load(b, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_bytes_cross_pages_both_ways),
		pages_test(test_a_hole_ends_it),
		pages_test(test_more_pages_than_are_pinned_at_once),
		pages_test(test_a_debugger_is_stopped_by_less),
		pages_test(test_where_there_is_no_page_the_driver_is_asked),
		pages_test(test_reading_a_shared_page_unshares_it),
		pages_test(test_a_process_that_is_going_has_no_memory),
		pages_test(test_a_killed_debugger_has_done_nothing),
	};

	return cmocka_run_group_tests_name("process_vm", tests, NULL, NULL);
}
