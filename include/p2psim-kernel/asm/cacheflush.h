/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/cacheflush.h>
