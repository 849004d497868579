/* SPDX-License-Identifier: MIT */
/*
 * What the mm costs: look-ups over many VMAs, and the simulated system calls beside the running kernel's own.  The last
 * column is the ratio to the reference loop; for system calls a second table gives the ratio to the real call.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>
#include <p2psim/world.h>

#include "bench.h"

#define BASE 0x100000000000UL

struct space {
	struct p2psim_process *process;
	struct mm_struct *mm;
	unsigned long vmas;
	uint64_t random;
};

static unsigned long any(struct space *s)
{
	s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned long)((s->random >> 33) % s->vmas);
}

/* Every second page, so that nothing merges. */
static void fill(struct space *s, unsigned long vmas)
{
	for (; s->vmas < vmas; s->vmas++)
		p2psim_mmap(s->process, BASE + s->vmas * 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static void find(void *arg, uint64_t count)
{
	struct space *s = arg;
	uint64_t sum = 0;

	mmap_read_lock(s->mm);
	while (count--)
		sum += find_vma(s->mm, BASE + any(s) * 2 * PAGE_SIZE)->vm_start;
	mmap_read_unlock(s->mm);
	bench_use(sum);
}

/* Takes one out and puts it back: insert, erase, gap bookkeeping. */
static void insert_and_erase(void *arg, uint64_t count)
{
	struct space *s = arg;

	while (count--) {
		unsigned long addr = BASE + any(s) * 2 * PAGE_SIZE;

		p2psim_munmap(s->process, addr, PAGE_SIZE);
		p2psim_mmap(s->process, addr, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
			    0);
	}
}

static void search_gap(void *arg, uint64_t count)
{
	struct space *s = arg;

	while (count--) {
		long addr = p2psim_mmap(s->process, 0, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

		p2psim_munmap(s->process, (unsigned long)addr, 2 * PAGE_SIZE);
	}
}

static unsigned long resident_bytes(void)
{
	unsigned long size = 0, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm && fscanf(statm, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (statm)
		fclose(statm);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE);
}

static void bench_tree(double reference)
{
	static const unsigned long sizes[] = { 100, 10000, 1000000 };
	char name[64];
	int i;

	for (i = 0; i < 3; i++) {
		struct p2psim_config config = { .max_map_count = 1100000 };
		struct p2psim_world *world = p2psim_world_create(&config);
		struct space s = { .process = p2psim_process_create("bench"), .random = 1 };
		unsigned long before = resident_bytes();

		s.mm = p2psim_process_mm(s.process);
		fill(&s, sizes[i]);
		before = resident_bytes() - before;
		snprintf(name, sizeof(name), "find_vma, %lu VMAs", sizes[i]);
		bench_row(name, bench_ns(find, &s, 500000), reference);
		snprintf(name, sizeof(name), "munmap + mmap of one among %lu VMAs", sizes[i]);
		bench_row(name, bench_ns(insert_and_erase, &s, 100000), reference);
		snprintf(name, sizeof(name), "mmap anywhere + munmap, %lu VMAs", sizes[i]);
		bench_row(name, bench_ns(search_gap, &s, 100000), reference);
		if (i == 2)
			printf("%-52s %10lu bytes\n", "  memory per VMA", before / sizes[i]);
		p2psim_process_exit(s.process);
		p2psim_world_destroy(world);
	}
}

/* What a page costs that is there: its entry, and its struct page once it was written, even with zeros. */
static void bench_pages(void)
{
	const unsigned long pages = 1UL << 18;
	struct p2psim_config config = { .ram_pages = 1UL << 19 };
	struct p2psim_world *world = p2psim_world_create(&config);
	struct p2psim_process *process = p2psim_process_create("bench");
	unsigned long before = resident_bytes(), zero, written;

	p2psim_mmap(process, BASE, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	p2psim_madvise(process, BASE, pages * PAGE_SIZE, MADV_POPULATE_READ);
	zero = resident_bytes() - before;
	p2psim_madvise(process, BASE, pages * PAGE_SIZE, MADV_POPULATE_WRITE);
	written = resident_bytes() - before;
	printf("%-52s %10.1f bytes\n", "memory per mapped page, the zero page", (double)zero / (double)pages);
	printf("%-52s %10.1f bytes\n", "memory per mapped page, freshly written zeros", (double)written / (double)pages);
	p2psim_process_exit(process);
	p2psim_world_destroy(world);
}

/* The same calls on the running kernel and here; `real` says which. */
struct calls {
	struct p2psim_process *process;	/* NULL: the real kernel */
	char *memory;
	unsigned long addr;
};

static void map_unmap(void *arg, uint64_t count)
{
	struct calls *c = arg;

	while (count--) {
		if (c->process) {
			p2psim_mmap(c->process, c->addr - PAGE_SIZE * 4, PAGE_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
			p2psim_munmap(c->process, c->addr - PAGE_SIZE * 4, PAGE_SIZE);
		} else {
			munmap(mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), PAGE_SIZE);
		}
	}
}

static void protect(void *arg, uint64_t count)
{
	struct calls *c = arg;
	int prot = PROT_READ;

	for (; count--; prot ^= PROT_WRITE) {
		if (c->process)
			p2psim_mprotect(c->process, c->addr + 4 * PAGE_SIZE, PAGE_SIZE, prot);
		else
			mprotect(c->memory + 4 * PAGE_SIZE, PAGE_SIZE, prot);
	}
}

/* Each page for the first time; its munmap() is in the figure. */
#define REGION 4096UL

static void first_touch(void *arg, uint64_t count)
{
	struct calls *c = arg;
	unsigned long at, addr = c->addr + (1UL << 30);
	volatile char *memory;

	for (; count; count -= at) {
		if (c->process) {
			p2psim_mmap(c->process, addr, REGION * PAGE_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
			for (at = 0; at < REGION && at < count; at++)
				p2psim_store_byte(c->process, addr + at * PAGE_SIZE, 1);
			p2psim_munmap(c->process, addr, REGION * PAGE_SIZE);
			continue;
		}
		memory = mmap(NULL, REGION * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		madvise((char *)(uintptr_t)memory, REGION * PAGE_SIZE, MADV_NOHUGEPAGE);
		for (at = 0; at < REGION && at < count; at++)
			memory[at * PAGE_SIZE] = 1;
		munmap((char *)(uintptr_t)memory, REGION * PAGE_SIZE);
	}
}

static void refault(void *arg, uint64_t count)
{
	struct calls *c = arg;

	while (count--) {
		if (c->process) {
			p2psim_madvise(c->process, c->addr, PAGE_SIZE, MADV_DONTNEED);
			p2psim_store_byte(c->process, c->addr, 1);
		} else {
			madvise(c->memory, PAGE_SIZE, MADV_DONTNEED);
			*(volatile char *)c->memory = 1;
		}
	}
}

static void compare(const char *name, void (*body)(void *, uint64_t), struct calls *simulated, struct calls *real)
{
	double ours = bench_ns(body, simulated, 100000), theirs = bench_ns(body, real, 20000);

	printf("%-40s %10.0f ns %10.0f ns %9.2f\n", name, ours, theirs, ours / theirs);
}

static void bench_calls(void)
{
	struct p2psim_world *world = p2psim_world_create(NULL);
	struct calls simulated = { .process = p2psim_process_create("bench"), .addr = BASE }, real = {};

	p2psim_mmap(simulated.process, BASE, 64 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	real.memory = mmap(NULL, 64 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (real.memory == MAP_FAILED)
		return;
	printf("\n%-40s %13s %13s %9s\n", "", "simulated", "this kernel", "ratio");
	compare("mmap + munmap, 1 page", map_unmap, &simulated, &real);
	compare("mprotect, split and merge, per call", protect, &simulated, &real);
	compare("first touch of a page", first_touch, &simulated, &real);
	compare("DONTNEED + refault of 1 page", refault, &simulated, &real);
	munmap(real.memory, 64 * PAGE_SIZE);
	p2psim_process_exit(simulated.process);
	p2psim_world_destroy(world);
}

int main(void)
{
	double reference = bench_reference_ns();

	printf("%-52s %13s %9s\n", "", "median of 7", "ratio");
	bench_row("reference loop, one turn", reference, reference);
	bench_tree(reference);
	bench_pages();
	bench_calls();
	return 0;
}
