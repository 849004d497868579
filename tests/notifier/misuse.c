/* SPDX-License-Identifier: MIT */
/* Every mistake that the notifiers know of, made once: each is named, and the world goes on. */
#include "notifier_mm.h"

#include "notifier/internal.h"

/* A device whose callback does what it must not. */
enum misdeed {
	WELL_BEHAVED,
	RETURNS_FALSE,
	SETS_NO_SEQ,
	SETS_WRONG_SEQ,
	SETS_SEQ_UNLOCKED,
	SLEEPS,
	ALLOCATES,
	ALLOCATES_ATOMIC,
	KEEPS_THE_LOCK,
	TAKES_MMAP_LOCK,
	REMOVES_ITSELF,
	BEGINS_TO_READ,
};

struct villain {
	struct mirror m;	/* its lock and subscription */
	enum misdeed does;
};

static bool villain_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct villain *v = container_of(sub, struct villain, m.sub);

	if (v->does == SETS_SEQ_UNLOCKED)
		mmu_interval_set_seq(sub, cur_seq);
	if (v->does == TAKES_MMAP_LOCK) {
		down_read(&range->mm->mmap_lock);
		up_read(&range->mm->mmap_lock);
	}
	if (v->does == REMOVES_ITSELF)
		mmu_interval_notifier_remove(sub);
	if (v->does == BEGINS_TO_READ)
		mmu_interval_read_begin(sub);
	if (v->does == SLEEPS)
		might_sleep();
	if (v->does == ALLOCATES || v->does == ALLOCATES_ATOMIC)
		kfree(kmalloc(8, v->does == ALLOCATES ? GFP_KERNEL : GFP_ATOMIC));
	mutex_lock(&v->m.lock);
	if (v->does != SETS_NO_SEQ && v->does != SETS_SEQ_UNLOCKED)
		mmu_interval_set_seq(sub, v->does == SETS_WRONG_SEQ ? cur_seq + 2 : cur_seq);
	v->m.calls++;
	if (v->does != KEEPS_THE_LOCK)
		mutex_unlock(&v->m.lock);
	return v->does != RETURNS_FALSE;
}

static const struct mmu_interval_notifier_ops villain_ops = { .invalidate = villain_invalidate };

static void villain_insert(struct villain *v, struct mm_struct *mm, enum misdeed does)
{
	memset(v, 0, sizeof(*v));
	v->does = does;
	mutex_init(&v->m.lock);
	assert_int_equal(mmu_interval_notifier_insert(&v->m.sub, mm, PAGES(4), PAGES(4), &villain_ops), 0);
}

/* Invalidates once with the misdeed, expects what it must be called. */
static void expect_misdeed(struct notifier_test *t, enum misdeed does, enum p2psim_oracle oracle, const char *words)
{
	struct villain v;

	villain_insert(&v, t->mm, does);
	mmu_interval_read_begin(&v.m.sub);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	if (does == KEEPS_THE_LOCK)
		mutex_unlock(&v.m.lock);
	assert_violation(t->world, oracle, words);
	assert_int_equal(v.m.calls, 1);
	mmu_interval_notifier_remove(&v.m.sub);
}

static void test_invalidate_must_return_true_when_it_may_block(void **state)
{
	expect_misdeed(*state, RETURNS_FALSE, P2PSIM_CONTRACT, "invalidate() of a blockable UNMAP returned false");
}

/* 3.6: only one's own MIGRATE or EXCLUSIVE may go without set_seq. */
static void test_invalidate_must_set_the_sequence(void **state)
{
	struct notifier_test *t = *state;
	struct villain v;

	expect_misdeed(t, SETS_NO_SEQ, P2PSIM_CONTRACT, "without mmu_interval_set_seq()");
	villain_insert(&v, t->mm, SETS_NO_SEQ);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5); /* nobody ever began to read: nobody is fooled */
	assert_null(p2psim_world_violation(t->world));
	mmu_interval_read_begin(&v.m.sub);
	mmu_notifier_range_init_owner(&t->range, MMU_NOTIFY_MIGRATE, 0, NULL, t->mm, PAGES(4), PAGES(5), &v);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_null(p2psim_world_violation(t->world));
	mmu_interval_notifier_remove(&v.m.sub);
}

