/* SPDX-License-Identifier: MIT */
#include_next <linux/sched.h>
#include <p2psim/linux/sched.h>
