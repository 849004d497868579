/* SPDX-License-Identifier: MIT */
/*
 * Importers meet exporters: p2psim_vma_map() and p2psim_vma_unmap().
 *
 * The contract of "[RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma" (Glisse, 2019-01-29) and of the
 * thread that followed, with who watches each rule:
 *
 *	C1	p2p_map() is optional; without it nothing is exported		p2psim_vma_map(): -EOPNOTSUPP
 *	C2	CPU page tables play no part					no step here reads one
 *	C3	what was granted once is granted again				vma_map_oracle.c: promises
 *	C4	an importer answers every invalidation by p2p_unmap()		vma_map_oracle.c: invalidations
 *	C5	it may map again, elsewhere					a new record with new addresses
 *	C6	exporters revoke by zap_vma_ptes(), unmap_mapping_range()	they emit the invalidation
 *	C7	a map pins nothing						records hold no reference
 *	C8	policy is asked at every call					no result is cached
 *	C9	RAM may stand in for the BAR					pa[] is opaque
 *	C10	device VMAs hear only of their driver and of system calls	(the mm)
 *	C11	an importer may unmap when it likes				p2psim_vma_unmap() needs no event
 *	C12	a VMA outlives its mappings					p2psim_vma_map_closed()
 *	C13	regular VMA: GUP; device VMA with p2p_map(): that; else fail	-EOPNOTSUPP tells them apart
 *	C14	map with mmap_lock for reading; unmap with whatever there is	checked; no lock taken
 *	C15	pinned mappings, if the exporter says so			p2p_pin(); exempt from C4 but for UNMAP
 *
 * and, because the RFC said nothing: p2p_map() returns 0 or -errno, fills all of pa[] with page-aligned addresses, and
 * leaves locks as they were; p2p_unmap() returns 0.
 *
 * Steps: "p2p:map" before p2p_map(), "p2p:unmap" before each p2p_unmap(), "p2p:unmapped" after it.  All three write the
 * pages of the range in the mm.
 */
#include <p2psim/check.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/slab.h>
#include <p2psim/lock.h>
#include <p2psim/quirk.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/vma_map_records.h"

void p2p_records_step(struct mm_struct *mm, unsigned long start, unsigned long end, const char *label)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&mm->obj), true, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, label);
}

static bool inside(const struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	return start < end && PAGE_ALIGNED(start) && PAGE_ALIGNED(end) && vma->vm_start <= start && end <= vma->vm_end;
}

/* What the mm itself can say: C1, R12, C15. */
static int check_vma(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		     unsigned int flags)
{
	if (!inside(vma, start, end))
		return p2psim_refuse(P2PSIM_REASON_NO_VMA, "0x%lx..0x%lx is not inside one VMA", start, end);
	if (!vma->vm_ops || !vma->vm_ops->p2p_map)
		return p2psim_refuse(P2PSIM_REASON_NOT_EXPORTABLE, "the VMA at 0x%lx has no p2p_map()", vma->vm_start);
	if (p2psim_quirk_on(P2PSIM_QUIRK_R12_NO_PERMISSION))
		return 0;
	if (!(vma->vm_flags & VM_READ))
		return p2psim_refuse(P2PSIM_REASON_NO_READ, "the VMA at 0x%lx is not readable", vma->vm_start);
	if ((flags & P2PSIM_VMA_MAP_WRITE) && !(vma->vm_flags & VM_WRITE))
		return p2psim_refuse(P2PSIM_REASON_READ_ONLY, "the VMA at 0x%lx is not writable", vma->vm_start);
	if (!(flags & P2PSIM_VMA_MAP_PIN))
		return 0;
	if (!vma->vm_ops->p2p_pin || vma->vm_ops->p2p_pin(vma, importer, start, end))
		return p2psim_refuse(P2PSIM_REASON_PIN_REFUSED, "the exporter of the VMA at 0x%lx does not pin",
				     vma->vm_start);
	return 0;
}

