/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the device reads and writes memory through its page table.
 *
 * Each page is asked of the oracle first: is the entry still what the CPU's page table says?
 */
#include "devices/dmirror_internal.h"

#include <string.h>

#include <p2psim/linux/uaccess.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>

/* A copy of the pages of a command, on its way to or from the process. */
struct bounce {
	char *bytes;
	unsigned long addr, pages;
	unsigned long done;		/* pages */
};

static int bounce_init(struct bounce *bounce, const struct p2psim_dmirror_cmd *cmd)
{
	*bounce = (struct bounce){ .addr = cmd->addr, .pages = cmd->npages };
	if (cmd->npages > SIZE_MAX >> PAGE_SHIFT)
		return -ENOMEM;
	bounce->bytes = kmalloc(cmd->npages << PAGE_SHIFT, GFP_KERNEL);
	return bounce->bytes ? 0 : -ENOMEM;
}

/* What the device can use as it stands: the entry, or NULL. */
static struct dmirror_entry *usable(const struct dmirror *dmirror, unsigned long vpfn, bool write)
{
	struct dmirror_entry *entry = dmirror_find(dmirror, vpfn);

	if (!entry || (write && entry->access != DMIRROR_WRITE))
		return NULL;
	return entry;
}

static struct page *bytes_of(const struct dmirror *dmirror, const struct dmirror_entry *entry)
{
	return dmirror_has(dmirror->device, P2PSIM_DMIRROR_KMAP) ? entry->page : dmirror_backing_page(entry->page);
}

/* One page, as one step: the entry is true, and its bytes move. */
static void copy_page(struct dmirror *dmirror, struct dmirror_entry *entry, char *bytes, bool write)
{
	unsigned long va = entry->node.start << PAGE_SHIFT;
	struct page *page = bytes_of(dmirror, entry);
	struct p2psim_op op = {
		.kind = write ? P2PSIM_STEP_DMA_WRITE : P2PSIM_STEP_DMA_READ,
		.label = "dmirror:access",
		.access_count = 2,
		.access[0] = { P2PSIM_OBJ_RAM, write, page->pfn, page->pfn },
		.access[1] = { p2psim_object_id(&dmirror_mm(dmirror)->obj), false, entry->node.start, entry->node.start },
	};

	p2psim_step_op(&op);
	p2psim_translation_check(dmirror_mm(dmirror), va, page_to_phys(entry->page), write);
	if (write)
		p2psim_ram_write(page_to_phys(page), bytes, PAGE_SIZE);
	else
		p2psim_ram_read(page_to_phys(page), bytes, PAGE_SIZE);
}

/* From where the bounce buffer stands.  0; -ENOENT: an entry is missing; -EAGAIN: the page moves.  Context: the mutex. */
static int copy_table(struct dmirror *dmirror, struct bounce *bounce, bool write)
{
	struct dmirror_entry *entry;
	unsigned long vpfn;

	for (; bounce->done < bounce->pages; bounce->done++) {
		vpfn = (bounce->addr >> PAGE_SHIFT) + bounce->done;
		if (dmirror_is_moving(dmirror, vpfn))
			return -EAGAIN;
		entry = usable(dmirror, vpfn, write);
		if (!entry)
			return -ENOENT;
		copy_page(dmirror, entry, bounce->bytes + (bounce->done << PAGE_SHIFT), write);
	}
	return 0;
}

static int copy_table_locked(struct dmirror *dmirror, struct bounce *bounce, bool write)
{
	int ret;

	do {
		mutex_lock(&dmirror->mutex);
		ret = copy_table(dmirror, bounce, write);
		mutex_unlock(&dmirror->mutex);
		if (ret == -EAGAIN)
			wait_event(dmirror->device->moved,
				   !dmirror_is_moving(dmirror, (bounce->addr >> PAGE_SHIFT) + bounce->done));
	} while (ret == -EAGAIN);
	return ret;
}

/* Each round faults all that is left, from the first page that is missing. */
static int copy_faulting(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd, struct bounce *bounce, bool write)
{
	unsigned long end = cmd->addr + (cmd->npages << PAGE_SHIFT);
	int ret;

	while ((ret = copy_table_locked(dmirror, bounce, write)) == -ENOENT) {
		ret = dmirror_fault(dmirror, cmd->addr + (bounce->done << PAGE_SHIFT), end, write);
		if (ret)
			break;
		cmd->faults++;
	}
	cmd->cpages = bounce->done;
	return ret;
}

static int give_to_process(const struct p2psim_dmirror_cmd *cmd, const struct bounce *bounce)
{
	return copy_to_user(u64_to_user_ptr(cmd->ptr), bounce->bytes, bounce->pages << PAGE_SHIFT) ? -EFAULT : 0;
}

int dmirror_read(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	struct bounce bounce;
	int ret = bounce_init(&bounce, cmd);

	if (ret)
		return ret;
	ret = copy_faulting(dmirror, cmd, &bounce, false);
	if (!ret)
		ret = give_to_process(cmd, &bounce);
	kfree(bounce.bytes);
	return ret;
}

int dmirror_write(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	struct bounce bounce;
	int ret = bounce_init(&bounce, cmd);

	if (ret)
		return ret;
	if (copy_from_user(bounce.bytes, u64_to_user_ptr(cmd->ptr), bounce.pages << PAGE_SHIFT))
		ret = -EFAULT;
	if (!ret)
		ret = copy_faulting(dmirror, cmd, &bounce, true);
	kfree(bounce.bytes);
	return ret;
}

int dmirror_read_table(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	struct bounce bounce;
	int ret = bounce_init(&bounce, cmd);

	if (ret)
		return ret;
	ret = copy_table_locked(dmirror, &bounce, false);
	if (!ret)
		ret = give_to_process(cmd, &bounce);
	cmd->cpages = bounce.done;
	kfree(bounce.bytes);
	return ret;
}
