/* SPDX-License-Identifier: MIT */
/* PCI drivers and what their probe() calls: rules V1-V3 of src/p2p/pci_driver.c. */
#include "fail_each.h"
#include "p2p_memory.h"

#include <stdio.h>

#include <p2psim/dma.h>
#include <p2psim/irq.h>
#include <p2psim/task.h>

static struct {
	int probed, removed, actions, irqs, ret;
	char order[16];
	struct pci_dev *last;
	const struct pci_device_id *id;
	int (*does)(struct pci_dev *pdev);
} b;

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	b.probed++;
	b.last = pdev;
	b.id = id;
	return b.does ? b.does(pdev) : b.ret;
}

static void removed(struct pci_dev *pdev)
{
	b.removed++;
	strcat(b.order, "r");
	assert_ptr_equal(pdev->driver->remove, removed);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0x1234, 1), .driver_data = 17 },
	{ PCI_DEVICE_CLASS(0x020000, 0xffff00) },
	{}
};

static struct pci_driver driver = { .name = "drv", .id_table = ids, .probe = probe, .remove = removed };
static struct pci_driver other = { .name = "other", .id_table = ids, .probe = probe };

static struct pci_dev *card(const char *name, u16 device, u32 class_code)
{
	struct pci_dev *port = p2psim_pci_find("port");

	return p2psim_pci_endpoint(port ? port : p2p_port(p2psim_pci_root(NULL), "port"),
				   &(struct p2psim_pci_config){ .name = name, .vendor = 0x1234, .device = device,
								.class_code = class_code, .messages = 4,
								.bar_bytes = { P2P_BAR_BYTES, 0, 4096 } });
}

static int setup(void **state)
{
	int ret = core_setup(state);

	memset(&b, 0, sizeof(b));
	memset(&driver.node, 0, sizeof(driver.node));
	memset(&other.node, 0, sizeof(other.node));
	card("one", 1, 0);
	card("net", 9, 0x020001);
	card("two", 2, 0);
	return ret;
}

/* V1, V3 */
static void test_a_driver_gets_the_devices_that_its_table_has(void **state)
{
	assert_int_equal(pci_register_driver(&driver), 0);
	assert_int_equal(b.probed, 2);
	assert_ptr_equal(b.id, &ids[1]);
	assert_ptr_equal(p2p_find("one")->driver, &driver);
	assert_null(p2p_find("two")->driver);
	assert_int_equal(pci_register_driver(&driver), -EBUSY);
	pci_unregister_driver(&driver);
	assert_int_equal(b.removed, 2);
	assert_null(p2p_find("one")->dev.driver);
	(void)state;
}

/* V1 */
static void test_a_device_has_one_driver(void **state)
{
	pci_register_driver(&driver);
	pci_register_driver(&other);
	assert_int_equal(b.probed, 2);
	pci_unregister_driver(&driver);
	p2psim_pci_rescan();
	assert_ptr_equal(p2p_find("one")->driver, &other);
	pci_unregister_driver(&other);
	pci_unregister_driver(&other);
	assert_violation(*state, P2PSIM_BALANCE, "pci_unregister_driver() of other");
}

static void test_a_device_that_comes_later_is_bound_by_a_rescan(void **state)
{
	pci_register_driver(&driver);
	card("late", 1, 0);
	assert_null(p2p_find("late")->driver);
	p2psim_pci_rescan();
	assert_ptr_equal(p2p_find("late")->driver, &driver);
	assert_int_equal(b.probed, 3);
	pci_stop_and_remove_bus_device(p2p_find("late"));
	assert_int_equal(b.removed, 1);
	pci_unregister_driver(&driver);
	assert_int_equal(b.removed, 3);
	(void)state;
}

static void test_a_probe_that_fails_leaves_the_device_alone(void **state)
{
	b.ret = -ENODEV;
	pci_register_driver(&driver);
	assert_int_equal(b.probed, 2);
	assert_null(p2p_find("one")->driver);
	pci_unregister_driver(&driver);
	assert_int_equal(b.removed, 0);
	b.ret = 1;
	pci_register_driver(&driver);
	assert_violation(*state, P2PSIM_CONTRACT, "probe() of drv returns 1");
	pci_unregister_driver(&driver);
}

static void add_letter(void *data)
{
	strcat(b.order, data);
}

static irqreturn_t count_irq(int irq, void *dev_id)
{
	b.irqs++;
	return IRQ_HANDLED;
}

