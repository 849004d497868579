/* SPDX-License-Identifier: MIT */
/*
 * The book that each device keeps of what is mapped for it.  Mirrors: kernel/dma/debug.c, 6.12 (what it finds, and more).
 *
 *	(unknown) --map--> live (count 1) <--map, unmap--> live (count n) --last unmap--> former --map--> live ...
 *
 * One entry for each (range, kind, direction); a former one stays in the book, so that who uses the address too late
 * can be told when it went.  Entries are ordered by address; each knows the greatest end in its subtree, so that "what
 * covers this address?" is a search.  Each remembers what the pages were when it was made: a page that was freed and is
 * another's now is not the one that was mapped.
 *
 * Rules (D = cited by the tests)
 *	D1  what is mapped is unmapped once, with its own address, size, direction and by its own function, else
 *	    BALANCE.
 *	D2  what is still mapped at the end is a LEAK.
 *	D3  RAM is reached through a live mapping that covers all of the access in its direction: a former one is STALE,
 *	    none at all or another direction CONTRACT.
 *	D4  a BAR that p2psim_bar_map() gave out is reached while that is live and its page of that generation: else
 *	    STALE.
 */
#include <p2psim/check.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "p2p/internal.h"
#include "vma/lowmem.h"

struct mapping {
	struct p2psim_tree_node node;
	u64 start, end;			/* [start, end) */
	u64 subtree_end;
	enum p2psim_mapping_kind kind;
	enum dma_data_direction dir;
	unsigned long live;		/* how often it is mapped; 0 = former */
	u64 gone_step;			/* of the last unmap */
	struct p2psim_bar *bar;		/* of P2PSIM_MAPPING_BAR */
	u32 generation;
	u32 *generations;		/* of its pages of RAM; NULL: it has none */
};

static const struct {
	const char *map, *unmap;
} names[] = {
	[P2PSIM_MAPPING_PAGE] = { "dma_map_page()", "dma_unmap_page()" },
	[P2PSIM_MAPPING_RESOURCE] = { "dma_map_resource()", "dma_unmap_resource()" },
	[P2PSIM_MAPPING_BAR] = { "p2psim_bar_map()", "p2psim_bar_unmap()" },
	[P2PSIM_MAPPING_SG] = { "dma_map_sg()", "dma_unmap_sg()" },
	[P2PSIM_MAPPING_COHERENT] = { "dma_alloc_coherent()", "dma_free_coherent()" },
	[P2PSIM_MAPPING_POOL] = { "dma_pool_alloc()", "dma_pool_free()" },
};

static struct mapping *mapping_of(const struct p2psim_tree_node *node)
{
	return container_of(node, struct mapping, node);
}

/* Order: address, end, kind, direction.  <0, 0, >0. */
static int compare(const struct mapping *a, const struct mapping *b)
{
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->dir > b->dir) - (a->dir < b->dir);
}

static bool mapping_less(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return compare(mapping_of(a), mapping_of(b)) < 0;
}

static void mapping_augment(struct p2psim_tree_node *node)
{
	struct mapping *mapping = mapping_of(node);

	mapping->subtree_end = mapping->end;
	if (node->left)
		mapping->subtree_end = max(mapping->subtree_end, mapping_of(node->left)->subtree_end);
	if (node->right)
		mapping->subtree_end = max(mapping->subtree_end, mapping_of(node->right)->subtree_end);
}

static const struct p2psim_tree_ops mapping_ops = { .less = mapping_less, .augment = mapping_augment };

/* The first entry that equals `key`, or NULL.  Those of several generations follow each other. */
static struct mapping *find_first(const struct device *dev, const struct mapping *key)
{
	struct p2psim_tree_node *node = dev->dma_mappings.root;
	struct mapping *found = NULL;

	while (node) {
		int order = compare(key, mapping_of(node));

		if (!order)
			found = mapping_of(node);
		node = order <= 0 ? node->left : node->right;
	}
	return found;
}

static struct mapping *find_next(const struct mapping *mapping)
{
	struct p2psim_tree_node *node = p2psim_tree_next(&mapping->node);

	return node && !compare(mapping_of(node), mapping) ? mapping_of(node) : NULL;
}

/* What lies there now: changes when the page, or the memory of kmalloc(), goes to somebody else. */
static u32 generation_at(u64 addr)
{
	const struct page *page = pfn_to_page(addr >> PAGE_SHIFT);
	struct p2psim_kmalloc memory;

	if (!page || is_zone_device_page(page))
		return 0;
	if (lowmem_is_kmalloc(page))
		return p2psim_kmalloc_around((const char *)page->data + offset_in_page(addr), &memory) ? memory.id : 0;
	return p2psim_page_generation(page);
}