static void test_set_seq_takes_what_invalidate_was_given_under_the_lock_inside_it(void **state)
{
	struct notifier_test *t = *state;

	expect_misdeed(t, SETS_WRONG_SEQ, P2PSIM_CONTRACT, "set_seq(5) of interval: invalidate() was given 3");
	expect_misdeed(t, SETS_SEQ_UNLOCKED, P2PSIM_CONTRACT, "without the driver's lock");
	mirror_insert(&t->m, t->mm, 4, 8);
	mutex_lock(&t->m.lock);
	mmu_interval_set_seq(&t->m.sub, 5);
	mutex_unlock(&t->m.lock);
	assert_violation(t->world, P2PSIM_CONTRACT, "outside of its invalidate()");
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
}

/* B23 */
static void test_a_callback_leaves_no_lock_behind(void **state)
{
	expect_misdeed(*state, KEEPS_THE_LOCK, P2PSIM_BALANCE, "entered with 1 lock(s) held and left with 2");
}

/* N11 */
static void test_a_callback_of_a_nonblockable_range_must_not_sleep(void **state)
{
	struct notifier_test *t = *state;
	struct villain v;

	villain_insert(&v, t->mm, SLEEPS);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	assert_null(p2psim_world_violation(t->world));
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), 0);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "may sleep in a non-blockable invalidation");
	mmu_notifier_invalidate_range_end(&t->range);
	mmu_interval_notifier_remove(&v.m.sub);
}

/* B16: reclaim invalidates, so what an invalidation runs must not reclaim; without any reclaim having run. */
static void test_B16_a_callback_must_not_allocate_with_reclaim(void **state)
{
	struct notifier_test *t = *state;
	struct villain v;

	villain_insert(&v, t->mm, ALLOCATES_ATOMIC);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	assert_null(p2psim_world_violation(t->world));
	mmu_interval_notifier_remove(&v.m.sub);
	expect_misdeed(t, ALLOCATES, P2PSIM_LOCKGRAPH, "fs_reclaim is taken with mmu_notifier held");
}

/* The other half of B16: the driver's lock around an allocation, when its callback takes the same lock. */
static void test_B16_a_lock_that_a_callback_takes_must_not_wrap_a_reclaiming_allocation(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	mutex_lock(&t->m.lock);
	kfree(kmalloc(8, GFP_KERNEL));
	mutex_unlock(&t->m.lock);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "fs_reclaim is taken with &m->lock held");
	mmu_interval_notifier_remove(&t->m.sub);
}

/* Rule 8 of section 9: mmap_lock > [invalidate start] > the driver's lock. */
static void test_a_callback_must_not_take_mmap_lock(void **state)
{
	struct notifier_test *t = *state;
	struct villain v;

	down_read(&t->mm->mmap_lock);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	up_read(&t->mm->mmap_lock);
	villain_insert(&v, t->mm, TAKES_MMAP_LOCK);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "&mm->mmap_lock is taken with mmu_notifier held");
	mmu_interval_notifier_remove(&v.m.sub);
}

static void test_read_begin_and_remove_are_not_for_holders_of_the_callbacks_lock(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 4, 5);
	mutex_lock(&t->m.lock);
	mmu_interval_read_begin(&t->m.sub);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "mmu_notifier is taken with &m->lock held");
	mutex_unlock(&t->m.lock);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_read_begin_and_remove_are_not_for_callbacks(void **state)
{
	struct notifier_test *t = *state;

	expect_misdeed(t, BEGINS_TO_READ, P2PSIM_CONTRACT, "read_begin() of interval is called from inside");
	expect_misdeed(t, REMOVES_ITSELF, P2PSIM_CONTRACT, "remove() of interval is called from inside");
	assert_true(p2psim_notifier_is_valid(t->mm));
}

