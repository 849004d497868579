/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: made at the first anonymous fault of a VMA, shared by what splits off it.
 *
 *	R1. A VMA is on the chain of its anon_vma exactly once while it has one.
 *	R2. An anon_vma lives while a VMA is on its chain.  Mapped pages point to it; they are unmapped before their VMA goes.
 *	R3. A fork makes no new anon_vma if the child can have one that its VMAs have left and that has at most one child:
 *	    a chain of forks does not grow for ever.
 *	R4. A page that is exclusive has one entry; only an exclusive one has an entry that can be written.
 *	R5. A page is found from its anon_vma in each VMA that maps it: as often as its map count says.
 */
#include "vma/rmap_walk.h"

static void get_anon_vma(struct anon_vma *anon_vma)
{
	anon_vma->refcount++;
}

void p2psim_anon_vma_put(struct anon_vma *anon_vma)
{
	struct anon_vma *root = anon_vma->root;

	if (--anon_vma->refcount)
		return;
	if (root != anon_vma)
		p2psim_anon_vma_put(root);
	kfree(anon_vma);
}

static struct anon_vma_chain *chain_alloc(void)
{
	struct anon_vma_chain *chain = kzalloc(sizeof(*chain), GFP_KERNEL);

	if (chain) {
		INIT_LIST_HEAD(&chain->same_vma);
		INIT_LIST_HEAD(&chain->same_anon_vma);
	}
	return chain;
}

void p2psim_anon_vma_changed(struct vm_area_struct *vma)
{
	struct anon_vma_chain *chain;

	list_for_each_entry(chain, &vma->anon_vma_chain, same_vma) {
		list_del(&chain->same_anon_vma);
		list_add_tail(&chain->same_anon_vma, &chain->anon_vma->chains);
	}
}

/* R1 */
static void chain_link(struct anon_vma_chain *chain, struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	chain->vma = vma;
	chain->anon_vma = anon_vma;
	get_anon_vma(anon_vma);
	list_add_tail(&chain->same_vma, &vma->anon_vma_chain);
	anon_vma_lock_write(anon_vma);
	list_add_tail(&chain->same_anon_vma, &anon_vma->chains);
	anon_vma_unlock_write(anon_vma);
}

/* A root: its own parent, and one of its own children. */
static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon_vma = kzalloc(sizeof(*anon_vma), GFP_KERNEL);

	if (!anon_vma)
		return NULL;
	anon_vma->root = anon_vma->parent = anon_vma;
	anon_vma->num_children = 1;
	__init_rwsem(&anon_vma->rwsem, "anon_vma->rwsem");
	INIT_LIST_HEAD(&anon_vma->chains);
	return anon_vma;
}

/* The VMA's own, in which its new pages will be found. */
static void set_anon_vma(struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	vma->anon_vma = anon_vma;
	anon_vma->num_active_vmas++;
}

static bool can_share(const struct vm_area_struct *vma, const struct vm_area_struct *near)
{
	return near && near->anon_vma && near->anon_vma->refcount && near->vm_file == vma->vm_file &&
	       !((near->vm_flags ^ vma->vm_flags) & ~(VM_ACCESS_FLAGS | VM_SOFTDIRTY)) &&
	       list_first_entry(&near->anon_vma_chain, struct anon_vma_chain, same_vma) ==
		       list_last_entry(&near->anon_vma_chain, struct anon_vma_chain, same_vma);
}

/* A neighbour's may serve, so that the two can merge later: the next VMA's first, then the one before. */
static struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma)
{
	struct vm_area_struct *next = p2psim_vma_next(vma), *prev = p2psim_vma_prev(vma);

	if (can_share(vma, next) && vma->vm_end == next->vm_start &&
	    next->vm_pgoff == vma->vm_pgoff + vma_pages(vma))
		return next->anon_vma;
	if (can_share(vma, prev) && prev->vm_end == vma->vm_start && vma->vm_pgoff == prev->vm_pgoff + vma_pages(prev))
		return prev->anon_vma;
	return NULL;
}

int __anon_vma_prepare(struct vm_area_struct *vma)
{
	struct anon_vma_chain *chain;
	struct anon_vma *anon_vma;

	if (vma->anon_vma)
		return 0;
	chain = chain_alloc();
	if (!chain)
		return -ENOMEM;
	anon_vma = find_mergeable_anon_vma(vma);
	if (!anon_vma)
		anon_vma = anon_vma_alloc();
	if (!anon_vma) {
		kfree(chain);
		return -ENOMEM;
	}
	if (vma->anon_vma) { /* another fault was faster while we allocated */
		kfree(chain);
		if (!anon_vma->refcount)
			kfree(anon_vma);
		return 0;
	}
	set_anon_vma(vma, anon_vma);
	chain_link(chain, vma, anon_vma);
	return 0;
}

