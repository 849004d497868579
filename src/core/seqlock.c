/* SPDX-License-Identifier: MIT */
/*
 * Sequence counters.
 *
 *	even --write_seqcount_begin--> odd --write_seqcount_end--> even, two more
 *
 * A reader waits for an even number in one guarded step: in the kernel it spins.
 */
#include <p2psim/linux/seqlock.h>
#include <p2psim/retry.h>

#include "core/internal.h"

void __seqcount_init(seqcount_t *s, const char *name)
{
	*s = (seqcount_t){};
	p2psim_object_init(&s->obj, name);
}

static bool nobody_writes(void *arg)
{
	return !(((const seqcount_t *)arg)->sequence & 1);
}

unsigned int(read_seqcount_begin)(const seqcount_t *s)
{
	seqcount_t *known = (seqcount_t *)(uintptr_t)s;	/* steps give it an id */

	if (p2psim_world_missing("read_seqcount_begin"))
		return s->sequence;
	p2psim_spin_until(&known->obj, nobody_writes, known);
	return s->sequence;
}

bool(read_seqcount_retry)(const seqcount_t *s, unsigned int start)
{
	seqcount_t *known = (seqcount_t *)(uintptr_t)s;

	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&known->obj), false, NULL);
	return s->sequence != start;
}

void(write_seqcount_begin)(seqcount_t *s)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&s->obj), true, NULL);
	if (s->sequence & 1) {
		p2psim_violate(P2PSIM_CONTRACT, 0, s->obj.id, 0, "two write %s at once: a lock of the writers is missing",
			       s->obj.name);
		return;
	}
	s->sequence++;
	p2psim_nonblock_start("a section that writes under a sequence counter");
}

void(write_seqcount_end)(seqcount_t *s)
{
	if (!(s->sequence & 1)) {
		p2psim_violate(P2PSIM_BALANCE, 0, s->obj.id, 0, "%s ends, but nobody has begun to write", s->obj.name);
		return;
	}
	p2psim_nonblock_end();
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&s->obj), true, NULL);
	s->sequence++;
}
