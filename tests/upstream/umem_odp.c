/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.1's own drivers/infiniband/core/umem_odp.c, compiled without an edit, behind the device of odp_nic.c.
 *
 *	REGION	p p p p		four pages of the process, registered; nothing is pinned
 */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>

#include "odp_nic.h"

#define REGION 0x200000UL
#define PAGES 4
#define AT(page) (REGION + ((unsigned long)(page) << PAGE_SHIFT))

struct bench {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct odp_nic *nic;
};

static int setup(void **state)
{
	static struct bench b;
	int error;

	b.world = p2psim_world_create(NULL);
	p2psim_world_on_violation(b.world, core_quiet, NULL);
	b.app = p2psim_process_create("app");
	p2psim_mmap(b.app, REGION, PAGES << PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
		    0);
	b.nic = odp_nic_create(b.app, REGION, PAGES, ODP_CORRECT, &error);
	*state = &b;
	return error;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	int dirty;

	if (b->nic)
		odp_nic_destroy(b->nic);
	if (b->app)
		p2psim_process_exit(b->app);
	dirty = p2psim_world_violation(b->world) || p2psim_world_check_quiescent(b->world);
	if (dirty)
		print_error("left over: %s\n", p2psim_world_violation(b->world)->sentence);
	p2psim_world_destroy(b->world);
	return dirty ? -1 : 0;
}

/* A fault takes the page and its neighbour. */
static void test_the_device_reads_what_the_process_has_written(void **state)
{
	struct bench *b = *state;
	unsigned char byte = 0;

	p2psim_store_byte(b->app, AT(1) + 5, 'x');
	assert_int_equal(odp_nic_access(b->nic, AT(1) + 5, &byte, 1, false), 0);
	assert_int_equal(byte, 'x');
	assert_int_equal(odp_nic_mapped(b->nic), 2);
	assert_int_equal(odp_nic_writable(b->nic), 0);
}

/* From the zero page to one of its own: a copy, whose invalidation the fault has to survive. */
static void test_the_process_reads_what_the_device_has_written(void **state)
{
	struct bench *b = *state;
	unsigned char byte = 0;

	assert_int_equal(odp_nic_access(b->nic, AT(3), &byte, 1, false), 0);
	byte = 'y';
	assert_int_equal(odp_nic_access(b->nic, AT(3), &byte, 1, true), 0);
	assert_int_equal(p2psim_load_byte(b->app, AT(3)), 'y');
	assert_int_equal(odp_nic_mapped(b->nic), 1);
	assert_int_equal(odp_nic_writable(b->nic), 1);
}

static void test_munmap_takes_the_pages_away_and_a_hole_is_EFAULT(void **state)
{
	struct bench *b = *state;
	unsigned char byte = 'z';

	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, true), 0);
	assert_int_equal(odp_nic_mapped(b->nic), 2);
	p2psim_munmap(b->app, AT(1), PAGE_SIZE);
	assert_int_equal(odp_nic_mapped(b->nic), 1);
	assert_int_equal(odp_nic_access(b->nic, AT(1), &byte, 1, false), -EFAULT);
	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, false), 0);
	assert_int_equal(byte, 'z');
}

static void test_what_may_not_be_written_is_EPERM(void **state)
{
	struct bench *b = *state;
	unsigned char byte = 'r';

	p2psim_store_byte(b->app, AT(0), 'r');
	p2psim_mprotect(b->app, REGION, PAGES << PAGE_SHIFT, PROT_READ);
	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, true), -EPERM);
	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, false), 0);
}

/* Nothing is faulted in: what is there is taken, with the permission that it has. */
static void test_a_prefetch_takes_what_is_there(void **state)
{
	struct bench *b = *state;

	p2psim_store_byte(b->app, AT(1), 'w');
	p2psim_load_byte(b->app, AT(2));
	assert_int_equal(odp_nic_prefetch(b->nic, AT(0), PAGES), PAGES);
	assert_int_equal(odp_nic_mapped(b->nic), 2);
	assert_int_equal(odp_nic_writable(b->nic), 1);
}

static void test_a_region_that_outlives_its_process_faults_no_more(void **state)
{
	struct bench *b = *state;
	unsigned char byte = 0;

	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, false), 0);
	p2psim_process_exit(b->app);
	b->app = NULL;
	assert_int_equal(odp_nic_mapped(b->nic), 0);
	assert_int_equal(odp_nic_access(b->nic, AT(0), &byte, 1, false), -EINVAL);
}

#define odp_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		odp_test(test_the_device_reads_what_the_process_has_written),
		odp_test(test_the_process_reads_what_the_device_has_written),
		odp_test(test_munmap_takes_the_pages_away_and_a_hole_is_EFAULT),
		odp_test(test_what_may_not_be_written_is_EPERM),
		odp_test(test_a_prefetch_takes_what_is_there),
		odp_test(test_a_region_that_outlives_its_process_faults_no_more),
	};

	return cmocka_run_group_tests_name("umem_odp", tests, NULL, NULL);
}
