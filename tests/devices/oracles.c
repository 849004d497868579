/* SPDX-License-Identifier: MIT */
/*
 * What a driver author gets wrong, one switch at a time (enum p2psim_gpu_fault, enum p2psim_nic_fault and the importer's
 * flags), and the oracle that says so.
 */
#include "devices_fixture.h"

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/reclaim.h>

static struct p2psim_gpu_object *object(struct devices *d, unsigned long va, unsigned long pages, unsigned int flags)
{
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, va, pages, flags);

	assert_non_null(bo);
	return bo;
}

static void ram_region(struct devices *d, unsigned long pages)
{
	assert_int_equal(machine_map_anonymous(&d->m, VA(0), pages), 0);
	assert_int_equal(machine_register(&d->m, VA(0), pages * PAGE_SIZE), 0);
}

static void region(struct devices *d, unsigned long pages)
{
	assert_int_equal(machine_register(&d->m, VA(0), pages * PAGE_SIZE), 0);
}

static void gpu_fault(struct devices *d, unsigned int faults)
{
	devices_provoke(d);
	p2psim_gpu_set_faults(d->m.gpu, faults);
}

static void nic_fault(struct devices *d, unsigned int faults)
{
	devices_provoke(d);
	p2psim_nic_set_faults(d->m.nic, faults);
}

/* The other column: a nic that writes one byte to the first page. */
static void nic_writes(void *arg)
{
	nic_put(arg, VA(0), 'n');
}

static struct task_struct *nic_until(struct devices *d, const char *label)
{
	struct task_struct *nic = p2psim_task_spawn("nic0", nic_writes, d);

	assert_non_null(nic);
	assert_int_equal(p2psim_run_until(nic, label), 0);
	return nic;
}

/* ---- the gpu ---- */

/*	BAR	| x | bo |   ->   | bo |		nic0 still writes to page 1 */
static void test_stale_move_without_revoke(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *x = object(d, VA(4), 1, 0);

	object(d, VA(0), 1, 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(4), 'x'), 0);
	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_evict(x), 0);
	gpu_fault(d, P2PSIM_GPU_MOVE_WITHOUT_REVOKE);
	assert_int_equal(p2psim_gpu_defragment(d->m.gpu), 1);
	nic_put(d, VA(0), 'n');
	assert_fired(d, P2PSIM_STALE);
}

/*
 *	nic0                                     gpu0
 *	p2p_map() = BAR address
 *	                                         evict(): revoke finds nothing to unmap, does not wait
 *	retry: p2p_unmap() of a BAR address, the object being in RAM
 */
static void test_balance_move_without_wait(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);
	struct task_struct *nic;

	region(d, 1);
	gpu_fault(d, P2PSIM_GPU_MOVE_WITHOUT_WAIT);
	nic = nic_until(d, "nic:lock");
	assert_int_equal(p2psim_gpu_evict(bo), 0);
	p2psim_run_until(nic, NULL);
	assert_fired(d, P2PSIM_BALANCE);
}

static void gpu_evicts(void *arg)
{
	p2psim_gpu_evict(arg);
}

/*
 *	gpu0                                     nic0
 *	evict(): revoked, nobody maps
 *	                                         p2p_map() = BAR address, the door being open
 *	window freed, object in RAM
 *	                                         writes to the BAR
 */
static void test_stale_move_with_the_door_open(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);
	struct task_struct *gpu;

	region(d, 1);
	gpu_fault(d, P2PSIM_GPU_MOVE_WITH_DOOR_OPEN);
	gpu = p2psim_task_spawn("gpu0", gpu_evicts, bo);
	assert_int_equal(p2psim_run_until(gpu, "gpu:revoked"), 0);
	assert_int_equal(nic_put(d, VA(0), '1'), 0);
	assert_int_equal(p2psim_run_until(gpu, NULL), 0);
	nic_put(d, VA(0), '2');
	assert_fired(d, P2PSIM_STALE);
}

/* B55: a pinned peer was not asked; the BAR goes all the same. */
static void test_stale_unplug_without_wait(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, P2PSIM_GPU_OBJECT_MAY_PIN);
	assert_int_equal(machine_add_disk(&d->m, 0), 0);
	assert_int_equal(p2psim_import_create(d->m.disk, p2psim_process_mm(d->m.app), VA(0), VA(1),
					      P2PSIM_IMPORT_WRITE | P2PSIM_IMPORT_PIN, &d->m.import), 0);
	gpu_fault(d, P2PSIM_GPU_UNPLUG_WITHOUT_WAIT);
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
	p2psim_import_write(d->m.import, VA(0), "d", 1);
	assert_fired(d, P2PSIM_STALE);
}

