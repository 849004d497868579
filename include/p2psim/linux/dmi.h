/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/dmi.h, 6.1 (declared: the machine has no firmware tables; linking names what is asked for). */
#ifndef P2PSIM_LINUX_DMI_H
#define P2PSIM_LINUX_DMI_H

struct dmi_system_id;

int dmi_check_system(const struct dmi_system_id *list);

#endif
