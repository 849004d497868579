/* SPDX-License-Identifier: MIT */
/*
 * Small questions about the protocol, answered over every interleaving: complete means that no trace was left out.
 */
#include "explored.h"
#include "notifier_mm.h"

struct small {
	struct mm_struct *mm;
	struct mirror m;
	unsigned long page;	/* what the CPU's table says; changed inside invalidations */
	unsigned long copy;	/* what the device has; m.lock; 0 = nothing */
	struct mirror *heap;	/* a second subscription, freed right after its removal */
	struct mmu_notifier mn;
	struct mmu_notifier *got;
	int starts, ends, releases, refused;
	bool wrong;		/* what the scenario's question asks for */
};

static bool small_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct small *s = container_of(sub, struct small, m.sub);

	(void)range;
	mutex_lock(&s->m.lock);
	mmu_interval_set_seq(sub, cur_seq);
	s->copy = 0;
	mutex_unlock(&s->m.lock);
	return true;
}

static const struct mmu_interval_notifier_ops small_ops = { .invalidate = small_invalidate };

static int small_setup(void *state)
{
	struct small *s = state;

	s->mm = notifier_mm_create();
	s->page = 1;
	mutex_init(&s->m.lock);
	return s->mm ? mmu_interval_notifier_insert(&s->m.sub, s->mm, PAGES(4), PAGES(4), &small_ops) : -ENOMEM;
}

static void small_teardown(void *state)
{
	struct small *s = state;

	if (s->m.sub.state)
		mmu_interval_notifier_remove(&s->m.sub);
	mmput(s->mm);
}

static void app_replaces(void *state)
{
	struct small *s = state;
	struct mmu_notifier_range range;

	range_of(&range, s->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&range);
	WRITE_ONCE(s->page, s->page + 1);
	mmu_notifier_invalidate_range_end(&range);
}

static void copy_page(struct small *s, bool look)
{
	unsigned long seq, page;

	for (;;) {
		seq = mmu_interval_read_begin(&s->m.sub);
		page = READ_ONCE(s->page);
		mutex_lock(&s->m.lock);
		if (!look || !mmu_interval_read_retry(&s->m.sub, seq))
			break;
		mutex_unlock(&s->m.lock);
	}
	s->copy = page;
	mutex_unlock(&s->m.lock);
}

static void nic_copies(void *state)
{
	copy_page(state, true);
}

static void nic_copies_blindly(void *state)
{
	copy_page(state, false);
}

static bool the_copy_is_old(void *state)
{
	struct small *s = state;

	return s->copy && s->copy != s->page;
}

/*
 * The question that the sequence exists for.
 *
 *	nic0				app
 *	read_begin()
 *	page = READ_ONCE()
 *					start; page++; end
 *	lock; read_retry()?
 */
