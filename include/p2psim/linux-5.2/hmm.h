/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/hmm.h, 5.2 (reduced: memory of other devices only), the API that the mails of 2019 argue about.
 *
 * By explicit include, or through p2psim-kernel-5.2.pc for a driver that says <linux/hmm.h>: one era per translation unit.
 * The names are the kernel's, the symbols underneath are others, so that drivers of both eras may be in one program.
 *
 *	down_write(&mm->mmap_sem);
 *	hmm_mirror_register(&mirror, mm);		ops->sync_cpu_device_pagetables() from now on
 *	up_write(&mm->mmap_sem);
 *	...
 *	hmm_range_register(&range, &mirror, start, end, PAGE_SHIFT);
 *	again:
 *		if (!hmm_range_wait_until_valid(&range, HMM_RANGE_DEFAULT_TIMEOUT))
 *			give up
 *		down_read(&mm->mmap_sem);
 *		ret = hmm_range_fault(&range, true);		or hmm_range_snapshot(), hmm_range_dma_map()
 *		up_read(&mm->mmap_sem);
 *		if (ret == -EBUSY)
 *			goto again;
 *		lock					the one that the callback takes
 *		if (!hmm_range_valid(&range)) { unlock; goto again; }
 *		... range.pfns[] goes into the device's page table ...
 *		unlock
 *	hmm_range_unregister(&range);			without the lock: it may be the last mmput()
 *
 * This is the *repaired* API: JG's series of 2019-06-24 in it, and a count behind the bool.  Each defect that it had is a
 * quirk of the world, D1..D14 (<p2psim/quirk.h>).  Where releases differ, the later is built, and older calls are taken:
 *
 *	hmm_range_register()	a mirror (5.3) or an mm (5.1, 5.2) in second place
 *	the callback		a struct hmm_update (4.18..5.3), or, with P2PSIM_HMM_MIRROR_RANGE defined before the include,
 *				a struct mmu_notifier_range (5.4; mail of 2019-06-08)
 *	an invalid range	-EBUSY with mmap_sem held (5.2.10, 5.3); 5.1 dropped it and said -EAGAIN
 *
 * Steps, each *before* what it names: "hmm52:create" (struct hmm is put into the mm), "hmm52:mirrors" (a mirror enters or
 * leaves the list), "hmm52:register", "hmm52:unregister" (a range does), "hmm52:start", "hmm52:end" (an invalidation marks
 * ranges), "hmm52:valid" (a range is looked at), "hmm52:walk" (an entry is read), "hmm52:faulted" (hmm_range_fault() is about
 * to return what it has); with quirks "hmm52:count" (D3, D5), "hmm52:release" (D10).
 */
#ifndef P2PSIM_LINUX_5_2_HMM_H
#define P2PSIM_LINUX_5_2_HMM_H

#ifdef P2PSIM_LINUX_HMM_H
#error "<linux/hmm.h> of 6.1 and of 5.2 in one translation unit"
#endif

#include <p2psim/linux-5.2/mmu_notifier.h>
#include <p2psim/linux/kref.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/wait.h>

struct device;
struct hmm_mirror;
struct hmm_range;

/* Its name until 5.8. */
#define mmap_sem mmap_lock

/* One for each mm that has, or had, a mirror.  Made by its first user, gone with its last reference. */
struct hmm {
	struct mm_struct *mm;		/* mmgrab(); D7: the address space may go */
	struct kref kref;
	spinlock_t ranges_lock;
	struct list_head ranges;	/* ranges_lock */
	struct list_head mirrors;	/* mirrors_sem */
	struct mmu_notifier mmu_notifier;
	struct rw_semaphore mirrors_sem;
	wait_queue_head_t wq;		/* ranges that became valid */
	struct rcu_head rcu;
	long notifiers;			/* ranges_lock; invalidations under way */
	bool dead;			/* release() has begun */

	/* p2psim's own */
	struct p2psim_object obj;	/* what steps on ranges name */
};

/* Bits of an entry, as indexes into range->flags[]. */
enum hmm_pfn_flag_e {
	HMM_PFN_VALID = 0,
	HMM_PFN_WRITE,
	HMM_PFN_DEVICE_PRIVATE,
	HMM_PFN_FLAG_MAX
};

/* Whole entries that are no page, as indexes into range->values[].  NONE must differ from the other two. */
enum hmm_pfn_value_e {
	HMM_PFN_ERROR,
	HMM_PFN_NONE,
	HMM_PFN_SPECIAL,
	HMM_PFN_VALUE_MAX
};

#define HMM_RANGE_DEFAULT_TIMEOUT 1000 /* ms */

