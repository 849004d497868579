/* SPDX-License-Identifier: MIT */
/* A unit test of somebody else's driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <p2psim/cmocka.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>

#include "mirror.h"

#define ADDR 0x10000UL

static void test_munmap_takes_the_page_out_of_the_mirror(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct mirror mirror;

	(void)state;
	assert_true(p2psim_mmap(app, ADDR, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) ==
		    ADDR);
	assert_int_equal(mirror_open(&mirror, p2psim_process_mm(app), ADDR), 0);
	assert_int_equal(mirror_fault(&mirror), 0);
	assert_int_not_equal(mirror.pfn, 0);
	assert_int_equal(p2psim_munmap(app, ADDR, 4096), 0);
	assert_int_equal(mirror.pfn, 0);
	assert_int_equal(mirror_fault(&mirror), -14 /* EFAULT */);
	mirror_close(&mirror);
	p2psim_process_exit(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_munmap_takes_the_page_out_of_the_mirror, p2psim_cmocka_setup,
						p2psim_cmocka_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
