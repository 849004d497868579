/* SPDX-License-Identifier: MIT */
/*
 * The questions that the kernel's own tests of VMAs ask (tools/testing/vma), as far as they have an answer in 6.1: which
 * struct survives, with what boundaries, offset and anon_vma.  Letters are VMAs: capitals have been touched; * is what the
 * operation is about.  Devices: d, D has a close().
 */
#include "vma_bench.h"

static struct vm_area_struct *at(struct vma_bench *b, unsigned long page)
{
	return bench_vma(b, page);
}

/* [start, end) in pages, and an offset that counts from where offsets do. */
static void expect_vma(const struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long first_offset)
{
	assert_int_equal(vma->vm_start, AT(start));
	assert_int_equal(vma->vm_end, AT(end));
	assert_int_equal(vma->vm_pgoff, first_offset + start);
}

#define ANON_OFFSET (BASE >> PAGE_SHIFT)

/* ---- one VMA ---- */

/*	a*a	->	a*a	the struct that is changed is the one that was there; its neighbours are new */
static void test_cutting_the_middle_out_keeps_the_struct_in_the_middle(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	bench_anon(b, 0, 3, RW);
	vma = at(b, 0);
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	assert_ptr_equal(at(b, 1), vma);
	expect_vma(at(b, 0), 0, 1, ANON_OFFSET);
	expect_vma(at(b, 1), 1, 2, ANON_OFFSET);
	expect_vma(at(b, 2), 2, 3, ANON_OFFSET);
}

/*	aaa -> a -> aaa		shrunk and grown in place: one struct all the time */
static void test_shrinking_and_growing_keep_the_struct(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	bench_anon(b, 0, 3, RW);
	vma = at(b, 0);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(3), PAGES(1), 0, 0), AT(0));
	expect_vma(vma, 0, 1, ANON_OFFSET);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(1), PAGES(3), 0, 0), AT(0));
	expect_vma(vma, 0, 3, ANON_OFFSET);
	assert_ptr_equal(at(b, 2), vma);
}

/*	aa**bb	->	aaaaaa	growing in place up to the next one swallows it */
static void test_growing_up_to_the_next_one_joins_it(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *first;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 3, 1, RW);
	first = at(b, 0);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(1), PAGES(3), 0, 0), AT(0));
	expect_vma(first, 0, 4, ANON_OFFSET);
	assert_int_equal(b->mm->map_count, 1);
}

/* ---- new mappings ---- */

/*
 *	aa----bb----cc		the places in turn
 *	aa----bb--*-cc		touches nobody
 *	aa*---bb--d-cc		grows a
 *	aaa**-bb--d-cc		a again
 *	aaaaa*bb--d-cc		a and b
 *	aaaaaaaa*-d-cc		and so on, until there is one
 */
static void test_new_mappings_join_whoever_they_touch(void **state)
{
	static const struct {
		unsigned int first, pages;
		int count;
		const char *vmas;
	} turns[] = {
		{ 10, 1, 4, "0-2 rw 6-8 rw a-b rw c-e rw" }, { 2, 1, 4, "0-3 rw 6-8 rw a-b rw c-e rw" },
		{ 3, 2, 4, "0-5 rw 6-8 rw a-b rw c-e rw" },  { 5, 1, 3, "0-8 rw a-b rw c-e rw" },
		{ 9, 1, 3, "0-8 rw 9-b rw c-e rw" },	     { 8, 1, 2, "0-b rw c-e rw" },
		{ 11, 1, 1, "0-e rw" },
	};
	struct vma_bench *b = *state;
	unsigned int i;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 6, 2, RW);
	bench_anon(b, 12, 2, RW);
	for (i = 0; i < ARRAY_SIZE(turns); i++) {
		bench_anon(b, turns[i].first, turns[i].pages, RW);
		assert_string_equal(bench_vmas(b), turns[i].vmas);
		assert_int_equal(b->mm->map_count, turns[i].count);
	}
	expect_vma(at(b, 0), 0, 14, ANON_OFFSET);
}

/*	-b*	*c-	above and below: boundaries and offsets move with it */
static void test_a_mapping_above_and_one_below(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 4, 2);
	bench_device(b, 20, 2);
	bench_device(b, 6, 1);
	bench_device(b, 19, 1);
	expect_vma(at(b, 4), 4, 7, 0);
	expect_vma(at(b, 19), 19, 22, 0);
	assert_int_equal(b->mm->map_count, 2);
}

static unsigned long device(struct vma_bench *b, unsigned long first, bool has_close)
{
	b->ops = has_close ? &bench_all_ops : &bench_plain_ops;
	return (unsigned long)bench_device(b, first, 1);
}

/*
 *	d*d	ddd		close() on a side keeps that side out of it (newer kernels let it grow)
 *	d*D	ddD
 *	D*d	Ddd
 *	D*D	D*D
 */
