/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of each system call fails in turn: -ENOMEM or success, a valid mm after every call, nothing left over,
 * and every open() has its close().
 */
#include "fail_each.h"
#include "vma_bench.h"

#include <p2psim/linux/sched/mm.h>

struct balance {
	struct vma_bench bench, *b;
	int live;		/* VMAs that the driver believes in */
};

static struct balance *balance_of(const struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

static void count_open(struct vm_area_struct *vma)
{
	balance_of(vma)->live++;
}

static void count_close(struct vm_area_struct *vma)
{
	balance_of(vma)->live--;
}

static int maybe_mremap(struct vm_area_struct *vma)
{
	return 0;
}

static const struct vm_operations_struct counting_ops = { .open = count_open, .close = count_close, .mremap = maybe_mremap };

static int count_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct balance *balance = file->private_data;

	vma->vm_ops = &counting_ops;
	if (remap_pfn_range(vma, vma->vm_start, DEVICE_PFN + vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot))
		return -ENOMEM;
	balance->live++;
	return 0;
}

static const struct file_operations counting_fops = { .mmap = count_mmap };

/* -EFAULT: what an earlier call should have mapped is not there. */
static void check(struct balance *balance, long ret)
{
	if (ret < 0 && ret > -4096)
		assert_true(ret == -ENOMEM || ret == -EFAULT);
	assert_true(p2psim_mm_is_valid(balance->b->mm));
}

/* The VMAs of the file that there are. */
static int device_vmas(struct vma_bench *b, const struct file *file)
{
	const struct vm_area_struct *vma;
	int count = 0;

	for (vma = p2psim_vma_first(b->mm); vma; vma = p2psim_vma_next(vma))
		count += vma->vm_file == file;
	return count;
}

static void anonymous_story(struct balance *balance)
{
	struct vma_bench *b = balance->b;

	check(balance, bench_anon(b, 0, 6, RW));
	check(balance, p2psim_store_byte(b->app, AT(0), 1));
	check(balance, p2psim_store_byte(b->app, AT(5), 1));
	check(balance, bench_protect(b, 1, 2, PROT_READ));
	check(balance, bench_protect(b, 1, 2, RW));
	check(balance, bench_anon(b, 8, 2, RW));
	check(balance, bench_anon(b, 6, 2, RW));
	check(balance, bench_unmap(b, 3, 1));
	check(balance, p2psim_mremap(b->app, AT(0), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(1024)));
	check(balance, p2psim_mremap(b->app, AT(1024), PAGES(2), PAGES(4), 0, 0));
	check(balance, p2psim_mmap(b->app, AT(2), PAGES(3), RW, FIXED_ANON | MAP_POPULATE, NULL, 0));
	check(balance, p2psim_madvise(b->app, AT(2), PAGES(3), MADV_DONTNEED));
}

/* Cuts that are not mprotect()'s: madvise() says -EAGAIN where the others say -ENOMEM, and mlock() where pages lack. */
static void advised_story(struct balance *balance)
{
	struct vma_bench *b = balance->b;
	int ret;

	check(balance, bench_anon(b, 0x100, 6, RW));
	check(balance, p2psim_load_byte(b->app, AT(0x102)));
	ret = p2psim_madvise(b->app, AT(0x101), PAGES(2), MADV_DONTFORK);
	check(balance, ret == -EAGAIN ? -ENOMEM : ret);
	ret = p2psim_mlock(b->app, AT(0x102), PAGES(3));
	check(balance, ret == -EAGAIN ? -ENOMEM : ret);
	check(balance, p2psim_madvise(b->app, AT(0x105), PAGES(1), MADV_POPULATE_WRITE));
	check(balance, p2psim_munlock(b->app, AT(0x102), PAGES(3)));
	check(balance, p2psim_mlockall(b->app, MCL_CURRENT));
	check(balance, p2psim_munlockall(b->app));
}

/* Moves of every kind. */
static void moving_story(struct balance *balance)
{
	struct vma_bench *b = balance->b;

	check(balance, bench_anon(b, 0x60, 4, RW));
	check(balance, p2psim_store_byte(b->app, AT(0x61), 1));
	check(balance, p2psim_mremap(b->app, AT(0x61), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
				     AT(4096)));
	check(balance, p2psim_mremap(b->app, AT(4096), PAGES(1), PAGES(3), MREMAP_MAYMOVE, 0));
	check(balance, p2psim_mremap(b->app, AT(0x60), PAGES(4), PAGES(2), 0, 0));
	check(balance, p2psim_mremap(b->app, AT(0x60), PAGES(1), PAGES(3), MREMAP_MAYMOVE, 0));
	check(balance, p2psim_mmap(b->app, 0, PAGES(2), RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, NULL, 0));
}

static void device_story(struct balance *balance, struct file *file)
{
	struct vma_bench *b = balance->b;

	check(balance, p2psim_mmap(b->app, AT(32), PAGES(6), RW, MAP_SHARED | MAP_FIXED, file, 0));
	assert_int_equal(balance->live, device_vmas(b, file));
	check(balance, bench_protect(b, 33, 2, PROT_READ));
	assert_int_equal(balance->live, device_vmas(b, file));
	check(balance, p2psim_mremap(b->app, AT(36), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(2048)));
	assert_int_equal(balance->live, device_vmas(b, file));
	check(balance, p2psim_mremap(b->app, AT(32), 0, PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(2050)));
	assert_int_equal(balance->live, device_vmas(b, file));
	check(balance, bench_unmap(b, 35, 1));
	assert_int_equal(balance->live, device_vmas(b, file));
}

static void tell(void *state)
{
	struct balance *balance = state;
	struct vma_bench *b = &balance->bench;

	balance->b = b;
	b->app = p2psim_process_create("app");
	b->file = p2psim_file_create("dev", &counting_fops, balance, FMODE_READ | FMODE_WRITE);
	if (!b->app || !b->file)
		return;
	b->mm = p2psim_process_mm(b->app);
	anonymous_story(balance);
	moving_story(balance);
	advised_story(balance);
	device_story(balance, b->file);
}

static void end(void *state)
{
	struct balance *balance = state;

	if (balance->bench.app)
		p2psim_process_exit(balance->bench.app);
	if (balance->bench.file)
		fput(balance->bench.file);
	assert_int_equal(balance->live, 0);
}

static void test_every_failing_allocation_is_survived(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, tell, end, sizeof(struct balance) }) > 40);
}

/* A cut whose VMA cannot be made part of the tree: what was opened is closed, and is empty then. */
static void test_a_cut_that_fails_after_open_is_closed(void **state)
{
	struct vma_bench *b = *state;
	uint64_t n;

	bench_device(b, 0, 4);
	bench_log(b);
	for (n = 1; n < 10 && !strstr(b->log, "close"); n++) {
		b->log[0] = 0;
		p2psim_inject_fail_nth(b->world, n);
		assert_int_equal(bench_protect(b, 0, 2, PROT_READ), -ENOMEM);
	}
	assert_string_equal(bench_log(b), "mprotect 0-2 r-; may_split 0-4 at 2; open 2-4 W; close 4-4 W; ");
	assert_string_equal(bench_vmas(b), "0-4 rw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failing_allocation_is_survived),
		bench_test(test_a_cut_that_fails_after_open_is_closed),
	};

	return cmocka_run_group_tests_name("fail_nth", tests, NULL, NULL);
}
