/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/dynamic_debug.h>
