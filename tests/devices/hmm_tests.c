/* SPDX-License-Identifier: MIT */
/*
 * The cases of the kernel's own HMM selftest (tools/testing/selftests/vm/hmm-tests.c, 6.1), under their names and with their
 * assertions: 26 on one device of either kind, 3 on two.  Against our driver, and, with -Dkernel_source, the kernel's own.
 */
#include "hmm_machine.h"

#include <p2psim/process.h>
#include <p2psim/task.h>
#include <p2psim/tmpfs.h>

/* Most begin with 4 MiB of private memory; the devices count. */
static void map_buffer(struct hmm_machine *m, int prot)
{
	hmm_map(m->app, BUFFER, PAGES, prot, ANON);
}

static void open_close(void **state)
{
	struct hmm_machine *m = *state;
	struct file *file = hmm_open(m, m->app, 0);

	assert_non_null(file);
	assert_int_equal(p2psim_close(m->app, file), 0);
}

/* The first two pages are untouched; the CPU maps the zero page into the second. */
static void anon_read(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER + 2 * PAGE_SIZE, PAGES - 2, 2, 1);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, PROT_READ), 0);
	assert_int_equal(p2psim_load_byte(m->app, BUFFER + PAGE_SIZE), 0);
	assert_hmm(m, 0, READ, BUFFER, PAGES, 1);
	assert_int_equal(hmm_wrong(m, COPY, 2, 0, 0), 0);
	assert_int_equal(hmm_wrong(m, COPY + 2 * PAGE_SIZE, PAGES - 2, 2, 1), 0);
}

static void anon_read_prot(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	hmm_fill(m, COPY, PAGES, 0, -1);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, PROT_NONE), 0);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_READ, BUFFER, PAGES), -EFAULT);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, PROT_READ), 0);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 0, 1), 0);
	assert_int_equal(hmm_wrong(m, COPY, PAGES, 0, -1), 0);
}

/* The device writes what the copy has into `at`. */
static void device_writes(struct hmm_machine *m, unsigned long at, unsigned long pages)
{
	hmm_fill(m, COPY, pages, 0, 1);
	assert_hmm(m, 0, WRITE, at, pages, 1);
	assert_int_equal(hmm_wrong(m, at, pages, 0, 1), 0);
}

static void anon_write(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	device_writes(m, BUFFER, PAGES);
}

static void anon_write_prot(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, PROT_READ);
	assert_hmm(m, 0, READ, BUFFER, 1UL, 1);
	hmm_fill(m, COPY, PAGES, 0, 1);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_WRITE, BUFFER, PAGES), -EPERM);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 0, 0), 0);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, RW), 0);
	device_writes(m, BUFFER, PAGES);
}

/* What the child's device writes into memory that the parent has filled; the parent then has (first, step). */
static void child_writes(struct hmm_machine *m, uint32_t first, int step)
{
	struct p2psim_process *child;
	struct file *file;

	hmm_fill(m, BUFFER, PAGES, 0, 1);
	hmm_fill(m, COPY, PAGES, 0, -1);
	assert_int_equal(p2psim_fork(m->app, "child", &child), 0);
	assert_int_equal(hmm_wrong_of(m, child, BUFFER, PAGES, 0, 1), 0);
	file = hmm_open(m, child, 0);
	assert_int_equal(hmm_tell(m, child, file, P2PSIM_DMIRROR_WRITE, BUFFER, PAGES), 0);
	assert_int_equal(m->cmd.cpages, PAGES);
	assert_int_equal(m->cmd.faults, 1);
	assert_int_equal(hmm_wrong_of(m, child, BUFFER, PAGES, 0, -1), 0);
	p2psim_close(child, file);
	p2psim_process_exit(child);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, first, step), 0);
}

static void anon_write_child(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	child_writes(m, 0, 1);
}

static void anon_write_child_shared(void **state)
{
	struct hmm_machine *m = *state;

	hmm_map(m->app, BUFFER, PAGES, RW, MAP_SHARED | MAP_ANONYMOUS);
	child_writes(m, 0, -1);
}

static void anon_write_huge(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	assert_int_equal(p2psim_madvise(m->app, BUFFER, PMD_SIZE, MADV_HUGEPAGE), 0);
	device_writes(m, BUFFER, PMD_SIZE >> PAGE_SHIFT);
	assert_true(p2psim_pmd_is_huge(p2psim_process_mm(m->app), BUFFER));
}

