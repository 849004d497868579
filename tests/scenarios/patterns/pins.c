/* SPDX-License-Identifier: MIT */
/* What the simplest schedules of the broken patterns are: the table. */
#include "pins.h"

#include <string.h>

#define ANY P2PSIM_ORDER_ANY
#define EXACT P2PSIM_ORDER_EXACT
#define NECESSARY P2PSIM_ORDER_NECESSARY
#define UNKNOWN P2PSIM_ORDER_UNKNOWN

static const struct pin pins[] = {
	{ "01/fault+munmap!no-retry", 1, 2, 2, 2, 26, 0, EXACT, 2 },
	{ "02/fault+munmap!check-before-lock", 0, 0, 0, 0, 2, 1, EXACT, 1 },
	{ "02/fault+munmap!check-before-lock-real", 1, 2, 2, 2, 26, 0, EXACT, 2 },
	{ "03/fault+munmap!begin-after-fault", 1, 2, 2, 2, 30, 0, EXACT, 2 },
	{ "04/dma+munmap!no-drain", 1, 2, 2, 2, 4, 0, EXACT, 2 },
	{ "06/fault+dontneed!seq-after-zap", 0, 0, 0, 0, 1, 2, ANY, 0 },
	{ "06/fault+dontneed!seq-after-zap-real", 1, 2, 2, 2, 12, 0, EXACT, 2 },
	{ "10/fault+mprotect!lock-first", 0, 1, 0, 0, 1, 0, ANY, 0 },
	{ "10/fault+mprotect!lock-first-real", 1, 1, 2, 2, 14, 0, EXACT, 2 },
	{ "13/fault+munmap!no-refault", 1, 2, 2, 2, 27, 0, EXACT, 2 },
	{ "05/register+register!no-lock", 1, 2, 2, 2, 2, 0, EXACT, 2 },
	{ "08/munmap+close!no-grace", 1, 1, 3, 3, 32, 0, NECESSARY, 1 },
	{ "16/walk+copy!flush-first", 2, 3, 40, 120, 47, 0, EXACT, 3 },
	{ "09/wait+end!check-first", 1, 2, 2, 2, 17, 0, EXACT, 2 },
	{ "18/wait+unregister!silent", 0, 2, 0, 0, 3, 0, EXACT, 1 },
	{ "11a/reap+allocate!sleeps-really", 0, 1, 0, 0, 2, 0, EXACT, 1 },
	{ "11b/reap+allocate!sleeps", 0, 0, 0, 0, 1, 2, ANY, 0 },
	{ "14/map+drop+drop!flag", 1, 3, 6, 6, 75, 0, EXACT, 2 },
	{ "15/map+map+drop!flag", 1, 3, 6, 6, 138, 0, NECESSARY, 1 },
	{ "17/read+exit!test-then-get", 1, 2, 2, 2, 24, 0, EXACT, 2 },
	{ "19/two-channels!open-door", 2, 3, 104, 860, 27, 2, NECESSARY, 1 },
	{ "20/fault+register!new-sequence", 1, 2, 2, 2, 8, 0, EXACT, 2 },
	{ "20/fault+register!new-sequence-real", 1, 2, 2, 2, 8, 0, EXACT, 2 },
	{ "07/dma+evict!after-end", 1, 2, 2, 2, 7, 0, EXACT, 2 },
	{ "12/dma+move!ignores-it", 0, 1, 0, 0, 2, 0, EXACT, 1 },
	{ "12/dma+move!ignores-it-real", 1, 2, 2, 2, 42, 0, NECESSARY, 1 },
	{ "12/dma+move!not-told", 1, 2, 2, 2, 21, 0, EXACT, 2 },
	{ "21/fault+munmap!old-sequence", 1, 2, 2, 2, 20, 0, NECESSARY, 1 },
	{ "21/migrate+migrate!for-ever", 0, 8, 0, 0, 1, 0, NECESSARY, 1 },
	{ "22/fault+drain!spins", 0, 1, 0, 0, 2, 0, NECESSARY, 1 },
	{ "B02/reap+wait!keeps-count", 1, 2, 2, 2, 28, 0, EXACT, 2 },
	{ "B22/use+exit!under-lock", 1, 2, 2, 2, 44, 0, EXACT, 2 },
	{ "B26/create+prefetch!published-early", 1, 1, 2, 2, 3, 0, NECESSARY, 1 },
	{ "B33/migrate+dirty!page-lock", 1, 1, 2, 2, 21, 0, EXACT, 2 },
	{ "B34/fault+dontneed!before-retry", 1, 2, 2, 2, 25, 0, NECESSARY, 1 },
	{ "B36/restore+exit!flushes", 0, 2, 0, 0, 2, 0, EXACT, 2 },
	{ "B20/drop+drop!stays-listed", 1, 3, 4, 4, 5, 0, NECESSARY, 1 },
	{ "B21/drop+deregister!keeps-reference", 0, 2, 0, 0, 1, 0, EXACT, 1 },
	{ "B27/prefetch+remove!tests-first", 1, 4, 3, 3, 17, 0, NECESSARY, 1 },
	{ "23/beat+drain!once", 0, 1, 0, 0, 3, 0, EXACT, 1 },
	{ "B48/map+remove!keeps-reference", 0, 1, 0, 0, 2, 0, NECESSARY, 1 },
	{},
};

const struct pin *pin_of(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pins;

	while (pin->name && strcmp(pin->name, scenario->name))
		pin++;
	return pin;
}

