/* SPDX-License-Identifier: MIT */
#include_next <linux/pci_regs.h>
#include <p2psim/linux/pci_regs.h>
