/* SPDX-License-Identifier: MIT */
/*
 * The HMM of Linux 5.2, repaired and as it was: D1..D12 and D14.  Two pages of app, and gpu0 that mirrors them.
 */
#include "era_hmm_gpu.h"

#include <errno.h>

#include <p2psim/actors.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/slab.h>
#include <p2psim/reclaim.h>

#include "eras.h"

/* ---- Tasks ---- */

static void gpu_faults_one(void *state)
{
	era_fault(state, AT(0), AT(1));
}

/* D12 */
static void gpu_faults_a_hole(void *state)
{
	struct era *t = state;

	t->wrong = era_fault(t, START, END) != -EFAULT;
}

static void gpu_unregisters(void *state)
{
	hmm_mirror_unregister(&((struct era *)state)->gpu->mirror);
}

static void gpu_unregisters_and_goes(void *state)
{
	struct era *t = state;
	struct gpu *gpu = t->gpu;

	hmm_mirror_unregister(&gpu->mirror);
	t->gpu = NULL;
	kfree(gpu);
}

static void second_unregisters(void *state)
{
	hmm_mirror_unregister(&((struct era *)state)->second);
}

static void gpu_registers(void *state)
{
	struct era *t = state;

	t->failed |= era_mirror(t, &t->gpu->mirror);
}

/* Of the mm: 5.2 let a range come before any mirror. */
static void watcher_registers(void *state)
{
	struct era *t = state;
	uint64_t pfns[PAGES] = {};
	struct hmm_range range;
	int ret;

	era_range_init(&range, pfns);
	ret = hmm_range_register(&range, t->mm, START, END, PAGE_SHIFT);
	t->failed |= ret;
	if (!ret)
		hmm_range_unregister(&range);
}

/* As it was, the guard of hmm_range_unregister() was all a driver had; it is gone, so a driver remembers. */
static void gives_back(void *state)
{
	struct era *t = state;
	bool mine = true;

	if (!p2psim_quirk_on(P2PSIM_QUIRK_D9_RACY_UNREGISTER)) {
		mutex_lock(&t->gpu->lock);
		mine = t->gpu->owns_range;
		t->gpu->owns_range = false;
		mutex_unlock(&t->gpu->lock);
	}
	if (mine)
		hmm_range_unregister(&t->gpu->range);
	t->gpu->owns_range = false;
}

