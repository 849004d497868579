/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/iosys-map.h>
