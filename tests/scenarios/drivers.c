/* SPDX-License-Identifier: MIT */
/*
 * The model drivers: right, no interleaving fails, and nobody complains; wrong, each of the three ways is found.
 */
#include "judged.h"

#include "scenarios.h"

static const struct scenario_pin pins[] = {
	{ "driver/mirror", 47, 0 },
	{ "driver/mirror!no-retry", 0, 1 },
	{ "driver/mirror!check-before-lock", 0, 1 },
	{ "driver/mirror!deaf", 0, 0 },
	{ "driver/svm", 91, 0 },
	{ "driver/svm!no-retry", 0, 1 },
	{ "driver/svm!no-sequence", 0, 1 },
	{ "driver/svm!deaf", 0, 0 },
};

static void test_each_driver_gives_what_is_pinned(void **state)
{
	pins_hold(p2psim_drivers, pins, sizeof(pins) / sizeof(pins[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_driver_gives_what_is_pinned) };

	return cmocka_run_group_tests_name("the model drivers", tests, NULL, NULL);
}
