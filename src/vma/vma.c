/* SPDX-License-Identifier: MIT */
/*
 * The VMAs of an mm: a balanced tree by address.
 *
 *	V1. VMAs do not overlap; start < end; both page aligned.
 *	V2. map_count is their number, total_vm the sum of their pages.
 *	V3. subtree_max_gap of a node is the largest gap in front of any VMA of its subtree; a gap reaches from the end of the
 *	    VMA before (or 0) to the start of this one, or of its guard.
 *	V4. A VMA with a file is in the file's reverse map, by vm_pgoff.
 *	V5. locked_vm is the number of pages in VMAs with VM_LOCKED.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"
#include "vma/vma_map_internal.h"

struct vm_area_struct *vma_of(const struct p2psim_tree_node *node)
{
	return node ? container_of(node, struct vm_area_struct, mm_node) : NULL;
}

struct vm_area_struct *p2psim_vma_next(const struct vm_area_struct *vma)
{
	return vma_of(p2psim_tree_next(&vma->mm_node));
}

struct vm_area_struct *p2psim_vma_prev(const struct vm_area_struct *vma)
{
	return vma_of(p2psim_tree_prev(&vma->mm_node));
}

struct vm_area_struct *p2psim_vma_first(const struct mm_struct *mm)
{
	return vma_of(p2psim_tree_first(&mm->mm_vmas));
}

static bool starts_before(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return vma_of(a)->vm_start < vma_of(b)->vm_start;
}

static void augment_gap(struct p2psim_tree_node *node)
{
	struct vm_area_struct *vma = vma_of(node), *left = vma_of(node->left), *right = vma_of(node->right);
	unsigned long max = vma->gap_before;

	if (left && left->subtree_max_gap > max)
		max = left->subtree_max_gap;
	if (right && right->subtree_max_gap > max)
		max = right->subtree_max_gap;
	vma->subtree_max_gap = max;
}

static const struct p2psim_tree_ops vma_tree = { starts_before, augment_gap };

/* A stack keeps its guard free. */
static unsigned long gap_between(const struct vm_area_struct *prev, const struct vm_area_struct *vma)
{
	unsigned long start = vm_start_gap(vma), end = prev ? prev->vm_end : 0;

	return start > end ? start - end : 0;
}

/* The gap in front of vma has changed. */
static void refresh_gap(struct vm_area_struct *vma)
{
	const struct vm_area_struct *prev;
	unsigned long gap;

	if (!vma)
		return;
	prev = p2psim_vma_prev(vma);
	gap = gap_between(prev, vma);
	if (gap == vma->gap_before)
		return;
	vma->gap_before = gap;
	p2psim_tree_update(&vma->mm_node, &vma_tree);
}

/* Has no hooks, and is not anonymous: a file's VMA whose driver sets none, and any VMA after its close(). */
static const struct vm_operations_struct no_vm_ops;

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kzalloc(sizeof(*vma), GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->vm_mm = mm;
	vma->vm_ops = &no_vm_ops;
	vma->serial = ++mm->vma_serial;
	vma->detached = true;
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	p2psim_vma_map_vma_init(vma);
	return vma;
}

struct vm_area_struct *vm_area_dup(struct vm_area_struct *vma)
{
	struct vm_area_struct *copy = kmalloc(sizeof(*copy), GFP_KERNEL);

	if (!copy)
		return NULL;
	*copy = *vma;
	copy->serial = ++vma->vm_mm->vma_serial;
	copy->detached = true;
	copy->anon_vma = NULL;
	INIT_LIST_HEAD(&copy->anon_vma_chain);
	p2psim_vma_map_vma_init(copy);
	return copy;
}

void vm_area_free(struct vm_area_struct *vma)
{
	unlink_anon_vmas(vma);
	if (vma->vm_file)
		fput(vma->vm_file);
	kfree(vma);
}

/* ---- the tree and the reverse maps ---- */

static struct p2psim_tree *i_mmap_of(const struct vm_area_struct *vma)
{
	return &vma->vm_file->f_mapping->i_mmap;
}

static void file_insert(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		vma_interval_tree_insert(vma, i_mmap_of(vma));
}

static void file_erase(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		vma_interval_tree_remove(vma, i_mmap_of(vma));
}

static void tree_insert(struct mm_struct *mm, struct vm_area_struct *vma)
{
	vma->detached = false;
	vma->gap_before = 0;
	p2psim_tree_insert(&mm->mm_vmas, &vma->mm_node, &vma_tree);
	refresh_gap(vma);
	refresh_gap(p2psim_vma_next(vma));
	mm->map_count++;
	mm->total_vm += vma_pages(vma);
}

static void tree_erase(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *next = p2psim_vma_next(vma);

	p2psim_tree_erase(&mm->mm_vmas, &vma->mm_node, &vma_tree);
	refresh_gap(next);
	mm->map_count--;
	mm->total_vm -= vma_pages(vma);
	vma->detached = true;
}

/* Keeps out whoever comes through a reverse map, without mmap_lock: truncation, revocation, reclaim. */
static void lock_reverse_maps(const struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	if (vma->vm_file)
		i_mmap_lock_write(vma->vm_file->f_mapping);
	if (anon_vma)
		anon_vma_lock_write(anon_vma);
}

static void unlock_reverse_maps(const struct vm_area_struct *vma, struct anon_vma *anon_vma)
{
	if (anon_vma)
		anon_vma_unlock_write(anon_vma);
	if (vma->vm_file)
		i_mmap_unlock_write(vma->vm_file->f_mapping);
}

void vma_write_step(struct mm_struct *mm, const char *label)
{
	p2psim_step_on(P2PSIM_STEP_VMA_WRITE, p2psim_object_id(&mm->vmas_obj), true, label);
}

void vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	lock_reverse_maps(vma, NULL);
	vma_write_step(mm, NULL);
	tree_insert(mm, vma);
	file_insert(vma);
	unlock_reverse_maps(vma, NULL);
}

void vma_unlink(struct vm_area_struct *vma)
{
	tree_erase(vma->vm_mm, vma);
}

void vma_leave_reverse_maps(struct vm_area_struct *vma)
{
	unlink_anon_vmas(vma);
	lock_reverse_maps(vma, NULL);
	file_erase(vma);
	unlock_reverse_maps(vma, NULL);
}

static void set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	file_erase(vma);
	vma->vm_mm->total_vm += ((end - start) >> PAGE_SHIFT) - vma_pages(vma);
	vma->vm_pgoff += (pgoff_t)(((long)start - (long)vma->vm_start) >> PAGE_SHIFT);
	vma->vm_start = start;
	vma->vm_end = end;
	file_insert(vma);
	refresh_gap(vma);
	refresh_gap(p2psim_vma_next(vma));
}

static void swallow(struct vm_area_struct *gone, struct vm_area_struct *into)
{
	tree_erase(gone->vm_mm, gone);
	file_erase(gone);
	p2psim_vma_map_split(gone, into, gone->vm_start);
}

static void apply(const struct vma_change *c)
{
	struct vm_area_struct *vma = c->vma;
	unsigned int i;

	if (c->shrunk)
		set_range(c->shrunk, c->shrunk_start, c->shrunk_end);
	set_range(vma, c->start, c->end);
	p2psim_anon_vma_changed(vma);
	if (c->shrunk)
		p2psim_anon_vma_changed(c->shrunk);
	for (i = 0; i < ARRAY_SIZE(c->gone); i++)
		if (c->gone[i])
			swallow(c->gone[i], vma);
	if (c->shrunk)
		p2psim_vma_map_split(c->shrunk, vma, vma->vm_start);
	if (!c->fresh)
		return;
	tree_insert(vma->vm_mm, c->fresh);
	file_insert(c->fresh);
	p2psim_vma_map_split(vma, c->fresh, c->fresh->vm_start);
}

void vma_change(const struct vma_change *c)
{
	struct anon_vma *anon_vma = c->vma->anon_vma;
	unsigned int i;

	lock_reverse_maps(c->vma, anon_vma);
	vma_write_step(c->vma->vm_mm, NULL);
	apply(c);
	unlock_reverse_maps(c->vma, anon_vma);
	/* Outside the locks: whoever is inside p2p_unmap() may want them. */
	if (c->shrunk)
		p2psim_vma_map_merge(c->shrunk, c->vma);
	for (i = 0; i < ARRAY_SIZE(c->gone); i++) {
		if (!c->gone[i])
			continue;
		p2psim_vma_map_merge(c->gone[i], c->vma);
		vm_area_free(c->gone[i]);
	}
}

/* ---- the end ---- */

void vma_drop_ops(struct vm_area_struct *vma)
{
	vma->vm_ops = &no_vm_ops;
}

void vma_close(struct vm_area_struct *vma)
{
	p2psim_vma_map_closed(vma);
	if (!vma->vm_ops || !vma->vm_ops->close)
		return;
	p2psim_step_on(P2PSIM_STEP_CB_ENTER, 0, false, "vma:close");
	vma->vm_ops->close(vma);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, 0, false, "vma:close-done");
	vma_drop_ops(vma);
}

pgprot_t vm_get_page_prot(unsigned long vm_flags)
{
	pgprot_t prot = {};

	if (vm_flags & VM_ACCESS_FLAGS)
		prot.val |= P2PSIM_PTE_PRESENT;
	if ((vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		prot.val |= P2PSIM_PTE_WRITE;
	return prot;
}

/* V4 */
static bool is_in_file_tree(const struct vm_area_struct *vma)
{
	return vma_interval_tree_has(vma, i_mmap_of(vma));
}

static bool vma_is_valid(const struct vm_area_struct *vma, const struct vm_area_struct *prev)
{
	unsigned long before = prev ? prev->vm_end : 0, max = vma->gap_before;
	const struct vm_area_struct *left = vma_of(vma->mm_node.left), *right = vma_of(vma->mm_node.right);

	if (vma->vm_start >= vma->vm_end || vma->vm_start < before || !PAGE_ALIGNED(vma->vm_start | vma->vm_end))
		return false;
	if (vma->gap_before != gap_between(prev, vma) || vma->detached || (vma->vm_file && !is_in_file_tree(vma)))
		return false;
	if (left && left->subtree_max_gap > max)
		max = left->subtree_max_gap;
	if (right && right->subtree_max_gap > max)
		max = right->subtree_max_gap;
	return max == vma->subtree_max_gap && (!!vma->anon_vma == !list_empty(&vma->anon_vma_chain));
}

bool p2psim_mm_is_valid(struct mm_struct *mm)
{
	const struct vm_area_struct *vma, *prev = NULL;
	unsigned long pages = 0, locked = 0;
	int count = 0;

	if (!p2psim_tree_is_valid(&mm->mm_vmas, &vma_tree))
		return false;
	for (vma = p2psim_vma_first(mm); vma; prev = vma, vma = p2psim_vma_next(vma)) {
		if (!vma_is_valid(vma, prev))
			return false;
		pages += vma_pages(vma);
		locked += vma->vm_flags & VM_LOCKED ? vma_pages(vma) : 0;
		count++;
	}
	return count == mm->map_count && pages == mm->total_vm && locked == mm->locked_vm && p2psim_pgtable_is_valid(mm);
}