/* C14, and that p2p_map() may revoke: an importer must not hold what its own callback takes. */
void p2p_check_locks(struct mm_struct *mm)
{
	might_sleep();
	if (!p2psim_lock_is_held(&mm->mmap_lock.lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0, "p2p_map() of %s without its mmap_lock (C14)",
			       mm->obj.name);
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
}

void p2p_check_locks_after(unsigned int before, const char *what, u32 importer_id)
{
	unsigned int after = p2psim_locks_held();

	if (after != before)
		p2psim_violate(P2PSIM_BALANCE, 0, importer_id, 0,
			       "%s for %s returned with %u locks held, entered with %u", what, p2p_name(importer_id),
			       after, before);
}

/* 0 or -errno, and every address is one. */
static int check_result(const struct p2p_batch *batch, const struct vm_area_struct *vma, unsigned long count,
			const dma_addr_t *pa, long ret)
{
	unsigned long i;

	if (ret > 0) {
		p2psim_violate(P2PSIM_CONTRACT, 0, batch->importer_id, 0,
			       "p2p_map() of the VMA at 0x%lx returned %ld: it is 0 for all pages or -errno for none",
			       vma->vm_start, ret);
		return -EINVAL;
	}
	for (i = 0; !ret && i < count; i++) {
		if (PAGE_ALIGNED(pa[i]))
			continue;
		p2psim_violate(P2PSIM_CONTRACT, 0, batch->importer_id, 0,
			       "p2p_map() of the VMA at 0x%lx said 0 and left no address for page %lu",
			       vma->vm_start, i);
		break;
	}
	return (int)ret;
}

/* An exporter that did not say why is believed its errno. */
static void keep_reason(struct vm_area_struct *vma, int error)
{
	const struct p2psim_refusal *last = p2psim_last_refusal();
	enum p2psim_reason reason = error == -EACCES	 ? P2PSIM_REASON_POLICY
				    : error == -EREMOTEIO ? P2PSIM_REASON_NOT_ROUTABLE
				    : error == -EINVAL	 ? P2PSIM_REASON_NOT_PCI
				    : error == -ENOSPC	 ? P2PSIM_REASON_NO_BAR_SPACE
				    : error == -ENODEV	 ? P2PSIM_REASON_DEVICE_GONE
				    : error == -EBUSY	 ? P2PSIM_REASON_BUSY
				    : error == -ENOMEM	 ? P2PSIM_REASON_NO_MEMORY
							 : P2PSIM_REASON_NOT_EXPORTABLE;

	if (last->error != error)
		p2psim_refuse(reason, "the exporter of the VMA at 0x%lx said %d", vma->vm_start, error);
}

/* The call itself.  No step between the exporter's last one and what becomes of the records. */
static int call_map(struct vm_area_struct *vma, struct p2p_batch *batch, unsigned long start, unsigned long end,
		    dma_addr_t *pa)
{
	unsigned long count = (end - start) >> PAGE_SHIFT, i;
	unsigned int locks = p2psim_locks_held();
	bool write = batch->flags & P2PSIM_VMA_MAP_WRITE;
	long ret;

	for (i = 0; i < count; i++)
		pa[i] = P2P_NO_ADDRESS;
	p2psim_refusal_clear();
	p2psim_enter("p2p_map(%p, %p) for %o", start, end, batch->importer_id);
	ret = vma->vm_ops->p2p_map(vma, batch->importer, start, end, pa, write);
	p2psim_leave("p2p_map() = %e", ret);
	if (p2psim_quirk_on(P2PSIM_QUIRK_R10_TWO_CONVENTIONS) && ret < 0)
		ret = 0; /* "no pages" */
	p2p_check_locks_after(locks, "p2p_map()", batch->importer_id);
	ret = check_result(batch, vma, count, pa, ret);
	p2p_promise_judge(vma->vm_mm, batch->importer_id, start, end, write, ret);
	if (ret)
		keep_reason(vma, (int)ret);
	return (int)ret;
}

int p2psim_vma_map_seq(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		       dma_addr_t *pa, unsigned int flags, const struct mmu_interval_notifier *sub, unsigned long seq)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long i, count = (end - start) >> PAGE_SHIFT;
	struct p2p_batch *batch;
	int ret;

	p2p_check_locks(mm);
	ret = check_vma(vma, importer, start, end, flags);
	if (ret)
		return ret;
	p2p_records_step(mm, start, end, "p2p:map");
	batch = p2p_batch_create(vma, importer, start, end, flags, NULL);
	if (!batch)
		return p2psim_refuse(P2PSIM_REASON_NO_MEMORY, "no memory to remember who maps 0x%lx..0x%lx", start,
				     end);
	batch->sub = sub;
	batch->seq = seq;
	ret = call_map(vma, batch, start, end, pa);
	if (ret) {
		for (i = count; i-- > 0;)
			p2p_page_forget(mm, &batch->pages[i]);
		return ret;
	}
	for (i = 0; i < count; i++) {
		batch->pages[i].pa = pa[i];
		batch->pages[i].state = P2P_MAPPED;
	}
	p2p_promise_keep(mm, batch->importer_id, start, end, flags & P2PSIM_VMA_MAP_WRITE);
	return 0;
}

int p2psim_vma_map_flags(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
			 dma_addr_t *pa, unsigned int flags)
{
	return p2psim_vma_map_seq(vma, importer, start, end, pa, flags, NULL, 0);
}

int p2psim_vma_map(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		   dma_addr_t *pa, bool write)
{
	return p2psim_vma_map_flags(vma, importer, start, end, pa,
				    write ? P2PSIM_VMA_MAP_WRITE : P2PSIM_VMA_MAP_NO_FLAGS);
}

