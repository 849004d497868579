/* SPDX-License-Identifier: MIT */
/*
 * A process, a device file whose driver tells of every hook, and somebody who listens to the notifier: what the tests of
 * VMAs need.
 *
 * All of them write into one log.  Pages are counted from BASE, in hexadecimal; the letter at the end says how mmap_lock is
 * held: W for writing, R for reading, - not at all.
 *
 *	"open 6-8 W; UNMAP 4-6 R; end; close 4-6 R; "
 */
#ifndef TESTS_VMA_BENCH_H
#define TESTS_VMA_BENCH_H

#include "core_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/inject.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/sched.h>
#include <p2psim/lock.h>
#include <p2psim/process.h>

#define BASE 0x100000000000UL
#define AT(page) (BASE + ((unsigned long)(page) << PAGE_SHIFT))
#define PAGES(n) ((unsigned long)(n) << PAGE_SHIFT)
#define RW (PROT_READ | PROT_WRITE)
#define FIXED_ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define DEVICE_PFN 0x800000UL

struct vma_bench {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct file *file;
	struct mmu_notifier listener;
	bool listens;
	char log[4096], list[4096];
	/* what the driver does */
	const struct vm_operations_struct *ops;	/* NULL: leaves vm_ops alone */
	unsigned long set_flags;	/* of the VMA, in ->mmap() */
	bool fills;			/* maps its pages in ->mmap() */
	int mmap_error, mremap_error, mprotect_error;
	unsigned long no_split_at;	/* may_split() refuses this address with -EBUSY */
	bool found_during_unmap;	/* find_vma() inside an UNMAP saw something in its range */
};

static inline void bench_say(struct vma_bench *b, const char *fmt, ...)
{
	size_t used = strlen(b->log);
	va_list args;

	va_start(args, fmt);
	vsnprintf(b->log + used, sizeof(b->log) - used, fmt, args);
	va_end(args);
}

static inline char bench_lock(const struct vma_bench *b)
{
	if (rwsem_is_write_held(&b->mm->mmap_lock))
		return 'W';
	return p2psim_lock_is_held(&b->mm->mmap_lock.lock) ? 'R' : '-';
}

static inline unsigned long bench_page(unsigned long addr)
{
	return (addr - BASE) >> PAGE_SHIFT;
}

static inline struct vma_bench *bench_of(const struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

static inline void bench_say_vma(const struct vm_area_struct *vma, const char *what)
{
	bench_say(bench_of(vma), "%s %lx-%lx %c; ", what, bench_page(vma->vm_start), bench_page(vma->vm_end),
		  bench_lock(bench_of(vma)));
}

/* ---- the driver ---- */

static inline void bench_open(struct vm_area_struct *vma)
{
	bench_say_vma(vma, "open");
}

static inline void bench_close(struct vm_area_struct *vma)
{
	bench_say_vma(vma, "close");
}

static inline int bench_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	struct vma_bench *b = bench_of(vma);

	bench_say(b, "may_split %lx-%lx at %lx; ", bench_page(vma->vm_start), bench_page(vma->vm_end), bench_page(addr));
	return addr == b->no_split_at ? -EBUSY : 0;
}

static inline int bench_mremap(struct vm_area_struct *vma)
{
	bench_say_vma(vma, "mremap");
	return bench_of(vma)->mremap_error;
}

static inline int bench_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags)
{
	bench_say(bench_of(vma), "mprotect %lx-%lx %c%c; ", bench_page(start), bench_page(end), flags & VM_READ ? 'r' : '-',
		  flags & VM_WRITE ? 'w' : '-');
	return bench_of(vma)->mprotect_error;
}

/* The hooks of a driver that keeps count of its VMAs. */
static const struct vm_operations_struct bench_all_ops __attribute__((unused)) = {
	.open = bench_open,
	.close = bench_close,
	.may_split = bench_may_split,
	.mremap = bench_mremap,
	.mprotect = bench_mprotect,
};

/* Those of one that does not: its VMAs may merge. */
static const struct vm_operations_struct bench_plain_ops __attribute__((unused)) = {
	.open = bench_open,
	.mprotect = bench_mprotect,
};

static inline int bench_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vma_bench *b = file->private_data;

	bench_say_vma(vma, "mmap");
	if (b->ops)
		vma->vm_ops = b->ops;
	vma->vm_flags |= b->set_flags;
	if (b->fills && remap_pfn_range(vma, vma->vm_start, DEVICE_PFN + vma->vm_pgoff, vma->vm_end - vma->vm_start,
					vma->vm_page_prot))
		return -ENOMEM;
	return b->mmap_error;
}

static inline int bench_file_release(struct inode *inode, struct file *file)
{
	struct vma_bench *b = file->private_data;

	bench_say(b, "release %c; ", p2psim_locks_held() ? 'L' : '-'); /* the mm may be gone */
	return 0;
}

static const struct file_operations bench_fops = { .mmap = bench_file_mmap, .release = bench_file_release };

/* ---- who listens ---- */

