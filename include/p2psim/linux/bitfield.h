/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bitfield.h, 6.1 (reduced: the macros; a mask is a constant with its bits in a row). */
#ifndef P2PSIM_LINUX_BITFIELD_H
#define P2PSIM_LINUX_BITFIELD_H

#include <p2psim/linux/bitops.h>

#define __bf_shf(mask) (__builtin_ffsll((long long)(mask)) - 1)
#define FIELD_MAX(mask) ((__typeof__(mask))((mask) >> __bf_shf(mask)))
/* Does the value fit? */
#define FIELD_FIT(mask, value) (!(((__typeof__(mask))(value) << __bf_shf(mask)) & ~(mask)))
#define FIELD_PREP(mask, value) (((__typeof__(mask))(value) << __bf_shf(mask)) & (mask))
#define FIELD_GET(mask, word) ((__typeof__(mask))(((word) & (mask)) >> __bf_shf(mask)))

#endif
