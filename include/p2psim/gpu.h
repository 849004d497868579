/* SPDX-License-Identifier: MIT */
/*
 * gpu: an exporter.  A PCI endpoint with memory of its own (VRAM), a BAR that shows parts of it to the bus, and a device
 * file whose mmap() makes one VMA per buffer object; the VMA's p2p_map()/p2p_unmap() let another device reach the object.
 *
 * The life of an object, with the call on each arrow:
 *
 *	            object_create()                first p2p_map() or CPU fault: a window of the BAR is taken
 *	  (none) ------------------> in VRAM, no window ------------------------------> in VRAM, in the BAR
 *	                                 ^                                              |  ^       |
 *	                                 |              p2psim_gpu_restore()            |  +-------+ defragment()
 *	                                 +------------------------------------- in RAM <+ evict()
 *
 * Each arrow that changes where an object is obeys the same four lines (timeline T2), written down in gpu_move.c:
 * close the door to new maps; revoke without any lock that p2p_unmap() takes; wait until nobody maps it; move.
 *
 * Besides objects VRAM holds pages of regular VMAs, one by one (HMM, device-private memory; gpu_pages.c):
 *
 *	p2psim_gpu_migrate()	RAM -> VRAM; the CPU's page table has an entry that faults
 *	the CPU touches it	VRAM -> RAM; so does eviction, and a peer that is refused
 *	a peer imports it	it stays, if the policy and the route allow: p2p_map() of its pagemap, a window of one page
 *
 * An object is reached through a file offset: p2psim_gpu_object_offset() is what userspace hands to mmap().
 *
 * Left out compared with a real GPU: engines, command streams, its own MMU, fences, tiling, several processes' handles.
 */
#ifndef P2PSIM_GPU_H
#define P2PSIM_GPU_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct file;
struct mm_struct;
struct pci_dev;
struct p2psim_gpu;
struct p2psim_gpu_object;

/*
 * May `importer` reach this object, for writing as well if `write`?  Asked at every p2p_map() (C8): the answer may
 * change from call to call.  False refuses with P2PSIM_REASON_POLICY (-EACCES).
 * Context: mmap_lock held for reading and the gpu's placement lock; must not sleep on other locks of the gpu.
 */
typedef bool (*p2psim_gpu_policy_fn)(const struct p2psim_gpu_object *bo, const struct device *importer, bool write,
				     void *arg);

/* What a driver author gets wrong, on request: the broken twins of the scenarios. */
enum p2psim_gpu_fault {
	P2PSIM_GPU_NO_FAULT = 0,
	P2PSIM_GPU_MOVE_WITHOUT_REVOKE = 1 << 0,   /* moves an object and tells nobody: STALE */
	P2PSIM_GPU_MOVE_WITHOUT_WAIT = 1 << 1,	   /* revokes, does not wait for p2p_unmap(): STALE, BALANCE */
	P2PSIM_GPU_MOVE_WITH_DOOR_OPEN = 1 << 2,   /* lets maps in while it moves: STALE, DATA */
	P2PSIM_GPU_UNPLUG_WITHOUT_WAIT = 1 << 3,   /* takes the BAR away under the importers: STALE, LEAK */
	P2PSIM_GPU_UNPLUG_WITHOUT_REVOKE = 1 << 4, /* waits for unmaps that nobody was asked for: DEADLOCK */
	P2PSIM_GPU_KEEP_VRAM = 1 << 5,		   /* hands out VRAM with the last owner's bytes: DATA */
	P2PSIM_GPU_BREAK_PROMISE = 1 << 6,	   /* refuses what it once granted: CONTRACT (C3) */
	P2PSIM_GPU_REVOKE_UNDER_LOCK = 1 << 7,	   /* revokes and waits with the placement lock held: DEADLOCK (T2.1) */
	P2PSIM_GPU_LEAK_WINDOW = 1 << 8,	   /* forgets the BAR window of a freed object: LEAK */
	P2PSIM_GPU_FREE_EARLY = 1 << 9,		   /* a page that goes to RAM loses its window before the peers know: STALE */
	P2PSIM_GPU_STEAL_WINDOW = 1 << 10,	   /* takes the window of a page that a peer has mapped: STALE */
};

