/* SPDX-License-Identifier: MIT */
/*
 * dmirror: what races it, what fails in it, and what it may get wrong.
 *
 *	0 1 2		pages of BUFFER; page i reads 5 + i
 */
#include "hmm_machine.h"

#include <p2psim/linux/memremap.h>
#include <p2psim/task.h>

#include "explored.h"
#include "fail_each.h"

#define DEVICE(n) (BUFFER + ((unsigned long)(n) << PAGE_SHIFT))

struct bench {
	struct p2psim_dmirror *driver;
	struct p2psim_process *app, *child;
	struct file *file;
	bool unmapped;
};

static int begin(struct bench *b, int which, unsigned int mistakes)
{
	const struct p2psim_dmirror_config config = { .chunk_pages = 8, .mistakes = mistakes };
	char name[32];
	int i, error = p2psim_dmirror_load(&config, &b->driver);

	b->app = error ? NULL : p2psim_process_create("app");
	if (!b->app)
		return -ENOMEM;
	hmm_map(b->app, COMMAND, 4, RW, ANON);
	hmm_map(b->app, COPY, 4, RW, ANON);
	hmm_map(b->app, BUFFER, 3, RW, ANON);
	snprintf(name, sizeof(name), "hmm_dmirror%d", which);
	for (i = 0; i < 4 && !error; i++)
		error = p2psim_store_byte(b->app, COPY + (unsigned long)i * PAGE_SIZE, 9);
	for (i = 0; i < 3 && !error; i++)
		error = p2psim_store_byte(b->app, DEVICE(i), (uint8_t)(5 + i));
	return error ? error : p2psim_device_open(b->app, name, O_RDWR, &b->file);
}

static void end(void *state)
{
	struct bench *b = state;

	if (b->file)
		p2psim_close(b->app, b->file);
	if (b->child)
		p2psim_process_exit(b->child);
	if (b->app)
		p2psim_process_exit(b->app);
	p2psim_dmirror_unload(b->driver);
}

/* Tasks have a command and a copy each. */
static long tell(struct bench *b, unsigned int command, unsigned int task, unsigned long page, unsigned long pages)
{
	struct p2psim_dmirror_cmd cmd = { .addr = DEVICE(page), .ptr = COPY + task * PAGE_SIZE, .npages = pages };
	long ret = p2psim_store(b->app, COMMAND + task * PAGE_SIZE, &cmd, sizeof(cmd));

	return ret ? ret : p2psim_ioctl(b->app, b->file, command, COMMAND + task * PAGE_SIZE);
}

/* ---- mistakes ---- */

static int setup(void **state)
{
	struct p2psim_world *world = p2psim_world_create(NULL);

	p2psim_world_on_violation(world, core_quiet, NULL);
	*state = world;
	return 0;
}

/* The world goes with whatever the mistake has left. */
static void test_the_cpu_does_not_reach_private_memory(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 0, P2PSIM_DMIRROR_KMAP), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 1), 0);
	assert_violation(*state, P2PSIM_DATA, "device-private");
}

static void test_an_ignored_invalidation_is_stale(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 0, P2PSIM_DMIRROR_NO_INVALIDATE), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_READ, 0, 0, 1), 0);
	assert_int_equal(p2psim_madvise(b.app, DEVICE(0), PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_READ, 0, 0, 1), 0);
	assert_violation(*state, P2PSIM_STALE, "maps nothing any more");
}

static void test_a_backing_page_that_is_lost_is_a_leak(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 0, P2PSIM_DMIRROR_LOSE_BACKING), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 2), 0);
	end(&b);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "2 page(s) of RAM were never freed");
}

static void test_pages_that_are_not_evicted_hold_up_the_driver(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 0, P2PSIM_DMIRROR_NO_EVICT), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 1), 0);
	tell(&b, P2PSIM_DMIRROR_RELEASE, 0, 0, 1);
	assert_violation(*state, P2PSIM_DEADLOCK, "");
}

static void test_a_fault_that_moves_nothing_never_ends(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 0, P2PSIM_DMIRROR_STAY), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 1), 0);
	assert_int_equal(p2psim_load_byte(b.app, DEVICE(0)), -EFAULT);
	assert_violation(*state, P2PSIM_PROGRESS, "faults at");
}

static void test_device_memory_that_stays_is_a_leak(void **state)
{
	struct bench b = {};

	assert_int_equal(begin(&b, 2, 0), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 3), 0);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "");
}

/* ---- out of memory ---- */

