/* SPDX-License-Identifier: MIT */
/* The gpu alone: objects, VMAs, CPU faults, moves.  G1..G6: src/devices/gpu_internal.h. */
#include "devices_fixture.h"

#include <p2psim/linux/fs.h>

/*
 *	file   | A A A |.| B |		offsets leave a gap, VM sizes must fit
 *	va     A at 0x10000
 */
static void test_mmap_selects_the_object_by_its_file_offset(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *a = machine_map_object(&d->m, VA(0), 3, 0);
	struct p2psim_gpu_object *b = machine_map_object(&d->m, VA(8), 1, 0);

	assert_int_equal(p2psim_store_byte(d->m.app, VA(2), 'a'), 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(8), 'b'), 0);
	assert_int_equal(engine_get(a, 2 * PAGE_SIZE), 'a');
	assert_int_equal(engine_get(b, 0), 'b');
	assert_true(p2psim_gpu_object_offset(b) > p2psim_gpu_object_offset(a) + 3 * PAGE_SIZE);
}

static long try_mmap(struct devices *d, unsigned long pages, int flags, unsigned long offset)
{
	return p2psim_mmap(d->m.app, VA(16), pages * PAGE_SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
			   p2psim_gpu_file(d->m.gpu), offset);
}

static void test_mmap_refuses_what_is_not_one_object(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = p2psim_gpu_object_create(d->m.gpu, 2, 0);
	unsigned long offset = p2psim_gpu_object_offset(bo);

	assert_int_equal(try_mmap(d, 3, MAP_SHARED, offset), -ENXIO);
	assert_int_equal(try_mmap(d, 1, MAP_SHARED, offset + 2 * PAGE_SIZE), -ENXIO);
	assert_int_equal(try_mmap(d, 2, MAP_PRIVATE, offset), -EINVAL);
	assert_int_equal(try_mmap(d, 1, MAP_SHARED, offset + PAGE_SIZE), VA(16));
	assert_int_equal(p2psim_store_byte(d->m.app, VA(16), 'x'), 0);
	assert_int_equal(engine_get(bo, PAGE_SIZE), 'x');
}

static void test_an_object_that_is_not_for_the_cpu_is_sigbus(void **state)
{
	struct devices *d = *state;

	machine_map_object(&d->m, VA(0), 1, P2PSIM_GPU_OBJECT_NO_CPU);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), -EFAULT);
	assert_int_equal(p2psim_process_signal(d->m.app)->signo, 7);
}

/* Windows are taken when the CPU or a peer needs one, not before. */
static void test_a_window_is_taken_by_the_first_fault(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 2, 0);

	assert_int_equal(p2psim_gpu_object_place(bo), P2PSIM_GPU_VRAM);
	assert_int_equal(p2psim_gpu_object_bar_page(bo), -ENXIO);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 0);
	assert_int_equal(p2psim_gpu_object_place(bo), P2PSIM_GPU_BAR);
	assert_int_equal(p2psim_gpu_object_bar_page(bo), 0);
	assert_int_equal(p2psim_gpu_object_faults(bo), 1);
}

/* The BAR has 16 pages, VRAM 64. */
static void test_a_fault_without_room_in_the_bar_is_sigbus(void **state)
{
	struct devices *d = *state;

	machine_map_object(&d->m, VA(0), 16, 0);
	machine_map_object(&d->m, VA(32), 1, 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(32)), -EFAULT);
	assert_null(p2psim_gpu_object_create(d->m.gpu, 48, 0));
	assert_non_null(p2psim_gpu_object_create(d->m.gpu, 47, 0));
}

/* S16: the CPU's view of it as well. */
static void test_eviction_and_return_move_the_bytes(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 2, 0);

	assert_int_equal(p2psim_store_byte(d->m.app, VA(1), 'v'), 0);
	assert_int_equal(p2psim_gpu_evict(bo), 0);
	assert_int_equal(p2psim_gpu_object_place(bo), P2PSIM_GPU_RAM);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 'v');
	assert_int_equal(p2psim_store_byte(d->m.app, VA(1), 'r'), 0);
	assert_int_equal(p2psim_gpu_restore(bo), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 'r');
	assert_int_equal(engine_get(bo, PAGE_SIZE), 'r');
}

static void test_eviction_frees_the_window_and_vram(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *a = machine_map_object(&d->m, VA(0), 16, 0);
	struct p2psim_gpu_object *b = machine_map_object(&d->m, VA(32), 48, 0);

	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), 0);
	assert_null(p2psim_gpu_object_create(d->m.gpu, 1, 0));
	assert_int_equal(p2psim_gpu_evict(a), 0);
	assert_int_equal(p2psim_gpu_object_bar_page(a), -ENXIO);
	assert_non_null(p2psim_gpu_object_create(d->m.gpu, 16, 0));
	assert_int_equal(p2psim_gpu_restore(a), -ENOSPC);
	assert_int_equal(p2psim_gpu_object_place(a), P2PSIM_GPU_RAM);
	assert_int_equal(p2psim_gpu_object_place(b), P2PSIM_GPU_VRAM);
}

