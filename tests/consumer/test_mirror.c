/* SPDX-License-Identifier: MIT */
/* The test: p2psim plays the process and the kernel around the driver of mirror.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <p2psim/check.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>
#include <p2psim/world.h>

#include "mirror.h"

/*
 *   0x10000                 nic
 *   A                       A      after the fault
 *   -                       -      after munmap()
 */
static void test_munmap_takes_the_page_out_of_the_mirror(void **state)
{
	struct p2psim_world *world = p2psim_world_create(NULL);
	struct p2psim_process *app = p2psim_process_create("app");
	struct mirror mirror;
	long addr;

	addr = p2psim_mmap(app, 0x10000, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	assert_int_equal(addr, 0x10000);
	assert_int_equal(mirror_open(&mirror, p2psim_process_mm(app), addr), 0);

	assert_int_equal(mirror_fault(&mirror), 0);
	assert_int_not_equal(mirror.entry, 0);

	assert_int_equal(p2psim_munmap(app, addr, PAGE_SIZE), 0);
	assert_int_equal(mirror.entry, 0);

	mirror_close(&mirror);
	p2psim_process_exit(app);
	assert_int_equal(p2psim_world_check_quiescent(world), 0);
	p2psim_world_destroy(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_munmap_takes_the_page_out_of_the_mirror),
	};

	return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
