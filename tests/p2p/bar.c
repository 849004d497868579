/* SPDX-License-Identifier: MIT */
/* Windows of a BAR: placing, translation, generations, addresses for peers. */
#include "p2p_memory.h"

#include <errno.h>

#include <p2psim/dma.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/inject.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/ram.h>
#include <p2psim/reason.h>

static struct device *nic(void)
{
	return &p2p_find("b")->dev;
}

static u64 bus_of(const struct p2p_memory *memory, unsigned long page)
{
	return pci_bus_address(p2psim_bar_pdev(memory->bar), 0) + (page << PAGE_SHIFT);
}

/*
 *	page	0       4       8       12     15
 *		aaaa----BBBBBBBBcc..............	B: aligned to 8
 */
static void test_windows_are_placed_first_fit_at_their_alignment(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);

	assert_int_equal(p2psim_bar_pages(bar), P2P_MEMORY_PAGES);
	assert_int_equal(p2psim_bar_window_alloc(bar, 4, 0, 0, NULL), 0);
	assert_int_equal(p2psim_bar_window_alloc(bar, 8, 8, 4, NULL), 8);
	assert_int_equal(p2psim_bar_window_place(bar, 5, 0), -1);
	assert_int_equal(p2psim_bar_window_alloc(bar, 2, 2, 0, NULL), 4);
	assert_int_equal(p2psim_bar_window_next(bar, 6)->first, 8);
	p2psim_bar_window_free(bar, 0);
	p2psim_bar_window_free(bar, 8);
	p2psim_bar_window_free(bar, 4);
	assert_null(p2psim_bar_window_next(bar, 0));
	p2p_memory_exit(&memory, false);
}

static void test_each_way_in_which_a_window_is_refused(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), true);

	assert_int_equal(p2psim_bar_window_alloc(bar, 1, 0, 0, NULL), -ENOSPC);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_BAR_SPACE);
	assert_int_equal(p2psim_bar_window_alloc(bar, 0, 0, 0, NULL), -EINVAL);
	assert_int_equal(p2psim_bar_window_alloc(bar, 1, 3, 0, NULL), -EINVAL);
	p2psim_inject_fail_nth(*state, 1);
	assert_int_equal(p2psim_bar_window_alloc(bar, 1, 0, 0, NULL), -ENOMEM);
	pci_stop_and_remove_bus_device(p2p_find("a"));
	assert_int_equal(p2psim_bar_window_alloc(bar, 1, 0, 0, NULL), -ENODEV);
	p2p_memory_exit(&memory, true);
}

static void test_a_bar_is_shown_once_and_only_if_there_is_one(void **state)
{
	struct p2p_memory memory = {};
	struct pci_dev *a = p2p_find("a");

	assert_null(p2psim_bar_init(a, 1, &p2p_memory_ops, &memory));
	assert_null(p2psim_bar_init(a, 6, &p2p_memory_ops, &memory));
	p2psim_inject_fail_nth(*state, 1);
	assert_null(p2psim_bar_init(a, 0, &p2p_memory_ops, &memory));
	p2p_memory_init(&memory, a, false);
	assert_null(p2psim_bar_init(a, 0, &p2p_memory_ops, &memory));
	assert_int_equal(p2psim_bar_index(memory.bar), 0);
	p2p_memory_exit(&memory, false);
	p2p_memory_init(&memory, a, false);
	p2p_memory_exit(&memory, false);
}

/*
 *	BAR page	3   4			device page	7   8
 *			|-window-|  ------------->		|---|
 */
static void test_a_window_translates_bar_pages_to_device_pages(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);
	int cookie;

	p2psim_bar_window_alloc(bar, 3, 0, 0, NULL);
	assert_int_equal(p2psim_bar_window_alloc(bar, 2, 0, 7, &cookie), 3);
	assert_int_equal(p2psim_dma_write(nic(), bus_of(&memory, 4) + 5, "peer", 4), 0);
	assert_memory_equal(memory.bytes + (8 << PAGE_SHIFT) + 5, "peer", 4);
	assert_ptr_equal(memory.last_cookie, &cookie);
	p2psim_bar_window_retarget(bar, 3, 1);
	assert_int_equal(p2psim_dma_write(nic(), bus_of(&memory, 4), "else", 4), 0);
	assert_memory_equal(memory.bytes + (2 << PAGE_SHIFT), "else", 4);
	p2psim_bar_window_free(bar, 3);
	p2p_memory_exit(&memory, true);
}

/*
 *	before	..aaaa..bb......
 *	after	aaaa....bb......	a moves over its own place, contents stay
 */
