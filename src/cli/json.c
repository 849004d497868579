/* SPDX-License-Identifier: MIT */
/*
 * JSON: lines with a schema, integers only; what may need more than 53 bits is a string of hexadecimal digits.
 */
#include <json-c/json.h>

#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "cli/internal.h"

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

static void add_int(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

static void add_hex(struct json_object *o, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	add_string(o, key, text);
}

static int put_line(FILE *out, struct json_object *o)
{
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return ferror(out) ? -1 : 0;
}

static struct json_object *violation_object(const struct p2psim_violation *v)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "oracle", p2psim_oracle_name(v->oracle));
	add_string(o, "text", v->sentence);
	add_string(o, "task", v->task);
	add_int(o, "step", v->step);
	add_int(o, "cause_step", v->cause_step);
	if (v->site) {
		add_string(o, "function", v->site->func);
		add_int(o, "line", (uint64_t)v->site->line);
	}
	add_string(o, "schedule", v->schedule);
	return o;
}

static struct json_object *actors(const struct p2psim_world *world)
{
	struct json_object *list = json_object_new_array(), *actor;
	unsigned int i, count = p2psim_world_task_count(world);

	for (i = 0; i < count; i++) {
		actor = json_object_new_object();
		add_int(actor, "id", i);
		add_string(actor, "name", p2psim_world_task_name(world, i));
		add_string(actor, "kind", "task");
		json_object_array_add(list, actor);
	}
	return list;
}

static int put_header(FILE *out, const struct p2psim_world *world, const struct p2psim_scenario *scenario,
		      const struct p2psim_run_result *result)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "schema", "p2psim.trace");
	add_int(o, "schema_version", 1);
	add_string(o, "scenario", scenario->name);
	add_string(o, "question", scenario->question);
	add_string(o, "source", scenario->source);
	add_string(o, "verdict", p2psim_verdict_name(result->verdict));
	json_object_object_add(o, "as_expected", json_object_new_boolean(result->as_expected));
	add_int(o, "steps", result->steps);
	add_hex(o, "trace_hash", result->trace_hash);
	add_string(o, "schedule", result->schedule);
	if (result->verdict == P2PSIM_VIOLATION)
		json_object_object_add(o, "violation", violation_object(&result->violation));
	add_int(o, "lost_events", p2psim_trace_lost(world));
	json_object_object_add(o, "actors", actors(world));
	return put_line(out, o);
}

/* The ids of the actors that could have gone. */
static struct json_object *enabled_actors(uint64_t mask)
{
	struct json_object *list = json_object_new_array();

	for (; mask; mask &= mask - 1)
		json_object_array_add(list, json_object_new_int(__builtin_ctzll(mask)));
	return list;
}

static int put_event(FILE *out, const struct p2psim_world *world, const struct p2psim_event *event)
{
	static const char *const types[] = { "step", "note", "enter", "leave" };
	struct json_object *o = json_object_new_object();
	char text[256];

	p2psim_event_format(world, event, text, sizeof(text));
	add_int(o, "n", event->step);
	add_int(o, "actor", event->task);
	add_string(o, "type", types[event->type & 3]);
	add_string(o, "text", text);
	if (event->type == P2PSIM_EVENT_STEP) {
		add_string(o, "pt", p2psim_step_kind_name(event->kind));
		if (event->obj)
			add_string(o, "obj", p2psim_world_object_name(world, event->obj));
		json_object_object_add(o, "write", json_object_new_boolean(event->write));
		if (event->last != UINT64_MAX) {
			add_hex(o, "first", event->start);
			add_hex(o, "last", event->last);
		}
		json_object_object_add(o, "enabled", enabled_actors(event->enabled));
		add_int(o, "locks", event->locks);
	}
	if (event->site) {
		add_string(o, "function", event->site->func);
		add_int(o, "line", (uint64_t)event->site->line);
	}
	return put_line(out, o);
}

int cli_write_trace(FILE *out, const struct p2psim_world *world, const struct p2psim_scenario *scenario,
		    const struct p2psim_run_result *result)
{
	size_t i, count = p2psim_trace_count(world);
	int error = put_header(out, world, scenario, result);

	for (i = 0; i < count && !error; i++)
		error = put_event(out, world, p2psim_trace_at(world, i));
	return error;
}

void cli_write_list(FILE *out, const struct cli *cli)
{
	const struct p2psim_scenario *scenario;
	struct json_object *o;
	size_t i;
	int t;

	for (i = 0; (scenario = cli_scenario(cli, i)); i++) {
		struct json_object *tasks = json_object_new_array();

		o = json_object_new_object();
		add_string(o, "schema", "p2psim.scenario");
		add_int(o, "schema_version", 1);
		add_string(o, "name", scenario->name);
		add_string(o, "question", scenario->question);
		add_string(o, "source", scenario->source);
		add_string(o, "expect", p2psim_verdict_name(scenario->expect));
		if (scenario->expect == P2PSIM_VIOLATION)
			add_string(o, "oracle", p2psim_oracle_name(scenario->oracle));
		for (t = 0; t < P2PSIM_SCENARIO_TASKS && scenario->tasks[t].fn; t++)
			json_object_array_add(tasks, json_object_new_string(scenario->tasks[t].name));
		json_object_object_add(o, "tasks", tasks);
		put_line(out, o);
	}
}

void cli_write_quirk(FILE *out, const struct p2psim_quirk_info *quirk)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "schema", "p2psim.quirk");
	add_int(o, "schema_version", 1);
	add_string(o, "id", quirk->id);
	add_string(o, "name", quirk->name);
	add_string(o, "sentence", quirk->sentence);
	add_string(o, "source", quirk->source);
	put_line(out, o);
}

