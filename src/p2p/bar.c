/* SPDX-License-Identifier: MIT */
/*
 * Windows behind a BAR: which page shows what, since when, and who may be told its address.
 *
 * Each page of the BAR has a generation and the step at which the last one began; they outlive the windows, so that an
 * access through an old address can be told from a good one even when another window has taken the place.
 *
 * Rules (B = cited by the tests)
 *	B1  windows lie inside the BAR without overlap, each at the lowest place that fits when it was made.
 *	B2  alloc, free, move and retarget begin a new generation of every page that changes what it shows.
 *	B3  an access to a page that had a window and has none is STALE; to one that never had one, an abort.
 *	B4  p2psim_bar_map() books what it gives on the importer, with the generation.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/err.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>

#include "p2p/internal.h"

#define CHUNK_PAGES 512ul

struct page_state {
	u64 changed_step;
	u32 generation;			/* 0: never in a window */
};

struct window {
	struct p2psim_span span;	/* pages of the BAR */
	struct p2psim_object obj;
	struct p2psim_bar_window window;
};

struct p2psim_bar {
	struct pci_dev *pdev;
	int index;
	const struct p2psim_bar_ops *ops;
	void *arg;
	bool detached;			/* the device was removed: nobody reaches it any more */
	struct p2psim_space space;	/* in pages */
	struct page_state **chunks;
	struct list_head link;
	char name[32];
};

static struct window *window_of(const struct p2psim_span *span)
{
	return container_of(span, struct window, span);
}

struct pci_dev *p2psim_bar_pdev(const struct p2psim_bar *bar)
{
	return bar->pdev;
}

int p2psim_bar_index(const struct p2psim_bar *bar)
{
	return bar->index;
}

unsigned long p2psim_bar_pages(const struct p2psim_bar *bar)
{
	return bar->space.end;
}

/* Generations. */

static struct page_state *state_of(const struct p2psim_bar *bar, unsigned long page)
{
	struct page_state *chunk = page < bar->space.end ? bar->chunks[page / CHUNK_PAGES] : NULL;

	return chunk ? &chunk[page % CHUNK_PAGES] : NULL;
}

u32 p2psim_bar_generation(const struct p2psim_bar *bar, unsigned long page, u64 *changed_step)
{
	const struct page_state *state = state_of(bar, page);

	if (changed_step)
		*changed_step = state ? state->changed_step : 0;
	return state ? state->generation : 0;
}

/* Makes room for the states of [first, end) of the BAR. */
static int prepare_states(struct p2psim_bar *bar, unsigned long first, unsigned long end)
{
	unsigned long i;

	for (i = first / CHUNK_PAGES; i <= (end - 1) / CHUNK_PAGES; i++) {
		if (!bar->chunks[i])
			bar->chunks[i] = p2psim_arena_alloc(CHUNK_PAGES * sizeof(struct page_state));
		if (!bar->chunks[i])
			return -ENOMEM;
	}
	return 0;
}

static u64 cpu_page(const struct p2psim_bar *bar, unsigned long page)
{
	return (pci_resource_start(bar->pdev, bar->index) >> PAGE_SHIFT) + page;
}

static void step_on_pages(const struct p2psim_bar *bar, unsigned long first, unsigned long end, const char *label)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_BAR, true, cpu_page(bar, first), cpu_page(bar, end - 1), label);
}

/* B2: [first, end) shows something else, or nothing, from this step on. */
static void begin_generation(struct p2psim_bar *bar, unsigned long first, unsigned long end)
{
	u64 now = p2psim_world_steps(p2psim_world_current());

	for (; first < end; first++) {
		struct page_state *state = state_of(bar, first);

		state->generation++;
		state->changed_step = now;
	}
}

/* Seen by the CPU. */

static int cpu_access(struct p2psim_bar *bar, u64 phys, void *buf, size_t len, bool write)
{
	u64 offset = phys - pci_resource_start(bar->pdev, bar->index);

	if (!bar->pdev->memory_enabled)
		return -EIO;
	return p2psim_bar_access(bar, offset, buf, len, write, true, false);
}

static int cpu_read(void *arg, u64 phys, void *buf, size_t len)
{
	return cpu_access(arg, phys, buf, len, false);
}

static int cpu_write(void *arg, u64 phys, const void *buf, size_t len)
{
	return cpu_access(arg, phys, (void *)(uintptr_t)buf, len, true);
}

