/* SPDX-License-Identifier: MIT */
/*
 * mmap(): the checks of 1.4, and device files.
 */
#include "vma_bench.h"

struct refusal {
	const char *why;
	unsigned long addr, len;
	int prot, flags;
	bool device;
	unsigned long offset;
	long error;
};

/* AT(4)..AT(6) is mapped.  The order of the rows is the order of the checks: each row breaks all later rules that it can. */
static const struct refusal refusals[] = {
	{ "offset in a page", AT(0), 0, RW, MAP_SHARED | MAP_FIXED, true, 1, -EINVAL },
	{ "no file", AT(0) + 1, 0, RW, MAP_SHARED | MAP_FIXED, false, 0, -EBADF },
	{ "huge pages of a file", AT(0) + 1, 0, RW, MAP_SHARED | MAP_FIXED | MAP_HUGETLB, true, 0, -EINVAL },
	{ "huge pages of no size", AT(0) + 1, 1, RW, FIXED_ANON | MAP_HUGETLB | 5 << 26, false, 0, -EINVAL },
	{ "no huge pages", AT(0) + 1, 1, RW, FIXED_ANON | MAP_HUGETLB, false, 0, -ENOMEM },
	{ "length 0", AT(0) + 1, 0, RW, FIXED_ANON, false, 0, -EINVAL },
	{ "length wraps", AT(0) + 1, ~0UL, RW, FIXED_ANON, false, 0, -ENOMEM },
	{ "longer than all", AT(0) + 1, TASK_SIZE + PAGE_SIZE, RW, FIXED_ANON, false, 0, -ENOMEM },
	{ "over the end", TASK_SIZE - PAGE_SIZE + 1, 2 * PAGE_SIZE, RW, FIXED_ANON, false, 0, -ENOMEM },
	{ "fixed in a page", AT(5) + 1, PAGE_SIZE, RW, FIXED_ANON | MAP_FIXED_NOREPLACE, false, 0, -EINVAL },
	{ "no replace", AT(5), PAGE_SIZE, RW, MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, false, 0, -EEXIST },
	{ "offset too far", AT(0), 2 * PAGE_SIZE, RW, MAP_FIXED, true, ~0UL - PAGE_SIZE + 1, -EOVERFLOW },
	{ "unknown flag", AT(0), PAGE_SIZE, RW, MAP_SHARED_VALIDATE | MAP_FIXED | 0x800000, true, 0, -EOPNOTSUPP },
	{ "validated, no replace", AT(0), PAGE_SIZE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, true, 0, -EOPNOTSUPP },
	{ "no type, file", AT(0), PAGE_SIZE, RW, MAP_FIXED, true, 0, -EINVAL },
	{ "no type, anonymous", AT(0), PAGE_SIZE, RW, MAP_FIXED | MAP_ANONYMOUS, false, 0, -EINVAL },
	{ "both types, anonymous", AT(0), PAGE_SIZE, RW, MAP_FIXED | MAP_ANONYMOUS | MAP_SHARED_VALIDATE, false, 0, -EINVAL },
	{ "shared, grows down", AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, false, 0, -EINVAL },
	{ "file that grows down", AT(0), PAGE_SIZE, RW, MAP_FIXED | MAP_GROWSDOWN | MAP_SHARED, true, 0, -EINVAL },
};

static void test_checks_refuse_in_the_order_of_the_kernel(void **state)
{
	struct vma_bench *b = *state;
	const struct refusal *r;

	bench_anon(b, 4, 2, RW);
	for (r = refusals; r < refusals + ARRAY_SIZE(refusals); r++) {
		long ret = p2psim_mmap(b->app, r->addr, r->len, r->prot, r->flags, r->device ? b->file : NULL, r->offset);

		if (ret != r->error)
			fail_msg("%s: %ld, not %ld", r->why, ret, r->error);
	}
	assert_string_equal(bench_vmas(b), "4-6 rw");
	assert_string_equal(bench_log(b), "");
}

static void test_one_more_vma_than_the_limit_is_allowed_then_no_more(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 7; i++)
		assert_int_equal(bench_anon(b, 2 * i, 1, RW), AT(2 * i));
	assert_int_equal(bench_anon(b, 20, 1, RW), -ENOMEM);
	assert_int_equal(b->mm->map_count, 7);
}

/* What the file was opened for, against what is asked of it. */
static const struct access_case {
	fmode_t mode;
	int prot, flags;
	long error;		/* 0: it works, and VM_SHARED, VM_MAYWRITE are as said */
	unsigned long vm_flags;
} accesses[] = {
	{ FMODE_READ, RW, MAP_SHARED, -EACCES, 0 },
	{ FMODE_READ, PROT_READ, MAP_SHARED, 0, VM_MAYSHARE },
	{ FMODE_READ, RW, MAP_PRIVATE, 0, VM_MAYWRITE },
	{ FMODE_WRITE, PROT_WRITE, MAP_SHARED, -EACCES, 0 },
	{ FMODE_WRITE, PROT_WRITE, MAP_PRIVATE, -EACCES, 0 },
	{ FMODE_READ | FMODE_WRITE, RW, MAP_SHARED, 0, VM_SHARED | VM_MAYSHARE | VM_MAYWRITE },
	{ FMODE_READ | FMODE_WRITE, RW, MAP_PRIVATE, 0, VM_MAYWRITE },
};

