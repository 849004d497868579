/* SPDX-License-Identifier: MIT */
/*
 * Linux 6.1's own drivers/gpu/drm/radeon/radeon_mn.c under exploration.  Its invalidate() never calls mmu_interval_set_seq(),
 * and nobody asks mmu_interval_read_retry(): its own comment says that this is not how it should be.  The first two scenarios
 * are that; the others look at what comes of it.
 */
#include <errno.h>

#include "driver_scenarios.h"
#include "radeon_userptr.h"

#define PAGES 2

struct machine {
	struct p2psim_process *app;
	struct radeon_userptr *gpu;
};

static int setup(void *state)
{
	struct machine *m = state;
	int error;

	m->app = process_with_region(PAGES, 1);
	if (!m->app)
		return -ENOMEM;
	m->gpu = radeon_userptr_create(m->app, REGION, PAGES, &error);
	return error;
}

static void teardown(void *state)
{
	struct machine *m = state;

	radeon_userptr_destroy(m->gpu);
	p2psim_process_exit(m->app);
}

static void gpu_writes(void *state)
{
	radeon_userptr_write(((struct machine *)state)->gpu, 0, 'g');
}

static void throw_away(void *state)
{
	p2psim_madvise(((struct machine *)state)->app, REGION, PAGES << PAGE_SHIFT, MADV_DONTNEED);
}

static void unmap(void *state)
{
	p2psim_munmap(((struct machine *)state)->app, REGION, PAGES << PAGE_SHIFT);
}

/* With both of them gone, another job, and the process looks. */
static bool gpu_has_other_pages(void *state)
{
	struct machine *m = state;

	return !radeon_userptr_write(m->gpu, 0, 'G') && p2psim_load_byte(m->app, REGION) != 'G';
}

static bool bound_to_nothing(void *state)
{
	return radeon_userptr_is_bound(((struct machine *)state)->gpu);
}

#define SOURCE "drivers/gpu/drm/radeon/radeon_mn.c, 6.1"
#define MACHINE .source = SOURCE, .state_size = sizeof(struct machine), .setup = setup, .teardown = teardown

#define ASIDE (1u << P2PSIM_LOCKGRAPH | 1u << P2PSIM_CONTRACT)

const struct p2psim_scenario radeon_scenarios[] = {
	/*
	 * Reservation, then memory: get_user_pages() as radeon_ttm_tt_pin_userptr() calls it.  Memory, then reclaim, then the
	 * notifier; the notifier, then the reservation.
	 */
	{
		.name = "radeon_mn/lock-order",
		.question = "May invalidate() wait for a reservation?",
		MACHINE,
		.tasks = { { "gpu", gpu_writes }, { "app", unmap } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_LOCKGRAPH,
	},
	{
		.name = "radeon_mn/sequence",
		.question = "Does invalidate() tell readers of the page tables that they came too early?",
		MACHINE,
		.tasks = { { "gpu", gpu_writes }, { "app", unmap } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.config = { .oracles_off = 1u << P2PSIM_LOCKGRAPH },
	},
	/* What comes of it.  munmap() has taken the VMA away before it announces anything: nobody binds it again. */
	{
		.name = "radeon_mn/write+munmap",
		.question = "Is the buffer bound to pages when nothing is mapped there any more?",
		MACHINE,
		.tasks = { { "gpu", gpu_writes }, { "app", unmap } },
		.exists = bound_to_nothing,
		.expect = P2PSIM_NEVER,
		.config = { .oracles_off = ASIDE },
	},
	/*
	 *	gpu						app
	 *							madvise(DONTNEED), mmap_lock for reading
	 *							invalidate(): nothing is bound
	 *	mmap_lock for reading; get_user_pages() = the
	 *	    page that is still in the table; bound
	 *							the page leaves the table
	 *	every later job works on a page of its own
	 */
	{
		.name = "radeon_mn/write+dontneed",
		.question = "Do the GPU and its process look at different pages from now on?",
		MACHINE,
		.tasks = { { "gpu", gpu_writes }, { "app", throw_away } },
		.exists = gpu_has_other_pages,
		.expect = P2PSIM_SOMETIMES,
		.config = { .oracles_off = ASIDE },
	},
	{ .name = NULL },
};
