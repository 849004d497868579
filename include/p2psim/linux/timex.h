/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/timex.h, asm/tsc.h, 6.1 (declared: cycles are not the same twice; linking says what is missing). */
#ifndef P2PSIM_LINUX_TIMEX_H
#define P2PSIM_LINUX_TIMEX_H

typedef unsigned long long cycles_t;

cycles_t get_cycles(void);

#endif
