/* SPDX-License-Identifier: MIT */
/* explore on a failure: the simplest schedule on paper and in JSON; --check-determinism.  usage: minimal P2PSIM */
#include "cli_tool.h"

static const char good[] = "mail/001-bar-defrag", twin[] = "mail/001-bar-defrag!no-retry-check";

static void test_a_failure_is_drawn_with_the_critical_steps_marked(void **state)
{
	struct tool_run run = tool("explore", twin);

	(void)state;
	assert_says(run.out, "\n  minimal: 1 preemption, 2 switches, 142 steps\n"
		    "  no schedule with fewer preemptions fails: all 2 were run\n");
	assert_says(run.out, "\n      (1) seq.read nic0 (seq:check_retry)\n");
	assert_says(run.out, "\n  it fails if and only if these orders hold (all 669 traces)\n    (1) nic0: seq.read nic0");
	assert_says(run.out, "      before\n    (2) gpu0: seq.write nic0 (seq:set_seq), nic_invalidate() line ");
	tool_free(&run);
}

static void test_what_was_tried_and_what_that_proves_is_said(void **state)
{
	(void)state;
	assert_tool(0, "\n  tried: icb 0 (all 2), icb 1 (", NULL, "explore", twin);
	assert_tool(0, ", complete, 60 redundant\n  tried: dpor (all 1278)\n  proved: no interleaving fails, within this model\n",
		    NULL, "explore", good, "--strategy", "dpor");
	assert_tool(0, ", not complete\n  tried: icb 0 (all 2), icb 1 (10), dpor (10), pos (10)\n"
		    "  proved: none with at most 0 preemptions fails; beyond that, nothing was found\n", NULL, "explore", good,
		    "--budget", "10");
	assert_tool(0, "  tried: random (5)\n  proved: nothing; what was run did not fail\n", NULL, "explore", good,
		    "--strategy", "random", "--budget", "5");
	assert_tool(0, "\"stages\":[{\"strategy\":\"icb\",\"preemptions\":0,\"executions\":2,\"whole\":true}", NULL,
		    "explore", twin, "--json");
}

static void test_a_correct_scenario_has_nothing_to_minimise(void **state)
{
	struct tool_run run = tool("explore", good, "--minimize", "--budget", "100");

	(void)state;
	assert_null(strstr(run.out, "minimal"));
	tool_free(&run);
}

static void test_minimising_can_be_left_out(void **state)
{
	struct tool_run run = tool("explore", twin, "--no-minimize"), all = tool("explore", "all", "--budget", "30");

	(void)state;
	assert_null(strstr(run.out, "minimal:"));
	assert_says(run.out, "  1 preemption: p2psim replay '");
	assert_null(strstr(all.out, "minimal:"));
	tool_free(&run);
	tool_free(&all);
}

/* Found at random with twenty preemptions or with too many for a string: it comes down to one. */
static void test_a_random_failure_comes_down_to_the_same(void **state)
{
	struct tool_run systematic = tool("explore", twin), random = tool("explore", twin, "--strategy", "random", "--seed", "9");
	const char *minimal = strstr(systematic.out, "  minimal:");

	(void)state;
	assert_non_null(minimal);
	assert_says(random.out, minimal);
	tool_free(&systematic);
	tool_free(&random);
}

static void test_icb_has_two_preemptions_unless_it_is_said(void **state)
{
	(void)state;
	assert_tool(0, "  tried: icb 0 (all 2), icb 1 (all 81), icb 2 (", NULL, "explore", good, "--strategy", "icb", "--budget",
		    "300");
	assert_tool(0, "  tried: icb 0 (all 2)\n", NULL, "explore", good, "--strategy", "icb", "--preemptions", "0");
}

static void test_json_has_the_minimal_schedule_and_its_orders(void **state)
{
	struct tool_run run = tool("explore", twin, "--json");

	(void)state;
	assert_says(run.out, "\"minimal\":{\"preemptions\":1,\"switches\":2,\"steps\":142,\"certified\":true,\"exhausted\":1");
	assert_says(run.out, "\"needless\":[],\"claim\":\"exact\",\"over\":\"traces\",\"looked_at\":669");
	assert_says(run.out, "\"orders\":[{\"first\":{\"task\":\"nic0\",\"text\":\"seq.read nic0 (seq:check_retry)\"");
	tool_free(&run);
}

static void test_the_scenarios_of_the_mails_are_deterministic(void **state)
{
	(void)state;
	assert_tool(0, ", as expected", NULL, "explore", "all", "--check-determinism", "--budget", "50");
	assert_tool(0, "CONTRACT, as expected", NULL, "run", twin, "--check-determinism");
	assert_tool(2, NULL, "replay has no option --check-determinism", "replay", twin, "x", "--check-determinism");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failure_is_drawn_with_the_critical_steps_marked),
		cmocka_unit_test(test_what_was_tried_and_what_that_proves_is_said),
		cmocka_unit_test(test_a_correct_scenario_has_nothing_to_minimise),
		cmocka_unit_test(test_minimising_can_be_left_out),
		cmocka_unit_test(test_a_random_failure_comes_down_to_the_same),
		cmocka_unit_test(test_icb_has_two_preemptions_unless_it_is_said),
		cmocka_unit_test(test_json_has_the_minimal_schedule_and_its_orders),
		cmocka_unit_test(test_the_scenarios_of_the_mails_are_deterministic),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
