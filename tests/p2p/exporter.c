/* SPDX-License-Identifier: MIT */
/* The linear helper: a doorbell BAR without struct page, imported, revoked, unplugged. */
#include "explored.h"
#include "p2p_memory.h"

#include <errno.h>

#include <p2psim/dma.h>
#include <p2psim/exporter.h>
#include <p2psim/inject.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/vma_map.h>

#define AT 0x100000ul
#define PAGES 4ul
#define END (AT + PAGES * PAGE_SIZE)

/* An importer with one range, as small as the protocol allows. */
struct importer {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct device *dev;
	struct mm_struct *mm;
	dma_addr_t pa[PAGES];
	bool mapped;		/* lock */
	int result;
};

/*
 * A process "app" that has mapped [AT, END) of a device file:
 *
 *	file page	0   1   2   3
 *	BAR page	2   3   4   5	of "a"; the importer is "b", below the same switch
 */
struct bench {
	struct p2psim_world *world;
	struct p2p_memory memory;
	struct p2psim_exporter *exporter;
	struct p2psim_process *app;
	struct importer nic;
};

static bool invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct importer *nic = container_of(notifier, struct importer, notifier);

	mutex_lock(&nic->lock);
	mmu_interval_set_seq(notifier, cur_seq);
	if (nic->mapped)
		p2psim_vma_unmap(nic->mm, nic->dev, AT, END, nic->pa);
	nic->mapped = false;
	mutex_unlock(&nic->lock);
	return true;
}

static const struct mmu_interval_notifier_ops importer_ops = { .invalidate = invalidate };

/* Maps once; -EBUSY: collided, the caller may try again. */
static int import(struct importer *nic)
{
	unsigned long seq = mmu_interval_read_begin(&nic->notifier);
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(nic->mm);
	vma = vma_lookup(nic->mm, AT);
	if (vma)
		ret = p2psim_vma_map(vma, nic->dev, AT, END, nic->pa, true);
	p2psim_step("importer:mapped");
	if (!ret) {
		mutex_lock(&nic->lock);
		if (mmu_interval_read_retry(&nic->notifier, seq)) {
			p2psim_vma_unmap(nic->mm, nic->dev, AT, END, nic->pa);
			ret = -EBUSY;
		} else {
			nic->mapped = true;
			p2psim_vma_map_commit(nic->mm, nic->dev, AT, END);
		}
		mutex_unlock(&nic->lock);
	}
	mmap_read_unlock(nic->mm);
	return ret;
}

static int importer_init(struct importer *nic, const char *name, struct p2psim_process *app)
{
	nic->dev = &p2p_find(name)->dev;
	nic->mm = p2psim_process_mm(app);
	mutex_init(&nic->lock);
	return mmu_interval_notifier_insert(&nic->notifier, nic->mm, AT, END - AT, &importer_ops);
}

static void importer_exit(struct importer *nic)
{
	mutex_lock(&nic->lock);
	if (nic->mapped)
		p2psim_vma_unmap(nic->mm, nic->dev, AT, END, nic->pa);
	nic->mapped = false;
	mutex_unlock(&nic->lock);
	mmu_interval_notifier_remove(&nic->notifier);
}

static long app_maps(struct bench *bench)
{
	return p2psim_mmap(bench->app, AT, END - AT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			   p2psim_exporter_file(bench->exporter), 0);
}

static bool nobody(struct device *importer, bool write, void *arg)
{
	return !write && *(bool *)arg;
}

static int bench_begin(void **state, const struct p2psim_exporter_config *with)
{
	struct bench *bench = test_calloc(1, sizeof(*bench));
	struct p2psim_exporter_config config = *with;
	int ret = p2p_setup((void **)&bench->world);

	*state = bench;
	config.name = "doorbell";
	config.bar = p2p_memory_init(&bench->memory, p2p_find("a"), true);
	config.first = 2;
	config.pages = PAGES;
	bench->exporter = p2psim_exporter_create(&config);
	bench->app = p2psim_process_create("app");
	if (ret || !bench->exporter || !bench->app || app_maps(bench) != (long)AT)
		return -1;
	return importer_init(&bench->nic, "b", bench->app);
}

