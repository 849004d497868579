/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/aer.h, 6.1 (declared: errors of the bus are those of <p2psim/dma.h>; linking names what is asked for).
 */
#ifndef P2PSIM_LINUX_AER_H
#define P2PSIM_LINUX_AER_H

struct pci_dev;

int pci_enable_pcie_error_reporting(struct pci_dev *dev);
int pci_disable_pcie_error_reporting(struct pci_dev *dev);

#endif
