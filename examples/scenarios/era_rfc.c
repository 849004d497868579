/* SPDX-License-Identifier: MIT */
/*
 * The RFC "Device peer to peer (p2p) through vma" of 2019-01-29, repaired and as it was posted: R1..R8, R10..R13.
 *
 * One importer maps what its layout says by hmm_range_dma_map(), and gives it back.  A layout has a letter a page:
 *
 *	A B C	objects of gpu0, each a VMA; the same letter again: the next page of the same object
 *	p	a page of the process that lies in gpu0's memory (4/5)
 *	r R	main memory, untouched; written to
 *	.	nothing
 */
#include "machine.h"

#include <errno.h>
#include <string.h>

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/step.h>
#include <p2psim/vma_map.h>

#include "eras.h"

#define START 0x10000UL
#define PAGES_MAX 8
#define AT(page) (START + (unsigned long)(page) * PAGE_SIZE)
#define TRIES_MAX 4

/* What a scenario is about, its ->data. */
struct layout {
	const char *pages;
	unsigned int object_flags;	/* enum p2psim_gpu_object_flags */
	bool read_only;			/* the device VMAs are */
	bool narrow;			/* the importer reaches no main memory */
	bool closed;			/* gpu0 lets nobody at its memory */
};

struct rfc {
	struct machine m;
	struct mmu_interval_notifier sub;
	struct mutex lock;
	struct p2psim_gpu_object *of_page[PAGES_MAX]; /* NULL: not the gpu's */
	unsigned long first_of_page[PAGES_MAX];	/* at which its object begins */
	unsigned long pages;
	unsigned long pfns[PAGES_MAX];	/* lock, once committed */
	dma_addr_t daddrs[PAGES_MAX];	/* lock, once committed */
	bool committed;			/* lock */
	bool wrong;
};

static const struct layout *layout(void)
{
	return p2psim_scenario_data();
}

static struct device *importer(struct rfc *t)
{
	return p2psim_nic_dev(t->m.nic);
}

