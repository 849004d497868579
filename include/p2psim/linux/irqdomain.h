/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/irqdomain.h, 6.1 (declared: interrupts have one number space; linking names what is asked for). */
#ifndef P2PSIM_LINUX_IRQDOMAIN_H
#define P2PSIM_LINUX_IRQDOMAIN_H

struct irq_domain;

#endif
