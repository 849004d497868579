/* SPDX-License-Identifier: MIT */
/*
 * Which VMAs become one (1.12, facts 5 to 7), drawn.  A, B: VMAs; capital letters have been touched (they have an anon_vma),
 * small ones not; * is what the operation is about.
 */
#include "vma_bench.h"

#include <p2psim/reclaim.h>

/*
 * mprotect() to r- of [at, at + pages); everything else is as prepared.  All eight cases of the merge, untouched memory.
 */
static const struct protect_case {
	const char *drawing;	/* one letter a page: w, r: rw and r-; - hole.  Before, range, after */
	const char *range, *after;
	const char *vmas;
} protect_cases[] = {
	{ "rrww", "  **", "rrrr", "0-4 r-" },			/* 7: prev grows over all of it */
	{ "rrwww", "  ** ", "rrrrw", "0-4 r- 4-5 rw" },		/* 5: over its start */
	{ "wwwrr", " **  ", "wrrrr", "0-1 rw 1-5 r-" },		/* 4: next grows down into it */
	{ "wwrr", "**  ", "rrrr", "0-4 r-" },			/* 8: next swallows it */
	{ "rwwr", " ** ", "rrrr", "0-4 r-" },			/* 6: the three become one */
	{ "wwww", " ** ", "wrrw", "0-1 rw 1-3 r- 3-4 rw" },	/* no neighbour: two cuts */
	{ "r-wr", "  * ", "r-rr", "0-1 r- 2-4 r-" },		/* not over a hole */
};

static void draw(struct vma_bench *b, const char *drawing)
{
	unsigned int i;

	for (i = 0; drawing[i]; i++)
		if (drawing[i] != '-')
			p2psim_mmap(b->app, AT(i), PAGE_SIZE, drawing[i] == 'w' ? RW : PROT_READ,
				    FIXED_ANON | MAP_NORESERVE, NULL, 0);
}

static void test_mprotect_merges_in_all_cases(void **state)
{
	struct vma_bench *b = *state;
	const struct protect_case *c;

	for (c = protect_cases; c < protect_cases + ARRAY_SIZE(protect_cases); c++) {
		size_t first = strspn(c->range, " "), pages = strspn(c->range + first, "*");

		draw(b, c->drawing);
		assert_int_equal(bench_protect(b, first, pages, PROT_READ), 0);
		assert_string_equal(bench_vmas(b), c->vmas);
		assert_true(p2psim_mm_is_valid(b->mm));
		bench_unmap(b, 0, strlen(c->drawing));
	}
}

/*	aa**bb	->	aaaaaa		a fresh mapping between two that continue each other */
static void test_a_mapping_that_fills_a_gap_joins_both_sides(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_anon(b, 2, 2, RW);
	assert_string_equal(bench_vmas(b), "0-6 rw");
}

/*	AA**	->	AAAA		beside touched memory a fresh mapping merges (fact 6) */
static void test_fresh_memory_merges_with_touched_memory(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 2, 2, RW);
	bench_touch(b, 2);
	bench_anon(b, 4, 2, RW);
	bench_anon(b, 0, 2, RW);
	assert_string_equal(bench_vmas(b), "0-6 rw");
}

/*	AA**BB	->	AA BBBB		two anon_vmas: the next one only, in 6.1 (fact 7) */
static void test_between_two_anon_vmas_the_next_one_wins(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_touch(b, 0);
	bench_touch(b, 4);
	bench_anon(b, 2, 2, RW);
	assert_string_equal(bench_vmas(b), "0-2 rw 2-6 rw");
	assert_ptr_equal(bench_vma(b, 2), bench_vma(b, 4));
}

/*	AA**bb	->	AAAAAA		one anon_vma and none fit, from either side */
static void test_a_touched_side_and_an_untouched_one_join(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_touch(b, 0);
	bench_anon(b, 2, 2, RW);
	assert_string_equal(bench_vmas(b), "0-6 rw");
}

