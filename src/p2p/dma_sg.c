/* SPDX-License-Identifier: MIT */
/*
 * Mapping lists.  Mirrors: kernel/dma/direct.c, mapping.c, 6.1, with the routes of drivers/pci/p2pdma.c as recorded on 6.12.
 *
 *	ALGO 1	a page of RAM, also of kmalloc()		-> its physical address, if the mask reaches it
 *	ALGO 2	a P2PDMA page, the cached route to its BAR is
 *			below a common bridge			-> bus address, marked; no mask is asked
 *			by way of the root complex		-> CPU address, as ALGO 1
 *			none					-> -EREMOTEIO
 *	ALGO 3	an entry fails: those before it are unmapped
 *
 * Rules (G = cited by the tests)
 *	G4  the whole list is mapped, or nothing of it.
 *	G5  dma_unmap_sg() gives back each entry once, bus addresses too.
 */
#include <p2psim/check.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/scatterlist.h>

#include "p2p/internal.h"

/* ALGO 2.  0: *addr is the bus address; 1: it goes like RAM; -EREMOTEIO. */
static int find_p2p_address(struct device *dev, struct scatterlist *sg, u64 *addr)
{
	struct p2psim_bar_place *place = p2psim_bar_anywhere(sg_phys(sg));

	if (!place)
		return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "no BAR lies behind the P2PDMA page %lx",
				     page_to_pfn(sg_page(sg)));
	switch (p2psim_p2pdma_map_type(place->pdev, dev)) {
	case PCI_P2PDMA_MAP_BUS_ADDR:
		*addr = sg_phys(sg) - place->pdev->bus->host->bus_offset;
		return 0;
	case PCI_P2PDMA_MAP_THRU_HOST_BRIDGE:
		return 1;
	default:
		return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "%s cannot reach %s: its P2PDMA pages are not mapped",
				     dev_name(dev), p2psim_pci_label(place->pdev));
	}
}

/* 0: *addr, and whether it is a bus address; -errno. */
static int find_address(struct device *dev, struct scatterlist *sg, enum dma_data_direction dir, u64 *addr, bool *is_bus)
{
	struct page *page = sg_page(sg);
	int ret = 1;

	*addr = sg_phys(sg);
	if (is_pci_p2pdma_page(page))
		ret = find_p2p_address(dev, sg, addr);
	*is_bus = !ret;
	if (ret <= 0)
		return ret;
	if (!is_zone_device_page(page) && !p2psim_dma_is_whole(dev, page, sg->offset, sg->length))
		return -EINVAL;
	return p2psim_dma_may_map(dev, *addr, sg->length, dir) ? 0 : -EIO;
}

static int map_entry(struct device *dev, struct scatterlist *sg, enum dma_data_direction dir)
{
	bool is_bus;
	u64 addr;
	int ret;

	if (!sg_page(sg) || !sg->length)
		return -EINVAL;
	p2psim_dma_step(dev, sg_phys(sg), sg_phys(sg) + sg->length, "dma_map_sg");
	ret = find_address(dev, sg, dir, &addr, &is_bus);
	if (ret)
		return ret;
	if (p2psim_inject_point() || p2psim_mapping_add(dev, addr, sg->length, P2PSIM_MAPPING_SG, dir, NULL, 0))
		return -ENOMEM;
	sg->dma_address = addr;
	sg->dma_length = sg->length;
	if (is_bus)
		sg_dma_mark_bus_address(sg);
	else
		sg_dma_unmark_bus_address(sg);
	return 0;
}

static void unmap_entries(struct device *dev, struct scatterlist *sgl, int nents, enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i) {
		if (WARN_ON(!sg))
			return;
		p2psim_dma_step(dev, sg->dma_address, sg->dma_address + max(sg->dma_length, 1u), "dma_unmap_sg");
		p2psim_mapping_remove(dev, sg->dma_address, max(sg->dma_length, 1u), P2PSIM_MAPPING_SG, dir);
		sg_dma_unmark_bus_address(sg);
	}
}

/* How many, or -errno. */
static int map_entries(struct device *dev, struct scatterlist *sgl, int nents, enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i, ret;

	if (!dev->dma_mask || !valid_dma_direction(dir)) {
		p2psim_dma_may_map(dev, 0, 1, dir); /* says so */
		return -EINVAL;
	}
	for_each_sg(sgl, sg, nents, i) {
		ret = WARN_ON(!sg) ? -EINVAL : map_entry(dev, sg, dir);
		if (ret) {
			unmap_entries(dev, sgl, i, dir);
			return ret;
		}
	}
	return nents;
}

unsigned int(dma_map_sg_attrs)(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir,
			       unsigned long attrs)
{
	int ret = map_entries(dev, sg, nents, dir);

	return ret < 0 ? 0 : (unsigned int)ret;
}

int(dma_map_sgtable)(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir, unsigned long attrs)
{
	int ret = map_entries(dev, sgt->sgl, (int)sgt->orig_nents, dir);

	if (ret < 0)
		return ret;
	sgt->nents = (unsigned int)ret;
	return 0;
}

void(dma_unmap_sg_attrs)(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir,
			 unsigned long attrs)
{
	unmap_entries(dev, sg, nents, dir);
}

void p2psim_dma_sync_sg(struct device *dev, struct scatterlist *sgl, int nelems, enum dma_data_direction dir,
			const char *call)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nelems, i) {
		if (WARN_ON(!sg))
			return;
		p2psim_dma_sync(dev, sg->dma_address, sg->dma_length, dir, call);
	}
}
