/* SPDX-License-Identifier: MIT */
/*
 * nic: the device and its memory regions.
 *
 *	               register: notifier inserted
 *	(none) ------------------------------------> live <---- faults, invalidations ----+
 *	                                              |  |                                |
 *	          dead = true, all entries zapped     |  +--------------------------------+
 *	(freed) <-- notifier removed <-- dead <-------+
 *
 * Deregistration zaps first and removes the notifier afterwards: the other way round a revoke that comes in between would
 * find nobody to tell, and the exporter would move memory that the device still reaches.
 */
#include "devices/nic_internal.h"

#include <p2psim/check.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/pci.h>

struct p2psim_nic *p2psim_nic_create(struct pci_dev *parent, const struct p2psim_nic_config *config)
{
	struct p2psim_pci_config pci = {
		.vendor = 0x15b3,
		.device = 0x1017,
		.name = config && config->name ? config->name : "nic",
	};
	struct p2psim_nic *nic = kzalloc(sizeof(*nic), GFP_KERNEL);

	if (!nic)
		return NULL;
	nic->name = pci.name;
	nic->faults = config ? config->faults : 0;
	nic->pdev = p2psim_pci_endpoint(parent, &pci);
	if (!nic->pdev)
		goto free;
	return nic;

free:
	kfree(nic);
	return NULL;
}

void p2psim_nic_destroy(struct p2psim_nic *nic)
{
	if (!nic)
		return;
	if (nic->regions)
		p2psim_violate(P2PSIM_CONTRACT, 0, nic->pdev->dev.obj.id, 0, "%s goes with %lu regions registered",
			       nic->name, nic->regions);
	p2psim_pci_remove(nic->pdev);
	kfree(nic);
}

struct pci_dev *p2psim_nic_pdev(const struct p2psim_nic *nic)
{
	return nic->pdev;
}

struct device *p2psim_nic_dev(const struct p2psim_nic *nic)
{
	return &nic->pdev->dev;
}

void p2psim_nic_set_faults(struct p2psim_nic *nic, unsigned int faults)
{
	nic->faults = faults;
}

static int nic_check_range(unsigned long start, unsigned long length)
{
	if (!PAGE_ALIGNED(start | length))
		return -EINVAL;
	return start + length < start ? -EOVERFLOW : 0;
}

static int nic_insert_notifier(struct p2psim_nic_region *mr, struct mm_struct *mm)
{
	int ret;

	if (!mmget_not_zero(mm))
		return -EINVAL;
	ret = mmu_interval_notifier_insert(&mr->notifier, mm, mr->start, mr->end - mr->start, &nic_notifier_ops);
	mmput(mm);
	if (!ret)
		p2psim_object_rename(&mr->notifier.obj, "%s", mr->nic->name);
	return ret;
}

int p2psim_nic_register(struct p2psim_nic *nic, struct mm_struct *mm, unsigned long start, unsigned long length,
			unsigned int access, struct p2psim_nic_region **out)
{
	struct p2psim_nic_region *mr;
	int ret = nic_check_range(start, length);

	if (ret)
		return ret;
	mr = kzalloc(sizeof(*mr), GFP_KERNEL);
	if (!mr)
		return -ENOMEM;
	p2psim_object_init(&mr->obj, "nic page table");
	p2psim_object_rename(&mr->obj, "%s page table", nic->name);
	mutex_init(&mr->update);
	p2psim_object_rename(&mr->update.lock.obj, "%s.update", nic->name);
	INIT_LIST_HEAD(&mr->leaves);
	mr->nic = nic;
	mr->start = start;
	mr->end = length ? start + length : TASK_SIZE;
	mr->access = access;
	mr->last_event = -1;
	ret = nic_insert_notifier(mr, mm);
	if (ret)
		goto free;
	nic->regions++;
	*out = mr;
	return 0;

free:
	kfree(mr);
	return ret;
}

void p2psim_nic_deregister(struct p2psim_nic_region *mr)
{
	bool under_lock = nic_has_fault(mr, P2PSIM_NIC_DEREG_UNDER_LOCK);

	if (mr->busy)
		p2psim_violate(P2PSIM_CONTRACT, 0, mr->obj.id, 0, "%s deregisters a region that is in use",
			       mr->nic->name);
	mutex_lock(&mr->update);
	mr->dead = true;
	if (!nic_has_fault(mr, P2PSIM_NIC_LEAK_AT_DEREG))
		nic_table_zap(mr, mr->start, mr->end);
	if (!under_lock)
		mutex_unlock(&mr->update);
	/* Waits for callbacks, and they take the lock: not to be called with it held. */
	mmu_interval_notifier_remove(&mr->notifier);
	if (under_lock)
		mutex_unlock(&mr->update);

	mutex_destroy(&mr->update);
	nic_table_free(mr);
	mr->nic->regions--;
	kfree(mr);
}

bool p2psim_nic_has_entry(const struct p2psim_nic_region *mr, unsigned long va, unsigned int access)
{
	u64 need = access & P2PSIM_NIC_WRITE ? NIC_ENTRY_WRITE : NIC_ENTRY_READ;

	return nic_table_entry(mr, va >> PAGE_SHIFT) & need;
}

uint64_t p2psim_nic_entry_dma(const struct p2psim_nic_region *mr, unsigned long va)
{
	u64 entry = nic_table_entry(mr, va >> PAGE_SHIFT);

	return entry ? entry & NIC_ENTRY_ADDR : ~(u64)0;
}

unsigned long p2psim_nic_entries(const struct p2psim_nic_region *mr)
{
	const struct nic_leaf *leaf;
	unsigned long count = 0;
	unsigned int i;

	list_for_each_entry(leaf, &mr->leaves, link)
		for (i = 0; i < NIC_LEAF_PAGES; i++)
			count += leaf->hw[i] != 0;
	return count;
}

const struct p2psim_nic_stats *p2psim_nic_region_stats(const struct p2psim_nic_region *mr)
{
	return &mr->stats;
}

int p2psim_nic_last_event(const struct p2psim_nic_region *mr, unsigned long *start, unsigned long *end)
{
	if (start)
		*start = mr->last_start;
	if (end)
		*end = mr->last_end;
	return mr->last_event;
}
