/* SPDX-License-Identifier: MIT */
/*
 * The seam between the scheduler and whoever decides: strategies (random, replay, directed, and all exploration).
 */
#ifndef P2PSIM_CORE_STRATEGY_H
#define P2PSIM_CORE_STRATEGY_H

#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/world.h>

/* A moment at which somebody has to go next.  Masks are of task indexes. */
struct p2psim_choice {
	struct p2psim_world *world;
	uint64_t enabled;		/* never 0 */
	unsigned int last;		/* who ran last */
	unsigned int fallback;		/* whom the default policy takes: last if enabled, else the lowest */
	/*
	 * 0: a step.  Else the task `last` goes on in any case, and what is decided is whether something goes wrong for it:
	 * `enabled` has the bit of `last` (all is well) and, while something still may, this one: P2PSIM_ADVERSE_BIT + last.
	 */
	unsigned int adverse;
};

#define P2PSIM_ADVERSE_BIT 32	/* task n's other outcome; tasks from 32 on have none */

struct p2psim_strategy {
	/* Returns an enabled index.  Called also when only one is enabled. */
	unsigned int (*pick)(struct p2psim_strategy *strategy, const struct p2psim_choice *choice);
};

/* One departure from the default policy: after `skip` further choice points, the `rank`-th of the enabled ones. */
struct p2psim_deviation {
	uint32_t skip;
	uint32_t rank;
};

struct p2psim_schedule {
	struct p2psim_deviation *deviations;
	size_t count, space;
	bool truncated;			/* the OS had no memory: the record is useless */
};

/* NULL: the default policy, unrecorded. */
void p2psim_world_set_strategy(struct p2psim_world *world, struct p2psim_strategy *strategy);
const struct p2psim_schedule *p2psim_world_schedule(const struct p2psim_world *world);
/* The pending step of a live task, for strategies that look. */
const struct p2psim_op *p2psim_task_pending(const struct p2psim_world *world, unsigned int index);
bool p2psim_task_is_live(const struct p2psim_world *world, unsigned int index);
/* A task has stopped at a pure retry (config.pure_retry): another execution shows what this one would. */
bool p2psim_world_collapsed(const struct p2psim_world *world);
/* How a violation and a result get their replay string. */
void p2psim_world_set_schedule_text(struct p2psim_world *world,
				    int (*text)(struct p2psim_world *world, char *buf, size_t size), const void *scenario);
const void *p2psim_world_scenario(const struct p2psim_world *world);
uint64_t p2psim_world_end_hash(const struct p2psim_world *world);
/* Ends the execution where it stands, from inside a strategy or a task; does not return in a task. */
void p2psim_world_end(struct p2psim_world *world);
/*
 * After an execution that was ended before the step of a task took effect: that step is taken, and is where the program
 * died.  Task 0: it died before the first step.
 */
void p2psim_world_died(struct p2psim_world *world, unsigned int task, enum p2psim_oracle oracle, const char *fmt, ...)
	P2PSIM_PRINTF(4, 5);
/* Another configuration for the executions to come (ring size included). 0 or -ENOMEM. */
int p2psim_world_reconfigure(struct p2psim_world *world, const struct p2psim_config *config);

#endif
