/* SPDX-License-Identifier: MIT */
/*
 * The data-race check: happens-before by vector clocks, for worlds with config.races.
 *
 *	release:  object |= task; task[own]++		acquire:  task |= object
 *
 * A synchronisation object has two clocks: that of its writers (unlock, complete, wake-up) and that of its readers
 * (up_read, end of a read side), which only a writer or a grace period waits for: readers do not order each other.
 * Each eight bytes that were touched remember the last access of each task, kind and bytes.  All of it lies in the
 * arena and is gone with the execution.  Memory is told by allocation and offset, so that an address that is used again
 * is another variable; outside the arena, by address, which is compared and never told.
 */
#include <string.h>

#include <p2psim/race.h>

#include "core/internal.h"

#define BUCKETS 1024u
#define GRANULE 8u
#define OUTSIDE 0xff0000ffu	/* no allocation: `where` is an address */
#define WHOLE UINT64_MAX

struct clock {
	uint32_t at[P2PSIM_TASKS_MAX];
};

struct sync {
	struct sync *next;
	uint32_t id;
	uint64_t where;
	struct clock writers, readers;
};

struct touch {
	struct touch *next;
	const struct p2psim_site *site;
	uint64_t step;
	uint32_t at;
	uint8_t task, bytes;
	bool write;
};

struct cell {
	struct cell *next;
	uint32_t id;
	uint64_t where;
	struct touch *touches;
};

struct p2psim_race {
	struct clock tasks[P2PSIM_TASKS_MAX];
	struct sync *syncs[BUCKETS];
	struct cell *cells[BUCKETS];
};

/* From here on accesses would go unseen: better said than silent. */
static void *out_of_memory(struct p2psim_world *world)
{
	world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_RACE;
	p2psim_violate(P2PSIM_RACE, 0, 0, 0, "the race check has no memory left in the arena and ends here");
	return NULL;
}

static struct p2psim_race *race_of(struct p2psim_world *world)
{
	unsigned int i;

	if (world->race)
		return world->race;
	world->race = p2psim_arena_alloc(sizeof(*world->race));
	if (!world->race)
		return out_of_memory(world);
	for (i = 0; i < P2PSIM_TASKS_MAX; i++)
		world->race->tasks[i].at[i] = 1;
	return world->race;
}

static void join(struct clock *to, const struct clock *from)
{
	unsigned int i;

	for (i = 0; i < P2PSIM_TASKS_MAX; i++)
		if (to->at[i] < from->at[i])
			to->at[i] = from->at[i];
}

static unsigned int bucket(uint32_t id, uint64_t where)
{
	return (unsigned int)(p2psim_mix(p2psim_mix(1, id), where) >> 32) % BUCKETS;
}

static struct sync *sync_of(struct p2psim_world *world, uint32_t id, uint64_t where)
{
	struct p2psim_race *race = race_of(world);
	struct sync **head, *sync;

	if (!race)
		return NULL;
	head = &race->syncs[bucket(id, where)];
	for (sync = *head; sync; sync = sync->next)
		if (sync->id == id && sync->where == where)
			return sync;
	sync = p2psim_arena_alloc(sizeof(*sync));
	if (!sync)
		return out_of_memory(world);
	sync->id = id;
	sync->where = where;
	sync->next = *head;
	return *head = sync;
}

static struct clock *clock_here(struct p2psim_world *world)
{
	return &world->race->tasks[world->hot.task->pid];
}

enum {
	ACQUIRE = 1,		/* what writers published */
	ACQUIRE_READERS = 2,
	RELEASE = 4,
	RELEASE_READERS = 8,
};

static void order(struct p2psim_world *world, uint32_t id, uint64_t where, unsigned int how)
{
	struct sync *sync = how ? sync_of(world, id, where) : NULL;
	struct clock *clock;

	if (!sync)
		return;
	clock = clock_here(world);
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
	if (op->access_count)
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
	struct p2psim_race *race = race_of(world);

	if (!race)
		return;
	join(&race->tasks[task->ts.pid], clock_here(world));
	clock_here(world)->at[world->hot.task->pid]++;
}

