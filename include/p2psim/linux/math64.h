/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/math64.h, asm/div64.h, 6.1 (same; of a machine that divides 64 bits). */
#ifndef P2PSIM_LINUX_MATH64_H
#define P2PSIM_LINUX_MATH64_H

#include <p2psim/linux/kernel.h>

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline s64 div64_s64(s64 dividend, s64 divisor)
{
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline s64 div_s64(s64 dividend, s32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = (u32)(dividend % divisor);
	return dividend / divisor;
}

/* a * mul / div, with 128 bits between. */
static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return (u64)((unsigned __int128)a * mul / div);
}

/* n becomes the quotient, the value is the remainder. */
#define do_div(n, base)                                                                                                \
	__extension__({                                                                                                \
		u32 do_div_base_ = (base);                                                                             \
		u32 do_div_left_ = (u32)((u64)(n) % do_div_base_);                                                     \
		(n) = (u64)(n) / do_div_base_;                                                                         \
		do_div_left_;                                                                                          \
	})

#endif
