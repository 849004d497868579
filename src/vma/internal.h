/* SPDX-License-Identifier: MIT */
/*
 * The mm from inside: what the files of this folder share.
 */
#ifndef P2PSIM_VMA_INTERNAL_H
#define P2PSIM_VMA_INTERNAL_H

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/process.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "core/tree.h"

#define PTRS_PER_TABLE 512
#define HPAGE_PMD_NR 512
#define P2PSIM_MMAP_MIN_ADDR 0x10000UL
#define P2PSIM_MMAP_BASE 0x7ffff7fff000UL

/* Linux's error pointers and values meet in one place: an address or -errno. */
static inline bool is_error(long value)
{
	return (unsigned long)value >= (unsigned long)-4095;
}

/* ---- vma.c, find_vma.c: the tree ---- */

struct vm_area_struct *vma_of(const struct p2psim_tree_node *node);
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
/* A copy that is in no tree and has no anon_vma chain yet; NULL: out of memory. */
struct vm_area_struct *vm_area_dup(struct vm_area_struct *vma);
/* Drops the file's reference and the memory. */
void vm_area_free(struct vm_area_struct *vma);
/* Into the mm's tree and the file's reverse map, counted.  One step. */
void vma_link(struct mm_struct *mm, struct vm_area_struct *vma);
/* Out of the mm's tree: find_vma() does not see it any more, reverse maps do.  No step: vma_write_step() comes before. */
void vma_unlink(struct vm_area_struct *vma);
void vma_write_step(struct mm_struct *mm, const char *label);
/* Out of the reverse maps of files and anonymous memory, once its entries are zapped. */
void vma_leave_reverse_maps(struct vm_area_struct *vma);

/*
 * A change of boundaries, in one step, under the locks of the reverse maps: whoever comes through one sees each page in
 * exactly one VMA.  Offsets follow the boundaries.  Records of p2p mappings go along.
 */
struct vma_change {
	struct vm_area_struct *vma;		/* becomes [start, end): grows, or is cut in two */
	unsigned long start, end;
	struct vm_area_struct *shrunk;		/* NULL, or the neighbour at whose cost it grows */
	unsigned long shrunk_start, shrunk_end;
	struct vm_area_struct *gone[2];		/* those that it swallows: freed */
	struct vm_area_struct *fresh;		/* the other part of a cut, in no tree yet */
};
void vma_change(const struct vma_change *change);
/* Look-ups for callers who took their step and hold the lock. */
struct vm_area_struct *vma_find(struct mm_struct *mm, unsigned long addr);
struct vm_area_struct *vma_find_prev(struct mm_struct *mm, unsigned long addr);
/* close() once, then no hook ever again. */
void vma_close(struct vm_area_struct *vma);
/* An empty table instead of its hooks. */
void vma_drop_ops(struct vm_area_struct *vma);
pgprot_t vm_get_page_prot(unsigned long vm_flags);

/* ---- i_mmap.c: mapping->i_mmap.  Context: i_mmap_rwsem, W for the changes ---- */

/* Inserts after those of the same offset. */
void vma_interval_tree_insert(struct vm_area_struct *vma, struct p2psim_tree *root);
void vma_interval_tree_remove(struct vm_area_struct *vma, struct p2psim_tree *root);
/* Those that map some of the file's pages [first, last], by offset. */
struct vm_area_struct *vma_interval_tree_iter_first(struct p2psim_tree *root, pgoff_t first, pgoff_t last);
struct vm_area_struct *vma_interval_tree_iter_next(struct vm_area_struct *vma, pgoff_t first, pgoff_t last);
#define vma_interval_tree_foreach(vma, root, first, last)                                                              \
	for (vma = vma_interval_tree_iter_first(root, first, last); vma; vma = vma_interval_tree_iter_next(vma, first, last))
/* Is it there, and does it know the greatest offset below it? */
bool vma_interval_tree_has(const struct vm_area_struct *vma, const struct p2psim_tree *root);

/* ---- merge.c ---- */

/*
 * A proposal: [addr, end) is to have these attributes.  Grows a neighbour over it if the rules of 6.1 allow (reference
 * 1.12) and returns the VMA that covers it then; NULL: no merge.  prev: the VMA before addr, or the one that contains it.
 */
struct vma_proposal {
	struct mm_struct *mm;
	struct vm_area_struct *prev;
	unsigned long addr, end;
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	struct file *file;
	pgoff_t pgoff;
};
struct vm_area_struct *vma_merge(const struct vma_proposal *proposal);
/* mmap()'s own flavour: the range is free, next is asked first.  NULL: no merge. */
struct vm_area_struct *vma_merge_new(const struct vma_proposal *proposal, struct vm_area_struct *next);
/* Cuts vma at addr; the new VMA is the lower (new_below) or the upper part.  split_vma() asks max_map_count first. */
int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below);
int split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below);
/*
 * [start, end), a piece of *vma, is to have new_flags: *vma becomes the neighbour that has grown over it, or what is left
 * when the rest is cut off.  The caller sets the flags.  *prev: the VMA before start (or *vma, which contains it); then *vma.
 * 0 or -errno; what was cut stays cut.
 */