static void test_deadlock_unplug_without_revoke(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, 0);
	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	gpu_fault(d, P2PSIM_GPU_UNPLUG_WITHOUT_REVOKE);
	p2psim_gpu_unplug(d->m.gpu);
	assert_fired(d, P2PSIM_DEADLOCK);
}

/* B40, G6: one object's bytes in the next one. */
static void test_data_vram_that_is_not_cleared(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo;

	gpu_fault(d, P2PSIM_GPU_KEEP_VRAM);
	bo = p2psim_gpu_object_create(d->m.gpu, 64, 0);
	assert_int_equal(engine_put(bo, 0, 's'), 0);
	p2psim_gpu_object_put(bo);
	machine_map_object(&d->m, VA(0), 1, 0);
	assert_nothing_fired(d);
	p2psim_load_byte(d->m.app, VA(0));
	assert_fired(d, P2PSIM_DATA);
}

/* C3 */
static void test_contract_a_broken_promise(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);

	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_revoke(bo), 0);
	gpu_fault(d, P2PSIM_GPU_BREAK_PROMISE);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	assert_fired(d, P2PSIM_CONTRACT);
}

static void nic_prefetches_two(void *arg)
{
	struct devices *d = arg;

	p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE);
}

/*
 * T2.1, G4:
 *	nic0                                     gpu0
 *	p2p_map(A) = 0
 *	                                         lock place; revoke(A); wait until A is unmapped
 *	p2p_map(B): lock place
 */
static void test_deadlock_revoke_under_the_placement_lock(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *a = object(d, VA(0), 1, 0);
	struct task_struct *nic;

	object(d, VA(1), 1, 0);
	region(d, 2);
	gpu_fault(d, P2PSIM_GPU_REVOKE_UNDER_LOCK);
	nic = p2psim_task_spawn("nic0", nic_prefetches_two, d);
	assert_int_equal(p2psim_run_until(nic, "bar:map"), 0);
	assert_int_equal(p2psim_run_until(nic, "p2p:map"), 0);
	assert_int_equal(p2psim_gpu_object_mapped(a), 1);
	p2psim_gpu_revoke(a);
	p2psim_run();
	assert_fired(d, P2PSIM_DEADLOCK);
}

static void test_leak_a_window_that_is_forgotten(void **state)
{
	struct devices *d = *state;

	p2psim_gpu_object_put(object(d, VA(0), 1, 0));
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	gpu_fault(d, P2PSIM_GPU_LEAK_WINDOW);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	p2psim_gpu_destroy(d->m.gpu);
	assert_fired(d, P2PSIM_LEAK);
}

/* ---- the nic ---- */

/*
 *	nic0                                     kswapd
 *	hmm_range_dma_map() = the page
 *	                                         takes the page
 *	commits without looking; writes
 */
static void test_stale_commit_without_retry_check(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	nic_fault(d, P2PSIM_NIC_NO_RETRY_CHECK);
	nic = nic_until(d, "nic:lock");
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	p2psim_run_until(nic, NULL);
	assert_fired(d, P2PSIM_STALE);
}

static void test_stale_check_before_the_lock(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	nic_fault(d, P2PSIM_NIC_CHECK_BEFORE_LOCK);
	nic = nic_until(d, "nic:lock");
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	p2psim_run_until(nic, NULL);
	assert_fired(d, P2PSIM_STALE);
}

/* The same interleaving with everything in place: one retry, no harm. */
static void test_the_correct_nic_retries_there(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	nic = nic_until(d, "nic:lock");
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	assert_int_equal(p2psim_run_until(nic, NULL), 0);
	assert_nothing_fired(d);
	assert_int_equal(p2psim_nic_region_stats(d->m.mr)->retries, 1);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), 'n');
}

static void test_stale_an_ignored_invalidation_of_ram(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_IGNORE_INVALIDATE);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_nothing_fired(d);
	nic_put(d, VA(0), 'n');
	assert_fired(d, P2PSIM_STALE);
}

/* C4: for a P2P mapping the end of the invalidation is enough. */
static void test_contract_an_ignored_invalidation_of_p2p(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, 0);
	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_IGNORE_INVALIDATE);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_fired(d, P2PSIM_CONTRACT);
}

