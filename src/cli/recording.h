/* SPDX-License-Identifier: MIT */
/*
 * Recordings of a real kernel ("mmtruth 1"): scripted operations, each with what the kernel answered.
 */
#ifndef P2PSIM_CLI_RECORDING_H
#define P2PSIM_CLI_RECORDING_H

#include <stddef.h>

#define RECORDING_WORDS 10
#define RECORDING_FILES 8
#define RECORDING_MIRRORS 4	/* dmirror devices */

/* One operation; lines point into the file's text. */
struct recorded_op {
	unsigned int line;		/* of "op" */
	char *words[RECORDING_WORDS];	/* verb and arguments */
	int word_count;
	char *ret;
	char **events;			/* "S CLEAR 4000 5000 bv", in order */
	int event_count;
	char **vmas;			/* "4000 c000 rw-p anon 0 ac" */
	int vma_count;
	int vmas_same;			/* "vma =" */
	char *pages;			/* ". 64"; "=" as before; NULL: not given */
	char *mirrors[RECORDING_MIRRORS];	/* page tables of the devices that are open, likewise */
	char **child_vmas;		/* after fork, in the child */
	int child_vma_count;
	int child_vmas_same;		/* "cvma =": as the parent's */
};

struct recording {
	const char *path;
	char *text;
	unsigned long window;		/* pages */
	int thp;			/* 0 never, 1 always, 2 madvise; -1: not said */
	int swap;			/* a swap device is on */
	int without_events;		/* "events 0": callbacks were not recorded */
	int with_owners;		/* events tell whose they are */
	unsigned long file_sizes[RECORDING_FILES];	/* bytes; of tmpfs files f0, f1.. */
	int file_count;
	struct recorded_op *ops;
	size_t count, space;
	char error[256];		/* "path:line: what" */
};

/* 0; -EINVAL with error for a malformed or truncated file; -ENOMEM; or the errno of reading it. */
int recording_read(struct recording *recording, const char *path);
void recording_free(struct recording *recording);

#endif
