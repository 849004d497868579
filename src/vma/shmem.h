/* SPDX-License-Identifier: MIT */
/*
 * tmpfs from inside.
 */
#ifndef P2PSIM_VMA_SHMEM_H
#define P2PSIM_VMA_SHMEM_H

#include <p2psim/linux/rwsem.h>

#include "vma/page_cache.h"

/* Of an inode; the host's private_data. */
struct shmem_info {
	struct rw_semaphore i_rwsem;	/* write: whoever changes the size or takes pages out */
	loff_t i_size;			/* bytes */
};

static inline struct shmem_info *shmem_info(const struct address_space *mapping)
{
	return mapping->host->private_data;
}

/* What is wanted of a page that is not there. */
enum shmem_want {
	SHMEM_READ,	/* nothing: a hole reads as zeros */
	SHMEM_CACHE,	/* make it, zeroed */
	SHMEM_ALLOC,	/* make it, contents undefined (fallocate()): not uptodate */
	SHMEM_WRITE,	/* make it, whatever the size of the file */
};

#define SHMEM_MAX_BYTES INT64_MAX

/* Shared anonymous memory: gives the VMA a nameless file.  -ENOMEM. */
int shmem_zero_setup(struct vm_area_struct *vma);
/* Context: i_rwsem held for writing.  One step. */
void shmem_set_size(struct address_space *mapping, loff_t size);
bool file_is_shmem(const struct file *file);
/*
 * The page of index, locked and with a reference, in *page; NULL: a hole.  0, -EINVAL (beyond the end; not for
 * SHMEM_WRITE and SHMEM_ALLOC), -ENOMEM.
 */
int shmem_get_page(struct address_space *mapping, pgoff_t index, enum shmem_want want, struct page **page);

#endif
