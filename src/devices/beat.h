/* SPDX-License-Identifier: MIT */
/* One DMA of a device of ours, with a line in the trace that says where it landed. */
#ifndef P2PSIM_DEVICES_BEAT_H
#define P2PSIM_DEVICES_BEAT_H

#include <p2psim/linux/device.h>

/* As p2psim_dma_read() and p2psim_dma_write(). */
int device_beat(struct device *dev, dma_addr_t addr, void *buf, size_t len, bool write);

#endif
