/* SPDX-License-Identifier: MIT */
/*
 * Importers against what the kernel does on its own account: the timelines T6 and T8, rows H5 and H6 of hmm_range_fault(), and
 * each actor over every interleaving against the canonical retry loop, and against one that does not look for collisions.
 */
#include "explored.h"
#include "hmm_bench.h"

#include <p2psim/actors.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/reclaim.h>

#define RW (PROT_READ | PROT_WRITE)

static int map(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	return hmm_importer_map(&t->nic0, AT(first), AT(first + count), flags);
}

static unsigned long entries(struct hmm_bench *t, unsigned long first, unsigned long count)
{
	return hmm_importer_entries(&t->nic0, AT(first), AT(first + count));
}

static pte_t entry_at(struct hmm_bench *t, unsigned long page)
{
	const pte_t *pte = p2psim_pte_lookup(t->mm, AT(page));

	return pte ? *pte : __pte(0);
}

/* ---- T6 ---- */

/*
 *	nic0				oom_reaper
 *	holds its lock
 *					start_nonblock(UNMAP): invalidate() = false, -EAGAIN
 *					no end(), the VMA stays			[Required: no callback may wait]
 *	unlocks
 *					start_nonblock(UNMAP): dropped
 *					zap, end()
 */
static void test_t6_the_reaper_does_not_wait_for_an_importer(void **state)
{
	struct hmm_bench *t = *state;
	unsigned long seq;

	hmm_bench_anon(t, 0, 2, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	mutex_lock(&t->nic0.lock);
	assert_int_equal(p2psim_oom_reap(t->app), -EAGAIN);
	mutex_unlock(&t->nic0.lock);
	assert_int_equal(t->nic0.events, 0);
	assert_int_equal(entries(t, 0, 2), 2);
	assert_true(pte_present(entry_at(t, 0)));
	/* Nothing is under way: a reader begins at once, and need not retry. */
	seq = mmu_interval_read_begin(&t->nic0.sub);
	assert_false(mmu_interval_check_retry(&t->nic0.sub, seq));
	assert_int_equal(p2psim_oom_reap(t->app), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_UNMAP);
	assert_int_equal(entries(t, 0, 2) + (unsigned long)pte_val(entry_at(t, 0)), 0);
}

/* Device memory is not the reaper's. */
static void test_t6_device_vmas_are_skipped(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.vm_flags = VM_PFNMAP;
	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	assert_int_equal(p2psim_oom_reap(t->app), 0);
	assert_int_equal(t->nic0.events, 0);
	assert_int_equal(entries(t, 0, 2), 2);
}

/* ---- T8 ---- */

/*
 *	nic0				app				child
 *	maps, writable
 *					fork(): start(PROTECTION_PAGE)
 *	dropped
 *					entries read-only		has the same page
 *	write fault: copy, CLEAR	has the copy			keeps the page
 */
static void test_t8_fork_takes_the_right_to_write(void **state)
{
	struct hmm_bench *t = *state;
	struct p2psim_process *child = NULL;
	unsigned long pfn;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_touch(t, 0, 1, 7);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	pfn = pte_pfn(entry_at(t, 0));
	assert_int_equal(p2psim_fork(t->app, "child", &child), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_PROTECTION_PAGE);
	assert_int_equal(entries(t, 0, 1), 0);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_CLEAR);
	assert_int_not_equal(pte_pfn(entry_at(t, 0)), pfn);
	assert_int_equal(p2psim_load_byte(child, AT(0)), 7);
	p2psim_process_exit(child);
}

/* When the child has gone, the page is the parent's again: no copy, no event. */
static void test_t8_after_the_child_the_page_is_reused(void **state)
{
	struct hmm_bench *t = *state;
	struct p2psim_process *child = NULL;
	unsigned long pfn;
	unsigned int events;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_touch(t, 0, 1, 7);
	assert_int_equal(p2psim_fork(t->app, "child", &child), 0);
	p2psim_process_exit(child);
	pfn = pte_pfn(entry_at(t, 0));
	events = t->nic0.events;
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(pte_pfn(entry_at(t, 0)), pfn);
	assert_int_equal(t->nic0.events, events);
}

