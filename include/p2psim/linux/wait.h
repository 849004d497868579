/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/wait.h, 6.1 (reduced: no poll keys, no wake functions of one's own).
 *
 * A wait is the honest three steps, so that a lost wake-up can happen to who writes them in the wrong order:
 *
 *	prepare_to_wait()	the task is on the queue and its state says "sleeping"
 *	the condition is read
 *	schedule()		sleeps unless a wake-up has set the state back
 */
#ifndef P2PSIM_LINUX_WAIT_H
#define P2PSIM_LINUX_WAIT_H

#include <p2psim/linux/list.h>
#include <p2psim/linux/sched.h>

typedef struct wait_queue_head {
	struct p2psim_object obj;
	struct list_head head;
} wait_queue_head_t;

typedef struct wait_queue_entry {
	struct task_struct *task;
	struct list_head entry;
	unsigned int flags;		/* WQ_FLAG_EXCLUSIVE */
} wait_queue_entry_t;

#define WQ_FLAG_EXCLUSIVE 0x01

#define DEFINE_WAIT(w) struct wait_queue_entry w = { .entry = LIST_HEAD_INIT((w).entry) }

P2PSIM_EXPORT void __init_waitqueue_head(wait_queue_head_t *wq, const char *name);
#define init_waitqueue_head(wq) __init_waitqueue_head((wq), #wq)

P2PSIM_EXPORT void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state);
/* The same, behind all others: wake_up() ends with the first such waiter. */
P2PSIM_EXPORT void prepare_to_wait_exclusive(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state);
P2PSIM_EXPORT void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *wait);
/* Wakes all (wake_up(): but one only of those that wait exclusively): their state becomes TASK_RUNNING.  One step. */
P2PSIM_EXPORT void wake_up_all(wait_queue_head_t *wq);
P2PSIM_EXPORT void wake_up(wait_queue_head_t *wq);
#define wake_up_all(wq) (P2PSIM_HERE(), wake_up_all(wq))
#define wake_up(wq) (P2PSIM_HERE(), wake_up(wq))
#define wake_up_interruptible(wq) wake_up(wq)
#define wake_up_interruptible_all(wq) wake_up_all(wq)
/*
 * Is somebody on the queue?  A step that writes, since who finds the condition true leaves without one.  Exploration by
 * traces does not try both answers for a waiter whose condition has steps of its own and is true: nobody waits then.
 */
P2PSIM_EXPORT bool waitqueue_active(wait_queue_head_t *wq);
/* The step of reading the condition. */
P2PSIM_EXPORT void p2psim_wait_check(wait_queue_head_t *wq);

#define ___wait_event(wq, cond, state, ret0, sleep)                                                                    \
	__extension__({                                                                                                \
		long wait_ret_ = (ret0);                                                                               \
		DEFINE_WAIT(wait_entry_);                                                                              \
		might_sleep();                                                                                         \
		for (;;) {                                                                                             \
			prepare_to_wait(&(wq), &wait_entry_, (state));                                                 \
			p2psim_wait_check(&(wq));                                                                      \
			if (cond)                                                                                      \
				break;                                                                                 \
			if (p2psim_wait_interrupted(state)) {                                                          \
				wait_ret_ = -ERESTARTSYS;                                                              \
				break;                                                                                 \
			}                                                                                              \
			sleep;                                                                                         \
		}                                                                                                      \
		finish_wait(&(wq), &wait_entry_);                                                                      \
		wait_ret_;                                                                                             \
	})
/* True when the task was killed and `state` lets that end a sleep, or when the execution has ended. */
P2PSIM_EXPORT bool p2psim_wait_interrupted(int state);

#define wait_event(wq, cond) ((void)___wait_event(wq, cond, TASK_UNINTERRUPTIBLE, 0, schedule()))
/* 0, or -ERESTARTSYS when killed. */
#define wait_event_killable(wq, cond) ((int)___wait_event(wq, cond, TASK_KILLABLE, 0, schedule()))
#define wait_event_interruptible(wq, cond) ((int)___wait_event(wq, cond, TASK_INTERRUPTIBLE, 0, schedule()))
/* Ticks left (at least 1) when the condition came true, 0 when the time ran out first. */
#define wait_event_timeout(wq, cond, ticks)                                                                            \
	__extension__({                                                                                                \
		long wait_left_ = (ticks);                                                                             \
		(void)___wait_event(wq, (cond) ? (wait_left_ = wait_left_ ? wait_left_ : 1, true) : !wait_left_,       \
				    TASK_UNINTERRUPTIBLE, 0, wait_left_ = schedule_timeout(wait_left_));               \
		wait_left_;                                                                                            \
	})
#define ERESTARTSYS 512

#endif
