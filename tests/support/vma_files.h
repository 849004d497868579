/* SPDX-License-Identifier: MIT */
/*
 * What the tests of files in the page cache need besides vma_pages.h: b->file is a tmpfs file of 32 pages.
 */
#ifndef TESTS_VMA_FILES_H
#define TESTS_VMA_FILES_H

#include "vma_pages.h"

#include <p2psim/tmpfs.h>

#define FILE_PAGES 32

/* Pages [first, first + pages) of the address space show the file from page `off` on. */
static inline long files_map(struct vma_bench *b, unsigned long first, unsigned long pages, int prot, int flags,
			     unsigned long off)
{
	return p2psim_mmap(b->app, AT(first), PAGES(pages), prot, flags | MAP_FIXED, b->file, PAGES(off));
}

static inline long files_shared(struct vma_bench *b, unsigned long first, unsigned long pages, unsigned long off)
{
	return files_map(b, first, pages, RW, MAP_SHARED, off);
}

static inline long files_private(struct vma_bench *b, unsigned long first, unsigned long pages, unsigned long off)
{
	return files_map(b, first, pages, RW, MAP_PRIVATE, off);
}

static inline long files_put(struct vma_bench *b, unsigned long offset, uint8_t byte)
{
	return p2psim_file_write(b->file, offset, &byte, 1);
}

/* A byte, or what p2psim_file_read() says: 0x100 at the end of the file. */
static inline long files_get(struct vma_bench *b, unsigned long offset)
{
	uint8_t byte = 0;
	long got = p2psim_file_read(b->file, offset, &byte, 1);

	return got == 1 ? byte : got ? got : 0x100;
}

/* "F.fa": the entries from a page on, in the letters of the recordings: file f F m, anonymous a A, swap w, none '.'. */
static inline const char *files_entries(struct vma_bench *b, unsigned long first, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++) {
		pte_t pte = pages_entry(b, first + i);
		char letter = pte_none(pte) ? '.' : is_swap_pte(pte) ? 'w' : '?';

		if (pte_present(pte) && pte_special(pte))
			letter = 'z';
		else if (pte_present(pte) && PageAnon(pfn_to_page(pte_pfn(pte))))
			letter = pte_write(pte) ? 'A' : 'a';
		else if (pte_present(pte))
			letter = pte_protnone(pte) ? 'm' : pte_write(pte) ? 'F' : 'f';
		b->list[i] = letter;
	}
	b->list[pages] = 0;
	return b->list;
}

/* "anon file shmem" */
static inline const char *files_rss(struct vma_bench *b)
{
	snprintf(b->list, sizeof(b->list), "%ld %ld %ld", b->mm->rss_anon, b->mm->rss_file, b->mm->rss_shmem);
	return b->list;
}

static inline int files_setup(void **state)
{
	struct pages *t;

	if (pages_setup(state))
		return -1;
	t = *state;
	fput(t->b.file);
	t->b.log[0] = 0;
	t->b.file = p2psim_tmpfs_create("shm", PAGES(FILE_PAGES));
	return t->b.file ? 0 : -1;
}

#define files_test(f) cmocka_unit_test_setup_teardown(f, files_setup, pages_teardown)

#endif
