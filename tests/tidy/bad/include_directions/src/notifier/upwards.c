/* SPDX-License-Identifier: MIT */
#include "vma/internal.h"
