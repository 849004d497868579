/* SPDX-License-Identifier: MIT */
/* Conflict pairs and their orders, over whole explorations and samples; and what is told while one goes on. */
#include "core_world.h"
#include "cr.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <p2psim/coverage.h>
#include <p2psim/explore.h>
#include <p2psim/linux/completion.h>

/*
 *	writer			reader
 *	x = 1			looks at x
 *	complete		waits
 *				looks at y: never before the writer has written it
 */
struct handover {
	struct completion done;
	int x, y;
};

static int handover_setup(void *state)
{
	init_completion(&((struct handover *)state)->done);
	return 0;
}

static void writes(void *state)
{
	struct handover *h = state;

	WRITE_ONCE(h->x, 1);
	WRITE_ONCE(h->y, 1);
	complete(&h->done);
}

static void reads(void *state)
{
	struct handover *h = state;

	READ_ONCE(h->x);
	wait_for_completion(&h->done);
	READ_ONCE(h->y);
}

static const struct p2psim_scenario handover = {
	.name = "handover", .question = "?", .state_size = sizeof(struct handover), .setup = handover_setup,
	.tasks = { { "writer", writes }, { "reader", reads } }, .expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario faulters = {
	.name = "CR", .question = "Does a stale entry stay?", .state_size = sizeof(struct cr), .setup = cr_setup,
	.exists = cr_stale, .expect = P2PSIM_NEVER,
	.tasks = { { "inval", cr_inval }, { "fault", cr_fault }, { "fault", cr_fault } },
};

/* A line a pair, "write x > read x: forward, backward" by function; to be freed. */
static char *told(const struct p2psim_coverage *coverage)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	for (i = 0; i < p2psim_coverage_pairs(coverage); i++) {
		struct p2psim_covered_pair pair = p2psim_coverage_pair(coverage, i);

		fprintf(out, "%s %s, %s %s:%s%s\n", pair.first.site->func, pair.first.what, pair.second.site->func,
			pair.second.what, pair.forward ? " >" : "", pair.backward ? " <" : "");
	}
	fclose(out);
	return text;
}

static char *explored(const struct p2psim_scenario *scenario, struct p2psim_explore_options options)
{
	struct p2psim_explore_result result;
	char *text;

	options.coverage = p2psim_coverage_create();
	assert_int_equal(p2psim_explore(scenario, &options, &result), 0);
	text = told(options.coverage);
	p2psim_coverage_destroy(options.coverage);
	return text;
}

static bool says(const char *text, const char *words)
{
	return strstr(text, words) != NULL;
}

static void test_an_order_that_cannot_be_is_never_seen(void **state)
{
	char *text = explored(&handover, (struct p2psim_explore_options){ .strategy = P2PSIM_EXPLORE_DPOR });

	(void)state;
	assert_string_equal(text, "writes write state, reads read state: > <\n"	/* x */
				  "writes write state, reads read state: >\n"	/* y */
				  "writes write &((struct handover *)state)->done (complete), "
				  "reads await &((struct handover *)state)->done (wait_for_completion): >\n");
	free(text);
}

static void test_one_execution_has_one_order(void **state)
{
	struct p2psim_coverage *coverage = p2psim_coverage_create();
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .budget = 1, .coverage = coverage };
	struct p2psim_explore_result result;
	size_t possible, i;

	(void)state;
	assert_int_equal(p2psim_explore(&handover, &options, &result), 0);
	for (i = 0; i < p2psim_coverage_pairs(coverage); i++) {
		struct p2psim_covered_pair pair = p2psim_coverage_pair(coverage, i);

		assert_true(pair.forward != pair.backward);
	}
	assert_int_equal(p2psim_coverage_orders(coverage, &possible), i);
	assert_int_equal(possible, 2 * i);
	options.budget = 0; /* the rest is added */
	assert_int_equal(p2psim_explore(&handover, &options, &result), 0);
	assert_true(p2psim_coverage_orders(coverage, NULL) > i);
	p2psim_coverage_destroy(coverage);
}

static void assert_covers_like_dpor(const struct p2psim_scenario *scenario, enum p2psim_strategy_kind kind, unsigned int jobs)
{
	char *dpor = explored(scenario, (struct p2psim_explore_options){ .strategy = P2PSIM_EXPLORE_DPOR });
	char *other = explored(scenario, (struct p2psim_explore_options){ .strategy = kind, .jobs = jobs });

	assert_string_equal(other, dpor);
	free(other);
	free(dpor);
}

