/* SPDX-License-Identifier: MIT */
/*
 * merge: the results of all shards of one exploration, as explore --shard I/N --json printed them, become one.
 *
 * Only where the shards share no trace, so that counts and the hash of the set of traces add up: dpor and sleep.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cli/internal.h"
#include "cli/merge_coverage.h"

#define SHARDS_MAX 256

struct merged {
	char scenario[256], strategy[16];
	unsigned long shards, seen;
	bool has[SHARDS_MAX + 1];
	bool complete, violated, pure;
	uint64_t executions, redundant, collapsed, cut, traces, exists, violations, failing_traces, hash, steps_max;
	uint64_t preemptions_min;
	char schedule[256];	/* of the fewest preemptions */
	struct json_object *coverage;	/* by key; NULL: of no shard */
	unsigned long covered;		/* shards that told theirs */
};

static uint64_t number(struct json_object *o, const char *name)
{
	struct json_object *value = json_object_object_get(o, name);
	const char *text = value ? json_object_get_string(value) : "0";

	return strtoull(text, NULL, 0);
}

static const char *word(struct json_object *o, const char *name)
{
	struct json_object *value = json_object_object_get(o, name);

	return value ? json_object_get_string(value) : "";
}

static int wrong(const char *path, const char *what)
{
	return cli_say(CLI_USAGE, "%s: %s", path, what);
}

static bool is_pure(struct json_object *o)
{
	struct json_object *pure = json_object_object_get(o, "pure_retry");

	return pure && json_object_get_boolean(pure);
}

/* What is added up must be there, and be what explore prints: nothing is taken for 0. */
static int check_types(const char *path, struct json_object *o)
{
	static const struct {
		const char *name;
		enum json_type type;
	} fields[] = {
		{ "schema_version", json_type_int }, { "shard", json_type_int },      { "shards", json_type_int },
		{ "scenario", json_type_string },    { "strategy", json_type_string }, { "verdict", json_type_string },
		{ "complete", json_type_boolean },   { "pure_retry", json_type_boolean }, { "executions", json_type_int },
		{ "redundant", json_type_int },	     { "collapsed", json_type_int },   { "cut", json_type_int },
		{ "traces", json_type_int },	     { "exists", json_type_int },      { "violations", json_type_int },
		{ "failing_traces", json_type_int }, { "traces_hash", json_type_string }, { "steps_max", json_type_int },
		{ "schedule", json_type_string },
	};
	char what[64];
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct json_object *value = json_object_object_get(o, fields[i].name);

		if (value && json_object_is_type(value, fields[i].type) &&
		    (fields[i].type != json_type_int || json_object_get_int64(value) >= 0))
			continue;
		snprintf(what, sizeof(what), "its \"%s\" is missing or wrong", fields[i].name);
		return wrong(path, what);
	}
	return number(o, "schema_version") == 1 ? 0 : wrong(path, "its schema_version is not 1");
}

/* Is it a part of what the others are parts of? */
static int check(struct merged *m, const char *path, struct json_object *o)
{
	unsigned long shard = number(o, "shard"), shards = number(o, "shards");

	if (strcmp(word(o, "schema"), "p2psim.exploration"))
		return wrong(path, "this is no result of explore --json");
	if (!shards || shards > SHARDS_MAX || !shard || shard > shards)
		return wrong(path, "this is no shard (explore --shard I/N --json)");
	if (strcmp(word(o, "strategy"), "dpor") && strcmp(word(o, "strategy"), "sleep"))
		return wrong(path, "only shards of dpor and of sleep add up");
	if (check_types(path, o))
		return CLI_USAGE;
	if (!m->shards) {
		m->shards = shards;
		snprintf(m->scenario, sizeof(m->scenario), "%s", word(o, "scenario"));
		snprintf(m->strategy, sizeof(m->strategy), "%s", word(o, "strategy"));
		m->pure = is_pure(o);
	}
	if (shards != m->shards || m->pure != is_pure(o) ||
	    strcmp(m->scenario, word(o, "scenario")) || strcmp(m->strategy, word(o, "strategy")))
		return wrong(path, "this is a shard of another exploration");
	if (m->has[shard])
		return wrong(path, "this shard was there already");
	m->has[shard] = true;
	m->seen++;
	return 0;
}

static void keep_simplest(struct merged *m, struct json_object *o)
{
	uint64_t preemptions = json_object_object_get(o, "preemptions_min") ? number(o, "preemptions_min") : UINT64_MAX;

	if (preemptions >= m->preemptions_min)
		return;
	m->preemptions_min = preemptions;
	snprintf(m->schedule, sizeof(m->schedule), "%s", word(o, "schedule"));
}

static void add(struct merged *m, struct json_object *o)
{
	struct json_object *complete = json_object_object_get(o, "complete");

	m->complete &= complete && json_object_get_boolean(complete);
	m->violated |= !strcmp(word(o, "verdict"), "VIOLATION");
	m->executions += number(o, "executions");
	m->redundant += number(o, "redundant");
	m->collapsed += number(o, "collapsed");
	m->cut += number(o, "cut");
	m->traces += number(o, "traces");
	m->exists += number(o, "exists");
	m->violations += number(o, "violations");
	m->failing_traces += number(o, "failing_traces");
	m->hash += number(o, "traces_hash");
	m->steps_max = number(o, "steps_max") > m->steps_max ? number(o, "steps_max") : m->steps_max;
	keep_simplest(m, o);
}

