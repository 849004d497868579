/* SPDX-License-Identifier: MIT */
/*
 * Modules: loading, parameters, static data that begin anew in each execution, and whose a module is.
 *
 *	M1. Before init() the module's static data are what they were when its file was loaded.
 *	M2. A module belongs to one world of the process until that execution ends.
 *	M3. A module stays while somebody has a reference of it.
 */
#include "core_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2psim/device_file.h>
#include <p2psim/inject.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/module.h>
#include <p2psim/module.h>
#include <p2psim/process.h>

#include "counter.h"

#define AT 0x10000UL

struct bench {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct module *module;
};

static struct p2psim_process *new_app(void)
{
	struct p2psim_process *app = p2psim_process_create("app");

	if (app)
		p2psim_mmap(app, AT, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return app;
}

static int setup(void **state)
{
	static struct bench b;

	b.world = p2psim_world_create(NULL);
	p2psim_world_on_violation(b.world, core_quiet, NULL);
	b.app = new_app();
	b.module = NULL;
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	unsigned int left;

	if (b->module)
		p2psim_module_remove(b->module);
	p2psim_process_exit(b->app);
	left = p2psim_world_check_quiescent(b->world);
	if (left)
		print_error("left over: %s\n", p2psim_world_violation(b->world)->sentence);
	p2psim_world_destroy(b->world);
	return left ? -1 : 0;
}

static struct file *open_counter(struct p2psim_process *app, const char *name)
{
	struct file *file = NULL;

	assert_int_equal(p2psim_device_open(app, name, O_RDWR, &file), 0);
	assert_non_null(file);
	return file;
}

static struct counter_status get(struct p2psim_process *app, struct file *file)
{
	struct counter_status status = { 0 };

	assert_int_equal(p2psim_ioctl(app, file, COUNTER_GET, AT), 0);
	assert_int_equal(p2psim_load(app, AT, &status, sizeof(status)), 0);
	return status;
}

static void add(struct p2psim_process *app, struct file *file, unsigned long value)
{
	struct counter_status status = { .value = value };

	assert_int_equal(p2psim_store(app, AT, &status, sizeof(status)), 0);
	assert_int_equal(p2psim_ioctl(app, file, COUNTER_ADD, AT), 0);
}

/* M1: three executions, each of which finds 10, one open and 100 closes. */
static void test_each_execution_finds_a_driver_that_has_just_been_loaded(void **state)
{
	struct bench *b = *state;
	struct counter_status status;
	struct file *file;
	int i;

	for (i = 0; i < 3; i++) {
		p2psim_world_reset(b->world);
		b->app = new_app();
		assert_int_equal(p2psim_module_insert(COUNTER, NULL, &b->module), 0);
		file = open_counter(b->app, "counter1");
		add(b->app, file, 32);
		status = get(b->app, file);
		assert_int_equal(status.value, 42);
		assert_int_equal(status.opens, 1);
		assert_int_equal(status.closes, 100);
		p2psim_close(b->app, file);
	}
}

static void test_parameters_are_set_before_init(void **state)
{
	struct bench *b = *state;
	struct counter_status status;
	struct file *file;

	assert_int_equal(p2psim_module_insert(COUNTER, "first=0x20 name=zebra", &b->module), 0);
	assert_string_equal(b->module->name, "counter");
	file = open_counter(b->app, "counter0");
	status = get(b->app, file);
	assert_int_equal(status.value, 0x20);
	assert_int_equal(status.letter, 'z');
	p2psim_close(b->app, file);
}

static void test_a_parameter_that_is_none_or_no_number_is_refused(void **state)
{
	static const char *const bad[] = { "second=1", "first=", "first=ten", "first=99999999999", "fail=2" };
	struct bench *b = *state;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p2psim_world_reset(b->world);
		assert_int_equal(p2psim_module_insert(COUNTER, bad[i], NULL), -EINVAL);
	}
	b->app = new_app();
}

