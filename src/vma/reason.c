/* SPDX-License-Identifier: MIT */
/*
 * Typed refusals: the reason, its errno and a sentence, the last one of each task.
 *
 * In the vma folder because the first to refuse is the one that finds no VMA; the layers above call it, too.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/linux/sched.h>
#include <p2psim/reason.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>

#include "core/layer.h"

struct reason_state {
	struct p2psim_refusal *last[P2PSIM_TASKS_MAX];
};

static const struct reason_row {
	const char *name;
	int error;
} reasons[P2PSIM_REASON_NR] = {
	[P2PSIM_REASON_NONE] = { "NONE", 0 },
	[P2PSIM_REASON_NO_VMA] = { "NO_VMA", -EFAULT },
	[P2PSIM_REASON_NO_READ] = { "NO_READ", -EFAULT },
	[P2PSIM_REASON_READ_ONLY] = { "READ_ONLY", -EPERM },
	[P2PSIM_REASON_NOT_EXPORTABLE] = { "NOT_EXPORTABLE", -EOPNOTSUPP },
	[P2PSIM_REASON_POLICY] = { "POLICY", -EACCES },
	[P2PSIM_REASON_NOT_ROUTABLE] = { "NOT_ROUTABLE", -EREMOTEIO },
	[P2PSIM_REASON_NOT_PCI] = { "NOT_PCI", -EINVAL },
	[P2PSIM_REASON_NO_BAR_SPACE] = { "NO_BAR_SPACE", -ENOSPC },
	[P2PSIM_REASON_PIN_REFUSED] = { "PIN_REFUSED", -EOPNOTSUPP },
	[P2PSIM_REASON_DEVICE_GONE] = { "DEVICE_GONE", -ENODEV },
	[P2PSIM_REASON_BUSY] = { "BUSY", -EBUSY },
	[P2PSIM_REASON_NO_MEMORY] = { "NO_MEMORY", -ENOMEM },
};

static const struct p2psim_refusal no_refusal = { .reason = P2PSIM_REASON_NONE };

const char *p2psim_reason_name(enum p2psim_reason reason)
{
	return (unsigned int)reason < P2PSIM_REASON_NR ? reasons[reason].name : "?";
}

int p2psim_reason_error(enum p2psim_reason reason)
{
	return (unsigned int)reason < P2PSIM_REASON_NR ? reasons[reason].error : -EINVAL;
}

/* The calling task's refusal; NULL: the arena is full, the sentence is lost. */
static struct p2psim_refusal *refusal_slot(void)
{
	struct reason_state *state = p2psim_layer_state(P2PSIM_LAYER_REASON, sizeof(*state));
	unsigned int task = (unsigned int)current->pid;

	if (!state || task >= P2PSIM_TASKS_MAX)
		return NULL;
	if (!state->last[task])
		state->last[task] = p2psim_arena_alloc(sizeof(*state->last[task]));
	return state->last[task];
}

int p2psim_refuse(enum p2psim_reason reason, const char *fmt, ...)
{
	struct p2psim_refusal *refusal = p2psim_hot ? refusal_slot() : NULL;
	va_list args;

	p2psim_note("refused: %s", P2PSIM_STR(p2psim_reason_name(reason)));
	if (!refusal)
		return p2psim_reason_error(reason);
	refusal->reason = reason;
	refusal->error = p2psim_reason_error(reason);
	va_start(args, fmt);
	vsnprintf(refusal->sentence, sizeof(refusal->sentence), fmt, args);
	va_end(args);
	return refusal->error;
}

const struct p2psim_refusal *p2psim_last_refusal(void)
{
	struct reason_state *state = p2psim_layer_peek(P2PSIM_LAYER_REASON);
	unsigned int task = p2psim_hot ? (unsigned int)current->pid : 0;

	if (!state || task >= P2PSIM_TASKS_MAX || !state->last[task])
		return &no_refusal;
	return state->last[task];
}

void p2psim_refusal_clear(void)
{
	struct p2psim_refusal *refusal = p2psim_hot ? refusal_slot() : NULL;

	if (refusal)
		memset(refusal, 0, sizeof(*refusal));
}
