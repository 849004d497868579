/* SPDX-License-Identifier: MIT */
/*
 * What a driver copies from and to the process that called it, and the CPU's view of pages.
 *
 *	0x10000   0x11000   0x12000
 *	| rw      | r       | hole
 */
#include "core_world.h"

#include <p2psim/linux/highmem.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/uaccess.h>
#include <p2psim/process.h>

#define RW 0x10000UL
#define RO 0x11000UL
#define USER(addr) ((void __user *)(addr))

static struct p2psim_process *app;

static int setup(void **state)
{
	int ret = core_setup(state);

	app = p2psim_process_create("app");
	p2psim_mmap(app, RW, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	p2psim_mmap(app, RO, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	p2psim_process_attach(app);
	return ret;
}

static int teardown(void **state)
{
	p2psim_process_exit(app);
	return core_teardown(state);
}

static void test_what_cannot_be_copied_is_counted(void **state)
{
	char bytes[64];

	(void)state;
	memset(bytes, 7, sizeof(bytes));
	assert_int_equal(copy_to_user(USER(RW + 0xff0), bytes, 16), 0);
	assert_int_equal(copy_to_user(USER(RW + 0xff0), bytes, 20), 4);	/* RO cannot be written */
	assert_int_equal(copy_from_user(bytes, USER(RO + 0xff0), 20), 4);
	assert_int_equal(bytes[19], 0);					/* cleared */
	assert_int_equal(copy_from_user(bytes, USER(RW + 0xff8), 8), 0);
	assert_int_equal(bytes[7], 7);
	assert_int_equal(clear_user(USER(RW + 0xf00), 0x101), 1);
	assert_int_equal(p2psim_load_byte(app, RW + 0xfff), 0);
}

static void test_addresses_of_no_user_fail(void **state)
{
	char byte = 0;

	(void)state;
	assert_int_equal(copy_from_user(&byte, USER(TASK_SIZE), 1), 1);
	assert_int_equal(copy_from_user(&byte, USER(ULONG_MAX), 1), 1);
	assert_true(access_ok(USER(RW), 16));
	assert_false(access_ok(USER(TASK_SIZE - 1), 2));
	p2psim_process_detach();
	assert_int_equal(copy_from_user(&byte, USER(RW), 1), 1);
	p2psim_process_attach(app);
}

static void test_single_values_go_both_ways(void **state)
{
	u16 value = 0;

	(void)state;
	assert_int_equal(put_user(0x1234, (u16 __user *)USER(RW)), 0);
	assert_int_equal(get_user(value, (u16 __user *)USER(RW)), 0);
	assert_int_equal(value, 0x1234);
	assert_int_equal(put_user(1, (u16 __user *)USER(RO)), -EFAULT);
	assert_int_equal(get_user(value, (u16 __user *)USER(0x12000)), -EFAULT);
}

static void test_copies_of_users_memory(void **state)
{
	struct { u32 a, b; } known;
	u32 *copied = memdup_user(USER(RW), 8);

	(void)state;
	assert_false(IS_ERR(copied));
	kfree(copied);
	assert_int_equal(PTR_ERR(memdup_user(USER(0x12000), 8)), -EFAULT);
	p2psim_store(app, RW, &(u32[]){ 1, 2, 0, 4 }, 16);
	assert_int_equal(copy_struct_from_user(&known, 8, USER(RW), 12), 0);
	assert_int_equal(known.b, 2);
	assert_int_equal(copy_struct_from_user(&known, 8, USER(RW), 16), -E2BIG);
	assert_int_equal(copy_struct_from_user(&known, 8, USER(RW), 4), 0);
	assert_int_equal(known.b, 0);
	assert_int_equal(copy_struct_from_user(&known, 8, USER(0x12000), 4), -EFAULT);
}

/* A fault takes mmap_lock: after a lock under which somebody else takes it the other way round. */
static void test_copying_under_a_lock_that_mmap_lock_comes_before_is_seen(void **state)
{
	struct p2psim_world *world = *state;
	struct mutex lock;
	char byte;

	mutex_init(&lock);
	mmap_read_lock(current->mm);
	mutex_lock(&lock);
	mutex_unlock(&lock);
	mmap_read_unlock(current->mm);
	mutex_lock(&lock);
	assert_int_equal(copy_from_user(&byte, USER(RW), 1), 0);
	mutex_unlock(&lock);
	assert_violation(world, P2PSIM_LOCKGRAPH, "mmap_lock");
}

static void test_kmap_shows_what_the_process_sees(void **state)
{
	struct page *page[2];

	(void)state;
	p2psim_store_byte(app, RW + 3, 9);
	assert_int_equal(get_user_pages_fast(RW, 1, FOLL_WRITE, page), 1);
	page[1] = alloc_page(GFP_KERNEL);
	assert_int_equal(((char *)kmap(page[0]))[3], 9);
	kunmap(page[0]);
	copy_highpage(page[1], page[0]);
	assert_int_equal(((char *)kmap_local_page(page[1]))[3], 9);
	memcpy_to_page(page[0], 3, "x", 1);
	assert_int_equal(p2psim_load_byte(app, RW + 3), 'x');
	clear_highpage(page[0]);
	assert_int_equal(p2psim_load_byte(app, RW + 3), 0);
	copy_highpage(page[1], page[0]);
	assert_int_equal(((char *)kmap_local_page(page[1]))[3], 0);
	put_page(page[0]);
	put_page(page[1]);
}

static void test_kmap_of_a_free_page_is_a_UAF(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL);

	put_page(page);
	copy_highpage(page, page);
	assert_violation(*state, P2PSIM_UAF, "which is free");
}

/* The page that untouched memory reads from is everybody's. */
static void test_a_write_to_the_zero_page_is_seen_when_it_is_unmapped(void **state)
{
	struct page *page;
	char *bytes;

	assert_int_equal(get_user_pages_fast(RO, 1, 0, &page), 1);
	bytes = kmap(page);
	assert_int_equal(bytes[5], 0);
	kunmap(page);
	bytes = kmap(page);
	bytes[5] = 1;
	kunmap(page);
	assert_violation(*state, P2PSIM_DATA, "byte 5 of page");
	put_page(page);
}

#define uaccess_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		uaccess_test(test_what_cannot_be_copied_is_counted),
		uaccess_test(test_addresses_of_no_user_fail),
		uaccess_test(test_single_values_go_both_ways),
		uaccess_test(test_copies_of_users_memory),
		uaccess_test(test_copying_under_a_lock_that_mmap_lock_comes_before_is_seen),
		uaccess_test(test_kmap_shows_what_the_process_sees),
		uaccess_test(test_kmap_of_a_free_page_is_a_UAF),
		uaccess_test(test_a_write_to_the_zero_page_is_seen_when_it_is_unmapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