/* [start, end) under observation, from register to unregister. */
struct hmm_range {
	struct hmm *hmm;		/* NULL: not registered */
	struct vm_area_struct *vma;
	struct list_head list;		/* hmm->ranges_lock */
	unsigned long start, end;
	uint64_t *pfns;			/* one entry for each 1 << page_shift; in: what is asked for, out: what is there */
	const uint64_t *flags;		/* [HMM_PFN_FLAG_MAX], the driver's */
	const uint64_t *values;		/* [HMM_PFN_VALUE_MAX] */
	uint64_t default_flags;		/* asked for by each page */
	uint64_t pfn_flags_mask;	/* which bits of pfns[] ask */
	uint8_t page_shift;
	uint8_t pfn_shift;		/* of the pfn in an entry */
	bool valid;			/* hmm->ranges_lock; no invalidation of it is under way */

	/* p2psim's own */
	unsigned long invalidations;	/* hmm->ranges_lock; that began so far */
	unsigned long seen;		/* of those, when page tables were read */
	bool mm_is_held;
};

/* What is asked of a mirror. */
enum hmm_update_event {
	HMM_UPDATE_INVALIDATE,
};

struct hmm_update {
	unsigned long start, end;
	enum hmm_update_event event;
	bool blockable;
};

struct hmm_mirror_ops {
	/* The address space ends: drop everything.  Context: no mmap_sem, mirrors_sem for reading; may sleep. */
	void (*release)(struct hmm_mirror *mirror);
	/*
	 * Drop the device's copy of the range; when this returns, the device uses nothing of it.  Called from
	 * invalidate_range_start, without mmap_sem when pages are reclaimed: no find_vma().
	 * Return: 0; -EAGAIN when the range is not blockable and this would have to sleep; then nothing was done.
	 */
#ifdef P2PSIM_HMM_MIRROR_RANGE
	int (*sync_cpu_device_pagetables)(struct hmm_mirror *mirror, const struct mmu_notifier_range *range);
#else
	int (*sync_cpu_device_pagetables)(struct hmm_mirror *mirror, const struct hmm_update *update);
#endif
};

/* A device that mirrors an address space.  Embedded in the driver's object. */
struct hmm_mirror {
	struct hmm *hmm;
	const struct hmm_mirror_ops *ops;
	struct list_head list;		/* hmm->mirrors_sem */

	/* p2psim's own */
	bool wants_range;		/* which form of the callback */
};

/*
 * Begins to mirror mm; mirror->ops are set.
 * Return: 0, -EINVAL (an argument is NULL), -ENOMEM.
 * Context: mmap_sem held for writing (CONTRACT); the caller has mm_users.
 */
P2PSIM_EXPORT int p2psim_hmm52_mirror_register(struct hmm_mirror *mirror, struct mm_struct *mm, bool wants_range);
/* No callback runs after it; the mirror may be freed.  Context: may sleep; no lock that a callback takes. */
P2PSIM_EXPORT void p2psim_hmm52_mirror_unregister(struct hmm_mirror *mirror);
/* Has release() not begun yet? */
P2PSIM_EXPORT bool p2psim_hmm52_mirror_mm_is_alive(struct hmm_mirror *mirror);

/*
 * Watches [start, end) from now on: valid as long as no invalidation touches it.  Keeps the address space (mmget()).
 * Return: 0; -EINVAL: empty, or not aligned to page_shift; -EFAULT: the address space is going; -ENOMEM (an mm without a
 * mirror).
 * Context: may sleep; an mm that nobody mirrors yet: without mmap_sem.
 */
P2PSIM_EXPORT int p2psim_hmm52_range_register(struct hmm_range *range, struct hmm_mirror *mirror, unsigned long start,
					      unsigned long end, unsigned int page_shift);
P2PSIM_EXPORT int p2psim_hmm52_range_register_mm(struct hmm_range *range, struct mm_struct *mm, unsigned long start,
						 unsigned long end, unsigned int page_shift);
/* Exactly once for each success (CONTRACT).  Context: may sleep, without a lock that a callback takes. */
P2PSIM_EXPORT void p2psim_hmm52_range_unregister(struct hmm_range *range);
/* Sleeps until the range is valid, at most so many ms; is it? */
P2PSIM_EXPORT bool p2psim_hmm52_range_wait_until_valid(struct hmm_range *range, unsigned long timeout_ms);
/*
 * Is what was read from page tables still true?  Context: the lock that the callback takes.
 * 5.2 looked at the bool alone (D1).
 */
P2PSIM_EXPORT bool p2psim_hmm52_range_valid(struct hmm_range *range);

/*
 * Fills pfns[] with what is there, faulting nothing in.
 * Return: how many pages; -EBUSY: not valid; -EFAULT: a hole, or a VMA of a device; -EPERM: not readable; -EINVAL: larger
 * pages than there are.  Entries are NONE from the failing one on.
 * Context: mmap_sem for reading, never dropped.
 */