static void drops_page_0(void *state)
{
	p2psim_madvise(((struct era *)state)->app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

static void drops_page_1(void *state)
{
	p2psim_madvise(((struct era *)state)->app, AT(1), PAGE_SIZE, MADV_DONTNEED);
}

static void app_exits(void *state)
{
	struct era *t = state;
	struct p2psim_process *app = t->app;

	t->app = NULL;
	p2psim_process_exit(app);
}

static void oom_reaps(void *state)
{
	p2psim_oom_reap(((struct era *)state)->app);
}

static void kswapd_reclaims(void *state)
{
	p2psim_reclaim_address(((struct era *)state)->app, AT(0));
}

/* ---- Questions ---- */

/* The device has a page that the process has not, or another one. */
static bool is_stale(void *state)
{
	struct era *t = state;
	int i;

	for (i = 0; i < PAGES; i++) {
		const pte_t *pte = p2psim_pte_lookup(t->mm, AT(i));

		if (t->gpu->ptes[i] && (!pte || !pte_present(*pte) || pte_pfn(*pte) != t->gpu->ptes[i] >> 8))
			return true;
	}
	return false;
}

/* Nobody invalidates any more. */
static bool is_never_valid(void *state)
{
	return era_fault(state, START, END) == -ETIMEDOUT;
}

static bool somebody_failed(void *state)
{
	return ((struct era *)state)->failed;
}

/* D11: the page is app's all the time. */
static bool got_nothing(void *state)
{
	return ((struct era *)state)->gpu->got_nothing;
}

static bool went_wrong(void *state)
{
	return ((struct era *)state)->wrong;
}

#define GPU0(fn) { "gpu0", fn }
#define APP(fn) { "app", fn }
#define FIELDS(ask, from, begin, yes, ...)                                                                             \
	.question = ask, .source = from, .state_size = sizeof(struct era), .setup = begin, .tasks = { __VA_ARGS__ },   \
	.exists = yes, .teardown = era_teardown
#define REVISION(n) "Gunthorpe, 2019-06-24, mm/hmm: Various revisions from a locking/code review, " n "/12"
#define ABA "Gunthorpe, 2019-10-15, mm/hmm: allow hmm_range to be used with a mmu_range_notifier or hmm_mirror"
#define MAIL_004 "Gunthorpe, 2019-06-08, Re: [RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables"

const struct p2psim_scenario p2psim_era_hmm[] = {
	ERA_PAIR("D1-aba", D1_ABA, "gpu0>hmm52:faulted app gpu0", P2PSIM_SOMETIMES, 0,
		 FIELDS("Does the device install a page that went while it read page tables?", ABA, era_setup, is_stale,
			APP(drops_page_0), GPU0(gpu_faults_one)))
	ERA_PAIR("D2-free-under-notifier", D2_FREE_UNDER_NOTIFIER, "app>hmm52:end gpu0 app", P2PSIM_VIOLATION, P2PSIM_UAF,
		 FIELDS("Is struct hmm there until the last callback has returned?", REVISION("1"), era_setup, is_stale,
			APP(drops_page_0), GPU0(gpu_unregisters)))
	ERA_PAIR("D3-count-stays", D3_COUNT_STAYS, "gpu1>hmm52:mirrors oom gpu1", P2PSIM_SOMETIMES, 0,
		 FIELDS("Is a range ever valid again after an invalidation was refused?", REVISION("12"),
			era_setup_two_mirrors, is_never_valid, { "oom", oom_reaps }, { "gpu1", second_unregisters }))
	ERA_PAIR("D4-refusal-lost", D4_REFUSAL_LOST, "gpu0>gpu:install oom gpu0", P2PSIM_SOMETIMES, 0,
		 FIELDS("Does the mm take a page that a mirror could not let go?", REVISION("12"), era_setup, is_stale,
			{ "oom", oom_reaps }, GPU0(gpu_faults_one)))
	ERA_PAIR("D5-count-after-callbacks", D5_COUNT_AFTER_CALLBACKS, "app>gpu:synced app2 gpu0 app", P2PSIM_SOMETIMES, 0,
		 FIELDS("Does the end of one invalidation make a range valid during another?", REVISION("12"), era_setup,
			is_stale, APP(drops_page_0), { "app2", drops_page_1 }, GPU0(gpu_faults_one)))
	ERA_PAIR("D6-lock-twice", D6_LOCK_TWICE, NULL, P2PSIM_VIOLATION, P2PSIM_LOCKGRAPH,
		 FIELDS("Does the OOM reaper lock what it has locked?", "Dan Carpenter, 2019-02-04", era_setup, is_stale,
			{ "oom", oom_reaps }, GPU0(gpu_faults_one)))
	ERA_PAIR("D7-mm-lifetime", D7_MM_LIFETIME, "gpu0>hmm52:register app gpu0", P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Are page tables read of an address space that is going?", REVISION("7"), era_setup, NULL,
			APP(app_exits), GPU0(gpu_faults_one)))
	ERA_PAIR("D8-create-race", D8_CREATE_RACE, "gpu0>hmm52:create gpu1 gpu0", P2PSIM_SOMETIMES, 0,
		 FIELDS("Is one of two first users turned away?", REVISION("4"), era_setup_unmirrored, somebody_failed,
			GPU0(gpu_registers), { "gpu1", watcher_registers }))
	ERA_PAIR("D9-racy-unregister", D9_RACY_UNREGISTER, "gpu0>hmm52:unregister gpu0-exit gpu0", P2PSIM_VIOLATION, P2PSIM_UAF,
		 FIELDS("Is a range given back twice?", REVISION("9, 10"), era_setup_range, NULL,
			GPU0(gives_back), { "gpu0-exit", gives_back }))
	ERA_PAIR("D10-release-unlocked", D10_RELEASE_UNLOCKED, "app>gpu:sync gpu0 app", P2PSIM_VIOLATION, P2PSIM_UAF,
		 FIELDS("Is a mirror used by release() after it was unregistered?", REVISION("11"), era_setup, NULL,
			APP(app_exits), GPU0(gpu_unregisters_and_goes)))
	ERA_PAIR("D11-swap-not-faulted", D11_SWAP_NOT_FAULTED, NULL, P2PSIM_SOMETIMES, 0,
		 FIELDS("Does the device get nothing for a page that was swapped out?",
			"Philip Yang, Linux 5.4: fix hmm_range_fault()'s handling of swapped out pages", era_setup,
			got_nothing, { "kswapd", kswapd_reclaims }, GPU0(gpu_faults_one)))
	ERA_PAIR("D12-hole-before-vma", D12_HOLE_BEFORE_VMA, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Does the device get a page where nothing is mapped?", "mm/hmm.c, 5.3", era_setup_hole, went_wrong,
			GPU0(gpu_faults_a_hole)))
	ERA_PAIR("D14-no-retry", D14_NO_RETRY, "gpu0>hmm52:faulted app gpu0", P2PSIM_SOMETIMES, 0,
		 FIELDS("Can mirrors be plain notifiers, as long as these tell no range that it collided?", MAIL_004,
			era_setup, is_stale, APP(drops_page_0), GPU0(gpu_faults_one)))
	{},
};
