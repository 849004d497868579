/* SPDX-License-Identifier: MIT */
/*
 * Migration on a driver's behalf from inside: lists of pages on their way (migrate_device.c), pages for entries that had none
 * (migrate_insert.c).
 */
#ifndef P2PSIM_VMA_MIGRATE_H
#define P2PSIM_VMA_MIGRATE_H

#include <p2psim/linux/migrate.h>
#include <p2psim/linux/mmu_notifier.h>

/*
 * Takes the locked, referenced pages of src[] out of all page tables: CLEAR of each that is mapped still.  Those that cannot
 * move become what they were, and src[i] 0.  `fault_page`: NULL, or one that may have a reference more.
 * Return: how many entries have MIGRATE, also without a page.
 */
unsigned long migrate_unmap_pages(unsigned long *src, unsigned long npages, const struct page *fault_page);
/* A device-coherent page, with a reference of the caller's, which is dropped, goes to RAM.  0, or -EBUSY. */
int migrate_device_coherent_page(struct page *page);

/* Of one migrate_vma_pages(): the second MIGRATE, if it has begun. */
struct migrate_insert {
	struct migrate_vma *args;
	struct mmu_notifier_range range;
	bool notified;
};

/* Puts `page` at entry i, where nothing is, or the zero page; else clears MIGRATE of src[i]. */
void migrate_insert_page(struct migrate_insert *insert, unsigned long i, struct page *page);
void migrate_insert_end(struct migrate_insert *insert);

#endif
