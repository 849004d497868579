/* SPDX-License-Identifier: MIT */
#include_next <linux/wait.h>
#include <p2psim/linux/wait.h>
