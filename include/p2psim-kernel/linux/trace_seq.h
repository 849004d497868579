/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/trace_seq.h>
