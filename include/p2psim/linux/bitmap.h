/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bitmap.h, 6.1 (reduced).  Plain accesses: whoever shares a bitmap brings a lock. */
#ifndef P2PSIM_LINUX_BITMAP_H
#define P2PSIM_LINUX_BITMAP_H

#include <string.h>

#include <p2psim/linux/bitops.h>
#include <p2psim/linux/slab.h>

#define bitmap_size(bits) (BITS_TO_LONGS(bits) * sizeof(unsigned long))

#define bitmap_alloc(bits, flags) ((unsigned long *)kmalloc(bitmap_size(bits), (flags)))
#define bitmap_zalloc(bits, flags) ((unsigned long *)kzalloc(bitmap_size(bits), (flags)))
#define bitmap_free(map) kfree(map)

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, bitmap_size(bits));
}

static inline void bitmap_fill(unsigned long *map, unsigned int bits)
{
	memset(map, 0xff, bitmap_size(bits));
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int bits)
{
	memcpy(to, from, bitmap_size(bits));
}

static inline void bitmap_set(unsigned long *map, unsigned int start, unsigned int count)
{
	while (count--)
		__set_bit(start++, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start, unsigned int count)
{
	while (count--)
		__clear_bit(start++, map);
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int bits)
{
	return find_first_bit(map, bits) == bits;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int bits)
{
	return find_first_zero_bit(map, bits) == bits;
}

static inline unsigned int bitmap_weight(const unsigned long *map, unsigned int bits)
{
	unsigned int weight = 0, at;

	for_each_set_bit(at, map, bits)
		weight++;
	return weight;
}

/* True when something is left. */
static inline bool bitmap_and(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] & b[i];
	return !bitmap_empty(to, bits);
}

static inline void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] | b[i];
}

static inline bool bitmap_andnot(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(bits); i++)
		to[i] = a[i] & ~b[i];
	return !bitmap_empty(to, bits);
}

static inline bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	unsigned int at;

	for (at = 0; at < bits; at++)
		if (!(a[BIT_WORD(at)] & BIT_MASK(at)) != !(b[BIT_WORD(at)] & BIT_MASK(at)))
			return false;
	return true;
}

static inline bool bitmap_intersects(const unsigned long *a, const unsigned long *b, unsigned int bits)
{
	unsigned int at;

	for_each_set_bit(at, a, bits)
		if (b[BIT_WORD(at)] & BIT_MASK(at))
			return true;
	return false;
}

/* The first of `count` zero bits in a row at or behind `start`, a multiple of align_mask + 1; beyond `size` if there are none. */
static inline unsigned long bitmap_find_next_zero_area(const unsigned long *map, unsigned long size, unsigned long start,
						       unsigned int count, unsigned long align_mask)
{
	unsigned long next;

	for (;;) {
		start = find_next_zero_bit(map, size, start);
		start = (start + align_mask) & ~align_mask;
		if (start + count > size)
			return start + count;
		next = find_next_bit(map, start + count, start);
		if (next >= start + count)
			return start;
		start = next + 1;
	}
}

#endif
