/* SPDX-License-Identifier: MIT */
/*
 * Simulated RAM.
 *
 * A struct page for each pfn from FIRST_PFN on, made in sections of 512 when one is first needed.  Bytes exist only where
 * something other than zero was stored.  Left out: zones, orders, per-CPU lists.
 *
 * A freed page is handed out again last in, first out, but not before the first FRESH_FIRST pages were used: an execution
 * as short as an explored one sees no page twice.  So who comes too late finds a free page in every order, and taking a
 * page needs to be no step.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/world.h>

#include "vma/lowmem.h"
#include "vma/swap.h"
#include "vma/zone_device.h"

#define FIRST_PFN 0x100UL
#define SECTION 512UL
#define POISON 0x6b
#define FRESH_FIRST SECTION
/* In page->flags, between the flags and the owner: how often the page was handed out, modulo 65536. */
#define GENERATION_SHIFT 17
#define GENERATION_MASK 0xfffe0000UL

_Static_assert(sizeof(struct page) <= 64, "a machine with many pages fits into one with few");

struct mmio_window {
	u64 start, end;
	const struct p2psim_mmio *ops;
	void *arg;
	struct mmio_window *next;
};

/* Part of a huge page at a time, or of nothing: its pages come and go together. */
struct huge_block {
	u16 free;			/* pages that are not in use */
};

struct p2psim_ram_state {
	struct page **sections;
	unsigned long pages;		/* the machine's */
	unsigned long next;		/* never used so far, from 0 */
	unsigned long top;		/* from here on: blocks of 512 for huge pages */
	struct huge_block *blocks;	/* by section */
	struct page *free_blocks;	/* their first pages */
	struct page *free;
	unsigned long used;
	struct page *zero;
	struct mmio_window *windows;
	struct p2psim_swap_state swap;
	struct p2psim_pagemaps pagemaps;
	struct p2psim_lowmem lowmem;
};

static void check_ram(void *state)
{
	struct p2psim_ram_state *ram = state;

	if (ram->used)
		p2psim_violate(P2PSIM_LEAK, 0, P2PSIM_OBJ_RAM, 0, "%lu page(s) of RAM were never freed", ram->used);
	if (ram->zero && ram->zero->_refcount.counter != 1)
		p2psim_violate(P2PSIM_LEAK, 0, P2PSIM_OBJ_RAM, 0, "%d reference(s) of the zero page were never dropped",
			       ram->zero->_refcount.counter - 1);
	if (ram->swap.used)
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "%lu swap slot(s) were never freed", ram->swap.used);
	zone_device_check(&ram->pagemaps);
	p2psim_end_hash_add(ram->next);
}

struct p2psim_ram_state *p2psim_ram(void)
{
	struct p2psim_ram_state *ram = p2psim_layer_peek(P2PSIM_LAYER_VMA);
	unsigned long sections;

	if (ram && ram->sections)
		return ram;
	ram = p2psim_layer_state(P2PSIM_LAYER_VMA, sizeof(*ram));
	if (!ram)
		return NULL;
	ram->pages = p2psim_world_config(p2psim_world_current())->ram_pages;
	ram->top = ram->pages;
	sections = DIV_ROUND_UP(FIRST_PFN + ram->pages, SECTION);
	ram->sections = p2psim_arena_alloc(sections * sizeof(*ram->sections));
	if (!ram->sections)
		return NULL;
	p2psim_layer_on_quiescent(P2PSIM_LAYER_VMA, check_ram);
	return ram;
}

/* 512 struct pages, the first of them that of a multiple of 512; made when one is first needed. */
static struct page *section_of(struct p2psim_ram_state *ram, unsigned long pfn)
{
	unsigned long number = pfn / SECTION, i;
	struct page *section = ram->sections[number];

	if (section)
		return section;
	section = p2psim_arena_alloc(SECTION * sizeof(*section));
	if (!section)
		return NULL;
	for (i = 0; i < SECTION; i++)
		section[i].pfn = number * SECTION + i;
	ram->sections[number] = section;
	return section;
}

static struct page *fresh_page(struct p2psim_ram_state *ram)
{
	unsigned long pfn = FIRST_PFN + ram->next;
	struct page *section;

	if (ram->next == ram->top)
		return NULL;
	section = section_of(ram, pfn);
	if (!section)
		return NULL;
	ram->next++;
	return &section[pfn % SECTION];
}

static struct page *renew(struct page *page)
{
	page->flags = (page->flags + (1UL << GENERATION_SHIFT)) & GENERATION_MASK;
	page->mapping = NULL;
	page->private = 0;
	page->index = 0;
	page->_refcount.counter = 1;
	page->_mapcount.counter = -1;
	return page;
}