/* Puts dst on all chains of src. */
static int clone_chains(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma_chain *link, *chain;

	list_for_each_entry(link, &src->anon_vma_chain, same_vma) {
		chain = chain_alloc();
		if (!chain) {
			unlink_anon_vmas(dst);
			return -ENOMEM;
		}
		chain_link(chain, dst, link->anon_vma);
	}
	return 0;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	int error = clone_chains(dst, src);

	if (!error && src->anon_vma)
		set_anon_vma(dst, src->anon_vma);
	return error;
}

/* R3: the oldest that nobody makes pages for any more, and that has at most one child. */
static struct anon_vma *find_reusable(const struct vm_area_struct *vma)
{
	struct anon_vma_chain *link;

	list_for_each_entry(link, &vma->anon_vma_chain, same_vma)
		if (link->anon_vma->num_children < 2 && !link->anon_vma->num_active_vmas)
			return link->anon_vma;
	return NULL;
}

static struct anon_vma *anon_vma_below(struct anon_vma *parent)
{
	struct anon_vma *anon_vma = anon_vma_alloc();

	if (!anon_vma)
		return NULL;
	anon_vma->root = parent->root;
	anon_vma->parent = parent;
	anon_vma->num_children = 0;
	get_anon_vma(anon_vma->root);
	return anon_vma;
}

int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *parent_vma)
{
	struct anon_vma_chain *chain;
	struct anon_vma *anon_vma;

	if (!parent_vma->anon_vma)
		return 0;
	if (clone_chains(vma, parent_vma))
		return -ENOMEM;
	anon_vma = find_reusable(vma);
	if (anon_vma) {
		set_anon_vma(vma, anon_vma);
		return 0;
	}
	chain = chain_alloc();
	anon_vma = chain ? anon_vma_below(parent_vma->anon_vma) : NULL;
	if (!anon_vma) {
		kfree(chain);
		unlink_anon_vmas(vma);
		return -ENOMEM;
	}
	chain_link(chain, vma, anon_vma);
	set_anon_vma(vma, anon_vma); /* the counts change in the step of the lock */
	anon_vma->parent->num_children++;
	return 0;
}

/* The last VMA has left: its pages are gone, and its parent has a child less. */
static void left_by_all(struct anon_vma *anon_vma)
{
	if (list_empty(&anon_vma->chains))
		anon_vma->parent->num_children--;
}

static void chain_unlink(struct anon_vma_chain *chain)
{
	struct anon_vma *anon_vma = chain->anon_vma;
	struct vm_area_struct *vma = chain->vma;

	list_del(&chain->same_vma);
	anon_vma_lock_write(anon_vma);
	list_del(&chain->same_anon_vma);
	if (vma->anon_vma == anon_vma) {
		anon_vma->num_active_vmas--;
		vma->anon_vma = NULL;
	}
	left_by_all(anon_vma);
	anon_vma_unlock_write(anon_vma);
	kfree(chain);
	p2psim_anon_vma_put(anon_vma);
}

/* The youngest first: whoever is the parent of one goes after it, the root last. */
void unlink_anon_vmas(struct vm_area_struct *vma)
{
	while (!list_empty(&vma->anon_vma_chain))
		chain_unlink(list_last_entry(&vma->anon_vma_chain, struct anon_vma_chain, same_vma));
}

/* R5 */
static bool is_found(const struct page *page, const struct vm_area_struct *vma, unsigned long addr)
{
	const struct anon_vma_chain *chain;

	if (page->index != linear_page_index(vma, addr))
		return false;
	list_for_each_entry(chain, &vma->anon_vma_chain, same_vma)
		if (chain->anon_vma == page->anon_vma)
			return true;
	return false;
}

/* How many entries map the page, in whichever mm. */
static int entries_of(const struct page *page)
{
	const struct anon_vma_chain *chain;
	int found = 0;

	list_for_each_entry(chain, &page->anon_vma->chains, same_anon_vma) {
		const struct vm_area_struct *vma = chain->vma;
		unsigned long nth = page->index - vma->vm_pgoff;

		if (nth < vma_pages(vma))
			found += pte_maps(p2psim_pte_lookup(vma->vm_mm, vma->vm_start + (nth << PAGE_SHIFT)), page);
	}
	return found;
}

bool anon_is_valid(const struct vm_area_struct *vma, unsigned long addr, pte_t pte, const struct page *page)
{
	bool exclusive = page->flags & 1UL << PG_anon_exclusive;

	if (!vma || !(pte_present(pte) || is_device_private_pte(pte)) || !PageAnon(page) || page->flags & 1UL << PG_ksm)
		return true;
	if (!page->anon_vma || !is_found(page, vma, addr))
		return false;
	if (exclusive)
		return page_mapcount(page) == 1; /* R4 */
	return !pte_write(pte) && entries_of(page) == page_mapcount(page);
}
