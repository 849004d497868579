/* SPDX-License-Identifier: MIT */
/*
 * A PCI driver of kernel includes alone (sum.c) is loaded against a machine that has its card, used by processes, and explored.
 *
 *	app (ioctl)		  "irq 24"		card
 *	map, writel(length)  ------------------------->	reads the bytes, writes the sum
 *	wait_for_completion()				raises its message
 *				  readl, writel, complete()
 *	reads the sum, unmaps
 */
#include "explored.h"

#include <fcntl.h>

#include <p2psim/bar.h>
#include <p2psim/device_file.h>
#include <p2psim/dma.h>
#include <p2psim/inject.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pci.h>
#include <p2psim/module.h>
#include <p2psim/pci.h>
#include <p2psim/process.h>
#include <p2psim/step.h>
#include <p2psim/task.h>

#include "sum.h"

#define JOB(who) (0x10000UL + (who) * 0x1000UL)
#define BYTES(who) (JOB(who) + 0x100)

struct card {
	struct pci_dev *pdev;
	struct p2psim_bar *bar;
	union {
		unsigned char bytes[24];
		struct {
			u64 source, result;
			u32 length, status;
		};
	} regs;
	bool started;
};

struct machine {
	struct card card;
	struct p2psim_process *app;
	struct module *module;
	struct file *file;
	long ret[2];
	u32 sum[2];
};

/* ---- the card ---- */

static int card_read(const struct p2psim_bar_access *access, void *buf, size_t len)
{
	struct card *card = access->arg;

	if (access->bar_offset + len > sizeof(card->regs))
		return -EIO;
	memcpy(buf, card->regs.bytes + access->bar_offset, len);
	return 0;
}

static int card_write(const struct p2psim_bar_access *access, const void *buf, size_t len)
{
	struct card *card = access->arg;

	if (access->bar_offset + len > sizeof(card->regs))
		return -EIO;
	if (access->bar_offset == SUM_STATUS)
		card->regs.status &= ~*(const u32 *)buf;
	else
		memcpy(card->regs.bytes + access->bar_offset, buf, len);
	card->started |= access->bar_offset == SUM_LENGTH;
	return 0;
}

static const struct p2psim_bar_ops card_ops = { .read = card_read, .write = card_write };

static bool card_is_started(void *arg)
{
	return ((struct card *)arg)->started;
}

static void card_runs(void *arg)
{
	struct card *card = arg;
	unsigned char bytes[PAGE_SIZE];
	u32 i, sum;

	for (;;) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, P2PSIM_OBJ_BAR, true, "card: job", card_is_started, card);
		card->started = false;
		p2psim_dma_read(&card->pdev->dev, card->regs.source, bytes, card->regs.length);
		for (i = sum = 0; i < card->regs.length; i++)
			sum += bytes[i];
		p2psim_dma_write(&card->pdev->dev, card->regs.result, &sum, sizeof(sum));
		p2psim_step_on(P2PSIM_STEP_WRITE, P2PSIM_OBJ_BAR, true, "card: done");
		card->regs.status |= SUM_DONE;
		p2psim_pci_raise(card->pdev, 0);
	}
}

/* ---- the machine ---- */

static int plug(struct card *card)
{
	struct pci_dev *port = p2psim_pci_root_port(p2psim_pci_root(NULL), NULL);
	struct task_struct *task;

	card->pdev = p2psim_pci_endpoint(port, &(struct p2psim_pci_config){
		.name = "card", .vendor = 0x1234, .device = 0x5001, .bar_bytes = { 4096 }, .messages = 1 });
	card->bar = card->pdev ? p2psim_bar_init(card->pdev, 0, &card_ops, card) : NULL;
	if (!card->bar || p2psim_bar_window_alloc(card->bar, 1, 0, 0, NULL))
		return -ENOMEM;
	task = p2psim_task_spawn("card", card_runs, card);
	if (IS_ERR_OR_NULL(task))
		return -ENOMEM;
	p2psim_task_set_daemon(task);
	return 0;
}

/* Two jobs in the memory of the app: 1 + 2 + 3, and 10 + 20 + 30. */
static int prepare(struct machine *m)
{
	static const unsigned char bytes[2][3] = { { 1, 2, 3 }, { 10, 20, 30 } };
	unsigned long who;

	m->app = p2psim_process_create("app");
	if (!m->app || p2psim_mmap(m->app, JOB(0), 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				   NULL, 0) < 0)
		return -ENOMEM;
	for (who = 0; who < 2; who++) {
		struct sum_job job = { .address = BYTES(who), .length = 3 };

		p2psim_store(m->app, JOB(who), &job, sizeof(job));
		p2psim_store(m->app, BYTES(who), bytes[who], 3);
	}
	return plug(&m->card);
}

static int load_driver(struct machine *m, const char *path)
{
	int ret = prepare(m);

	ret = ret ? ret : p2psim_module_insert(path, NULL, &m->module);
	return ret ? ret : p2psim_device_open(m->app, "sum", O_RDWR, &m->file);
}

static int load(void *state)
{
	return load_driver(state, SUM);
}

static int load_no_lock(void *state)
{
	return load_driver(state, SUM_NO_LOCK);
}

static int load_early(void *state)
{
	return load_driver(state, SUM_EARLY);
}

