/* SPDX-License-Identifier: MIT */
/* What exploring and minimising a broken pattern gives, pinned. */
#ifndef TESTS_SCENARIOS_PINS_H
#define TESTS_SCENARIOS_PINS_H

#include <p2psim/minimise.h>

/* What the simplest schedule of a broken pattern is. */
struct pin {
	const char *name;
	unsigned int preemptions, switches;
	unsigned int fewer, fewer_padded;	/* executions with fewer preemptions: all of them, none fails */
	unsigned int found;			/* executions until auto had found it */
	uint32_t needless;			/* mask of tasks */
	enum p2psim_order_claim claim;
	unsigned int orders;
};

/* Of that scenario; one without a name when there is none. */
const struct pin *pin_of(const struct p2psim_scenario *scenario);

#endif
