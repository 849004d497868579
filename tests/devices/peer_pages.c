/* SPDX-License-Identifier: MIT */
/*
 * Pages of a process in a gpu's memory, and other devices that import them: RFC 4/5, timeline T11; the rules in
 * src/vma/page_map.c.
 *
 *	pages 0, 1, ... at VA(0)	written with 'a', 'b', ...; then moved to gpu0
 */
#include "devices_fixture.h"

#include <p2psim/dma.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/pci.h>
#include <p2psim/reason.h>
#include <p2psim/vma_map.h>

static struct mm_struct *mm_of(struct devices *d)
{
	return p2psim_process_mm(d->m.app);
}

static void in_vram(struct devices *d, unsigned long pages)
{
	unsigned long i;

	assert_int_equal(machine_map_anonymous(&d->m, VA(0), pages), 0);
	for (i = 0; i < pages; i++)
		assert_int_equal(p2psim_store_byte(d->m.app, VA(i), (u8)('a' + i)), 0);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0), VA(pages)), (long)pages);
	assert_int_equal(machine_register(&d->m, VA(0), pages * PAGE_SIZE), 0);
}

static pte_t pte_at(struct devices *d, unsigned long page)
{
	const pte_t *pte = p2psim_pte_lookup(mm_of(d), VA(page));

	return pte ? *pte : __pte(0);
}

static bool in_bar(struct devices *d, uint64_t dma)
{
	const struct pci_dev *pdev = p2psim_gpu_pdev(d->m.gpu);

	return dma >= pci_resource_start(pdev, 0) && dma <= pci_resource_end(pdev, 0);
}

/* What the CPU's page table says, as an address of RAM. */
static uint64_t ram_at(struct devices *d, unsigned long page)
{
	pte_t pte = pte_at(d, page);

	return pte_present(pte) ? (uint64_t)pte_pfn(pte) << PAGE_SHIFT : 0;
}

static bool nic0_only(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	return importer == arg;
}

/*
 * T11:
 *	nic0				nic1				page 0
 *	p2p_map() = 1: the BAR						in gpu0's memory
 *					p2p_map() = 0: refused
 *					  migrate_to_ram(): MIGRATE
 *	invalidate(): p2p_unmap()
 *									in RAM
 *					-EBUSY, again: RAM
 *	again: RAM
 */
static void test_t11_a_refused_importer_sends_the_page_to_ram_and_both_find_it(void **state)
{
	struct devices *d = *state;
	char byte = 0;

	in_vram(d, 1);
	assert_int_equal(machine_add_nic(&d->m, VA(0), PAGE_SIZE), 0);
	p2psim_gpu_set_policy(d->m.gpu, nic0_only, p2psim_nic_dev(d->m.nic));
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_true(in_bar(d, p2psim_nic_entry_dma(d->m.mr, VA(0))) && is_device_private_pte(pte_at(d, 0)));

	assert_int_equal(p2psim_nic_read(d->m.mr1, VA(0), &byte, 1), 0);
	assert_int_equal(byte, 'n');
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_POLICY);
	assert_int_equal(p2psim_nic_last_event(d->m.mr, NULL, NULL), MMU_NOTIFY_MIGRATE);

	assert_int_equal(nic_get(d, VA(0)), 'n');
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr, VA(0)), ram_at(d, 0));
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr1, VA(0)), ram_at(d, 0));
}

/* S17: the peer reaches the page where it is; nobody faults, nothing moves, the count knows. */
static void test_s17_an_import_leaves_the_page_in_the_gpu(void **state)
{
	struct devices *d = *state;

	in_vram(d, 3);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 3);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 3);
	assert_int_equal(p2psim_vma_map_count(mm_of(d), p2psim_nic_dev(d->m.nic), VA(0), VA(3)), 3);
	assert_int_equal(nic_get(d, VA(2)), 'c');
	assert_int_equal(p2psim_nic_region_stats(d->m.mr)->retries, 0);
}

/* S17, the other half: the CPU touches it, and finds what the peer has written. */
static void test_s17_a_cpu_access_brings_it_back_and_the_peer_lets_go(void **state)
{
	struct devices *d = *state;

	in_vram(d, 2);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(0)), 'n');
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 1);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 1);
	assert_false(p2psim_nic_has_entry(d->m.mr, VA(0), P2PSIM_NIC_READ));
	assert_true(p2psim_nic_has_entry(d->m.mr, VA(1), P2PSIM_NIC_READ));
}

