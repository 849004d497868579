/* SPDX-License-Identifier: MIT */
/*
 * The records of p2p mappings and the contract of p2p_map() (C1..C15), on an mm that is nothing but three VMAs:
 *
 *	0x10000     0x14000           0x20000     0x24000     0x26000
 *	   +-----------+                 +-----------+-----------+
 *	   |    gpu    |                 |    gpu    |   plain   |
 *	   | page 0..3 |                 | page 8..11|           |
 *	   +-----------+                 +-----------+-----------+
 *
 * What needs a whole mm is in tests/hmm/timelines.c.
 */
#include "core_world.h"

#include <errno.h>

#include <p2psim/inject.h>
#include <p2psim/linux/device.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/vma_map.h>

#include "hmm_exporter.h"
#include "vma/vma_map_internal.h"

#define A 0x10000UL
#define B 0x20000UL
#define PLAIN 0x24000UL
#define PAGES(n) ((n) * PAGE_SIZE)

struct bench {
	struct p2psim_world *world;
	struct mm_struct mm;
	struct vm_area_struct a, b, plain, rest;
	struct hmm_exporter gpu;
	struct device nic0, nic1;
	dma_addr_t pa[8];
};

static void init_vma(struct bench *t, struct vm_area_struct *vma, unsigned long start, unsigned long end, pgoff_t pgoff)
{
	*vma = (struct vm_area_struct){
		.vm_mm = &t->mm,
		.vm_start = start,
		.vm_end = end,
		.vm_pgoff = pgoff,
		.vm_flags = VM_READ | VM_WRITE | VM_SHARED,
	};
	p2psim_vma_map_vma_init(vma);
}

static struct bench *bench_create(struct p2psim_world *world)
{
	struct bench *t = test_calloc(1, sizeof(*t));

	t->world = world;
	p2psim_object_init(&t->mm.obj, "app");
	p2psim_object_init(&t->nic0.obj, "nic0");
	p2psim_object_init(&t->nic1.obj, "nic1");
	init_rwsem(&t->mm.mmap_lock);
	t->mm.mm_users.counter = 1;
	t->mm.mm_count.counter = 1;
	mmu_notifier_subscriptions_init(&t->mm);
	p2psim_vma_map_mm_init(&t->mm);
	hmm_exporter_init(&t->gpu, 0xc0000000);
	init_vma(t, &t->a, A, A + PAGES(4), 0);
	init_vma(t, &t->b, B, B + PAGES(4), 8);
	init_vma(t, &t->plain, PLAIN, PLAIN + PAGES(2), PLAIN >> PAGE_SHIFT);
	hmm_exporter_adopt(&t->gpu, &t->a);
	hmm_exporter_adopt(&t->gpu, &t->b);
	return t;
}

static int setup(void **state)
{
	if (core_setup(state))
		return -1;
	*state = bench_create(*state);
	return 0;
}

/* Nothing may be left mapped; a test that leaves rubble on purpose cleans it up by p2psim_vma_map_mm_exit(). */
static int teardown(void **state)
{
	struct bench *t = *state;
	void *world = t->world;
	int ret;

	p2psim_vma_map_mm_exit(&t->mm);
	if (t->mm.notifier_subscriptions)
		mmu_notifier_subscriptions_destroy(&t->mm);
	ret = core_teardown(&world);
	test_free(t);
	return ret;
}

#define bench_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int map(struct bench *t, struct vm_area_struct *vma, struct device *importer, unsigned long page,
	       unsigned long count, unsigned int flags)
{
	unsigned long start = vma->vm_start + PAGES(page);
	int ret;

	down_read(&t->mm.mmap_lock);
	ret = p2psim_vma_map_flags(vma, importer, start, start + PAGES(count), t->pa, flags);
	up_read(&t->mm.mmap_lock);
	return ret;
}

static int unmap(struct bench *t, struct device *importer, unsigned long start, unsigned long count)
{
	return p2psim_vma_unmap(&t->mm, importer, start, start + PAGES(count), t->pa);
}

/* An importer's notifier: gives back [give_start, give_end) of what it has mapped at t->pa, or only moves its seq. */
struct mirror {
	struct mmu_interval_notifier sub;
	struct bench *t;
	struct mutex lock;
	unsigned long give_start, give_end, first;
	bool deaf;
	unsigned long heard;
};