static void test_read_begin_and_remove_are_not_for_who_is_inside_its_own_invalidation(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_interval_read_begin(&t->m.sub);
	assert_violation(t->world, P2PSIM_CONTRACT, "called by main between its own start and end");
	mmu_interval_notifier_remove(&t->m.sub);
	assert_violation(t->world, P2PSIM_CONTRACT, "called by main between its own start and end");
	mmu_notifier_invalidate_range_end(&t->range);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_read_retry_wants_a_lock_a_begin_and_its_token(void **state)
{
	struct notifier_test *t = *state;
	unsigned long seq;

	mirror_insert(&t->m, t->mm, 4, 8);
	mirror_retry(&t->m, 1);
	assert_violation(t->world, P2PSIM_CONTRACT, "read_retry() of interval without mmu_interval_read_begin()");
	seq = mmu_interval_read_begin(&t->m.sub);
	mirror_retry(&t->m, seq + 1);
	assert_violation(t->world, P2PSIM_CONTRACT, "no mmu_interval_read_begin() returned 2");
	assert_true(mmu_interval_check_retry(&t->m.sub, seq + 2));
	assert_violation(t->world, P2PSIM_CONTRACT, "no mmu_interval_read_begin() returned 3");
	mmu_interval_read_retry(&t->m.sub, seq);
	assert_violation(t->world, P2PSIM_CONTRACT, "without the driver's lock");
	down_read(&t->mm->mmap_lock); /* is not the driver's */
	mmu_interval_read_retry(&t->m.sub, seq);
	up_read(&t->mm->mmap_lock);
	assert_violation(t->world, P2PSIM_CONTRACT, "without the driver's lock");
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_a_removed_subscription_is_not_used_again(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->m.sub);
	assert_violation(t->world, P2PSIM_UAF, "mmu_interval_notifier_remove() of interval after its removal");
	mmu_interval_read_begin(&t->m.sub);
	assert_violation(t->world, P2PSIM_UAF, "mmu_interval_read_begin() of interval after its removal");
	assert_true(mirror_retry(&t->m, 1));
	assert_violation(t->world, P2PSIM_UAF, "after its removal");
	assert_true(mmu_interval_check_retry(&t->m.sub, 1));
	assert_violation(t->world, P2PSIM_UAF, "after its removal");
}

static void test_a_subscription_that_was_never_inserted_is_not_used(void **state)
{
	struct notifier_test *t = *state;
	struct mirror *m = kmalloc(sizeof(*m), GFP_KERNEL);

	mmu_interval_notifier_remove(&t->m.sub);
	assert_violation(t->world, P2PSIM_CONTRACT, "never registered");
	mmu_interval_read_begin(&m->sub);
	assert_violation(t->world, P2PSIM_CONTRACT, "never registered");
	kfree(m);
	mmu_interval_read_begin(&m->sub);
	assert_violation(t->world, P2PSIM_UAF, "freed memory");
}

static void test_insert_wants_a_callback_users_and_a_free_subscription(void **state)
{
	static const struct mmu_interval_notifier_ops none = { NULL };
	struct notifier_test *t = *state;
	struct mm_struct *other = notifier_mm_create();

	mirror_insert(&t->m, t->mm, 4, 8);
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, t->mm, 0, PAGES(1), &mirror_ops), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "interval is inserted twice");
	assert_int_equal(mmu_interval_notifier_insert(&t->m.sub, other, 0, PAGES(1), &mirror_ops), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "interval is inserted twice");
	mmput(other);
	assert_int_equal(mmu_interval_notifier_insert(&t->n.sub, t->mm, 0, PAGES(1), &none), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "without ->invalidate()");
	atomic_set(&t->mm->mm_users, 0);
	assert_int_equal(mmu_interval_notifier_insert(&t->n.sub, t->mm, 0, PAGES(1), &mirror_ops), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "address space that is gone");
	atomic_set(&t->mm->mm_users, 1);
	mmu_interval_notifier_remove(&t->m.sub);
	assert_int_equal(atomic_read(&t->mm->mm_count), 1);
}

