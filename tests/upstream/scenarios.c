/* SPDX-License-Identifier: MIT */
/*
 * Scenarios that run Linux 6.1's own lib/test_hmm.c: each execution loads it anew.
 *
 *	app				nic (another thread of the process)
 *	MIGRATE_TO_DEV 8 pages
 *	reads one: it comes back
 *					READ 8 pages: 7 are on the device
 *
 * The device's table lacks the page that came back.  For that one hmm_range_fault() is asked for the whole range, and gives the
 * device's own pages as it should; the driver maps them with kmap(), as if they were RAM.
 */
#include <dlfcn.h>
#include <stdio.h>

#include <fcntl.h>
#include <string.h>

#include <p2psim/device_file.h>
#include <p2psim/linux/mman.h>
#include <p2psim/main.h>
#include <p2psim/module.h>
#include <p2psim/process.h>

#include "test_hmm_uapi.h"

#define MIRROR 0x200000UL
#define PAGES 8

/* Of each thread: where its commands and its bytes are. */
#define CMD(who) (0x10000UL + (who) * 0x1000UL)
#define BUFFER(who) (0x100000UL + (who) * 0x10000UL)

struct machine {
	struct p2psim_process *app;
	struct module *driver;
	struct file *file;
	int wrong;
};

static int map(struct machine *m, unsigned long at, unsigned long pages)
{
	return p2psim_mmap(m->app, at, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) < 0;
}

static int setup(void *state)
{
	struct machine *m = state;
	unsigned long page;
	int ret;

	m->app = p2psim_process_create("app");
	if (!m->app || map(m, CMD(0), 2) || map(m, BUFFER(0), PAGES) || map(m, BUFFER(1), PAGES) || map(m, MIRROR, PAGES))
		return -12;
	for (page = 0; page < PAGES; page++)
		p2psim_store_byte(m->app, MIRROR + (page << 12), (unsigned char)('a' + page));
	ret = p2psim_module_insert(TEST_HMM, NULL, &m->driver);
	return ret ? ret : p2psim_device_open(m->app, "hmm_dmirror0", O_RDWR, &m->file);
}

static void teardown(void *state)
{
	struct machine *m = state;

	p2psim_close(m->app, m->file);
	p2psim_process_exit(m->app);
	p2psim_module_remove(m->driver);
}

static long command(struct machine *m, unsigned int who, unsigned int cmd, unsigned long pages)
{
	struct hmm_dmirror_cmd arg = { .addr = MIRROR, .ptr = BUFFER(who), .npages = pages };

	p2psim_store(m->app, CMD(who), &arg, sizeof(arg));
	return p2psim_ioctl(m->app, m->file, cmd, CMD(who));
}

static void migrate(void *state)
{
	command(state, 0, HMM_DMIRROR_MIGRATE_TO_DEV, PAGES);
}

static void unmap_half(void *state)
{
	p2psim_munmap(((struct machine *)state)->app, MIRROR, PAGES / 2 << 12);
}

static void migrate_and_look(void *state)
{
	struct machine *m = state;

	migrate(m);
	P2PSIM_CHECK(p2psim_load_byte(m->app, MIRROR) == 'a');
}

static void device_reads(void *state)
{
	struct machine *m = state;
	unsigned long page;

	if (command(m, 1, HMM_DMIRROR_READ, PAGES))
		return;
	for (page = 0; page < PAGES; page++)
		m->wrong += p2psim_load_byte(m->app, BUFFER(1) + (page << 12)) != (int)('a' + page);
}

static bool device_read_other_bytes(void *state)
{
	return ((struct machine *)state)->wrong;
}

static const struct p2psim_scenario scenarios[] = {
	{
		.name = "test_hmm/read+munmap",
		.question = "Does the device read pages that munmap() has freed?",
		.source = "lib/test_hmm.c, 6.1",
		.state_size = sizeof(struct machine),
		.setup = setup,
		.tasks = { { "nic", device_reads }, { "app", unmap_half } },
		.exists = device_read_other_bytes,
		.teardown = teardown,
		.expect = P2PSIM_NEVER,
		.config = { .oracles_off = 1u << P2PSIM_LEAK },	/* of its four devices: see test_hmm.c */
	},
	/*
	 *	nic					app
	 *	hmm_range_fault() = RAM
	 *						MIGRATE_TO_DEV: the driver ignores the MIGRATE of its own device, and
	 *						    leaves the sequence as it is; RAM is freed
	 *	read_retry() = false
	 *	its table has pages that are free
	 */
	{
		.name = "test_hmm/read+migrate",
		.question = "Who tells a fault of the device that its own migration has moved the pages?",
		.source = "lib/test_hmm.c, 6.1: dmirror_interval_invalidate()",
		.state_size = sizeof(struct machine),
		.setup = setup,
		.tasks = { { "nic", device_reads }, { "app", migrate } },
		.exists = device_read_other_bytes,
		.teardown = teardown,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_UAF,
		.config = { .oracles_off = 1u << P2PSIM_LEAK | 1u << P2PSIM_DATA },	/* DATA: the next scenario */
	},
	{
		.name = "test_hmm/read-what-is-on-the-device",
		.question = "What does the driver do with its own pages when hmm_range_fault() gives them to it?",
		.source = "lib/test_hmm.c, 6.1: dmirror_do_fault() and kmap() in dmirror_do_read()",
		.state_size = sizeof(struct machine),
		.setup = setup,
		.tasks = { { "app", migrate_and_look }, { "nic", device_reads } },
		.exists = device_read_other_bytes,
		.teardown = teardown,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_DATA,
		.config = { .oracles_off = 1u << P2PSIM_LEAK },
	},
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	/* Loaded before there are workers, so that what they tell of lies at the same address here. */
	if (!dlopen(TEST_HMM, RTLD_NOW | RTLD_LOCAL))
		fprintf(stderr, "%s\n", dlerror());
	return p2psim_main(argc, argv, scenarios);
}
