/* SPDX-License-Identifier: MIT */
/*
 * The replay string: p2p1-SCN-CFG-DEVS-CHK[-END]
 *
 *	SCN	4 characters, hash of the scenario's name with its parameters
 *	CFG	2 characters, hash of the world's configuration
 *	DEVS	the deviations from the default policy, each (choice points since the last, rank among the enabled); numbers in
 *		groups of four bits, lowest first, the fifth bit says that more follow; "0" = none
 *	CHK	2 characters, checksum of all before
 *	END	4 characters, hash of the end: the replay says whether it arrived at the same one
 *
 * Crockford's base32: case does not matter, i and l read as 1, o as 0.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "explore/internal.h"

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *byte = data;

	while (size--)
		hash = (hash ^ *byte++) * 0x100000001b3ull;
	return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * 0x100000001b3ull;
	return hash;
}

static uint32_t fold(uint64_t hash, int bits)
{
	return (uint32_t)((hash ^ hash >> 20 ^ hash >> 41) & ((1u << bits) - 1));
}

struct p2psim_replay_key p2psim_replay_key(const char *scenario, const struct p2psim_config *config, uint64_t fail_nth)
{
	uint64_t hash = hash_number(0xcbf29ce484222325ull, config->seed);
	struct p2psim_replay_key key;
	unsigned int i;

	hash = hash_number(hash, config->ram_pages);
	hash = hash_number(hash, config->max_map_count);
	hash = hash_number(hash, config->oracles_off);
	hash = hash_number(hash, config->nonpreemptive);
	if (config->quirks)
		hash = hash_number(hash, config->quirks);
	for (i = 0; i < P2PSIM_ADVERSITIES; i++)
		if (config->adversary[i])
			hash = hash_number(hash, i << 8 | config->adversary[i]);
	hash = hash_number(hash, fail_nth);
	key.config = fold(hash, 10);
	key.scenario = fold(hash_bytes(0xcbf29ce484222325ull, scenario, strlen(scenario)), 20);
	return key;
}

/* A string under construction; `full` once something did not fit. */
struct out {
	char *text;
	size_t size, used;
	bool full;
};

static void put(struct out *out, char c)
{
	if (out->used + 1 >= out->size) {
		out->full = true;
		return;
	}
	out->text[out->used++] = c;
	out->text[out->used] = '\0';
}

static void put_fixed(struct out *out, uint32_t value, int count)
{
	while (count--)
		put(out, digits[value >> (5 * count) & 31]);
}

static void put_number(struct out *out, uint32_t value)
{
	for (; value > 15; value >>= 4)
		put(out, digits[(value & 15) | 16]);
	put(out, digits[value]);
}

int p2psim_replay_encode(const struct p2psim_schedule *schedule, struct p2psim_replay_key key, uint32_t end, char *text,
			 size_t size)
{
	struct out out = { text, size, 0, false };
	const char *head = "p2p1-";
	size_t i;

	if (schedule->truncated)
		return -ENOSPC;
	while (*head)
		put(&out, *head++);
	put_fixed(&out, key.scenario, 4);
	put(&out, '-');
	put_fixed(&out, key.config, 2);
	put(&out, '-');
	for (i = 0; i < schedule->count; i++) {
		put_number(&out, schedule->deviations[i].skip);
		put_number(&out, schedule->deviations[i].rank);
	}
	if (!schedule->count)
		put(&out, '0');
	put(&out, '-');
	put_fixed(&out, fold(hash_bytes(0xcbf29ce484222325ull, text, out.used - 1), 10), 2);
	if (end) {
		put(&out, '-');
		put_fixed(&out, end, 4);
	}
	return out.full ? -ENOSPC : (int)out.used;
}

