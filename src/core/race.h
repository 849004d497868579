/* SPDX-License-Identifier: MIT */
/*
 * The race check from inside: race.c has the clocks, race_touch.c what was accessed, race_report.c the sentences.
 */
#ifndef P2PSIM_CORE_RACE_H
#define P2PSIM_CORE_RACE_H

#include <p2psim/race.h>

#include "core/internal.h"

#define P2PSIM_RACE_BUCKETS 1024u
#define P2PSIM_GRANULE 8u		/* bytes that share one list of accesses */
#define P2PSIM_SHADOW_GRANULES 128u

struct p2psim_clock {
	uint32_t at[P2PSIM_TASKS_MAX];
};

/* The last access of one task of its kind to these bytes of a granule. */
struct p2psim_touch {
	struct p2psim_touch *next;
	const struct p2psim_site *site;	/* of a marked place in the source */
	const void *pc;			/* of compiled code; NULL: see `site` */
	uint64_t step;
	uint32_t at;			/* the task's own clock then */
	uint32_t size;			/* of the whole access */
	uint8_t task, bytes, how;	/* bytes: a mask; how: enum p2psim_race_how */
};

/* 1 KiB of memory, by granules; the access that came last is first in its list. */
struct p2psim_shadow {
	struct p2psim_shadow *next;
	uintptr_t number;		/* address / 1 KiB */
	struct p2psim_touch *granule[P2PSIM_SHADOW_GRANULES];
};

struct p2psim_race {
	struct p2psim_clock tasks[P2PSIM_TASKS_MAX];
	struct p2psim_sync *syncs[P2PSIM_RACE_BUCKETS];
	struct p2psim_shadow *shadows[P2PSIM_RACE_BUCKETS];
	struct p2psim_shadow *recent;
	struct p2psim_touch *unused;
	uint64_t shared_stacks;		/* tasks on whose stack somebody else was */
};

/* One access while it is looked at. */
struct p2psim_race_access {
	const char *addr;
	size_t size;
	unsigned int how;
	const void *pc;
	const char *what;		/* the expression that was marked; NULL: none */
};

/* Of this execution, made at its first use; NULL: no memory, which was told. */
struct p2psim_race *p2psim_race_of(struct p2psim_world *world);
/* Ends the check with a violation; returns NULL. */
void *p2psim_race_out_of_memory(struct p2psim_world *world);

static inline struct p2psim_clock *p2psim_clock_here(struct p2psim_world *world)
{
	return &world->race->tasks[world->hot.task->pid];
}

void p2psim_race_report(struct p2psim_world *world, const struct p2psim_race_access *access,
			const struct p2psim_touch *other);
void p2psim_race_report_freed(struct p2psim_world *world, const struct p2psim_race_access *access);

#endif
