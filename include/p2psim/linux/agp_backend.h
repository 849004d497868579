/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/agp_backend.h, 6.1 (declared: the machine has no AGP; linking names what is asked for). */
#ifndef P2PSIM_LINUX_AGP_BACKEND_H
#define P2PSIM_LINUX_AGP_BACKEND_H

#include <p2psim/linux/types.h>

struct agp_bridge_data;
struct agp_memory;
struct page;
struct pci_dev;
struct vm_operations_struct;

enum chipset_type {
	NOT_SUPPORTED,
	SUPPORTED,
};

struct agp_version {
	u16 major, minor;
};

struct agp_kern_info {
	struct agp_version version;
	struct pci_dev *device;
	enum chipset_type chipset;
	unsigned long mode;
	unsigned long aper_base;
	size_t aper_size;		/* MiB */
	int max_memory;			/* pages */
	int current_memory;		/* pages */
	bool cant_use_aperture;
	unsigned long page_mask;
	const struct vm_operations_struct *vm_ops;
};

struct agp_bridge_data *agp_backend_acquire(struct pci_dev *pdev);
void agp_backend_release(struct agp_bridge_data *bridge);
int agp_copy_info(struct agp_bridge_data *bridge, struct agp_kern_info *info);
void agp_enable(struct agp_bridge_data *bridge, u32 mode);

#endif