static const struct p2psim_scenario copy_replace = {
	.name = "notifier/copy+replace",
	.question = "Can the NIC keep a copy of the page that was replaced, or sleep for ever?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = small_setup,
	.tasks = { { "app", app_replaces }, { "nic0", nic_copies } },
	.exists = the_copy_is_old,
	.teardown = small_teardown,
	.expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario copy_replace_blindly = {
	.name = "notifier/copy+replace!no-retry",
	.question = "And if it does not look at the sequence?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = small_setup,
	.tasks = { { "app", app_replaces }, { "nic0", nic_copies_blindly } },
	.exists = the_copy_is_old,
	.teardown = small_teardown,
	.expect = P2PSIM_SOMETIMES,
};

/* ---- Removing ---- */

static bool heap_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	struct mirror *m = container_of(sub, struct mirror, sub);

	(void)range;
	mutex_lock(&m->lock);
	mmu_interval_set_seq(sub, cur_seq);
	m->calls++;
	mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops heap_ops = { .invalidate = heap_invalidate };

static int heap_insert(struct small *s)
{
	s->heap = kzalloc(sizeof(*s->heap), GFP_KERNEL);
	if (!s->heap)
		return -ENOMEM;
	mutex_init(&s->heap->lock);
	return mmu_interval_notifier_insert(&s->heap->sub, s->mm, PAGES(4), PAGES(4), &heap_ops);
}

static int remove_setup(void *state)
{
	return small_setup(state) ?: heap_insert(state);
}

static void driver_removes_and_frees(void *state)
{
	struct small *s = state;

	mmu_interval_notifier_remove(&s->heap->sub);
	kfree(s->heap);
}

static bool is_invalid(void *state)
{
	return !p2psim_notifier_is_valid(((struct small *)state)->mm);
}

/* T5, B14, N7, N8: any touch of the freed subscription is a UAF. */
static const struct p2psim_scenario remove_invalidate = {
	.name = "notifier/remove+invalidate",
	.question = "Is a subscription touched after remove() has returned?",
	.source = "commit 319561669a59, mmu_interval_notifier_remove() returned too early",
	.state_size = sizeof(struct small),
	.setup = remove_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_removes_and_frees } },
	.exists = is_invalid,
	.teardown = small_teardown,
	.expect = P2PSIM_NEVER,
};

static void driver_frees(void *state)
{
	kfree(((struct small *)state)->heap);
}

static const struct p2psim_scenario free_invalidate = {
	.name = "notifier/remove+invalidate!no-remove",
	.question = "And if it is freed without remove()?",
	.source = "commit 319561669a59",
	.state_size = sizeof(struct small),
	.setup = remove_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_frees } },
	.expect = P2PSIM_VIOLATION,
	.oracle = P2PSIM_UAF,
};

/* ---- Inserting ---- */

static void driver_inserts_and_copies(void *state)
{
	struct small *s = state;

	mutex_init(&s->m.lock);
	P2PSIM_CHECK(!mmu_interval_notifier_insert(&s->m.sub, s->mm, PAGES(4), PAGES(4), &small_ops));
	copy_page(s, true);
}

static int insert_setup(void *state)
{
	struct small *s = state;

	s->mm = notifier_mm_create();
	s->page = 1;
	return s->mm ? 0 : -ENOMEM;
}

/* A subscription elsewhere is there before: the mm has its tree, the newcomer does not wait for locks. */
static int insert_second_setup(void *state)
{
	struct small *s = state;

	s->heap = kzalloc(sizeof(*s->heap), GFP_KERNEL);
	if (!s->heap || insert_setup(state))
		return -ENOMEM;
	mutex_init(&s->heap->lock);
	return mmu_interval_notifier_insert(&s->heap->sub, s->mm, PAGES(90), PAGES(4), &heap_ops);
}

static void insert_second_teardown(void *state)
{
	driver_removes_and_frees(state);
	small_teardown(state);
}

