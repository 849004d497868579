/* SPDX-License-Identifier: MIT */
/*
 * find_vma(), find_vma_intersection(), vma_lookup(), find_vma_prev() and the search for a gap (1.3), against a flat array
 * of pages.
 */
#include "vma_bench.h"

#define MODEL_PAGES 96

/*
 *	0  1  2  3  4  5  6  7
 *	   AAAAA     BB     (free)
 */
static int map_a_and_b(void **state)
{
	struct vma_bench *b;

	if (bench_setup(state))
		return -1;
	b = *state;
	return bench_anon(b, 1, 2, RW) < 0 || bench_anon(b, 4, 1, RW) < 0;
}

static void test_find_vma_may_return_a_vma_that_starts_above_the_address(void **state)
{
	struct vma_bench *b = *state;

	mmap_read_lock(b->mm);
	assert_int_equal(find_vma(b->mm, AT(0))->vm_start, AT(1));
	assert_int_equal(find_vma(b->mm, AT(3) - 1)->vm_start, AT(1));
	assert_int_equal(find_vma(b->mm, AT(3))->vm_start, AT(4));
	assert_null(find_vma(b->mm, AT(5)));
	mmap_read_unlock(b->mm);
}

static void test_vma_lookup_never_returns_the_next_one(void **state)
{
	struct vma_bench *b = *state;

	mmap_read_lock(b->mm);
	assert_null(vma_lookup(b->mm, AT(0)));
	assert_int_equal(vma_lookup(b->mm, AT(1))->vm_start, AT(1));
	assert_null(vma_lookup(b->mm, AT(3)));
	assert_null(vma_lookup(b->mm, AT(5)));
	mmap_read_unlock(b->mm);
}

static void test_an_intersection_begins_and_ends_half_open(void **state)
{
	struct vma_bench *b = *state;

	mmap_read_lock(b->mm);
	assert_null(find_vma_intersection(b->mm, AT(0), AT(1)));
	assert_non_null(find_vma_intersection(b->mm, AT(0), AT(1) + 1));
	assert_null(find_vma_intersection(b->mm, AT(3), AT(4)));
	assert_int_equal(find_vma_intersection(b->mm, AT(2), AT(9))->vm_start, AT(1));
	mmap_read_unlock(b->mm);
}

static void test_find_vma_prev_knows_the_predecessor_even_past_the_end(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *prev;

	mmap_read_lock(b->mm);
	assert_int_equal(find_vma_prev(b->mm, AT(2), &prev)->vm_start, AT(1));
	assert_null(prev);
	assert_int_equal(find_vma_prev(b->mm, AT(3), &prev)->vm_start, AT(4));
	assert_int_equal(prev->vm_start, AT(1));
	assert_null(find_vma_prev(b->mm, AT(5), &prev));
	assert_int_equal(prev->vm_start, AT(4));
	mmap_read_unlock(b->mm);
}

/* ---- the model ---- */

/* Which page is mapped, and by which mapping (0: none): VMAs of different protection never merge. */
struct model {
	struct vma_bench *b;
	unsigned char page[MODEL_PAGES];
	uint32_t random;
};

static uint32_t next_random(struct model *m, uint32_t below)
{
	m->random = m->random * 1664525u + 1013904223u;
	return (m->random >> 8) % below;
}

/* The first mapped page at or after `page`, or MODEL_PAGES. */
static unsigned int first_mapped(const struct model *m, unsigned int page)
{
	while (page < MODEL_PAGES && !m->page[page])
		page++;
	return page;
}

static void agree_at(struct model *m, unsigned int page)
{
	struct vm_area_struct *found = find_vma(m->b->mm, AT(page)), *prev;
	unsigned int mapped = first_mapped(m, page), before = page;

	if (mapped == MODEL_PAGES) {
		assert_null(found);
	} else {
		assert_non_null(found);
		assert_true(found->vm_start <= AT(mapped) && AT(mapped) < found->vm_end);
		assert_true(mapped == page || found->vm_start == AT(mapped));
	}
	assert_ptr_equal(vma_lookup(m->b->mm, AT(page)), mapped == page && mapped < MODEL_PAGES ? found : NULL);
	assert_ptr_equal(find_vma_prev(m->b->mm, AT(page), &prev), found);
	while (before && !m->page[before - 1])
		before--;
	if (!found || found->vm_start > AT(page))
		assert_true(before ? prev && prev->vm_end == AT(before) : !prev);
}

