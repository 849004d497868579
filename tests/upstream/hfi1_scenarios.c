/* SPDX-License-Identifier: MIT */
/*
 * Scenarios around Linux 6.1's own drivers/infiniband/hw/hfi1/mmu_rb.c and user_pages.c: see hfi1_sdma.c.
 *
 *	request				app (another thread of the process)
 *					munmap(): invalidate_range_start() finds no node in the cache
 *	pins the page, which is still mapped
 *	enters its node
 *					    the page goes
 *					mmap() at the same address, new bytes
 *					sends them: the cache has a node for that address
 *
 * What is sent are the old bytes, now and until something invalidates the range once more.  In which order a request pins and
 * enters makes no difference: mmu_rb.c hears of the beginning of an invalidation only, and has no sequence to ask.
 */
#include <dlfcn.h>
#include <stdio.h>

#include <fcntl.h>

#include <p2psim/device_file.h>
#include <p2psim/linux/mman.h>
#include <p2psim/main.h>
#include <p2psim/module.h>
#include <p2psim/process.h>

#include "hfi1_sdma.h"

#define BUFFER 0x200000UL

struct machine {
	struct p2psim_process *app;
	struct module *driver;
	struct file *file;
	long sent;			/* by app, after it has written 'B' */
	int wrong;
	bool closed;
};

static long map(struct machine *m)
{
	return p2psim_mmap(m->app, BUFFER, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static int setup(void *state)
{
	struct machine *m = state;
	int ret;

	m->app = p2psim_process_create("app");
	if (!m->app || map(m) < 0)
		return -12;
	p2psim_store_byte(m->app, BUFFER, 'A');
	ret = p2psim_module_insert(HFI1_SDMA, p2psim_scenario_data(), &m->driver);
	return ret ? ret : p2psim_device_open(m->app, "hfi1_sdma", O_RDWR, &m->file);
}

static void teardown(void *state)
{
	struct machine *m = state;

	if (!m->closed)
		p2psim_close(m->app, m->file);
	p2psim_process_exit(m->app);
	p2psim_module_remove(m->driver);
}

/* The page was there, with these bytes, or it was gone. */
static void send_old(void *state)
{
	struct machine *m = state;
	long sent = p2psim_ioctl(m->app, m->file, SDMA_SEND, BUFFER);

	m->wrong += sent != 'A' && sent != 'B' && sent != 0 && sent != -14;
}

static void unmap(void *state)
{
	p2psim_munmap(((struct machine *)state)->app, BUFFER, 4096);
}

static void evict(void *state)
{
	struct machine *m = state;

	p2psim_ioctl(m->app, m->file, SDMA_EVICT, 1);
}

static void remap_and_send(void *state)
{
	struct machine *m = state;

	unmap(m);
	map(m);
	p2psim_store_byte(m->app, BUFFER, 'B');
	m->sent = p2psim_ioctl(m->app, m->file, SDMA_SEND, BUFFER);
}

static void post_and_close(void *state)
{
	struct machine *m = state;

	p2psim_ioctl(m->app, m->file, SDMA_POST, BUFFER);
	m->closed = true;
	p2psim_close(m->app, m->file);
}

static bool other_bytes(void *state)
{
	return ((struct machine *)state)->wrong;
}

static bool old_bytes(void *state)
{
	return ((struct machine *)state)->sent == 'A';
}

/* What is in the cache while nothing maps it any more. */
static bool something_stays_pinned(void *state)
{
	struct machine *m = state;

	return p2psim_ioctl(m->app, m->file, SDMA_CACHED, 0);
}

#define MACHINE .state_size = sizeof(struct machine), .setup = setup, .teardown = teardown
#define SOURCE "drivers/infiniband/hw/hfi1/mmu_rb.c, 6.1"

static const struct p2psim_scenario scenarios[] = {
	{
		.name = "mmu_rb/send+evict+munmap",
		.question = "Does a request send something else when its node is evicted, or its range unmapped?",
		.source = SOURCE,
		MACHINE,
		.tasks = { { "request", send_old }, { "evict", evict }, { "munmap", unmap } },
		.exists = other_bytes,
		.expect = P2PSIM_NEVER,
	},
	{
		.name = "mmu_rb/send+send",
		.question = "Do two requests for one page share a node, whoever enters it?",
		.source = SOURCE,
		MACHINE,
		.tasks = { { "one", send_old }, { "two", send_old } },
		.exists = other_bytes,
		.expect = P2PSIM_NEVER,
	},
	{
		.name = "mmu_rb/post+close+munmap",
		.question = "Is every page given back when the file is closed, whatever is under way?",
		.source = SOURCE,
		MACHINE,
		.tasks = { { "app", post_and_close }, { "munmap", unmap } },
		.expect = P2PSIM_NEVER,
	},
	{
		.name = "mmu_rb/post+close!early",
		.question = "Who notices when the cache goes while the device still has a reference?",
		.source = SOURCE ": hfi1_mmu_rb_unregister() asks that there are none",
		MACHINE,
		.tasks = { { "app", post_and_close } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_UAF,
		.data = "how=3",
	},
	{
		.name = "mmu_rb/send+remap",
		.question = "Does a range that was unmapped and mapped anew send its old bytes?",
		.source = SOURCE "; pins, then enters, as add_system_pinning() in user_sdma.c",
		MACHINE,
		.tasks = { { "request", send_old }, { "app", remap_and_send } },
		.exists = old_bytes,
		.expect = P2PSIM_SOMETIMES,
	},
	{
		.name = "mmu_rb/send+remap, entered first",
		.question = "The same, when a node is in the cache before its page is pinned?",
		.source = SOURCE,
		MACHINE,
		.tasks = { { "request", send_old }, { "app", remap_and_send } },
		.exists = old_bytes,
		.expect = P2PSIM_SOMETIMES,
		.data = "how=1",
	},
	{
		.name = "mmu_rb/send+remap, with a sequence",
		.question = "The same, when a node is entered only if nothing was invalidated since it was to be pinned?",
		.source = SOURCE "; with an interval notifier beside it",
		MACHINE,
		.tasks = { { "request", send_old }, { "app", remap_and_send } },
		.exists = old_bytes,
		.expect = P2PSIM_NEVER,
		.data = "how=2",
	},
	{
		.name = "mmu_rb/send+munmap",
		.question = "Does a page stay pinned, out of reach of every notifier, when its range is gone?",
		.source = SOURCE "; pins, then enters, as add_system_pinning() in user_sdma.c",
		MACHINE,
		.tasks = { { "request", send_old }, { "munmap", unmap } },
		.exists = something_stays_pinned,
		.expect = P2PSIM_SOMETIMES,
	},
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	/* Loaded before there are workers, so that what they tell of lies at the same address here. */
	if (!dlopen(HFI1_SDMA, RTLD_NOW | RTLD_LOCAL))
		fprintf(stderr, "%s\n", dlerror());
	return p2psim_main(argc, argv, scenarios);
}