static void anon_write_hugetlbfs(void **state)
{
	struct hmm_machine *m = *state;
	long at = p2psim_mmap(m->app, 0, PMD_SIZE, RW, ANON | MAP_HUGETLB, NULL, 0);

	assert_true(at > 0);
	device_writes(m, (unsigned long)at, PMD_SIZE >> PAGE_SHIFT);
}

/* ---- files ---- */

static struct file *map_file(struct hmm_machine *m, int prot, int flags)
{
	struct file *file = p2psim_tmpfs_create("hmm-test", PAGES << PAGE_SHIFT);

	assert_non_null(file);
	assert_int_equal(p2psim_mmap(m->app, BUFFER, PAGES << PAGE_SHIFT, prot, flags | MAP_FIXED, file, 0), BUFFER);
	return file;
}

static void file_read(void **state)
{
	struct hmm_machine *m = *state;
	struct file *file;
	unsigned long i;

	for (i = 0; i < WORDS(PAGES); i++)
		m->words[i] = (uint32_t)i;
	file = map_file(m, PROT_READ, MAP_SHARED);
	assert_int_equal(p2psim_file_write(file, 0, m->words, PAGES << PAGE_SHIFT), PAGES << PAGE_SHIFT);
	assert_hmm(m, 0, READ, BUFFER, PAGES, 1);
	assert_int_equal(hmm_wrong(m, COPY, PAGES, 0, 1), 0);
	fput(file);
}

static void file_write(void **state)
{
	struct hmm_machine *m = *state;
	struct file *file = map_file(m, RW, MAP_SHARED);
	unsigned long i;

	device_writes(m, BUFFER, PAGES);
	assert_int_equal(p2psim_file_read(file, 0, m->words, PAGES << PAGE_SHIFT), PAGES << PAGE_SHIFT);
	for (i = 0; i < WORDS(PAGES) && m->words[i] == i; i++)
		;
	assert_int_equal(i, WORDS(PAGES));
	fput(file);
}

/* ---- migration ---- */

static void assert_migrates(struct hmm_machine *m, int which, unsigned long at, unsigned long pages)
{
	assert_hmm(m, which, MIGRATE_TO_DEV, at, pages, 0);
	assert_int_equal(hmm_wrong(m, COPY, pages, 0, 1), 0);
}

static void migrate(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_migrates(m, 0, BUFFER, PAGES);
}

static void migrate_file_private(void **state)
{
	struct hmm_machine *m = *state;
	struct file *file = map_file(m, RW, MAP_PRIVATE);

	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_migrates(m, 0, BUFFER, PAGES);
	fput(file);
}

static void migrate_fault(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_migrates(m, 0, BUFFER, PAGES);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES / 2, 0, 1), 0);
	assert_migrates(m, 0, BUFFER, PAGES);
}

static void migrate_release(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_migrates(m, 0, BUFFER, PAGES);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_RELEASE, BUFFER, PAGES), 0);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 0, 1), 0);
}

static void migrate_shared(void **state)
{
	struct hmm_machine *m = *state;

	hmm_map(m->app, BUFFER, PAGES, RW, MAP_SHARED | MAP_ANONYMOUS);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_MIGRATE_TO_DEV, BUFFER, PAGES), -ENOENT);
}

static void migrate_multiple(void **state)
{
	struct hmm_machine *m = *state;
	int i;

	for (i = 0; i < TIMES; i++) {
		map_buffer(m, RW);
		hmm_fill(m, BUFFER, PAGES, 0, 1);
		assert_migrates(m, 0, BUFFER, PAGES);
		if (m->coherent)
			assert_hmm(m, 0, MIGRATE_TO_SYS, BUFFER, PAGES, 0);
		assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 0, 1), 0);
		p2psim_munmap(m->app, BUFFER, PAGES << PAGE_SHIFT);
	}
}

static void anon_read_multiple(void **state)
{
	struct hmm_machine *m = *state;
	uint32_t i;

	for (i = 0; i < TIMES; i++) {
		map_buffer(m, RW);
		hmm_fill(m, BUFFER, PAGES, i, 1);
		assert_hmm(m, 0, READ, BUFFER, PAGES, 1);
		assert_int_equal(hmm_wrong(m, COPY, PAGES, i, 1), 0);
		p2psim_munmap(m->app, BUFFER, PAGES << PAGE_SHIFT);
	}
}

