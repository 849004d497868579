/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same everywhere: for tests against a model. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

/* *state is not 0.  A number below `below`. */
static inline uint32_t random_below(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

#endif