static unsigned long page_of(const struct mapping *mapping, u64 addr)
{
	return (addr >> PAGE_SHIFT) - (mapping->start >> PAGE_SHIFT);
}

/* Where its n-th page begins, or it itself. */
static u64 page_start(const struct mapping *mapping, unsigned long n)
{
	return n ? ALIGN_DOWN(mapping->start, PAGE_SIZE) + n * PAGE_SIZE : mapping->start;
}

static bool has_generations(const struct mapping *mapping)
{
	return mapping->kind != P2PSIM_MAPPING_BAR && mapping->kind != P2PSIM_MAPPING_RESOURCE;
}

static bool same_promise(const struct mapping *mapping, const struct mapping *key)
{
	unsigned long n;

	if (mapping->bar != key->bar || mapping->generation != key->generation)
		return false;
	for (n = 0; mapping->generations && n <= page_of(mapping, mapping->end - 1); n++)
		if (mapping->generations[n] != generation_at(page_start(mapping, n)))
			return false;
	return true;
}

/* Mapping. */

/* An entry that can take one more: the same promise, or a former one. */
static struct mapping *find_reusable(const struct device *dev, const struct mapping *key)
{
	struct mapping *mapping = find_first(dev, key);

	for (; mapping; mapping = find_next(mapping))
		if (!mapping->live || same_promise(mapping, key))
			return mapping;
	return NULL;
}

static struct mapping *make_entry(struct device *dev, const struct mapping *key)
{
	struct mapping *mapping = p2psim_arena_alloc(sizeof(*mapping));

	if (!mapping)
		return NULL;
	*mapping = *key;
	if (has_generations(key)) {
		mapping->generations = p2psim_arena_alloc((page_of(key, key->end - 1) + 1) * sizeof(u32));
		if (!mapping->generations)
			return NULL;
	}
	p2psim_tree_insert(&dev->dma_mappings, &mapping->node, &mapping_ops);
	return mapping;
}

int p2psim_mapping_add(struct device *dev, u64 addr, u64 size, enum p2psim_mapping_kind kind,
		       enum dma_data_direction dir, struct p2psim_bar *bar, u32 generation)
{
	struct mapping key = { .start = addr, .end = addr + size, .kind = kind, .dir = dir };
	struct mapping *mapping;
	unsigned long n;

	key.bar = bar;
	key.generation = generation;
	mapping = find_reusable(dev, &key);
	if (!mapping)
		mapping = make_entry(dev, &key);
	if (!mapping)
		return -ENOMEM;
	mapping->bar = bar;
	mapping->generation = generation;
	for (n = 0; mapping->generations && n <= page_of(mapping, addr + size - 1); n++)
		mapping->generations[n] = generation_at(page_start(mapping, n));
	mapping->live++;
	dev->dma_live++;
	return 0;
}

/* Unmapping. */

struct search {
	u64 start, last;		/* what must be touched */
	bool (*found)(struct mapping *mapping, void *arg);	/* true: stop */
	void *arg;
};

/* Visits what overlaps [start, last], in order; recursion is as deep as the tree is high. */
static bool visit(struct p2psim_tree_node *node, const struct search *search)
{
	struct mapping *mapping;

	if (!node || mapping_of(node)->subtree_end <= search->start)
		return false;
	mapping = mapping_of(node);
	if (visit(node->left, search))
		return true;
	if (mapping->start > search->last)
		return false;
	if (mapping->end > search->start && search->found(mapping, search->arg))
		return true;
	return visit(node->right, search);
}

static void visit_overlapping(const struct device *dev, u64 start, u64 size,
			      bool (*found)(struct mapping *, void *), void *arg)
{
	struct search search = { .start = start, .last = start + size - 1, .found = found, .arg = arg };

	visit(dev->dma_mappings.root, &search);
}

/* What the unmapper may have meant: a live entry at that address rather than any, a live one rather than a former. */
struct suspect {
	u64 addr;
	struct mapping *mapping;
};

static bool suspects(struct mapping *mapping, void *arg)
{
	struct suspect *suspect = arg;

	if (!suspect->mapping || (mapping->live && !suspect->mapping->live) ||
	    (mapping->live && mapping->start == suspect->addr && suspect->mapping->start != suspect->addr))
		suspect->mapping = mapping;
	return false;
}

