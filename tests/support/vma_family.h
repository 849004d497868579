/* SPDX-License-Identifier: MIT */
/*
 * A process that forks: the child as a bench of its own, so that all shorthands of vma_bench.h and vma_pages.h work on it.
 */
#ifndef TESTS_VMA_FAMILY_H
#define TESTS_VMA_FAMILY_H

#include "vma_pages.h"

static inline struct vma_bench *family_fork(struct vma_bench *parent)
{
	struct vma_bench *child = calloc(1, sizeof(*child));

	child->world = parent->world;
	assert_int_equal(p2psim_fork(parent->app, "child", &child->app), 0);
	child->mm = p2psim_process_mm(child->app);
	return child;
}

/* Valid to its end, and so is what it leaves behind. */
static inline void family_exit(struct vma_bench *child, struct vma_bench *other)
{
	assert_true(p2psim_mm_is_valid(child->mm) && p2psim_pgtable_is_valid(child->mm));
	p2psim_process_exit(child->app);
	free(child);
	if (other)
		assert_true(p2psim_mm_is_valid(other->mm) && p2psim_pgtable_is_valid(other->mm));
}

static inline bool family_is_exclusive(const struct page *page)
{
	return page->flags & 1UL << PG_anon_exclusive;
}

/* "ro 2": how the entry is, and how many map its page. */
static inline const char *family_page(struct vma_bench *b, unsigned long page)
{
	const char *state = pages_state(b, page);

	snprintf(b->list, sizeof(b->list), "%s %d", state, page_mapcount(pages_page(b, page)));
	return b->list;
}

#endif
