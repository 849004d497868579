/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write: CLEAR of one page, S, change_pte, E (3.4, fact 8); reuse makes no event.
 */
#include "vma_pages.h"

/* Logs invalidate_range() and change_pte() as well: "CLEAR 0-1 R; S; pte rw; E" reads as start, S, change_pte, end. */
struct listener {
	struct mmu_notifier mn;
	struct vma_bench *b;
};

static int on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct listener *l = container_of(mn, struct listener, mn);

	bench_say(l->b, "%s %lx-%lx %c; ", bench_event(range->event), bench_page(range->start), bench_page(range->end),
		  bench_lock(l->b));
	return 0;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	bench_say(container_of(mn, struct listener, mn)->b, "E; ");
}

static void on_range(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vma_bench *b = container_of(mn, struct listener, mn)->b;

	bench_say(b, "S %lx %s; ", bench_page(start), pages_state(b, bench_page(start)));
}

static void on_change(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr, pte_t pte)
{
	struct vma_bench *b = container_of(mn, struct listener, mn)->b;

	bench_say(b, "pte %lx %s, %s; ", bench_page(addr), pte_write(pte) ? "rw" : "ro", pages_state(b, bench_page(addr)));
}

static const struct mmu_notifier_ops listener_ops = {
	.invalidate_range_start = on_start, .invalidate_range_end = on_end, .invalidate_range = on_range, .change_pte = on_change,
};

static void listen(struct listener *l, struct vma_bench *b)
{
	*l = (struct listener){ .mn.ops = &listener_ops, .b = b };
	assert_int_equal(mmu_notifier_register(&l->mn, b->mm), 0);
	bench_log(b);
}

/* In between the entry is none: nobody reads the old page when the device reads the new one. */
#define ONE_COPY "CLEAR 0-1 R; S 0 none; pte 0 rw, none; E; "

static void test_a_write_to_the_zero_page_is_a_copy(void **state)
{
	struct vma_bench *b = *state;
	struct listener l;

	bench_anon(b, 0, 1, RW);
	pages_load(b, 0);
	listen(&l, b);
	assert_int_equal(pages_store(b, 0, 5), 0);
	assert_string_equal(bench_log(b), ONE_COPY);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(b->mm->rss_anon, 1);
	mmu_notifier_unregister(&l.mn, b->mm);
}

/* mprotect() took the write permission of a page that was read in from swap: nothing to copy, nothing to tell. */
static void test_a_page_that_is_only_ours_is_reused_without_an_event(void **state)
{
	struct vma_bench *b = *state;
	struct listener l;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(pages_state(b, 0), "ro");
	page = pages_page(b, 0);
	listen(&l, b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
	mmu_notifier_unregister(&l.mn, b->mm);
}

static void test_a_private_file_page_is_copied_with_its_bytes(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct listener l;

	t->keeps = true;
	pages_private(b, 0, 1, RW);
	assert_int_equal(pages_load(b, 0), 7);
	listen(&l, b);
	assert_int_equal(p2psim_store_byte(b->app, AT(0) + 1, 9), 0);
	assert_string_equal(bench_log(b), ONE_COPY);
	assert_int_equal(pages_load(b, 0), 7);
	assert_int_equal(page_count(t->page), 1);
	assert_int_equal(b->mm->rss_anon * 10 + b->mm->rss_file, 10);
	put_page(t->page);
	mmu_notifier_unregister(&l.mn, b->mm);
}

/* No struct page behind it: the copy is of what the device answers. */
static void test_a_pfn_of_a_private_VMA_is_copied(void **state)
{
	struct vma_bench *b = *state;
	struct listener l;

	b->fills = true;
	pages_private(b, 0, 1, RW);
	assert_string_equal(pages_state(b, 0), "pfn-ro");
	listen(&l, b);
	assert_int_equal(pages_store(b, 0, 5), 0);
	assert_string_equal(bench_log(b), ONE_COPY);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(p2psim_load_byte(b->app, AT(0) + 1), 0xff);
	assert_int_equal(b->mm->rss_anon, 1);
	mmu_notifier_unregister(&l.mn, b->mm);
}

/* A forced write to a read-only VMA leaves a read-only page (fact 14). */
static void test_a_forced_write_copies_and_stays_read_only(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = NULL;
	struct listener l;

	bench_anon(b, 0, 1, PROT_READ);
	pages_load(b, 0);
	listen(&l, b);
	mmap_read_lock(b->mm);
	assert_int_equal(get_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE | FOLL_FORCE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; S 0 none; pte 0 ro, none; E; ");
	assert_string_equal(pages_state(b, 0), "ro");
	assert_ptr_equal(page, pages_page(b, 0));
	put_page(page);
	mmu_notifier_unregister(&l.mn, b->mm);
}

static void stores_5(void *arg)
{
	P2PSIM_CHECK(!pages_store(arg, 0, 5));
}

/*
 *	writer					driver
 *	stands before the copying
 *						unmap_mapping_range()
 *	copies the page: it holds a reference
 *	start(CLEAR)
 *	the entry has changed: the copy is dropped
 *	end()
 *	faults again
 */
static void test_the_event_is_whole_although_the_copy_is_dropped(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *writer;
	struct listener l;

	pages_private(b, 0, 1, RW);
	pages_load(b, 0);
	listen(&l, b);
	writer = p2psim_task_spawn("writer", stores_5, b);
	assert_int_equal(p2psim_run_until(writer, "cow:copy"), 0);
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; S 0 none; E; ");
	assert_int_equal(p2psim_ram_used(), 2);
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; E; ");
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(p2psim_ram_used(), 1);
	mmu_notifier_unregister(&l.mn, b->mm);
}

static void test_a_copy_without_memory_leaves_everything(void **state)
{
	struct vma_bench *b = *state;
	uint64_t n;

	bench_anon(b, 0, 1, RW);
	pages_load(b, 0);
	pages_listen(b);
	for (n = 1; n < 10; n++) {
		p2psim_inject_fail_nth(b->world, n);
		if (!pages_store(b, 0, 5))
			break;
		assert_string_equal(pages_state(b, 0), "zero");
		assert_string_equal(bench_log(b), "");
		assert_true(p2psim_pgtable_is_valid(b->mm));
	}
	assert_int_equal(n, 4); /* the chain, the anon_vma, the page */
	p2psim_inject_fail_nth(b->world, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_a_write_to_the_zero_page_is_a_copy),
		pages_test(test_a_page_that_is_only_ours_is_reused_without_an_event),
		pages_test(test_a_private_file_page_is_copied_with_its_bytes),
		pages_test(test_a_pfn_of_a_private_VMA_is_copied),
		pages_test(test_a_forced_write_copies_and_stays_read_only),
		pages_test(test_the_event_is_whole_although_the_copy_is_dropped),
		pages_test(test_a_copy_without_memory_leaves_everything),
	};

	return cmocka_run_group_tests_name("cow", tests, NULL, NULL);
}
