/* SPDX-License-Identifier: MIT */
/*
 * gpu, inside: objects, VRAM, windows.
 *
 *	VMA --vm_private_data--> object --vram_start--> VRAM pages		what it is
 *	                            |----bar_page-----> window of BAR 0		where peers and the CPU see it
 *	                            `----ram----------> struct page *[]		instead of both, while evicted
 *
 * Rules (G = cited by the tests)
 *	G1  place, bar_page, vram_start, ram and the doors (moving, gone) change only under gpu->place.
 *	G2  they do not change at all while `mapped` is not 0: who moves an object waits for that.
 *	G3  p2p_unmap() takes no lock.  It runs inside notifiers, under locks that we know nothing of.
 *	G4  no revoke and no wait under gpu->place: an importer that holds other mappings may stand in p2p_map() for it.
 *	G5  p2p_map() does not wait for a moving object, it says -EBUSY: its caller may hold a mapping of the object that
 *	    the same mover waits for.
 *	G6  a page of VRAM is zeroed before another object gets it.
 *	G7  pages of regular VMAs are objects of one page without a file.  page_free() only queues them: their VRAM and
 *	    window go later, under gpu->place, and not while `mapped` is not 0 (G2).
 *
 * Lock order: mmap_lock > gpu->place.  An importer's lock nests outside p2p_unmap() and thus outside nothing of ours.
 */
#ifndef P2PSIM_DEVICES_GPU_INTERNAL_H
#define P2PSIM_DEVICES_GPU_INTERNAL_H

#include <p2psim/bar.h>
#include <p2psim/gpu.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/wait.h>

/* One page of VRAM: contents where something was stored (NULL reads as zeros), and whose they are. */
struct gpu_vram_page {
	const struct p2psim_gpu_object *bo;	/* who has it; NULL = free */
	char *data;
	u32 owner;				/* id of the object that the bytes belong to */
};

struct p2psim_gpu {
	struct kref kref;		/* p2psim_gpu_create()'s, and one an object */
	struct pci_dev *pdev;
	const char *name;
	struct file *file;
	p2psim_gpu_policy_fn policy;
	void *policy_arg;
	unsigned int faults;		/* mask of enum p2psim_gpu_fault */

	/* Where things are.  Nests inside mmap_lock; the importers' locks never nest inside it. */
	struct mutex place;
	struct list_head objects;	/* by file offset */
	struct p2psim_bar *bar;
	struct gpu_vram_page *vram;
	unsigned long vram_pages;
	unsigned long next_pgoff;
	bool gone;			/* unplugged: no new mapping of anything */

	struct gpu_pages *pages;	/* place; NULL: nothing was ever migrated */

	wait_queue_head_t wait;		/* a map count became 0, or a door opened */
};

struct p2psim_gpu_object {
	struct p2psim_object obj;
	struct kref kref;		/* the handle, and one a VMA */
	struct p2psim_gpu *gpu;
	unsigned long pages;
	unsigned long pgoff;		/* in the device file */
	unsigned int flags;		/* enum p2psim_gpu_object_flags */

	/* gpu->place */
	struct list_head link;
	bool handle;			/* p2psim_gpu_object_put() is still to come */
	bool moving;			/* the door: closed to p2p_map(), fault() waits */
	bool pinned;			/* as long as `mapped`: a peer keeps its mapping until munmap() */
	bool granted;			/* a peer was let in once: it must work again (C3), so the window is kept or retaken */
	enum p2psim_gpu_place place;
	long bar_page;			/* -1 = no window */
	long vram_start;		/* -1 = not in VRAM */
	struct page **ram;

	atomic_t mapped;		/* pages that peers have mapped */
	unsigned long faults;
};

/* A page of a regular VMA: page->zone_device_data, from migrate_vma_pages() until its VRAM is free again. */
struct gpu_page {
	struct p2psim_gpu_object bo;	/* link: in gpu_pages.used */
	struct page *page;
	struct list_head freed;		/* in gpu_pages.freed */
};

/* All of them. */
struct gpu_pages {
	struct p2psim_gpu *gpu;
	struct resource *region;
	struct list_head used;		/* gpu->place; the freed ones, too */
	spinlock_t lock;		/* nests inside everything: page_free() takes it */
	struct list_head freed;		/* lock; the mm has given them up */
	atomic_t moving;		/* p2psim_gpu_migrate() under way */
	struct dev_pagemap pagemap;	/* pfn n of it is page n of VRAM; the last: it ends in an array */
};

