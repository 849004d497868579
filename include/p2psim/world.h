/* SPDX-License-Identifier: MIT */
/*
 * The world: clock, seed, tasks, memory, devices, ids and trace of one simulated machine.
 *
 * A world is entered per OS thread; kernel-named calls act on the entered one.  Several worlds live in one process and
 * two OS threads may each run their own.
 *
 *	struct p2psim_world *world = p2psim_world_create(NULL);	   created and entered
 *	... set up, act, assert ...
 *	p2psim_world_check_quiescent(world);
 *	p2psim_world_destroy(world);				   left and freed
 */
#ifndef P2PSIM_WORLD_H
#define P2PSIM_WORLD_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct p2psim_world;

/* /sys/kernel/mm/transparent_hugepage/enabled. */
enum p2psim_thp {
	P2PSIM_THP_NEVER,
	P2PSIM_THP_ALWAYS,
	P2PSIM_THP_MADVISE,	/* only where MADV_HUGEPAGE was given */
};

/* Zero means the default everywhere. */
/* What may go wrong by itself: <p2psim/adversary.h>. */
enum p2psim_adversity {
	P2PSIM_ADVERSE_ALLOCATION,
	P2PSIM_ADVERSE_TRYLOCK,		/* of a free lock */
	P2PSIM_ADVERSE_WAKEUP,		/* of a sleeper that nobody woke */
	P2PSIM_ADVERSE_TIMER,		/* a timeout passes while others could still run */
	P2PSIM_ADVERSE_OTHER,		/* what a scenario or a driver asks for */
	P2PSIM_ADVERSITIES
};

struct p2psim_config {
	uint64_t seed;
	size_t arena_bytes;		/* address space for simulated objects; default 8 GiB, not committed */
	unsigned long ram_pages;	/* simulated RAM; default 262144 pages (1 GiB) */
	unsigned int trace_events;	/* events that the trace ring keeps; default 0 = no trace */
	unsigned int max_map_count;	/* default 65530 */
	enum p2psim_thp thp;		/* transparent huge pages of anonymous memory */
	unsigned int hugetlb_pages;	/* huge pages for MAP_HUGETLB, of 2 MiB each; default 0: -ENOMEM */
	bool swap;			/* a kernel with swap, and a device: advice may page anonymous memory out */
	uint32_t oracles_off;		/* mask of 1u << enum p2psim_oracle */
	uint64_t quirks;		/* mask of P2PSIM_QUIRK(): <p2psim/quirk.h> */
	bool nonpreemptive;		/* one CPU: a task runs until it waits or yields; one that never does: PROGRESS */
	bool pure_retry;		/* exploration's: a task stops at a retry without effect, see <p2psim/retry.h> */
	uint8_t adversary[P2PSIM_ADVERSITIES];	/* how often each may happen in one execution; default 0 = never */
	bool races;			/* plain accesses are checked for data races: <p2psim/race.h> */
};

/* Creates a world and enters it; NULL when the OS has no memory for it.  `config` NULL: all defaults. */
P2PSIM_EXPORT struct p2psim_world *p2psim_world_create(const struct p2psim_config *config);
/* Leaves it if entered, ends its tasks where they stand, frees everything.  NULL is allowed. */
P2PSIM_EXPORT void p2psim_world_destroy(struct p2psim_world *world);

/* The entered world of this OS thread, or NULL. */
P2PSIM_EXPORT struct p2psim_world *p2psim_world_current(void);
/* Enters `world` (NULL: none) and returns the one that was entered.  Context: task 0 of both. */
P2PSIM_EXPORT struct p2psim_world *p2psim_world_enter(struct p2psim_world *world);

/* Begins a new execution: the arena, ids, clock, trace and tasks start over in microseconds.  Configuration stays. */
P2PSIM_EXPORT void p2psim_world_reset(struct p2psim_world *world);

P2PSIM_EXPORT const struct p2psim_config *p2psim_world_config(const struct p2psim_world *world);
P2PSIM_EXPORT uint64_t p2psim_world_steps(const struct p2psim_world *world);
/* Logical time in ticks of the current world. */
P2PSIM_EXPORT uint64_t p2psim_now(void);
/* Hash of all steps so far (kind, task, objects): equal on every compiler, level and address layout. Needs a trace. */
P2PSIM_EXPORT uint64_t p2psim_world_trace_hash(const struct p2psim_world *world);

/* The name-based (v5) UUID of `path` in this world's seed, as 36 characters and a NUL.  Same seed, same path, same id. */
P2PSIM_EXPORT void p2psim_world_uuid(const struct p2psim_world *world, const char *path, char text[37]);

P2PSIM_END_DECLS

#endif
