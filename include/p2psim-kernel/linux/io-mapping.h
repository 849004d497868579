/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/io-mapping.h>
