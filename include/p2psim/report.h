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
	P2PSIM_REPORT_STEPS = 1 << 0,	/* every step, not only the notes */
	P2PSIM_REPORT_SETUP = 1 << 1,	/* what task 0 did as well */
};

/*
 * Draws the trace of the last execution of `world`, which must have kept one (config.trace_events): a column a task, at
 * most four; widths go by need, no line is wider than P2PSIM_REPORT_COLUMNS.  The same trace gives the same bytes.
 * Return: 0, or -EIO when `out` cannot be written.
 */
P2PSIM_EXPORT int p2psim_report_text(const struct p2psim_world *world, FILE *out, unsigned int flags);
/* A step that is drawn whatever the flags say, with a text in front: "(1) lock nic0.lock". */
struct p2psim_report_mark {
	uint64_t step;
	const char *text;
};

/* The same with marks. */
P2PSIM_EXPORT int p2psim_report_marked(const struct p2psim_world *world, FILE *out, unsigned int flags,
				       const struct p2psim_report_mark *marks, size_t count);
/*
 * A violation in words: an empty line, then oracle, task, step, the step that caused it and the line of the driver, as
 * far as they are known, then the sentence.
 * Return: 0, or -EIO when `out` cannot be written.
 */
P2PSIM_EXPORT int p2psim_report_violation(const struct p2psim_violation *violation, FILE *out);
/*
 * What the step was that caused a violation of the last execution of `world`: "Cause: step 62 by app: pte.write ..., in
 * munmap(...)".  Writes nothing when the step is not known or no longer in the trace.
 * Return: 0, or -EIO when `out` cannot be written.
 */
P2PSIM_EXPORT int p2psim_report_cause(const struct p2psim_world *world, const struct p2psim_violation *violation,
				      FILE *out);

P2PSIM_END_DECLS

#endif
