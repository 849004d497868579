/* SPDX-License-Identifier: MIT */
/*
 * A story told again and again in a world of its own, each time with the next of its allocations failing.
 */
#ifndef P2PSIM_TESTS_FAIL_EACH_H
#define P2PSIM_TESTS_FAIL_EACH_H

#include "core_world.h"

#include <p2psim/inject.h>

struct failing_story {
	const struct p2psim_config *config;	/* of the world; NULL: all defaults */
	void (*tell)(void *state);		/* checks that each answer is a success or -ENOMEM */
	void (*end)(void *state);		/* gives back whatever was got so far; nothing fails any more */
	size_t state_size;			/* bytes, zeroed before each telling */
};

/* One telling.  False: it has not so many allocations. */
static inline bool fail_nth(const struct failing_story *story, void *state, uint64_t n)
{
	struct p2psim_world *world = p2psim_world_create(story->config);
	bool fired;

	assert_non_null(world);
	memset(state, 0, story->state_size);
	p2psim_world_on_violation(world, core_quiet, NULL);
	p2psim_inject_fail_nth(world, n);
	story->tell(state);
	fired = p2psim_inject_fired(world, NULL);
	p2psim_inject_fail_nth(world, 0);
	story->end(state);
	if (p2psim_world_check_quiescent(world) || p2psim_world_violation(world))
		fail_msg("allocation %d fails: %s", (int)n, p2psim_world_violation(world)->sentence);
	p2psim_world_destroy(world);
	return fired;
}

/* How many allocations the story has. */
static inline unsigned int fail_each(const struct failing_story *story)
{
	void *state = test_malloc(story->state_size);
	unsigned int n = 1;

	while (fail_nth(story, state, n))
		n++;
	test_free(state);
	print_message("# %u allocations\n", n - 1);
	return n - 1;
}

#endif