static struct page *take_page(struct p2psim_ram_state *ram)
{
	struct page *page = ram->free;

	if (!page || ram->next < FRESH_FIRST)
		page = fresh_page(ram);
	if (!page)
		page = ram->free;
	if (!page)
		return NULL;
	if (page == ram->free)
		ram->free = page->next_free;
	return renew(page);
}

/* ---- huge pages: blocks from the top of RAM ---- */

/* The lowest block so far, less one; the pages above the highest multiple of 512 are given up. */
static struct page *fresh_block(struct p2psim_ram_state *ram)
{
	unsigned long end = (FIRST_PFN + ram->top) / SECTION * SECTION;

	if (!ram->blocks)
		ram->blocks = p2psim_arena_alloc(DIV_ROUND_UP(FIRST_PFN + ram->pages, SECTION) * sizeof(*ram->blocks));
	if (!ram->blocks || end < FIRST_PFN + ram->next + SECTION || !section_of(ram, end - SECTION))
		return NULL;
	ram->top = end - SECTION - FIRST_PFN;
	return section_of(ram, end - SECTION);
}

struct page *p2psim_alloc_huge_page(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	struct page *head;
	unsigned int i;

	if (!ram || p2psim_inject_point())
		return NULL;
	head = ram->free_blocks;
	if (head)
		ram->free_blocks = head->next_free;
	else
		head = fresh_block(ram);
	if (!head)
		return NULL;
	ram->blocks[head->pfn / SECTION].free = 0;
	for (i = 0; i < SECTION; i++)
		renew(&head[i])->flags |= 1UL << (i ? PG_tail : PG_head);
	ram->used += SECTION;
	return head;
}

/* A block is free again when all of it is. */
static void free_to_block(struct p2psim_ram_state *ram, struct page *page)
{
	struct page *head = ram->sections[page->pfn / SECTION];

	if (++ram->blocks[page->pfn / SECTION].free < SECTION)
		return;
	head->next_free = ram->free_blocks;
	ram->free_blocks = head;
}

struct page *ram_take_top(unsigned long count)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	unsigned long pfn, first;

	if (!ram || ram->top - ram->next < count)
		return NULL;
	first = FIRST_PFN + ram->top - count;
	for (pfn = first; pfn < first + count; pfn += SECTION - pfn % SECTION)
		if (!section_of(ram, pfn))
			return NULL;
	ram->top -= count;
	return &section_of(ram, first)[first % SECTION];
}

struct page *(alloc_page)(gfp_t flags)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	struct page *page;

	might_alloc(flags);
	if (!ram || p2psim_inject_point())
		return NULL;
	page = take_page(ram);
	if (page)
		ram->used++;
	return page;
}

unsigned long p2psim_zero_pfn(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();

	if (!ram)
		return 0;
	if (!ram->zero)
		ram->zero = take_page(ram);
	if (ram->zero)
		ram->zero->flags |= 1UL << PG_reserved;
	return ram->zero ? ram->zero->pfn : 0;
}

unsigned long p2psim_ram_used(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();

	return ram ? ram->used : 0;
}

static void free_page_now(struct p2psim_ram_state *ram, struct page *page)
{
	if (page->_mapcount.counter >= 0)
		p2psim_violate(P2PSIM_UAF, 0, P2PSIM_OBJ_RAM, 0, "page %lx is freed while %d entries map it", page->pfn,
			       page->_mapcount.counter + 1);
	if (PageLocked(page))
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0, "page %lx is freed while it is locked", page->pfn);
	if (is_zone_device_page(page)) {
		zone_device_page_free(page);
		return;
	}
	if (lowmem_is_kmalloc(page)) {
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0, "page %lx is freed, which is memory of kmalloc()",
			       page->pfn);
		page->_refcount.counter = 1;
		return;
	}
	p2psim_block_free(page->data, "page contents");
	page->data = NULL;
	page->flags &= ~0xffffffffUL | GENERATION_MASK; /* the owner stays: who sees these bytes now reads of a freed page */
	page->mapping = NULL;
	ram->used--;
	if (page->pfn >= FIRST_PFN + ram->top) {
		free_to_block(ram, page);
		return;
	}
	page->next_free = ram->free;
	ram->free = page;
}

void get_page(struct page *page)
{
	if (page->_refcount.counter <= 0)
		p2psim_violate(P2PSIM_UAF, 0, P2PSIM_OBJ_RAM, 0, "a reference is taken of page %lx, which is free",
			       page->pfn);
	page->_refcount.counter++;
}

void put_page(struct page *page)
{
	/* Whoever else reaches a page comes before or after the last put; reclaim asks whether an anonymous one is pinned. */
	if (page->_refcount.counter == 1 || PageAnon(page))
		p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "free_page");
	drop_page(page);
}

