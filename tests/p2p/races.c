/* SPDX-License-Identifier: MIT */
/*
 * Small questions about the bus, answered over all interleavings.  Each beat, window and mapping is one step that names
 * the pages it touches: pairs that touch the same thing have two orders, the others one.
 *
 *	exporter | device 0			nic
 *	frees a window, moves it, unmaps ...	one DMA beat
 */
#include "explored.h"
#include "p2p_memory.h"

#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>

struct race {
	struct p2p_memory memory;
	struct device *nic;
	struct page *page;
	u64 addr;			/* what the nic reads */
	uint64_t pa[1];
	unsigned char byte;
	int error;
};

/* A window over pages 0-1 of the BAR of "a", one over page 2, and the nic about to read page `target`. */
static int two_windows(struct race *race, unsigned long target)
{
	p2p_build();
	race->nic = &p2p_find("b")->dev;
	race->memory.bar = p2psim_bar_init(p2p_find("a"), 0, &p2p_memory_ops, &race->memory);
	p2psim_bar_window_alloc(race->memory.bar, 2, 0, 0, NULL);
	p2psim_bar_window_alloc(race->memory.bar, 1, 0, 8, NULL);
	race->memory.bytes[0] = 'a';
	race->addr = pci_bus_address(p2p_find("a"), 0) + (target << PAGE_SHIFT);
	return 0;
}

static int nic_reads_page_0(void *state)
{
	return two_windows(state, 0);
}

static int nic_reads_page_2(void *state)
{
	return two_windows(state, 2);
}

static void nic_reads(void *state)
{
	struct race *race = state;

	race->error = p2psim_dma_read(race->nic, race->addr, &race->byte, 1);
}

static void exporter_frees(void *state)
{
	struct race *race = state;

	p2psim_bar_window_free(race->memory.bar, 0);
}

static void exporter_moves(void *state)
{
	struct race *race = state;

	P2PSIM_CHECK(p2psim_bar_window_move(race->memory.bar, 0, 4) == 0);
}

static void exporter_switches_off(void *state)
{
	pci_disable_device(p2p_find("a"));
}

static void bridge_redirects(void *state)
{
	p2psim_pci_set_acs(p2p_down("sw", 0), PCI_ACS_RR);
}

static void clean_up(void *state)
{
	struct race *race = state;
	const struct p2psim_bar_window *window;

	if (race->page) {
		if (p2psim_dma_live(race->nic))
			dma_unmap_page(race->nic, race->addr, PAGE_SIZE, DMA_TO_DEVICE);
		__free_page(race->page);
		return;
	}
	while ((window = p2psim_bar_window_next(race->memory.bar, 0)))
		p2psim_bar_window_free(race->memory.bar, window->first);
	p2psim_bar_destroy(race->memory.bar);
}

static bool failed(void *state)
{
	return ((struct race *)state)->error != 0;
}

static int nic_reads_ram(void *state)
{
	struct race *race = state;

	p2p_build();
	race->nic = &p2p_find("b")->dev;
	race->page = alloc_page(GFP_KERNEL);
	race->addr = dma_map_page(race->nic, race->page, 0, PAGE_SIZE, DMA_TO_DEVICE);
	return 0;
}

static void driver_unmaps(void *state)
{
	struct race *race = state;

	dma_unmap_page(race->nic, race->addr, PAGE_SIZE, DMA_TO_DEVICE);
}

static void driver_maps_and_unmaps_another(void *state)
{
	struct race *race = state;
	u64 addr = pci_resource_start(p2p_find("c"), 0);

	dma_map_resource(race->nic, addr, PAGE_SIZE, DMA_TO_DEVICE, 0);
	dma_unmap_resource(race->nic, addr, PAGE_SIZE, DMA_TO_DEVICE, 0);
}

