/* SPDX-License-Identifier: MIT */
/*
 * Draws sequences: mostly sensible arguments on few pages, so that operations meet; and now and then rubbish.
 */
#include <string.h>

#include <p2psim/linux/mman.h>

#include "robust.h"

struct dice {
	uint64_t state;
};

static unsigned int rnd(struct dice *d, unsigned int below)
{
	d->state = d->state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((d->state >> 33) % below);
}

#define PICK(d, array) ((array)[rnd((d), sizeof(array) / sizeof((array)[0]))])

static unsigned long draw_address(struct dice *d)
{
	static const unsigned long rubbish[] = {0, 1, 0xfff, PAGE_SIZE, 1UL << 47, (1UL << 47) - PAGE_SIZE,
						~0UL << 12, ~0UL, BASE + 0x10, AT(WINDOW) - 1};
	static const unsigned int spots[] = {0, 0, 0, 506, 506, 1018};

	if (!rnd(d, 40))
		return PICK(d, rubbish);
	if (!rnd(d, 16))
		return AT(512 * rnd(d, 3));
	return AT(PICK(d, spots) + rnd(d, rnd(d, 2) ? 4 : 16));
}

static unsigned long draw_length(struct dice *d)
{
	static const unsigned long rubbish[] = {0, 1, 0xfff, 0x1001, ~0UL, ~0UL << 12, 1UL << 47, 1UL << 63, 1UL << 26};

	if (!rnd(d, 40))
		return PICK(d, rubbish);
	if (!rnd(d, 12))
		return PAGES(512 * (1 + rnd(d, 2)));
	return PAGES(1 + rnd(d, rnd(d, 3) ? 5 : 24));
}

static unsigned long draw_protection(struct dice *d)
{
	static const int usual[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				    PROT_NONE, PROT_READ | PROT_EXEC, PROT_WRITE};

	return rnd(d, 50) ? (unsigned long)PICK(d, usual) : rnd(d, 1u << 31);
}

static unsigned long draw_map_flags(struct dice *d)
{
	static const int extra[] = {MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_32BIT};
	static const int types[] = {MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE};
	unsigned long flags = (unsigned long)PICK(d, types);

	if (!rnd(d, 60))
		return rnd(d, 1u << 31);
	flags |= rnd(d, 8) ? MAP_FIXED : 0;
	return flags | (rnd(d, 5) ? 0 : (unsigned long)PICK(d, extra));
}

/*
 * a address, l length, p protection, f flags of mmap(), F file (one more than the number: 0 is none), o offset in a file,
 * b byte, n a small number, x flags of a few bits, v advice, i which allocation fails
 */
static unsigned long draw_word(struct dice *d, char what)
{
	switch (what) {
	case 'a':
		return draw_address(d);
	case 'l':
		return draw_length(d);
	case 'p':
		return draw_protection(d);
	case 'f':
		return draw_map_flags(d);
	case 'F':
		return rnd(d, 2) ? 0 : 1 + rnd(d, FILES);
	case 'o':
		return rnd(d, 30) ? PAGES(rnd(d, 24)) + (rnd(d, 10) ? 0 : rnd(d, PAGE_SIZE)) : ~0UL << rnd(d, 64);
	case 'b':
		return rnd(d, 256);
	case 'n':
		return 1 + rnd(d, 8);
	case 'x':
		return rnd(d, 8);
	case 'v':
		return rnd(d, 60) ? rnd(d, 26) : rnd(d, 1u << 31);
	case 'i':
		return 1 + rnd(d, rnd(d, 2) ? 6 : 30);
	}
	return 0;
}

static unsigned int draw_verb(struct dice *d)
{
	unsigned int all = 0, verb, at;

	for (verb = 0; verb < robust_verb_count; verb++)
		all += robust_verbs[verb].weight;
	at = rnd(d, all);
	for (verb = 0; at >= robust_verbs[verb].weight; verb++)
		at -= robust_verbs[verb].weight;
	return verb;
}

static unsigned int verb_named(const char *name)
{
	unsigned int verb;

	for (verb = 0; strcmp(robust_verbs[verb].name, name); verb++)
		;
	return verb;
}

/* Memory first: on an empty address space most requests have nothing to work on. */
static unsigned int draw_beginning(struct dice *d, struct robust_sequence *sequence)
{
	const unsigned int map = verb_named("mmap"), store = verb_named("store"), advise = verb_named("madvise");
	const unsigned long rw = PROT_READ | PROT_WRITE, file = 1 + rnd(d, FILES);
	const struct robust_op ops[] = {
		{map, 0, {AT(0), PAGES(1100), rw, MAP_PRIVATE | MAP_FIXED}},
		{map, 0, {AT(508), PAGES(8), rw, rnd(d, 2) ? MAP_SHARED | MAP_FIXED : MAP_PRIVATE | MAP_FIXED, file}},
		{advise, 0, {AT(0), PAGES(24), rnd(d, 2) ? MADV_MERGEABLE : MADV_HUGEPAGE}},
		{store, 0, {AT(0), PAGES(2), 7}},
		{store, 0, {AT(2), PAGES(2), 7}},
		{store, 0, {AT(512), PAGES(2), 7}},
	};
	const unsigned int count = sizeof(ops) / sizeof(ops[0]);

	memcpy(sequence->op, ops, sizeof(ops));
	return sequence->count < count ? sequence->count : count;
}

void robust_draw(struct robust_sequence *sequence, uint64_t seed, unsigned int ops)
{
	struct dice d = {.state = seed * 0x9e3779b97f4a7c15ull + 1};
	unsigned int i, word;

	memset(sequence, 0, sizeof(*sequence));
	rnd(&d, 2);
	sequence->count = ops;
	sequence->machine = rnd(&d, ROBUST_MACHINES);
	for (i = draw_beginning(&d, sequence); i < ops; i++) {
		struct robust_op *op = &sequence->op[i];

		op->verb = draw_verb(&d);
		op->who = rnd(&d, 2) ? 0 : rnd(&d, PROCESSES);
		for (word = 0; robust_verbs[op->verb].words[word]; word++)
			op->word[word] = draw_word(&d, robust_verbs[op->verb].words[word]);
	}
}

bool robust_simpler(char what, unsigned int attempt, unsigned long *word)
{
	static const unsigned long lengths[] = {PAGES(1), PAGES(2), PAGES(4), PAGES(512)};
	static const unsigned long protections[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
	static const unsigned long flags[] = {MAP_PRIVATE | MAP_FIXED, MAP_SHARED | MAP_FIXED, MAP_PRIVATE};
	static const unsigned long addresses[] = {AT(0), AT(1), AT(2), AT(512)};
	static const unsigned long numbers[] = {0, 1, 2};
	const unsigned long *from = what == 'l' ? lengths : what == 'p' ? protections : what == 'f' ? flags :
				    what == 'a' ? addresses : numbers;
	unsigned int count = what == 'l' || what == 'a' ? 4 : 3;

	if (attempt >= count || *word == from[attempt])
		return false;
	*word = from[attempt];
	return true;
}
