/* SPDX-License-Identifier: MIT */
#include <linux/pci_regs.h>
