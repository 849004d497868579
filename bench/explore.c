/* SPDX-License-Identifier: MIT */
/*
 * Exploration: CR(1) at random, CR(3) and CR(4) verified by dpor, all oracles on.  docs/measurements.md has what other
 * tools need for the same.
 */
#include <stdio.h>
#include <time.h>

#include <p2psim/explore.h>

#include "bench.h"
#include "cr.h"

/* Of the processor, so that others who use it count little. */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Best of `rounds`: whoever shares the machine only ever makes it slower.  Nanoseconds. */
static double explore(int faults, const struct p2psim_explore_options *options, int rounds,
		      struct p2psim_explore_result *result)
{
	struct p2psim_scenario cr = { .name = "bench/cr", .state_size = sizeof(struct cr), .setup = cr_setup,
				      .tasks = { { "inval", cr_inval } }, .exists = cr_stale };
	double best = 0, start, took;
	int i;

	for (i = 1; i <= faults; i++) {
		cr.tasks[i].name = "fault";
		cr.tasks[i].fn = cr_fault;
	}
	for (i = 0; i < rounds; i++) {
		start = now_ns();
		if (p2psim_explore(&cr, options, result) || result->verdict != P2PSIM_NEVER)
			printf("UNEXPECTED: %s %s\n", p2psim_verdict_name(result->verdict), result->error);
		took = now_ns() - start;
		best = !i || took < best ? took : best;
	}
	return best;
}

static void verify(int faults, int rounds, double reference)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;
	double ns = explore(faults, &options, rounds, &result);
	char name[64];

	snprintf(name, sizeof(name), "CR(%d) by dpor: %llu traces + %llu redundant", faults,
		 (unsigned long long)result.traces, (unsigned long long)result.redundant);
	bench_row(name, ns, reference);
	bench_row("  of which one explored step", ns / (double)result.steps, reference);
	printf("%-52s %10.1f ms, %.0f executions/s\n", "  in all", ns / 1e6,
	       (double)(result.executions + result.redundant) / ns * 1e9);
}

int main(void)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_RANDOM, .budget = 200000, .keep_going = true };
	double reference = bench_reference_ns(), ns;
	struct p2psim_explore_result result;

	printf("%-52s %13s %9s\n", "", "best", "ratio");
	bench_row("reference loop, one turn", reference, reference);
	ns = explore(1, &options, 7, &result);
	bench_row("CR(1) at random, an execution", ns / (double)result.executions, reference);
	bench_row("  of which one explored step", ns / (double)result.steps, reference);
	printf("%-52s %10.0f /s\n", "  executions", (double)result.executions / ns * 1e9);
	verify(3, 7, reference);
	verify(4, 3, reference);
	return 0;
}
