/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/log2.h>
