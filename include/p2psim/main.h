/* SPDX-License-Identifier: MIT */
/*
 * The command line of p2psim, for any program that has scenarios (library p2psim-cli).
 *
 *	int main(int argc, char **argv)
 *	{
 *		return p2psim_main(argc, argv, my_scenarios);
 *	}
 */
#ifndef P2PSIM_MAIN_H
#define P2PSIM_MAIN_H

#include <p2psim/scenario.h>

P2PSIM_BEGIN_DECLS

/*
 * list, run, replay, explore, conform: `p2psim --help`.  `scenarios` ends with an entry whose name is NULL.
 * Data on stdout, talk on stderr.
 * Return: the exit status: 0 as expected, 1 an unexpected verdict or a mismatch, 2 usage or malformed input, 3 internal.
 */
P2PSIM_EXPORT int p2psim_main(int argc, char **argv, const struct p2psim_scenario *scenarios);

/* The same for several arrays, ended by NULL. */
P2PSIM_EXPORT int p2psim_main_sets(int argc, char **argv, const struct p2psim_scenario *const *sets);

P2PSIM_END_DECLS

#endif
