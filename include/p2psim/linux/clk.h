/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/clk.h, 6.1 (declared: clocks are the board\'s; linking names what is asked for). */
#ifndef P2PSIM_LINUX_CLK_H
#define P2PSIM_LINUX_CLK_H

struct clk;

int clk_prepare_enable(struct clk *clk);
void clk_disable_unprepare(struct clk *clk);

#endif
