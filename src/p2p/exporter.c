/* SPDX-License-Identifier: MIT */
/*
 * The linear helper: p2p_map() for drivers that just expose a BAR.
 *
 *	importer                             exporter
 *	p2p_map(): counted, pa[]
 *	                                     revoke(): door closed            E2
 *	                                     unmap_mapping_range()            E3: no lock
 *	  notifier: stops, p2p_unmap()
 *	    uncounted, 0: wakes
 *	                                     woken; door open again, or gone
 *
 * Lock order: mmap_lock > i_mmap_rwsem > [mmu_notifier] > the importer's update lock > exporter->lock.  The lock is a
 * spinlock: p2p_unmap() is called from wherever the notifier is.
 * Invented; Gunthorpe asked for p2p_ioremap_map_op() on 2019-01-29.  Left out: write-combining, partial BAR pages.
 */
#include <p2psim/check.h>
#include <p2psim/exporter.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/wait.h>
#include <p2psim/trace.h>

#include "p2p/internal.h"

enum door {
	DOOR_OPEN,
	DOOR_CLOSED,		/* being revoked */
	DOOR_GONE,
};

struct p2psim_exporter {
	struct p2psim_exporter_config config;
	struct file *file;
	struct address_space *mapping;	/* of the file whose VMAs there are: this one, or the driver's own */

	spinlock_t lock;
	enum door door;		/* lock */
	unsigned long mapped;	/* lock; pages that peers have */
	wait_queue_head_t idle;	/* woken when mapped becomes 0 */

	unsigned long vmas;	/* lock */
	unsigned long faults;	/* lock */
};

static struct pci_dev *pdev_of(const struct p2psim_exporter *exporter)
{
	return p2psim_bar_pdev(exporter->config.bar);
}

/* Page of the BAR at `addr` of the VMA. */
static unsigned long bar_page(const struct vm_area_struct *vma, unsigned long addr)
{
	const struct p2psim_exporter *exporter = vma->vm_private_data;

	return exporter->config.first + vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

static unsigned long bar_pfn(const struct vm_area_struct *vma, unsigned long addr)
{
	const struct p2psim_exporter *exporter = vma->vm_private_data;

	return (pci_resource_start(pdev_of(exporter), p2psim_bar_index(exporter->config.bar)) >> PAGE_SHIFT) +
	       bar_page(vma, addr);
}

static enum door door_of(struct p2psim_exporter *exporter)
{
	enum door door;

	spin_lock(&exporter->lock);
	door = exporter->door;
	spin_unlock(&exporter->lock);
	return door;
}

/* E1: `pages` more, if the door is open. */
static int enter(struct p2psim_exporter *exporter, unsigned long pages)
{
	enum door door;

	spin_lock(&exporter->lock);
	door = exporter->door;
	if (door == DOOR_OPEN)
		exporter->mapped += pages;
	spin_unlock(&exporter->lock);
	if (door == DOOR_GONE)
		return p2psim_refuse(P2PSIM_REASON_DEVICE_GONE, "%s was unplugged", exporter->config.name);
	if (door == DOOR_CLOSED)
		return p2psim_refuse(P2PSIM_REASON_BUSY, "%s is being revoked", exporter->config.name);
	return 0;
}

static void leave(struct p2psim_exporter *exporter, unsigned long pages)
{
	bool idle;

	spin_lock(&exporter->lock);
	if (pages > exporter->mapped)
		p2psim_violate(P2PSIM_BALANCE, 0, p2psim_pci_id(pdev_of(exporter)), 0,
			       "p2p_unmap() of %lu pages of %s, %lu are mapped", pages, exporter->config.name,
			       exporter->mapped);
	exporter->mapped -= min(pages, exporter->mapped);
	idle = !exporter->mapped;
	spin_unlock(&exporter->lock);
	if (idle)
		wake_up_all(&exporter->idle);
}

static long linear_p2p_map(struct vm_area_struct *vma, struct device *importer, unsigned long start,
			   unsigned long end, dma_addr_t *pa, bool write)
{
	struct p2psim_exporter *exporter = vma->vm_private_data;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	int ret = enter(exporter, pages);

	if (ret)
		return ret;
	if (exporter->config.policy && !exporter->config.policy(importer, write, exporter->config.policy_arg))
		ret = p2psim_refuse(P2PSIM_REASON_POLICY, "%s does not let %s in", exporter->config.name,
				    dev_name(importer));
	if (!ret)
		ret = p2psim_bar_map(exporter->config.bar, bar_page(vma, start), pages, importer, pa);
	if (ret)
		leave(exporter, pages);
	return ret;
}

static long linear_p2p_unmap(struct vm_area_struct *vma, struct device *importer, unsigned long start,
			     unsigned long end, dma_addr_t *pa)
{
	struct p2psim_exporter *exporter = vma->vm_private_data;
	unsigned long pages = (end - start) >> PAGE_SHIFT;

	p2psim_bar_unmap(exporter->config.bar, pages, importer, pa);
	leave(exporter, pages);
	return 0;
}

/* One VMA more or (-1) less; returns how many there are. */
static unsigned long count_vma(struct p2psim_exporter *exporter, int more)
{
	unsigned long vmas;

	spin_lock(&exporter->lock);
	exporter->vmas += (unsigned long)more;
	vmas = exporter->vmas;
	spin_unlock(&exporter->lock);
	return vmas;
}

static void linear_open(struct vm_area_struct *vma)
{
	count_vma(vma->vm_private_data, 1);
}

static void linear_close(struct vm_area_struct *vma)
{
	count_vma(vma->vm_private_data, -1);
}

/* The CPU's side: S18, an exporter may forbid it. */
static vm_fault_t linear_fault(struct vm_fault *vmf)
{
	struct p2psim_exporter *exporter = vmf->vma->vm_private_data;
	enum door door;

	spin_lock(&exporter->lock);
	exporter->faults++;
	door = exporter->door;
	spin_unlock(&exporter->lock);
	if (!(exporter->config.flags & P2PSIM_EXPORTER_CPU) || door != DOOR_OPEN)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, bar_pfn(vmf->vma, vmf->address));
}

