/* SPDX-License-Identifier: MIT */
/*
 * What the tests of page tables and pages need besides vma_bench.h: a driver that answers faults as it is told, and words for
 * entries.
 *
 *	"none"	"zero"	"ro" "rw"	a page of RAM
 *	"pfn-ro" "pfn-rw"		no struct page behind it
 *	"prot-none"  "swap"  "migration"  "exclusive-ro" "exclusive-rw"
 */
#ifndef TESTS_VMA_PAGES_H
#define TESTS_VMA_PAGES_H

#include "vma_bench.h"

#include <signal.h>

#include <p2psim/linux/pgtable.h>
#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/task.h>

struct pages {
	struct vma_bench b;
	/* how the driver answers */
	vm_fault_t answer;	/* of ->fault() */
	bool gives, locks;	/* a page; locked */
	bool inserts;		/* vmf_insert_pfn(DEVICE_PFN + pgoff) and VM_FAULT_NOPAGE */
	bool drops;		/* mmap_lock, before it answers */
	unsigned int retries;	/* that many times RETRY, lock dropped, before the answer */
	vm_fault_t mkwrite_answer;
	bool mkwrite_locks;
	uint8_t byte;		/* at the start of each page given */
	/* what it saw */
	unsigned int faults, mkwrites;
	unsigned int flags;	/* of the last fault */
	struct page *page;	/* the last one given; the driver's own reference is kept if `keeps` */
	bool keeps;
};

static inline struct pages *pages_of(const struct vm_area_struct *vma)
{
	return container_of(bench_of(vma), struct pages, b);
}

static inline vm_fault_t pages_give(struct pages *t, struct vm_fault *vmf)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return VM_FAULT_OOM;
	p2psim_ram_write(page_to_phys(page), &t->byte, 1);
	if (t->locks)
		lock_page(page);
	if (t->keeps)
		get_page(page);
	vmf->page = t->page = page;
	return t->answer;
}

static inline vm_fault_t pages_fault(struct vm_fault *vmf)
{
	struct pages *t = pages_of(vmf->vma);

	t->faults++;
	t->flags = vmf->flags;
	p2psim_step("driver:fault");
	if (t->retries) {
		t->retries--;
		mmap_read_unlock(vmf->vma->vm_mm);
		return VM_FAULT_RETRY;
	}
	if (t->drops)
		mmap_read_unlock(vmf->vma->vm_mm);
	if (t->inserts)
		return vmf_insert_pfn(vmf->vma, vmf->address, DEVICE_PFN + vmf->pgoff);
	return t->gives ? pages_give(t, vmf) : t->answer;
}

static inline vm_fault_t pages_mkwrite(struct vm_fault *vmf)
{
	struct pages *t = pages_of(vmf->vma);

	t->mkwrites++;
	p2psim_step("driver:mkwrite");
	if (t->mkwrite_locks)
		lock_page(vmf->page);
	return t->mkwrite_answer;
}

static const struct vm_operations_struct pages_ops = { .fault = pages_fault };
static const struct vm_operations_struct pages_notified_ops __attribute__((unused)) = { .fault = pages_fault,
											 .page_mkwrite = pages_mkwrite };
static const struct vm_operations_struct pages_pfn_ops __attribute__((unused)) = { .fault = pages_fault,
										    .pfn_mkwrite = pages_mkwrite };

/* ---- shorthands ---- */

static inline pte_t pages_entry(struct vma_bench *b, unsigned long page)
{
	const pte_t *pte = p2psim_pte_lookup(b->mm, AT(page));

	return pte ? *pte : __pte(0);
}