static void test_an_init_that_fails_leaves_nothing(void **state)
{
	struct bench *b = *state;
	struct file *file;

	assert_int_equal(p2psim_module_insert(COUNTER, "fail", &b->module), -EIO);
	assert_null(b->module);
	assert_int_equal(p2psim_device_open(b->app, "counter0", O_RDWR, &file), -ENOENT);
}

/* M3 */
static void test_an_open_file_keeps_the_module(void **state)
{
	struct bench *b = *state;
	struct file *file;

	p2psim_module_insert(COUNTER, NULL, &b->module);
	file = open_counter(b->app, "counter0");
	assert_int_equal(p2psim_module_remove(b->module), -EBUSY);
	p2psim_close(b->app, file);
	assert_int_equal(p2psim_module_remove(b->module), 0);
	assert_int_equal(p2psim_module_remove(b->module), -ENOENT);
	assert_int_equal(p2psim_device_open(b->app, "counter0", O_RDWR, &file), -ENOENT);
}

/* M2 */
static void test_a_second_world_is_refused_until_the_first_ones_execution_ends(void **state)
{
	struct bench *b = *state;
	struct p2psim_world *other;
	struct module *module;

	assert_int_equal(p2psim_module_insert(COUNTER, NULL, &module), 0);
	assert_int_equal(p2psim_module_insert(COUNTER, NULL, NULL), -EEXIST);
	other = p2psim_world_create(NULL);
	assert_int_equal(p2psim_module_insert(COUNTER, NULL, NULL), -EBUSY);
	p2psim_world_enter(b->world);
	p2psim_module_remove(module);
	p2psim_process_exit(b->app);
	p2psim_world_reset(b->world);
	p2psim_world_enter(other);
	assert_int_equal(p2psim_module_insert(COUNTER, NULL, NULL), 0);
	p2psim_world_destroy(other);
	p2psim_world_enter(b->world);
	b->app = new_app();
	assert_int_equal(p2psim_module_insert(COUNTER, NULL, &b->module), 0);
}

