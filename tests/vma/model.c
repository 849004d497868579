/* SPDX-License-Identifier: MIT */
/*
 * The VMA index against a flat array of pages.
 *
 * In untouched anonymous memory a VMA is exactly a longest run of pages with the same flags: so an array with one word of
 * flags a page says what find, insert, gap search, cut, merge and move have to answer.  The walker looks at the mm after
 * each operation.
 *
 *	model_vma [--many]	a few operations, or millions
 */
#include <string.h>

#include "vma_bench.h"

#include "vma/internal.h"

#define WINDOW 96u
#define MAPPED 1UL	/* bits of a page that are no VM_ flags: there is one */
#define FLAGS (VM_WRITE | VM_EXEC | VM_DONTCOPY | VM_DONTDUMP | VM_SEQ_READ | VM_LOCKED)

static unsigned long operations = 20000;

struct model {
	struct vma_bench *b;
	unsigned long page[WINDOW];	/* 0, or MAPPED | flags of FLAGS */
	uint64_t random;
	unsigned long wrong;		/* answers that differ */
};

static unsigned int rnd(struct model *m, unsigned int below)
{
	m->random = m->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((m->random >> 33) % below);
}

/* One past the last page that is as `from` is. */
static unsigned int run_end(const struct model *m, unsigned int from)
{
	unsigned int at = from;

	while (at < WINDOW && m->page[at] == m->page[from])
		at++;
	return at;
}

static bool is_whole(const struct model *m, unsigned int first, unsigned int pages)
{
	while (pages--)
		if (!m->page[first++])
			return false;
	return true;
}

static void expect(struct model *m, bool right)
{
	m->wrong += !right;
}

/* ---- operations ---- */

static void map(struct model *m, unsigned int first, unsigned int pages)
{
	unsigned long flags = MAPPED | (rnd(m, 2) ? VM_WRITE : 0) | (rnd(m, 4) ? 0 : VM_EXEC);
	int prot = PROT_READ | (flags & VM_WRITE ? PROT_WRITE : 0) | (flags & VM_EXEC ? PROT_EXEC : 0);

	expect(m, p2psim_mmap(m->b->app, AT(first), PAGES(pages), prot, FIXED_ANON | MAP_NORESERVE, NULL, 0) ==
			  (long)AT(first));
	while (pages--)
		m->page[first++] = flags;
}

static void unmap(struct model *m, unsigned int first, unsigned int pages)
{
	expect(m, !bench_unmap(m->b, first, pages));
	memset(m->page + first, 0, pages * sizeof(m->page[0]));
}

static void change(struct model *m, unsigned int first, unsigned int pages, unsigned long clear, unsigned long set,
		   bool stops_at_hole)
{
	for (; pages--; first++) {
		if (!m->page[first] && stops_at_hole)
			return;
		if (m->page[first])
			m->page[first] = (m->page[first] & ~clear) | set;
	}
}

static void protect(struct model *m, unsigned int first, unsigned int pages)
{
	bool write = rnd(m, 2);

	expect(m, bench_protect(m->b, first, pages, write ? RW : PROT_READ) == (is_whole(m, first, pages) ? 0 : -ENOMEM));
	change(m, first, pages, VM_WRITE | VM_EXEC, write ? VM_WRITE : 0, true);
}

static void advise(struct model *m, unsigned int first, unsigned int pages)
{
	static const struct {
		int advice;
		unsigned long clear, set;
	} advices[] = {
		{ MADV_DONTFORK, 0, VM_DONTCOPY },	{ MADV_DOFORK, VM_DONTCOPY, 0 },
		{ MADV_DONTDUMP, 0, VM_DONTDUMP },	{ MADV_DODUMP, VM_DONTDUMP, 0 },
		{ MADV_SEQUENTIAL, 0, VM_SEQ_READ },	{ MADV_NORMAL, VM_SEQ_READ, 0 },
		{ MADV_DONTNEED, 0, 0 },
	};
	unsigned int which = rnd(m, ARRAY_SIZE(advices));

	if (advices[which].advice == MADV_DONTNEED) /* which is refused by a locked VMA */
		change(m, first, pages, VM_LOCKED, 0, true), p2psim_munlock(m->b->app, AT(first), PAGES(pages));
	if (advices[which].advice == MADV_DONTNEED && !is_whole(m, first, pages))
		return;
	expect(m, p2psim_madvise(m->b->app, AT(first), PAGES(pages), advices[which].advice) ==
			  (is_whole(m, first, pages) ? 0 : -ENOMEM));
	change(m, first, pages, advices[which].clear, advices[which].set, false);
}

