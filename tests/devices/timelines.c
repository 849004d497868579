/* SPDX-License-Identifier: MIT */
/*
 * The timelines of reference section 11 and the interleavings of section 9 that need a gpu and a nic, in two columns each.
 */
#include "devices_fixture.h"

#include <p2psim/linux/kernel.h>
#include <p2psim/vma_map.h>

static struct p2psim_gpu_object *imported(struct devices *d, unsigned long pages)
{
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), pages, 0);

	assert_non_null(bo);
	assert_int_equal(machine_register(&d->m, 0, 0), 0);
	return bo;
}

struct column {
	struct devices *d;
	struct p2psim_gpu_object *bo;
	int ret;
};

static void nic_writes(void *arg)
{
	struct column *column = arg;

	column->ret = nic_put(column->d, VA(0), 'n');
}

static void gpu_evicts(void *arg)
{
	struct column *column = arg;

	column->ret = p2psim_gpu_evict(column->bo);
}

static void gpu_unplugs(void *arg)
{
	struct column *column = arg;

	column->ret = p2psim_gpu_unplug(column->d->m.gpu);
}

static unsigned long mapped_pages(struct devices *d)
{
	return p2psim_vma_map_count(p2psim_process_mm(d->m.app), NULL, 0, TASK_SIZE);
}

/*
 * T1:
 *	nic0                                     app
 *	p2p_map(), commit
 *	                                         munmap(): UNMAP
 *	                                           nic0.invalidate(): p2p_unmap()
 *	                                         close(): map count is 0
 *	access: -EFAULT
 */
static void test_t01_munmap_of_an_imported_device_vma(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = imported(d, 2);

	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(mapped_pages(d), 2);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), 2 * PAGE_SIZE), 0);
	assert_int_equal(mapped_pages(d), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
}

/*
 * T2, the door (G5):
 *	gpu0                                     nic0
 *	evict(): door closed, revoked
 *	                                         p2p_map() = -EBUSY; sleeps a tick; ...
 *	moved; door open
 *	                                         p2p_map() = RAM
 */
static void test_t02_a_map_during_the_move_gets_the_new_address(void **state)
{
	struct devices *d = *state;
	struct column gpu = { d, imported(d, 1), -1 }, nic = { d, gpu.bo, -1 };
	struct task_struct *gpu0 = p2psim_task_spawn("gpu0", gpu_evicts, &gpu);
	struct task_struct *nic0;

	assert_int_equal(engine_put(gpu.bo, 1, 'o'), 0);
	assert_int_equal(p2psim_run_until(gpu0, "gpu:revoked"), 0);
	nic0 = p2psim_task_spawn("nic0", nic_writes, &nic);
	assert_int_equal(p2psim_run_alone(nic0), -EAGAIN);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(gpu.ret, 0);
	assert_int_equal(nic.ret, 0);
	assert_int_equal(engine_get(gpu.bo, 0), 'n');
	assert_int_equal(engine_get(gpu.bo, 1), 'o');
}

/*
 * T2.3 and (g) of section 9: what is granted and not committed.
 *	nic0                                     gpu0
 *	p2p_map() = BAR
 *	                                         evict(): revoke finds no entry; waits for mapped == 0
 *	lock; read_retry() = true; p2p_unmap()
 *	                                         moves
 *	p2p_map() = RAM
 */
static void test_t02_a_granted_map_is_waited_for(void **state)
{
	struct devices *d = *state;
	struct column gpu = { d, imported(d, 1), -1 }, nic = { d, gpu.bo, -1 };
	struct task_struct *nic0 = p2psim_task_spawn("nic0", nic_writes, &nic), *gpu0;

	assert_int_equal(p2psim_run_until(nic0, "nic:lock"), 0);
	gpu0 = p2psim_task_spawn("gpu0", gpu_evicts, &gpu);
	assert_int_equal(p2psim_run_alone(gpu0), -EAGAIN);
	assert_int_equal(p2psim_gpu_object_mapped(gpu.bo), 1);
	assert_int_equal(p2psim_gpu_object_place(gpu.bo), P2PSIM_GPU_BAR);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(p2psim_gpu_object_place(gpu.bo), P2PSIM_GPU_RAM);
	assert_int_equal(nic.ret, 0);
	assert_int_equal(engine_get(gpu.bo, 0), 'n');
}

