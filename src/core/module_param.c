/* SPDX-License-Identifier: MIT */
/*
 * Parameters of modules: a table of names, types and addresses that module_param() makes the compiler collect.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "core/module.h"

/* Which values a type has, and how many bytes.  bool: 0 and 1. */
static const struct param_type {
	size_t bytes;
	long long min;
	unsigned long long max;
} types[] = {
	[P2PSIM_PARAM_bool] = { sizeof(bool), 0, 1 },
	[P2PSIM_PARAM_short] = { sizeof(short), SHRT_MIN, SHRT_MAX },
	[P2PSIM_PARAM_ushort] = { sizeof(short), 0, USHRT_MAX },
	[P2PSIM_PARAM_int] = { sizeof(int), INT_MIN, INT_MAX },
	[P2PSIM_PARAM_uint] = { sizeof(int), 0, UINT_MAX },
	[P2PSIM_PARAM_long] = { sizeof(long), LONG_MIN, LONG_MAX },
	[P2PSIM_PARAM_ulong] = { sizeof(long), 0, ULONG_MAX },
	[P2PSIM_PARAM_ullong] = { sizeof(long long), 0, ULLONG_MAX },
};

static int set_number(const struct p2psim_param *param, const char *text)
{
	const struct param_type *type = &types[param->type];
	bool negative = text[0] == '-';
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text + negative, &end, 0);
	if (errno || end == text + negative || *end)
		return -EINVAL;
	if (negative ? value > 0ull - (unsigned long long)type->min : value > type->max)
		return -EINVAL;
	if (negative)
		value = 0ull - value;
	memcpy(param->at, &value, type->bytes); /* little endian, as all machines that this runs on */
	return 0;
}

static int set_bool(const struct p2psim_param *param, const char *text)
{
	if (!strcmp(text, "y") || !strcmp(text, "Y"))
		text = "1";
	if (!strcmp(text, "n") || !strcmp(text, "N"))
		text = "0";
	return set_number(param, text);
}

static int set_one(const struct p2psim_param *param, char *value)
{
	if (param->type == P2PSIM_PARAM_charp) {
		*(char **)param->at = value;
		return 0;
	}
	return param->type == P2PSIM_PARAM_bool ? set_bool(param, value) : set_number(param, value);
}

/* A bare name is "name=1". */
static int set_named(const struct module *module, char *word)
{
	char one[] = "1";
	char *equals = strchr(word, '=');
	const struct p2psim_param *param;

	if (equals)
		*equals = '\0';
	for (param = module->params; param < module->params_end; param++)
		if (!strcmp(param->name, word))
			return set_one(param, equals ? equals + 1 : one);
	return -EINVAL;
}

int p2psim_module_set_params(const struct module *module, const char *text)
{
	char *copy, *word, *rest;
	int error = 0;

	if (!text || !*text)
		return 0;
	copy = p2psim_arena_alloc(strlen(text) + 1); /* strings are the driver's until the end of the execution */
	if (!copy)
		return -ENOMEM;
	strcpy(copy, text);
	for (word = strtok_r(copy, " ", &rest); word && !error; word = strtok_r(NULL, " ", &rest))
		error = set_named(module, word);
	return error;
}
