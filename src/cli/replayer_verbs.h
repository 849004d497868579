/* SPDX-License-Identifier: MIT */
/*
 * What the files of verbs share: arguments in the recording's notation, results in its words, a table of verbs each.
 */
#ifndef P2PSIM_CLI_REPLAYER_VERBS_H
#define P2PSIM_CLI_REPLAYER_VERBS_H

#include <string.h>

#include "cli/replayer.h"

struct verb {
	const char *name;
	int arguments;
	bool (*supports)(const struct recorded_op *op);	/* NULL: always */
	void (*perform)(struct replayer *r, const struct recorded_op *op, char *ret, size_t size);
};

/* Tables end with a nameless verb. */
extern const struct verb replayer_map_verbs[], replayer_touch_verbs[], replayer_hmm_verbs[], replayer_file_verbs[],
	replayer_child_verbs[], replayer_remote_verbs[], replayer_dmirror_verbs[];

/* ---- replayer_words.c ---- */

unsigned long replayer_hex(const char *word);
unsigned long replayer_address(const char *word);	/* an offset from the window's base */
void say_error(int error, char *ret, size_t size);
void say_status(long status, char *ret, size_t size);
void say_address(const struct replayer *r, long addr, char *ret, size_t size);
void say_signal(struct p2psim_process *process, char *ret, size_t size);

/* ---- replayer_touch.c: by the process, or by its child ---- */

void replayer_read(struct p2psim_process *process, unsigned long addr, char *ret, size_t size);
void replayer_write(struct p2psim_process *process, unsigned long addr, int value, char *ret, size_t size);
/* One byte in each page: the sum of the values; the first signal. */
void replayer_read_range(struct p2psim_process *process, unsigned long addr, unsigned long len, char *ret, size_t size);
void replayer_write_range(struct p2psim_process *process, unsigned long addr, unsigned long len, int value, char *ret,
			  size_t size);
/* "rw-" */
int replayer_prot(const char *word);

/* ---- replayer_child.c ---- */

/* False, and "NOCHILD" is said. */
bool replayer_has_child(const struct replayer *r, char *ret, size_t size);

/* ---- replayer_dmirror.c ---- */

/* What a process that exits leaves open. */
void replayer_close_mirrors(struct file **mirrors);
void replayer_end_dmirror(struct replayer *r);

/* ---- replayer_file.c ---- */

/* The recording's files, made and opened.  -ENOMEM. */
int replayer_open_files(struct replayer *r, const struct recording *recording);
void replayer_close_files(struct replayer *r);
/* "f0", "r0"; NULL: "anon", or none such. */
struct file *replayer_file(const struct replayer *r, const char *word);

#endif
