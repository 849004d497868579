/* SPDX-License-Identifier: MIT */
/*
 * The coverage of several shards: a pair is in the sum with every order that some shard has seen, sorted as explore sorts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/merge_coverage.h"

/* What explore sorts by, with a separator that is less than any letter. */
static int put_key(char *key, size_t size, struct json_object *step)
{
	return snprintf(key, size, "%s\1%010d\1%s\1%s\1", json_object_get_string(json_object_object_get(step, "file")),
			json_object_get_int(json_object_object_get(step, "line")),
			json_object_get_string(json_object_object_get(step, "function")),
			json_object_get_string(json_object_object_get(step, "text")));
}

static bool is_set(struct json_object *pair, const char *order)
{
	return json_object_get_boolean(json_object_object_get(pair, order));
}

static void set(struct json_object *pair, const char *order)
{
	json_object_object_add(pair, order, json_object_new_boolean(true));
}

static bool is_one_place(struct json_object *pair)
{
	return json_object_equal(json_object_object_get(pair, "first"), json_object_object_get(pair, "second"));
}

static bool add_pair(struct json_object *by_key, struct json_object *pair)
{
	struct json_object *first = json_object_object_get(pair, "first"), *known;
	struct json_object *second = json_object_object_get(pair, "second");
	char key[1024];
	size_t used;

	if (!first || !second)
		return false;
	used = (size_t)put_key(key, sizeof(key) / 2, first);
	if (used >= sizeof(key) / 2 || (size_t)put_key(key + used, sizeof(key) - used, second) >= sizeof(key) - used)
		return false;
	known = json_object_object_get(by_key, key);
	if (!known)
		return !json_object_object_add(by_key, key, json_object_get(pair));
	if (is_set(pair, "forward"))
		set(known, "forward");
	if (is_set(pair, "backward"))
		set(known, "backward");
	return true;
}

bool merge_coverage_add(struct json_object **by_key, struct json_object *coverage)
{
	struct json_object *pairs = json_object_object_get(coverage, "pairs");
	size_t i;

	if (!*by_key)
		*by_key = json_object_new_object();
	if (!*by_key || !pairs || !json_object_is_type(pairs, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(pairs); i++)
		if (!add_pair(*by_key, json_object_array_get_idx(pairs, i)))
			return false;
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct json_object *merge_coverage_sum(struct json_object *by_key)
{
	struct json_object *sum = json_object_new_object(), *pairs = json_object_new_array(), *pair;
	const size_t count = (size_t)json_object_object_length(by_key);
	const char **keys = calloc(count + 1, sizeof(*keys));
	int64_t orders = 0, possible = 0;
	size_t i = 0;

	json_object_object_foreach(by_key, key, value) {
		(void)value;
		if (keys)
			keys[i++] = key;
	}
	if (keys)
		qsort(keys, i, sizeof(*keys), compare_keys);
	for (i = 0; keys && i < count; i++) {
		pair = json_object_object_get(by_key, keys[i]);
		orders += is_set(pair, "forward") + is_set(pair, "backward");
		possible += is_one_place(pair) ? 1 : 2;
		json_object_array_add(pairs, json_object_get(pair));
	}
	free(keys);
	json_object_object_add(sum, "orders", json_object_new_int64(orders));
	json_object_object_add(sum, "possible", json_object_new_int64(possible));
	json_object_object_add(sum, "pairs", pairs);
	return sum;
}
