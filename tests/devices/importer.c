/* SPDX-License-Identifier: MIT */
/* The importer without HMM.  I1..I4: src/devices/importer_internal.h. */
#include "devices_fixture.h"

#include <p2psim/dma.h>
#include <p2psim/reason.h>

static int import(struct devices *d, unsigned long start, unsigned long end, unsigned int flags)
{
	if (!d->m.disk)
		assert_int_equal(machine_add_disk(&d->m, 0), 0);
	return p2psim_import_create(d->m.disk, p2psim_process_mm(d->m.app), start, end, flags, &d->m.import);
}

/* Step 2 of mail 001: a regular VMA is for GUP. */
static void test_a_regular_vma_is_pinned(void **state)
{
	struct devices *d = *state;

	assert_int_equal(machine_map_anonymous(&d->m, VA(0), 2), 0);
	assert_int_equal(import(d, VA(0), VA(2), P2PSIM_IMPORT_WRITE), 0);
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_GUP);
	assert_int_equal(p2psim_import_write(d->m.import, VA(1) - 1, "ab", 2), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0) + PAGE_SIZE - 1), 'a');
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 'b');
	assert_int_equal(p2psim_dma_live(p2psim_importer_dev(d->m.disk)), 2);
}

/* A pin keeps the page, not the mapping. */
static void test_a_pinned_page_survives_munmap(void **state)
{
	struct devices *d = *state;
	char byte;

	assert_int_equal(machine_map_anonymous(&d->m, VA(0), 1), 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'p'), 0);
	assert_int_equal(import(d, VA(0), VA(1), P2PSIM_IMPORT_WRITE), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_int_equal(p2psim_import_read(d->m.import, VA(0), &byte, 1), 0);
	assert_int_equal(byte, 'p');
}

/* What the one-VMA rule costs (mail 003). */
static void test_two_vmas_are_one_too_many(void **state)
{
	struct devices *d = *state;

	assert_non_null(machine_map_object(&d->m, VA(0), 1, 0));
	assert_non_null(machine_map_object(&d->m, VA(1), 1, 0));
	assert_int_equal(import(d, VA(0), VA(2), 0), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_VMA);
	assert_int_equal(import(d, VA(2), VA(3), 0), -EFAULT);
	assert_int_equal(import(d, VA(0), VA(0), 0), -EINVAL);
	assert_int_equal(import(d, VA(0) + 1, VA(1), 0), -EINVAL);
}

/* R12 */
static void test_protection_is_checked_for_device_vmas(void **state)
{
	struct devices *d = *state;

	assert_non_null(machine_map_object(&d->m, VA(0), 1, 0));
	assert_int_equal(p2psim_mprotect(d->m.app, VA(0), PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(import(d, VA(0), VA(1), P2PSIM_IMPORT_WRITE), -EPERM);
	assert_int_equal(p2psim_mprotect(d->m.app, VA(0), PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(import(d, VA(0), VA(1), 0), -EFAULT);
}

static void test_a_read_only_import_cannot_write(void **state)
{
	struct devices *d = *state;
	char byte;

	assert_non_null(machine_map_object(&d->m, VA(0), 1, 0));
	assert_int_equal(import(d, VA(0), VA(1), 0), 0);
	assert_int_equal(p2psim_import_write(d->m.import, VA(0), "x", 1), -EPERM);
	assert_int_equal(p2psim_import_read(d->m.import, VA(0), &byte, 1), 0);
	assert_int_equal(p2psim_import_read(d->m.import, VA(1), &byte, 1), -EFAULT);
}

/* C4, I4 */
static void test_an_invalidation_takes_the_whole_import(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 3, 0);

	assert_int_equal(import(d, VA(0), VA(3), P2PSIM_IMPORT_WRITE), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 3);
	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), 0);
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_GONE);
	assert_int_equal(p2psim_import_dma(d->m.import, 0), ~0UL);
	assert_int_equal(p2psim_import_write(d->m.import, VA(0), "x", 1), -EFAULT);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
}

/* C11: it may unmap when it likes. */
static void test_destroying_an_import_gives_it_back(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 1, 0);

	assert_int_equal(import(d, VA(0), VA(1), 0), 0);
	p2psim_import_destroy(d->m.import);
	d->m.import = NULL;
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(p2psim_dma_live(p2psim_importer_dev(d->m.disk)), 0);
}

static void test_exit_ends_an_import(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 1, 0);

	assert_int_equal(import(d, VA(0), VA(1), 0), 0);
	p2psim_process_exit(d->m.app);
	d->m.app = NULL;
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_GONE);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
}

static void importer_imports(void *arg)
{
	import(arg, VA(0), VA(1), P2PSIM_IMPORT_WRITE);
}

/*
 * I3:
 *	disk0                                    app (an mprotect, say)
 *	p2p_map()
 *	                                         gpu0: revoke() finds nothing to take
 *	lock; seq has moved: p2p_unmap(), -EBUSY
 */
static void test_a_revoke_before_the_commit_is_a_collision(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, VA(0), 1, 0);
	struct task_struct *disk;

	assert_int_equal(machine_add_disk(&d->m, 0), 0);
	disk = p2psim_task_spawn("disk0", importer_imports, d);
	assert_int_equal(p2psim_run_until(disk, "importer:mapped"), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 1);
	assert_int_equal(p2psim_gpu_revoke(bo), 0);
	assert_int_equal(p2psim_run(), 0);
	assert_null(d->m.import);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
}

static void test_o_direct_moves_bytes_both_ways(void **state)
{
	struct devices *d = *state;
	struct mm_struct *mm = p2psim_process_mm(d->m.app);
	char out[4] = "";

	assert_int_equal(machine_map_anonymous(&d->m, VA(0), 2), 0);
	assert_int_equal(machine_add_disk(&d->m, 0), 0);
	assert_int_equal(p2psim_direct_io(d->m.disk, mm, VA(1) - 2, "abc", 4, true), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 'c');
	assert_int_equal(p2psim_direct_io(d->m.disk, mm, VA(1) - 2, out, 4, false), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(p2psim_mprotect(d->m.app, VA(1), PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(p2psim_direct_io(d->m.disk, mm, VA(1) - 2, "abc", 4, true), -EFAULT);
	assert_int_equal(p2psim_direct_io(d->m.disk, mm, VA(1), "", 0, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_a_regular_vma_is_pinned),
		device_test(test_a_pinned_page_survives_munmap),
		device_test(test_two_vmas_are_one_too_many),
		device_test(test_protection_is_checked_for_device_vmas),
		device_test(test_a_read_only_import_cannot_write),
		device_test(test_an_invalidation_takes_the_whole_import),
		device_test(test_destroying_an_import_gives_it_back),
		device_test(test_exit_ends_an_import),
		device_test(test_a_revoke_before_the_commit_is_a_collision),
		device_test(test_o_direct_moves_bytes_both_ways),
	};

	return cmocka_run_group_tests_name("the importer without HMM", tests, NULL, NULL);
}
