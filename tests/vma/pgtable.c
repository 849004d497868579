/* SPDX-License-Identifier: MIT */
/*
 * Page tables: against a naive map, when tables come and go, and what the walker finds.
 */
#include "vma_pages.h"

#include "vma/internal.h"

/* ---- against a naive map: a list of (page, value), searched from the start ---- */

#define REGIONS 6
#define REGION_PAGES 1536UL	/* 3 tables */
#define ENTRIES_MAX 4096

struct naive {
	unsigned long addr[ENTRIES_MAX];
	u64 value[ENTRIES_MAX];
	unsigned int count;
};

static u32 next_random(u32 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

/* Regions in one 2 MiB block's neighbourhood, 1 GiB and 512 GiB apart. */
static unsigned long region_start(unsigned int i)
{
	static const unsigned long at[REGIONS] = { 0, PMD_SIZE * 4, PUD_SIZE, PUD_SIZE * 3, 1UL << 39, 1UL << 46 };

	return 0x200000000UL + at[i];
}

static unsigned long random_page(u32 *x)
{
	unsigned int region = next_random(x) % REGIONS;

	return region_start(region) + (next_random(x) % REGION_PAGES << PAGE_SHIFT);
}

static u64 naive_get(const struct naive *naive, unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < naive->count; i++)
		if (naive->addr[i] == addr)
			return naive->value[i];
	return 0;
}

static void naive_set(struct naive *naive, unsigned long addr, u64 value)
{
	unsigned int i;

	for (i = 0; i < naive->count && naive->addr[i] != addr; i++)
		;
	if (i == naive->count && i < ENTRIES_MAX)
		naive->addr[naive->count++] = addr;
	naive->value[i] = value;
}

static void naive_clear_range(struct naive *naive, unsigned long start, unsigned long end)
{
	unsigned int i = 0;

	while (i < naive->count) {
		if (naive->addr[i] < start || naive->addr[i] >= end) {
			i++;
			continue;
		}
		naive->count--;
		naive->addr[i] = naive->addr[naive->count];
		naive->value[i] = naive->value[naive->count];
	}
}

static u64 entry_at(struct mm_struct *mm, unsigned long addr)
{
	const pte_t *pte = p2psim_pte_lookup(mm, addr);

	return pte ? pte->val : 0;
}

/* Frees whole regions, whose tables nobody else needs: their entries are gone, the others stay. */
static void free_region(struct mm_struct *mm, struct naive *naive, unsigned int i)
{
	unsigned long start = region_start(i), end = start + PAGES(REGION_PAGES);

	free_pgtables(mm, start, end, start, end);
	naive_clear_range(naive, start, end);
}

static void test_tables_agree_with_a_naive_map(void **state)
{
	static const int rounds = 60000;
	struct naive *naive = calloc(1, sizeof(*naive));
	struct pages *t = *state;
	struct mm_struct *mm = t->b.mm;
	unsigned long addr;
	u32 x = 2463534242u;
	int i;

	for (i = 0; i < rounds; i++) {
		addr = random_page(&x);
		if (i % 3000 == 2999) {
			free_region(mm, naive, next_random(&x) % REGIONS);
		} else if (next_random(&x) % 4) {
			assert_true(entry_at(mm, addr) == naive_get(naive, addr));
		} else if (naive->count < ENTRIES_MAX - 1) {
			pte_alloc(mm, addr)->val = (u64)i;
			naive_set(naive, addr, (u64)i);
		}
	}
	for (i = 0; i < (int)naive->count; i++)
		assert_true(entry_at(mm, naive->addr[i]) == naive->value[i]);
	free_all_pgtables(mm);
	assert_null(mm->pgd);
	free(naive);
}

/* ---- tables come with the first entry, and go with the last VMA that could need them ---- */

static void test_a_failed_or_absent_fault_makes_no_table(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 1);
	assert_false(p2psim_pmd_present(b->mm, AT(0)));
	pages_load(b, 0);
	assert_false(p2psim_pmd_present(b->mm, AT(0)));
	bench_anon(b, 1, 1, RW);
	pages_load(b, 1);
	assert_true(p2psim_pmd_present(b->mm, AT(0)));
}

/*
 *	0			  200 (2 MiB)
 *	AA BB			  CC	A and B share a table; it goes with the last of them
 */
static void test_a_table_lives_as_long_as_a_neighbour_needs_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_anon(b, 0x200, 2, RW);
	bench_touch(b, 0);
	bench_touch(b, 4);
	bench_touch(b, 0x200);
	bench_unmap(b, 0, 2);
	assert_true(p2psim_pmd_present(b->mm, AT(0)));
	bench_unmap(b, 4, 2);
	assert_false(p2psim_pmd_present(b->mm, AT(0)));
	assert_true(p2psim_pmd_present(b->mm, AT(0x200)));
	assert_true(p2psim_pud_present(b->mm, AT(0)));
	bench_unmap(b, 0x200, 2);
	assert_null(b->mm->pgd);
}

