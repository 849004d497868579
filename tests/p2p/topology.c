/* SPDX-License-Identifier: MIT */
/* Distances and map types: each row of the recorded matrix, ACS, the white list, the RFC's questions. */
#include "p2p_machine.h"

#include <p2psim/linux/device.h>
#include <p2psim/reason.h>

#define BUS PCI_P2PDMA_MAP_BUS_ADDR
#define HOST PCI_P2PDMA_MAP_THRU_HOST_BRIDGE
#define NONE PCI_P2PDMA_MAP_NOT_SUPPORTED

/* Every pair of the machine of p2p_machine.h that the recordings have a row for.  `type`: on a CPU that forwards. */
static const struct pair {
	const char *provider, *client;
	int distance;
	enum pci_p2pdma_map_type type;
} pairs[] = {
	{ "a", "a", 0, BUS },		/* the same function */
	{ "f0", "f1", 2, BUS },		/* two functions of one device */
	{ "f0", "r1", 1, BUS },		/* a device and its root port */
	{ "a", "sw", 2, BUS },		/* a device and the upstream port of its switch */
	{ "a", "b", 4, BUS },		/* two devices below one switch */
	{ "c", "d", 4, BUS },		/* the inner one of nested switches */
	{ "a", "c", 6, BUS },		/* outer and inner switch */
	{ "x", "y", 2, BUS },		/* behind one bridge to conventional PCI */
	{ "x", "lone", 5, HOST },	/* conventional PCI and another root port */
	{ "r1", "r2", 2, HOST },	/* two root ports */
	{ "f0", "lone", 4, HOST },	/* devices below them */
	{ "a", "lone", 6, HOST },	/* switch leaf and root port device */
	{ "rciep", "lone", 3, HOST },	/* integrated endpoint and root port device */
	{ "rciep", "r4", 2, HOST },
	{ "lone", "far", 4, HOST },	/* two host bridges */
	{ "a", "far", 6, HOST },
};

/* Symmetrical, one distance both ways. */
static void expect_pair(const char *a, const char *b, int distance, enum pci_p2pdma_map_type type)
{
	struct pci_dev *provider = p2p_find(a), *client = p2p_find(b);

	assert_int_equal(pci_p2pdma_distance(provider, &client->dev, false), distance);
	assert_string_equal(p2psim_p2pdma_map_type_name(p2psim_p2pdma_map_type(provider, &client->dev)),
			    p2psim_p2pdma_map_type_name(type));
	assert_int_equal(pci_p2pdma_distance(client, &provider->dev, false), distance);
	assert_int_equal(p2psim_p2pdma_map_type(client, &provider->dev), type);
}

static void test_each_pair_has_the_recorded_distance_where_the_host_forwards(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		expect_pair(pairs[i].provider, pairs[i].client, pairs[i].distance, pairs[i].type);
}

static void test_an_unlisted_intel_host_leaves_only_the_ways_below_a_bridge(void **state)
{
	size_t i;

	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		bool below = pairs[i].type == BUS;

		expect_pair(pairs[i].provider, pairs[i].client, below ? pairs[i].distance : -1, below ? BUS : NONE);
	}
}

/*
 *	sw [acs?]
 *	 |-- d0 [acs?] -- a
 *	 +-- d1 [acs?] -- b
 */
static void test_each_redirecting_bit_counts_and_the_others_do_not(void **state)
{
	unsigned int bits;

	for (bits = 0; bits < 0x80; bits++) {
		bool redirects = bits & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC);

		assert_int_equal(p2psim_pci_set_acs(p2p_down("sw", 0), bits), 0);
		expect_pair("a", "b", 4, redirects ? HOST : BUS);
	}
}

static void test_a_redirect_counts_on_each_port_of_the_way_and_above_it_on_none(void **state)
{
	struct pci_dev *d1 = p2p_down("sw", 1), *sw = p2p_find("sw"), *r2 = p2p_find("r2");

	p2psim_pci_set_acs(d1, PCI_ACS_CR);
	expect_pair("a", "b", 4, HOST);
	expect_pair("a", "c", 6, BUS);
	p2psim_pci_set_acs(d1, 0);

	p2psim_pci_set_acs(sw, PCI_ACS_RR);
	expect_pair("a", "b", 4, HOST);
	expect_pair("a", "sw", 2, HOST);
	expect_pair("c", "d", 4, BUS);
	p2psim_pci_set_acs(sw, 0);

	p2psim_pci_set_acs(r2, PCI_ACS_RR);
	expect_pair("a", "b", 4, BUS);
}

