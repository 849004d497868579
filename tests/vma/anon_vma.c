/* SPDX-License-Identifier: MIT */
/*
 * Reverse maps of a family: rules R1 to R5 of src/vma/rmap.c, and what merging makes of them (1.12, rule 6).
 */
#include "vma_family.h"

#include <p2psim/actors.h>
#include <p2psim/linux/rmap.h>

static unsigned int chain_length(const struct vm_area_struct *vma)
{
	const struct anon_vma_chain *chain;
	unsigned int n = 0;

	list_for_each_entry(chain, &vma->anon_vma_chain, same_vma)
		n++;
	return n;
}

static struct vma_bench *touched_and_forked(struct vma_bench *b)
{
	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	return family_fork(b);
}

static void test_nobody_has_an_anon_vma_before_the_first_page(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_load(b, 0);
	assert_null(bench_vma(b, 0)->anon_vma);
	child = family_fork(b);
	assert_null(bench_vma(child, 0)->anon_vma);
	pages_store(child, 0, 5);
	assert_ptr_equal(bench_vma(child, 0)->anon_vma->root, bench_vma(child, 0)->anon_vma);
	family_exit(child, b);
}

static void test_the_childs_is_below_the_parents(void **state)
{
	struct vma_bench *b = *state, *child = touched_and_forked(b);
	struct anon_vma *mine = bench_vma(b, 0)->anon_vma, *its = bench_vma(child, 0)->anon_vma;

	assert_ptr_not_equal(mine, its);
	assert_ptr_equal(its->parent, mine);
	assert_ptr_equal(its->root, mine);
	assert_int_equal(mine->num_children, 2); /* itself, and the child's */
	assert_int_equal(mine->num_active_vmas, 1);
	assert_int_equal(chain_length(bench_vma(b, 0)), 1);
	assert_int_equal(chain_length(bench_vma(child, 0)), 2);
	family_exit(child, b);
	assert_int_equal(mine->num_children, 1);
}

/* New pages of the child are not looked for in the parent. */
static void test_a_new_page_of_the_child_is_found_in_the_child_only(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	pages_store(child, 1, 6);
	page = pages_page(child, 1);
	assert_ptr_equal(page->anon_vma, bench_vma(child, 1)->anon_vma);
	assert_ptr_equal(page->anon_vma->chains.next, page->anon_vma->chains.prev);
	family_exit(child, b);
}

/*
 * R3: generation after generation, the parent gone each time.  The third finds an anon_vma that its VMAs have left: the chain
 * stays short.
 */
static void test_a_chain_of_forks_stays_short(void **state)
{
	struct vma_bench *b = *state, *child;
	unsigned int i;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	for (i = 0; i < 20; i++) {
		child = family_fork(b);
		p2psim_process_exit(b->app);
		b->app = child->app;
		b->mm = child->mm;
		free(child);
		assert_true(p2psim_pgtable_is_valid(b->mm));
		assert_true(chain_length(bench_vma(b, 0)) <= 3);
	}
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_store(b, 0, 6), 0);
}

/* R3: an anon_vma with two children is nobody's to reuse, though its VMAs have left: pages of both would be found through it. */
static void test_one_with_two_children_is_not_reused(void **state)
{
	struct vma_bench *b = *state, *child = touched_and_forked(b), *first, *second, *third;
	struct anon_vma *left = bench_vma(child, 0)->anon_vma;

	first = family_fork(child);
	second = family_fork(child);
	assert_int_equal(left->num_children, 2);
	family_exit(child, b);
	assert_int_equal(left->num_active_vmas, 0);
	third = family_fork(first);
	assert_ptr_not_equal(bench_vma(third, 0)->anon_vma, left);
	family_exit(second, b);
	family_exit(third, b);
	third = family_fork(first);
	assert_ptr_equal(bench_vma(third, 0)->anon_vma, left);
	family_exit(first, third);
	family_exit(third, b);
}

/* Each part of a cut VMA is on all chains, with one anon_vma of its own and the parent's. */
static void test_a_cut_keeps_all_chains(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	bench_protect(child, 1, 1, PROT_READ);
	assert_int_equal(chain_length(bench_vma(child, 0)), 2);
	assert_int_equal(chain_length(bench_vma(child, 1)), 2);
	assert_int_equal(bench_vma(child, 0)->anon_vma->num_active_vmas, 2);
	bench_protect(child, 1, 1, RW);
	assert_string_equal(bench_vmas(child), "0-2 rw");
	assert_int_equal(bench_vma(child, 0)->anon_vma->num_active_vmas, 1);
	family_exit(child, b);
}

