/* SPDX-License-Identifier: MIT */
/* TLPs: where each lands and by which hops, each error, and what the oracles say of a beat. */
#include "p2p_memory.h"

#include <errno.h>

#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>
#include <p2psim/task.h>

#define RAM_ADDRESS 0x100000ull

static struct device *dev_of(const char *name)
{
	return &p2p_find(name)->dev;
}

static u64 bar_of(const char *name)
{
	return pci_bus_address(p2p_find(name), 0);
}

static void expect_route(const char *from, u64 addr, const char *way, int error)
{
	struct p2psim_tlp_result result;
	char text[256];

	assert_int_equal(p2psim_dma_route(dev_of(from), addr, &result), error);
	p2psim_tlp_format(dev_of(from), &result, text, sizeof(text));
	assert_string_equal(text, way);
}

/* Where a request for the start of somebody's BAR goes, on a CPU that forwards.  "sw" is 0000:02:00.0. */
static const struct way {
	const char *from, *to, *way;
} ways[] = {
	{ "a", "a", "a BAR0+0x0" },
	{ "f0", "f1", "f0 > r1 > f1 BAR0+0x0" },
	{ "b", "a", "b > 0000:03:01.0 > sw > 0000:03:00.0 > a BAR0+0x0" },
	{ "c", "d", "c > 0000:07:00.0 > in > 0000:07:01.0 > d BAR0+0x0" },
	{ "c", "a", "c > 0000:07:00.0 > in > 0000:03:02.0 > sw > 0000:03:00.0 > a BAR0+0x0" },
	{ "x", "y", "x > pb > y BAR0+0x0" },
	{ "f0", "lone", "f0 > r1 > root complex > r4 > lone BAR0+0x0" },
	{ "a", "lone", "a > 0000:03:00.0 > sw > r2 > root complex > r4 > lone BAR0+0x0" },
	{ "rciep", "lone", "rciep > root complex > r4 > lone BAR0+0x0" },
	{ "lone", "far", "lone > r4 > root complex > r5 > far BAR0+0x0" },
};

