/* SPDX-License-Identifier: MIT */
/*
 * Oracles and violations.
 *
 * An operating error is returned as -errno; a programmer's error is a *violation*: an oracle fires, with a sentence.
 * Inside a run it ends the execution; outside one (a plain unit test) it is recorded, told to the handler, and the call
 * goes on, so that a test can look at it.  The library never calls exit() or abort().
 */
#ifndef P2PSIM_CHECK_H
#define P2PSIM_CHECK_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct p2psim_world;

enum p2psim_oracle {
	P2PSIM_NO_ORACLE,
	P2PSIM_STALE,		/* a device reaches memory through an entry whose invalidation has completed */
	P2PSIM_UAF,		/* a freed object is used */
	P2PSIM_DEADLOCK,	/* nobody can run and not all are done */
	P2PSIM_LOCKGRAPH,	/* a cycle of lock classes, or sleeping where one must not */
	P2PSIM_PROGRESS,	/* a retry loop that cannot end */
	P2PSIM_BALANCE,		/* start/end, map/unmap, pin/unpin, lock state on return */
	P2PSIM_CONTRACT,	/* a call in a forbidden state, or a broken promise of p2p_map() */
	P2PSIM_RANGE,		/* the range invalidated or unmapped is not the range mapped */
	P2PSIM_LEAK,		/* something lives at the end of its world */
	P2PSIM_DATA,		/* somebody reads bytes that it must not see */
	P2PSIM_CHECK_FAILED,	/* a P2PSIM_CHECK() of the scenario itself */
	P2PSIM_CRASH,		/* the driver under test died, in a worker process of an exploration */
	P2PSIM_RACE,		/* two plain accesses that nothing orders (config.races) */
	P2PSIM_ORACLE_NR
};

struct p2psim_violation {
	enum p2psim_oracle oracle;
	char sentence[512];
	char task[32];			/* who did it */
	uint64_t step;			/* at which step of the execution */
	uint64_t cause_step;		/* the step that made it wrong; 0 = not known */
	uint32_t object[2];		/* what it is about; 0 = none */
	const struct p2psim_site *site; /* the line of the driver; may be NULL */
	char schedule[128];		/* the replay string */
};

/* "STALE", "UAF", ...  Never NULL. */
P2PSIM_EXPORT const char *p2psim_oracle_name(enum p2psim_oracle oracle);
/* The oracle of that name in any case, or P2PSIM_NO_ORACLE. */
P2PSIM_EXPORT enum p2psim_oracle p2psim_oracle_by_name(const char *name);

/*
 * Reports a violation of the current world.  `cause_step` 0, `obj1`/`obj2` 0: unknown.  An oracle that the world's
 * configuration switched off is ignored.  Only the first violation of an execution is kept; the handler hears of all.
 * Context: any; does not return when it ends a run from inside a task.
 */
P2PSIM_EXPORT void p2psim_violate(enum p2psim_oracle oracle, uint64_t cause_step, uint32_t obj1, uint32_t obj2,
				  const char *fmt, ...) P2PSIM_PRINTF(5, 6);

/* True when the oracle is on in the current world: skip expensive bookkeeping otherwise. */
P2PSIM_EXPORT bool p2psim_oracle_on(enum p2psim_oracle oracle);

/* The first violation of the current execution, or NULL. */
P2PSIM_EXPORT const struct p2psim_violation *p2psim_world_violation(const struct p2psim_world *world);
/* Forgets it, so that a unit test can provoke several; the execution goes on. */
P2PSIM_EXPORT void p2psim_world_forgive(struct p2psim_world *world);

typedef void (*p2psim_violation_handler)(const struct p2psim_violation *violation, void *arg);
/* Called at each violation, on the stack of whoever made it.  NULL (default): told on stderr outside runs. */
P2PSIM_EXPORT void p2psim_world_on_violation(struct p2psim_world *world, p2psim_violation_handler handler, void *arg);

/* A scenario's own assertion: a failure is recorded and ends the execution. */
#define P2PSIM_CHECK(cond)                                                                                             \
	((cond) ? (void)0 : (P2PSIM_HERE(), p2psim_violate(P2PSIM_CHECK_FAILED, 0, 0, 0, "%s does not hold", #cond)))

/*
 * The end of an execution: runs the LEAK and BALANCE checks of every layer, then those of the core (live allocations
 * by site, held locks).  Returns how many violations it made.  p2psim_world_destroy() does not imply it.
 */
P2PSIM_EXPORT unsigned int p2psim_world_check_quiescent(struct p2psim_world *world);

P2PSIM_END_DECLS

#endif