static int setup(void **state)
{
	return bench_begin(state, &(struct p2psim_exporter_config){ .flags = P2PSIM_EXPORTER_NO_FLAGS });
}

static int setup_cpu(void **state)
{
	return bench_begin(state, &(struct p2psim_exporter_config){ .flags = P2PSIM_EXPORTER_CPU });
}

static int setup_no_zap(void **state)
{
	return bench_begin(state, &(struct p2psim_exporter_config){ .flags = P2PSIM_EXPORTER_NO_ZAP });
}

static int setup_no_wait(void **state)
{
	return bench_begin(state, &(struct p2psim_exporter_config){ .flags = P2PSIM_EXPORTER_NO_WAIT });
}

static int teardown(void **state)
{
	struct bench *bench = *state;
	void *world = bench->world;

	importer_exit(&bench->nic);
	p2psim_process_exit(bench->app);
	p2psim_exporter_destroy(bench->exporter);
	p2p_memory_exit(&bench->memory, true);
	test_free(bench);
	return core_teardown(&world);
}

static int teardown_rubble(void **state)
{
	struct bench *bench = *state;

	p2psim_world_destroy(bench->world);
	test_free(bench);
	return 0;
}

/* S9, S2: linear addresses; no fault, no page-table entry, no struct page. */
static void test_a_doorbell_is_imported_at_linear_bus_addresses(void **state)
{
	struct bench *bench = *state;
	unsigned long i;

	assert_int_equal(import(&bench->nic), 0);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(bench->nic.pa[i], pci_bus_address(p2p_find("a"), 0) + ((2 + i) << PAGE_SHIFT));
	assert_false(pfn_valid(bench->nic.pa[0] >> PAGE_SHIFT));
	assert_int_equal(p2psim_dma_write(bench->nic.dev, bench->nic.pa[1] + 8, "ring", 4), 0);
	assert_memory_equal(bench->memory.bytes + (3 << PAGE_SHIFT) + 8, "ring", 4);
	assert_int_equal(p2psim_exporter_faults(bench->exporter), 0);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), PAGES);
}

/* S18: peers may, the CPU may not. */
static void test_without_the_flag_the_cpu_gets_sigbus(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(p2psim_load_byte(bench->app, AT), -EFAULT);
	assert_int_equal(p2psim_process_signal(bench->app)->signo, 7);
	assert_int_equal(import(&bench->nic), 0);
}

static void test_with_the_flag_the_cpu_rings_the_same_doorbell(void **state)
{
	struct bench *bench = *state;
	char byte = 0;

	assert_int_equal(p2psim_store_byte(bench->app, AT + 2 * PAGE_SIZE, 'c'), 0);
	assert_int_equal(bench->memory.bytes[4 << PAGE_SHIFT], 'c');
	assert_int_equal(p2psim_exporter_faults(bench->exporter), 0);
	assert_int_equal(import(&bench->nic), 0);
	assert_int_equal(p2psim_dma_read(bench->nic.dev, bench->nic.pa[2], &byte, 1), 0);
	assert_int_equal(byte, 'c');

	assert_int_equal(p2psim_exporter_revoke(bench->exporter), 0);
	assert_int_equal(p2psim_load_byte(bench->app, AT + 2 * PAGE_SIZE), 'c');
	assert_int_equal(p2psim_exporter_faults(bench->exporter), 1);
}

