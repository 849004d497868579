/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages() and pin_user_pages(): the rows of 6.1 that there are, counts, and the life of a pinned page.
 */
#include "vma_pages.h"

static long gup(struct vma_bench *b, unsigned long first, unsigned long nr, unsigned int flags, struct page **pages)
{
	long ret;

	mmap_read_lock(b->mm);
	ret = get_user_pages_remote(b->mm, AT(first), nr, flags, pages, NULL, NULL);
	mmap_read_unlock(b->mm);
	return ret;
}

static void test_permissions_and_kinds_of_VMAs_decide(void **state)
{
	static const struct {
		int prot;		/* -1: no VMA; -2: VM_IO; -3: VM_PFNMAP; -4: shared, read-only */
		unsigned int flags;
		long ret;
	} rows[] = {
		{ -1, 0, -EFAULT },
		{ -2, 0, -EFAULT },
		{ -3, 0, -EFAULT },
		{ RW, 0, 1 },
		{ RW, FOLL_WRITE, 1 },
		{ PROT_READ, 0, 1 },
		{ PROT_READ, FOLL_WRITE, -EFAULT },
		{ PROT_READ, FOLL_WRITE | FOLL_FORCE, 1 },
		{ -4, FOLL_WRITE | FOLL_FORCE, -EFAULT },	/* no copy-on-write to break */
		{ PROT_NONE, 0, -EFAULT },
		{ PROT_NONE, FOLL_FORCE, 1 },
		{ PROT_WRITE, 0, -EFAULT },			/* the CPU could read it */
		{ PROT_EXEC, FOLL_FORCE, 1 },
		{ RW, FOLL_NOFAULT, -EFAULT },
	};
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *page;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bench_unmap(b, 0, 1);
		b->set_flags = rows[i].prot == -2 ? VM_IO : rows[i].prot == -3 ? VM_PFNMAP : 0;
		if (rows[i].prot >= 0)
			bench_anon(b, 0, 1, rows[i].prot);
		else if (rows[i].prot < -1)
			bench_device(b, 0, 1);
		if (rows[i].prot == -4)
			bench_protect(b, 0, 1, PROT_READ);
		assert_int_equal(gup(b, 0, 1, rows[i].flags, &page), rows[i].ret);
		if (rows[i].ret == 1)
			put_page(page);
	}
}

/* What was obtained so far counts; the error is told only if nothing was. */
static void test_a_short_count_comes_before_an_error(void **state)
{
	struct vma_bench *b = *state;
	struct page *pages[4];
	unsigned int i;

	bench_anon(b, 0, 2, RW);
	assert_int_equal(gup(b, 0, 4, FOLL_WRITE, pages), 2);
	for (i = 0; i < 2; i++)
		put_page(pages[i]);
	assert_int_equal(gup(b, 2, 2, FOLL_WRITE, pages), -EFAULT);
	assert_int_equal(gup(b, 2, 0, FOLL_WRITE, pages), 0);
	assert_int_equal(gup(b, 0, 4, FOLL_WRITE, NULL), 2); /* faults only */
	assert_int_equal(page_count(pages_page(b, 0)), 1);
}

static void test_faults_that_fail_have_their_errno(void **state)
{
	static const struct {
		vm_fault_t answer;
		long ret;
	} rows[] = { { VM_FAULT_OOM, -ENOMEM }, { VM_FAULT_SIGBUS, -EFAULT }, { VM_FAULT_SIGSEGV, -EFAULT },
		     { VM_FAULT_HWPOISON, -EFAULT } };
	struct pages *t = *state;
	struct page *page;
	unsigned int i;

	t->gives = false;
	bench_device(&t->b, 0, 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		t->answer = rows[i].answer;
		assert_int_equal(gup(&t->b, 0, 1, 0, &page), rows[i].ret);
	}
	t->answer = VM_FAULT_NOPAGE; /* and maps nothing, for ever */
	assert_int_equal(gup(&t->b, 0, 1, 0, &page), -EFAULT);
}

