/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/percpu-refcount.h>
