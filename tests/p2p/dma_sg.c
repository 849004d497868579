/* SPDX-License-Identifier: MIT */
/*
 * What is mapped besides single pages: lists, memory of kmalloc(), coherent memory, pools.  Rules G4, G5 of src/p2p/dma_sg.c and
 * D1-D3 of src/p2p/dma_book.c; routes of P2PDMA pages as recorded.
 */
#include "p2p_memory.h"
#include "fail_each.h"

#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/dmapool.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mman.h>
#include <p2psim/reason.h>

static struct device *nic(void)
{
	return &p2p_find("a")->dev;
}

/* Three pages of RAM, the second one apart. */
struct list {
	struct page *page[3];
	struct sg_table table;
};

static struct list l;

static int setup(void **state)
{
	int i, ret = p2p_setup(state);

	for (i = 0; i < 3; i++)
		l.page[i] = alloc_page(GFP_KERNEL);
	swap(l.page[1], l.page[2]);
	return ret ? ret : sg_alloc_table_from_pages(&l.table, l.page, 3, 0x80, 3 * PAGE_SIZE - 0x80, GFP_KERNEL);
}

static void free_list(void)
{
	int i;

	sg_free_table(&l.table);
	for (i = 0; i < 3; i++)
		put_page(l.page[i]);
}

static int teardown(void **state)
{
	free_list();
	return core_teardown(state);
}

/* D3: each entry is reached, no byte beside it. */
static void test_a_list_is_mapped_and_reached(void **state)
{
	char hello[] = "hello";
	struct scatterlist *sg;
	unsigned int i, bytes = 0;

	assert_int_equal(dma_map_sgtable(nic(), &l.table, DMA_FROM_DEVICE, 0), 0);
	assert_int_equal(l.table.nents, l.table.orig_nents);
	for_each_sgtable_dma_sg(&l.table, sg, i) {
		assert_int_equal(sg_dma_address(sg), sg_phys(sg));
		assert_int_equal(p2psim_dma_write(nic(), sg_dma_address(sg), hello, sizeof(hello)), 0);
		bytes += sg_dma_len(sg);
	}
	assert_int_equal(bytes, 3 * PAGE_SIZE - 0x80);
	assert_string_equal(sg_virt(l.table.sgl), "hello");
	p2psim_dma_write(nic(), sg_dma_address(l.table.sgl) - 1, hello, 1);
	assert_violation(*state, P2PSIM_CONTRACT, "never mapped");
	dma_unmap_sgtable(nic(), &l.table, DMA_FROM_DEVICE, 0);
	assert_int_equal(p2psim_dma_live(nic()), 0);
}

/* D3, D1 */
static void test_a_list_is_gone_after_it_was_unmapped(void **state)
{
	dma_addr_t addr;
	char c = 0;

	assert_int_equal(dma_map_sg(nic(), l.table.sgl, (int)l.table.orig_nents, DMA_BIDIRECTIONAL), l.table.orig_nents);
	addr = sg_dma_address(l.table.sgl);
	dma_unmap_sg(nic(), l.table.sgl, (int)l.table.orig_nents, DMA_BIDIRECTIONAL);
	p2psim_dma_read(nic(), addr, &c, 1);
	assert_violation(*state, P2PSIM_STALE, "after dma_unmap_sg()");
	dma_unmap_sg(nic(), l.table.sgl, 1, DMA_BIDIRECTIONAL);
	assert_violation(*state, P2PSIM_BALANCE, "dma_unmap_sg() of");
}

/* D2, D1 */
static void test_a_list_that_is_not_wholly_unmapped_is_a_leak(void **state)
{
	int nents = (int)l.table.orig_nents;

	assert_true(nents > 1);
	dma_map_sg(nic(), l.table.sgl, nents, DMA_TO_DEVICE);
	dma_unmap_sg(nic(), l.table.sgl, nents - 1, DMA_TO_DEVICE);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "dma_map_sg() of a was never undone");
	dma_unmap_sg(nic(), sg_last(l.table.sgl, (unsigned int)nents), 1, DMA_FROM_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "as DMA_FROM_DEVICE, mapped as DMA_TO_DEVICE");
	dma_unmap_sg(nic(), sg_last(l.table.sgl, (unsigned int)nents), 1, DMA_TO_DEVICE);
	dma_unmap_sg(nic(), l.table.sgl, nents + 1, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_BALANCE, "unmapped before");
}

