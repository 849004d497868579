/* SPDX-License-Identifier: MIT */
/* Registers through ioremap(): rules O1-O4 of src/p2p/iomem.c. */
#include "p2p_memory.h"

#include <p2psim/inject.h>
#include <p2psim/linux/io.h>

static struct p2p_memory memory;
static char __iomem *regs;

static int setup(void **state)
{
	int ret = p2p_setup(state);
	struct pci_dev *pdev = p2psim_pci_find("a");

	memset(&memory, 0, sizeof(memory));
	p2p_memory_init(&memory, pdev, true);
	regs = ioremap(pci_resource_start(pdev, 0), pci_resource_len(pdev, 0));
	return ret || !regs ? -1 : 0;
}

static int teardown(void **state)
{
	iounmap(regs);
	p2p_memory_exit(&memory, true);
	return core_teardown(state);
}

/* O1 */
static void test_each_width_reaches_the_device_once(void **state)
{
	writeb(0x11, regs + 1);
	writew(0x2233, regs + 2);
	writel(0x44556677, regs + 4);
	writeq(0x8899aabbccddeeff, regs + 8);
	assert_int_equal(memory.writes, 4);
	assert_int_equal(memory.by_cpu, 4);
	assert_int_equal(readb(regs + 1), 0x11);
	assert_int_equal(readw(regs + 2), 0x2233);
	assert_int_equal(ioread32(regs + 4), 0x44556677);
	assert_true(readq(regs + 8) == 0x8899aabbccddeeff);
	assert_int_equal(memory.reads, 4);
	(void)state;
}

static void test_bytes_are_copied_page_by_page(void **state)
{
	char out[6000], in[6000];
	unsigned int i;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 3);
	memcpy_toio(regs + 100, out, sizeof(out));
	assert_int_equal(memory.writes, 2);
	memcpy_fromio(in, regs + 100, sizeof(in));
	assert_memory_equal(in, out, sizeof(out));
	memset_io(regs + 101, 0x5a, 100);
	assert_int_equal(readb(regs + 200), 0x5a);
	assert_int_equal(readb(regs + 201), (unsigned char)(101 * 3));
	(void)state;
}

/* O2: memory decoding off, no BAR, an abort. */
static void test_all_ones_are_read_where_nobody_answers(void **state)
{
	struct pci_dev *pdev = p2p_find("a");
	void __iomem *nothing = ioremap(0x7f0000000000, 4);

	pci_disable_device(pdev);
	writel(1, regs);
	assert_int_equal(readl(regs), 0xffffffff);
	pci_enable_device(pdev);
	assert_int_equal(readl(regs), 0);
	writel(1, nothing);
	assert_int_equal(readl(nothing), 0xffffffff);
	memory.aborts = true;
	assert_int_equal(readw(regs), 0xffff);
	iounmap(nothing);
	(void)state;
}

/* O3 */
static void test_an_address_that_is_not_mapped_is_none(void **state)
{
	char __iomem *part = ioremap(pci_resource_start(p2p_find("a"), 0) + 0x10, 8);
	static u32 local;

	assert_int_equal(readl(part + 4), 0);
	readl(part + 6);
	assert_violation(*state, P2PSIM_RANGE, "reaches out of the 8 bytes mapped");
	writel(0, part - 4);
	assert_violation(*state, P2PSIM_RANGE, "writel() of");
	iounmap(part);
	assert_int_equal(readl(part), 0xffffffff);
	assert_violation(*state, P2PSIM_UAF, "after iounmap()");
	readb(&local);
	assert_violation(*state, P2PSIM_CONTRACT, "which ioremap() did not give");
	readb(NULL);
	assert_violation(*state, P2PSIM_CONTRACT, "readb() of 0x0");
}

/* O4 */
static void test_what_is_mapped_is_unmapped_once(void **state)
{
	char __iomem *part = ioremap(0x7f0000000000, 64);

	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "ioremap() of");
	iounmap(part + 4);
	assert_violation(*state, P2PSIM_BALANCE, "not what ioremap() gave");
	iounmap(part);
	iounmap(part);
	assert_violation(*state, P2PSIM_BALANCE, "unmapped already");
}

static void test_what_cannot_be_mapped_is_refused(void **state)
{
	assert_null(ioremap(0x7f0000000000, 0));
	assert_null(ioremap(~0ull, 2));
	assert_null(ioremap(0x200000, 4096));
	assert_violation(*state, P2PSIM_CONTRACT, "ioremap() of RAM");
	p2psim_inject_fail_nth(*state, 1);
	assert_null(ioremap(0x7f0000000000, 64));
	p2psim_inject_fail_nth(*state, 0);
}

/* Surprise removal: what is mapped stays, and nobody answers. */
static void test_a_device_that_was_removed_answers_nobody(void **state)
{
	struct pci_dev *pdev = p2p_find("a");

	writel(7, regs);
	pci_stop_and_remove_bus_device(pdev);
	assert_int_equal(readl(regs), 0xffffffff);
	assert_null(p2psim_world_violation(*state));
}

#define io_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		io_test(test_each_width_reaches_the_device_once),
		io_test(test_bytes_are_copied_page_by_page),
		io_test(test_all_ones_are_read_where_nobody_answers),
		io_test(test_an_address_that_is_not_mapped_is_none),
		io_test(test_what_is_mapped_is_unmapped_once),
		io_test(test_what_cannot_be_mapped_is_refused),
		io_test(test_a_device_that_was_removed_answers_nobody),
	};

	return cmocka_run_group_tests_name("iomem", tests, NULL, NULL);
}
