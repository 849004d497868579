/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/circ_buf.h>
