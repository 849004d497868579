/* SPDX-License-Identifier: MIT */
/*
 * What lies behind a BAR: windows onto the memory of a device.
 *
 *	BAR 0 of gpu0		 +----+---------+----+-------------+
 *	(pages of the BAR)	 | w0 |         | w1 |             |	a window: its pages [first, first + pages)
 *				 +----+---------+----+-------------+
 *	device memory		  page 7..	 page 0..		its translation: from device_page on
 *
 * The life of a page of the BAR, with the call on each arrow:
 *
 *	never used --window_alloc()--> in a window --window_free(), window_move() away--> empty --window_alloc()--> ...
 *
 * Each arrow begins a new *generation* of the page and is a step that writes it, so that a DMA beat next to it is a
 * race that an explorer sees.  An access to an empty page by a peer or the CPU is a STALE violation that names the step
 * at which the window went; an access with an address that p2psim_bar_map() gave out for an earlier generation is one
 * too, even if somebody else's window is there now.  A page that was never used aborts the request.
 *
 * Mapping for peers: p2psim_bar_map() asks whether the importer can get there and gives the addresses to put on the
 * bus; p2psim_bar_unmap() takes them back.  They are booked on the importer like DMA mappings: LEAK, BALANCE.
 */
#ifndef P2PSIM_BAR_H
#define P2PSIM_BAR_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct p2psim_bar;
struct pci_dev;

/* One access to one page, after translation. */
struct p2psim_bar_access {
	void *arg;			/* of p2psim_bar_init() */
	void *cookie;			/* of the window */
	uint64_t bar_offset;		/* in bytes, from the start of the BAR */
	uint64_t device_offset;		/* in bytes, in the device's memory */
	bool by_cpu;			/* the CPU, by a load or store; else a peer's TLP */
};

/*
 * The exporter's half.  `len` stays inside one page.  Return: 0, or -errno: the request is completed with an abort.
 * Context: whoever accesses, after the step of the access; takes no lock that a DMA must not wait for.
 */
struct p2psim_bar_ops {
	int (*read)(const struct p2psim_bar_access *access, void *buf, size_t len);
	int (*write)(const struct p2psim_bar_access *access, const void *buf, size_t len);
};

/*
 * Puts `ops` behind BAR `bar` of the device and shows it to the CPU at pci_resource_start().  Pages that no window
 * covers answer nobody.  Return: the BAR's windows; NULL: no such memory BAR, taken already, or out of memory.
 */
P2PSIM_EXPORT struct p2psim_bar *p2psim_bar_init(struct pci_dev *pdev, int bar, const struct p2psim_bar_ops *ops,
						 void *arg);
/* Undoes it.  A window that is still there is a LEAK. */
P2PSIM_EXPORT void p2psim_bar_destroy(struct p2psim_bar *bar);
P2PSIM_EXPORT struct pci_dev *p2psim_bar_pdev(const struct p2psim_bar *bar);
P2PSIM_EXPORT int p2psim_bar_index(const struct p2psim_bar *bar);
P2PSIM_EXPORT unsigned long p2psim_bar_pages(const struct p2psim_bar *bar);

struct p2psim_bar_window {
	unsigned long first;		/* page of the BAR */
	unsigned long pages;
	uint64_t device_page;		/* what its first page shows */
	void *cookie;			/* the exporter's */
	uint32_t owner;			/* whose bytes they are, for the DATA oracle; 0 = anybody's */
	uint32_t generation;		/* of its first page */
	uint32_t id;			/* in reports */
};

/*
 * A window of `pages` pages, at the lowest place that is free and whose first page is a multiple of `align_pages`
 * (0 or 1: anywhere), onto device pages [device_page, ...).
 * Return: its first page, which names it from now on; -ENOSPC, -ENOMEM, -EINVAL (0 pages, alignment no power of two),
 * -ENODEV after the device was removed.  One step when it succeeds.
 */
P2PSIM_EXPORT long p2psim_bar_window_alloc(struct p2psim_bar *bar, unsigned long pages, unsigned long align_pages,
					   uint64_t device_page, void *cookie);
/* CONTRACT when no window begins at `first`.  One step. */
P2PSIM_EXPORT void p2psim_bar_window_free(struct p2psim_bar *bar, unsigned long first);
/*
 * The window goes to page `to`; what it shows stays.  `to` may overlap the place where it was.
 * Return: 0; -EBUSY: another window is in the way; -EINVAL: beyond the BAR.  One step.
 */
P2PSIM_EXPORT int p2psim_bar_window_move(struct p2psim_bar *bar, unsigned long first, unsigned long to);
/* It shows other device pages from now on: a new generation, though its place stays.  One step. */
P2PSIM_EXPORT void p2psim_bar_window_retarget(struct p2psim_bar *bar, unsigned long first, uint64_t device_page);
P2PSIM_EXPORT void p2psim_bar_window_set_owner(struct p2psim_bar *bar, unsigned long first, uint32_t owner);
/* The window over that page of the BAR, or NULL. */
P2PSIM_EXPORT const struct p2psim_bar_window *p2psim_bar_window_at(const struct p2psim_bar *bar, unsigned long page);
/* The first window at or after that page, or NULL: to walk them in order of place. */
P2PSIM_EXPORT const struct p2psim_bar_window *p2psim_bar_window_next(const struct p2psim_bar *bar, unsigned long page);
/* The lowest place for it (-1: none) without taking it: what defragmentation asks. */
P2PSIM_EXPORT long p2psim_bar_window_place(const struct p2psim_bar *bar, unsigned long pages,
					   unsigned long align_pages);

/*
 * Gives `importer` the addresses of pages [page, page + pages) of the BAR: the bus address below a common bridge, the
 * CPU address by way of the root complex.  The pages must lie in windows, else CONTRACT.
 * Return: 0 and pa[]; or a refusal: DEVICE_GONE, NOT_PCI, NOT_ROUTABLE (no path, or beyond the importer's DMA mask).
 * Context: any; one step on the importer.
 */
P2PSIM_EXPORT int p2psim_bar_map(struct p2psim_bar *bar, unsigned long page, unsigned long pages,
				 struct device *importer, uint64_t *pa);
/* Takes pa[0..pages) back, in any portions.  BALANCE when the importer does not have them.  Leaves pa[] alone. */
P2PSIM_EXPORT void p2psim_bar_unmap(struct p2psim_bar *bar, unsigned long pages, struct device *importer,
				    const uint64_t *pa);

P2PSIM_END_DECLS

#endif
