/* SPDX-License-Identifier: MIT */
/* The book of DMA mappings: masks, balance, leaks.  (What the bus asks of it is in bus.c.) */
#include "p2p_machine.h"

#include <errno.h>

#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>

static struct device *nic(void)
{
	return &p2p_find("a")->dev;
}

static struct page *new_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	assert_non_null(page);
	return page;
}

static void test_a_page_maps_to_its_physical_address(void **state)
{
	struct page *page = new_page();
	dma_addr_t addr = dma_map_page(nic(), page, 0x80, 0x100, DMA_TO_DEVICE);

	assert_int_equal(dma_mapping_error(nic(), addr), 0);
	assert_int_equal(addr, (page_to_pfn(page) << PAGE_SHIFT) + 0x80);
	assert_int_equal(p2psim_dma_live(nic()), 1);
	assert_true(p2psim_dma_is_mapped(nic(), addr, 0x100));
	assert_false(p2psim_dma_is_mapped(nic(), addr - 1, 0x100));
	dma_unmap_page(nic(), addr, 0x100, DMA_TO_DEVICE);
	assert_false(p2psim_dma_is_mapped(nic(), addr, 0x100));
	__free_page(page);
}

/* Two regions of one driver may map the same page: each has to give its own back. */
static void test_a_page_may_be_mapped_twice_and_is_unmapped_twice(void **state)
{
	struct page *page = new_page();
	dma_addr_t one = dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	dma_addr_t two = dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);

	assert_int_equal(one, two);
	dma_unmap_page(nic(), one, PAGE_SIZE, DMA_BIDIRECTIONAL);
	assert_true(p2psim_dma_is_mapped(nic(), two, PAGE_SIZE));
	dma_unmap_page(nic(), two, PAGE_SIZE, DMA_BIDIRECTIONAL);
	assert_int_equal(p2psim_dma_live(nic()), 0);
	__free_page(page);
}

/* S23: a device memory address beyond the mask. */
static void test_an_address_beyond_the_mask_is_an_error_and_no_mapping(void **state)
{
	struct pci_dev *b = p2p_find("b");
	struct page *page = new_page();
	dma_addr_t addr;

	assert_int_equal(dma_set_mask(nic(), DMA_BIT_MASK(24)), 0);
	addr = dma_map_resource(nic(), pci_resource_start(b, 0), PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
	assert_int_equal(addr, DMA_MAPPING_ERROR);
	assert_int_equal(dma_mapping_error(nic(), addr), -ENOMEM);
	assert_int_equal(p2psim_dma_live(nic()), 0);

	nic()->bus_dma_limit = DMA_BIT_MASK(16);
	assert_int_equal(dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL), DMA_MAPPING_ERROR);
	nic()->bus_dma_limit = 0;
	__free_page(page);
}

static void test_a_mask_is_at_least_24_bits(void **state)
{
	assert_int_equal(dma_get_mask(nic()), DMA_BIT_MASK(64));
	assert_int_equal(dma_set_mask(nic(), DMA_BIT_MASK(23)), -EIO);
	assert_int_equal(dma_set_mask_and_coherent(nic(), DMA_BIT_MASK(32)), 0);
	assert_int_equal(dma_get_mask(nic()), DMA_BIT_MASK(32));
	assert_int_equal(nic()->coherent_dma_mask, DMA_BIT_MASK(32));
	nic()->dma_mask = NULL;
	assert_int_equal(dma_set_mask(nic(), DMA_BIT_MASK(64)), -EIO);
}

/* Recorded: dma_map_resource() knows no routes and no offsets. */
static void test_a_resource_maps_to_its_cpu_address_whether_or_not_there_is_a_way(void **state)
{
	struct pci_dev *lone = p2p_find("lone");
	dma_addr_t addr;

	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	addr = dma_map_resource(nic(), pci_resource_start(lone, 0), 2 * PAGE_SIZE, DMA_FROM_DEVICE, 0);
	assert_int_equal(addr, pci_resource_start(lone, 0));
	dma_unmap_resource(nic(), addr, 2 * PAGE_SIZE, DMA_FROM_DEVICE, 0);
}

static void test_ram_is_no_resource(void **state)
{
	assert_int_equal(dma_map_resource(nic(), 0x100000, PAGE_SIZE, DMA_TO_DEVICE, 0), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_CONTRACT, "dma_map_resource() of RAM");
}

static void test_mapping_without_a_mask_or_a_direction_breaks_the_contract(void **state)
{
	struct page *page = new_page();

	assert_int_equal(dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_NONE), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_CONTRACT, "in no direction");
	nic()->dma_mask = NULL;
	assert_int_equal(dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_CONTRACT, "without a DMA mask");
	__free_page(page);
}