static void test_a_window_moves_even_over_itself_and_shows_the_same(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);
	char byte = 0;

	p2psim_bar_window_alloc(bar, 2, 0, 0, NULL);
	p2psim_bar_window_alloc(bar, 4, 0, 5, NULL);
	assert_int_equal(p2psim_bar_window_alloc(bar, 2, 8, 0, NULL), 8);
	p2psim_bar_window_free(bar, 0);
	memory.bytes[(6 << PAGE_SHIFT)] = 'x';

	assert_int_equal(p2psim_bar_window_move(bar, 2, 6), -EBUSY);
	assert_int_equal(p2psim_bar_window_move(bar, 2, 14), -EINVAL);
	assert_int_equal(p2psim_bar_window_move(bar, 2, 2), 0);
	assert_int_equal(p2psim_bar_window_move(bar, 2, 0), 0);
	assert_int_equal(p2psim_dma_read(nic(), bus_of(&memory, 1), &byte, 1), 0);
	assert_int_equal(byte, 'x');
	p2psim_bar_window_free(bar, 8);
	p2p_memory_exit(&memory, true);
}

/* B2: alloc, retarget, move and free begin a generation. */
static void test_each_change_begins_a_new_generation(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), false);

	p2psim_bar_window_alloc(bar, 1, 0, 0, NULL);
	assert_int_equal(p2psim_bar_window_at(bar, 0)->generation, 1);
	p2psim_bar_window_retarget(bar, 0, 3);
	assert_int_equal(p2psim_bar_window_at(bar, 0)->generation, 2);
	p2psim_bar_window_move(bar, 0, 5);
	assert_null(p2psim_bar_window_at(bar, 0));
	p2psim_bar_window_move(bar, 5, 0);
	assert_int_equal(p2psim_bar_window_at(bar, 0)->generation, 4);
	p2p_memory_exit(&memory, true);
}

/* B3. */
static void test_a_page_whose_window_is_gone_is_stale_and_one_never_used_aborts(void **state)
{
	struct p2p_memory memory = {};
	struct p2psim_bar *bar = p2p_memory_init(&memory, p2p_find("a"), true);
	uint32_t word = 0;

	p2psim_bar_window_free(bar, 0);
	assert_int_equal(p2psim_dma_read(nic(), bus_of(&memory, 2), &word, 4), -EIO);
	assert_int_equal(word, 0xffffffff);
	assert_true(p2psim_world_violation(*state)->cause_step > 0);
	assert_violation(*state, P2PSIM_STALE, "a peer reads from page 2 of a BAR0, whose window is gone");
	p2psim_phys_access(pci_resource_start(p2p_find("a"), 0), &word, 4, true);
	assert_violation(*state, P2PSIM_STALE, "the CPU writes to page 0");
	p2p_memory_exit(&memory, false);

	p2p_memory_init(&memory, p2p_find("c"), false);
	assert_int_equal(p2psim_dma_read(nic(), bus_of(&memory, 2), &word, 4), -EIO);
	p2p_memory_exit(&memory, false);
}

static void test_the_cpu_sees_the_same_bytes_as_a_peer(void **state)
{
	struct p2p_memory memory = {};
	struct pci_dev *a = p2p_find("a");
	uint32_t word = 0x12345678;

	p2p_memory_init(&memory, a, true);
	p2psim_phys_access(pci_resource_start(a, 0) + 0x1004, &word, 4, true);
	word = 0;
	assert_int_equal(p2psim_dma_read(nic(), bus_of(&memory, 1) + 4, &word, 4), 0);
	assert_int_equal(word, 0x12345678);
	assert_int_equal(memory.by_cpu, 1);
	pci_disable_device(a);
	p2psim_phys_access(pci_resource_start(a, 0) + 0x1004, &word, 4, false);
	assert_int_equal(word, 0xffffffff);
	p2p_memory_exit(&memory, true);
}

/* B4, S9: below a common bridge the bus address, whatever the CPU calls it. */
static void test_peers_get_bus_addresses_below_a_bridge_and_cpu_addresses_through_the_host(void **state)
{
	struct p2psim_pci_host_config offset = { .bus_offset = 0x40000000 };
	struct p2p_memory memory = {};
	struct pci_dev *a;
	uint64_t pa[2];

	p2psim_world_reset(*state);
	p2p_build_with(&offset, NULL);
	a = p2p_find("a");
	p2p_memory_init(&memory, a, true);
	assert_int_equal(p2psim_bar_map(memory.bar, 3, 2, nic(), pa), 0);
	assert_int_equal(pa[1], pci_bus_address(a, 0) + (4 << PAGE_SHIFT));
	p2psim_bar_unmap(memory.bar, 2, nic(), pa);
	assert_int_equal(p2psim_bar_map(memory.bar, 3, 2, &p2p_find("lone")->dev, pa), 0);
	assert_int_equal(pa[1], pci_resource_start(a, 0) + (4 << PAGE_SHIFT));
	p2psim_bar_unmap(memory.bar, 2, &p2p_find("lone")->dev, pa);
	p2p_memory_exit(&memory, true);
}