static void unmaps_second_half(void *arg)
{
	struct hmm_machine *m = arg;

	p2psim_munmap(m->app, BUFFER + (PAGES / 2 << PAGE_SHIFT), PAGES / 2 << PAGE_SHIFT);
}

struct reader {
	struct hmm_machine *m;
	long ret;
};

static void reads_all(void *arg)
{
	struct reader *r = arg;

	r->ret = hmm_do(r->m, 0, P2PSIM_DMIRROR_READ, BUFFER, PAGES);
}

/* The reader stops before its n-th walk of the page table; then the other half goes. */
static void anon_teardown(void **state)
{
	struct reader r = { .m = *state };
	struct task_struct *task;
	uint32_t i, n;

	for (i = 0; i < TIMES; i++) {
		map_buffer(r.m, RW);
		hmm_fill(r.m, BUFFER, PAGES, i, 1);
		task = p2psim_task_spawn("device", reads_all, &r);
		for (n = 0; n < i * (unsigned int)(PAGES / TIMES) && !p2psim_task_done(task); n++)
			p2psim_run_until(task, "hmm:walk");
		p2psim_task_spawn("app", unmaps_second_half, r.m);
		assert_int_equal(p2psim_run(), 0);
		if (!r.ret)
			assert_int_equal(hmm_wrong(r.m, COPY, PAGES, i, 1), 0);
		else
			assert_int_equal(r.ret, -EFAULT);
	}
}

static void mixedmap(void **state)
{
	struct hmm_machine *m = *state;

	assert_int_equal(p2psim_mmap(m->app, BUFFER, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, m->device[0], 0), BUFFER);
	assert_hmm(m, 0, SNAPSHOT, BUFFER, 1UL, 0);
	assert_int_equal(hmm_byte(m, 0), P2PSIM_DMIRROR_PROT_READ);
}

static void assert_bytes(struct hmm_machine *m, unsigned long at, unsigned long pages, unsigned int byte)
{
	unsigned long i;

	assert_hmm(m, 0, SNAPSHOT, at, pages, 0);
	for (i = 0; i < pages && hmm_byte(m, i) == byte; i++)
		;
	assert_int_equal(i, pages);
}

static void compound(void **state)
{
	struct hmm_machine *m = *state;
	unsigned long at = (unsigned long)p2psim_mmap(m->app, 0, PMD_SIZE, RW, ANON | MAP_HUGETLB, NULL, 0);
	unsigned long pages = PMD_SIZE >> PAGE_SHIFT;

	hmm_fill(m, at, pages, 0, 1);
	assert_bytes(m, at, pages, P2PSIM_DMIRROR_PROT_WRITE | P2PSIM_DMIRROR_PROT_PMD);
	assert_int_equal(p2psim_mprotect(m->app, at, PMD_SIZE, PROT_READ), 0);
	assert_bytes(m, at, pages, P2PSIM_DMIRROR_PROT_READ | P2PSIM_DMIRROR_PROT_PMD);
}

/* ---- exclusive access ---- */

static void take_exclusively(struct hmm_machine *m)
{
	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_hmm(m, 0, EXCLUSIVE, BUFFER, PAGES, 0);
	assert_int_equal(hmm_wrong(m, COPY, PAGES, 0, 1), 0);
}

static void increment(struct hmm_machine *m, struct p2psim_process *process)
{
	assert_int_equal(hmm_wrong_of(m, process, BUFFER, PAGES, 0, 1), 0);
	hmm_fill_of(m, process, BUFFER, PAGES, 1, 1);
}

static void exclusive(void **state)
{
	struct hmm_machine *m = *state;

	take_exclusively(m);
	increment(m, m->app);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 1, 1), 0);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_CHECK_EXCLUSIVE, BUFFER, PAGES), 0);
}

static void exclusive_mprotect(void **state)
{
	struct hmm_machine *m = *state;

	take_exclusively(m);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, PROT_READ), 0);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_WRITE, BUFFER, PAGES), -EPERM);
}

