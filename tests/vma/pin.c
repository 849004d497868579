/* SPDX-License-Identifier: MIT */
/*
 * Pins: what they do to shared pages, the fast path, locks dropped on the way, and the end of a pin (6.1 of the reference).
 * Permissions and counts of the slow path: gup.c.
 */
#include "vma_family.h"

static int fast(struct vma_bench *b, unsigned long first, int nr, unsigned int flags, struct page **pages)
{
	int ret;

	p2psim_process_attach(b->app);
	ret = flags & FOLL_PIN ? pin_user_pages_fast(AT(first), nr, flags & ~FOLL_PIN, pages) :
				 get_user_pages_fast(AT(first), nr, flags, pages);
	p2psim_process_detach();
	return ret;
}

/* ---- shared pages ---- */

/*
 *	parent					child		device
 *	forks; both have the page
 *	pins it to read: CLEAR, a copy
 *								looks at the copy
 *	writes: in place
 *								sees the new bytes
 */
static void test_a_pin_to_read_unshares(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page, *old;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	old = pages_page(b, 0);
	child = family_fork(b);
	pages_listen(b);
	assert_int_equal(pages_pin(b, 0, 1, FOLL_LONGTERM, &page), 1);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_ptr_equal(pages_page(child, 0), old);
	assert_string_equal(family_page(b, 0), "ro 1");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_string_equal(bench_log(b), "");
	unpin_user_page(page);
	family_exit(child, b);
}

/* A shared page that is only ours by now is pinned as it is. */
static void test_what_the_child_has_left_is_not_copied(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	family_exit(child, b);
	pages_listen(b);
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "ro");
	assert_true(family_is_exclusive(page));
	unpin_user_page(page);
}

/* 6.1: the zero page and pages of files are pinned as they are; a reference unshares nothing. */
static void test_only_anonymous_pages_and_only_pins_unshare(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b, *child;
	struct page *page;

	bench_anon(b, 0, 2, RW);
	pages_load(b, 0);
	pages_store(b, 1, 5);
	b->ops = &pages_ops;
	pages_private(b, 2, 1, RW);
	pages_load(b, 2);
	child = family_fork(b);
	pages_listen(b);
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	unpin_user_page(page);
	assert_int_equal(pages_pin(b, 2, 1, 0, &page), 1);
	unpin_user_page(page);
	assert_int_equal(fast(b, 1, 1, 0, &page), 1);
	put_page(page);
	assert_string_equal(bench_log(b), "");
	family_exit(child, b);
}

static void test_a_pin_to_write_copies_once_and_for_good(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	assert_int_equal(fast(b, 0, 1, FOLL_PIN | FOLL_WRITE, &page), 1);
	assert_ptr_equal(pages_page(b, 0), page);
	family_exit(family_fork(b), b);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_string_equal(pages_state(b, 0), "rw");
	unpin_user_page(page);
	family_exit(child, b);
}

/* ---- the fast path ---- */

static void test_what_is_there_is_taken_without_the_lock_and_the_rest_with_it(void **state)
{
	struct vma_bench *b = *state;
	struct page *pages[4];
	unsigned int i;

	bench_anon(b, 0, 3, RW);
	pages_store(b, 0, 5);
	assert_int_equal(fast(b, 0, 4, FOLL_PIN | FOLL_WRITE, pages), 3);
	for (i = 0; i < 3; i++)
		assert_ptr_equal(pages[i], pages_page(b, i));
	unpin_user_pages(pages, 3);
	assert_int_equal(fast(b, 3, 1, 0, pages), -EFAULT);
}

static void nobody_waits_for_the_lock(void *arg)
{
	struct vma_bench *b = arg;
	struct page *page;

	P2PSIM_CHECK(fast(b, 0, 1, FOLL_PIN, &page) == 1);
	unpin_user_page(page);
}

static void test_a_writer_of_the_mm_is_not_waited_for(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	mmap_write_lock(b->mm);
	task = p2psim_task_spawn("nic0", nobody_waits_for_the_lock, b);
	assert_int_equal(p2psim_run_alone(task), 0);
	mmap_write_unlock(b->mm);
}

static void test_fast_only_faults_nothing_in(void **state)
{
	struct vma_bench *b = *state;
	struct page *pages[2];

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	p2psim_process_attach(b->app);
	assert_int_equal(get_user_pages_fast_only(AT(0), 2, FOLL_WRITE, pages), 1);
	p2psim_process_detach();
	put_page(pages[0]);
	assert_string_equal(pages_state(b, 1), "none");
}

