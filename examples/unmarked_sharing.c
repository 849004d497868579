/* SPDX-License-Identifier: MIT */
/*
 * A flag that was never marked: two files of a driver agree that "posted" means "the request is there".
 *
 *	post                                 poll
 *	request = 42
 *	posted = true
 *	                                     posted = true, so
 *	                                     handled = request
 *
 * It works in every interleaving of these lines, so no test fails; but nothing keeps a compiler or a CPU to them.
 * This file is compiled as a driver's files are (p2psim-tsan): every plain access is checked, nobody had to mark one.
 */
#include <stdio.h>

#include <p2psim/explore.h>
#include <p2psim/linux/kernel.h>

struct nic {
	int request, handled;
	bool posted;
};

static void post(void *state)
{
	struct nic *nic = state;

	nic->request = 42;
	nic->posted = true;
}

static void poll(void *state)
{
	struct nic *nic = state;

	if (nic->posted)
		nic->handled = nic->request;
}

static void post_released(void *state)
{
	struct nic *nic = state;

	nic->request = 42;
	smp_store_release(&nic->posted, true);
}

static void poll_acquired(void *state)
{
	struct nic *nic = state;

	if (smp_load_acquire(&nic->posted))
		nic->handled = nic->request;
}

/* The question that a test would ask: it is not the one that finds the bug. */
static bool handled_something_else(void *state)
{
	struct nic *nic = state;

	return nic->handled && nic->handled != nic->request;
}

static const struct p2psim_scenario scenarios[] = {
	{ .name = "nic/post+poll",
	  .question = "Is a request handled that was not posted?",
	  .state_size = sizeof(struct nic),
	  .tasks = { { "post", post_released }, { "poll", poll_acquired } },
	  .exists = handled_something_else,
	  .expect = P2PSIM_NEVER,
	  .config = { .races = true } },
	{ .name = "nic/post+poll!plain-flag",
	  .question = "Is a request handled that was not posted?",
	  .state_size = sizeof(struct nic),
	  .tasks = { { "post", post }, { "poll", poll } },
	  .exists = handled_something_else,
	  .expect = P2PSIM_VIOLATION,
	  .oracle = P2PSIM_RACE,
	  .config = { .races = true } },
};

int main(void)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;
	int status = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (p2psim_explore(&scenarios[i], &options, &result))
			return 3;
		printf("%s: %s, %s; executions: %llu\n", scenarios[i].name, p2psim_verdict_name(result.verdict),
		       result.complete ? "complete" : "stopped at the first", (unsigned long long)result.executions);
		if (result.verdict == P2PSIM_VIOLATION)
			printf("  %s: %s\n  replay: %s\n", p2psim_oracle_name(result.violation.oracle),
			       result.violation.sentence, result.schedule);
		status |= !result.as_expected;
	}
	return status;
}
