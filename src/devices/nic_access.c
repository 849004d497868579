/* SPDX-License-Identifier: MIT */
/*
 * nic: the device side.  It knows virtual addresses and its page table, and no locks: translation and DMA are two events
 * on a wire, and an invalidation may come between them.  See nic_table.c for how the driver waits for the second.
 */
#include "devices/beat.h"
#include "devices/nic_internal.h"

#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

/* Is the entry still true?  The model asks what no hardware can. */
static void nic_check_entry(struct p2psim_nic_region *mr, unsigned long va, u64 entry)
{
	struct mm_struct *mm = mr->notifier.mm;
	dma_addr_t dma = entry & NIC_ENTRY_ADDR;

	if (!(nic_table_pfn(mr, va >> PAGE_SHIFT) & HMM_PFN_P2P))
		p2psim_translation_check(mm, va, dma, entry & NIC_ENTRY_WRITE);
	else if (!p2psim_vma_map_covers(mm, nic_dev(mr), va & PAGE_MASK, dma))
		p2psim_violate(P2PSIM_STALE, 0, mr->obj.id, mm->obj.id,
			       "%s reaches a peer through an entry whose p2p mapping is gone", mr->nic->name);
}

/* The first event: the entry of `va`, 0 on a miss.  From here on DMA is in flight. */
static u64 nic_translate(struct p2psim_nic_region *mr, unsigned long va, unsigned int access)
{
	u64 need = access & P2PSIM_NIC_WRITE ? NIC_ENTRY_WRITE : NIC_ENTRY_READ;
	u64 entry;

	p2psim_step_range(P2PSIM_STEP_TLB, p2psim_object_id(&mr->obj), true, va >> PAGE_SHIFT, va >> PAGE_SHIFT,
			  "nic:translate");
	entry = nic_table_entry(mr, va >> PAGE_SHIFT);
	if (!(entry & need))
		return 0;
	mr->in_flight++;
	nic_check_entry(mr, va, entry);
	return entry;
}

/* The second: the bytes move.  Returns what the bus says. */
static int nic_beat(struct p2psim_nic_region *mr, unsigned long va, u64 entry, void *buf, size_t len,
		    unsigned int access)
{
	dma_addr_t dma = (entry & NIC_ENTRY_ADDR) + (va & ~PAGE_MASK);
	int ret = device_beat(nic_dev(mr), dma, buf, len, access & P2PSIM_NIC_WRITE);

	p2psim_step_range(P2PSIM_STEP_TLB, p2psim_object_id(&mr->obj), true, va >> PAGE_SHIFT, va >> PAGE_SHIFT,
			  "nic:done");
	mr->in_flight--;
	return ret;
}

/* Within one page: hit, or fault and again. */
static int nic_access_page(struct p2psim_nic_region *mr, unsigned long va, void *buf, size_t len, unsigned int access)
{
	unsigned long page = va & PAGE_MASK;
	bool faulted = false;
	u64 entry;
	int ret;

	while (!(entry = nic_translate(mr, va, access))) {
		ret = nic_fault(mr, page, page + PAGE_SIZE, access);
		if (ret)
			return ret;
		faulted = true;
	}
	mr->stats.hits += !faulted;
	return nic_beat(mr, va, entry, buf, len, access);
}

static int nic_check_access(const struct p2psim_nic_region *mr, unsigned long start, unsigned long end,
			    unsigned int access)
{
	if (end < start || start < mr->start || end > mr->end)
		return -EFAULT;
	return access & ~mr->access ? -EPERM : 0;
}

static int nic_access(struct p2psim_nic_region *mr, unsigned long va, char *buf, size_t len, unsigned int access)
{
	int ret = nic_check_access(mr, va, va + len, access);

	mr->busy++;
	while (!ret && len) {
		size_t part = min_t(size_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

		ret = nic_access_page(mr, va, buf, part, access);
		va += part;
		buf += part;
		len -= part;
	}
	mr->busy--;
	mr->stats.errors += ret != 0;
	return ret;
}

/* An access through a region that was deregistered is a UAF: say so before anything of it is read. */
static void nic_check_alive(struct p2psim_nic_region *mr)
{
	p2psim_object_id(&mr->obj);
}

int p2psim_nic_read(struct p2psim_nic_region *mr, unsigned long va, void *buf, size_t len)
{
	int ret;

	nic_check_alive(mr);
	p2psim_enter("%s reads %p", P2PSIM_STR(mr->nic->name), va);
	ret = nic_access(mr, va, buf, len, P2PSIM_NIC_READ);
	p2psim_leave("%s: %e", P2PSIM_STR(mr->nic->name), (uint64_t)(int64_t)ret);
	return ret;
}

int p2psim_nic_write(struct p2psim_nic_region *mr, unsigned long va, const void *buf, size_t len)
{
	int ret;

	nic_check_alive(mr);
	p2psim_enter("%s writes %p", P2PSIM_STR(mr->nic->name), va);
	ret = nic_access(mr, va, (char *)buf, len, P2PSIM_NIC_WRITE);
	p2psim_leave("%s: %e", P2PSIM_STR(mr->nic->name), (uint64_t)(int64_t)ret);
	return ret;
}

int p2psim_nic_prefetch(struct p2psim_nic_region *mr, unsigned long start, unsigned long end, unsigned int access)
{
	int ret;

	nic_check_alive(mr);
	p2psim_enter("%s maps [%p,%p)", P2PSIM_STR(mr->nic->name), start, end);
	ret = nic_check_access(mr, start, end, access);
	if (!ret && (!PAGE_ALIGNED(start | end) || start == end))
		ret = -EINVAL;
	mr->busy++;
	if (!ret)
		ret = nic_fault(mr, start, end, access);
	mr->busy--;
	mr->stats.errors += ret != 0;
	p2psim_leave("%s: %e", P2PSIM_STR(mr->nic->name), (uint64_t)(int64_t)ret);
	return ret;
}
