/* SPDX-License-Identifier: MIT */
/*
 * The simulated side of a recording: carries out operations and says what came of them in the recording's own words.
 */
#ifndef P2PSIM_CLI_REPLAYER_H
#define P2PSIM_CLI_REPLAYER_H

#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>

#include "cli/recording.h"

#define WINDOW_BASE 0x100000000000UL
#define ANSWER_LINES 256
#define ANSWER_EVENTS 16384	/* a copy of each page of a window of 4,096: three a page, and more */
#define ANSWER_LINE 160

/* What one operation gave: texts as in the file. */
struct answer {
	char ret[4096];
	char events[ANSWER_EVENTS][ANSWER_LINE];
	int event_count;
	char vmas[ANSWER_LINES][ANSWER_LINE];
	int vma_count;
	char child_vmas[ANSWER_LINES][ANSWER_LINE];	/* of a fork */
	int child_vma_count;
	char pages[4096];
	char mirrors[RECORDING_MIRRORS][2048];	/* of devices that the process has open, else "" */
	char violation[600];	/* an oracle fired meanwhile */
};

struct logged {
	char kind;		/* S E C X, I: interval */
	char text[ANSWER_LINE];
	bool matched;
};

struct replayer {
	struct p2psim_world *world;
	struct file *files[RECORDING_FILES];	/* f0, f1.. */
	int file_count;
	struct file *read_only;			/* r0 */
	const struct address_space *seen[ANSWER_LINES];	/* shared anonymous objects: z1, z2.. */
	int seen_count;
	struct p2psim_process *process, *child;	/* child: of a fork, until cexit */
	struct mm_struct *mm;
	unsigned long window;	/* bytes */
	struct mmu_notifier list;
	struct mmu_interval_notifier interval;
	struct mutex lock;	/* of the interval notifier, as a driver's */
	bool subscribed;
	bool modern;		/* the recording tells owners of events, and read-only exclusive entries from others */
	struct p2psim_dmirror *dmirror;	/* the driver, from the first open on */
	struct file *mirrors[RECORDING_MIRRORS], *child_mirrors[RECORDING_MIRRORS];	/* opened */
	struct logged log[ANSWER_EVENTS];
	int logged;
	char violation[600];
};

/* 0 or -errno. */
int replayer_begin(struct replayer *r, const struct recording *recording);
/* Also of one that could not begin.  NULL, or what is left over although all is over. */
const char *replayer_end(struct replayer *r);
/* Can it be done here?  Looks at the verb and its arguments only. */
bool replayer_supports(const struct recorded_op *op);
/* Does it, and describes the outcome. */
void replayer_do(struct replayer *r, const struct recorded_op *op, struct answer *answer);

/* events.c */
int replayer_subscribe(struct replayer *r);
void replayer_unsubscribe(struct replayer *r);
void replayer_events(struct replayer *r, struct answer *answer);
/* state.c */
void replayer_vmas(struct replayer *r, struct answer *answer);
void replayer_child_vmas(struct replayer *r, struct answer *answer);
void replayer_pages(struct replayer *r, struct answer *answer);
void replayer_mirrors(struct replayer *r, struct answer *answer);

#endif
