/* SPDX-License-Identifier: MIT */
/* Building and taking apart the tree: names, BARs, references. */
#include "p2p_machine.h"

#include <errno.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void test_names_come_from_the_topology(void **state)
{
	assert_string_equal(pci_name(p2p_find("r1")), "0000:00:01.0");
	assert_string_equal(pci_name(p2p_find("f1")), "0000:01:00.1");
	assert_string_equal(pci_name(p2p_find("sw")), "0000:02:00.0");
	assert_string_equal(pci_name(p2p_down("sw", 1)), "0000:03:01.0");
	assert_string_equal(dev_name(&p2p_find("a")->dev), "a");
	assert_string_equal(pci_name(p2p_find("far")), "0000:41:00.0");
	assert_ptr_equal(p2psim_pci_find("0000:00:01.0"), p2p_find("r1"));
	assert_true(p2psim_pci_is_valid());
}

static void test_the_tree_is_what_drivers_see_of_it(void **state)
{
	struct pci_dev *a = p2p_find("a"), *sw = p2p_find("sw");

	assert_true(dev_is_pci(&a->dev));
	assert_ptr_equal(to_pci_dev(&a->dev), a);
	assert_ptr_equal(pci_upstream_bridge(a), p2p_down("sw", 0));
	assert_ptr_equal(pci_upstream_bridge(pci_upstream_bridge(a)), sw);
	assert_int_equal(pci_pcie_type(sw), PCI_EXP_TYPE_UPSTREAM);
	assert_false(pci_is_pcie(p2p_find("x")));
	assert_null(pci_upstream_bridge(p2p_find("rciep")));
	assert_true(pci_is_root_bus(p2p_find("rciep")->bus));
}

/* Natural alignment, lowest free address first, no two functions in one page. */
static void test_bars_lie_at_their_natural_alignment(void **state)
{
	struct p2psim_pci_config config = { .name = "e", .bar_bytes = { 4096, 0, 16 * MIB, 0, 64, 8 } };
	struct pci_dev *host, *e;

	p2psim_world_reset(*state);
	host = p2psim_pci_root(NULL);
	assert_null(p2psim_pci_endpoint(host, &config)); /* 8 bytes are too few */
	config.bar_bytes[5] = 0;
	e = p2psim_pci_endpoint(host, &config);
	assert_int_equal(pci_resource_start(e, 0), 0xc0000000);
	assert_int_equal(pci_resource_start(e, 2), 0xc1000000);
	assert_int_equal(pci_resource_len(e, 2), 16 * MIB);
	assert_int_equal(pci_resource_start(e, 4), 0xc0001000);
	assert_int_equal(pci_resource_end(e, 4), 0xc000103f);
	assert_int_equal(pci_resource_len(e, 5), 0);
	assert_true(p2psim_pci_is_valid());
}

/* CPU address = bus address + offset. */
static void test_the_bus_address_is_the_cpu_address_less_the_offset(void **state)
{
	struct p2psim_pci_host_config config = { .bus_offset = 0x80000000 };
	struct pci_dev *e;

	p2psim_world_reset(*state);
	e = p2p_endpoint(p2psim_pci_root(&config), "e");
	assert_int_equal(pci_resource_start(e, 0), 0xc0000000);
	assert_int_equal(pci_bus_address(e, 0), 0x40000000);
}

static void test_a_bar_that_does_not_fit_below_four_gib_goes_above(void **state)
{
	struct p2psim_pci_config big = { .bar_bytes = { 16 * GIB } };
	struct p2psim_pci_config high = { .bar_bytes = { 4096 }, .bar_flags = { P2PSIM_PCI_BAR_HIGH } };
	struct p2psim_pci_config old = { .bar_bytes = { 16 * GIB }, .bar_flags = { P2PSIM_PCI_BAR_32 } };
	struct p2psim_pci_config io = { .bar_bytes = { 32 }, .bar_flags = { P2PSIM_PCI_BAR_IO } };
	struct pci_dev *host = p2psim_pci_root(NULL);

	assert_true(pci_resource_start(p2psim_pci_endpoint(host, &big), 0) >> 32 > 0);
	assert_true(pci_resource_start(p2psim_pci_endpoint(host, &high), 0) >> 32 > 0);
	assert_null(p2psim_pci_endpoint(host, &old));
	assert_int_equal(pci_resource_flags(p2psim_pci_endpoint(host, &io), 0), IORESOURCE_IO);
	assert_true(p2psim_pci_is_valid());
}

