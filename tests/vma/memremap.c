/* SPDX-License-Identifier: MIT */
/*
 * memremap_pages() and its pages: rules Z1 to Z3 of src/vma/memremap.c, and what is refused.
 */
#include "vma_pages.h"

#include <p2psim/linux/highmem.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/migrate.h>

#define COUNT 8UL
#define START 0x200000000000UL

struct device {
	struct dev_pagemap *map;	/* ends in an array: allocated */
	unsigned int freed;
	bool sleeps;			/* page_free() does what it must not */
};

/* page_free() has no other way to its device. */
static struct device device;

static void page_free(struct page *page)
{
	P2PSIM_CHECK(!page->mapping && !page_count(page));
	device.freed++;
	if (device.sleeps)
		might_sleep();
}

/* Nothing moves here. */
static vm_fault_t migrate_to_ram(struct vm_fault *vmf)
{
	(void)vmf;
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops full_ops = { .page_free = page_free, .migrate_to_ram = migrate_to_ram };
static const struct dev_pagemap_ops free_only = { .page_free = page_free };
static const struct dev_pagemap_ops nothing = {};

static int map(enum memory_type type, const struct dev_pagemap_ops *ops, void *owner, u64 start)
{
	void *at;

	device.map = kzalloc(sizeof(*device.map) + sizeof(struct range), GFP_KERNEL);
	device.map->type = type;
	device.map->ops = ops;
	device.map->owner = owner;
	device.map->range = (struct range){ start, start + COUNT * PAGE_SIZE - 1 };
	device.map->nr_range = 1;
	at = memremap_pages(device.map, 0);
	return IS_ERR(at) ? (int)PTR_ERR(at) : 0;
}

static int setup(void **state)
{
	device = (struct device){};
	return pages_setup(state);
}

static void unmap(void)
{
	memunmap_pages(device.map);
	kfree(device.map);
}

static struct page *nth(unsigned long n)
{
	return pfn_to_page((START >> PAGE_SHIFT) + n);
}

/* ---- what each type needs ---- */

static int tried(enum memory_type type, const struct dev_pagemap_ops *ops, void *owner, u64 start)
{
	int error = map(type, ops, owner, start);

	if (!error)
		memunmap_pages(device.map);
	kfree(device.map);
	return error;
}

static void test_private_memory_needs_both_callbacks_and_an_owner(void **state)
{
	(void)state;
	assert_int_equal(tried(MEMORY_DEVICE_PRIVATE, &full_ops, &device, START), 0);
	assert_int_equal(tried(MEMORY_DEVICE_PRIVATE, &free_only, &device, START), -EINVAL);
	assert_int_equal(tried(MEMORY_DEVICE_PRIVATE, NULL, &device, START), -EINVAL);
	assert_int_equal(tried(MEMORY_DEVICE_PRIVATE, &full_ops, NULL, START), -EINVAL);
}

static void test_coherent_memory_needs_page_free_and_an_owner(void **state)
{
	(void)state;
	assert_int_equal(tried(MEMORY_DEVICE_COHERENT, &free_only, &device, START), 0);
	assert_int_equal(tried(MEMORY_DEVICE_COHERENT, &nothing, &device, START), -EINVAL);
	assert_int_equal(tried(MEMORY_DEVICE_COHERENT, &free_only, NULL, START), -EINVAL);
}

static void test_the_other_types_need_nothing_and_an_unknown_one_is_refused(void **state)
{
	(void)state;
	assert_int_equal(tried(MEMORY_DEVICE_FS_DAX, NULL, NULL, START), 0);
	assert_int_equal(tried(MEMORY_DEVICE_GENERIC, NULL, NULL, START), 0);
	assert_int_equal(tried(MEMORY_DEVICE_PCI_P2PDMA, NULL, NULL, START), 0);
	assert_int_equal(tried(0, &full_ops, &device, START), -EINVAL);
}

static void test_a_place_that_is_taken_or_no_pages_is_refused(void **state)
{
	struct dev_pagemap *first;

	(void)state;
	assert_int_equal(tried(MEMORY_DEVICE_GENERIC, NULL, NULL, START + 1), -EINVAL);
	assert_int_equal(tried(MEMORY_DEVICE_GENERIC, NULL, NULL, 0x200000), -ENXIO);
	assert_int_equal(map(MEMORY_DEVICE_GENERIC, NULL, NULL, START), 0);
	first = device.map;
	assert_int_equal(tried(MEMORY_DEVICE_GENERIC, NULL, NULL, START + (COUNT - 1) * PAGE_SIZE), -ENOMEM);
	device.map = first;
	unmap();
}

/* What the first range has got is undone when the second is refused. */
static void test_all_ranges_or_none(void **state)
{
	struct dev_pagemap *map = kzalloc(sizeof(*map) + 2 * sizeof(struct range), GFP_KERNEL);

	(void)state;
	map->type = MEMORY_DEVICE_GENERIC;
	assert_int_equal(PTR_ERR(memremap_pages(map, 0)), -EINVAL);
	map->nr_range = 2;
	map->ranges[0] = (struct range){ START, START + PAGE_SIZE - 1 };
	map->ranges[1] = (struct range){ 0x200000, 0x200fff };
	assert_int_equal(PTR_ERR(memremap_pages(map, 0)), -ENXIO);
	assert_int_equal(map->nr_range, 2);
	assert_null(nth(0));
	kfree(map);
}

/* ---- Z1, Z2, Z3 ---- */

static void test_an_unused_page_of_private_memory_has_no_reference(void **state)
{
	(void)state;
	assert_int_equal(map(MEMORY_DEVICE_PRIVATE, &full_ops, &device, START), 0);
	assert_int_equal(page_count(nth(0)), 0);
	zone_device_page_init(nth(0));
	assert_int_equal(page_count(nth(0)), 1);
	assert_true(PageLocked(nth(0)) && is_device_private_page(nth(0)));
	unlock_page(nth(0));
	put_page(nth(0));
	assert_int_equal(device.freed, 1);
	unmap();
	assert_null(nth(0));
}

static void test_an_idle_page_of_other_memory_has_one(void **state)
{
	(void)state;
	assert_int_equal(map(MEMORY_DEVICE_PCI_P2PDMA, &free_only, NULL, START), 0);
	assert_int_equal(page_count(nth(3)), 1);
	put_page(nth(3));
	assert_int_equal(device.freed, 1);
	assert_int_equal(page_count(nth(3)), 1);
	unmap();
}

static void unmaps(void *arg)
{
	*(bool *)arg = false;
	memunmap_pages(device.map);
	*(bool *)arg = true;
}

static void test_memunmap_waits_for_the_last_page(void **state)
{
	struct task_struct *task;
	bool gone;

	(void)state;
	assert_int_equal(map(MEMORY_DEVICE_COHERENT, &free_only, &device, START), 0);
	zone_device_page_init(nth(1));
	unlock_page(nth(1));
	task = p2psim_task_spawn("driver", unmaps, &gone);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	assert_false(gone);
	assert_null(get_dev_pagemap(START >> PAGE_SHIFT, NULL));
	put_page(nth(1));
	assert_int_equal(p2psim_run(), 0);
	assert_true(gone);
	kfree(device.map);
}

static void test_a_reference_of_the_pagemap_holds_it_up_as_well(void **state)
{
	struct task_struct *task;
	bool gone;

	(void)state;
	assert_int_equal(map(MEMORY_DEVICE_GENERIC, NULL, NULL, START), 0);
	assert_ptr_equal(get_dev_pagemap(START >> PAGE_SHIFT, NULL), device.map);
	assert_ptr_equal(get_dev_pagemap((START >> PAGE_SHIFT) + 1, device.map), device.map);
	task = p2psim_task_spawn("driver", unmaps, &gone);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	put_dev_pagemap(device.map);
	assert_int_equal(p2psim_run(), 0);
	kfree(device.map);
}

/* ---- what a driver may get wrong ---- */

static void test_a_page_is_taken_into_use_once(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(MEMORY_DEVICE_PRIVATE, &full_ops, &device, START), 0);
	zone_device_page_init(nth(0));
	zone_device_page_init(nth(0));
	assert_violation(b->world, P2PSIM_CONTRACT, "which is in use");
	unlock_page(nth(0));
	put_page(nth(0));
	unmap();
}

