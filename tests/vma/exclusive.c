/* SPDX-License-Identifier: MIT */
/*
 * make_device_exclusive_range(): rules E1 to E3 of src/vma/exclusive.c, and what becomes of such entries.
 */
#include "vma_pages.h"

#include <p2psim/linux/rmap.h>

#define PAGES_MAX 4

static int make(struct vma_bench *b, unsigned long first, unsigned long count, struct page **pages)
{
	int found;

	mmap_read_lock(b->mm);
	found = make_device_exclusive_range(b->mm, AT(first), AT(first + count), pages, b);
	mmap_read_unlock(b->mm);
	return found;
}

static void let_go(struct page **pages, int found)
{
	int i;

	for (i = 0; i < found; i++) {
		if (!pages[i])
			continue;
		unlock_page(pages[i]);
		put_page(pages[i]);
	}
}

/* How many the device got; it is done with programming at once. */
static int make_and_let_go(struct vma_bench *b, unsigned long first, unsigned long count)
{
	struct page *pages[PAGES_MAX] = {};
	int found = make(b, first, count, pages), i, got = 0;

	for (i = 0; i < found; i++)
		got += !!pages[i];
	let_go(pages, found);
	return found < 0 ? found : got;
}

static void touched(struct vma_bench *b, unsigned long first, unsigned long count)
{
	unsigned long i;

	bench_anon(b, first, count, RW);
	for (i = 0; i < count; i++)
		pages_store(b, first + i, (uint8_t)(5 + i));
}

/* E1 */
static void test_each_page_has_its_own_event(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 3);
	pages_listen(b);
	assert_int_equal(make_and_let_go(b, 0, 2), 2);
	assert_string_equal(bench_log(b), "EXCLUSIVE 0-1 R; end; EXCLUSIVE 1-2 R; end; ");
	assert_string_equal(pages_state(b, 0), "exclusive-rw");
	assert_string_equal(pages_state(b, 2), "rw");
	assert_int_equal(b->mm->rss_anon, 3);
}

static void test_a_touch_takes_the_page_back(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 2);
	assert_int_equal(make_and_let_go(b, 0, 2), 2);
	pages_listen(b);
	assert_int_equal(pages_load(b, 1), 6);
	assert_string_equal(bench_log(b), "EXCLUSIVE 1-2 R; end; ");
	assert_string_equal(pages_state(b, 1), "rw");
	assert_int_equal(pages_store(b, 0, 9), 0);
	assert_string_equal(bench_log(b), "EXCLUSIVE 0-1 R; end; ");
	assert_int_equal(pages_load(b, 0), 9);
}

static void *owners[4];
static int owner_count;

static int notes_owner(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_EXCLUSIVE && owner_count < 4)
		owners[owner_count++] = range->owner;
	return 0;
}

/* 3.7: the driver knows its own event by the owner; the CPU's has none. */
static void test_the_owner_tells_the_driver_from_the_cpu(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = notes_owner };
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	pages_listen(b);
	b->listener.ops = &ops;
	owner_count = 0;
	make_and_let_go(b, 0, 1);
	pages_load(b, 0);
	assert_int_equal(owner_count, 2);
	assert_ptr_equal(owners[0], b);
	assert_null(owners[1]);
}

static void test_untouched_and_zero_pages_are_made_first(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	pages_load(b, 1);
	pages_listen(b);
	assert_int_equal(make_and_let_go(b, 0, 2), 2);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; EXCLUSIVE 0-1 R; end; EXCLUSIVE 1-2 R; end; ");
	assert_int_equal(pages_load(b, 1), 0);
}

/*
 *	0  1  2		w anonymous, s shared memory, . hole
 *	w  s  .
 */
static void test_only_private_memory_can_be_exclusive(void **state)
{
	struct vma_bench *b = *state;
	struct page *pages[PAGES_MAX];

	touched(b, 0, 1);
	p2psim_mmap(b->app, AT(1), PAGES(1), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	assert_int_equal(make(b, 0, 3, pages), 2);
	assert_non_null(pages[0]);
	assert_null(pages[1]);
	let_go(pages, 2);
	assert_int_equal(make(b, 2, 1, pages), -EFAULT);
	bench_anon(b, 4, 1, PROT_READ);
	assert_int_equal(make(b, 4, 1, pages), -EFAULT);
}

static void test_a_locked_page_is_left_alone(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	touched(b, 0, 2);
	page = pages_page(b, 0);
	assert_int_equal(trylock_page(page), 1);
	assert_int_equal(make_and_let_go(b, 0, 2), 1);
	assert_string_equal(pages_state(b, 0), "rw");
	unlock_page(page);
}

/* E3 */
static void test_mprotect_makes_it_read_only_for_good(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	make_and_let_go(b, 0, 1);
	pages_listen(b);
	bench_protect(b, 0, 1, PROT_READ);
	assert_string_equal(bench_log(b), "PROT_VMA 0-1 W; end; ");
	assert_string_equal(pages_state(b, 0), "exclusive-ro");
	bench_protect(b, 0, 1, RW);
	assert_string_equal(pages_state(b, 0), "exclusive-ro");
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_store(b, 0, 6), 0);
}