static void give_all_a_memory(struct p2p_memory *memory)
{
	static const char *const names[] = { "f1", "a", "d", "y", "lone", "far" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		p2p_memory_init(&memory[i], p2p_find(names[i]), true);
}

static void take_all(struct p2p_memory *memory, size_t count)
{
	while (count--)
		p2p_memory_exit(&memory[count], true);
}

static void test_each_request_takes_the_way_that_the_tree_gives_it(void **state)
{
	struct p2p_memory *memory = test_calloc(6, sizeof(*memory));
	size_t i;

	give_all_a_memory(memory);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		expect_route(ways[i].from, bar_of(ways[i].to), ways[i].way, 0);
	expect_route("a", RAM_ADDRESS + 8, "a > 0000:03:00.0 > sw > r2 > root complex > RAM 0x100008", 0);
	take_all(memory, 6);
	test_free(memory);
}

/* The same, with a redirect on b's port, and with a host bridge that does not forward. */
static void test_a_redirect_forces_the_way_up_and_a_refusing_host_ends_it(void **state)
{
	struct p2p_memory memory = {};

	p2p_memory_init(&memory, p2p_find("a"), true);
	p2psim_pci_set_acs(p2p_down("sw", 1), PCI_ACS_RR);
	expect_route("b", bar_of("a"),
		     "b > 0000:03:01.0 > sw > r2 > root complex > r2 > sw > 0000:03:00.0 > a BAR0+0x0", 0);
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	expect_route("b", bar_of("a"),
		     "b > 0000:03:01.0 > sw > r2 > root complex: NOT_ROUTABLE", -EREMOTEIO);
	p2psim_pci_set_acs(p2p_down("sw", 1), 0);
	expect_route("b", bar_of("a"), "b > 0000:03:01.0 > sw > 0000:03:00.0 > a BAR0+0x0", 0);
	expect_route("lone", bar_of("a"), "lone > r4 > root complex: NOT_ROUTABLE", -EREMOTEIO);
	p2p_memory_exit(&memory, true);
}

/* With an offset the two sides have different names for the BAR: bus address below the bridge, CPU address above. */
static void test_the_same_bar_has_two_addresses_when_the_bridge_has_an_offset(void **state)
{
	struct p2psim_pci_host_config offset = { .bus_offset = 0x40000000 };
	struct p2p_memory memory = {};
	struct pci_dev *a;

	p2psim_world_reset(*state);
	p2p_build_with(&offset, NULL);
	a = p2p_find("a");
	p2p_memory_init(&memory, a, true);
	expect_route("b", pci_bus_address(a, 0), ways[2].way, 0);
	expect_route("b", pci_resource_start(a, 0),
		     "b > 0000:03:01.0 > sw > r2 > root complex > r2 > sw > 0000:03:00.0 > a BAR0+0x0", 0);
	expect_route("lone", pci_bus_address(a, 0), "lone > r4 > root complex: UNSUPPORTED_REQUEST", -EIO);
	expect_route("lone", pci_resource_start(a, 0),
		     "lone > r4 > root complex > r2 > sw > 0000:03:00.0 > a BAR0+0x0", 0);
	p2p_memory_exit(&memory, true);
}

/* B51: memory decoding off.  Every error of a read delivers all ones. */
static void test_each_error_is_reported_and_reads_as_all_ones(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_tlp_result result;
	uint32_t word = 0;
	struct p2psim_dma_request read = { .dev = dev_of("b"), .addr = bar_of("a"), .buf = &word, .len = 4 };

	assert_int_equal(p2psim_dma(&read, &result), -EIO);
	assert_int_equal(result.status, P2PSIM_TLP_COMPLETER_ABORT); /* no driver behind it */

	p2p_memory_init(&memory, p2p_find("a"), true);
	memory.aborts = true;
	assert_int_equal(p2psim_dma(&read, &result), -EIO);
	assert_int_equal(result.status, P2PSIM_TLP_COMPLETER_ABORT);
	memory.aborts = false;
	word = 0;
	pci_disable_device(p2p_find("a"));
	assert_int_equal(p2psim_dma(&read, &result), -EIO);
	assert_int_equal(result.status, P2PSIM_TLP_DECODING_OFF);
	assert_int_equal(word, 0xffffffff);
	assert_int_equal(pci_enable_device(p2p_find("a")), 0);
	assert_int_equal(p2psim_dma(&read, &result), 0);
	assert_int_equal(word, 0);
	p2p_memory_exit(&memory, true);
}

static void test_nobody_answers_for_a_removed_device_and_it_does_nothing_itself(void **state)
{
	struct device *a = dev_of("a"), *b = dev_of("b");
	struct p2psim_tlp_result result;
	uint32_t word = 0;
	struct p2psim_dma_request read = { .dev = b, .addr = bar_of("a"), .buf = &word, .len = 4 };

	pci_stop_and_remove_bus_device(to_pci_dev(a));
	assert_int_equal(p2psim_dma(&read, &result), -EIO);
	assert_int_equal(result.status, P2PSIM_TLP_UNSUPPORTED_REQUEST);
	assert_string_equal(p2psim_tlp_status_name(result.status), "UNSUPPORTED_REQUEST");
	read.dev = a;
	read.addr = bar_of("c");
	assert_int_equal(p2psim_dma(&read, &result), -ENODEV);
	assert_int_equal(result.status, P2PSIM_TLP_DEVICE_GONE);
}

static void test_a_device_that_is_not_pci_sits_at_the_root_complex(void **state)
{
	struct device *uart = p2psim_platform_device("uart0");
	struct p2psim_tlp_result result;
	char text[64];

	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	assert_int_equal(p2psim_dma_route(uart, RAM_ADDRESS, &result), 0);
	assert_int_equal(result.where, P2PSIM_TLP_RAM);
	p2psim_tlp_format(uart, &result, text, sizeof(text));
	assert_string_equal(text, "uart0 > root complex > RAM 0x100000");
	assert_int_equal(p2psim_dma_route(uart, 0xfee00000, &result), -EIO);
	assert_int_equal(p2psim_tlp_format(uart, &result, text, 10), 41);
	assert_string_equal(text, "uart0 > r");
}

/*	one request	|..page..|..page..|..page..|	one step and one access each */
static void test_a_request_is_one_step_for_each_page_it_touches(void **state)
{
	struct p2p_memory memory = {};
	unsigned char buf[2 * 4096 + 2];
	struct p2psim_tlp_result result;
	struct p2psim_dma_request write = { .dev = dev_of("b"), .addr = bar_of("a") + 4095, .buf = buf,
					    .len = sizeof(buf), .write = true };
	uint64_t before;

	memset(buf, 7, sizeof(buf));
	p2p_memory_init(&memory, p2p_find("a"), true);
	before = p2psim_world_steps(*state);
	assert_int_equal(p2psim_dma(&write, &result), 0);
	assert_int_equal(p2psim_world_steps(*state) - before, 4);
	assert_int_equal(memory.writes, 4);
	assert_int_equal(result.done, sizeof(buf));
	assert_memory_equal(memory.bytes + 4095, buf, sizeof(buf));
	assert_int_equal(result.address, 3 * 4096);
	p2p_memory_exit(&memory, true);
}

/*	page 14 | page 15 | beyond the BAR: the beat that fails ends it, what went before has been moved	*/
static void test_the_first_failing_beat_ends_the_request(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);
	struct p2psim_tlp_result result;
	unsigned char buf[8192];
	struct p2psim_dma_request read = { .dev = dev_of("b"), .addr = bar_of("a"), .buf = buf, .len = sizeof(buf) };

	p2psim_bar_window_alloc(bar, 1, 0, 0, NULL);
	assert_int_equal(p2psim_dma(&read, &result), -EIO);
	assert_int_equal(result.done, 4096);
	assert_int_equal(result.address, 4096);
	assert_int_equal(buf[4095], 0);
	assert_int_equal(buf[4096], 0xff);
	p2p_memory_exit(&memory, true);
}

