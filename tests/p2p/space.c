/* SPDX-License-Identifier: MIT */
/* The span allocator behind bus addresses and BAR windows, against a naive model: one byte a unit. */
#include "core_world.h"

#include "p2p/space.h"

#define UNITS 48u
#define SPANS 12u

struct model {
	unsigned char taken[UNITS];	/* 0, or 1 + index of the span */
	struct p2psim_span span[SPANS];
	bool live[SPANS];
};

static unsigned int random_below(uint64_t *seed, unsigned int n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((*seed >> 33) % n);
}

/* The lowest multiple of `align` in front of `size` free units, or -1. */
static int model_place(const struct model *model, unsigned int size, unsigned int align, unsigned int except)
{
	unsigned int at, i;

	for (at = 0; at + size <= UNITS; at += align) {
		for (i = at; i < at + size; i++)
			if (model->taken[i] && model->taken[i] != except)
				break;
		if (i == at + size)
			return (int)at;
	}
	return -1;
}

static void model_set(struct model *model, const struct p2psim_span *span, unsigned char value)
{
	uint64_t i;

	for (i = span->start; i < span->end; i++)
		model->taken[i] = value;
}

static void expect_same(const struct model *model, const struct p2psim_space *space)
{
	unsigned int i;

	assert_true(p2psim_space_is_valid(space));
	for (i = 0; i < UNITS; i++) {
		struct p2psim_span *span = p2psim_space_find(space, i);

		assert_int_equal(span ? span - model->span + 1 : 0, model->taken[i]);
	}
}

/* A2, first fit: what the model says, the allocator says. */
static void try_take(struct model *model, struct p2psim_space *space, unsigned int n, uint64_t *seed)
{
	unsigned int size = 1 + random_below(seed, 9), align = 1u << random_below(seed, 4);
	int expected = model_place(model, size, align, 0);
	u64 start;

	assert_int_equal(p2psim_space_place(space, size, align, NULL, &start), expected >= 0);
	if (expected < 0)
		return;
	assert_int_equal(start, expected);
	model->span[n].start = start;
	model->span[n].end = start + size;
	p2psim_space_take(space, &model->span[n]);
	model_set(model, &model->span[n], (unsigned char)(n + 1));
	model->live[n] = true;
}

static void give(struct model *model, struct p2psim_space *space, unsigned int n)
{
	p2psim_space_give(space, &model->span[n]);
	model_set(model, &model->span[n], 0);
	model->live[n] = false;
}

static void test_a_thousand_random_calls_agree_with_the_naive_model(void **state)
{
	struct p2psim_space space = { .start = 0, .end = UNITS };
	struct model model = { .live = { false } };
	uint64_t seed = 20190129;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		unsigned int n = random_below(&seed, SPANS);

		if (model.live[n])
			give(&model, &space, n);
		else
			try_take(&model, &space, n, &seed);
		expect_same(&model, &space);
	}
}

/*	unit	0123456789	`except` is looked through: a window may move over its own place.
 *		.aaaa.....
 */
static void test_a_span_may_be_placed_over_itself(void **state)
{
	struct p2psim_space space = { .start = 0, .end = 10 };
	struct p2psim_span a = { .start = 1, .end = 5 };
	u64 start;

	p2psim_space_take(&space, &a);
	assert_true(p2psim_space_place(&space, 4, 1, &a, &start));
	assert_int_equal(start, 0);
	assert_true(p2psim_space_is_free(&space, 0, 4, &a));
	assert_false(p2psim_space_is_free(&space, 0, 4, NULL));
	assert_false(p2psim_space_is_free(&space, 8, 11, NULL));
	assert_false(p2psim_space_place(&space, 6, 1, NULL, &start));
	assert_ptr_equal(p2psim_space_next(&space, 0), &a);
	assert_null(p2psim_space_next(&space, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_thousand_random_calls_agree_with_the_naive_model),
		core_test(test_a_span_may_be_placed_over_itself),
	};

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
