/* SPDX-License-Identifier: MIT */
#include "core/internal.h"
