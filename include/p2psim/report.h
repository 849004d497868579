/* SPDX-License-Identifier: MIT */
/*
 * The two columns: what the tasks did, one column each, time downward, at most 76 characters wide, plain ASCII,
 * ready to be pasted into a mail.
 */
#ifndef P2PSIM_REPORT_H
#define P2PSIM_REPORT_H

#include <stdio.h>

#include <p2psim/scenario.h>
#include <p2psim/trace.h>

P2PSIM_BEGIN_DECLS

#define P2PSIM_REPORT_COLUMNS 76

/* Flags of the reports. */
enum p2psim_report_flags {
	P2PSIM_REPORT_NO_FLAGS = 0,
	P2PSIM_REPORT_STEPS = 1 << 0,	/* every step, not only the notes and the steps that hand over */
	P2PSIM_REPORT_SETUP = 1 << 1,	/* what task 0 did as well */
};

/* Draws the trace of the last execution of `world`.  0 or the -errno of writing. */
P2PSIM_EXPORT int p2psim_report_text(const struct p2psim_world *world, FILE *out, unsigned int flags);
/* A violation in words: oracle, sentence, task, step, cause, replay string. */
P2PSIM_EXPORT int p2psim_report_violation(const struct p2psim_violation *violation, FILE *out);

P2PSIM_END_DECLS

#endif