/* The commonest of all: the driver frees its object and forgets remove().  The others go on to be told. */
static void test_a_subscription_freed_while_inserted_is_found_and_the_others_live(void **state)
{
	struct notifier_test *t = *state;
	struct mirror *m = kzalloc(sizeof(*m), GFP_KERNEL);

	mirror_insert(&t->m, t->mm, 0, 8);
	mirror_insert(m, t->mm, 4, 8);
	mirror_insert(&t->n, t->mm, 6, 12);
	kfree(m);
	assert_false(p2psim_notifier_is_valid(t->mm));
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 6, 7);
	assert_violation(t->world, P2PSIM_UAF, "an interval notifier was freed while it was inserted");
	assert_int_equal(t->m.calls + t->n.calls, 2);
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
	mmdrop(t->mm); /* the freed one's */
}

static void driver_removes(void *arg)
{
	struct notifier_test *t = arg;

	mmu_interval_notifier_remove(&t->m.sub);
}

/* More than the library watches: they work all the same. */
static void test_seventy_subscriptions_of_one_mm_are_all_told(void **state)
{
	struct notifier_test *t = *state;
	struct mirror *m = kcalloc(70, sizeof(*m), GFP_KERNEL);
	unsigned int i, told = 0;

	for (i = 0; i < 70; i++)
		told += mirror_insert(&m[i], t->mm, i, i + 2) == 0;
	assert_int_equal(told, 70);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 80);
	assert_true(p2psim_notifier_is_valid(t->mm));
	for (i = 0; i < 70; i++) {
		told -= m[i].calls;
		mmu_interval_notifier_remove(&m[i].sub);
	}
	assert_int_equal(told, 0);
	kfree(m);
	mirror_insert(&t->m, t->mm, 4, 8);
	mmu_interval_notifier_insert(&t->m.sub, t->mm, 0, PAGES(1), &mirror_ops);
	assert_violation(t->world, P2PSIM_CONTRACT, "inserted twice"); /* watched again */
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_two_removes_at_once_are_one_too_many(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&t->range);
	p2psim_run_alone(p2psim_task_spawn("one", driver_removes, t));
	p2psim_run_alone(p2psim_task_spawn("two", driver_removes, t));
	assert_violation(t->world, P2PSIM_UAF, "removed twice at once");
}

/* Not a line of the library: the one that called it. */
static void test_a_violation_names_the_drivers_line(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	mmu_interval_read_begin(&t->m.sub);
	mmu_interval_read_retry(&t->m.sub, 1);
	assert_string_equal(p2psim_world_violation(t->world)->site->func, __func__);
	assert_violation(t->world, P2PSIM_CONTRACT, "without the driver's lock");
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_string_equal(p2psim_world_violation(t->world)->site->func, __func__);
	assert_violation(t->world, P2PSIM_BALANCE, "without a start");
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->m.sub);
	assert_string_equal(p2psim_world_violation(t->world)->site->func, __func__);
	assert_violation(t->world, P2PSIM_UAF, "after its removal");
}

/* B22: the last mmput() releases, and RELEASE takes the lock that is held. */
static void test_B22_the_last_mmput_under_the_drivers_lock(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mutex_lock(&t->m.lock);
	mmput(t->mm);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "mmu_notifier is taken with &m->lock held");
}

/* ---- start and end ---- */