static bool mirror_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct mirror *m = container_of(sub, struct mirror, sub);

	m->heard++;
	if (m->deaf)
		return true;
	mutex_lock(&m->lock);
	mmu_interval_set_seq(sub, cur_seq);
	if (m->give_start < m->give_end)
		p2psim_vma_unmap(&m->t->mm, &m->t->nic0, m->give_start, m->give_end,
				 m->t->pa + ((m->give_start - m->first) >> PAGE_SHIFT));
	m->give_start = m->give_end;
	mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = mirror_invalidate };

static void mirror_open(struct bench *t, struct mirror *m)
{
	*m = (struct mirror){ .t = t, .first = A };
	mutex_init(&m->lock);
	assert_int_equal(mmu_interval_notifier_insert(&m->sub, &t->mm, A, PAGES(64), &mirror_ops), 0);
}

/* An invalidation from its start to its end. */
static void invalidate(struct bench *t, enum mmu_notifier_event event, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, event, 0, NULL, &t->mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
}

/* C1: a VMA whose driver has no p2p_map() is not exportable, and says so. */
static void test_c1_without_p2p_map_nothing_is_exported(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->plain, &t->nic0, 0, 1, 0), -EOPNOTSUPP);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_EXPORTABLE);
	t->gpu.ops.p2p_map = NULL;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), -EOPNOTSUPP);
	assert_int_equal(t->gpu.maps, 0);
}

/* C2: the mm has no page table at all. */
static void test_c2_a_map_needs_no_page_table(void **state)
{
	struct bench *t = *state;

	assert_null(t->mm.pgd);
	assert_int_equal(map(t, &t->a, &t->nic0, 1, 2, 0), 0);
	assert_int_equal(t->pa[0], 0xc0001000);
	assert_int_equal(t->pa[1], 0xc0002000);
	assert_int_equal(t->gpu.faults, 0);
	assert_int_equal(unmap(t, &t->nic0, A + PAGES(1), 2), 0);
}

/* C3: granted once, refused later; a part of it as well.  Not yet granted is not promised. */
static void test_c3_refusing_what_was_granted_breaks_a_promise(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 3, P2PSIM_VMA_MAP_WRITE), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 3), 0);
	t->gpu.error = -EACCES;
	assert_int_equal(map(t, &t->a, &t->nic0, 1, 2, 0), -EACCES);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before (C3)");
	assert_int_equal(map(t, &t->a, &t->nic0, 1, 3, 0), -EACCES);
	assert_null(p2psim_world_violation(t->world));
}

/* C3, S25: another device may fail; a read that was granted says nothing of a write. */
static void test_c3_a_promise_is_to_one_importer_and_its_access(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	t->gpu.only = &t->nic0;
	t->gpu.read_only = true;
	assert_int_equal(map(t, &t->a, &t->nic1, 0, 1, 0), -EACCES);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, P2PSIM_VMA_MAP_WRITE), -EACCES);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/* C3: "if things are really going bad". */
static void test_c3_busy_gone_and_out_of_memory_break_no_promise(void **state)
{
	static const int errors[] = { -EBUSY, -ENODEV, -ENOMEM, -EIO };
	struct bench *t = *state;
	size_t i;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		t->gpu.error = errors[i];
		assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), errors[i]);
	}
	assert_null(p2psim_world_violation(t->world));
}

/*
 *	a: |0123| granted     cut at 2, the lower half detached: |01|   the upper half's promise stands
 */
static void test_c3_a_promise_ends_with_its_vma(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 4), 0);
	init_vma(t, &t->rest, A, A + PAGES(2), 0);
	p2psim_vma_map_detach(&t->rest);
	t->gpu.error = -EACCES;
	map(t, &t->a, &t->nic0, 0, 2, 0);
	assert_null(p2psim_world_violation(t->world));
	map(t, &t->a, &t->nic0, 2, 2, 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before");
}

