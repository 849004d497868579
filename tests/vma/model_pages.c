/* SPDX-License-Identifier: MIT */
/*
 * Page tables against a hash map: which pages of 16 TiB have an entry, of what kind, and the byte that is stored there.
 *
 * Pages lie in clusters far from each other, at the borders of tables.  The walker looks at the tables every now and then,
 * the counters after each operation.
 *
 *	model_pages [--many]	a few operations, or millions
 */
#include "vma_bench.h"

#define SPAN (1UL << (44 - PAGE_SHIFT))	/* pages */
#define CLUSTERS 24u
#define CLUSTER 24u			/* pages of one, half below its middle */
#define SLOTS 4096u			/* of the hash map; never half full */

static unsigned long operations = 30000;

enum kind { NONE, ZERO, PAGE };

struct slot {
	unsigned long page;	/* + 1; 0: free */
	enum kind kind;
	uint8_t byte;
};

struct model {
	struct vma_bench *b;
	struct slot slots[SLOTS];
	unsigned long middle[CLUSTERS];
	long pages;		/* of kind PAGE */
	uint64_t random;
	unsigned long wrong;
};

static unsigned int rnd(struct model *m, unsigned int below)
{
	m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((m->random >> 33) % below);
}

static struct slot *slot_of(struct model *m, unsigned long page)
{
	unsigned long at = (page * 0x9e3779b97f4a7c15ul) >> 52;

	while (m->slots[at].page && m->slots[at].page != page + 1)
		at = (at + 1) % SLOTS;
	m->slots[at].page = page + 1;
	return &m->slots[at];
}

static void set(struct model *m, unsigned long page, enum kind kind, uint8_t byte)
{
	struct slot *slot = slot_of(m, page);

	m->pages += (kind == PAGE) - (slot->kind == PAGE);
	slot->kind = kind;
	slot->byte = byte;
}

static void expect(struct model *m, bool right)
{
	m->wrong += !right;
}

/* ---- operations on [first, first + pages) of one cluster ---- */

static void store(struct model *m, unsigned long first, unsigned int pages)
{
	uint8_t byte = (uint8_t)rnd(m, 256);

	(void)pages;
	expect(m, !p2psim_store_byte(m->b->app, AT(first) + rnd(m, 4) * 1024, 0));
	expect(m, !p2psim_store_byte(m->b->app, AT(first) + 7, byte));
	set(m, first, PAGE, byte);
}

static void load(struct model *m, unsigned long first, unsigned int pages)
{
	struct slot *slot;

	for (; pages--; first++) {
		slot = slot_of(m, first);
		expect(m, p2psim_load_byte(m->b->app, AT(first) + 7) == slot->byte);
		if (slot->kind == NONE)
			slot->kind = ZERO;
	}
}

static void drop(struct model *m, unsigned long first, unsigned int pages)
{
	expect(m, !p2psim_madvise(m->b->app, AT(first), PAGES(pages), MADV_DONTNEED));
	while (pages--)
		set(m, first++, NONE, 0);
}

/* Fresh memory in its place: page tables may go, and come again. */
static void renew(struct model *m, unsigned long first, unsigned int pages)
{
	expect(m, p2psim_mmap(m->b->app, AT(first), PAGES(pages), RW, FIXED_ANON | MAP_NORESERVE, NULL, 0) == (long)AT(first));
	while (pages--)
		set(m, first++, NONE, 0);
}

static void populate_pages(struct model *m, unsigned long first, unsigned int pages)
{
	bool write = rnd(m, 2);
	struct slot *slot;

	expect(m, !p2psim_madvise(m->b->app, AT(first), PAGES(pages), write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ));
	for (; pages--; first++) {
		slot = slot_of(m, first);
		if (write)
			set(m, first, PAGE, slot->byte);
		else if (slot->kind == NONE)
			slot->kind = ZERO;
	}
}

