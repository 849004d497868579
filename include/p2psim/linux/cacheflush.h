/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/cacheflush.h, asm/special_insns.h, 6.1 (declared: no cache is modelled; linking names it). */
#ifndef P2PSIM_LINUX_CACHEFLUSH_H
#define P2PSIM_LINUX_CACHEFLUSH_H

void clflush(volatile void *at);
void clflush_cache_range(void *start, unsigned int bytes);

#endif
