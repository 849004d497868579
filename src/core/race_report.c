/* SPDX-License-Identifier: MIT */
/*
 * The data-race check: what it says.  No address is told: memory goes by its allocation, or by the name of the variable.
 */
#include <stdio.h>

#include "core/race.h"

#define TEXT 128

static const char *place(struct p2psim_world *world, const void *pc, const struct p2psim_site *site, char text[TEXT])
{
	if (pc)
		return p2psim_place_of(world, pc, true);
	if (site)
		snprintf(text, TEXT, "%s() line %d", site->func, site->line);
	return site ? text : "?";
}

static const struct p2psim_task *owner_of_stack(const struct p2psim_world *world, const char *addr)
{
	unsigned int i;

	for (i = 1; i < world->task_count; i++) {
		const struct p2psim_context *context = &world->tasks[i]->context;

		if (addr >= (const char *)context->stack && addr < (const char *)context->stack + context->bytes)
			return world->tasks[i];
	}
	return NULL;
}

/* "at 16 of open()'s allocation of 64 (line 12)": where in which allocation. */
static void name_allocation(struct p2psim_world *world, const char *addr, uint64_t offset, char *text, size_t room)
{
	const struct p2psim_site *site = NULL;
	uint32_t size = 0;

	p2psim_slab_origin(world, addr, &site, &size);
	if (!site)
		snprintf(text, room, "at %llu of an allocation of %u", (unsigned long long)offset, size);
	else if (p2psim_ptr_is_freed(addr))
		snprintf(text, room, "at %llu of what %s() freed (line %d)", (unsigned long long)offset, site->func, site->line);
	else
		snprintf(text, room, "at %llu of %s()'s allocation of %u (line %d)", (unsigned long long)offset, site->func, size,
			 site->line);
}

static void name_memory(struct p2psim_world *world, const struct p2psim_race_access *access, char text[TEXT])
{
	const struct p2psim_task *owner = owner_of_stack(world, access->addr);
	int used = snprintf(text, TEXT, "%zu byte%s ", access->size, access->size == 1 ? "" : "s");
	size_t room = TEXT - (size_t)used;
	uint64_t offset = 0;
	uint32_t id;

	text += used;
	if (owner)
		snprintf(text, room, "of the stack of %s", owner->ts.comm);
	else if (!p2psim_slab_find(world, access->addr, &id, &offset))
		snprintf(text, room, "of %s", p2psim_place_of(world, access->addr, false));
	else if (id == P2PSIM_OBJ_ARENA)
		snprintf(text, room, "of the scenario's state");
	else
		name_allocation(world, access->addr, offset, text, room);
}

static const char *name(struct p2psim_world *world, const struct p2psim_race_access *access, char text[TEXT])
{
	if (access->what)
		return access->what;
	name_memory(world, access, text);
	return text;
}

static uint32_t allocation(struct p2psim_world *world, const char *addr)
{
	uint64_t offset;
	uint32_t id = 0;

	p2psim_slab_find(world, addr, &id, &offset);
	return id;
}

/* The sentence has both places; the site of compiled code would be that of the last kernel-named call. */
void p2psim_race_report(struct p2psim_world *world, const struct p2psim_race_access *access,
			const struct p2psim_touch *other)
{
	const struct p2psim_site *site = world->hot.site;
	char variable[TEXT], here[TEXT], there[TEXT], size[32] = "";

	if (other->size != access->size)
		snprintf(size, sizeof(size), " (%u byte%s)", other->size, other->size == 1 ? "" : "s");
	if (access->pc)
		world->hot.site = NULL;
	p2psim_violate(P2PSIM_RACE, other->step, allocation(world, access->addr), 0,
		       "%s %s%s %s (%s), which %s %s%s%s (%s): nothing orders them", world->hot.task->comm,
		       access->how & P2PSIM_RACE_WRITE ? "writes" : "reads", access->how & P2PSIM_RACE_MARKED ? ", marked," : "",
		       name(world, access, variable), place(world, access->pc, site, here), world->tasks[other->task]->ts.comm,
		       other->how & P2PSIM_RACE_WRITE ? "wrote" : "read", other->how & P2PSIM_RACE_MARKED ? ", marked" : "",
		       size, place(world, other->pc, other->site, there));
	world->hot.site = site;
}

void p2psim_race_report_freed(struct p2psim_world *world, const struct p2psim_race_access *access)
{
	char variable[TEXT], here[TEXT];

	p2psim_violate(P2PSIM_UAF, 0, allocation(world, access->addr), 0,
		       "%s %s %s after the memory was freed (%s)", name(world, access, variable),
		       access->what || access->size == 1 ? "is" : "are",
		       access->how & P2PSIM_RACE_WRITE ? "written" : "read",
		       place(world, access->pc, world->hot.site, here));
}