/* gpu.c */
void gpu_get(struct p2psim_gpu *gpu);
void gpu_put(struct p2psim_gpu *gpu);

/* gpu_object.c */
void gpu_object_get(struct p2psim_gpu_object *bo);
void gpu_object_put(struct p2psim_gpu_object *bo);
/* The object that has [pgoff, pgoff + pages) of the file, with a reference, or NULL. */
struct p2psim_gpu_object *gpu_object_find(struct p2psim_gpu *gpu, unsigned long pgoff, unsigned long pages);

/* gpu_memory.c: VRAM and BAR windows.  Context: gpu->place. */
int gpu_vram_alloc(struct p2psim_gpu_object *bo);
void gpu_vram_free(struct p2psim_gpu_object *bo);
int gpu_window_get(struct p2psim_gpu_object *bo);
void gpu_window_put(struct p2psim_gpu_object *bo);
/* Bytes of one page of an object that is in VRAM.  0, -ENOMEM.  DATA when they are somebody else's. */
int gpu_vram_read(const struct p2psim_gpu_object *bo, unsigned long page, unsigned int offset, void *buf, size_t len);
int gpu_vram_write(const struct p2psim_gpu_object *bo, unsigned long page, unsigned int offset, const void *buf,
		   size_t len);
extern const struct p2psim_bar_ops gpu_bar_ops;

/* gpu_pages.c: pages of regular VMAs */
/* Makes VRAM and windows of given-up pages free.  Context: gpu->place. */
void gpu_pages_reap(struct gpu_pages *pages);
/* Unplugged: all go to RAM.  Context: no locks. */
void gpu_pages_remove(struct p2psim_gpu *gpu);
/* A page of VRAM, locked, with a reference; NULL: none is free. */
struct gpu_page *gpu_pages_alloc(struct gpu_pages *pages);

/* gpu_pages_move.c */
/* How many of [start, end) have gone to VRAM, or -errno. */
long gpu_pages_move(struct gpu_pages *pages, struct mm_struct *mm, unsigned long start, unsigned long end);
vm_fault_t gpu_pages_migrate_to_ram(struct vm_fault *vmf);
void gpu_pages_evict(struct gpu_pages *pages);

/* gpu_pages_p2p.c */
long gpu_pages_p2p_map(struct dev_pagemap *pgmap, struct device *importer, struct page **pages, unsigned long npages,
		       dma_addr_t *pa, bool write);
unsigned long gpu_pages_p2p_unmap(struct dev_pagemap *pgmap, struct device *importer, struct page **pages,
				  unsigned long npages, dma_addr_t *pa);

/* gpu_vma.c: the device file and its VMAs. */
extern const struct file_operations gpu_fops;

/* gpu_p2p.c */
long gpu_p2p_map(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		 dma_addr_t *pa, bool write);
int gpu_p2p_pin(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end);
long gpu_p2p_unmap(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		   dma_addr_t *pa);

/* ALGO 1 to 3 of p2p_map(), for any kind of memory.  0 or a refusal.  Context: gpu->place. */
int gpu_check_door(const struct p2psim_gpu_object *bo);
int gpu_check_policy(const struct p2psim_gpu_object *bo, const struct device *importer, bool write);
int gpu_check_route(const struct p2psim_gpu_object *bo, struct device *importer);

/* gpu_move.c: the copy engine, between the object's VRAM and as many pages of RAM.  0 or -ENOMEM. */
int gpu_copy(const struct p2psim_gpu_object *bo, struct page **ram, bool to_ram);
/* The first lines of timeline T2 */
int gpu_door_close(struct p2psim_gpu_object *bo);
void gpu_door_open(struct p2psim_gpu_object *bo);
void gpu_revoke_and_wait(struct p2psim_gpu_object *bo);

static inline bool gpu_has_fault(const struct p2psim_gpu *gpu, enum p2psim_gpu_fault fault)
{
	return gpu->faults & fault;
}

static inline struct gpu_pages *gpu_pages_of(const struct page *page)
{
	return container_of(page->pgmap, struct gpu_pages, pagemap);
}

/* Page of the object that `addr` of the VMA shows. */
static inline unsigned long gpu_vma_page(const struct vm_area_struct *vma, unsigned long addr)
{
	const struct p2psim_gpu_object *bo = vma->vm_private_data;

	return vma->vm_pgoff - bo->pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

#endif
