/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.1's own lib/test_hmm.c, compiled without an edit: that it loads, works and goes; and what p2psim finds in it.
 */
#include "core_world.h"

#include <fcntl.h>

#include <p2psim/device_file.h>
#include <p2psim/linux/mman.h>
#include <p2psim/module.h>
#include <p2psim/process.h>

#include "test_hmm_uapi.h"

#define CMD 0x10000UL
#define BUFFER 0x100000UL
#define MIRROR 0x200000UL
#define PAGES 8

struct bench {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct module *module;
	struct file *file;
};

static void map(struct p2psim_process *app, unsigned long at, unsigned long pages)
{
	p2psim_mmap(app, at, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static int setup(void **state)
{
	static struct bench b;

	b.world = p2psim_world_create(NULL);
	p2psim_world_on_violation(b.world, core_quiet, NULL);
	b.app = p2psim_process_create("app");
	map(b.app, CMD, 1);
	map(b.app, BUFFER, PAGES);
	map(b.app, MIRROR, PAGES);
	*state = &b;
	return p2psim_module_insert(TEST_HMM, "spm_addr_dev0=0x200000000 spm_addr_dev1=0x210000000", &b.module);
}

/* hmm_dmirror_exit() takes its devices away and never puts them: that, and nothing else. */
static void expect_forgotten_devices(const struct p2psim_violation *violation, void *arg)
{
	if (violation->oracle != P2PSIM_LEAK || !strstr(violation->sentence, "references of hmm_dmirror"))
		print_error("left over: %s\n", violation->sentence);
	else
		++*(unsigned int *)arg;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	unsigned int left, forgotten = 0;

	p2psim_process_exit(b->app);
	assert_int_equal(p2psim_module_remove(b->module), 0);
	p2psim_world_on_violation(b->world, expect_forgotten_devices, &forgotten);
	left = p2psim_world_check_quiescent(b->world);
	p2psim_world_destroy(b->world);
	return left == 4 && forgotten == 4 ? 0 : -1;
}

static long command(struct bench *b, unsigned int cmd, unsigned long addr, unsigned long pages, struct hmm_dmirror_cmd *result)
{
	long ret;

	*result = (struct hmm_dmirror_cmd){ .addr = addr, .ptr = BUFFER, .npages = pages };
	p2psim_store(b->app, CMD, result, sizeof(*result));
	ret = p2psim_ioctl(b->app, b->file, cmd, CMD);
	p2psim_load(b->app, CMD, result, sizeof(*result));
	return ret;
}

static void test_the_device_reads_and_writes(void **state)
{
	struct bench *b = *state;
	struct hmm_dmirror_cmd cmd;

	assert_int_equal(p2psim_device_open(b->app, "hmm_dmirror0", O_RDWR, &b->file), 0);
	p2psim_store_byte(b->app, MIRROR + 5, 77);
	assert_int_equal(command(b, HMM_DMIRROR_READ, MIRROR, PAGES, &cmd), 0);
	assert_int_equal(cmd.cpages, PAGES);
	assert_int_equal(cmd.faults, 1);
	assert_int_equal(p2psim_load_byte(b->app, BUFFER + 5), 77);
	p2psim_store_byte(b->app, BUFFER + 5, 78);
	assert_int_equal(command(b, HMM_DMIRROR_WRITE, MIRROR, PAGES, &cmd), 0);
	assert_int_equal(p2psim_load_byte(b->app, MIRROR + 5), 78);
	assert_int_equal(p2psim_close(b->app, b->file), 0);
}

static void test_pages_move_to_the_device_and_back(void **state)
{
	struct bench *b = *state;
	struct hmm_dmirror_cmd cmd;

	assert_int_equal(p2psim_device_open(b->app, "hmm_dmirror1", O_RDWR, &b->file), 0);
	p2psim_store_byte(b->app, MIRROR, 1);
	assert_int_equal(command(b, HMM_DMIRROR_MIGRATE_TO_DEV, MIRROR, PAGES, &cmd), 0);
	assert_int_equal(cmd.cpages, PAGES);
	assert_int_equal(command(b, HMM_DMIRROR_SNAPSHOT, MIRROR, 1, &cmd), 0);
	assert_int_equal(p2psim_load_byte(b->app, BUFFER), HMM_DMIRROR_PROT_DEV_PRIVATE_LOCAL | HMM_DMIRROR_PROT_WRITE);
	assert_int_equal(p2psim_load_byte(b->app, MIRROR), 1);
	assert_int_equal(command(b, HMM_DMIRROR_SNAPSHOT, MIRROR, 1, &cmd), 0);
	assert_int_equal(p2psim_load_byte(b->app, BUFFER), HMM_DMIRROR_PROT_WRITE);
	assert_int_equal(p2psim_close(b->app, b->file), 0);
}

#define upstream_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		upstream_test(test_the_device_reads_and_writes),
		upstream_test(test_pages_move_to_the_device_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