/* Recorded: the bit of the shared root port sends two functions of one slot through the host; one is near itself. */
static void test_the_shared_root_port_redirects_functions_of_one_slot(void **state)
{
	p2psim_pci_set_acs(p2p_find("r1"), PCI_ACS_RR);
	expect_pair("f0", "f1", 2, HOST);
	expect_pair("f0", "r1", 1, HOST);
	expect_pair("f0", "f0", 0, BUS);
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	expect_pair("f0", "f1", -1, NONE);
	expect_pair("f0", "f0", 0, BUS);
	expect_pair("r1", "r1", -1, NONE); /* recorded: a redirecting port does not even reach itself */
}

static void test_a_port_without_acs_takes_none(void **state)
{
	assert_int_equal(p2psim_pci_set_acs(p2p_find("a"), PCI_ACS_RR), -EOPNOTSUPP);
	expect_pair("a", "b", 4, BUS);
}

/* The white list knows the first devices of the two root buses. */
static const struct white {
	uint16_t first, second;
	bool same_bridge, both_bridges;	/* do pairs below one bridge, below different ones have a way? */
} white[] = {
	{ 0x29c0, 0x29c0, false, false },
	{ 0x3c00, 0x3c00, true, false },
	{ 0x3c01, 0x3c01, true, false },
	{ 0x2f00, 0x2f01, true, false },
	{ 0x2030, 0x2030, true, true },
	{ 0x2033, 0x2020, true, true },
	{ 0x09a2, 0x09a2, true, true },
	{ 0x09a2, 0x29c0, true, false },
	{ 0x29c0, 0x09a2, false, false },
	{ 0x2030, 0x3c00, true, false },
};

static void test_the_white_list_decides_for_one_bridge_and_for_both(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(white); i++) {
		struct p2psim_pci_host_config first = { .vendor = 0x8086, .device = white[i].first };
		struct p2psim_pci_host_config second = { .vendor = 0x8086, .device = white[i].second };

		p2psim_world_reset(*state);
		p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
		p2p_build_with(&first, &second);
		expect_pair("a", "lone", white[i].same_bridge ? 6 : -1, white[i].same_bridge ? HOST : NONE);
		expect_pair("a", "far", white[i].both_bridges ? 6 : -1, white[i].both_bridges ? HOST : NONE);
		expect_pair("a", "b", 4, BUS);
	}
}

/* Bus 00 without a device at 00.0: only a root port may stand for the host bridge. */
static void test_the_first_device_counts_only_as_function_zero_or_root_port(void **state)
{
	struct p2psim_pci_host_config config = { .vendor = 0x8086, .device = 0x2030 };
	struct p2psim_pci_config odd = { .name = "odd", .vendor = 0x8086, .device = 0x2030 };
	struct pci_dev *host;

	p2psim_world_reset(*state);
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	host = p2psim_pci_root(&config);
	p2p_endpoint(p2p_port(host, "r1"), "one");
	p2p_endpoint(p2p_port(host, "r2"), "two");
	expect_pair("one", "two", 4, HOST);

	odd.place = P2PSIM_PCI_AT(0, 1);
	p2psim_pci_endpoint(host, &odd);
	pci_stop_and_remove_bus_device(host);
	expect_pair("one", "two", -1, NONE);
}

/* P2, recorded: a change of ACS has no effect on mappings until somebody asks a distance again. */
static void test_the_type_is_cached_until_a_distance_is_asked_again(void **state)
{
	struct pci_dev *a = p2p_find("a"), *b = p2p_find("b");

	assert_int_equal(p2psim_p2pdma_map_type(a, &b->dev), BUS);
	p2psim_pci_set_acs(p2p_down("sw", 0), PCI_ACS_RR);
	assert_int_equal(p2psim_p2pdma_map_type(a, &b->dev), BUS);
	assert_int_equal(p2psim_p2pdma_map_type(b, &a->dev), HOST);
	assert_int_equal(pci_p2pdma_distance(a, &b->dev, false), 4);
	assert_int_equal(p2psim_p2pdma_map_type(a, &b->dev), HOST);
}

/* P1, P3. */
static void test_several_clients_add_up_and_one_unreachable_spoils_it(void **state)
{
	struct device *clients[] = { &p2p_find("b")->dev, &p2p_find("c")->dev, &p2p_find("lone")->dev };
	struct pci_dev *a = p2p_find("a");

	assert_int_equal(pci_p2pdma_distance_many(a, clients, 3, false), 4 + 6 + 6);
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	assert_int_equal(pci_p2pdma_distance_many(a, clients, 2, false), 4 + 6);
	assert_int_equal(pci_p2pdma_distance_many(a, clients, 3, false), -1);
	assert_int_equal(pci_p2pdma_distance_many(a, clients, 0, false), -1);
	clients[2] = p2psim_platform_device("uart0");
	assert_int_equal(pci_p2pdma_distance_many(a, clients, 3, true), -1);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_PCI);
}

