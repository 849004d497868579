/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/lockdep.h, 6.1 (reduced): lockdep_assert_held() is in mutex.h. */
#ifndef P2PSIM_LINUX_LOCKDEP_H
#define P2PSIM_LINUX_LOCKDEP_H
#include <p2psim/linux/mutex.h>
#endif
