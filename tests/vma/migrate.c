/* SPDX-License-Identifier: MIT */
/*
 * Pages that move: migrate_vma_*() by a driver (M1 to M3), and migration through the reverse map (G1 to G3).
 */
#include "vma_pages.h"

#include <p2psim/actors.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/tmpfs.h>

#define PAGES_MAX 8

struct mover {
	struct migrate_vma args;
	unsigned long src[PAGES_MAX], dst[PAGES_MAX];
};

/* mmap_lock stays with the caller until finish(). */
static int begin(struct vma_bench *b, struct mover *m, unsigned long first, unsigned long count)
{
	memset(m, 0, sizeof(*m));
	m->args = (struct migrate_vma){ .src = m->src, .dst = m->dst, .start = AT(first), .end = AT(first + count),
					.pgmap_owner = b, .flags = MIGRATE_VMA_SELECT_SYSTEM };
	mmap_read_lock(b->mm);
	m->args.vma = find_vma(b->mm, AT(first));
	return migrate_vma_setup(&m->args);
}

static void give(struct mover *m, unsigned long i)
{
	struct page *from = migrate_pfn_to_page(m->src[i]), *to = alloc_page(GFP_KERNEL);
	uint8_t bytes[PAGE_SIZE];

	if (!to)
		return;
	lock_page(to);
	if (from && !p2psim_ram_read(page_to_phys(from), bytes, PAGE_SIZE))
		p2psim_ram_write(page_to_phys(to), bytes, PAGE_SIZE);
	m->dst[i] = migrate_pfn(page_to_pfn(to));
}

static long finish(struct vma_bench *b, struct mover *m)
{
	unsigned long i;
	long moved = 0;

	migrate_vma_pages(&m->args);
	for (i = 0; i < m->args.npages; i++)
		moved += !!(m->src[i] & MIGRATE_PFN_MIGRATE);
	migrate_vma_finalize(&m->args);
	mmap_read_unlock(b->mm);
	return moved;
}

static long move(struct vma_bench *b, unsigned long first, unsigned long count)
{
	struct mover m;
	int error = begin(b, &m, first, count);
	unsigned long i;

	if (error) {
		mmap_read_unlock(b->mm);
		return error;
	}
	for (i = 0; i < m.args.npages; i++)
		if (m.src[i] & MIGRATE_PFN_MIGRATE)
			give(&m, i);
	return finish(b, &m);
}

static void touched(struct vma_bench *b, unsigned long first, unsigned long count)
{
	unsigned long i;

	bench_anon(b, first, count, RW);
	for (i = 0; i < count; i++)
		pages_store(b, first + i, (uint8_t)(5 + i));
}

/* ---- a driver ---- */

static void test_a_page_has_another_pfn_and_the_same_bytes(void **state)
{
	struct vma_bench *b = *state;
	struct page *before;

	touched(b, 0, 2);
	before = pages_page(b, 0);
	pages_listen(b);
	assert_int_equal(move(b, 0, 2), 2);
	assert_string_equal(bench_log(b), "MIGRATE 0-2 R; end; ");
	assert_ptr_not_equal(pages_page(b, 0), before);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_load(b, 1), 6);
}

/*
 *	0  1  2  3	w written, z read, . untouched
 *	w  z  .  .	M1; the second MIGRATE begins at the first page that was not there
 */
static void test_empty_pages_get_one_more_event(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	pages_store(b, 0, 5);
	pages_load(b, 1);
	pages_listen(b);
	assert_int_equal(move(b, 0, 4), 4);
	assert_string_equal(bench_log(b), "MIGRATE 0-4 R; end; MIGRATE 1-4 R; end; ");
	assert_string_equal(pages_state(b, 1), "rw");
	assert_int_equal(pages_load(b, 3), 0);
	assert_int_equal(b->mm->rss_anon, 4);
}

static void test_what_is_in_the_way_of_setup_is_einval(void **state)
{
	struct vma_bench *b = *state;
	struct mover m;

	touched(b, 0, 2);
	bench_device(b, 8, 1);
	bench_vma(b, 8)->vm_flags |= VM_MIXEDMAP;
	assert_int_equal(move(b, 8, 1), -EINVAL);
	assert_int_equal(move(b, 0, 3), -EINVAL);
	assert_int_equal(move(b, 1, 0), -EINVAL);
	assert_int_equal(move(b, 20, 1), -EINVAL);
	begin(b, &m, 0, 0);
	m.args.end = AT(1);
	m.args.src = NULL;
	assert_int_equal(migrate_vma_setup(&m.args), -EINVAL);
	mmap_read_unlock(b->mm);
	bench_vma(b, 8)->vm_flags &= ~VM_MIXEDMAP;
}

static void test_a_pinned_page_stays(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = NULL;

	touched(b, 0, 2);
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_int_equal(move(b, 0, 2), 1);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_string_equal(pages_state(b, 0), "rw");
	unpin_user_page(page);
	assert_int_equal(move(b, 0, 1), 1);
}

/* G2: a plain reference is not seen at once, and is in the way all the same. */
static void test_a_page_with_a_reference_goes_back_to_what_it_was(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	touched(b, 0, 1);
	page = pages_page(b, 0);
	get_page(page);
	assert_int_equal(move(b, 0, 1), 0);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(pages_store(b, 0, 6), 0);
	put_page(page);
}

/* G3 */
static void test_a_driver_may_leave_pages_where_they_are(void **state)
{
	struct vma_bench *b = *state;
	struct mover m;

	touched(b, 0, 2);
	assert_int_equal(begin(b, &m, 0, 2), 0);
	assert_int_equal(m.args.cpages, 2);
	assert_string_equal(pages_state(b, 0), "migration");
	give(&m, 1);
	assert_int_equal(finish(b, &m), 1);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_load(b, 1), 6);
}

