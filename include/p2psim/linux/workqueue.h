/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/workqueue.h, 6.1 (reduced: one worker a queue, so all queues are ordered; a worker is a daemon
 * task, its items run when the scheduler says so).
 */
#ifndef P2PSIM_LINUX_WORKQUEUE_H
#define P2PSIM_LINUX_WORKQUEUE_H

#include <p2psim/linux/list.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/timer.h>

struct workqueue_struct;
struct work_struct {
	struct p2psim_object obj;
	struct list_head entry;
	void (*func)(struct work_struct *work);
	struct workqueue_struct *queue;	/* on which it waits or runs; NULL = idle */
	unsigned int pending;
	u64 number;			/* of the items of its queue */
};

typedef void (*work_func_t)(struct work_struct *work);

P2PSIM_EXPORT void p2psim_work_init(struct work_struct *work, work_func_t func, const char *name);
#define INIT_WORK(w, f) p2psim_work_init((w), (f), #w)

/* NULL when out of memory.  `name` is formatted.  flags and max_active are ignored. */
P2PSIM_EXPORT struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...)
	P2PSIM_PRINTF(1, 4);
#define alloc_ordered_workqueue(fmt, flags, ...) alloc_workqueue(fmt, flags, 1, ##__VA_ARGS__)
P2PSIM_EXPORT void destroy_workqueue(struct workqueue_struct *wq);
/* false when it was queued already. */
P2PSIM_EXPORT bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
P2PSIM_EXPORT bool schedule_work(struct work_struct *work);
/*
 * Waits for the item; false when it was idle.  From inside the item itself: DEADLOCK.  The end of an item is no step: exploration
 * by traces does not try both answers for one that is just about to end.
 */
P2PSIM_EXPORT bool flush_work(struct work_struct *work);
P2PSIM_EXPORT bool cancel_work_sync(struct work_struct *work);
P2PSIM_EXPORT void flush_workqueue(struct workqueue_struct *wq);
#define queue_work(q, w) (P2PSIM_HERE(), queue_work(q, w))
#define schedule_work(w) (P2PSIM_HERE(), schedule_work(w))
#define flush_work(w) (P2PSIM_HERE(), flush_work(w))
#define cancel_work_sync(w) (P2PSIM_HERE(), cancel_work_sync(w))
#define flush_workqueue(q) (P2PSIM_HERE(), flush_workqueue(q))
/* Workers have CPUs of their own. */
#define queue_work_on(cpu, q, w) ((void)(cpu), queue_work((q), (w)))
#define schedule_work_on(cpu, w) ((void)(cpu), schedule_work(w))
#define WORK_CPU_UNBOUND 64
#define WQ_UNBOUND 2
#define WQ_FREEZABLE 4
#define WQ_MEM_RECLAIM 8
#define WQ_HIGHPRI 16
#define WQ_SYSFS 64
#define create_workqueue(name) alloc_workqueue("%s", WQ_MEM_RECLAIM, 1, (name))
#define create_singlethread_workqueue(name) alloc_workqueue("%s", WQ_MEM_RECLAIM, 1, (name))
P2PSIM_EXPORT struct workqueue_struct *p2psim_system_wq(void);
#define system_wq p2psim_system_wq()
#define system_long_wq p2psim_system_wq()
#define system_unbound_wq p2psim_system_wq()
#define DECLARE_WORK(name, fn) struct work_struct name = { .obj = { .name = #name }, .func = (fn) }
#define work_pending(w) p2psim_work_pending(w)

P2PSIM_EXPORT bool p2psim_work_pending(struct work_struct *work);

/* Work that a timer queues. */
struct delayed_work {
	struct work_struct work;
	struct timer_list timer;
	struct workqueue_struct *wq;
};

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

P2PSIM_EXPORT void p2psim_delayed_work_init(struct delayed_work *dwork, work_func_t func, const char *name);
#define INIT_DELAYED_WORK(w, f) p2psim_delayed_work_init((w), (f), #w)
/* After `delay` ticks, 0: at once.  False when it waited already (mod_: the new delay counts, true). */
P2PSIM_EXPORT bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay);
P2PSIM_EXPORT bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay);
/* Whether it waited.  Without _sync its function may be under way still. */
P2PSIM_EXPORT bool cancel_delayed_work(struct delayed_work *dwork);
P2PSIM_EXPORT bool cancel_delayed_work_sync(struct delayed_work *dwork);
/* Now, and waits for it. */
P2PSIM_EXPORT bool flush_delayed_work(struct delayed_work *dwork);
P2PSIM_EXPORT bool cancel_work(struct work_struct *work);
#define queue_delayed_work(q, w, d) (P2PSIM_HERE(), queue_delayed_work((q), (w), (d)))
#define mod_delayed_work(q, w, d) (P2PSIM_HERE(), mod_delayed_work((q), (w), (d)))
#define schedule_delayed_work(w, d) queue_delayed_work(system_wq, (w), (d))
#define cancel_delayed_work(w) (P2PSIM_HERE(), cancel_delayed_work(w))
#define cancel_delayed_work_sync(w) (P2PSIM_HERE(), cancel_delayed_work_sync(w))
#define flush_delayed_work(w) (P2PSIM_HERE(), flush_delayed_work(w))

#endif
