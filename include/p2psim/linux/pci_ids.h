/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/pci_ids.h, 6.1 (reduced: vendors whose drivers this simulation is about). */
#ifndef P2PSIM_LINUX_PCI_IDS_H
#define P2PSIM_LINUX_PCI_IDS_H

#define PCI_VENDOR_ID_ATI 0x1002
#define PCI_VENDOR_ID_AMD 0x1022
#define PCI_VENDOR_ID_NVIDIA 0x10de
#define PCI_VENDOR_ID_MELLANOX 0x15b3
#define PCI_VENDOR_ID_REDHAT_QUMRANET 0x1af4
#define PCI_VENDOR_ID_REDHAT 0x1b36
#define PCI_VENDOR_ID_INTEL 0x8086

#endif
