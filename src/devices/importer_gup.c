/* SPDX-License-Identifier: MIT */
/*
 * importer: regular memory, by GUP, and the block layer's use of it.
 *
 * A pin keeps the page, not the mapping: munmap() of a pinned range leaves the device with the page and the process
 * without.  So no notifier is needed here, and none can be had where there is no page: a BAR has none, and everything in
 * this file says -EFAULT to it, O_DIRECT included (Gunthorpe, 2019-01-30).
 */
#include "devices/beat.h"
#include "devices/importer_internal.h"

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/slab.h>
#include <p2psim/trace.h>

int import_pin(struct mm_struct *mm, unsigned long start, unsigned long count, bool write, struct page **pages)
{
	unsigned int gup_flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	long pinned = pin_user_pages_remote(mm, start, count, gup_flags, pages, NULL, NULL);

	if (pinned < 0) {
		p2psim_note("pin_user_pages() = %e", (uint64_t)(int64_t)pinned);
		return (int)pinned;
	}
	p2psim_note("pin_user_pages() = %d", (uint64_t)(int64_t)pinned);
	if ((unsigned long)pinned == count)
		return 0;
	import_unpin(pages, pinned, false);
	return -EFAULT;
}

void import_unpin(struct page **pages, unsigned long count, bool dirty)
{
	while (count--) {
		if (dirty)
			set_page_dirty(pages[count]);
		unpin_user_page(pages[count]);
	}
}

int import_dma_map(struct device *dev, struct page **pages, unsigned long count, dma_addr_t *dma)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		dma[i] = dma_map_page(dev, pages[i], 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
		if (dma_mapping_error(dev, dma[i])) {
			import_dma_unmap(dev, dma, i);
			return -ENOMEM;
		}
	}
	return 0;
}

void import_dma_unmap(struct device *dev, const dma_addr_t *dma, unsigned long count)
{
	while (count--)
		dma_unmap_page(dev, dma[count], PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* The bytes of one pinned page move. */
static int direct_io_page(struct device *dev, struct page *page, unsigned int offset, void *buf, size_t len,
			  bool to_memory)
{
	dma_addr_t dma;
	int ret = import_dma_map(dev, &page, 1, &dma);

	if (ret)
		return ret;
	ret = device_beat(dev, dma + offset, buf, len, to_memory);
	import_dma_unmap(dev, &dma, 1);
	return ret;
}

static int direct_io_pinned(struct device *dev, struct page **pages, unsigned long va, char *buf, size_t len,
			    bool to_memory)
{
	int ret = 0;

	for (; !ret && len; pages++) {
		size_t part = min_t(size_t, len, PAGE_SIZE - (va & ~PAGE_MASK));

		ret = direct_io_page(dev, *pages, va & ~PAGE_MASK, buf, part, to_memory);
		va += part;
		buf += part;
		len -= part;
	}
	return ret;
}

int p2psim_direct_io(struct p2psim_importer *importer, struct mm_struct *mm, unsigned long va, void *buf, size_t len,
		     bool to_memory)
{
	unsigned long start = va & PAGE_MASK, count = (PAGE_ALIGN(va + len) - start) >> PAGE_SHIFT;
	struct page **pages;
	int ret;

	if (!len)
		return 0;
	pages = kcalloc(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	p2psim_step("importer:direct-io");
	p2psim_enter("%s: O_DIRECT %s %p", P2PSIM_STR(importer->name), P2PSIM_STR(to_memory ? "to" : "from"), va);
	mmap_read_lock(mm);
	ret = import_pin(mm, start, count, to_memory, pages);
	mmap_read_unlock(mm);
	if (!ret) {
		ret = direct_io_pinned(&importer->pdev->dev, pages, va, buf, len, to_memory);
		import_unpin(pages, count, to_memory);
	}
	p2psim_leave("%s: %e", P2PSIM_STR(importer->name), (uint64_t)(int64_t)ret);
	kfree(pages);
	return ret;
}