static int digit_of(char c)
{
	const char *at;

	c = (char)tolower((unsigned char)c);
	if (c == 'i' || c == 'l')
		c = '1';
	if (c == 'o')
		c = '0';
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Copies the string in its one true spelling; -EINVAL at a character that is none of the alphabet's. */
static int normalise(const char *text, char *clean, size_t size)
{
	size_t i;

	for (i = 0; text[i]; i++) {
		int digit = digit_of(text[i]);

		if (i + 1 >= size || (digit < 0 && text[i] != '-'))
			return -EINVAL;
		clean[i] = text[i] == '-' ? '-' : digits[digit];
	}
	clean[i] = '\0';
	return 0;
}

static int get_fixed(const char *field, int count, uint32_t *value)
{
	*value = 0;
	if ((int)strlen(field) != count)
		return -EINVAL;
	while (*field)
		*value = *value << 5 | (uint32_t)digit_of(*field++);
	return 0;
}

static int get_number(const char **at, uint32_t *value)
{
	int shift = 0, digit;

	*value = 0;
	do {
		if (!**at || shift > 28)
			return -EINVAL;
		digit = digit_of(*(*at)++);
		*value |= (uint32_t)(digit & 15) << shift;
		shift += 4;
	} while (digit & 16);
	return 0;
}

static int get_deviations(const char *field, struct p2psim_deviation *deviations, size_t space, size_t *count)
{
	*count = 0;
	if (!strcmp(field, "0"))
		return 0;
	while (*field) {
		if (*count == space || get_number(&field, &deviations[*count].skip) ||
		    get_number(&field, &deviations[*count].rank))
			return -EINVAL;
		++*count;
	}
	return *count ? 0 : -EINVAL;
}

/* Cuts the string at its separators. */
static int split(char *text, char *field[6])
{
	int count = 0;

	while (count < 6) {
		field[count++] = text;
		text = strchr(text, '-');
		if (!text)
			return count;
		*text++ = '\0';
	}
	return -EINVAL;
}

static int refuse(char *error, const char *sentence)
{
	snprintf(error, 256, "%s", sentence);
	return -EINVAL;
}

int p2psim_replay_decode(const char *text, struct p2psim_replay_key key, struct p2psim_deviation *deviations,
			 size_t space, size_t *count, uint32_t *end, char *error)
{
	char clean[P2PSIM_REPLAY_MAX + 1], *field[6];
	uint32_t scenario, config, check, sum;
	const char *tail;
	int fields;

	*end = 0;
	if (normalise(text, clean, sizeof(clean)) || strncmp(clean, "p2p1-", 5))
		return refuse(error, "this is no replay string: it must read p2p1-SCENARIO-CONFIG-DEVIATIONS-CHECK");
	tail = clean;
	for (fields = 0; fields < 4 && tail; fields++)	/* CHK covers what stands before its separator */
		tail = strchr(tail + (fields != 0), '-');
	sum = tail ? fold(hash_bytes(0xcbf29ce484222325ull, clean, (size_t)(tail - clean)), 10) : 0;
	fields = split(clean, field);
	if (fields < 5 || get_fixed(field[1], 4, &scenario) || get_fixed(field[2], 2, &config) ||
	    get_fixed(field[4], 2, &check) || (fields == 6 && get_fixed(field[5], 4, end)))
		return refuse(error, "the replay string is cut off or has a part too many");
	if (check != sum)
		return refuse(error, "the replay string is damaged: its checksum does not fit");
	if (scenario != key.scenario)
		return refuse(error, "the replay string belongs to another scenario (or to other parameters of this one)");
	if (config != key.config)
		return refuse(error, "the replay string was recorded with another configuration of the world");
	if (get_deviations(field[3], deviations, space, count))
		return refuse(error, "the replay string is damaged: its deviations cannot be read");
	return 0;
}

static unsigned int nth_bit(uint64_t mask, uint32_t n)
{
	while (n--)
		mask &= mask - 1;
	return (unsigned int)__builtin_ctzll(mask);
}

static unsigned int pick_replay(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_replay_strategy *replay = (struct p2psim_replay_strategy *)strategy;
	const struct p2psim_deviation *deviation = &replay->deviations[replay->next];
	uint32_t enabled = (uint32_t)__builtin_popcountll(choice->enabled);

	if (enabled == 1)
		return choice->fallback;
	replay->choices++;
	if (replay->next == replay->count || replay->since++ < deviation->skip)
		return choice->fallback;
	replay->since = 0;
	replay->next++;
	if (deviation->rank < enabled)
		return nth_bit(choice->enabled, deviation->rank);
	if (!replay->prefix) {
		snprintf(replay->error, sizeof(replay->error),
			 "the replay diverged at step %llu (choice %llu): expected number %u of the tasks that can run, but "
			 "only %u can",
			 (unsigned long long)p2psim_world_steps(choice->world) + 1, (unsigned long long)replay->choices,
			 deviation->rank + 1, enabled);
		p2psim_world_end(choice->world);
	}
	replay->next = replay->count;
	return choice->fallback;
}

void p2psim_replay_init(struct p2psim_replay_strategy *replay, bool prefix)
{
	memset(replay, 0, sizeof(*replay));
	replay->base.pick = pick_replay;
	replay->prefix = prefix;
}