int vma_carve(struct vm_area_struct **vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
	      unsigned long new_flags);
/*
 * Makes a duplicate of `from` that has its place a full VMA: chain, file, open().  -ENOMEM: it is freed, closed if it
 * was opened.
 */
int vma_copy_opened(struct vm_area_struct *copy, struct vm_area_struct *from);

/* ---- mmap.c, munmap.c ---- */

/* Context: mmap_lock W.  downgrade: W becomes R before page tables are touched; *downgraded says whether it did. */
int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len, bool *downgraded);
unsigned int max_map_count(void);
void exit_mmap(struct mm_struct *mm);

/* ---- unmapped_area.c, stack.c ---- */

/* Where a mapping may go, or -ENOMEM, -EINVAL.  flags: MAP_FIXED, MAP_32BIT. */
long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, int flags);
/* The highest, the lowest free range of len in [low, high), or -ENOMEM. */
long vma_find_gap(struct mm_struct *mm, unsigned long len, unsigned long low, unsigned long high);
long vma_find_gap_up(struct mm_struct *mm, unsigned long len, unsigned long low, unsigned long high);

/* ---- hugetlb.c ---- */

/* MAP_HUGETLB: 0, also when it is not asked for; -EINVAL; -ENOMEM: there is no such pool. */
int hugetlb_check_mmap(const struct file *file, unsigned long len, int flags);
/* As get_unmapped_area(), at a multiple of 2 MiB.  -ENOMEM: the pool has not so many. */
long hugetlb_get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, int flags);

#define STACK_GUARD (256 * PAGE_SIZE)

/* Where its neighbours below have to end. */
static inline unsigned long vm_start_gap(const struct vm_area_struct *vma)
{
	if (likely(!(vma->vm_flags & VM_GROWSDOWN)))
		return vma->vm_start;
	return vma->vm_start > STACK_GUARD ? vma->vm_start - STACK_GUARD : 0;
}

/* Nothing is at addr: makes the stack above it reach so far.  Context: no lock.  True: the access may be tried again. */
bool expand_stack(struct mm_struct *mm, unsigned long addr);

/* ---- populate.c ---- */

/*
 * Faults the pages of a part of a VMA in, writable where a write would copy.  Context: mmap_lock R.  Pages or -errno.
 * populate(): of all VMAs of [start, end), taking the lock; -errno, or 0 where errors are nobody's (ignore_errors).
 */
long populate_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end);
int populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool ignore_errors);

/* ---- mlock.c ---- */

/* May this mm lock another `pages`?  can_lock(): any at all? */
bool can_lock_pages(const struct mm_struct *mm, unsigned long pages);
bool can_lock(const struct mm_struct *mm);
/* RLIMIT_AS: may it grow by so many pages? */
bool may_expand_vm(const struct mm_struct *mm, unsigned long pages);

/* ---- madvise.c, madvise_pages.c ---- */