/* The same with hot unplug (S10): it waits, and the map that comes after it is refused. */
static void test_s10_unplug_waits_for_a_granted_map(void **state)
{
	struct devices *d = *state;
	struct column gpu = { d, imported(d, 1), -1 }, nic = { d, gpu.bo, -1 };
	struct task_struct *nic0 = p2psim_task_spawn("nic0", nic_writes, &nic), *gpu0;

	assert_int_equal(p2psim_run_until(nic0, "nic:lock"), 0);
	gpu0 = p2psim_task_spawn("gpu0", gpu_unplugs, &gpu);
	assert_int_equal(p2psim_run_alone(gpu0), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(gpu.ret, 0);
	assert_int_equal(nic.ret, -EFAULT);
	assert_int_equal(p2psim_gpu_object_place(gpu.bo), P2PSIM_GPU_NOWHERE);
}

static void app_loads(void *arg)
{
	struct column *column = arg;

	column->ret = p2psim_load_byte(column->d->m.app, VA(0));
}

/*
 * A CPU fault during the move waits for its end instead.
 *	gpu0                                     app
 *	evict(): revoked
 *	                                         load: fault(): waits
 *	moved; door open; wake
 *	                                         load = the byte, in RAM
 */
static void test_t02_a_cpu_fault_during_the_move_waits(void **state)
{
	struct devices *d = *state;
	struct column gpu = { d, imported(d, 1), -1 }, app = { d, gpu.bo, -1 };
	struct task_struct *gpu0 = p2psim_task_spawn("gpu0", gpu_evicts, &gpu), *cpu;

	assert_int_equal(engine_put(gpu.bo, 0, 'v'), 0);
	assert_int_equal(p2psim_run_until(gpu0, "gpu:revoked"), 0);
	cpu = p2psim_task_spawn("app", app_loads, &app);
	assert_int_equal(p2psim_run_alone(cpu), -EAGAIN);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(app.ret, 'v');
	assert_int_equal(gpu.ret, 0);
}

/*
 * T10:	[ bo bo ] moves from 0x10000 to 0x20000 while it is imported.
 */
static void test_t10_mremap_of_an_imported_device_vma(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = imported(d, 2);

	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_mremap(d->m.app, VA(0), 2 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				       VA(16)), VA(16));
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	assert_int_equal(nic_put(d, VA(17), 'n'), 0);
	assert_int_equal(engine_get(bo, PAGE_SIZE), 'n');
}

/* T12: [ object ][ hole ][ object ]: all or nothing, in ascending order; each part alone works. */
static void test_t12_a_hole_between_two_objects(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = imported(d, 1);

	assert_non_null(machine_map_object(&d->m, VA(2), 1, 0));
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), -EFAULT);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(1), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(2), VA(3), P2PSIM_NIC_WRITE), 0);
}

/* T7 for a device VMA: exit unmaps, closes, and the region stays as an empty shell. */
static void test_t07_exit_with_an_imported_object(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = imported(d, 1);

	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	p2psim_process_exit(d->m.app);
	d->m.app = NULL;
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	assert_int_equal(engine_get(bo, 0), 'n');
}

/* Section 9, 11(j): two importers, one is refused. */
static bool nic_only(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	return importer == arg;
}

static void test_two_importers_and_one_is_refused(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = imported(d, 1);
	struct p2psim_import *import;

	assert_int_equal(machine_add_disk(&d->m, 0), 0);
	p2psim_gpu_set_policy(d->m.gpu, nic_only, p2psim_nic_dev(d->m.nic));
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_import_create(d->m.disk, p2psim_process_mm(d->m.app), VA(0), VA(1), 0, &import),
			 -EACCES);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_t01_munmap_of_an_imported_device_vma),
		device_test(test_t02_a_map_during_the_move_gets_the_new_address),
		device_test(test_t02_a_granted_map_is_waited_for),
		device_test(test_s10_unplug_waits_for_a_granted_map),
		device_test(test_t02_a_cpu_fault_during_the_move_waits),
		device_test(test_t10_mremap_of_an_imported_device_vma),
		device_test(test_t12_a_hole_between_two_objects),
		device_test(test_t07_exit_with_an_imported_object),
		device_test(test_two_importers_and_one_is_refused),
	};

	return cmocka_run_group_tests_name("timelines of gpu and nic", tests, NULL, NULL);
}
