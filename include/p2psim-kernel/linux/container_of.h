/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/container_of.h>