/* M2: what fork(2) of the real process copies is another process's. */
static void test_a_worker_process_has_its_own_copy(void **state)
{
	struct bench *b = *state;
	struct p2psim_world *world;
	int status, pid;

	assert_int_equal(p2psim_module_insert(COUNTER, "first=7", &b->module), 0);
	pid = fork();
	if (!pid) {
		world = p2psim_world_create(NULL);
		_exit(world && !p2psim_module_insert(COUNTER, "first=8", NULL) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(get(b->app, open_counter(b->app, "counter0")).value, 7);
	p2psim_world_reset(b->world);
	b->app = new_app();
	b->module = NULL;
}

static void test_what_is_no_module_is_refused_with_the_loaders_words(void **state)
{
	(void)state;
	assert_int_equal(p2psim_module_insert("/nonexistent.so", NULL, NULL), -ENOENT);
	assert_non_null(strstr(p2psim_module_error(), "nonexistent"));
	assert_int_equal(p2psim_module_insert("/etc/passwd", NULL, NULL), -ENOEXEC);
	assert_int_equal(p2psim_module_insert("libc.so.6", NULL, NULL), -ENOEXEC);
}

static void test_a_reference_too_many_given_back_is_unbalanced(void **state)
{
	struct bench *b = *state;

	p2psim_module_insert(COUNTER, NULL, &b->module);
	module_put(b->module);
	assert_violation(b->world, P2PSIM_BALANCE, "module_put() of counter");
	p2psim_module_remove(b->module);
	__module_get(b->module);
	assert_violation(b->world, P2PSIM_UAF, "module counter, which is going");
	assert_false(try_module_get(b->module));
	assert_true(try_module_get(NULL));
}

static void test_system_calls_reach_the_driver(void **state)
{
	struct bench *b = *state;
	struct file *file;
	long addr;

	p2psim_module_insert(COUNTER, "first=0", &b->module);
	file = open_counter(b->app, "counter0");
	assert_int_equal(p2psim_device_poll(b->app, file), 0);
	add(b->app, file, 5);
	assert_int_equal(p2psim_device_poll(b->app, file), 0x41);
	assert_int_equal(p2psim_device_read(b->app, file, AT, 8), 8);
	assert_int_equal(p2psim_load_byte(b->app, AT), 5);
	assert_int_equal(p2psim_lseek(b->app, file, 0, SEEK_CUR), 8);
	addr = p2psim_mmap(b->app, 0, 0x1000, PROT_READ, MAP_PRIVATE, file, 0);
	assert_true(addr > 0);
	assert_int_equal(p2psim_close(b->app, file), 0);
	assert_int_equal(p2psim_load_byte(b->app, (unsigned long)addr), 0);
	assert_int_equal(p2psim_module_remove(b->module), -EBUSY);
	p2psim_munmap(b->app, (unsigned long)addr, 0x1000);
}

static void test_system_calls_that_the_driver_or_the_file_has_not_fail(void **state)
{
	struct bench *b = *state;
	struct file *file;

	p2psim_module_insert(COUNTER, NULL, &b->module);
	file = open_counter(b->app, "counter0");
	assert_int_equal(p2psim_ioctl(b->app, file, 12345, AT), -ENOTTY);
	assert_int_equal(p2psim_ioctl(b->app, file, COUNTER_GET, 0x900000), -EFAULT);
	assert_int_equal(p2psim_device_write(b->app, file, AT, 8), -EINVAL);
	assert_int_equal(p2psim_lseek(b->app, file, -1, SEEK_SET), -EINVAL);
	p2psim_close(b->app, file);
	assert_int_equal(p2psim_device_open(b->app, "counter0", O_WRONLY, &file), 0);
	assert_int_equal(p2psim_device_read(b->app, file, AT, 8), -EBADF);
	p2psim_close(b->app, file);
	assert_int_equal(p2psim_chrdev_open(b->app, 1, O_RDWR, &file), -ENXIO);
}

/* Each allocation of loading, opening and closing fails in turn: an error, and nothing left. */
static void test_every_allocation_may_fail(void **state)
{
	struct bench *b = *state;
	struct file *file;
	bool fired = true;
	uint64_t n;
	int error;

	for (n = 1; fired; n++) {
		p2psim_world_reset(b->world);
		b->app = new_app();
		b->module = NULL;
		file = NULL;
		p2psim_inject_fail_nth(b->world, n);
		error = p2psim_module_insert(COUNTER, NULL, &b->module);
		if (!error)
			error = p2psim_device_open(b->app, "counter0", O_RDWR, &file);
		fired = p2psim_inject_fired(b->world, NULL);
		p2psim_inject_fail_nth(b->world, 0);
		if (!fired)
			break;
		assert_int_equal(error, -ENOMEM);
		if (b->module)
			p2psim_module_remove(b->module);
		b->module = NULL;
		p2psim_process_exit(b->app);
		assert_int_equal(p2psim_world_check_quiescent(b->world), 0);
	}
	assert_in_range(n, 5, 20);
	p2psim_close(b->app, file);
}

#define module_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		module_test(test_each_execution_finds_a_driver_that_has_just_been_loaded),
		module_test(test_parameters_are_set_before_init),
		module_test(test_a_parameter_that_is_none_or_no_number_is_refused),
		module_test(test_an_init_that_fails_leaves_nothing),
		module_test(test_an_open_file_keeps_the_module),
		module_test(test_a_second_world_is_refused_until_the_first_ones_execution_ends),
		module_test(test_a_worker_process_has_its_own_copy),
		module_test(test_what_is_no_module_is_refused_with_the_loaders_words),
		module_test(test_a_reference_too_many_given_back_is_unbalanced),
		module_test(test_system_calls_reach_the_driver),
		module_test(test_system_calls_that_the_driver_or_the_file_has_not_fail),
		module_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
