/* SPDX-License-Identifier: MIT */
#include_next <linux/if_ether.h>
#include <p2psim/linux/if_ether.h>
