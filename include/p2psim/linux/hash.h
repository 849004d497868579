/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/hash.h, 6.1 (same names, other numbers). */
#ifndef P2PSIM_LINUX_HASH_H
#define P2PSIM_LINUX_HASH_H

#include <p2psim/linux/types.h>

/* `bits` (1 to 63) well mixed bits of the number. */
static inline u32 hash_64(u64 value, unsigned int bits)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15ull;
	return (u32)(value >> (64 - bits));
}
#define hash_32(value, bits) hash_64((u32)(value), (bits))
#define hash_long(value, bits) hash_64((value), (bits))

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_64((u64)(uintptr_t)ptr, bits);
}

#endif
