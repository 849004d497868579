/* SPDX-License-Identifier: MIT */
/*
 * The machine on which a sequence runs, and what must hold after each operation:
 *
 *	- no oracle has fired;
 *	- the walkers find each process valid: VMAs, page tables, notifier;
 *	- an answer is a success or a known errno; a failed load or store has its signal, or memory was short;
 *	- what a device mirrors is what the CPU maps (p2psim_translation_check());
 *	- at the end nothing is left: no object, no page.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/inject.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/notifier.h>
#include <p2psim/ram.h>
#include <p2psim/tmpfs.h>
#include <p2psim/vma_map.h>

#include "robust.h"

#define DEVICE_PFN 0x800000UL

/* ---- the mirror ---- */

static bool drop(struct mmu_interval_notifier *mirror, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct robust_process *p = container_of(mirror, struct robust_process, mirror);
	unsigned long page, end = range->end < AT(WINDOW) ? (range->end - BASE + PAGE_SIZE - 1) >> PAGE_SHIFT : WINDOW;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&p->lock);
	else if (!mutex_trylock(&p->lock))
		return false;
	mmu_interval_set_seq(mirror, cur_seq);
	for (page = range->start > BASE ? (range->start - BASE) >> PAGE_SHIFT : 0; page < end && p->entries; page++) {
		p->entries -= !!p->pfns[page];
		p->pfns[page] = 0;
	}
	mutex_unlock(&p->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {.invalidate = drop};

static bool mirror_is_true(struct robust_process *p)
{
	unsigned int page, left = p->entries;

	for (page = 0; left && page < WINDOW; page++) {
		if (!p->pfns[page])
			continue;
		left--;
		if (!p2psim_translation_check(p->mm, AT(page), (p->pfns[page] & ~(HMM_PFN_FLAGS | HMM_PFN_P2P)) << PAGE_SHIFT,
					      p->pfns[page] & HMM_PFN_WRITE))
			return false;
	}
	return true;
}

/* ---- processes ---- */

int robust_process_begin(struct robust_process *p, struct p2psim_process *process)
{
	int ret;

	memset(p, 0, sizeof(*p));
	p->process = process;
	p->mm = p2psim_process_mm(process);
	mutex_init(&p->lock);
	ret = mmu_interval_notifier_insert(&p->mirror, p->mm, BASE, PAGES(WINDOW), &mirror_ops);
	p->mirrored = !ret;
	return ret;
}

void robust_process_end(struct robust_process *p)
{
	p2psim_process_exit(p->process);
	if (p->mirrored)
		mmu_interval_notifier_remove(&p->mirror);
	p->process = NULL;
}

/* ---- the driver's file ---- */

/* Its BAR is as large as the window. */
static int driver_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start > PAGES(WINDOW))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, DEVICE_PFN + vma->vm_pgoff % WINDOW, vma->vm_end - vma->vm_start,
			       vma->vm_page_prot);
}

static const struct file_operations driver_fops = {.mmap = driver_mmap};

/* ---- a run ---- */

static bool begin(struct robust *r)
{
	struct p2psim_process *process = p2psim_process_create("app");

	if (!process || robust_process_begin(&r->app[0], process))
		return false;
	r->file[1] = p2psim_tmpfs_create("f1", PAGES(16));
	r->file[2] = p2psim_tmpfs_create("f2", PAGES(600) + 5);
	r->file[0] = r->file[1] ? p2psim_tmpfs_open(r->file[1], FMODE_READ) : NULL;
	r->file[3] = p2psim_file_create("dev", &driver_fops, NULL, FMODE_READ | FMODE_WRITE);
	return r->file[0] && r->file[2] && r->file[3];
}

static void end(struct robust *r)
{
	unsigned int i;

	unpin_user_pages(r->pins, r->pinned);
	for (i = PROCESSES; i--;)
		if (r->app[i].process)
			robust_process_end(&r->app[i]);
	for (i = 0; i < FILES; i++)
		if (r->file[i])
			fput(r->file[i]);
}

