/* SPDX-License-Identifier: MIT */
/*
 * R9: a range of 5.2 may count in larger pages, an exporter's p2p_map() counts in pages of PAGE_SIZE.
 *
 *	range, page_shift 13		pfns[0]         pfns[1]			room for two addresses
 *	VMA of gpu0			page 0  page 1  page 2  page 3		p2p_map() fills four
 */
#include <p2psim/linux-5.2/hmm.h>

#include "machine.h"

#include <errno.h>

#include "eras.h"

#define START 0x10000UL
#define PAGES 4
#define RANGE_SHIFT (PAGE_SHIFT + 1)

static const uint64_t flags[HMM_PFN_FLAG_MAX] = { [HMM_PFN_VALID] = 1, [HMM_PFN_WRITE] = 2, [HMM_PFN_DEVICE_PRIVATE] = 4 };
static const uint64_t values[HMM_PFN_VALUE_MAX] = { [HMM_PFN_ERROR] = 8, [HMM_PFN_SPECIAL] = 16 };

struct pages {
	struct machine m;
	struct hmm_mirror mirror;
	bool wrong;
};

static int sync(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	return 0; /* nothing stays mapped */
}

static const struct hmm_mirror_ops mirror_ops = { .sync_cpu_device_pagetables = sync };

static void teardown(void *state)
{
	struct pages *t = state;

	if (t->mirror.hmm)
		hmm_mirror_unregister(&t->mirror);
	mmu_notifier_synchronize();
	machine_demolish(&t->m);
}

static int setup(void *state)
{
	struct pages *t = state;
	struct machine_config config = {};
	int ret = machine_build(&t->m, &config);

	if (!ret && !machine_map_object(&t->m, START, PAGES, 0))
		ret = -ENOMEM;
	if (!ret) {
		struct mm_struct *mm = p2psim_process_mm(t->m.app);

		t->mirror.ops = &mirror_ops;
		down_write(&mm->mmap_sem);
		ret = hmm_mirror_register(&t->mirror, mm);
		up_write(&mm->mmap_sem);
	}
	if (ret)
		teardown(t);
	return ret;
}

static void nic_maps(void *state)
{
	struct pages *t = state;
	struct mm_struct *mm = p2psim_process_mm(t->m.app);
	uint64_t pfns[PAGES >> 1] = {};
	dma_addr_t daddrs[PAGES >> 1] = {};
	struct hmm_range range = { .pfns = pfns, .flags = flags, .values = values, .default_flags = 1, .pfn_shift = 8 };
	long ret;

	if (hmm_range_register(&range, &t->mirror, START, START + PAGES * PAGE_SIZE, RANGE_SHIFT))
		return;
	down_read(&mm->mmap_sem);
	ret = hmm_range_dma_map(&range, p2psim_nic_dev(t->m.nic), daddrs, true);
	up_read(&mm->mmap_sem);
	t->wrong = ret != -EINVAL;
	hmm_range_unregister(&range);
}

static bool went_wrong(void *state)
{
	return ((struct pages *)state)->wrong;
}

#define FIELDS                                                                                                         \
	.question = "Are there as many addresses as the exporter fills in?",                                           \
	.source = "Glisse, 2019-01-29, [RFC PATCH 5/5] Device peer to peer (p2p) through vma",                         \
	.state_size = sizeof(struct pages), .setup = setup, .tasks = { { "nic0", nic_maps } }, .exists = went_wrong,   \
	.teardown = teardown

const struct p2psim_scenario p2psim_era_pages[] = {
	ERA_PAIR("R9-two-page-sizes", R9_TWO_PAGE_SIZES, NULL, P2PSIM_VIOLATION, P2PSIM_RANGE, FIELDS)
	{},
};
