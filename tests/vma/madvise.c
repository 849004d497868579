/* SPDX-License-Identifier: MIT */
/*
 * madvise(): the checks, the advice that changes flags, the advice about anonymous pages (1.8, facts 2 and 14).
 */
#include "vma_bench.h"
#include "vma_pages.h"

static int advise(struct vma_bench *b, unsigned long first, unsigned long pages, int advice)
{
	return p2psim_madvise(b->app, AT(first), PAGES(pages), advice);
}

/* ---- checks ---- */

static const struct refusal {
	const char *why;
	unsigned long addr, len;
	int advice, error;
} refusals[] = {
	{ "unknown advice", AT(1) + 1, 0, 9999, -EINVAL },
	{ "in a page", AT(0) + 1, PAGE_SIZE, MADV_DONTNEED, -EINVAL },
	{ "length rounds to 0", AT(0), ~0UL, MADV_DONTNEED, -EINVAL },
	{ "wraps", AT(0), ~0UL - AT(0), MADV_DONTNEED, -EINVAL },
	{ "no length", AT(9), 0, MADV_DONTNEED, 0 },
	{ "nothing there", AT(9), PAGE_SIZE, MADV_DONTFORK, -ENOMEM },
	{ "nothing there, to read", AT(9), PAGE_SIZE, MADV_DONTNEED, -ENOMEM },
	{ "a hole at the end", AT(0), 9 * PAGE_SIZE, MADV_DONTNEED, -ENOMEM },
};

static void test_checks_refuse_in_the_order_of_the_kernel(void **state)
{
	struct vma_bench *b = *state;
	const struct refusal *r;

	bench_anon(b, 0, 2, RW);
	for (r = refusals; r < refusals + ARRAY_SIZE(refusals); r++) {
		int ret = p2psim_madvise(b->app, r->addr, r->len, r->advice);

		if (ret != r->error)
			fail_msg("%s: %d, not %d", r->why, ret, r->error);
	}
	assert_string_equal(bench_vmas(b), "0-2 rw");
}

/* ---- advice that changes flags ---- */

static const struct pair {
	int on, off;
	unsigned long flag;	/* set by the one, cleared by the other */
	unsigned long opposite;	/* cleared by the first, and not the other's */
} pairs[] = {
	{ MADV_DONTFORK, MADV_DOFORK, VM_DONTCOPY, 0 },
	{ MADV_WIPEONFORK, MADV_KEEPONFORK, VM_WIPEONFORK, 0 },
	{ MADV_DONTDUMP, MADV_DODUMP, VM_DONTDUMP, 0 },
	{ MADV_HUGEPAGE, MADV_NOHUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE },
	{ MADV_MERGEABLE, MADV_UNMERGEABLE, VM_MERGEABLE, 0 },
	{ MADV_RANDOM, MADV_NORMAL, VM_RAND_READ, VM_SEQ_READ },
	{ MADV_SEQUENTIAL, MADV_NORMAL, VM_SEQ_READ, VM_RAND_READ },
};

/*	aaaa	->	a*aa	->	aaaa		the piece is cut out, and joins again; nobody is told */
static void test_advice_cuts_and_its_opposite_joins_without_an_event(void **state)
{
	struct vma_bench *b = *state;
	const struct pair *p;

	bench_listen(b);
	for (p = pairs; p < pairs + ARRAY_SIZE(pairs); p++) {
		bench_anon(b, 0, 4, RW);
		bench_touch(b, 1);
		bench_log(b);
		assert_int_equal(advise(b, 1, 1, p->on), 0);
		assert_int_equal(b->mm->map_count, 3);
		assert_int_equal(bench_vma(b, 1)->vm_flags & (p->flag | p->opposite), p->flag);
		assert_int_equal(advise(b, 1, 1, p->off), 0);
		assert_int_equal(b->mm->map_count, p->off == MADV_NOHUGEPAGE ? 3 : 1);
		assert_int_equal(bench_vma(b, 1)->vm_flags & p->flag, 0);
		assert_string_equal(bench_log(b), "");
	}
}

/*	aa--aa	the hole is told, what lies behind it is done all the same */
static void test_a_hole_is_stepped_over_and_told(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	assert_int_equal(advise(b, 0, 6, MADV_DONTFORK), -ENOMEM);
	assert_true(bench_vma(b, 0)->vm_flags & VM_DONTCOPY);
	assert_true(bench_vma(b, 4)->vm_flags & VM_DONTCOPY);
	assert_int_equal(b->mm->map_count, 2);
}