/* Task 0 hands the world to the tasks, or has it back: what it does outside a run is ordered with all of them. */
void p2psim_race_hand_over(struct p2psim_world *world)
{
	struct p2psim_race *race = race_of(world);
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

static bool on_own_stack(const struct p2psim_task *task, const char *addr)
{
	const char *stack = task->context.stack;

	return task->ts.pid && addr >= stack && addr < stack + task->context.bytes;
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

static struct cell *cell_of(struct p2psim_world *world, uint32_t id, uint64_t where)
{
	struct p2psim_race *race = race_of(world);
	struct cell **head, *cell;

	if (!race)
		return NULL;
	head = &race->cells[bucket(id, where)];
	for (cell = *head; cell; cell = cell->next)
		if (cell->id == id && cell->where == where)
			return cell;
	cell = p2psim_arena_alloc(sizeof(*cell));
	if (!cell)
		return out_of_memory(world);
	cell->id = id;
	cell->where = where;
	cell->next = *head;
	return *head = cell;
}

static void report(struct p2psim_world *world, const struct touch *other, uint32_t id, bool write, const char *what)
{
	const struct p2psim_site *here = world->hot.site, *there = other->site;

	p2psim_violate(P2PSIM_RACE, other->step, id == OUTSIDE ? 0 : id, 0,
		       "%s %s %s (%s() line %d), which %s %s (%s() line %d): nothing orders them",
		       world->hot.task->comm, write ? "writes" : "reads", what, here ? here->func : "?",
		       here ? here->line : 0, world->tasks[other->task]->ts.comm, other->write ? "wrote" : "read",
		       there ? there->func : "?", there ? there->line : 0);
}

/* The first access of another task that conflicts with this one and is not before it; NULL if there is none. */
static const struct touch *racing(struct p2psim_world *world, const struct cell *cell, unsigned int bytes, bool write)
{
	const struct clock *clock = clock_here(world);
	const struct touch *t;

	for (t = cell->touches; t; t = t->next)
		if ((t->bytes & bytes) && (t->write || write) && t->at > clock->at[t->task])
			return t;
	return NULL;
}

static void remember(struct p2psim_world *world, struct cell *cell, unsigned int bytes, bool write)
{
	unsigned int pid = (unsigned int)world->hot.task->pid;
	struct touch *t;

	for (t = cell->touches; t; t = t->next)
		if (t->task == pid && t->bytes == bytes && t->write == write)
			break;
	if (!t) {
		t = p2psim_arena_alloc(sizeof(*t));
		if (!t) {
			out_of_memory(world);
			return;
		}
		t->next = cell->touches;
		cell->touches = t;
	}
	t->task = (uint8_t)pid;
	t->bytes = (uint8_t)bytes;
	t->write = write;
	t->at = clock_here(world)->at[pid];
	t->step = world->hot.steps;
	t->site = world->hot.site;
}

/* False: there was a race, or no memory; one is enough. */
static bool touch_granule(struct p2psim_world *world, uint32_t id, uint64_t where, unsigned int bytes, bool write,
			  const char *what)
{
	struct cell *cell = cell_of(world, id, where);
	const struct touch *other = cell ? racing(world, cell, bytes, write) : NULL;

	if (other)
		report(world, other, id, write, what);
	if (cell)
		remember(world, cell, bytes, write);
	return cell && !other;
}

void p2psim_race_touch(const volatile void *addr, size_t size, bool write, const char *what)
{
	struct p2psim_world *world = p2psim_world_here();
	uint64_t where, end, first, last;
	uint32_t id;

	if (!p2psim_race_on() || !size || on_own_stack(p2psim_task_here(), (const char *)addr))
		return;
	id = locate(world, (const void *)addr, &where);
	if (id != OUTSIDE && p2psim_ptr_is_freed((const void *)addr)) {
		p2psim_violate(P2PSIM_UAF, 0, id, 0, "%s is %s after the memory it lay in was freed", what,
			       write ? "written" : "read");
		return;
	}
	for (end = where + size; where < end; where = (where | (GRANULE - 1)) + 1) {
		first = where % GRANULE;
		last = end - (where - first) < GRANULE ? end - (where - first) : GRANULE;
		if (!touch_granule(world, id, where - first, (0xffu << first) & (0xffu >> (GRANULE - last)), write, what))
			return;
	}
}
