/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/sched/task.h>
