/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/llist.h>
