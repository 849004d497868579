/* SPDX-License-Identifier: MIT */
#include_next <linux/pci.h>
#include <p2psim/linux/pci.h>