static const char *direction_name(enum dma_data_direction dir)
{
	static const char *const names[] = { "DMA_BIDIRECTIONAL", "DMA_TO_DEVICE", "DMA_FROM_DEVICE" };

	return valid_dma_direction(dir) ? names[dir] : "no direction";
}

static void report_wrong_unmap(struct device *dev, const struct mapping *key)
{
	struct suspect suspect = { .addr = key->start };
	const struct mapping *is;
	const char *name = names[key->kind].unmap;
	unsigned long long addr = key->start, size = key->end - key->start;
	u32 id = p2psim_object_id(&dev->obj);

	visit_overlapping(dev, key->start, key->end - key->start, suspects, &suspect);
	is = suspect.mapping;
	if (!is)
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s of 0x%llx, which was never mapped for %s", name, addr,
			       dev_name(dev));
	else if (!is->live)
		p2psim_violate(P2PSIM_BALANCE, is->gone_step, id, 0, "%s of 0x%llx for %s, unmapped before", name, addr,
			       dev_name(dev));
	else if (is->kind != key->kind)
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s of 0x%llx for %s, which came from %s", name, addr,
			       dev_name(dev), names[is->kind].map);
	else if (is->start != key->start)
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s of 0x%llx for %s, which was mapped from 0x%llx on", name,
			       addr, dev_name(dev), (unsigned long long)is->start);
	else if (is->end != key->end)
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s of 0x%llx for %s with %llu bytes, mapped with %llu", name,
			       addr, dev_name(dev), size, (unsigned long long)(is->end - is->start));
	else
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s of 0x%llx for %s as %s, mapped as %s", name, addr,
			       dev_name(dev), direction_name(key->dir), direction_name(is->dir));
}

static struct mapping *find_live(const struct device *dev, const struct mapping *key)
{
	struct mapping *mapping = find_first(dev, key);

	while (mapping && !mapping->live)
		mapping = find_next(mapping);
	return mapping;
}

bool p2psim_mapping_remove(struct device *dev, u64 addr, u64 size, enum p2psim_mapping_kind kind,
			   enum dma_data_direction dir)
{
	struct mapping key = { .start = addr, .end = addr + size, .kind = kind, .dir = dir };
	struct mapping *mapping = find_live(dev, &key);

	if (!mapping) {
		report_wrong_unmap(dev, &key);
		return false;
	}
	mapping->live--;
	mapping->gone_step = p2psim_world_steps(p2psim_world_current());
	dev->dma_live--;
	return true;
}

/* Asking. */

/* What a beat finds in the book. */
struct beat {
	u64 start, end;
	bool write;
	const struct p2psim_bar *bar;	/* where it landed */
	unsigned long page;
	bool good, wrong_way;		/* a live mapping covers it; covers it for the other direction */
	const struct mapping *old;	/* a mapping whose page of the BAR is another's now */
	const struct mapping *former;	/* the one that went last */
};

static bool allows(const struct mapping *mapping, bool write)
{
	return mapping->dir == DMA_BIDIRECTIONAL || mapping->dir == (write ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
}

static bool is_current(const struct mapping *mapping, const struct beat *beat)
{
	u64 first = max(mapping->start, ALIGN_DOWN(beat->start, PAGE_SIZE));

	if (mapping->kind == P2PSIM_MAPPING_BAR)
		return beat->bar && mapping->bar == beat->bar &&
		       mapping->generation == p2psim_bar_generation(beat->bar, beat->page, NULL);
	return beat->bar || !mapping->generations ||
	       mapping->generations[page_of(mapping, beat->start)] == generation_at(first);
}

static bool judge(struct mapping *mapping, void *arg)
{
	struct beat *beat = arg;

	if (mapping->start > beat->start || mapping->end < beat->end)
		return false;
	if (!mapping->live) {
		if (!beat->former || mapping->gone_step > beat->former->gone_step)
			beat->former = mapping;
	} else if (!is_current(mapping, beat)) {
		beat->old = mapping;
	} else if (allows(mapping, beat->write)) {
		beat->good = true;
	} else {
		beat->wrong_way = true;
	}
	return beat->good;
}

static bool report_former(struct device *dev, const struct beat *beat)
{
	p2psim_violate(P2PSIM_STALE, beat->former->gone_step, p2psim_object_id(&dev->obj), 0,
		       "%s %s 0x%llx after %s", dev_name(dev), beat->write ? "writes to" : "reads from",
		       (unsigned long long)beat->start, names[beat->former->kind].unmap);
	return true;
}

static bool report_wrong_way(struct device *dev, const struct beat *beat)
{
	p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&dev->obj), 0,
		       "%s %s 0x%llx, mapped for the other direction", dev_name(dev),
		       beat->write ? "writes to" : "reads from", (unsigned long long)beat->start);
	return true;
}