/* T4. */
static const struct p2psim_scenario insert_replace = {
	.name = "notifier/insert+replace",
	.question = "Can one who subscribes during an invalidation keep the old page?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = insert_second_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_inserts_and_copies } },
	.exists = the_copy_is_old,
	.teardown = insert_second_teardown,
	.expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario first_insert_replace = {
	.name = "notifier/first-insert+replace",
	.question = "Can the first subscriber of an mm, who comes during an invalidation, keep the old page?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = insert_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_inserts_and_copies } },
	.exists = the_copy_is_old,
	.teardown = small_teardown,
	.expect = P2PSIM_NEVER,
};

/* ---- Two invalidations at once ---- */

static void app_clears_elsewhere(void *state)
{
	invalidate_pages(((struct small *)state)->mm, MMU_NOTIFY_CLEAR, 90, 91);
}

static const struct p2psim_scenario copy_replace_elsewhere = {
	.name = "notifier/copy+replace+elsewhere",
	.question = "Is the reader let through, or left asleep, by an invalidation that does not touch it?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = small_setup,
	.tasks = { { "app", app_replaces }, { "other", app_clears_elsewhere }, { "nic0", nic_copies } },
	.exists = the_copy_is_old,
	.teardown = small_teardown,
	.expect = P2PSIM_NEVER,
};

/* ---- The end of the mm ---- */

static void app_exits(void *state)
{
	mmput(((struct small *)state)->mm);
}

static int exit_setup(void *state)
{
	struct small *s = state;
	int error = remove_setup(state);

	mmgrab(s->mm); /* is_invalid() looks at it */
	return error;
}

static void exit_teardown(void *state)
{
	struct small *s = state;

	mmu_interval_notifier_remove(&s->m.sub);
	mmdrop(s->mm);
}

/* T7. */
static const struct p2psim_scenario exit_remove = {
	.name = "notifier/exit+remove",
	.question = "May the driver remove and free its subscription while the process exits?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = exit_setup,
	.tasks = { { "app", app_exits }, { "driver", driver_removes_and_frees } },
	.exists = is_invalid,
	.teardown = exit_teardown,
	.expect = P2PSIM_NEVER,
};

/* ---- A range that must not block ---- */

static bool polite_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct small *s = container_of(sub, struct small, m.sub);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&s->m.lock);
	else if (!mutex_trylock(&s->m.lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	s->copy = 0;
	mutex_unlock(&s->m.lock);
	return true;
}

static const struct mmu_interval_notifier_ops polite_ops = { .invalidate = polite_invalidate };

static int polite_setup(void *state)
{
	struct small *s = state;
	int error = insert_setup(state);

	mutex_init(&s->m.lock);
	return error ?: mmu_interval_notifier_insert(&s->m.sub, s->mm, PAGES(4), PAGES(4), &polite_ops);
}

static void reaper_replaces(void *state)
{
	struct small *s = state;
	struct mmu_notifier_range range;

	range_of(&range, s->mm, MMU_NOTIFY_UNMAP, 4, 5);
	if (mmu_notifier_invalidate_range_start_nonblock(&range))
		return (void)s->refused++;
	WRITE_ONCE(s->page, s->page + 1);
	mmu_notifier_invalidate_range_end(&range);
}

/* T6, D3: after a refusal nothing is counted: the reader sleeps for ever in no interleaving. */
static const struct p2psim_scenario copy_reap = {
	.name = "notifier/copy+reap",
	.question = "Does a refused start leave an old copy, or a reader asleep?",
	.source = "mm/mmu_notifier.c, 6.1; mm/hmm.c of 5.2 (notifiers++ without --)",
	.state_size = sizeof(struct small),
	.setup = polite_setup,
	.tasks = { { "reaper", reaper_replaces }, { "nic0", nic_copies } },
	.exists = the_copy_is_old,
	.teardown = small_teardown,
	.expect = P2PSIM_NEVER,
};

static bool was_refused(void *state)
{
	return ((struct small *)state)->refused != 0;
}

static const struct p2psim_scenario reap_is_refused = {
	.name = "notifier/copy+reap:refused",
	.question = "Is it refused at all?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = polite_setup,
	.tasks = { { "reaper", reaper_replaces }, { "nic0", nic_copies } },
	.exists = was_refused,
	.teardown = small_teardown,
	.expect = P2PSIM_SOMETIMES,
};

/* ---- The list ---- */

static int list_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct small *s = container_of(mn, struct small, mn);

	(void)range;
	s->starts++;
	return 0;
}

static void list_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct small *s = container_of(mn, struct small, mn);

	(void)range;
	if (++s->ends > s->starts)
		s->wrong = true;
}

static void list_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	(void)mm;
	container_of(mn, struct small, mn)->releases++;
}

static const struct mmu_notifier_ops list_ops = {
	.release = list_release,
	.invalidate_range_start = list_start,
	.invalidate_range_end = list_end,
};

static void driver_registers(void *state)
{
	struct small *s = state;

	s->mn.ops = &list_ops;
	P2PSIM_CHECK(!mmu_notifier_register(&s->mn, s->mm));
}