/* Some pages in a row that lie in one VMA now; pages of a pagemap come as they were mapped. */
struct run {
	struct vm_area_struct *vma;
	struct p2p_page *first;
	unsigned long start, end;
};

static void check_address(struct p2p_page *page, dma_addr_t *pa)
{
	if (*pa == page->pa)
		return;
	p2psim_violate(P2PSIM_RANGE, page->batch->step, page->batch->importer_id, 0,
		       "%s gives back 0x%llx for page 0x%lx: p2p_map() gave it 0x%llx",
		       p2p_name(page->batch->importer_id), (unsigned long long)*pa, page->addr,
		       (unsigned long long)page->pa);
	*pa = page->pa;
}

static bool goes_with(const struct run *run, const struct p2p_page *page)
{
	const struct p2p_batch *batch = run->first->batch;

	return page->vma == run->vma && (batch->pgmap ? page->batch == batch : !page->batch->pgmap);
}

/* The longest run from `start` on, whose pages are UNMAPPING then.  False: the first page is not mapped. */
static bool take_run(struct mm_struct *mm, struct device *importer, unsigned long start, unsigned long end,
		     dma_addr_t *pa, struct run *run)
{
	struct p2p_page *page;

	*run = (struct run){ .start = start, .end = start };
	while (run->end < end) {
		page = p2p_page_find(mm, importer, run->end, *pa);
		if (!page || (run->vma && !goes_with(run, page)))
			break;
		check_address(page, pa++);
		run->first = run->first ? run->first : page;
		page->state = P2P_UNMAPPING;
		run->vma = page->vma;
		run->end += PAGE_SIZE;
	}
	return run->vma;
}

static void forget_run(struct mm_struct *mm, const struct device *importer, const struct run *run)
{
	struct p2p_page *page, *next;

	for (page = p2p_page_first(mm, run->start); page && page->addr < run->end; page = next) {
		next = p2p_page_next(page);
		if (page->batch->importer != importer || page->state != P2P_UNMAPPING)
			continue;
		page->batch->unmap_step = p2psim_hot->steps;
		p2p_page_forget(mm, page);
	}
}

static void call_unmap(struct device *importer, const struct run *run, dma_addr_t *pa)
{
	u32 importer_id = p2psim_object_id(p2p_importer_object(importer));
	unsigned int locks = p2psim_locks_held();
	struct vm_area_struct *vma = run->vma;
	long ret = 0;

	p2psim_enter("p2p_unmap(%p, %p) of %o", run->start, run->end, importer_id);
	vma->p2p_unmaps++;
	if (run->first->batch->pgmap)
		p2p_unmap_pages(run->first, (run->end - run->start) >> PAGE_SHIFT, pa);
	else if (vma->vm_ops && vma->vm_ops->p2p_unmap)
		ret = vma->vm_ops->p2p_unmap(vma, importer, run->start, run->end, pa);
	p2psim_leave("p2p_unmap() = %e", ret);
	p2p_check_locks_after(locks, "p2p_unmap()", importer_id);
	if (ret)
		p2psim_violate(P2PSIM_CONTRACT, 0, importer_id, 0,
			       "p2p_unmap(0x%lx, 0x%lx) returned %ld: an unmap cannot fail", run->start, run->end, ret);
}

static void report_not_mapped(struct mm_struct *mm, struct device *importer, unsigned long addr)
{
	u32 importer_id = p2psim_object_id(p2p_importer_object(importer));
	struct p2p_page *page = p2p_page_first(mm, addr);
	bool other = page && page->addr == addr;

	p2psim_violate(P2PSIM_CONTRACT, 0, importer_id, mm->obj.id, "%s gives back page 0x%lx of %s, which %s",
		       p2p_name(importer_id), addr, mm->obj.name,
		       !other				    ? "nobody has mapped"
		       : page->batch->importer == importer ? "it is giving back already"
							    : "another importer has mapped");
}

int p2psim_vma_unmap(struct mm_struct *mm, struct device *importer, unsigned long start, unsigned long end,
		     dma_addr_t *pa)
{
	struct run run;
	int ret = 0;

	might_sleep();
	while (start < end) {
		p2p_records_step(mm, start, end, "p2p:unmap");
		if (!take_run(mm, importer, start, end, pa, &run)) {
			report_not_mapped(mm, importer, start);
			ret = -EINVAL;
			run.end = start + PAGE_SIZE;
		} else {
			call_unmap(importer, &run, pa);
			p2p_records_step(mm, run.start, run.end, "p2p:unmapped");
			run.vma->p2p_unmaps--;
			forget_run(mm, importer, &run);
		}
		pa += (run.end - start) >> PAGE_SHIFT;
		start = run.end;
	}
	return ret;
}
