/* SPDX-License-Identifier: MIT */
/*
 * One operation of a recording against what was simulated.
 */
#ifndef P2PSIM_CLI_CONFORM_COMPARE_H
#define P2PSIM_CLI_CONFORM_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/recording.h"
#include "cli/replayer.h"

/* What the recording says stays so until it says otherwise. */
struct expected {
	char **vmas;
	int vma_count;
	const char *pages;	/* NULL: not said yet */
	const char *mirrors[RECORDING_MIRRORS];	/* of each device that is open; NULL: it is not */
	bool any_mirrors;	/* they were not looked at */
	bool any_events;	/* callbacks were not recorded */
	char empty[24];		/* a window without pages: ". 64" */
};

void conform_expect_nothing(struct expected *expected, const struct recording *recording);
void conform_follow(struct expected *expected, const struct recorded_op *op);
/*
 * Result, callbacks (without 'ev R', which are not stable from run to run), VMAs, the child's VMAs, page-table entries, those
 * of the devices.
 */
bool conform_agrees(const struct recorded_op *op, const struct expected *expected, const struct answer *answer);
/* Side by side what differs; with `explain` also what agrees, and the sections of the reference that say how it should be. */
void conform_put_difference(FILE *out, const struct recording *recording, const struct recorded_op *op,
			    const struct expected *expected, const struct answer *answer, bool explain);

#endif
