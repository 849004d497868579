/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/irq_poll.h>