/* G4 */
static void test_a_list_that_the_mask_does_not_reach_is_not_mapped_at_all(void **state)
{
	nic()->bus_dma_limit = page_to_phys(l.page[0]) + 2 * PAGE_SIZE - 1;
	assert_int_equal(dma_map_sgtable(nic(), &l.table, DMA_TO_DEVICE, 0), -EIO);
	assert_int_equal(dma_map_sg(nic(), l.table.sgl, (int)l.table.orig_nents, DMA_TO_DEVICE), 0);
	assert_int_equal(p2psim_dma_live(nic()), 0);
	nic()->bus_dma_limit = 0;
	assert_int_equal(dma_map_sgtable(nic(), &l.table, DMA_NONE, 0), -EINVAL);
	assert_violation(*state, P2PSIM_CONTRACT, "in no direction");
	nic()->dma_mask = NULL;
	assert_int_equal(dma_map_sgtable(nic(), &l.table, DMA_TO_DEVICE, 0), -EINVAL);
	assert_violation(*state, P2PSIM_CONTRACT, "without a DMA mask");
}

/* D3: one page of an entry of two goes to somebody else; the device still reaches the other. */
static void test_a_page_of_an_entry_that_is_anothers_now_is_stale(void **state)
{
	struct page *two[2] = { l.page[0], l.page[2] };
	struct sg_table table;
	char c;

	assert_int_equal(sg_alloc_table_from_pages(&table, two, 2, 0, 2 * PAGE_SIZE, GFP_KERNEL), 0);
	assert_int_equal(table.nents, 1);
	assert_int_equal(dma_map_sgtable(nic(), &table, DMA_TO_DEVICE, 0), 0);
	put_page(two[1]);
	p2p_take_until(two[1]);
	assert_int_equal(p2psim_dma_read(nic(), sg_dma_address(table.sgl) + 8, &c, 1), 0);
	assert_null(p2psim_world_violation(*state));
	p2psim_dma_read(nic(), sg_dma_address(table.sgl) + PAGE_SIZE + 8, &c, 1);
	assert_violation(*state, P2PSIM_STALE, "whose page was freed since it was mapped");
	dma_unmap_sgtable(nic(), &table, DMA_TO_DEVICE, 0);
	sg_free_table(&table);
}

/* ---- P2PDMA pages ---- */

struct p2p {
	struct p2p_memory memory;
	struct scatterlist list[2];
	struct dev_pagemap pgmap;	/* last: its ranges may be many */
};

static void p2p_page_free(struct page *page)
{
}

static const struct dev_pagemap_ops p2p_ops = { .page_free = p2p_page_free };

/* A list of a page of RAM and one of the BAR of `provider`. */
static void p2p_open(struct p2p *p, const char *provider)
{
	struct pci_dev *pdev = p2p_find(provider);

	memset(p, 0, sizeof(*p));
	p2p_memory_init(&p->memory, pdev, true);
	p->pgmap.type = MEMORY_DEVICE_PCI_P2PDMA;
	p->pgmap.ops = &p2p_ops;
	p->pgmap.nr_range = 1;
	p->pgmap.range.start = pci_resource_start(pdev, 0);
	p->pgmap.range.end = pci_resource_end(pdev, 0);
	assert_false(IS_ERR(memremap_pages(&p->pgmap, 0)));
	sg_init_table(p->list, 2);
	sg_set_page(&p->list[0], l.page[0], 100, 0);
	sg_set_page(&p->list[1], pfn_to_page((pci_resource_start(pdev, 0) >> PAGE_SHIFT) + 3), 100, 16);
}

static void p2p_close(struct p2p *p)
{
	memunmap_pages(&p->pgmap);
	p2p_memory_exit(&p->memory, true);
}

/* Recorded: below a common bridge the bus address, whatever the mask; ram stays as it is. */
static void test_a_peer_below_the_same_switch_is_reached_by_its_bus_address(void **state)
{
	char hello[] = "hello";
	struct p2p p;

	p2p_open(&p, "b");
	assert_int_equal(dma_set_mask(nic(), DMA_BIT_MASK(31)), 0);
	assert_int_equal(dma_map_sg(nic(), p.list, 2, DMA_BIDIRECTIONAL), 2);
	assert_false(sg_is_dma_bus_address(&p.list[0]));
	assert_true(sg_is_dma_bus_address(&p.list[1]));
	assert_int_equal(sg_dma_address(&p.list[1]), pci_bus_address(p2p_find("b"), 0) + 3 * PAGE_SIZE + 16);
	assert_int_equal(p2psim_dma_write(nic(), sg_dma_address(&p.list[1]), hello, sizeof(hello)), 0);
	assert_string_equal(p.memory.bytes + 3 * PAGE_SIZE + 16, "hello");
	dma_unmap_sg(nic(), p.list, 2, DMA_BIDIRECTIONAL);
	assert_false(sg_is_dma_bus_address(&p.list[1]));
	p2p_close(&p);
	(void)state;
}

