/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of PCI devices: one line of INTx each, from 16 on, or messages, from 24 on.
 */
#include <p2psim/check.h>
#include <p2psim/irq.h>

#include "p2p/internal.h"

#define FIRST_WIRE 16
#define FIRST_MESSAGE 24
#define MESSAGES_DEFAULT 8

void p2psim_pci_assign_irq(struct pci_dev *pdev)
{
	int irq = pdev->irq ? (int)pdev->irq : p2psim_irq_alloc(FIRST_WIRE, false);

	if (irq > 0)
		pdev->irq = (unsigned int)irq;
}

static bool has_messages(const struct pci_dev *pdev)
{
	return pdev->msi_enabled || pdev->msix_enabled;
}

static void free_lines(struct p2psim_function *function, unsigned int count)
{
	while (count--)
		p2psim_irq_free(function->vectors[count]);
}

static int alloc_messages(struct pci_dev *pdev, unsigned int min_vecs, unsigned int max_vecs, bool msix)
{
	struct p2psim_function *function = p2psim_function_of(pdev);
	unsigned int want = min(max_vecs, function->messages ? function->messages : MESSAGES_DEFAULT), n;
	int irq;

	if (want < min_vecs)
		return -ENOSPC;
	for (n = 0; n < want; n++) {
		irq = p2psim_inject_point() ? -ENOMEM : p2psim_irq_alloc(FIRST_MESSAGE, true);
		if (irq < 0) {
			free_lines(function, n);
			return irq;
		}
		function->vectors[n] = (unsigned int)irq;
	}
	function->vector_count = want;
	function->wire = pdev->irq;
	pdev->msix_enabled = msix;
	pdev->msi_enabled = !msix;
	if (!msix)
		pdev->irq = function->vectors[0];
	return (int)want;
}

int pci_alloc_irq_vectors(struct pci_dev *pdev, unsigned int min_vecs, unsigned int max_vecs, unsigned int flags)
{
	if (!min_vecs || min_vecs > max_vecs || has_messages(pdev))
		return -EINVAL;
	if (flags & (PCI_IRQ_MSI | PCI_IRQ_MSIX))
		return alloc_messages(pdev, min_vecs, min(max_vecs, P2PSIM_PCI_MESSAGES_MAX), flags & PCI_IRQ_MSIX);
	return flags & PCI_IRQ_LEGACY && min_vecs == 1 && pdev->irq ? 1 : -ENOSPC;
}

void pci_free_irq_vectors(struct pci_dev *pdev)
{
	struct p2psim_function *function = p2psim_function_of(pdev);

	if (!has_messages(pdev))
		return;
	free_lines(function, function->vector_count);
	function->vector_count = 0;
	pdev->irq = function->wire;
	pdev->msi_enabled = pdev->msix_enabled = false;
}

int pci_irq_vector(struct pci_dev *pdev, unsigned int nr)
{
	const struct p2psim_function *function = p2psim_function_of(pdev);

	if (has_messages(pdev))
		return nr < function->vector_count ? (int)function->vectors[nr] : -EINVAL;
	return nr || !pdev->irq ? -EINVAL : (int)pdev->irq;
}

int p2psim_pci_raise(struct pci_dev *pdev, unsigned int nr)
{
	int irq = pdev->dev.gone ? -ENODEV : pci_irq_vector(pdev, has_messages(pdev) ? nr : 0);

	return irq < 0 ? irq : p2psim_irq_raise((unsigned int)irq);
}

void p2psim_pci_check_vectors(struct pci_dev *pdev)
{
	if (has_messages(pdev))
		p2psim_violate(P2PSIM_LEAK, 0, p2psim_object_id(&pdev->dev.obj), 0,
			       "pci_free_irq_vectors() of %s was never called", p2psim_pci_label(pdev));
}
