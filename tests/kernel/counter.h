/* SPDX-License-Identifier: MIT */
/* What the counter driver and its users tell each other. */
#ifndef COUNTER_H
#define COUNTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct counter_status {
	__u64 value;
	__u64 opens, closes;	/* of all counters */
	__u64 letter;		/* the first of the parameter "name" */
};

#define COUNTER_ADD _IOW('C', 0, struct counter_status)
#define COUNTER_GET _IOR('C', 1, struct counter_status)

#endif
