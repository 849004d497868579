/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/mfd/core.h>