/* A BAR of two pages: p2p_map() of three says 2, and the third goes to RAM. */
static void test_what_is_not_granted_goes_to_ram_and_the_rest_stays(void **state)
{
	struct devices *d = *state;
	struct machine_config config = { .bar_pages = 2 };

	machine_demolish(&d->m);
	d->m = (struct machine){};
	assert_int_equal(machine_build(&d->m, &config), 0);
	in_vram(d, 3);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), 0);
	assert_true(in_bar(d, p2psim_nic_entry_dma(d->m.mr, VA(0))) && in_bar(d, p2psim_nic_entry_dma(d->m.mr, VA(1))));
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr, VA(2)), ram_at(d, 2));
	assert_int_equal(p2psim_nic_region_stats(d->m.mr)->retries, 1);
}

/* The window of a page that nobody maps any more is another page's when the BAR is full. */
static void test_idle_windows_make_room(void **state)
{
	struct devices *d = *state;
	struct machine_config config = { .bar_pages = 1 };

	machine_demolish(&d->m);
	d->m = (struct machine){};
	assert_int_equal(machine_build(&d->m, &config), 0);
	in_vram(d, 2);
	assert_int_equal(nic_get(d, VA(0)), 'a');
	p2psim_nic_deregister(d->m.mr);
	assert_int_equal(machine_register(&d->m, VA(0), 2 * PAGE_SIZE), 0);
	assert_int_equal(nic_get(d, VA(1)), 'b');
	assert_true(in_bar(d, p2psim_nic_entry_dma(d->m.mr, VA(1))));
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 2);
}

/* C1 of patch 4/5: an owner without p2p_map() is as good as one that refuses. */
static void test_without_p2p_map_the_page_goes_to_ram(void **state)
{
	struct devices *d = *state;
	struct dev_pagemap_ops ops;
	struct dev_pagemap *pgmap;

	in_vram(d, 1);
	pgmap = pfn_to_page(pte_pfn(pte_at(d, 0)))->pgmap;
	ops = *pgmap->ops;
	ops.p2p_map = NULL;
	pgmap->ops = &ops;
	assert_int_equal(nic_get(d, VA(0)), 'a');
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr, VA(0)), ram_at(d, 0));
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 0);
}

/* A page that a fork shares has to be copied for who writes: no peer's mapping does that.  H14. */
static void test_a_write_to_a_shared_page_is_not_asked_for(void **state)
{
	struct devices *d = *state;
	struct p2psim_process *child;

	in_vram(d, 1);
	assert_int_equal(p2psim_fork(d->m.app, "child", &child), 0);
	assert_int_equal(nic_get(d, VA(0)), 'a');
	assert_true(in_bar(d, p2psim_nic_entry_dma(d->m.mr, VA(0))));
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr, VA(0)), ram_at(d, 0));
	assert_int_equal(p2psim_load_byte(child, VA(0)), 'a');
	p2psim_process_exit(child);
}

struct reader {
	struct mmu_interval_notifier sub;
	struct mutex lock;
};

static bool move_the_sequence(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct reader *reader = container_of(sub, struct reader, sub);

	mutex_lock(&reader->lock);
	mmu_interval_set_seq(sub, cur_seq);
	mutex_unlock(&reader->lock);
	return true;
}

static const struct mmu_interval_notifier_ops moves_the_sequence = { .invalidate = move_the_sequence };

/* H5: who does not map for DMA gets no bus addresses, and the page as ever. */
static void test_hmm_range_fault_alone_still_brings_it_back(void **state)
{
	struct devices *d = *state;
	struct reader reader;
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &reader.sub, .start = VA(0), .end = VA(1), .hmm_pfns = &pfn, .default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret;

	in_vram(d, 1);
	mutex_init(&reader.lock);
	assert_int_equal(mmu_interval_notifier_insert(&reader.sub, mm_of(d), VA(0), PAGE_SIZE, &moves_the_sequence),
			 0);
	do {
		range.notifier_seq = mmu_interval_read_begin(&reader.sub);
		mmap_read_lock(mm_of(d));
		ret = hmm_range_fault(&range);
		mmap_read_unlock(mm_of(d));
	} while (ret == -EBUSY);
	assert_int_equal(ret, 0);
	assert_int_equal(pfn & ~HMM_PFN_FLAGS, ram_at(d, 0) >> PAGE_SHIFT);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 0);
	mmu_interval_notifier_remove(&reader.sub);
}

