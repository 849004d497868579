/* SPDX-License-Identifier: MIT */
#include <linux/pci.h>