static void exclusive_cow(void **state)
{
	struct hmm_machine *m = *state;
	struct p2psim_process *child;

	take_exclusively(m);
	assert_int_equal(p2psim_fork(m->app, "child", &child), 0);
	increment(m, child);
	increment(m, m->app);
	assert_int_equal(hmm_wrong(m, BUFFER, PAGES, 1, 1), 0);
	assert_int_equal(hmm_wrong_of(m, child, BUFFER, PAGES, 1, 1), 0);
	p2psim_process_exit(child);
}

/* ---- other users of device memory ---- */

/* 'g' get_user_pages(), 'f' _fast, 'q' and 'l' for long: pin_user_pages_fast(), pin_user_pages(). */
static long get_and_put(struct hmm_machine *m, char how, unsigned long addr)
{
	struct mm_struct *mm = p2psim_process_mm(m->app);
	bool pins = how == 'q' || how == 'l';
	struct page *page;
	long got;

	if (how == 'f')
		got = get_user_pages_fast(addr, 1, FOLL_WRITE, &page);
	else if (how == 'q')
		got = pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &page);
	else {
		mmap_read_lock(mm);
		got = pins ? pin_user_pages(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &page, NULL) :
			     get_user_pages(addr, 1, FOLL_WRITE, &page, NULL);
		mmap_read_unlock(mm);
	}
	if (got == 1 && pins)
		unpin_user_page(page);
	else if (got == 1)
		put_page(page);
	return got;
}

static void hmm_gup_test(void **state)
{
	static const char how[] = "gfql";
	struct hmm_machine *m = *state;
	unsigned int stays = P2PSIM_DMIRROR_PROT_WRITE | (m->coherent ? P2PSIM_DMIRROR_PROT_DEV_COHERENT_LOCAL : 0);
	unsigned long i;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, 4, 0, 1);
	assert_migrates(m, 0, BUFFER, 4);
	p2psim_process_attach(m->app);
	for (i = 0; i < 4; i++)
		assert_int_equal(get_and_put(m, how[i], BUFFER + i * PAGE_SIZE), 1);
	p2psim_process_detach();
	assert_bytes(m, BUFFER, 2, stays);
	assert_bytes(m, BUFFER + 2 * PAGE_SIZE, 2, P2PSIM_DMIRROR_PROT_WRITE);
	assert_int_equal(hmm_wrong(m, BUFFER, 4, 0, 1), 0);
}

static void hmm_cow_in_device(void **state)
{
	struct hmm_machine *m = *state;
	struct p2psim_process *child;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, 4, 0, 1);
	assert_migrates(m, 0, BUFFER, 4);
	assert_int_equal(p2psim_fork(m->app, "child", &child), 0);
	hmm_fill(m, BUFFER, 4, 0, -1);
	p2psim_process_exit(child);
	assert_bytes(m, BUFFER, 4, P2PSIM_DMIRROR_PROT_WRITE);
}

/* ---- two devices ---- */