static void test_every_complete_strategy_covers_the_same(void **state)
{
	(void)state;
	assert_covers_like_dpor(&faulters, P2PSIM_EXPLORE_SLEEP, 0);
	assert_covers_like_dpor(&faulters, P2PSIM_EXPLORE_DPOR, 2);
	assert_covers_like_dpor(&handover, P2PSIM_EXPLORE_NAIVE, 0);
}

static void test_shards_cover_together_what_the_whole_does(void **state)
{
	struct p2psim_coverage *coverage = p2psim_coverage_create();
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .shards = 3, .coverage = coverage };
	char *whole = explored(&faulters, (struct p2psim_explore_options){ .strategy = P2PSIM_EXPLORE_DPOR }), *text;
	struct p2psim_explore_result result;

	(void)state;
	for (options.shard = 1; options.shard <= 3; options.shard++)
		assert_int_equal(p2psim_explore(&faulters, &options, &result), 0);
	text = told(coverage);
	assert_string_equal(text, whole);
	free(text);
	free(whole);
	p2psim_coverage_destroy(coverage);
}

static void test_two_tasks_at_one_place_have_one_order(void **state)
{
	char *text = explored(&faulters, (struct p2psim_explore_options){ .strategy = P2PSIM_EXPLORE_DPOR });

	(void)state;
	assert_true(says(text, "cr_fault_checking lock &cr->lock, cr_fault_checking lock &cr->lock: >\n"));
	free(text);
}

/* ---- progress ---- */

struct listener {
	unsigned int count, between;	/* tellings; those before the end */
	struct p2psim_explore_progress last;
};

static void listen(const struct p2psim_explore_progress *progress, void *arg)
{
	struct listener *listener = arg;

	listener->count++;
	listener->between += progress->done_ppm > 0 && progress->done_ppm < 1000000;
	assert_true(progress->elapsed_ms >= listener->last.elapsed_ms);
	listener->last = *progress;
}

static void dawdle(const struct p2psim_explored *explored, void *arg)
{
	const struct timespec pause = { .tv_nsec = 4000000 };

	(void)explored;
	(void)arg;
	nanosleep(&pause, NULL);
}

static void test_progress_is_told_and_changes_nothing(void **state)
{
	struct listener listener = { 0 };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .on_progress = listen,
						  .on_progress_arg = &listener, .on_execution = dawdle };
	struct p2psim_explore_result with, without;

	(void)state;
	assert_int_equal(p2psim_explore(&faulters, &options, &with), 0);
	options.on_progress = NULL;
	options.on_execution = NULL;
	assert_int_equal(p2psim_explore(&faulters, &options, &without), 0);
	assert_true(with.traces_hash == without.traces_hash && with.redundant == without.redundant);
	assert_true(listener.count > 1 && listener.between);
	assert_int_equal(listener.last.done_ppm, 1000000);
	assert_int_equal(listener.last.executions, with.executions);
}

static void test_the_end_is_told_of_workers_and_samples(void **state)
{
	struct listener listener = { 0 };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .on_progress = listen,
						  .on_progress_arg = &listener, .jobs = 2 };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&faulters, &options, &result), 0);
	assert_int_equal(listener.last.executions, 98);
	assert_int_equal(listener.last.done_ppm, 1000000);
	options = (struct p2psim_explore_options){ .strategy = P2PSIM_EXPLORE_POS, .budget = 50, .on_progress = listen,
						   .on_progress_arg = &listener };
	listener = (struct listener){ 0 };
	assert_int_equal(p2psim_explore(&faulters, &options, &result), 0);
	assert_int_equal(listener.last.strategy, P2PSIM_EXPLORE_POS);
	assert_int_equal(listener.last.executions, 50);
	assert_int_equal(listener.last.done_ppm, 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_order_that_cannot_be_is_never_seen),
		cmocka_unit_test(test_one_execution_has_one_order),
		cmocka_unit_test(test_every_complete_strategy_covers_the_same),
		cmocka_unit_test(test_shards_cover_together_what_the_whole_does),
		cmocka_unit_test(test_two_tasks_at_one_place_have_one_order),
		cmocka_unit_test(test_progress_is_told_and_changes_nothing),
		cmocka_unit_test(test_the_end_is_told_of_workers_and_samples),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
