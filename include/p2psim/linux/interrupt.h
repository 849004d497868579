/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/interrupt.h, irqreturn.h, 6.1 (reduced: no affinity, no per-CPU interrupts, no wake-up sources).
 *
 * A line runs its handlers in a daemon task of its own, as another processor would: between any two steps of everybody else.
 *
 *	device				"irq 24"			"irq/24-name" (threaded handlers)
 *	p2psim_irq_raise(24)  --------> handler(24, dev_id)
 *					IRQ_WAKE_THREAD  ------------->	thread_fn(24, dev_id)
 *	raised while it runs: once more afterwards, however often
 *
 * A handler must not sleep (LOCKGRAPH); a thread_fn may.  With IRQF_ONESHOT the line stays quiet until thread_fn is through.
 * Which irq a device has: pci_irq_vector().  Who raises it: <p2psim/irq.h>.
 */
#ifndef P2PSIM_LINUX_INTERRUPT_H
#define P2PSIM_LINUX_INTERRUPT_H

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/step.h>

struct device;

enum irqreturn {
	IRQ_NONE = 0,			/* not ours */
	IRQ_HANDLED = 1,
	IRQ_WAKE_THREAD = 2,
};
typedef enum irqreturn irqreturn_t;
#define IRQ_RETVAL(x) ((x) ? IRQ_HANDLED : IRQ_NONE)
typedef irqreturn_t (*irq_handler_t)(int irq, void *dev_id);

#define IRQF_TRIGGER_NONE 0x0u
#define IRQF_TRIGGER_RISING 0x1u
#define IRQF_TRIGGER_FALLING 0x2u
#define IRQF_TRIGGER_HIGH 0x4u
#define IRQF_TRIGGER_LOW 0x8u
#define IRQF_SHARED 0x80u
#define IRQF_ONESHOT 0x2000u
#define IRQF_NO_AUTOEN 0x80000u		/* begins disabled */

/*
 * dev_id is what the handler gets, and what free_irq() finds it by; a shared line needs one.
 * request_threaded_irq(): handler NULL wakes the thread at once, which needs IRQF_ONESHOT unless the line is a message (MSI).
 * Return: 0; -EINVAL: no such line, no handler, a shared one without dev_id; -EBUSY: somebody has it and does not share; -ENOMEM.
 * Context: may sleep.
 */
P2PSIM_EXPORT int request_threaded_irq(unsigned int irq, irq_handler_t handler, irq_handler_t thread_fn, unsigned long flags,
				       const char *name, void *dev_id);
#define request_irq(irq, handler, flags, name, dev_id)                                                                 \
	request_threaded_irq((irq), (handler), NULL, (flags), (name), (dev_id))
/*
 * Waits for the handler, and for its thread.  Return: the name; NULL after BALANCE: there is no such handler.
 * Context: may sleep; from the handler itself: DEADLOCK.
 */
P2PSIM_EXPORT const void *free_irq(unsigned int irq, void *dev_id);
/* Waits until no handler of the line runs, threads included. */
P2PSIM_EXPORT void synchronize_irq(unsigned int irq);
/* Nests.  What is raised meanwhile comes when it is enabled again.  enable_irq() once too often: BALANCE. */
P2PSIM_EXPORT void disable_irq_nosync(unsigned int irq);
P2PSIM_EXPORT void disable_irq(unsigned int irq);
P2PSIM_EXPORT void enable_irq(unsigned int irq);
/* Does the current task run a handler that must not sleep: of a line, or a tasklet's function? */
P2PSIM_EXPORT bool in_interrupt(void);
#define in_irq() in_interrupt()
#define in_hardirq() in_interrupt()

#define request_threaded_irq(irq, handler, thread_fn, flags, name, dev_id)                                             \
	(P2PSIM_HERE(), request_threaded_irq((irq), (handler), (thread_fn), (flags), (name), (dev_id)))