static void unload(void *state)
{
	struct machine *m = state;

	if (m->file)
		p2psim_close(m->app, m->file);
	if (m->app)
		p2psim_process_exit(m->app);
	if (m->module)
		p2psim_module_remove(m->module);
	if (!m->card.bar)
		return;
	p2psim_bar_window_free(m->card.bar, 0);
	p2psim_bar_destroy(m->card.bar);
}

static void run_job(struct machine *m, unsigned int who)
{
	struct sum_job job;

	m->ret[who] = p2psim_ioctl(m->app, m->file, SUM_IOC_RUN, JOB(who));
	p2psim_load(m->app, JOB(who), &job, sizeof(job));
	m->sum[who] = job.sum;
}

static void first(void *state)
{
	run_job(state, 0);
}

static void second(void *state)
{
	run_job(state, 1);
}

static void unplug(void *state)
{
	p2psim_pci_remove(((struct machine *)state)->card.pdev);
}

static bool a_sum_is_wrong(void *state)
{
	const struct machine *m = state;

	return m->ret[0] || m->ret[1] || m->sum[0] != 6 || m->sum[1] != 60;
}

/* ---- run ---- */

static struct machine machine;

static int setup(void **state)
{
	memset(&machine, 0, sizeof(machine));
	return core_setup(state);
}

static int teardown(void **state)
{
	unload(&machine);
	return core_teardown(state);
}

static void test_a_process_gets_its_sum_through_the_driver(void **state)
{
	assert_int_equal(load(&machine), 0);
	assert_string_equal(machine.card.pdev->driver->name, "sum");
	run_job(&machine, 0);
	run_job(&machine, 1);
	assert_false(a_sum_is_wrong(&machine));
	assert_int_equal(p2psim_dma_live(&machine.card.pdev->dev), 1);
	(void)state;
}

static void test_a_file_that_is_open_keeps_the_driver(void **state)
{
	assert_int_equal(load(&machine), 0);
	assert_int_equal(p2psim_module_remove(machine.module), -EBUSY);
	p2psim_close(machine.app, machine.file);
	machine.file = NULL;
	assert_int_equal(p2psim_module_remove(machine.module), 0);
	machine.module = NULL;
	assert_null(machine.card.pdev->driver);
	assert_false(machine.card.pdev->memory_enabled);
	(void)state;
}

static void test_every_allocation_of_the_driver_may_fail(void **state)
{
	bool fired = true;
	uint64_t n;

	for (n = 1; fired; n++) {
		p2psim_world_reset(*state);
		memset(&machine, 0, sizeof(machine));
		assert_int_equal(prepare(&machine), 0);
		p2psim_inject_fail_nth(*state, n);
		if (!p2psim_module_insert(SUM, NULL, &machine.module) &&
		    !p2psim_device_open(machine.app, "sum", O_RDWR, &machine.file))
			run_job(&machine, 0);
		fired = p2psim_inject_fired(*state, NULL);
		p2psim_inject_fail_nth(*state, 0);
		if (fired)
			assert_true(!machine.file || machine.ret[0]);
		unload(&machine);
		assert_int_equal(p2psim_world_check_quiescent(*state), 0);
	}
	assert_true(n > 15);
	p2psim_world_reset(*state);
	memset(&machine, 0, sizeof(machine));
}

/* ---- explored ---- */

#define SUM_SCENARIO(what, loads, fn0, fn1, ...)                                                                       \
	{                                                                                                              \
		.name = what, .state_size = sizeof(struct machine), .setup = loads, .teardown = unload,                \
		.tasks = { { "app", fn0 }, { "other", fn1 } }, .source = "tests/kernel/sum.c", __VA_ARGS__             \
	}

static const struct p2psim_scenario good =
	SUM_SCENARIO("sum/two", load, first, second, .exists = a_sum_is_wrong, .expect = P2PSIM_NEVER,
		     .question = "Can one process get the other's sum?");
static const struct p2psim_scenario no_lock =
	SUM_SCENARIO("sum/two!no-lock", load_no_lock, first, second, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE,
		     .question = "And if the driver does not lock?");
static const struct p2psim_scenario early =
	SUM_SCENARIO("sum/one!early", load_early, first, NULL, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE,
		     .question = "And if it does not wait for the card?");
static const struct p2psim_scenario pulled =
	SUM_SCENARIO("sum/one+unplug", load, first, unplug, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_UAF,
		     .question = "Is the driver safe when the card goes while a process waits for it?");

static void test_two_processes_get_their_own_sums(void **state)
{
	explore_twice(&good, 1);
	(void)state;
}

static void test_the_broken_twins_are_caught(void **state)
{
	static const struct p2psim_scenario *const broken[] = { &no_lock, &early, &pulled };
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 2 };
	struct p2psim_explore_result result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(broken); i++)
		explore_as_expected(broken[i], &options, &result);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_process_gets_its_sum_through_the_driver, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_open_keeps_the_driver, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_allocation_of_the_driver_may_fail, setup, teardown),
		cmocka_unit_test(test_two_processes_get_their_own_sums),
		cmocka_unit_test(test_the_broken_twins_are_caught),
	};

	return cmocka_run_group_tests_name("pci_module", tests, NULL, NULL);
}
