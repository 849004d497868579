/* SPDX-License-Identifier: MIT */
/*
 * An importer against whoever takes its memory away, over every interleaving, each with its broken twins.
 */
#include "explored.h"
#include "hmm_bench.h"

#include <p2psim/reclaim.h>

#define GPU(n) (0xc0000000UL + PAGES(n))
#define MOVED 0xd0000000UL
#define RW (PROT_READ | PROT_WRITE)

static int one_device_page(void *state)
{
	struct hmm_bench *t = state;
	int ret = hmm_bench_init(t);

	if (!ret)
		hmm_bench_gpu(t, 0, 1, 0, RW);
	return ret;
}

static int without_retry(void *state)
{
	((struct hmm_bench *)state)->nic0.no_retry = true;
	return 0;
}

static int one_device_page_without_retry(void *state)
{
	return one_device_page(state) ?: without_retry(state);
}

static int one_device_page_early_unlock(void *state)
{
	int ret = one_device_page(state);

	((struct hmm_bench *)state)->nic0.early_unlock = true;
	return ret;
}

static int one_regular_page(void *state)
{
	struct hmm_bench *t = state;
	int ret = hmm_bench_init(t);

	if (ret)
		return ret;
	hmm_bench_anon(t, 0, 1, RW);
	return p2psim_store_byte(t->app, AT(0), 7);
}

static int one_regular_page_without_retry(void *state)
{
	return one_regular_page(state) ?: without_retry(state);
}

static int one_regular_page_careless(void *state)
{
	int ret = one_regular_page_without_retry(state);

	((struct hmm_bench *)state)->nic0.early_unlock = true;
	return ret;
}

static void nic_maps(void *state)
{
	struct hmm_bench *t = state;

	t->nic0.tries_max = 4;
	hmm_importer_map(&t->nic0, AT(0), AT(1), HMM_WRITE);
}

/* T2: the door is closed while the object moves. */
static void gpu_moves(void *state)
{
	struct hmm_bench *t = state;

	WRITE_ONCE(t->gpu.error, -EBUSY);
	unmap_mapping_range(t->gpu_file->f_mapping, 0, PAGE_SIZE, 1);
	WRITE_ONCE(t->gpu.base, MOVED);
	WRITE_ONCE(t->gpu.error, 0);
}

static void app_unmaps(void *state)
{
	struct hmm_bench *t = state;

	P2PSIM_CHECK(p2psim_munmap(t->app, AT(0), PAGES(1)) == 0);
}

static void kswapd_reclaims(void *state)
{
	struct hmm_bench *t = state;

	p2psim_reclaim_address(t->app, AT(0));
}

/* The child is there for a moment; what the parent had is shared, and stays read-only until somebody writes. */
static void app_forks(void *state)
{
	struct hmm_bench *t = state;
	struct p2psim_process *child = NULL;

	P2PSIM_CHECK(!p2psim_fork(t->app, "child", &child));
	P2PSIM_CHECK(p2psim_load_byte(child, AT(0)) == 7);
	p2psim_process_exit(child);
}

/* The nic has an entry, and it is not where the page is. */
static bool nic_has_an_old_address(void *state)
{
	struct hmm_bench *t = state;

	return hmm_importer_entries(&t->nic0, AT(0), AT(1)) && hmm_importer_dma(&t->nic0, AT(0)) != MOVED;
}

static bool nic_has_an_entry(void *state)
{
	struct hmm_bench *t = state;

	return hmm_importer_entries(&t->nic0, AT(0), AT(1));
}

/* An entry of a page that the CPU does not map there any more. */
static bool nic_has_a_stale_page(void *state)
{
	struct hmm_bench *t = state;
	pte_t *pte = p2psim_pte_lookup(t->mm, AT(0));

	return nic_has_an_entry(state) &&
	       (!pte || !pte_present(*pte) || pte_pfn(*pte) << PAGE_SHIFT != hmm_importer_dma(&t->nic0, AT(0)));
}