static const struct p2psim_mmio bar_mmio = { .read = cpu_read, .write = cpu_write };

/* The BAR. */

static bool bar_is_usable(struct pci_dev *pdev, int bar)
{
	return bar >= 0 && bar < PCI_STD_NUM_BARS && pci_resource_flags(pdev, bar) & IORESOURCE_MEM &&
	       !pdev->bars[bar] && !pdev->dev.gone;
}

static int show_to_cpu(struct p2psim_bar *bar)
{
	return p2psim_mmio_register(pci_resource_start(bar->pdev, bar->index),
				    pci_resource_end(bar->pdev, bar->index) + 1, &bar_mmio, bar);
}

struct p2psim_bar *p2psim_bar_init(struct pci_dev *pdev, int index, const struct p2psim_bar_ops *ops, void *arg)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct p2psim_bar *bar;
	unsigned long pages;

	if (!state || !bar_is_usable(pdev, index))
		return NULL;
	bar = kzalloc(sizeof(*bar), GFP_KERNEL);
	if (!bar)
		return NULL;
	pages = DIV_ROUND_UP(pci_resource_len(pdev, index), PAGE_SIZE);
	bar->chunks = p2psim_arena_alloc(DIV_ROUND_UP(pages, CHUNK_PAGES) * sizeof(*bar->chunks));
	bar->pdev = pdev;
	bar->index = index;
	bar->ops = ops;
	bar->arg = arg;
	bar->space.end = pages;
	if (!bar->chunks || show_to_cpu(bar)) {
		kfree(bar);
		return NULL;
	}
	pdev->bars[index] = bar;
	list_add_tail(&bar->link, &state->bars);
	return bar;
}

/* The device is gone: its addresses may be somebody else's from now on. */
void p2psim_bar_detach(struct p2psim_bar *bar)
{
	if (bar->detached)
		return;
	p2psim_mmio_unregister(pci_resource_start(bar->pdev, bar->index));
	bar->detached = true;
}

static void report_leaks(struct p2psim_bar *bar)
{
	struct p2psim_tree_node *node = p2psim_tree_first(&bar->space.taken);

	for (; node; node = p2psim_tree_next(node)) {
		struct window *window = window_of(container_of(node, struct p2psim_span, node));

		p2psim_violate(P2PSIM_LEAK, 0, window->window.id, p2psim_pci_id(bar->pdev),
			       "a window of %lu pages at page %lu of %s BAR%d was never freed", window->window.pages,
			       window->window.first, p2psim_pci_label(bar->pdev), bar->index);
	}
}

void p2psim_bars_check(struct p2psim_p2p_state *state)
{
	struct p2psim_bar *bar;

	list_for_each_entry(bar, &state->bars, link)
		report_leaks(bar);
}

void p2psim_bar_destroy(struct p2psim_bar *bar)
{
	struct p2psim_tree_node *node;

	report_leaks(bar);
	p2psim_bar_detach(bar);
	while ((node = p2psim_tree_first(&bar->space.taken)))
		p2psim_bar_window_free(bar, window_of(container_of(node, struct p2psim_span, node))->window.first);
	bar->pdev->bars[bar->index] = NULL;
	list_del(&bar->link);
	kfree(bar);
}

/* Windows. */

static struct window *window_beginning_at(struct p2psim_bar *bar, unsigned long first, const char *call)
{
	struct p2psim_span *span = p2psim_space_find(&bar->space, first);

	if (span && span->start == first)
		return window_of(span);
	p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_pci_id(bar->pdev), 0, "%s: no window of %s BAR%d begins at page %lu",
		       call, p2psim_pci_label(bar->pdev), bar->index, first);
	return NULL;
}

long p2psim_bar_window_place(const struct p2psim_bar *bar, unsigned long pages, unsigned long align_pages)
{
	u64 start;

	if (!pages || !p2psim_space_place(&bar->space, pages, align_pages ? align_pages : 1, NULL, &start))
		return -1;
	return (long)start;
}

static int refuse_window(const struct p2psim_bar *bar, unsigned long pages)
{
	return p2psim_refuse(P2PSIM_REASON_NO_BAR_SPACE, "BAR%d of %s has no room for %lu pages", bar->index,
			     p2psim_pci_label(bar->pdev), pages);
}

