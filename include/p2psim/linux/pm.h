/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/pm.h, 6.1 (reduced: the callbacks' table; the machine does not sleep and calls none). */
#ifndef P2PSIM_LINUX_PM_H
#define P2PSIM_LINUX_PM_H

struct device;

struct dev_pm_ops {
	int (*prepare)(struct device *dev);
	void (*complete)(struct device *dev);
	int (*suspend)(struct device *dev);
	int (*resume)(struct device *dev);
	int (*freeze)(struct device *dev);
	int (*thaw)(struct device *dev);
	int (*poweroff)(struct device *dev);
	int (*restore)(struct device *dev);
	int (*runtime_suspend)(struct device *dev);
	int (*runtime_resume)(struct device *dev);
	int (*runtime_idle)(struct device *dev);
};

struct dev_pm_domain {
	struct dev_pm_ops ops;
};

#endif