/* An entry that says the nic may write what the CPU would fault at. */
static bool nic_writes_past_a_fork(void *state)
{
	struct hmm_bench *t = state;
	const pte_t *pte = p2psim_pte_lookup(t->mm, AT(0));

	return nic_has_a_stale_page(state) || (nic_has_an_entry(state) && !pte_write(*pte));
}

static void tear_down(void *state)
{
	hmm_bench_exit(state);
}

#define SCENARIO(ident, title, begin, other_name, other, question_, found, verdict_, oracle_)                          \
	static const struct p2psim_scenario ident = {                                                                  \
		.name = title,                                                                                         \
		.question = question_,                                                                                 \
		.source = "Glisse, 2019-01-29",                                                                        \
		.state_size = sizeof(struct hmm_bench),                                                                \
		.setup = begin,                                                                                        \
		.tasks = { { "nic0", nic_maps }, { other_name, other } },                                              \
		.exists = found,                                                                                       \
		.teardown = tear_down,                                                                                 \
		.expect = verdict_,                                                                                    \
		.oracle = oracle_,                                                                                     \
	}

SCENARIO(map_revoke, "hmm/map+revoke", one_device_page, "gpu0", gpu_moves,
	 "Can the nic keep an address from before the move?", nic_has_an_old_address, P2PSIM_NEVER, P2PSIM_NO_ORACLE);
SCENARIO(map_revoke_broken, "hmm/map+revoke!no-retry", one_device_page_without_retry, "gpu0", gpu_moves,
	 "Can the nic keep an address from before the move?", NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT);
SCENARIO(map_munmap, "hmm/map+munmap", one_device_page, "app", app_unmaps,
	 "Can the nic keep what munmap() took?", nic_has_an_entry, P2PSIM_NEVER, P2PSIM_NO_ORACLE);
SCENARIO(map_munmap_broken, "hmm/map+munmap!early-unlock", one_device_page_early_unlock, "app", app_unmaps,
	 "Can the nic keep what munmap() took?", NULL, P2PSIM_VIOLATION, P2PSIM_LEAK);
SCENARIO(map_reclaim, "hmm/map+reclaim", one_regular_page, "kswapd", kswapd_reclaims,
	 "Can the nic keep a page that was swapped out?", nic_has_a_stale_page, P2PSIM_NEVER, P2PSIM_NO_ORACLE);
SCENARIO(map_reclaim_broken, "hmm/map+reclaim!no-retry", one_regular_page_without_retry, "kswapd", kswapd_reclaims,
	 "Can the nic keep a page that was swapped out?", nic_has_a_stale_page, P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE);

SCENARIO(map_fork, "hmm/map+fork", one_regular_page, "app", app_forks,
	 "Can the nic keep the right to write what a fork shares?", nic_writes_past_a_fork, P2PSIM_NEVER, P2PSIM_NO_ORACLE);
/* fork() has mmap_lock for writing: who commits before it lets the lock go needs no retry against it. */
SCENARIO(map_fork_locked, "hmm/map+fork:no-retry", one_regular_page_without_retry, "app", app_forks,
	 "Can the nic keep the right to write what a fork shares?", nic_writes_past_a_fork, P2PSIM_NEVER, P2PSIM_NO_ORACLE);
SCENARIO(map_fork_broken, "hmm/map+fork!no-retry,early-unlock", one_regular_page_careless, "app", app_forks,
	 "Can the nic keep the right to write what a fork shares?", nic_writes_past_a_fork, P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE);

/* Every trace: nothing is left out. */
static void test_explored(void **state)
{
	const struct p2psim_scenario *scenario = *state;
	struct p2psim_explore_result result;

	explore_traces(scenario, &result);
	assert_true(result.traces > 10);
}

#define explored(scenario) { (scenario)->name, test_explored, NULL, NULL, (void *)(uintptr_t)(scenario) }

int main(void)
{
	const struct CMUnitTest tests[] = {
		explored(&map_revoke),	explored(&map_revoke_broken),  explored(&map_munmap),
		explored(&map_munmap_broken), explored(&map_reclaim), explored(&map_reclaim_broken),
		explored(&map_fork),	explored(&map_fork_locked),    explored(&map_fork_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
