/* SPDX-License-Identifier: MIT */
/*
 * 21: tasks that undo what each other does.
 */
#include "patterns.h"

#include <p2psim/linux/compiler.h>
#include <p2psim/linux/sched.h>
#include <p2psim/retry.h>

struct sharing {
	int page;
};

static bool wrong(void)
{
	return p2psim_scenario_data();
}

#define TRIES 2

/*
 * Takes the page, copies it, which takes its time, and has to begin again if the page has gone.  To give up at some time is
 * an answer: -EBUSY.
 */
static void migrate_to(struct sharing *s, int me)
{
	struct p2psim_retry again;
	int tries = 0, owner;

	p2psim_retry_begin(&again);
	for (;;) {
		WRITE_ONCE(s->page, me);
		cond_resched();
		owner = READ_ONCE(s->page);
		if (owner == me || (!wrong() && ++tries == TRIES))
			return;
		p2psim_retry(&again, (uint64_t)tries << 8 | (uint64_t)owner);
	}
}

static void gpu0_migrates(void *state)
{
	migrate_to(state, 1);
}

static void gpu1_migrates(void *state)
{
	migrate_to(state, 2);
}

#define MIGRATE(title, ask, from, bug, verdict, which)                                                                 \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct sharing),            \
		      .tasks = { { "gpu0", gpu0_migrates }, { "gpu1", gpu1_migrates } }, .expect = verdict,            \
		      .oracle = which, .data = bug }

const struct pattern patterns_of_livelocks[] = {
	{ MIGRATE("21/migrate+migrate", "Do two gpus that take a page from each other end?", "Documentation/mm/hmm.rst",
		  NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE), .traces = 8 },
	{ MIGRATE("21/migrate+migrate!for-ever", "And if neither gives up?", "open-gpu-kernel-modules#1223", "wrong",
		  P2PSIM_VIOLATION, P2PSIM_PROGRESS), .preemptions = 0 },
	{},
};