static void test_N10_every_end_has_its_start(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_violation(t->world, P2PSIM_BALANCE, "without a start");
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_notifier_invalidate_range_start(&t->range);
	t->range.end = PAGES(6);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_violation(t->world, P2PSIM_RANGE, "began as [0x4000, 0x5000) and ends as [0x4000, 0x6000)");
	mmu_notifier_invalidate_range_only_end(&t->range);
	assert_violation(t->world, P2PSIM_BALANCE, "without a start");
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_N10_a_refused_start_has_no_end(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mutex_lock(&t->m.lock);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	mutex_unlock(&t->m.lock);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_violation(t->world, P2PSIM_BALANCE, "after its start returned -EAGAIN");
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_N10_a_forgotten_end_is_told_at_the_end(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_true(p2psim_world_check_quiescent(t->world) > 0);
	assert_violation(t->world, P2PSIM_BALANCE, "an invalidation [0x4000, 0x5000) of mm has no end");
	mmu_notifier_invalidate_range_end(&t->range);
	mmu_interval_notifier_remove(&t->m.sub);
}

static void test_a_start_is_not_repeated_nor_empty(void **state)
{
	struct notifier_test *t = *state;

	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_violation(t->world, P2PSIM_BALANCE, "started again before its end");
	mmu_notifier_invalidate_range_end(&t->range);
	t->range.end = t->range.start;
	mmu_notifier_invalidate_range_start(&t->range);
	assert_violation(t->world, P2PSIM_RANGE, "an invalidation of nothing");
	mmu_notifier_invalidate_range_end(&t->range);
}

static void test_what_is_left_subscribed_is_a_leak(void **state)
{
	static const struct mmu_notifier_ops ops = { NULL };
	struct notifier_test *t = *state;
	struct mmu_notifier mn = { .ops = &ops };

	mirror_insert(&t->m, t->mm, 4, 8);
	assert_true(p2psim_world_check_quiescent(t->world) > 0);
	assert_violation(t->world, P2PSIM_LEAK, "1 interval notifier(s) of mm never removed");
	mmu_interval_notifier_remove(&t->m.sub);
	assert_int_equal(mmu_notifier_register(&mn, t->mm), 0);
	assert_true(p2psim_world_check_quiescent(t->world) > 0);
	assert_violation(t->world, P2PSIM_LEAK, "1 notifier(s) of mm never removed");
	mmu_notifier_subscriptions_destroy(t->mm);
	assert_violation(t->world, P2PSIM_CONTRACT, "mm is freed with a notifier left");
}

static void test_an_mm_is_not_freed_inside_an_invalidation(void **state)
{
	struct notifier_test *t = *state;

	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_subscriptions_destroy(t->mm);
	assert_violation(t->world, P2PSIM_BALANCE, "mm is freed while an invalidation of it is under way");
}

/* ---- The list ---- */

struct refuser {
	struct mmu_notifier mn;
	int answer;
	bool unregisters, sleeps;
};

static int refuser_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct refuser *r = container_of(mn, struct refuser, mn);

	if (r->unregisters)
		mmu_notifier_unregister(mn, range->mm);
	return r->answer;
}

static void refuser_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)mn, (void)range;
}

static void refuser_range(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)mm, (void)start, (void)end;
	if (container_of(mn, struct refuser, mn)->sleeps)
		might_sleep();
}

static const struct mmu_notifier_ops refuser_ops = { .invalidate_range_start = refuser_start };
static const struct mmu_notifier_ops with_end_ops = {
	.invalidate_range_start = refuser_start,
	.invalidate_range_end = refuser_end,
	.invalidate_range = refuser_range,
};

/* 3.5 */
static void test_a_start_callback_may_only_say_EAGAIN_and_only_if_it_may_not_block(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &refuser_ops }, -EAGAIN, false, false };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_violation(t->world, P2PSIM_CONTRACT, "invalidate_range_start() of a blockable range returned -11");
}

static void test_a_start_callback_may_not_say_EBUSY(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &refuser_ops }, -EBUSY, false, false };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EBUSY);
	assert_violation(t->world, P2PSIM_CONTRACT, "which is not -EAGAIN");
	mmu_notifier_unregister(&r.mn, t->mm);
}