/* A raw pfn in an otherwise normal VMA: there is no page to give; who wants none is content. */
static void test_a_pfn_without_a_page_is_EEXIST(void **state)
{
	struct pages *t = *state;
	struct page *page;

	t->b.set_flags = VM_MIXEDMAP;
	t->inserts = true;
	bench_device(&t->b, 0, 1);
	assert_int_equal(gup(&t->b, 0, 1, 0, &page), -EEXIST);
	assert_int_equal(gup(&t->b, 0, 1, 0, NULL), 1);
}

static void test_flags_that_do_not_go_together(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	assert_int_equal(gup(b, 0, 1, FOLL_PIN, &page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	assert_int_equal(gup(b, 0, 1, FOLL_LONGTERM, &page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	assert_int_equal(pages_pin(b, 0, 1, FOLL_GET, &page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	assert_int_equal(pages_pin(b, 0, 1, 0, NULL), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	get_user_pages_remote(b->mm, AT(0), 0, 0, NULL, NULL, NULL);
	assert_violation(b->world, P2PSIM_CONTRACT, "mmap_lock");
}

static void test_it_tells_the_VMAs_and_uses_the_current_process(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vmas[2];
	struct page *pages[2];

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 1, 1, PROT_READ);
	p2psim_process_attach(b->app);
	mmap_read_lock(b->mm);
	assert_int_equal(get_user_pages(AT(0) + 5, 2, 0, pages, vmas), 2);
	assert_ptr_equal(vmas[0], vma_lookup(b->mm, AT(0)));
	assert_ptr_equal(vmas[1], vma_lookup(b->mm, AT(1)));
	assert_true(is_zero_pfn(page_to_pfn(pages[1])));
	put_page(pages[0]);
	put_page(pages[1]);
	assert_int_equal(pin_user_pages(AT(0), 1, FOLL_WRITE | FOLL_LONGTERM, pages, NULL), 1);
	mmap_read_unlock(b->mm);
	unpin_user_pages(pages, 1);
	p2psim_process_detach();
}

static void killed_gup(void *arg)
{
	struct vma_bench *b = arg;
	struct page *page;

	p2psim_step("about to");
	mmap_read_lock(b->mm);
	P2PSIM_CHECK(get_user_pages_remote(b->mm, AT(0), 1, 0, &page, NULL, NULL) == -EINTR);
	mmap_read_unlock(b->mm);
}

static void test_a_fatal_signal_ends_it(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;

	bench_anon(b, 0, 1, RW);
	task = p2psim_task_spawn("app", killed_gup, b);
	p2psim_task_kill(task);
	assert_int_equal(p2psim_run(), 0);
}

/* ---- counts ---- */

static void test_a_pin_is_1024_references(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_pin(b, 0, 1, FOLL_WRITE, &page);
	assert_int_equal(page_count(page), 1 + GUP_PIN_COUNTING_BIAS);
	assert_true(page_maybe_dma_pinned(page));
	pages_pin(b, 0, 1, 0, &page);
	unpin_user_page(page);
	assert_true(page_maybe_dma_pinned(page));
	unpin_user_page(page);
	assert_false(page_maybe_dma_pinned(page));
	assert_int_equal(page_count(page), 1);
}

static void test_a_pin_too_many_is_given_back(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_pin(b, 0, 1, FOLL_WRITE, &page);
	unpin_user_page(page);
	unpin_user_page(page);
	assert_violation(b->world, P2PSIM_BALANCE, "not pinned");
	assert_int_equal(page_count(page), 1);
}

/* The zero page is counted like any other (6.1): who forgets it is told. */
static void test_a_pin_of_the_zero_page_counts(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	assert_true(is_zero_pfn(page_to_pfn(page)));
	p2psim_world_check_quiescent(b->world);
	assert_non_null(p2psim_world_violation(b->world));
	p2psim_world_forgive(b->world);
	unpin_user_page(page);
	assert_int_equal(page_count(page), 1);
}

static void test_a_forgotten_pin_is_a_leak(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_pin(b, 0, 1, FOLL_WRITE, &page);
	p2psim_process_exit(b->app);
	b->app = NULL;
	fput(b->file);
	b->file = NULL;
	assert_int_equal(p2psim_world_check_quiescent(b->world), 1);
	assert_violation(b->world, P2PSIM_LEAK, "1 page(s) of RAM were never freed");
}

/* Two references by GUP without a pin look like two mappings would: no DMA. */
static void test_a_reference_is_no_pin(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	gup(b, 0, 1, FOLL_WRITE, &page);
	assert_int_equal(page_count(page), 2);
	assert_false(page_maybe_dma_pinned(page));
	put_page(page);
}

/*
 *	device			app
 *	pins the page
 *				munmap()
 *	writes: the page is still its own; the process does not see it any more
 *	unpins: the page is freed
 */
static void test_a_pinned_page_survives_munmap(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;
	uint8_t byte = 9;

	bench_anon(b, 0, 1, RW);
	pages_pin(b, 0, 1, FOLL_WRITE, &page);
	bench_unmap(b, 0, 1);
	assert_int_equal(page_count(page), GUP_PIN_COUNTING_BIAS);
	assert_int_equal(page_mapcount(page), 0);
	assert_int_equal(p2psim_ram_write(page_to_phys(page), &byte, 1), 0);
	bench_anon(b, 0, 1, RW);
	assert_int_equal(pages_store(b, 0, 1), 0);
	assert_ptr_not_equal(pages_page(b, 0), page);
	unpin_user_page(page);
	assert_null(p2psim_world_violation(b->world));
	p2psim_ram_write(page_to_phys(page), &byte, 1);
	assert_violation(b->world, P2PSIM_STALE, "which is free");
}

/* A write to the zero page through GUP is a copy, announced. */
static void test_a_write_pin_breaks_copy_on_write_first(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_load(b, 0);
	pages_listen(b);
	assert_int_equal(pages_pin(b, 0, 1, FOLL_WRITE, &page), 1);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_ptr_equal(page, pages_page(b, 0));
	unpin_user_page(page);
}

/* Swapped out or PROT_NONE once: GUP faults it in. */
static void test_what_is_in_swap_is_brought_back(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	p2psim_reclaim_address(b->app, AT(0));
	assert_int_equal(gup(b, 0, 1, 0, &page), 1);
	assert_string_equal(pages_state(b, 0), "ro");
	put_page(page);
	bench_protect(b, 0, 1, PROT_NONE);
	assert_int_equal(gup(b, 0, 1, FOLL_FORCE, &page), 1);
	assert_string_equal(pages_state(b, 0), "prot-none");
	put_page(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_permissions_and_kinds_of_VMAs_decide),
		pages_test(test_a_short_count_comes_before_an_error),
		pages_test(test_faults_that_fail_have_their_errno),
		pages_test(test_a_pfn_without_a_page_is_EEXIST),
		pages_test(test_flags_that_do_not_go_together),
		pages_test(test_it_tells_the_VMAs_and_uses_the_current_process),
		pages_test(test_a_fatal_signal_ends_it),
		pages_test(test_a_pin_is_1024_references),
		pages_test(test_a_pin_too_many_is_given_back),
		pages_test(test_a_pin_of_the_zero_page_counts),
		pages_test_rubble(test_a_forgotten_pin_is_a_leak),
		pages_test(test_a_reference_is_no_pin),
		pages_test(test_a_pinned_page_survives_munmap),
		pages_test(test_a_write_pin_breaks_copy_on_write_first),
		pages_test(test_what_is_in_swap_is_brought_back),
	};

	return cmocka_run_group_tests_name("gup", tests, NULL, NULL);
}
