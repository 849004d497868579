/* SPDX-License-Identifier: MIT */
/*
 * The trace ring, its hash, and the small formatter that turns an event into text when somebody reads it.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/internal.h"

static const char *const kind_names[P2PSIM_STEP_KIND_NR] = {
	[P2PSIM_STEP_LABEL] = "step",	       [P2PSIM_STEP_AWAIT] = "await",
	[P2PSIM_STEP_LOCK] = "lock",	       [P2PSIM_STEP_UNLOCK] = "unlock",
	[P2PSIM_STEP_TRYLOCK] = "trylock",     [P2PSIM_STEP_RDLOCK] = "read-lock",
	[P2PSIM_STEP_RDUNLOCK] = "read-unlock", [P2PSIM_STEP_DOWNGRADE] = "downgrade",
	[P2PSIM_STEP_READ] = "read",	       [P2PSIM_STEP_WRITE] = "write",
	[P2PSIM_STEP_WQ_PREPARE] = "wait.prepare", [P2PSIM_STEP_WQ_CHECK] = "wait.check",
	[P2PSIM_STEP_WQ_SLEEP] = "wait.sleep", [P2PSIM_STEP_WQ_WAKE] = "wake",
	[P2PSIM_STEP_GRACE] = "grace",	       [P2PSIM_STEP_SEQ_READ] = "seq.read",
	[P2PSIM_STEP_SEQ_WRITE] = "seq.write", [P2PSIM_STEP_PTE_READ] = "pte.read",
	[P2PSIM_STEP_PTE_WRITE] = "pte.write", [P2PSIM_STEP_VMA_READ] = "vma.read",
	[P2PSIM_STEP_VMA_WRITE] = "vma.write", [P2PSIM_STEP_CB_ENTER] = "callback.enter",
	[P2PSIM_STEP_CB_EXIT] = "callback.exit", [P2PSIM_STEP_DMA_READ] = "dma.read",
	[P2PSIM_STEP_DMA_WRITE] = "dma.write", [P2PSIM_STEP_TLB] = "tlb",
	[P2PSIM_STEP_MEM_READ] = "load",       [P2PSIM_STEP_MEM_WRITE] = "store",
	[P2PSIM_STEP_CHOICE] = "choice",
};

const char *p2psim_step_kind_name(enum p2psim_step_kind kind)
{
	return (unsigned int)kind < P2PSIM_STEP_KIND_NR ? kind_names[kind] : "?";
}

void p2psim_trace_reset(struct p2psim_world *world)
{
	world->event_count = 0;
	memset(world->strings, 0, sizeof(world->strings));
}

static struct p2psim_event *next_event(struct p2psim_world *world)
{
	struct p2psim_event *event = &world->events[world->event_count++ & world->event_mask];

	event->step = world->hot.steps;
	event->task = (uint8_t)world->hot.task->pid;
	event->site = world->hot.site;
	return event;
}

void p2psim_trace_step(struct p2psim_world *world, struct p2psim_task *task, uint64_t enabled)
{
	const struct p2psim_op *op = &task->pending;
	const struct p2psim_access *access = &op->access[0];
	struct p2psim_event *event;

	world->trace_hash = p2psim_mix(world->trace_hash, (uint64_t)task->ts.pid << 32 | op->kind);
	if (op->access_count) {
		world->trace_hash = p2psim_mix(world->trace_hash, (uint64_t)access->obj << 1 | access->write);
		world->trace_hash = p2psim_mix(world->trace_hash, access->start);
	}
	if (!world->events)
		return;
	event = next_event(world);
	event->type = P2PSIM_EVENT_STEP;
	event->kind = (uint8_t)op->kind;
	event->write = access->write != 0;
	event->obj = op->access_count ? access->obj : 0;
	event->text = op->label;
	event->start = access->start;
	event->last = access->last;
	event->enabled = enabled;
	event->locks = task->held_count;
}

/* The string in memory that lives as long as the execution: names are few, so each is copied once. */
static const char *keep_string(struct p2psim_world *world, const char *text)
{
	uint64_t hash = 0;
	const char *at;
	size_t slot, tries;
	char *copy;

	for (at = text; *at; at++)
		hash = p2psim_mix(hash, (unsigned char)*at);
	slot = hash % P2PSIM_STRINGS;
	for (tries = 0; tries < P2PSIM_STRINGS && world->strings[slot]; tries++, slot = (slot + 1) % P2PSIM_STRINGS)
		if (!strcmp(world->strings[slot], text))
			return world->strings[slot];
	copy = p2psim_arena_text(&world->arena, strlen(text) + 1);
	if (!copy)
		return "?";
	strcpy(copy, text);
	if (tries < P2PSIM_STRINGS)
		world->strings[slot] = copy;
	return copy;
}

