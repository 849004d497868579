/* SPDX-License-Identifier: MIT */
/*
 * The data-race check: who accessed what.
 *
 *	shadow (1 KiB)   [ granule 0 | granule 1 | ... ]
 *	                     |
 *	                     +-> last access -> one before -> ...	one for each task, kind and bytes
 *
 * An access that its task made already since it last published anything, with nobody else in between, is the first of
 * its list: then there is nothing to do.  Freed memory is forgotten, so that an address that is used again is another
 * variable; the first access of a granule asks whether it is still freed.  Addresses are compared and never told.
 */
#include "core/race.h"

#define SHADOW_BYTES (P2PSIM_GRANULE * P2PSIM_SHADOW_GRANULES)

static unsigned int bucket(uintptr_t number)
{
	return (unsigned int)((number * 0x9e3779b97f4a7c15ull) >> 32) % P2PSIM_RACE_BUCKETS;
}

static struct p2psim_shadow *shadow_find(struct p2psim_race *race, uintptr_t number)
{
	struct p2psim_shadow *shadow = race->recent;

	if (shadow && shadow->number == number)
		return shadow;
	for (shadow = race->shadows[bucket(number)]; shadow; shadow = shadow->next)
		if (shadow->number == number)
			return race->recent = shadow;
	return NULL;
}

static struct p2psim_shadow *shadow_of(struct p2psim_world *world, struct p2psim_race *race, uintptr_t number)
{
	struct p2psim_shadow *shadow = shadow_find(race, number), **head;

	if (shadow)
		return shadow;
	shadow = p2psim_arena_alloc(sizeof(*shadow));
	if (!shadow)
		return p2psim_race_out_of_memory(world);
	head = &race->shadows[bucket(number)];
	shadow->number = number;
	shadow->next = *head;
	return *head = race->recent = shadow;
}

static bool is_on_stack(const struct p2psim_task *task, const char *addr)
{
	const char *stack = task->context.stack;

	return stack && addr >= stack && addr < stack + task->context.bytes;
}

/* From now on its owner's accesses to its own stack are checked, too. */
static void note_stack(struct p2psim_world *world, const char *addr)
{
	unsigned int i;

	for (i = 1; i < world->task_count; i++)
		if (is_on_stack(world->tasks[i], addr))
			world->race->shared_stacks |= 1ull << i;
}

/* A plain write says all that any other access of these bytes in the same span of time would say. */
static bool says_it_all(const struct p2psim_touch *t, unsigned int task, uint32_t at, unsigned int bytes, unsigned int how)
{
	return t->task == task && t->at == at && !(bytes & ~(unsigned int)t->bytes) &&
	       (t->how == how || t->how == P2PSIM_RACE_WRITE);
}

/* An access of another task that conflicts with this one and is not before it; NULL if there is none. */
static const struct p2psim_touch *racing(const struct p2psim_clock *clock, const struct p2psim_touch *t, unsigned int bytes,
					 unsigned int how)
{
	for (; t; t = t->next)
		if ((t->bytes & bytes) && ((t->how | how) & P2PSIM_RACE_WRITE) && !(t->how & how & P2PSIM_RACE_MARKED) &&
		    t->at > clock->at[t->task])
			return t;
	return NULL;
}

/* The task's record of this kind of access, taken out of the list, or a new one. */
static struct p2psim_touch *take(struct p2psim_race *race, struct p2psim_touch **list, unsigned int task, unsigned int bytes,
				 unsigned int how)
{
	struct p2psim_touch *t;

	for (; *list; list = &(*list)->next) {
		t = *list;
		if (t->task != task || t->bytes != bytes || t->how != how)
			continue;
		*list = t->next;
		return t;
	}
	t = race->unused;
	if (t)
		race->unused = t->next;
	return t ? t : p2psim_arena_alloc(sizeof(*t));
}

static bool remember(struct p2psim_world *world, struct p2psim_touch **list, const struct p2psim_race_access *access,
		     unsigned int bytes)
{
	unsigned int pid = (unsigned int)world->hot.task->pid;
	struct p2psim_touch *t = take(world->race, list, pid, bytes, access->how);

	if (!t) {
		p2psim_race_out_of_memory(world);
		return false;
	}
	t->task = (uint8_t)pid;
	t->bytes = (uint8_t)bytes;
	t->how = (uint8_t)access->how;
	t->at = p2psim_clock_here(world)->at[pid];
	t->size = access->size < UINT32_MAX ? (uint32_t)access->size : UINT32_MAX;
	t->step = world->hot.steps;
	t->site = world->hot.site;
	t->pc = access->pc;
	t->next = *list;
	*list = t;
	return true;
}

