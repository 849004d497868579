/* SPDX-License-Identifier: MIT */
/*
 * dmirror: SNAPSHOT, a byte a page that says what the CPU's page table says.  Nothing is faulted in, nothing moves.
 *
 * A notifier of its own over each batch: several may lie over the same pages.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/uaccess.h>

struct snapshot {
	struct dmirror *dmirror;
	struct mmu_interval_notifier notifier;
};

static bool snapshot_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
				unsigned long cur_seq)
{
	struct dmirror *dmirror = container_of(notifier, struct snapshot, notifier)->dmirror;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&dmirror->mutex);
	else if (!mutex_trylock(&dmirror->mutex))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	mutex_unlock(&dmirror->mutex);
	return true;
}

static const struct mmu_interval_notifier_ops snapshot_ops = {
	.invalidate = snapshot_invalidate,
};

static unsigned int kind_of(const struct dmirror *dmirror, const struct page *page)
{
	bool ours = is_zone_device_page(page) && page->pgmap->owner == dmirror->device;

	if (is_device_private_page(page))
		return ours ? P2PSIM_DMIRROR_PROT_DEV_PRIVATE_LOCAL : P2PSIM_DMIRROR_PROT_DEV_PRIVATE_REMOTE;
	if (is_device_coherent_page(page))
		return ours ? P2PSIM_DMIRROR_PROT_DEV_COHERENT_LOCAL : P2PSIM_DMIRROR_PROT_DEV_COHERENT_REMOTE;
	return is_zero_pfn(page_to_pfn(page)) ? P2PSIM_DMIRROR_PROT_ZERO : P2PSIM_DMIRROR_PROT_NONE;
}

static unsigned int size_of(unsigned long pfn)
{
	unsigned int shift = hmm_pfn_to_map_order(pfn) + PAGE_SHIFT;

	return shift == PMD_SHIFT ? P2PSIM_DMIRROR_PROT_PMD : shift == PUD_SHIFT ? P2PSIM_DMIRROR_PROT_PUD : 0;
}

static unsigned char byte_of(const struct dmirror *dmirror, unsigned long pfn)
{
	unsigned int bits;

	if (pfn & HMM_PFN_ERROR)
		return P2PSIM_DMIRROR_PROT_ERROR;
	if (!(pfn & HMM_PFN_VALID))
		return P2PSIM_DMIRROR_PROT_NONE;
	bits = pfn & HMM_PFN_WRITE ? P2PSIM_DMIRROR_PROT_WRITE : P2PSIM_DMIRROR_PROT_READ;
	return (unsigned char)(bits | kind_of(dmirror, hmm_pfn_to_page(pfn)) | size_of(pfn));
}

static int look(struct dmirror *dmirror, struct hmm_range *range, unsigned char *bytes)
{
	unsigned long i, pages = (range->end - range->start) >> PAGE_SHIFT;
	int ret = dmirror_range_fault(dmirror, range);

	if (ret)
		return ret;
	for (i = 0; i < pages; i++)
		bytes[i] = byte_of(dmirror, range->hmm_pfns[i]);
	mutex_unlock(&dmirror->mutex);
	return 0;
}

static int look_at(struct dmirror *dmirror, unsigned long start, unsigned long end, unsigned char *bytes)
{
	struct snapshot snapshot = { .dmirror = dmirror };
	unsigned long pfns[DMIRROR_BATCH] = {};
	struct hmm_range range = {
		.notifier = &snapshot.notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = dmirror->device,
	};
	int ret = mmu_interval_notifier_insert(&snapshot.notifier, dmirror_mm(dmirror), start, end - start, &snapshot_ops);

	if (ret)
		return ret;
	ret = look(dmirror, &range, bytes);
	mmu_interval_notifier_remove(&snapshot.notifier);
	return ret;
}

int dmirror_snapshot(struct dmirror *dmirror, struct p2psim_dmirror_cmd *cmd)
{
	unsigned long addr = cmd->addr, end = cmd->addr + (cmd->npages << PAGE_SHIFT), next;
	struct mm_struct *mm = dmirror_mm(dmirror);
	unsigned char bytes[DMIRROR_BATCH];
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -EINVAL;
	for (; addr < end && !ret; addr = next) {
		next = min(addr + (DMIRROR_BATCH << PAGE_SHIFT), end);
		ret = look_at(dmirror, addr, next, bytes);
		if (!ret && copy_to_user(u64_to_user_ptr(cmd->ptr + cmd->cpages), bytes, (next - addr) >> PAGE_SHIFT))
			ret = -EFAULT;
		cmd->cpages += (next - addr) >> PAGE_SHIFT;
	}
	mmput(mm);
	return ret;
}
