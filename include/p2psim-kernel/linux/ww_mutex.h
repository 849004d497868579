/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/ww_mutex.h>
