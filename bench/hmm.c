/* SPDX-License-Identifier: MIT */
/*
 * What HMM costs: hmm_range_fault() over pages that are there and over pages that are not, a page's way to device memory and
 * back, and an invalidation that one of many subscriptions has to hear.  Per page, or per invalidation.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/device_file.h>
#include <p2psim/dmirror.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>
#include <p2psim/world.h>

#include "bench.h"

#define BASE 0x100000000000UL
#define COMMAND 0x10000UL
#define COPY 0x100000UL
#define MOST 262144UL
#define MOVED 64UL

struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
};

struct machine {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct mirror *mirrors;
	unsigned long pages;
	unsigned long *pfns;
	struct file *device;
};

static bool on_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range, unsigned long seq)
{
	struct mirror *mirror = container_of(notifier, struct mirror, notifier);

	(void)range;
	mutex_lock(&mirror->lock);
	mmu_interval_set_seq(notifier, seq);
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_invalidate };

static void map(struct machine *m)
{
	p2psim_mmap(m->app, BASE, m->pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

/* So many mirrors, each of `pages` pages, side by side. */
static void begin(struct machine *m, unsigned long mirrors, unsigned long pages)
{
	const struct p2psim_config config = { .ram_pages = 2 * MOST };
	unsigned long i;

	m->world = p2psim_world_create(&config);
	m->app = p2psim_process_create("bench");
	m->mm = p2psim_process_mm(m->app);
	m->pages = pages;
	m->pfns = calloc(pages, sizeof(*m->pfns));
	m->mirrors = calloc(mirrors, sizeof(*m->mirrors));
	for (i = 0; i < mirrors; i++) {
		mutex_init(&m->mirrors[i].lock);
		mmu_interval_notifier_insert(&m->mirrors[i].notifier, m->mm, BASE + i * pages * PAGE_SIZE, pages * PAGE_SIZE,
					     &ops);
	}
	map(m);
}

static void end(struct machine *m)
{
	p2psim_world_destroy(m->world);
	free(m->mirrors);
	free(m->pfns);
}

static void fault(struct machine *m)
{
	struct hmm_range range = { .notifier = &m->mirrors[0].notifier, .start = BASE, .end = BASE + m->pages * PAGE_SIZE,
				   .hmm_pfns = m->pfns, .default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE };

	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(m->mm);
	bench_use((uint64_t)hmm_range_fault(&range));
	mmap_read_unlock(m->mm);
}

static void fault_present(void *arg, uint64_t count)
{
	struct machine *m = arg;

	for (; count >= m->pages; count -= m->pages)
		fault(m);
}

static void fault_in(void *arg, uint64_t count)
{
	struct machine *m = arg;

	for (; count >= m->pages; count -= m->pages) {
		map(m);
		fault(m);
	}
}

static void bench_fault(unsigned long pages, const char *present, const char *absent, double reference)
{
	struct machine m;

	begin(&m, 1, pages);
	bench_row(absent, bench_ns(fault_in, &m, MOST), reference);
	bench_row(present, bench_ns(fault_present, &m, MOST), reference);
	end(&m);
}

static void tell(struct machine *m, unsigned int command)
{
	struct p2psim_dmirror_cmd cmd = { .addr = BASE, .ptr = COPY, .npages = MOVED };

	p2psim_store(m->app, COMMAND, &cmd, sizeof(cmd));
	bench_use((uint64_t)p2psim_ioctl(m->app, m->device, command, COMMAND));
}

static void round_trip(void *arg, uint64_t count)
{
	for (; count >= MOVED; count -= MOVED) {
		tell(arg, P2PSIM_DMIRROR_MIGRATE_TO_DEV);
		tell(arg, P2PSIM_DMIRROR_MIGRATE_TO_SYS);
	}
}

static void bench_migrate(double reference)
{
	struct p2psim_dmirror *driver;
	struct machine m;

	begin(&m, 1, MOVED);
	p2psim_mmap(m.app, COMMAND, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	p2psim_mmap(m.app, COPY, MOVED * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	if (!p2psim_dmirror_load(NULL, &driver) && !p2psim_device_open(m.app, "hmm_dmirror0", O_RDWR, &m.device))
		bench_row("migration to a device and back, a page of 64", bench_ns(round_trip, &m, 64 * MOVED), reference);
	end(&m);
}

static void invalidate(void *arg, uint64_t count)
{
	struct machine *m = arg;
	struct mmu_notifier_range range;

	while (count--) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, NULL, m->mm, BASE, BASE + PAGE_SIZE);
		mmu_notifier_invalidate_range_start(&range);
		mmu_notifier_invalidate_range_end(&range);
	}
}

static void bench_invalidate(unsigned long mirrors, const char *name, double reference)
{
	struct machine m;

	begin(&m, mirrors, 1);
	bench_row(name, bench_ns(invalidate, &m, 20000), reference);
	end(&m);
}

int main(void)
{
	double reference = bench_reference_ns();

	printf("%-52s %13s %9s\n", "", "median of 7", "ratio");
	bench_row("reference loop, one turn", reference, reference);
	bench_fault(512, "hmm_range_fault(), 512 present pages, a page", "hmm_range_fault(), 512 pages faulted in, a page",
		    reference);
	bench_fault(MOST, "hmm_range_fault(), 262144 present pages, a page", "hmm_range_fault(), 262144 pages faulted in, a page",
		    reference);
	bench_migrate(reference);
	bench_invalidate(1, "invalidation, 1 subscription, which hears it", reference);
	bench_invalidate(100, "invalidation, 100 subscriptions, 1 hears it", reference);
	bench_invalidate(10000, "invalidation, 10000 subscriptions, 1 hears it", reference);
	return 0;
}
