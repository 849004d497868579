/* SPDX-License-Identifier: MIT */
/*
 * fork(): what the child has, what the parent's notifiers hear, and what of it fails (1.9 of the reference; fact 9 of the
 * recordings).  What is written afterwards: cow.c; the reverse maps: anon_vma.c.
 */
#include "vma_family.h"

#include <p2psim/linux/sched/mm.h>

/* ---- VMAs ---- */

static void test_each_VMA_is_copied_as_its_flags_say(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_anon(b, 8, 2, PROT_READ);
	pages_store(b, 8, 1);
	assert_int_equal(p2psim_madvise(b->app, AT(4), PAGES(2), MADV_DONTFORK), 0);
	assert_int_equal(p2psim_mlock(b->app, AT(0), PAGES(2)), 0);
	child = family_fork(b);
	assert_string_equal(bench_vmas(child), "0-2 rw 8-a r-");
	assert_true(bench_vma(b, 0)->vm_flags & VM_LOCKED);
	assert_false(bench_vma(child, 0)->vm_flags & VM_LOCKED);
	assert_int_equal(child->mm->locked_vm, 0);
	assert_int_equal(child->mm->map_count, 2);
	assert_int_equal(child->mm->total_vm, 4);
	family_exit(child, b);
}

/* The child of a process with secrets has the memory, but not what is in it. */
static void test_what_is_wiped_is_there_and_empty(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_WIPEONFORK), 0);
	pages_listen(b);
	child = family_fork(b);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(pages_load(child, 0), 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_null(bench_vma(child, 0)->anon_vma);
	family_exit(child, b);
}

static void test_the_driver_is_told_of_each_copy(void **state)
{
	struct vma_bench *b = *state, *child;

	b->ops = &bench_all_ops;
	bench_device(b, 0, 2);
	bench_device(b, 4, 2);
	p2psim_madvise(b->app, AT(4), PAGES(2), MADV_DONTFORK);
	bench_log(b);
	child = family_fork(b);
	assert_string_equal(bench_log(b), "open 0-2 W; ");
	assert_ptr_equal(bench_vma(child, 0)->vm_file, b->file);
	family_exit(child, b);
	assert_string_equal(bench_log(b), "close 0-2 -; ");
}

/* What a process may map and lock is inherited; that it locks all it maps is not. */
static void test_limits_are_inherited_and_MCL_FUTURE_is_not(void **state)
{
	struct vma_bench *b = *state, *child;

	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_AS, PAGES(4));
	p2psim_mlockall(b->app, MCL_FUTURE);
	child = family_fork(b);
	assert_int_equal(bench_anon(child, 0, 5, RW), -ENOMEM);
	assert_int_equal(bench_anon(child, 0, 4, RW), (long)AT(0));
	assert_int_equal(child->mm->locked_vm, 0);
	family_exit(child, b);
}

/* ---- events ---- */

/*
 *	0-2 private, written		2-3 private, never touched	3-5 shared, written
 *	5-6 a private file, read	6-7 the same, written
 */
static void test_only_VMAs_with_pages_of_their_own_are_announced(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b, *child;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 1, 1);
	bench_anon(b, 2, 1, PROT_READ);
	b->ops = &pages_ops;
	bench_device(b, 3, 2);
	pages_store(b, 3, 1);
	pages_private(b, 5, 1, PROT_READ);
	pages_load(b, 5);
	pages_private(b, 6, 1, RW);
	pages_store(b, 6, 1);
	pages_listen(b);
	child = family_fork(b);
	assert_string_equal(bench_log(b), "PROT_PAGE 0-2 W; end; PROT_PAGE 6-7 W; end; ");
	assert_string_equal(pages_state(b, 3), "rw");
	assert_string_equal(pages_state(child, 3), "none");
	assert_string_equal(pages_state(child, 5), "none");
	family_exit(child, b);
}