#define free_irq(irq, dev_id) (P2PSIM_HERE(), free_irq((irq), (dev_id)))
#define synchronize_irq(irq) (P2PSIM_HERE(), synchronize_irq(irq))
#define disable_irq(irq) (P2PSIM_HERE(), disable_irq(irq))
#define enable_irq(irq) (P2PSIM_HERE(), enable_irq(irq))

/* Freed with the driver (<p2psim/linux/device.h>).  devm_free_irq(): BALANCE if it is not the device's. */
P2PSIM_EXPORT int devm_request_threaded_irq(struct device *dev, unsigned int irq, irq_handler_t handler,
					    irq_handler_t thread_fn, unsigned long flags, const char *name, void *dev_id);
P2PSIM_EXPORT void devm_free_irq(struct device *dev, unsigned int irq, void *dev_id);
#define devm_request_threaded_irq(dev, irq, handler, thread_fn, flags, name, dev_id)                                   \
	(P2PSIM_HERE(), devm_request_threaded_irq((dev), (irq), (handler), (thread_fn), (flags), (name), (dev_id)))
#define devm_request_irq(dev, irq, handler, flags, name, dev_id)                                                       \
	devm_request_threaded_irq((dev), (irq), (handler), NULL, (flags), (name), (dev_id))
#define devm_free_irq(dev, irq, dev_id) (P2PSIM_HERE(), devm_free_irq((dev), (irq), (dev_id)))

/* ---- Tasklets: a function that the daemon task "softirq" runs soon; once, however often it was scheduled before ---- */

struct tasklet_struct {
	struct tasklet_struct *next;
	unsigned long state;		/* TASKLET_STATE_* */
	atomic_t count;			/* > 0: disabled */
	bool use_callback;
	union {
		void (*func)(unsigned long data);
		void (*callback)(struct tasklet_struct *t);
	};
	unsigned long data;
};

#define TASKLET_STATE_SCHED 1ul
#define TASKLET_STATE_RUN 2ul
#define DECLARE_TASKLET(name, fn) struct tasklet_struct name = { .callback = (fn), .use_callback = true }
#define DECLARE_TASKLET_OLD(name, fn) struct tasklet_struct name = { .func = (fn) }
#define from_tasklet(var, t, field) container_of(t, __typeof__(*(var)), field)

P2PSIM_EXPORT void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *t));
P2PSIM_EXPORT void tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long data), unsigned long data);
P2PSIM_EXPORT void tasklet_schedule(struct tasklet_struct *t);
#define tasklet_hi_schedule(t) tasklet_schedule(t)
/* Nests.  tasklet_disable() waits until it does not run. */
P2PSIM_EXPORT void tasklet_disable_nosync(struct tasklet_struct *t);
P2PSIM_EXPORT void tasklet_disable(struct tasklet_struct *t);
P2PSIM_EXPORT void tasklet_enable(struct tasklet_struct *t);
/* Waits until it is neither scheduled nor running.  Context: may sleep; from a handler CONTRACT; of itself DEADLOCK. */
P2PSIM_EXPORT void tasklet_kill(struct tasklet_struct *t);
#define tasklet_schedule(t) (P2PSIM_HERE(), tasklet_schedule(t))
#define tasklet_kill(t) (P2PSIM_HERE(), tasklet_kill(t))
#define tasklet_disable(t) (P2PSIM_HERE(), tasklet_disable(t))

/* ---- Declared: which CPU answers is not modelled; linking says what is missing ---- */

struct cpumask;
struct irq_affinity_notify {
	unsigned int irq;
	struct kref kref;
	void (*notify)(struct irq_affinity_notify *notify, const struct cpumask *mask);
	void (*release)(struct kref *ref);
};

int irq_set_affinity_notifier(unsigned int irq, struct irq_affinity_notify *notify);
int irq_set_affinity_hint(unsigned int irq, const struct cpumask *mask);

#endif
