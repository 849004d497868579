/* SPDX-License-Identifier: MIT */
/* Numbers of character devices, misc devices, classes, and regions of physical addresses. */
#include "core_world.h"

#include <errno.h>
#include <fcntl.h>

#include <p2psim/device_file.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/miscdevice.h>
#include <p2psim/process.h>

static int opens;

static int say_open(struct inode *inode, struct file *file)
{
	opens++;
	return iminor(inode) == 13 ? -EACCES : 0;
}

static int fails_at_flush(struct file *file, fl_owner_t id)
{
	return -EIO;
}

static int takes_back(struct inode *inode, struct file *file)
{
	opens--;
	return 0;
}

static const struct file_operations fops = { .open = say_open, .flush = fails_at_flush, .release = takes_back };

static void test_numbers_are_given_once(void **state)
{
	dev_t a, b;

	(void)state;
	assert_int_equal(alloc_chrdev_region(&a, 5, 2, "a"), 0);
	assert_true(MAJOR(a) == 254 && MINOR(a) == 5);
	assert_int_equal(alloc_chrdev_region(&b, 0, 1, "b"), 0);
	assert_int_equal(MAJOR(b), 253);
	assert_int_equal(register_chrdev_region(MKDEV(254, 6), 1, "c"), -EBUSY);
	assert_int_equal(register_chrdev_region(MKDEV(254, 7), 1, "c"), 0);
	assert_int_equal(register_chrdev_region(MKDEV(1, MINORMASK), 2, "d"), -EINVAL);
	unregister_chrdev_region(MKDEV(254, 7), 1);
	unregister_chrdev_region(a, 2);
	unregister_chrdev_region(b, 1);
	assert_int_equal(alloc_chrdev_region(&a, 0, 1, "a"), 0);
	assert_int_equal(MAJOR(a), 254);
	unregister_chrdev_region(a, 1);
}

static void test_a_cdev_answers_for_its_numbers(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct cdev cdev, other;
	struct file *file;

	(void)state;
	opens = 0;
	cdev_init(&cdev, &fops);
	assert_int_equal(cdev_add(&cdev, MKDEV(60, 12), 2), 0);
	cdev_init(&other, &fops);
	assert_int_equal(cdev_add(&other, MKDEV(60, 13), 1), -EBUSY);
	assert_int_equal(p2psim_chrdev_open(app, MKDEV(60, 11), O_RDONLY, &file), -ENXIO);
	assert_int_equal(p2psim_chrdev_open(app, MKDEV(60, 13), O_RDONLY, &file), -EACCES);
	assert_null(file);
	assert_int_equal(p2psim_chrdev_open(app, MKDEV(60, 12), O_RDONLY, &file), 0);
	cdev_del(&cdev);	/* what is open stays */
	assert_int_equal(p2psim_close(app, file), -EIO);
	assert_int_equal(opens, 1);
	p2psim_process_exit(app);
}

static void test_a_major_with_its_cdev(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	int major = register_chrdev(0, "all", &fops);
	struct file *file;

	(void)state;
	assert_int_equal(major, 254);
	assert_int_equal(register_chrdev(254, "again", &fops), -EBUSY);
	assert_int_equal(p2psim_chrdev_open(app, MKDEV(254, 255), O_RDWR, &file), 0);
	p2psim_close(app, file);
	unregister_chrdev(254, "all");
	assert_int_equal(p2psim_chrdev_open(app, MKDEV(254, 255), O_RDWR, &file), -ENXIO);
	p2psim_process_exit(app);
}

static void test_a_misc_device_is_found_by_its_name_and_knows_itself(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct miscdevice a = { .minor = MISC_DYNAMIC_MINOR, .name = "a", .fops = &fops };
	struct miscdevice b = { .minor = MISC_DYNAMIC_MINOR, .name = "b", .fops = &fops };
	struct file *file;

	(void)state;
	assert_int_equal(misc_register(&a), 0);
	assert_int_equal(misc_register(&b), 0);
	assert_true(a.minor == 127 && b.minor == 126);
	assert_int_equal(p2psim_device_open(app, "b", O_RDWR, &file), 0);
	assert_ptr_equal(file->private_data, &b);
	p2psim_close(app, file);
	misc_deregister(&b);
	assert_int_equal(p2psim_device_open(app, "b", O_RDWR, &file), -ENOENT);
	misc_deregister(&a);
	p2psim_process_exit(app);
}

static void test_devices_of_a_class_come_and_go_by_number(void **state)
{
	struct class *class = class_create(NULL, "things");
	struct device *dev = device_create(class, NULL, MKDEV(60, 1), &opens, "thing%d", 1);

	(void)state;
	assert_false(IS_ERR(dev));
	assert_string_equal(dev_name(dev), "thing1");
	assert_ptr_equal(dev_get_drvdata(dev), &opens);
	device_destroy(class, MKDEV(60, 1));
	class_destroy(class);
}

static void test_a_region_is_somebodys_until_it_is_released(void **state)
{
	struct resource *low = request_mem_region(0x100000000, 0x1000, "low");

	assert_non_null(low);
	assert_int_equal(resource_size(low), 0x1000);
	assert_null(request_mem_region(0x100000fff, 1, "over"));
	assert_null(request_mem_region(0x200000, 0x1000, "RAM"));
	release_mem_region(0x100000000, 0x800);
	assert_violation(*state, P2PSIM_BALANCE, "which was not requested");
	release_mem_region(0x100000000, 0x1000);
}

/* From the top of 46 bits down, in sections of 128 MiB. */
static void test_free_regions_are_taken_from_the_top(void **state)
{
	struct resource *a = request_free_mem_region(&iomem_resource, 1, "a");
	struct resource *b = request_free_mem_region(&iomem_resource, 1ul << 28, "b");
	struct resource small = { .start = 0, .end = 0xfffff };

	assert_true(a->end == (1ul << 46) - 1 && resource_size(a) == 1ul << 27);
	assert_int_equal(b->end, a->start - 1);
	assert_int_equal(PTR_ERR(request_free_mem_region(&small, 1, "c")), -ERANGE);
	release_mem_region(a->start, resource_size(a));
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "region b at");
	release_mem_region(b->start, resource_size(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_numbers_are_given_once),
		core_test(test_a_cdev_answers_for_its_numbers),
		core_test(test_a_major_with_its_cdev),
		core_test(test_a_misc_device_is_found_by_its_name_and_knows_itself),
		core_test(test_devices_of_a_class_come_and_go_by_number),
		core_test(test_a_region_is_somebodys_until_it_is_released),
		core_test(test_free_regions_are_taken_from_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
