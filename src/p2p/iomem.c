/* SPDX-License-Identifier: MIT */
/*
 * ioremap(): addresses that stand for a range of physical ones.
 *
 *	0xffffc90000000000 [ first mapping ] guard page [ second mapping ] guard page ...
 *
 * They lie where a process has nothing, so that who uses one as a pointer dies at once; no address is given twice in an
 * execution, so that who comes after iounmap() is known.
 *
 * Rules (O = cited by the tests)
 *	O1  an access reaches what lies behind the BAR, once, in its width.
 *	O2  all ones are read where nobody answers; a write there vanishes.
 *	O3  after iounmap() UAF; beyond the end RANGE; anywhere else CONTRACT.
 *	O4  what was mapped is unmapped once, with the address that ioremap() gave.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/io.h>
#include <p2psim/ram.h>

#include "p2p/internal.h"

#define IOMEM_START 0xffffc90000000000ull

struct iomem {
	struct iomem *next;		/* the one before it in time */
	u64 start, end;			/* addresses */
	u64 phys;			/* of start */
	bool live;
	bool prefetchable;
	u64 gone_step;
	const struct p2psim_site *site;	/* of ioremap() */
};

struct iomem_state {
	struct iomem *last;
	u64 used;			/* bytes from IOMEM_START on */
};

static void check_iomem(void *layer)
{
	const struct iomem_state *state = layer;
	const struct iomem *iomem;

	for (iomem = state->last; iomem; iomem = iomem->next)
		if (iomem->live)
			p2psim_violate(P2PSIM_LEAK, 0, P2PSIM_OBJ_BAR, 0, "ioremap() of 0x%llx in %s() line %d was never undone",
				       (unsigned long long)iomem->phys, iomem->site ? iomem->site->func : "?",
				       iomem->site ? iomem->site->line : 0);
}

static struct iomem_state *iomem_state(void)
{
	struct iomem_state *state = p2psim_layer_state(P2PSIM_LAYER_IOMEM, sizeof(*state));

	if (state && !state->used)
		p2psim_layer_on_quiescent(P2PSIM_LAYER_IOMEM, check_iomem);
	return state;
}

static bool is_prefetchable(u64 phys)
{
	const struct p2psim_bar_place *place = p2psim_bar_anywhere(phys);

	return place && pci_resource_flags(place->pdev, place->bar) & IORESOURCE_PREFETCH;
}

void __iomem *(ioremap)(phys_addr_t phys, size_t size)
{
	struct iomem_state *state = iomem_state();
	struct iomem *iomem;

	(might_sleep)();
	if (!state || !size || phys + size - 1 < phys)
		return NULL;
	if (p2psim_is_ram(phys) || p2psim_is_ram(phys + size - 1)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_RAM, 0, "ioremap() of RAM at 0x%llx", (unsigned long long)phys);
		return NULL;
	}
	iomem = p2psim_inject_point() ? NULL : p2psim_arena_alloc(sizeof(*iomem));
	if (!iomem)
		return NULL;
	iomem->start = IOMEM_START + state->used + offset_in_page(phys);
	iomem->end = iomem->start + size;
	iomem->phys = phys;
	iomem->live = true;
	iomem->prefetchable = is_prefetchable(phys);
	iomem->site = p2psim_hot->site;
	iomem->next = state->last;
	state->last = iomem;
	state->used += PAGE_ALIGN(offset_in_page(phys) + size) + PAGE_SIZE;
	return (void __iomem *)(uintptr_t)iomem->start;
}

/* The mapping around an address, its page and the guard page behind it included; NULL: none ever was. */
static struct iomem *find(u64 addr)
{
	struct iomem_state *state = iomem_state();
	struct iomem *iomem = state && addr < IOMEM_START + state->used ? state->last : NULL;

	while (iomem && addr < ALIGN_DOWN(iomem->start, PAGE_SIZE))
		iomem = iomem->next;
	return iomem;
}

void(iounmap)(volatile void __iomem *addr)
{
	u64 start = (u64)(uintptr_t)addr;
	struct iomem *iomem = find(start);

	if (!iomem || iomem->start != start || !iomem->live) {
		p2psim_violate(P2PSIM_BALANCE, iomem ? iomem->gone_step : 0, P2PSIM_OBJ_BAR, 0,
			       "iounmap() of 0x%llx, which is %s", (unsigned long long)start,
			       iomem && iomem->start == start ? "unmapped already" : "not what ioremap() gave");
		return;
	}
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_BAR, true, iomem->phys >> PAGE_SHIFT,
			  (iomem->phys + (iomem->end - iomem->start) - 1) >> PAGE_SHIFT, "iounmap");
	iomem->live = false;
	iomem->gone_step = p2psim_world_steps(p2psim_world_current());
}

/* O3: NULL after the violation. */
static const struct iomem *check_access(u64 addr, size_t len, const char *label)
{
	const struct iomem *iomem = find(addr);
	unsigned long long phys = iomem ? iomem->phys + (addr - iomem->start) : 0;

	if (!iomem)
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_BAR, 0, "%s() of 0x%llx, which ioremap() did not give", label,
			       (unsigned long long)addr);
	else if (!iomem->live)
		p2psim_violate(P2PSIM_UAF, iomem->gone_step, P2PSIM_OBJ_BAR, 0, "%s() of 0x%llx after iounmap()", label, phys);
	else if (addr < iomem->start || addr + len > iomem->end)
		p2psim_violate(P2PSIM_RANGE, 0, P2PSIM_OBJ_BAR, 0,
			       "%s() of 0x%llx reaches out of the %llu bytes mapped from 0x%llx on", label, phys,
			       (unsigned long long)(iomem->end - iomem->start), (unsigned long long)iomem->phys);
	else
		return iomem;
	return NULL;
}

/* O1.  Within one page. */
static void access_page(u64 addr, void *buf, size_t len, bool write, const char *label)
{
	const struct iomem *iomem = find(addr);
	u64 phys = iomem ? iomem->phys + (addr - iomem->start) : 0;

	p2psim_step_range(write ? P2PSIM_STEP_MEM_WRITE : P2PSIM_STEP_MEM_READ, P2PSIM_OBJ_BAR,
			  write || !iomem || !iomem->prefetchable, phys >> PAGE_SHIFT, phys >> PAGE_SHIFT, label);
	if (check_access(addr, len, label))
		p2psim_phys_access(phys, buf, len, write);
	else if (!write)
		memset(buf, 0xff, len);
}

static void access(u64 addr, char *buf, size_t len, bool write, const char *label)
{
	size_t chunk;

	for (; len; len -= chunk, buf += chunk, addr += chunk) {
		chunk = min_t(size_t, len, PAGE_SIZE - offset_in_page(addr));
		access_page(addr, buf, chunk, write, label);
	}
}

void p2psim_io_read(const volatile void __iomem *addr, void *buf, size_t len, const char *label)
{
	access((u64)(uintptr_t)addr, buf, len, false, label);
}

void p2psim_io_write(volatile void __iomem *addr, const void *buf, size_t len, const char *label)
{
	access((u64)(uintptr_t)addr, (char *)(uintptr_t)buf, len, true, label);
}

void(memset_io)(volatile void __iomem *addr, int value, size_t count)
{
	volatile char *at = addr;
	char bytes[64];
	size_t chunk;

	memset(bytes, value, sizeof(bytes));
	for (; count; count -= chunk, at += chunk) {
		chunk = min(count, sizeof(bytes));
		p2psim_io_write(at, bytes, chunk, "memset_io");
	}
}