/*	aa**BB	->	aa BBBB		the untouched side before does not take the touched side's place */
static void test_an_untouched_vma_does_not_grow_over_a_gap_to_a_touched_one(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_touch(b, 4);
	bench_anon(b, 2, 2, RW);
	assert_string_equal(bench_vmas(b), "0-2 rw 2-6 rw");
}

/*
 *	aaa*A*	the changed side owns the anon_vma, the neighbour has none: no merge (fact 6)
 *	rrr w r
 */
static void test_a_changed_vma_with_an_anon_vma_does_not_join_one_without(void **state)
{
	struct vma_bench *b = *state;

	draw(b, "rrw");
	bench_touch(b, 2);
	assert_int_equal(bench_protect(b, 2, 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "0-2 r- 2-3 r-");
}

/*	A*A	->	AAA		what was cut from one VMA has one anon_vma and joins again */
static void test_parts_of_one_touched_vma_join_again(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 3, RW);
	bench_touch(b, 0);
	bench_protect(b, 1, 1, PROT_NONE);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 -- 2-3 rw");
	assert_ptr_equal(bench_vma(b, 1)->anon_vma, bench_vma(b, 0)->anon_vma);
	bench_protect(b, 1, 1, RW);
	assert_string_equal(bench_vmas(b), "0-3 rw");
	assert_int_equal(p2psim_load_byte(b->app, AT(0)), 1);
}

/*
 *	a*C	->	AAA	case 6: only the last one is touched, and the first grows over it: it takes the anon_vma along, so
 *	rwr			that the reverse map still leads to C's page
 */
static void test_the_one_that_grows_inherits_the_anon_vma(void **state)
{
	struct vma_bench *b = *state;
	struct anon_vma *anon_vma;

	draw(b, "--w");
	bench_touch(b, 2);
	bench_protect(b, 2, 1, PROT_READ);
	draw(b, "rw");
	anon_vma = bench_vma(b, 2)->anon_vma;
	assert_string_equal(bench_vmas(b), "0-1 r- 1-2 rw 2-3 r-");
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "0-3 r-");
	assert_ptr_equal(bench_vma(b, 0)->anon_vma, anon_vma);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(2)), 0);
	assert_int_equal(p2psim_load_byte(b->app, AT(2)), 1);
}

/*
 *	0     2M    4M    6M	a border that a merge moves into a 2 MiB block cuts the block of the one that shrinks (fact 12)
 *	ABBBBBBB*BBBBBBBB	case 5: A grows up to *
 *	BBBBBBBB*BBBCCCCC	case 4: C grows down to *
 */
static void test_a_border_that_moves_into_a_2_MiB_block_clears_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2048, RW);
	bench_touch(b, 600);
	bench_protect(b, 0, 16, PROT_READ);
	bench_listen(b);
	assert_int_equal(bench_protect(b, 16, 684, PROT_READ), 0);
	assert_string_equal(bench_log(b), "CLEAR 200-400 W; end; PROT_VMA 200-2bc W; end; ");
	assert_string_equal(bench_vmas(b), "0-2bc r- 2bc-800 rw");
	bench_protect(b, 0, 2048, RW);
	bench_protect(b, 1536, 512, PROT_READ);
	bench_log(b);
	assert_int_equal(bench_protect(b, 700, 836, PROT_READ), 0);
	assert_string_equal(bench_log(b), "CLEAR 200-400 W; end; PROT_VMA 2bc-600 W; end; ");
	assert_string_equal(bench_vmas(b), "0-2bc rw 2bc-800 r-");
}

/*	A b	touched later: b takes its neighbour's anon_vma, so that they may join */
static void test_a_neighbour_with_other_permissions_lends_its_anon_vma(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_protect(b, 1, 1, PROT_NONE);
	bench_touch(b, 0);
	bench_protect(b, 1, 1, RW);
	assert_string_equal(bench_vmas(b), "0-2 rw");
}

