/* SPDX-License-Identifier: MIT */
/*
 * Every allocation fails once: setup, map, access, move and teardown of the devices.  Each time the result is a clean error
 * or success, never a crash, a violation or a leak.
 */
#include "devices_fixture.h"
#include "fail_each.h"

static void use_gpu_and_nic(void *state)
{
	struct machine *m = state;
	struct machine_config config = {};
	struct p2psim_gpu_object *bo;
	char buf[16] = "";

	if (machine_build(m, &config))
		return;
	bo = machine_map_object(m, VA(0), 2, 0);
	if (!bo || machine_map_anonymous(m, VA(2), 2) || machine_register(m, VA(0), 4 * PAGE_SIZE))
		return;
	p2psim_store_byte(m->app, VA(0), 'a');
	p2psim_nic_write(m->mr, VA(1) - 8, buf, sizeof(buf));
	p2psim_nic_prefetch(m->mr, VA(0), VA(4), P2PSIM_NIC_WRITE);
	p2psim_gpu_evict(bo);
	p2psim_nic_read(m->mr, VA(2) - 8, buf, sizeof(buf));
	p2psim_gpu_restore(bo);
	p2psim_nic_write(m->mr, VA(0), buf, sizeof(buf));
	p2psim_gpu_defragment(m->gpu);
	p2psim_munmap(m->app, VA(1), 2 * PAGE_SIZE);
	p2psim_nic_write(m->mr, VA(3), buf, sizeof(buf));
	p2psim_gpu_unplug(m->gpu);
}

static void use_the_importer(void *state)
{
	struct machine *m = state;
	struct machine_config config = {};
	struct p2psim_import *import;
	char buf[16] = "";
	unsigned int page;

	if (machine_build(m, &config) || machine_add_disk(m, 0))
		return;
	if (!machine_map_object(m, VA(0), 1, 0) || machine_map_anonymous(m, VA(1), 1))
		return;
	for (page = 0; page < 2; page++) {
		if (p2psim_import_create(m->disk, p2psim_process_mm(m->app), VA(page), VA(page + 1),
					 P2PSIM_IMPORT_WRITE, &import))
			continue;
		p2psim_import_write(import, VA(page), buf, sizeof(buf));
		p2psim_import_destroy(import);
	}
	p2psim_direct_io(m->disk, p2psim_process_mm(m->app), VA(1), buf, sizeof(buf), true);
}

static void use_pages_of_the_gpu(void *state)
{
	struct machine *m = state;
	struct machine_config config = { .bar_pages = 2 };
	struct mm_struct *mm;
	char buf[16] = "";

	if (machine_build(m, &config) || machine_map_anonymous(m, VA(0), 3) || machine_register(m, VA(0), 3 * PAGE_SIZE))
		return;
	mm = p2psim_process_mm(m->app);
	p2psim_store_byte(m->app, VA(0), 'a');
	p2psim_gpu_migrate(m->gpu, mm, VA(0), VA(3));
	p2psim_nic_prefetch(m->mr, VA(0), VA(3), P2PSIM_NIC_WRITE);
	p2psim_nic_write(m->mr, VA(1) - 8, buf, sizeof(buf));
	p2psim_load_byte(m->app, VA(1));
	p2psim_gpu_migrate(m->gpu, mm, VA(0), VA(3));
	p2psim_nic_write(m->mr, VA(2), buf, sizeof(buf));
	p2psim_gpu_evict_pages(m->gpu);
}

static void end(void *state)
{
	machine_demolish(state);
}

static void test_gpu_and_nic_survive_each_failing_allocation(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, use_gpu_and_nic, end, sizeof(struct machine) }) > 20);
}

static void test_pages_of_the_gpu_survive_each_failing_allocation(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, use_pages_of_the_gpu, end, sizeof(struct machine) }) > 20);
}

static void test_the_importer_survives_each_failing_allocation(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, use_the_importer, end, sizeof(struct machine) }) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpu_and_nic_survive_each_failing_allocation),
		cmocka_unit_test(test_pages_of_the_gpu_survive_each_failing_allocation),
		cmocka_unit_test(test_the_importer_survives_each_failing_allocation),
	};

	return cmocka_run_group_tests_name("devices and failing allocations", tests, NULL, NULL);
}
