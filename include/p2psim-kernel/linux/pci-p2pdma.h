/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/pci-p2pdma.h>