/* Recorded: by way of the root complex the CPU address, if the mask reaches it, else -EIO. */
static void test_a_peer_through_the_root_complex_is_reached_by_its_cpu_address(void **state)
{
	struct p2p p;

	p2p_open(&p, "lone");
	assert_int_equal(dma_map_sg(nic(), p.list, 2, DMA_BIDIRECTIONAL), 2);
	assert_false(sg_is_dma_bus_address(&p.list[1]));
	assert_int_equal(sg_dma_address(&p.list[1]), sg_phys(&p.list[1]));
	dma_unmap_sg(nic(), p.list, 2, DMA_BIDIRECTIONAL);
	assert_int_equal(dma_set_mask(nic(), DMA_BIT_MASK(31)), 0);
	l.table.sgl[0] = p.list[1];
	sg_mark_end(l.table.sgl);
	l.table.orig_nents = 1;
	assert_int_equal(dma_map_sgtable(nic(), &l.table, DMA_BIDIRECTIONAL, 0), -EIO);
	p2p_close(&p);
	(void)state;
}

/* G4.  Recorded: -EREMOTEIO for the whole list; a mapping takes the route that somebody asked for last. */
static void test_a_peer_that_cannot_be_reached_is_refused(void **state)
{
	struct sg_table table = { .nents = 2, .orig_nents = 2 };
	struct p2p p;

	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	p2p_open(&p, "lone");
	table.sgl = p.list;
	assert_int_equal(dma_map_sgtable(nic(), &table, DMA_BIDIRECTIONAL, 0), -EREMOTEIO);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_ROUTABLE);
	assert_int_equal(p2psim_dma_live(nic()), 0);
	p2psim_pci_set_cpu(P2PSIM_CPU_AMD_ZEN);
	assert_int_equal(dma_map_sgtable(nic(), &table, DMA_BIDIRECTIONAL, 0), -EREMOTEIO);
	pci_p2pdma_distance(p2p_find("lone"), nic(), false);
	assert_int_equal(dma_map_sgtable(nic(), &table, DMA_BIDIRECTIONAL, 0), 0);
	dma_unmap_sgtable(nic(), &table, DMA_BIDIRECTIONAL, 0);
	p2p_close(&p);
	(void)state;
}

/* ---- memory of kmalloc() ---- */

static void test_a_buffer_is_mapped_where_it_lies(void **state)
{
	char *buf = kmalloc(9000, GFP_KERNEL), hello[] = "hello";
	dma_addr_t addr = dma_map_single(nic(), buf + 4090, 1000, DMA_FROM_DEVICE);

	assert_int_equal(addr, virt_to_phys(buf + 4090));
	assert_int_equal(p2psim_dma_write(nic(), addr + 1, hello, sizeof(hello)), 0);
	dma_unmap_single(nic(), addr, 1000, DMA_FROM_DEVICE);
	assert_string_equal(buf + 4091, "hello");
	kfree(buf);
	(void)state;
}

/* D3 */
static void test_the_device_does_not_reach_a_buffer_that_was_freed(void **state)
{
	char *buf = kmalloc(64, GFP_KERNEL), byte = 0;
	dma_addr_t addr = dma_map_single(nic(), buf, 64, DMA_BIDIRECTIONAL);

	kfree(buf);
	p2psim_dma_read(nic(), addr, &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "a read of memory that was freed in");
	assert_int_equal(byte, 0x6b);
	p2psim_dma_write(nic(), addr, &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "a write of memory that was freed in");
	dma_unmap_single(nic(), addr, 64, DMA_BIDIRECTIONAL);
	assert_int_equal(dma_map_single(nic(), buf, 64, DMA_BIDIRECTIONAL), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_UAF, "memory that was freed is mapped for a");
}

