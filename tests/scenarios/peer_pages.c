/* SPDX-License-Identifier: MIT */
/*
 * Pages in a gpu's memory that devices import (RFC 4/5, timeline T11): right, no interleaving fails, and nobody complains;
 * wrong, it is found.
 */
#include "judged.h"

#include "eras.h"

static const struct scenario_pin pins[] = {
	{ "rfc/peer-page+refused", 52961, 0 },
	{ "rfc/peer-page+refused!deaf", 0, 0 },
	{ "rfc/peer-page+touched", 11212, 0 },
	{ "rfc/peer-page+touched!frees-early", 0, 1 },
	{ "rfc/peer-page+touched!no-retry", 0, 1 },
	{ "rfc/peer-page+crowded", 97, 0 },
	{ "rfc/peer-page+crowded!steals", 0, 1 },
};

/* What patch 4/5 got wrong, repaired and as it was. */
static const struct scenario_pin defects[] = {
	{ "era/R2-first-slot-of-memory", 1, 0 },
	{ "era/R2-first-slot-of-memory!as-it-was", 0, 0 },
	{ "era/R3-skips-a-page-of-memory", 1, 0 },
	{ "era/R3-skips-a-page-of-memory!as-it-was", 0, 0 },
	{ "era/R4-unwind-forward-of-memory", 1, 0 },
	{ "era/R4-unwind-forward-of-memory!as-it-was", 0, 0 },
	{ "era/R10-two-conventions-of-memory", 1, 0 },
	{ "era/R10-two-conventions-of-memory!as-it-was", 0, 0 },
};

static void test_defects_of_patch_4_give_what_is_pinned(void **state)
{
	pins_hold(p2psim_era_memory, defects, sizeof(defects) / sizeof(defects[0]));
}

static void test_pages_of_a_gpu_give_what_is_pinned(void **state)
{
	pins_hold(p2psim_rfc_pages, pins, sizeof(pins) / sizeof(pins[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_defects_of_patch_4_give_what_is_pinned),
					    cmocka_unit_test(test_pages_of_a_gpu_give_what_is_pinned) };

	return cmocka_run_group_tests_name("pages of a gpu and their importers", tests, NULL, NULL);
}