static void test_the_mode_of_the_file_bounds_the_mapping(void **state)
{
	struct vma_bench *b = *state;
	const struct access_case *c;

	for (c = accesses; c < accesses + ARRAY_SIZE(accesses); c++) {
		struct file *file = p2psim_file_create("other", &bench_fops, b, c->mode);
		long ret = p2psim_mmap(b->app, AT(0), PAGE_SIZE, c->prot, c->flags | MAP_FIXED, file, 0);

		assert_int_equal(ret, c->error ? c->error : (long)AT(0));
		if (!c->error)
			assert_int_equal(bench_vma(b, 0)->vm_flags & (VM_SHARED | VM_MAYSHARE | VM_MAYWRITE), c->vm_flags);
		bench_unmap(b, 0, 1);
		fput(file);
	}
}

static void test_a_file_without_mmap_is_no_device(void **state)
{
	static const struct file_operations none;
	struct vma_bench *b = *state;
	struct file *file = p2psim_file_create("pipe", &none, NULL, FMODE_READ | FMODE_WRITE);

	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED, file, 0), -ENODEV);
	fput(file);
}

static void test_anonymous_memory_has_the_flags_and_offset_of_6_1(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 2, 1, PROT_READ);
	p2psim_mmap(b->app, AT(4), PAGE_SIZE, RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
	assert_true(bench_vma(b, 0)->vm_flags & VM_ACCOUNT);
	assert_false(bench_vma(b, 2)->vm_flags & VM_ACCOUNT);
	assert_int_equal(bench_vma(b, 4)->vm_flags & (VM_ACCOUNT | VM_NORESERVE), VM_NORESERVE);
	assert_int_equal(bench_vma(b, 4)->vm_pgoff, AT(4) >> PAGE_SHIFT);
	assert_true(vma_is_anonymous(bench_vma(b, 4)));
}

/* What was in the way of MAP_FIXED is one UNMAP over the new range, under mmap_lock W; it is gone even if ->mmap() fails. */
static void test_a_failed_mmap_calls_no_close_and_leaves_a_hole(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 2, 4, RW);
	b->mmap_error = -EIO;
	b->fills = true;
	bench_listen(b);
	assert_int_equal(bench_device(b, 3, 2), -EIO);
	assert_string_equal(bench_log(b), "UNMAP 3-5 W; end; mmap 3-5 W; UNMAP 3-5 W; end; ");
	assert_string_equal(bench_vmas(b), "2-3 rw 5-6 rw");
	assert_int_equal(b->file->f_count.counter, 1);
}

/* What the driver had entered before it failed is gone, and its page tables: the next mapping starts from nothing. */
static void test_a_failed_mmap_leaves_no_entries(void **state)
{
	struct vma_bench *b = *state;
	pte_t *pte;

	b->mmap_error = -EIO;
	b->fills = true;
	assert_int_equal(bench_device(b, 3, 2), -EIO);
	pte = p2psim_pte_lookup(b->mm, AT(3));
	assert_true(!pte || pte_none(*pte));
	assert_null(b->file->f_mapping->i_mmap.root);
	bench_anon(b, 3, 2, RW);
	assert_int_equal(p2psim_load_byte(b->app, AT(3)), 0);
}

static int looks_at_hooks(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	bench_say(b, range->vma->vm_ops == &bench_all_ops ? "the driver's hooks; " : "no hooks; ");
	return 0;
}

/* The driver has refused: nobody calls a hook of it for this VMA, who hears the UNMAP neither. */
static void test_a_failed_mmap_takes_the_hooks_away_before_it_announces(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = looks_at_hooks };
	struct vma_bench *b = *state;

	b->listener.ops = &ops;
	assert_int_equal(mmu_notifier_register(&b->listener, b->mm), 0);
	b->listens = true;
	b->mmap_error = -EIO;
	assert_int_equal(bench_device(b, 3, 2), -EIO);
	assert_string_equal(bench_log(b), "mmap 3-5 W; no hooks; ");
}

static void test_a_device_vma_without_hooks_is_not_anonymous(void **state)
{
	struct vma_bench *b = *state;

	b->ops = NULL;
	b->fills = true;
	bench_device(b, 0, 2);
	assert_false(vma_is_anonymous(bench_vma(b, 0)));
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_string_equal(bench_vmas(b), "1-2 rw");
}

