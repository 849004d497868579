/* SPDX-License-Identifier: MIT */
/*
 * What a plain access costs in a driver compiled for p2psim-tsan, with the race check and without.
 */
#include <stdio.h>

#include <p2psim/linux/slab.h>
#include <p2psim/world.h>

#include "bench.h"
#include "race_loops.h"

static void rows(const char *title, bool races, double reference)
{
	const struct p2psim_config config = { .races = races };
	struct p2psim_world *world = p2psim_world_create(&config);
	uint64_t *words = world ? kzalloc(RACE_WORDS * sizeof(*words), GFP_KERNEL) : NULL;

	if (words) {
		printf("%s\n", title);
		bench_row("  write of the same word", bench_ns(race_one_word, words, 5000000), reference);
		bench_row("  write of one of 512 words", bench_ns(race_many_words, words, 5000000), reference);
		bench_row("  memset() of 4 KiB", bench_ns(race_cleared, words, 20000), reference);
		kfree(words);
	}
	p2psim_world_destroy(world);
}

int main(void)
{
	double reference = bench_reference_ns();

	printf("%-52s %13s %9s\n", "", "median of 7", "ratio");
	bench_row("reference loop, one turn", reference, reference);
	rows("instrumented, races not checked", false, reference);
	rows("instrumented, races checked", true, reference);
	return 0;
}
