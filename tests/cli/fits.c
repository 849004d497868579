/* SPDX-License-Identifier: MIT */
/*
 * Options that a strategy does not take are refused, and what --help and the man page say of it is what happens.
 * usage: fits P2PSIM MAN-PAGE
 */
#include "cli_tool.h"

#include <p2psim/explore.h>

static const char scenario[] = "mail/000-trial-call";
static const char *man_page;

static const char *value_of(const char *option)
{
	return strcmp(option, "shard") ? "1" : "1/2";
}

static void test_an_option_is_refused_exactly_where_the_strategy_does_not_take_it(void **state)
{
	const char *option;
	int kind;
	size_t i;

	(void)state;
	for (i = 0; (option = p2psim_strategy_option(i)); i++)
		for (kind = P2PSIM_EXPLORE_AUTO; kind <= P2PSIM_EXPLORE_POS; kind++) {
			const bool takes = p2psim_strategy_takes((enum p2psim_strategy_kind)kind, option);
			char with[32], why[128];

			snprintf(with, sizeof(with), "--%s=%s", option, value_of(option));
			snprintf(why, sizeof(why), "p2psim: --%s is an option of ", option);
			if (takes)
				assert_tool(0, ": NEVER, as expected", NULL, "explore", scenario, "--budget", "20",
					    "--strategy", p2psim_strategy_name((enum p2psim_strategy_kind)kind), with);
			else
				assert_tool(2, NULL, why, "explore", scenario, "--budget", "20", "--strategy",
					    p2psim_strategy_name((enum p2psim_strategy_kind)kind), with);
		}
}

static void test_the_refusal_says_who_takes_the_option(void **state)
{
	(void)state;
	assert_tool(2, NULL, "p2psim: --depth is an option of pct, not of dpor\n", "explore", scenario, "--strategy", "dpor",
		    "--depth", "0");
	assert_tool(2, NULL, "p2psim: --preemptions is an option of icb, not of auto\n", "explore", scenario,
		    "--preemptions", "1");
	assert_tool(2, NULL, "p2psim: --seed is an option of auto, random, pct, pos, not of icb\n", "explore", scenario,
		    "--strategy", "icb", "--seed", "1");
	assert_tool(2, NULL, "p2psim: --shard is an option of dpor, sleep, not of random\n", "explore", scenario, "--strategy",
		    "random", "--shard", "1/2");
}

static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	return tool_slurp(file);
}

/* "  --depth        pct" of the help, ".It Fl -depth\npct\n" of the man page. */
static void test_help_and_man_page_have_the_table(void **state)
{
	struct tool_run help = tool("--help");
	char *man = slurp(man_page), line[128], takers[96];
	const char *option;
	size_t i, used;
	int kind;

	(void)state;
	for (i = 0; (option = p2psim_strategy_option(i)); i++) {
		for (used = 0, kind = P2PSIM_EXPLORE_AUTO; kind <= P2PSIM_EXPLORE_POS; kind++)
			if (p2psim_strategy_takes((enum p2psim_strategy_kind)kind, option))
				used += (size_t)snprintf(takers + used, sizeof(takers) - used, "%s%s", used ? ", " : "",
							 p2psim_strategy_name((enum p2psim_strategy_kind)kind));
		snprintf(line, sizeof(line), "\n  --%-12s %s\n", option, takers);
		assert_says(help.out, line);
		snprintf(line, sizeof(line), "\n.It Fl -%s\n%s\n", option, takers);
		assert_says(man, line);
	}
	free(man);
	tool_free(&help);
}

/* "[--budget N|10s]": an option of the usage; the man page has it as ".Op Fl -budget" or among alternatives. */
static void test_every_option_of_the_help_is_in_the_man_page(void **state)
{
	struct tool_run help = tool("--help");
	char *man = slurp(man_page), name[64];
	const char *at = help.out;

	(void)state;
	while ((at = strstr(at, "--"))) {
		const size_t length = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");

		snprintf(name, sizeof(name), "Fl -%.*s", (int)(length - 2), at + 2);
		assert_says(man, name);
		at += length;
	}
	free(man);
	tool_free(&help);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_option_is_refused_exactly_where_the_strategy_does_not_take_it),
		cmocka_unit_test(test_the_refusal_says_who_takes_the_option),
		cmocka_unit_test(test_help_and_man_page_have_the_table),
		cmocka_unit_test(test_every_option_of_the_help_is_in_the_man_page),
	};

	if (argc != 3)
		return 2;
	tool_path = argv[1];
	man_page = argv[2];
	return cmocka_run_group_tests_name("fits", tests, NULL, NULL);
}