static bool is_known(long ret)
{
	static const int known[] = {EINVAL, ENOMEM, EFAULT, EAGAIN, EBUSY, EPERM, EACCES, EEXIST, EOVERFLOW, EBADF, EFBIG, ENODEV,
				    ESRCH, ENOENT, EINTR, EOPNOTSUPP, ENXIO, EIO, ETXTBSY};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (ret == -known[i])
			return true;
	return ret >= 0 || ret < -4095;
}

/* On purpose wrong: two VMAs side by side, of which only the second is locked, are said to be a fault. */
static bool looks_broken(struct robust_process *p)
{
	struct vm_area_struct *vma, *next;

	for (vma = p2psim_vma_first(p->mm); vma; vma = next) {
		next = p2psim_vma_next(vma);
		if (next && next->vm_start == vma->vm_end && next->vm_flags & VM_LOCKED && !(vma->vm_flags & VM_LOCKED))
			return true;
	}
	return false;
}

static void look(struct robust *r, char *verdict, size_t size, bool broken)
{
	const struct p2psim_violation *violation;
	unsigned int i;

	for (i = 0; i < PROCESSES; i++) {
		struct robust_process *p = &r->app[i];

		if (!p->process)
			continue;
		if (!p2psim_mm_is_valid(p->mm))
			snprintf(verdict, size, "VMAS: the mm of process %u is not valid", i);
		else if (!p2psim_pgtable_is_valid(p->mm))
			snprintf(verdict, size, "PAGES: the page tables of process %u are not valid", i);
		else if (!p2psim_notifier_is_valid(p->mm))
			snprintf(verdict, size, "NOTIFIER: that of process %u is not valid", i);
		else if (!mirror_is_true(p))
			snprintf(verdict, size, "MIRROR: that of process %u is stale", i);
		else if (broken && looks_broken(p))
			snprintf(verdict, size, "BROKEN: on purpose");
	}
	violation = p2psim_world_violation(r->world);
	if (violation)
		snprintf(verdict, size, "%s: %s", p2psim_oracle_name(violation->oracle), violation->sentence);
}

static long act(struct robust *r, const struct robust_op *op)
{
	struct robust_process *p = &r->app[op->who % PROCESSES];

	return robust_verbs[op->verb].act(r, p->process ? p : r->app, op->word);
}

uint64_t robust_run(const struct robust_sequence *sequence, unsigned int *done, char *verdict, size_t size, bool broken)
{
	static struct robust machine;
	struct robust *r = &machine;
	uint64_t hash = 14695981039346656037ull;
	long ret;

	memset(r, 0, sizeof(*r));
	r->world = p2psim_world_current();
	p2psim_inject_fail_nth(r->world, 0);
	p2psim_world_reset(r->world);
	verdict[0] = 0;
	if (!begin(r))
		snprintf(verdict, size, "BEGIN: no memory for the machine itself");
	for (*done = 0; *done < sequence->count && !verdict[0]; ++*done) {
		ret = act(r, &sequence->op[*done]);
		hash = (hash ^ (uint64_t)ret) * 1099511628211ull;
		if (!is_known(ret))
			snprintf(verdict, size, "ERRNO: %s says %ld", robust_verbs[sequence->op[*done].verb].name, ret);
		look(r, verdict, size, broken);
	}
	if (verdict[0])
		return hash;
	end(r);
	if (p2psim_world_check_quiescent(r->world) || p2psim_world_violation(r->world))
		snprintf(verdict, size, "%s: at the end: %s", p2psim_oracle_name(p2psim_world_violation(r->world)->oracle),
			 p2psim_world_violation(r->world)->sentence);
	else if (p2psim_ram_used())
		snprintf(verdict, size, "RAM: %lu pages are left over", p2psim_ram_used());
	return hash;
}