/* S23, S24: each refusal, typed; nothing is left mapped.  Recorded: a bus address ignores the mask. */
static void test_each_refusal_of_an_importer_is_typed(void **state)
{
	struct device *lone = &p2p_find("lone")->dev, *uart = p2psim_platform_device("uart0");
	struct p2p_memory memory = {};
	uint64_t pa[1];

	p2p_memory_init(&memory, p2p_find("a"), true);
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 1, uart, pa), -EINVAL);
	dma_set_mask(lone, DMA_BIT_MASK(24));
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 1, lone, pa), -EREMOTEIO);
	assert_non_null(strstr(p2psim_last_refusal()->sentence, "beyond the DMA mask of lone"));
	dma_set_mask(nic(), DMA_BIT_MASK(24));
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 1, nic(), pa), 0);
	p2psim_bar_unmap(memory.bar, 1, nic(), pa);
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 1, lone, pa), -EREMOTEIO);
	pci_stop_and_remove_bus_device(to_pci_dev(lone));
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 1, lone, pa), -ENODEV);
	assert_int_equal(p2psim_dma_live(lone) + p2psim_dma_live(uart), 0);
	p2p_memory_exit(&memory, true);
}

static void test_unbalanced_maps_and_lost_windows_are_told(void **state)
{
	struct p2p_memory memory = {};
	uint64_t pa[2];

	p2p_memory_init(&memory, p2p_find("a"), true);
	assert_int_equal(p2psim_bar_map(memory.bar, 0, 2, nic(), pa), 0);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "p2psim_bar_map() of b was never undone");
	p2psim_bar_unmap(memory.bar, 2, nic(), pa);
	p2psim_bar_unmap(memory.bar, 1, nic(), pa + 1);
	assert_violation(*state, P2PSIM_BALANCE, "unmapped before");
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "a window of 16 pages at page 0 of a BAR0 was never freed");
	p2psim_bar_window_free(memory.bar, 3);
	assert_violation(*state, P2PSIM_CONTRACT, "no window of a BAR0 begins at page 3");
	p2p_memory_exit(&memory, true);
}

static void test_mapping_a_page_without_a_window_breaks_the_contract(void **state)
{
	struct p2p_memory memory = {};
	uint64_t pa[1];

	p2p_memory_init(&memory, p2p_find("a"), false);
	assert_int_equal(p2psim_bar_map(memory.bar, 5, 1, nic(), pa), -EINVAL);
	assert_violation(*state, P2PSIM_CONTRACT, "page 5 of a BAR0, which is in no window");
	p2p_memory_exit(&memory, false);
}

static void test_a_bar_destroyed_with_a_window_is_a_leak(void **state)
{
	struct p2p_memory memory = {};

	p2p_memory_init(&memory, p2p_find("a"), true);
	p2p_memory_exit(&memory, false);
	assert_violation(*state, P2PSIM_LEAK, "was never freed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2p_test(test_windows_are_placed_first_fit_at_their_alignment),
		p2p_test(test_each_way_in_which_a_window_is_refused),
		p2p_test(test_a_bar_is_shown_once_and_only_if_there_is_one),
		p2p_test(test_a_window_translates_bar_pages_to_device_pages),
		p2p_test(test_a_window_moves_even_over_itself_and_shows_the_same),
		p2p_test(test_each_change_begins_a_new_generation),
		p2p_test(test_a_page_whose_window_is_gone_is_stale_and_one_never_used_aborts),
		p2p_test(test_the_cpu_sees_the_same_bytes_as_a_peer),
		p2p_test(test_peers_get_bus_addresses_below_a_bridge_and_cpu_addresses_through_the_host),
		p2p_test(test_each_refusal_of_an_importer_is_typed),
		p2p_test(test_unbalanced_maps_and_lost_windows_are_told),
		p2p_test(test_mapping_a_page_without_a_window_breaks_the_contract),
		p2p_test(test_a_bar_destroyed_with_a_window_is_a_leak),
	};

	return cmocka_run_group_tests_name("bar", tests, NULL, NULL);
}
