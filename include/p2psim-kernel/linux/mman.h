/* SPDX-License-Identifier: MIT */
#include_next <linux/mman.h>
#include <p2psim/linux/mman.h>
