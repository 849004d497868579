/* SPDX-License-Identifier: MIT */
/*
 * A world for each test, and violations that the test expects.
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/check.h>
#include <p2psim/world.h>

static inline void core_quiet(const struct p2psim_violation *violation, void *arg)
{
	(void)violation;
	(void)arg;
}

static inline int core_setup(void **state)
{
	static const struct p2psim_config config = { .trace_events = 512 };
	struct p2psim_world *world = p2psim_world_create(&config);

	if (world)
		p2psim_world_on_violation(world, core_quiet, NULL);
	*state = world;
	return world ? 0 : -1;
}

/* A test that provoked violations forgives them; what is left must be clean. */
static inline int core_teardown(void **state)
{
	struct p2psim_world *world = *state;
	int dirty = p2psim_world_violation(world) || p2psim_world_check_quiescent(world);

	if (dirty)
		print_error("left over: %s: %s\n", p2psim_oracle_name(p2psim_world_violation(world)->oracle),
			    p2psim_world_violation(world)->sentence);
	p2psim_world_destroy(world);
	return dirty ? -1 : 0;
}

/* The test has provoked something on purpose and leaves rubble: only destroy. */
static inline int core_teardown_rubble(void **state)
{
	p2psim_world_destroy(*state);
	return 0;
}

/* Exactly this oracle fired, and its sentence says so; forgiven afterwards. */
#define assert_violation(world, which, words)                                                                          \
	do {                                                                                                           \
		const struct p2psim_violation *violation_ = p2psim_world_violation(world);                             \
		assert_non_null(violation_);                                                                           \
		assert_string_equal(p2psim_oracle_name(violation_->oracle), p2psim_oracle_name(which));                \
		if (!strstr(violation_->sentence, (words)))                                                            \
			fail_msg("\"%s\" does not say \"%s\"", violation_->sentence, (words));                         \
		p2psim_world_forgive(world);                                                                           \
	} while (0)

#define core_test(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)
#define core_test_rubble(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown_rubble)

#endif