static void lock(struct model *m, unsigned int first, unsigned int pages)
{
	bool locks = rnd(m, 2);
	int error = locks ? p2psim_mlock2(m->b->app, AT(first), PAGES(pages), MLOCK_ONFAULT) :
			    p2psim_munlock(m->b->app, AT(first), PAGES(pages));

	expect(m, error == (is_whole(m, first, pages) ? 0 : -ENOMEM));
	change(m, first, pages, VM_LOCKED, locks ? VM_LOCKED : 0, true);
}

/* Nothing but the same VMA, or nothing at all, between the two. */
static bool is_beside(const struct model *m, unsigned int first, unsigned int pages, unsigned int to)
{
	unsigned int start = first;

	while (start && m->page[start - 1] == m->page[first])
		start--;
	return to >= first + pages ? to <= run_end(m, first) : to + pages <= first && to + pages >= start;
}

/*
 * To a place that does not overlap, with or without DONTUNMAP, which does not merge what it unlocks, nor an untouched VMA
 * with its own destination: neither of a locked VMA nor to beside it.
 */
static void move(struct model *m, unsigned int first, unsigned int pages)
{
	unsigned int to = rnd(m, WINDOW - pages + 1), i;
	bool stays = rnd(m, 3) == 0 && !(m->page[first] & VM_LOCKED) && !is_beside(m, first, pages, to);
	bool overlaps = to < first + pages && first < to + pages;
	long ret, expected = AT(to);

	if (!m->page[first])
		expected = -EFAULT;
	else if (overlaps)
		expected = -EINVAL;
	ret = p2psim_mremap(m->b->app, AT(first), PAGES(pages), PAGES(pages),
			    MREMAP_MAYMOVE | MREMAP_FIXED | (stays ? MREMAP_DONTUNMAP : 0), AT(to));
	if (expected == (long)AT(to)) {
		memset(m->page + to, 0, pages * sizeof(m->page[0])); /* goes first, whatever comes */
		if (run_end(m, first) < first + pages)
			expected = -EFAULT;
	}
	expect(m, ret == expected);
	for (i = 0; expected == (long)AT(to) && i < pages; i++) {
		m->page[to + i] = m->page[first + i];
		m->page[first + i] = stays ? m->page[first + i] : 0;
	}
}

static void resize(struct model *m, unsigned int first, unsigned int pages)
{
	unsigned int wanted = 1 + rnd(m, WINDOW - first), i;
	bool at_end = m->page[first] && run_end(m, first) == first + pages, is_free = true;
	long expected = AT(first);

	for (i = first + pages; i < first + wanted; i++)
		is_free = is_free && !m->page[i];
	if (!m->page[first] || (wanted > pages && run_end(m, first) < first + pages))
		expected = -EFAULT;
	else if (wanted > pages && !(at_end && is_free))
		expected = -ENOMEM;
	expect(m, p2psim_mremap(m->b->app, AT(first), PAGES(pages), PAGES(wanted), 0, 0) == expected);
	for (i = first + wanted; expected > 0 && i < first + pages; i++)
		m->page[i] = 0;
	for (i = first + pages; expected > 0 && i < first + wanted; i++)
		m->page[i] = m->page[first];
}

/* ---- questions ---- */

static void ask_for_a_gap(struct model *m, unsigned int pages)
{
	long found = vma_find_gap(m->b->mm, PAGES(pages), AT(0), AT(WINDOW)), expected = -ENOMEM;
	unsigned int end, run = 0;

	for (end = WINDOW; end && expected < 0; end--) {
		run = m->page[end - 1] ? 0 : run + 1;
		if (run == pages)
			expected = AT(end - 1);
	}
	expect(m, found == expected);
}

