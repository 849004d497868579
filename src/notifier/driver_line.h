/* SPDX-License-Identifier: MIT */
/*
 * The macros of the public headers remember the line that they stand on, for reports.  A violation that is found in
 * this layer is about the line of the driver that called it, so what the layer itself calls goes without them.
 */
#ifndef P2PSIM_NOTIFIER_DRIVER_LINE_H
#define P2PSIM_NOTIFIER_DRIVER_LINE_H

#include "notifier/internal.h"

#undef mmu_notifier_register
#undef __mmu_notifier_register
#undef mmu_notifier_unregister
#undef mmu_notifier_get
#undef mmu_notifier_get_locked
#undef mmu_notifier_put
#undef mmu_notifier_invalidate_range_start
#undef mmu_notifier_invalidate_range_start_nonblock
#undef mmu_notifier_invalidate_range_end
#undef mmu_notifier_invalidate_range_only_end
#undef mmu_interval_notifier_insert
#undef mmu_interval_notifier_insert_locked
#undef mmu_interval_notifier_remove
#undef mmu_interval_read_begin
#undef mmu_interval_read_retry
#undef mmu_interval_check_retry
#undef mmu_interval_set_seq
#undef lock_map_acquire
#undef might_sleep
#undef spin_lock
#undef spin_unlock
#define lock_map_acquire(map) p2psim_lock_map_acquire((map), P2PSIM_LOCK_EXCLUSIVE)

#endif
