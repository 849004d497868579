/* SPDX-License-Identifier: MIT */
/*
 * Model drivers, for teaching: each mirrors the pages of a process in its own page table, right, and wrong on request.
 *
 *	mirror.c	one notifier for the whole mirror; the retry loop of Documentation/mm/hmm.rst
 *	svm.c		as nouveau: a classic notifier takes entries out, an interval that lives for one fault tells the fault
 *	evict.c		as amdgpu: a long-lived interval each range; an invalidation stops the queues, a worker restores them
 *	odp.c		as mlx5: an implicit region, whose children are made by page faults and go when they are empty
 *
 * They are compiled with what p2psim-kernel.pc says; it is scenarios.c that plays process and device.
 */
#ifndef P2PSIM_EXAMPLES_DRIVERS_H
#define P2PSIM_EXAMPLES_DRIVERS_H

#include <linux/mm_types.h>

struct device;

#define DRIVER_PAGES 2

/* What an author gets wrong.  A driver knows those that its kind can make. */
enum driver_fault {
	DRIVER_NO_FAULT,
	DRIVER_NO_RETRY,	  /* commits without looking for a collision */
	DRIVER_CHECK_BEFORE_LOCK, /* looks, and takes the lock afterwards */
	DRIVER_DEAF,		  /* is told, and keeps the entry */
	DRIVER_NO_SEQUENCE,	  /* is told, and does not tell the reader */
	DRIVER_NO_RECOUNT,	  /* resumes the queues though they were evicted again meanwhile */
	DRIVER_FLUSHES,		  /* release() waits for the worker that holds the address space */
	DRIVER_PUTS_IN_CALLBACK,  /* the last mmput() may be in invalidate() */
	DRIVER_PUTS_UNDER_LOCK,	  /* or under the lock that release() wants */
	DRIVER_REMOVES_AT_ONCE,	  /* invalidate() removes its own notifier */
	DRIVER_STAYS_LISTED,	  /* what is to be destroyed can be found, and queued, a second time */
};

struct driver_ops {
	/* Mirrors DRIVER_PAGES pages from `start` on for `dev`; NULL: out of memory.  Context: the caller has mm_users. */
	void *(*create)(struct mm_struct *mm, unsigned long start, struct device *dev, enum driver_fault wrong);
	void (*destroy)(void *driver);
	/* The device wants a page: 0, -EFAULT, -EBUSY after too many collisions, -ENOMEM.  May sleep; no locks. */
	int (*fault)(void *driver, unsigned long page);
	/* Where the device reaches the page now, an address on its bus; 0: nowhere.  The last step is the look itself. */
	u64 (*entry)(void *driver, unsigned long page);
};

extern const struct driver_ops mirror_driver, svm_driver, evict_driver, odp_driver;

#endif
