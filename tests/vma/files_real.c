/* SPDX-License-Identifier: MIT */
/*
 * Files of a tmpfs against those of the kernel that runs the test: the same random calls on a memfd and on a simulated file,
 * both mapped; what the calls return, the bytes that are read, the signals, the size and what is in core agree.
 *
 *	./vma_files_real [first seed] [number of sequences]
 *
 * What kernels do differently on purpose is left out: mremap(), and a sequence ends when MADV_POPULATE_* fails (newer ones
 * stop at the first hole, those before 5.14 do not know it).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "vma_files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_PAGES 24
#define OPS_MAX 60
#define BYTES_MAX (3 * PAGE_SIZE)

struct twins {
	struct vma_bench *b;	/* the simulated process and file */
	int fd;			/* the real file */
	uint32_t random;
	char what[OPS_MAX][80];	/* the calls so far */
	unsigned int count;
	bool ends;
	unsigned char real[BYTES_MAX], simulated[BYTES_MAX];
};

static unsigned long draw(struct twins *t, unsigned long below)
{
	t->random = t->random * 1664525u + 1013904223u;
	return (t->random >> 8) % below;
}

static long or_errno(long ret)
{
	return ret == -1 ? -errno : ret;
}

static bool agree(struct twins *t, long real, long simulated)
{
	size_t used = strlen(t->what[t->count]);

	snprintf(t->what[t->count] + used, sizeof(t->what[0]) - used, " = %ld | %ld", real, simulated);
	return real == simulated && !memcmp(t->real, t->simulated, sizeof(t->real));
}

#define SAY(t, ...) snprintf((t)->what[(t)->count], sizeof((t)->what[0]), __VA_ARGS__)

/* Pages [*addr, *addr + *len) of the window, somewhere. */
static void draw_range(struct twins *t, unsigned long *addr, unsigned long *len)
{
	unsigned long first = draw(t, WINDOW_PAGES), pages = 1 + draw(t, 6);

	*addr = AT(first);
	*len = PAGES(min(pages, WINDOW_PAGES - first));
}

/* Bytes of the file, page-aligned or not. */
static void draw_bytes(struct twins *t, unsigned long *offset, unsigned long *len)
{
	*offset = draw(t, 2) ? PAGES(draw(t, 10)) : draw(t, PAGES(10));
	*len = draw(t, 2) ? PAGES(1 + draw(t, 3)) : 1 + draw(t, BYTES_MAX);
}

/* ---- the calls ---- */

static bool maps(struct twins *t)
{
	int prot = draw(t, 4) ? RW : PROT_READ, flags = MAP_FIXED | (draw(t, 2) ? MAP_SHARED : MAP_PRIVATE);
	unsigned long addr, len, offset = PAGES(draw(t, 10));
	long real;

	draw_range(t, &addr, &len);
	SAY(t, "mmap %lx %lx %d %x, %lx", addr, len, prot, flags, offset);
	real = or_errno((long)mmap((void *)addr, len, prot, flags, t->fd, (off_t)offset));
	return agree(t, real, p2psim_mmap(t->b->app, addr, len, prot, flags, t->b->file, offset));
}

static bool maps_anonymous(struct twins *t)
{
	int flags = MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS;
	unsigned long addr, len;
	long real;

	draw_range(t, &addr, &len);
	SAY(t, "mmap %lx %lx anonymous", addr, len);
	real = or_errno((long)mmap((void *)addr, len, RW, flags, -1, 0));
	return agree(t, real, p2psim_mmap(t->b->app, addr, len, RW, flags, NULL, 0));
}

static bool unmaps(struct twins *t)
{
	unsigned long addr, len;

	draw_range(t, &addr, &len);
	SAY(t, "munmap %lx %lx", addr, len);
	return agree(t, or_errno(munmap((void *)addr, len)), p2psim_munmap(t->b->app, addr, len));
}

static bool protects(struct twins *t)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW };
	int prot = prots[draw(t, 3)];
	unsigned long addr, len;
	long real;

	draw_range(t, &addr, &len);
	SAY(t, "mprotect %lx %lx %d", addr, len, prot);
	real = or_errno(mprotect((void *)addr, len, prot));
	return agree(t, real, p2psim_mprotect(t->b->app, addr, len, prot));
}

static sigjmp_buf after_signal;

static void on_signal(int signo)
{
	siglongjmp(after_signal, signo);
}

/* A byte, 0, or -1000 - signal. */
static long touch(unsigned long addr, bool write, uint8_t value)
{
	int signo = sigsetjmp(after_signal, 1);

	if (signo)
		return -1000 - signo;
	if (!write)
		return *(volatile uint8_t *)addr;
	*(volatile uint8_t *)addr = value;
	return 0;
}

static bool touches(struct twins *t)
{
	unsigned long addr = AT(draw(t, WINDOW_PAGES)) + (draw(t, 2) ? 0 : draw(t, PAGE_SIZE));
	bool write = draw(t, 2);
	uint8_t value = (uint8_t)(1 + draw(t, 200));
	long simulated = write ? p2psim_store_byte(t->b->app, addr, value) : p2psim_load_byte(t->b->app, addr);

	SAY(t, "%s %lx %d", write ? "store" : "load", addr, value);
	if (simulated == -EFAULT)
		simulated = -1000 - p2psim_process_signal(t->b->app)->signo;
	return agree(t, touch(addr, write, value), simulated);
}