bool p2psim_mapping_check_ram(struct device *dev, u64 addr, u64 len, bool write)
{
	struct beat beat = { .start = addr, .end = addr + len, .write = write };

	visit_overlapping(dev, addr, len, judge, &beat);
	if (beat.good)
		return false;
	if (beat.wrong_way)
		return report_wrong_way(dev, &beat);
	if (beat.old) {
		p2psim_violate(P2PSIM_STALE, 0, p2psim_object_id(&dev->obj), 0,
			       "%s %s 0x%llx, whose page was freed since it was mapped, and is another's now", dev_name(dev),
			       write ? "writes to" : "reads from", (unsigned long long)addr);
		return true;
	}
	if (beat.former)
		return report_former(dev, &beat);
	p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&dev->obj), 0, "%s %s RAM at 0x%llx, never mapped for it",
		       dev_name(dev), write ? "writes to" : "reads from", (unsigned long long)addr);
	return true;
}

bool p2psim_mapping_check_bar(struct device *dev, u64 addr, struct p2psim_bar *bar, unsigned long page)
{
	struct beat beat = { .start = addr, .end = addr + 1, .bar = bar, .page = page };
	u64 changed = 0;

	visit_overlapping(dev, addr, 1, judge, &beat);
	if (beat.good || beat.wrong_way)
		return false;
	if (beat.old) {
		if (bar)
			p2psim_bar_generation(bar, page, &changed);
		p2psim_violate(P2PSIM_STALE, changed, p2psim_object_id(&dev->obj), 0,
			       "%s uses 0x%llx, whose BAR window has changed since it was mapped", dev_name(dev),
			       (unsigned long long)addr);
		return true;
	}
	return beat.former ? report_former(dev, &beat) : false;
}

/* A live mapping that covers the range, else what comes nearest. */
static bool finds_sync(struct mapping *mapping, void *arg)
{
	struct beat *beat = arg;

	if (mapping->start > beat->start || mapping->end < beat->end)
		return false;
	beat->former = mapping;
	return mapping->live;
}

void p2psim_mapping_check_sync(struct device *dev, u64 addr, u64 size, enum dma_data_direction dir, const char *call)
{
	struct beat beat = { .start = addr, .end = addr + size };
	const struct mapping *mapping;

	visit_overlapping(dev, addr, size, finds_sync, &beat);
	mapping = beat.former;
	if (!mapping || !mapping->live)
		p2psim_violate(P2PSIM_CONTRACT, mapping ? mapping->gone_step : 0, p2psim_object_id(&dev->obj), 0,
			       "%s of 0x%llx, %llu bytes, which %s mapped for %s", call, (unsigned long long)addr,
			       (unsigned long long)size, mapping ? "is no longer" : "is not", dev_name(dev));
	else if (mapping->dir != DMA_BIDIRECTIONAL && mapping->dir != dir)
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&dev->obj), 0, "%s of 0x%llx for %s as %s, mapped as %s",
			       call, (unsigned long long)addr, dev_name(dev), direction_name(dir),
			       direction_name(mapping->dir));
}

unsigned long p2psim_dma_live(const struct device *dev)
{
	return dev->dma_live;
}

struct cover {
	u64 start, end;
	bool live;
};

static bool covers(struct mapping *mapping, void *arg)
{
	struct cover *cover = arg;

	cover->live = mapping->live && mapping->start <= cover->start && mapping->end >= cover->end;
	return cover->live;
}

bool p2psim_dma_is_mapped(const struct device *dev, uint64_t addr, uint64_t len)
{
	struct cover cover = { .start = addr, .end = addr + len };

	visit_overlapping(dev, addr, len, covers, &cover);
	return cover.live;
}

/* D2. */
void p2psim_mappings_check(struct device *dev)
{
	struct p2psim_tree_node *node = dev->dma_live ? p2psim_tree_first(&dev->dma_mappings) : NULL;

	for (; node; node = p2psim_tree_next(node)) {
		struct mapping *mapping = mapping_of(node);

		if (mapping->live)
			p2psim_violate(P2PSIM_LEAK, 0, p2psim_object_id(&dev->obj), 0,
				       "%s of %s was never undone: 0x%llx, %llu bytes, %lu times",
				       names[mapping->kind].map, dev_name(dev), (unsigned long long)mapping->start,
				       (unsigned long long)(mapping->end - mapping->start), mapping->live);
	}
}