/* Another page is taken at once: the bytes at the old address are nobody's, whoever comes first. */
static void driver_gives_its_page_back(void *state)
{
	struct race *race = state;
	struct page *page = race->page;
	static const unsigned char byte = 2;

	put_page(page);
	race->page = alloc_page(GFP_KERNEL);
	P2PSIM_CHECK(race->page && p2psim_ram_write(page_to_phys(race->page), &byte, 1) == 0);
}

static void clean_up_page(void *state)
{
	struct race *race = state;

	if (p2psim_dma_live(race->nic))
		dma_unmap_page(race->nic, race->addr, PAGE_SIZE, DMA_TO_DEVICE);
	put_page(race->page);
}

#define SCENARIO(scenario_name, setup_fn, first, second, ...)                                                          \
	{                                                                                                              \
		.name = scenario_name, .question = "Does the beat notice?", .source = "tests",                         \
		.state_size = sizeof(struct race), .setup = setup_fn,                                                  \
		.teardown = clean_up,                                                                                  \
		.tasks = { { "first", first }, { "nic", second } }, __VA_ARGS__                                        \
	}

/* Traces, and how many of them fail: the numbers follow from "same page: two orders, else one". */
static const struct question {
	struct p2psim_scenario scenario;
	uint64_t traces, failing;
} questions[] = {
	{ SCENARIO("bus/read+free", nic_reads_page_0, exporter_frees, nic_reads, .expect = P2PSIM_VIOLATION,
		   .oracle = P2PSIM_STALE), 2, 1 },
	{ SCENARIO("bus/read-another+free", nic_reads_page_2, exporter_frees, nic_reads, .exists = failed,
		   .expect = P2PSIM_NEVER), 1, 0 },
	{ SCENARIO("bus/read+move", nic_reads_page_0, exporter_moves, nic_reads, .expect = P2PSIM_VIOLATION,
		   .oracle = P2PSIM_STALE), 2, 1 },
	{ SCENARIO("bus/read+decoding-off", nic_reads_page_0, exporter_switches_off, nic_reads, .exists = failed,
		   .expect = P2PSIM_SOMETIMES), 2, 1 },
	{ SCENARIO("bus/read+redirect", nic_reads_page_0, bridge_redirects, nic_reads, .exists = failed,
		   .expect = P2PSIM_NEVER), 2, 0 },
	{ SCENARIO("bus/read-ram+unmap", nic_reads_ram, driver_unmaps, nic_reads, .expect = P2PSIM_VIOLATION,
		   .oracle = P2PSIM_STALE), 2, 1 },
	{ SCENARIO("bus/read-ram+unmap-another", nic_reads_ram, driver_maps_and_unmaps_another, nic_reads,
		   .exists = failed, .expect = P2PSIM_NEVER), 1, 0 },
	{ { .name = "bus/read-ram+page-replaced", .question = "Does the beat notice?", .source = "tests",
	    .state_size = sizeof(struct race), .setup = nic_reads_ram, .teardown = clean_up_page,
	    .tasks = { { "first", driver_gives_its_page_back }, { "nic", nic_reads } }, .expect = P2PSIM_VIOLATION,
	    .oracle = P2PSIM_STALE }, 2, 1 },
	{ SCENARIO("bus/read+read", nic_reads_page_0, nic_reads, nic_reads, .exists = failed,
		   .expect = P2PSIM_NEVER), 1, 0 },
};

static void expect_counts(const struct question *question, enum p2psim_strategy_kind strategy)
{
	struct p2psim_explore_options options = { .strategy = strategy, .keep_going = true, .count_traces = true };
	struct p2psim_explore_result result;

	explore_as_expected(&question->scenario, &options, &result);
	assert_true(result.complete);
	assert_int_equal(result.traces, question->traces);
	assert_int_equal(result.failing_traces, question->failing);
}

static void test_dpor_and_the_plain_truth_count_the_same_traces(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(questions); i++) {
		expect_counts(&questions[i], P2PSIM_EXPLORE_NAIVE);
		expect_counts(&questions[i], P2PSIM_EXPLORE_DPOR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dpor_and_the_plain_truth_count_the_same_traces),
	};

	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
