/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: files whose pages live in the page cache alone, and shared anonymous memory, which is a file without a name.
 *
 *	S1. The size changes with i_rwsem held for writing, in a step that writes all of the file from the smaller size on:
 *	    a look-up of a page up to there comes before or after.
 *	S2. A fault beyond the size gives SIGBUS; the size is read in the step of the look-up, and again in that of adding.
 *
 * The first open file stands for the inode: the others of the same file keep a reference of it.
 */
#include <string.h>

#include <p2psim/linux/mm.h>
#include <p2psim/step.h>
#include <p2psim/tmpfs.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/shmem.h"

/* ---- pages ---- */

static bool is_beyond(struct address_space *mapping, pgoff_t index, enum shmem_want want)
{
	return want <= SHMEM_CACHE && (loff_t)index << PAGE_SHIFT >= shmem_info(mapping)->i_size;
}

/* Locks a page that was found; false: it has left the file meanwhile. */
static bool lock_in(struct address_space *mapping, struct page *page)
{
	lock_page(page);
	if (page->mapping == mapping)
		return true;
	unlock_page(page);
	put_page(page);
	return false;
}

/* A zeroed page of our own, added.  -EEXIST: somebody was faster. */
static int add_page(struct address_space *mapping, pgoff_t index, enum shmem_want want, struct page **added)
{
	struct page *page = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	int error;

	if (!page)
		return -ENOMEM;
	page->flags |= 1UL << PG_locked | 1UL << PG_swapbacked; /* nobody knows it yet */
	error = page_cache_add(mapping, index, page);
	if (!error && is_beyond(mapping, index, want)) {
		page_cache_remove(page);
		error = -EINVAL;
	}
	if (!error) {
		*added = page;
		return 0;
	}
	page->flags &= ~(1UL << PG_locked);
	put_page(page);
	return error;
}

int shmem_get_page(struct address_space *mapping, pgoff_t index, enum shmem_want want, struct page **page)
{
	bool was_there;
	int error = 0;

	do {
		*page = page_cache_find(mapping, index);
		was_there = *page;
		if (is_beyond(mapping, index, want)) {
			if (*page)
				put_page(*page);
			return -EINVAL;
		}
		if (!*page && want == SHMEM_READ)
			return 0;
		if (*page)
			error = lock_in(mapping, *page) ? 0 : -EEXIST;
		else
			error = add_page(mapping, index, want, page);
	} while (error == -EEXIST);
	if (!error)
		(*page)->flags &= ~(1UL << PG_swapped);
	/* Only the first fallocate() of a page leaves its contents undefined. */
	if (!error && want != SHMEM_READ && (want != SHMEM_ALLOC || was_there))
		(*page)->flags |= 1UL << PG_uptodate;
	return error;
}

static vm_fault_t shmem_fault(struct vm_fault *vmf)
{
	int error = shmem_get_page(vmf->vma->vm_file->f_mapping, vmf->pgoff, SHMEM_CACHE, &vmf->page);

	if (error)
		return error == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	return VM_FAULT_LOCKED;
}

/* ---- files ---- */

static const struct vm_operations_struct shmem_vm_ops = {
	.fault = shmem_fault,
	.map_pages = filemap_map_pages,
};

static int shmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	(void)file;
	vma->vm_ops = &shmem_vm_ops;
	return 0;
}

/* The first file of an inode takes everything with it. */
static int shmem_release(struct inode *inode, struct file *file)
{
	if (file->f_mapping != &file->mapping) {
		fput(file->f_mapping->host);
		return 0;
	}
	page_cache_free(&file->mapping);
	kfree(file->private_data);
	return 0;
}

static const struct file_operations shmem_file_operations = {
	.mmap = shmem_mmap,
	.release = shmem_release,
};

bool file_is_shmem(const struct file *file)
{
	return file->f_op == &shmem_file_operations;
}

struct file *p2psim_tmpfs_create(const char *name, uint64_t size)
{
	struct shmem_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	struct file *file = info ? p2psim_file_create(name, &shmem_file_operations, info, FMODE_READ | FMODE_WRITE) : NULL;

	if (!file) {
		kfree(info);
		return NULL;
	}
	init_rwsem(&info->i_rwsem);
	info->i_size = (loff_t)size;
	return file;
}