/*	a*|bb	three VMAs that become one while they are walked over: the walk goes on behind it */
static void test_the_walk_goes_on_behind_what_has_merged(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 6, RW);
	advise(b, 2, 1, MADV_DONTDUMP);
	advise(b, 4, 1, MADV_DONTDUMP);
	assert_int_equal(b->mm->map_count, 5);
	assert_int_equal(advise(b, 0, 6, MADV_DODUMP), 0);
	assert_int_equal(b->mm->map_count, 1);
}

static void test_what_a_vma_cannot_be_is_refused(void **state)
{
	struct vma_bench *b = *state;

	b->set_flags = VM_IO | VM_PFNMAP;
	b->ops = &bench_plain_ops;
	bench_device(b, 0, 1);
	assert_int_equal(advise(b, 0, 1, MADV_DOFORK), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_DODUMP), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_WIPEONFORK), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_POPULATE_READ), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_COLD), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_MERGEABLE), 0); /* passed over without a word */
	assert_false(bench_vma(b, 0)->vm_flags & VM_MERGEABLE);
}

/* VM_IO alone does not keep the pages: only VM_PFNMAP does. */
static void test_io_memory_may_be_dropped(void **state)
{
	struct vma_bench *b = *state;

	b->set_flags = VM_IO;
	bench_device(b, 0, 1);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(advise(b, 0, 1, MADV_DONTNEED), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_int_equal(advise(b, 0, 1, MADV_FREE), -EINVAL); /* not anonymous */
	assert_int_equal(advise(b, 0, 1, MADV_REMOVE), -ENODEV); /* no file system to make a hole in */
}

/* The limit of VMAs is -EAGAIN here, where mprotect() says -ENOMEM. */
static void test_too_many_vmas_is_try_again(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 6; i++)
		bench_anon(b, 3 * i, 2, RW);
	assert_int_equal(advise(b, 0, 1, MADV_DONTFORK), -EAGAIN);
	assert_int_equal(advise(b, 0, 2, MADV_DONTFORK), 0);
}

/* The driver is asked before its VMA is cut, and hears of the new part, under mmap_lock W; its word is the answer. */
static void test_a_driver_may_refuse_the_cut(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 4);
	bench_log(b);
	b->no_split_at = AT(3);
	assert_int_equal(advise(b, 1, 2, MADV_DONTFORK), -EBUSY);
	assert_string_equal(bench_log(b), "may_split 0-4 at 1; open 0-1 W; may_split 1-4 at 3; ");
	assert_string_equal(bench_vmas(b), "0-1 rw 1-4 rw"); /* the first cut stays */
	assert_false(bench_vma(b, 1)->vm_flags & VM_DONTCOPY);
	assert_int_equal(p2psim_mlock(b->app, AT(2), PAGES(1)), -EBUSY);
	assert_string_equal(bench_log(b), "may_split 1-4 at 2; open 1-2 W; may_split 2-4 at 3; ");
	assert_int_equal(b->mm->locked_vm, 0);
}

/* ---- advice about pages ---- */

/*	AA|A	one CLEAR a VMA, cut to it (fact 2) */
static void test_dontneed_clears_vma_by_vma(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, PROT_READ);
	bench_touch(b, 1);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(advise(b, 1, 4, MADV_DONTNEED), -ENOMEM);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; CLEAR 4-5 R; end; ");
	assert_int_equal(p2psim_load_byte(b->app, AT(1)), 0);
}

static void test_locked_pages_go_only_when_that_is_said(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	p2psim_mlock(b->app, AT(0), PAGES(2));
	assert_int_equal(advise(b, 0, 1, MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_FREE), -EINVAL);
	assert_int_equal(advise(b, 0, 1, MADV_PAGEOUT), -EINVAL);
	assert_int_equal(b->mm->rss_anon, 2);
	assert_int_equal(advise(b, 0, 1, MADV_DONTNEED_LOCKED), 0);
	assert_int_equal(b->mm->rss_anon, 1);
}

