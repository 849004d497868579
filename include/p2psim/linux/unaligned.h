/* SPDX-License-Identifier: MIT */
/* Mirrors: include/asm-generic/unaligned.h, 6.1 (reduced). */
#ifndef P2PSIM_LINUX_UNALIGNED_H
#define P2PSIM_LINUX_UNALIGNED_H

#include <string.h>

#include <p2psim/linux/byteorder.h>

#define get_unaligned(ptr)                                                                                             \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) get_unaligned_;                                                                     \
		memcpy(&get_unaligned_, (ptr), sizeof(get_unaligned_));                                                \
		get_unaligned_;                                                                                        \
	})
#define put_unaligned(value, ptr)                                                                                      \
	do {                                                                                                           \
		__typeof__(*(ptr)) put_unaligned_ = (value);                                                           \
		memcpy((ptr), &put_unaligned_, sizeof(put_unaligned_));                                                \
	} while (0)

#define p2psim_unaligned(order, bits)                                                                                  \
	static inline u##bits get_unaligned_##order##bits(const void *at)                                              \
	{                                                                                                              \
		__##order##bits word;                                                                                  \
		memcpy(&word, at, sizeof(word));                                                                       \
		return order##bits##_to_cpu(word);                                                                     \
	}                                                                                                              \
	static inline void put_unaligned_##order##bits(u##bits value, void *at)                                        \
	{                                                                                                              \
		__##order##bits word = cpu_to_##order##bits(value);                                                    \
		memcpy(at, &word, sizeof(word));                                                                       \
	}

p2psim_unaligned(le, 16)
p2psim_unaligned(le, 32)
p2psim_unaligned(le, 64)
p2psim_unaligned(be, 16)
p2psim_unaligned(be, 32)
p2psim_unaligned(be, 64)
#undef p2psim_unaligned

#endif
