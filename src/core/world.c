/* SPDX-License-Identifier: MIT */
/*
 * Worlds: made, entered, reset, destroyed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "core/module.h"

__thread struct p2psim_hot *p2psim_hot;

void p2psim_tell_missing(const char *call)
{
	fprintf(stderr, "p2psim: %s: this thread has entered no world (p2psim_world_create() does)\n", call);
}

/* What every execution starts from; the arena, the tasks' stacks and the trace ring are kept. */
static void begin_execution(struct p2psim_world *world)
{
	world->hot.steps = 0;
	world->hot.epoch = ++world->epochs ? world->epochs : ++world->epochs;
	world->hot.site = NULL;
	world->hot.busy = world->events ? P2PSIM_BUSY_TRACE : 0;
	if (world->strategy)
		world->hot.busy |= P2PSIM_BUSY_STRATEGY;
	if (world->config.races)
		world->hot.busy |= P2PSIM_BUSY_RACE;
	if (world->config.nonpreemptive)
		world->hot.busy |= P2PSIM_BUSY_STOP; /* the watchdog counts steps */
	world->race = NULL;
	world->cpu_since = 0;
	p2psim_retry_reset(world);
	world->marked.addr = NULL;
	world->now = world->main->now = 0;
	world->ended = world->violated = false;
	world->violations = 0;
	world->main_wait = P2PSIM_MAIN_RUNS;
	world->starting = world->starter = world->directed = NULL;
	world->schedule.count = 0;
	world->schedule.truncated = false;
	world->since_deviation = 0;
	world->trace_hash = world->end_hash = 0x70327073696dull;
	world->name_count = 0;
	world->events_wq = NULL;
	world->timers = NULL;
	world->softirq = NULL;
	p2psim_modules_let_go(world);
	memcpy(world->adversary_left, world->config.adversary, sizeof(world->adversary_left));
	memset(&world->rcu, 0, sizeof(world->rcu));
	memset(world->layer, 0, sizeof(world->layer));
	memset(world->layer_check, 0, sizeof(world->layer_check));
	memset(world->once, 0, sizeof(world->once));
	p2psim_lockdep_reset(&world->lockdep);
	p2psim_trace_reset(world);
	p2psim_tasks_reset(world);
}

static int set_config(struct p2psim_world *world, const struct p2psim_config *config)
{
	uint64_t events = 1;
	struct p2psim_event *ring = NULL;

	if (config->trace_events) {
		while (events < config->trace_events)
			events *= 2;
		if (!world->events || world->event_mask + 1 != events) {
			ring = malloc(events * sizeof(*ring));
			if (!ring)
				return -ENOMEM;
		} else {
			ring = world->events;
			world->events = NULL;
		}
	}
	free(world->events);
	world->events = ring;
	world->event_mask = ring ? events - 1 : 0;
	world->config = *config;
	if (!world->config.ram_pages)
		world->config.ram_pages = 262144;
	if (!world->config.max_map_count)
		world->config.max_map_count = 65530;
	return 0;
}

struct p2psim_world *p2psim_world_create(const struct p2psim_config *config)
{
	static const struct p2psim_config defaults;
	struct p2psim_world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	if (!config)
		config = &defaults;
	if (set_config(world, config))
		goto free_world;
	if (p2psim_arena_create(&world->arena, config->arena_bytes))
		goto free_events;
	world->main = p2psim_task_alloc(world, "main");
	if (!world->main)
		goto destroy_arena;
	p2psim_context_of_thread(&world->main->context);
	begin_execution(world);
	p2psim_hot = &world->hot;
	return world;

destroy_arena:
	p2psim_arena_destroy(&world->arena);
free_events:
	free(world->events);
free_world:
	free(world);
	return NULL;
}

void p2psim_world_destroy(struct p2psim_world *world)
{
	if (!world)
		return;
	if (p2psim_hot == &world->hot)
		p2psim_hot = NULL;
	p2psim_modules_let_go(world);
	p2psim_tasks_destroy(world);
	p2psim_arena_destroy(&world->arena);
	free(world->events);
	free(world->names);
	p2psim_places_free(world->places);
	free(world->schedule.deviations);
	free(world);
}

struct p2psim_world *p2psim_world_current(void)
{
	return p2psim_world_here();
}

struct p2psim_world *p2psim_world_enter(struct p2psim_world *world)
{
	struct p2psim_world *left = p2psim_world_here();

	p2psim_hot = world ? &world->hot : NULL;
	if (world)
		p2psim_context_of_thread(&world->main->context);
	return left;
}

void p2psim_world_reset(struct p2psim_world *world)
{
	p2psim_arena_reset(&world->arena);
	begin_execution(world);
}

int p2psim_world_reconfigure(struct p2psim_world *world, const struct p2psim_config *config)
{
	int error = set_config(world, config);

	if (!error)
		p2psim_world_reset(world);
	return error;
}

const struct p2psim_config *p2psim_world_config(const struct p2psim_world *world)
{
	return &world->config;
}

uint64_t p2psim_world_steps(const struct p2psim_world *world)
{
	return world->hot.steps;
}

uint64_t p2psim_now(void)
{
	uint64_t now;

	if (p2psim_world_missing("p2psim_now"))
		return 0;
	now = p2psim_task_here()->now;
	return now > p2psim_world_here()->now ? now : p2psim_world_here()->now;
}

uint64_t p2psim_world_trace_hash(const struct p2psim_world *world)
{
	return world->trace_hash;
}

uint64_t p2psim_world_end_hash(const struct p2psim_world *world)
{
	return world->end_hash;
}

void p2psim_world_set_schedule_text(struct p2psim_world *world,
				    int (*text)(struct p2psim_world *world, char *buf, size_t size), const void *scenario)
{
	world->schedule_text = text;
	world->scenario = scenario;
}

const void *p2psim_world_scenario(const struct p2psim_world *world)
{
	return world->scenario;
}
