/* SPDX-License-Identifier: MIT */
/* What the example programs share: run each scenario of a mail, draw it, say what came out. */
#ifndef P2PSIM_EXAMPLES_SHOW_H
#define P2PSIM_EXAMPLES_SHOW_H

#include <p2psim/scenario.h>

/*
 * Runs the scenarios (ended by one without name) each by its own schedule and prints the two columns and the verdict; the
 * last line counts.  Returns the exit status: 0 all as expected, 1 a surprise, 3 it could not run.
 */
int show_mail(const struct p2psim_scenario *scenarios);

#endif
