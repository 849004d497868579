/* SPDX-License-Identifier: MIT */
/* A driver's test program: two scenarios explored, one of them wrong.  tests/explore/adaptor.c looks at what it prints. */
#include <p2psim/cmocka.h>

#include <p2psim/linux/mutex.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

struct counter {
	struct mutex lock;
	int value;
};

static int init(void *state)
{
	mutex_init(&((struct counter *)state)->lock);
	return 0;
}

static void adds(struct counter *c)
{
	int old = READ_ONCE(c->value);

	p2psim_note("it was %d", old);
	WRITE_ONCE(c->value, old + 1);
}

static void adds_locked(void *state)
{
	struct counter *c = state;

	mutex_lock(&c->lock);
	adds(c);
	mutex_unlock(&c->lock);
}

static void adds_unlocked(void *state)
{
	adds(state);
}

static bool lost_one(void *state)
{
	return ((struct counter *)state)->value != 2;
}

static const struct p2psim_scenario right = {
	.name = "counter/right", .state_size = sizeof(struct counter), .setup = init, .exists = lost_one,
	.tasks = { { "first", adds_locked }, { "second", adds_locked } }, .expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario wrong = {
	.name = "counter/wrong", .state_size = sizeof(struct counter), .setup = init, .exists = lost_one,
	.tasks = { { "first", adds_unlocked }, { "second", adds_unlocked } }, .expect = P2PSIM_NEVER,
};

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2psim_explore_test(&right),
		p2psim_explore_test(&wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
