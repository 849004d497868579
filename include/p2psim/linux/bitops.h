/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/bits.h, bitops.h, find.h, log2.h, 6.1 (reduced).  set_bit() and its kin without underscores are steps on
 * the word; those with two underscores, and all searches, are plain accesses.
 */
#ifndef P2PSIM_LINUX_BITOPS_H
#define P2PSIM_LINUX_BITOPS_H

#include <strings.h>

#include <p2psim/linux/atomic.h>

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BITS_TO_LONGS(n) DIV_ROUND_UP((n), BITS_PER_LONG)
#define BIT_MASK(n) (1UL << ((n) % BITS_PER_LONG))
#define BIT_WORD(n) ((n) / BITS_PER_LONG)
#define GENMASK(high, low) ((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))
#define GENMASK_ULL(high, low) ((~0ULL << (low)) & (~0ULL >> (BITS_PER_LONG_LONG - 1 - (high))))

/* The types say volatile, as the kernel's do, for both kinds. */
static inline unsigned long *p2psim_plain_word(unsigned long n, volatile unsigned long *word)
{
	return (unsigned long *)(uintptr_t)&word[BIT_WORD(n)];
}

static inline void __set_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_plain_word(n, word)[0] |= BIT_MASK(n);
}

static inline P2PSIM_MARKED void set_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	word[BIT_WORD(n)] |= BIT_MASK(n);
}

static inline bool __test_and_set_bit(unsigned long n, volatile unsigned long *word)
{
	bool was = p2psim_plain_word(n, word)[0] & BIT_MASK(n);

	__set_bit(n, word);
	return was;
}

static inline P2PSIM_MARKED bool test_and_set_bit(unsigned long n, volatile unsigned long *word)
{
	unsigned long was;

	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	was = word[BIT_WORD(n)];
	word[BIT_WORD(n)] |= BIT_MASK(n);
	return was & BIT_MASK(n);
}

static inline void __clear_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_plain_word(n, word)[0] &= ~BIT_MASK(n);
}

static inline P2PSIM_MARKED void clear_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	word[BIT_WORD(n)] &= ~BIT_MASK(n);
}

static inline bool __test_and_clear_bit(unsigned long n, volatile unsigned long *word)
{
	bool was = p2psim_plain_word(n, word)[0] & BIT_MASK(n);

	__clear_bit(n, word);
	return was;
}

static inline P2PSIM_MARKED bool test_and_clear_bit(unsigned long n, volatile unsigned long *word)
{
	unsigned long was;

	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	was = word[BIT_WORD(n)];
	word[BIT_WORD(n)] &= ~BIT_MASK(n);
	return was & BIT_MASK(n);
}

static inline void __change_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_plain_word(n, word)[0] ^= BIT_MASK(n);
}

static inline P2PSIM_MARKED void change_bit(unsigned long n, volatile unsigned long *word)
{
	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	word[BIT_WORD(n)] ^= BIT_MASK(n);
}

static inline bool __test_and_change_bit(unsigned long n, volatile unsigned long *word)
{
	bool was = p2psim_plain_word(n, word)[0] & BIT_MASK(n);

	__change_bit(n, word);
	return was;
}

static inline P2PSIM_MARKED bool test_and_change_bit(unsigned long n, volatile unsigned long *word)
{
	unsigned long was;

	p2psim_atomic(&word[BIT_WORD(n)], sizeof(*word));
	was = word[BIT_WORD(n)];
	word[BIT_WORD(n)] ^= BIT_MASK(n);
	return was & BIT_MASK(n);
}

static inline P2PSIM_MARKED bool test_bit(unsigned long n, const volatile unsigned long *word)
{
	p2psim_once(&word[BIT_WORD(n)], sizeof(*word), false);
	return word[BIT_WORD(n)] & BIT_MASK(n);
}

#define clear_bit_unlock(n, word) clear_bit((n), (word))
#define test_and_set_bit_lock(n, word) test_and_set_bit((n), (word))