/* The middle goes, both ends keep theirs. */
static void test_c3_a_hole_in_a_promise_leaves_two(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 4), 0);
	init_vma(t, &t->rest, A + PAGES(1), A + PAGES(3), 1);
	p2psim_vma_map_detach(&t->rest);
	t->gpu.error = -EACCES;
	map(t, &t->a, &t->nic0, 1, 2, 0);
	assert_null(p2psim_world_violation(t->world));
	map(t, &t->a, &t->nic0, 0, 1, 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before");
	map(t, &t->a, &t->nic0, 3, 1, 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before");
}

static void test_c3_a_promise_follows_mremap(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 4), 0);
	p2psim_vma_map_move(&t->a, &t->b, A, B, PAGES(4));
	p2psim_vma_map_detach(&t->a);
	t->gpu.error = -EREMOTEIO;
	map(t, &t->a, &t->nic0, 0, 1, 0);
	assert_null(p2psim_world_violation(t->world));
	map(t, &t->b, &t->nic0, 0, 1, 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before");
}

/* C8 against C3: userspace has asked for it, says the exporter. */
static void test_c8_a_withdrawn_promise_is_not_broken(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	t->gpu.error = -EACCES;
	t->gpu.withdraw = true;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), -EACCES);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_POLICY);
	assert_null(p2psim_world_violation(t->world));
}

/* C8: nothing is cached; the exporter is asked again and again. */
static void test_c8_policy_is_asked_at_every_call(void **state)
{
	struct bench *t = *state;
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
		assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	}
	assert_int_equal(t->gpu.maps, 3);
	assert_int_equal(t->gpu.unmaps, 3);
}

/* C4: the importer hears of it, moves its sequence, gives back: nobody complains. */
static void test_c4_an_answered_invalidation_is_fine(void **state)
{
	struct bench *t = *state;
	struct mirror m;

	mirror_open(t, &m);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 3, 0), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(3));
	m.give_start = A;
	m.give_end = A + PAGES(3);
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(4));
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	mmu_interval_notifier_remove(&m.sub);
}

/* C4: it keeps what it is programmed with.  Mapped after the invalidation began: not what that one is about. */
static void test_c4_ignoring_an_invalidation_is_a_violation(void **state)
{
	struct bench *t = *state;
	struct mmu_notifier_range range;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 2, 0), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(2));
	invalidate(t, MMU_NOTIFY_CLEAR, A + PAGES(1), A + PAGES(2));
	assert_violation(t->world, P2PSIM_CONTRACT, "nic0 ignores CLEAR");
	assert_int_equal(unmap(t, &t->nic0, A, 2), 0);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, NULL, &t->mm, B, B + PAGES(4));
	mmu_notifier_invalidate_range_start(&range);
	assert_int_equal(map(t, &t->b, &t->nic0, 0, 1, 0), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, B, B + PAGES(1));
	mmu_notifier_invalidate_range_end(&range);
	assert_null(p2psim_world_violation(t->world));
	assert_int_equal(unmap(t, &t->nic0, B, 1), 0);
}

static void look_for_ignores(const struct p2psim_violation *violation, void *arg)
{
	*(bool *)arg |= strstr(violation->sentence, "nic0 ignores CLEAR") != NULL;
}

/*
 * C4: it has a sequence and did not move it: it does not matter whether it was committed.  The notifier layer complains
 * of that first; the record says what is at stake.
 */
static void test_c4_a_deaf_notifier_is_a_violation(void **state)
{
	struct bench *t = *state;
	bool ignores = false;
	unsigned long seq;
	struct mirror m;

	mirror_open(t, &m);
	m.deaf = true;
	seq = mmu_interval_read_begin(&m.sub);
	down_read(&t->mm.mmap_lock);
	assert_int_equal(p2psim_vma_map_seq(&t->a, &t->nic0, A, A + PAGES(1), t->pa, 0, &m.sub, seq), 0);
	up_read(&t->mm.mmap_lock);
	p2psim_world_on_violation(t->world, look_for_ignores, &ignores);
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(4));
	p2psim_world_on_violation(t->world, core_quiet, NULL);
	assert_true(ignores);
	p2psim_world_forgive(t->world);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	mmu_interval_notifier_remove(&m.sub);
}

/* C4, RANGE: it gives back the first of three pages. */
static void test_c4_giving_back_a_part_is_a_range_violation(void **state)
{
	struct bench *t = *state;
	struct mirror m;

	mirror_open(t, &m);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 3, 0), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(3));
	m.give_start = A;
	m.give_end = A + PAGES(1);
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(4));
	assert_violation(t->world, P2PSIM_RANGE, "page 0x11000 is still mapped");
	assert_int_equal(p2psim_vma_unmap(&t->mm, &t->nic0, A + PAGES(1), A + PAGES(3), t->pa + 1), 0);
	mmu_interval_notifier_remove(&m.sub);
}

