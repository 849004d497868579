/* SPDX-License-Identifier: MIT */
/* The driver of driver_5_2.c, written against headers of Linux 5.2 alone, at work. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux-5.2/mmu_notifier.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>

#include "driver_5_2.h"

#define ADDR 0x10000UL

static void test_an_unchanged_driver_of_5_2_mirrors_and_lets_go(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct old_driver *driver;

	(void)state;
	p2psim_mmap(app, ADDR, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	driver = old_driver_create(p2psim_process_mm(app), ADDR);
	assert_false(IS_ERR(driver));
	assert_int_equal(old_driver_fault(driver), 1);
	assert_true(old_driver_has_page(driver));
	assert_int_equal(p2psim_munmap(app, ADDR, 0x1000), 0);
	assert_false(old_driver_has_page(driver));
	assert_int_equal(old_driver_fault(driver), -EFAULT);
	old_driver_destroy(driver);
	mmu_notifier_synchronize();
	p2psim_process_exit(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = { core_test(test_an_unchanged_driver_of_5_2_mirrors_and_lets_go) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
