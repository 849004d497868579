/* SPDX-License-Identifier: MIT */
/*
 * Mail 002: Jason Gunthorpe to Christoph Hellwig, 2019-01-30 12:44.
 *
 * A doorbell is a page of a BAR.  It has no struct page, so nothing that is built on one can have it: GUP and O_DIRECT say
 * -EFAULT, and nobody wants O_DIRECT to a doorbell.  A VMA that knows its exporter is enough for another device to ring.
 *
 *	nic0    rings through p2p_map()              works, wherever the doorbell is at the moment
 *	app     rings by a CPU store                 works
 *	disk0   reads a block into the doorbell      -EFAULT; into ordinary memory: works
 *	gpu0    moves the doorbell to another page of its BAR
 *
 * The wrong way is old: fish the pfn out of the VMA with follow_pfn() and keep it.  Nobody can call it back.
 */
#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/dma.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "machine.h"
#include "mails.h"

#define GONE 0x10000UL
#define DOORBELL 0x20000UL
#define RAM 0x30000UL

struct doorbell {
	struct machine m;
	bool wrong;
};

static int setup(void *state)
{
	struct doorbell *t = state;
	struct machine_config config = {};
	struct p2psim_gpu_object *hole = NULL;
	int ret = machine_build(&t->m, &config) ?: machine_add_disk(&t->m, P2PSIM_IMPORTER_NO_FLAGS);

	if (!ret) {
		hole = machine_map_object(&t->m, GONE, 1, 0);
		ret = hole && machine_map_object(&t->m, DOORBELL, 1, 0) ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = machine_map_anonymous(&t->m, RAM, 1) ?: p2psim_store_byte(t->m.app, GONE, 'x');
	if (!ret)
		ret = p2psim_store_byte(t->m.app, DOORBELL, '.') ?: p2psim_munmap(t->m.app, GONE, PAGE_SIZE);
	if (!ret) {
		p2psim_gpu_object_put(hole);
		ret = machine_register(&t->m, DOORBELL, PAGE_SIZE);
	}
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static void teardown(void *state)
{
	machine_demolish(&((struct doorbell *)state)->m);
}

static void nic_rings(void *state)
{
	struct doorbell *t = state;

	p2psim_step("mail:begin");
	t->wrong |= p2psim_nic_write(t->m.mr, DOORBELL, "n", 1) != 0;
	p2psim_step("mail:rung");
	t->wrong |= p2psim_nic_write(t->m.mr, DOORBELL, "n", 1) != 0;
}

static int read_block(struct doorbell *t, unsigned long va)
{
	return p2psim_direct_io(t->m.disk, p2psim_process_mm(t->m.app), va, "b", 1, true);
}

static void disk_reads(void *state)
{
	struct doorbell *t = state;

	t->wrong |= read_block(t, DOORBELL) != -EFAULT;
	t->wrong |= read_block(t, RAM) != 0;
}

static void gpu_packs(void *state)
{
	struct doorbell *t = state;

	p2psim_gpu_defragment(t->m.gpu);
}

/* What a driver without p2p_map() did: no notifier, no question to the exporter, an address for ever. */
static void disk_fishes(void *state)
{
	struct doorbell *t = state;
	struct mm_struct *mm = p2psim_process_mm(t->m.app);
	struct vm_area_struct *vma;
	unsigned long pfn = 0;
	int ret = -EFAULT;

	p2psim_step("mail:begin");
	mmap_read_lock(mm);
	vma = vma_lookup(mm, DOORBELL);
	if (vma)
		ret = follow_pfn(vma, DOORBELL, &pfn);
	mmap_read_unlock(mm);

	p2psim_note("follow_pfn() = pfn 0x%x, kept", pfn);
	p2psim_step("mail:fished");
	if (!ret)
		p2psim_dma_write(p2psim_importer_dev(t->m.disk), (uint64_t)pfn << PAGE_SHIFT, "d", 1);
}

static bool went_wrong(void *state)
{
	return ((struct doorbell *)state)->wrong;
}

#define SOURCE "Gunthorpe, 2019-01-30 12:44, Re: [RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma"
#define COMMON .source = SOURCE, .state_size = sizeof(struct doorbell), .setup = setup, .teardown = teardown

const struct p2psim_scenario p2psim_mail_002[] = {
	{
		.name = "mail/002-doorbell",
		.question = "Does O_DIRECT get at a doorbell, or a peer fail to ring it?",
		.tasks = { { "nic0", nic_rings }, { "disk0", disk_reads }, { "gpu0", gpu_packs } },
		.exists = went_wrong,
		.expect = P2PSIM_NEVER,
		.schedule = "nic0>mail:rung disk0 gpu0 nic0",
		COMMON,
	},
	{
		.name = "mail/002-doorbell!fishes-the-pfn",
		.question = "May an importer take the pfn out of the VMA instead?",
		.tasks = { { "disk0", disk_fishes }, { "gpu0", gpu_packs } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_STALE,
		.schedule = "disk0>mail:fished gpu0 disk0",
		COMMON,
	},
	{},
};
