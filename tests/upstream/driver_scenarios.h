/* SPDX-License-Identifier: MIT */
/* The scenarios of parts of drivers: arrays that end with an entry whose name is NULL. */
#ifndef TESTS_DRIVER_SCENARIOS_H
#define TESTS_DRIVER_SCENARIOS_H

#include <p2psim/scenario.h>

extern const struct p2psim_scenario odp_scenarios[], radeon_scenarios[];

#endif
