/* SPDX-License-Identifier: MIT */
/*
 * Another process that runs a driver under test: where it is, whether it still gets anywhere, and how it died.
 */
#ifndef P2PSIM_EXPLORE_CHILD_H
#define P2PSIM_EXPLORE_CHILD_H

#include <sys/types.h>

#include "core/strategy.h"

/* In memory that it shares with its parent. */
struct p2psim_child_place {
	volatile uint64_t beats;	/* executions that it has begun */
	volatile uint64_t decisions;	/* of the execution at hand, so far */
	volatile bool lived;		/* it came to its end */
};

/* NULL: no memory.  Both are undone by p2psim_child_unshare(). */
void *p2psim_child_share(size_t size);
void p2psim_child_unshare(void *memory, size_t size);

/* fork() of a child that is killed when its parent goes, however that goes: nobody is left to look at what it finds. */
pid_t p2psim_child_fork(void);

struct p2psim_death {
	char how[64];			/* "signal 11 (Segmentation fault)" */
	uint64_t hung_ms;		/* it was killed after it had got nowhere for so long; 0 = it died by itself */
};
/* From what waitpid() says. */
void p2psim_death_describe(struct p2psim_death *death, int status);

/*
 * The site that another process of this program has told of; NULL when it lies in a driver that only that process has
 * loaded (<p2psim/module.h>).
 */
const struct p2psim_site *p2psim_child_site(const struct p2psim_site *site);

/*
 * Does it hang?  To be asked again and again: a parent that was stopped itself (Ctrl-Z, a debugger) has not waited, so no
 * more than WATCH_MS counts for each question.
 */
#define P2PSIM_WATCH_MS 50
struct p2psim_watch {
	uint64_t beats, decisions, idle_ms;
};
bool p2psim_watch_hangs(struct p2psim_watch *watch, const struct p2psim_child_place *place, uint64_t waited_ms,
			uint64_t hang_ms);

/* Counts decisions for the parent; ends the execution at one of them, before its step takes effect. */
struct p2psim_counting_strategy {
	struct p2psim_strategy base, *inner;
	volatile uint64_t *decisions;
	uint64_t stop_at;		/* 0 = never */
	unsigned int stopped_task;
};
void p2psim_counting_init(struct p2psim_counting_strategy *counting, struct p2psim_strategy *inner,
			  volatile uint64_t *decisions, uint64_t stop_at);

/*
 * Calls fn(arg) in a child, whose output is thrown away; what it says on stderr is passed on if it dies.
 * 0: it lived; 1: it died, *death says how; -EAGAIN: there is no process, or no file, to be had.
 */
int p2psim_child_try(void (*fn)(void *arg), void *arg, struct p2psim_child_place *place, uint64_t hang_ms,
		     struct p2psim_death *death);

#endif
