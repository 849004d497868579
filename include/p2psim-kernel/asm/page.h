/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/mm_types.h>
