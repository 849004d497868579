/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/rbtree_augmented.h, 6.1 (reduced): it is in rbtree.h. */
#ifndef P2PSIM_LINUX_RBTREE_AUGMENTED_H
#define P2PSIM_LINUX_RBTREE_AUGMENTED_H
#include <p2psim/linux/rbtree.h>
#endif