/* One piece of a VMA of an madvise() that leaves vm_flags alone.  Context: mmap_lock R.  0 or -errno. */
int madvise_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end, int advice);
/* Pages that KSM has made one are made many again: copies, as if each were written.  Context: mmap_lock.  0 or -errno. */
int ksm_unmerge(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* ---- process.c, file.c ---- */

/* The calling task is inside a system call of mm's process: current->mm, and files that wait for its end. */
struct system_call {
	struct mm_struct *outer_mm;
	struct task_struct *outer_leader;
	struct system_call *outer;
	struct file *released;
};
void system_call_begin(struct system_call *call, struct mm_struct *mm);
void system_call_end(struct system_call *call);
/* Zeroed memory becomes an open file with one reference. */
void file_init(struct file *file, const char *name, const struct file_operations *fops, void *private_data, fmode_t mode);
/* f_op->release(), and the memory. */
void file_release(struct file *file);

/* ---- mm.c ---- */

struct mm_struct *mm_alloc(const char *name);

/* ---- ram.c ---- */

struct page *p2psim_page_of_pfn(unsigned long pfn);	/* NULL: none */
/*
 * A huge page: 512 pages in a row, the first a multiple of 512, with one reference each, flagged PG_head and PG_tail.  NULL:
 * out of memory.
 */
struct page *p2psim_alloc_huge_page(void);
/* put_page() for who has taken a step that names the page. */
void drop_page(struct page *page);
void *p2psim_page_bytes(struct page *page, bool make);	/* NULL: zeros (or, to make, no memory) */
bool p2psim_ram_copy(struct page *to, struct page *from);
struct p2psim_ram_state *p2psim_ram(void);
unsigned long p2psim_ram_end(void);			/* the first pfn behind RAM */

/* ---- pgtable.c ---- */

bool pmd_alloc(struct mm_struct *mm, unsigned long addr);	/* the tables above the last; false: out of memory */
pte_t *pte_alloc(struct mm_struct *mm, unsigned long addr);	/* NULL: out of memory */

/*
 * An entry is changed in one step: the step first, then a look whether it still is what was expected, then the store.  A
 * walk over [addr, end) changes the entry of addr and looks for the next one that is there: it names those, too.
 * The step waits while somebody holds the entry.  `page`, or NULL: whose references it changes.
 */
void pte_step_slow(struct mm_struct *mm, unsigned long addr, unsigned long end, const struct page *page, const char *label);

static inline void pte_walk_step(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	struct p2psim_hot *hot = p2psim_hot;

	if (likely(hot && !hot->busy && !mm->pte_holds))
		hot->steps++;
	else
		pte_step_slow(mm, addr, end, NULL, NULL);
}

static inline void pte_write_step(struct mm_struct *mm, unsigned long addr)
{
	pte_walk_step(mm, addr, addr + PAGE_SIZE);
}

/* What the page table lock is for: an entry that is none between two steps of its owner, and nobody may put one there. */
struct p2psim_pte_hold {
	unsigned long addr;
	struct p2psim_pte_hold *next;
};
void pte_hold(struct mm_struct *mm, struct p2psim_pte_hold *hold, unsigned long addr);
void pte_release(struct mm_struct *mm, struct p2psim_pte_hold *hold);
bool pte_is_held(const struct mm_struct *mm, unsigned long addr);
/* Frees the tables that lie in [floor, ceiling) and touch [start, end). */
void free_pgtables(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long floor,
		   unsigned long ceiling);
void free_all_pgtables(struct mm_struct *mm);
bool p2psim_pud_present(struct mm_struct *mm, unsigned long addr);
/*
 * A huge entry is a table whose 512 entries map a huge page (or the zero page) alike, marked in the table above: they are
 * read like any others, and changed together, in one step that names them all.
 */
bool pmd_is_huge(struct mm_struct *mm, unsigned long addr);
void pmd_set_huge(struct mm_struct *mm, unsigned long addr, bool huge);
/* The table of 2 MiB changes its place; there is none at `to`.  False: out of memory. */
bool pmd_move(struct mm_struct *mm, unsigned long from, unsigned long to);
/* The table of a huge entry that has been emptied goes at once. */
void pmd_free_table(struct mm_struct *mm, unsigned long addr);

/* ---- rmap.c ---- */

/*
 * What family members rely on (R4, R5): for p2psim_pgtable_is_valid().  True for what does not map an anonymous page.
 */
bool anon_is_valid(const struct vm_area_struct *vma, unsigned long addr, pte_t pte, const struct page *page);

/* ---- zap.c: inside an invalidation that is announced already ---- */

/* Removes all entries of [start, end) that belong to vma; even_cows false keeps private anonymous copies. */
void zap_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool even_cows);
/* The same, announced as CLEAR. */
void zap_range_single(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool even_cows);
/* Frees what one entry holds: references, map counts, swap slots. */
void zap_entry(struct vm_area_struct *vma, unsigned long addr, pte_t pte);

/* ---- protect.c ---- */

/* After vm_flags have changed: rewrites entries, announces PROTECTION_VMA. */
void change_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* Hints for NUMA balancing: PROT_NONE entries in a VMA that can be read, announced as PROTECTION_VMA.  mmap_lock R. */
void change_prot_numa(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/* Moves the entries of [old_addr, old_addr + len); announces UNMAP of it.  Returns how far it came (bytes). */
unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr, struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len);
/* What cutting a VMA at addr says to the device: CLEAR of the 2 MiB block around it, if the VMA covers it. */
void split_huge_block(struct vm_area_struct *vma, unsigned long addr);

/* ---- fault.c, fault_swap.c, access.c ---- */

/*
 * Until a page that moves has arrived where it goes, or is back: one step.  Context: mmap_lock held (nobody frees the table),
 * nothing that the one who migrates may want.
 */
void p2psim_migration_entry_wait(struct mm_struct *mm, unsigned long addr);

/* Does the driver want to hear of the first write to each page of a shared mapping? */
static inline bool vma_wants_writenotify(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) && vma->vm_ops &&
	       (vma->vm_ops->page_mkwrite || vma->vm_ops->pfn_mkwrite);
}

pte_t mk_pte(const struct vm_area_struct *vma, unsigned long pfn, u64 bits);
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma, unsigned long addr);
void page_add_file_rmap(struct page *page);
void page_remove_rmap(struct page *page);
void mm_count_page(struct mm_struct *mm, const struct page *page, int by);
/* Makes one page accessible to the user, as the hardware's fault would.  0, or -EFAULT with *signal. */
int p2psim_fault_user(struct mm_struct *mm, unsigned long addr, bool write, struct p2psim_signal *signal);
int p2psim_access_user(struct mm_struct *mm, unsigned long addr, void *buf, size_t len, bool write,
		       struct p2psim_signal *signal);

/* Drops a reference that others look for (is the page pinned?): one step. */
static inline void put_page_step(struct page *page)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "put_page");
	drop_page(page);
}

/* A signal that kills nobody: it is only told. */
static inline int p2psim_raise(struct p2psim_signal *signal, int signo, int code, unsigned long addr)
{
	signal->signo = signo;
	signal->code = code;
	signal->address = addr;
	return -EFAULT;
}

#endif
