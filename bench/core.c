/* SPDX-License-Identifier: MIT */
/*
 * What a step, a switch, a lock and an execution cost.  The last column is the ratio to one turn of the reference loop,
 * measured in the same run: compare that between machines, not the nanoseconds.
 */
#include <stdio.h>

#include <p2psim/check.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/slab.h>
#include <p2psim/scenario.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/world.h>

#include "bench.h"
#include "core/switch.h"

static void steps_alone(void *arg, uint64_t count)
{
	(void)arg;
	while (count--) {
		p2psim_step("alone");
		__asm__ __volatile__("" : : : "memory");
	}
}

static void lock_pairs(void *arg, uint64_t count)
{
	while (count--) {
		mutex_lock((struct mutex *)arg);
		mutex_unlock((struct mutex *)arg);
	}
}

static void allocations(void *arg, uint64_t count)
{
	(void)arg;
	while (count--)
		kfree(kmalloc(100, GFP_KERNEL));
}

static struct p2psim_context here, there;

static void bounce(void *arg)
{
	p2psim_context_entered(&there);
	for (;;)
		p2psim_context_switch(&there, &here, 0);
	(void)arg;
}

static void switches(void *arg, uint64_t count)
{
	(void)arg;
	for (; count > 1; count -= 2)
		p2psim_context_switch(&here, &there, 0);
}

/* An invalidation against a fault, with its retry loop: about 17 steps. */
struct collision {
	struct mutex lock;
	struct p2psim_object seq_obj;
	int seq, page, pte;
};

static int set_up(void *state)
{
	struct collision *c = state;

	mutex_init(&c->lock);
	p2psim_object_init(&c->seq_obj, "seq");
	c->page = 1;
	return 0;
}

static void inval(void *state)
{
	struct collision *c = state;

	mutex_lock(&c->lock);
	WRITE_ONCE(c->seq, c->seq + 1);
	WRITE_ONCE(c->pte, 0);
	mutex_unlock(&c->lock);
	WRITE_ONCE(c->page, 2);
	mutex_lock(&c->lock);
	WRITE_ONCE(c->seq, c->seq + 1);
	mutex_unlock(&c->lock);
}

static bool is_even(void *state)
{
	return !(((struct collision *)state)->seq & 1);
}

static void fault(void *state)
{
	struct collision *c = state;
	int seq, page;

	for (;;) {
		p2psim_step_await(&c->seq_obj, is_even, c);
		seq = c->seq;
		page = READ_ONCE(c->page);
		mutex_lock(&c->lock);
		if (READ_ONCE(c->seq) == seq)
			break;
		mutex_unlock(&c->lock);
	}
	WRITE_ONCE(c->pte, page);
	mutex_unlock(&c->lock);
}

static bool is_stale(void *state)
{
	struct collision *c = state;

	return c->pte && c->pte != c->page;
}

static const struct p2psim_scenario collision = {
	.name = "bench/collision",
	.state_size = sizeof(struct collision),
	.setup = set_up,
	.tasks = { { "inval", inval }, { "fault", fault } },
	.exists = is_stale,
	.expect = P2PSIM_NEVER,
};

struct runs {
	struct p2psim_world *world;
	uint64_t steps, executions, unexpected;
};

static void executions(void *arg, uint64_t count)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM };
	struct p2psim_run_result result;
	struct runs *runs = arg;

	while (count--) {
		options.seed = runs->executions++;
		p2psim_scenario_run(&collision, runs->world, &options, &result);
		runs->unexpected += !result.as_expected;
		runs->steps += result.steps;
	}
}

static void bench_executions(double reference)
{
	struct runs runs = { .world = p2psim_world_create(NULL) };
	double ns = bench_ns(executions, &runs, 100000);

	bench_row("execution of a 2-task scenario, random", ns, reference);
	bench_row("  of which one explored step, all oracles on", ns / ((double)runs.steps / (double)runs.executions),
		  reference);
	printf("%-52s %10.0f /s\n", "  executions per second", 1e9 / ns);
	if (runs.unexpected)
		printf("UNEXPECTED VERDICTS: %llu\n", (unsigned long long)runs.unexpected);
	p2psim_world_destroy(runs.world);
}

int main(void)
{
	struct p2psim_world *world = p2psim_world_create(NULL);
	double reference = bench_reference_ns();
	struct mutex lock;

	printf("%-52s %13s %9s\n", "", "median of 7", "ratio");
	bench_row("reference loop, one turn", reference, reference);
	bench_row("step with nobody else to run", bench_ns(steps_alone, NULL, 20000000), reference);
	p2psim_context_of_thread(&here);
	if (p2psim_context_create(&there, 65536))
		return 1;
	p2psim_context_start(&there, bounce, NULL);
	bench_row("switch between two tasks", bench_ns(switches, NULL, 10000000), reference);
	mutex_init(&lock);
	bench_row("mutex_lock + mutex_unlock, lock graph on", bench_ns(lock_pairs, &lock, 5000000), reference);
	bench_row("kmalloc + kfree of 100 bytes, poison on", bench_ns(allocations, NULL, 2000000), reference);
	p2psim_world_destroy(world);
	bench_executions(reference);
	p2psim_context_destroy(&there);
	return 0;
}