struct p2psim_gpu_config {
	const char *name;	     /* "gpu0"; static; NULL: "gpu" */
	unsigned long bar_pages;     /* size of BAR 0 in pages, a power of two; 0: 16 */
	unsigned long vram_pages;    /* 0: 64; may exceed the BAR */
	p2psim_gpu_policy_fn policy; /* NULL: everybody may */
	void *policy_arg;
	unsigned int faults;	     /* mask of enum p2psim_gpu_fault */
};

/* Where an object is at the moment. */
enum p2psim_gpu_place {
	P2PSIM_GPU_VRAM,    /* in VRAM, without a window: the CPU and peers cannot see it */
	P2PSIM_GPU_BAR,	    /* in VRAM, visible in BAR 0 */
	P2PSIM_GPU_RAM,	    /* evicted to main memory */
	P2PSIM_GPU_NOWHERE, /* the gpu is gone */
};

enum p2psim_gpu_object_flags {
	P2PSIM_GPU_OBJECT_NO_FLAGS = 0,
	P2PSIM_GPU_OBJECT_NO_CPU = 1 << 0,   /* no CPU mapping: a load or store is SIGBUS, p2p_map() works (S18) */
	P2PSIM_GPU_OBJECT_NO_P2P = 1 << 1,   /* not for peers: p2p_map() refuses with P2PSIM_REASON_POLICY */
	P2PSIM_GPU_OBJECT_NO_SPLIT = 1 << 2, /* munmap() or mprotect() of a part is -EINVAL */
	P2PSIM_GPU_OBJECT_MAY_PIN = 1 << 3,  /* peers may keep a mapping until munmap() (S20); it is not moved until then */
};

/* A gpu below `parent` (a root port, a switch port).  NULL when out of memory or out of bus addresses.  May sleep. */
P2PSIM_EXPORT struct p2psim_gpu *p2psim_gpu_create(struct pci_dev *parent, const struct p2psim_gpu_config *config);
/*
 * Takes the gpu away for good: unplugs it if that has not happened, puts each object that nobody has put.  The memory goes
 * with the last VMA.  Context: may sleep; no locks.
 */
P2PSIM_EXPORT void p2psim_gpu_destroy(struct p2psim_gpu *gpu);

P2PSIM_EXPORT struct pci_dev *p2psim_gpu_pdev(const struct p2psim_gpu *gpu);
/* Its device file, for p2psim_mmap(); lives as long as the gpu. */
P2PSIM_EXPORT struct file *p2psim_gpu_file(const struct p2psim_gpu *gpu);
/* Takes effect at the next p2p_map(); what is mapped stays mapped (p2psim_gpu_revoke() ends it).  `policy` NULL: all. */
P2PSIM_EXPORT void p2psim_gpu_set_policy(struct p2psim_gpu *gpu, p2psim_gpu_policy_fn policy, void *arg);
/* Mask of enum p2psim_gpu_fault, from now on. */
P2PSIM_EXPORT void p2psim_gpu_set_faults(struct p2psim_gpu *gpu, unsigned int faults);

/*
 * A buffer object of `pages` pages of VRAM, zeroed.  The handle is a reference, each VMA another; p2psim_gpu_object_put()
 * gives the handle back, or p2psim_gpu_destroy() does.
 * NULL when VRAM or memory ran out, or the gpu is gone.
 */
P2PSIM_EXPORT struct p2psim_gpu_object *p2psim_gpu_object_create(struct p2psim_gpu *gpu, unsigned long pages,
								 unsigned int flags);