static void test_the_childs_doings_are_no_events_of_the_parent(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 3, RW);
	pages_store(b, 0, 1);
	pages_store(b, 1, 1);
	pages_listen(b);
	child = family_fork(b);
	bench_log(b);
	assert_null(child->mm->notifier_subscriptions);
	pages_store(child, 0, 2);
	bench_protect(child, 1, 1, PROT_READ);
	bench_unmap(child, 0, 1);
	pages_store(child, 2, 2);
	family_exit(child, b);
	assert_string_equal(bench_log(b), "");
}

/* ---- pages ---- */

static void test_pages_are_shared_and_read_only_in_both(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	pages_load(b, 1);
	child = family_fork(b);
	assert_ptr_equal(pages_page(b, 0), pages_page(child, 0));
	assert_string_equal(family_page(b, 0), "ro 2");
	assert_string_equal(family_page(child, 0), "ro 2");
	assert_false(family_is_exclusive(pages_page(b, 0)));
	assert_string_equal(pages_state(child, 1), "zero");
	assert_int_equal(pages_load(child, 0), 5);
	assert_int_equal(child->mm->rss_anon, 1);
	family_exit(child, b);
}

/* 1.9: raw pfns are copied; a private VMA is announced, a shared one stays as it is. */
static void test_raw_pfns_are_copied(void **state)
{
	struct vma_bench *b = *state, *child;

	b->fills = true;
	bench_device(b, 0, 1);
	pages_private(b, 2, 1, RW);
	pages_listen(b);
	child = family_fork(b);
	assert_string_equal(bench_log(b), "PROT_PAGE 2-3 W; end; ");
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_string_equal(pages_state(child, 0), "pfn-rw");
	assert_string_equal(pages_state(b, 2), "pfn-ro");
	assert_string_equal(pages_state(child, 2), "pfn-ro");
	family_exit(child, b);
}

/* A device may be writing: the parent keeps the page, the child has a copy at once. */
static void test_a_pinned_page_is_copied_at_once(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	child = family_fork(b);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_ptr_not_equal(pages_page(child, 0), page);
	assert_true(family_is_exclusive(page));
	assert_string_equal(pages_state(b, 0), "rw");
	assert_string_equal(pages_state(child, 0), "rw");
	assert_int_equal(pages_load(child, 0), 5);
	unpin_user_page(page);
	family_exit(child, b);
}

