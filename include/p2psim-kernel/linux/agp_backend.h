/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/agp_backend.h>