static int add_coverage(struct merged *m, const char *path, struct json_object *coverage)
{
	if (!coverage)
		return 0;
	m->covered++;
	return merge_coverage_add(&m->coverage, coverage) ? 0 : wrong(path, "its coverage cannot be read");
}

static int add_file(struct merged *m, const char *path)
{
	struct json_object *o;
	int status;

	if (access(path, R_OK))
		return wrong(path, strerror(errno));
	o = json_object_from_file(path);
	if (!o)
		return wrong(path, "this is no JSON, or cannot be read");
	status = check(m, path, o);
	if (!status)
		status = add_coverage(m, path, json_object_object_get(o, "coverage"));
	if (!status)
		add(m, o);
	json_object_put(o);
	return status;
}

static enum p2psim_verdict verdict_of(const struct merged *m)
{
	if (m->violated)
		return P2PSIM_VIOLATION;
	if (!m->exists)
		return P2PSIM_NEVER;
	return m->exists == m->executions ? P2PSIM_ALWAYS : P2PSIM_SOMETIMES;
}

/* ,"coverage":{...} */
static void put_json_coverage(const struct merged *m)
{
	struct json_object *sum = merge_coverage_sum(m->coverage);

	printf(",\"coverage\":%s",
	       json_object_to_json_string_ext(sum, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(sum);
}

static void put_json(const struct merged *m)
{
	printf("{\"schema\":\"p2psim.exploration\",\"schema_version\":1,\"scenario\":\"%s\",\"strategy\":\"%s\","
	       "\"verdict\":\"%s\",\"complete\":%s,\"executions\":%llu,\"redundant\":%llu,\"pure_retry\":%s,"
	       "\"collapsed\":%llu,\"cut\":%llu,"
	       "\"traces\":%llu,\"exists\":%llu,\"violations\":%llu,\"failing_traces\":%llu,"
	       "\"traces_hash\":\"0x%llx\",\"steps_max\":%llu,\"schedule\":\"%s\"",
	       m->scenario, m->strategy, p2psim_verdict_name(verdict_of(m)), m->complete ? "true" : "false",
	       (unsigned long long)m->executions, (unsigned long long)m->redundant, m->pure ? "true" : "false",
	       (unsigned long long)m->collapsed, (unsigned long long)m->cut,
	       (unsigned long long)m->traces, (unsigned long long)m->exists, (unsigned long long)m->violations,
	       (unsigned long long)m->failing_traces, (unsigned long long)m->hash, (unsigned long long)m->steps_max,
	       m->schedule);
	if (m->coverage)
		put_json_coverage(m);
	puts("}");
}

static void put_text_coverage(const struct merged *m)
{
	struct json_object *sum = merge_coverage_sum(m->coverage);

	printf("  coverage: %lld of %lld orders of %d conflict pairs\n", (long long)number(sum, "orders"),
	       (long long)number(sum, "possible"), json_object_object_length(m->coverage));
	json_object_put(sum);
}

static void put_text(const struct merged *m)
{
	printf("%s: %s: %llu of %llu traces%s, %llu redundant, of %lu shards\n", m->scenario, p2psim_verdict_name(verdict_of(m)),
	       (unsigned long long)(m->violations + m->exists), (unsigned long long)m->traces,
	       m->complete ? ", complete" : ", not complete", (unsigned long long)m->redundant, m->shards);
	if (m->schedule[0])
		printf("  p2psim replay '%s' %s\n", m->scenario, m->schedule);
	if (m->coverage)
		put_text_coverage(m);
}

/* A scenario that this program has is judged by what it expects; of another, a violation is a surprise. */
static enum cli_status judge(struct cli *cli, const struct merged *m)
{
	const struct p2psim_scenario *scenario;
	size_t i;

	for (i = 0; (scenario = cli_scenario(cli, i)); i++)
		if (!strcmp(scenario->name, m->scenario))
			return verdict_of(m) == scenario->expect ? CLI_OK : CLI_SURPRISE;
	return m->violated ? CLI_SURPRISE : CLI_OK;
}

static int merge(struct cli *cli, struct merged *m)
{
	unsigned long shard;
	int i, status;

	for (i = 0; i < cli->arg_count; i++) {
		status = add_file(m, cli->args[i]);
		if (status)
			return status;
	}
	for (shard = 1; shard <= m->shards; shard++)
		if (!m->has[shard])
			return cli_say(CLI_USAGE, "shard %lu of %lu is missing", shard, m->shards);
	if (m->covered && m->covered < m->shards)
		return cli_say(CLI_USAGE, "only %lu of %lu shards were explored with --coverage", m->covered, m->shards);
	if (cli->json)
		put_json(m);
	else
		put_text(m);
	return judge(cli, m);
}

int cli_merge(struct cli *cli)
{
	struct merged m = { .complete = true, .preemptions_min = UINT64_MAX };
	int status;

	if (!cli->arg_count)
		return cli_say(CLI_USAGE, "merge takes the results of explore --shard I/N --json, a file each");
	status = merge(cli, &m);
	json_object_put(m.coverage);
	return status;
}
