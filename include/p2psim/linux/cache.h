/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/cache.h, 6.1 (reduced).  No cache is modelled: what is said about lines is layout alone. */
#ifndef P2PSIM_LINUX_CACHE_H
#define P2PSIM_LINUX_CACHE_H

#include <p2psim/linux/kernel.h>

#define L1_CACHE_SHIFT 6
#define L1_CACHE_BYTES (1 << L1_CACHE_SHIFT)
#define SMP_CACHE_BYTES L1_CACHE_BYTES
#define L1_CACHE_ALIGN(x) ALIGN(x, L1_CACHE_BYTES)
#define cache_line_size() L1_CACHE_BYTES
#define ____cacheline_aligned __attribute__((__aligned__(SMP_CACHE_BYTES)))
#define ____cacheline_aligned_in_smp ____cacheline_aligned
#define __cacheline_aligned ____cacheline_aligned
#define __cacheline_aligned_in_smp ____cacheline_aligned

#endif
