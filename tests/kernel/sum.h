/* SPDX-License-Identifier: MIT */
/* What the sum card, its driver and its users tell each other. */
#ifndef SUM_H
#define SUM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* BAR 0, in bytes from its start. */
#define SUM_SOURCE 0x00		/* 64 bits: where the bytes are */
#define SUM_RESULT 0x08		/* 64 bits: where the sum goes */
#define SUM_LENGTH 0x10		/* 32 bits: writing it starts the card */
#define SUM_STATUS 0x14		/* 32 bits: SUM_DONE; writing it back clears it */
#define SUM_DONE 1u

struct sum_job {
	__u64 address;
	__u32 length;
	__u32 sum;
};
#define SUM_IOC_RUN _IOWR('S', 0, struct sum_job)

#endif