/* Different files, or different offsets, never. */
static void test_files_merge_only_with_themselves_and_in_order(void **state)
{
	struct vma_bench *b = *state;
	struct file *other = p2psim_file_create("other", &bench_fops, b, FMODE_READ | FMODE_WRITE);

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 1);
	p2psim_mmap(b->app, AT(1), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, other, PAGES(1));
	bench_device(b, 2, 1);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 rw 2-3 rw");
	bench_device(b, 1, 1);
	assert_string_equal(bench_vmas(b), "0-3 rw");
	fput(other);
}

/*
 *	DDDDDDD		what was cut from a VMA that has close(), or a special flag, stays cut when it is alike again
 *	D*D*D*D
 */
static void test_close_and_special_flags_keep_cuts_for_good(void **state)
{
	static const unsigned long special[] = { 0, VM_IO, VM_DONTEXPAND, VM_PFNMAP, VM_MIXEDMAP };
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(special); i++) {
		b->ops = special[i] ? &bench_plain_ops : &bench_all_ops;
		b->set_flags = special[i];
		bench_device(b, 0, 3);
		assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
		assert_int_equal(bench_protect(b, 1, 1, RW), 0);
		assert_string_equal(bench_vmas(b), "0-1 rw 1-2 rw 2-3 rw");
		bench_unmap(b, 0, 3);
	}
}

/* A merge drops the references of what it swallows, a cut takes one. */
static void test_each_vma_holds_one_reference_of_the_file(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 3);
	bench_protect(b, 1, 1, PROT_READ);
	assert_int_equal(b->file->f_count.counter, 4);
	bench_protect(b, 1, 1, RW);
	assert_string_equal(bench_vmas(b), "0-3 rw");
	assert_int_equal(b->file->f_count.counter, 2);
}

/* Whatever is done to untouched anonymous memory: neighbours that look alike are one VMA. */
static void test_untouched_anonymous_memory_is_always_merged(void **state)
{
	struct vma_bench *b = *state;
	uint32_t random = 61;
	int i;

	for (i = 0; i < 2000; i++) {
		struct vm_area_struct *vma, *next;
		unsigned long first, pages;

		random = random * 1664525u + 1013904223u;
		first = (random >> 8) % 40;
		pages = 1 + (random >> 16) % 9;
		if (random >> 30 == 0)
			bench_unmap(b, first, pages);
		else if (random >> 30 == 1)
			bench_anon(b, first, pages, random & 0x80 ? RW : PROT_READ);
		else
			bench_protect(b, first, pages, random & 0x80 ? RW : random & 0x40 ? PROT_READ : PROT_NONE);
		for (vma = p2psim_vma_first(b->mm); vma; vma = next) {
			next = p2psim_vma_next(vma);
			if (next && vma->vm_end == next->vm_start)
				assert_int_not_equal((vma->vm_flags ^ next->vm_flags) & ~VM_SOFTDIRTY, 0);
		}
		assert_true(p2psim_mm_is_valid(b->mm));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_mprotect_merges_in_all_cases),
		bench_test(test_a_mapping_that_fills_a_gap_joins_both_sides),
		bench_test(test_fresh_memory_merges_with_touched_memory),
		bench_test(test_between_two_anon_vmas_the_next_one_wins),
		bench_test(test_a_touched_side_and_an_untouched_one_join),
		bench_test(test_an_untouched_vma_does_not_grow_over_a_gap_to_a_touched_one),
		bench_test(test_a_changed_vma_with_an_anon_vma_does_not_join_one_without),
		bench_test(test_parts_of_one_touched_vma_join_again),
		bench_test(test_the_one_that_grows_inherits_the_anon_vma),
		bench_test(test_a_border_that_moves_into_a_2_MiB_block_clears_it),
		bench_test(test_a_neighbour_with_other_permissions_lends_its_anon_vma),
		bench_test(test_files_merge_only_with_themselves_and_in_order),
		bench_test(test_close_and_special_flags_keep_cuts_for_good),
		bench_test(test_each_vma_holds_one_reference_of_the_file),
		bench_test(test_untouched_anonymous_memory_is_always_merged),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