static const struct vm_operations_struct linear_vm_ops = {
	.open = linear_open,
	.close = linear_close,
	.fault = linear_fault,
	.p2p_map = linear_p2p_map,
	.p2p_unmap = linear_p2p_unmap,
};

int p2psim_exporter_mmap(struct p2psim_exporter *exporter, struct vm_area_struct *vma)
{
	unsigned long pages = (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
	int ret = 0;

	if (vma->vm_pgoff > exporter->config.pages || pages > exporter->config.pages - vma->vm_pgoff)
		return -EINVAL;
	if (door_of(exporter) == DOOR_GONE)
		return -ENODEV;
	vma->vm_private_data = exporter;
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	if (exporter->config.flags & P2PSIM_EXPORTER_CPU)
		ret = io_remap_pfn_range(vma, vma->vm_start, bar_pfn(vma, vma->vm_start), vma->vm_end - vma->vm_start,
					 vma->vm_page_prot);
	if (ret)
		return ret;
	vma->vm_ops = &linear_vm_ops;
	exporter->mapping = vma->vm_file->f_mapping;
	count_vma(exporter, 1);
	return 0;
}

static int linear_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	return p2psim_exporter_mmap(file->private_data, vma);
}

static const struct file_operations linear_fops = { .mmap = linear_file_mmap };

/* Life. */

struct p2psim_exporter *p2psim_exporter_create(const struct p2psim_exporter_config *config)
{
	unsigned long bar_pages = p2psim_bar_pages(config->bar);
	struct p2psim_exporter *exporter;

	if (config->first >= bar_pages || config->pages > bar_pages - config->first)
		return NULL;
	exporter = kzalloc(sizeof(*exporter), GFP_KERNEL);
	if (!exporter)
		return NULL;
	exporter->config = *config;
	exporter->config.name = config->name ? config->name : "exporter";
	if (!config->pages)
		exporter->config.pages = bar_pages - config->first;
	spin_lock_init(&exporter->lock);
	init_waitqueue_head(&exporter->idle);
	exporter->file = p2psim_file_create(exporter->config.name, &linear_fops, exporter, FMODE_READ | FMODE_WRITE);
	if (!exporter->file) {
		kfree(exporter);
		return NULL;
	}
	return exporter;
}

void p2psim_exporter_destroy(struct p2psim_exporter *exporter)
{
	if (exporter->vmas) {
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_pci_id(pdev_of(exporter)), 0,
			       "%s is destroyed with %lu VMAs alive", exporter->config.name, exporter->vmas);
		return;
	}
	p2psim_exporter_unplug(exporter);
	fput(exporter->file);
	kfree(exporter);
}

struct file *p2psim_exporter_file(const struct p2psim_exporter *exporter)
{
	return exporter->file;
}

unsigned long p2psim_exporter_mapped(const struct p2psim_exporter *exporter)
{
	return exporter->mapped;
}

unsigned long p2psim_exporter_vmas(const struct p2psim_exporter *exporter)
{
	return exporter->vmas;
}

unsigned long p2psim_exporter_faults(const struct p2psim_exporter *exporter)
{
	return exporter->faults;
}

/* Revoking. */

static int close_door(struct p2psim_exporter *exporter, enum door to)
{
	int ret = 0;

	spin_lock(&exporter->lock);
	if (exporter->door == DOOR_GONE)
		ret = -ENODEV;
	else if (exporter->door == DOOR_CLOSED && to == DOOR_CLOSED)
		ret = -EBUSY;
	else
		exporter->door = to;
	spin_unlock(&exporter->lock);
	return ret;
}

/* E2, second and third; E3. */
static void drain(struct p2psim_exporter *exporter)
{
	if (count_vma(exporter, 0) && !(exporter->config.flags & P2PSIM_EXPORTER_NO_ZAP))
		unmap_mapping_range(exporter->mapping, 0, (loff_t)exporter->config.pages << PAGE_SHIFT, 1);
	if (!(exporter->config.flags & P2PSIM_EXPORTER_NO_WAIT))
		wait_event(exporter->idle, !exporter->mapped);
}

int p2psim_exporter_revoke(struct p2psim_exporter *exporter)
{
	int ret = close_door(exporter, DOOR_CLOSED);

	if (ret)
		return ret;
	p2psim_enter("%s: revoke", P2PSIM_STR(exporter->config.name));
	drain(exporter);
	spin_lock(&exporter->lock);
	if (exporter->door == DOOR_CLOSED)
		exporter->door = DOOR_OPEN;
	spin_unlock(&exporter->lock);
	p2psim_leave("%s: revoked", P2PSIM_STR(exporter->config.name));
	return 0;
}

int p2psim_exporter_unplug(struct p2psim_exporter *exporter)
{
	if (close_door(exporter, DOOR_GONE))
		return 0;
	p2psim_enter("%s: unplug", P2PSIM_STR(exporter->config.name));
	drain(exporter);
	pci_stop_and_remove_bus_device(pdev_of(exporter));
	p2psim_leave("%s: unplugged", P2PSIM_STR(exporter->config.name));
	return 0;
}
