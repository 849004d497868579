/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/irq_poll.h, 6.1 (declared: nothing polls; linking says what is missing). */
#ifndef P2PSIM_LINUX_IRQ_POLL_H
#define P2PSIM_LINUX_IRQ_POLL_H

#include <p2psim/linux/list.h>

struct irq_poll;
typedef int (irq_poll_fn)(struct irq_poll *iop, int budget);

struct irq_poll {
	struct list_head list;
	unsigned long state;
	int weight;
	irq_poll_fn *poll;
};

void irq_poll_init(struct irq_poll *iop, int weight, irq_poll_fn *poll);
void irq_poll_sched(struct irq_poll *iop);
void irq_poll_complete(struct irq_poll *iop);
void irq_poll_enable(struct irq_poll *iop);
void irq_poll_disable(struct irq_poll *iop);

#endif
