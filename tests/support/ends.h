/* SPDX-License-Identifier: MIT */
/*
 * The set of ends of a program's executions, for strategies that must agree on it.
 */
#ifndef TESTS_ENDS_H
#define TESTS_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDS_MOST 2048 /* a power of two, more than there are */

struct ends {
	uint64_t slot[ENDS_MOST];
	unsigned int count;
	uint64_t sum;
	uint64_t told;		/* executions, or interleavings */
	unsigned int preemptions; /* of the worst */
};

/* Of a state without padding; never 0. */
static inline uint64_t end_hash(const void *state, size_t size)
{
	const uint8_t *byte = state;
	uint64_t hash = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ull;
	return hash | 1;
}

/* A deadlock and an end are told apart: a task of the state has not come to its end. */
static inline void add_end(struct ends *ends, uint64_t hash)
{
	uint64_t i = hash >> 32;

	ends->told++;
	for (;; i++) {
		uint64_t *slot = &ends->slot[i % ENDS_MOST];

		if (*slot == hash)
			return;
		if (!*slot) {
			*slot = hash;
			ends->count++;
			ends->sum += hash * (hash >> 7);
			return;
		}
	}
}

static inline bool same_ends(const struct ends *a, const struct ends *b)
{
	return a->count == b->count && a->sum == b->sum;
}

#endif
