/* SPDX-License-Identifier: MIT */
/*
 * Memory of devices that has struct pages (ZONE_DEVICE).  Mirrors: include/linux/memremap.h, 6.1 (reduced: no altmap, no compound
 * pages).
 *
 *	type		the CPU	its page tables	GUP				an unused page	the last put_page()
 *	PRIVATE		never	swap-like entry	to RAM first			count 0		page_free(), count 0
 *	COHERENT	as RAM	present		yes; FOLL_LONGTERM: to RAM	count 0		page_free(), count 0
 *	FS_DAX		as RAM	present		yes				count 1		nothing: 1 is idle
 *	GENERIC		as RAM	present		yes				count 1		nothing: 1 is idle
 *	PCI_P2PDMA	as MMIO	present		yes				count 1		page_free(), count 1
 *
 *	driver					mm
 *	memremap_pages()
 *	zone_device_page_init(page)		count 1, locked, a reference of the pagemap
 *	migrate_vma_*()				entries of the page
 *						put_page(), the last: page_free(), the pagemap's reference
 *	evicts, so that all come back
 *	memunmap_pages()			waits for the last reference of the pagemap
 */
#ifndef P2PSIM_LINUX_MEMREMAP_H
#define P2PSIM_LINUX_MEMREMAP_H

#include <p2psim/linux/completion.h>
#include <p2psim/linux/err.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/range.h>

struct device;

/* Same. */
enum memory_type {
	/* 0 is reserved to catch uninitialised types */
	MEMORY_DEVICE_PRIVATE = 1,
	MEMORY_DEVICE_COHERENT,
	MEMORY_DEVICE_FS_DAX,
	MEMORY_DEVICE_GENERIC,
	MEMORY_DEVICE_PCI_P2PDMA,
};

struct dev_pagemap_ops {
	/*
	 * The last reference is gone: the driver may hand the page out again.  page->mapping is NULL,
	 * page->zone_device_data the driver's.
	 * Context: whatever put_page() is called under; must not sleep (LOCKGRAPH).
	 */
	void (*page_free)(struct page *page);
	/*
	 * PRIVATE: the CPU has touched vmf->address, where vmf->page is, which has a reference more.  The driver moves
	 * the page to RAM (migrate_vma_*() with fault_page = vmf->page).
	 * Return: 0, and the access is tried again; VM_FAULT_SIGBUS.  Context: mmap_lock held for reading; may sleep.
	 */
	vm_fault_t (*migrate_to_ram)(struct vm_fault *vmf);
	int (*memory_failure)(struct dev_pagemap *pgmap, unsigned long pfn, unsigned long nr_pages, int mf_flags);
	/*
	 * *Invented*, after "[RFC PATCH 4/5] mm/hmm: add support for peer to peer to HMM device memory" (2019-01-29): PRIVATE,
	 * and `importer`, another device, wants to reach `npages` pages that lie in a row in a process, for writing if `write`.
	 * They stay where they are; pa[] gets one bus address a page.  NULL: nobody may.
	 * No reference is held: a page may be given up, or be somebody else's, by the time the driver looks.  Whoever asked
	 * finds that out by his own collision check, so what is granted in vain does no harm if the driver does not hand out
	 * the memory behind it before p2p_unmap().
	 * Return: how many pages, from the first on; 0: refused (or -errno, as good as 0), and who asked has the page brought
	 * back to RAM by migrate_to_ram().
	 * Context: mmap_lock held for reading; may sleep.
	 */
	long (*p2p_map)(struct dev_pagemap *pgmap, struct device *importer, struct page **pages, unsigned long npages,
			dma_addr_t *pa, bool write);
	/*
	 * The importer has stopped: from a notifier callback, before the page goes, or because it collided.
	 * Return: npages.  Context: any that may sleep; whatever the notifier holds.
	 */
	unsigned long (*p2p_unmap)(struct dev_pagemap *pgmap, struct device *importer, struct page **pages,
				   unsigned long npages, dma_addr_t *pa);
};

/* Reduced: how many references there are, and whether it is on its way out. */
struct percpu_ref {
	long p2psim_count;
	bool p2psim_killed;
};

struct dev_pagemap {
	struct percpu_ref ref;
	struct completion done;
	enum memory_type type;
	unsigned int flags;
	unsigned long vmemmap_shift;
	const struct dev_pagemap_ops *ops;
	void *owner;			/* whose pages: migrate_vma.pgmap_owner, hmm_range.dev_private_owner */
	int nr_range;
	union {
		struct range range;
		struct {
			struct {
			} __empty_ranges;
			struct range ranges[];
		};
	};
};

/*
 * Makes struct pages for all ranges of a pagemap, which lives until memunmap_pages().
 * Return: where the first range is, as a number that is no pointer to read through; or ERR_PTR(): -EINVAL: no range, not
 * whole pages, callbacks or an owner that the type needs are missing; -ENXIO: over RAM; -ENOMEM: over another pagemap, or
 * out of memory.
 * Context: may sleep.  Source: mm/memremap.c.
 */
P2PSIM_EXPORT void *memremap_pages(struct dev_pagemap *pgmap, int nid);
/*
 * Waits until nobody has a reference of the pagemap, then removes the pages.  Who has not moved his pages elsewhere waits
 * for ever.
 * Pages of FS_DAX and GENERIC are not waited for: one that is in use still is a UAF.
 * Context: may sleep; holding nothing that page_free() or a fault needs.
 */
P2PSIM_EXPORT void memunmap_pages(struct dev_pagemap *pgmap);
#define memremap_pages(pgmap, nid) (P2PSIM_HERE(), memremap_pages((pgmap), (nid)))
#define memunmap_pages(pgmap) (P2PSIM_HERE(), memunmap_pages(pgmap))

/*
 * Takes an unused page (count 0) of PRIVATE or COHERENT memory into use: count 1, locked, its bytes are whatever they were.
 * CONTRACT: it is in use; the pagemap is on its way out.
 */
P2PSIM_EXPORT void zone_device_page_init(struct page *page);
#define zone_device_page_init(page) (P2PSIM_HERE(), zone_device_page_init(page))

/*
 * The pagemap that has the pfn, with a reference; NULL: none, or it is on its way out.  `pgmap`: NULL, or one held, which
 * is put if it is another.
 */
P2PSIM_EXPORT struct dev_pagemap *get_dev_pagemap(unsigned long pfn, struct dev_pagemap *pgmap);
P2PSIM_EXPORT void put_dev_pagemap(struct dev_pagemap *pgmap);

static inline bool is_zone_device_page(const struct page *page)
{
	return page->flags & 1UL << PG_device;
}

static inline bool is_device_private_page(const struct page *page)
{
	return is_zone_device_page(page) && page->pgmap->type == MEMORY_DEVICE_PRIVATE;
}

static inline bool is_device_coherent_page(const struct page *page)
{
	return is_zone_device_page(page) && page->pgmap->type == MEMORY_DEVICE_COHERENT;
}

static inline bool is_pci_p2pdma_page(const struct page *page)
{
	return is_zone_device_page(page) && page->pgmap->type == MEMORY_DEVICE_PCI_P2PDMA;
}

#endif
