/* SPDX-License-Identifier: MIT */
/*
 * Which options belong to which strategy: the one table that p2psim_explore(), the command line and its help look at.  What
 * is not in it belongs to all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/explore.h>

#define STRATEGIES (P2PSIM_EXPLORE_POS + 1)
#define TAKES(kind) (1u << P2PSIM_EXPLORE_##kind)

static const struct {
	const char *option;
	unsigned int strategies;
} table[] = {
	{ "preemptions", TAKES(ICB) },
	{ "depth", TAKES(PCT) },
	{ "seed", TAKES(AUTO) | TAKES(RANDOM) | TAKES(PCT) | TAKES(POS) },
	{ "shard", TAKES(DPOR) | TAKES(SLEEP) },	/* the others' shards would share traces: they do not add up */
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

const char *p2psim_strategy_option(size_t index)
{
	return index < OPTIONS ? table[index].option : NULL;
}

static unsigned int takers(const char *option)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (!strcmp(table[i].option, option))
			return table[i].strategies;
	return (1u << STRATEGIES) - 1;
}

bool p2psim_strategy_takes(enum p2psim_strategy_kind kind, const char *option)
{
	return takers(option) >> kind & 1;
}

int p2psim_strategy_check(enum p2psim_strategy_kind kind, const char *option, char *error, size_t size)
{
	unsigned int strategy;
	int used;

	if ((unsigned int)kind >= STRATEGIES) {
		snprintf(error, size, "there is no strategy number %d", (int)kind);
		return -EINVAL;
	}
	if (p2psim_strategy_takes(kind, option))
		return 0;
	used = snprintf(error, size, "%s is an option of", option);
	for (strategy = 0; strategy < STRATEGIES; strategy++)
		if (takers(option) >> strategy & 1 && used > 0 && (size_t)used < size)
			used += snprintf(error + used, size - (size_t)used, " %s,", p2psim_strategy_name(strategy));
	if (used > 0 && (size_t)used < size)
		snprintf(error + used, size - (size_t)used, " not of %s", p2psim_strategy_name(kind));
	return -EINVAL;
}