/*
 *	BAR	| A |    | B  B |    | C |   ->   | B  B | C |
 */
static void test_defragmentation_packs_windows_and_keeps_bytes(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo[5];
	unsigned int i;

	for (i = 0; i < 5; i++) {
		bo[i] = machine_map_object(&d->m, VA(4 * i), i == 2 ? 2 : 1, 0);
		assert_int_equal(p2psim_store_byte(d->m.app, VA(4 * i), 'A' + i), 0);
	}
	p2psim_gpu_evict(bo[1]);
	p2psim_gpu_evict(bo[3]);
	assert_int_equal(p2psim_gpu_defragment(d->m.gpu), 2);
	assert_int_equal(p2psim_gpu_object_bar_page(bo[0]), 0);
	assert_int_equal(p2psim_gpu_object_bar_page(bo[2]), 1);
	assert_int_equal(p2psim_gpu_object_bar_page(bo[4]), 3);
	for (i = 0; i < 5; i++)
		assert_int_equal(p2psim_load_byte(d->m.app, VA(4 * i)), 'A' + i);
	assert_int_equal(p2psim_gpu_defragment(d->m.gpu), 0);
}

/*
 *	munmap of the middle:   [ bo bo bo ]  ->  [ bo ] . [ bo ]
 */
static void test_a_split_counts_references_and_keeps_both_parts(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 3, 0);

	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), '0'), 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(1), '1'), -EFAULT);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(2), '2'), 0);
	assert_int_equal(engine_get(bo, 2 * PAGE_SIZE), '2');
	p2psim_gpu_object_put(bo);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(2)), '2');
}

static void test_an_object_may_forbid_to_be_split(void **state)
{
	struct devices *d = *state;

	machine_map_object(&d->m, VA(0), 3, P2PSIM_GPU_OBJECT_NO_SPLIT);
	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), -EINVAL);
	assert_int_equal(p2psim_mprotect(d->m.app, VA(2), PAGE_SIZE, PROT_READ), -EINVAL);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), 3 * PAGE_SIZE), 0);
}

/* G6 */
static void test_a_new_object_reads_zeros_where_another_has_written(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = p2psim_gpu_object_create(d->m.gpu, 64, 0);

	assert_int_equal(engine_put(bo, 5 * PAGE_SIZE, 's'), 0);
	p2psim_gpu_object_put(bo);
	bo = p2psim_gpu_object_create(d->m.gpu, 64, 0);
	assert_int_equal(engine_get(bo, 5 * PAGE_SIZE), 0);
}

static void test_the_engine_stays_inside_its_object(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = p2psim_gpu_object_create(d->m.gpu, 2, 0);
	char bytes[4] = "abc", back[4] = "";

	assert_int_equal(p2psim_gpu_object_write(bo, PAGE_SIZE - 2, bytes, 4), 0);
	assert_int_equal(p2psim_gpu_object_read(bo, PAGE_SIZE - 2, back, 4), 0);
	assert_string_equal(back, "abc");
	assert_int_equal(p2psim_gpu_object_write(bo, 2 * PAGE_SIZE - 3, bytes, 4), -EFAULT);
	assert_int_equal(p2psim_gpu_object_read(bo, ~0UL, back, 4), -EFAULT);
}

/* S11, for the CPU and the driver's own calls */
static void test_after_unplug_everything_says_so(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 1, 0);

	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), -EFAULT);
	assert_int_equal(p2psim_gpu_evict(bo), -ENODEV);
	assert_int_equal(p2psim_gpu_revoke(bo), -ENODEV);
	assert_int_equal(p2psim_gpu_defragment(d->m.gpu), -ENODEV);
	assert_null(p2psim_gpu_object_create(d->m.gpu, 1, 0));
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
}

/* The struct goes with the last VMA. */
static void test_a_vma_outlives_the_gpu(void **state)
{
	struct devices *d = *state;

	machine_map_object(&d->m, VA(0), 1, 0);
	p2psim_gpu_destroy(d->m.gpu);
	d->m.gpu = NULL;
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), -EFAULT);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_mmap_selects_the_object_by_its_file_offset),
		device_test(test_mmap_refuses_what_is_not_one_object),
		device_test(test_an_object_that_is_not_for_the_cpu_is_sigbus),
		device_test(test_a_window_is_taken_by_the_first_fault),
		device_test(test_a_fault_without_room_in_the_bar_is_sigbus),
		device_test(test_eviction_and_return_move_the_bytes),
		device_test(test_eviction_frees_the_window_and_vram),
		device_test(test_defragmentation_packs_windows_and_keeps_bytes),
		device_test(test_a_split_counts_references_and_keeps_both_parts),
		device_test(test_an_object_may_forbid_to_be_split),
		device_test(test_a_new_object_reads_zeros_where_another_has_written),
		device_test(test_the_engine_stays_inside_its_object),
		device_test(test_after_unplug_everything_says_so),
		device_test(test_a_vma_outlives_the_gpu),
	};

	return cmocka_run_group_tests_name("the gpu", tests, NULL, NULL);
}
