/* SPDX-License-Identifier: MIT */
/*
 * Verbs: a child, one at a time, that stays until it is told to exit.  The callbacks are the parent's always.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/replayer_verbs.h"

/* Of the recording program, not of the kernel. */
bool replayer_has_child(const struct replayer *r, char *ret, size_t size)
{
	if (!r->child)
		snprintf(ret, size, "NOCHILD");
	return r->child;
}

static void do_fork(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	(void)op;
	if (r->child)
		say_error(-EBUSY, ret, size);
	else
		say_status(p2psim_fork(r->process, "child", &r->child), ret, size);
}

static void do_cexit(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	(void)op;
	if (!replayer_has_child(r, ret, size))
		return;
	p2psim_process_exit(r->child);
	r->child = NULL;
	replayer_close_mirrors(r->child_mirrors);
	snprintf(ret, size, "0");
}

static void do_cr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		replayer_read(r->child, replayer_address(op->words[1]), ret, size);
}

static void do_cw(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		replayer_write(r->child, replayer_address(op->words[1]), atoi(op->words[2]), ret, size);
}

static void do_crdr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		replayer_read_range(r->child, replayer_address(op->words[1]), replayer_hex(op->words[2]), ret, size);
}

static void do_cwrr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		replayer_write_range(r->child, replayer_address(op->words[1]), replayer_hex(op->words[2]), atoi(op->words[3]),
				     ret, size);
}

static void do_cmunmap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		say_status(p2psim_munmap(r->child, replayer_address(op->words[1]), replayer_hex(op->words[2])), ret, size);
}

static void do_cmprotect(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (replayer_has_child(r, ret, size))
		say_status(p2psim_mprotect(r->child, replayer_address(op->words[1]), replayer_hex(op->words[2]),
					   replayer_prot(op->words[3])),
			   ret, size);
}

const struct verb replayer_child_verbs[] = {
	{ "fork", 0, NULL, do_fork },
	{ "cexit", 0, NULL, do_cexit },
	{ "cr", 1, NULL, do_cr },
	{ "cw", 2, NULL, do_cw },
	{ "crdr", 2, NULL, do_crdr },
	{ "cwrr", 3, NULL, do_cwrr },
	{ "cmunmap", 2, NULL, do_cmunmap },
	{ "cmprotect", 3, NULL, do_cmprotect },
	{ NULL, 0, NULL, NULL },
};
