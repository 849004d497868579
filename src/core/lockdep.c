/* SPDX-License-Identifier: MIT */
/*
 * The lock graph.
 *
 *	L1. Every lock taken while others are held adds an edge from each class held to the class taken, unless it was a
 *	    trylock, which cannot wait.
 *	L2. The graph has no cycle.  The edge that would close one is reported with both places, hang or not.
 *	L3. Two locks of one class nest only with a subclass of their own (mutex_lock_nested()).
 *	L4. A lock is released by the task that holds it; a task ends with none.
 *	L5. Nobody sleeps with a spinlock, in an RCU read side, in a non-blockable section or with interrupts off.
 *	L6. A spinlock that an interrupt handler takes is taken with interrupts off everywhere else: else the handler may
 *	    interrupt its holder and wait for ever.  Readers of an rwlock do not disturb each other.
 *
 * Classes outlive an execution (they are only numbers), edges do not: what one schedule shows, its replay shows.
 */
#include <string.h>

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/mutex.h>

#include "core/internal.h"

void p2psim_lockdep_reset(struct p2psim_lockdep *lockdep)
{
	unsigned int i;

	if (lockdep->edge_count)
		for (i = 0; i < lockdep->class_count; i++)
			memset(lockdep->classes[i].after, 0, sizeof(lockdep->classes[i].after));
	if (lockdep->irq_sites)
		for (i = 0; i < lockdep->class_count; i++)
			memset(lockdep->classes[i].irq_site, 0, sizeof(lockdep->classes[i].irq_site));
	lockdep->irq_sites = false;
	lockdep->edge_count = 0;
}

/* The class of (name, subclass), made at its first use; 0 when there are too many: then it is not watched. */
static unsigned int class_of(struct p2psim_lockdep *lockdep, const char *name, unsigned int subclass)
{
	unsigned int i;

	for (i = 1; i < lockdep->class_count; i++)
		if (lockdep->classes[i].name == name && lockdep->classes[i].subclass == subclass)
			return i;
	for (i = 1; i < lockdep->class_count; i++)
		if (lockdep->classes[i].subclass == subclass && !strcmp(lockdep->classes[i].name, name))
			return i;
	if (!lockdep->class_count)
		lockdep->class_count = 1;
	if (lockdep->class_count == P2PSIM_CLASSES_MAX)
		return 0;
	lockdep->classes[lockdep->class_count].name = name;
	lockdep->classes[lockdep->class_count].subclass = subclass;
	return lockdep->class_count++;
}

static bool has_edge(const struct p2psim_lockdep *lockdep, unsigned int from, unsigned int to)
{
	return lockdep->classes[from].after[to / 64] >> (to % 64) & 1;
}

/* Is there a way from -> ... -> to?  Fills next[] with the first hop of each class on the way back. */
static bool reaches(const struct p2psim_lockdep *lockdep, unsigned int from, unsigned int to, uint8_t *came_from)
{
	uint8_t queue[P2PSIM_CLASSES_MAX];
	unsigned int head = 0, tail = 0, i;
	uint64_t seen[P2PSIM_CLASSES_MAX / 64] = {};

	queue[tail++] = (uint8_t)from;
	seen[from / 64] |= 1ull << (from % 64);
	while (head < tail) {
		unsigned int class = queue[head++];

		if (class == to)
			return true;
		for (i = 1; i < lockdep->class_count; i++) {
			if (!has_edge(lockdep, class, i) || (seen[i / 64] >> (i % 64) & 1))
				continue;
			seen[i / 64] |= 1ull << (i % 64);
			came_from[i] = (uint8_t)class;
			queue[tail++] = (uint8_t)i;
		}
	}
	return false;
}

static const struct p2psim_edge *find_edge(const struct p2psim_lockdep *lockdep, unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = 0; i < lockdep->edge_count; i++)
		if (lockdep->edges[i].from == from && lockdep->edges[i].to == to)
			return &lockdep->edges[i];
	return NULL;
}

