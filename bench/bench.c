/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 7

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_ns(void (*body)(void *arg, uint64_t count), void *arg, uint64_t count)
{
	double ns[ROUNDS], start;
	int i;

	body(arg, count / 10 + 1); /* warm up */
	for (i = 0; i < ROUNDS; i++) {
		start = now_ns();
		body(arg, count);
		ns[i] = (now_ns() - start) / (double)count;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	return ns[ROUNDS / 2];
}

void bench_use(uint64_t value)
{
	__asm__ __volatile__("" : : "r"(value));
}

static void reference(void *arg, uint64_t count)
{
	uint64_t x = (uint64_t)(uintptr_t)arg | 1;

	while (count--) {
		x = (x ^ x >> 29) * 0x9e3779b97f4a7c15ull;
		__asm__ __volatile__("" : "+r"(x));
	}
	bench_use(x);
}

double bench_reference_ns(void)
{
	return bench_ns(reference, NULL, 20000000);
}

void bench_row(const char *name, double ns, double reference_ns)
{
	printf("%-52s %10.1f ns %9.1f\n", name, ns, ns / reference_ns);
}
