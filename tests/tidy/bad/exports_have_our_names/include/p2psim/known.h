/* SPDX-License-Identifier: MIT */
void p2psim_known(void);
