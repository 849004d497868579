/* SPDX-License-Identifier: MIT */
/*
 * The verbs: every system call, file operation, actor and driver's call, with arguments as they come.  What the API forbids a
 * programmer (unaligned ranges for hmm_range_fault(), more unpins than pins) is made right here; all else is passed on.
 */
#include <errno.h>
#include <string.h>

#include <p2psim/actors.h>
#include <p2psim/inject.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/tmpfs.h>

#include "robust.h"

#define VERB(name) static long name(struct robust *r, struct robust_process *p, const unsigned long *word)

/* ---- system calls ---- */

VERB(act_mmap)
{
	struct file *file = word[4] ? r->file[(word[4] - 1) % FILES] : NULL;

	return p2psim_mmap(p->process, word[0], word[1], (int)word[2], (int)word[3] | (file ? 0 : MAP_ANONYMOUS), file, word[5]);
}

VERB(act_munmap)
{
	return p2psim_munmap(p->process, word[0], word[1]);
}

VERB(act_mprotect)
{
	return p2psim_mprotect(p->process, word[0], word[1], (int)word[2]);
}

VERB(act_mremap)
{
	return p2psim_mremap(p->process, word[0], word[1], word[2], (int)word[3], word[4]);
}

VERB(act_madvise)
{
	return p2psim_madvise(p->process, word[0], word[1], (int)word[2]);
}

VERB(act_mlock)
{
	return p2psim_mlock(p->process, word[0], word[1]);
}

VERB(act_mlock2)
{
	return p2psim_mlock2(p->process, word[0], word[1], (int)word[2] & 3);
}

VERB(act_munlock)
{
	return p2psim_munlock(p->process, word[0], word[1]);
}

VERB(act_mlockall)
{
	return p2psim_mlockall(p->process, (int)word[0]);
}

VERB(act_munlockall)
{
	return p2psim_munlockall(p->process);
}

VERB(act_msync)
{
	return p2psim_msync(p->process, word[0], word[1], (int)word[2]);
}

VERB(act_mincore)
{
	static unsigned char vec[WINDOW];

	return p2psim_mincore(p->process, word[0], word[1] < PAGES(WINDOW) ? word[1] : PAGES(WINDOW), vec);
}

VERB(act_limit)
{
	p2psim_process_set_limit(p->process, (enum p2psim_limit)(word[0] % 3), word[1] > PAGES(24) ? P2PSIM_UNLIMITED : word[1]);
	return 0;
}

VERB(act_fork)
{
	struct p2psim_process *child;
	unsigned int i;
	int ret;

	for (i = 0; i < PROCESSES && r->app[i].process; i++)
		;
	if (i == PROCESSES)
		return 0;
	ret = p2psim_fork(p->process, "child", &child);
	return ret ? ret : robust_process_begin(&r->app[i], child);
}

VERB(act_exit)
{
	if (p != r->app)
		robust_process_end(p);
	return 0;
}

/* ---- loads, stores, and what others do to the memory ---- */

static size_t span(unsigned long len)
{
	return len < 2 * PAGE_SIZE ? len : 2 * PAGE_SIZE;
}

VERB(act_load)
{
	return p2psim_load(p->process, word[0] + word[2], r->bytes, span(word[1]));
}

VERB(act_store)
{
	memset(r->bytes, (int)word[2], sizeof(r->bytes));
	return p2psim_store(p->process, word[0] + word[2], r->bytes, span(word[1]));
}

VERB(act_vmread)
{
	return p2psim_process_vm_read(p->process, word[0] + word[2], r->bytes, span(word[1]));
}

VERB(act_vmwrite)
{
	return p2psim_process_vm_write(p->process, word[0] + word[2], r->bytes, span(word[1]));
}

VERB(act_force)
{
	return access_remote_vm(p->mm, word[0] + word[2], r->bytes, (int)span(word[1]),
				FOLL_FORCE | (word[2] & 1 ? FOLL_WRITE : 0));
}

/* ---- files ---- */

static struct file *tmpfs(struct robust *r, unsigned long which)
{
	return r->file[which % (FILES - 1)];
}

VERB(act_fread)
{
	return p2psim_file_read(tmpfs(r, word[0]), word[1], r->bytes, span(word[2]));
}

