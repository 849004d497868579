/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries.  Mirrors: the architecture's pgtable.h as the mm sees it (invented: the bits are p2psim's own).
 *
 *	63		      12 11								 0
 *	[ pfn, or swap slot	| only . private exclusive migration swap protnone special dirty young write present ]
 *
 *	none		0
 *	present		present (| write | young | dirty | special); special = no struct page stands behind it
 *	PROT_NONE	protnone, pfn kept; counts as present
 *
 * Not present, and not none; `write` tells what the entry was, or becomes again:
 *	swap		slot in the pfn's place; only = the page was this mapping's alone; no write
 *	migration	pfn of the page that moves; only as above (also when write).  No reference, no
 *			map count: whoever migrates holds the page.  Counts as resident
 *	exclusive	a device has the page for itself (make_device_exclusive_range()).  A reference, no map count; resident
 *	private		device-private memory (<p2psim/linux/memremap.h>): a reference and a map count; resident
 */
#ifndef P2PSIM_LINUX_PGTABLE_H
#define P2PSIM_LINUX_PGTABLE_H

#include <p2psim/linux/mm_types.h>

enum p2psim_pte_bit {
	P2PSIM_PTE_PRESENT = 1 << 0,
	P2PSIM_PTE_WRITE = 1 << 1,
	P2PSIM_PTE_YOUNG = 1 << 2,
	P2PSIM_PTE_DIRTY = 1 << 3,
	P2PSIM_PTE_SPECIAL = 1 << 4,
	P2PSIM_PTE_PROTNONE = 1 << 5,
	P2PSIM_PTE_SWAP = 1 << 6,
	P2PSIM_PTE_MIGRATION = 1 << 7,
	P2PSIM_PTE_DEVICE_EXCLUSIVE = 1 << 8,
	P2PSIM_PTE_DEVICE_PRIVATE = 1 << 9,
	P2PSIM_PTE_ONLY = 1 << 11,
};

static inline pte_t __pte(u64 val)
{
	pte_t pte = { val };

	return pte;
}

static inline u64 pte_val(pte_t pte)
{
	return pte.val;
}

static inline bool pte_none(pte_t pte)
{
	return !pte.val;
}

static inline bool pte_present(pte_t pte)
{
	return pte.val & (P2PSIM_PTE_PRESENT | P2PSIM_PTE_PROTNONE);
}

static inline bool pte_protnone(pte_t pte)
{
	return pte.val & P2PSIM_PTE_PROTNONE;
}

static inline bool pte_write(pte_t pte)
{
	return pte.val & P2PSIM_PTE_WRITE;
}

static inline bool pte_dirty(pte_t pte)
{
	return pte.val & P2PSIM_PTE_DIRTY;
}

static inline bool pte_young(pte_t pte)
{
	return pte.val & P2PSIM_PTE_YOUNG;
}

static inline bool pte_special(pte_t pte)
{
	return pte.val & P2PSIM_PTE_SPECIAL;
}

static inline bool is_swap_pte(pte_t pte)
{
	return pte.val & P2PSIM_PTE_SWAP;
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return pte.val >> PAGE_SHIFT;
}

static inline bool is_migration_pte(pte_t pte)
{
	return pte.val & P2PSIM_PTE_MIGRATION;
}

static inline bool is_device_exclusive_pte(pte_t pte)
{
	return pte.val & P2PSIM_PTE_DEVICE_EXCLUSIVE;
}

static inline bool is_device_private_pte(pte_t pte)
{
	return pte.val & P2PSIM_PTE_DEVICE_PRIVATE;
}

/* Does it name a page, though it is not present? */
static inline bool pte_is_page_kept(pte_t pte)
{
	return pte.val & (P2PSIM_PTE_MIGRATION | P2PSIM_PTE_DEVICE_EXCLUSIVE | P2PSIM_PTE_DEVICE_PRIVATE);
}

/* Of swap and migration entries: was the page this mapping's alone? */
static inline bool pte_swp_exclusive(pte_t pte)
{
	return pte.val & P2PSIM_PTE_ONLY;
}

static inline pte_t pte_swp_clear_exclusive(pte_t pte)
{
	return __pte(pte.val & ~(u64)P2PSIM_PTE_ONLY);
}

/* Is it an entry that a fault resolves (swap, a device's), rather than one to wait for, or a poisoned or unknown one? */
static inline bool pte_swap_is_fault(pte_t pte)
{
	return pte.val & (P2PSIM_PTE_SWAP | P2PSIM_PTE_DEVICE_EXCLUSIVE | P2PSIM_PTE_DEVICE_PRIVATE);
}

static inline pte_t pfn_pte(unsigned long pfn, u64 bits)
{
	return __pte((u64)pfn << PAGE_SHIFT | bits);
}

/* Where the entry of `addr` stands, or NULL without a page table.  No step: for whoever has just taken one. */
P2PSIM_EXPORT pte_t *p2psim_pte_lookup(struct mm_struct *mm, unsigned long addr);
/* Reads it as one step; none without a page table. */
P2PSIM_EXPORT pte_t p2psim_pte_read(struct mm_struct *mm, unsigned long addr);
/* Is there a page table for the 2 MiB around addr? */
P2PSIM_EXPORT bool p2psim_pmd_present(struct mm_struct *mm, unsigned long addr);
/* Is that table one huge entry?  Its 512 entries can be read as if they were small ones. */
P2PSIM_EXPORT bool p2psim_pmd_is_huge(struct mm_struct *mm, unsigned long addr);
/* How many huge entries map the huge page that this one is part of. */
P2PSIM_EXPORT int p2psim_page_huge_mapcount(struct page *page);
/* The page that reads of untouched anonymous memory map; it has a struct page, is never freed, and is always zero. */
P2PSIM_EXPORT unsigned long p2psim_zero_pfn(void);

static inline bool is_zero_pfn(unsigned long pfn)
{
	return pfn == p2psim_zero_pfn();
}

/*
 * Counters and entries agree: rss, map counts, page counts, swap slots; entries lie in VMAs and are writable only where the
 * VMA is; tables stand only where a VMA may need them.
 * Walks everything: for tests and the ends of operations.
 */
P2PSIM_EXPORT bool p2psim_pgtable_is_valid(struct mm_struct *mm);

#endif
