/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/reset.h, 6.1 (declared: reset lines are the board\'s; linking names what is asked for). */
#ifndef P2PSIM_LINUX_RESET_H
#define P2PSIM_LINUX_RESET_H

struct reset_control;

int reset_control_assert(struct reset_control *rstc);
int reset_control_deassert(struct reset_control *rstc);

#endif