static void settle(struct p2psim_bar *bar, struct window *window, unsigned long first)
{
	window->span.start = first;
	window->span.end = first + window->window.pages;
	window->window.first = first;
	p2psim_space_take(&bar->space, &window->span);
	begin_generation(bar, first, window->span.end);
	window->window.generation = p2psim_bar_generation(bar, first, NULL);
}

long p2psim_bar_window_alloc(struct p2psim_bar *bar, unsigned long pages, unsigned long align_pages,
			     uint64_t device_page, void *cookie)
{
	struct window *window;
	long first;

	if (!pages || (align_pages & (align_pages - 1)))
		return -EINVAL;
	if (bar->detached)
		return p2psim_refuse(P2PSIM_REASON_DEVICE_GONE, "%s was removed", p2psim_pci_label(bar->pdev));
	window = kzalloc(sizeof(*window), GFP_KERNEL);
	if (!window)
		return -ENOMEM;
	/* Where it will be depends on all of them. */
	step_on_pages(bar, 0, bar->space.end, "bar:alloc");
	first = p2psim_bar_window_place(bar, pages, align_pages);
	if (first < 0 || prepare_states(bar, (unsigned long)first, (unsigned long)first + pages)) {
		kfree(window);
		return first < 0 ? refuse_window(bar, pages) : -ENOMEM;
	}
	p2psim_object_init(&window->obj, "BAR window");
	window->window.id = window->obj.id;
	window->window.pages = pages;
	window->window.device_page = device_page;
	window->window.cookie = cookie;
	settle(bar, window, (unsigned long)first);
	return first;
}

void p2psim_bar_window_free(struct p2psim_bar *bar, unsigned long first)
{
	struct window *window = window_beginning_at(bar, first, "p2psim_bar_window_free()");

	if (!window)
		return;
	step_on_pages(bar, first, window->span.end, "bar:free");
	p2psim_space_give(&bar->space, &window->span);
	begin_generation(bar, first, window->span.end);
	kfree(window);
}

int p2psim_bar_window_move(struct p2psim_bar *bar, unsigned long first, unsigned long to)
{
	struct window *window = window_beginning_at(bar, first, "p2psim_bar_window_move()");
	unsigned long pages = window ? window->window.pages : 0;

	if (!window || to + pages > bar->space.end || to + pages < to)
		return -EINVAL;
	if (to == first)
		return 0;
	step_on_pages(bar, min(first, to), max(first, to) + pages, "bar:move");
	if (!p2psim_space_is_free(&bar->space, to, to + pages, &window->span))
		return -EBUSY;
	if (prepare_states(bar, to, to + pages))
		return -ENOMEM;
	p2psim_space_give(&bar->space, &window->span);
	begin_generation(bar, first, first + pages);
	settle(bar, window, to);
	return 0;
}

void p2psim_bar_window_retarget(struct p2psim_bar *bar, unsigned long first, uint64_t device_page)
{
	struct window *window = window_beginning_at(bar, first, "p2psim_bar_window_retarget()");

	if (!window)
		return;
	step_on_pages(bar, first, window->span.end, "bar:retarget");
	window->window.device_page = device_page;
	begin_generation(bar, first, window->span.end);
	window->window.generation = p2psim_bar_generation(bar, first, NULL);
}

void p2psim_bar_window_set_owner(struct p2psim_bar *bar, unsigned long first, uint32_t owner)
{
	struct window *window = window_beginning_at(bar, first, "p2psim_bar_window_set_owner()");

	if (window)
		window->window.owner = owner;
}

const struct p2psim_bar_window *p2psim_bar_window_at(const struct p2psim_bar *bar, unsigned long page)
{
	struct p2psim_span *span = p2psim_space_find(&bar->space, page);

	return span ? &window_of(span)->window : NULL;
}

const struct p2psim_bar_window *p2psim_bar_window_next(const struct p2psim_bar *bar, unsigned long page)
{
	struct p2psim_span *span = p2psim_space_next(&bar->space, page);

	return span ? &window_of(span)->window : NULL;
}

/* An access that has arrived. */

static void report_empty_page(struct p2psim_bar *bar, unsigned long page, bool write, bool by_cpu)
{
	u64 since;

	if (!p2psim_bar_generation(bar, page, &since))
		return;
	p2psim_violate(P2PSIM_STALE, since, p2psim_pci_id(bar->pdev), 0,
		       "%s %s page %lu of %s BAR%d, whose window is gone", by_cpu ? "the CPU" : "a peer",
		       write ? "writes to" : "reads from", page, p2psim_pci_label(bar->pdev), bar->index);
}

