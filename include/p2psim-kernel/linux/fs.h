/* SPDX-License-Identifier: MIT */
#include_next <linux/fs.h>
#include <p2psim/linux/fs.h>