static void test_a_side_with_close_stays_out(void **state)
{
	static const char *const expected[] = { "0-3 rw", "0-2 rw 2-3 rw", "0-1 rw 1-3 rw", "0-1 rw 1-2 rw 2-3 rw" };
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		device(b, 0, i & 2);
		device(b, 2, i & 1);
		device(b, 1, false);
		assert_string_equal(bench_vmas(b), expected[i]);
		bench_unmap(b, 0, 3);
	}
}

/*	D*	->	Ddd	what is changed joins the next, not the one that wants to hear of its end */
static void test_a_changed_piece_does_not_join_a_side_with_close(void **state)
{
	struct vma_bench *b = *state;

	device(b, 0, true);
	device(b, 2, false);
	bench_protect(b, 0, 1, PROT_READ);
	bench_protect(b, 2, 1, PROT_READ);
	device(b, 1, false);
	assert_string_equal(bench_vmas(b), "0-1 r- 1-2 rw 2-3 r-");
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "0-1 r- 1-3 r-");
}

/* VM_SPECIAL is exactly these four; each keeps a new mapping, and a changed one, out. */
static void test_each_special_flag_forbids_it(void **state)
{
	static const unsigned long special[] = { VM_IO, VM_DONTEXPAND, VM_PFNMAP, VM_MIXEDMAP };
	struct vma_bench *b = *state;
	unsigned long all = 0;
	unsigned int i;

	b->ops = &bench_plain_ops;
	for (i = 0; i < ARRAY_SIZE(special); i++) {
		all |= b->set_flags = special[i];
		bench_device(b, 0, 2);
		bench_device(b, 2, 1);
		assert_string_equal(bench_vmas(b), "0-2 rw 2-3 rw");
		bench_protect(b, 1, 1, PROT_READ);
		bench_protect(b, 1, 1, RW);
		assert_string_equal(bench_vmas(b), "0-1 rw 1-2 rw 2-3 rw");
		bench_unmap(b, 0, 3);
	}
	assert_int_equal(all, VM_SPECIAL);
}

/* ---- changes ---- */

/*
 *	rwwwr		no part of the middle but its ends, and all of it, joins anybody
 *	 123
 */
static void test_only_what_touches_a_side_joins_it(void **state)
{
	static const struct {
		unsigned int first, pages;
		const char *vmas;
	} parts[] = {
		{ 2, 1, "0-1 r- 1-2 rw 2-3 r- 3-5 rw 5-6 r-" }, { 3, 1, "0-1 r- 1-3 rw 3-4 r- 4-5 rw 5-6 r-" },
		{ 2, 2, "0-1 r- 1-2 rw 2-4 r- 4-5 rw 5-6 r-" }, { 1, 2, "0-3 r- 3-5 rw 5-6 r-" },
		{ 3, 2, "0-1 r- 1-3 rw 3-6 r-" },		{ 1, 4, "0-6 r-" },
	};
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		p2psim_mmap(b->app, AT(0), PAGES(6), PROT_READ, FIXED_ANON | MAP_NORESERVE, NULL, 0);
		p2psim_mmap(b->app, AT(1), PAGES(4), RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
		bench_protect(b, parts[i].first, parts[i].pages, PROT_READ);
		assert_string_equal(bench_vmas(b), parts[i].vmas);
		bench_unmap(b, 0, 6);
	}
}

/* r-, rw, r-: made and touched (x) apart, then moved together. */
static void three(struct vma_bench *b, const char *touched)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		p2psim_mmap(b->app, AT(2 * i), PAGES(1), RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
		if (touched[i] == 'x')
			bench_touch(b, 2 * i);
	}
	bench_protect(b, 0, 1, PROT_READ);
	bench_protect(b, 4, 1, PROT_READ);
	p2psim_mremap(b->app, AT(0), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(10));
	p2psim_mremap(b->app, AT(2), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(11));
	p2psim_mremap(b->app, AT(4), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(12));
}

