/* SPDX-License-Identifier: MIT */
/*
 * A pattern whose tasks also do other things: PADDING steps on an object of their own before and after.  They change no
 * trace and no verdict, but they bury the few moments that matter, as a driver's other work does.
 */
#ifndef TESTS_SCENARIOS_PADDED_H
#define TESTS_SCENARIOS_PADDED_H

#include <p2psim/scenario.h>

#define PADDING 20

/* Valid until the next call: the tasks know which pattern they belong to. */
const struct p2psim_scenario *padded(const struct p2psim_scenario *scenario);

#endif