static void test_page_free_does_not_sleep(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(MEMORY_DEVICE_COHERENT, &free_only, &device, START), 0);
	device.sleeps = true;
	zone_device_page_init(nth(0));
	unlock_page(nth(0));
	put_page(nth(0));
	assert_violation(b->world, P2PSIM_LOCKGRAPH, "page_free()");
	unmap();
}

static void test_an_idle_page_keeps_its_reference(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(MEMORY_DEVICE_FS_DAX, NULL, NULL, START), 0);
	put_page(nth(0));
	assert_violation(b->world, P2PSIM_BALANCE, "while it is idle");
	unmap();
}

static void test_pages_that_memunmap_does_not_wait_for_are_not_used_after_it(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(MEMORY_DEVICE_GENERIC, NULL, NULL, START), 0);
	get_page(nth(0));
	unmap();
	assert_violation(b->world, P2PSIM_UAF, "1 reference(s) of it are held");
}

static void test_the_cpu_cannot_map_private_memory(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(MEMORY_DEVICE_PRIVATE, &full_ops, &device, START), 0);
	zone_device_page_init(nth(0));
	kmap(nth(0));
	kunmap(nth(0));
	assert_violation(b->world, P2PSIM_DATA, "only its device can reach these bytes");
	unlock_page(nth(0));
	put_page(nth(0));
	unmap();
}

#define memremap_test(f) cmocka_unit_test_setup_teardown(f, setup, pages_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		memremap_test(test_private_memory_needs_both_callbacks_and_an_owner),
		memremap_test(test_coherent_memory_needs_page_free_and_an_owner),
		memremap_test(test_the_other_types_need_nothing_and_an_unknown_one_is_refused),
		memremap_test(test_a_place_that_is_taken_or_no_pages_is_refused),
		memremap_test(test_all_ranges_or_none),
		memremap_test(test_an_unused_page_of_private_memory_has_no_reference),
		memremap_test(test_an_idle_page_of_other_memory_has_one),
		memremap_test(test_memunmap_waits_for_the_last_page),
		memremap_test(test_a_reference_of_the_pagemap_holds_it_up_as_well),
		memremap_test(test_a_page_is_taken_into_use_once),
		memremap_test(test_page_free_does_not_sleep),
		memremap_test(test_an_idle_page_keeps_its_reference),
		memremap_test(test_pages_that_memunmap_does_not_wait_for_are_not_used_after_it),
		memremap_test(test_the_cpu_cannot_map_private_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
