/* SPDX-License-Identifier: MIT */
/*
 * importer: a device driver that imports without HMM.
 *
 * It follows the three steps of Glisse's mail of 2019-01-29:
 *	1. look the VMA of the range up;
 *	2. a regular VMA: pin_user_pages() and dma_map_page(); the mmap of a device file with p2p_map(): call it (C13);
 *	3. program the device with either.
 * and obeys the classic mmu_notifier (the list of callbacks an mm has had since 2008).  A range may lie in one VMA only:
 * what that costs is the argument of Gunthorpe's mail of 2019-01-30; the nic (<p2psim/nic.h>) does without the rule.
 *
 * Also here: the block layer's use of user memory (O_DIRECT), which knows GUP and nothing else.
 *
 * Left out: fault-and-retry.  A mapping that an invalidation took is gone until the caller maps again.
 */
#ifndef P2PSIM_IMPORTER_H
#define P2PSIM_IMPORTER_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct mm_struct;
struct pci_dev;
struct p2psim_import;
struct p2psim_importer;

enum p2psim_importer_flags {
	P2PSIM_IMPORTER_NO_FLAGS = 0,
	P2PSIM_IMPORTER_NO_NOTIFIER = 1 << 0,	    /* cannot obey a notifier: no device VMA for it (S19) */
	P2PSIM_IMPORTER_IGNORE_INVALIDATE = 1 << 1, /* deliberate fault: keeps what was invalidated: CONTRACT, STALE */
	P2PSIM_IMPORTER_FORGET_UNMAP = 1 << 2,	    /* deliberate fault: drops it without p2p_unmap(): LEAK */
};

enum p2psim_import_flags {
	P2PSIM_IMPORT_NO_FLAGS = 0,
	P2PSIM_IMPORT_WRITE = 1 << 0,
	P2PSIM_IMPORT_PIN = 1 << 1, /* obey nothing but UNMAP and RELEASE (S20); the exporter may refuse: -EOPNOTSUPP */
};

/* How an import reaches its memory. */
enum p2psim_import_kind {
	P2PSIM_IMPORT_GUP, /* pinned struct pages */
	P2PSIM_IMPORT_P2P, /* p2p_map() */
	P2PSIM_IMPORT_GONE, /* invalidated: an access is -EFAULT */
};

/* An importer below `parent`; `name` is static.  NULL when out of memory. */
P2PSIM_EXPORT struct p2psim_importer *p2psim_importer_create(struct pci_dev *parent, const char *name,
							     unsigned int flags);
/* Context: all its imports are gone, else CONTRACT. */
P2PSIM_EXPORT void p2psim_importer_destroy(struct p2psim_importer *importer);
P2PSIM_EXPORT struct device *p2psim_importer_dev(const struct p2psim_importer *importer);

/*
 * Imports [start, end) of `mm`, page aligned, inside one VMA.
 * Return: 0 and *import; -EINVAL (range); -EFAULT: no VMA, two VMAs, a GUP that failed; the errnos of the exporter's
 * refusal as they are (<p2psim/reason.h>), -EOPNOTSUPP for a VMA without p2p_map(); -EBUSY: collided with an
 * invalidation, try again; -ENOMEM.
 * Context: may sleep; without mmap_lock.
 */
P2PSIM_EXPORT int p2psim_import_create(struct p2psim_importer *importer, struct mm_struct *mm, unsigned long start,
				       unsigned long end, unsigned int flags, struct p2psim_import **import);
/* Gives the mapping back, if an invalidation has not taken it.  May sleep; without mmap_lock. */
P2PSIM_EXPORT void p2psim_import_destroy(struct p2psim_import *import);
P2PSIM_EXPORT enum p2psim_import_kind p2psim_import_kind(const struct p2psim_import *import);
/* Bus address of the n-th page, or ~0 when it is gone. */
P2PSIM_EXPORT uint64_t p2psim_import_dma(const struct p2psim_import *import, unsigned long n);

/* DMA at `va`: 0; -EFAULT outside it or gone; -EPERM a write to a read-only import; the errnos of the bus. */
P2PSIM_EXPORT int p2psim_import_read(struct p2psim_import *import, unsigned long va, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_import_write(struct p2psim_import *import, unsigned long va, const void *buf, size_t len);

/*
 * What O_DIRECT does with user memory: pins the pages by GUP, maps them for the device, moves the bytes, unmaps, unpins.
 * A VMA without struct page (VM_PFNMAP, VM_IO) has nothing to pin: -EFAULT, whatever p2p_map() would say
 * (Gunthorpe, 2019-01-30).  `to_memory`: the device writes to memory (a read(2) of a disk).
 * Context: may sleep; without mmap_lock.
 */
P2PSIM_EXPORT int p2psim_direct_io(struct p2psim_importer *importer, struct mm_struct *mm, unsigned long va, void *buf,
				   size_t len, bool to_memory);

P2PSIM_END_DECLS

#endif
