/* SPDX-License-Identifier: MIT */
/*
 * A driver's small device.  edges.c and shapes.c are compiled with -fsanitize=thread, as a driver's files are, and tell
 * stories of two tasks; unmarked.c, which is not, explores them.
 */
#ifndef GADGET_H
#define GADGET_H

#include <p2psim/check.h>
#include <p2psim/linux/bitops.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/llist.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>

struct packet {
	int words[20];
};

struct gadget {
	struct mutex mutex;
	spinlock_t spin;
	struct rw_semaphore sem;
	struct completion done;
	wait_queue_head_t wq;
	struct srcu_struct srcu;
	struct work_struct work;
	struct list_head queue, entry;
	refcount_t refs;
	atomic_t turns;
	int ready, native, count, other;
	int *published;
	volatile int raw;
	unsigned int low : 3, high : 5;
	char bytes[8];
	unsigned long bits;
	atomic64_t big;
	struct llist_head stack;
	struct llist_node pushed;
	struct packet in, out;
};

struct story {
	const char *name;
	void (*a)(void *state), (*b)(void *state);
	enum p2psim_oracle caught;	/* P2PSIM_NO_ORACLE: nothing is wrong with it */
};

/* Each ended by one without name. */
extern const struct story edges[];	/* with a primitive, and without it */
extern const struct story shapes[];	/* kinds of accesses and of memory */

int gadget_setup(void *state);

/* Two tasks that add to the gadget's count, marked with READ_ONCE() and WRITE_ONCE(), and under its mutex. */
void gadget_adds_marked(void *state);
void gadget_adds_locked(void *state);

#endif
