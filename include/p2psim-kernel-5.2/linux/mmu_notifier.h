/* SPDX-License-Identifier: MIT */
#include <p2psim/linux-5.2/mmu_notifier.h>