static void tells_all(struct bench *b, int which)
{
	static const struct {
		unsigned int command;
		unsigned long page, pages;
	} story[] = {
		{ P2PSIM_DMIRROR_READ, 0, 3 },	      { P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 3 }, { P2PSIM_DMIRROR_WRITE, 0, 1 },
		{ P2PSIM_DMIRROR_MIGRATE_TO_SYS, 1, 1 }, { P2PSIM_DMIRROR_EXCLUSIVE, 1, 1 },   { P2PSIM_DMIRROR_SNAPSHOT, 0, 3 },
		{ P2PSIM_DMIRROR_CHECK_EXCLUSIVE, 1, 1 },
	};
	size_t i;

	if (begin(b, which, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(story); i++)
		tell(b, story[i].command, 0, story[i].page, story[i].pages);
	p2psim_load_byte(b->app, DEVICE(1)); /* nobody evicts a page that is exclusive */
	tell(b, P2PSIM_DMIRROR_RELEASE, 0, 0, 3);
	tell(b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 3);
	p2psim_fork(b->app, "child", &b->child);
	p2psim_load_byte(b->app, DEVICE(0));
	if (b->child)
		p2psim_store_byte(b->child, DEVICE(1), 3);
}

/* Recorded: behind each page that comes back for both, the copy that the locked memory is to be written in. */
static void test_locked_memory_is_copied_when_it_comes_back_shared(void **state)
{
	struct bench b = {};
	int i;

	(void)state;
	assert_int_equal(begin(&b, 0, 0), 0);
	assert_int_equal(tell(&b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 3), 0);
	assert_int_equal(p2psim_fork(b.app, "child", &b.child), 0);
	assert_int_equal(p2psim_mlock(b.app, DEVICE(0), 3 * PAGE_SIZE), 0);
	for (i = 0; i < 3; i++)
		assert_true(pte_write(*p2psim_pte_lookup(p2psim_process_mm(b.app), DEVICE(i))));
	assert_int_equal(p2psim_load_byte(b.child, DEVICE(1)), 6);
	end(&b);
}

static void tells_private(void *state)
{
	tells_all(state, 0);
}

static void tells_coherent(void *state)
{
	tells_all(state, 2);
}

static void test_each_allocation_may_fail(void **state)
{
	const struct failing_story private = { .tell = tells_private, .end = end, .state_size = sizeof(struct bench) };
	const struct failing_story coherent = { .tell = tells_coherent, .end = end, .state_size = sizeof(struct bench) };

	assert_true(fail_each(&private) > 50);
	assert_true(fail_each(&coherent) > 50);
}

/* ---- every interleaving ---- */

/* Of a scenario: which device, what it does wrong, and whether page 0 is in its memory when it begins. */
struct machine {
	int which;
	unsigned int mistakes;
	bool resident;
};

static int race_begin(void *state)
{
	const struct machine *machine = p2psim_scenario_data();
	struct bench *b = state;
	int error = begin(b, machine->which, machine->mistakes);

	if (!error && machine->resident)
		error = (int)tell(b, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 1);
	return error;
}

static void migrates(void *state)
{
	long ret = tell(state, P2PSIM_DMIRROR_MIGRATE_TO_DEV, 0, 0, 1);

	P2PSIM_CHECK(!ret || ret == -ENOENT || ret == -EINVAL);
}

static void device_reads(void *state)
{
	long ret = tell(state, P2PSIM_DMIRROR_READ, 0, 0, 1);

	P2PSIM_CHECK(!ret || ret == -EFAULT);
}

static void device_writes(void *state)
{
	long ret = tell(state, P2PSIM_DMIRROR_WRITE, 1, 0, 1);

	P2PSIM_CHECK(!ret || ret == -EFAULT);
}

static void takes_exclusively(void *state)
{
	long ret = tell(state, P2PSIM_DMIRROR_EXCLUSIVE, 1, 0, 1);

	P2PSIM_CHECK(!ret || ret == -EBUSY || ret == -ENOENT);
}

static void gives_up_memory(void *state)
{
	P2PSIM_CHECK(!tell(state, P2PSIM_DMIRROR_RELEASE, 1, 0, 1));
}

static void loads(void *state)
{
	struct bench *b = state;
	int byte = p2psim_load_byte(b->app, DEVICE(0));

	P2PSIM_CHECK(byte == 5 || byte == 9 || byte == -EFAULT);
}

static void stores(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct bench *)state)->app, DEVICE(0) + 1, 2));
}

static void unmaps(void *state)
{
	struct bench *b = state;

	P2PSIM_CHECK(!p2psim_munmap(b->app, DEVICE(0), PAGE_SIZE));
	b->unmapped = true;
}

static bool is_damaged(struct bench *b, unsigned long offset, int byte)
{
	struct mm_struct *mm = p2psim_process_mm(b->app);

	if (!p2psim_pgtable_is_valid(mm) || !p2psim_mm_is_valid(mm))
		return true;
	return !b->unmapped && p2psim_load_byte(b->app, DEVICE(0) + offset) != byte;
}

