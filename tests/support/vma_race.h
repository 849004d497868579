/* SPDX-License-Identifier: MIT */
/*
 * What races over an address space begin with and end with: a process, a child of it if somebody forks, a file or a page
 * that somebody holds.
 *
 *	0 1 ...		the process's pages, from AT(0) on
 */
#ifndef P2PSIM_TESTS_VMA_RACE_H
#define P2PSIM_TESTS_VMA_RACE_H

#include "explored.h"

#include <errno.h>

#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>

#define BASE 0x100000000000UL
#define AT(page) (BASE + ((unsigned long)(page) << PAGE_SHIFT))
#define RW (PROT_READ | PROT_WRITE)

struct race {
	struct p2psim_process *app, *child;
	struct mm_struct *mm;	/* app's */
	struct file *file;
	struct page *page;	/* a device holds it */
	bool pinned;		/* by a pin; else by a reference */
	bool gone;		/* the first page: unmapped, zeroed, or reaped; it does not read 1 any more */
	int seen;		/* by whoever reads */
};

/* 0 or -ENOMEM. */
static inline int race_process(struct race *r)
{
	r->app = p2psim_process_create("app");
	r->mm = r->app ? p2psim_process_mm(r->app) : NULL;
	return r->app ? 0 : -ENOMEM;
}

/* The process, with so many bytes of private memory. */
static inline int race_memory(struct race *r, unsigned long size)
{
	if (race_process(r))
		return -ENOMEM;
	return p2psim_mmap(r->app, AT(0), size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) < 0 ? -ENOMEM : 0;
}

/* The process, with one page that reads 1. */
static inline int race_one_page(void *state)
{
	struct race *r = state;

	return race_memory(r, PAGE_SIZE) ? -ENOMEM : p2psim_store_byte(r->app, AT(0), 1);
}

static inline void race_end(void *state)
{
	struct race *r = state;

	if (r->page && r->pinned)
		unpin_user_page(r->page);
	else if (r->page)
		put_page(r->page);
	if (r->child)
		p2psim_process_exit(r->child);
	p2psim_process_exit(r->app);
	if (r->file)
		fput(r->file);
}

/* Not as the rules of page tables and VMAs have it, or another byte at the first page than was written. */
static inline bool race_is_damaged(void *state)
{
	struct race *r = state;

	if (!p2psim_pgtable_is_valid(r->mm) || !p2psim_mm_is_valid(r->mm))
		return true;
	if (r->child && p2psim_load_byte(r->child, AT(0)) != 1)
		return true;
	return !r->gone && p2psim_load_byte(r->app, AT(0)) != 1;
}

#endif
