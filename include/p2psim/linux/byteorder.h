/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/byteorder/generic.h, 6.1 (reduced), for a little-endian machine. */
#ifndef P2PSIM_LINUX_BYTEORDER_H
#define P2PSIM_LINUX_BYTEORDER_H

#include <asm/byteorder.h>
#include <p2psim/linux/types.h>

#define cpu_to_le16(x) __cpu_to_le16(x)
#define cpu_to_le32(x) __cpu_to_le32(x)
#define cpu_to_le64(x) __cpu_to_le64(x)
#define le16_to_cpu(x) __le16_to_cpu(x)
#define le32_to_cpu(x) __le32_to_cpu(x)
#define le64_to_cpu(x) __le64_to_cpu(x)
#define cpu_to_be16(x) __cpu_to_be16(x)
#define cpu_to_be32(x) __cpu_to_be32(x)
#define cpu_to_be64(x) __cpu_to_be64(x)
#define be16_to_cpu(x) __be16_to_cpu(x)
#define be32_to_cpu(x) __be32_to_cpu(x)
#define be64_to_cpu(x) __be64_to_cpu(x)
#define cpu_to_le16p(p) __cpu_to_le16p(p)
#define cpu_to_le32p(p) __cpu_to_le32p(p)
#define cpu_to_le64p(p) __cpu_to_le64p(p)
#define le16_to_cpup(p) __le16_to_cpup(p)
#define le32_to_cpup(p) __le32_to_cpup(p)
#define le64_to_cpup(p) __le64_to_cpup(p)
#define cpu_to_be16p(p) __cpu_to_be16p(p)
#define cpu_to_be32p(p) __cpu_to_be32p(p)
#define cpu_to_be64p(p) __cpu_to_be64p(p)
#define be16_to_cpup(p) __be16_to_cpup(p)
#define be32_to_cpup(p) __be32_to_cpup(p)
#define be64_to_cpup(p) __be64_to_cpup(p)
#define cpu_to_be16s(p) __cpu_to_be16s(p)
#define cpu_to_be32s(p) __cpu_to_be32s(p)
#define be16_to_cpus(p) __be16_to_cpus(p)
#define be32_to_cpus(p) __be32_to_cpus(p)
#define swab16(x) __swab16(x)
#define swab32(x) __swab32(x)
#define swab64(x) __swab64(x)

/* libc's, which <arpa/inet.h> declares with much else. */
uint16_t htons(uint16_t word);
uint16_t ntohs(uint16_t word);
uint32_t htonl(uint32_t word);
uint32_t ntohl(uint32_t word);

static inline void be32_add_cpu(__be32 *word, u32 n)
{
	*word = cpu_to_be32(be32_to_cpu(*word) + n);
}

#endif
