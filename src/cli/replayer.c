/* SPDX-License-Identifier: MIT */
/*
 * The simulated side of a recording: one world, one process, an operation at a time.
 */
#include "cli/replayer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/world.h>

#include "cli/replayer_verbs.h"

#define ELSEWHERE 0x400000UL

static void do_exit(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	(void)op;
	p2psim_process_exit(r->process);
	r->process = NULL;
	replayer_close_mirrors(r->mirrors);
	snprintf(ret, size, "0");
}

static const struct verb own_verbs[] = {
	{ "exit", 0, NULL, do_exit },
	{ NULL, 0, NULL, NULL },
};

static const struct verb *const verb_tables[] = {
	own_verbs,
	replayer_map_verbs,
	replayer_touch_verbs,
	replayer_hmm_verbs,
	replayer_file_verbs,
	replayer_child_verbs,
	replayer_remote_verbs,
	replayer_dmirror_verbs,
};

static const struct verb *verb_of(const struct recorded_op *op)
{
	const struct verb *verb;
	size_t i;

	for (i = 0; i < sizeof(verb_tables) / sizeof(verb_tables[0]); i++)
		for (verb = verb_tables[i]; verb->name; verb++)
			if (!strcmp(verb->name, op->words[0]) && op->word_count == verb->arguments + 1)
				return verb;
	return NULL;
}

bool replayer_supports(const struct recorded_op *op)
{
	const struct verb *verb = verb_of(op);

	return verb && (!verb->supports || verb->supports(op));
}

void replayer_do(struct replayer *r, const struct recorded_op *op, struct answer *answer)
{
	r->logged = 0;
	r->violation[0] = '\0';
	answer->vma_count = answer->child_vma_count = 0;
	verb_of(op)->perform(r, op, answer->ret, sizeof(answer->ret));
	replayer_events(r, answer);
	memcpy(answer->violation, r->violation, sizeof(answer->violation));
	if (!r->process)
		return;
	replayer_vmas(r, answer);
	if (r->child)
		replayer_child_vmas(r, answer);
	replayer_pages(r, answer);
	replayer_mirrors(r, answer);
	if (!answer->violation[0] && !(p2psim_mm_is_valid(r->mm) && p2psim_pgtable_is_valid(r->mm)))
		snprintf(answer->violation, sizeof(answer->violation), "the simulated mm is not valid any more");
}

static void on_violation(const struct p2psim_violation *violation, void *arg)
{
	struct replayer *r = arg;

	if (!r->violation[0])
		snprintf(r->violation, sizeof(r->violation), "%s: %s", p2psim_oracle_name(violation->oracle),
			 violation->sentence);
}

int replayer_begin(struct replayer *r, const struct recording *recording)
{
	memset(r, 0, sizeof(*r));
	r->window = recording->window * PAGE_SIZE;
	r->modern = recording->with_owners;
	r->world = p2psim_world_create(&(struct p2psim_config){.swap = recording->swap,
							      .thp = (enum p2psim_thp)(recording->thp > 0 ? recording->thp : 0)});
	if (!r->world)
		return -ENOMEM;
	p2psim_world_on_violation(r->world, on_violation, r);
	r->process = p2psim_process_create("recorded");
	if (!r->process)
		return -ENOMEM;
	r->mm = p2psim_process_mm(r->process);
	/* A real process has a program and a stack outside the window: exit() finds something to unmap. */
	p2psim_mmap(r->process, ELSEWHERE, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	if (replayer_open_files(r, recording))
		return -ENOMEM;
	return replayer_subscribe(r);
}

const char *replayer_end(struct replayer *r)
{
	if (!r->world)
		return NULL;
	r->violation[0] = '\0';
	if (r->process)
		p2psim_process_exit(r->process);
	if (r->child)
		p2psim_process_exit(r->child);
	replayer_end_dmirror(r);
	replayer_unsubscribe(r);
	replayer_close_files(r);
	p2psim_world_check_quiescent(r->world);
	p2psim_world_destroy(r->world);
	r->world = NULL;
	return r->violation[0] ? r->violation : NULL;
}