static void agree(struct model *m)
{
	unsigned int page;

	mmap_read_lock(m->b->mm);
	for (page = 0; page < MODEL_PAGES; page++)
		agree_at(m, page);
	mmap_read_unlock(m->b->mm);
	assert_true(p2psim_mm_is_valid(m->b->mm));
}

static void change_something(struct model *m)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW };
	unsigned int first = next_random(m, MODEL_PAGES - 8), pages = 1 + next_random(m, 8);
	unsigned int prot = next_random(m, 3);
	bool maps = next_random(m, 5) < 3;

	if (maps)
		assert_int_equal(bench_anon(m->b, first, pages, prots[prot]), AT(first));
	else
		assert_int_equal(bench_unmap(m->b, first, pages), 0);
	memset(m->page + first, maps ? 1 + (int)prot : 0, pages);
}

static void test_look_ups_agree_with_a_flat_array_over_random_operations(void **state)
{
	struct model m = { .b = *state, .random = 20190129 };
	int i;

	for (i = 0; i < 600; i++) {
		change_something(&m);
		agree(&m);
	}
}

/* ---- gaps ---- */

/* The highest free place for `pages` below the top of the mmap area, by looking at each page of the top. */
static unsigned long naive_gap(struct mm_struct *mm, unsigned long top, unsigned long pages)
{
	unsigned long addr = top - PAGES(pages);

	while (find_vma_intersection(mm, addr, addr + PAGES(pages)))
		addr -= PAGE_SIZE;
	return addr;
}

static void test_mmap_without_an_address_takes_the_highest_gap_that_fits(void **state)
{
	struct vma_bench *b = *state;
	struct model m = { .b = b, .random = 7 };
	unsigned long top = (unsigned long)p2psim_mmap(b->app, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) +
			    PAGE_SIZE;
	unsigned long pages, want;
	int i;

	for (i = 0; i < 300; i++) {
		pages = 1 + next_random(&m, 6);
		mmap_read_lock(b->mm);
		want = naive_gap(b->mm, top, pages);
		mmap_read_unlock(b->mm);
		assert_int_equal(p2psim_mmap(b->app, 0, PAGES(pages), i & 1 ? RW : PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
					     NULL, 0), want);
		if (i % 3 == 0)
			p2psim_munmap(b->app, top - PAGES(1 + next_random(&m, 400)), PAGES(1 + next_random(&m, 3)));
		assert_true(p2psim_mm_is_valid(b->mm));
	}
}

static void test_a_hint_is_taken_when_it_is_free_and_ignored_when_it_is_not(void **state)
{
	struct vma_bench *b = *state;
	long far;

	assert_int_equal(p2psim_mmap(b->app, AT(9) + 5, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), AT(9));
	far = p2psim_mmap(b->app, AT(8), PAGES(2), RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	assert_true(far > (long)AT(1000));
	assert_int_equal(p2psim_mmap(b->app, AT(8), PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0), AT(8));
}

static void test_looking_up_without_the_lock_is_a_contract_violation(void **state)
{
	struct vma_bench *b = *state;

	find_vma(b->mm, AT(0));
	assert_violation(b->world, P2PSIM_CONTRACT, "mmap_lock must be held");
}

int main(void)
{
#define drawn_test(f) cmocka_unit_test_setup_teardown(f, map_a_and_b, bench_teardown)
	const struct CMUnitTest tests[] = {
		drawn_test(test_find_vma_may_return_a_vma_that_starts_above_the_address),
		drawn_test(test_vma_lookup_never_returns_the_next_one),
		drawn_test(test_an_intersection_begins_and_ends_half_open),
		drawn_test(test_find_vma_prev_knows_the_predecessor_even_past_the_end),
		bench_test(test_look_ups_agree_with_a_flat_array_over_random_operations),
		bench_test(test_mmap_without_an_address_takes_the_highest_gap_that_fits),
		bench_test(test_a_hint_is_taken_when_it_is_free_and_ignored_when_it_is_not),
		bench_test(test_looking_up_without_the_lock_is_a_contract_violation),
	};

	return cmocka_run_group_tests_name("find_vma", tests, NULL, NULL);
}
