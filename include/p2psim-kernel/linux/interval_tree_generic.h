/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/interval_tree_generic.h>
