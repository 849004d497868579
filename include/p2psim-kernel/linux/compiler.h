/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/compiler.h>