static inline const char *pages_state(struct vma_bench *b, unsigned long page)
{
	pte_t pte = pages_entry(b, page);

	if (pte_none(pte) || is_swap_pte(pte))
		return pte_none(pte) ? "none" : "swap";
	if (is_migration_pte(pte))
		return "migration";
	if (is_device_exclusive_pte(pte))
		return pte_write(pte) ? "exclusive-rw" : "exclusive-ro";
	if (pte_protnone(pte))
		return "prot-none";
	if (pte_special(pte) && is_zero_pfn(pte_pfn(pte)))
		return "zero";
	if (pte_special(pte))
		return pte_write(pte) ? "pfn-rw" : "pfn-ro";
	return pte_write(pte) ? "rw" : "ro";
}

static inline struct page *pages_page(struct vma_bench *b, unsigned long page)
{
	return pfn_to_page(pte_pfn(pages_entry(b, page)));
}

static inline int pages_load(struct vma_bench *b, unsigned long page)
{
	return p2psim_load_byte(b->app, AT(page));
}

static inline int pages_store(struct vma_bench *b, unsigned long page, uint8_t value)
{
	return p2psim_store_byte(b->app, AT(page), value);
}

/* Listens from here on. */
static inline void pages_listen(struct vma_bench *b)
{
	bench_listen(b);
	bench_log(b);
}

/* "SEGV MAPERR 3": the signal of the last failed access, and the page. */
static inline const char *pages_signal(struct vma_bench *b)
{
	const struct p2psim_signal *s = p2psim_process_signal(b->app);

	snprintf(b->list, sizeof(b->list), "%s %s %lx", s->signo == SIGSEGV ? "SEGV" : s->signo == SIGBUS ? "BUS" : "?",
		 s->signo == SIGBUS ? s->code == P2PSIM_BUS_ADRERR ? "ADRERR" : "?" :
		 s->code == P2PSIM_SEGV_MAPERR ? "MAPERR" : "ACCERR", bench_page(s->address));
	return b->list;
}

/* The file, private: offsets counted like addresses. */
static inline long pages_private(struct vma_bench *b, unsigned long first, unsigned long pages, int prot)
{
	return p2psim_mmap(b->app, AT(first), PAGES(pages), prot, MAP_PRIVATE | MAP_FIXED, b->file, PAGES(first));
}

static inline int pages_setup_config(void **state, const struct p2psim_config *config)
{
	struct pages *t = calloc(1, sizeof(*t));

	t->b.world = p2psim_world_create(config);
	if (!t->b.world)
		return -1;
	p2psim_world_on_violation(t->b.world, core_quiet, NULL);
	t->b.app = p2psim_process_create("app");
	t->b.mm = p2psim_process_mm(t->b.app);
	t->b.ops = &pages_ops;
	t->b.file = p2psim_file_create("dev", &bench_fops, &t->b, FMODE_READ | FMODE_WRITE);
	t->gives = true;
	t->byte = 7;
	*state = t;
	return t->b.app && t->b.file ? 0 : -1;
}

static inline int pages_setup(void **state)
{
	return pages_setup_config(state, NULL);
}

static inline int pages_teardown(void **state)
{
	struct pages *t = *state;
	bool valid = p2psim_pgtable_is_valid(t->b.mm);

	if (!valid)
		print_error("the page tables are not valid\n");
	return bench_teardown(state) || !valid ? -1 : 0;
}

/* The test has broken something on purpose. */
static inline int pages_teardown_rubble(void **state)
{
	struct pages *t = *state;

	p2psim_world_destroy(t->b.world);
	free(t);
	return 0;
}

#define pages_test(f) cmocka_unit_test_setup_teardown(f, pages_setup, pages_teardown)
#define pages_test_rubble(f) cmocka_unit_test_setup_teardown(f, pages_setup, pages_teardown_rubble)

/* Under mmap_lock. */
static inline long pages_pin(struct vma_bench *b, unsigned long first, unsigned long nr, unsigned int flags, struct page **pages)
{
	long ret;

	mmap_read_lock(b->mm);
	ret = pin_user_pages_remote(b->mm, AT(first), nr, flags, pages, NULL, NULL);
	mmap_read_unlock(b->mm);
	return ret;
}

#endif
