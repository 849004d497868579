/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of faults, copies, GUP, drivers' insertions and reclaim fails in turn: an errno or success, valid page
 * tables after each call, nothing left over.
 */
#include "fail_each.h"
#include "vma_pages.h"

/* 0 or more, -ENOMEM, or -EFAULT: what an earlier call should have mapped is not there. */
static void check(struct vma_bench *b, long ret)
{
	if (ret < 0 && ret > -4096)
		assert_true(ret == -ENOMEM || ret == -EFAULT || ret == -ENOENT);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

static void anonymous_story(struct vma_bench *b)
{
	check(b, bench_anon(b, 0, 4, RW));
	check(b, pages_load(b, 0));
	check(b, pages_store(b, 0, 1));		/* copy of the zero page */
	check(b, pages_store(b, 1, 1));
	check(b, p2psim_reclaim_address(b->app, AT(1)));
	check(b, pages_load(b, 1));
	check(b, pages_store(b, 1, 2));
	check(b, p2psim_mremap(b->app, AT(0), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x5ff)));
	check(b, pages_store(b, 0x600, 3));
}

static void file_story(struct pages *t)
{
	struct vma_bench *b = &t->b;

	check(b, bench_device(b, 0x10, 2));
	check(b, pages_load(b, 0x10));
	check(b, pages_store(b, 0x11, 1));
	check(b, pages_private(b, 0x20, 2, RW));
	check(b, pages_load(b, 0x20));
	check(b, pages_store(b, 0x20, 1));	/* copy of the driver's page */
	check(b, pages_store(b, 0x21, 1));
	b->fills = true;
	check(b, pages_private(b, 0x31, 2, RW));
	b->fills = false;
	check(b, pages_store(b, 0x31, 1));	/* copy of a pfn */
	t->inserts = true;
	b->set_flags = VM_PFNMAP;
	check(b, bench_device(b, 0x40, 1));
	check(b, pages_load(b, 0x40));
	t->inserts = false;
	b->set_flags = 0;
}

static void gup_story(struct vma_bench *b)
{
	struct page *pages[3];
	long got, i;

	check(b, bench_anon(b, 0x50, 3, RW));
	check(b, pages_load(b, 0x50));
	mmap_read_lock(b->mm);
	got = pin_user_pages_remote(b->mm, AT(0x50), 3, FOLL_WRITE, pages, NULL, NULL);
	mmap_read_unlock(b->mm);
	check(b, got);
	for (i = 0; i < got; i++)
		unpin_user_page(pages[i]);
}

/* A child: what is shared is copied, unshared, and reached by another process. */
static void family_story(struct vma_bench *b)
{
	struct p2psim_process *child = NULL;
	char bytes[2] = { 1, 2 };
	struct page *page;
	int got;

	check(b, bench_anon(b, 0x60, 3, RW));
	check(b, pages_store(b, 0x60, 1));
	check(b, pages_store(b, 0x61, 1));
	check(b, p2psim_fork(b->app, "child", &child));
	p2psim_process_attach(b->app);
	got = pin_user_pages_fast(AT(0x60), 1, 0, &page);
	p2psim_process_detach();
	check(b, got);
	if (got == 1)
		unpin_user_page(page);
	check(b, p2psim_process_vm_write(b->app, AT(0x62) - 1, bytes, sizeof(bytes)));
	if (child) {
		check(b, p2psim_store_byte(child, AT(0x62), 1));
		check(b, p2psim_store_byte(child, AT(0x60), 1));
		p2psim_process_exit(child);
	}
}

static void insert_story(struct vma_bench *b)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct vm_area_struct *vma;

	check(b, bench_device(b, 0x800, 1));
	mmap_write_lock(b->mm);
	vma = vma_lookup(b->mm, AT(0x800));
	if (vma && page)
		check(b, vm_insert_page(vma, AT(0x800), page));
	mmap_write_unlock(b->mm);
	if (page)
		put_page(page);
}

static void tell(void *state)
{
	struct pages *t = state;
	struct vma_bench *b = &t->b;

	t->gives = true;
	t->byte = 7;
	b->ops = &pages_ops;
	b->app = p2psim_process_create("app");
	b->file = p2psim_file_create("dev", &bench_fops, b, FMODE_READ | FMODE_WRITE);
	if (!b->app || !b->file)
		return;
	b->mm = p2psim_process_mm(b->app);
	anonymous_story(b);
	file_story(t);
	gup_story(b);
	family_story(b);
	insert_story(b);
}

static void end(void *state)
{
	struct pages *t = state;

	if (t->b.app)
		p2psim_process_exit(t->b.app);
	if (t->b.file)
		fput(t->b.file);
}

static void test_every_failing_allocation_is_survived(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, tell, end, sizeof(struct pages) }) > 50);
}

/* The swap slot is the only thing that reclaim allocates: without it nothing happens. */
static void test_reclaim_without_a_slot_leaves_the_page(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	pages_listen(b);
	p2psim_inject_fail_nth(b->world, 1);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), -ENOMEM);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
	p2psim_inject_fail_nth(b->world, 0);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	p2psim_inject_fail_nth(b->world, 1);
	assert_int_equal(pages_load(b, 0), -ENOMEM);
	p2psim_inject_fail_nth(b->world, 0);
	assert_int_equal(pages_load(b, 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failing_allocation_is_survived),
		pages_test(test_reclaim_without_a_slot_leaves_the_page),
	};

	return cmocka_run_group_tests_name("fail_pages", tests, NULL, NULL);
}
