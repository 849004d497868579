/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines of the simulated machine, as the hardware sees them.  The driver's side is <p2psim/linux/interrupt.h>.
 */
#ifndef P2PSIM_IRQ_H
#define P2PSIM_IRQ_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

#define P2PSIM_IRQS_MAX 128

/*
 * A line, the first free one from `first` on.  message: it is an edge, as of MSI, that a threaded handler may take as it is.
 * Return: its number; -ENOSPC; -ENOMEM.
 */
P2PSIM_EXPORT int p2psim_irq_alloc(unsigned int first, bool message);
/* BALANCE when it has a handler still. */
P2PSIM_EXPORT void p2psim_irq_free(unsigned int irq);
/* How many handlers it has. */
P2PSIM_EXPORT unsigned int p2psim_irq_handlers(unsigned int irq);

/*
 * The device wants attention: the handlers run when the scheduler says so.  Raising it again before they have begun adds
 * nothing.  Nobody has asked for it: it is lost.
 * Return: 0; -ENOENT: no handler; -EINVAL: no such line.  Context: any; one step on the line.
 */
P2PSIM_EXPORT int p2psim_irq_raise(unsigned int irq);

P2PSIM_END_DECLS

#endif