static void test_a_senseless_machine_is_refused(void **state)
{
	struct p2psim_pci_config odd_size = { .bar_bytes = { 3000 } };
	struct p2psim_pci_config taken = { .place = P2PSIM_PCI_AT(0, 0) };
	struct p2psim_pci_host_config in_ram = { .window_start = 0x1000000 };
	struct p2psim_pci_host_config overlap = { .window_start = 0xc0000000 };
	struct p2psim_pci_host_config bus = { .bus = 1 };

	assert_null(p2psim_pci_endpoint(p2p_find("r4"), &odd_size));
	assert_null(p2psim_pci_endpoint(p2p_find("r4"), &taken));
	assert_null(p2psim_pci_endpoint(p2p_find("a"), NULL)); /* nothing is below an endpoint */
	assert_null(p2psim_pci_endpoint(NULL, NULL));
	assert_null(p2psim_pci_root(&in_ram));
	assert_null(p2psim_pci_root(&overlap));
	assert_null(p2psim_pci_root(&bus));
	assert_true(p2psim_pci_is_valid());
}

/*	r2 -- sw --+-- a ...		sw goes, and all below it	*/
static void test_a_bridge_takes_all_below_it_along(void **state)
{
	struct pci_dev *sw = p2p_find("sw"), *a = p2p_find("a"), *c = p2p_find("c");
	u64 start = pci_resource_start(a, 0);
	struct pci_dev *next;

	pci_stop_and_remove_bus_device(sw);
	pci_stop_and_remove_bus_device(sw); /* once is enough */
	assert_true(a->dev.gone && c->dev.gone && sw->dev.gone);
	assert_null(p2psim_pci_find("a"));
	assert_int_equal(pci_enable_device(a), -ENODEV);
	assert_true(p2psim_pci_is_valid());

	next = p2p_endpoint(p2p_find("r2"), "next");
	assert_int_equal(pci_resource_start(next, 0), start);
	assert_string_equal(pci_name(next), "0000:02:00.0");
}

static void test_references_are_counted_past_removal(void **state)
{
	struct pci_dev *a = p2p_find("a");

	assert_ptr_equal(pci_dev_get(a), a);
	pci_stop_and_remove_bus_device(a);
	assert_int_equal(a->dev.refs, 1);
	pci_dev_put(a);
	assert_int_equal(a->dev.refs, 0);
	assert_null(get_device(NULL));
	put_device(NULL);
}

static void test_a_reference_that_is_not_put_is_a_leak(void **state)
{
	get_device(&p2p_find("a")->dev);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "1 references of a were never put");
	put_device(&p2p_find("a")->dev);
}

static void test_one_put_too_many_and_a_get_too_late_are_told(void **state)
{
	struct pci_dev *a = p2p_find("a");

	pci_stop_and_remove_bus_device(a);
	put_device(&a->dev);
	assert_violation(*state, P2PSIM_BALANCE, "put_device() of a");
	get_device(&a->dev);
	assert_violation(*state, P2PSIM_UAF, "get_device() of a");
	put_device(&a->dev);
}

static void freed(struct device *dev)
{
	dev->driver_data = NULL;
}

static void test_release_is_called_with_the_last_reference(void **state)
{
	struct device *dev = p2psim_platform_device("soft0");

	dev->release = freed;
	dev_set_drvdata(dev, &freed);
	get_device(dev);
	device_unregister(dev);
	device_unregister(dev);
	assert_non_null(dev_get_drvdata(dev));
	put_device(dev);
	assert_null(dev_get_drvdata(dev));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2p_test(test_names_come_from_the_topology),
		p2p_test(test_the_tree_is_what_drivers_see_of_it),
		p2p_test(test_bars_lie_at_their_natural_alignment),
		p2p_test(test_the_bus_address_is_the_cpu_address_less_the_offset),
		p2p_test(test_a_bar_that_does_not_fit_below_four_gib_goes_above),
		p2p_test(test_a_senseless_machine_is_refused),
		p2p_test(test_a_bridge_takes_all_below_it_along),
		p2p_test(test_references_are_counted_past_removal),
		p2p_test(test_a_reference_that_is_not_put_is_a_leak),
		p2p_test(test_one_put_too_many_and_a_get_too_late_are_told),
		p2p_test(test_release_is_called_with_the_last_reference),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