static void ask_for_a_page(struct model *m, unsigned int page)
{
	const struct vm_area_struct *vma = vma_find(m->b->mm, AT(page) + rnd(m, PAGE_SIZE));

	while (page < WINDOW && !m->page[page])
		page++;
	expect(m, page == WINDOW ? !vma : vma && vma->vm_end == AT(run_end(m, page)));
}

/* All VMAs, one after the other, and the walker. */
static void compare(struct model *m)
{
	const struct vm_area_struct *vma = p2psim_vma_first(m->b->mm);
	unsigned int at, end;

	for (at = 0; at < WINDOW; at = end) {
		end = run_end(m, at);
		if (!m->page[at])
			continue;
		expect(m, vma && vma->vm_start == AT(at) && vma->vm_end == AT(end) && vma->vm_pgoff == AT(at) >> PAGE_SHIFT &&
				  (vma->vm_flags & FLAGS) == (m->page[at] & FLAGS));
		vma = vma ? p2psim_vma_next(vma) : NULL;
	}
	expect(m, !vma && p2psim_mm_is_valid(m->b->mm));
}

static void operate(struct model *m)
{
	static void (*const all[])(struct model *, unsigned int, unsigned int) = {
		map, map, map, unmap, unmap, protect, protect, advise, advise, lock, move, move, resize,
	};
	unsigned int pages = 1 + rnd(m, rnd(m, 4) ? 6 : 30), first = rnd(m, WINDOW - pages + 1);

	all[rnd(m, ARRAY_SIZE(all))](m, first, pages);
	ask_for_a_gap(m, 1 + rnd(m, 12));
	ask_for_a_page(m, rnd(m, WINDOW));
	compare(m);
}

static void test_random_operations_answer_as_a_flat_array(void **state)
{
	struct model m = { .b = *state, .random = 1 };
	unsigned long i;

	for (i = 0; i < operations && !m.wrong; i++)
		operate(&m);
	if (m.wrong)
		fail_msg("operation %lu: %lu wrong answers", i, m.wrong);
}

/* ---- the judges are awake ---- */

static void test_an_operation_that_the_model_does_not_see_is_noticed(void **state)
{
	struct model m = { .b = *state, .random = 2 };
	int i;

	for (i = 0; i < 100; i++)
		operate(&m);
	map(&m, 10, 4);
	bench_unmap(m.b, 11, 1);
	compare(&m);
	assert_int_not_equal(m.wrong, 0);
}

/* A gap that is thought to be smaller than it is: the walker sees it, and the search misses the place. */
static void test_a_wrong_gap_is_noticed(void **state)
{
	struct model m = { .b = *state, .random = 3 };
	struct vm_area_struct *vma;
	unsigned long right;

	map(&m, 0, 10);
	map(&m, 20, WINDOW - 20);
	ask_for_a_gap(&m, 10);
	assert_int_equal(m.wrong, 0);
	vma = vma_find(m.b->mm, AT(20));
	right = vma->gap_before;
	vma->gap_before = PAGE_SIZE;
	assert_false(p2psim_mm_is_valid(m.b->mm));
	ask_for_a_gap(&m, 10);
	assert_int_equal(m.wrong, 1);
	vma->gap_before = right;
	assert_true(p2psim_mm_is_valid(m.b->mm));
}

static void test_wrong_counts_are_noticed(void **state)
{
	struct vma_bench *b = *state;
	unsigned long *const counts[] = { &b->mm->total_vm, &b->mm->locked_vm };
	unsigned int i;

	bench_anon(b, 0, 2, RW);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		++*counts[i];
		assert_false(p2psim_mm_is_valid(b->mm));
		--*counts[i];
	}
	b->mm->map_count++;
	assert_false(p2psim_mm_is_valid(b->mm));
	b->mm->map_count--;
	assert_true(p2psim_mm_is_valid(b->mm));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_random_operations_answer_as_a_flat_array),
		bench_test(test_an_operation_that_the_model_does_not_see_is_noticed),
		bench_test(test_a_wrong_gap_is_noticed),
		bench_test(test_wrong_counts_are_noticed),
	};

	if (argc > 1 && !strcmp(argv[1], "--many"))
		operations = 3000000;
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
