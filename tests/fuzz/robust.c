/* SPDX-License-Identifier: MIT */
/*
 * The simulation under random requests: nothing that a program or a driver may ask for crashes it, breaks a structure,
 * leaves something over, or gives another answer the second time.
 *
 *	robust [--seed N] [--sequences N] [--ops N]	sequences seed, seed + 1, ...
 *	robust --replay FILE				one sequence, as it was printed, in this process
 *	robust --broken					a fault that is none: found, and shrunk to six operations at most
 *
 * Sequences run in a forked child, so that a crash or an endless loop is one more verdict.  A sequence that fails is shrunk:
 * operations are left out, arguments made simpler, as long as the verdict is of the same kind.  Then it is printed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2psim/check.h>

#include "robust.h"

#define SECONDS_MAX 20u
#define SECONDS_WHILE_SHRINKING 2u

/* What a child tells its parent. */
struct told {
	uint64_t seed;
	unsigned int done;
	char verdict[640];
};

static struct told *told;
static bool broken, verbose;
static unsigned int seconds_max = SECONDS_MAX;

static void quiet(const struct p2psim_violation *violation, void *arg)
{
}

static void enter_machine(unsigned int which)
{
	static struct p2psim_world *worlds[ROBUST_MACHINES];
	static const struct p2psim_config configs[ROBUST_MACHINES] = {
		{.ram_pages = 8192, .thp = P2PSIM_THP_NEVER},
		{.ram_pages = 8192, .thp = P2PSIM_THP_NEVER, .swap = true},
		{.ram_pages = 8192, .thp = P2PSIM_THP_ALWAYS, .swap = true},
		{.ram_pages = 8192, .thp = P2PSIM_THP_MADVISE},
		{.ram_pages = 64, .thp = P2PSIM_THP_ALWAYS, .swap = true},
		{.ram_pages = 1200, .thp = P2PSIM_THP_ALWAYS, .max_map_count = 8},
	};

	which %= ROBUST_MACHINES;
	if (worlds[which]) {
		p2psim_world_enter(worlds[which]);
		return;
	}
	p2psim_world_enter(NULL);
	worlds[which] = p2psim_world_create(&configs[which]);
	if (!worlds[which])
		exit(2);
	p2psim_world_on_violation(worlds[which], quiet, NULL);
}

/* Twice, every eighth: the same questions have the same answers. */
static void run(const struct robust_sequence *sequence)
{
	uint64_t hash;

	enter_machine(sequence->machine);
	alarm(seconds_max);
	hash = robust_run(sequence, &told->done, told->verdict, sizeof(told->verdict), broken);
	if (told->verdict[0] || told->seed % 8)
		return;
	if (robust_run(sequence, &told->done, told->verdict, sizeof(told->verdict), broken) != hash)
		snprintf(told->verdict, sizeof(told->verdict), "AGAIN: the second run answers differently");
}

/* ---- children ---- */