/* All that can be managed; whatever fails is told. */
static int manage(struct pci_dev *pdev)
{
	void *memory = devm_kzalloc(&pdev->dev, 100, GFP_KERNEL);
	int error = pcim_enable_device(pdev);

	if (!memory || !devm_kstrdup(&pdev->dev, "name", GFP_KERNEL))
		return -ENOMEM;
	error = error ? error : pcim_iomap_regions(pdev, 1 << 0 | 1 << 2, "drv");
	error = error ? error : devm_add_action_or_reset(&pdev->dev, add_letter, "a");
	error = error ? error : devm_add_action_or_reset(&pdev->dev, add_letter, "b");
	if (error)
		return error;
	error = pci_alloc_irq_vectors(pdev, 1, 8, PCI_IRQ_ALL_TYPES);
	if (error < 0)
		return error;
	pci_set_master(pdev);
	error = devm_request_irq(&pdev->dev, (unsigned int)pci_irq_vector(pdev, 1), count_irq, 0, "drv", pdev);
	writel(5, (char __iomem *)pcim_iomap_table(pdev)[2] + 8);
	return error;
}

/* V2 */
static void test_what_is_managed_goes_after_remove_the_last_first(void **state)
{
	struct pci_dev *one = p2p_find("one");

	b.does = manage;
	pci_register_driver(&driver);
	assert_ptr_equal(one->driver, &driver);
	assert_null((request_mem_region)(pci_resource_start(one, 2), 16, "other"));
	assert_int_equal(p2psim_pci_raise(one, 1), 0);
	assert_int_equal(p2psim_pci_raise(one, 0), -ENOENT);
	assert_int_equal(p2psim_pci_raise(one, 4), -EINVAL);
	p2psim_run();
	assert_int_equal(b.irqs, 1);
	pci_unregister_driver(&driver);
	assert_string_equal(b.order, "rbarba");
	assert_false(one->memory_enabled || one->is_busmaster || one->msix_enabled);
	(void)state;
}

/* V2: the last thing that its probe asks for is not there. */
static int manage_and_fail(struct pci_dev *pdev)
{
	int error = manage(pdev);

	return error ? error : -EBUSY;
}

static void test_what_is_managed_goes_after_a_probe_that_failed(void **state)
{
	b.does = manage_and_fail;
	pci_register_driver(&driver);
	assert_int_equal(b.probed, 2);
	assert_string_equal(b.order, "baba");
	assert_false(p2p_find("one")->msix_enabled);
	pci_unregister_driver(&driver);
	(void)state;
}

static int by_hand(struct pci_dev *pdev)
{
	char __iomem *regs;

	assert_int_equal(pci_enable_device(pdev), 0);
	assert_int_equal(pci_request_regions(pdev, "drv"), 0);
	assert_int_equal(pci_request_regions(pdev, "drv"), -EBUSY);
	regs = pci_iomap(pdev, 0, 0);
	assert_non_null(regs);
	assert_int_equal(readl(regs), 0xffffffff);
	assert_null(pci_iomap(pdev, 1, 0));
	pci_iounmap(pdev, regs);
	pci_release_regions(pdev);
	assert_int_equal(pci_enable_msi(pdev), 0);
	assert_int_equal(pdev->irq, pci_irq_vector(pdev, 0));
	assert_int_equal(request_irq(pdev->irq, count_irq, 0, "drv", pdev), 0);
	return 0;
}

/* What is not managed stays when the driver goes, and is found. */
static void test_what_is_not_managed_is_a_leak(void **state)
{
	struct pci_dev *one = p2p_find("one");

	b.does = by_hand;
	pci_stop_and_remove_bus_device(p2p_find("net"));
	pci_register_driver(&driver);
	pci_unregister_driver(&driver);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "irq 24 has the handler of drv still");
	pci_free_irq_vectors(one);
	assert_violation(*state, P2PSIM_BALANCE, "free_irq() was never called");
}

static void test_vectors_that_are_never_freed_are_a_leak(void **state)
{
	struct pci_dev *one = p2p_find("one");

	assert_int_equal(pci_alloc_irq_vectors(one, 2, 3, PCI_IRQ_MSIX), 3);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "pci_free_irq_vectors() of one was never called");
	assert_int_equal(pci_alloc_irq_vectors(one, 1, 1, PCI_IRQ_MSI), -EINVAL);
	pci_free_irq_vectors(one);
	assert_int_equal(pci_alloc_irq_vectors(one, 5, 8, PCI_IRQ_MSIX), -ENOSPC);
	assert_int_equal(pci_alloc_irq_vectors(one, 3, 2, PCI_IRQ_MSIX), -EINVAL);
	assert_int_equal(pci_irq_vector(one, 0), -EINVAL);
}

static int use_intx(struct pci_dev *pdev)
{
	assert_int_equal(pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_LEGACY), 1);
	return request_irq((unsigned int)pci_irq_vector(pdev, 0), count_irq, IRQF_SHARED, "drv", pdev);
}