static void test_addresses_that_wrap_or_are_the_kernels(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	p2psim_process_attach(b->app);
	assert_int_equal(get_user_pages_fast(-PAGE_SIZE, 1, 0, &page), 0);
	assert_int_equal(get_user_pages_fast(TASK_SIZE, 1, 0, &page), -EFAULT);
	assert_int_equal(get_user_pages_fast(AT(0), 1, FOLL_PIN, &page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	assert_int_equal(pin_user_pages_fast(AT(0), 1, 0, NULL), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	assert_int_equal(get_user_pages_fast(AT(0), 1, 1u << 30, &page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	p2psim_process_detach();
}

/* ---- the lock may be dropped ---- */

static void test_a_fault_that_drops_the_lock_is_tried_again(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *pages[2];
	int locked = 1;

	b->ops = &pages_ops;
	bench_device(b, 0, 2);
	t->retries = 1;
	mmap_read_lock(b->mm);
	assert_int_equal(get_user_pages_remote(b->mm, AT(0), 2, 0, pages, NULL, &locked), 2);
	assert_int_equal(locked, 0);
	assert_false(p2psim_lock_is_held(&b->mm->mmap_lock.lock));
	assert_int_equal(t->faults, 3);
	assert_true(t->flags & FAULT_FLAG_TRIED && t->flags & FAULT_FLAG_ALLOW_RETRY);
	put_page(pages[0]);
	put_page(pages[1]);
}

static void test_unlocked_takes_the_lock_itself(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *page;

	b->ops = &pages_ops;
	bench_device(b, 0, 1);
	t->retries = 2;
	p2psim_process_attach(b->app);
	assert_int_equal(pin_user_pages_unlocked(AT(0), 1, &page, FOLL_WRITE), 1);
	unpin_user_page(page);
	assert_int_equal(get_user_pages_unlocked(AT(0), 1, &page, 0), 1);
	put_page(page);
	assert_int_equal(get_user_pages_unlocked(AT(1), 1, &page, 0), -EFAULT);
	assert_int_equal(get_user_pages_unlocked(AT(0), 1, &page, FOLL_LONGTERM), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "do not go together");
	p2psim_process_detach();
	assert_false(p2psim_lock_is_held(&b->mm->mmap_lock.lock));
}

/* ---- flags, and the end ---- */

static void test_only_anonymous_memory_if_asked_for(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	b->ops = &pages_ops;
	bench_device(b, 0, 1);
	bench_anon(b, 1, 1, RW);
	assert_int_equal(pages_pin(b, 0, 1, FOLL_ANON, &page), -EFAULT);
	assert_int_equal(pages_pin(b, 1, 1, FOLL_ANON, &page), 1);
	unpin_user_page(page);
}

static void test_who_wrote_through_a_pin_says_so(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *page;

	b->ops = &pages_ops;
	t->keeps = true;
	bench_device(b, 0, 1);
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	unpin_user_pages_dirty_lock(&page, 1, false);
	assert_false(PageDirty(page));
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	unpin_user_pages_dirty_lock(&page, 1, true);
	assert_true(PageDirty(page));
	assert_false(PageLocked(page));
	assert_int_equal(pages_pin(b, 0, 1, 0, &page), 1);
	unpin_user_page_range_dirty_lock(page, 1, true);
	assert_false(page_maybe_dma_pinned(page));
	put_page(t->page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_a_pin_to_read_unshares),
		pages_test(test_what_the_child_has_left_is_not_copied),
		pages_test(test_only_anonymous_pages_and_only_pins_unshare),
		pages_test(test_a_pin_to_write_copies_once_and_for_good),
		pages_test(test_what_is_there_is_taken_without_the_lock_and_the_rest_with_it),
		pages_test(test_a_writer_of_the_mm_is_not_waited_for),
		pages_test(test_fast_only_faults_nothing_in),
		pages_test(test_addresses_that_wrap_or_are_the_kernels),
		pages_test(test_a_fault_that_drops_the_lock_is_tried_again),
		pages_test(test_unlocked_takes_the_lock_itself),
		pages_test(test_only_anonymous_memory_if_asked_for),
		pages_test(test_who_wrote_through_a_pin_says_so),
	};

	return cmocka_run_group_tests_name("pin", tests, NULL, NULL);
}