/* Shared memory and device memory stay mapped: the child has no mirror, the parent's is right still. */
static void test_t8_fork_leaves_shared_memory_alone(void **state)
{
	struct hmm_bench *t = *state;
	struct p2psim_process *child = NULL;

	p2psim_mmap(t->app, AT(0), PAGES(1), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	hmm_bench_gpu(t, 2, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(map(t, 2, 1, HMM_WRITE), 0);
	assert_int_equal(p2psim_fork(t->app, "child", &child), 0);
	assert_int_equal(t->nic0.events, 0);
	assert_int_equal(entries(t, 0, 1) + entries(t, 2, 1), 2);
	p2psim_process_exit(child);
}

/* ---- H5, H6 ---- */

static void make_exclusive(struct hmm_bench *t, unsigned long page)
{
	struct page *locked = NULL;

	mmap_read_lock(t->mm);
	assert_int_equal(make_device_exclusive_range(t->mm, AT(page), AT(page + 1), &locked, t), 1);
	mmap_read_unlock(t->mm);
	unlock_page(locked);
	put_page(locked);
}

static void test_h5_an_exclusive_page_is_zero_or_taken_back(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_touch(t, 0, 1, 7);
	make_exclusive(t, 0);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_int_equal(t->pfns[0], 0);
	assert_true(is_device_exclusive_pte(entry_at(t, 0)));
	assert_int_equal(hmm_importer_map(&t->nic0, AT(0), AT(1), HMM_READ), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_EXCLUSIVE);
	assert_int_equal(entries(t, 0, 1), 1);
	assert_true(pte_write(entry_at(t, 0)));
}

struct snapshot {
	struct hmm_bench *t;
	unsigned long flags;
	int ret;
};

static void takes_snapshot(void *arg)
{
	struct snapshot *s = arg;

	s->ret = hmm_bench_fault(s->t, 0, 1, s->flags);
}

static void compaction(void *arg)
{
	p2psim_migrate_address(((struct hmm_bench *)arg)->app, AT(0));
}

/* A snapshot sees nothing, a fault waits: 9.11 (f). */
static void test_h6_a_moving_page_is_zero_or_waited_for(void **state)
{
	struct hmm_bench *t = *state;
	struct snapshot look = { .t = t }, fault = { .t = t, .flags = HMM_READ };
	struct task_struct *mover, *reader;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_touch(t, 0, 1, 7);
	mover = p2psim_task_spawn("compaction", compaction, t);
	assert_int_equal(p2psim_run_until(mover, "migrate:move"), 0);
	assert_true(is_migration_pte(entry_at(t, 0)));
	t->pfns[0] = ~0UL;
	takes_snapshot(&look);
	assert_int_equal(look.ret, 0);
	assert_int_equal(t->pfns[0], 0);
	reader = p2psim_task_spawn("reader", takes_snapshot, &fault);
	assert_int_equal(p2psim_run_alone(reader), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(fault.ret, 0);
	assert_true((t->pfns[0] & ~HMM_PFN_FLAGS) == pte_pfn(entry_at(t, 0)));
}

/* ---- every interleaving ---- */

static int begin(void *state)
{
	struct hmm_bench *t = state;
	int ret = hmm_bench_init(t);

	if (ret)
		return ret;
	t->nic0.early_unlock = true; /* as most drivers: the sequence protects them, not mmap_lock */
	hmm_bench_anon(t, 0, 2, RW);
	p2psim_madvise(t->app, AT(0), PAGES(2), MADV_MERGEABLE);
	return p2psim_store_byte(t->app, AT(0), 7) ?: p2psim_store_byte(t->app, AT(1), 7);
}

static int begin_careless(void *state)
{
	struct hmm_bench *t = state;
	int ret = begin(state);

	t->nic0.no_retry = true;
	return ret;
}

static void nic_maps(void *state)
{
	struct hmm_bench *t = state;

	t->nic0.tries_max = 2;
	hmm_importer_map(&t->nic0, AT(0), AT(1), HMM_WRITE);
}

/* ksmd makes two pages one: who writes would copy its page again and again. */
static void nic_reads(void *state)
{
	struct hmm_bench *t = state;

	t->nic0.tries_max = 2;
	hmm_importer_map(&t->nic0, AT(0), AT(1), HMM_READ);
}

static void kswapd(void *state)
{
	p2psim_reclaim_address(((struct hmm_bench *)state)->app, AT(0));
}

static void reaper(void *state)
{
	p2psim_oom_reap(((struct hmm_bench *)state)->app);
}

static void numa(void *state)
{
	p2psim_numa_scan(((struct hmm_bench *)state)->app, AT(0), AT(1));
}

static void ksmd(void *state)
{
	struct hmm_bench *t = state;

	p2psim_ksm_merge(t->app, AT(1), t->app, AT(0));
}

static void clear_refs(void *state)
{
	p2psim_soft_dirty_clear(((struct hmm_bench *)state)->app);
}

static void other_device(void *state)
{
	struct hmm_bench *t = state;
	struct page *page = NULL;

	mmap_read_lock(t->mm);
	make_device_exclusive_range(t->mm, AT(0), AT(1), &page, t);
	mmap_read_unlock(t->mm);
	if (!page)
		return;
	unlock_page(page);
	put_page(page);
}

/* The nic has a page to which the CPU's entry does not lead, or writes one that the CPU may not write. */
static bool nic_is_stale(void *state)
{
	struct hmm_bench *t = state;
	pte_t pte = entry_at(t, 0);

	if (!entries(t, 0, 1))
		return false;
	if (hmm_importer_pfn(&t->nic0, AT(0)) & HMM_PFN_WRITE && !pte_write(pte))
		return true;
	return !(pte_val(pte) & P2PSIM_PTE_PRESENT) ||
	       pte_pfn(pte) << PAGE_SHIFT != hmm_importer_dma(&t->nic0, AT(0));
}

static void tear_down(void *state)
{
	hmm_bench_exit(state);
}

struct actor {
	const char *name;
	void (*acts)(void *state);
	void (*nic)(void *state);
};

static const struct actor actors[] = {
	{ "kswapd", kswapd, nic_maps }, { "oom_reaper", reaper, nic_maps },	{ "compaction", compaction, nic_maps },
	{ "numa", numa, nic_maps },	{ "clear_refs", clear_refs, nic_maps }, { "exclusive", other_device, nic_maps },
	{ "ksmd", ksmd, nic_reads },
};

static void explore(const struct actor *actor, bool careful, struct p2psim_explore_result *result)
{
	const struct p2psim_scenario scenario = {
		.name = careful ? "hmm/map+actor" : "hmm/map+actor!no-retry",
		.question = "Can the nic keep what the kernel took?",
		.source = "include/linux/mmu_notifier.h, 6.1",
		.state_size = sizeof(struct hmm_bench),
		.setup = careful ? begin : begin_careless,
		.tasks = { { "nic0", actor->nic }, { actor->name, actor->acts } },
		.exists = nic_is_stale,
		.teardown = tear_down,
		.expect = careful ? P2PSIM_NEVER : P2PSIM_SOMETIMES,
	};

	explore_traces(&scenario, result);
}

static void test_the_retry_loop_keeps_nothing_that_an_actor_took(void **state)
{
	struct p2psim_explore_result result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actors); i++) {
		explore(&actors[i], true, &result);
		assert_true(result.traces > 5);
	}
}

static void test_without_the_retry_every_actor_is_missed(void **state)
{
	struct p2psim_explore_result result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(actors); i++) {
		explore(&actors[i], false, &result);
		assert_true(result.exists > 0 && result.exists < result.executions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hmm_test(test_t6_the_reaper_does_not_wait_for_an_importer),
		hmm_test(test_t6_device_vmas_are_skipped),
		hmm_test(test_t8_fork_takes_the_right_to_write),
		hmm_test(test_t8_after_the_child_the_page_is_reused),
		hmm_test(test_t8_fork_leaves_shared_memory_alone),
		hmm_test(test_h5_an_exclusive_page_is_zero_or_taken_back),
		hmm_test(test_h6_a_moving_page_is_zero_or_waited_for),
		cmocka_unit_test(test_the_retry_loop_keeps_nothing_that_an_actor_took),
		cmocka_unit_test(test_without_the_retry_every_actor_is_missed),
	};

	return cmocka_run_group_tests_name("hmm_actors", tests, NULL, NULL);
}