/* False: nothing more to look at in this access. */
static bool touch_granule(struct p2psim_world *world, struct p2psim_touch **list, const struct p2psim_race_access *access,
			  const char *addr, unsigned int bytes)
{
	const struct p2psim_touch *other;

	if (!*list) {
		if (p2psim_ptr_is_freed(addr)) {
			p2psim_race_report_freed(world, access);
			return false;
		}
		note_stack(world, addr);
	}
	other = racing(p2psim_clock_here(world), *list, bytes, access->how);
	if (other)
		p2psim_race_report(world, access, other);
	return remember(world, list, access, bytes) && !other;
}

/* Its own stack is nobody else's, unless somebody else was there. */
static bool is_private(struct p2psim_world *world, struct p2psim_race *race, const char *addr)
{
	const struct p2psim_task *task = p2psim_task_here();

	if (!is_on_stack(task, addr))
		return false;
	return !(race->shared_stacks & 1ull << task->ts.pid) || !shadow_find(race, (uintptr_t)addr / SHADOW_BYTES);
}

static void look(struct p2psim_world *world, const struct p2psim_race_access *access)
{
	struct p2psim_race *race = p2psim_race_of(world);
	uintptr_t at = (uintptr_t)access->addr, end = at + access->size;
	unsigned int pid = (unsigned int)world->hot.task->pid;

	if (!race || is_private(world, race, access->addr))
		return;
	for (; at < end; at = (at | (P2PSIM_GRANULE - 1)) + 1) {
		unsigned int first = at % P2PSIM_GRANULE;
		uintptr_t last = end - (at - first) < P2PSIM_GRANULE ? end - (at - first) : P2PSIM_GRANULE;
		unsigned int bytes = (0xffu << first) & (0xffu >> (P2PSIM_GRANULE - last));
		struct p2psim_shadow *shadow = shadow_of(world, race, at / SHADOW_BYTES);
		struct p2psim_touch **list;

		if (!shadow)
			return;
		list = &shadow->granule[at / P2PSIM_GRANULE % P2PSIM_SHADOW_GRANULES];
		if (*list && says_it_all(*list, pid, race->tasks[pid].at[pid], bytes, access->how))
			continue;
		if (!touch_granule(world, list, access, (const char *)at, bytes))
			return;
	}
}

void p2psim_race_touch(const volatile void *addr, size_t size, bool write, const char *what)
{
	struct p2psim_race_access access = { (const char *)addr, size, write ? P2PSIM_RACE_WRITE : P2PSIM_RACE_READ, NULL, what };

	if (p2psim_race_on())
		look(p2psim_world_here(), &access);
}

/* What the library's own inline functions touch in the world is no variable of the driver; nor is READ_ONCE()'s value. */
void p2psim_race_access(const volatile void *addr, size_t size, enum p2psim_race_how how, const void *pc)
{
	struct p2psim_race_access access = { (const char *)addr, size, how, pc, NULL };
	struct p2psim_world *world = p2psim_world_here();

	if (!p2psim_race_on() || (uintptr_t)addr - (uintptr_t)world < sizeof(*world) || addr == (void *)&p2psim_hot ||
	    p2psim_once_was(world, addr, size))
		return;
	look(world, &access);
}

void p2psim_race_volatile(const volatile void *addr, size_t size, bool write)
{
	struct p2psim_world *world = p2psim_world_here();

	if (world && world->hot.busy && !p2psim_once_was(world, addr, size))
		p2psim_once(addr, size, write);
}

void p2psim_race_marked(struct p2psim_world *world, const volatile void *addr, size_t size, bool write)
{
	struct p2psim_race_access access = { (const char *)addr, size,
					     P2PSIM_RACE_MARKED | (write ? P2PSIM_RACE_WRITE : P2PSIM_RACE_READ), NULL, NULL };

	if (p2psim_race_on())
		look(world, &access);
}

static void forget_granule(struct p2psim_race *race, struct p2psim_touch **list)
{
	struct p2psim_touch **end = list;

	if (!*list)
		return;
	while (*end)
		end = &(*end)->next;
	*end = race->unused;
	race->unused = *list;
	*list = NULL;
}

void p2psim_race_forget_slow(struct p2psim_world *world, const void *addr, size_t size)
{
	uintptr_t at = (uintptr_t)addr / P2PSIM_GRANULE, end = ((uintptr_t)addr + size + P2PSIM_GRANULE - 1) / P2PSIM_GRANULE;
	struct p2psim_shadow *shadow;

	while (world->race && at < end) {
		shadow = shadow_find(world->race, at / P2PSIM_SHADOW_GRANULES);
		if (!shadow) {
			at = (at / P2PSIM_SHADOW_GRANULES + 1) * P2PSIM_SHADOW_GRANULES;
			continue;
		}
		forget_granule(world->race, &shadow->granule[at++ % P2PSIM_SHADOW_GRANULES]);
	}
}
