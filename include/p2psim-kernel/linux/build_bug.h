/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/build_bug.h>
