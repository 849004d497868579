/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the fake device that tests HMM.  Four character devices, hmm_dmirror0 to hmm_dmirror3, that mirror the address space
 * of whoever opens them: 0 and 1 have memory that the CPU cannot reach (DEVICE_PRIVATE), 2 and 3 memory that it can
 * (DEVICE_COHERENT).  Mirrors: lib/test_hmm.c, 6.1; numbers and layout of its commands are the same, so that a program can drive
 * either.
 *
 *	p2psim_dmirror_load(NULL, &driver);
 *	p2psim_device_open(app, "hmm_dmirror0", O_RDWR, &file);
 *	cmd = (struct p2psim_dmirror_cmd){ .addr = va, .ptr = buffer, .npages = 4 };
 *	p2psim_store(app, at, &cmd, sizeof(cmd));
 *	p2psim_ioctl(app, file, P2PSIM_DMIRROR_READ, at);
 *	p2psim_load(app, at, &cmd, sizeof(cmd));		cpages, faults; the bytes are at `buffer`
 *	p2psim_close(app, file);				brings all memory of the device back
 *	p2psim_dmirror_unload(driver);
 */
#ifndef P2PSIM_DMIRROR_H
#define P2PSIM_DMIRROR_H

#include <sys/ioctl.h>

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct file;
struct p2psim_dmirror;

#define P2PSIM_DMIRROR_DEVICES 4

/* Addresses are the process's; cpages and faults are written when the command succeeds. */
struct p2psim_dmirror_cmd {
	uint64_t addr;		/* page aligned */
	uint64_t ptr;		/* of a buffer: npages pages, or npages bytes (SNAPSHOT) */
	uint64_t npages;
	uint64_t cpages;	/* pages copied, migrated or looked at */
	uint64_t faults;	/* how often the device had to ask the mm, in rounds */
};

/*
 * All: -EINVAL: addr is no page, npages 0, they wrap; -EFAULT: cmd or buffer cannot be reached.
 *
 *	READ			memory through the device's page table, faulting in what is missing: -EFAULT, -ENOMEM, -EBUSY
 *	WRITE			the same the other way; -EPERM: a VMA that cannot be written
 *	MIGRATE_TO_DEV		moves what can be moved, then reads; -ENOENT: a page is not in the device's table now, though
 *				the others have moved; -EINVAL: a hole, not readable
 *	MIGRATE_TO_SYS		back; cpages: how many moved
 *	SNAPSHOT		a P2PSIM_DMIRROR_PROT_* byte a page, nothing is faulted
 *	EXCLUSIVE		atomic access, then reads; -EBUSY: not all pages; those before are exclusive nevertheless
 *	CHECK_EXCLUSIVE		-EPERM: atomic access to one of them still
 *	RELEASE			all memory of the device goes back to RAM
 */
#define P2PSIM_DMIRROR_READ _IOWR('H', 0x00, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_WRITE _IOWR('H', 0x01, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_MIGRATE_TO_DEV _IOWR('H', 0x02, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_MIGRATE_TO_SYS _IOWR('H', 0x03, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_SNAPSHOT _IOWR('H', 0x04, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_EXCLUSIVE _IOWR('H', 0x05, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_CHECK_EXCLUSIVE _IOWR('H', 0x06, struct p2psim_dmirror_cmd)
#define P2PSIM_DMIRROR_RELEASE _IOWR('H', 0x07, struct p2psim_dmirror_cmd)

/* Or'ed. */
enum p2psim_dmirror_prot {
	P2PSIM_DMIRROR_PROT_ERROR = 0xff,
	P2PSIM_DMIRROR_PROT_NONE = 0x00,
	P2PSIM_DMIRROR_PROT_READ = 0x01,
	P2PSIM_DMIRROR_PROT_WRITE = 0x02,
	P2PSIM_DMIRROR_PROT_PMD = 0x04,		/* mapped by a huge entry of 2 MiB */
	P2PSIM_DMIRROR_PROT_PUD = 0x08,
	P2PSIM_DMIRROR_PROT_ZERO = 0x10,
	P2PSIM_DMIRROR_PROT_DEV_PRIVATE_LOCAL = 0x20,
	P2PSIM_DMIRROR_PROT_DEV_PRIVATE_REMOTE = 0x30,
	P2PSIM_DMIRROR_PROT_DEV_COHERENT_LOCAL = 0x40,
	P2PSIM_DMIRROR_PROT_DEV_COHERENT_REMOTE = 0x50,
};

/* What a driver may get wrong; each is caught by an oracle. */
enum p2psim_dmirror_mistake {
	P2PSIM_DMIRROR_KMAP = 1 << 0,		/* reads its private page with the CPU, as lib/test_hmm.c of 6.1 does: DATA */
	P2PSIM_DMIRROR_NO_RETRY = 1 << 1,	/* does not ask mmu_interval_read_retry(): STALE */
	P2PSIM_DMIRROR_NO_INVALIDATE = 1 << 2,	/* ignores invalidations: STALE */
	P2PSIM_DMIRROR_USE_WHILE_COPIED = 1 << 3, /* writes to a page that is being copied, as 6.1's does: STALE */
	P2PSIM_DMIRROR_LOSE_BACKING = 1 << 4,	/* page_free() forgets the page behind: LEAK */
	P2PSIM_DMIRROR_NO_EVICT = 1 << 5,	/* unloads with pages in use: DEADLOCK in memunmap_pages() */
	P2PSIM_DMIRROR_OWN_IGNORED = 1 << 7,	/* an own MIGRATE does not move the sequence, as in 6.1's: STALE */
	P2PSIM_DMIRROR_STAY = 1 << 6,		/* migrate_to_ram() returns 0 and leaves the page where it is: PROGRESS */
};

struct p2psim_dmirror_config {
	unsigned long chunk_pages;	/* device memory is had in chunks of so many pages; default 65536 (256 MiB) */
	unsigned int mistakes;		/* mask of enum p2psim_dmirror_mistake */
};

/* The driver, once a world.  config NULL: defaults.  0; -ENOMEM. */
P2PSIM_EXPORT int p2psim_dmirror_load(const struct p2psim_dmirror_config *config, struct p2psim_dmirror **driver);
/* All files are closed.  Brings all memory back and waits for it.  NULL is allowed. */
P2PSIM_EXPORT void p2psim_dmirror_unload(struct p2psim_dmirror *driver);

/* The device's own entry of addr: '.' none, 'r' read, 'w' write, 'x' atomic.  No step. */
P2PSIM_EXPORT char p2psim_dmirror_entry(const struct file *file, unsigned long addr);
/* Which device is the owner of these pages (pgmap->owner), or of an event?  0 to 3, or -1. */
P2PSIM_EXPORT int p2psim_dmirror_number_of(const struct p2psim_dmirror *driver, const void *owner);

P2PSIM_END_DECLS

#endif
