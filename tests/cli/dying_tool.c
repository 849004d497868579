/* SPDX-License-Identifier: MIT */
/* The command line over drivers that die or hang, and over one that nothing is wrong with. */
#include "dying.h"

#include <p2psim/main.h>

/* Dies in silence with the sanitizer too. */
const char *__asan_default_options(void) __attribute__((visibility("default")));

const char *__asan_default_options(void)
{
	return "handle_segv=0";
}

#define DYING(name_, victim, expect_, oracle_)                                                                         \
	{                                                                                                              \
		.name = (name_), .question = "Does it die?", .state_size = sizeof(struct dying), .setup = dying_setup, \
		.tasks = { { "writer", dying_write }, { "victim", victim } }, .expect = (expect_), .oracle = (oracle_) \
	}

static void by_abort(void *state)
{
	if (dying_sees_it(state))
		abort();
}

static void by_access(void *state)
{
	if (dying_sees_it(state))
		raise(SIGSEGV);
}

int main(int argc, char **argv)
{
	static const struct p2psim_scenario scenarios[] = {
		DYING("dies", by_abort, P2PSIM_VIOLATION, P2PSIM_CRASH),
		DYING("dies/access", by_access, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
		DYING("hangs", dying_never, P2PSIM_VIOLATION, P2PSIM_PROGRESS),
		DYING("lives", dying_write, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
		{},
	};

	return p2psim_main(argc, argv, scenarios);
}
