/* SPDX-License-Identifier: MIT */
/*
 * The data-race check: happens-before by vector clocks, for worlds with config.races.
 *
 *	release:  object |= task; task[own]++		acquire:  task |= object
 *
 * A synchronisation object has two clocks: that of its writers (unlock, complete, wake-up) and that of its readers
 * (up_read, end of a read side), which only a writer or a grace period waits for: readers do not order each other.
 * What was accessed is in race_touch.c.  All of it lies in the arena and is gone with the execution.
 */
#include <string.h>

#include <p2psim/race.h>

#include "core/internal.h"
#include "core/race.h"

#define OUTSIDE 0xff0000ffu	/* no allocation: `where` is an address */
#define WHOLE UINT64_MAX

struct p2psim_sync {
	struct p2psim_sync *next;
	uint32_t id;
	uint64_t where;
	struct p2psim_clock writers, readers;
};

/* From here on accesses would go unseen: better said than silent. */
void *p2psim_race_out_of_memory(struct p2psim_world *world)
{
	world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_RACE;
	p2psim_violate(P2PSIM_RACE, 0, 0, 0, "the race check has no memory left in the arena and ends here");
	return NULL;
}

struct p2psim_race *p2psim_race_of(struct p2psim_world *world)
{
	unsigned int i;

	if (world->race)
		return world->race;
	world->race = p2psim_arena_alloc(sizeof(*world->race));
	if (!world->race)
		return p2psim_race_out_of_memory(world);
	for (i = 0; i < P2PSIM_TASKS_MAX; i++)
		world->race->tasks[i].at[i] = 1;
	return world->race;
}

static void join(struct p2psim_clock *to, const struct p2psim_clock *from)
{
	unsigned int i;

	for (i = 0; i < P2PSIM_TASKS_MAX; i++)
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
}

static unsigned int bucket(uint32_t id, uint64_t where)
{
	return (unsigned int)(p2psim_mix(p2psim_mix(1, id), where) >> 32) % P2PSIM_RACE_BUCKETS;
}

static struct p2psim_sync *sync_of(struct p2psim_world *world, uint32_t id, uint64_t where)
{
	struct p2psim_race *race = p2psim_race_of(world);
	struct p2psim_sync **head, *sync;

	if (!race)
		return NULL;
	head = &race->syncs[bucket(id, where)];
	for (sync = *head; sync; sync = sync->next)
		if (sync->id == id && sync->where == where)
			return sync;
	sync = p2psim_arena_alloc(sizeof(*sync));
	if (!sync)
		return p2psim_race_out_of_memory(world);
	sync->id = id;
	sync->where = where;
	sync->next = *head;
	return *head = sync;
}

enum {
	ACQUIRE = 1,		/* what writers published */
	ACQUIRE_READERS = 2,
	RELEASE = 4,
	RELEASE_READERS = 8,
};

static void order(struct p2psim_world *world, uint32_t id, uint64_t where, unsigned int how)
{
	struct p2psim_sync *sync = how ? sync_of(world, id, where) : NULL;
	struct p2psim_clock *clock;

	if (!sync)
		return;
	clock = p2psim_clock_here(world);
	if (how & ACQUIRE)
		join(clock, &sync->writers);
	if (how & ACQUIRE_READERS)
		join(clock, &sync->readers);
	if (how & RELEASE)
		join(&sync->writers, clock);
	if (how & RELEASE_READERS)
		join(&sync->readers, clock);
	if (how & (RELEASE | RELEASE_READERS))
		clock->at[world->hot.task->pid]++;
}

/* A grace period waits for the readers inside; who reads after it sees what came before it. */
static unsigned int grace_order(const char *label)
{
	if (!strcmp(label, "srcu_read_lock") || !strcmp(label, "srcu_barrier"))
		return ACQUIRE;
	if (!strcmp(label, "srcu_read_unlock") || !strcmp(label, "call_srcu"))
		return RELEASE_READERS;
	return ACQUIRE_READERS | RELEASE;
}

