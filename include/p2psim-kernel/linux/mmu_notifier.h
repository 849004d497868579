/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/mmu_notifier.h>
