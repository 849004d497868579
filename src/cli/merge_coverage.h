/* SPDX-License-Identifier: MIT */
/* The "coverage" of results of explore --json, added up. */
#ifndef P2PSIM_CLI_MERGE_COVERAGE_H
#define P2PSIM_CLI_MERGE_COVERAGE_H

#include <stdbool.h>

#include <json-c/json.h>

/* Adds what one shard has covered; `by_key` begins as NULL and is the caller's to put.  False: that is no coverage. */
bool merge_coverage_add(struct json_object **by_key, struct json_object *coverage);
/* As explore --coverage --json prints it; a new object. */
struct json_object *merge_coverage_sum(struct json_object *by_key);

#endif