/*
 *	nic0				gpu
 *	p2p_map()
 *					CLEAR, from start to end
 *	collided: p2p_unmap()
 *
 * It was not programmed yet: it is about to find out.  Whoever commits it all the same did not look.
 */
static void test_c4_a_collision_before_the_commit_is_nobodys_fault(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(4));
	assert_null(p2psim_world_violation(t->world));
	assert_false(p2psim_vma_map_covers(&t->mm, &t->nic0, A, t->pa[0]));
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(1));
	assert_violation(t->world, P2PSIM_CONTRACT, "did not look for the collision");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/* C4: a protection that takes nothing from a read-only mapping is no reason to give it back; a writable one must go. */
static void test_c4_a_lost_write_permission_ends_writable_mappings_only(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(map(t, &t->a, &t->nic0, 1, 1, P2PSIM_VMA_MAP_WRITE), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(2));
	t->a.vm_flags &= ~VM_WRITE;
	invalidate(t, MMU_NOTIFY_PROTECTION_VMA, A, A + PAGES(1));
	invalidate(t, MMU_NOTIFY_SOFT_DIRTY, A, A + PAGES(2));
	assert_null(p2psim_world_violation(t->world));
	invalidate(t, MMU_NOTIFY_PROTECTION_VMA, A, A + PAGES(2));
	assert_violation(t->world, P2PSIM_CONTRACT, "ignores PROT");
	p2psim_vma_map_mm_exit(&t->mm);
	assert_violation(t->world, P2PSIM_LEAK, "nic0 has not given back");
}

/* C5: the BAR is packed; what was page 0 at 0xc0000000 is at 0xd0000000 afterwards. */
static void test_c5_a_second_map_may_give_other_addresses(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(t->pa[0], 0xc0000000);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	t->gpu.base = 0xd0000000;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(t->pa[0], 0xd0000000);
	assert_false(p2psim_vma_map_covers(&t->mm, &t->nic0, A, 0xc0000000));
	assert_true(p2psim_vma_map_covers(&t->mm, &t->nic0, A, 0xd0000000));
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/* C9: RAM will do. */
static void test_c9_an_exporter_may_hand_out_main_memory(void **state)
{
	struct bench *t = *state;

	t->gpu.base = 0x100000;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 2, 0), 0);
	assert_int_equal(t->pa[1], 0x101000);
	assert_int_equal(unmap(t, &t->nic0, A, 2), 0);
}

/* C11: no event, no lock; any part; over two VMAs of two pieces each. */
static void test_c11_an_importer_unmaps_when_it_likes(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), 0);
	assert_int_equal(p2psim_vma_unmap(&t->mm, &t->nic0, A + PAGES(1), A + PAGES(3), t->pa + 1), 0);
	assert_int_equal(t->gpu.last_end - t->gpu.last_start, PAGES(2));
	assert_int_equal(p2psim_vma_map_count(&t->mm, &t->nic0, A, A + PAGES(4)), 2);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	assert_int_equal(p2psim_vma_unmap(&t->mm, &t->nic0, A + PAGES(3), A + PAGES(4), t->pa + 3), 0);
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	assert_int_equal(t->gpu.bad_unmaps, 0);
}

/* C12: a VMA that is closed under a mapping: the importer never answered UNMAP. */
static void test_c12_a_mapping_that_outlives_its_vma_leaks(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 2, 0), 0);
	p2psim_vma_map_closed(&t->a);
	assert_violation(t->world, P2PSIM_LEAK, "0x10000 of a device VMA at its close()");
	assert_int_equal(p2psim_vma_map_count(&t->mm, NULL, 0, ~0UL), 0);
}

