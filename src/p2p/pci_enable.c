/* SPDX-License-Identifier: MIT */
/*
 * What a probe() does with its device: decoding, bus mastering, BARs, and what is undone with the driver.
 * Mirrors: drivers/pci/pci.c, lib/devres.c, 6.1 (reduced).
 */
#include <p2psim/check.h>

#include "p2p/internal.h"

/* ---- decoding and mastering ---- */

static void write_step(struct pci_dev *pdev, const char *label)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_tree_id(pdev), true, label);
}

int pci_enable_device(struct pci_dev *pdev)
{
	if (pdev->dev.gone)
		return -ENODEV;
	write_step(pdev, "pci_enable_device");
	pdev->memory_enabled = true;
	pdev->enable_cnt++;
	return 0;
}

void pci_disable_device(struct pci_dev *pdev)
{
	write_step(pdev, "pci_disable_device");
	if (pdev->enable_cnt && --pdev->enable_cnt)
		return;
	pdev->memory_enabled = false;
	pdev->is_busmaster = false;
}

void pci_set_master(struct pci_dev *pdev)
{
	write_step(pdev, "pci_set_master");
	pdev->is_busmaster = true;
}

void pci_clear_master(struct pci_dev *pdev)
{
	write_step(pdev, "pci_clear_master");
	pdev->is_busmaster = false;
}

/* ---- regions ---- */

int pci_select_bars(struct pci_dev *pdev, unsigned long flags)
{
	int bar, bars = 0;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_flags(pdev, bar) & flags)
			bars |= 1 << bar;
	return bars;
}

/* I/O ports are nobody's: only memory is booked. */
static bool is_booked(struct pci_dev *pdev, int bar, int bars)
{
	return bars & 1 << bar && pci_resource_flags(pdev, bar) & IORESOURCE_MEM;
}

static void release_booked(struct pci_dev *pdev, int bars)
{
	int bar;

	for (bar = PCI_STD_NUM_BARS - 1; bar >= 0; bar--)
		if (is_booked(pdev, bar, bars))
			release_mem_region(pci_resource_start(pdev, bar), pci_resource_len(pdev, bar));
}

int pci_request_selected_regions(struct pci_dev *pdev, int bars, const char *name)
{
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (is_booked(pdev, bar, bars) &&
		    !(request_mem_region)(pci_resource_start(pdev, bar), pci_resource_len(pdev, bar), name)) {
			release_booked(pdev, bars & ((1 << bar) - 1));
			return -EBUSY;
		}
	}
	p2psim_function_of(pdev)->regions |= bars;
	return 0;
}

void pci_release_selected_regions(struct pci_dev *pdev, int bars)
{
	release_booked(pdev, bars);
	p2psim_function_of(pdev)->regions &= ~bars;
}

/* ---- registers ---- */

void __iomem *(pci_iomap)(struct pci_dev *pdev, int bar, unsigned long maxlen)
{
	unsigned long len;

	if (bar < 0 || bar >= PCI_STD_NUM_BARS || !(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
		return NULL;
	len = pci_resource_len(pdev, bar);
	return (ioremap)(pci_resource_start(pdev, bar), maxlen && maxlen < len ? maxlen : len);
}

/* ---- what goes with the driver ---- */

static void end_management(void *data)
{
	struct pci_dev *pdev = data;

	if (pdev->msi_enabled || pdev->msix_enabled)
		pci_free_irq_vectors(pdev);
	pci_release_selected_regions(pdev, p2psim_function_of(pdev)->regions);
	pdev->is_managed = false;
	pci_disable_device(pdev);
}

int pcim_enable_device(struct pci_dev *pdev)
{
	int error;

	if (pdev->is_managed)
		return 0;
	error = pci_enable_device(pdev);
	if (error)
		return error;
	pdev->is_managed = true;
	return devm_add_action_or_reset(&pdev->dev, end_management, pdev);
}

struct mapped_bar {
	struct p2psim_function *function;
	int bar;
};

static void unmap_bar(void *data)
{
	struct mapped_bar *mapped = data;

	(iounmap)(mapped->function->iomap[mapped->bar]);
	mapped->function->iomap[mapped->bar] = NULL;
	(kfree)(mapped);
}

void __iomem *(pcim_iomap)(struct pci_dev *pdev, int bar, unsigned long maxlen)
{
	struct p2psim_function *function = p2psim_function_of(pdev);
	struct mapped_bar *mapped = (kzalloc)(sizeof(*mapped), GFP_KERNEL);
	void __iomem *addr = mapped ? (pci_iomap)(pdev, bar, maxlen) : NULL;

	if (!addr) {
		(kfree)(mapped);
		return NULL;
	}
	*mapped = (struct mapped_bar){ function, bar };
	function->iomap[bar] = addr;
	return devm_add_action_or_reset(&pdev->dev, unmap_bar, mapped) ? NULL : addr;
}

void __iomem *const *pcim_iomap_table(struct pci_dev *pdev)
{
	return p2psim_function_of(pdev)->iomap;
}

struct requested_bars {
	struct pci_dev *pdev;
	int bars;
};

static void release_bars(void *data)
{
	struct requested_bars *requested = data;

	pci_release_selected_regions(requested->pdev, requested->bars & p2psim_function_of(requested->pdev)->regions);
	(kfree)(requested);
}

static int request_until_removed(struct pci_dev *pdev, int bars, const char *name)
{
	struct requested_bars *requested = (kzalloc)(sizeof(*requested), GFP_KERNEL);
	int error;

	if (!requested)
		return -ENOMEM;
	*requested = (struct requested_bars){ pdev, bars };
	error = pci_request_selected_regions(pdev, bars, name);
	if (!error)
		return devm_add_action_or_reset(&pdev->dev, release_bars, requested);
	(kfree)(requested);
	return error;
}

int(pcim_iomap_regions)(struct pci_dev *pdev, int mask, const char *name)
{
	int bar, error;

	if (mask & ~pci_select_bars(pdev, IORESOURCE_MEM))
		return -EINVAL;
	error = request_until_removed(pdev, mask, name);
	for (bar = 0; !error && bar < PCI_STD_NUM_BARS; bar++)
		if (mask & 1 << bar && !(pcim_iomap)(pdev, bar, 0))
			error = -ENOMEM;
	return error;
}
