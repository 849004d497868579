/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/regulator/consumer.h, 6.1 (declared: supplies are the board\'s; linking names what is asked for). */
#ifndef P2PSIM_LINUX_REGULATOR_CONSUMER_H
#define P2PSIM_LINUX_REGULATOR_CONSUMER_H

struct regulator;

int regulator_enable(struct regulator *regulator);
int regulator_disable(struct regulator *regulator);

#endif
