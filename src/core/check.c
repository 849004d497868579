/* SPDX-License-Identifier: MIT */
/*
 * Violations: the first of an execution is kept, all are counted and told.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <p2psim/linux/kernel.h>

#include "core/internal.h"

static const char *const oracle_names[P2PSIM_ORACLE_NR] = {
	[P2PSIM_NO_ORACLE] = "none",	   [P2PSIM_STALE] = "STALE",	   [P2PSIM_UAF] = "UAF",
	[P2PSIM_DEADLOCK] = "DEADLOCK",	   [P2PSIM_LOCKGRAPH] = "LOCKGRAPH", [P2PSIM_PROGRESS] = "PROGRESS",
	[P2PSIM_BALANCE] = "BALANCE",	   [P2PSIM_CONTRACT] = "CONTRACT", [P2PSIM_RANGE] = "RANGE",
	[P2PSIM_LEAK] = "LEAK",		   [P2PSIM_DATA] = "DATA",	   [P2PSIM_CHECK_FAILED] = "CHECK",
	[P2PSIM_CRASH] = "CRASH",	   [P2PSIM_RACE] = "RACE",
};

const char *p2psim_oracle_name(enum p2psim_oracle oracle)
{
	return (unsigned int)oracle < P2PSIM_ORACLE_NR ? oracle_names[oracle] : "none";
}

enum p2psim_oracle p2psim_oracle_by_name(const char *name)
{
	int i;

	for (i = 1; i < P2PSIM_ORACLE_NR; i++)
		if (!strcasecmp(name, oracle_names[i]))
			return (enum p2psim_oracle)i;
	return P2PSIM_NO_ORACLE;
}

bool p2psim_oracle_on(enum p2psim_oracle oracle)
{
	return p2psim_hot && !(p2psim_world_here()->config.oracles_off & (1u << oracle));
}

static void tell(struct p2psim_world *world, const struct p2psim_violation *violation)
{
	if (world->on_violation)
		world->on_violation(violation, world->on_violation_arg);
	else if (!world->scenario)
		fprintf(stderr, "p2psim: %s: %s (task %s, step %llu)\n", p2psim_oracle_name(violation->oracle),
			violation->sentence, violation->task, (unsigned long long)violation->step);
}

static void keep(struct p2psim_world *world, struct p2psim_violation *violation, const char *fmt, va_list args)
{
	violation->step = world->hot.steps;
	violation->site = world->hot.site;
	snprintf(violation->task, sizeof(violation->task), "%s", world->hot.task->comm);
	vsnprintf(violation->sentence, sizeof(violation->sentence), fmt, args);
	if (world->schedule_text)
		world->schedule_text(world, violation->schedule, sizeof(violation->schedule));
	p2psim_note("<== %s", P2PSIM_STR(p2psim_oracle_name(violation->oracle)));
	world->violations++;
	if (!world->violated)
		world->violation = *violation;
	world->violated = true;
	tell(world, violation);
}

void p2psim_violate(enum p2psim_oracle oracle, uint64_t cause_step, uint32_t obj1, uint32_t obj2, const char *fmt, ...)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_violation violation = { .oracle = oracle, .cause_step = cause_step, .object = { obj1, obj2 } };
	va_list args;

	if (p2psim_world_missing("a violation") || !p2psim_oracle_on(oracle) || world->ended)
		return;
	va_start(args, fmt);
	keep(world, &violation, fmt, args);
	va_end(args);
	if (p2psim_task_here() != world->main)
		p2psim_end_execution(world);
}

void p2psim_world_died(struct p2psim_world *world, unsigned int task, enum p2psim_oracle oracle, const char *fmt, ...)
{
	struct task_struct *main = world->hot.task;
	struct p2psim_violation violation = { .oracle = oracle };
	va_list args;

	world->hot.task = &world->tasks[task]->ts;
	if (task)
		p2psim_take_step(world, world->tasks[task]);
	va_start(args, fmt);
	keep(world, &violation, fmt, args);
	va_end(args);
	world->hot.task = main;
	p2psim_world_end(world);
}

void p2psim_warn(const char *condition)
{
	p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "WARN_ON(%s)", condition);
}

const struct p2psim_violation *p2psim_world_violation(const struct p2psim_world *world)
{
	return world->violated ? &world->violation : NULL;
}

void p2psim_world_forgive(struct p2psim_world *world)
{
	world->violated = false;
	world->ended = false;
	world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_ENDED;
}

void p2psim_world_on_violation(struct p2psim_world *world, p2psim_violation_handler handler, void *arg)
{
	world->on_violation = handler;
	world->on_violation_arg = arg;
}
