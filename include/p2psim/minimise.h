/* SPDX-License-Identifier: MIT */
/*
 * From a failing schedule to the simplest one, and to the reason.
 *
 * 1. Fewest preemptions.  Every execution with 0, 1, 2.. preemptions is run until one fails in the same way; so those with
 *    fewer are known to pass: a certificate.  Where the budget ends first, the failing schedule at hand is shortened, and
 *    the certificate says how far it reaches.
 * 2. Among those, the fewest things that go wrong by themselves, the fewest context switches, then the fewest steps, then
 *    the shortest string.
 * 3. Tasks: without which of them does it still fail?
 * 4. The critical order: which two steps must come in this order for it to fail, and is that enough?  Every trace is
 *    looked at (or, where they are too many, every execution within the preemptions), failing and passing ones.
 */
#ifndef P2PSIM_MINIMISE_H
#define P2PSIM_MINIMISE_H

#include <p2psim/scenario.h>

P2PSIM_BEGIN_DECLS

#define P2PSIM_ORDERS_MAX 3

/* A step of the minimal execution. */
struct p2psim_named_step {
	uint64_t step;			/* its number; 0: never taken, the task waits before it */
	char task[32];
	char what[80];			/* as the trace says it: "lock c->lock" */
	const struct p2psim_site *site;	/* the line of the driver; may be NULL */
};

struct p2psim_order {
	struct p2psim_named_step first, second;
};

enum p2psim_order_claim {
	P2PSIM_ORDER_UNKNOWN,		/* no order of two steps is in all failing executions */
	P2PSIM_ORDER_NECESSARY,		/* it fails only if the orders hold; they may hold and it passes */
	P2PSIM_ORDER_EXACT,		/* it fails if and only if the orders hold */
	P2PSIM_ORDER_ANY,		/* it fails in every order */
};

struct p2psim_minimise_options {
	const char *schedule;		/* the failing one, a replay string; NULL: the first that is found */
	unsigned int preemptions;	/* without a schedule: look among those with at most so many */
	uint64_t budget;		/* executions; 0 = 20,000 */
	/* In another process: -ECANCELED when it dies, or takes no step for hang_ms (0: it may). */
	bool isolate;
	uint64_t hang_ms;
};

struct p2psim_minimal {
	char schedule[128];		/* the replay string */
	enum p2psim_verdict verdict;	/* P2PSIM_VIOLATION; P2PSIM_ALWAYS: the question's answer is yes */
	struct p2psim_violation violation;
	unsigned int preemptions;
	unsigned int adversities;	/* things that went wrong by themselves: <p2psim/adversary.h> */
	unsigned int switches;		/* from one task to another, free ones too */
	uint64_t steps;
	bool certified;			/* none with fewer preemptions fails in this way: all were run */
	unsigned int exhausted;		/* all executions with fewer than so many preemptions were run, none fails */
	uint64_t exhausted_executions;	/* how many those are */
	uint32_t needless;		/* mask of scenario->tasks: it fails without them, too */
	enum p2psim_order_claim claim;
	bool over_traces;		/* the claim is about all traces; else about .. */
	uint64_t looked_at;		/* .. so many executions: all with at most `preemptions` */
	unsigned int order_count;
	struct p2psim_order orders[P2PSIM_ORDERS_MAX];	/* all of them have to hold */
	uint64_t executions;		/* that all this took */
	char error[256];
};

/*
 * 0; -ENOENT when nothing fails within the budget; -EINVAL with minimal->error: the schedule is unusable or does not
 * fail, the scenario does not repeat itself, its setup fails; -ENOMEM.
 */
P2PSIM_EXPORT int p2psim_minimise(const struct p2psim_scenario *scenario, const struct p2psim_minimise_options *options,
				  struct p2psim_minimal *minimal);

P2PSIM_END_DECLS

#endif