void drop_page(struct page *page)
{
	bool keeps_one = page->flags & 1UL << PG_reserved; /* the zero page */

	if (page->_refcount.counter <= (keeps_one ? 1 : 0)) {
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0, "a reference too many is dropped of page %lx", page->pfn);
		return;
	}
	if (!--page->_refcount.counter)
		free_page_now(p2psim_ram(), page);
}

/* ---- the page lock: a bit of the page ---- */

static bool is_unlocked(void *arg)
{
	return !PageLocked(arg);
}

static void page_lock_step(enum p2psim_step_kind kind, const struct page *page, bool (*enabled)(void *arg))
{
	struct p2psim_op op = {
		.kind = (uint16_t)kind,
		.label = "page lock",
		.enabled = enabled,
		.arg = (void *)(uintptr_t)page,
		.access_count = 1,
		.access[0] = { P2PSIM_OBJ_RAM, true, page->pfn, page->pfn },
	};

	p2psim_step_op(&op);
}

void lock_page(struct page *page)
{
	might_sleep();
	page_lock_step(P2PSIM_STEP_LOCK, page, is_unlocked);
	page->flags |= 1UL << PG_locked;
}

int trylock_page(struct page *page)
{
	page_lock_step(P2PSIM_STEP_TRYLOCK, page, NULL);
	if (PageLocked(page))
		return 0;
	page->flags |= 1UL << PG_locked;
	return 1;
}

void unlock_page(struct page *page)
{
	page_lock_step(P2PSIM_STEP_UNLOCK, page, NULL);
	if (!PageLocked(page))
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0, "page %lx is unlocked, but not locked", page->pfn);
	page->flags &= ~(1UL << PG_locked);
}

struct page *p2psim_page_of_pfn(unsigned long pfn)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	unsigned long n = pfn - FIRST_PFN;

	if (ram && pfn >= FIRST_PFN && n >= ram->pages)
		return zone_device_page_of_pfn(&ram->pagemaps, pfn);
	if (!ram || pfn < FIRST_PFN || (n >= ram->next && n < ram->top) || !ram->sections[pfn / SECTION])
		return NULL;
	return &ram->sections[pfn / SECTION][pfn % SECTION];
}

bool ram_overlaps(unsigned long first, unsigned long last)
{
	const struct p2psim_ram_state *ram = p2psim_ram();

	return ram && first < FIRST_PFN + ram->pages && last >= FIRST_PFN;
}

struct page *pfn_to_page(unsigned long pfn)
{
	return p2psim_page_of_pfn(pfn);
}

bool pfn_valid(unsigned long pfn)
{
	return p2psim_page_of_pfn(pfn) != NULL;
}

int page_count(const struct page *page)
{
	return page->_refcount.counter;
}

int page_mapcount(const struct page *page)
{
	return page->_mapcount.counter + 1;
}

bool set_page_dirty(struct page *page)
{
	bool was = PageDirty(page);

	page->flags |= 1UL << PG_dirty;
	return !was;
}

void p2psim_page_set_owner(struct page *page, uint32_t owner)
{
	page->flags = (page->flags & 0xffffffffUL) | (unsigned long)owner << 32;
}

uint32_t p2psim_page_owner(const struct page *page)
{
	return (uint32_t)(page->flags >> 32);
}

uint32_t p2psim_page_generation(const struct page *page)
{
	return (uint32_t)((page->flags & GENERATION_MASK) >> GENERATION_SHIFT);
}

unsigned long p2psim_ram_end(void)
{
	const struct p2psim_ram_state *ram = p2psim_ram();

	return ram ? FIRST_PFN + ram->pages : 0;
}

void *p2psim_page_bytes(struct page *page, bool make)
{
	zone_device_cpu_may_touch(page, make ? "writes" : "reads");
	if (!page->data && make)
		page->data = p2psim_block_alloc_sure("page contents");
	return page->data;
}

/* Left as zeros where the old page is; a page of a device may have its last user's bytes. */
bool p2psim_ram_copy(struct page *to, struct page *from)
{
	if (!zone_device_cpu_may_touch(from, "reads") || !zone_device_cpu_may_touch(to, "writes"))
		return true;
	if (!from->data && to->data)
		memset(to->data, 0, PAGE_SIZE);
	if (!from->data)
		return true;
	if (!p2psim_page_bytes(to, true))
		return false;
	memcpy(to->data, from->data, PAGE_SIZE);
	return true;
}

static bool is_zero(const unsigned char *buf, size_t len)
{
	while (len--)
		if (*buf++)
			return false;
	return true;
}

