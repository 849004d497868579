/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of migration, exclusive access, swap and the actors fails in turn: an errno or success, valid page tables after
 * each call, bytes as they were, nothing left over.
 */
#include "fail_each.h"
#include "vma_pages.h"

#include <p2psim/actors.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/rmap.h>

struct story {
	struct vma_bench b;
	struct p2psim_process *child;
	bool written[4];	/* the store has succeeded: 5 is there */
};

static bool is_right(long ret)
{
	return ret >= 0 || ret == -ENOMEM || ret == -EFAULT || ret == -ENOENT || ret == -EINVAL || ret == -EAGAIN ||
	       ret == -EBUSY;
}

/* What was written is there, or there is no memory to say so. */
static void check(struct story *s, long ret)
{
	assert_true(is_right(ret));
	assert_true(p2psim_pgtable_is_valid(s->b.mm));
	assert_true(p2psim_mm_is_valid(s->b.mm));
}

static void check_bytes(struct story *s)
{
	unsigned long i;
	int byte;

	for (i = 0; i < ARRAY_SIZE(s->written); i++) {
		byte = s->written[i] ? pages_load(&s->b, i) : 5;
		assert_true(byte == 5 || byte == -ENOMEM);
	}
}

static void exclusive_story(struct story *s)
{
	struct page *pages[2] = {};
	int found, i;

	mmap_read_lock(s->b.mm);
	found = make_device_exclusive_range(s->b.mm, AT(0), AT(2), pages, s);
	mmap_read_unlock(s->b.mm);
	for (i = 0; i < found; i++) {
		if (!pages[i])
			continue;
		unlock_page(pages[i]);
		put_page(pages[i]);
	}
	check(s, found);
	check_bytes(s);
}

static void give_pages(struct migrate_vma *args)
{
	struct page *from, *to;
	uint8_t bytes[PAGE_SIZE];
	unsigned long i;

	for (i = 0; i < args->npages; i++) {
		from = migrate_pfn_to_page(args->src[i]);
		to = args->src[i] & MIGRATE_PFN_MIGRATE ? alloc_page(GFP_KERNEL) : NULL;
		if (!to)
			continue;
		lock_page(to);
		args->dst[i] = migrate_pfn(page_to_pfn(to));
		if (!from || p2psim_ram_read(page_to_phys(from), bytes, PAGE_SIZE) ||
		    !p2psim_ram_write(page_to_phys(to), bytes, PAGE_SIZE))
			continue;
		unlock_page(to); /* no memory for the bytes: it stays where it is */
		put_page(to);
		args->dst[i] = 0;
	}
}

static void migrate_story(struct story *s)
{
	unsigned long src[6] = {}, dst[6] = {};
	struct migrate_vma args = { .src = src, .dst = dst, .start = AT(0), .end = AT(6), .pgmap_owner = s,
				    .flags = MIGRATE_VMA_SELECT_SYSTEM };

	mmap_read_lock(s->b.mm);
	args.vma = vma_lookup(s->b.mm, AT(0));
	if (args.vma && !migrate_vma_setup(&args)) {
		give_pages(&args);
		migrate_vma_pages(&args);
		migrate_vma_finalize(&args);
	}
	mmap_read_unlock(s->b.mm);
	check(s, 0);
	check(s, p2psim_migrate_address(s->b.app, AT(1)));
	check_bytes(s);
}

static void swap_story(struct story *s)
{
	check(s, p2psim_reclaim_address(s->b.app, AT(0)));
	check(s, p2psim_madvise(s->b.app, AT(0), PAGES(1), MADV_WILLNEED));
	check(s, p2psim_fork(s->b.app, "child", &s->child));
	check(s, p2psim_reclaim_address(s->b.app, AT(1)));
	check(s, p2psim_reclaim_address(s->b.app, AT(2)));
	if (s->child) {
		p2psim_load_byte(s->child, AT(1));
		p2psim_store_byte(s->child, AT(2), 9);
		check(s, 0);
	}
	check_bytes(s);
	check(s, pages_store(&s->b, 1, 5));
}

static void actors_story(struct story *s)
{
	check(s, p2psim_madvise(s->b.app, AT(0), PAGES(4), MADV_MERGEABLE));
	check(s, p2psim_ksm_merge(s->b.app, AT(0), s->b.app, AT(3)));
	p2psim_numa_scan(s->b.app, AT(0), AT(4));
	check(s, p2psim_soft_dirty_clear(s->b.app));
	check_bytes(s);
	check(s, pages_store(&s->b, 3, 5));
	check(s, p2psim_oom_reap(s->b.app));
}

static void tell(struct story *s)
{
	unsigned long i;

	check(s, bench_anon(&s->b, 0, 6, RW));
	for (i = 0; i < ARRAY_SIZE(s->written); i++)
		s->written[i] = !pages_store(&s->b, i, 5);
	exclusive_story(s);
	migrate_story(s);
	swap_story(s);
	actors_story(s);
}

static void tell_all(void *state)
{
	struct story *s = state;

	s->b.app = p2psim_process_create("app");
	if (!s->b.app)
		return;
	s->b.mm = p2psim_process_mm(s->b.app);
	tell(s);
}

static void end(void *state)
{
	struct story *s = state;

	if (s->child)
		p2psim_process_exit(s->child);
	if (s->b.app)
		p2psim_process_exit(s->b.app);
}

static void test_every_failing_allocation_is_survived(void **state)
{
	const struct p2psim_config config = { .swap = true };

	assert_true(fail_each(&(struct failing_story){ &config, tell_all, end, sizeof(struct story) }) > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests_name("fail_moving", tests, NULL, NULL);
}
