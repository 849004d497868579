/* SPDX-License-Identifier: MIT */
/* The nic alone, on RAM and on holes.  M1..M5: src/devices/nic_internal.h. */
#include "devices_fixture.h"

#include <p2psim/dma.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/reclaim.h>

static void ram(struct devices *d, unsigned long va, unsigned long pages)
{
	assert_int_equal(machine_map_anonymous(&d->m, va, pages), 0);
}

static void region(struct devices *d, unsigned long va, unsigned long pages)
{
	assert_int_equal(machine_register(&d->m, va, pages * PAGE_SIZE), 0);
}

static void test_what_the_nic_writes_the_process_reads(void **state)
{
	struct devices *d = *state;
	char back[6] = "";

	ram(d, VA(0), 2);
	region(d, VA(0), 2);
	assert_int_equal(p2psim_nic_write(d->m.mr, VA(1) - 3, "hello", 6), 0);
	assert_int_equal(p2psim_load(d->m.app, VA(1) - 3, back, 6), 0);
	assert_string_equal(back, "hello");
	assert_int_equal(p2psim_store_byte(d->m.app, VA(1), 'L'), 0);
	assert_int_equal(nic_get(d, VA(1)), 'L');
	assert_int_equal(p2psim_nic_entries(d->m.mr), 2);
}

static void test_an_entry_is_made_by_the_first_access_and_hit_by_the_next(void **state)
{
	struct devices *d = *state;
	const struct p2psim_nic_stats *stats;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	stats = p2psim_nic_region_stats(d->m.mr);
	assert_false(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_READ));
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(nic_get(d, VA(0)), 'x');
	assert_int_equal(stats->faults, 1);
	assert_int_equal(stats->hits, 1);
	assert_true(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_WRITE));
}

/* A read maps read-only; the write that follows maps again, and the first mapping is given back. */
static void test_a_write_upgrades_a_read_only_entry(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(nic_get(d, VA(0)), 0);
	assert_false(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_WRITE));
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_true(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_WRITE));
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), 'x');
	assert_int_equal(p2psim_dma_live(p2psim_nic_dev(d->m.nic)), 1);
}

/* munmap: T1 for RAM, invariant 1 of section 9. */
static void test_munmap_takes_entries_away(void **state)
{
	struct devices *d = *state;
	unsigned long start, end;

	ram(d, VA(0), 3);
	region(d, VA(0), 3);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 2);
	assert_int_equal(p2psim_nic_last_event(d->m.mr, &start, &end), MMU_NOTIFY_UNMAP);
	assert_int_equal(start, VA(1));
	assert_int_equal(end, VA(2));
	assert_int_equal(nic_put(d, VA(1), 'x'), -EFAULT);
	assert_int_equal(nic_put(d, VA(2), 'x'), 0);
}

/* T9, mail 004: the entry stays, without its write bit. */
static void test_t09_mprotect_read_only_downgrades(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(p2psim_mprotect(d->m.app, VA(0), PAGE_SIZE, PROT_READ), 0);
	assert_true(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_READ));
	assert_false(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_WRITE));
	assert_int_equal(nic_get(d, VA(0)), 'x');
	assert_int_equal(nic_put(d, VA(0), 'y'), -EPERM);
	assert_int_equal(p2psim_nic_region_stats(d->m.mr)->downgrades, 1);
}

static void test_mprotect_none_takes_the_entry(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(p2psim_mprotect(d->m.app, VA(0), PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(nic_get(d, VA(0)), -EFAULT);
}

/* What the nic wrote is dirty: reclaim must keep it. */
static void test_reclaim_takes_the_page_and_a_fault_brings_it_back(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(p2psim_nic_last_event(d->m.mr, NULL, NULL), MMU_NOTIFY_CLEAR);
	assert_int_equal(nic_get(d, VA(0)), 'x');
}

static void test_accesses_outside_the_region_are_refused(void **state)
{
	struct devices *d = *state;
	struct p2psim_nic_region *mr;

	ram(d, VA(0), 3);
	region(d, VA(1), 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), -EFAULT);
	assert_int_equal(p2psim_nic_write(d->m.mr, VA(2) - 1, "ab", 2), -EFAULT);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(1), VA(1) + 1, 0), -EINVAL);
	assert_int_equal(p2psim_nic_register(d->m.nic, p2psim_process_mm(d->m.app), VA(0), PAGE_SIZE, 0, &mr), 0);
	assert_int_equal(p2psim_nic_write(mr, VA(0), "x", 1), -EPERM);
	assert_int_equal(p2psim_nic_region_stats(mr)->errors, 1);
	p2psim_nic_deregister(mr);
}

