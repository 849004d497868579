/* SPDX-License-Identifier: MIT */
/*
 * Mail 004: Jason Gunthorpe on Ralph Campbell's "[RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables",
 * 2019-06-08.
 *
 * A driver that is told "these addresses, drop them" wants to know why, and what they may be used for afterwards.  It cannot
 * look: the callback may run under reclaim, with mmap_lock held by nobody, or under mprotect(), with mmap_lock held for
 * writing by the very task.  So the range carries it: event, and the VMA with its new flags.
 *
 *	mprotect(PROT_READ)	PROTECTION_VMA, still readable: the entry stays, without its write bit
 *	reclaim			CLEAR: the entry goes
 */
#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>

#include "machine.h"
#include "mails.h"

#define BUFFER 0x10000UL

struct reason {
	struct machine m;
	bool read_only;	/* mprotect() has returned */
	bool wrong;
};

static int setup_with(struct reason *t, unsigned int nic_faults)
{
	struct machine_config config = { .nic_faults = nic_faults };
	int ret = machine_build(&t->m, &config);

	if (!ret)
		ret = machine_map_anonymous(&t->m, BUFFER, 1) ?: p2psim_store_byte(t->m.app, BUFFER, '.');
	if (!ret)
		ret = machine_register(&t->m, BUFFER, PAGE_SIZE);
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static int setup(void *state)
{
	return setup_with(state, P2PSIM_NIC_NO_FAULT);
}

static int setup_find_vma(void *state)
{
	return setup_with(state, P2PSIM_NIC_FIND_VMA);
}

static int setup_mmap_lock(void *state)
{
	return setup_with(state, P2PSIM_NIC_LOCK_MMAP);
}

static int setup_no_retry(void *state)
{
	return setup_with(state, P2PSIM_NIC_NO_RETRY_CHECK);
}

static void teardown(void *state)
{
	machine_demolish(&((struct reason *)state)->m);
}

/* Reading stays allowed all the time.  A write that begins after mprotect() has returned is refused. */
static void nic_uses_it(void *state)
{
	struct reason *t = state;
	bool read_only;
	char byte;
	int ret;

	p2psim_step("mail:begin");
	p2psim_nic_write(t->m.mr, BUFFER, "1", 1);
	p2psim_step("mail:written");
	t->wrong |= p2psim_nic_read(t->m.mr, BUFFER, &byte, 1) != 0;
	read_only = READ_ONCE(t->read_only);
	ret = p2psim_nic_write(t->m.mr, BUFFER, "2", 1);
	t->wrong |= ret ? ret != -EPERM : read_only;
}

static void app_protects(void *state)
{
	struct reason *t = state;

	p2psim_step("mail:begin");
	p2psim_mprotect(t->m.app, BUFFER, PAGE_SIZE, PROT_READ);
	WRITE_ONCE(t->read_only, true);
}

static void kswapd_reclaims(void *state)
{
	struct reason *t = state;

	p2psim_step("mail:begin");
	p2psim_reclaim_address(t->m.app, BUFFER);
}

static bool went_wrong(void *state)
{
	return ((struct reason *)state)->wrong;
}

#define SOURCE "Gunthorpe, 2019-06-08, Re: [RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables"
#define COMMON .source = SOURCE, .state_size = sizeof(struct reason), .teardown = teardown

const struct p2psim_scenario p2psim_mail_004[] = {
	{
		.name = "mail/004-reason",
		.question = "Can the nic write after mprotect() said read-only, or lose what it may still read?",
		.setup = setup,
		.tasks = { { "nic0", nic_uses_it }, { "app", app_protects }, { "kswapd", kswapd_reclaims } },
		.exists = went_wrong,
		.expect = P2PSIM_NEVER,
		.schedule = "nic0>mail:written app nic0 kswapd",
		COMMON,
	},
	{
		.name = "mail/004-reason!find-vma",
		.question = "May the callback look the VMA up, to learn why?",
		.setup = setup_find_vma,
		.tasks = { { "nic0", nic_uses_it }, { "kswapd", kswapd_reclaims } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.schedule = "nic0>mail:written kswapd",
		COMMON,
	},
	{
		.name = "mail/004-reason!takes-mmap-lock",
		.question = "And if it takes mmap_lock first?",
		.setup = setup_mmap_lock,
		.tasks = { { "nic0", nic_uses_it }, { "app", app_protects } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_DEADLOCK,
		.schedule = "nic0>mail:written app",
		COMMON,
	},
	{
		.name = "mail/004-reason!no-retry-check",
		.question = "What is the collision-retry scheme for?",
		.setup = setup_no_retry,
		.tasks = { { "nic0", nic_uses_it }, { "kswapd", kswapd_reclaims } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_STALE,
		.schedule = "nic0>nic:lock kswapd nic0",
		COMMON,
	},
	{},
};