static void list_teardown(void *state)
{
	struct small *s = state;

	mmu_notifier_unregister(&s->mn, s->mm);
	mmput(s->mm);
}

static bool is_wrong(void *state)
{
	return ((struct small *)state)->wrong;
}

static const struct p2psim_scenario register_invalidate = {
	.name = "notifier/register+invalidate",
	.question = "Can a newcomer hear an end whose start it did not hear?",
	.source = "mm/mmu_notifier.c, 6.1: mm_take_all_locks()",
	.state_size = sizeof(struct small),
	.setup = insert_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_registers } },
	.exists = is_wrong,
	.teardown = list_teardown,
	.expect = P2PSIM_NEVER,
};

static int unregister_setup(void *state)
{
	struct small *s = state;
	int error = insert_setup(state);

	s->mn.ops = &list_ops;
	return error ?: mmu_notifier_register(&s->mn, s->mm);
}

static void driver_unregisters(void *state)
{
	struct small *s = state;
	int starts, ends;

	mmu_notifier_unregister(&s->mn, s->mm);
	starts = s->starts;
	ends = s->ends;
	p2psim_step("driver:unregistered");
	s->wrong |= s->starts != starts || s->ends != ends || s->releases != 1;
	memset(&s->mn, 0x6b, sizeof(s->mn));
}

static void mm_teardown(void *state)
{
	mmput(((struct small *)state)->mm);
}

static const struct p2psim_scenario unregister_invalidate = {
	.name = "notifier/unregister+invalidate",
	.question = "Does a callback run after mmu_notifier_unregister() has returned?",
	.source = "mm/mmu_notifier.c, 6.1",
	.state_size = sizeof(struct small),
	.setup = unregister_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_unregisters } },
	.exists = is_wrong,
	.teardown = mm_teardown,
	.expect = P2PSIM_NEVER,
};

static struct mmu_notifier *got_alloc(struct mm_struct *mm)
{
	struct mmu_notifier *mn = kzalloc(sizeof(*mn), GFP_KERNEL);

	(void)mm;
	return mn ? mn : ERR_PTR(-ENOMEM);
}

static void got_free(struct mmu_notifier *mn)
{
	kfree(mn);
}

static int got_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
	return 0;
}

static const struct mmu_notifier_ops got_ops = {
	.invalidate_range_start = got_start,
	.alloc_notifier = got_alloc,
	.free_notifier = got_free,
};

static int put_setup(void *state)
{
	struct small *s = state;

	if (insert_setup(state))
		return -ENOMEM;
	s->got = mmu_notifier_get(&got_ops, s->mm);
	return IS_ERR(s->got) ? (int)PTR_ERR(s->got) : 0;
}

static void driver_puts(void *state)
{
	mmu_notifier_put(((struct small *)state)->got);
}

static void put_teardown(void *state)
{
	mmu_notifier_synchronize();
	mmput(((struct small *)state)->mm);
}

/* B01, D2: freed by an SRCU callback, under nobody's feet. */
static const struct p2psim_scenario put_invalidate = {
	.name = "notifier/put+invalidate",
	.question = "Is a notifier freed while an invalidation calls it?",
	.source = "Gunthorpe, 2019-06-24, 20190624210110.5098-2-jgg@ziepe.ca",
	.state_size = sizeof(struct small),
	.setup = put_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_puts } },
	.exists = is_wrong,
	.teardown = put_teardown,
	.expect = P2PSIM_NEVER,
};

static void driver_takes_off_and_frees(void *state)
{
	struct small *s = state;

	kfree(s->got);
}

static const struct p2psim_scenario free_list_invalidate = {
	.name = "notifier/put+invalidate!no-put",
	.question = "And if it is freed at once?",
	.source = "Gunthorpe, 2019-06-24",
	.state_size = sizeof(struct small),
	.setup = put_setup,
	.tasks = { { "app", app_replaces }, { "driver", driver_takes_off_and_frees } },
	.expect = P2PSIM_VIOLATION,
	.oracle = P2PSIM_UAF,
};