static void report_cycle(struct p2psim_world *world, unsigned int held, unsigned int taken, const uint8_t *came_from)
{
	struct p2psim_lockdep *lockdep = &world->lockdep;
	const struct p2psim_edge *edge = find_edge(lockdep, came_from[held], held);
	const char *between = came_from[held] != taken ? lockdep->classes[came_from[held]].name : NULL;

	p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0,
		       "lock order: %s is taken with %s held, but %s%s%s is taken with %s held elsewhere (%s:%d)",
		       lockdep->classes[taken].name, lockdep->classes[held].name, lockdep->classes[held].name,
		       between ? ", by way of " : "", between ? between : "", lockdep->classes[taken].name,
		       edge && edge->to_site ? edge->to_site->func : "?",
		       edge && edge->to_site ? edge->to_site->line : 0);
}

static void add_edge(struct p2psim_world *world, const struct p2psim_held *held, const struct p2psim_held *taken)
{
	struct p2psim_lockdep *lockdep = &world->lockdep;
	uint8_t came_from[P2PSIM_CLASSES_MAX] = {};
	struct p2psim_edge *edge;

	if (reaches(lockdep, taken->lock_class, held->lock_class, came_from))
		report_cycle(world, held->lock_class, taken->lock_class, came_from);
	lockdep->classes[held->lock_class].after[taken->lock_class / 64] |= 1ull << (taken->lock_class % 64);
	if (lockdep->edge_count == ARRAY_SIZE(lockdep->edges))
		return;
	edge = &lockdep->edges[lockdep->edge_count++];
	edge->from = held->lock_class;
	edge->to = taken->lock_class;
	edge->from_site = held->site;
	edge->to_site = taken->site;
	edge->task = (uint8_t)world->hot.task->pid;
}

static void acquire(struct p2psim_world *world, const void *lock, unsigned int class, unsigned int how)
{
	struct p2psim_task *task = p2psim_task_here();
	struct p2psim_held *taken = &task->held[task->held_count];
	unsigned int i;

	if (task->held_count == P2PSIM_HELD_MAX) {
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0, "more than %d locks are held at once", P2PSIM_HELD_MAX);
		return;
	}
	taken->lock = lock;
	taken->site = world->hot.site;
	taken->lock_class = (uint16_t)class;
	taken->how = (uint16_t)how;
	for (i = 0; class && !(how & P2PSIM_LOCK_TRY) && i < task->held_count; i++) {
		const struct p2psim_held *held = &task->held[i];

		if (held->lock_class == class)
			p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0,
				       "%s is taken with another of its class held (%s:%d): name a subclass",
				       world->lockdep.classes[class].name, held->site ? held->site->func : "?",
				       held->site ? held->site->line : 0);
		else if (held->lock_class && !has_edge(&world->lockdep, held->lock_class, class))
			add_edge(world, held, taken);
	}
	task->held_count++;
}

static void release(const void *lock, const char *name)
{
	struct p2psim_task *task = p2psim_task_here();
	unsigned int i = task->held_count;

	while (i--)
		if (task->held[i].lock == lock)
			break;
	if (i == UINT32_MAX) {
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "%s is released by %s, who does not hold it", name, task->ts.comm);
		return;
	}
	task->held_count--;
	for (; i < task->held_count; i++)
		task->held[i] = task->held[i + 1];
}

void p2psim_lockdep_acquire(struct p2psim_lock *lock, unsigned int subclass, unsigned int how)
{
	struct p2psim_world *world = p2psim_world_here();

	if (p2psim_world_missing("a lock"))
		return;
	if (subclass)
		acquire(world, lock, class_of(&world->lockdep, lock->obj.name, subclass), how);
	else {
		if (!lock->lock_class)
			lock->lock_class = class_of(&world->lockdep, lock->obj.name, 0);
		acquire(world, lock, lock->lock_class, how);
	}
}

