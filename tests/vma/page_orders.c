/* SPDX-License-Identifier: MIT */
/*
 * Orders that decide what becomes of a page.  Each is found by DPOR as it is by looking at every interleaving: a step that
 * forgets to name what it touches would hide one.
 */
#include "explored.h"
#include "vma_pages.h"

struct race {
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct file *file;
	int reclaimed;		/* what reclaim has said */
};

static void explore(const struct p2psim_scenario *scenario, enum p2psim_strategy_kind strategy,
		    struct p2psim_explore_result *result)
{
	const struct p2psim_explore_options options = { .strategy = strategy, .keep_going = true };

	explore_as_expected(scenario, &options, result);
	assert_true(result->complete);
}

static void assert_agree(const struct p2psim_scenario *scenario)
{
	struct p2psim_explore_result all, dpor;

	explore(scenario, P2PSIM_EXPLORE_NAIVE, &all);
	explore(scenario, P2PSIM_EXPLORE_DPOR, &dpor);
	assert_int_equal(all.verdict, scenario->expect);
	assert_int_equal(dpor.verdict, scenario->expect);
	assert_true(dpor.executions < all.executions);
}

static void ends(void *state)
{
	struct race *r = state;

	p2psim_process_exit(r->app);
	if (r->file)
		fput(r->file);
}

/* ---- a revocation in the middle of a copy ---- */

static int fill(struct file *file, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, DEVICE_PFN, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static int private_pfn(void *state)
{
	static const struct file_operations fops = { .mmap = fill };
	struct race *r = state;

	r->app = p2psim_process_create("app");
	r->file = p2psim_file_create("gpu0", &fops, NULL, FMODE_READ | FMODE_WRITE);
	if (!r->app || !r->file)
		return -ENOMEM;
	r->mm = p2psim_process_mm(r->app);
	return p2psim_mmap(r->app, AT(0), PAGES(1), RW, MAP_PRIVATE | MAP_FIXED, r->file, 0) < 0 ? -ENOMEM : 0;
}

/* SIGBUS when the pfn is gone: nobody brings it back. */
static void writes(void *state)
{
	int ret = p2psim_store_byte(((struct race *)state)->app, AT(0), 1);

	P2PSIM_CHECK(!ret || ret == -EFAULT);
}

static void revokes_copies_too(void *state)
{
	unmap_mapping_range(((struct race *)state)->file->f_mapping, 0, 0, 1);
}

static bool something_is_mapped(void *state)
{
	const pte_t *pte = p2psim_pte_lookup(((struct race *)state)->mm, AT(0));

	return pte && !pte_none(*pte);
}

static const struct p2psim_scenario copy_and_revoke = {
	.name = "vma/copy+revoke", .question = "Does a private copy survive a revocation of everything?",
	.source = "mm/memory.c, 6.1", .state_size = sizeof(struct race), .setup = private_pfn,
	.tasks = { { "app", writes }, { "gpu0", revokes_copies_too } },
	.exists = something_is_mapped, .teardown = ends, .expect = P2PSIM_NEVER,
};

/*
 *	app					gpu0
 *	write: the entry is none, and held
 *						unmap_mapping_range(): waits
 *	the copy is put in
 *						the copy is taken out
 */
static void test_a_copy_does_not_survive_a_revocation(void **state)
{
	assert_agree(&copy_and_revoke);
}

/* ---- a reference that makes reclaim give up ---- */

static int touched_page(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	if (!r->app || p2psim_mmap(r->app, AT(0), PAGES(1), RW, FIXED_ANON, NULL, 0) < 0)
		return -ENOMEM;
	r->mm = p2psim_process_mm(r->app);
	return p2psim_store_byte(r->app, AT(0), 1);
}

static void takes_and_puts(void *state)
{
	struct race *r = state;
	struct page *page;
	long got;

	mmap_read_lock(r->mm);
	got = get_user_pages_remote(r->mm, AT(0), 1, FOLL_NOFAULT, &page, NULL, NULL);
	mmap_read_unlock(r->mm);
	if (got == 1)
		put_page(page);
}

static void kswapd(void *state)
{
	struct race *r = state;

	r->reclaimed = p2psim_reclaim_address(r->app, AT(0));
}

static bool is_busy(void *state)
{
	return ((struct race *)state)->reclaimed == -EBUSY;
}

static const struct p2psim_scenario reference_and_reclaim = {
	.name = "vma/reference+reclaim", .question = "Can reclaim meet a page that somebody holds for a moment?",
	.source = "mm/vmscan.c, 6.1", .state_size = sizeof(struct race), .setup = touched_page,
	.tasks = { { "nic0", takes_and_puts }, { "kswapd", kswapd } },
	.exists = is_busy, .teardown = ends, .expect = P2PSIM_SOMETIMES,
};

static void test_reclaim_may_meet_a_page_that_is_held_for_a_moment(void **state)
{
	assert_agree(&reference_and_reclaim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_copy_does_not_survive_a_revocation),
		cmocka_unit_test(test_reclaim_may_meet_a_page_that_is_held_for_a_moment),
	};

	return cmocka_run_group_tests_name("page_orders", tests, NULL, NULL);
}