/* ---- */

static void never(const struct p2psim_scenario *scenario)
{
	struct p2psim_explore_result result;

	explore_traces(scenario, &result);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
	assert_int_equal(result.violations, 0);
	assert_true(result.traces > 1);
}

static void test_N5_no_interleaving_lets_a_device_keep_a_replaced_page(void **state)
{
	(void)state;
	never(&copy_replace);
}

static void test_N5_without_read_retry_some_do(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore_traces(&copy_replace_blindly, &result);
	assert_int_equal(result.verdict, copy_replace_blindly.expect);
}

static void test_B14_N8_no_interleaving_touches_a_subscription_after_its_removal(void **state)
{
	(void)state;
	never(&remove_invalidate);
}

static void test_a_subscription_freed_without_remove_is_found(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore_traces(&free_invalidate, &result);
	assert_int_equal(result.verdict, free_invalidate.expect);
}

static void test_T4_no_interleaving_of_an_insert_keeps_the_old_page(void **state)
{
	(void)state;
	never(&insert_replace);
}

static void test_T4_not_even_of_the_first_insert_of_an_mm(void **state)
{
	(void)state;
	never(&first_insert_replace);
}

static void test_N3_no_interleaving_of_two_invalidations_misleads_a_reader(void **state)
{
	(void)state;
	never(&copy_replace_elsewhere);
}

static void test_T7_a_driver_may_remove_and_free_while_the_process_exits(void **state)
{
	(void)state;
	never(&exit_remove);
}

static void test_T6_D3_a_refused_start_leaves_nobody_asleep(void **state)
{
	(void)state;
	never(&copy_reap);
}

static void test_T6_some_starts_are_refused(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore_traces(&reap_is_refused, &result);
	assert_int_equal(result.verdict, reap_is_refused.expect);
}

static void test_a_newcomer_hears_no_end_without_its_start(void **state)
{
	(void)state;
	never(&register_invalidate);
}

static void test_no_callback_runs_after_unregister(void **state)
{
	(void)state;
	never(&unregister_invalidate);
}

static void test_B01_a_notifier_that_was_put_is_freed_under_nobodys_feet(void **state)
{
	(void)state;
	never(&put_invalidate);
}

static void test_B01_one_freed_at_once_is_found(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore_traces(&free_list_invalidate, &result);
	assert_int_equal(result.verdict, free_list_invalidate.expect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_N5_no_interleaving_lets_a_device_keep_a_replaced_page),
		cmocka_unit_test(test_N5_without_read_retry_some_do),
		cmocka_unit_test(test_B14_N8_no_interleaving_touches_a_subscription_after_its_removal),
		cmocka_unit_test(test_a_subscription_freed_without_remove_is_found),
		cmocka_unit_test(test_T4_no_interleaving_of_an_insert_keeps_the_old_page),
		cmocka_unit_test(test_T4_not_even_of_the_first_insert_of_an_mm),
		cmocka_unit_test(test_N3_no_interleaving_of_two_invalidations_misleads_a_reader),
		cmocka_unit_test(test_T7_a_driver_may_remove_and_free_while_the_process_exits),
		cmocka_unit_test(test_T6_D3_a_refused_start_leaves_nobody_asleep),
		cmocka_unit_test(test_T6_some_starts_are_refused),
		cmocka_unit_test(test_a_newcomer_hears_no_end_without_its_start),
		cmocka_unit_test(test_no_callback_runs_after_unregister),
		cmocka_unit_test(test_B01_a_notifier_that_was_put_is_freed_under_nobodys_feet),
		cmocka_unit_test(test_B01_one_freed_at_once_is_found),
	};

	return cmocka_run_group_tests_name("notifier/explored", tests, NULL, NULL);
}
