/* SPDX-License-Identifier: MIT */
/*
 * The p2p layer from inside: its state in the world, and what its files have of each other.
 *
 *	device.c   struct device: ids, references, removal
 *	pci.c      building the tree, placing BARs		topology.c  paths, ACS, white list, distances
 *	dma_book.c the book of mappings of each device		p2pdma.c    kernel-named questions, cached answers
 *	bus.c      TLPs						bar.c       windows behind a BAR
 *	exporter.c the linear helper
 */
#ifndef P2PSIM_P2P_INTERNAL_H
#define P2PSIM_P2P_INTERNAL_H

#include <p2psim/bar.h>
#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci-p2pdma.h>
#include <p2psim/linux/pci.h>
#include <p2psim/pci.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "p2p/space.h"

struct p2psim_p2p_state {
	enum p2psim_cpu cpu;
	struct list_head hosts;		/* struct p2psim_host_bridge, by creation */
	struct list_head devices;	/* struct device, by creation */
	struct list_head bars;		/* struct p2psim_bar, by creation */
	struct list_head drivers;	/* struct pci_driver, by registration */
	unsigned int host_count;
	bool bus_taken[256];
};

/* Where one BAR lies. */
struct p2psim_bar_place {
	struct p2psim_span span;	/* CPU addresses */
	struct pci_dev *pdev;
	int bar;
	struct p2psim_space *space;	/* NULL: not placed */
};

/* What a pci_dev really is. */
struct p2psim_function {
	struct pci_dev pdev;
	struct p2psim_bar_place place[PCI_STD_NUM_BARS];
	struct mutex lock;		/* probe() and remove(): one at a time */
	bool lock_is_there;
	int regions;			/* mask of BARs that were requested */
	void __iomem *iomap[PCI_STD_NUM_BARS];	/* of pcim_iomap() */
	unsigned int messages;		/* how many it can send; 0: the default */
	unsigned int vector_count;
	unsigned int vectors[P2PSIM_PCI_MESSAGES_MAX];	/* lines, while MSI is on */
	unsigned int wire;		/* the line of INTx, meanwhile */
};

static inline struct p2psim_function *p2psim_function_of(struct pci_dev *pdev)
{
	return container_of(pdev, struct p2psim_function, pdev);
}

struct p2psim_host_bridge {
	struct list_head link;
	struct pci_bus *root;
	struct p2psim_space low, high;	/* CPU addresses; low: below 4 GiB */
	u64 bus_offset;			/* CPU address - bus address */
};

/* The way between two devices below one host bridge. */
struct p2psim_path {
	struct pci_dev *common;		/* the lowest bridge above both (or one of them); NULL: none */
	struct pci_dev *acs;		/* the first port of the way that redirects; NULL: none */
	int distance;
};

struct p2psim_p2p_state *p2psim_p2p_state(void);

/* topology.c */
void p2psim_path_find(struct pci_dev *a, struct pci_dev *b, struct p2psim_path *path);
/* May these two talk through the root complex?  Else *who (may be NULL) is the host bridge's first device, or NULL. */
bool p2psim_host_allows(struct pci_dev *a, struct pci_dev *b, struct pci_dev **who);
enum pci_p2pdma_map_type p2psim_route_find(struct pci_dev *provider, struct pci_dev *client,
					   struct p2psim_path *path);
/* The PCI device that `dev` is or is below, or NULL. */
struct pci_dev *p2psim_pci_of(struct device *dev);

/* pci_driver.c: from its driver, if that is `drv` or drv is NULL. */
void p2psim_pci_unbind(struct pci_dev *pdev, const struct pci_driver *drv);

/* pci_irq.c */
void p2psim_pci_assign_irq(struct pci_dev *pdev);
void p2psim_pci_check_vectors(struct pci_dev *pdev);

/* pci.c */
/* What a step names that asks for, or changes, ways through the tree below one host bridge. */
u32 p2psim_tree_id(struct pci_dev *pdev);
/* The first address behind RAM. */
u64 p2psim_ram_end_address(void);
/* Does the machine have RAM there, used or not? */
bool p2psim_is_ram(u64 phys);
struct p2psim_bar_place *p2psim_bar_at(struct p2psim_host_bridge *host, u64 cpu_addr);

/* bus.c: the BAR at a CPU address, whichever host bridge it is below. */
struct p2psim_bar_place *p2psim_bar_anywhere(u64 cpu_addr);

/* bar.c */
int p2psim_bar_access(struct p2psim_bar *bar, u64 offset, void *buf, size_t len, bool write, bool by_cpu, bool quiet);
u32 p2psim_bar_generation(const struct p2psim_bar *bar, unsigned long page, u64 *changed_step);
void p2psim_bar_detach(struct p2psim_bar *bar);
void p2psim_bars_check(struct p2psim_p2p_state *state);

/* dma_book.c */
enum p2psim_mapping_kind {
	P2PSIM_MAPPING_PAGE,		/* dma_map_page() */
	P2PSIM_MAPPING_RESOURCE,	/* dma_map_resource() */
	P2PSIM_MAPPING_BAR,		/* p2psim_bar_map() */
	P2PSIM_MAPPING_SG,		/* dma_map_sg(), an entry of the list */
	P2PSIM_MAPPING_COHERENT,	/* dma_alloc_coherent() */
	P2PSIM_MAPPING_POOL,		/* dma_pool_alloc() */
};

/* Books `size` bytes at `addr`; `bar` and `generation` for P2PSIM_MAPPING_BAR.  -ENOMEM: the arena is full. */
int p2psim_mapping_add(struct device *dev, u64 addr, u64 size, enum p2psim_mapping_kind kind,
		       enum dma_data_direction dir, struct p2psim_bar *bar, u32 generation);
/* Takes one of them off the book; false after BALANCE: there is none. */
bool p2psim_mapping_remove(struct device *dev, u64 addr, u64 size, enum p2psim_mapping_kind kind,
			   enum dma_data_direction dir);
/* The beats' oracles: true when one fired.  `bar` NULL: the beat landed in no BAR. */
bool p2psim_mapping_check_ram(struct device *dev, u64 addr, u64 len, bool write);
bool p2psim_mapping_check_bar(struct device *dev, u64 addr, struct p2psim_bar *bar, unsigned long page);
/* CONTRACT: no live mapping covers it, or it is for the other direction. */
void p2psim_mapping_check_sync(struct device *dev, u64 addr, u64 size, enum dma_data_direction dir, const char *call);
void p2psim_mappings_check(struct device *dev);

/* dma.c */
void p2psim_dma_step(struct device *dev, u64 start, u64 end, const char *label);
/* False: the device is gone, or the address beyond its mask; or after CONTRACT. */
bool p2psim_dma_may_map(struct device *dev, u64 addr, size_t size, enum dma_data_direction dir);
/* RANGE or UAF, and false: memory of kmalloc() that is smaller, or was freed. */
bool p2psim_dma_is_whole(struct device *dev, const struct page *page, size_t offset, size_t size);
/* addr + size - 1 is not beyond what the device can put on the bus. */
bool p2psim_dma_fits_mask(const struct device *dev, u64 addr, u64 size);

/* dma_coherent.c */
void *p2psim_coherent_alloc(struct device *dev, size_t size, size_t align, gfp_t gfp, dma_addr_t *handle,
			    enum p2psim_mapping_kind kind);
/* False after BALANCE: nothing is freed. */
bool p2psim_coherent_free(struct device *dev, size_t size, void *memory, dma_addr_t handle, enum p2psim_mapping_kind kind);

#endif
