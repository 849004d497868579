/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/sched.h, sched/signal.h, jiffies.h, delay.h, 6.1 (reduced: what a coroutine has). */
#ifndef P2PSIM_LINUX_SCHED_H
#define P2PSIM_LINUX_SCHED_H

#include <p2psim/linux/kernel.h>
#include <p2psim/step.h>

struct mm_struct;
struct pid;

#define TASK_COMM_LEN 16
#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_WAKEKILL 0x100
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)

struct task_struct {
	int pid;			/* index of the task; 0 is whoever entered the world */
	unsigned int __state;
	char comm[32];			/* longer than TASK_COMM_LEN: names of columns */
	struct mm_struct *mm;		/* NULL for a kernel thread that uses none */
	struct task_struct *group_leader; /* of the process whose system call this is; a kernel thread: itself */
	void *private_data;		/* the upper layers' */

	/* p2psim's own */
	int usage;			/* references of get_task_struct() */
	struct pid *thread_pid;		/* NULL: nobody has one (<p2psim/linux/pid.h>) */
	void (*free)(struct task_struct *task); /* stands for a process and never runs: called when it can go; else NULL */
	bool exited;			/* get_pid_task() says NULL */
};

#define current (p2psim_hot->task)

P2PSIM_EXPORT void schedule(void);
/* Returns the ticks that were left. */
P2PSIM_EXPORT long schedule_timeout(long ticks);
/* One step: who wakes the task may come before it or after it, and only one of these helps. */
P2PSIM_EXPORT void set_current_state(unsigned int state);
/* 1: it slept, or was about to. */
P2PSIM_EXPORT int wake_up_process(struct task_struct *task);
#define schedule() (P2PSIM_HERE(), schedule())
#define schedule_timeout(t) (P2PSIM_HERE(), schedule_timeout(t))
P2PSIM_EXPORT bool fatal_signal_pending(struct task_struct *task);
#define signal_pending(t) fatal_signal_pending(t)
#define cond_resched() (P2PSIM_HERE(), p2psim_yield())

/* One tick is a millisecond of logical time. */
#undef HZ /* of <sys/param.h> */
#define HZ 1000
#define MAX_SCHEDULE_TIMEOUT LONG_MAX
#define jiffies ((unsigned long)p2psim_jiffies())
P2PSIM_EXPORT uint64_t p2psim_jiffies(void);
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
#define usecs_to_jiffies(us) (((unsigned long)(us) + 999) / 1000)
#define jiffies_to_msecs(j) ((unsigned int)(j))
#define jiffies_to_usecs(j) ((unsigned int)(j) * 1000)
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
P2PSIM_EXPORT void msleep(unsigned int ms);
#define msleep(ms) (P2PSIM_HERE(), msleep(ms))

#endif
