/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/hmm.h, 6.1 (same, but for what is marked *invented*).
 *
 * Heterogeneous memory management: a device reads the page tables of a process and keeps its copy true.
 *
 *	again:
 *		range.notifier_seq = mmu_interval_read_begin(range.notifier);
 *		mmap_read_lock(mm);
 *		ret = hmm_range_fault(&range);			or hmm_range_dma_map(&range, dev, daddrs)
 *		if (ret == -EBUSY) { mmap_read_unlock(mm); goto again; }
 *		mmap_read_unlock(mm);
 *		lock
 *		if (mmu_interval_read_retry(range.notifier, range.notifier_seq)) { unlock; goto again; }
 *		... hmm_pfns (daddrs) go into the device's page table ...
 *		unlock
 *
 * With hmm_range_dma_map() two lines are added.  What was mapped must be given back before `again`:
 * hmm_range_dma_unmap().  And while the range may hold device VMAs, mmap_lock is kept until the entries are committed
 * or given back (as hmm.rst of 5.1 had it): only so does munmap() find an importer that can answer
 * (<p2psim/vma_map.h>).
 *
 * What an entry may say, by what the CPU's page tables say, is the table in src/hmm/range_fault.c.
 *
 * Steps have these labels, for directed stops (each stands *before* what it names):
 *
 *	hmm:table	the upper tables are about to be looked at: 2 MiB, or 1 GiB where there is nothing
 *	hmm:walk	one page-table entry is about to be read
 *	hmm:faulted	hmm_range_fault() is about to return 0 to its caller
 *	hmm:mapped	hmm_range_dma_map() is about to return 0 (hmm_range_fault() of its parts stops at hmm:faulted)
 *	hmm:unmap	hmm_range_dma_unmap() begins
 *
 * Steps below p2p_map() and p2p_unmap(): "p2p:map", "p2p:unmap", "p2p:unmapped" (src/vma/vma_map.c).
 *
 * The pages of dev_private_owner's device memory are returned as they are, writable or not, even to who asked for a write
 * and may not; those of others are brought back to RAM first, or are 0 in a snapshot.
 */
#ifndef P2PSIM_LINUX_HMM_H
#define P2PSIM_LINUX_HMM_H

#ifdef P2PSIM_LINUX_5_2_HMM_H
#error "<linux/hmm.h> of 5.2 and of 6.1 in one translation unit"
#endif

#include <p2psim/linux/mm_types.h>

P2PSIM_BEGIN_DECLS

struct device;
struct mmu_interval_notifier;
struct page;

/*
 * Bits of an entry of hmm_pfns[].  The pfn is what is left without HMM_PFN_FLAGS and HMM_PFN_P2P.
 *
 * In (with pfn_flags_mask and default_flags): HMM_PFN_REQ_FAULT, and HMM_PFN_REQ_WRITE together with it.
 * Out: 0 = could be faulted in, nothing is there; VALID, perhaps WRITE; ERROR = can never be accessed.
 */
enum hmm_pfn_flags {
	HMM_PFN_VALID = 1UL << 63,
	HMM_PFN_WRITE = 1UL << 62,
	HMM_PFN_ERROR = 1UL << 61,
	HMM_PFN_ORDER_SHIFT = 56,
	/* *Invented*: mapped by a p2p_map(), of a device VMA or of a page in a device's memory: there is only the bus address. */
	HMM_PFN_P2P = 1UL << 55,

	HMM_PFN_REQ_FAULT = HMM_PFN_VALID,
	HMM_PFN_REQ_WRITE = HMM_PFN_WRITE,

	HMM_PFN_FLAGS = 0xFFUL << HMM_PFN_ORDER_SHIFT,
};

/* 1 s, the customary patience of a caller's retry loop, in milliseconds. */
#define HMM_RANGE_DEFAULT_TIMEOUT 1000

struct hmm_range {
	struct mmu_interval_notifier *notifier; /* whose interval holds the range */
	unsigned long notifier_seq;		/* of mmu_interval_read_begin() */
	unsigned long start;			/* page aligned, start < end */
	unsigned long end;
	unsigned long *hmm_pfns;		/* one entry a page of the range */
	unsigned long default_flags;		/* requested for each page */
	unsigned long pfn_flags_mask;		/* which request bits of hmm_pfns[] count */
	void *dev_private_owner;		/* whose device-private pages are returned instead of migrated */
};

/*
 * Fills hmm_pfns[] from the page tables, faulting in what was asked for.
 *
 * Return: 0; otherwise hmm_pfns[] is a mixture of inputs and outputs, of no use:
 *	-EBUSY	an invalidation came since read_begin(): begin again.  Also one's own: a write fault that copies (from
 *		the zero page, too) announces CLEAR of the page
 *	-EFAULT	asked for, and no VMA, or not readable, or VM_IO/VM_PFNMAP, or the fault failed (out of memory as well)
 *	-EPERM	write asked for, and the VMA is not writable
 *	-EINVAL	start >= end
 * Context: mmap_lock held for reading, the mm kept by mmget(); may sleep; never drops mmap_lock.  CONTRACT: without
 * mmap_lock, a range that is not inside the notifier's interval or not page aligned, a notifier_seq that read_begin()
 * did not give.  One step per entry read ("hmm:walk").
 */
P2PSIM_EXPORT int hmm_range_fault(struct hmm_range *range);

