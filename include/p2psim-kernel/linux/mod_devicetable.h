/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/mod_devicetable.h>