/* M4, R11 */
static void test_leak_a_retry_that_forgets_to_unmap(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	nic_fault(d, P2PSIM_NIC_FORGET_UNMAP);
	nic = nic_until(d, "nic:lock");
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	p2psim_run_until(nic, NULL);
	assert_nothing_fired(d);
	machine_demolish(&d->m);
	p2psim_world_check_quiescent(d->world);
	assert_fired(d, P2PSIM_LEAK);
}

/* Mail 004 */
static void test_contract_find_vma_in_the_callback(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_FIND_VMA);
	assert_int_equal(p2psim_reclaim_address(d->m.app, VA(0)), 0);
	assert_fired(d, P2PSIM_CONTRACT);
}

static void app_unmaps(void *arg)
{
	struct devices *d = arg;

	p2psim_munmap(d->m.app, VA(0), PAGE_SIZE);
}

static void test_lockgraph_mmap_lock_in_the_callback(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_LOCK_MMAP);
	p2psim_task_spawn("app", app_unmaps, d);
	p2psim_run();
	assert_fired(d, P2PSIM_LOCKGRAPH);
}

/*
 * M3:
 *	nic0                                     app
 *	translate: entry is good
 *	                                         munmap(): zaps the entry, does not drain; page freed
 *	DMA beat to the old page
 */
static void test_stale_without_draining_dma_in_flight(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), '1'), 0);
	nic_fault(d, P2PSIM_NIC_NO_DRAIN);
	nic = nic_until(d, "dma:write");
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	p2psim_run_until(nic, NULL);
	assert_fired(d, P2PSIM_STALE);
}

static void test_the_correct_nic_drains_there(void **state)
{
	struct devices *d = *state;
	struct task_struct *nic;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), '1'), 0);
	nic = nic_until(d, "dma:write");
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_true(p2psim_task_done(nic) || p2psim_run_until(nic, NULL) == 0);
	assert_nothing_fired(d);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
}

static void test_leak_a_deregistration_that_unmaps_nothing(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_LEAK_AT_DEREG);
	machine_demolish(&d->m);
	p2psim_world_check_quiescent(d->world);
	assert_fired(d, P2PSIM_LEAK);
}

static int invalidate_nonblock(struct devices *d)
{
	struct mmu_notifier_range range;
	int ret;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, NULL, p2psim_process_mm(d->m.app), VA(0), VA(1));
	ret = mmu_notifier_invalidate_range_start_nonblock(&range);
	if (!ret)
		mmu_notifier_invalidate_range_end(&range);
	return ret;
}

/* T6: the lock is free, so even the correct nic can answer without sleeping. */
static void test_a_nonblockable_invalidation_is_answered(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(invalidate_nonblock(d), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
}

static void test_lockgraph_sleeping_in_a_nonblockable_invalidation(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	nic_fault(d, P2PSIM_NIC_SLEEP_IN_INVALIDATE);
	invalidate_nonblock(d);
	assert_fired(d, P2PSIM_LOCKGRAPH);
}

/* B06: a part of one mapping is given back, the rest is not. */
static void test_range_zapping_less_than_was_said(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 2, 0);
	region(d, 2);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	nic_fault(d, P2PSIM_NIC_ZAP_ONE_PAGE);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), 2 * PAGE_SIZE), 0);
	assert_fired(d, P2PSIM_RANGE);
}

/* mmu_notifier > update is learnt from the revoke, update > mmu_notifier closes the circle. */
static void test_lockgraph_faulting_under_the_update_lock(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);

	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_revoke(bo), 0);
	nic_fault(d, P2PSIM_NIC_FAULT_UNDER_LOCK);
	nic_put(d, VA(0), 'n');
	assert_fired(d, P2PSIM_LOCKGRAPH);
}

static void test_lockgraph_deregistering_under_the_update_lock(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	nic_fault(d, P2PSIM_NIC_DEREG_UNDER_LOCK);
	p2psim_nic_deregister(d->m.mr);
	assert_fired(d, P2PSIM_LOCKGRAPH);
}