static void test_no_more_is_mapped_than_was_allocated(void **state)
{
	char *buf = kmalloc(64, GFP_KERNEL), local[64] = "";

	assert_int_equal(dma_map_single(nic(), buf + 1, 64, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_RANGE, "64 bytes are mapped for a from byte 1 on of the 64 bytes");
	assert_int_equal(dma_map_single(nic(), local, 64, DMA_TO_DEVICE), DMA_MAPPING_ERROR);
	assert_violation(*state, P2PSIM_CONTRACT, "a stack");
	kfree(buf);
}

static void test_who_synchronises_has_mapped_it_for_that_direction(void **state)
{
	char *buf = kmalloc(64, GFP_KERNEL);
	dma_addr_t addr = dma_map_single(nic(), buf, 64, DMA_FROM_DEVICE);

	dma_sync_single_for_cpu(nic(), addr, 64, DMA_FROM_DEVICE);
	dma_sync_single_range_for_device(nic(), addr, 32, 32, DMA_FROM_DEVICE);
	assert_null(p2psim_world_violation(*state));
	dma_sync_single_for_cpu(nic(), addr, 64, DMA_TO_DEVICE);
	assert_violation(*state, P2PSIM_CONTRACT, "as DMA_TO_DEVICE, mapped as DMA_FROM_DEVICE");
	dma_sync_single_for_cpu(nic(), addr, 65, DMA_FROM_DEVICE);
	assert_violation(*state, P2PSIM_CONTRACT, "which is not mapped for a");
	dma_unmap_single(nic(), addr, 64, DMA_FROM_DEVICE);
	dma_sync_single_for_cpu(nic(), addr, 64, DMA_FROM_DEVICE);
	assert_violation(*state, P2PSIM_CONTRACT, "which is no longer mapped for a");
	kfree(buf);
}

/* ---- coherent memory ---- */

static void test_coherent_memory_is_zero_and_reached_until_it_is_freed(void **state)
{
	dma_addr_t addr;
	u32 *ring = dma_alloc_coherent(nic(), 5000, &addr, GFP_KERNEL), value = 7;

	assert_int_equal(ring[0] | ring[1249], 0);
	assert_int_equal(offset_in_page(ring), 0);
	assert_int_equal(p2psim_dma_write(nic(), addr + 4096, &value, sizeof(value)), 0);
	assert_int_equal(ring[1024], 7);
	dma_free_coherent(nic(), 5000, ring, addr);
	p2psim_dma_read(nic(), addr, &value, sizeof(value));
	assert_violation(*state, P2PSIM_STALE, "after dma_free_coherent()");
}

/* D1, D2 */
static void test_coherent_memory_is_freed_as_it_was_allocated(void **state)
{
	dma_addr_t addr;
	char *memory = dma_alloc_coherent(nic(), 4096, &addr, GFP_KERNEL);

	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "dma_alloc_coherent() of a was never undone");
	dma_free_coherent(nic(), 8192, memory, addr);
	assert_violation(*state, P2PSIM_BALANCE, "dma_free_coherent() of");
	dma_free_coherent(nic(), 4096, memory + 8, addr);
	assert_violation(*state, P2PSIM_BALANCE, "another CPU address");
	dma_unmap_page(nic(), addr, 4096, DMA_BIDIRECTIONAL);
	assert_violation(*state, P2PSIM_BALANCE, "which came from dma_alloc_coherent()");
	dma_free_coherent(nic(), 4096, memory, addr);
	dma_set_coherent_mask(nic(), DMA_BIT_MASK(24));
	assert_null(dma_alloc_coherent(nic(), 4096, &addr, GFP_KERNEL));
	assert_int_equal(dma_set_coherent_mask(nic(), DMA_BIT_MASK(20)), -EIO);
}

static void test_a_pools_blocks_are_aligned_and_cross_no_boundary(void **state)
{
	struct dma_pool *pool = dma_pool_create("rings", nic(), 48, 16, 64);
	dma_addr_t addr[5];
	char *block[5];
	int i;

	assert_non_null(pool);
	for (i = 0; i < 5; i++) {
		block[i] = dma_pool_zalloc(pool, GFP_KERNEL, &addr[i]);
		assert_int_equal(addr[i] % 16, 0);
		assert_int_equal(addr[i] / 64, (addr[i] + 47) / 64);
		block[i][47] = 1;
	}
	for (i = 0; i < 5; i++)
		dma_pool_free(pool, block[i], addr[i]);
	dma_pool_destroy(pool);
	assert_null(dma_pool_create("rings", nic(), 48, 24, 0));
	assert_null(dma_pool_create("rings", nic(), 48, 16, 32));
	assert_null(dma_pool_create("rings", nic(), 0, 16, 0));
	(void)state;
}

