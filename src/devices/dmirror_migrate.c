/* SPDX-License-Identifier: MIT */
/*
 * dmirror: pages move into the device's memory and back.
 *
 *	to the device				whoever uses the page meanwhile
 *	dmirror_move_begin()			the device has finished, and waits from now on
 *	migrate_vma_setup()			the CPU waits for the migration entries
 *	  pages are copied
 *	migrate_vma_pages()
 *	  moved: the entry is the new page's	not moved: the entry is what it was, unless somebody has erased it
 *	migrate_vma_finalize()
 *	dmirror_move_end()
 *
 * Back: likewise, and the entry of a page that is copied is erased before.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/highmem.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/sched/mm.h>

/* One VMA's part of a command, at most DMIRROR_BATCH pages. */
struct moving {
	struct dmirror *dmirror;
	struct migrate_vma args;
	unsigned long src[DMIRROR_BATCH], dst[DMIRROR_BATCH];
};

/* 0; -EINVAL: a hole, or a VMA that cannot be read. */
static int moving_init(struct moving *m, struct dmirror *dmirror, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(dmirror_mm(dmirror), addr);

	if (!vma || !(vma->vm_flags & VM_READ))
		return -EINVAL;
	m->dmirror = dmirror;
	m->args = (struct migrate_vma){
		.vma = vma,
		.src = m->src,
		.dst = m->dst,
		.start = addr,
		.end = min(min(end, vma->vm_end), addr + (DMIRROR_BATCH << PAGE_SHIFT)),
		.pgmap_owner = dmirror->device,
	};
	return 0;
}

static unsigned long vpfn_of(const struct migrate_vma *args, unsigned long i)
{
	return (args->start >> PAGE_SHIFT) + i;
}

static struct dmirror_move move_of(const struct migrate_vma *args)
{
	return (struct dmirror_move){ .mm = args->vma->vm_mm, .first = args->start >> PAGE_SHIFT,
				      .last = (args->end - 1) >> PAGE_SHIFT };
}

/* ---- to the device ---- */

static bool becomes_writable(const struct migrate_vma *args, unsigned long src)
{
	return src & MIGRATE_PFN_WRITE || (!(src & MIGRATE_PFN_VALID) && args->vma->vm_flags & VM_WRITE);
}

static unsigned long copy_to_device(struct moving *m, unsigned long i)
{
	unsigned long src = m->src[i];
	struct page *from = migrate_pfn_to_page(src), *to;

	if (!(src & MIGRATE_PFN_MIGRATE))
		return 0;
	to = dmirror_alloc_page(m->dmirror->device);
	if (!to)
		return 0;
	if (from)
		copy_highpage(dmirror_backing_page(to), from);
	else
		clear_highpage(dmirror_backing_page(to));
	return migrate_pfn(page_to_pfn(to)) | (becomes_writable(&m->args, src) ? MIGRATE_PFN_WRITE : 0);
}

/* Out of memory: the entry will be asked for again. */
static void map_moved(struct moving *m, unsigned long i)
{
	struct dmirror *dmirror = m->dmirror;
	struct page *page = migrate_pfn_to_page(m->dst[i]);

	if (!page || !(m->src[i] & MIGRATE_PFN_MIGRATE))
		return;
	dmirror_erase_all(dmirror->device, m->args.vma->vm_mm, vpfn_of(&m->args, i));
	mutex_lock(&dmirror->mutex);
	dmirror_set(dmirror, vpfn_of(&m->args, i), page, m->dst[i] & MIGRATE_PFN_WRITE ? DMIRROR_WRITE : DMIRROR_READ);
	mutex_unlock(&dmirror->mutex);
}

static void carry_to_device(struct moving *m)
{
	unsigned long i;

	for (i = 0; i < m->args.npages; i++)
		m->dst[i] = copy_to_device(m, i);
	migrate_vma_pages(&m->args);
	for (i = 0; i < m->args.npages; i++)
		map_moved(m, i);
	migrate_vma_finalize(&m->args);
}