static void test_a_notifier_that_may_refuse_has_no_end_callback(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &with_end_ops }, -EAGAIN, false, false };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	assert_violation(t->world, P2PSIM_CONTRACT, "and it has an invalidate_range_end()");
	mmu_notifier_unregister(&r.mn, t->mm);
}

static void test_invalidate_range_must_not_sleep(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &with_end_ops }, 0, false, true };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	mmu_notifier_invalidate_range(t->mm, 0, PAGES(1));
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "page-table lock");
	mmu_notifier_unregister(&r.mn, t->mm);
}

static void test_unregister_is_not_for_callbacks_and_not_for_twice(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &refuser_ops }, 0, true, false };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	invalidate_pages(t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_violation(t->world, P2PSIM_CONTRACT, "mmu_notifier_unregister() of notifier is called from inside");
	mmu_notifier_unregister(&r.mn, t->mm);
	assert_null(p2psim_world_violation(t->world));
	mmu_notifier_unregister(&r.mn, t->mm);
	assert_violation(t->world, P2PSIM_UAF, "mmu_notifier_unregister() of notifier after its removal");
	mmu_notifier_put(&r.mn);
	assert_violation(t->world, P2PSIM_UAF, "mmu_notifier_put() of notifier after its removal");
}

static void test_register_wants_mmap_lock_users_and_a_free_notifier(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &refuser_ops }, 0, false, false };

	assert_int_equal(__mmu_notifier_register(&r.mn, t->mm), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "without mmap_lock held for writing");
	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "notifier is registered twice");
	mmu_notifier_unregister(&r.mn, t->mm);
	atomic_set(&t->mm->mm_users, 0);
	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "address space that is gone");
	atomic_set(&t->mm->mm_users, 1);
}

static void test_a_notifier_freed_while_registered_is_found_and_the_others_live(void **state)
{
	struct notifier_test *t = *state;
	struct refuser *freed = kzalloc(sizeof(*freed), GFP_KERNEL);
	struct refuser r = { { .ops = &refuser_ops }, -EAGAIN, false, false };

	freed->mn.ops = &refuser_ops;
	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	assert_int_equal(mmu_notifier_register(&freed->mn, t->mm), 0);
	kfree(freed);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	assert_violation(t->world, P2PSIM_UAF, "a notifier was freed while it was registered");
	mmu_notifier_unregister(&r.mn, t->mm);
	mmdrop(t->mm); /* the freed one's */
}

static struct mmu_notifier *no_alloc(struct mm_struct *mm)
{
	(void)mm;
	return NULL;
}

static void test_get_wants_an_error_pointer_and_mmap_lock(void **state)
{
	static const struct mmu_notifier_ops ops = { .alloc_notifier = no_alloc };
	struct notifier_test *t = *state;

	assert_ptr_equal(mmu_notifier_get(&ops, t->mm), ERR_PTR(-ENOMEM));
	assert_violation(t->world, P2PSIM_CONTRACT, "alloc_notifier() returned NULL");
	mmu_notifier_get_locked(&ops, t->mm);
	assert_violation(t->world, P2PSIM_CONTRACT, "mmu_notifier_get_locked() without mmap_lock");
}

static void test_put_without_get_is_unbalanced(void **state)
{
	struct notifier_test *t = *state;
	struct refuser r = { { .ops = &refuser_ops }, 0, false, false };

	assert_int_equal(mmu_notifier_register(&r.mn, t->mm), 0);
	r.mn.users = 0;
	mmu_notifier_put(&r.mn);
	assert_violation(t->world, P2PSIM_BALANCE, "mmu_notifier_put() of notifier without a get");
	mmu_notifier_unregister(&r.mn, t->mm);
}

/* ---- The walker ---- */

