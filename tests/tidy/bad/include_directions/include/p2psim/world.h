/* SPDX-License-Identifier: MIT */
#include <p2psim/process.h>