static struct page *map_page(struct device *dev, enum dma_data_direction dir, dma_addr_t *addr)
{
	struct page *page = alloc_page(GFP_KERNEL);

	assert_non_null(page);
	*addr = dma_map_page(dev, page, 0, PAGE_SIZE, dir);
	assert_int_equal(dma_mapping_error(dev, *addr), 0);
	return page;
}

static void test_mapped_ram_is_read_and_written(void **state)
{
	struct device *nic = dev_of("b");
	dma_addr_t addr;
	struct page *page = map_page(nic, DMA_BIDIRECTIONAL, &addr);
	char buf[4] = "";

	assert_int_equal(p2psim_dma_write(nic, addr + 100, "ram", 4), 0);
	assert_int_equal(p2psim_dma_read(nic, addr + 100, buf, 4), 0);
	assert_string_equal(buf, "ram");
	dma_unmap_page(nic, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	__free_page(page);
}

/* D3. */
static void test_ram_is_reached_through_a_live_mapping_in_its_direction_only(void **state)
{
	struct device *nic = dev_of("b");
	dma_addr_t addr;
	struct page *page = map_page(nic, DMA_TO_DEVICE, &addr);
	char byte = 0;

	assert_int_equal(p2psim_dma_read(nic, addr, &byte, 1), 0);
	p2psim_dma_write(nic, addr, &byte, 1);
	assert_violation(*state, P2PSIM_CONTRACT, ", mapped for the other direction");
	p2psim_dma_read(dev_of("a"), addr, &byte, 1);
	assert_violation(*state, P2PSIM_CONTRACT, "never mapped for it");
	dma_unmap_page(nic, addr, PAGE_SIZE, DMA_TO_DEVICE);
	p2psim_dma_read(nic, addr, &byte, 1);
	assert_true(p2psim_world_violation(*state)->cause_step > 0);
	assert_violation(*state, P2PSIM_STALE, "after dma_unmap_page()");
	__free_page(page);
}

static void test_a_freed_page_is_stale_even_if_it_is_still_mapped(void **state)
{
	struct device *nic = dev_of("b");
	dma_addr_t addr;
	struct page *page = map_page(nic, DMA_BIDIRECTIONAL, &addr);
	char byte = 0;

	__free_page(page);
	p2psim_dma_read(nic, addr, &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "");
	dma_unmap_page(nic, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* D4, the address lives on while its window has become somebody else's. */
static void test_a_page_that_was_handed_out_again_is_stale_at_its_old_mapping(void **state)
{
	struct device *nic = dev_of("b");
	dma_addr_t addr;
	struct page *page = map_page(nic, DMA_BIDIRECTIONAL, &addr);
	char byte = 0;

	__free_page(page);
	page = p2p_take_until(page);
	p2psim_dma_write(nic, addr, &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "b writes to 0x100000, whose page was freed since it was mapped");
	dma_unmap_page(nic, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	__free_page(page);
}

static void test_an_address_of_an_earlier_window_is_stale_though_the_page_answers(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);
	struct device *nic = dev_of("b");
	uint64_t pa[1];
	char byte = 0;

	p2psim_bar_window_alloc(bar, 1, 0, 3, NULL);
	assert_int_equal(p2psim_bar_map(bar, 0, 1, nic, pa), 0);
	assert_int_equal(p2psim_dma_read(nic, pa[0], &byte, 1), 0);
	p2psim_bar_window_free(bar, 0);
	p2psim_bar_window_alloc(bar, 1, 0, 9, NULL);
	p2psim_dma_read(nic, pa[0], &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "whose BAR window has changed since it was mapped");
	p2psim_bar_unmap(bar, 1, nic, pa);
	p2psim_dma_read(nic, pa[0], &byte, 1);
	assert_violation(*state, P2PSIM_STALE, "after p2psim_bar_unmap()");
	p2p_memory_exit(&memory, true);
}

static void test_an_address_of_a_removed_device_is_stale(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), true);
	struct device *nic = dev_of("b");
	uint64_t pa[1];
	char byte = 0;

	assert_int_equal(p2psim_bar_map(bar, 0, 1, nic, pa), 0);
	pci_stop_and_remove_bus_device(p2p_find("a"));
	assert_int_equal(p2psim_dma_read(nic, pa[0], &byte, 1), -EIO);
	assert_violation(*state, P2PSIM_STALE, "whose BAR window has changed");
	p2psim_bar_unmap(bar, 1, nic, pa);
	p2p_memory_exit(&memory, true);
}

/* Bytes belong to somebody: a page's owner, a window's owner; a request says whom it is for. */
static void test_bytes_of_somebody_else_are_data(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_object mine, theirs;
	struct device *nic = dev_of("b");
	dma_addr_t addr;
	struct page *page = map_page(nic, DMA_BIDIRECTIONAL, &addr);
	char byte = 0;
	struct p2psim_dma_request read = { .dev = nic, .addr = addr, .buf = &byte, .len = 1 };

	p2psim_object_init(&mine, "app");
	p2psim_object_init(&theirs, "other");
	p2psim_page_set_owner(page, theirs.id);
	assert_int_equal(p2psim_dma(&read, NULL), 0);
	read.owner = theirs.id;
	assert_int_equal(p2psim_dma(&read, NULL), 0);
	assert_null(p2psim_world_violation(*state));
	read.owner = mine.id;
	p2psim_dma(&read, NULL);
	assert_violation(*state, P2PSIM_DATA, "b reads a page of other on behalf of app");
	p2p_memory_init(&memory, p2p_find("a"), true);
	p2psim_bar_window_set_owner(memory.bar, 0, theirs.id);
	read.addr = bar_of("a");
	p2psim_dma(&read, NULL);
	assert_violation(*state, P2PSIM_DATA, "b reads BAR memory of other on behalf of app");
	p2p_memory_exit(&memory, true);
	dma_unmap_page(nic, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	__free_page(page);
}

/*
 * A beat names what it touches, so that somebody who explores sees the race:
 *
 *	nic			exporter
 *	stands before dma:read
 *				frees the window
 *	reads: STALE
 */
struct race {
	struct device *nic;
	u64 addr;
};

static void reads_one_byte(void *arg)
{
	struct race *race = arg;
	char byte;

	p2psim_dma_read(race->nic, race->addr, &byte, 1);
}

static void test_a_window_freed_in_front_of_a_beat_is_seen(void **state)
{
	struct p2p_memory memory = {};
	struct race race = { .nic = dev_of("b"), .addr = bar_of("a") };
	struct task_struct *task;

	p2p_memory_init(&memory, p2p_find("a"), true);
	task = p2psim_task_spawn("nic", reads_one_byte, &race);
	assert_int_equal(p2psim_run_until(task, "dma:read"), 0);
	p2psim_bar_window_free(memory.bar, 0);
	p2psim_run();
	assert_violation(*state, P2PSIM_STALE, "page 0 of a BAR0, whose window is gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2p_test(test_each_request_takes_the_way_that_the_tree_gives_it),
		p2p_test(test_a_redirect_forces_the_way_up_and_a_refusing_host_ends_it),
		p2p_test(test_the_same_bar_has_two_addresses_when_the_bridge_has_an_offset),
		p2p_test(test_each_error_is_reported_and_reads_as_all_ones),
		p2p_test(test_nobody_answers_for_a_removed_device_and_it_does_nothing_itself),
		p2p_test(test_a_device_that_is_not_pci_sits_at_the_root_complex),
		p2p_test(test_a_request_is_one_step_for_each_page_it_touches),
		p2p_test(test_the_first_failing_beat_ends_the_request),
		p2p_test(test_mapped_ram_is_read_and_written),
		p2p_test(test_ram_is_reached_through_a_live_mapping_in_its_direction_only),
		p2p_test(test_a_freed_page_is_stale_even_if_it_is_still_mapped),
		p2p_test(test_a_page_that_was_handed_out_again_is_stale_at_its_old_mapping),
		p2p_test(test_an_address_of_an_earlier_window_is_stale_though_the_page_answers),
		p2p_test(test_an_address_of_a_removed_device_is_stale),
		p2p_test(test_bytes_of_somebody_else_are_data),
		p2p_test_rubble(test_a_window_freed_in_front_of_a_beat_is_seen),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
