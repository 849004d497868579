/* SPDX-License-Identifier: MIT */
/*
 * dmirror: atomic access.  Pages that the CPU cannot reach meanwhile; who touches one takes it back.
 *
 * A batch of which not every page could be had has no entries, though the others are exclusive.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/rmap.h>
#include <p2psim/linux/sched/mm.h>

/* How many pages there are entries for. */
static unsigned long map_pages(struct dmirror *dmirror, unsigned long start, struct page **pages, unsigned long count)
{
	unsigned long i, mapped = 0;

	mutex_lock(&dmirror->mutex);
	for (i = 0; i < count; i++)
		if (pages[i] && !dmirror_set(dmirror, (start >> PAGE_SHIFT) + i, pages[i], DMIRROR_ATOMIC))
			mapped++;
	mutex_unlock(&dmirror->mutex);
	return mapped;
}

static int take_batch(struct dmirror *dmirror, unsigned long start, unsigned long end)
{
	unsigned long count = (end - start) >> PAGE_SHIFT, mapped = 0;
	struct page *pages[DMIRROR_BATCH] = {};
	int i, found = make_device_exclusive_range(dmirror_mm(dmirror), start, end, pages, NULL);

	if (found >= 0 && (unsigned long)found == count)
		mapped = map_pages(dmirror, start, pages, count);
	for (i = 0; i < found; i++) {
		if (!pages[i])
			continue;
		unlock_page(pages[i]);
		put_page(pages[i]);
	}
	return mapped == count ? 0 : -EBUSY;
}

int dmirror_exclusive(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	unsigned long addr = cmd->addr, end = cmd->addr + (cmd->npages << PAGE_SHIFT), next;
	struct mm_struct *mm = dmirror_mm(dmirror);
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -EINVAL;
	mmap_read_lock(mm);
	for (; addr < end && !ret; addr = next) {
		next = min(addr + (DMIRROR_BATCH << PAGE_SHIFT), end);
		ret = take_batch(dmirror, addr, next);
	}
	mmap_read_unlock(mm);
	mmput(mm);
	return ret ? ret : dmirror_read_table(dmirror, cmd);
}

int dmirror_check_exclusive(struct dmirror *dmirror, const struct p2psim_dmirror_cmd *cmd)
{
	const struct dmirror_entry *entry;
	unsigned long i;
	int ret = 0;

	mutex_lock(&dmirror->mutex);
	for (i = 0; i < cmd->npages && !ret; i++) {
		entry = dmirror_find(dmirror, (cmd->addr >> PAGE_SHIFT) + i);
		ret = entry && entry->access == DMIRROR_ATOMIC ? -EPERM : 0;
	}
	mutex_unlock(&dmirror->mutex);
	return ret;
}
