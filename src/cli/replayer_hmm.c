/* SPDX-License-Identifier: MIT */
/*
 * Verbs: what a device driver asks of the mm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>

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

const struct verb replayer_hmm_verbs[] = {
	{"hmm", 3, NULL, do_hmm},
	{NULL, 0, NULL, NULL},
};