/* Page 0 none, 1 a hole, 2 zeros and read-only, 3 read-only, 4 and 5 (and 6) writable; word 0 of page i is i. */
static void map_mixture(struct hmm_machine *m, unsigned long pages)
{
	unsigned long i;

	hmm_map(m->app, BUFFER, pages, PROT_NONE, ANON);
	p2psim_munmap(m->app, BUFFER + PAGE_SIZE, PAGE_SIZE);
	p2psim_mprotect(m->app, BUFFER + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
	assert_int_equal(p2psim_load_byte(m->app, BUFFER + 2 * PAGE_SIZE), 0);
	p2psim_mprotect(m->app, BUFFER + 3 * PAGE_SIZE, (pages - 3) * PAGE_SIZE, RW);
	for (i = 3; i < pages; i++)
		p2psim_store_byte(m->app, BUFFER + i * PAGE_SIZE, (uint8_t)i);
	p2psim_mprotect(m->app, BUFFER + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
}

static void migrate_mixed(void **state)
{
	struct hmm_machine *m = *state;

	hmm_map(m->app, BUFFER, 6, PROT_NONE, ANON);
	assert_int_equal(hmm_do(m, 1, P2PSIM_DMIRROR_MIGRATE_TO_DEV, BUFFER, 6), -EINVAL);
	p2psim_munmap(m->app, BUFFER, 6 * PAGE_SIZE);
	map_mixture(m, 6);
	assert_int_equal(hmm_do(m, 1, P2PSIM_DMIRROR_MIGRATE_TO_DEV, BUFFER, 3), -EINVAL);
	assert_hmm(m, 1, MIGRATE_TO_DEV, BUFFER + 2 * PAGE_SIZE, 4UL, 0);
	assert_int_equal(hmm_do(m, 0, P2PSIM_DMIRROR_MIGRATE_TO_DEV, BUFFER + 5 * PAGE_SIZE, 1), -ENOENT);
}

static void snapshot(void **state)
{
	struct hmm_machine *m = *state;
	unsigned int local = m->coherent ? P2PSIM_DMIRROR_PROT_DEV_COHERENT_LOCAL : P2PSIM_DMIRROR_PROT_DEV_PRIVATE_LOCAL;
	unsigned int remote = P2PSIM_DMIRROR_PROT_DEV_COHERENT_REMOTE | P2PSIM_DMIRROR_PROT_WRITE;
	const unsigned int expected[] = {
		P2PSIM_DMIRROR_PROT_ERROR,
		P2PSIM_DMIRROR_PROT_ERROR,
		P2PSIM_DMIRROR_PROT_ZERO | P2PSIM_DMIRROR_PROT_READ,
		P2PSIM_DMIRROR_PROT_READ,
		P2PSIM_DMIRROR_PROT_WRITE,
		local | P2PSIM_DMIRROR_PROT_WRITE,
		m->coherent ? remote : P2PSIM_DMIRROR_PROT_NONE,
	};
	unsigned long i;

	map_mixture(m, 7);
	assert_hmm(m, 0, MIGRATE_TO_DEV, BUFFER + 5 * PAGE_SIZE, 1UL, 0);
	assert_hmm(m, 1, MIGRATE_TO_DEV, BUFFER + 6 * PAGE_SIZE, 1UL, 0);
	assert_hmm(m, 0, SNAPSHOT, BUFFER, 7UL, 0);
	for (i = 0; i < 7; i++)
		assert_int_equal(hmm_byte(m, i), expected[i]);
}

static void double_map(void **state)
{
	struct hmm_machine *m = *state;

	map_buffer(m, RW);
	hmm_fill(m, BUFFER, PAGES, 0, 1);
	assert_int_equal(p2psim_mprotect(m->app, BUFFER, PAGES << PAGE_SHIFT, PROT_READ), 0);
	assert_hmm(m, 0, READ, BUFFER, PAGES, 1);
	assert_int_equal(hmm_wrong(m, COPY, PAGES, 0, 1), 0);
	assert_hmm(m, 1, READ, BUFFER, PAGES, 1);
	assert_migrates(m, 1, BUFFER, PAGES);
	assert_hmm(m, 0, READ, BUFFER, PAGES, 1);
	assert_int_equal(hmm_wrong(m, COPY, PAGES, 0, 1), 0);
}

#define HMM(f)                                                                                                         \
	{ "hmm.hmm_device_private." #f, f, hmm_private, hmm_end, NULL },                                               \
	{ "hmm.hmm_device_coherent." #f, f, hmm_coherent, hmm_end, NULL }
#define HMM2(f)                                                                                                        \
	{ "hmm2.hmm2_device_private." #f, f, hmm_private, hmm_end, NULL },                                             \
	{ "hmm2.hmm2_device_coherent." #f, f, hmm_coherent, hmm_end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		HMM(open_close),	HMM(anon_read),		HMM(anon_read_prot),	  HMM(anon_write),
		HMM(anon_write_prot),	HMM(anon_write_child),	HMM(anon_write_child_shared), HMM(anon_write_huge),
		HMM(anon_write_hugetlbfs), HMM(file_read),	HMM(file_write),	  HMM(migrate),
		HMM(migrate_file_private), HMM(migrate_fault),	HMM(migrate_release),	  HMM(migrate_shared),
		HMM(migrate_multiple),	HMM(anon_read_multiple), HMM(anon_teardown),	  HMM(mixedmap),
		HMM(compound),		HMM(exclusive),		HMM(exclusive_mprotect),  HMM(exclusive_cow),
		HMM(hmm_gup_test),	HMM(hmm_cow_in_device), HMM2(migrate_mixed),	  HMM2(snapshot),
		HMM2(double_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
