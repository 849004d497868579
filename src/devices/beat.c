/* SPDX-License-Identifier: MIT */
/* One DMA of a device of ours, told: "DMA -> gpu0 BAR 0 + 0x2000". */
#include "devices/beat.h"

#include <p2psim/dma.h>
#include <p2psim/pci.h>
#include <p2psim/trace.h>

static void note_beat(const struct p2psim_tlp_result *where)
{
	if (where->where == P2PSIM_TLP_BAR)
		p2psim_note("DMA -> %s BAR+%p", P2PSIM_STR(p2psim_pci_label(where->target)), where->address);
	else if (where->where == P2PSIM_TLP_RAM)
		p2psim_note("DMA -> RAM %p", where->address);
	else
		p2psim_note("DMA -> %s", P2PSIM_STR(p2psim_tlp_status_name(where->status)));
}

int device_beat(struct device *dev, dma_addr_t addr, void *buf, size_t len, bool write)
{
	struct p2psim_dma_request request = { .dev = dev, .addr = addr, .buf = buf, .len = len, .write = write };
	struct p2psim_tlp_result where;
	int ret = p2psim_dma(&request, &where);

	note_beat(&where);
	return ret;
}
