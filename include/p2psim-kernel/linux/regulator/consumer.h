/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/regulator/consumer.h>