static void test_a_device_without_messages_has_one_line(void **state)
{
	struct pci_dev *one = p2p_find("one"), *net = p2p_find("net");

	b.does = use_intx;
	pci_register_driver(&driver);
	assert_int_not_equal(one->irq, net->irq);
	assert_int_equal(p2psim_pci_raise(one, 0), 0);
	p2psim_run();
	assert_int_equal(b.irqs, 1);
	free_irq(one->irq, one);
	free_irq(net->irq, net);
	pci_unregister_driver(&driver);
	(void)state;
}

static void test_a_device_that_has_a_driver_sends_nothing_before_it_is_master(void **state)
{
	struct pci_dev *one = p2p_find("one");
	dma_addr_t addr;
	void *ring;
	u32 value = 1;

	pci_register_driver(&driver);
	ring = dma_alloc_coherent(&one->dev, 64, &addr, GFP_KERNEL);
	assert_int_equal(p2psim_dma_write(&one->dev, addr, &value, 4), -EIO);
	assert_violation(*state, P2PSIM_CONTRACT, "has not called pci_set_master()");
	pci_set_master(one);
	assert_int_equal(p2psim_dma_write(&one->dev, addr, &value, 4), 0);
	dma_free_coherent(&one->dev, 64, ring, addr);
	pci_unregister_driver(&driver);
}

static void test_the_configuration_header_says_what_the_device_is(void **state)
{
	struct pci_dev *net = p2p_find("net");
	u32 value;
	u16 word;
	u8 byte;

	assert_int_equal(pci_read_config_dword(net, PCI_VENDOR_ID, &value), 0);
	assert_int_equal(value, 0x00091234);
	pci_read_config_byte(net, PCI_CLASS_DEVICE + 1, &byte);
	assert_int_equal(byte, 0x02);
	pci_read_config_dword(net, PCI_BASE_ADDRESS_2, &value);
	assert_int_equal(value & ~0xfu, pci_bus_address(net, 2));
	pci_write_config_word(net, PCI_COMMAND, PCI_COMMAND_MASTER);
	pci_read_config_word(net, PCI_COMMAND, &word);
	assert_int_equal(word, PCI_COMMAND_MASTER);
	assert_false(net->memory_enabled);
	assert_int_equal(pci_read_config_word(net, 0x60, &word), PCIBIOS_BAD_REGISTER_NUMBER);
	pci_stop_and_remove_bus_device(net);
	assert_int_equal(pci_read_config_word(net, PCI_VENDOR_ID, &word), PCIBIOS_DEVICE_NOT_FOUND);
	(void)state;
}

static void test_devices_are_found_by_their_ids(void **state)
{
	struct pci_dev *pdev = pci_get_device(0x1234, (unsigned int)PCI_ANY_ID, NULL);

	assert_ptr_equal(pdev, p2p_find("one"));
	pdev = pci_get_device(0x1234, (unsigned int)PCI_ANY_ID, pdev);
	assert_ptr_equal(pdev, p2p_find("net"));
	pci_dev_put(pdev);
	assert_null(pci_get_device(0x1234, 77, NULL));
	(void)state;
}

static void tell(void *state)
{
	memset(&b, 0, sizeof(b));
	card("one", 1, 0);
	b.does = manage;
	assert_int_equal(pci_register_driver(&driver), 0);
}

static void end(void *state)
{
	pci_unregister_driver(&driver);
}

static void test_every_allocation_of_a_probe_may_fail(void **state)
{
	static const struct failing_story story = { .tell = tell, .end = end, .state_size = 1 };

	assert_true(fail_each(&story) > 20);
	(void)state;
}

#define driver_test(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown)
#define driver_test_rubble(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown_rubble)

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(test_a_driver_gets_the_devices_that_its_table_has),
		driver_test(test_a_device_has_one_driver),
		driver_test(test_a_device_that_comes_later_is_bound_by_a_rescan),
		driver_test(test_a_probe_that_fails_leaves_the_device_alone),
		driver_test(test_what_is_managed_goes_after_remove_the_last_first),
		driver_test(test_what_is_managed_goes_after_a_probe_that_failed),
		driver_test_rubble(test_what_is_not_managed_is_a_leak),
		driver_test(test_vectors_that_are_never_freed_are_a_leak),
		driver_test(test_a_device_without_messages_has_one_line),
		driver_test(test_a_device_that_has_a_driver_sends_nothing_before_it_is_master),
		driver_test(test_the_configuration_header_says_what_the_device_is),
		driver_test(test_devices_are_found_by_their_ids),
		cmocka_unit_test(test_every_allocation_of_a_probe_may_fail),
	};

	return cmocka_run_group_tests_name("pci_driver", tests, NULL, NULL);
}
