/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/highmem.h, 6.1 (reduced: all RAM is mapped all the time, as on a 64-bit machine).
 *
 * The CPU's own view of a page's bytes.  kmap() is a step that writes the page (what the caller does with the pointer is not
 * seen); copies and clears name what they read and write.  Oracles: UAF for a page that is free; DATA for one that the CPU
 * cannot reach at all, because it is a device's private memory.
 */
#ifndef P2PSIM_LINUX_HIGHMEM_H
#define P2PSIM_LINUX_HIGHMEM_H

#include <string.h>

#include <p2psim/linux/mm.h>
#include <p2psim/linux/uaccess.h>

/*
 * PAGE_SIZE bytes, the same address at every call as long as the page lives.
 * Context: kmap() may sleep; the others nest and must be undone in reverse order by the task that made them (not checked).
 */
P2PSIM_EXPORT void *kmap(struct page *page);
P2PSIM_EXPORT void kunmap(struct page *page);
P2PSIM_EXPORT void *kmap_local_page(struct page *page);
P2PSIM_EXPORT void p2psim_kunmap_local(const void *addr);
#define kmap(page) (P2PSIM_HERE(), kmap(page))
#define kmap_local_page(page) (P2PSIM_HERE(), kmap_local_page(page))
#define kunmap_local(addr) p2psim_kunmap_local(addr)
#define kmap_atomic(page) kmap_local_page(page)
#define kunmap_atomic(addr) p2psim_kunmap_local(addr)

P2PSIM_EXPORT void copy_highpage(struct page *to, struct page *from);
P2PSIM_EXPORT void clear_highpage(struct page *page);
#define copy_highpage(to, from) (P2PSIM_HERE(), copy_highpage((to), (from)))
#define clear_highpage(page) (P2PSIM_HERE(), clear_highpage(page))
#define copy_user_highpage(to, from, vaddr, vma) ((void)(vaddr), (void)(vma), copy_highpage((to), (from)))
#define clear_user_highpage(page, vaddr) ((void)(vaddr), clear_highpage(page))

static inline void memcpy_from_page(char *to, struct page *page, size_t offset, size_t len)
{
	memcpy(to, (char *)kmap_local_page(page) + offset, len);
}

static inline void memcpy_to_page(struct page *page, size_t offset, const char *from, size_t len)
{
	memcpy((char *)kmap_local_page(page) + offset, from, len);
}

static inline void memzero_page(struct page *page, size_t offset, size_t len)
{
	memset((char *)kmap_local_page(page) + offset, 0, len);
}

#endif
