/* SPDX-License-Identifier: MIT */
/*
 * The bus: a device reads and writes by DMA.
 *
 * Each page touched is one beat, one step, one TLP.  It climbs from the device towards the root:
 *
 *	    root complex		address = CPU address: RAM, a BAR behind any root port, or nobody
 *	     |        |
 *	   port     port		below a common bridge: address = bus address, claimed by a BAR there,
 *	     |				unless a port on the way redirects (ACS): then up it goes
 *	   switch
 *	   |    |
 *	 gpu0  nic0
 *
 * and it lands in RAM, in a BAR (the exporter's handler), or in an error that is reported; a read that fails delivers
 * all ones, as the bus does.
 *
 * Oracles: STALE (an address whose mapping is gone, a freed page, a window of a BAR that was freed or moved); CONTRACT
 * (RAM that was never mapped for the device, a write through a DMA_TO_DEVICE mapping); DATA (bytes of somebody else
 * than whom the request is for).
 */
#ifndef P2PSIM_DMA_H
#define P2PSIM_DMA_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct pci_dev;

#define P2PSIM_TLP_HOPS 16

enum p2psim_tlp_status {
	P2PSIM_TLP_OK,
	P2PSIM_TLP_UNSUPPORTED_REQUEST,	/* -EIO: nobody answers at this address (a master abort) */
	P2PSIM_TLP_DECODING_OFF,	/* -EIO: the BAR is there, memory decoding is off (unsupported request, too) */
	P2PSIM_TLP_COMPLETER_ABORT,	/* -EIO: the device behind the BAR refused */
	P2PSIM_TLP_NOT_ROUTABLE,	/* -EREMOTEIO: the host bridge forwards nothing between its root ports */
	P2PSIM_TLP_DEVICE_GONE,		/* -ENODEV: the requester was removed */
};

enum p2psim_tlp_where {
	P2PSIM_TLP_NOWHERE,
	P2PSIM_TLP_RAM,
	P2PSIM_TLP_BAR,
};

/* Where a request went.  Of several beats: the last one, which is the failing one if one failed. */
struct p2psim_tlp_result {
	enum p2psim_tlp_status status;
	enum p2psim_tlp_where where;
	uint64_t address;		/* RAM: CPU address; BAR: offset in bytes; NOWHERE: as requested */
	struct pci_dev *target;		/* BAR: whose */
	int bar;
	bool through_host;		/* it went by way of the root complex */
	size_t done;			/* bytes moved, all beats together */
	unsigned int hop_count;
	struct pci_dev *hops[P2PSIM_TLP_HOPS]; /* bridges passed and the target, in order; NULL is the root complex */
};

struct p2psim_dma_request {
	struct device *dev;		/* who does it */
	uint64_t addr;			/* what it puts on the bus */
	void *buf;			/* written to by a read, read by a write */
	size_t len;
	bool write;
	uint32_t owner;			/* whom it acts for: id of an mm or object; 0 = not told, DATA is not asked */
};

/*
 * Moves the bytes, beat by beat, until the end or the first error.  `result` may be NULL.
 * Return: 0 or the -errno of the status.  Context: any task; a step for each page; takes no lock.
 */
P2PSIM_EXPORT int p2psim_dma(const struct p2psim_dma_request *request, struct p2psim_tlp_result *result);
/* The same in short, for nobody in particular. */
P2PSIM_EXPORT int p2psim_dma_read(struct device *dev, uint64_t addr, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_dma_write(struct device *dev, uint64_t addr, const void *buf, size_t len);

/* Where would it go?  Takes no step, asks no oracle, moves nothing.  Return as p2psim_dma(), for the first byte. */
P2PSIM_EXPORT int p2psim_dma_route(struct device *dev, uint64_t addr, struct p2psim_tlp_result *result);
/* "nic0 > 0000:02:00.0 > gpu0 BAR0+0x1000": as snprintf. */
P2PSIM_EXPORT int p2psim_tlp_format(const struct device *dev, const struct p2psim_tlp_result *result, char *text,
				    size_t size);
/* "OK", "UNSUPPORTED_REQUEST", ... */
P2PSIM_EXPORT const char *p2psim_tlp_status_name(enum p2psim_tlp_status status);

/* How many mappings of the device are live: dma_map_*() and p2psim_bar_map() together, counted as they were made. */
P2PSIM_EXPORT unsigned long p2psim_dma_live(const struct device *dev);
/* Does a live mapping of the device cover [addr, addr + len)?  No step: for assertions. */
P2PSIM_EXPORT bool p2psim_dma_is_mapped(const struct device *dev, uint64_t addr, uint64_t len);

P2PSIM_END_DECLS

#endif
