/* SPDX-License-Identifier: MIT */
/*
 * dmirror from inside.
 *
 *	struct dmirror_device	one of the four: its memory, in chunks, and who may hand it out
 *	struct dmirror		an open file: the mirror of one mm
 *	struct dmirror_entry	one page of a mirror: which page, and what the device may do with it
 *
 * Locks: mmap_lock > devmem_lock, mirrors_lock > dmirror.mutex > device.lock.  The mutex is the one that the notifier's callback
 * takes.
 */
#ifndef P2PSIM_DEVICES_DMIRROR_INTERNAL_H
#define P2PSIM_DEVICES_DMIRROR_INTERNAL_H

#include <p2psim/dmirror.h>
#include <p2psim/linux/cdev.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/interval_tree.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/wait.h>

#define DMIRROR_BATCH 64	/* pages that are asked for at once */
#define DMIRROR_EVICT 512UL	/* pages that are evicted at once */

struct dmirror_device;

struct dmirror_chunk {
	struct dmirror_device *device;
	struct resource *region;
	struct list_head link;		/* in device->chunks, oldest first */
	unsigned long unused;		/* pages below this pfn were never handed out */
	unsigned long first;		/* pfn */
	bool remove;			/* its pages do not come back to us */
	unsigned long *pfns;		/* for eviction, which cannot fail: 2 * DMIRROR_EVICT */
	struct dev_pagemap pagemap;	/* the last: it ends in an array */
};

struct dmirror_device {
	struct device device;
	struct cdev cdev;
	struct p2psim_dmirror *driver;
	bool coherent;
	struct mutex devmem_lock;	/* of `chunks` */
	spinlock_t lock;		/* of the free pages */
	struct list_head chunks;
	struct page *free;		/* linked by zone_device_data; the last freed first */
	struct mutex mirrors_lock;
	struct list_head mirrors;
	struct list_head moves;		/* struct dmirror_move, under way */
	wait_queue_head_t moved;	/* one is over */
};

enum dmirror_access {
	DMIRROR_READ,
	DMIRROR_WRITE,
	DMIRROR_ATOMIC,
};

struct dmirror_entry {
	struct interval_tree_node node;	/* one page: start is its number */
	struct page *page;		/* as the CPU's page table says it: not the one behind */
	enum dmirror_access access;
};

/* A migration: until it is over no mirror of the mm uses its entries of these pages. */
struct dmirror_move {
	struct list_head link;
	const struct mm_struct *mm;
	unsigned long first, last;
};

struct dmirror {
	struct dmirror_device *device;
	struct list_head link;		/* in device->mirrors */
	struct mmu_interval_notifier notifier;
	struct mutex mutex;		/* of the table */
	struct rb_root_cached table;
};

struct p2psim_dmirror {
	struct dmirror_device *devices[P2PSIM_DMIRROR_DEVICES];
	dev_t numbers;
	struct p2psim_dmirror_config config;
};

/* Does the driver make this mistake? */
static inline bool dmirror_has(const struct dmirror_device *device, unsigned int mistake)
{
	return device->driver->config.mistakes & mistake;
}

static inline struct mm_struct *dmirror_mm(const struct dmirror *dmirror)
{
	return dmirror->notifier.mm;
}

/* ---- dmirror_table.c ---- */

extern const struct mmu_interval_notifier_ops dmirror_notifier_ops;
struct dmirror_entry *dmirror_find(const struct dmirror *dmirror, unsigned long vpfn);
/* 0 or -ENOMEM.  Context: the mutex. */
int dmirror_set(struct dmirror *dmirror, unsigned long vpfn, struct page *page, enum dmirror_access access);
/* Entries [first, last]. */
void dmirror_erase(struct dmirror *dmirror, unsigned long first, unsigned long last);
/* In all mirrors of mm that the device has. */
void dmirror_erase_all(struct dmirror_device *device, const struct mm_struct *mm, unsigned long vpfn);
/* Begins: whoever uses these pages through the device is done when it returns.  Ends: they may go on. */
void dmirror_move_begin(struct dmirror_device *device, struct dmirror_move *move);
void dmirror_move_end(struct dmirror_device *device, struct dmirror_move *move);
bool dmirror_is_moving(const struct dmirror *dmirror, unsigned long vpfn);

/* ---- dmirror_fault.c ---- */

/*
 * hmm_range_fault() until nobody has interfered; then the mutex is held, and the entries are true as long as it is.  0;
 * -EBUSY: not within HMM_RANGE_DEFAULT_TIMEOUT; what hmm_range_fault() says.
 */
int dmirror_range_fault(struct dmirror *dmirror, struct hmm_range *range);
/* The pages of [start, end) into the table, for reading or writing. */
int dmirror_fault(struct dmirror *dmirror, unsigned long start, unsigned long end, bool write);

/* ---- dmirror_access.c ---- */

int dmirror_read(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
int dmirror_write(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
/* What is in the table, without a fault: 0, cpages; -ENOENT. */
int dmirror_read_table(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);

/* ---- dmirror_memory.c ---- */

/* A page of the device, locked, with a reference; NULL: out of memory. */
struct page *dmirror_alloc_page(struct dmirror_device *device);
/* Where the bytes of a page are: of a private page, in the RAM that plays the device's memory. */
struct page *dmirror_backing_page(struct page *page);
/* All pages of the device move to RAM. */
void dmirror_evict(struct dmirror_device *device);
/* The same, and the memory is given up. */
void dmirror_remove_chunks(struct dmirror_device *device);
extern const struct dev_pagemap_ops dmirror_pagemap_ops;

/* ---- dmirror_migrate.c ---- */

int dmirror_migrate_to_device(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
int dmirror_migrate_to_system(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
vm_fault_t dmirror_migrate_to_ram(struct vm_fault *vmf);

/* ---- dmirror_snapshot.c, dmirror_exclusive.c ---- */

int dmirror_snapshot(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
int dmirror_exclusive(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd);
int dmirror_check_exclusive(struct dmirror *dmirror, const struct p2psim_dmirror_cmd *cmd);

#endif