/*
 *	0  1  2  3		->mmap() is called once: the second mapping continues the first (1.12)
 *	DDDDD			and the driver has neither close() nor a special flag
 *	      DDD
 */
static void test_mmap_that_merges_does_not_call_the_driver(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 2);
	bench_device(b, 2, 1);
	assert_string_equal(bench_log(b), "mmap 0-2 W; ");
	assert_string_equal(bench_vmas(b), "0-3 rw");
}

static const struct no_merge_case {
	const struct vm_operations_struct *ops;
	unsigned long set_flags;
	unsigned long offset;
} no_merges[] = {
	{ &bench_all_ops, 0, 2 },		/* close() */
	{ &bench_plain_ops, VM_IO, 2 },
	{ &bench_plain_ops, VM_DONTEXPAND, 2 },
	{ &bench_plain_ops, VM_MIXEDMAP, 2 },
	{ &bench_plain_ops, VM_PFNMAP, 2 },
	{ &bench_plain_ops, 0, 3 },		/* the offsets do not continue */
};

static void test_close_a_special_flag_or_the_offset_prevents_the_merge(void **state)
{
	struct vma_bench *b = *state;
	const struct no_merge_case *c;

	for (c = no_merges; c < no_merges + ARRAY_SIZE(no_merges); c++) {
		b->ops = c->ops;
		b->set_flags = c->set_flags;
		bench_device(b, 0, 2);
		p2psim_mmap(b->app, AT(2), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(c->offset));
		assert_string_equal(bench_vmas(b), "0-2 rw 2-3 rw");
		bench_unmap(b, 0, 3);
	}
}

/* A driver that changes the flags gets a second attempt, with the VMA before it. */
static void test_flags_set_by_the_driver_are_merged_afterwards(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	b->set_flags = VM_DONTDUMP;
	bench_device(b, 0, 2);
	bench_device(b, 2, 1);
	assert_string_equal(bench_log(b), "mmap 0-2 W; mmap 2-3 W; ");
	assert_string_equal(bench_vmas(b), "0-3 rw");
	assert_int_equal(b->file->f_count.counter, 2);
}

static int looks_for_itself(struct file *file, struct vm_area_struct *vma)
{
	struct vma_bench *b = file->private_data;

	bench_say(b, vma_lookup(vma->vm_mm, vma->vm_start) ? "seen" : "not seen");
	bench_say(b, current->mm == vma->vm_mm ? ", current" : ", not current");
	return 0;
}

static void test_the_vma_is_in_no_tree_during_mmap(void **state)
{
	static const struct file_operations fops = { .mmap = looks_for_itself };
	struct vma_bench *b = *state;
	struct file *file = p2psim_file_create("curious", &fops, b, FMODE_READ | FMODE_WRITE);

	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0), AT(0));
	assert_string_equal(bench_log(b), "not seen, current");
	assert_null(current->mm);
	fput(file);
}

/* MAP_POPULATE writes to what is private and writable, reads the rest; VM_LOCKED wants its pages too. */
static void test_populate_fills_the_page_table(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(0), PAGES(2), RW, FIXED_ANON | MAP_POPULATE, NULL, 0);
	p2psim_mmap(b->app, AT(2), PAGES(1), PROT_READ, FIXED_ANON | MAP_POPULATE, NULL, 0);
	p2psim_mmap(b->app, AT(4), PAGES(1), RW, FIXED_ANON | MAP_LOCKED, NULL, 0);
	assert_true(pte_write(*p2psim_pte_lookup(b->mm, AT(1))));
	assert_true(is_zero_pfn(pte_pfn(*p2psim_pte_lookup(b->mm, AT(2)))));
	assert_true(pte_write(*p2psim_pte_lookup(b->mm, AT(4))));
	assert_true(bench_vma(b, 4)->vm_flags & VM_LOCKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_checks_refuse_in_the_order_of_the_kernel),
		bench_test_narrow(test_one_more_vma_than_the_limit_is_allowed_then_no_more),
		bench_test(test_the_mode_of_the_file_bounds_the_mapping),
		bench_test(test_a_file_without_mmap_is_no_device),
		bench_test(test_anonymous_memory_has_the_flags_and_offset_of_6_1),
		bench_test(test_a_failed_mmap_calls_no_close_and_leaves_a_hole),
		bench_test(test_a_failed_mmap_leaves_no_entries),
		bench_test(test_a_failed_mmap_takes_the_hooks_away_before_it_announces),
		bench_test(test_a_device_vma_without_hooks_is_not_anonymous),
		bench_test(test_mmap_that_merges_does_not_call_the_driver),
		bench_test(test_close_a_special_flag_or_the_offset_prevents_the_merge),
		bench_test(test_flags_set_by_the_driver_are_merged_afterwards),
		bench_test(test_the_vma_is_in_no_tree_during_mmap),
		bench_test(test_populate_fills_the_page_table),
	};

	return cmocka_run_group_tests_name("mmap", tests, NULL, NULL);
}