/* M5, B16: fs_reclaim > mmu_notifier > update > fs_reclaim */
static void test_lockgraph_allocating_under_the_update_lock(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	assert_int_equal(nic_put(d, VA(0), '1'), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_int_equal(machine_map_anonymous(&d->m, VA(0), 1), 0);
	nic_fault(d, P2PSIM_NIC_ALLOC_UNDER_LOCK);
	nic_put(d, VA(0), '2');
	assert_fired(d, P2PSIM_LOCKGRAPH);
}

static void test_range_giving_back_another_address(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, 0);
	region(d, 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	nic_fault(d, P2PSIM_NIC_MIX_ADDRESSES_UP);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_fired(d, P2PSIM_RANGE);
}

static void uses_a_region_after_its_end(void *arg)
{
	struct devices *d = arg;

	p2psim_nic_deregister(d->m.mr);
	nic_put(d, VA(0), 'n');
}

/* B18 */
static void test_uaf_an_access_after_deregistration(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	devices_provoke(d);
	p2psim_task_spawn("nic0", uses_a_region_after_its_end, d);
	p2psim_run();
	assert_fired(d, P2PSIM_UAF);
}

static void test_contract_a_nic_that_goes_before_its_regions(void **state)
{
	struct devices *d = *state;

	ram_region(d, 1);
	devices_provoke(d);
	p2psim_nic_destroy(d->m.nic);
	assert_fired(d, P2PSIM_CONTRACT);
}

/* ---- the importer without HMM ---- */

static void import(struct devices *d, unsigned int importer_flags)
{
	devices_provoke(d);
	object(d, VA(0), 1, 0);
	assert_int_equal(machine_add_disk(&d->m, importer_flags), 0);
	assert_int_equal(p2psim_import_create(d->m.disk, p2psim_process_mm(d->m.app), VA(0), VA(1), P2PSIM_IMPORT_WRITE,
					      &d->m.import), 0);
}

static void test_contract_an_importer_that_ignores_the_notifier(void **state)
{
	struct devices *d = *state;

	import(d, P2PSIM_IMPORTER_IGNORE_INVALIDATE);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_fired(d, P2PSIM_CONTRACT);
}

static void test_contract_an_importer_that_stops_without_unmapping(void **state)
{
	struct devices *d = *state;

	import(d, P2PSIM_IMPORTER_FORGET_UNMAP);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_fired(d, P2PSIM_CONTRACT);
}

static void test_contract_an_importer_that_goes_before_its_imports(void **state)
{
	struct devices *d = *state;

	import(d, 0);
	p2psim_importer_destroy(d->m.disk);
	assert_fired(d, P2PSIM_CONTRACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_stale_move_without_revoke),
		device_test(test_balance_move_without_wait),
		device_test(test_stale_move_with_the_door_open),
		device_test(test_stale_unplug_without_wait),
		device_test(test_deadlock_unplug_without_revoke),
		device_test(test_data_vram_that_is_not_cleared),
		device_test(test_contract_a_broken_promise),
		device_test(test_deadlock_revoke_under_the_placement_lock),
		device_test(test_leak_a_window_that_is_forgotten),
		device_test(test_stale_commit_without_retry_check),
		device_test(test_stale_check_before_the_lock),
		device_test(test_the_correct_nic_retries_there),
		device_test(test_stale_an_ignored_invalidation_of_ram),
		device_test(test_contract_an_ignored_invalidation_of_p2p),
		device_test(test_leak_a_retry_that_forgets_to_unmap),
		device_test(test_contract_find_vma_in_the_callback),
		device_test(test_lockgraph_mmap_lock_in_the_callback),
		device_test(test_stale_without_draining_dma_in_flight),
		device_test(test_the_correct_nic_drains_there),
		device_test(test_leak_a_deregistration_that_unmaps_nothing),
		device_test(test_a_nonblockable_invalidation_is_answered),
		device_test(test_lockgraph_sleeping_in_a_nonblockable_invalidation),
		device_test(test_range_zapping_less_than_was_said),
		device_test(test_lockgraph_faulting_under_the_update_lock),
		device_test(test_lockgraph_deregistering_under_the_update_lock),
		device_test(test_lockgraph_allocating_under_the_update_lock),
		device_test(test_range_giving_back_another_address),
		device_test(test_uaf_an_access_after_deregistration),
		device_test(test_contract_a_nic_that_goes_before_its_regions),
		device_test(test_contract_an_importer_that_ignores_the_notifier),
		device_test(test_contract_an_importer_that_stops_without_unmapping),
		device_test(test_contract_an_importer_that_goes_before_its_imports),
	};

	return cmocka_run_group_tests_name("the oracles and the devices", tests, NULL, NULL);
}
