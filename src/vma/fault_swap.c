/* SPDX-License-Identifier: MIT */
/*
 * Faults of entries that are neither none nor present: swap, migration, a device's.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/fault_internal.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"
#include "vma/zone_device.h"

static bool is_unlocked(void *arg)
{
	return !PageLocked(arg);
}

bool fault_lock_page(const struct vm_fault *vmf, struct page *page)
{
	bool may_drop = vmf->flags & FAULT_FLAG_ALLOW_RETRY && !(vmf->flags & FAULT_FLAG_TRIED);

	if (trylock_page(page))
		return true;
	if (!may_drop) {
		lock_page(page);
		return true;
	}
	mmap_read_unlock(vmf->vma->vm_mm);
	p2psim_step_guarded(P2PSIM_STEP_READ, P2PSIM_OBJ_RAM, false, "page lock:wait", is_unlocked, page);
	return false;
}

/* ---- swap ---- */

/*
 * The anon_vma in which the page is found: our own if it is ours alone, else that of the oldest in the family, who all look
 * there.
 */
static void add_swapped_rmap(struct vm_fault *vmf, struct page *page, bool only)
{
	struct vm_area_struct *vma = vmf->vma;

	if (page->_mapcount.counter++ < 0) {
		page->flags |= 1UL << PG_anon | 1UL << PG_swapbacked;
		page->anon_vma = vma->anon_vma->root;
		page->index = linear_page_index(vma, vmf->address);
	}
	if (!only) {
		p2psim_page_set_owner(page, 0);
		return;
	}
	page->flags |= 1UL << PG_anon_exclusive;
	page->anon_vma = vma->anon_vma;
	p2psim_page_set_owner(page, vma->vm_mm->obj.id);
}

/* The entry's step is done.  Takes over a reference.  A write to what is not ours alone faults again, and copies. */
static void map_swapped(struct vm_fault *vmf, struct page *page, bool only)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 bits = P2PSIM_PTE_YOUNG;

	if (only && fault_wants_write(vmf) && vma->vm_flags & VM_WRITE)
		bits |= P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY;
	add_swapped_rmap(vmf, page, only);
	mm_count_page(vma->vm_mm, page, 1);
	*vmf->pte = mk_pte(vma, page_to_pfn(page), bits);
}

/* One entry names the slot, ours: the page goes round the cache. */
static vm_fault_t swap_in_alone(struct vm_fault *vmf, unsigned long slot)
{
	struct page *page = (alloc_page)(GFP_HIGHUSER_MOVABLE);

	if (!page)
		return VM_FAULT_OOM;
	if (!fault_claim(vmf) || swap_count(slot) > 1 || swap_cache_peek(slot)) {
		put_page(page);
		return 0;
	}
	swap_read_last(slot, page);
	map_swapped(vmf, page, true);
	return VM_FAULT_MAJOR;
}

/* Locked: is it still the slot's? */
static bool is_of_slot(const struct page *page, unsigned long slot)
{
	return page->flags & 1UL << PG_swapcache && page->private == slot;
}

/* A write, or a VMA that keeps its pages anyway, wants the page for itself: it leaves the cache if nobody else is left. */
static bool is_wanted_alone(const struct vm_fault *vmf, const struct page *page)
{
	return vmf->vma->vm_flags & VM_LOCKED || (fault_wants_write(vmf) && page_count(page) == 2);
}

/* The caller's reference is beside that of the cache; the entry gets another. */
static void map_cached(struct vm_fault *vmf, unsigned long slot, struct page *page)
{
	bool only = pte_swp_exclusive(vmf->orig_pte);

	pte_page_step(vmf->vma->vm_mm, vmf->address, page, "swap:in");
	if (vmf->pte->val != vmf->orig_pte.val)
		return;
	swap_forget(slot);
	if (is_wanted_alone(vmf, page))
		swap_cache_leave(page);
	only |= page_count(page) == 1;
	get_page(page);
	map_swapped(vmf, page, only);
}

