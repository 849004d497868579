/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/ioport.h, 6.1 (reduced: no tree; the regions that drivers have asked for are a list of the world).
 *
 * Physical address space that a driver reserves: RAM and what another has reserved are refused.
 */
#ifndef P2PSIM_LINUX_IOPORT_H
#define P2PSIM_LINUX_IOPORT_H

#include <p2psim/linux/err.h>
#include <p2psim/linux/kernel.h>

#define IORESOURCE_IO 0x00000100
#define IORESOURCE_MEM 0x00000200
#define IORESOURCE_PREFETCH 0x00002000
#define IORESOURCE_MEM_64 0x00100000
#define IORESOURCE_BUSY 0x80000000

/* Reduced: no tree. */
struct resource {
	resource_size_t start;		/* CPU address */
	resource_size_t end;		/* of the last byte */
	const char *name;
	unsigned long flags;		/* IORESOURCE_*; 0: the function has no such BAR */
};

/* All physical addresses: 46 bits, as on x86-64. */
extern P2PSIM_EXPORT const struct resource iomem_resource;

static inline resource_size_t resource_size(const struct resource *res)
{
	return res->end - res->start + 1;
}

/*
 * A region of [start, start + n) under `name` (not copied), kept until it is released.  NULL: part of it is RAM or somebody's, or
 * out of memory.
 */
P2PSIM_EXPORT struct resource *request_mem_region(resource_size_t start, resource_size_t n, const char *name);
P2PSIM_EXPORT void release_mem_region(resource_size_t start, resource_size_t n);
/*
 * The highest region of that size in `base` that nobody has, size and place being multiples of 128 MiB (a section of memory), as
 * device-private memory takes it.  ERR_PTR(-ERANGE): none; ERR_PTR(-ENOMEM).
 */
P2PSIM_EXPORT struct resource *request_free_mem_region(const struct resource *base, unsigned long size, const char *name);
#define request_mem_region(start, n, name) (P2PSIM_HERE(), request_mem_region((start), (n), (name)))
#define request_free_mem_region(base, size, name) (P2PSIM_HERE(), request_free_mem_region((base), (size), (name)))

#endif