P2PSIM_EXPORT long p2psim_hmm52_range_snapshot(struct hmm_range *range);
/*
 * The same, with faults for what is asked: (pfns[i] & pfn_flags_mask) | default_flags has flags[VALID], and flags[WRITE].
 * Return: as snapshot; -EPERM also: write asked for, and the VMA is not writable; -EFAULT also: a fault failed;
 * -EAGAIN: `block` is false, a fault would have slept: mmap_sem HAS BEEN DROPPED; -EBUSY: it has not.
 */
P2PSIM_EXPORT long p2psim_hmm52_range_fault(struct hmm_range *range, bool block);
/*
 * hmm_range_fault(), and a bus address in daddrs[i] for each page: for reading, and for writing when the entry says so.
 * Also, after RFC 5/5, VMAs whose vm_ops have p2p_map(): their entries are SPECIAL, the address is all there is.
 * Return: how many pages are mapped; else none is: as hmm_range_fault(), -EFAULT: no address, or refused by an exporter;
 * -EINVAL: a device VMA in a range of larger pages.
 */
P2PSIM_EXPORT long p2psim_hmm52_range_dma_map(struct hmm_range *range, struct device *device, dma_addr_t *daddrs, bool block);
/* Gives them back; pages written to are dirty.  Entries become NONE.  Return: how many; -EINVAL.  `vma` is not looked at. */
P2PSIM_EXPORT long p2psim_hmm52_range_dma_unmap(struct hmm_range *range, struct vm_area_struct *vma, struct device *device,
						dma_addr_t *daddrs, bool dirty);

#ifdef P2PSIM_HMM_MIRROR_RANGE
#define hmm_mirror_register(mirror, mm) (P2PSIM_HERE(), p2psim_hmm52_mirror_register((mirror), (mm), true))
#else
#define hmm_mirror_register(mirror, mm) (P2PSIM_HERE(), p2psim_hmm52_mirror_register((mirror), (mm), false))
#endif
#define hmm_mirror_unregister(mirror) (P2PSIM_HERE(), p2psim_hmm52_mirror_unregister(mirror))
#define hmm_mirror_mm_is_alive(mirror) p2psim_hmm52_mirror_mm_is_alive(mirror)
#define hmm_range_register(range, who, start, end, page_shift)                                                         \
	(P2PSIM_HERE(), _Generic((who),                                                                                \
		struct mm_struct *: p2psim_hmm52_range_register_mm,                                                    \
		struct hmm_mirror *: p2psim_hmm52_range_register)((range), (who), (start), (end), (page_shift)))
#define hmm_range_unregister(range) (P2PSIM_HERE(), p2psim_hmm52_range_unregister(range))
#define hmm_range_wait_until_valid(range, timeout_ms)                                                                  \
	(P2PSIM_HERE(), p2psim_hmm52_range_wait_until_valid((range), (timeout_ms)))
#define hmm_range_valid(range) (P2PSIM_HERE(), p2psim_hmm52_range_valid(range))
#define hmm_range_snapshot(range) (P2PSIM_HERE(), p2psim_hmm52_range_snapshot(range))
#define hmm_range_fault(range, block) (P2PSIM_HERE(), p2psim_hmm52_range_fault((range), (block)))
#define hmm_range_dma_map(range, device, daddrs, block)                                                                \
	(P2PSIM_HERE(), p2psim_hmm52_range_dma_map((range), (device), (daddrs), (block)))
#define hmm_range_dma_unmap(range, vma, device, daddrs, dirty)                                                         \
	(P2PSIM_HERE(), p2psim_hmm52_range_dma_unmap((range), (vma), (device), (daddrs), (dirty)))

static inline unsigned long hmm_range_page_shift(const struct hmm_range *range)
{
	return range->page_shift;
}

static inline unsigned long hmm_range_page_size(const struct hmm_range *range)
{
	return 1UL << range->page_shift;
}

/* The pfn of an entry; ~0 when it is no page. */
static inline unsigned long hmm_device_entry_to_pfn(const struct hmm_range *range, uint64_t entry)
{
	if (entry == range->values[HMM_PFN_NONE] || entry == range->values[HMM_PFN_ERROR] ||
	    entry == range->values[HMM_PFN_SPECIAL] || !(entry & range->flags[HMM_PFN_VALID]))
		return ~0UL;
	return entry >> range->pfn_shift;
}

static inline struct page *hmm_device_entry_to_page(const struct hmm_range *range, uint64_t entry)
{
	unsigned long pfn = hmm_device_entry_to_pfn(range, entry);

	return pfn == ~0UL ? NULL : pfn_to_page(pfn);
}

static inline uint64_t hmm_device_entry_from_pfn(const struct hmm_range *range, unsigned long pfn)
{
	return (uint64_t)pfn << range->pfn_shift | range->flags[HMM_PFN_VALID];
}

static inline uint64_t hmm_device_entry_from_page(const struct hmm_range *range, struct page *page)
{
	return hmm_device_entry_from_pfn(range, page_to_pfn(page));
}

#endif