static vm_fault_t swap_in_cached(struct vm_fault *vmf, unsigned long slot, struct page *page)
{
	if (!fault_lock_page(vmf, page)) {
		put_page(page);
		return VM_FAULT_RETRY;
	}
	if (is_of_slot(page, slot))
		map_cached(vmf, slot, page);
	swap_cache_unmapped(page);
	unlock_page(page);
	put_page(page);
	return 0;
}

static vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	unsigned long slot = pte_pfn(vmf->orig_pte);
	struct page *page = swap_cache_peek(slot);

	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	if (!page && swap_count(slot) == 1)
		return swap_in_alone(vmf, slot);
	if (page)
		get_page(page);
	else
		page = swap_cache_read(slot);
	return page ? swap_in_cached(vmf, slot, page) : VM_FAULT_OOM;
}

/* ---- migration ---- */

static bool has_arrived(void *arg)
{
	return !is_migration_pte(*(const pte_t *)arg);
}

void p2psim_migration_entry_wait(struct mm_struct *mm, unsigned long addr)
{
	u64 unit = addr >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_READ,
		.label = "migration:wait",
		.enabled = has_arrived,
		.arg = p2psim_pte_lookup(mm, addr),
		.access_count = 1,
		.access[0] = { p2psim_object_id(&mm->obj), false, unit, unit },
	};

	if (op.arg)
		p2psim_step_op(&op);
}

/* ---- device-private memory ---- */

struct unmoved {
	const pte_t *pte;
	pte_t seen;
	const struct page *page;
};

static bool may_move_now(void *arg)
{
	const struct unmoved *u = arg;

	return u->pte->val != u->seen.val || (!PageLocked(u->page) && page_count(u->page) <= page_mapcount(u->page));
}

/*
 * The driver could not move the page because somebody has it locked, or a reference.  The kernel faults again and again until
 * he has not; here that is one step.
 */
static void wait_for_others(const struct vm_fault *vmf, const struct page *page)
{
	struct unmoved unmoved = { vmf->pte, vmf->orig_pte, page };
	u64 unit = vmf->address >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_READ,
		.label = "device:wait",
		.enabled = may_move_now,
		.arg = &unmoved,
		.access_count = 2,
		.access[0] = { p2psim_object_id(&vmf->vma->vm_mm->obj), false, unit, unit },
		.access[1] = { P2PSIM_OBJ_RAM, false, page->pfn, page->pfn },
	};

	if (vmf->pte->val == vmf->orig_pte.val)
		p2psim_step_op(&op);
}

/* The driver brings the page back; until then a reference keeps it. */
static vm_fault_t do_device_private_page(struct vm_fault *vmf)
{
	struct page *page = pfn_to_page(pte_pfn(vmf->orig_pte));
	vm_fault_t ret;

	pte_page_step(vmf->vma->vm_mm, vmf->address, page, "device:fault");
	if (vmf->pte->val != vmf->orig_pte.val)
		return 0;
	get_page(page);
	vmf->page = page;
	p2psim_enter("migrate_to_ram(%p)", vmf->address);
	ret = page->pgmap->ops->migrate_to_ram(vmf);
	p2psim_leave("migrate_to_ram = %x", (uint64_t)ret);
	put_page(page);
	if (!ret)
		wait_for_others(vmf, page);
	return ret;
}

vm_fault_t do_absent_page(struct vm_fault *vmf)
{
	if (is_swap_pte(vmf->orig_pte))
		return do_swap_page(vmf);
	if (is_migration_pte(vmf->orig_pte)) {
		p2psim_migration_entry_wait(vmf->vma->vm_mm, vmf->address);
		return 0;
	}
	if (is_device_exclusive_pte(vmf->orig_pte))
		return remove_device_exclusive_entry(vmf);
	if (is_device_private_pte(vmf->orig_pte))
		return do_device_private_page(vmf);
	return VM_FAULT_SIGBUS;
}