/* C12: mmap_lock was let go before the commit: UNMAP came in between, and close() is next. */
static void test_c12_unmap_allows_no_mapping_that_nobody_answers_for(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	invalidate(t, MMU_NOTIFY_UNMAP, A, A + PAGES(4));
	assert_violation(t->world, P2PSIM_CONTRACT, "mmap_lock is kept until");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

static void unmap_page_0(void *arg)
{
	struct bench *t = arg;

	P2PSIM_CHECK(unmap(t, &t->nic0, A, 1) == 0);
}

static void close_a(void *arg)
{
	struct bench *t = arg;

	p2psim_vma_map_closed(&t->a);
	P2PSIM_CHECK(t->gpu.unmaps == 1 && !t->a.p2p_unmaps);
}

/*
 *	nic0				app
 *	p2p_unmap(a) ...
 *					close(a) waits
 *	... returns
 *					close(a)
 */
static void test_c12_close_waits_for_an_unmap_under_way(void **state)
{
	struct bench *t = *state;
	struct task_struct *nic, *app;

	t->gpu.stop = "gpu:inside";
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	nic = p2psim_task_spawn("nic0", unmap_page_0, t);
	assert_int_equal(p2psim_run_until(nic, "gpu:inside"), 0);
	app = p2psim_task_spawn("app", close_a, t);
	assert_int_equal(p2psim_run_alone(app), -EAGAIN);
	assert_false(p2psim_task_done(app));
	assert_int_equal(p2psim_run(), 0);
	assert_null(p2psim_world_violation(t->world));
}

/* C14: mmap_lock for a map; nothing at all for an unmap. */
static void test_c14_a_map_needs_mmap_lock_and_an_unmap_none(void **state)
{
	struct bench *t = *state;

	assert_int_equal(p2psim_vma_map(&t->a, &t->nic0, A, A + PAGES(1), t->pa, false), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "without its mmap_lock (C14)");
	assert_int_equal(p2psim_locks_held(), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/*
 * C14, 9.8: the lock of the notifier's callback around p2p_map().  The exporter may revoke in there: a circle, even if
 * it does not this time.
 */
static void test_c14_no_map_under_the_lock_of_the_callback(void **state)
{
	struct bench *t = *state;
	struct mirror m;

	mirror_open(t, &m);
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(1));
	mutex_lock(&m.lock);
	map(t, &t->a, &t->nic0, 0, 1, 0);
	mutex_unlock(&m.lock);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "mmu_notifier");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	mmu_interval_notifier_remove(&m.sub);
}

static int pin_ok(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end)
{
	return 0;
}

/* C15, S20: the exporter may refuse. */
static void test_c15_an_exporter_that_does_not_pin_refuses(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, P2PSIM_VMA_MAP_PIN), -EOPNOTSUPP);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_PIN_REFUSED);
	assert_int_equal(t->gpu.maps, 0);
}

/* C15, S20: a pinned mapping lives through everything but UNMAP. */
static void test_c15_a_pinned_mapping_answers_nothing_but_unmap(void **state)
{
	struct bench *t = *state;

	t->gpu.ops.p2p_pin = pin_ok;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, P2PSIM_VMA_MAP_PIN | P2PSIM_VMA_MAP_WRITE), 0);
	p2psim_vma_map_commit(&t->mm, &t->nic0, A, A + PAGES(1));
	invalidate(t, MMU_NOTIFY_CLEAR, A, A + PAGES(1));
	t->a.vm_flags &= ~VM_WRITE;
	invalidate(t, MMU_NOTIFY_PROTECTION_VMA, A, A + PAGES(1));
	assert_null(p2psim_world_violation(t->world));
	assert_true(p2psim_vma_map_covers(&t->mm, &t->nic0, A, t->pa[0]));
	invalidate(t, MMU_NOTIFY_UNMAP, A, A + PAGES(1));
	assert_violation(t->world, P2PSIM_CONTRACT, "ignores UNMAP");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/* R12: permissions before the exporter is asked. */
static void test_r12_a_vmas_permissions_are_checked_first(void **state)
{
	struct bench *t = *state;

	t->a.vm_flags &= ~VM_WRITE;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, P2PSIM_VMA_MAP_WRITE), -EPERM);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_READ_ONLY);
	t->a.vm_flags &= ~VM_READ;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_READ);
	assert_int_equal(t->gpu.maps, 0);
}

/* A range that is not inside the VMA, or no pages. */
static void test_a_map_stays_inside_one_vma(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->b, &t->nic0, 2, 3, 0), -EFAULT);
	assert_int_equal(map(t, &t->b, &t->nic0, 0, 0, 0), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_VMA);
	assert_int_equal(t->gpu.maps, 0);
}

/* R10: 0 or -errno, nothing positive, whatever the other half of the RFC did. */
static void test_r10_a_positive_result_breaks_the_contract(void **state)
{
	struct bench *t = *state;

	t->gpu.error = 1;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "returned 1");
	assert_int_equal(p2psim_vma_map_count(&t->mm, NULL, 0, ~0UL), 0);
}

