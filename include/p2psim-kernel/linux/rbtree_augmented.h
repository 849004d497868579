/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/rbtree_augmented.h>