/* A %s argument may go before the trace is read. */
static void keep_strings(struct p2psim_world *world, struct p2psim_event *event)
{
	const char *f = event->text;
	unsigned int arg = 0;

	for (; *f && arg < P2PSIM_TRACE_ARGS; f++) {
		if (*f != '%' || !f[1] || *++f == '%')
			continue;
		if (*f == 's' && event->arg[arg])
			event->arg[arg] = P2PSIM_STR(keep_string(world, (const char *)(uintptr_t)event->arg[arg]));
		arg++;
	}
}

void p2psim_trace_add(enum p2psim_event_type type, const char *format, unsigned int count, const uint64_t *args)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_event *event;
	unsigned int i;

	if (!world || !world->events)
		return;
	event = next_event(world);
	event->type = (uint8_t)type;
	event->kind = 0;
	event->write = 0;
	event->obj = 0;
	event->text = format;
	for (i = 0; i < P2PSIM_TRACE_ARGS; i++)
		event->arg[i] = i < count ? args[i] : 0;
	keep_strings(world, event);
}

size_t p2psim_trace_count(const struct p2psim_world *world)
{
	if (!world->events)
		return 0;
	return world->event_count <= world->event_mask ? world->event_count : world->event_mask + 1;
}

uint64_t p2psim_trace_lost(const struct p2psim_world *world)
{
	return world->event_count - p2psim_trace_count(world);
}

const struct p2psim_event *p2psim_trace_at(const struct p2psim_world *world, size_t i)
{
	return &world->events[(p2psim_trace_lost(world) + i) & world->event_mask];
}

/* A bounded string under construction; `used` counts on past the end, as snprintf does. */
struct text {
	char *buf;
	size_t size, used;
};

static void put(struct text *text, const char *fmt, ...) P2PSIM_PRINTF(2, 3);
static void put(struct text *text, const char *fmt, ...)
{
	size_t room = text->used < text->size ? text->size - text->used : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room ? text->buf + text->used : NULL, room, fmt, args);
	va_end(args);
	if (n > 0)
		text->used += (size_t)n;
}

static const char *errno_text(int error)
{
	switch (error < 0 ? -error : error) {
	case 0: return "0";
	case 512: return "-ERESTARTSYS";
	default: return strerrorname_np(error < 0 ? -error : error);
	}
}

static void put_arg(const struct p2psim_world *world, struct text *text, char conversion, uint64_t arg)
{
	const char *name;

	switch (conversion) {
	case 'd': put(text, "%lld", (long long)arg); break;
	case 'u': put(text, "%llu", (unsigned long long)arg); break;
	case 'x': put(text, "%llx", (unsigned long long)arg); break;
	case 'p': put(text, "0x%llx", (unsigned long long)arg); break;
	case 's': put(text, "%s", arg ? (const char *)(uintptr_t)arg : "(null)"); break;
	case 'o': put(text, "%s", p2psim_world_object_name(world, (uint32_t)arg)); break;
	case 't': put(text, "%s", p2psim_world_task_name(world, (unsigned int)arg)); break;
	case 'e':
		name = errno_text((int)arg);
		put(text, "%s%s", (int)arg < 0 && name && name[0] != '-' ? "-" : "", name ? name : "?");
		break;
	default: put(text, "%%%c", conversion); break;
	}
}

static void put_note(const struct p2psim_world *world, struct text *text, const struct p2psim_event *event)
{
	const char *f = event->text;
	unsigned int arg = 0;

	for (; *f; f++) {
		if (*f != '%' || !f[1])
			put(text, "%c", *f);
		else if (*++f == '%')
			put(text, "%%");
		else
			put_arg(world, text, *f, arg < P2PSIM_TRACE_ARGS ? event->arg[arg++] : 0);
	}
}

static void put_step(const struct p2psim_world *world, struct text *text, const struct p2psim_event *event)
{
	if (event->kind == P2PSIM_STEP_LABEL && event->text) {
		put(text, "%s", event->text);
		return;
	}
	put(text, "%s", p2psim_step_kind_name((enum p2psim_step_kind)event->kind));
	if (event->obj)
		put(text, " %s", p2psim_world_object_name(world, event->obj));
	if (event->obj && event->last != UINT64_MAX && event->last == event->start)
		put(text, "[%llx]", (unsigned long long)event->start);
	else if (event->obj && event->last != UINT64_MAX)
		put(text, "[%llx-%llx]", (unsigned long long)event->start, (unsigned long long)event->last);
	if (event->text)
		put(text, " (%s)", event->text);
}

int p2psim_event_format(const struct p2psim_world *world, const struct p2psim_event *event, char *buf, size_t size)
{
	struct text text = { buf, size, 0 };

	if (size)
		buf[0] = '\0';
	if (event->type == P2PSIM_EVENT_STEP)
		put_step(world, &text, event);
	else
		put_note(world, &text, event);
	return (int)text.used;
}
