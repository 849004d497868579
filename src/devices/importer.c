/* SPDX-License-Identifier: MIT */
/*
 * importer: the three steps of 2019-01-29, without HMM.
 *
 *	mmap_read_lock
 *	1  find_vma()                            no VMA, or the range leaves it: -EFAULT
 *	2  regular VMA: pin_user_pages()         device VMA: p2psim_vma_map() --> vm_ops->p2p_map()
 *	3  lock; collided? give back : commit; unlock
 *	mmap_read_unlock
 *
 * The notifier is registered before step 1: a revoke between 2 and 3 must find somebody to tell.
 */
#include "devices/beat.h"
#include "devices/importer_internal.h"

#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/pci.h>
#include <p2psim/reason.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

struct p2psim_importer *p2psim_importer_create(struct pci_dev *parent, const char *name, unsigned int flags)
{
	struct p2psim_pci_config pci = { .vendor = 0x144d, .device = 0xa808, .name = name };
	struct p2psim_importer *importer = kzalloc(sizeof(*importer), GFP_KERNEL);

	if (!importer)
		return NULL;
	importer->name = name;
	importer->flags = flags;
	importer->pdev = p2psim_pci_endpoint(parent, &pci);
	if (!importer->pdev) {
		kfree(importer);
		return NULL;
	}
	return importer;
}

void p2psim_importer_destroy(struct p2psim_importer *importer)
{
	if (!importer)
		return;
	if (importer->imports)
		p2psim_violate(P2PSIM_CONTRACT, 0, importer->pdev->dev.obj.id, 0, "%s goes with %lu imports alive",
			       importer->name, importer->imports);
	p2psim_pci_remove(importer->pdev);
	kfree(importer);
}

struct device *p2psim_importer_dev(const struct p2psim_importer *importer)
{
	return &importer->pdev->dev;
}

/* Step 2 for regular memory. */
static int import_regular(struct p2psim_import *import)
{
	unsigned long count = import_pages(import);
	int ret = import_pin(import->mm, import->start, count, import->flags & P2PSIM_IMPORT_WRITE, import->pages);

	if (ret)
		return ret;
	ret = import_dma_map(import_dev(import), import->pages, count, import->dma);
	if (ret)
		import_unpin(import->pages, count, false);
	else
		import->kind = P2PSIM_IMPORT_GUP;
	return ret;
}

/* Step 3 for a device VMA: `seq` is from before step 2 (I3). */
static int import_commit(struct p2psim_import *import, unsigned long seq)
{
	int ret = 0;

	mutex_lock(&import->lock);
	if (import->seq == seq) {
		import->kind = P2PSIM_IMPORT_P2P;
		p2psim_vma_map_commit(import->mm, import_dev(import), import->start, import->end);
	} else {
		ret = -EBUSY;
	}
	mutex_unlock(&import->lock);
	if (ret)
		p2psim_vma_unmap(import->mm, import_dev(import), import->start, import->end, import->dma);
	return ret;
}

static unsigned long import_read_seq(struct p2psim_import *import)
{
	unsigned long seq;

	mutex_lock(&import->lock);
	seq = import->seq;
	mutex_unlock(&import->lock);
	return seq;
}

/* Steps 2 and 3 for a device VMA. */
static int import_device(struct p2psim_import *import, struct vm_area_struct *vma)
{
	unsigned int flags = 0;
	unsigned long seq;
	int ret;

	if (import->importer->flags & P2PSIM_IMPORTER_NO_NOTIFIER)
		return p2psim_refuse(P2PSIM_REASON_PIN_REFUSED, "%s obeys no mmu_notifier", import->importer->name);
	if (import->flags & P2PSIM_IMPORT_WRITE)
		flags |= P2PSIM_VMA_MAP_WRITE;
	if (import->flags & P2PSIM_IMPORT_PIN)
		flags |= P2PSIM_VMA_MAP_PIN;
	seq = import_read_seq(import);
	ret = p2psim_vma_map_flags(vma, import_dev(import), import->start, import->end, import->dma, flags);
	if (ret)
		return ret;
	p2psim_step("importer:mapped");
	return import_commit(import, seq);
}

/* All three steps.  Context: mmap_lock for reading. */
static int import_locked(struct p2psim_import *import)
{
	struct vm_area_struct *vma = vma_lookup(import->mm, import->start);

	if (!vma)
		return p2psim_refuse(P2PSIM_REASON_NO_VMA, "nothing is mapped at 0x%lx", import->start);
	if (import->end > vma->vm_end)
		return p2psim_refuse(P2PSIM_REASON_NO_VMA, "the VMA ends at 0x%lx, inside the range", vma->vm_end);
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return import_device(import, vma);
	return import_regular(import);
}

static void import_free(struct p2psim_import *import)
{
	kfree(import->pages);
	kfree(import->dma);
	kfree(import);
}

static struct p2psim_import *import_alloc(struct p2psim_importer *importer, struct mm_struct *mm, unsigned long start,
					  unsigned long end, unsigned int flags)
{
	struct p2psim_import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return NULL;
	p2psim_object_init(&import->obj, "import");
	mutex_init(&import->lock);
	import->importer = importer;
	import->mm = mm;
	import->start = start;
	import->end = end;
	import->flags = flags;
	import->kind = P2PSIM_IMPORT_GONE;
	import->dma = kcalloc(import_pages(import), sizeof(*import->dma), GFP_KERNEL);
	import->pages = kcalloc(import_pages(import), sizeof(*import->pages), GFP_KERNEL);
	if (import->dma && import->pages)
		return import;
	import_free(import);
	return NULL;
}