/*
 * An addition of a later series that 6.1 does not have: mmap_lock is taken inside, notifier_seq is filled in, and after an -EBUSY
 * it begins again, until `timeout` jiffies have passed (0: for ever).  At least one round is made.
 * Return: 0, and the caller asks mmu_interval_read_retry() under his lock; -EBUSY: the time is over; -EINTR: killed; others as
 * hmm_range_fault().
 * Context: may sleep; without mmap_lock.
 */
P2PSIM_EXPORT int hmm_range_fault_unlocked_timeout(struct hmm_range *range, unsigned long timeout);

/*
 * The page of an entry, its physical address, and how many pages (1 << order) are mapped around it alike.
 * Context: the driver's lock, after mmu_interval_read_retry() said false.
 * CONTRACT for an entry that is not VALID.  A HMM_PFN_P2P entry has no page: NULL, ~0.
 */
P2PSIM_EXPORT struct page *hmm_pfn_to_page(unsigned long hmm_pfn);
P2PSIM_EXPORT phys_addr_t hmm_pfn_to_phys(unsigned long hmm_pfn);
static inline unsigned int hmm_pfn_to_map_order(unsigned long hmm_pfn)
{
	return (hmm_pfn >> HMM_PFN_ORDER_SHIFT) & 0x1F;
}

/*
 * Mirrors: hmm_range_dma_map() of 5.2 and of the RFC of 2019-01-29 ("[RFC PATCH 5/5] mm/hmm: add support for peer to
 * peer to special device vma"), *with one return convention*: 0 or -errno, all or nothing.
 *
 * hmm_range_fault(), and then each page that it found VALID gets a bus address for `dev` in daddrs[] (one entry a
 * page): RAM by dma_map_page(); a VMA whose vm_ops have p2p_map() by that, and its entries are VALID | HMM_PFN_P2P (|
 * WRITE); likewise a page in the memory of a device that is not dev_private_owner's, by its pagemap's p2p_map(): if that
 * refuses, the page is brought back to RAM, which is -EBUSY, and the next try finds it there (after RFC 4/5).
 * Works over any mixture of VMAs and holes, in ascending order: the first error wins.  A page that did not ask for
 * HMM_PFN_REQ_FAULT in a device VMA is ERROR, as in hmm_range_fault(), and its exporter is not asked.
 * Entries that are not VALID get DMA_MAPPING_ERROR.
 *
 * Return: 0; otherwise nothing is mapped, and: -EBUSY, -EFAULT, -EPERM, -EINVAL as hmm_range_fault(); -EFAULT for every
 * refusal of an exporter (p2psim_last_refusal() knows which); -EBUSY also when the exporter is moving it; -ENOMEM.
 * Context: as hmm_range_fault(); mmap_lock is kept until the entries are committed or given back; without the lock that
 * the notifier callback takes.
 */
P2PSIM_EXPORT int hmm_range_dma_map(struct hmm_range *range, struct device *dev, dma_addr_t *daddrs);
/*
 * Gives [start, end) back, any part of the range, over RAM and device VMAs alike.  `daddrs` and range->hmm_pfns are the
 * arrays of the map: entry 0 belongs to range->start.  Entries become 0 and DMA_MAPPING_ERROR; those that were not
 * mapped are left alone, so that doing it twice does nothing.  Pages are not marked dirty: whoever knows that the
 * device wrote calls set_page_dirty() before.
 * Return: 0; -EINVAL: not inside the range.
 * Context: may sleep; from a notifier callback, under the driver's lock or none.  Needs neither mmap_lock nor
 * notifier_seq.
 */
P2PSIM_EXPORT int hmm_range_dma_unmap(struct hmm_range *range, struct device *dev, dma_addr_t *daddrs,
				      unsigned long start, unsigned long end);

/*
 * *Invented*, after Gunthorpe's wish of 2019-01-30: a trial at the registration of a memory region.  Could `dev` reach
 * [start, start + len) of current->mm now?  Asks each exporter for as much as the VMA's permissions allow; leaves no
 * mapping behind; regular memory is always fine and not faulted in.
 *
 * Return: 0 ("maybe": later errors are possible), or the errno of the first refusal, told apart, with its reason kept
 * for p2psim_last_refusal(): -EFAULT no VMA or not readable; -EOPNOTSUPP no p2p_map(); -EACCES policy; -EREMOTEIO not
 * routable; -EINVAL not a PCI device, or an empty range; -ENOSPC; -ENODEV; -EBUSY; -ENOMEM.
 * Context: takes mmap_lock for reading; may sleep.
 */
P2PSIM_EXPORT int hmm_mirror_is_maybe_supported(struct device *dev, unsigned long start, unsigned long len);

/* Remember the driver's line for reports. */
#define hmm_range_fault(range) (P2PSIM_HERE(), hmm_range_fault(range))
#define hmm_range_fault_unlocked_timeout(range, timeout) (P2PSIM_HERE(), hmm_range_fault_unlocked_timeout((range), (timeout)))
#define hmm_range_dma_map(range, dev, daddrs) (P2PSIM_HERE(), hmm_range_dma_map((range), (dev), (daddrs)))
#define hmm_range_dma_unmap(range, dev, daddrs, start, end)                                                            \
	(P2PSIM_HERE(), hmm_range_dma_unmap((range), (dev), (daddrs), (start), (end)))
#define hmm_mirror_is_maybe_supported(dev, start, len)                                                                 \
	(P2PSIM_HERE(), hmm_mirror_is_maybe_supported((dev), (start), (len)))

P2PSIM_END_DECLS

#endif
