/* SPDX-License-Identifier: MIT */
/*
 * What the patterns stand on: a process with a few pages of memory, and a nic that reaches them by DMA.
 *
 *	app	| AT(0) | AT(1) | ...		private anonymous memory, each page written
 *	nic	a struct copy for each page that its driver has put into its page table
 *
 * The drivers are the patterns' own: the copies lie under locks of theirs.
 */
#ifndef TESTS_SCENARIOS_STAGE_H
#define TESTS_SCENARIOS_STAGE_H

#include <errno.h>

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/process.h>

#define AT(n) (0x10000UL + (n) * PAGE_SIZE)

struct stage {
	struct p2psim_process *app;	/* NULL: it has exited */
	struct mm_struct *mm;
	struct device *nic;
};

/* An entry of a device's page table: what it puts on the bus for the page at `va`. */
struct copy {
	bool valid;
	unsigned long va;
	dma_addr_t dma;
};

/* 0 or -ENOMEM. */
int stage_begin(struct stage *s, unsigned int pages);
/* The process exits, if it has not. */
void stage_end(struct stage *s);

/* Puts the page into the device's page table, in the place of what is there; takes it out.  One step each on the nic. */
void copy_map(struct stage *s, struct copy *copy, unsigned long va, struct page *page);
void copy_unmap(struct stage *s, struct copy *copy);
/* The device reads by what it has been told: one beat.  STALE when the mapping or the page is gone. */
void copy_read(const struct stage *s, const struct copy *copy);
/* The same when all is over, after the tasks: STALE also when the CPU has another page there by now. */
void copy_read_at_last(const struct stage *s, const struct copy *copy);

#endif