struct file *p2psim_tmpfs_open(struct file *file, unsigned int mode)
{
	struct file *opened = p2psim_file_create(file->obj.name, &shmem_file_operations, NULL, mode);

	if (!opened)
		return NULL;
	opened->f_mapping = file->f_mapping;
	get_file(file->f_mapping->host);
	return opened;
}

int shmem_zero_setup(struct vm_area_struct *vma)
{
	struct file *file = p2psim_tmpfs_create("shared memory", vma->vm_end - vma->vm_start);

	if (!file)
		return -ENOMEM;
	vma->vm_file = file;
	vma->vm_ops = &shmem_vm_ops;
	return 0;
}

uint64_t p2psim_file_size(const struct file *file)
{
	return (uint64_t)shmem_info(file->f_mapping)->i_size;
}

void shmem_set_size(struct address_space *mapping, loff_t size)
{
	struct shmem_info *info = shmem_info(mapping);
	loff_t smaller = size < info->i_size ? size : info->i_size;

	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&mapping->host->obj), true, (u64)smaller >> PAGE_SHIFT, ULONG_MAX,
			  "file size");
	info->i_size = size;
}

/* ---- read and write ---- */

/* Of one page; a hole reads as zeros. */
static int read_piece(struct address_space *mapping, loff_t at, void *buf, size_t len)
{
	struct page *page;
	int error = shmem_get_page(mapping, (pgoff_t)at >> PAGE_SHIFT, SHMEM_READ, &page);

	if (error || !page) {
		memset(buf, 0, len);
		return error == -EINVAL ? 0 : error;
	}
	unlock_page(page);
	p2psim_step_range(P2PSIM_STEP_MEM_READ, P2PSIM_OBJ_RAM, false, page->pfn, page->pfn, "read");
	error = p2psim_ram_read(page_to_phys(page) | ((u64)at & ~PAGE_MASK), buf, len);
	put_page(page);
	return error;
}

static int write_piece(struct address_space *mapping, loff_t at, const void *buf, size_t len)
{
	struct page *page;
	int error = shmem_get_page(mapping, (pgoff_t)at >> PAGE_SHIFT, SHMEM_WRITE, &page);

	if (error)
		return error;
	p2psim_step_range(P2PSIM_STEP_MEM_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "write");
	error = p2psim_ram_write(page_to_phys(page) | ((u64)at & ~PAGE_MASK), buf, len);
	if (!error && at + (loff_t)len > shmem_info(mapping)->i_size)
		shmem_set_size(mapping, at + (loff_t)len);
	set_page_dirty(page);
	unlock_page(page);
	put_page(page);
	return error;
}

static size_t piece_of(loff_t at, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - ((u64)at & ~PAGE_MASK));
}

long p2psim_file_read(struct file *file, uint64_t offset, void *buf, size_t len)
{
	loff_t size = (loff_t)p2psim_file_size(file);
	size_t done = 0, piece;
	int error = 0;

	if ((loff_t)offset < 0)
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if ((loff_t)offset >= size)
		return 0;
	len = min_t(size_t, len, (size_t)(size - (loff_t)offset));
	for (; done < len && !error; done += error ? 0 : piece) {
		piece = piece_of((loff_t)(offset + done), len - done);
		error = read_piece(file->f_mapping, (loff_t)(offset + done), (char *)buf + done, piece);
	}
	return done ? (long)done : error;
}

long p2psim_file_write(struct file *file, uint64_t offset, const void *buf, size_t len)
{
	struct shmem_info *info = shmem_info(file->f_mapping);
	size_t done = 0, piece;
	int error = 0;

	if ((loff_t)offset < 0)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (len && (offset >= (u64)SHMEM_MAX_BYTES || len > (u64)SHMEM_MAX_BYTES - offset))
		return -EFBIG;
	p2psim_enter("write(%s, %x, %x)", P2PSIM_STR(file->obj.name), offset, len);
	down_write(&info->i_rwsem);
	for (; done < len && !error; done += error ? 0 : piece) {
		piece = piece_of((loff_t)(offset + done), len - done);
		error = write_piece(file->f_mapping, (loff_t)(offset + done), (const char *)buf + done, piece);
	}
	up_write(&info->i_rwsem);
	p2psim_leave("write = %x", done);
	return done ? (long)done : error;
}
