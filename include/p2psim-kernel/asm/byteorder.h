/* SPDX-License-Identifier: MIT */
#include_next <asm/byteorder.h>
#include <p2psim/linux/byteorder.h>