static int page_access(struct page *page, unsigned long offset, void *buf, size_t len, bool write)
{
	if (!write) {
		if (page->data)
			memcpy(buf, (char *)page->data + offset, len);
		else
			memset(buf, 0, len);
		return 0;
	}
	if (!page->data && is_zero(buf, len))
		return 0;
	if (!p2psim_page_bytes(page, true))
		return -ENOMEM;
	memcpy((char *)page->data + offset, buf, len);
	return 0;
}

static int ram_access(u64 phys, void *buf, size_t len, bool write)
{
	struct page *page = p2psim_page_of_pfn(phys >> PAGE_SHIFT);

	if (!page)
		return -EFAULT;
	if (page->_refcount.counter <= 0)
		p2psim_violate(P2PSIM_STALE, 0, P2PSIM_OBJ_RAM, 0, "%s of page %lx, which is free",
			       write ? "a write" : "a read", page->pfn);
	if (len > PAGE_SIZE - (phys & ~PAGE_MASK)) {
		p2psim_violate(P2PSIM_RANGE, 0, P2PSIM_OBJ_RAM, 0, "an access of %zu bytes reaches out of page %lx", len,
			       page->pfn);
		return -EFAULT;
	}
	if (!zone_device_cpu_may_touch(page, write ? "writes" : "reads")) {
		if (!write)
			memset(buf, 0xff, len);
		return 0;
	}
	if (write && page->flags & 1UL << PG_reserved) {
		p2psim_violate(P2PSIM_DATA, 0, P2PSIM_OBJ_RAM, 0, "a write to page %lx, the zero page that all processes share",
			       page->pfn);
		return 0;
	}
	if (page->_refcount.counter <= 0 || lowmem_check_freed(page, phys & ~PAGE_MASK, write)) {
		/* nothing sensible: poison comes out, writes vanish */
		if (!write)
			memset(buf, POISON, len);
		return 0;
	}
	return page_access(page, phys & ~PAGE_MASK, buf, len, write);
}

int p2psim_ram_read(uint64_t phys, void *buf, size_t len)
{
	return ram_access(phys, buf, len, false);
}

int p2psim_ram_write(uint64_t phys, const void *buf, size_t len)
{
	return ram_access(phys, (void *)(uintptr_t)buf, len, true);
}

static struct mmio_window *window_at(struct p2psim_ram_state *ram, u64 phys)
{
	struct mmio_window *window;

	for (window = ram->windows; window; window = window->next)
		if (window->ops && window->start <= phys && phys < window->end)
			return window;
	return NULL;
}

int p2psim_mmio_register(uint64_t start, uint64_t end, const struct p2psim_mmio *mmio, void *arg)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	struct mmio_window *window;

	if (!ram)
		return -ENOMEM;
	if (start >= end || start < (FIRST_PFN + ram->pages) << PAGE_SHIFT)
		return -EINVAL;
	for (window = ram->windows; window; window = window->next)
		if (window->ops && window->start < end && start < window->end)
			return -EBUSY;
	window = p2psim_arena_alloc(sizeof(*window));
	if (!window)
		return -ENOMEM;
	window->start = start;
	window->end = end;
	window->ops = mmio;
	window->arg = arg;
	window->next = ram->windows;
	ram->windows = window;
	return 0;
}

void p2psim_mmio_unregister(uint64_t start)
{
	struct mmio_window *window;

	for (window = p2psim_ram()->windows; window; window = window->next)
		if (window->ops && window->start == start)
			window->ops = NULL;
}

int p2psim_phys_access(uint64_t phys, void *buf, size_t len, bool write)
{
	struct p2psim_ram_state *ram = p2psim_ram();
	const struct page *page = ram ? p2psim_page_of_pfn(phys >> PAGE_SHIFT) : NULL;
	struct mmio_window *window;
	int error;

	if (!ram)
		return -ENOMEM;
	window = page && !is_zone_device_page(page) ? NULL : window_at(ram, phys); /* pages may stand for a BAR */
	if (page && !window)
		return ram_access(phys, buf, len, write);
	error = !window ? -EIO : write ? window->ops->write(window->arg, phys, buf, len) :
					 window->ops->read(window->arg, phys, buf, len);
	if (error && !write)
		memset(buf, 0xff, len);
	return 0;
}

struct p2psim_swap_state *p2psim_swap(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();

	return ram ? &ram->swap : NULL;
}

struct p2psim_pagemaps *p2psim_pagemaps(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();

	return ram ? &ram->pagemaps : NULL;
}

struct p2psim_lowmem *p2psim_lowmem(void)
{
	struct p2psim_ram_state *ram = p2psim_ram();

	return ram ? &ram->lowmem : NULL;
}
