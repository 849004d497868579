/* SPDX-License-Identifier: MIT */
/* What the patterns stand on: see stage.h. */
#include "stage.h"

#include <p2psim/dma.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pci.h>
#include <p2psim/pci.h>
#include <p2psim/ram.h>

static struct device *build_nic(void)
{
	struct pci_dev *host = p2psim_pci_root(NULL);
	struct pci_dev *port = host ? p2psim_pci_root_port(host, NULL) : NULL;
	struct pci_dev *nic = port ? p2psim_pci_endpoint(port, &(struct p2psim_pci_config){ .name = "nic" }) : NULL;

	return nic ? &nic->dev : NULL;
}

int stage_begin(struct stage *s, unsigned int pages)
{
	unsigned int i;

	s->nic = build_nic();
	s->app = s->nic ? p2psim_process_create("app") : NULL;
	if (!s->app)
		return -ENOMEM;
	s->mm = p2psim_process_mm(s->app);
	if (p2psim_mmap(s->app, AT(0), pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) < 0)
		return -ENOMEM;
	for (i = 0; i < pages; i++)
		if (p2psim_store_byte(s->app, AT(i), 1))
			return -ENOMEM;
	return 0;
}

void stage_end(struct stage *s)
{
	if (s->app)
		p2psim_process_exit(s->app);
}

void copy_map(struct stage *s, struct copy *copy, unsigned long va, struct page *page)
{
	copy_unmap(s, copy);
	copy->va = va;
	copy->dma = dma_map_page(s->nic, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	copy->valid = !dma_mapping_error(s->nic, copy->dma);
}

void copy_unmap(struct stage *s, struct copy *copy)
{
	if (copy->valid)
		dma_unmap_page(s->nic, copy->dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	copy->valid = false;
}

void copy_read(const struct stage *s, const struct copy *copy)
{
	struct p2psim_dma_request request = { .dev = s->nic, .addr = copy->dma, .len = 1 };
	char byte;

	request.buf = &byte;
	p2psim_dma(&request, NULL);
}

void copy_read_at_last(const struct stage *s, const struct copy *copy)
{
	if (copy->valid && p2psim_translation_check(s->mm, copy->va, copy->dma, false))
		copy_read(s, copy);
}
