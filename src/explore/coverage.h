/* SPDX-License-Identifier: MIT */
/*
 * Collecting what <p2psim/coverage.h> tells.
 */
#ifndef P2PSIM_EXPLORE_COVERAGE_H
#define P2PSIM_EXPLORE_COVERAGE_H

#include <p2psim/coverage.h>

#include "explore/search.h"

/* A step as processes of one program tell each other of it. */
struct p2psim_coverage_place {
	const struct p2psim_site *site;
	const char *label;
	uint16_t kind, kind_length;	/* `what` begins with so many bytes of kind */
	char what[100];			/* "lock nic0.update", "seq.read app.mm (notifier:end)" */
};

struct p2psim_coverage_order {
	struct p2psim_coverage_place before, after;
};

/* Of the step's place, from 1, as it is about to be taken; 0: no memory. */
uint16_t p2psim_coverage_number(struct p2psim_coverage *coverage, const struct p2psim_world *world, const struct p2psim_op *op);
/* What the execution at hand adds.  0 or -ENOMEM. */
int p2psim_coverage_execution(struct p2psim_coverage *coverage, struct p2psim_search *search);
/* An order that another process has seen. */
int p2psim_coverage_add(struct p2psim_coverage *coverage, const struct p2psim_coverage_order *order);
/* In the order in which they were first seen. */
size_t p2psim_coverage_count(const struct p2psim_coverage *coverage);
struct p2psim_coverage_order p2psim_coverage_at(const struct p2psim_coverage *coverage, size_t index);
/* After the last one: sorts pairs. */
int p2psim_coverage_sort(struct p2psim_coverage *coverage);

#endif