static void test_a_map_that_leaves_an_address_out_breaks_the_contract(void **state)
{
	struct bench *t = *state;

	t->gpu.forget_address = true;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 3, 0), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "no address for page 2");
	t->pa[2] = ~0ULL;
	unmap(t, &t->nic0, A, 3);
}

static void test_a_map_that_keeps_a_lock_is_unbalanced(void **state)
{
	struct bench *t = *state;

	t->gpu.keep_lock = true;
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	mutex_unlock(&t->gpu.lock);
	assert_violation(t->world, P2PSIM_BALANCE, "returned with");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

static void test_an_unmap_that_fails_breaks_the_contract(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	t->gpu.unmap_error = -EBUSY;
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "an unmap cannot fail");
}

/* Twice; never; somebody else's. */
static void test_giving_back_what_is_not_mapped_breaks_the_contract(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(unmap(t, &t->nic1, A, 1), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "another importer has mapped");
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), -EINVAL);
	assert_violation(t->world, P2PSIM_CONTRACT, "nobody has mapped");
	assert_int_equal(t->gpu.unmaps, 1);
}

/* 9.7: p2p_unmap() gets exactly what p2p_map() gave. */
static void test_9_7_giving_back_another_address_is_a_range_violation(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 2, 0), 0);
	t->pa[1] = t->pa[0];
	assert_int_equal(unmap(t, &t->nic0, A, 2), 0);
	assert_violation(t->world, P2PSIM_RANGE, "gives back 0xc0000000 for page 0x11000");
	assert_int_equal(t->gpu.bad_unmaps, 0);
}

/*
 *	a: |0123|  mapped, then cut:  a |01|, rest |23|
 *	giving back 1..2 reaches p2p_unmap(a, 1) and p2p_unmap(rest, 2); merged again, 0 and 3 are both in a
 */
static void test_9_7_records_go_where_their_pages_go(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), 0);
	init_vma(t, &t->rest, A + PAGES(2), A + PAGES(4), 2);
	hmm_exporter_adopt(&t->gpu, &t->rest);
	t->a.vm_end = A + PAGES(2);
	p2psim_vma_map_split(&t->a, &t->rest, A + PAGES(2));
	assert_int_equal(p2psim_vma_unmap(&t->mm, &t->nic0, A + PAGES(1), A + PAGES(3), t->pa + 1), 0);
	assert_int_equal(t->gpu.unmaps, 2);
	assert_ptr_equal(t->gpu.last_vma, &t->rest);

	t->a.vm_end = A + PAGES(4);
	p2psim_vma_map_merge(&t->rest, &t->a);
	assert_true(list_empty(&t->rest.p2p_mappings));
	assert_int_equal(p2psim_vma_unmap(&t->mm, &t->nic0, A + PAGES(3), A + PAGES(4), t->pa + 3), 0);
	assert_ptr_equal(t->gpu.last_vma, &t->a);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
}

/* 9.10: during UNMAP find_vma() finds nothing; the record of a detached VMA is all there is. */
static void test_9_10_a_detached_vma_keeps_its_records(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 2, 0), 0);
	t->a.detached = true;
	p2psim_vma_map_detach(&t->a);
	assert_int_equal(unmap(t, &t->nic0, A, 2), 0);
	assert_ptr_equal(t->gpu.last_vma, &t->a);
	p2psim_vma_map_closed(&t->a);
}

/* Two regions of one importer, and another importer, have the same page. */
static void test_a_page_may_be_mapped_several_times(void **state)
{
	struct bench *t = *state;

	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), 0);
	assert_int_equal(map(t, &t->a, &t->nic1, 0, 1, 0), 0);
	assert_int_equal(p2psim_vma_map_count(&t->mm, NULL, A, A + PAGES(1)), 3);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	assert_true(p2psim_vma_map_covers(&t->mm, &t->nic0, A, t->pa[0]));
	assert_int_equal(unmap(t, &t->nic1, A, 1), 0);
	assert_int_equal(unmap(t, &t->nic0, A, 1), 0);
	assert_int_equal(t->gpu.counts[0], 0);
}

