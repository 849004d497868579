/* SPDX-License-Identifier: MIT */
/*
 * Ids and names of objects, and the identity of marked variables.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/linux/kernel.h>

#include "core/internal.h"

#define OBJECT_STACK 0x00fffffeu	/* in the number field: "the stack of that task" */

uint32_t p2psim_next_id(struct p2psim_world *world)
{
	struct p2psim_task *task = p2psim_task_here();

	(void)world;
	return ((uint32_t)task->ts.pid << 24) | (++task->objects & 0xffffffu);
}

static void remember_name(struct p2psim_world *world, uint32_t id, const char *name)
{
	size_t space = world->name_space ? 2 * world->name_space : 256;
	struct p2psim_named *names;

	if (world->name_count == world->name_space) {
		names = realloc(world->names, space * sizeof(*names));
		if (!names)
			return; /* the object stays "?" */
		world->names = names;
		world->name_space = space;
	}
	world->names[world->name_count].id = id;
	world->names[world->name_count++].name = name;
}

void p2psim_object_init(struct p2psim_object *obj, const char *name)
{
	struct p2psim_world *world = p2psim_world_here();

	obj->name = name;
	if (p2psim_world_missing(name))
		return;
	obj->id = p2psim_next_id(world);
	obj->epoch = world->hot.epoch;
	remember_name(world, obj->id, name);
}

uint32_t p2psim_object_id_slow(struct p2psim_object *obj)
{
	if (p2psim_world_missing("an object"))
		return 0;
	if (p2psim_ptr_is_freed(obj)) {
		uint32_t id = 0;
		uint64_t offset;

		p2psim_slab_find(p2psim_world_here(), obj, &id, &offset);
		p2psim_violate(P2PSIM_UAF, 0, id, 0, "an object is used after the memory it lay in was freed");
		return id;
	}
	if (obj->epoch != p2psim_hot->epoch)
		p2psim_object_init(obj, obj->name ? obj->name : "an object that nobody initialised");
	return obj->id;
}

void p2psim_object_rename(struct p2psim_object *obj, const char *fmt, ...)
{
	char text[128], *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (p2psim_world_missing(fmt))
		return;
	copy = p2psim_arena_alloc(strlen(text) + 1);
	if (copy)
		remember_name(p2psim_world_here(), p2psim_object_id(obj), strcpy(copy, text));
}

const char *p2psim_world_object_name(const struct p2psim_world *world, uint32_t id)
{
	size_t i = world->name_count;

	if (id == P2PSIM_OBJ_RAM)
		return "RAM";
	if (id == P2PSIM_OBJ_BAR)
		return "BAR";
	if (id == P2PSIM_OBJ_PID)
		return "pid";
	if (id == P2PSIM_OBJ_ARENA)
		return "state";
	if (id >= P2PSIM_OBJ_TASK && id < P2PSIM_OBJ_TASK + P2PSIM_TASKS_MAX)
		return p2psim_world_task_name(world, id - P2PSIM_OBJ_TASK);
	while (i--)
		if (world->names[i].id == id)
			return world->names[i].name;
	return "?";
}

/* A variable outside the arena: a static one, numbered by first use; or on a task's stack, where all count as one. */
static uint32_t outside_id(struct p2psim_world *world, const void *addr)
{
	size_t i, slot = ((uintptr_t)addr >> 3) % 256;
	unsigned int t;

	for (t = 1; t < world->task_count; t++) {
		struct p2psim_context *context = &world->tasks[t]->context;

		if ((const char *)addr >= (const char *)context->stack &&
		    (const char *)addr < (const char *)context->stack + context->bytes)
			return (t << 24) | OBJECT_STACK;
	}
	for (i = 0; i < 256; i++, slot = (slot + 1) % 256) {
		if (world->once[slot].addr == addr)
			return world->once[slot].id;
		if (!world->once[slot].addr) {
			world->once[slot].addr = addr;
			return world->once[slot].id = p2psim_next_id(world);
		}
	}
	return OBJECT_STACK; /* the table is full: all the rest count as one object */
}

static void once_is_live(const void *addr, uint32_t id, bool write)
{
	if (p2psim_ptr_is_freed(addr))
		p2psim_violate(P2PSIM_UAF, 0, id, 0, "a marked variable is %s after the memory it lay in was freed",
			       write ? "written" : "read");
}

/* Others may free it while the step is pending: it is looked at again when the access follows. */
void p2psim_once(const volatile void *addr, size_t size, bool write)
{
	bool in_arena;
	struct p2psim_hot *hot = p2psim_hot;
	uint64_t offset = 0;
	uint32_t id;

	if (p2psim_world_missing("READ_ONCE/WRITE_ONCE"))
		return;
#ifndef P2PSIM_ASAN
	if (!hot->busy && !(write ? 0 : *(const volatile uint8_t *)addr == 0x6b)) {
		hot->steps++;
		return;
	}
#endif
	in_arena = p2psim_slab_find(p2psim_world_here(), (const void *)addr, &id, &offset);
	if (in_arena)
		once_is_live((const void *)addr, id, write);
	else
		id = outside_id(p2psim_world_here(), (const void *)addr);
	p2psim_step_range(write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ, id, write, offset, offset + size - 1, NULL);
	if (in_arena)
		once_is_live((const void *)addr, id, write);
	p2psim_once_done(p2psim_world_here(), addr, size, write);
	(void)hot;
}