/* Of a number that is not 0: the lowest and the highest bit. */
static inline unsigned long __ffs(unsigned long word)
{
	return (unsigned long)__builtin_ctzl(word);
}

static inline unsigned long __fls(unsigned long word)
{
	return 63ul - (unsigned long)__builtin_clzl(word);
}

#define ffz(word) __ffs(~(word))
/* One more than that, 0 for 0. */
#define fls(word) p2psim_fls((unsigned int)(word))
#define fls64(word) p2psim_fls(word)
#define fls_long(word) p2psim_fls(word)
#define __ffs64(word) __ffs(word)

static inline int p2psim_fls(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

#define hweight8(w) ((unsigned int)__builtin_popcount((u8)(w)))
#define hweight16(w) ((unsigned int)__builtin_popcount((u16)(w)))
#define hweight32(w) ((unsigned int)__builtin_popcount((u32)(w)))
#define hweight64(w) ((unsigned long)__builtin_popcountll(w))
#define hweight_long(w) hweight64(w)

static inline s32 sign_extend32(u32 value, int index)
{
	return (s32)(value << (31 - index)) >> (31 - index);
}

static inline s64 sign_extend64(u64 value, int index)
{
	return (s64)(value << (63 - index)) >> (63 - index);
}

static inline u32 rol32(u32 word, unsigned int shift)
{
	return (word << (shift & 31)) | (word >> (-shift & 31));
}

/* ---- searches: the first at `at` or behind it, `size` if there is none ---- */

static inline unsigned long p2psim_find_bit(const unsigned long *map, unsigned long size, unsigned long at,
					    unsigned long invert)
{
	unsigned long word;

	while (at < size) {
		word = (map[BIT_WORD(at)] ^ invert) >> (at % BITS_PER_LONG);
		if (word) {
			at += __ffs(word);
			break;
		}
		at = (at / BITS_PER_LONG + 1) * BITS_PER_LONG;
	}
	return at < size ? at : size;
}

#define find_first_bit(map, size) p2psim_find_bit((map), (size), 0, 0)
#define find_next_bit(map, size, at) p2psim_find_bit((map), (size), (at), 0)
#define find_first_zero_bit(map, size) p2psim_find_bit((map), (size), 0, ~0ul)
#define find_next_zero_bit(map, size, at) p2psim_find_bit((map), (size), (at), ~0ul)

static inline unsigned long find_last_bit(const unsigned long *map, unsigned long size)
{
	unsigned long at = size;

	while (at--)
		if (map[BIT_WORD(at)] & BIT_MASK(at))
			return at;
	return size;
}

#define for_each_set_bit(bit, map, size)                                                                               \
	for ((bit) = find_first_bit((map), (size)); (bit) < (size); (bit) = find_next_bit((map), (size), (bit) + 1))
#define for_each_set_bit_from(bit, map, size)                                                                          \
	for ((bit) = find_next_bit((map), (size), (bit)); (bit) < (size); (bit) = find_next_bit((map), (size), (bit) + 1))
#define for_each_clear_bit(bit, map, size)                                                                             \
	for ((bit) = find_first_zero_bit((map), (size)); (bit) < (size);                                               \
	     (bit) = find_next_zero_bit((map), (size), (bit) + 1))

/* ---- powers of two ---- */

/* Constant for constants, as array sizes need it. */
#define ilog2(n) (63 - __builtin_clzll((u64)(n)))
#define is_power_of_2(n) p2psim_is_power_of_2(n)
#define roundup_pow_of_two(n) (1UL << order_base_2(n))
#define rounddown_pow_of_two(n) (1UL << ilog2(n))
#define order_base_2(n)                                                                                                \
	__builtin_choose_expr(__builtin_constant_p(n), (n) > 1 ? 64 - __builtin_clzll(((u64)(n) - 1) | 1) : 0,         \
			      p2psim_order_base_2(n))
#define get_count_order(n) p2psim_order_base_2(n)

static inline bool p2psim_is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

static inline int p2psim_order_base_2(unsigned long n)
{
	return n > 1 ? p2psim_fls(n - 1) : 0;
}

#endif
