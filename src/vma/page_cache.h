/* SPDX-License-Identifier: MIT */
/*
 * The page cache (page_cache.c has its rules).
 */
#ifndef P2PSIM_VMA_PAGE_CACHE_H
#define P2PSIM_VMA_PAGE_CACHE_H

#include <p2psim/linux/fs.h>

/* A step; with a reference; NULL: none. */
struct page *page_cache_find(struct address_space *mapping, pgoff_t index);
/* No step, no reference: for whoever has taken one, or only counts. */
struct page *page_cache_peek(struct address_space *mapping, pgoff_t index);
/* The first page in [first, last], or NULL; no step, no reference. */
struct page *page_cache_next(struct address_space *mapping, pgoff_t first, pgoff_t last);
/* Context: the page is locked.  0, -EEXIST, -ENOMEM. */
int page_cache_add(struct address_space *mapping, pgoff_t index, struct page *page);
/* Context: the page is locked, or nobody else has the file. */
void page_cache_remove(struct page *page);
/* Context: both locked, nobody maps the old one.  `page` takes its place, reference and all. */
void page_cache_replace(struct page *old, struct page *page);
/* Everything, with the file. */
void page_cache_free(struct address_space *mapping);

/* ---- filemap.c ---- */

/* ->map_pages() of a file in the page cache. */
vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff);

#endif