/*	munmap(), then exit: UNMAP and RELEASE come first, memory and windows go afterwards */
static void test_munmap_and_exit_end_the_mapping_first(void **state)
{
	struct devices *d = *state;

	in_vram(d, 2);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_int_equal(p2psim_nic_last_event(d->m.mr, NULL, NULL), MMU_NOTIFY_UNMAP);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 1);
	p2psim_process_exit(d->m.app);
	d->m.app = NULL;
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 0);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 0);
}

/* The record goes where the page goes: two halves of a VMA, and one again. */
static void test_a_split_and_a_merge_keep_the_mapping(void **state)
{
	struct devices *d = *state;

	in_vram(d, 3);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_READ), 0);
	assert_int_equal(p2psim_madvise(d->m.app, VA(1), PAGE_SIZE, MADV_DONTFORK), 0);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 3);
	assert_int_equal(p2psim_madvise(d->m.app, VA(1), PAGE_SIZE, MADV_DOFORK), 0);
	assert_int_equal(nic_get(d, VA(1)), 'b');
	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), 0);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 2);
	assert_int_equal(nic_get(d, VA(2)), 'c');
}

/* Eviction says CLEAR, page by page (S10 for pages): the peer lets go, and finds the same bytes in RAM. */
static void test_eviction_and_unplug_reach_the_peer_first(void **state)
{
	struct devices *d = *state;

	in_vram(d, 2);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	p2psim_gpu_evict_pages(d->m.gpu);
	assert_int_equal(p2psim_nic_last_event(d->m.mr, NULL, NULL), MMU_NOTIFY_CLEAR);
	assert_int_equal(nic_get(d, VA(0)), 'n');
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0), VA(2)), 2);
	assert_int_equal(nic_get(d, VA(1)), 'b');
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
	assert_int_equal(nic_get(d, VA(1)), 'b');
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0), VA(2)), -ENODEV);
}

/* No way between the two: the reason is kept, the page goes to RAM. */
static void test_an_importer_that_cannot_reach_the_bar_gets_ram(void **state)
{
	struct devices *d = *state;
	struct pci_dev *port = p2psim_pci_root_port(p2psim_pci_find("0000:00:00.0"), NULL);
	struct p2psim_nic *far = p2psim_nic_create(port, &(struct p2psim_nic_config){ .name = "nic1" });

	in_vram(d, 1);
	d->m.nic1 = far;
	assert_int_equal(dma_set_mask(p2psim_nic_dev(far), DMA_BIT_MASK(24)), 0);
	assert_int_equal(p2psim_nic_register(far, mm_of(d), VA(0), PAGE_SIZE, 0, &d->m.mr1), 0);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr1, VA(0), VA(1), P2PSIM_NIC_READ), 0);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_ROUTABLE);
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr1, VA(0)), ram_at(d, 0));
}

/* What p2psim_gpu_migrate() says when it cannot. */
static void test_migrate_refuses_what_is_no_range_of_memory(void **state)
{
	struct devices *d = *state;

	in_vram(d, 1);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0) + 1, VA(1)), -EINVAL);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(1), VA(1)), -EINVAL);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(5), VA(6)), -EFAULT);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0), VA(1)), 0);
}

/* VRAM is shared with objects, and given back when the mm has let go. */
static void test_pages_and_objects_share_the_vram(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo;

	in_vram(d, 40);
	assert_null(p2psim_gpu_object_create(d->m.gpu, 25, 0));
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), 30 * PAGE_SIZE), 0);
	bo = p2psim_gpu_object_create(d->m.gpu, 25, 0);
	assert_non_null(bo);
	assert_int_equal(engine_get(bo, 0), 0);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 10);
}

/* ---- Owners that do not keep to the rules ---- */

static long maps_more(struct dev_pagemap *pgmap, struct device *importer, struct page **pages, unsigned long npages,
		      dma_addr_t *pa, bool write)
{
	return (long)npages + 1;
}