/* An exporter that says nothing is believed its errno; one that speaks is quoted. */
static void test_a_refusal_is_typed_by_its_errno(void **state)
{
	static const struct {
		int error;
		enum p2psim_reason reason;
	} rows[] = {
		{ -EACCES, P2PSIM_REASON_POLICY },	{ -EREMOTEIO, P2PSIM_REASON_NOT_ROUTABLE },
		{ -EINVAL, P2PSIM_REASON_NOT_PCI },	{ -ENOSPC, P2PSIM_REASON_NO_BAR_SPACE },
		{ -ENODEV, P2PSIM_REASON_DEVICE_GONE }, { -EBUSY, P2PSIM_REASON_BUSY },
		{ -ENOMEM, P2PSIM_REASON_NO_MEMORY },	{ -EOPNOTSUPP, P2PSIM_REASON_NOT_EXPORTABLE },
	};
	struct bench *t = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		t->gpu.error = rows[i].error;
		assert_int_equal(map(t, &t->a, &t->nic0, 0, 1, 0), rows[i].error);
		assert_int_equal(p2psim_last_refusal()->reason, rows[i].reason);
	}
}

/* Without memory for the records the exporter is not even asked. */
static void test_out_of_memory_maps_nothing(void **state)
{
	struct bench *t = *state;

	p2psim_inject_fail_nth(t->world, 1);
	assert_int_equal(map(t, &t->a, &t->nic0, 0, 4, 0), -ENOMEM);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_MEMORY);
	assert_int_equal(t->gpu.maps, 0);
	assert_true(list_empty(&t->a.p2p_mappings));
	p2psim_inject_fail_nth(t->world, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_c1_without_p2p_map_nothing_is_exported),
		bench_test(test_c2_a_map_needs_no_page_table),
		bench_test(test_c3_refusing_what_was_granted_breaks_a_promise),
		bench_test(test_c3_a_promise_is_to_one_importer_and_its_access),
		bench_test(test_c3_busy_gone_and_out_of_memory_break_no_promise),
		bench_test(test_c3_a_promise_ends_with_its_vma),
		bench_test(test_c3_a_hole_in_a_promise_leaves_two),
		bench_test(test_c3_a_promise_follows_mremap),
		bench_test(test_c4_an_answered_invalidation_is_fine),
		bench_test(test_c4_ignoring_an_invalidation_is_a_violation),
		bench_test(test_c4_a_deaf_notifier_is_a_violation),
		bench_test(test_c4_giving_back_a_part_is_a_range_violation),
		bench_test(test_c4_a_collision_before_the_commit_is_nobodys_fault),
		bench_test(test_c4_a_lost_write_permission_ends_writable_mappings_only),
		bench_test(test_c5_a_second_map_may_give_other_addresses),
		bench_test(test_c8_a_withdrawn_promise_is_not_broken),
		bench_test(test_c8_policy_is_asked_at_every_call),
		bench_test(test_c9_an_exporter_may_hand_out_main_memory),
		bench_test(test_c11_an_importer_unmaps_when_it_likes),
		bench_test(test_c12_a_mapping_that_outlives_its_vma_leaks),
		bench_test(test_c12_unmap_allows_no_mapping_that_nobody_answers_for),
		bench_test(test_c12_close_waits_for_an_unmap_under_way),
		bench_test(test_c14_a_map_needs_mmap_lock_and_an_unmap_none),
		bench_test(test_c14_no_map_under_the_lock_of_the_callback),
		bench_test(test_c15_an_exporter_that_does_not_pin_refuses),
		bench_test(test_c15_a_pinned_mapping_answers_nothing_but_unmap),
		bench_test(test_r10_a_positive_result_breaks_the_contract),
		bench_test(test_r12_a_vmas_permissions_are_checked_first),
		bench_test(test_a_map_stays_inside_one_vma),
		bench_test(test_a_map_that_leaves_an_address_out_breaks_the_contract),
		bench_test(test_a_map_that_keeps_a_lock_is_unbalanced),
		bench_test(test_an_unmap_that_fails_breaks_the_contract),
		bench_test(test_giving_back_what_is_not_mapped_breaks_the_contract),
		bench_test(test_9_7_giving_back_another_address_is_a_range_violation),
		bench_test(test_9_7_records_go_where_their_pages_go),
		bench_test(test_9_10_a_detached_vma_keeps_its_records),
		bench_test(test_a_page_may_be_mapped_several_times),
		bench_test(test_a_refusal_is_typed_by_its_errno),
		bench_test(test_out_of_memory_maps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
