/* SPDX-License-Identifier: MIT */
/*
 * For drivers whose plain accesses are all race-checked: the flags of p2psim-tsan.pc include it in front of everything.
 *
 * Not every compiler tells the run time of memcpy(), memset() and memmove(): gcc never does, clang only from 15 on, and
 * both call them for assignments of structures.  So in these object files the names stand for p2psim's entry points.
 */
#ifndef P2PSIM_TSAN_H
#define P2PSIM_TSAN_H

#ifndef __ASSEMBLER__
__asm__("memcpy = __tsan_memcpy\n\tmemset = __tsan_memset\n\tmemmove = __tsan_memmove");
#endif

#endif
