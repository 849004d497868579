/* SPDX-License-Identifier: MIT */
/*
 * Bug patterns of drivers that mirror an address space, each a correct scenario and its broken twins, numbered.
 */
#ifndef TESTS_SCENARIOS_PATTERNS_H
#define TESTS_SCENARIOS_PATTERNS_H

#include <p2psim/scenario.h>

/*
 * A row of a table: a scenario and what exploring it must give.  Tables end with an empty row.
 *
 * A correct one (expect NEVER) is explored by dpor, whole: exactly `traces`.  0: too many to be whole within a second;
 * then a sample of them finds nothing.  A broken one is found by auto within `preemptions`.
 */
struct pattern {
	struct p2psim_scenario scenario;
	unsigned int traces;
	unsigned int preemptions;
};

extern const struct pattern patterns_of_faults[];	/* 01-04, 10, 13: hmm_range_fault() against munmap() */
extern const struct pattern patterns_of_callbacks[];	/* 06-08, 11, 14, 15, 18: notifiers */
extern const struct pattern patterns_of_sharing[];	/* 05, 09, 16, 17, 19-21: what drivers share between tasks */
extern const struct pattern patterns_of_bars[];		/* 12: an exporter that moves */
extern const struct pattern patterns_of_one_cpu[];	/* 22: who spins starves others */

#endif
