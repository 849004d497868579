/* SPDX-License-Identifier: MIT */
/*
 * tmpfs files becoming shorter, losing a part, or getting pages in advance.
 *
 *	truncate	size; unmap, copies too; pages go; unmap again: a private copy may have been made in between
 *	punch hole	unmap, copies stay; pages go
 *
 * A page that was mapped again meanwhile is unmapped with its lock held, before it leaves the cache.
 */
#include <string.h>

#include <p2psim/linux/mm.h>
#include <p2psim/step.h>
#include <p2psim/tmpfs.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/shmem.h"

static void drop_cached(struct address_space *mapping, struct page *page)
{
	get_page(page);
	lock_page(page);
	if (page->mapping == mapping) {
		if (page_mapcount(page))
			(unmap_mapping_range)(mapping, (loff_t)page->index << PAGE_SHIFT, PAGE_SIZE, 0);
		page_cache_remove(page);
	}
	unlock_page(page);
	put_page(page);
}

/* Makes bytes of one page zero, if it is there. */
static void zero_part(struct address_space *mapping, loff_t start, loff_t end)
{
	static const char zeros[PAGE_SIZE];
	struct page *page;

	if (start >= end || shmem_get_page(mapping, (pgoff_t)start >> PAGE_SHIFT, SHMEM_READ, &page) || !page)
		return;
	p2psim_step_range(P2PSIM_STEP_MEM_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "zero");
	p2psim_ram_write(page_to_phys(page) | ((u64)start & ~PAGE_MASK), zeros, (size_t)(end - start));
	set_page_dirty(page);
	unlock_page(page);
	put_page(page);
}

/* Bytes [start, end) go; end ULONG_MAX: to the end of the file and whatever is behind it. */
static void drop_range(struct address_space *mapping, u64 start, u64 end)
{
	pgoff_t first = PAGE_ALIGN(start) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;
	struct page *page;
	u64 first_end = min(end, PAGE_ALIGN(start));

	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&mapping->host->obj), true, start >> PAGE_SHIFT, last,
			  "page cache");
	while (last > first && (page = page_cache_next(mapping, first, last - 1))) {
		first = page->index + 1;
		drop_cached(mapping, page);
	}
	if (start & ~PAGE_MASK)
		zero_part(mapping, (loff_t)start, (loff_t)first_end);
	if (end & ~PAGE_MASK && end != ULONG_MAX && (end & PAGE_MASK) >= first_end)
		zero_part(mapping, (loff_t)(end & PAGE_MASK), (loff_t)end);
}

static void shrink(struct address_space *mapping, loff_t old, loff_t size)
{
	loff_t hole = (loff_t)PAGE_ALIGN((u64)size);

	if (old > hole)
		(unmap_mapping_range)(mapping, hole, 0, 1);
	if (mapping->nrpages)
		drop_range(mapping, (u64)size, ULONG_MAX);
	if (old > hole)
		(unmap_mapping_range)(mapping, hole, 0, 1);
}

int p2psim_file_truncate(struct file *file, uint64_t size)
{
	struct address_space *mapping = file->f_mapping;
	struct shmem_info *info = shmem_info(mapping);
	loff_t old;

	if (!(file->f_mode & FMODE_WRITE) || (loff_t)size < 0)
		return -EINVAL;
	if (size > (u64)SHMEM_MAX_BYTES)
		return -EFBIG;
	p2psim_enter("ftruncate(%s, %x)", P2PSIM_STR(file->obj.name), size);
	down_write(&info->i_rwsem);
	old = info->i_size;
	if ((loff_t)size != old)
		shmem_set_size(mapping, (loff_t)size);
	if ((loff_t)size <= old)
		shrink(mapping, old, (loff_t)size);
	up_write(&info->i_rwsem);
	p2psim_leave("ftruncate = 0");
	return 0;
}

/* What fallocate() is asked for: 0 or why not. */
static int refuse_range(const struct file *file, uint64_t offset, uint64_t len)
{
	if ((loff_t)offset < 0 || (loff_t)len <= 0)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return offset + len > (u64)SHMEM_MAX_BYTES ? -EFBIG : 0;
}

/* As in the kernel, a hole inside the first page unmaps all from page 1 on (its end, rounded down, is before the file). */
static void unmap_hole(struct address_space *mapping, u64 start, u64 end)
{
	u64 first = PAGE_ALIGN(start), last = (end & PAGE_MASK) - 1;

	if (last > first)
		(unmap_mapping_range)(mapping, (loff_t)first, (loff_t)(1 + last - first), 0);
}

int p2psim_file_punch_hole(struct file *file, uint64_t offset, uint64_t len)
{
	struct shmem_info *info = shmem_info(file->f_mapping);
	int error = refuse_range(file, offset, len);

	if (error)
		return error;
	p2psim_enter("punch_hole(%s, %x, %x)", P2PSIM_STR(file->obj.name), offset, len);
	down_write(&info->i_rwsem);
	unmap_hole(file->f_mapping, offset, offset + len);
	drop_range(file->f_mapping, offset, offset + len);
	up_write(&info->i_rwsem);
	p2psim_leave("punch_hole = 0");
	return 0;
}

/* Takes back what was allocated only now. */
static void drop_allocated(struct address_space *mapping, pgoff_t first, pgoff_t end)
{
	struct page *page;

	while (first < end && (page = page_cache_next(mapping, first, end - 1))) {
		first = page->index + 1;
		if (!(page->flags & 1UL << PG_uptodate))
			drop_cached(mapping, page);
	}
}

static int allocate(struct address_space *mapping, pgoff_t first, pgoff_t end)
{
	struct page *page;
	pgoff_t at;
	int error;

	for (at = first; at < end; at++) {
		error = shmem_get_page(mapping, at, SHMEM_ALLOC, &page);
		if (error) {
			drop_allocated(mapping, first, at);
			return error;
		}
		set_page_dirty(page);
		unlock_page(page);
		put_page(page);
	}
	return 0;
}

int p2psim_file_allocate(struct file *file, uint64_t offset, uint64_t len)
{
	struct shmem_info *info = shmem_info(file->f_mapping);
	int error = refuse_range(file, offset, len);

	if (error)
		return error;
	p2psim_enter("fallocate(%s, %x, %x)", P2PSIM_STR(file->obj.name), offset, len);
	down_write(&info->i_rwsem);
	error = allocate(file->f_mapping, offset >> PAGE_SHIFT, PAGE_ALIGN(offset + len) >> PAGE_SHIFT);
	if (!error && (loff_t)(offset + len) > info->i_size)
		shmem_set_size(file->f_mapping, (loff_t)(offset + len));
	up_write(&info->i_rwsem);
	p2psim_leave("fallocate = %e", (uint64_t)(int64_t)error);
	return error;
}