/* A reference is no promise: the process writes, has a copy, and the device writes into the child's page. */
static void test_a_page_with_a_mere_reference_is_lost_to_the_child(void **state)
{
	struct vma_bench *b = *state, *child;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	mmap_read_lock(b->mm);
	assert_int_equal(get_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	child = family_fork(b);
	pages_store(b, 0, 6);
	assert_ptr_not_equal(pages_page(b, 0), page);
	assert_ptr_equal(pages_page(child, 0), page);
	put_page(page);
	family_exit(child, b);
}

static void test_who_is_in_swap_is_brought_back_by_each(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	assert_true(pte_swp_exclusive(pages_entry(b, 0)));
	child = family_fork(b);
	assert_false(pte_swp_exclusive(pages_entry(b, 0)));
	assert_string_equal(pages_state(child, 0), "swap");
	assert_int_equal(pages_store(child, 0, 6), 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_load(child, 0), 6);
	family_exit(child, b);
}

/* Three generations, and the middle one goes first. */
static void test_a_grandchild_keeps_what_it_shares(void **state)
{
	struct vma_bench *b = *state, *child, *grandchild;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	pages_store(child, 1, 6);
	grandchild = family_fork(child);
	assert_string_equal(family_page(grandchild, 0), "ro 3");
	assert_string_equal(family_page(grandchild, 1), "ro 2");
	family_exit(child, grandchild);
	pages_store(b, 0, 7);
	assert_int_equal(pages_load(grandchild, 0), 5);
	assert_int_equal(pages_load(grandchild, 1), 6);
	family_exit(grandchild, b);
}

static void test_a_child_outlives_its_parent(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	child = family_fork(b);
	p2psim_process_exit(b->app);
	b->app = child->app;
	b->mm = child->mm;
	free(child);
	assert_string_equal(family_page(b, 0), "ro 1");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

/* ---- failure ---- */

static void killed_fork(void *arg)
{
	struct vma_bench *b = arg;
	struct p2psim_process *child = b->app;

	p2psim_step("about to");
	P2PSIM_CHECK(p2psim_fork(b->app, "child", &child) == -EINTR);
	P2PSIM_CHECK(!child);
}

static void test_a_killed_fork_leaves_nothing(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	task = p2psim_task_spawn("app", killed_fork, b);
	p2psim_task_kill(task);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(pages_load(b, 0), 5);
}

/* Every kind of VMA and entry. */
static void furnish(struct pages *t, struct page **pinned)
{
	struct vma_bench *b = &t->b;

	bench_anon(b, 0, 4, RW);
	pages_store(b, 0, 5);
	pages_store(b, 1, 6);
	pages_store(b, 2, 7);
	p2psim_reclaim_address(b->app, AT(2));
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(1), 1, FOLL_WRITE, pinned, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	bench_anon(b, 0x300, 1, RW);
	pages_store(b, 0x300, 8);
	b->fills = true;
	b->ops = &bench_all_ops;
	bench_device(b, 0x800, 2);
	b->fills = false;
}

static unsigned int count_of(const char *log, const char *word)
{
	unsigned int n = 0;

	while ((log = strstr(log, word))) {
		n++;
		log++;
	}
	return n;
}

/* The n-th allocation of the fork fails: no child, nothing lost, each copy that was opened is closed.  False: none failed. */
static bool fork_fails(struct vma_bench *b, uint64_t n)
{
	struct p2psim_process *child = NULL;
	const char *log;
	int error;

	bench_log(b);
	p2psim_inject_fail_nth(b->world, n);
	error = p2psim_fork(b->app, "child", &child);
	p2psim_inject_fail_nth(b->world, 0);
	if (!error) {
		p2psim_process_exit(child);
		return false;
	}
	assert_int_equal(error, -ENOMEM);
	assert_null(child);
	assert_true(p2psim_mm_is_valid(b->mm) && p2psim_pgtable_is_valid(b->mm));
	assert_int_equal(pages_load(b, 0), 5);
	log = bench_log(b);
	assert_int_equal(count_of(log, "open"), count_of(log, "close"));
	return true;
}

static void test_every_allocation_of_a_fork_may_fail(void **state)
{
	struct pages *t = *state;
	struct page *pinned;
	uint64_t n;

	furnish(t, &pinned);
	for (n = 1; fork_fails(&t->b, n); n++)
		;
	assert_true(n > 20);
	assert_int_equal(pages_load(&t->b, 2), 7);
	assert_int_equal(pages_store(&t->b, 0x300, 9), 0);
	unpin_user_page(pinned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_each_VMA_is_copied_as_its_flags_say),
		pages_test(test_what_is_wiped_is_there_and_empty),
		pages_test(test_the_driver_is_told_of_each_copy),
		pages_test(test_limits_are_inherited_and_MCL_FUTURE_is_not),
		pages_test(test_only_VMAs_with_pages_of_their_own_are_announced),
		pages_test(test_the_childs_doings_are_no_events_of_the_parent),
		pages_test(test_pages_are_shared_and_read_only_in_both),
		pages_test(test_raw_pfns_are_copied),
		pages_test(test_a_pinned_page_is_copied_at_once),
		pages_test(test_a_page_with_a_mere_reference_is_lost_to_the_child),
		pages_test(test_who_is_in_swap_is_brought_back_by_each),
		pages_test(test_a_grandchild_keeps_what_it_shares),
		pages_test(test_a_child_outlives_its_parent),
		pages_test(test_a_killed_fork_leaves_nothing),
		pages_test(test_every_allocation_of_a_fork_may_fail),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