/*
 * 1.12, rule 6: a VMA that a fork shares takes no neighbour in whose pages would then be looked for in the parent, too.
 *	0 touched, forked	1 new, untouched
 */
static void test_a_fresh_neighbour_merges_with_the_parent_and_not_with_the_child(void **state)
{
	struct vma_bench *b = *state, *child = touched_and_forked(b);

	bench_anon(b, 1, 1, RW);
	bench_anon(child, 1, 1, RW);
	assert_string_equal(bench_vmas(b), "0-2 rw");
	assert_string_equal(bench_vmas(child), "0-1 rw 1-2 rw");
	family_exit(child, b);
}

/* A neighbour's anon_vma may serve only if its chain is its own. */
static void test_a_neighbours_anon_vma_serves_the_parent_and_not_the_child(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 1, 1, PROT_READ);
	pages_store(b, 0, 5);
	child = family_fork(b);
	bench_protect(child, 1, 1, RW);
	pages_store(child, 1, 6);
	assert_ptr_not_equal(bench_vma(child, 1)->anon_vma, bench_vma(child, 0)->anon_vma);
	assert_string_equal(bench_vmas(child), "0-1 rw 1-2 rw");
	bench_protect(b, 1, 1, RW);
	pages_store(b, 1, 6);
	assert_ptr_equal(bench_vma(b, 1)->anon_vma, bench_vma(b, 0)->anon_vma);
	family_exit(child, b);
}

/* A page that the family shares is taken out of all of them, and comes back in each. */
static void test_a_moved_page_is_found_in_the_whole_family(void **state)
{
	struct vma_bench *b = *state, *child = touched_and_forked(b), *grandchild = family_fork(child);
	struct page *page = pages_page(b, 0);

	assert_int_equal(p2psim_mremap(child->app, AT(0), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(9)), (long)AT(9));
	assert_int_equal(p2psim_migrate_page(page), 0);
	assert_ptr_not_equal(pages_page(b, 0), page);
	assert_ptr_equal(pages_page(b, 0), pages_page(child, 9));
	assert_ptr_equal(pages_page(b, 0), pages_page(grandchild, 0));
	assert_string_equal(family_page(b, 0), "ro 3");
	family_exit(child, grandchild);
	family_exit(grandchild, b);
}

/* The walker sees what would break copy-on-write: R4, R5. */
static void test_the_walker_sees_what_is_wrong(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	page = pages_page(b, 0);
	page->flags &= ~(1UL << PG_anon_exclusive);	/* can be written, and is not ours alone */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	page->flags |= 1UL << PG_anon_exclusive;
	page->index++;					/* is looked for elsewhere */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	page->index--;
	child = family_fork(b);
	page->flags |= 1UL << PG_anon_exclusive;	/* ours alone, and the child's */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	page->flags &= ~(1UL << PG_anon_exclusive);
	page->anon_vma = bench_vma(child, 0)->anon_vma;	/* the parent is not on its chain */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	assert_false(p2psim_pgtable_is_valid(child->mm)); /* and so the count is one too many */
	page->anon_vma = bench_vma(b, 0)->anon_vma;
	assert_true(p2psim_pgtable_is_valid(b->mm));
	family_exit(child, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_nobody_has_an_anon_vma_before_the_first_page),
		pages_test(test_the_childs_is_below_the_parents),
		pages_test(test_a_new_page_of_the_child_is_found_in_the_child_only),
		pages_test(test_a_chain_of_forks_stays_short),
		pages_test(test_one_with_two_children_is_not_reused),
		pages_test(test_a_cut_keeps_all_chains),
		pages_test(test_a_fresh_neighbour_merges_with_the_parent_and_not_with_the_child),
		pages_test(test_a_neighbours_anon_vma_serves_the_parent_and_not_the_child),
		pages_test(test_a_moved_page_is_found_in_the_whole_family),
		pages_test(test_the_walker_sees_what_is_wrong),
	};

	return cmocka_run_group_tests_name("anon_vma", tests, NULL, NULL);
}
