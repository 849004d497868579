/* SPDX-License-Identifier: MIT */
/*
 * p2psim_translation_check(): may a device still use what it once read from the page tables?  Yes while the CPU maps it so,
 * or while an invalidation of it runs; else STALE, with the step of the invalidation that it should have obeyed.
 */
#include "vma_pages.h"

#include <p2psim/notifier.h>

struct device {
	struct vma_bench *b;
	uint64_t phys;
};

static struct device a_device_that_has_page_0(struct vma_bench *b)
{
	bench_anon(b, 0, 2, RW);
	bench_touch(b, 0);
	return (struct device){ b, page_to_phys(pages_page(b, 0)) };
}

static bool may(const struct device *d, bool write)
{
	return p2psim_translation_check(d->b->mm, AT(0), d->phys, write);
}

static void assert_stale(const struct device *d, bool write, const char *words)
{
	struct p2psim_invalidation last = {};

	assert_false(may(d, write));
	p2psim_mm_last_invalidation(d->b->mm, AT(0), AT(1), &last);
	assert_int_equal(p2psim_world_violation(d->b->world)->cause_step, last.step_end);
	assert_true(last.step_end > 0);
	assert_violation(d->b->world, P2PSIM_STALE, words);
}

static void test_what_the_CPU_maps_may_be_used(void **state)
{
	struct device d = a_device_that_has_page_0(*state);

	assert_true(may(&d, false));
	assert_true(may(&d, true));
	assert_true(p2psim_translation_check(d.b->mm, AT(0) + 5, d.phys + 5, true));
}

static void test_after_munmap_it_may_not(void **state)
{
	struct device d = a_device_that_has_page_0(*state);

	bench_unmap(d.b, 0, 1);
	assert_stale(&d, false, "maps nothing any more");
}

static void test_after_mprotect_it_may_read_only_or_nothing(void **state)
{
	struct device d = a_device_that_has_page_0(*state);

	bench_protect(d.b, 0, 1, PROT_READ);
	assert_true(may(&d, false));
	assert_stale(&d, true, "is read-only now");
	bench_protect(d.b, 0, 1, PROT_NONE);
	assert_stale(&d, false, "is PROT_NONE now");
}

static void test_after_another_page_came_it_may_not(void **state)
{
	struct device d = a_device_that_has_page_0(*state);

	pages_load(d.b, 1); /* the zero page */
	p2psim_madvise(d.b->app, AT(0), PAGES(1), MADV_DONTNEED);
	pages_load(d.b, 0);
	assert_stale(&d, false, "maps another page now");
}

static void test_after_reclaim_it_may_not(void **state)
{
	struct device d = a_device_that_has_page_0(*state);

	p2psim_reclaim_address(d.b->app, AT(0));
	assert_stale(&d, false, "is swapped out");
}

/* In the callback: the device is being told. */
struct asker {
	struct mmu_notifier mn;
	struct device d;
	unsigned int allowed;
};

static int asks_at_the_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct asker *a = container_of(mn, struct asker, mn);

	a->allowed += may(&a->d, true);
	return 0;
}

static void test_while_the_invalidation_runs_it_may(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = asks_at_the_start };
	struct vma_bench *b = *state;
	struct asker a = { .mn.ops = &ops, .d = a_device_that_has_page_0(b) };

	mmu_notifier_register(&a.mn, b->mm);
	bench_unmap(b, 0, 1);
	assert_int_equal(a.allowed, 1);
	assert_stale(&a.d, true, "maps nothing any more");
	mmu_notifier_unregister(&a.mn, b->mm);
}

static void runs_munmap(void *arg)
{
	P2PSIM_CHECK(!bench_unmap(arg, 0, 1));
}

/*
 *	app				device
 *	start(UNMAP)
 *	entries zapped
 *					may still use it
 *	end()
 *					may not
 */
static void test_between_zap_and_end_it_may(void **state)
{
	struct vma_bench *b = *state;
	struct device d = a_device_that_has_page_0(b);
	struct task_struct *app = p2psim_task_spawn("app", runs_munmap, b);

	assert_int_equal(p2psim_run_until(app, "notifier:end"), 0);
	assert_string_equal(pages_state(b, 0), "none");
	assert_true(may(&d, true));
	assert_int_equal(p2psim_run(), 0);
	assert_stale(&d, true, "maps nothing any more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_what_the_CPU_maps_may_be_used),
		pages_test(test_after_munmap_it_may_not),
		pages_test(test_after_mprotect_it_may_read_only_or_nothing),
		pages_test(test_after_another_page_came_it_may_not),
		pages_test(test_after_reclaim_it_may_not),
		pages_test(test_while_the_invalidation_runs_it_may),
		pages_test(test_between_zap_and_end_it_may),
	};

	return cmocka_run_group_tests_name("translation", tests, NULL, NULL);
}
