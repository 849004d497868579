/* SPDX-License-Identifier: MIT */
/*
 * Verbs: what a device driver asks of the mm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>

#include "cli/replayer_verbs.h"

static char entry_letter(unsigned long entry)
{
	if (entry & HMM_PFN_ERROR)
		return 'e';
	if (!(entry & HMM_PFN_VALID))
		return '.';
	return entry & HMM_PFN_WRITE ? 'w' : 'r';
}

/* "w1r1.6" */
static void say_entries(const unsigned long *pfns, unsigned long count, char *text, size_t size)
{
	unsigned long i, run;
	size_t used = 0;

	for (i = 0; i < count && used < size; i += run) {
		for (run = 1; i + run < count && entry_letter(pfns[i + run]) == entry_letter(pfns[i]); run++)
			;
		used += (size_t)snprintf(text + used, size - used, "%c%lu", entry_letter(pfns[i]), run);
	}
}

static void do_hmm(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long start = replayer_address(op->words[1]), count = strtoul(op->words[2], NULL, 10);
	struct hmm_range range = {.notifier = &r->interval, .start = start, .end = start + count * PAGE_SIZE};
	unsigned long *pfns = kcalloc(count + 1, sizeof(*pfns), GFP_KERNEL);
	size_t used;
	int error;

	if (!pfns) {
		say_error(-ENOMEM, ret, size);
		return;
	}
	range.hmm_pfns = pfns;
	if (op->words[3][0] != 's')
		range.default_flags = HMM_PFN_REQ_FAULT | (op->words[3][0] == 'w' ? HMM_PFN_REQ_WRITE : 0);
	do {
		range.notifier_seq = mmu_interval_read_begin(&r->interval);
		mmap_read_lock(r->mm);
		error = hmm_range_fault(&range);
		mmap_read_unlock(r->mm);
	} while (error == -EBUSY);
	say_status(error, ret, size);
	used = strlen(ret);
	used += (size_t)snprintf(ret + used, size - used, "/");
	say_entries(pfns, count, ret + used, size - used);
	kfree(pfns);
}

static long count_exclusive(struct page **pages, long found)
{
	long i, made = 0;

	for (i = 0; i < found; i++) {
		if (!pages[i])
			continue;
		unlock_page(pages[i]);
		put_page(pages[i]);
		made++;
	}
	return found < 0 ? found : made;
}

static void do_excl(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long start = replayer_address(op->words[1]), len = replayer_hex(op->words[2]);
	struct page **pages = kcalloc(len / PAGE_SIZE + 1, sizeof(*pages), GFP_KERNEL);
	long made = -ENOMEM;

	if (pages) {
		mmap_read_lock(r->mm);
		made = count_exclusive(pages, make_device_exclusive_range(r->mm, start, start + len, pages, r));
		mmap_read_unlock(r->mm);
	}
	say_status(made, ret, size);
	kfree(pages);
}

/* A new page for each that may move: locked, with the old one's contents. */
static void give_pages(struct migrate_vma *args)
{
	unsigned char bytes[PAGE_SIZE];
	struct page *from, *to;
	unsigned long i;

	for (i = 0; i < args->npages; i++) {
		to = args->src[i] & MIGRATE_PFN_MIGRATE ? alloc_page(GFP_KERNEL) : NULL;
		if (!to)
			continue;
		lock_page(to);
		from = migrate_pfn_to_page(args->src[i]);
		if (from && !p2psim_ram_read(page_to_phys(from), bytes, sizeof(bytes)))
			p2psim_ram_write(page_to_phys(to), bytes, sizeof(bytes));
		args->dst[i] = migrate_pfn(page_to_pfn(to)) | (args->src[i] & MIGRATE_PFN_WRITE);
	}
}

static long migrate(struct migrate_vma *args)
{
	int error = migrate_vma_setup(args);
	unsigned long i;
	long moved = 0;

	if (error)
		return error;
	give_pages(args);
	migrate_vma_pages(args);
	for (i = 0; i < args->npages; i++)
		moved += !!(args->src[i] & MIGRATE_PFN_MIGRATE);
	migrate_vma_finalize(args);
	return moved;
}

static void do_migr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long start = replayer_address(op->words[1]), len = replayer_hex(op->words[2]);
	struct migrate_vma args = {.start = start, .end = start + len, .pgmap_owner = r, .flags = MIGRATE_VMA_SELECT_SYSTEM};
	unsigned long pages = len / PAGE_SIZE;
	long moved = -ENOMEM;

	args.src = kcalloc(2 * pages + 2, sizeof(*args.src), GFP_KERNEL);
	if (args.src) {
		args.dst = args.src + pages + 1;
		mmap_read_lock(r->mm);
		args.vma = find_vma(r->mm, start);
		moved = migrate(&args);
		mmap_read_unlock(r->mm);
	}
	say_status(moved, ret, size);
	kfree(args.src);
}

const struct verb replayer_hmm_verbs[] = {
	{"hmm", 3, NULL, do_hmm},
	{"excl", 2, NULL, do_excl},
	{"migr", 2, NULL, do_migr},
	{NULL, 0, NULL, NULL},
};