VERB(act_fwrite)
{
	return p2psim_file_write(tmpfs(r, word[0]), word[1] % PAGES(64), r->bytes, span(word[2]));
}

VERB(act_ftrunc)
{
	return p2psim_file_truncate(tmpfs(r, word[0]), word[1] % PAGES(64));
}

VERB(act_fpunch)
{
	return p2psim_file_punch_hole(tmpfs(r, word[0]), word[1], word[2]);
}

VERB(act_falloc)
{
	return p2psim_file_allocate(tmpfs(r, word[0]), word[1] % PAGES(64), word[2] % PAGES(64));
}

/* ---- actors ---- */

VERB(act_reclaim)
{
	return p2psim_reclaim_address(p->process, word[0]);
}

VERB(act_compact)
{
	return p2psim_migrate_address(p->process, word[0]);
}

VERB(act_writeback)
{
	return p2psim_writeback_address(p->process, word[0]);
}

VERB(act_khugepaged)
{
	return p2psim_khugepaged_collapse(p->process, word[0]);
}

VERB(act_ksm)
{
	struct robust_process *other = &r->app[word[2] % PROCESSES];

	return p2psim_ksm_merge(p->process, word[0], (other->process ? other : p)->process, word[1]);
}

VERB(act_numa)
{
	p2psim_numa_scan(p->process, AT(0), AT(word[0] % WINDOW));
	return 0;
}

VERB(act_soft_dirty)
{
	return p2psim_soft_dirty_clear(p->process);
}

VERB(act_oom)
{
	return p == r->app ? 0 : p2psim_oom_reap(p->process);
}

/* ---- drivers ---- */

VERB(act_pin)
{
	unsigned int flags = (word[2] & 1 ? FOLL_WRITE : 0) | (word[2] & 2 ? FOLL_FORCE : 0) | (word[2] & 4 ? FOLL_LONGTERM : 0);
	unsigned long pages = word[1] % 5;
	long got;

	if (!pages || r->pinned + pages > PINS)
		return 0;
	mmap_read_lock(p->mm);
	got = pin_user_pages_remote(p->mm, word[0], pages, flags, r->pins + r->pinned, NULL, NULL);
	mmap_read_unlock(p->mm);
	if (got > 0)
		r->pinned += (unsigned int)got;
	return got;
}

VERB(act_unpin)
{
	if (r->pinned)
		unpin_user_pages_dirty_lock(&r->pins[--r->pinned], 1, word[0] & 1);
	return 0;
}

/* [first, first + pages) of the window, from an address as it came. */
static unsigned long in_window(unsigned long addr, unsigned long *pages)
{
	unsigned long first = addr / PAGE_SIZE % WINDOW;

	if (first + *pages > WINDOW)
		*pages = WINDOW - first;
	return first;
}

static void commit(struct robust_process *p, unsigned long first, unsigned long pages, const unsigned long *pfns)
{
	for (; pages--; first++, pfns++) {
		p->entries += !!(*pfns & HMM_PFN_VALID) - !!p->pfns[first];
		p->pfns[first] = *pfns & HMM_PFN_VALID ? *pfns : 0;
	}
}

