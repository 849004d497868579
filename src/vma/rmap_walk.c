/* SPDX-License-Identifier: MIT */
/*
 * Walks of the reverse map: anonymous pages by the chains of their anon_vma, pages of files by the file's tree.  Mirrors:
 * mm/rmap.c, rmap_walk(), 6.1.  Left out: KSM's own reverse map (a merged page is found where it came from).
 */
#include "vma/rmap_walk.h"

static bool covers(const struct vm_area_struct *vma, pgoff_t first, pgoff_t last)
{
	return vma->vm_pgoff <= last && first < vma->vm_pgoff + vma_pages(vma);
}

/* The next one in the list after `chain` that begins at the same offset. */
static struct anon_vma_chain *next_alike(struct anon_vma *anon_vma, struct anon_vma_chain *chain, pgoff_t first, pgoff_t last)
{
	unsigned long pgoff = chain->vma->vm_pgoff;

	list_for_each_entry_continue(chain, &anon_vma->chains, same_anon_vma)
		if (chain->vma->vm_pgoff == pgoff && covers(chain->vma, first, last))
			return chain;
	return NULL;
}

/* The first one in the list of those with the lowest offset, `least` or more. */
static struct anon_vma_chain *lowest_from(struct anon_vma *anon_vma, unsigned long least, pgoff_t first, pgoff_t last)
{
	struct anon_vma_chain *chain, *found = NULL;

	list_for_each_entry(chain, &anon_vma->chains, same_anon_vma)
		if (chain->vma->vm_pgoff >= least && covers(chain->vma, first, last) &&
		    (!found || chain->vma->vm_pgoff < found->vma->vm_pgoff))
			found = chain;
	return found;
}

/* In the order of the kernel's interval tree: by offset, then who came or changed last comes last. */
struct anon_vma_chain *anon_vma_chain_first(struct anon_vma *anon_vma, pgoff_t first, pgoff_t last)
{
	return lowest_from(anon_vma, 0, first, last);
}

struct anon_vma_chain *anon_vma_chain_next(struct anon_vma *anon_vma, struct anon_vma_chain *chain, pgoff_t first, pgoff_t last)
{
	struct anon_vma_chain *next = next_alike(anon_vma, chain, first, last);

	return next ? next : lowest_from(anon_vma, chain->vma->vm_pgoff + 1, first, last);
}

struct rmap_walk {
	struct page *page;
	bool all;
	bool (*visit)(struct vm_area_struct *vma, unsigned long addr, void *arg);
	void *arg;
};

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
	pgoff_t index = walk->page->index;
	struct anon_vma_chain *chain;
	bool ok = true;

	anon_vma->refcount++;
	anon_vma_lock_read(anon_vma);
	anon_vma_for_each_chain(chain, anon_vma, index, index) {
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