static void test_a_pools_blocks_are_given_back_once(void **state)
{
	struct dma_pool *pool = dma_pool_create("rings", nic(), 48, 16, 0);
	dma_addr_t addr, other;
	char *block = dma_pool_alloc(pool, GFP_KERNEL, &addr), *second = dma_pool_alloc(pool, GFP_KERNEL, &other), c;

	dma_pool_free(pool, block, addr);
	p2psim_dma_read(nic(), addr, &c, 1);
	assert_violation(*state, P2PSIM_STALE, "after dma_pool_free()");
	dma_pool_free(pool, block, addr);
	assert_violation(*state, P2PSIM_BALANCE, "dma_pool_free() of");
	dma_pool_destroy(pool);
	assert_violation(*state, P2PSIM_LEAK, "pool rings of a is destroyed with 1 blocks");
	(void)second;
}

/* ---- allocations that fail ---- */

struct all {
	struct page *page[2];
	struct sg_table table;
	bool mapped;
	char *buf;
	dma_addr_t buf_addr, ring_addr, block_addr;
	void *ring, *block;
	struct dma_pool *pool;
};

static void tell(void *state)
{
	struct all *a = state;
	int error;

	p2p_build();
	a->page[0] = alloc_page(GFP_KERNEL);
	a->page[1] = alloc_page(GFP_KERNEL);
	a->buf = kmalloc(100, GFP_KERNEL);
	a->buf_addr = a->buf ? dma_map_single(nic(), a->buf, 100, DMA_TO_DEVICE) : DMA_MAPPING_ERROR;
	a->ring = dma_alloc_coherent(nic(), 100, &a->ring_addr, GFP_KERNEL);
	a->pool = dma_pool_create("rings", nic(), 64, 0, 0);
	a->block = a->pool ? dma_pool_alloc(a->pool, GFP_KERNEL, &a->block_addr) : NULL;
	if (!a->page[0] || !a->page[1])
		return;
	error = sg_alloc_table_from_pages_segment(&a->table, a->page, 2, 0, 2 * PAGE_SIZE, PAGE_SIZE, GFP_KERNEL);
	assert_true(!error || error == -ENOMEM);
	error = error ? error : dma_map_sgtable(nic(), &a->table, DMA_TO_DEVICE, 0);
	assert_true(!error || error == -ENOMEM);
	a->mapped = !error;
}

static void end(void *state)
{
	struct all *a = state;

	if (a->mapped)
		dma_unmap_sgtable(nic(), &a->table, DMA_TO_DEVICE, 0);
	if (a->table.sgl)
		sg_free_table(&a->table);
	if (!dma_mapping_error(nic(), a->buf_addr))
		dma_unmap_single(nic(), a->buf_addr, 100, DMA_TO_DEVICE);
	kfree(a->buf);
	if (a->ring)
		dma_free_coherent(nic(), 100, a->ring, a->ring_addr);
	if (a->block)
		dma_pool_free(a->pool, a->block, a->block_addr);
	dma_pool_destroy(a->pool);
	if (a->page[0])
		put_page(a->page[0]);
	if (a->page[1])
		put_page(a->page[1]);
}

/* Two pages, a buffer and its mapping, coherent memory, a pool and a block, a table and its two entries. */
static void test_every_allocation_may_fail(void **state)
{
	static const struct failing_story story = { .tell = tell, .end = end, .state_size = sizeof(struct all) };

	assert_int_equal(fail_each(&story), 2 + 2 + 1 + 2 + 3);
	(void)state;
}

#define sg_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define sg_test_rubble(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown_rubble)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sg_test(test_a_list_is_mapped_and_reached),
		sg_test(test_a_list_is_gone_after_it_was_unmapped),
		sg_test(test_a_list_that_is_not_wholly_unmapped_is_a_leak),
		sg_test(test_a_list_that_the_mask_does_not_reach_is_not_mapped_at_all),
		sg_test(test_a_page_of_an_entry_that_is_anothers_now_is_stale),
		sg_test(test_a_peer_below_the_same_switch_is_reached_by_its_bus_address),
		sg_test(test_a_peer_through_the_root_complex_is_reached_by_its_cpu_address),
		sg_test(test_a_peer_that_cannot_be_reached_is_refused),
		sg_test(test_a_buffer_is_mapped_where_it_lies),
		sg_test(test_the_device_does_not_reach_a_buffer_that_was_freed),
		sg_test(test_no_more_is_mapped_than_was_allocated),
		sg_test(test_who_synchronises_has_mapped_it_for_that_direction),
		sg_test(test_coherent_memory_is_zero_and_reached_until_it_is_freed),
		sg_test(test_coherent_memory_is_freed_as_it_was_allocated),
		sg_test(test_a_pools_blocks_are_aligned_and_cross_no_boundary),
		sg_test_rubble(test_a_pools_blocks_are_given_back_once),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("dma_sg", tests, NULL, NULL);
}