static struct hmm_range describe(struct rfc *t)
{
	return (struct hmm_range){
		.notifier = &t->sub, .start = AT(0), .end = AT(t->pages), .hmm_pfns = t->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
}

static void give_back(struct rfc *t, unsigned long start, unsigned long end)
{
	struct hmm_range range = describe(t);

	hmm_range_dma_unmap(&range, importer(t), t->daddrs, max(start, range.start), min(end, range.end));
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct rfc *t = container_of(sub, struct rfc, sub);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&t->lock);
	else if (!mutex_trylock(&t->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	if (t->committed)
		give_back(t, range->start, range->end);
	mutex_unlock(&t->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

/* ---- Before and after ---- */

static int map_object(struct rfc *t, unsigned long first, unsigned long count)
{
	struct p2psim_gpu_object *bo = machine_map_object(&t->m, AT(first), count, layout()->object_flags);
	unsigned long i;

	if (!bo)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		t->of_page[first + i] = bo;
		t->first_of_page[first + i] = first;
	}
	return layout()->read_only ? p2psim_mprotect(t->m.app, AT(first), count * PAGE_SIZE, PROT_READ) : 0;
}

static int map_main(struct rfc *t, unsigned long first, unsigned long count)
{
	int ret = machine_map_anonymous(&t->m, AT(first), count);
	unsigned long i;

	for (i = 0; i < count && !ret && layout()->pages[first] == 'R'; i++)
		ret = p2psim_store_byte(t->m.app, AT(first + i), 'R');
	return ret;
}

static int map_memory(struct rfc *t, unsigned long first, unsigned long count)
{
	int ret = machine_map_anonymous(&t->m, AT(first), count);

	if (ret)
		return ret;
	return p2psim_gpu_migrate(t->m.gpu, p2psim_process_mm(t->m.app), AT(first), AT(first + count)) == (long)count
		       ? 0
		       : -ENOMEM;
}

static bool nobody(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	return false;
}

/* The same letter all along. */
static int map_run(struct rfc *t, unsigned long first, unsigned long count)
{
	char letter = layout()->pages[first];

	if (letter == '.')
		return 0;
	if (letter == 'p')
		return map_memory(t, first, count);
	return letter == 'r' || letter == 'R' ? map_main(t, first, count) : map_object(t, first, count);
}

static int map_layout(struct rfc *t)
{
	const char *pages = layout()->pages;
	unsigned long i, count;
	int ret = 0;

	t->pages = strlen(pages);
	for (i = 0; i < t->pages && !ret; i += count) {
		for (count = 1; pages[i + count] == pages[i]; count++)
			;
		ret = map_run(t, i, count);
	}
	return ret;
}

static void teardown(void *state)
{
	struct rfc *t = state;

	if (t->sub.mm) {
		mutex_lock(&t->lock);
		if (t->committed)
			give_back(t, AT(0), AT(t->pages));
		mutex_unlock(&t->lock);
		mmu_interval_notifier_remove(&t->sub);
	}
	machine_demolish(&t->m);
}

static int setup(void *state)
{
	struct rfc *t = state;
	struct machine_config config = {};
	int ret = machine_build(&t->m, &config) ?: map_layout(t);

	mutex_init(&t->lock);
	if (layout()->closed)
		p2psim_gpu_set_policy(t->m.gpu, nobody, NULL);
	if (!ret && layout()->narrow)
		*importer(t)->dma_mask = DMA_BIT_MASK(12);
	if (!ret)
		ret = mmu_interval_notifier_insert(&t->sub, p2psim_process_mm(t->m.app), AT(0), t->pages * PAGE_SIZE,
						   &ops);
	if (ret) {
		t->sub.mm = NULL;
		teardown(t);
	}
	return ret;
}

/* ---- The importer ---- */

/* 0: committed; -EAGAIN: collided, nothing is mapped; or what hmm_range_dma_map() says. */
static int commit(struct rfc *t, const struct hmm_range *range)
{
	int ret = 0;

	mutex_lock(&t->lock);
	if (mmu_interval_read_retry(range->notifier, range->notifier_seq))
		ret = -EAGAIN;
	t->committed = !ret;
	if (!ret)
		p2psim_vma_map_commit(t->sub.mm, importer(t), range->start, range->end);
	mutex_unlock(&t->lock);
	if (ret)
		give_back(t, range->start, range->end);
	return ret;
}

static int map_once(struct rfc *t)
{
	struct hmm_range range = describe(t);
	int ret;

	memset(t->pfns, 0, sizeof(t->pfns));
	range.notifier_seq = mmu_interval_read_begin(&t->sub);
	mmap_read_lock(t->sub.mm);
	ret = hmm_range_dma_map(&range, importer(t), t->daddrs);
	if (!ret)
		ret = commit(t, &range);
	mmap_read_unlock(t->sub.mm);
	return ret;
}

static int map(struct rfc *t)
{
	int ret, tries = 0;

	do {
		ret = map_once(t);
	} while ((ret == -EBUSY || ret == -EAGAIN) && ++tries < TRIES_MAX);
	return ret;
}

static dma_addr_t bar_address(const struct rfc *t, unsigned long page)
{
	unsigned long in_object = page - t->first_of_page[page];

	return pci_resource_start(p2psim_gpu_pdev(t->m.gpu), 0) +
	       ((dma_addr_t)(p2psim_gpu_object_bar_page(t->of_page[page]) + in_object) << PAGE_SHIFT);
}

/* One in the gpu's memory is in the BAR if the gpu allows it, else it has come back. */
static bool is_where_it_should(const struct rfc *t, unsigned long page)
{
	bool p2p = t->pfns[page] & HMM_PFN_P2P;

	if (layout()->pages[page] == 'p')
		return p2p == !layout()->closed;
	return !t->of_page[page] || t->daddrs[page] == bar_address(t, page);
}

/* Each page has an address, and those of the gpu the right one. */
static bool all_right(const struct rfc *t)
{
	unsigned long i;

	for (i = 0; i < t->pages; i++)
		if (t->daddrs[i] == DMA_MAPPING_ERROR || !is_where_it_should(t, i))
			return false;
	return true;
}

static bool all_given_back(const struct rfc *t)
{
	unsigned long i;

	for (i = 0; i < t->pages; i++)
		if (t->daddrs[i] != DMA_MAPPING_ERROR || (t->of_page[i] && p2psim_gpu_object_mapped(t->of_page[i])))
			return false;
	return !p2psim_gpu_pages_mapped(t->m.gpu);
}

/* ---- Tasks ---- */

static void nic_maps(void *state)
{
	struct rfc *t = state;

	t->wrong = map(t) || !all_right(t);
}

static void nic_maps_and_unmaps(void *state)
{
	struct rfc *t = state;

	if (map(t))
		return;
	mutex_lock(&t->lock);
	give_back(t, AT(0), AT(t->pages));
	t->wrong = !all_given_back(t);
	mutex_unlock(&t->lock);
}

/* It cannot, and then nothing is mapped. */
static void nic_maps_in_vain(void *state)
{
	struct rfc *t = state;

	t->wrong = !map(t) || !all_given_back(t);
}

static void nic_maps_if_it_can(void *state)
{
	map(state);
}

static void gpu_revokes(void *state)
{
	struct rfc *t = state;

	p2psim_gpu_revoke(t->of_page[0]);
}

static bool went_wrong(void *state)
{
	return ((struct rfc *)state)->wrong;
}

#define LAYOUT(letters, ...) .data = &(const struct layout){ .pages = letters, ##__VA_ARGS__ }
#define FIELDS(ask, patch, lay, ...)                                                                                   \
	.question = ask, .source = "Glisse, 2019-01-29, [RFC PATCH " patch "] Device peer to peer (p2p) through vma",  \
	.state_size = sizeof(struct rfc), .setup = setup, .tasks = { __VA_ARGS__ }, .exists = went_wrong,              \
	.teardown = teardown, lay
#define NIC0(fn) { "nic0", fn }

const struct p2psim_scenario p2psim_era_rfc[] = {
	ERA_PAIR("R1-never-peers", R1_NEVER_PEERS, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Do two devices below one switch reach each other?", "1/5", LAYOUT("A"), NIC0(nic_maps)))
	ERA_PAIR("R2-first-slot", R2_FIRST_SLOT, NULL, P2PSIM_VIOLATION, P2PSIM_RANGE,
		 FIELDS("Has each page its own address after two runs of device pages?", "4/5", LAYOUT("ArB"),
			NIC0(nic_maps)))
	ERA_PAIR("R3-skips-a-page", R3_SKIPS_A_PAGE, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Is the page behind a run of several mapped?", "4/5", LAYOUT("AABr"), NIC0(nic_maps)))
	ERA_PAIR("R4-unwind-forward", R4_UNWIND_FORWARD, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Is everything given back when a later page fails?", "4/5", LAYOUT("AA."), NIC0(nic_maps_in_vain)))
	ERA_PAIR("R5-running-total", R5_RUNNING_TOTAL, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Is everything given back that was mapped in several runs?", "5/5", LAYOUT("ArBr"),
			NIC0(nic_maps_and_unmaps)))
	ERA_PAIR("R6-unwind-skips-p2p", R6_UNWIND_SKIPS_P2P, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Are device pages given back when a page of main memory has no address?", "5/5",
			LAYOUT("Ar", .narrow = true), NIC0(nic_maps_in_vain)))
	ERA_PAIR("R7-nothing-counted", R7_NOTHING_COUNTED, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Can a range be mapped that is a device VMA and nothing else?", "5/5", LAYOUT("A"), NIC0(nic_maps)))
	ERA_PAIR("R8-one-vma", R8_ONE_VMA, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Can a range be unmapped that lies in two device VMAs?", "5/5", LAYOUT("AB"),
			NIC0(nic_maps_and_unmaps)))
	ERA_PAIR("R10-two-conventions", R10_TWO_CONVENTIONS, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Does a refusal of the exporter reach the importer as one?", "4/5 and 5/5",
			LAYOUT("A", .object_flags = P2PSIM_GPU_OBJECT_NO_P2P), NIC0(nic_maps_in_vain)))
	ERA_PAIR("R11-no-retry", R11_NO_RETRY, "nic0>p2p:map nic0>seq:check_retry gpu0 nic0", P2PSIM_VIOLATION, P2PSIM_DEADLOCK,
		 FIELDS("Is everything given back when a revoke comes in between?", "5/5", LAYOUT("A"),
			NIC0(nic_maps_if_it_can), { "gpu0", gpu_revokes }))
	ERA_PAIR("R12-no-permission", R12_NO_PERMISSION, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("May a device write where the process may not?", "5/5", LAYOUT("A", .read_only = true),
			NIC0(nic_maps_in_vain)))
	ERA_PAIR("R13-earlier-vmas-stay", R13_EARLIER_VMAS_STAY, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Are the device pages of earlier VMAs given back when a later one fails?", "5/5", LAYOUT("Ar."),
			NIC0(nic_maps_in_vain)))
	{},
};

/* The same defects where they were posted: in 4/5, for pages of regular VMAs in a device's memory. */
const struct p2psim_scenario p2psim_era_memory[] = {
	ERA_PAIR("R2-first-slot-of-memory", R2_FIRST_SLOT, NULL, P2PSIM_VIOLATION, P2PSIM_RANGE,
		 FIELDS("Has each page its own address after two runs of pages in a gpu's memory?", "4/5", LAYOUT("pRp"),
			NIC0(nic_maps)))
	ERA_PAIR("R3-skips-a-page-of-memory", R3_SKIPS_A_PAGE, NULL, P2PSIM_ALWAYS, 0,
		 FIELDS("Is the page behind several in a gpu's memory mapped?", "4/5", LAYOUT("ppr"), NIC0(nic_maps)))
	ERA_PAIR("R4-unwind-forward-of-memory", R4_UNWIND_FORWARD, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Are pages in a gpu's memory given back when a later one fails?", "4/5",
			LAYOUT("ppr", .narrow = true), NIC0(nic_maps_in_vain)))
	ERA_PAIR("R10-two-conventions-of-memory", R10_TWO_CONVENTIONS, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT,
		 FIELDS("Does a refusal bring the page back to main memory?", "4/5 and 5/5", LAYOUT("p", .closed = true),
			NIC0(nic_maps)))
	{},
};
