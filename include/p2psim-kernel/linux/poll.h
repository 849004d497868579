/* SPDX-License-Identifier: MIT */
#include <poll.h>
#define pollfd p2psim_uapi_pollfd
#include_next <linux/poll.h>
#undef pollfd
#include <p2psim/linux/poll.h>
