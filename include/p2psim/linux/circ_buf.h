/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/circ_buf.h, 6.1 (same): rings of a power of two of slots, of which one stays free. */
#ifndef P2PSIM_LINUX_CIRC_BUF_H
#define P2PSIM_LINUX_CIRC_BUF_H

struct circ_buf {
	char *buf;
	int head, tail;
};

#define CIRC_CNT(head, tail, size) (((head) - (tail)) & ((size) - 1))
#define CIRC_SPACE(head, tail, size) CIRC_CNT((tail), ((head) + 1), (size))
/* The same as far as the end of the buffer. */
#define CIRC_CNT_TO_END(head, tail, size) p2psim_circ_min(CIRC_CNT((head), (tail), (size)), (size) - (tail))
#define CIRC_SPACE_TO_END(head, tail, size)                                                                            \
	p2psim_circ_min(CIRC_SPACE((head), (tail), (size)), (tail) > (head) ? (size) - 1 : (size) - (head))

static inline int p2psim_circ_min(int a, int b)
{
	return a < b ? a : b;
}

#endif