/* Its reference goes with it, and it counts as resident until then: the end of the world looks. */
static void test_unmapping_lets_the_page_go(void **state)
{
	struct vma_bench *b = *state;
	unsigned long before = p2psim_ram_used();

	touched(b, 0, 3);
	make_and_let_go(b, 0, 3);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_int_equal(p2psim_madvise(b->app, AT(1), PAGES(1), MADV_DONTNEED), 0);
	assert_int_equal(b->mm->rss_anon, 1);
	assert_int_equal(p2psim_ram_used(), before + 1);
	assert_int_equal(pages_load(b, 1), 0);
}

static void test_mremap_moves_it(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	make_and_let_go(b, 0, 1);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(8)), AT(8));
	assert_string_equal(pages_state(b, 8), "exclusive-rw");
	assert_int_equal(pages_load(b, 8), 5);
}

/* Recorded: the reverse map leads to the child, too, which has another page there, swapped out or exclusive itself. */
static void test_what_others_have_at_that_place_is_no_hindrance(void **state)
{
	struct p2psim_process *child = NULL;
	struct page *page = NULL;
	struct vma_bench *b = *state;
	int found;

	touched(b, 0, 1);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	assert_int_equal(pages_store(b, 0, 7), 0);
	mmap_read_lock(p2psim_process_mm(child));
	found = make_device_exclusive_range(p2psim_process_mm(child), AT(0), AT(1), &page, b);
	mmap_read_unlock(p2psim_process_mm(child));
	assert_int_equal(found, 1);
	let_go(&page, found);
	assert_int_equal(make_and_let_go(b, 0, 1), 1);
	assert_string_equal(pages_state(b, 0), "exclusive-rw");
	assert_int_equal(pages_load(b, 0), 7);
	assert_int_equal(p2psim_load_byte(child, AT(0)), 5);
	p2psim_process_exit(child);
}

/* E2 */
static void test_fork_undoes_it_without_an_event(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = NULL;

	touched(b, 0, 2);
	make_and_let_go(b, 0, 1);
	pages_listen(b);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	assert_string_equal(bench_log(b), "PROT_PAGE 0-2 W; end; ");
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(p2psim_load_byte(child, AT(0)), 5);
	assert_int_equal(p2psim_store_byte(child, AT(0), 7), 0);
	assert_int_equal(pages_load(b, 0), 5);
	p2psim_process_exit(child);
}

static void test_fork_fails_while_the_driver_has_the_page_locked(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = NULL;
	struct page *pages[1];
	int found;

	touched(b, 0, 1);
	found = make(b, 0, 1, pages);
	assert_int_equal(p2psim_fork(b->app, "child", &child), -ENOMEM);
	assert_null(child);
	let_go(pages, found);
	assert_string_equal(pages_state(b, 0), "exclusive-rw");
	assert_int_equal(pages_load(b, 0), 5);
}

static void loads_page_0(void *arg)
{
	P2PSIM_CHECK(pages_load(arg, 0) == 5);
}

/* A fault that waits for the driver does not keep mmap_lock meanwhile. */
static void test_a_fault_waits_until_the_driver_is_done(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;
	struct page *pages[1];
	int found;

	touched(b, 0, 1);
	found = make(b, 0, 1, pages);
	task = p2psim_task_spawn("other", loads_page_0, b);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	assert_int_equal(mmap_write_trylock(b->mm), 1);
	mmap_write_unlock(b->mm);
	let_go(pages, found);
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(pages_state(b, 0), "rw");
}

static void test_reclaim_and_migration_skip_it(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	touched(b, 0, 1);
	page = pages_page(b, 0);
	make_and_let_go(b, 0, 1);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), -ENOENT);
	assert_int_equal(p2psim_reclaim_page(page), -EINVAL);
	assert_string_equal(pages_state(b, 0), "exclusive-rw");
}

static void test_gup_takes_it_back(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = NULL;

	touched(b, 0, 1);
	make_and_let_go(b, 0, 1);
	pages_listen(b);
	mmap_read_lock(b->mm);
	assert_int_equal(get_user_pages_remote(b->mm, AT(0), 1, 0, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_string_equal(bench_log(b), "EXCLUSIVE 0-1 R; end; ");
	put_page(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_each_page_has_its_own_event),
		pages_test(test_a_touch_takes_the_page_back),
		pages_test(test_the_owner_tells_the_driver_from_the_cpu),
		pages_test(test_untouched_and_zero_pages_are_made_first),
		pages_test(test_only_private_memory_can_be_exclusive),
		pages_test(test_a_locked_page_is_left_alone),
		pages_test(test_mprotect_makes_it_read_only_for_good),
		pages_test(test_unmapping_lets_the_page_go),
		pages_test(test_mremap_moves_it),
		pages_test(test_what_others_have_at_that_place_is_no_hindrance),
		pages_test(test_fork_undoes_it_without_an_event),
		pages_test(test_fork_fails_while_the_driver_has_the_page_locked),
		pages_test(test_a_fault_waits_until_the_driver_is_done),
		pages_test(test_reclaim_and_migration_skip_it),
		pages_test(test_gup_takes_it_back),
	};

	return cmocka_run_group_tests_name("exclusive", tests, NULL, NULL);
}
