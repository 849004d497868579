/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory: RAM by physical address, MMIO windows beside it, and what the oracles know about a page.
 */
#ifndef P2PSIM_RAM_H
#define P2PSIM_RAM_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct mm_struct;
struct page;

/*
 * Bytes of RAM within one page.  0; -EFAULT: no RAM there.  STALE when the page is free.
 * Context: takes no step: whoever drives the access has taken it.
 */
P2PSIM_EXPORT int p2psim_ram_read(uint64_t phys, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_ram_write(uint64_t phys, const void *buf, size_t len);

/* Who may see the bytes of a page: an object id (an mm's, a buffer object's); 0 = anybody. */
P2PSIM_EXPORT void p2psim_page_set_owner(struct page *page, uint32_t owner);
P2PSIM_EXPORT uint32_t p2psim_page_owner(const struct page *page);

/* Changes whenever the page is handed out again: who reached it before has something else now. */
P2PSIM_EXPORT uint32_t p2psim_page_generation(const struct page *page);

/* A physical range that is no RAM: a BAR.  The handlers return 0 or -errno; a failed CPU read gives all ones. */
struct p2psim_mmio {
	int (*read)(void *arg, uint64_t phys, void *buf, size_t len);
	int (*write)(void *arg, uint64_t phys, const void *buf, size_t len);
};
/* 0; -EINVAL: empty or over RAM; -EBUSY: overlaps another; -ENOMEM. */
P2PSIM_EXPORT int p2psim_mmio_register(uint64_t start, uint64_t end, const struct p2psim_mmio *mmio, void *arg);
P2PSIM_EXPORT void p2psim_mmio_unregister(uint64_t start);
/* A CPU access within one page, to RAM or MMIO; nobody there: reads all ones, writes vanish (0 either way). */
P2PSIM_EXPORT int p2psim_phys_access(uint64_t phys, void *buf, size_t len, bool write);

/*
 * May a device still use the translation va -> phys that it once got from the page tables of mm?
 * Yes while the CPU maps that page there (writable, for a write) or an invalidation over va is still running.  Otherwise
 * STALE, with the step at which the invalidation ended that the device should have obeyed.
 */
P2PSIM_EXPORT bool p2psim_translation_check(struct mm_struct *mm, unsigned long va, uint64_t phys, bool write);

/* Pages of RAM in use, the zero page not counted. */
P2PSIM_EXPORT unsigned long p2psim_ram_used(void);

P2PSIM_END_DECLS

#endif