static void test_nothing_is_mapped_for_a_removed_device(void **state)
{
	struct device *dev = nic();
	struct page *page = new_page();

	pci_stop_and_remove_bus_device(to_pci_dev(dev));
	assert_int_equal(dma_map_page(dev, page, 0, PAGE_SIZE, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	__free_page(page);
}

/* D1, each way to get it wrong.  The mapping itself survives every wrong unmap. */
static void test_each_wrong_unmap_is_told_apart(void **state)
{
	struct page *page = new_page();
	dma_addr_t addr = dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_TO_DEVICE);

	dma_unmap_page(nic(), addr, 512, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "with 512 bytes, mapped with 4096");
	dma_unmap_page(nic(), addr + 8, 8, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "which was mapped from");
	dma_unmap_page(nic(), addr, PAGE_SIZE, DMA_FROM_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "as DMA_FROM_DEVICE, mapped as DMA_TO_DEVICE");
	dma_unmap_resource(nic(), addr, PAGE_SIZE, DMA_TO_DEVICE, 0);
	assert_violation(*state, P2PSIM_BALANCE, "which came from dma_map_page()");
	dma_unmap_page(&p2p_find("b")->dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "never mapped for b");
	dma_unmap_page(nic(), addr, PAGE_SIZE, DMA_TO_DEVICE);
	dma_unmap_page(nic(), addr, PAGE_SIZE, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "unmapped before");
	__free_page(page);
}

/* D2. */
static void test_a_mapping_that_is_never_undone_is_a_leak(void **state)
{
	struct page *page = new_page();
	dma_addr_t addr = dma_map_page(nic(), page, 0, PAGE_SIZE, DMA_TO_DEVICE);

	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "dma_map_page() of a was never undone");
	dma_unmap_page(nic(), addr, PAGE_SIZE, DMA_TO_DEVICE);
	__free_page(page);
}

/*
 * Against a naive model: an array of (start, pages) with a count each; overlapping ranges on purpose.
 */
#define STARTS 8u
#define SIZES 3u

static void test_a_thousand_random_calls_agree_with_the_naive_model(void **state)
{
	unsigned long live[STARTS][SIZES] = { { 0 } }, total = 0;
	u64 base = pci_resource_start(p2p_find("b"), 0), seed = 7;
	unsigned int i, start, size;

	for (i = 0; i < 1000; i++) {
		u64 addr, bytes;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		start = (unsigned int)(seed >> 33) % STARTS;
		size = (unsigned int)(seed >> 43) % SIZES;
		addr = base + start * PAGE_SIZE;
		bytes = (size + 1) * PAGE_SIZE;
		if (live[start][size] && seed >> 63) {
			dma_unmap_resource(nic(), addr, bytes, DMA_BIDIRECTIONAL, 0);
			live[start][size]--;
			total--;
		} else {
			dma_map_resource(nic(), addr, bytes, DMA_BIDIRECTIONAL, 0);
			live[start][size]++;
			total++;
		}
		assert_int_equal(p2psim_dma_live(nic()), total);
		assert_int_equal(p2psim_dma_is_mapped(nic(), addr, bytes),
				 live[start][size] || (size < 2 && live[start][size + 1]) ||
				 (size < 1 && live[start][2]) ||
				 (start && size < 2 && live[start - 1][size + 1]) ||
				 (start && size < 1 && live[start - 1][2]) ||
				 (start > 1 && size < 1 && live[start - 2][2]));
	}
	for (start = 0; start < STARTS; start++)
		for (size = 0; size < SIZES; size++)
			while (live[start][size]--)
				dma_unmap_resource(nic(), base + start * PAGE_SIZE, (size + 1) * PAGE_SIZE,
						   DMA_BIDIRECTIONAL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2p_test(test_a_page_maps_to_its_physical_address),
		p2p_test(test_a_page_may_be_mapped_twice_and_is_unmapped_twice),
		p2p_test(test_an_address_beyond_the_mask_is_an_error_and_no_mapping),
		p2p_test(test_a_mask_is_at_least_24_bits),
		p2p_test(test_a_resource_maps_to_its_cpu_address_whether_or_not_there_is_a_way),
		p2p_test(test_ram_is_no_resource),
		p2p_test(test_mapping_without_a_mask_or_a_direction_breaks_the_contract),
		p2p_test(test_nothing_is_mapped_for_a_removed_device),
		p2p_test(test_each_wrong_unmap_is_told_apart),
		p2p_test(test_a_mapping_that_is_never_undone_is_a_leak),
		p2p_test(test_a_thousand_random_calls_agree_with_the_naive_model),
	};

	return cmocka_run_group_tests_name("dma", tests, NULL, NULL);
}