/* Marked accesses (READ_ONCE(), WRITE_ONCE()) have no label and order nothing; labelled ones are the library's own. */
static unsigned int order_of(const struct p2psim_op *op)
{
	switch (op->kind) {
	case P2PSIM_STEP_LOCK:
		return ACQUIRE | ACQUIRE_READERS;
	case P2PSIM_STEP_TRYLOCK:
		return op->access[0].write ? ACQUIRE | ACQUIRE_READERS : ACQUIRE;
	case P2PSIM_STEP_RDLOCK:
	case P2PSIM_STEP_AWAIT:
	case P2PSIM_STEP_SEQ_READ:
	case P2PSIM_STEP_WQ_PREPARE:
		return ACQUIRE;
	case P2PSIM_STEP_UNLOCK:
	case P2PSIM_STEP_DOWNGRADE:
	case P2PSIM_STEP_WQ_WAKE:
		return RELEASE;
	case P2PSIM_STEP_RDUNLOCK:
		return RELEASE_READERS;
	case P2PSIM_STEP_SEQ_WRITE:
		return ACQUIRE | RELEASE;
	case P2PSIM_STEP_READ:
		return op->label ? ACQUIRE : 0;
	case P2PSIM_STEP_WRITE:
		return op->label ? ACQUIRE | RELEASE : 0;
	case P2PSIM_STEP_GRACE:
		return grace_order(op->label);
	default:
		return 0;
	}
}

void p2psim_race_step(struct p2psim_world *world, const struct p2psim_op *op)
{
	/* of a task: who wakes and stops it says itself what that orders */
	if (op->access_count && op->access[0].obj - P2PSIM_OBJ_TASK >= P2PSIM_TASKS_MAX)
		order(world, op->access[0].obj, WHOLE, order_of(op));
}

void p2psim_race_publish_slow(struct p2psim_world *world, uint32_t id)
{
	order(world, id, WHOLE, RELEASE);
}

void p2psim_race_join_slow(struct p2psim_world *world, uint32_t id)
{
	order(world, id, WHOLE, ACQUIRE);
}

void p2psim_race_task_begins(struct p2psim_world *world, const struct p2psim_task *task)
{
	struct p2psim_race *race = p2psim_race_of(world);

	if (!race)
		return;
	join(&race->tasks[task->ts.pid], p2psim_clock_here(world));
	race->tasks[task->ts.pid].at[task->ts.pid]++; /* the slot may have been another task's */
	p2psim_clock_here(world)->at[world->hot.task->pid]++;
}

/* Task 0 hands the world to the tasks, or has it back: what it does outside a run is ordered with all of them. */
void p2psim_race_hand_over(struct p2psim_world *world)
{
	struct p2psim_race *race = p2psim_race_of(world);
	unsigned int i;

	if (!race)
		return;
	for (i = 1; i < world->task_count; i++)
		join(&race->tasks[0], &race->tasks[i]);
	for (i = 1; i < world->task_count; i++) {
		race->tasks[i].at[0] = race->tasks[0].at[0];
		race->tasks[i].at[i]++;
	}
	race->tasks[0].at[0]++;
}

static uint32_t locate(struct p2psim_world *world, const void *addr, uint64_t *where)
{
	uint32_t id;

	if (p2psim_slab_find(world, addr, &id, where))
		return id;
	*where = (uintptr_t)addr;
	return OUTSIDE;
}

void p2psim_race_order(const volatile void *addr, bool acquire, bool release)
{
	uint64_t where;
	uint32_t id;

	if (!p2psim_race_on())
		return;
	id = locate(p2psim_world_here(), (const void *)addr, &where);
	order(p2psim_world_here(), id, where, (acquire ? ACQUIRE : 0) | (release ? RELEASE : 0));
}
