/* SPDX-License-Identifier: MIT */
/* A program of the scenarios that run parts of Linux 6.1's own drivers. */
#include <stddef.h>

#include <p2psim/main.h>

#include "driver_scenarios.h"

int main(int argc, char **argv)
{
	const struct p2psim_scenario *const sets[] = { odp_scenarios, radeon_scenarios, NULL };

	return p2psim_main_sets(argc, argv, sets);
}