static struct json_object *named_step_object(const struct p2psim_named_step *step)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "task", step->task);
	add_string(o, "text", step->what);
	if (step->step)
		add_int(o, "step", step->step);
	if (step->site) {
		add_string(o, "function", step->site->func);
		add_int(o, "line", (uint64_t)step->site->line);
	}
	return o;
}

static struct json_object *minimal_object(const struct p2psim_scenario *scenario, const struct p2psim_minimal *m)
{
	static const char *const claims[] = { "unknown", "necessary", "exact", "any" };
	struct json_object *o = json_object_new_object(), *needless = json_object_new_array();
	struct json_object *orders = json_object_new_array(), *order;
	unsigned int i;

	add_int(o, "preemptions", m->preemptions);
	add_int(o, "switches", m->switches);
	add_int(o, "steps", m->steps);
	json_object_object_add(o, "certified", json_object_new_boolean(m->certified));
	add_int(o, "exhausted", m->exhausted);
	add_int(o, "exhausted_executions", m->exhausted_executions);
	for (i = 0; i < P2PSIM_SCENARIO_TASKS; i++)
		if (m->needless >> i & 1)
			json_object_array_add(needless, json_object_new_string(scenario->tasks[i].name));
	json_object_object_add(o, "needless", needless);
	add_string(o, "claim", claims[m->claim]);
	add_string(o, "over", m->over_traces ? "traces" : "executions");
	add_int(o, "looked_at", m->looked_at);
	for (i = 0; i < m->order_count; i++) {
		order = json_object_new_object();
		json_object_object_add(order, "first", named_step_object(&m->orders[i].first));
		json_object_object_add(order, "second", named_step_object(&m->orders[i].second));
		json_object_array_add(orders, order);
	}
	json_object_object_add(o, "orders", orders);
	add_int(o, "executions", m->executions);
	add_string(o, "schedule", m->schedule);
	return o;
}

static struct json_object *stages_array(const struct p2psim_explore_result *result)
{
	struct json_object *list = json_object_new_array(), *o;
	unsigned int i;

	for (i = 0; i < result->stage_count; i++) {
		const struct p2psim_explore_stage *stage = &result->stages[i];

		o = json_object_new_object();
		add_string(o, "strategy", p2psim_strategy_name(stage->strategy));
		if (stage->strategy == P2PSIM_EXPLORE_ICB)
			add_int(o, "preemptions", stage->preemptions);
		add_int(o, "executions", stage->executions);
		json_object_object_add(o, "whole", json_object_new_boolean(stage->whole));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *covered_step_object(const struct p2psim_covered_step *step)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "text", step->what);
	add_string(o, "file", step->site->file);
	add_string(o, "function", step->site->func);
	add_int(o, "line", (uint64_t)step->site->line);
	return o;
}

static struct json_object *coverage_object(const struct p2psim_coverage *coverage)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array(), *one;
	size_t i, possible, seen = p2psim_coverage_orders(coverage, &possible);

	for (i = 0; i < p2psim_coverage_pairs(coverage); i++) {
		struct p2psim_covered_pair pair = p2psim_coverage_pair(coverage, i);

		one = json_object_new_object();
		json_object_object_add(one, "first", covered_step_object(&pair.first));
		json_object_object_add(one, "second", covered_step_object(&pair.second));
		json_object_object_add(one, "forward", json_object_new_boolean(pair.forward));
		json_object_object_add(one, "backward", json_object_new_boolean(pair.backward));
		json_object_array_add(list, one);
	}
	add_int(o, "orders", seen);
	add_int(o, "possible", possible);
	json_object_object_add(o, "pairs", list);
	return o;
}

void cli_write_exploration(FILE *out, const struct p2psim_scenario *scenario, const struct p2psim_explore_options *options,
			   const struct p2psim_explore_result *result, const struct p2psim_minimal *minimal)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "schema", "p2psim.exploration");
	add_int(o, "schema_version", 1);
	add_string(o, "scenario", scenario->name);
	add_string(o, "strategy", p2psim_strategy_name(options->strategy));
	if (options->shards) {
		add_int(o, "shard", options->shard);
		add_int(o, "shards", options->shards);
	}
	add_string(o, "verdict", p2psim_verdict_name(result->verdict));
	json_object_object_add(o, "as_expected", json_object_new_boolean(result->as_expected));
	json_object_object_add(o, "complete", json_object_new_boolean(result->complete));
	json_object_object_add(o, "stages", stages_array(result));
	add_int(o, "executions", result->executions);
	add_int(o, "redundant", result->redundant);
	json_object_object_add(o, "pure_retry", json_object_new_boolean(options->pure_retry));
	add_int(o, "collapsed", result->collapsed);
	add_int(o, "cut", result->cut);
	add_int(o, "max_depth", options->max_depth ? options->max_depth : P2PSIM_MAX_DEPTH);
	add_int(o, "traces", result->traces);
	add_int(o, "exists", result->exists);
	add_int(o, "violations", result->violations);
	add_int(o, "deadlocks", result->deadlocks);
	add_int(o, "crashes", result->crashes);
	add_int(o, "failing_traces", result->failing_traces);
	add_hex(o, "traces_hash", result->traces_hash);
	add_int(o, "steps_max", result->steps_max);
	if (result->preemptions_min != UINT32_MAX)
		add_int(o, "preemptions_min", result->preemptions_min);
	if (result->violations)
		json_object_object_add(o, "violation", violation_object(&result->violation));
	add_string(o, "schedule", result->schedule);
	if (options->coverage)
		json_object_object_add(o, "coverage", coverage_object(options->coverage));
	if (minimal)
		json_object_object_add(o, "minimal", minimal_object(scenario, minimal));
	put_line(out, o);
}