static void test_a_mapping_beyond_the_end_is_refused(void **state)
{
	struct bench *bench = *state;
	struct file *file = p2psim_exporter_file(bench->exporter);

	assert_int_equal(p2psim_mmap(bench->app, END, 5 * PAGE_SIZE, PROT_READ, MAP_SHARED, file, 0), -EINVAL);
	assert_int_equal(p2psim_mmap(bench->app, END, PAGE_SIZE, PROT_READ, MAP_SHARED, file, 4 * PAGE_SIZE), -EINVAL);
	assert_true(p2psim_mmap(bench->app, END, PAGE_SIZE, PROT_READ, MAP_SHARED, file, 3 * PAGE_SIZE) > 0);
	assert_int_equal(p2psim_exporter_vmas(bench->exporter), 2);
}

/* C8: asked at each call; S24; R12: each refusal leaves nothing behind. */
static void test_each_refusal_is_typed_and_counts_nothing(void **state)
{
	struct bench *bench = *state;
	struct importer uart = bench->nic, lone = bench->nic;

	uart.dev = p2psim_platform_device("uart0");
	lone.dev = &p2p_find("lone")->dev;
	p2psim_pci_set_cpu(P2PSIM_CPU_INTEL);
	mmap_read_lock(bench->nic.mm);
	assert_int_equal(p2psim_vma_map(vma_lookup(bench->nic.mm, AT), uart.dev, AT, END, uart.pa, true), -EINVAL);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_PCI);
	assert_int_equal(p2psim_vma_map(vma_lookup(bench->nic.mm, AT), lone.dev, AT, END, lone.pa, true), -EREMOTEIO);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_ROUTABLE);
	mmap_read_unlock(bench->nic.mm);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), 0);
}

static void test_the_policy_is_asked_at_each_call_and_told_the_direction(void **state)
{
	struct bench *bench = *state;
	bool readers_may = true;
	struct p2psim_exporter_config config = { .bar = bench->memory.bar, .policy = nobody };
	struct p2psim_exporter *other;
	struct vm_area_struct *vma;
	dma_addr_t pa[1];

	config.policy_arg = &readers_may;
	other = p2psim_exporter_create(&config);
	assert_int_equal(p2psim_mmap(bench->app, END, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				     p2psim_exporter_file(other), 0), END);
	mmap_read_lock(bench->nic.mm);
	vma = vma_lookup(bench->nic.mm, END);
	assert_int_equal(p2psim_vma_map(vma, bench->nic.dev, END, END + PAGE_SIZE, pa, true), -EACCES);
	assert_int_equal(p2psim_vma_map(vma, bench->nic.dev, END, END + PAGE_SIZE, pa, false), 0);
	p2psim_vma_unmap(bench->nic.mm, bench->nic.dev, END, END + PAGE_SIZE, pa);
	readers_may = false;
	p2psim_vma_map_withdraw(vma, bench->nic.dev);
	assert_int_equal(p2psim_vma_map(vma, bench->nic.dev, END, END + PAGE_SIZE, pa, false), -EACCES);
	mmap_read_unlock(bench->nic.mm);
	p2psim_munmap(bench->app, END, PAGE_SIZE);
	p2psim_exporter_destroy(other);
}

/* C5, S25: after a revoke the same importer maps the same range again, at the same addresses. */
static void test_a_revoked_importer_maps_again(void **state)
{
	struct bench *bench = *state;
	dma_addr_t first;

	assert_int_equal(import(&bench->nic), 0);
	first = bench->nic.pa[0];
	assert_int_equal(p2psim_exporter_revoke(bench->exporter), 0);
	assert_false(bench->nic.mapped);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), 0);
	assert_int_equal(import(&bench->nic), 0);
	assert_int_equal(bench->nic.pa[0], first);
}

static void imports(void *arg)
{
	struct importer *nic = arg;

	nic->result = import(nic);
}

static void revokes(void *arg)
{
	struct bench *bench = arg;

	P2PSIM_CHECK(p2psim_exporter_revoke(bench->exporter) == 0);
}

