/* SPDX-License-Identifier: MIT */
/*
 * Walks of the reverse map: anonymous pages by the chains of their anon_vma, pages of files by the file's tree.  Mirrors:
 * mm/rmap.c, rmap_walk(), 6.1.  Left out: KSM's own reverse map (a merged page is found where it came from).
 */
#include "vma/rmap_walk.h"

struct rmap_walk {
	struct page *page;
	bool all;
	bool (*visit)(struct vm_area_struct *vma, unsigned long addr, void *arg);
	void *arg;
};

static bool covers(const struct vm_area_struct *vma, const struct page *page)
{
	return page->index >= vma->vm_pgoff && page->index - vma->vm_pgoff < vma_pages(vma);
}

/* True: go on. */
static bool visit_vma(const struct rmap_walk *walk, struct vm_area_struct *vma)
{
	return walk->visit(vma, vma->vm_start + ((walk->page->index - vma->vm_pgoff) << PAGE_SHIFT), walk->arg);
}

static bool is_done(const struct rmap_walk *walk)
{
	return !walk->all && !page_mapcount(walk->page);
}

/* The anon_vma outlives its VMAs while it is held. */
static bool walk_anon(const struct rmap_walk *walk, struct anon_vma *anon_vma)
{
	struct anon_vma_chain *chain;
	bool ok = true;

	anon_vma->refcount++;
	anon_vma_lock_read(anon_vma);
	list_for_each_entry(chain, &anon_vma->chains, same_anon_vma) {
		if (!covers(chain->vma, walk->page))
			continue;
		ok = visit_vma(walk, chain->vma);
		if (!ok || is_done(walk))
			break;
	}
	anon_vma_unlock_read(anon_vma);
	p2psim_anon_vma_put(anon_vma);
	return ok;
}

static bool walk_file(const struct rmap_walk *walk, struct address_space *mapping)
{
	pgoff_t index = walk->page->index;
	struct vm_area_struct *vma;
	bool ok = true;

	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, &mapping->i_mmap, index, index) {
		ok = visit_vma(walk, vma);
		if (!ok || is_done(walk))
			break;
	}
	i_mmap_unlock_read(mapping);
	return ok;
}

bool rmap_walk(struct page *page, bool all, bool (*visit)(struct vm_area_struct *vma, unsigned long addr, void *arg), void *arg)
{
	const struct rmap_walk walk = { page, all, visit, arg };

	if (!page->mapping)
		return true;
	return PageAnon(page) ? walk_anon(&walk, page->anon_vma) : walk_file(&walk, page->mapping);
}
