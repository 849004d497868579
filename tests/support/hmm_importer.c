/* SPDX-License-Identifier: MIT */
#include "hmm_importer.h"

#include <string.h>

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/step.h>
#include <p2psim/vma_map.h>

static bool importer_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
				unsigned long cur_seq)
{
	struct hmm_importer *importer = container_of(sub, struct hmm_importer, sub);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&importer->lock);
	else if (!mutex_trylock(&importer->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	importer->events++;
	importer->last_event = range->event;
	importer->last_start = range->start;
	importer->last_end = range->end;
	if (!importer->deaf)
		hmm_importer_unmap(importer, max(range->start, importer->start), min(range->end, importer->end));
	mutex_unlock(&importer->lock);
	return true;
}

static const struct mmu_interval_notifier_ops importer_ops = { .invalidate = importer_invalidate };

static void describe(struct hmm_importer *importer, struct hmm_range *range)
{
	*range = (struct hmm_range){
		.notifier = &importer->sub,
		.start = importer->start,
		.end = importer->end,
		.hmm_pfns = importer->pfns,
	};
}

int hmm_importer_open(struct hmm_importer *importer, struct device *dev, struct mm_struct *mm, unsigned long start,
		      unsigned long pages)
{
	*importer = (struct hmm_importer){
		.dev = dev, .mm = mm, .start = start, .end = start + pages * PAGE_SIZE, .last_event = -1
	};
	memset(importer->daddrs, 0xff, sizeof(importer->daddrs));
	mutex_init(&importer->lock);
	return mmu_interval_notifier_insert(&importer->sub, mm, start, pages * PAGE_SIZE, &importer_ops);
}

void hmm_importer_unmap(struct hmm_importer *importer, unsigned long start, unsigned long end)
{
	struct hmm_range range;

	describe(importer, &range);
	hmm_range_dma_unmap(&range, importer->dev, importer->daddrs, start, end);
}

void hmm_importer_close(struct hmm_importer *importer)
{
	mutex_lock(&importer->lock);
	hmm_importer_unmap(importer, importer->start, importer->end);
	mutex_unlock(&importer->lock);
	mmu_interval_notifier_remove(&importer->sub);
}

static void commit(struct hmm_importer *importer, const struct hmm_range *range, const dma_addr_t *daddrs)
{
	unsigned long first = (range->start - importer->start) >> PAGE_SHIFT;
	unsigned long count = (range->end - range->start) >> PAGE_SHIFT;

	memcpy(importer->pfns + first, range->hmm_pfns, count * sizeof(*range->hmm_pfns));
	memcpy(importer->daddrs + first, daddrs, count * sizeof(*daddrs));
	p2psim_vma_map_commit(importer->mm, importer->dev, range->start, range->end);
}

/* After the map: commit, or give back. */
static int finish(struct hmm_importer *importer, struct hmm_range *range, dma_addr_t *daddrs)
{
	int ret = 0;

	p2psim_step("importer:commit");
	mutex_lock(&importer->lock);
	if (!importer->no_retry && mmu_interval_read_retry(range->notifier, range->notifier_seq))
		ret = -EAGAIN;
	else
		commit(importer, range, daddrs);
	mutex_unlock(&importer->lock);
	if (ret && !importer->forget_unmap)
		hmm_range_dma_unmap(range, importer->dev, daddrs, range->start, range->end);
	return ret;
}

int hmm_importer_try(struct hmm_importer *importer, unsigned long start, unsigned long end, unsigned long flags)
{
	unsigned long pfns[HMM_IMPORTER_PAGES] = {};
	dma_addr_t daddrs[HMM_IMPORTER_PAGES];
	struct hmm_range range = {
		.notifier = &importer->sub, .start = start, .end = end, .hmm_pfns = pfns, .default_flags = flags
	};
	int ret;

	range.notifier_seq = mmu_interval_read_begin(&importer->sub);
	mmap_read_lock(importer->mm);
	ret = hmm_range_dma_map(&range, importer->dev, daddrs);
	if (importer->early_unlock)
		mmap_read_unlock(importer->mm);
	if (!ret)
		ret = finish(importer, &range, daddrs);
	if (!importer->early_unlock)
		mmap_read_unlock(importer->mm);
	return ret;
}

int hmm_importer_map(struct hmm_importer *importer, unsigned long start, unsigned long end, unsigned long flags)
{
	unsigned int tries = importer->tries_max ? importer->tries_max : 100;
	int ret = -EBUSY;

	if (!mmget_not_zero(importer->mm))
		return -EFAULT;
	while (tries--) {
		importer->tries++;
		ret = hmm_importer_try(importer, start, end, flags);
		if (ret != -EAGAIN && ret != -EBUSY)
			break;
		ret = -EBUSY;
		p2psim_yield();
	}
	mmput(importer->mm);
	return ret;
}

unsigned long hmm_importer_entries(const struct hmm_importer *importer, unsigned long start, unsigned long end)
{
	unsigned long count = 0;

	for (; start < end; start += PAGE_SIZE)
		count += (hmm_importer_pfn(importer, start) & HMM_PFN_VALID) &&
			 hmm_importer_dma(importer, start) != DMA_MAPPING_ERROR;
	return count;
}
