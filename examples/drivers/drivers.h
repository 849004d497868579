/* SPDX-License-Identifier: MIT */
/*
 * Model drivers, for teaching: each mirrors the pages of a process in its own page table, right, and wrong on request.
 *
 *	mirror.c	one notifier for the whole mirror; the retry loop of Documentation/mm/hmm.rst
 *	svm.c		as nouveau: a classic notifier takes entries out, an interval that lives for one fault tells the fault
 */
#ifndef P2PSIM_EXAMPLES_DRIVERS_H
#define P2PSIM_EXAMPLES_DRIVERS_H

#include <p2psim/linux/mm_types.h>

#define DRIVER_PAGES 2

/* What an author gets wrong.  A driver knows those that its kind can make. */
enum driver_fault {
	DRIVER_NO_FAULT,
	DRIVER_NO_RETRY,	  /* commits without looking for a collision */
	DRIVER_CHECK_BEFORE_LOCK, /* looks, and takes the lock afterwards */
	DRIVER_DEAF,		  /* is told, and keeps the entry */
	DRIVER_NO_SEQUENCE,	  /* is told, and does not tell the reader */
};

struct driver_ops {
	/* Mirrors DRIVER_PAGES pages from `start` on; NULL when out of memory.  Context: the caller has mm_users. */
	void *(*create)(struct mm_struct *mm, unsigned long start, enum driver_fault fault);
	void (*destroy)(void *driver);
	/* The device touches a page: 0, -EFAULT, -EBUSY after too many collisions.  May sleep; no locks. */
	int (*fault)(void *driver, unsigned long page);
	/* The pfn in the device's table, 0: none.  For assertions. */
	unsigned long (*pfn)(void *driver, unsigned long page);
};

extern const struct driver_ops mirror_driver, svm_driver;

#endif
