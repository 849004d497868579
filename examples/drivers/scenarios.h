/* SPDX-License-Identifier: MIT */
/* The model drivers against munmap(): each right, and three times wrong.  Ends with an entry without name. */
#ifndef P2PSIM_EXAMPLES_DRIVERS_SCENARIOS_H
#define P2PSIM_EXAMPLES_DRIVERS_SCENARIOS_H

#include <p2psim/scenario.h>

extern const struct p2psim_scenario p2psim_drivers[];

#endif
