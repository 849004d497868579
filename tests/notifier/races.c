/* SPDX-License-Identifier: MIT */
/*
 * The protocol under random interleavings: the correct device never keeps what an invalidation has revoked, nobody
 * sleeps for ever, and what each broken twin does is found.
 */
#include "notifier_mm.h"

#include <stdio.h>

#include <p2psim/scenario.h>

#include "notifier/internal.h"

#define SEEDS 1500

/*
 * One page of memory.  `page` is what the CPU's table says, `copy` what the device has; an application replaces the
 * page (a new number each time) inside an invalidation, two devices copy it.
 */
struct race {
	struct mm_struct *mm;
	struct copier {
		struct mirror m;	/* first: its lock, subscription and callback's counts */
		struct race *race;
		unsigned long copy;	/* m.lock; 0 = none */
		bool no_retry;
	} nic, gpu;
	unsigned long page;	/* written inside invalidations only */
	bool is_broken;		/* somebody frees what he has not removed: the walker would say so first */
};

static bool copier_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct copier *c = container_of(sub, struct copier, m.sub);

	P2PSIM_CHECK(c->race->is_broken || p2psim_notifier_is_valid(range->mm));
	mutex_lock(&c->m.lock);
	mmu_interval_set_seq(sub, cur_seq);
	c->copy = 0;
	mutex_unlock(&c->m.lock);
	return true;
}

static const struct mmu_interval_notifier_ops copier_ops = { .invalidate = copier_invalidate };

static void copier_copies(struct copier *c)
{
	unsigned long seq, page;

	for (;;) {
		seq = mmu_interval_read_begin(&c->m.sub);
		page = READ_ONCE(c->race->page);
		mutex_lock(&c->m.lock);
		if (c->no_retry || !mmu_interval_read_retry(&c->m.sub, seq))
			break;
		mutex_unlock(&c->m.lock);
	}
	c->copy = page;
	mutex_unlock(&c->m.lock);
}

static int copier_start(struct copier *c, struct race *race)
{
	c->race = race;
	mutex_init(&c->m.lock);
	return mmu_interval_notifier_insert(&c->m.sub, race->mm, PAGES(4), PAGES(4), &copier_ops);
}

static int race_setup(void *state)
{
	struct race *race = state;

	race->mm = notifier_mm_create();
	if (!race->mm)
		return -ENOMEM;
	race->page = 1;
	return copier_start(&race->nic, race) ?: copier_start(&race->gpu, race);
}

static void app_replaces(void *state)
{
	struct race *race = state;
	struct mmu_notifier_range range;
	int i;

	for (i = 0; i < 2; i++) {
		range_of(&range, race->mm, MMU_NOTIFY_CLEAR, 4, 5);
		mmu_notifier_invalidate_range_start(&range);
		WRITE_ONCE(race->page, race->page + 1);
		mmu_notifier_invalidate_range_end(&range);
	}
}

/* Invalidates what nobody reads: collateral waits. */
static void app_noise(void *state)
{
	struct race *race = state;

	invalidate_pages(race->mm, MMU_NOTIFY_CLEAR, 5, 6);
	invalidate_pages(race->mm, MMU_NOTIFY_CLEAR, 90, 91);
}

static void nic_copies(void *state)
{
	copier_copies(&((struct race *)state)->nic);
}

static void gpu_copies_and_goes(void *state)
{
	struct race *race = state;

	copier_copies(&race->gpu);
	mmu_interval_notifier_remove(&race->gpu.m.sub);
	P2PSIM_CHECK(p2psim_notifier_is_valid(race->mm));
	race->gpu.copy = 0;
}

/* A third one that comes and goes while all this is under way. */
static void visitor(void *state)
{
	struct race *race = state;
	struct copier *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c || copier_start(c, race))
		return kfree(c);
	copier_copies(c);
	mmu_interval_notifier_remove(&c->m.sub);
	kfree(c);
}

static bool somebody_has_an_old_copy(void *state)
{
	struct race *race = state;

	return (race->nic.copy && race->nic.copy != race->page) || (race->gpu.copy && race->gpu.copy != race->page);
}

static void race_teardown(void *state)
{
	struct race *race = state;

	mmu_interval_notifier_remove(&race->nic.m.sub);
	if (race->gpu.m.sub.state == NOTIFIER_INSERTED)
		mmu_interval_notifier_remove(&race->gpu.m.sub);
	mmput(race->mm);
}

