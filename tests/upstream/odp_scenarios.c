/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.1's own drivers/infiniband/core/umem_odp.c under exploration: a device that pages on demand, and a process that takes
 * its memory away, copies itself, or ends.
 */
#include <errno.h>

#include "driver_scenarios.h"
#include "odp_nic.h"

#define PAGES 4

struct machine {
	struct p2psim_process *app, *child;
	struct odp_nic *nic;
	int wrong, written;
};

static int setup(void *state)
{
	static const enum odp_mistake none = ODP_CORRECT;
	const enum odp_mistake *mistake = p2psim_scenario_data();
	struct machine *m = state;
	int error;

	m->app = process_with_region(PAGES, PAGES);
	if (!m->app)
		return -ENOMEM;
	m->nic = odp_nic_create(m->app, REGION, PAGES, mistake ? *mistake : none, &error);
	return error;
}

static void teardown(void *state)
{
	struct machine *m = state;

	odp_nic_destroy(m->nic);
	if (m->child)
		p2psim_process_exit(m->child);
	if (m->app)
		p2psim_process_exit(m->app);
}

/* Two pages, one after the other; -EFAULT and -EINVAL are answers, other bytes are not. */
static void device_reads(void *state)
{
	struct machine *m = state;
	unsigned long page;
	unsigned char byte;

	for (page = 0; page < 2; page++)
		if (!odp_nic_access(m->nic, AT(page), &byte, 1, false))
			m->wrong += byte != 'a' + page;
}

/* It reads first: the mapping of a page that is only read becomes one for writing without an invalidation. */
static void device_writes(void *state)
{
	struct machine *m = state;
	unsigned char byte = 'n';

	odp_nic_access(m->nic, AT(0), &byte, 1, false);
	m->wrong += byte != 'a';
	byte = 'n';
	m->written = !odp_nic_access(m->nic, AT(0) + 1, &byte, 1, true);
}

static void unmap_half(void *state)
{
	p2psim_munmap(((struct machine *)state)->app, REGION, PAGES / 2 << PAGE_SHIFT);
}

/* The store after the fork copies the page: the device has to follow the parent. */
static void fork_and_store(void *state)
{
	struct machine *m = state;

	p2psim_fork(m->app, "child", &m->child);
	p2psim_store_byte(m->app, AT(0) + 2, 'p');
}

static void exit_now(void *state)
{
	struct machine *m = state;

	p2psim_process_exit(m->app);
	m->app = NULL;
}

static bool device_read_other_bytes(void *state)
{
	return ((struct machine *)state)->wrong;
}

static bool something_is_lost(void *state)
{
	struct machine *m = state;

	return m->wrong || !m->written || p2psim_load_byte(m->app, AT(0) + 1) != 'n' ||
	       p2psim_load_byte(m->app, AT(0) + 2) != 'p';
}

static const enum odp_mistake unlocks_first = ODP_UNLOCKS_FIRST, keeps_seq = ODP_KEEPS_SEQ, keeps_table = ODP_KEEPS_TABLE,
			      keeps_pages = ODP_KEEPS_PAGES;

#define SOURCE "drivers/infiniband/core/umem_odp.c, 6.1"
#define READ_AND_MUNMAP                                                                                                \
	.question = "Does the device read pages that munmap() has freed?", .source = SOURCE,                           \
	.state_size = sizeof(struct machine), .setup = setup,                                                          \
	.tasks = { { "nic", device_reads }, { "app", unmap_half } }, .exists = device_read_other_bytes, .teardown = teardown
#define WRITE_AND_FORK                                                                                                 \
	.question = "Is what the device or the process writes while it forks lost to the parent?", .source = SOURCE,   \
	.state_size = sizeof(struct machine), .setup = setup,                                                          \
	.tasks = { { "nic", device_writes }, { "app", fork_and_store } }, .exists = something_is_lost, .teardown = teardown

const struct p2psim_scenario odp_scenarios[] = {
	{ .name = "umem_odp/read+munmap", READ_AND_MUNMAP, .expect = P2PSIM_NEVER },
	/*
	 *	nic						app
	 *	ib_umem_odp_map_dma_and_lock() = 2
	 *	unlocks umem_mutex
	 *							munmap(): invalidate() finds nothing in the table;
	 *							    the pages are freed
	 *	their addresses go into the table
	 */
	{ .name = "umem_odp/read+munmap!unlocks-first", READ_AND_MUNMAP, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE,
	  .data = &unlocks_first },
	{ .name = "umem_odp/read+munmap!keeps-seq", READ_AND_MUNMAP, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_CONTRACT,
	  .data = &keeps_seq },
	{ .name = "umem_odp/read+munmap!keeps-table", READ_AND_MUNMAP, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE,
	  .data = &keeps_table },
	{ .name = "umem_odp/write+fork", WRITE_AND_FORK, .expect = P2PSIM_NEVER },
	/*
	 *	nic						app
	 *	a page is mapped for reading
	 *							fork(), a store: the page is the child's now; out of the
	 *							    table, but not out of dma_list
	 *	a fault: what is mapped there already stays, for writing
	 *	writes into the child's page
	 */
	{ .name = "umem_odp/write+fork!keeps-pages", WRITE_AND_FORK, .expect = P2PSIM_SOMETIMES, .data = &keeps_pages },
	{
		.name = "umem_odp/read+exit",
		.question = "Does a region that outlives its process reach into memory that is gone?",
		.source = SOURCE,
		.state_size = sizeof(struct machine),
		.setup = setup,
		.tasks = { { "nic", device_reads }, { "app", exit_now } },
		.exists = device_read_other_bytes,
		.teardown = teardown,
		.expect = P2PSIM_NEVER,
	},
	{ .name = NULL },
};