static bool writes(struct twins *t)
{
	unsigned char bytes[BYTES_MAX];
	unsigned long offset, len;

	draw_bytes(t, &offset, &len);
	memset(bytes, (int)(1 + draw(t, 200)), sizeof(bytes));
	SAY(t, "pwrite %lx %lx %d", offset, len, bytes[0]);
	return agree(t, or_errno(pwrite(t->fd, bytes, len, (off_t)offset)), p2psim_file_write(t->b->file, offset, bytes, len));
}

static bool reads(struct twins *t)
{
	unsigned long offset, len;
	long real;

	draw_bytes(t, &offset, &len);
	SAY(t, "pread %lx %lx", offset, len);
	real = or_errno(pread(t->fd, t->real, len, (off_t)offset));
	return agree(t, real, p2psim_file_read(t->b->file, offset, t->simulated, len));
}

static bool truncates(struct twins *t)
{
	unsigned long offset, len;

	draw_bytes(t, &offset, &len);
	SAY(t, "ftruncate %lx", offset);
	return agree(t, or_errno(ftruncate(t->fd, (off_t)offset)), p2psim_file_truncate(t->b->file, offset));
}

static bool punches(struct twins *t)
{
	unsigned long offset, len;
	long real;

	draw_bytes(t, &offset, &len);
	SAY(t, "punch %lx %lx", offset, len);
	real = or_errno(fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len));
	return agree(t, real, p2psim_file_punch_hole(t->b->file, offset, len));
}

static bool allocates(struct twins *t)
{
	unsigned long offset, len;

	draw_bytes(t, &offset, &len);
	SAY(t, "fallocate %lx %lx", offset, len);
	return agree(t, or_errno(fallocate(t->fd, 0, (off_t)offset, (off_t)len)),
		     p2psim_file_allocate(t->b->file, offset, len));
}

static bool advises(struct twins *t)
{
	static const int advices[] = { MADV_DONTNEED, MADV_REMOVE, MADV_COLD, MADV_FREE, 22, 23 /* POPULATE_READ, _WRITE */ };
	int advice = advices[draw(t, ARRAY_SIZE(advices))];
	unsigned long addr, len;
	long real, simulated;

	draw_range(t, &addr, &len);
	SAY(t, "madvise %lx %lx %d", addr, len, advice);
	real = or_errno(madvise((void *)addr, len, advice));
	simulated = p2psim_madvise(t->b->app, addr, len, advice);
	t->ends = advice >= 22 && (real || simulated);
	return agree(t, real, simulated) || t->ends;
}

static bool looks_in_core(struct twins *t)
{
	unsigned long addr, len, i;
	long real;

	draw_range(t, &addr, &len);
	SAY(t, "mincore %lx %lx", addr, len);
	real = or_errno(mincore((void *)addr, len, t->real));
	for (i = 0; i < WINDOW_PAGES; i++)
		t->real[i] &= 1; /* the rest is reserved */
	return agree(t, real, p2psim_mincore(t->b->app, addr, len, t->simulated));
}

static bool (*const calls[])(struct twins *t) = {
	maps, maps, maps_anonymous, unmaps, protects, touches, touches, touches,
	writes, reads, truncates, punches, allocates, advises, advises, looks_in_core,
};

/* ---- sequences ---- */

static bool is_same_size(struct twins *t)
{
	struct stat stat;

	return !fstat(t->fd, &stat) && (uint64_t)stat.st_size == p2psim_file_size(t->b->file);
}

static bool runs(struct twins *t)
{
	for (t->count = 0; t->count < OPS_MAX && !t->ends; t->count++) {
		memset(t->real, 0, sizeof(t->real));
		memset(t->simulated, 0, sizeof(t->simulated));
		if (!calls[draw(t, ARRAY_SIZE(calls))](t))
			return false;
		if (!is_same_size(t) || !p2psim_pgtable_is_valid(t->b->mm) || !p2psim_mm_is_valid(t->b->mm))
			return false;
	}
	return true;
}

static unsigned long first_seed = 1, seeds = 500;

static void run_seed(unsigned long seed)
{
	struct twins t = { .random = (uint32_t)seed * 2654435761u };
	unsigned int i;
	void *state = NULL;

	assert_int_equal(files_setup(&state), 0);
	t.b = state;
	t.fd = memfd_create("shm", 0);
	assert_int_equal(ftruncate(t.fd, PAGES(FILE_PAGES)), 0);
	if (!runs(&t)) {
		for (i = 0; i <= t.count; i++)
			print_error("%s\n", t.what[i]);
		fail_msg("seed %lu", seed);
	}
	munmap((void *)BASE, PAGES(WINDOW_PAGES));
	close(t.fd);
	assert_int_equal(pages_teardown(&state), 0);
}

static void test_files_answer_as_those_of_the_running_kernel(void **state)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct sigaction bus, segv;
	unsigned long seed;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	for (seed = first_seed; seed < first_seed + seeds; seed++)
		run_seed(seed);
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_answer_as_those_of_the_running_kernel),
	};

	if (argc > 1)
		first_seed = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seeds = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests_name("files_real", tests, NULL, NULL);
}