/* Recorded ("odd ... busdev 1"): the struct device of the provider's own bus counts as the bridge above it. */
static void test_a_device_below_a_pci_device_counts_as_that_device(void **state)
{
	struct pci_dev *f0 = p2p_find("f0"), *a = p2p_find("a");
	struct device child = { .parent = &p2p_find("b")->dev, .init_name = "b.child" };

	assert_int_equal(pci_p2pdma_distance(f0, &f0->bus->dev, false), 1);
	assert_int_equal(pci_p2pdma_distance(a, &child, false), 4);
	assert_true(pci_test_p2p(&child, &a->dev));
}

/* R1: the posted version said no to everybody. */
static void test_the_questions_of_the_rfc_say_yes_when_there_is_a_way(void **state)
{
	struct device *a = &p2p_find("a")->dev, *b = &p2p_find("b")->dev, *lone = &p2p_find("lone")->dev;

	assert_true(pci_test_p2p(a, b));
	assert_true(device_test_p2p(a, b));
	assert_true(device_test_p2p(lone, a));
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	assert_true(device_test_p2p(b, a));
	assert_false(device_test_p2p(lone, a));
	assert_false(pci_test_p2p(a, lone));
}

/* S24: no random struct device. */
static void test_a_device_that_is_not_pci_gets_no_and_not_a_crash(void **state)
{
	struct device *a = &p2p_find("a")->dev, *uart = p2psim_platform_device("uart0");

	assert_false(device_test_p2p(a, uart));
	assert_int_equal(p2psim_last_refusal()->error, -EINVAL);
	assert_false(device_test_p2p(uart, a));
	assert_false(pci_test_p2p(uart, uart));
	assert_false(device_test_p2p(a, NULL));
	assert_int_equal(p2psim_p2pdma_map_type(to_pci_dev(a), uart), NONE);
}

static void test_a_refusal_names_the_bridge_that_is_in_the_way(void **state)
{
	struct pci_dev *a = p2p_find("a"), *b = p2p_find("b"), *lone = p2p_find("lone");

	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	assert_int_equal(p2psim_p2pdma_check(a, &lone->dev), -EREMOTEIO);
	assert_non_null(strstr(p2psim_last_refusal()->sentence, "0000:00:00.0 (8086:29c0)"));
	p2psim_pci_set_acs(p2p_down("sw", 1), PCI_ACS_EC);
	assert_int_equal(p2psim_p2pdma_check(a, &b->dev), -EREMOTEIO);
	assert_non_null(strstr(p2psim_last_refusal()->sentence, pci_name(p2p_down("sw", 1))));

	p2psim_refusal_clear();
	assert_int_equal(pci_p2pdma_distance(a, &b->dev, false), -1);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
	assert_int_equal(pci_p2pdma_distance(a, &b->dev, true), -1);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_ROUTABLE);
}

static void test_a_removed_device_has_no_way_to_anybody(void **state)
{
	struct pci_dev *a = p2p_find("a"), *b = p2p_find("b");

	pci_stop_and_remove_bus_device(b);
	assert_int_equal(p2psim_p2pdma_check(a, &b->dev), -ENODEV);
	assert_int_equal(p2psim_p2pdma_check(b, &a->dev), -ENODEV);
	assert_false(device_test_p2p(&a->dev, &b->dev));
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_DEVICE_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		p2p_test(test_each_pair_has_the_recorded_distance_where_the_host_forwards),
		p2p_test(test_an_unlisted_intel_host_leaves_only_the_ways_below_a_bridge),
		p2p_test(test_each_redirecting_bit_counts_and_the_others_do_not),
		p2p_test(test_a_redirect_counts_on_each_port_of_the_way_and_above_it_on_none),
		p2p_test(test_the_shared_root_port_redirects_functions_of_one_slot),
		p2p_test(test_a_port_without_acs_takes_none),
		p2p_test(test_the_white_list_decides_for_one_bridge_and_for_both),
		p2p_test(test_the_first_device_counts_only_as_function_zero_or_root_port),
		p2p_test(test_the_type_is_cached_until_a_distance_is_asked_again),
		p2p_test(test_several_clients_add_up_and_one_unreachable_spoils_it),
		p2p_test(test_a_device_below_a_pci_device_counts_as_that_device),
		p2p_test(test_the_questions_of_the_rfc_say_yes_when_there_is_a_way),
		p2p_test(test_a_device_that_is_not_pci_gets_no_and_not_a_crash),
		p2p_test(test_a_refusal_names_the_bridge_that_is_in_the_way),
		p2p_test(test_a_removed_device_has_no_way_to_anybody),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