/* FREE: the page stays where it is, clean; a write makes it dirty again. */
static void test_free_leaves_the_page_clean_until_it_is_written(void **state)
{
	struct vma_bench *b = *state;
	const pte_t *pte;

	bench_anon(b, 0, 2, RW);
	bench_touch(b, 0);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(advise(b, 0, 2, MADV_FREE), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-2 R; end; ");
	pte = p2psim_pte_lookup(b->mm, AT(0));
	assert_true(pte_present(*pte) && pte_write(*pte));
	assert_false(pte_dirty(*pte));
	assert_int_equal(p2psim_load_byte(b->app, AT(0)), 1);
	bench_touch(b, 0);
	assert_true(pte_dirty(*pte));
	assert_string_equal(bench_log(b), ""); /* no fault was needed */
}

/* Reclaim takes what was given up, without a swap slot; what was written again only at the second try. */
static void test_reclaim_drops_what_was_freed_and_not_what_was_written_since(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_touch(b, 0);
	bench_touch(b, 1);
	advise(b, 0, 2, MADV_FREE);
	bench_touch(b, 1);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	assert_true(pte_none(*p2psim_pte_lookup(b->mm, AT(0))));
	assert_int_equal(p2psim_load_byte(b->app, AT(0)), 0);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(1)), -EBUSY);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(1)), 0);
	assert_true(is_swap_pte(*p2psim_pte_lookup(b->mm, AT(1))));
	assert_int_equal(p2psim_load_byte(b->app, AT(1)), 1);
}

static int say_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	bench_say(container_of(mn, struct vma_bench, listener), "young %lx-%lx; ", bench_page(start), bench_page(end));
	return 0;
}

static const struct mmu_notifier_ops young_ops = { .invalidate_range_start = bench_invalidate, .clear_flush_young = say_young };

static void test_cold_and_pageout_make_entries_old(void **state)
{
	static const int advices[] = { MADV_COLD, MADV_PAGEOUT };
	struct vma_bench *b = *state;
	unsigned int i;

	bench_anon(b, 0, 3, RW);
	bench_touch(b, 1);
	b->listener.ops = &young_ops;
	b->listens = !mmu_notifier_register(&b->listener, b->mm);
	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		bench_touch(b, 1);
		assert_int_equal(advise(b, 0, 3, advices[i]), 0);
		assert_false(pte_young(*p2psim_pte_lookup(b->mm, AT(1))));
		assert_true(pte_dirty(*p2psim_pte_lookup(b->mm, AT(1))));
	}
	assert_string_equal(bench_log(b), "young 1-2; "); /* reclaim asks the devices, too */
}

static void test_willneed_of_anonymous_memory_needs_swap(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_device(b, 1, 1);
	assert_int_equal(advise(b, 0, 1, MADV_WILLNEED), -EBADF);
	assert_int_equal(advise(b, 1, 1, MADV_WILLNEED), 0);
}

/* Reading ahead maps the zero page; writing ahead replaces it, as a write does: CLEAR. */
static void test_populate_faults_as_an_access_would(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(advise(b, 0, 2, MADV_POPULATE_READ), 0);
	assert_true(is_zero_pfn(pte_pfn(*p2psim_pte_lookup(b->mm, AT(1)))));
	assert_string_equal(bench_log(b), "");
	assert_int_equal(advise(b, 1, 1, MADV_POPULATE_WRITE), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; ");
	assert_int_equal(b->mm->rss_anon, 1);
}

static void test_populate_says_why_it_cannot(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, PROT_READ);
	bench_anon(b, 1, 1, PROT_NONE);
	bench_device(b, 4, 1); /* has no ->fault(): SIGBUS */
	assert_int_equal(advise(b, 0, 1, MADV_POPULATE_WRITE), -EINVAL);
	assert_int_equal(advise(b, 0, 2, MADV_POPULATE_READ), -EINVAL);
	assert_int_equal(advise(b, 4, 1, MADV_POPULATE_READ), -EFAULT);
	assert_int_equal(advise(b, 8, 1, MADV_POPULATE_READ), -ENOMEM);
	assert_false(pte_none(*p2psim_pte_lookup(b->mm, AT(0)))); /* what came before is done */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_checks_refuse_in_the_order_of_the_kernel),
		bench_test(test_advice_cuts_and_its_opposite_joins_without_an_event),
		bench_test(test_a_hole_is_stepped_over_and_told),
		bench_test(test_the_walk_goes_on_behind_what_has_merged),
		bench_test(test_what_a_vma_cannot_be_is_refused),
		bench_test(test_io_memory_may_be_dropped),
		bench_test_narrow(test_too_many_vmas_is_try_again),
		bench_test(test_a_driver_may_refuse_the_cut),
		bench_test(test_dontneed_clears_vma_by_vma),
		bench_test(test_locked_pages_go_only_when_that_is_said),
		bench_test(test_free_leaves_the_page_clean_until_it_is_written),
		bench_test(test_reclaim_drops_what_was_freed_and_not_what_was_written_since),
		bench_test(test_cold_and_pageout_make_entries_old),
		bench_test(test_willneed_of_anonymous_memory_needs_swap),
		bench_test(test_populate_faults_as_an_access_would),
		bench_test(test_populate_says_why_it_cannot),
	};

	return cmocka_run_group_tests_name("madvise", tests, NULL, NULL);
}
