/* SPDX-License-Identifier: MIT */
/*
 * The model drivers: right, no interleaving fails, and nobody complains; wrong, each way is found, by its oracle and
 * in the schedule that is pinned.
 */
#include "judged.h"

#include "scenarios.h"

/* Traces 0: `p2psim explore` proves these too, by tens and hundreds of thousands of traces; here they are sampled. */
static const struct scenario_pin pins[] = {
	{ "driver/mirror", 49, 0 },
	{ "driver/mirror!no-retry", 0, 1, "p2p1-kwa5-f2-c1-6y-pyn2" },
	{ "driver/mirror!check-before-lock", 0, 1, "p2p1-40pg-f2-d1-0c-psq5" },
	{ "driver/mirror!deaf", 0, 1, "p2p1-7fbj-f2-j11-dj-pyn2" },
	{ "driver/svm", 92, 0 },
	{ "driver/svm!no-retry", 0, 1, "p2p1-v093-f2-h11-b6-n7aa" },
	{ "driver/svm!no-sequence", 0, 1, "p2p1-82dx-f2-n11-39-p073" },
	{ "driver/svm!deaf", 0, 1, "p2p1-zknd-f2-v11-h7-nfnj" },
	{ "driver/evict", 0, 0 },
	{ "driver/evict!no-retry", 0, 1, "p2p1-8kgz-f2-h11-37-m61f" },
	{ "driver/evict!no-recount", 0, 1, "p2p1-0b4z-f2-k21-vd-mfpm" },
	{ "driver/evict+munmap", 0, 0 },
	{ "driver/evict+munmap!removes-at-once", 0, 0, "p2p1-1w5r-f2-0-w0-nvcz" },
	{ "driver/evict+exit", 21, 0 },
	{ "driver/evict+exit!flushes", 0, 1, "p2p1-7gzf-f2-n21-35-nxr5" },
	{ "driver/evict+move", 0, 0 },
	{ "driver/evict+move!puts-in-callback", 0, 1, "p2p1-wzm6-f2-d1-j5-p79d" },
	{ "driver/odp", 94, 0 },
	{ "driver/odp!no-retry", 0, 1, "p2p1-89gq-f2-m11-mz-pnfs" },
	{ "driver/odp+munmap", 125, 0 },
	{ "driver/odp+again", 0, 0 },
	{ "driver/odp+again!stays-listed", 0, 1, "p2p1-31f7-f2-01z11-1g-mjnm" },
	{ "driver/odp+exit", 221, 0 },
	{ "driver/odp+exit!puts-under-lock", 0, 1, "p2p1-j139-f2-w11-a0-p9mm" },
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
