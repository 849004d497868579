/* SPDX-License-Identifier: MIT */
/*
 * Mail 000: Jerome Glisse to Jason Gunthorpe, 2019-01-30 17:59.
 *
 * A mirror fails on the mmap of a device file when its exporter refuses, and on a hole, with one and the same -EFAULT.
 * Whoever registers a memory region wants to tell its user which, once, at registration: hence a trial call,
 * hmm_mirror_is_maybe_supported(), that says why and leaves nothing mapped.  Afterwards "maybe" is all there is: the
 * mapping may change, and then an error is an error.
 *
 *	0x10000  object A, for everybody        trial: 0            access: works, until app unmaps it
 *	0x20000  object B, kept from peers      trial: -EACCES      access: -EFAULT
 *	0x30000  nothing                        trial: -EFAULT      access: -EFAULT
 */
#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>
#include <p2psim/vma_map.h>

#include "machine.h"
#include "mails.h"

#define SHARED 0x10000UL
#define KEPT 0x20000UL
#define HOLE 0x30000UL

struct trial_call {
	struct machine m;
	bool mistaken;	/* a refusal was taken for something else */
};

static int setup(void *state)
{
	struct trial_call *t = state;
	struct machine_config config = {};
	int ret = machine_build(&t->m, &config);

	if (!ret && !machine_map_object(&t->m, SHARED, 1, 0))
		ret = -ENOMEM;
	if (!ret && !machine_map_object(&t->m, KEPT, 1, P2PSIM_GPU_OBJECT_NO_P2P))
		ret = -ENOMEM;
	if (!ret)
		ret = machine_register(&t->m, 0, 0);
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static void teardown(void *state)
{
	machine_demolish(&((struct trial_call *)state)->m);
}

static int try_one(struct trial_call *t, unsigned long va)
{
	return hmm_mirror_is_maybe_supported(p2psim_nic_dev(t->m.nic), va, PAGE_SIZE);
}

static void expect(struct trial_call *t, int got, int want, int also)
{
	if (got != want && got != also)
		t->mistaken = true;
}

static void nic_registers(void *state)
{
	struct trial_call *t = state;

	p2psim_process_attach(t->m.app);
	expect(t, try_one(t, KEPT), -EACCES, -EACCES);
	expect(t, try_one(t, HOLE), -EFAULT, -EFAULT);
	expect(t, try_one(t, SHARED), 0, -EFAULT);
	p2psim_process_detach();

	p2psim_step("mail:tried");
	expect(t, p2psim_nic_write(t->m.mr, KEPT, "n", 1), -EFAULT, -EFAULT);
	expect(t, p2psim_nic_write(t->m.mr, HOLE, "n", 1), -EFAULT, -EFAULT);
	expect(t, p2psim_nic_write(t->m.mr, SHARED, "n", 1), 0, -EFAULT);
}

/* The hand-made trial: maps, is content, and forgets that it has mapped. */
static void nic_keeps_the_trial(void *state)
{
	struct trial_call *t = state;
	struct mm_struct *mm = p2psim_process_mm(t->m.app);
	struct vm_area_struct *vma;
	dma_addr_t dma;

	p2psim_step("mail:begin");
	mmap_read_lock(mm);
	vma = vma_lookup(mm, SHARED);
	if (vma)
		p2psim_vma_map(vma, p2psim_nic_dev(t->m.nic), SHARED, SHARED + PAGE_SIZE, &dma, true);
	mmap_read_unlock(mm);
}

static void app_unmaps(void *state)
{
	struct trial_call *t = state;

	p2psim_step("mail:begin");
	p2psim_munmap(t->m.app, SHARED, PAGE_SIZE);
}

static bool mistook_a_refusal(void *state)
{
	return ((struct trial_call *)state)->mistaken;
}

#define SOURCE "Glisse, 2019-01-30 17:59, Re: [RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma"

const struct p2psim_scenario p2psim_mail_000[] = {
	{
		.name = "mail/000-trial-call",
		.question = "Is a refusal by policy ever taken for a missing VMA, or the other way round?",
		.source = SOURCE,
		.state_size = sizeof(struct trial_call),
		.setup = setup,
		.tasks = { { "nic0", nic_registers }, { "app", app_unmaps } },
		.exists = mistook_a_refusal,
		.teardown = teardown,
		.expect = P2PSIM_NEVER,
		.schedule = "nic0>mail:tried app nic0",
	},
	{
		.name = "mail/000-trial-call!keeps-the-trial",
		.question = "May a trial leave its mapping behind?",
		.source = SOURCE,
		.state_size = sizeof(struct trial_call),
		.setup = setup,
		.tasks = { { "nic0", nic_keeps_the_trial }, { "app", app_unmaps } },
		.teardown = teardown,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.schedule = "nic0 app",
	},
	{},
};