void p2psim_lockdep_irq(const struct p2psim_lock *lock, unsigned int how)
{
	static const struct p2psim_site nowhere = { .file = "?", .func = "?" };
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_lock_class *class = &world->lockdep.classes[lock->lock_class];
	unsigned int inside = p2psim_task_here()->in_irq, shared = how & P2PSIM_LOCK_SHARED ? 1 : 0;
	const struct p2psim_site *here = world->hot.site ? world->hot.site : &nowhere, *other;

	if (!lock->lock_class || class->irq_site[inside][shared])
		return;
	if (inside ? how & P2PSIM_LOCK_TRY : p2psim_task_here()->irqs_off)
		return;
	class->irq_site[inside][shared] = here;
	world->lockdep.irq_sites = true;
	other = class->irq_site[!inside][0];
	if (!other && !shared)
		other = class->irq_site[!inside][1];
	if (other)
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, lock->obj.id, 0,
			       "%s is taken by an interrupt handler (%s:%d), and elsewhere with interrupts on (%s:%d)",
			       class->name, inside ? here->func : other->func, inside ? here->line : other->line,
			       inside ? other->func : here->func, inside ? other->line : here->line);
}

void p2psim_lockdep_release(struct p2psim_lock *lock)
{
	if (!p2psim_world_missing("a lock"))
		release(lock, lock->obj.name);
}

void p2psim_lock_map_acquire(const struct p2psim_lock_map *map, unsigned int how)
{
	struct p2psim_world *world = p2psim_world_here();

	if (!p2psim_world_missing(map->name))
		acquire(world, map, class_of(&world->lockdep, map->name, 0), how);
}

void p2psim_lock_map_release(const struct p2psim_lock_map *map)
{
	if (!p2psim_world_missing(map->name))
		release(map, map->name);
}

bool p2psim_lock_is_held(const struct p2psim_lock *lock)
{
	const struct p2psim_task *task;
	unsigned int i;

	if (p2psim_world_missing("a lock"))
		return false;
	task = p2psim_task_here();
	for (i = 0; i < task->held_count; i++)
		if (task->held[i].lock == lock)
			return true;
	return p2psim_world_here()->ended;
}

unsigned int p2psim_locks_held(void)
{
	return p2psim_world_missing("a lock") ? 0 : p2psim_task_here()->held_count;
}

void p2psim_assert_held(struct p2psim_lock *lock)
{
	if (!p2psim_lock_is_held(lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, lock->obj.id, 0, "%s must be held here", lock->obj.name);
}

void p2psim_nonblock_start(const char *why)
{
	struct p2psim_task *task;

	if (p2psim_world_missing(why))
		return;
	task = p2psim_task_here();
	if (!task->nonblock_depth++)
		task->nonblock_why = why;
}

void p2psim_nonblock_end(void)
{
	if (!p2psim_world_missing("p2psim_nonblock_end") && p2psim_task_here()->nonblock_depth)
		p2psim_task_here()->nonblock_depth--;
}

bool p2psim_in_atomic(void)
{
	const struct p2psim_task *task = p2psim_hot ? p2psim_task_here() : NULL;

	return task && (task->spin_depth || task->nonblock_depth);
}

void(might_sleep)(void)
{
	const struct p2psim_task *task;

	if (p2psim_world_missing("might_sleep"))
		return;
	task = p2psim_task_here();
	if (task->spin_depth)
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0, "%s may sleep with a spinlock held", task->ts.comm);
	else if (task->rcu_depth)
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0, "%s may sleep in an RCU read side", task->ts.comm);
	else if (task->nonblock_depth)
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0, "%s may sleep in %s", task->ts.comm, task->nonblock_why);
	else if (task->irqs_off)
		p2psim_violate(P2PSIM_LOCKGRAPH, 0, 0, 0, "%s may sleep with interrupts off", task->ts.comm);
}

void p2psim_lockdep_check(struct p2psim_world *world)
{
	const struct p2psim_task *task = p2psim_task_here();
	const struct p2psim_site *site = task->held[0].site;

	if (task->held_count)
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "%u lock(s) are held at the end, the first taken in %s() line %d",
			       task->held_count, site ? site->func : "?", site ? site->line : 0);
	(void)world;
}