VERB(act_hmm)
{
	unsigned long pages = word[1], first = in_window(word[0], &pages), pfns[8] = {0};
	struct hmm_range range = {
		.notifier = &p->mirror,
		.start = AT(first),
		.end = AT(first + pages),
		.hmm_pfns = pfns,
		.default_flags = (word[2] & 3 ? HMM_PFN_REQ_FAULT : 0) | (word[2] & 2 ? HMM_PFN_REQ_WRITE : 0),
	};
	int ret;

	if (!p->mirrored || pages - 1 >= 8)
		return 0;
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(p->mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(p->mm);
	mutex_lock(&p->lock);
	if (!ret && !mmu_interval_read_retry(range.notifier, range.notifier_seq))
		commit(p, first, pages, pfns);
	mutex_unlock(&p->lock);
	return ret;
}

VERB(act_exclusive)
{
	unsigned long count = word[1], first = in_window(word[0], &count);
	struct page *pages[8] = {0};
	unsigned int i;
	int ret;

	if (count - 1 >= 8)
		return 0;
	mmap_read_lock(p->mm);
	ret = make_device_exclusive_range(p->mm, AT(first), AT(first + count), pages, r);
	mmap_read_unlock(p->mm);
	for (i = 0; i < count; i++)
		if (pages[i]) {
			unlock_page(pages[i]);
			put_page(pages[i]);
		}
	return ret;
}

static struct page *copy_of(struct page *from)
{
	struct page *to = alloc_page(GFP_KERNEL);
	uint8_t bytes[PAGE_SIZE];

	if (!to)
		return NULL;
	lock_page(to);
	if (from && !p2psim_ram_read(page_to_phys(from), bytes, PAGE_SIZE))
		p2psim_ram_write(page_to_phys(to), bytes, PAGE_SIZE);
	return to;
}

VERB(act_migrate)
{
	unsigned long count = word[1], first = in_window(word[0], &count), src[8] = {0}, dst[8] = {0};
	struct migrate_vma args = {.src = src, .dst = dst, .start = AT(first), .end = AT(first + count), .pgmap_owner = r,
				   .flags = MIGRATE_VMA_SELECT_SYSTEM};
	struct page *to;
	unsigned int i;
	int ret = -EINVAL;

	if (count - 1 >= 8)
		return 0;
	mmap_read_lock(p->mm);
	args.vma = vma_lookup(p->mm, AT(first));
	if (args.vma && args.vma->vm_end >= args.end)
		ret = migrate_vma_setup(&args);
	if (!ret) {
		for (i = 0; i < args.npages; i++) {
			to = NULL;
			if (src[i] & MIGRATE_PFN_MIGRATE && !(word[2] >> i & 1))
				to = copy_of(migrate_pfn_to_page(src[i]));
			dst[i] = to ? migrate_pfn(page_to_pfn(to)) : 0;
		}
		migrate_vma_pages(&args);
		migrate_vma_finalize(&args);
	}
	mmap_read_unlock(p->mm);
	return ret;
}

/* ---- failure ---- */

VERB(act_fail)
{
	p2psim_inject_fail_nth(r->world, word[0]);
	return 0;
}

const struct robust_verb robust_verbs[] = {
	{"mmap", "alpfFo", 20, act_mmap},
	{"munmap", "al", 5, act_munmap},
	{"mprotect", "alp", 14, act_mprotect},
	{"mremap", "allxa", 14, act_mremap},
	{"madvise", "alv", 30, act_madvise},
	{"mlock", "al", 3, act_mlock},
	{"mlock2", "alx", 3, act_mlock2},
	{"munlock", "al", 3, act_munlock},
	{"mlockall", "x", 1, act_mlockall},
	{"munlockall", "", 1, act_munlockall},
	{"msync", "alx", 2, act_msync},
	{"mincore", "al", 2, act_mincore},
	{"limit", "xl", 1, act_limit},
	{"fork", "", 5, act_fork},
	{"exit", "", 3, act_exit},
	{"load", "alb", 14, act_load},
	{"store", "alb", 24, act_store},
	{"vmread", "alb", 3, act_vmread},
	{"vmwrite", "alb", 3, act_vmwrite},
	{"force", "alb", 5, act_force},
	{"fread", "xol", 2, act_fread},
	{"fwrite", "xol", 4, act_fwrite},
	{"ftrunc", "xo", 3, act_ftrunc},
	{"fpunch", "xol", 3, act_fpunch},
	{"falloc", "xol", 2, act_falloc},
	{"reclaim", "a", 10, act_reclaim},
	{"compact", "a", 6, act_compact},
	{"writeback", "a", 3, act_writeback},
	{"khugepaged", "a", 4, act_khugepaged},
	{"ksm", "aax", 5, act_ksm},
	{"numa", "l", 2, act_numa},
	{"softdirty", "", 2, act_soft_dirty},
	{"oom", "", 1, act_oom},
	{"pin", "anx", 6, act_pin},
	{"unpin", "x", 5, act_unpin},
	{"hmm", "anx", 14, act_hmm},
	{"exclusive", "an", 5, act_exclusive},
	{"migrate", "anb", 6, act_migrate},
	{"fail", "i", 12, act_fail},
};
const unsigned int robust_verb_count = sizeof(robust_verbs) / sizeof(robust_verbs[0]);
