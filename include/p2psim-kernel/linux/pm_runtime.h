/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/pm_runtime.h>
