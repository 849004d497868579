/* SPDX-License-Identifier: MIT */
/*
 * From a page to the entries that may map it (rmap_walk.c), and entries of pages that are on their way (migrate.c,
 * exclusive.c).
 */
#ifndef P2PSIM_VMA_RMAP_WALK_H
#define P2PSIM_VMA_RMAP_WALK_H

#include "vma/internal.h"

/*
 * Calls visit() for each VMA that covers the page's place in its file or anonymous memory, by the offset at which the VMA
 * begins, then the one first that has had these boundaries longest, under the
 * lock of the reverse map and without mmap_lock.  Ends when visit() says false, and, unless `all`, when nothing maps the
 * page any more.  False: visit() said so.
 */
bool rmap_walk(struct page *page, bool all, bool (*visit)(struct vm_area_struct *vma, unsigned long addr, void *arg),
	       void *arg);

/* VMAs with anonymous memory at the offsets first to last, in the order of rmap_walk(); under the anon_vma's lock. */
struct anon_vma_chain *anon_vma_chain_first(struct anon_vma *anon_vma, pgoff_t first, pgoff_t last);
struct anon_vma_chain *anon_vma_chain_next(struct anon_vma *anon_vma, struct anon_vma_chain *chain, pgoff_t first,
					   pgoff_t last);
#define anon_vma_for_each_chain(chain, anon_vma, first, last)                                                                  \
	for (chain = anon_vma_chain_first(anon_vma, first, last); chain;                                                       \
	     chain = anon_vma_chain_next(anon_vma, chain, first, last))

/* Does this entry, present or device-private, map the page? */
static inline bool pte_maps(const pte_t *pte, const struct page *page)
{
	return pte && (pte_present(*pte) ? !pte_special(*pte) : is_device_private_pte(*pte)) &&
	       pte_pfn(*pte) == page_to_pfn(page);
}

/* The step of whoever changes an entry and the page behind it. */
static inline void pte_page_step(struct mm_struct *mm, unsigned long addr, const struct page *page, const char *label)
{
	if (likely(!p2psim_hot->busy && !mm->pte_holds))
		p2psim_hot->steps++;
	else
		pte_step_slow(mm, addr, addr + PAGE_SIZE, page, label);
}

/* ---- migrate.c ---- */

/*
 * A migration entry in place of a present or device-private one; references and map count of the entry go, page->anon_vma
 * stays.  False: the page is pinned, and nothing has happened.  After the entry's step; the caller has the page locked, with
 * a reference.
 */
bool make_migration_entry(struct vm_area_struct *vma, pte_t *pte, struct page *page);
/*
 * Takes the locked page out of all page tables: CLEAR of each VMA that may map it.  What could not go is mapped still.
 */
void try_to_migrate(struct page *page);
/* Migration entries of `from` become entries of `to`, which may be the same. */
void remove_migration_ptes(struct page *from, struct page *to);
/*
 * `to` takes over identity, and to copy, contents of `from`, both locked, which nobody maps: 0; -EAGAIN: somebody has
 * more references than the caller's one, the page cache's, and `extra` that the caller knows of; -ENOMEM.
 */
int migrate_page_identity(struct page *to, struct page *from, bool copy, int extra);
/* The references that a page has which nobody maps and only its migrator holds. */
int migrate_expected_count(const struct page *page);

/* ---- reclaim_file.c ---- */

/* Out of all page tables, and out of the page cache if it is zeros.  0; -EINVAL: not of a tmpfs; -EBUSY: locked. */
int reclaim_file_page(struct page *page);

/* ---- exclusive.c ---- */

/* The normal entry in place of an exclusive one.  After the entry's step; the caller has the page locked. */
void restore_exclusive_pte(struct vm_area_struct *vma, unsigned long addr, pte_t *pte);
vm_fault_t remove_device_exclusive_entry(struct vm_fault *vmf);

#endif