static const struct p2psim_scenario race_scenario = {
	.name = "notifier/race",
	.question = "Does anybody keep a copy of a page that was replaced, or sleep for ever?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct race),
	.setup = race_setup,
	.tasks = { { "app", app_replaces }, { "noise", app_noise }, { "nic0", nic_copies },
		   { "gpu0", gpu_copies_and_goes }, { "visitor", visitor } },
	.exists = somebody_has_an_old_copy,
	.teardown = race_teardown,
	.expect = P2PSIM_NEVER,
};

static int race_setup_no_retry(void *state)
{
	struct race *race = state;

	race->nic.no_retry = true;
	return race_setup(state);
}

static const struct p2psim_scenario no_retry_scenario = {
	.name = "notifier/race!no-retry",
	.question = "Does a device that does not look at the sequence keep an old copy?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct race),
	.setup = race_setup_no_retry,
	.tasks = { { "app", app_replaces }, { "nic0", nic_copies } },
	.exists = somebody_has_an_old_copy,
	.teardown = race_teardown,
	.expect = P2PSIM_SOMETIMES,
};

/* Frees what it has not removed. */
static void visitor_forgets(void *state)
{
	struct race *race = state;
	struct copier *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c || copier_start(c, race))
		return kfree(c);
	copier_copies(c);
	kfree(c);
}

static int race_setup_no_remove(void *state)
{
	((struct race *)state)->is_broken = true;
	return race_setup(state);
}

static const struct p2psim_scenario no_remove_scenario = {
	.name = "notifier/race!no-remove",
	.question = "Is a subscription that was freed without being removed found?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct race),
	.setup = race_setup_no_remove,
	.tasks = { { "app", app_replaces }, { "nic0", nic_copies }, { "visitor", visitor_forgets } },
	.expect = P2PSIM_VIOLATION,
	.oracle = P2PSIM_UAF,
};

struct tally {
	unsigned int verdict[P2PSIM_VIOLATION + 1], other_oracle;
	char first[600];
};

static void run_seeds(const struct p2psim_scenario *scenario, struct p2psim_world *world, unsigned int seeds,
		      struct tally *tally)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM };
	struct p2psim_run_result result;

	*tally = (struct tally){};
	for (options.seed = 1; options.seed <= seeds; options.seed++) {
		assert_int_equal(p2psim_scenario_run(scenario, world, &options, &result), 0);
		tally->verdict[result.verdict]++;
		if (result.verdict != P2PSIM_VIOLATION || result.violation.oracle == scenario->oracle)
			continue;
		if (!tally->other_oracle++)
			snprintf(tally->first, sizeof(tally->first), "seed %llu: %s: %s",
				 (unsigned long long)options.seed, p2psim_oracle_name(result.violation.oracle),
				 result.violation.sentence);
	}
}

/* N1-N8 under random schedules: no old copy, no DEADLOCK (that would be a lost wake-up), no other oracle. */
static void test_no_random_schedule_leaves_an_old_copy_or_a_sleeper(void **state)
{
	struct tally tally;

	run_seeds(&race_scenario, *state, SEEDS, &tally);
	assert_string_equal(tally.first, "");
	assert_int_equal(tally.verdict[P2PSIM_NEVER], SEEDS);
}

static void test_a_device_that_does_not_retry_is_caught(void **state)
{
	struct tally tally;

	run_seeds(&no_retry_scenario, *state, SEEDS, &tally);
	assert_string_equal(tally.first, "");
	assert_true(tally.verdict[P2PSIM_ALWAYS] > 0);
	assert_true(tally.verdict[P2PSIM_NEVER] > 0);
}

static void test_a_device_that_forgets_to_remove_is_caught(void **state)
{
	struct tally tally;

	run_seeds(&no_remove_scenario, *state, SEEDS / 10, &tally);
	assert_string_equal(tally.first, "");
	assert_true(tally.verdict[P2PSIM_VIOLATION] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test_rubble(test_no_random_schedule_leaves_an_old_copy_or_a_sleeper),
		core_test_rubble(test_a_device_that_does_not_retry_is_caught),
		core_test_rubble(test_a_device_that_forgets_to_remove_is_caught),
	};

	return cmocka_run_group_tests_name("notifier/races", tests, NULL, NULL);
}