static int move_to_device(struct moving *m)
{
	struct dmirror_move move = move_of(&m->args);
	int ret;

	m->args.flags = MIGRATE_VMA_SELECT_SYSTEM;
	dmirror_move_begin(m->dmirror->device, &move);
	ret = migrate_vma_setup(&m->args);
	if (!ret)
		carry_to_device(m);
	dmirror_move_end(m->dmirror->device, &move);
	return ret;
}

/* ---- back ---- */

static unsigned long copy_to_system(struct dmirror_device *device, struct migrate_vma *args, unsigned long i)
{
	struct page *from = migrate_pfn_to_page(args->src[i]), *to;

	if (!from || !(args->src[i] & MIGRATE_PFN_MIGRATE))
		return 0;
	to = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!to)
		return 0;
	lock_page(to);
	dmirror_erase_all(device, args->vma->vm_mm, vpfn_of(args, i));
	copy_highpage(to, dmirror_backing_page(from));
	return migrate_pfn(page_to_pfn(to)) | (args->src[i] & MIGRATE_PFN_WRITE);
}

/* How many moved. */
static long carry_to_system(struct dmirror_device *device, struct migrate_vma *args)
{
	unsigned long i;
	long moved = 0;

	for (i = 0; i < args->npages; i++)
		args->dst[i] = copy_to_system(device, args, i);
	migrate_vma_pages(args);
	for (i = 0; i < args->npages; i++)
		moved += args->src[i] & MIGRATE_PFN_VALID && args->src[i] & MIGRATE_PFN_MIGRATE;
	migrate_vma_finalize(args);
	return moved;
}

/* How many moved, or -errno. */
static long move_to_system(struct dmirror_device *device, struct migrate_vma *args)
{
	struct dmirror_move move = move_of(args);
	long ret;

	args->flags = device->coherent ? MIGRATE_VMA_SELECT_DEVICE_COHERENT : MIGRATE_VMA_SELECT_DEVICE_PRIVATE;
	dmirror_move_begin(device, &move);
	ret = migrate_vma_setup(args);
	if (!ret)
		ret = carry_to_system(device, args);
	dmirror_move_end(device, &move);
	return ret;
}

/* Out of memory: the page stays, and the access has failed. */
vm_fault_t dmirror_migrate_to_ram(struct vm_fault *vmf)
{
	struct dmirror_device *device = vmf->page->pgmap->owner;
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = {
		.vma = vmf->vma,
		.src = &src,
		.dst = &dst,
		.start = vmf->address,
		.end = vmf->address + PAGE_SIZE,
		.pgmap_owner = device,
		.fault_page = vmf->page,
	};
	long moved;

	if (dmirror_has(device, P2PSIM_DMIRROR_STAY))
		return 0;
	moved = move_to_system(device, &args);
	if (moved < 0)
		return VM_FAULT_SIGBUS;
	return src & MIGRATE_PFN_MIGRATE || !(src & MIGRATE_PFN_VALID) || dst ? 0 : VM_FAULT_OOM;
}

/* ---- commands ---- */

static int each_part(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd,
		     int (*move)(struct moving *m, struct p2psim_dmirror_cmd *cmd))
{
	unsigned long addr, end = cmd->addr + (cmd->npages << PAGE_SHIFT);
	struct mm_struct *mm = dmirror_mm(dmirror);
	struct moving m;
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -EINVAL;
	mmap_read_lock(mm);
	for (addr = cmd->addr; addr < end && !ret; addr = m.args.end) {
		ret = moving_init(&m, dmirror, addr, end);
		if (!ret)
			ret = move(&m, cmd);
	}
	mmap_read_unlock(mm);
	mmput(mm);
	return ret;
}

static int part_to_device(struct moving *m, struct p2psim_dmirror_cmd *cmd)
{
	(void)cmd;
	return move_to_device(m);
}

static int part_to_system(struct moving *m, struct p2psim_dmirror_cmd *cmd)
{
	long moved = move_to_system(m->dmirror->device, &m->args);

	if (moved < 0)
		return (int)moved;
	cmd->cpages += (unsigned long)moved;
	return 0;
}

int dmirror_migrate_to_device(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	int ret = each_part(dmirror, cmd, part_to_device);

	return ret ? ret : dmirror_read_table(dmirror, cmd);
}

int dmirror_migrate_to_system(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	return each_part(dmirror, cmd, part_to_system);
}