/* What it has, it has twice until the end: a page that is given for one that was pinned meanwhile is not used. */
static void test_a_page_that_is_not_used_is_freed(void **state)
{
	struct vma_bench *b = *state;
	unsigned long before;
	struct page *page;
	struct mover m;

	touched(b, 0, 1);
	before = p2psim_ram_used();
	page = pages_page(b, 0);
	begin(b, &m, 0, 1);
	give(&m, 0);
	get_page(page);
	assert_int_equal(finish(b, &m), 0);
	put_page(page);
	assert_ptr_equal(pages_page(b, 0), page);
	assert_int_equal(p2psim_ram_used(), before);
}

/* A CLEAR in each process that may map it; both have it at its new place. */
static void test_a_shared_page_moves_for_both(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = NULL;

	touched(b, 0, 2);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	pages_listen(b);
	assert_int_equal(move(b, 0, 2), 2);
	assert_string_equal(bench_log(b), "MIGRATE 0-2 R; end; CLEAR 0-1 R; end; CLEAR 1-2 R; end; ");
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(page_mapcount(pages_page(b, 0)), 2);
	assert_int_equal(p2psim_load_byte(child, AT(1)), 6);
	assert_int_equal(pages_store(b, 0, 9), 0);
	assert_int_equal(p2psim_load_byte(child, AT(0)), 5);
	p2psim_process_exit(child);
}

static void loads_page_0(void *arg)
{
	P2PSIM_CHECK(pages_load(arg, 0) == 5);
}

/* M3 */
static void test_who_touches_a_moving_page_waits(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *task;
	struct mover m;

	touched(b, 0, 1);
	begin(b, &m, 0, 1);
	task = p2psim_task_spawn("other", loads_page_0, b);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	give(&m, 0);
	assert_int_equal(finish(b, &m), 1);
	assert_int_equal(p2psim_run(), 0);
}

static void test_a_driver_that_touches_its_moving_page_waits_for_itself(void **state)
{
	struct vma_bench *b = *state;
	struct mover m;

	touched(b, 0, 1);
	begin(b, &m, 0, 1);
	handle_mm_fault(m.args.vma, AT(0), 0, NULL);
	assert_violation(b->world, P2PSIM_DEADLOCK, "");
}

static void test_read_only_memory_stays_read_only(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	bench_protect(b, 0, 1, PROT_READ);
	assert_int_equal(move(b, 0, 1), 1);
	assert_string_equal(pages_state(b, 0), "ro");
	bench_protect(b, 0, 1, RW);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_int_equal(pages_load(b, 0), 6);
}

/* ---- through the reverse map ---- */

static void test_compaction_takes_no_mmap_lock(void **state)
{
	struct vma_bench *b = *state;
	struct page *before;

	touched(b, 0, 1);
	before = pages_page(b, 0);
	pages_listen(b);
	assert_int_equal(p2psim_migrate_address(b->app, AT(0)), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; ");
	assert_ptr_not_equal(pages_page(b, 0), before);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(p2psim_migrate_address(b->app, AT(1)), -ENOENT);
}

static void test_a_page_of_a_file_moves_in_the_page_cache_too(void **state)
{
	struct vma_bench *b = *state;
	struct file *shm = p2psim_tmpfs_create("shm", PAGES(2));
	uint8_t byte = 0;

	p2psim_mmap(b->app, AT(0), PAGES(2), RW, MAP_SHARED | MAP_FIXED, shm, 0);
	p2psim_mmap(b->app, AT(4), PAGES(2), RW, MAP_SHARED | MAP_FIXED, shm, 0);
	pages_store(b, 0, 5);
	pages_load(b, 4);
	pages_listen(b);
	assert_int_equal(p2psim_migrate_address(b->app, AT(0)), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; CLEAR 4-5 -; end; ");
	assert_ptr_equal(pages_page(b, 0), pages_page(b, 4));
	assert_string_equal(pages_state(b, 4), "rw");
	assert_int_equal(p2psim_file_read(shm, 0, &byte, 1), 1);
	assert_int_equal(byte, 5);
	fput(shm);
}

static void test_what_cannot_move_stays_with_an_errno(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *page;

	touched(b, 0, 1);
	bench_device(b, 8, 1);
	pages_load(b, 8);
	assert_int_equal(p2psim_migrate_address(b->app, AT(8)), -EINVAL);
	page = pages_page(b, 0);
	get_page(page);
	assert_int_equal(p2psim_migrate_page(page), -EAGAIN);
	mmap_read_lock(b->mm);
	put_page(page);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_int_equal(p2psim_migrate_page(page), -EBUSY);
	unpin_user_page(page);
	assert_string_equal(pages_state(b, 0), "rw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_a_page_has_another_pfn_and_the_same_bytes),
		pages_test(test_empty_pages_get_one_more_event),
		pages_test(test_what_is_in_the_way_of_setup_is_einval),
		pages_test(test_a_pinned_page_stays),
		pages_test(test_a_page_with_a_reference_goes_back_to_what_it_was),
		pages_test(test_a_driver_may_leave_pages_where_they_are),
		pages_test(test_a_page_that_is_not_used_is_freed),
		pages_test(test_a_shared_page_moves_for_both),
		pages_test(test_who_touches_a_moving_page_waits),
		pages_test_rubble(test_a_driver_that_touches_its_moving_page_waits_for_itself),
		pages_test(test_read_only_memory_stays_read_only),
		pages_test(test_compaction_takes_no_mmap_lock),
		pages_test(test_a_page_of_a_file_moves_in_the_page_cache_too),
		pages_test(test_what_cannot_move_stays_with_an_errno),
	};

	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
