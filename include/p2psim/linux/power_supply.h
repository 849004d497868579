/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/power_supply.h, 6.1 (declared: the machine has no battery; linking names what is asked for). */
#ifndef P2PSIM_LINUX_POWER_SUPPLY_H
#define P2PSIM_LINUX_POWER_SUPPLY_H

int power_supply_is_system_supplied(void);

#endif