static bool damaged(void *state)
{
	return is_damaged(state, 0, 5);
}

static bool store_lost(void *state)
{
	return is_damaged(state, 0, 5) || is_damaged(state, 1, 2);
}

static bool device_write_lost(void *state)
{
	return is_damaged(state, 0, 9);
}

static const struct machine private = { 0, 0, false }, resident = { 0, 0, true }, coherent = { 2, 0, true };
static const struct machine no_retry = { 0, P2PSIM_DMIRROR_NO_RETRY, false };
static const struct machine own_ignored = { 0, P2PSIM_DMIRROR_OWN_IGNORED, false };
static const struct machine used_while_copied = { 0, P2PSIM_DMIRROR_USE_WHILE_COPIED, false };

#define SCENARIO(what, machine, first, second, answer, ...)                                                            \
	{                                                                                                              \
		.name = "dmirror/" what, .question = "Does the device damage what the process has?",                   \
		.source = "lib/test_hmm.c, 6.1", .state_size = sizeof(struct bench), .setup = race_begin,              \
		.tasks = { { #first, first }, { #second, second } }, .exists = answer, .teardown = end,                \
		.data = &(machine), __VA_ARGS__                                                                        \
	}

static const struct {
	struct p2psim_scenario scenario;
	unsigned long executions;	/* with one preemption at most; 0: it ends at the first violation */
} scenarios[] = {
	{ SCENARIO("migrate+store", private, migrates, stores, store_lost, .expect = P2PSIM_NEVER), 76 },
	{ SCENARIO("migrate+munmap", private, migrates, unmaps, damaged, .expect = P2PSIM_NEVER), 106 },
	{ SCENARIO("migrate+write", private, migrates, device_writes, device_write_lost, .expect = P2PSIM_NEVER), 107 },
	{ SCENARIO("read+munmap", private, device_reads, unmaps, damaged, .expect = P2PSIM_NEVER), 63 },
	{ SCENARIO("load+munmap", resident, loads, unmaps, damaged, .expect = P2PSIM_NEVER), 87 },
	{ SCENARIO("load+load", resident, loads, stores, store_lost, .expect = P2PSIM_NEVER), 106 },
	{ SCENARIO("load+memunmap", resident, loads, gives_up_memory, damaged, .expect = P2PSIM_NEVER), 108 },
	{ SCENARIO("munmap+memunmap", resident, unmaps, gives_up_memory, damaged, .expect = P2PSIM_NEVER), 89 },
	{ SCENARIO("migrate+memunmap", resident, migrates, gives_up_memory, damaged, .expect = P2PSIM_NEVER), 92 },
	{ SCENARIO("exclusive+store", private, takes_exclusively, stores, store_lost, .expect = P2PSIM_NEVER), 47 },
	{ SCENARIO("coherent store+memunmap", coherent, stores, gives_up_memory, store_lost, .expect = P2PSIM_NEVER), 55 },
	{ SCENARIO("read+munmap!no-retry", no_retry, device_reads, unmaps, damaged, .expect = P2PSIM_VIOLATION,
		   .oracle = P2PSIM_STALE), 0 },
	{ SCENARIO("migrate+write!own-ignored", own_ignored, migrates, device_writes, device_write_lost,
		   .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE), 0 },
	{ SCENARIO("migrate+write!used-while-copied", used_while_copied, migrates, device_writes, device_write_lost,
		   .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE), 0 },
};

static void test_no_interleaving_damages_anything_and_mistakes_are_found(void **state)
{
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 1 };
	struct p2psim_explore_result result;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		explore_as_expected(&scenarios[i].scenario, &options, &result);
		if (scenarios[i].executions)
			assert_int_equal(result.executions, scenarios[i].executions);
	}
}

#define mistake_test(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown_rubble)

int main(void)
{
	const struct CMUnitTest tests[] = {
		mistake_test(test_the_cpu_does_not_reach_private_memory),
		mistake_test(test_an_ignored_invalidation_is_stale),
		mistake_test(test_a_backing_page_that_is_lost_is_a_leak),
		mistake_test(test_pages_that_are_not_evicted_hold_up_the_driver),
		mistake_test(test_a_fault_that_moves_nothing_never_ends),
		mistake_test(test_device_memory_that_stays_is_a_leak),
		cmocka_unit_test_setup_teardown(test_locked_memory_is_copied_when_it_comes_back_shared, setup, core_teardown),
		cmocka_unit_test(test_each_allocation_may_fail),
		cmocka_unit_test(test_no_interleaving_damages_anything_and_mistakes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
