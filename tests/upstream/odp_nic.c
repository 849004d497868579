/* SPDX-License-Identifier: MIT */
/*
 * Compiled as a driver is, with the headers of the kernel's rdma/ and p2psim's linux/.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <rdma/ib_umem_odp.h>
#include <rdma/ib_verbs.h>

#include <p2psim/dma.h>
#include <p2psim/process.h>

#include "odp_nic.h"

#define ODP_PAGES 8

struct odp_nic {
	struct ib_device ib;
	struct ib_umem_odp *umem;
	uint32_t owner;			/* id of the mm that the device acts for */
	enum odp_mistake mistake;
	struct mutex hw;
	dma_addr_t table[ODP_PAGES];	/* hw; address and ODP_*_ALLOWED_BIT, 0: none */
};

static unsigned long page_of(const struct odp_nic *nic, unsigned long addr)
{
	return (addr - ib_umem_start(nic->umem)) >> PAGE_SHIFT;
}

static void write_table(struct odp_nic *nic, unsigned long first, unsigned long count, const dma_addr_t *entries)
{
	unsigned long i;

	mutex_lock(&nic->hw);
	for (i = 0; i < count; i++)
		nic->table[first + i] = entries ? entries[i] : 0;
	mutex_unlock(&nic->hw);
}

static bool odp_invalidate(struct mmu_interval_notifier *mni, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct ib_umem_odp *umem = container_of(mni, struct ib_umem_odp, notifier);
	struct odp_nic *nic = umem->private;
	unsigned long start = max(range->start, ib_umem_start(umem)), end = min(range->end, ib_umem_end(umem));

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&umem->umem_mutex);
	if (nic->mistake != ODP_KEEPS_SEQ)
		mmu_interval_set_seq(mni, cur_seq);
	if (nic->mistake != ODP_KEEPS_TABLE)
		write_table(nic, page_of(nic, start), (end - start) >> PAGE_SHIFT, NULL);
	if (nic->mistake != ODP_KEEPS_PAGES)
		ib_umem_odp_unmap_dma_pages(umem, start, end);
	mutex_unlock(&umem->umem_mutex);
	return true;
}

static const struct mmu_interval_notifier_ops odp_ops = { .invalidate = odp_invalidate };

struct odp_nic *odp_nic_create(struct p2psim_process *process, unsigned long addr, unsigned long pages,
			       enum odp_mistake mistake, int *error)
{
	struct odp_nic *nic = pages <= ODP_PAGES ? kzalloc(sizeof(*nic), GFP_KERNEL) : NULL;

	*error = -ENOMEM;
	if (!nic)
		return NULL;
	nic->ib.dma_device = p2psim_platform_device("nic0");
	nic->mistake = mistake;
	mutex_init(&nic->hw);
	p2psim_process_attach(process);
	nic->owner = current->mm->obj.id;
	nic->umem = ib_umem_odp_get(&nic->ib, addr, pages << PAGE_SHIFT, IB_ACCESS_ON_DEMAND | IB_ACCESS_LOCAL_WRITE,
				    &odp_ops);
	p2psim_process_detach();
	if (IS_ERR(nic->umem)) {
		*error = PTR_ERR(nic->umem);
		kfree(nic);
		return NULL;
	}
	nic->umem->private = nic;
	*error = 0;
	return nic;
}

void odp_nic_destroy(struct odp_nic *nic)
{
	ib_umem_odp_release(nic->umem);
	kfree(nic);
}

/* What is mapped goes into the table; umem_mutex is held. */
static void commit(struct odp_nic *nic, unsigned long first, unsigned long count)
{
	dma_addr_t entries[ODP_PAGES];

	memcpy(entries, nic->umem->dma_list + first, count * sizeof(*entries));
	if (nic->mistake == ODP_UNLOCKS_FIRST)
		mutex_unlock(&nic->umem->umem_mutex);
	write_table(nic, first, count, entries);
	if (nic->mistake != ODP_UNLOCKS_FIRST)
		mutex_unlock(&nic->umem->umem_mutex);
}

/* This page and the next, if the region has one. */
static int fault(struct odp_nic *nic, unsigned long addr, u64 bits)
{
	unsigned long first = page_of(nic, addr);
	unsigned long bytes = min(2 * PAGE_SIZE, ib_umem_end(nic->umem) - (addr & PAGE_MASK));
	int pages = ib_umem_odp_map_dma_and_lock(nic->umem, addr & PAGE_MASK, bytes, bits, true);

	if (pages == -EFAULT || pages == -EPERM)
		pages = ib_umem_odp_map_dma_and_lock(nic->umem, addr & PAGE_MASK, PAGE_SIZE, bits, true);
	if (pages < 0)
		return pages;
	commit(nic, first, pages);
	return 0;
}

int odp_nic_access(struct odp_nic *nic, unsigned long addr, void *buf, size_t len, bool write)
{
	u64 bits = ODP_READ_ALLOWED_BIT | (write ? ODP_WRITE_ALLOWED_BIT : 0);
	struct p2psim_dma_request request = {
		.dev = nic->ib.dma_device, .buf = buf, .len = len, .write = write, .owner = nic->owner,
	};
	int error;

	for (;;) {
		mutex_lock(&nic->hw);
		request.addr = nic->table[page_of(nic, addr)];
		if ((request.addr & bits) == bits) {
			request.addr = (request.addr & ODP_DMA_ADDR_MASK) + (addr & ~PAGE_MASK);
			error = p2psim_dma(&request, NULL);
			mutex_unlock(&nic->hw);
			return error;
		}
		mutex_unlock(&nic->hw);
		error = fault(nic, addr, bits);
		if (error)
			return error;
	}
}

int odp_nic_prefetch(struct odp_nic *nic, unsigned long addr, unsigned long pages)
{
	int done = ib_umem_odp_map_dma_and_lock(nic->umem, addr, pages << PAGE_SHIFT, ODP_READ_ALLOWED_BIT, false);

	if (done >= 0)
		commit(nic, page_of(nic, addr), done);
	return done;
}

int odp_nic_mapped(struct odp_nic *nic)
{
	return nic->umem->npages;
}

int odp_nic_writable(struct odp_nic *nic)
{
	int page, writable = 0;

	for (page = 0; page < ODP_PAGES; page++)
		writable += !!(nic->table[page] & ODP_WRITE_ALLOWED_BIT);
	return writable;
}
