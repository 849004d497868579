/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/mod_devicetable.h, 6.1 (reduced: PCI). */
#ifndef P2PSIM_LINUX_MOD_DEVICETABLE_H
#define P2PSIM_LINUX_MOD_DEVICETABLE_H

#include <p2psim/linux/types.h>

typedef unsigned long kernel_ulong_t;

#define PCI_ANY_ID (~0)

/* Which devices a driver is for; a table ends with one that is all zero. */
struct pci_device_id {
	u32 vendor, device;		/* or PCI_ANY_ID */
	u32 subvendor, subdevice;
	u32 class, class_mask;
	kernel_ulong_t driver_data;
	u32 override_only;
};

#endif
