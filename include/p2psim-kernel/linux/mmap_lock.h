/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/mmap_lock.h>
