/* SPDX-License-Identifier: MIT */
/*
 * Mail 001: Jerome Glisse to Logan Gunthorpe, 2019-01-29 14:44.
 *
 * How to import without HMM: look the VMA up; a regular one is for GUP, the mmap of a device file for p2p_map(); program
 * the device with either.  The exporter need not have mapped anything for the CPU.  And it may move things, its BAR for
 * instance: the importer must obey the notifier and map again, which must work again.
 *
 *	three-steps	disk0 imports RAM and an object that the CPU cannot see; gpu0 revokes the object meanwhile
 *	bar-defrag	nic0 writes to object B while gpu0 packs its BAR
 *
 *	BAR 0	before	|    |    | B  | B  | ...	window 2
 *		after	| B  | B  |    |    | ...	window 0
 */
#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/step.h>

#include "machine.h"
#include "mails.h"

#define RAM 0x10000UL
#define OBJECT 0x20000UL
#define GONE 0x30000UL

struct three_steps {
	struct machine m;
	struct p2psim_gpu_object *bo;
	bool wrong;
};

/* ---- three-steps ---- */

static int three_steps_setup_with(struct three_steps *t, unsigned int importer_flags)
{
	struct machine_config config = {};
	int ret = machine_build(&t->m, &config) ?: machine_add_disk(&t->m, importer_flags);

	if (!ret)
		ret = machine_map_anonymous(&t->m, RAM, 1);
	if (!ret) {
		t->bo = machine_map_object(&t->m, OBJECT, 1, P2PSIM_GPU_OBJECT_NO_CPU);
		ret = t->bo ? 0 : -ENOMEM;
	}
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static int three_steps_setup(void *state)
{
	return three_steps_setup_with(state, P2PSIM_IMPORTER_NO_FLAGS);
}

static int three_steps_setup_forgets(void *state)
{
	return three_steps_setup_with(state, P2PSIM_IMPORTER_FORGET_UNMAP);
}

static void teardown(void *state)
{
	machine_demolish(&((struct three_steps *)state)->m);
}

/* Imports a page and writes to it.  0, or why not: -EBUSY, -EFAULT: the exporter took it away, try again. */
static int import_and_write(struct three_steps *t, unsigned long va)
{
	struct p2psim_import *import;
	int ret = p2psim_import_create(t->m.disk, p2psim_process_mm(t->m.app), va, va + PAGE_SIZE, P2PSIM_IMPORT_WRITE,
				       &import);

	if (ret)
		return ret;
	p2psim_step("mail:imported");
	ret = p2psim_import_write(import, va, "d", 1);
	p2psim_import_destroy(import);
	return ret;
}

static void disk_imports(void *state)
{
	struct three_steps *t = state;
	int ret = import_and_write(t, RAM);

	t->wrong |= ret != 0;
	ret = import_and_write(t, OBJECT);
	t->wrong |= ret && ret != -EBUSY && ret != -EFAULT;
}

static void disk_imports_the_object(void *state)
{
	import_and_write(state, OBJECT);
}

static void app_stores(void *state)
{
	struct three_steps *t = state;

	p2psim_step("mail:begin");
	t->wrong |= p2psim_store_byte(t->m.app, OBJECT, 'a') == 0;
}

static void gpu_revokes(void *state)
{
	struct three_steps *t = state;

	p2psim_gpu_revoke(t->bo);
}

static bool went_wrong(void *state)
{
	return ((struct three_steps *)state)->wrong;
}

/* ---- bar-defrag ---- */

static int defrag_setup_with(struct three_steps *t, unsigned int gpu_faults, unsigned int nic_faults)
{
	struct machine_config config = { .gpu_faults = gpu_faults, .nic_faults = nic_faults };
	struct p2psim_gpu_object *hole = NULL;
	int ret = machine_build(&t->m, &config);

	/* A store makes the gpu take a window: first for the object that leaves a hole, then for ours. */
	if (!ret) {
		hole = machine_map_object(&t->m, GONE, 2, 0);
		t->bo = hole ? machine_map_object(&t->m, OBJECT, 2, 0) : NULL;
		ret = t->bo ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = p2psim_store_byte(t->m.app, GONE, 'x') ?: p2psim_store_byte(t->m.app, OBJECT, '.');
	if (!ret)
		ret = p2psim_munmap(t->m.app, GONE, 2 * PAGE_SIZE);
	if (!ret) {
		p2psim_gpu_object_put(hole);
		ret = machine_register(&t->m, OBJECT, 2 * PAGE_SIZE);
	}
	if (ret)
		machine_demolish(&t->m);
	return ret;
}

static int defrag_setup(void *state)
{
	return defrag_setup_with(state, P2PSIM_GPU_NO_FAULT, P2PSIM_NIC_NO_FAULT);
}

static int defrag_setup_no_retry(void *state)
{
	return defrag_setup_with(state, P2PSIM_GPU_NO_FAULT, P2PSIM_NIC_NO_RETRY_CHECK);
}

static int defrag_setup_ignores(void *state)
{
	return defrag_setup_with(state, P2PSIM_GPU_NO_FAULT, P2PSIM_NIC_IGNORE_INVALIDATE);
}

static int defrag_setup_tells_nobody(void *state)
{
	return defrag_setup_with(state, P2PSIM_GPU_MOVE_WITHOUT_REVOKE, P2PSIM_NIC_NO_FAULT);
}

/* What was granted once is granted again (C3): both writes work, wherever the object is. */
static void nic_writes(void *state)
{
	struct three_steps *t = state;
	char got = 0;
	int ret = p2psim_nic_write(t->m.mr, OBJECT, "1", 1);

	p2psim_step("mail:begin");
	p2psim_step("mail:written");
	if (!ret)
		ret = p2psim_nic_write(t->m.mr, OBJECT, "2", 1);
	if (!ret)
		ret = p2psim_gpu_object_read(t->bo, 0, &got, 1);
	t->wrong |= ret || got != '2';
}

static void gpu_defragments(void *state)
{
	struct three_steps *t = state;

	p2psim_gpu_defragment(t->m.gpu);
}

#define SOURCE "Glisse, 2019-01-29 14:44, Re: [RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma"
#define COMMON .source = SOURCE, .state_size = sizeof(struct three_steps), .teardown = teardown
#define DEFRAG COMMON, .tasks = { { "nic0", nic_writes }, { "gpu0", gpu_defragments } }

const struct p2psim_scenario p2psim_mail_001[] = {
	{
		.name = "mail/001-three-steps",
		.question = "Can an importer without HMM fail on RAM, or the CPU reach an object that is not for it?",
		.setup = three_steps_setup,
		.tasks = { { "disk0", disk_imports }, { "app", app_stores }, { "gpu0", gpu_revokes } },
		.exists = went_wrong,
		.expect = P2PSIM_NEVER,
		.schedule = "disk0>mail:imported disk0>importer:mapped disk0>mail:imported app gpu0 disk0",
		COMMON,
	},
	{
		.name = "mail/001-three-steps!forgets-unmap",
		.question = "May an importer stop its device and keep what p2p_map() gave?",
		.setup = three_steps_setup_forgets,
		.tasks = { { "disk0", disk_imports_the_object }, { "gpu0", gpu_revokes } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.schedule = "disk0>mail:imported gpu0",
		COMMON,
	},
	{
		.name = "mail/001-bar-defrag",
		.question = "Is a write of the nic lost while the gpu packs its BAR?",
		.setup = defrag_setup,
		.exists = went_wrong,
		.expect = P2PSIM_NEVER,
		.schedule = "nic0>nic:lock gpu0 nic0>mail:written gpu0 nic0",
		DEFRAG,
	},
	{
		.name = "mail/001-bar-defrag!ignores-invalidate",
		.question = "What if the importer only says yes to the notifier?",
		.setup = defrag_setup_ignores,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.schedule = "nic0>mail:written gpu0",
		DEFRAG,
	},
	{
		.name = "mail/001-bar-defrag!no-retry-check",
		.question = "What if it commits a mapping without looking whether it was revoked meanwhile?",
		.setup = defrag_setup_no_retry,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_CONTRACT,
		.schedule = "nic0>nic:lock gpu0 nic0",
		DEFRAG,
	},
	{
		.name = "mail/001-bar-defrag!tells-nobody",
		.question = "What if the exporter moves a window without a word?",
		.setup = defrag_setup_tells_nobody,
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_STALE,
		.schedule = "nic0>mail:written gpu0 nic0",
		DEFRAG,
	},
	{},
};
