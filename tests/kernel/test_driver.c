/* SPDX-License-Identifier: MIT */
/* The driver of driver.c, written against kernel headers alone, at work. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/err.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>

#include "driver.h"

#define ADDR 0x10000UL

static void test_an_unchanged_driver_mirrors_and_lets_go(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct driver_mirror *mirror;

	(void)state;
	p2psim_mmap(app, ADDR, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	mirror = driver_mirror_create(p2psim_process_mm(app), ADDR);
	assert_false(IS_ERR(mirror));
	assert_int_equal(driver_mirror_fault(mirror, true), 0);
	assert_int_not_equal(mirror->table[1], 0);
	assert_int_equal(p2psim_mprotect(app, ADDR, 0x2000, PROT_READ), 0);
	assert_int_equal(mirror->table[1], 0);
	assert_int_equal(driver_mirror_fault(mirror, true), -EPERM);
	assert_int_equal(driver_mirror_fault(mirror, false), 0);
	assert_true(mirror->invalidations >= 1);
	p2psim_process_exit(app);
	assert_int_equal(mirror->table[0], 0);
	assert_int_equal(driver_mirror_fault(mirror, false), -EFAULT);
	driver_mirror_destroy(mirror);
}

int main(void)
{
	const struct CMUnitTest tests[] = { core_test(test_an_unchanged_driver_mirrors_and_lets_go) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