/*	A*C	->	aac?	moved touched memory keeps its old offset: it joins nobody, however alike it looks */
static void test_moved_touched_memory_does_not_join(void **state)
{
	struct vma_bench *b = *state;

	three(b, "xxx");
	assert_int_equal(bench_protect(b, 11, 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "a-b r- b-c r- c-d r-");
	assert_int_equal(at(b, 11)->vm_pgoff, ANON_OFFSET + 2);
}

/*	a*c	->	aaa	and untouched memory counts anew where it lands */
static void test_moved_untouched_memory_joins(void **state)
{
	struct vma_bench *b = *state;

	three(b, "---");
	expect_vma(at(b, 11), 11, 12, ANON_OFFSET);
	assert_int_equal(bench_protect(b, 11, 1, PROT_READ), 0);
	expect_vma(at(b, 11), 10, 13, ANON_OFFSET);
}

/* Touched before it has a neighbour: its anon_vma is its own. */
static void touched_alone(struct vma_bench *b, unsigned long page)
{
	p2psim_mmap(b->app, AT(page), PAGES(1), RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
	bench_touch(b, page);
	bench_protect(b, page, 1, PROT_READ);
}

static void untouched(struct vma_bench *b, unsigned long page, int prot)
{
	p2psim_mmap(b->app, AT(page), PAGES(1), prot, FIXED_ANON | MAP_NORESERVE, NULL, 0);
}

/*	A*C	->	AAC	two anon_vmas: not all three; with prev only (6.1) */
static void test_two_anon_vmas_fall_back_to_the_side_before(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *first;

	touched_alone(b, 0);
	touched_alone(b, 2);
	untouched(b, 1, RW);
	first = at(b, 0);
	assert_ptr_not_equal(first->anon_vma, at(b, 2)->anon_vma);
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	expect_vma(first, 0, 2, ANON_OFFSET);
	expect_vma(at(b, 2), 2, 3, ANON_OFFSET);
}

/*
 * Who survives has the anon_vma of what was swallowed:
 *
 *	a*C	->	aaa	(6) from the last one
 *	Ab	->	AA	(7), and its own stays its own
 */
static void test_the_survivor_has_the_anon_vma(void **state)
{
	struct vma_bench *b = *state;
	struct anon_vma *anon_vma;

	touched_alone(b, 2);
	untouched(b, 0, PROT_READ);
	untouched(b, 1, RW);
	anon_vma = at(b, 2)->anon_vma;
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	expect_vma(at(b, 0), 0, 3, ANON_OFFSET);
	assert_ptr_equal(at(b, 0)->anon_vma, anon_vma);
	assert_int_equal(p2psim_load_byte(b->app, AT(2)), 1);
	touched_alone(b, 8);
	untouched(b, 9, RW);
	anon_vma = at(b, 8)->anon_vma;
	assert_int_equal(bench_protect(b, 9, 1, PROT_READ), 0);
	expect_vma(at(b, 8), 8, 10, ANON_OFFSET);
	assert_ptr_equal(at(b, 8)->anon_vma, anon_vma);
}

/*	a*C	no memory for the link to the anon_vma: nothing is joined, nobody keeps half a link */
static void test_a_merge_that_runs_out_of_memory_leaves_no_trace(void **state)
{
	struct vma_bench *b = *state;
	uint64_t n;

	touched_alone(b, 2);
	untouched(b, 0, PROT_READ);
	untouched(b, 1, RW);
	for (n = 1; n <= 2; n++) {
		p2psim_inject_fail_nth(b->world, n);
		assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0); /* changed, only not joined */
		assert_true(p2psim_inject_fired(b->world, NULL));
		assert_string_equal(bench_vmas(b), "0-1 r- 1-2 r- 2-3 r-");
		assert_null(at(b, 0)->anon_vma);
		assert_true(p2psim_mm_is_valid(b->mm));
		bench_protect(b, 1, 1, RW);
	}
}

/* ---- moves ---- */

/*	aa--	bb		a copy far away is a VMA of its own; one beside a fitting VMA makes that one grow */
static void test_a_move_beside_a_fitting_vma_makes_it_grow(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *other;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 20, 2, RW);
	other = at(b, 20);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(40)), AT(40));
	assert_int_equal(b->mm->map_count, 2);
	assert_int_equal(p2psim_mremap(b->app, AT(40), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(22)), AT(22));
	assert_int_equal(b->mm->map_count, 1);
	expect_vma(other, 20, 24, ANON_OFFSET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_cutting_the_middle_out_keeps_the_struct_in_the_middle),
		bench_test(test_shrinking_and_growing_keep_the_struct),
		bench_test(test_growing_up_to_the_next_one_joins_it),
		bench_test(test_new_mappings_join_whoever_they_touch),
		bench_test(test_a_mapping_above_and_one_below),
		bench_test(test_a_side_with_close_stays_out),
		bench_test(test_a_changed_piece_does_not_join_a_side_with_close),
		bench_test(test_each_special_flag_forbids_it),
		bench_test(test_only_what_touches_a_side_joins_it),
		bench_test(test_moved_touched_memory_does_not_join),
		bench_test(test_moved_untouched_memory_joins),
		bench_test(test_two_anon_vmas_fall_back_to_the_side_before),
		bench_test(test_the_survivor_has_the_anon_vma),
		bench_test(test_a_merge_that_runs_out_of_memory_leaves_no_trace),
		bench_test(test_a_move_beside_a_fitting_vma_makes_it_grow),
	};

	return cmocka_run_group_tests_name("merge_shapes", tests, NULL, NULL);
}