static void test_ranges_that_make_no_region(void **state)
{
	struct devices *d = *state;
	struct mm_struct *mm = p2psim_process_mm(d->m.app);
	struct p2psim_nic_region *mr;

	assert_int_equal(p2psim_nic_register(d->m.nic, mm, VA(0) + 1, PAGE_SIZE, 0, &mr), -EINVAL);
	assert_int_equal(p2psim_nic_register(d->m.nic, mm, VA(0), 1, 0, &mr), -EINVAL);
	assert_int_equal(p2psim_nic_register(d->m.nic, mm, PAGE_SIZE, -PAGE_SIZE, 0, &mr), -EOVERFLOW);
}

/* Nothing need be there at registration, and what comes later is reached. */
static void test_the_whole_address_space_is_a_region(void **state)
{
	struct devices *d = *state;

	region(d, 0, 0);
	assert_int_equal(nic_put(d, VA(0), 'x'), -EFAULT);
	ram(d, VA(0), 1);
	ram(d, 0x700000000000UL, 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(nic_put(d, 0x700000000000UL, 'y'), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, 0x700000000000UL), 'y');
}

/* Invariant 12 of section 9: ascending, the first error wins, nothing is left mapped. */
static void test_a_prefetch_is_all_or_nothing(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	ram(d, VA(2), 1);
	region(d, VA(0), 3);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), -EFAULT);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(p2psim_dma_live(p2psim_nic_dev(d->m.nic)), 0);
	ram(d, VA(1), 1);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 3);
}

/* T7: RELEASE, then UNMAP of everything; mmget_not_zero() fails afterwards. */
static void test_t07_exit_with_a_live_region(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	p2psim_process_exit(d->m.app);
	d->m.app = NULL;
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(nic_put(d, VA(0), 'x'), -EFAULT);
}

static void test_deregistration_gives_everything_back(void **state)
{
	struct devices *d = *state;

	ram(d, VA(0), 80);
	region(d, VA(0), 80);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(80), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_dma_live(p2psim_nic_dev(d->m.nic)), 80);
	p2psim_nic_deregister(d->m.mr);
	d->m.mr = NULL;
	assert_int_equal(p2psim_dma_live(p2psim_nic_dev(d->m.nic)), 0);
}

static void test_two_regions_over_one_range_live_apart(void **state)
{
	struct devices *d = *state;
	struct p2psim_nic_region *other;

	ram(d, VA(0), 1);
	region(d, VA(0), 1);
	assert_int_equal(p2psim_nic_register(d->m.nic, p2psim_process_mm(d->m.app), VA(0), PAGE_SIZE,
					     P2PSIM_NIC_WRITE, &other), 0);
	assert_int_equal(nic_put(d, VA(0), 'x'), 0);
	assert_int_equal(p2psim_nic_write(other, VA(0), "y", 1), 0);
	p2psim_nic_deregister(other);
	assert_int_equal(nic_get(d, VA(0)), 'y');
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_what_the_nic_writes_the_process_reads),
		device_test(test_an_entry_is_made_by_the_first_access_and_hit_by_the_next),
		device_test(test_a_write_upgrades_a_read_only_entry),
		device_test(test_munmap_takes_entries_away),
		device_test(test_t09_mprotect_read_only_downgrades),
		device_test(test_mprotect_none_takes_the_entry),
		device_test(test_reclaim_takes_the_page_and_a_fault_brings_it_back),
		device_test(test_accesses_outside_the_region_are_refused),
		device_test(test_ranges_that_make_no_region),
		device_test(test_the_whole_address_space_is_a_region),
		device_test(test_a_prefetch_is_all_or_nothing),
		device_test(test_t07_exit_with_a_live_region),
		device_test(test_deregistration_gives_everything_back),
		device_test(test_two_regions_over_one_range_live_apart),
	};

	return cmocka_run_group_tests_name("the nic", tests, NULL, NULL);
}
