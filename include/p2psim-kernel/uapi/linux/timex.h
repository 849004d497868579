/* SPDX-License-Identifier: MIT */
#include <linux/timex.h>
