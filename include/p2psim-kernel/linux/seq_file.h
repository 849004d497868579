/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/seq_file.h>
