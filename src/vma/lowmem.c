/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own view of RAM: virt_to_page() and page_address().
 *
 *	kmalloc() memory	a stretch of the arena gets as many pages in a row, from the top of RAM, when somebody first
 *				asks for one of them; it keeps them, and its bytes are theirs
 *	pages of RAM		their bytes are a block of the arena; page_address() remembers whose
 *
 * So physical addresses depend on what was asked for in which order, not on where the arena happens to put things.
 * Left out: memory that nobody asks for costs no RAM.
 */
#include <p2psim/check.h>

#include "vma/internal.h"
#include "vma/lowmem.h"

struct lowmem_run {
	struct lowmem_run *next;
	const char *start;
	size_t bytes;
	struct page *first;
};

struct shown_block {
	struct p2psim_tree_node node;
	const char *start;
	struct page *page;		/* whose bytes they were when it was shown last */
};

static struct shown_block *block_of(const struct p2psim_tree_node *node)
{
	return container_of(node, struct shown_block, node);
}

static bool block_less(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return block_of(a)->start < block_of(b)->start;
}

static const struct p2psim_tree_ops block_ops = { .less = block_less };

static struct shown_block *find_block(const struct p2psim_lowmem *lowmem, const char *start)
{
	struct p2psim_tree_node *node = lowmem->blocks.root;

	while (node && block_of(node)->start != start)
		node = start < block_of(node)->start ? node->left : node->right;
	return node ? block_of(node) : NULL;
}

void lowmem_remember(struct page *page)
{
	struct p2psim_lowmem *lowmem = p2psim_lowmem();
	struct shown_block *block;

	if (!lowmem || !page->data || lowmem_is_kmalloc(page))
		return;
	block = find_block(lowmem, page->data);
	if (!block) {
		block = p2psim_arena_alloc(sizeof(*block));
		if (!block)
			return;
		block->start = page->data;
		p2psim_tree_insert(&lowmem->blocks, &block->node, &block_ops);
	}
	block->page = page;
}

static struct page *page_of_block(const struct p2psim_lowmem *lowmem, const char *start)
{
	const struct shown_block *block = find_block(lowmem, start);

	return block && block->page->data == start ? block->page : NULL;
}

static struct lowmem_run *make_run(struct p2psim_lowmem *lowmem, char *start, size_t bytes)
{
	struct lowmem_run *run = p2psim_arena_alloc(sizeof(*run));
	unsigned long i;

	if (!run)
		return NULL;
	run->first = ram_take_top(bytes >> PAGE_SHIFT);
	if (!run->first) {
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_RAM, 0, "RAM has no %zu KiB left for memory of kmalloc()",
			       bytes >> 10);
		return NULL;
	}
	run->start = start;
	run->bytes = bytes;
	for (i = 0; i < bytes >> PAGE_SHIFT; i++) {
		struct page *page = nth_page(run->first, i);

		page->data = start + (i << PAGE_SHIFT);
		page->flags |= 1UL << PG_slab;
		page->_refcount.counter = 1;
		page->_mapcount.counter = -1;
	}
	run->next = lowmem->runs;
	return lowmem->runs = run;
}

static struct page *page_of_kmalloc(struct p2psim_lowmem *lowmem, const char *addr, char *start, size_t bytes)
{
	struct lowmem_run *run;

	for (run = lowmem->runs; run; run = run->next)
		if (run->start == start)
			break;
	if (!run)
		run = make_run(lowmem, start, bytes);
	return run ? nth_page(run->first, (unsigned long)(addr - start) >> PAGE_SHIFT) : NULL;
}

static struct page *page_at(const char *addr)
{
	struct p2psim_lowmem *lowmem = p2psim_lowmem();
	size_t bytes;
	char *start;

	switch (lowmem ? p2psim_memory_at(addr, &start, &bytes) : P2PSIM_MEMORY_NONE) {
	case P2PSIM_MEMORY_KMALLOC:
		return page_of_kmalloc(lowmem, addr, start, bytes);
	case P2PSIM_MEMORY_BLOCK:
		return page_of_block(lowmem, start);
	default:
		return NULL;
	}
}

struct page *(virt_to_page)(const volatile void *addr)
{
	struct page *page = page_at((const char *)addr);

	if (!page)
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_RAM, 0,
			       "virt_to_page() of what neither kmalloc() nor page_address() gave: a stack, a static variable");
	return page;
}

bool virt_addr_valid(const volatile void *addr)
{
	return page_at((const char *)addr);
}

bool lowmem_check_freed(const struct page *page, unsigned long offset, bool write)
{
	struct p2psim_kmalloc memory;

	if (!lowmem_is_kmalloc(page) || !p2psim_kmalloc_around((const char *)page->data + offset, &memory) || !memory.freed)
		return false;
	p2psim_violate(P2PSIM_STALE, 0, memory.id, P2PSIM_OBJ_RAM, "a %s of memory that was freed in %s() line %d",
		       write ? "write" : "read", memory.site ? memory.site->func : "?", memory.site ? memory.site->line : 0);
	return true;
}
