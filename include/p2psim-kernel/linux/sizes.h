/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/sizes.h>
