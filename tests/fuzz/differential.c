/* SPDX-License-Identifier: MIT */
/*
 * The differential fuzzer by hand:
 *
 *	differential [--seed N] [--sequences N] [--ops N] [--broken]
 *
 * Ends at the first difference that nothing explains, shrunk and printed as a recording that `p2psim conform` replays.
 * Exit status: 0 none; 1 a difference; 2 wrong words.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

struct wish {
	uint64_t seed, sequences;
	int ops;
	bool broken;
};

static bool read_words(int argc, char **argv, struct wish *wish)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--broken"))
			wish->broken = true;
		else if (i + 1 == argc)
			return false;
		else if (!strcmp(argv[i], "--seed"))
			wish->seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--sequences"))
			wish->sequences = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--ops"))
			wish->ops = atoi(argv[++i]);
		else
			return false;
	}
	return wish->ops > 0 && wish->ops <= FUZZ_OPS_MAX;
}

static int report_difference(struct fuzz_sequence *sequence, struct fuzz_report *report, const char *difference)
{
	int at;

	fprintf(stderr, "seed %llu: %s\n", (unsigned long long)sequence->seed, difference);
	fuzz_shrink(sequence, report);
	difference = fuzz_run(sequence, report, &at);
	fprintf(stderr, "shrunk to %d operations: %s after operation %d\n", sequence->count, difference ? difference : "?",
		at + 1);
	fuzz_print(sequence, stdout);
	return 1;
}

int main(int argc, char **argv)
{
	struct wish wish = { .seed = 1, .sequences = 2000, .ops = 24 };
	struct fuzz_report report = {};
	static struct fuzz_sequence sequence;
	const char *difference;
	uint64_t i;
	int at;

	if (!read_words(argc, argv, &wish)) {
		fprintf(stderr, "usage: differential [--seed N] [--sequences N] [--ops 1..%d] [--broken]\n", FUZZ_OPS_MAX);
		return 2;
	}
	fuzz_real_kernel(&report.major, &report.minor);
	report.kernel = fuzz_kernel_of(report.major, report.minor);
	fuzz_sim_break_merging(wish.broken);
	for (i = 0; i < wish.sequences; i++) {
		fuzz_generate(&sequence, wish.seed + i, wish.ops);
		difference = fuzz_run(&sequence, &report, &at);
		if (difference)
			return report_difference(&sequence, &report, difference);
	}
	fuzz_print_report(&report, "", stdout);
	return 0;
}
