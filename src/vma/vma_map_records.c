/* SPDX-License-Identifier: MIT */
/*
 * The records of p2p mappings: one a page, in a tree of the mm by address and in a list of the VMA.
 *
 * Page by page, so that a VMA that is cut or merged hands records over without allocating anything.  The hooks below
 * are called by whoever moves a boundary, together with the step that moves it; everything else takes its own steps
 * (src/vma/vma_map.c).  Left out: nothing of the kernel, it has no such records.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/slab.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "vma/vma_map_records.h"

static bool page_less(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return container_of((struct p2psim_tree_node *)(uintptr_t)a, struct p2p_page, node)->addr <
	       container_of((struct p2psim_tree_node *)(uintptr_t)b, struct p2p_page, node)->addr;
}

static const struct p2psim_tree_ops page_tree = { .less = page_less };

/* struct device begins with its object; src/hmm/dma_map.c, which may know it, asserts that. */
struct p2psim_object *p2p_importer_object(struct device *importer)
{
	return (struct p2psim_object *)importer;
}

const char *p2p_name(u32 id)
{
	return p2psim_world_object_name(p2psim_world_current(), id);
}

const char *p2p_exporter(const struct p2p_batch *batch)
{
	return batch->pgmap ? "device's memory" : "device VMA";
}

struct p2p_page *p2p_page_first(struct mm_struct *mm, unsigned long addr)
{
	struct p2psim_tree_node *node = mm->p2p_pages.root;
	struct p2p_page *first = NULL;

