/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/sort.h, bsearch.h, 6.1 (same): in place, without memory, O(n log n).  swap_func NULL: bytes.
 */
#ifndef P2PSIM_LINUX_SORT_H
#define P2PSIM_LINUX_SORT_H

#include <p2psim/base.h>
#include <p2psim/linux/types.h>

P2PSIM_EXPORT void p2psim_k_sort(void *base, size_t count, size_t size, int (*cmp)(const void *a, const void *b),
				 void (*swap_func)(void *a, void *b, int size));
#define sort(base, count, size, cmp, swap_func) p2psim_k_sort((base), (count), (size), (cmp), (swap_func))

#endif