static inline const char *bench_event(enum mmu_notifier_event event)
{
	static const char *const names[] = { "UNMAP", "CLEAR", "PROT_VMA", "PROT_PAGE", "SOFT_DIRTY", "RELEASE", "MIGRATE",
					     "EXCLUSIVE" };

	return names[event];
}

static inline int bench_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	bench_say(b, "%s %lx-%lx %c; ", bench_event(range->event), bench_page(range->start), bench_page(range->end),
		  bench_lock(b));
	if (range->event == MMU_NOTIFY_UNMAP && find_vma_intersection(b->mm, range->start, range->end))
		b->found_during_unmap = true;
	return 0;
}

static inline void bench_invalidated(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	bench_say(container_of(mn, struct vma_bench, listener), "end; ");
}

static inline void bench_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	bench_say(b, "release() %c; ", bench_lock(b));
}

static const struct mmu_notifier_ops bench_listener_ops = {
	.invalidate_range_start = bench_invalidate,
	.invalidate_range_end = bench_invalidated,
	.release = bench_release,
};

static inline void bench_listen(struct vma_bench *b)
{
	b->listener.ops = &bench_listener_ops;
	assert_int_equal(mmu_notifier_register(&b->listener, b->mm), 0);
	b->listens = true;
}

/* ---- shorthands ---- */

/* What was logged since the last call. */
static inline const char *bench_log(struct vma_bench *b)
{
	snprintf(b->list, sizeof(b->list), "%s", b->log);
	b->log[0] = 0;
	return b->list;
}

/* "4-6 rw 8-9 r-": all VMAs from BASE on. */
static inline const char *bench_vmas(struct vma_bench *b)
{
	const struct vm_area_struct *vma;
	size_t used = 0;

	b->list[0] = 0;
	for (vma = p2psim_vma_first(b->mm); vma; vma = p2psim_vma_next(vma))
		used += (size_t)snprintf(b->list + used, sizeof(b->list) - used, "%s%lx-%lx %c%c", used ? " " : "",
					 bench_page(vma->vm_start), bench_page(vma->vm_end),
					 vma->vm_flags & VM_READ ? 'r' : '-', vma->vm_flags & VM_WRITE ? 'w' : '-');
	return b->list;
}

static inline long bench_anon(struct vma_bench *b, unsigned long first, unsigned long pages, int prot)
{
	return p2psim_mmap(b->app, AT(first), PAGES(pages), prot, FIXED_ANON, NULL, 0);
}

/* The device file, shared, offsets counted like addresses. */
static inline long bench_device(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	return p2psim_mmap(b->app, AT(first), PAGES(pages), RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(first));
}

static inline int bench_unmap(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	return p2psim_munmap(b->app, AT(first), PAGES(pages));
}

static inline int bench_protect(struct vma_bench *b, unsigned long first, unsigned long pages, int prot)
{
	return p2psim_mprotect(b->app, AT(first), PAGES(pages), prot);
}

static inline void bench_touch(struct vma_bench *b, unsigned long page)
{
	assert_int_equal(p2psim_store_byte(b->app, AT(page), 1), 0);
}

static inline struct vm_area_struct *bench_vma(struct vma_bench *b, unsigned long page)
{
	struct vm_area_struct *vma;

	mmap_read_lock(b->mm);
	vma = vma_lookup(b->mm, AT(page));
	mmap_read_unlock(b->mm);
	return vma;
}

/* ---- setup ---- */

static inline int bench_setup_config(void **state, const struct p2psim_config *config)
{
	struct vma_bench *b = calloc(1, sizeof(*b));

	b->world = p2psim_world_create(config);
	if (!b->world)
		return -1;
	p2psim_world_on_violation(b->world, core_quiet, NULL);
	b->app = p2psim_process_create("app");
	b->mm = p2psim_process_mm(b->app);
	b->ops = &bench_all_ops;
	b->file = p2psim_file_create("dev", &bench_fops, b, FMODE_READ | FMODE_WRITE);
	*state = b;
	return b->app && b->file ? 0 : -1;
}

static inline int bench_setup(void **state)
{
	return bench_setup_config(state, NULL);
}

/* At most 6 VMAs. */
static inline int bench_setup_narrow(void **state)
{
	static const struct p2psim_config config = { .max_map_count = 6 };

	return bench_setup_config(state, &config);
}

static inline int bench_teardown(void **state)
{
	struct vma_bench *b = *state;
	int dirty;

	if (b->app && !p2psim_mm_is_valid(b->mm))
		print_error("the mm is not valid\n");
	dirty = b->app && !p2psim_mm_is_valid(b->mm);
	if (b->listens)
		mmu_notifier_unregister(&b->listener, b->mm);
	if (b->app)
		p2psim_process_exit(b->app);
	if (b->file)
		fput(b->file);
	dirty |= p2psim_world_violation(b->world) || p2psim_world_check_quiescent(b->world);
	if (p2psim_world_violation(b->world))
		print_error("left over: %s\n", p2psim_world_violation(b->world)->sentence);
	p2psim_world_destroy(b->world);
	free(b);
	return dirty ? -1 : 0;
}

#define bench_test(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
#define bench_test_narrow(f) cmocka_unit_test_setup_teardown(f, bench_setup_narrow, bench_teardown)

#endif