static long maps_without_address(struct dev_pagemap *pgmap, struct device *importer, struct page **pages,
				 unsigned long npages, dma_addr_t *pa, bool write)
{
	return (long)npages;
}

static long keeps_a_lock(struct dev_pagemap *pgmap, struct device *importer, struct page **pages, unsigned long npages,
			 dma_addr_t *pa, bool write)
{
	static struct mutex lock;

	mutex_init(&lock);
	mutex_lock(&lock);
	return 0;
}

static unsigned long unmaps_none(struct dev_pagemap *pgmap, struct device *importer, struct page **pages,
				 unsigned long npages, dma_addr_t *pa)
{
	return 0;
}

/* gpu0's page 0 with other callbacks, imported and touched. */
static void import_from(struct devices *d, struct dev_pagemap_ops *ops)
{
	struct dev_pagemap *pgmap;

	in_vram(d, 1);
	pgmap = pfn_to_page(pte_pfn(pte_at(d, 0)))->pgmap;
	ops->migrate_to_ram = pgmap->ops->migrate_to_ram;
	ops->page_free = pgmap->ops->page_free;
	ops->p2p_map = ops->p2p_map ? ops->p2p_map : pgmap->ops->p2p_map;
	pgmap->ops = ops;
	devices_provoke(d);
	nic_get(d, VA(0));
	p2psim_load_byte(d->m.app, VA(0));
}

static void test_contract_more_pages_than_asked_for(void **state)
{
	import_from(*state, &(struct dev_pagemap_ops){ .p2p_map = maps_more });
	assert_fired(*state, P2PSIM_CONTRACT);
}

static void test_contract_a_page_without_an_address(void **state)
{
	import_from(*state, &(struct dev_pagemap_ops){ .p2p_map = maps_without_address });
	assert_fired(*state, P2PSIM_CONTRACT);
}

static void test_contract_an_unmap_that_fails(void **state)
{
	import_from(*state, &(struct dev_pagemap_ops){ .p2p_unmap = unmaps_none });
	assert_fired(*state, P2PSIM_CONTRACT);
}

static void test_balance_a_lock_that_p2p_map_keeps(void **state)
{
	import_from(*state, &(struct dev_pagemap_ops){ .p2p_map = keeps_a_lock });
	assert_fired(*state, P2PSIM_BALANCE);
}

/* C4, with MIGRATE: an importer that keeps the page is told off before it goes. */
static void test_contract_an_importer_that_ignores_the_migration(void **state)
{
	struct devices *d = *state;

	in_vram(d, 1);
	assert_int_equal(nic_get(d, VA(0)), 'a');
	p2psim_nic_set_faults(d->m.nic, P2PSIM_NIC_IGNORE_INVALIDATE);
	devices_provoke(d);
	p2psim_load_byte(d->m.app, VA(0));
	assert_fired(d, P2PSIM_CONTRACT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_t11_a_refused_importer_sends_the_page_to_ram_and_both_find_it),
		device_test(test_s17_an_import_leaves_the_page_in_the_gpu),
		device_test(test_s17_a_cpu_access_brings_it_back_and_the_peer_lets_go),
		device_test(test_what_is_not_granted_goes_to_ram_and_the_rest_stays),
		device_test(test_idle_windows_make_room),
		device_test(test_without_p2p_map_the_page_goes_to_ram),
		device_test(test_a_write_to_a_shared_page_is_not_asked_for),
		device_test(test_hmm_range_fault_alone_still_brings_it_back),
		device_test(test_munmap_and_exit_end_the_mapping_first),
		device_test(test_a_split_and_a_merge_keep_the_mapping),
		device_test(test_eviction_and_unplug_reach_the_peer_first),
		device_test(test_an_importer_that_cannot_reach_the_bar_gets_ram),
		device_test(test_migrate_refuses_what_is_no_range_of_memory),
		device_test(test_pages_and_objects_share_the_vram),
		device_test(test_contract_more_pages_than_asked_for),
		device_test(test_contract_a_page_without_an_address),
		device_test(test_contract_an_unmap_that_fails),
		device_test(test_balance_a_lock_that_p2p_map_keeps),
		device_test(test_contract_an_importer_that_ignores_the_migration),
	};

	return cmocka_run_group_tests_name("pages in a gpu's memory and their importers", tests, NULL, NULL);
}
