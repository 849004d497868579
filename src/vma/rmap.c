/* SPDX-License-Identifier: MIT */
/*
 * anon_vma: made at the first anonymous fault of a VMA, shared by what splits off it.
 *
 *	R1. A VMA is on the chain of its anon_vma exactly once while it has one.
 *	R2. An anon_vma lives while a VMA has it.  Mapped pages point to it; they are unmapped before their VMA goes.
 */
#include "vma/internal.h"

static void get_anon_vma(struct anon_vma *anon_vma)
{
	anon_vma->refcount++;
}

void p2psim_anon_vma_put(struct anon_vma *anon_vma)
{
	if (!--anon_vma->refcount)
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

/* R1 */
static void chain_link(struct anon_vma_chain *chain, struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	chain->vma = vma;
	chain->anon_vma = anon_vma;
	get_anon_vma(anon_vma);
	list_add_tail(&chain->same_vma, &vma->anon_vma_chain);
	down_write(&anon_vma->rwsem);
	list_add_tail(&chain->same_anon_vma, &anon_vma->chains);
	up_write(&anon_vma->rwsem);
}

static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon_vma = kzalloc(sizeof(*anon_vma), GFP_KERNEL);

	if (!anon_vma)
		return NULL;
	__init_rwsem(&anon_vma->rwsem, "anon_vma->rwsem");
	INIT_LIST_HEAD(&anon_vma->chains);
	return anon_vma;
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
	vma->anon_vma = anon_vma;
	chain_link(chain, vma, anon_vma);
	return 0;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
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
	dst->anon_vma = src->anon_vma;
	return 0;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma_chain *chain, *next;

	list_for_each_entry_safe(chain, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = chain->anon_vma;

		list_del(&chain->same_vma);
		down_write(&anon_vma->rwsem);
		list_del(&chain->same_anon_vma);
		up_write(&anon_vma->rwsem);
		kfree(chain);
		p2psim_anon_vma_put(anon_vma);
	}
	vma->anon_vma = NULL;
}
