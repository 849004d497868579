/* SPDX-License-Identifier: MIT */
#include_next <linux/kdev_t.h>
#include <p2psim/linux/kdev_t.h>