/*
 * E2: the revoke lands between the importer's map and its commit.
 *
 *	nic					exporter
 *	p2p_map()		= 0, count 4
 *						revoke(): door closed, zap
 *						  nic.invalidate(): nothing is committed
 *						waits: count 4
 *	read_retry()		= true
 *	p2p_unmap()		  count 0
 *						woken: door open
 */
static void test_a_revoke_waits_for_a_map_that_is_not_committed_yet(void **state)
{
	struct bench *bench = *state;
	struct task_struct *nic = p2psim_task_spawn("nic", imports, &bench->nic);
	struct importer late = {};
	struct task_struct *exporter;

	assert_int_equal(importer_init(&late, "c", bench->app), 0);
	assert_int_equal(p2psim_run_until(nic, "importer:mapped"), 0);
	exporter = p2psim_task_spawn("exporter", revokes, bench);
	assert_int_equal(p2psim_run_alone(exporter), -EAGAIN);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), PAGES);
	assert_int_equal(import(&late), -EBUSY);
	assert_int_equal(p2psim_exporter_revoke(bench->exporter), -EBUSY);

	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(bench->nic.result, -EBUSY);
	assert_int_equal(import(&late), 0);
	importer_exit(&late);
}

/* S10, S11, E4. */
static void test_unplug_takes_every_mapping_and_later_maps_say_enodev(void **state)
{
	struct bench *bench = *state;
	dma_addr_t old;
	char byte;

	assert_int_equal(import(&bench->nic), 0);
	old = bench->nic.pa[0];
	assert_int_equal(p2psim_exporter_unplug(bench->exporter), 0);
	assert_false(bench->nic.mapped);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), 0);
	assert_int_equal(import(&bench->nic), -ENODEV);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_DEVICE_GONE);
	assert_int_equal(p2psim_exporter_unplug(bench->exporter), 0);
	assert_int_equal(p2psim_exporter_revoke(bench->exporter), -ENODEV);
	assert_int_equal(p2psim_dma_read(bench->nic.dev, old, &byte, 1), -EIO);
	assert_violation(bench->world, P2PSIM_STALE, "after p2psim_bar_unmap()");
}

static void test_after_unplug_the_cpu_gets_sigbus_and_mmap_enodev(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(p2psim_load_byte(bench->app, AT), 0);
	assert_int_equal(p2psim_exporter_unplug(bench->exporter), 0);
	assert_int_equal(p2psim_load_byte(bench->app, AT), -EFAULT);
	assert_int_equal(p2psim_process_signal(bench->app)->signo, 7);
	assert_int_equal(p2psim_munmap(bench->app, AT, END - AT), 0);
	assert_int_equal(app_maps(bench), -ENODEV);
}