	while (node) {
		struct p2p_page *page = container_of(node, struct p2p_page, node);

		if (page->addr >= addr) {
			first = page;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return first;
}

struct p2p_page *p2p_page_next(struct p2p_page *page)
{
	struct p2psim_tree_node *node = p2psim_tree_next(&page->node);

	return node ? container_of(node, struct p2p_page, node) : NULL;
}

/* How likely it is the one that is given back: the address, then one's own try, then what the device has. */
static unsigned int likeness(const struct p2p_page *page, dma_addr_t pa)
{
	bool own_try = page->batch->pid == current->pid && !page->committed;

	return 1 + (page->pa == pa) * 4 + own_try * 2 + page->committed;
}

struct p2p_page *p2p_page_find(struct mm_struct *mm, const struct device *importer, unsigned long addr, dma_addr_t pa)
{
	struct p2p_page *page, *best = NULL;

	for (page = p2p_page_first(mm, addr); page && page->addr == addr; page = p2p_page_next(page)) {
		if (page->batch->importer != importer || page->state != P2P_MAPPED)
			continue;
		if (!best || likeness(page, pa) > likeness(best, pa))
			best = page;
	}
	return best;
}

/* The pages stand behind the records. */
static void set_dev_pages(struct p2p_batch *batch, struct page *const *dev_pages)
{
	batch->pgmap = dev_pages[0]->pgmap;
	batch->dev_pages = (struct page **)&batch->pages[batch->left];
	memcpy(batch->dev_pages, dev_pages, batch->left * sizeof(dev_pages[0]));
}

struct p2p_batch *p2p_batch_create(struct vm_area_struct *vma, struct device *importer, unsigned long start,
				   unsigned long end, unsigned int flags, struct page *const *dev_pages)
{
	unsigned long count = (end - start) >> PAGE_SHIFT, i;
	size_t each = sizeof(struct p2p_page) + (dev_pages ? sizeof(dev_pages[0]) : 0);
	struct p2p_batch *batch;

	batch = kzalloc(sizeof(*batch) + count * each, GFP_KERNEL);
	if (!batch)
		return NULL;
	batch->importer = importer;
	batch->importer_id = p2psim_object_id(p2p_importer_object(importer));
	batch->flags = flags;
	batch->left = count;
	batch->pid = current->pid;
	batch->step = p2psim_hot->steps;
	if (dev_pages)
		set_dev_pages(batch, dev_pages);
	for (i = 0; i < count; i++) {
		struct p2p_page *page = &batch->pages[i];

		page->batch = batch;
		page->vma = vma;
		page->addr = start + i * PAGE_SIZE;
		page->pa = P2P_NO_ADDRESS;
		p2psim_tree_insert(&vma->vm_mm->p2p_pages, &page->node, &page_tree);
		list_add_tail(&page->vma_entry, &vma->p2p_mappings);
	}
	return batch;
}

void p2p_page_forget(struct mm_struct *mm, struct p2p_page *page)
{
	p2psim_tree_erase(&mm->p2p_pages, &page->node, &page_tree);
	list_del(&page->vma_entry);
	if (!--page->batch->left)
		kfree(page->batch);
}

void p2psim_vma_map_mm_init(struct mm_struct *mm)
{
	mm->p2p_pages = (struct p2psim_tree){};
	INIT_LIST_HEAD(&mm->p2p_promises);
	mm->invalidated = p2p_judge_invalidation;
}

void p2psim_vma_map_vma_init(struct vm_area_struct *vma)
{
	INIT_LIST_HEAD(&vma->p2p_mappings);
	vma->p2p_unmaps = 0;
}

/* The pages of `from` that lie inside `to` now. */
static void hand_over(struct vm_area_struct *from, struct vm_area_struct *to)
{
	struct p2p_page *page, *next;

	list_for_each_entry_safe(page, next, &from->p2p_mappings, vma_entry) {
		if (page->addr < to->vm_start || page->addr >= to->vm_end)
			continue;
		page->vma = to;
		list_move_tail(&page->vma_entry, &to->p2p_mappings);
	}
}

void p2psim_vma_map_split(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long addr)
{
	hand_over(vma, new_vma);
}

/* Nobody is inside p2p_unmap() with this VMA. */
static bool nobody_unmaps(void *arg)
{
	const struct vm_area_struct *vma = arg;

	return !vma->p2p_unmaps;
}

static void wait_for_unmaps(struct vm_area_struct *vma)
{
	if (vma->p2p_unmaps)
		p2psim_step_await(&vma->vm_mm->obj, nobody_unmaps, vma);
}

void p2psim_vma_map_merge(struct vm_area_struct *from, struct vm_area_struct *into)
{
	hand_over(from, into);
	wait_for_unmaps(from);
}

void p2psim_vma_map_move(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long old_addr,
			 unsigned long new_addr, unsigned long len)
{
	p2p_promise_move(vma->vm_mm, old_addr, new_addr, len);
}

void p2psim_vma_map_detach(struct vm_area_struct *vma)
{
	p2p_promise_drop(vma->vm_mm, 0, vma->vm_start, vma->vm_end);
}

static void report_leak(const struct p2p_page *page, const char *of)
{
	struct p2p_batch *batch = page->batch;

	if (batch->reported)
		return;
	batch->reported = true;
	p2psim_violate(P2PSIM_LEAK, batch->step, batch->importer_id, page->vma->vm_mm->obj.id,
		       "%s has not given back page 0x%lx of a %s at %s (p2p_unmap() from the notifier; "
		       "mmap_lock is kept until a mapping is committed or given back)",
		       p2p_name(batch->importer_id), page->addr, p2p_exporter(batch), of);
}

void p2psim_vma_map_closed(struct vm_area_struct *vma)
{
	struct p2p_page *page, *next;

	p2p_promise_drop(vma->vm_mm, 0, vma->vm_start, vma->vm_end);
	wait_for_unmaps(vma);
	list_for_each_entry(page, &vma->p2p_mappings, vma_entry)
		report_leak(page, "its close()");
	list_for_each_entry_safe(page, next, &vma->p2p_mappings, vma_entry)
		p2p_page_forget(vma->vm_mm, page);
}

void p2psim_vma_map_mm_exit(struct mm_struct *mm)
{
	struct p2p_page *page;

	while ((page = p2p_page_first(mm, 0))) {
		report_leak(page, "the end of its mm");
		p2p_page_forget(mm, page);
	}
}
