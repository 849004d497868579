/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/pci_ids.h>