/*	AAAA -> A..A	both rests live on, the importer's whole range is given back	*/
static void test_a_hole_in_the_vma_gives_the_import_back(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(import(&bench->nic), 0);
	assert_int_equal(p2psim_munmap(bench->app, AT + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	assert_false(bench->nic.mapped);
	assert_int_equal(p2psim_exporter_mapped(bench->exporter), 0);
	assert_int_equal(p2psim_exporter_vmas(bench->exporter), 2);
}

static void unplugs(void *arg)
{
	p2psim_exporter_unplug(arg);
}

/* Broken on purpose: who waits without asking waits for ever. */
static void test_without_the_zap_unplug_is_a_deadlock(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(import(&bench->nic), 0);
	p2psim_task_spawn("exporter", unplugs, bench->exporter);
	assert_int_equal(p2psim_run(), -EDEADLK);
	assert_violation(bench->world, P2PSIM_DEADLOCK, "exporter");
}

/* Broken on purpose: unplug() does not wait for the map that is not committed yet. */
static void test_without_the_wait_the_importer_reaches_a_device_that_is_gone(void **state)
{
	struct bench *bench = *state;
	struct task_struct *nic = p2psim_task_spawn("nic", imports, &bench->nic);
	char byte;

	assert_int_equal(p2psim_run_until(nic, "importer:mapped"), 0);
	assert_int_equal(p2psim_exporter_unplug(bench->exporter), 0);
	p2psim_dma_read(bench->nic.dev, bench->nic.pa[0], &byte, 1);
	assert_violation(bench->world, P2PSIM_STALE, "whose BAR window has changed");
}

static void test_an_unmap_too_many_and_a_destroy_too_early_are_told(void **state)
{
	struct bench *bench = *state;
	dma_addr_t pa = pci_bus_address(p2p_find("a"), 0);
	struct vm_area_struct *vma;

	mmap_read_lock(bench->nic.mm);
	vma = vma_lookup(bench->nic.mm, AT);
	mmap_read_unlock(bench->nic.mm);
	vma->vm_ops->p2p_unmap(vma, bench->nic.dev, AT, AT + PAGE_SIZE, &pa);
	assert_violation(bench->world, P2PSIM_BALANCE, "never mapped for b");
	p2psim_exporter_destroy(bench->exporter);
	assert_violation(bench->world, P2PSIM_CONTRACT, "doorbell is destroyed with 1 VMAs alive");
}

/* Everything from create to import with each allocation failing once: clean errors, nothing left over. */
static bool try_all(struct p2psim_world *world, struct p2p_memory *memory, uint64_t n)
{
	struct p2psim_exporter_config config = { .name = "doorbell", .pages = PAGES };
	struct bench bench = { .world = world };
	bool done = false;

	p2psim_inject_fail_nth(world, n);
	memory->bar = p2psim_bar_init(p2p_find("a"), 0, &p2p_memory_ops, memory);
	config.bar = memory->bar;
	if (memory->bar && p2psim_bar_window_alloc(memory->bar, P2P_MEMORY_PAGES, 0, 0, NULL) == 0) {
		bench.exporter = p2psim_exporter_create(&config);
		bench.app = p2psim_process_create("app");
		if (bench.exporter && bench.app && app_maps(&bench) == (long)AT &&
		    importer_init(&bench.nic, "b", bench.app) == 0) {
			done = import(&bench.nic) == 0;
			importer_exit(&bench.nic);
		}
		if (bench.app)
			p2psim_process_exit(bench.app);
		if (bench.exporter)
			p2psim_exporter_destroy(bench.exporter);
		p2psim_bar_window_free(memory->bar, 0);
	}
	if (memory->bar)
		p2psim_bar_destroy(memory->bar);
	return done;
}

static void test_every_allocation_may_fail(void **state)
{
	struct p2p_memory memory = {};
	uint64_t n = 0;
	bool fired = true;

	while (fired) {
		bool done;

		p2psim_world_reset(*state);
		p2p_build();
		done = try_all(*state, &memory, ++n);
		fired = p2psim_inject_fired(*state, NULL);
		p2psim_inject_fail_nth(*state, 0);
		assert_int_equal(p2psim_world_check_quiescent(*state), 0);
		assert_true(done || fired);
		assert_true(n < 200);
	}
	assert_true(n > 5);
}

/*
 * The same meeting in every interleaving: one import, one revoke; nobody waits for ever, nothing is stale or left over.
 *
 *	nic				exporter
 *	import()			revoke()
 *	one DMA, if it is mapped
 */
static int meeting_setup(void *state)
{
	struct bench *bench = state;
	struct p2psim_exporter_config config = { .name = "doorbell", .first = 2, .pages = PAGES };

	p2p_build();
	config.bar = bench->memory.bar = p2psim_bar_init(p2p_find("a"), 0, &p2p_memory_ops, &bench->memory);
	p2psim_bar_window_alloc(bench->memory.bar, P2P_MEMORY_PAGES, 0, 0, NULL);
	bench->exporter = p2psim_exporter_create(&config);
	bench->app = p2psim_process_create("app");
	return app_maps(bench) == (long)AT ? importer_init(&bench->nic, "b", bench->app) : -ENOMEM;
}

static void meeting_imports(void *state)
{
	struct bench *bench = state;
	char byte;

	bench->nic.result = import(&bench->nic);
	mutex_lock(&bench->nic.lock);
	if (bench->nic.mapped)
		P2PSIM_CHECK(p2psim_dma_read(bench->nic.dev, bench->nic.pa[0], &byte, 1) == 0);
	mutex_unlock(&bench->nic.lock);
}

static void meeting_unplugs(void *state)
{
	struct bench *bench = state;

	p2psim_exporter_unplug(bench->exporter);
}

/* Would be the end of the promise: mapped, though the exporter says that nobody has anything. */
static bool maps_behind_its_back(void *state)
{
	struct bench *bench = state;

	return bench->nic.mapped != (p2psim_exporter_mapped(bench->exporter) == PAGES);
}

static void meeting_teardown(void *state)
{
	struct bench *bench = state;

	importer_exit(&bench->nic);
	p2psim_process_exit(bench->app);
	p2psim_exporter_destroy(bench->exporter);
	p2p_memory_exit(&bench->memory, true);
}

static void expect_never(const char *name, void (*exporter)(void *))
{
	struct p2psim_scenario scenario = {
		.name = name,
		.question = "Can an importer map behind the back of a revoke?",
		.source = "Gunthorpe, 2019-01-29",
		.state_size = sizeof(struct bench),
		.setup = meeting_setup,
		.tasks = { { "nic", meeting_imports }, { "exporter", exporter } },
		.exists = maps_behind_its_back,
		.teardown = meeting_teardown,
		.expect = P2PSIM_NEVER,
	};
	struct p2psim_explore_result result;

	explore_traces(&scenario, &result);
	assert_true(result.executions > 10);
}

static void test_no_interleaving_maps_behind_the_back_of_a_revoke_or_an_unplug(void **state)
{
	expect_never("p2p/import+revoke", revokes);
	expect_never("p2p/import+unplug", meeting_unplugs);
}

#define exporter_test(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)
#define exporter_test_rubble(f, s) cmocka_unit_test_setup_teardown(f, s, teardown_rubble)

int main(void)
{
	const struct CMUnitTest tests[] = {
		exporter_test(test_a_doorbell_is_imported_at_linear_bus_addresses, setup),
		exporter_test(test_without_the_flag_the_cpu_gets_sigbus, setup),
		exporter_test(test_with_the_flag_the_cpu_rings_the_same_doorbell, setup_cpu),
		exporter_test(test_a_mapping_beyond_the_end_is_refused, setup),
		exporter_test(test_each_refusal_is_typed_and_counts_nothing, setup),
		exporter_test(test_the_policy_is_asked_at_each_call_and_told_the_direction, setup),
		exporter_test(test_a_revoked_importer_maps_again, setup),
		exporter_test(test_a_revoke_waits_for_a_map_that_is_not_committed_yet, setup),
		exporter_test(test_unplug_takes_every_mapping_and_later_maps_say_enodev, setup),
		exporter_test(test_after_unplug_the_cpu_gets_sigbus_and_mmap_enodev, setup_cpu),
		exporter_test(test_a_hole_in_the_vma_gives_the_import_back, setup),
		exporter_test_rubble(test_without_the_zap_unplug_is_a_deadlock, setup_no_zap),
		exporter_test_rubble(test_without_the_wait_the_importer_reaches_a_device_that_is_gone, setup_no_wait),
		exporter_test_rubble(test_an_unmap_too_many_and_a_destroy_too_early_are_told, setup),
		p2p_test(test_every_allocation_may_fail),
		cmocka_unit_test(test_no_interleaving_maps_behind_the_back_of_a_revoke_or_an_unplug),
	};

	return cmocka_run_group_tests_name("exporter", tests, NULL, NULL);
}
