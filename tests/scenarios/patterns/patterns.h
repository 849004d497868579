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

extern const struct pattern patterns_of_faults[];	/* 01-04, 06, 10, 13: hmm_range_fault() against munmap() */
extern const struct pattern patterns_of_subscribers[];	/* 05, 08, 16: the list of notifiers */
extern const struct pattern patterns_of_waiting[];	/* 09, 18: until no invalidation is under way */
extern const struct pattern patterns_of_counting[];	/* 11, 14, 15: invalidations that a driver counts */
extern const struct pattern patterns_of_lifetimes[];	/* 17, 19, 20: what a driver uses is gone */
extern const struct pattern patterns_of_bars[];		/* 07, 12: an exporter that moves */
extern const struct pattern patterns_of_livelocks[];	/* 21 */
extern const struct pattern patterns_of_one_cpu[];	/* 22: who spins starves others */
extern const struct pattern patterns_of_stories[];	/* B02, B22, B26, B33, B34, B36: interval notifiers */
extern const struct pattern patterns_of_children[];	/* B20, B21, B27: work that invalidations queue */
extern const struct pattern patterns_of_adversity[];	/* 23, B48: what goes wrong by itself */

/* All tables, in this order; ends with NULL. */
extern const struct pattern *const patterns[];

/* A test for each row of each table, its name the scenario's, *state the row.  What cmocka says. */
int patterns_run(const char *group, void (*test)(void **state));

#endif
