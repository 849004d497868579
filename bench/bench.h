/* SPDX-License-Identifier: MIT */
/*
 * Timing: the median of seven rounds, and a reference loop measured in the same run, so that tables carry ratios.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* Runs body(arg, count) seven times and returns the median in nanoseconds per unit of count. */
double bench_ns(void (*body)(void *arg, uint64_t count), void *arg, uint64_t count);
/* One turn of a dependent multiply-and-shift chain on this machine, now. */
double bench_reference_ns(void);
/* A row: "name    12.3 ns    x  4.5". */
void bench_row(const char *name, double ns, double reference_ns);
/* Keeps the compiler from dropping a value. */
void bench_use(uint64_t value);

#endif
