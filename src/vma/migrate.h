/* SPDX-License-Identifier: MIT */
/*
 * migrate_vma_pages() from inside: pages for entries that had none.
 */
#ifndef P2PSIM_VMA_MIGRATE_H
#define P2PSIM_VMA_MIGRATE_H

#include <p2psim/linux/migrate.h>
#include <p2psim/linux/mmu_notifier.h>

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