/* A neighbour that was never touched keeps it too: its VMA may need it. */
static void test_an_untouched_neighbour_keeps_the_table(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 0x1ff, 1, RW);
	bench_touch(b, 0);
	bench_unmap(b, 0, 1);
	assert_true(p2psim_pmd_present(b->mm, AT(0)));
	bench_unmap(b, 0x1ff, 1);
	assert_false(p2psim_pmd_present(b->mm, AT(0)));
}

/* Why it matters (fact 3): mprotect() of what was never touched tells of it if the table is there. */
static void test_mprotect_is_announced_where_a_table_is(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 4, 1, RW);
	pages_listen(b);
	bench_protect(b, 4, 1, PROT_READ);
	assert_string_equal(bench_log(b), "");
	bench_touch(b, 0);
	bench_protect(b, 4, 1, RW);
	assert_string_equal(bench_log(b), "PROT_VMA 4-5 W; end; ");
	bench_unmap(b, 0, 1);
	bench_log(b);
	bench_protect(b, 4, 1, PROT_READ);
	assert_string_equal(bench_log(b), "PROT_VMA 4-5 W; end; ");
}

/* Many random maps, touches and unmaps: the walker agrees after each, and in the end nothing is left. */
static void test_random_VMAs_leave_no_table_behind(void **state)
{
	struct vma_bench *b = *state;
	unsigned long page, len;
	u32 x = 88172645u;
	int i;

	for (i = 0; i < 3000; i++) {
		page = next_random(&x) % 16 * 100 + next_random(&x) % 8;
		len = 1 + next_random(&x) % 120;
		switch (next_random(&x) % 5) {
		case 0: bench_anon(b, page, len, RW); break;
		case 1: bench_unmap(b, page, len); break;
		case 2: pages_store(b, page, 1); break;
		case 3: pages_load(b, page); break;
		default: bench_protect(b, page, len, next_random(&x) % 2 ? PROT_READ : RW); break;
		}
		if (i % 16 == 0)
			assert_true(p2psim_pgtable_is_valid(b->mm));
	}
	bench_unmap(b, 0, 2000);
	assert_null(b->mm->pgd);
	assert_int_equal(p2psim_ram_used(), 0);
}

/* ---- the walker can fail ---- */

static void assert_invalid_while(struct vma_bench *b, u64 *word, u64 value)
{
	u64 old = *word;

	assert_true(p2psim_pgtable_is_valid(b->mm));
	*word = value;
	assert_false(p2psim_pgtable_is_valid(b->mm));
	*word = old;
}

static void test_the_walker_finds_wrong_entries(void **state)
{
	struct vma_bench *b = *state;
	pte_t *pte;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 1, PROT_READ);
	bench_touch(b, 0);
	pages_load(b, 4);
	pte = p2psim_pte_lookup(b->mm, AT(0));
	assert_invalid_while(b, &pte->val, 0);				/* rss says one more */
	assert_invalid_while(b, &pte[1].val, pte->val);			/* and here one less */
	assert_invalid_while(b, &pte[2].val, pte->val);			/* no VMA there */
	assert_invalid_while(b, &pte->val, pfn_pte(0xdead, P2PSIM_PTE_PRESENT).val); /* no such page */
	assert_invalid_while(b, &pte[1].val, pfn_pte(3, P2PSIM_PTE_SWAP).val);	    /* no such slot */
	assert_invalid_while(b, &pte[4].val, pte[4].val | P2PSIM_PTE_WRITE);	    /* the VMA is read-only */
}

static void test_the_walker_finds_wrong_counters_and_tables(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 2, RW);
	bench_touch(b, 0);
	page = pages_page(b, 0);
	page->_mapcount.counter--;
	assert_false(p2psim_pgtable_is_valid(b->mm));
	page->_mapcount.counter += 2;
	assert_false(p2psim_pgtable_is_valid(b->mm));
	page->_mapcount.counter--;
	b->mm->rss_file++;
	assert_false(p2psim_pgtable_is_valid(b->mm));
	b->mm->rss_file--;
	pte_alloc(b->mm, AT(0x400)); /* nobody needs it */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	free_pgtables(b->mm, AT(0x400), AT(0x401), AT(2), 1UL << 47);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_tables_agree_with_a_naive_map),
		pages_test(test_a_failed_or_absent_fault_makes_no_table),
		pages_test(test_a_table_lives_as_long_as_a_neighbour_needs_it),
		pages_test(test_an_untouched_neighbour_keeps_the_table),
		pages_test(test_mprotect_is_announced_where_a_table_is),
		pages_test(test_random_VMAs_leave_no_table_behind),
		pages_test(test_the_walker_finds_wrong_entries),
		pages_test(test_the_walker_finds_wrong_counters_and_tables),
	};

	return cmocka_run_group_tests_name("pgtable", tests, NULL, NULL);
}