/* -EIO: completed with an abort.  `quiet`: the access was reported already. */
int p2psim_bar_access(struct p2psim_bar *bar, u64 offset, void *buf, size_t len, bool write, bool by_cpu, bool quiet)
{
	unsigned long page = offset >> PAGE_SHIFT;
	const struct p2psim_bar_window *window = p2psim_bar_window_at(bar, page);
	struct p2psim_bar_access access = { .arg = bar->arg, .bar_offset = offset, .by_cpu = by_cpu };
	int ret = -EIO;

	if (!window) {
		if (!quiet)
			report_empty_page(bar, page, write, by_cpu);
		return -EIO;
	}
	access.cookie = window->cookie;
	access.device_offset = offset - ((u64)window->first << PAGE_SHIFT) + (window->device_page << PAGE_SHIFT);
	if (write && bar->ops->write)
		ret = bar->ops->write(&access, buf, len);
	else if (!write && bar->ops->read)
		ret = bar->ops->read(&access, buf, len);
	return ret ? -EIO : 0;
}

/* For peers. */

static int check_pages(struct p2psim_bar *bar, unsigned long page, unsigned long pages)
{
	unsigned long i;

	for (i = page; i < page + pages; i++) {
		if (p2psim_bar_window_at(bar, i))
			continue;
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_pci_id(bar->pdev), 0,
			       "p2psim_bar_map() of page %lu of %s BAR%d, which is in no window", i,
			       p2psim_pci_label(bar->pdev), bar->index);
		return -EINVAL;
	}
	return 0;
}

/* The first page's address as the importer has to put it on the bus, or a refusal. */
static int find_address(struct p2psim_bar *bar, unsigned long page, unsigned long pages, struct device *importer,
			u64 *addr)
{
	int ret = p2psim_p2pdma_check(bar->pdev, importer);

	if (ret)
		return ret;
	*addr = (u64)page << PAGE_SHIFT;
	if (p2psim_p2pdma_map_type(bar->pdev, importer) == PCI_P2PDMA_MAP_BUS_ADDR) {
		*addr += pci_bus_address(bar->pdev, bar->index);
		return 0;
	}
	*addr += pci_resource_start(bar->pdev, bar->index);
	if (!p2psim_dma_fits_mask(importer, *addr, (u64)pages << PAGE_SHIFT))
		return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "BAR%d of %s lies beyond the DMA mask of %s",
				     bar->index, p2psim_pci_label(bar->pdev), dev_name(importer));
	return 0;
}

static void take_back(struct device *importer, unsigned long pages, const uint64_t *pa)
{
	while (pages--)
		p2psim_mapping_remove(importer, pa[pages], PAGE_SIZE, P2PSIM_MAPPING_BAR, DMA_BIDIRECTIONAL);
}

int p2psim_bar_map(struct p2psim_bar *bar, unsigned long page, unsigned long pages, struct device *importer,
		   uint64_t *pa)
{
	unsigned long i;
	u64 addr;
	int ret = check_pages(bar, page, pages);

	if (ret)
		return ret;
	ret = find_address(bar, page, pages, importer, &addr);
	if (ret)
		return ret;
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&importer->obj), true, addr >> PAGE_SHIFT,
			  (addr >> PAGE_SHIFT) + pages - 1, "bar:map");
	for (i = 0; i < pages; i++) {
		pa[i] = addr + ((u64)i << PAGE_SHIFT);
		ret = p2psim_mapping_add(importer, pa[i], PAGE_SIZE, P2PSIM_MAPPING_BAR, DMA_BIDIRECTIONAL, bar,
					 p2psim_bar_generation(bar, page + i, NULL));
		if (ret) {
			take_back(importer, i, pa);
			return p2psim_refuse(P2PSIM_REASON_NO_MEMORY, "no room to book a mapping of %s",
					     p2psim_pci_label(bar->pdev));
		}
	}
	return 0;
}

void p2psim_bar_unmap(struct p2psim_bar *bar, unsigned long pages, struct device *importer, const uint64_t *pa)
{
	if (!pages)
		return;
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&importer->obj), true, pa[0] >> PAGE_SHIFT,
			  pa[pages - 1] >> PAGE_SHIFT, "bar:unmap");
	take_back(importer, pages, pa);
}