P2PSIM_EXPORT void p2psim_gpu_object_put(struct p2psim_gpu_object *bo);
/* The offset, in bytes, at which mmap() of the gpu's file finds the object. */
P2PSIM_EXPORT unsigned long p2psim_gpu_object_offset(const struct p2psim_gpu_object *bo);
P2PSIM_EXPORT unsigned long p2psim_gpu_object_pages(const struct p2psim_gpu_object *bo);
/* As an ioctl would (C8): takes effect at the next call of p2p_map() or fault(). */
P2PSIM_EXPORT void p2psim_gpu_object_set_flags(struct p2psim_gpu_object *bo, unsigned int flags);
P2PSIM_EXPORT enum p2psim_gpu_place p2psim_gpu_object_place(const struct p2psim_gpu_object *bo);
/* First page of its window in BAR 0, or -ENXIO when it has none. */
P2PSIM_EXPORT long p2psim_gpu_object_bar_page(const struct p2psim_gpu_object *bo);
/* How many pages of it are mapped by peers now; how often fault() was called for it (S2: p2p_map() never does). */
P2PSIM_EXPORT unsigned long p2psim_gpu_object_mapped(const struct p2psim_gpu_object *bo);
P2PSIM_EXPORT unsigned long p2psim_gpu_object_faults(const struct p2psim_gpu_object *bo);

/*
 * The engine's own access to an object, wherever it is: what a shader or the command processor would do.
 * 0, -EFAULT outside the object, -ENODEV after unplug, -ENOMEM.  DATA when it reads what a former owner left behind.
 */
P2PSIM_EXPORT int p2psim_gpu_object_read(struct p2psim_gpu_object *bo, unsigned long offset, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_gpu_object_write(struct p2psim_gpu_object *bo, unsigned long offset, const void *buf,
					  size_t len);

/*
 * Ends every mapping of the object, the CPU's and the peers', without moving it: unmap_mapping_range(), then waits until
 * the map count is 0.  They may map it again at once.
 * Context: may sleep; without the importers' locks and mmap_lock.  Return: 0.
 */
P2PSIM_EXPORT int p2psim_gpu_revoke(struct p2psim_gpu_object *bo);
/*
 * Moves the object's bytes to main memory, its window is free.  Peers that map it afterwards get RAM (C9).
 * Return: 0 (also when it is there already), -ENOMEM with nothing changed, -ENODEV, -EBUSY: somebody else moves it, or
 * a peer has pinned it.
 */
P2PSIM_EXPORT int p2psim_gpu_evict(struct p2psim_gpu_object *bo);
/* And back to VRAM, with a window if it had one.  -ENOSPC: no VRAM or no window free, it stays in RAM. */
P2PSIM_EXPORT int p2psim_gpu_restore(struct p2psim_gpu_object *bo);
/*
 * Packs the windows of BAR 0 towards its start, one object at a time: each that moves is revoked first (C5).
 * Return: how many objects moved, or -errno.
 */
P2PSIM_EXPORT int p2psim_gpu_defragment(struct p2psim_gpu *gpu);
/*
 * Hot unplug (S10): from now on p2p_map() is -ENODEV and a CPU access SIGBUS; every mapping is revoked; returns when the
 * last peer has called p2p_unmap().  Idempotent.  Return: 0.
 */
P2PSIM_EXPORT int p2psim_gpu_unplug(struct p2psim_gpu *gpu);

/*
 * Moves the pages of [start, end), anonymous memory of `mm`, to VRAM, as far as there is room and nobody else holds them.
 * Return: how many moved; -EINVAL (alignment, empty), -EFAULT (a hole, an mm that goes), -ENODEV, -ENOMEM.
 * Context: may sleep; without mmap_lock.  Invalidates: MIGRATE.
 */
P2PSIM_EXPORT long p2psim_gpu_migrate(struct p2psim_gpu *gpu, struct mm_struct *mm, unsigned long start,
				      unsigned long end);
/* And all that there are back to RAM, of every mm: CLEAR.  What finds no memory stays.  Context: as above. */
P2PSIM_EXPORT void p2psim_gpu_evict_pages(struct p2psim_gpu *gpu);
/* How many pages of VRAM are in use so, and how many of these a peer has mapped.  No step: for assertions. */
P2PSIM_EXPORT unsigned long p2psim_gpu_pages(const struct p2psim_gpu *gpu);
P2PSIM_EXPORT unsigned long p2psim_gpu_pages_mapped(const struct p2psim_gpu *gpu);

P2PSIM_END_DECLS

#endif