static void test_the_walker_sees_what_is_wrong(void **state)
{
	struct notifier_test *t = *state;
	struct mmu_notifier_subscriptions *subs;

	assert_true(p2psim_notifier_is_valid(t->mm));
	mirror_insert(&t->m, t->mm, 4, 8);
	subs = t->mm->notifier_subscriptions;
	subs->invalidate_seq = 3; /* N1 */
	assert_false(p2psim_notifier_is_valid(t->mm));
	subs->invalidate_seq = 2;
	t->m.sub.invalidate_seq = 2; /* N2 */
	assert_false(p2psim_notifier_is_valid(t->mm));
	t->m.sub.invalidate_seq = 5; /* N2 */
	assert_false(p2psim_notifier_is_valid(t->mm));
	t->m.sub.invalidate_seq = 1;
	t->m.sub.state = NOTIFIER_REMOVING;
	hlist_add_head(&t->m.sub.deferred_item, &subs->deferred_list); /* N7 */
	assert_false(p2psim_notifier_is_valid(t->mm));
	hlist_del_init(&t->m.sub.deferred_item);
	t->m.sub.state = NOTIFIER_INSERTED;
	assert_true(p2psim_notifier_is_valid(t->mm));
	mmu_interval_notifier_remove(&t->m.sub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		notifier_test(test_invalidate_must_return_true_when_it_may_block),
		notifier_test(test_invalidate_must_set_the_sequence),
		notifier_test(test_set_seq_takes_what_invalidate_was_given_under_the_lock_inside_it),
		notifier_test(test_a_callback_leaves_no_lock_behind),
		notifier_test(test_a_callback_of_a_nonblockable_range_must_not_sleep),
		notifier_test(test_B16_a_callback_must_not_allocate_with_reclaim),
		notifier_test(test_B16_a_lock_that_a_callback_takes_must_not_wrap_a_reclaiming_allocation),
		notifier_test(test_a_callback_must_not_take_mmap_lock),
		notifier_test(test_read_begin_and_remove_are_not_for_holders_of_the_callbacks_lock),
		notifier_test(test_read_begin_and_remove_are_not_for_callbacks),
		notifier_test(test_read_begin_and_remove_are_not_for_who_is_inside_its_own_invalidation),
		notifier_test(test_read_retry_wants_a_lock_a_begin_and_its_token),
		notifier_test(test_a_removed_subscription_is_not_used_again),
		notifier_test(test_a_subscription_that_was_never_inserted_is_not_used),
		notifier_test(test_insert_wants_a_callback_users_and_a_free_subscription),
		notifier_test(test_a_subscription_freed_while_inserted_is_found_and_the_others_live),
		notifier_test(test_seventy_subscriptions_of_one_mm_are_all_told),
		notifier_test(test_a_violation_names_the_drivers_line),
		notifier_test_rubble(test_B22_the_last_mmput_under_the_drivers_lock),
		notifier_test_rubble(test_two_removes_at_once_are_one_too_many),
		notifier_test(test_N10_every_end_has_its_start),
		notifier_test(test_N10_a_refused_start_has_no_end),
		notifier_test(test_N10_a_forgotten_end_is_told_at_the_end),
		notifier_test(test_a_start_is_not_repeated_nor_empty),
		notifier_test_rubble(test_what_is_left_subscribed_is_a_leak),
		notifier_test_rubble(test_an_mm_is_not_freed_inside_an_invalidation),
		notifier_test_rubble(test_a_start_callback_may_only_say_EAGAIN_and_only_if_it_may_not_block),
		notifier_test(test_a_start_callback_may_not_say_EBUSY),
		notifier_test(test_a_notifier_that_may_refuse_has_no_end_callback),
		notifier_test(test_invalidate_range_must_not_sleep),
		notifier_test(test_unregister_is_not_for_callbacks_and_not_for_twice),
		notifier_test(test_register_wants_mmap_lock_users_and_a_free_notifier),
		notifier_test(test_a_notifier_freed_while_registered_is_found_and_the_others_live),
		notifier_test(test_get_wants_an_error_pointer_and_mmap_lock),
		notifier_test(test_put_without_get_is_unbalanced),
		notifier_test(test_the_walker_sees_what_is_wrong),
	};

	return cmocka_run_group_tests_name("notifier/misuse", tests, NULL, NULL);
}
