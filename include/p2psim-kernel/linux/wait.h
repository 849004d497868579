/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>
#include_next <linux/wait.h>
#include <p2psim/linux/wait.h>
