/* SPDX-License-Identifier: MIT */
/*
 * Mail 003: Jason Gunthorpe to Jerome Glisse, 2019-01-30 20:50.
 *
 * "One region, one VMA" is not workable: nothing stops userspace from moving a boundary into the middle of a registered
 * region.  So one region goes over everything, and each part lives and dies alone.
 *
 *	        0x10000   11000    12000    13000    14000    15000
 *	VMAs    [ A        A     ][ B     ][ RAM      RAM  ]  (hole)
 *	region  [------------------------------------------------------)
 *	app              munmap: the tail of A and all of B
 *	app                                         mprotect: read-only
 *	nic0     works   until..  until..   works   until..   never works
 */
#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/step.h>

#include "machine.h"
#include "mails.h"

#define START 0x10000UL
#define PAGE(n) (START + (n) * PAGE_SIZE)

struct many_vmas {
	struct machine m;
	bool wrong;
};

static int setup_with(struct many_vmas *t, unsigned int nic_faults)
{
	struct machine_config config = { .nic_faults = nic_faults };
	int ret = machine_build(&t->m, &config);

	if (!ret && !(machine_map_object(&t->m, PAGE(0), 2, 0) && machine_map_object(&t->m, PAGE(2), 1, 0)))
		ret = -ENOMEM;
	if (!ret)
		ret = machine_map_anonymous(&t->m, PAGE(3), 2) ?: machine_register(&t->m, START, 6 * PAGE_SIZE);
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static int setup(void *state)
{
	return setup_with(state, P2PSIM_NIC_NO_FAULT);
}

static int setup_one_vma(void *state)
{
	return setup_with(state, P2PSIM_NIC_ZAP_ONE_PAGE);
}

static void teardown(void *state)
{
	machine_demolish(&((struct many_vmas *)state)->m);
}

static void expect_write(struct many_vmas *t, unsigned int page, int want, int also)
{
	int ret = p2psim_nic_write(t->m.mr, PAGE(page), "n", 1);

	if (ret != want && ret != also)
		t->wrong = true;
}

/* An access that fails completes in error; the region lives on for all the others. */
static void nic_writes(void *state)
{
	struct many_vmas *t = state;

	p2psim_step("mail:begin");
	p2psim_nic_prefetch(t->m.mr, PAGE(0), PAGE(5), P2PSIM_NIC_WRITE);
	p2psim_step("mail:mapped");
	expect_write(t, 5, -EFAULT, -EFAULT);
	expect_write(t, 1, 0, -EFAULT);
	expect_write(t, 2, 0, -EFAULT);
	expect_write(t, 4, 0, -EPERM);
	expect_write(t, 0, 0, 0);
	expect_write(t, 3, 0, 0);
}

static void app_moves_boundaries(void *state)
{
	struct many_vmas *t = state;

	p2psim_step("mail:begin");
	p2psim_munmap(t->m.app, PAGE(1), 2 * PAGE_SIZE);
	p2psim_mprotect(t->m.app, PAGE(4), PAGE_SIZE, PROT_READ);
}

static bool went_wrong(void *state)
{
	return ((struct many_vmas *)state)->wrong;
}

#define SOURCE "Gunthorpe, 2019-01-30 20:50, Re: [RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma"
#define COMMON                                                                                                         \
	.source = SOURCE, .state_size = sizeof(struct many_vmas), .teardown = teardown,                                \
	.tasks = { { "nic0", nic_writes }, { "app", app_moves_boundaries } },                                          \
	.schedule = "nic0>mail:mapped app nic0"

const struct p2psim_scenario p2psim_mail_003[] = {
	{
		.name = "mail/003-many-vmas",
		.question = "Does a part of a region fail because a boundary moved in another part?",
		.setup = setup,
		.exists = went_wrong,
		.expect = P2PSIM_NEVER,
		COMMON,
	},
	{
		.name = "mail/003-many-vmas!one-vma",
		.question = "What if the driver drops what lies in the first VMA of an invalidation only?",
		.setup = setup_one_vma,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		COMMON,
	},
	{},
};
