/* SPDX-License-Identifier: MIT */
/* A device memory of 16 pages behind BAR 0 of a device: what an exporter's driver has. */
#ifndef TESTS_P2P_MEMORY_H
#define TESTS_P2P_MEMORY_H

#include "p2p_machine.h"

#include <p2psim/bar.h>

#define P2P_MEMORY_PAGES 16u

struct p2p_memory {
	struct p2psim_bar *bar;
	unsigned char bytes[P2P_MEMORY_PAGES * 4096];
	void *last_cookie;
	bool aborts;			/* the device completes with an abort */
	unsigned int reads, writes, by_cpu;
};

static inline unsigned char *p2p_memory_at(const struct p2psim_bar_access *access)
{
	struct p2p_memory *memory = access->arg;

	memory->last_cookie = access->cookie;
	memory->by_cpu += access->by_cpu;
	return access->device_offset < sizeof(memory->bytes) ? memory->bytes + access->device_offset : NULL;
}

static inline int p2p_memory_read(const struct p2psim_bar_access *access, void *buf, size_t len)
{
	struct p2p_memory *memory = access->arg;
	unsigned char *at = p2p_memory_at(access);

	memory->reads++;
	if (memory->aborts || !at)
		return -EIO;
	memcpy(buf, at, len);
	return 0;
}

static inline int p2p_memory_write(const struct p2psim_bar_access *access, const void *buf, size_t len)
{
	struct p2p_memory *memory = access->arg;
	unsigned char *at = p2p_memory_at(access);

	memory->writes++;
	if (memory->aborts || !at)
		return -EIO;
	memcpy(at, buf, len);
	return 0;
}

static const struct p2psim_bar_ops p2p_memory_ops = { .read = p2p_memory_read, .write = p2p_memory_write };

/* The memory in front of `pdev`; all its BAR in one window at first if `whole`. */
static inline struct p2psim_bar *p2p_memory_init(struct p2p_memory *memory, struct pci_dev *pdev, bool whole)
{
	memory->bar = p2psim_bar_init(pdev, 0, &p2p_memory_ops, memory);
	assert_non_null(memory->bar);
	if (whole)
		assert_int_equal(p2psim_bar_window_alloc(memory->bar, P2P_MEMORY_PAGES, 0, 0, memory), 0);
	return memory->bar;
}

static inline void p2p_memory_exit(struct p2p_memory *memory, bool whole)
{
	if (whole)
		p2psim_bar_window_free(memory->bar, 0);
	p2psim_bar_destroy(memory->bar);
}

#endif