/* What became of the child: its own verdict, or how it died. */
static void wait_for(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(told->verdict, sizeof(told->verdict), "HANG: %u seconds", seconds_max);
	else if (WIFSIGNALED(status))
		snprintf(told->verdict, sizeof(told->verdict), "CRASH: signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(told->verdict, sizeof(told->verdict), "CRASH: exit %d (a sanitizer's report: --replay)",
			 WEXITSTATUS(status));
}

static void fork_and_run(const struct robust_sequence *sequence)
{
	pid_t child;

	told->verdict[0] = 0;
	fflush(stdout);
	child = fork();
	if (!child) {
		if (!verbose && !freopen("/dev/null", "w", stderr))
			_exit(2);
		run(sequence);
		_exit(0);
	}
	wait_for(child);
}

/* Sequences from told->seed up to `end`, until one fails. */
static void fork_and_run_many(uint64_t end, unsigned int ops)
{
	static struct robust_sequence sequence;
	pid_t child;

	told->verdict[0] = 0;
	fflush(stdout);
	child = fork();
	if (!child) {
		for (; told->seed < end; told->seed++) {
			robust_draw(&sequence, told->seed, ops);
			run(&sequence);
			if (told->verdict[0])
				break;
		}
		_exit(0);
	}
	wait_for(child);
}

/* ---- shrinking ---- */

static bool fails_alike(const struct robust_sequence *sequence, const char *verdict)
{
	size_t kind = strcspn(verdict, ":");

	fork_and_run(sequence);
	return !strncmp(told->verdict, verdict, kind + 1);
}

static bool leave_out(struct robust_sequence *sequence, unsigned int first, unsigned int count, const char *verdict)
{
	struct robust_sequence shorter = *sequence;

	memmove(&shorter.op[first], &shorter.op[first + count], (shorter.count - first - count) * sizeof(shorter.op[0]));
	shorter.count -= count;
	if (!fails_alike(&shorter, verdict))
		return false;
	*sequence = shorter;
	return true;
}

static bool shorten(struct robust_sequence *sequence, const char *verdict)
{
	unsigned int chunk, first, before = sequence->count;

	for (chunk = sequence->count / 2; chunk; chunk /= 2)
		for (first = sequence->count; first >= chunk; first -= chunk)
			if (first <= sequence->count)
				leave_out(sequence, first - chunk, chunk, verdict);
	return sequence->count < before;
}

static bool simplify_op(struct robust_sequence *sequence, unsigned int op, const char *verdict)
{
	const char *words = robust_verbs[sequence->op[op].verb].words;
	struct robust_sequence simpler;
	unsigned int word, attempt;
	bool any = false;

	for (word = 0; words[word]; word++)
		for (attempt = 0;; attempt++) {
			simpler = *sequence;
			if (!robust_simpler(words[word], attempt, &simpler.op[op].word[word]))
				break;
			if (!fails_alike(&simpler, verdict))
				continue;
			*sequence = simpler;
			any = true;
			break;
		}
	return any;
}

static void shrink(struct robust_sequence *sequence, const char *verdict)
{
	unsigned int op, round;
	bool any = true;

	for (round = 0; any && round < 4; round++) {
		any = shorten(sequence, verdict);
		for (op = 0; op < sequence->count; op++)
			any |= simplify_op(sequence, op, verdict);
	}
}

/* ---- text ---- */

static void print_sequence(const struct robust_sequence *sequence)
{
	unsigned int i, word;

	printf("machine %u\n", sequence->machine);
	for (i = 0; i < sequence->count; i++) {
		const struct robust_op *op = &sequence->op[i];

		printf("%s %u", robust_verbs[op->verb].name, op->who);
		for (word = 0; robust_verbs[op->verb].words[word]; word++)
			printf(" %lx", op->word[word]);
		printf("\n");
	}
}

static bool read_op(const char *line, struct robust_op *op)
{
	unsigned long *w = op->word;
	char name[16];

	if (sscanf(line, "%15s %u %lx %lx %lx %lx %lx %lx", name, &op->who, w, w + 1, w + 2, w + 3, w + 4, w + 5) < 2)
		return false;
	for (op->verb = 0; op->verb < robust_verb_count; op->verb++)
		if (!strcmp(robust_verbs[op->verb].name, name))
			return true;
	return false;
}

static int replay(const char *path)
{
	static struct robust_sequence sequence;
	FILE *file = fopen(path, "r");
	char line[160];

	if (!file) {
		perror(path);
		return 2;
	}
	while (sequence.count < OPS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, "machine %u", &sequence.machine) != 1 && read_op(line, &sequence.op[sequence.count]))
			sequence.count++;
	fclose(file);
	told->seed = 0;
	run(&sequence);
	printf("%s\n", told->verdict[0] ? told->verdict : "OK");
	return !!told->verdict[0];
}

/* ---- the program ---- */

/* Shrinks sequence told->seed, which failed, and prints it.  Returns how many operations are left. */
static unsigned int tell(unsigned int ops)
{
	static struct robust_sequence sequence;
	uint64_t seed = told->seed;
	char verdict[640];

	seconds_max = SECONDS_WHILE_SHRINKING;
	robust_draw(&sequence, seed, ops);
	snprintf(verdict, sizeof(verdict), "%s", told->verdict);
	printf("# sequence %llu, operation %u: %s\n", (unsigned long long)seed, told->done, verdict);
	if (fails_alike(&sequence, verdict))
		shrink(&sequence, verdict);
	else
		printf("# alone, it does not fail\n");
	fork_and_run(&sequence);
	printf("# shrunk: %s\n", told->verdict);
	print_sequence(&sequence);
	told->seed = seed;
	seconds_max = SECONDS_MAX;
	return sequence.count;
}

static unsigned int fuzz(uint64_t seed, uint64_t sequences, unsigned int ops, unsigned int failures_max)
{
	uint64_t end = seed + sequences;
	unsigned int failures = 0;

	for (told->seed = seed; told->seed < end && failures < failures_max; told->seed++) {
		fork_and_run_many(end, ops);
		if (!told->verdict[0])
			break;
		failures++;
		tell(ops);
	}
	printf("# %llu sequences of %u operations from seed %llu: %u failures\n", (unsigned long long)(told->seed - seed), ops,
	       (unsigned long long)seed, failures);
	return failures;
}

static int find_broken(unsigned int ops)
{
	unsigned int left;

	broken = true;
	told->seed = 1;
	fork_and_run_many(200, ops);
	if (strncmp(told->verdict, "BROKEN:", 7))
		return 1;
	left = tell(ops);
	return !left || left > 6;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, sequences = 1000;
	unsigned int ops = 40, failures = 5;
	const char *file = NULL;
	int i;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return 2;
	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--broken"))
			broken = true;
		else if (!strcmp(argv[i], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[i], "--replay"))
			file = value, i++;
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--sequences"))
			sequences = strtoull(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--ops"))
			ops = (unsigned int)strtoul(value, NULL, 0), i++;
		else if (!strcmp(argv[i], "--failures"))
			failures = (unsigned int)strtoul(value, NULL, 0), i++;
		else
			return fprintf(stderr, "robust: what is %s?\n", argv[i]), 2;
	}
	ops = ops < OPS_MAX ? ops : OPS_MAX;
	if (file)
		return replay(file);
	return broken ? find_broken(ops) : !!fuzz(seed, sequences, ops, failures);
}
