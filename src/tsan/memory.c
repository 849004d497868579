/* SPDX-License-Identifier: MIT */
/*
 * memcpy() and its kin as instrumented code calls them: <p2psim/tsan.h> sends gcc's and old clang's calls here, too.
 */
#include <string.h>

#include "tsan/tsan.h"

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	tsan_access(from, size, P2PSIM_RACE_READ, HERE);
	tsan_access(to, size, P2PSIM_RACE_WRITE, HERE);
	return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size)
{
	tsan_access(from, size, P2PSIM_RACE_READ, HERE);
	tsan_access(to, size, P2PSIM_RACE_WRITE, HERE);
	return memmove(to, from, size);
}

void *__tsan_memset(void *to, int value, size_t size)
{
	tsan_access(to, size, P2PSIM_RACE_WRITE, HERE);
	return memset(to, value, size);
}
