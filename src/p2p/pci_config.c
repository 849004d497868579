/* SPDX-License-Identifier: MIT */
/*
 * Configuration space: the standard header, made up from what the device is when somebody reads it.
 */
#include "p2p/internal.h"

#define HEADER_BYTES 0x40

static u32 command(const struct pci_dev *pdev)
{
	return (pdev->memory_enabled ? PCI_COMMAND_MEMORY : 0u) | (pdev->is_busmaster ? PCI_COMMAND_MASTER : 0u);
}

/* Low half with its flags; the high half of a 64-bit BAR where the next one is none. */
static u32 bar_register(struct pci_dev *pdev, int bar)
{
	unsigned long flags = pci_resource_flags(pdev, bar);

	if (!flags && bar && pci_resource_flags(pdev, bar - 1) & IORESOURCE_MEM_64)
		return upper_32_bits(pci_bus_address(pdev, bar - 1));
	if (!(flags & IORESOURCE_MEM))
		return flags & IORESOURCE_IO ? PCI_BASE_ADDRESS_SPACE_IO : 0;
	return lower_32_bits(pci_bus_address(pdev, bar)) | (flags & IORESOURCE_MEM_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0u) |
	       (flags & IORESOURCE_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0u);
}

static u32 header(struct pci_dev *pdev, int where)
{
	switch (where) {
	case PCI_VENDOR_ID:
		return pdev->vendor | (u32)pdev->device << 16;
	case PCI_COMMAND:
		return command(pdev);
	case PCI_CLASS_REVISION:
		return pdev->revision | pdev->class << 8;
	case PCI_HEADER_TYPE & ~3:
		return (u32)(pdev->subordinate ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL) << 16;
	case PCI_SUBSYSTEM_VENDOR_ID:
		return pdev->subsystem_vendor | (u32)pdev->subsystem_device << 16;
	case PCI_INTERRUPT_LINE:
		return (pdev->irq & 0xff) | (pdev->irq ? 1u << 8 : 0u);
	default:
		return where >= PCI_BASE_ADDRESS_0 && where <= PCI_BASE_ADDRESS_5 && !pdev->subordinate ?
		       bar_register(pdev, (where - PCI_BASE_ADDRESS_0) / 4) : 0;
	}
}

static int check(struct pci_dev *pdev, int where, int bytes)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&pdev->dev.obj), true, "config space");
	if (pdev->dev.gone)
		return PCIBIOS_DEVICE_NOT_FOUND;
	return where < 0 || where >= HEADER_BYTES || where % bytes ? PCIBIOS_BAD_REGISTER_NUMBER : PCIBIOS_SUCCESSFUL;
}

static int read_config(struct pci_dev *pdev, int where, int bytes, u32 *value)
{
	int error = check(pdev, where, bytes);

	*value = error ? ~0u : header(pdev, where & ~3) >> (where & 3) * 8;
	return error;
}

int pci_read_config_byte(struct pci_dev *dev, int where, u8 *val)
{
	u32 value;
	int error = read_config(dev, where, 1, &value);

	*val = (u8)value;
	return error;
}

int pci_read_config_word(struct pci_dev *dev, int where, u16 *val)
{
	u32 value;
	int error = read_config(dev, where, 2, &value);

	*val = (u16)value;
	return error;
}

int pci_read_config_dword(struct pci_dev *dev, int where, u32 *val)
{
	return read_config(dev, where, 4, val);
}

static int write_config(struct pci_dev *pdev, int where, int bytes, u32 value)
{
	int error = check(pdev, where, bytes);

	if (error || where != PCI_COMMAND)
		return error;
	pdev->memory_enabled = value & PCI_COMMAND_MEMORY;
	pdev->is_busmaster = value & PCI_COMMAND_MASTER;
	return 0;
}

int pci_write_config_byte(struct pci_dev *dev, int where, u8 val)
{
	return write_config(dev, where, 1, val);
}

int pci_write_config_word(struct pci_dev *dev, int where, u16 val)
{
	return write_config(dev, where, 2, val);
}

int pci_write_config_dword(struct pci_dev *dev, int where, u32 val)
{
	return write_config(dev, where, 4, val);
}
