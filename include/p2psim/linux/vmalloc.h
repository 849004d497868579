/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/vmalloc.h, 6.1 (reduced: memory of kmalloc(), which has no limit of size here). */
#ifndef P2PSIM_LINUX_VMALLOC_H
#define P2PSIM_LINUX_VMALLOC_H

#include <p2psim/linux/slab.h>

#define vmalloc(size) kmalloc((size), GFP_KERNEL)
#define vzalloc(size) kzalloc((size), GFP_KERNEL)
#define vmalloc_node(size, node) ((void)(node), vmalloc(size))
#define vzalloc_node(size, node) ((void)(node), vzalloc(size))
/* Context: may sleep. */
#define vfree(ptr) (might_sleep(), kfree(ptr))

#endif