static void protect(struct model *m, unsigned long first, unsigned int pages)
{
	expect(m, !bench_protect(m->b, first, pages, PROT_NONE));
	expect(m, p2psim_load_byte(m->b->app, AT(first)) == -EFAULT);
	expect(m, !bench_protect(m->b, first, pages, RW));
}

/* One page, as a piece of a VMA, to a place in another cluster; fresh memory closes the hole. */
static void move(struct model *m, unsigned long first, unsigned int pages)
{
	unsigned long to = m->middle[rnd(m, CLUSTERS)] + rnd(m, CLUSTER) - CLUSTER / 2;
	struct slot from = *slot_of(m, first);

	(void)pages;
	if (to == first)
		return;
	expect(m, p2psim_mremap(m->b->app, AT(first), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(to)) ==
			  (long)AT(to));
	set(m, to, from.kind, from.byte);
	renew(m, first, 1);
}

/* ---- questions ---- */

static void compare(struct model *m, unsigned long first, unsigned int pages)
{
	for (; pages--; first++) {
		const pte_t *pte = p2psim_pte_lookup(m->b->mm, AT(first));
		enum kind kind = slot_of(m, first)->kind;

		if (kind == NONE)
			expect(m, !pte || pte_none(*pte));
		else
			expect(m, pte && pte_present(*pte) && (kind == ZERO) == is_zero_pfn(pte_pfn(*pte)));
	}
	expect(m, m->b->mm->rss_anon == m->pages);
}

static void operate(struct model *m, unsigned long n)
{
	static void (*const all[])(struct model *, unsigned long, unsigned int) = {
		store, store, store, load, load, drop, renew, populate_pages, protect, move,
	};
	unsigned int pages = 1 + rnd(m, 4), which = rnd(m, ARRAY_SIZE(all));
	unsigned long first = m->middle[rnd(m, CLUSTERS)] - CLUSTER / 2 + rnd(m, CLUSTER - pages + 1);

	all[which](m, first, pages);
	compare(m, first, pages);
	if (n % 4096 == 0)
		expect(m, p2psim_mm_is_valid(m->b->mm));
}

static void begin(struct model *m, struct vma_bench *b)
{
	unsigned int i;

	m->b = b;
	m->random = 1;
	p2psim_mmap(b->app, AT(0), PAGES(SPAN), RW, FIXED_ANON | MAP_NORESERVE, NULL, 0);
	for (i = 0; i < CLUSTERS; i++) /* at borders of 2 MiB, of 1 GiB, of 512 GiB */
		m->middle[i] = (1 + i / 3) << (9 * (1 + i % 3));
}

static void test_random_operations_answer_as_a_hash_map(void **state)
{
	static struct model m;
	unsigned long i;

	begin(&m, *state);
	for (i = 0; i < operations && !m.wrong; i++)
		operate(&m, i);
	if (m.wrong)
		fail_msg("operation %lu: %lu wrong answers", i, m.wrong);
}

/* Each of these breaks one entry behind the mm's back. */
static void test_a_wrong_entry_is_noticed(void **state)
{
	struct vma_bench *b = *state;
	pte_t *pte, right;

	bench_anon(b, 0, 2, RW);
	bench_touch(b, 0);
	pte = p2psim_pte_lookup(b->mm, AT(0));
	right = *pte;
	*pte = __pte(0);	/* lost */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	pte[1] = *pte = right;	/* twice */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	pte[1] = __pte(0);
	pte[2] = pfn_pte(p2psim_zero_pfn(), P2PSIM_PTE_PRESENT | P2PSIM_PTE_SPECIAL); /* where no VMA is */
	assert_false(p2psim_pgtable_is_valid(b->mm));
	pte[2] = __pte(0);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_random_operations_answer_as_a_hash_map),
		bench_test(test_a_wrong_entry_is_noticed),
	};

	if (argc > 1 && !strcmp(argv[1], "--many"))
		operations = 1000000;
	return cmocka_run_group_tests_name("model_pages", tests, NULL, NULL);
}
