/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/math64.h>