static bool import_has_notifier(const struct p2psim_import *import)
{
	return !(import->importer->flags & P2PSIM_IMPORTER_NO_NOTIFIER);
}

static int import_register(struct p2psim_import *import)
{
	int ret = 0;

	if (import_has_notifier(import)) {
		import->notifier.ops = &import_notifier_ops;
		ret = mmu_notifier_register(&import->notifier, import->mm);
		if (!ret)
			p2psim_object_rename(&import->notifier.obj, "%s", import->importer->name);
	} else {
		mmgrab(import->mm);
	}
	return ret;
}

static void import_unregister(struct p2psim_import *import)
{
	if (import_has_notifier(import))
		mmu_notifier_unregister(&import->notifier, import->mm);
	else
		mmdrop(import->mm);
}

/* With the address space held: registers, then the three steps. */
static int import_begin(struct p2psim_import *import)
{
	int ret = import_register(import);

	if (ret)
		return ret;
	mmap_read_lock(import->mm);
	ret = import_locked(import);
	mmap_read_unlock(import->mm);
	if (ret)
		import_unregister(import);
	return ret;
}

int p2psim_import_create(struct p2psim_importer *importer, struct mm_struct *mm, unsigned long start,
			 unsigned long end, unsigned int flags, struct p2psim_import **out)
{
	struct p2psim_import *import;
	int ret;

	if (!PAGE_ALIGNED(start | end) || start >= end)
		return -EINVAL;
	import = import_alloc(importer, mm, start, end, flags);
	if (!import)
		return -ENOMEM;
	p2psim_step("importer:import");
	p2psim_enter("%s imports %p", P2PSIM_STR(importer->name), start);
	ret = -EFAULT;
	if (mmget_not_zero(mm)) {
		ret = import_begin(import);
		mmput(mm);
	}
	p2psim_leave("%s: %e", P2PSIM_STR(importer->name), (uint64_t)(int64_t)ret);
	if (ret) {
		import_free(import);
		return ret;
	}
	importer->imports++;
	*out = import;
	return 0;
}

void p2psim_import_destroy(struct p2psim_import *import)
{
	mutex_lock(&import->lock);
	import_drop(import);
	mutex_unlock(&import->lock);
	if (import->kind == P2PSIM_IMPORT_GUP) {
		import_dma_unmap(import_dev(import), import->dma, import_pages(import));
		import_unpin(import->pages, import_pages(import), import->flags & P2PSIM_IMPORT_WRITE);
	}
	import_unregister(import);
	import->importer->imports--;
	mutex_destroy(&import->lock);
	import_free(import);
}

enum p2psim_import_kind p2psim_import_kind(const struct p2psim_import *import)
{
	return import->kind;
}

uint64_t p2psim_import_dma(const struct p2psim_import *import, unsigned long n)
{
	return import->kind == P2PSIM_IMPORT_GONE || n >= import_pages(import) ? ~(u64)0 : import->dma[n];
}

/* Within one page.  As in nic_access.c: from here to "done" the DMA is in flight, and a revoke waits for it. */
static int import_beat(struct p2psim_import *import, unsigned long va, void *buf, size_t len, bool write)
{
	unsigned long page = (va - import->start) >> PAGE_SHIFT;
	dma_addr_t dma;
	int ret;

	p2psim_step_on(P2PSIM_STEP_TLB, p2psim_object_id(&import->obj), true, "importer:translate");
	if (import->kind == P2PSIM_IMPORT_GONE)
		return -EFAULT;
	import->in_flight++;
	dma = import->dma[page];
	if (import->kind == P2PSIM_IMPORT_P2P && !(import->flags & P2PSIM_IMPORT_PIN) &&
	    !p2psim_vma_map_covers(import->mm, import_dev(import), va & PAGE_MASK, dma))
		p2psim_violate(P2PSIM_STALE, 0, import->obj.id, import->mm->obj.id,
			       "%s reaches a peer through a mapping that was taken away", import->importer->name);
	ret = device_beat(import_dev(import), dma + (va & ~PAGE_MASK), buf, len, write);
	p2psim_step_on(P2PSIM_STEP_TLB, p2psim_object_id(&import->obj), true, "importer:done");
	import->in_flight--;
	return ret;
}

static int import_access(struct p2psim_import *import, unsigned long va, char *buf, size_t len, bool write)
{
	int ret = 0;

	if (va + len < va || va < import->start || va + len > import->end)
		return -EFAULT;
	if (write && !(import->flags & P2PSIM_IMPORT_WRITE))
		return -EPERM;
	while (!ret && len) {
		size_t part = min_t(size_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

		ret = import_beat(import, va, buf, part, write);
		va += part;
		buf += part;
		len -= part;
	}
	return ret;
}

int p2psim_import_read(struct p2psim_import *import, unsigned long va, void *buf, size_t len)
{
	return import_access(import, va, buf, len, false);
}

int p2psim_import_write(struct p2psim_import *import, unsigned long va, const void *buf, size_t len)
{
	return import_access(import, va, (char *)buf, len, true);
}
