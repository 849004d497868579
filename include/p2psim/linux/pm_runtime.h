/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/pm_runtime.h, 6.1 (declared: devices are always awake; linking names what is asked for). */
#ifndef P2PSIM_LINUX_PM_RUNTIME_H
#define P2PSIM_LINUX_PM_RUNTIME_H

struct device;

int pm_runtime_get_sync(struct device *dev);
int pm_runtime_put_autosuspend(struct device *dev);
void pm_runtime_mark_last_busy(struct device *dev);

#endif
