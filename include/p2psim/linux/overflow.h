/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/overflow.h, 6.1 (reduced): arithmetic that knows when it did not fit; sizes stay SIZE_MAX then. */
#ifndef P2PSIM_LINUX_OVERFLOW_H
#define P2PSIM_LINUX_OVERFLOW_H

#include <p2psim/linux/kernel.h>

/* Of integer types, bool excepted.  type_max(): half of it, twice, so that no step of it overflows. */
#define is_signed_type(type) (((type)-1) < (type)1)
#define p2psim_type_half(type) ((type)1 << (8 * sizeof(type) - 1 - is_signed_type(type)))
#define type_max(type) ((type)(p2psim_type_half(type) - 1 + p2psim_type_half(type)))
#define type_min(type) ((type)(-type_max(type) - (type)1))

#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d) __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

static inline size_t size_mul(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_mul_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t bytes;

	return __builtin_add_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

#define array_size(a, b) size_mul((a), (b))
#define array3_size(a, b, c) size_mul(size_mul((a), (b)), (c))
#define flex_array_size(p, member, count) size_mul((count), sizeof(*(p)->member))
#define struct_size(p, member, count) size_add(sizeof(*(p)), flex_array_size(p, member, count))

#endif
