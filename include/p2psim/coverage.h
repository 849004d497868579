/* SPDX-License-Identifier: MIT */
/*
 * Coverage of an exploration: which steps that touch the same thing met, and in which orders.
 *
 *	read() line 12: seq.read app.mm	before	reclaim() line 40: seq.write app.mm	seen
 *	reclaim() line 40: seq.write app.mm	before	read() line 12: seq.read app.mm		never seen
 *
 * A step is known by its place in the source, its kind, its label and the name of what it touches, whoever takes it; two
 * steps of different tasks that depend on each other are a conflict pair.  An order that a complete exploration has never
 * seen is impossible; one that a sample has never seen is a gap.
 */
#ifndef P2PSIM_COVERAGE_H
#define P2PSIM_COVERAGE_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct p2psim_covered_step {
	const struct p2psim_site *site;	/* never NULL */
	const char *what;		/* "seq.write app.mm (notifier:end)": its kind, what it touches, its label */
};

struct p2psim_covered_pair {
	struct p2psim_covered_step first, second;	/* sorted by place; the same place: two tasks met at it */
	bool forward;			/* seen: first before second */
	bool backward;			/* seen: second before first */
	bool same;			/* two tasks meet at one place: there is one order only, forward */
};

struct p2psim_coverage;

/* Empty.  To be filled by p2psim_explore() (options.coverage), by several one after the other if one likes.  NULL: no memory. */
P2PSIM_EXPORT struct p2psim_coverage *p2psim_coverage_create(void);
P2PSIM_EXPORT void p2psim_coverage_destroy(struct p2psim_coverage *coverage);

P2PSIM_EXPORT size_t p2psim_coverage_pairs(const struct p2psim_coverage *coverage);
/* The index-th pair, sorted by places: the same for every order in which executions came.  Strings belong to the coverage. */
P2PSIM_EXPORT struct p2psim_covered_pair p2psim_coverage_pair(const struct p2psim_coverage *coverage, size_t index);
/* Orders that were seen; `possible` (may be NULL): two for each pair, one where both places are the same. */
P2PSIM_EXPORT size_t p2psim_coverage_orders(const struct p2psim_coverage *coverage, size_t *possible);

P2PSIM_END_DECLS

#endif
