/* SPDX-License-Identifier: MIT */
/*
 * The model drivers at work: the device wants a page, reaches it, and something happens to the page or to its process.
 *
 *	gpu0					somebody else
 *	fault(page 0), reaches it		drops the page: madvise(DONTNEED), or munmap()
 *						moves it: compaction
 *						ends: the process exits
 *
 * Where the device reaches a page the STALE oracle is asked whether that is still the process's.
 */
#include "scenarios.h"

#include <errno.h>

#include <p2psim/actors.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/pci.h>
#include <p2psim/process.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "drivers.h"

#define START 0x10000UL
#define AT(page) (START + (page) * PAGE_SIZE)

struct drivers {
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct pci_dev *pdev;
	struct page *page;	/* the first; a reference */
	void *driver;
};

/* A scenario's ->data. */
struct which {
	const struct driver_ops *ops;
	enum driver_fault wrong;
};

static const struct which *which(void)
{
	return p2psim_scenario_data();
}

static void teardown(void *state)
{
	struct drivers *t = state;

	if (t->driver)
		which()->ops->destroy(t->driver);
	if (t->app)
		p2psim_process_exit(t->app);
	if (t->page)
		put_page(t->page);
	if (t->pdev)
		p2psim_pci_remove(t->pdev);
	if (t->mm)
		mmdrop(t->mm);
}

static int begin(struct drivers *t)
{
	struct pci_dev *port = p2psim_pci_root_port(p2psim_pci_root(NULL), NULL);
	unsigned long page;
	long ret;

	t->pdev = p2psim_pci_endpoint(port, &(struct p2psim_pci_config){ .name = "gpu0" });
	t->app = p2psim_process_create("app");
	if (!t->pdev || !t->app || !system_wq) /* which the first user makes: nobody's in particular */
		return -ENOMEM;
	t->mm = p2psim_process_mm(t->app);
	mmgrab(t->mm);
	ret = p2psim_mmap(t->app, START, DRIVER_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	for (page = 0; ret >= 0 && page < DRIVER_PAGES; page++)
		ret = p2psim_store_byte(t->app, AT(page), 'a');
	return ret < 0 ? (int)ret : 0;
}

static int setup(void *state)
{
	struct drivers *t = state;
	int ret = begin(t);

	if (!ret) {
		t->page = pfn_to_page(pte_pfn(*p2psim_pte_lookup(t->mm, AT(0))));
		get_page(t->page);
		t->driver = which()->ops->create(t->mm, START, &t->pdev->dev, which()->wrong);
		ret = t->driver ? 0 : -ENOMEM;
	}
	if (ret)
		teardown(t);
	return ret;
}

/* The beat follows its translation without a step. */
static void reach(struct drivers *t, unsigned long page)
{
	uint64_t address = which()->ops->entry(t->driver, page);

	if (!address) {
		p2psim_note("no entry for %p", AT(page));
	} else {
		p2psim_note("reads %p at 0x%x", AT(page), address);
		p2psim_translation_check(t->mm, AT(page), address, false);
	}
}

static void gpu_works(void *state)
{
	struct drivers *t = state;

	which()->ops->fault(t->driver, 0);
	p2psim_step("gpu:faulted");
	reach(t, 0);
}

static void gpu_works_twice(void *state)
{
	gpu_works(state);
	gpu_works(state);
}

static void app_drops(void *state)
{
	p2psim_madvise(((struct drivers *)state)->app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

static void app_drops_twice(void *state)
{
	app_drops(state);
	app_drops(state);
}

/* The device has the page already. */
static int setup_mapped(void *state)
{
	int ret = setup(state);

	if (!ret)
		which()->ops->fault(((struct drivers *)state)->driver, 0);
	return ret;
}

static void app_unmaps(void *state)
{
	p2psim_munmap(((struct drivers *)state)->app, AT(0), PAGE_SIZE);
}

static void app_exits(void *state)
{
	struct drivers *t = state;

	p2psim_process_exit(t->app);
	t->app = NULL;
}

/* Compaction, which needs no address space to call those who mirror it. */
static void kernel_moves(void *state)
{
	p2psim_migrate_page(((struct drivers *)state)->page);
}

/* The process lets go after the page tables were read; after the device has the page; between look and lock. */
#define BETWEEN "gpu0>hmm:faulted app gpu0"
#define AFTER "gpu0>gpu:faulted app gpu0"
#define UNLOCKED "gpu0>gpu:lock app gpu0"
/* The same of the worker: one range read, or the second one read and the first one valid. */
#define RESTORING "gpu0 events>hmm:faulted app events gpu0"
#define RESTORED "gpu0 events>seq:read_retry events>hmm:table events>hmm:faulted app events gpu0"
/* The process ends during a callback; the device comes back between two of them. */
#define INSIDE "kcompactd>seq:set_seq app kcompactd"
#define TWICE "app>notifier:end app>notifier:invalidate gpu0 events app"

#define DROPPED setup, "Does the device reach a page that the process has let go?", { "gpu0", gpu_works }, { "app", app_drops }
#define EVICTED setup, "Do the queues run with an old entry?", { "gpu0", gpu_works_twice }, { "app", app_drops }
#define UNMAPPED setup, "Does the driver get rid of what was unmapped?", { "gpu0", gpu_works }, { "app", app_unmaps }
#define AGAIN setup_mapped, "Does a child go once, if it is emptied twice?", { "gpu0", gpu_works }, { "app", app_drops_twice }
#define EXITED setup, "Does the end of the process wait for who waits for it?", { "gpu0", gpu_works }, { "app", app_exits }
#define MOVED setup, "May a callback be the last who uses the process?", { "kcompactd", kernel_moves }, { "app", app_exits }

#define SCENARIO(title, driver, fault, told, how, verdict, which_oracle, begins, asked, ...)                             \
	{ .name = "driver/" title, .question = asked, .source = told, .state_size = sizeof(struct drivers),              \
	  .setup = begins, .tasks = { __VA_ARGS__ }, .teardown = teardown, .expect = verdict, .oracle = which_oracle,     \
	  .data = &(const struct which){ &driver, fault }, .schedule = how }
#define RIGHT(title, driver, how, ...) SCENARIO(title, driver, DRIVER_NO_FAULT, MODEL, how, P2PSIM_NEVER, 0, __VA_ARGS__)
#define WRONG(title, driver, fault, told, how, oracle, ...)                                                              \
	SCENARIO(title, driver, fault, told, how, P2PSIM_VIOLATION, P2PSIM_##oracle, __VA_ARGS__)
#define MODEL "Documentation/mm/hmm.rst, 6.1"

const struct p2psim_scenario p2psim_drivers[] = {
	RIGHT("mirror", mirror_driver, BETWEEN, DROPPED),
	WRONG("mirror!no-retry", mirror_driver, DRIVER_NO_RETRY, MODEL, BETWEEN, STALE, DROPPED),
	WRONG("mirror!check-before-lock", mirror_driver, DRIVER_CHECK_BEFORE_LOCK, MODEL, UNLOCKED, STALE, DROPPED),
	WRONG("mirror!deaf", mirror_driver, DRIVER_DEAF, MODEL, AFTER, STALE, DROPPED),
	RIGHT("svm", svm_driver, BETWEEN, DROPPED),
	WRONG("svm!no-retry", svm_driver, DRIVER_NO_RETRY, MODEL, BETWEEN, STALE, DROPPED),
	WRONG("svm!no-sequence", svm_driver, DRIVER_NO_SEQUENCE, MODEL, BETWEEN, CONTRACT, DROPPED),
	WRONG("svm!deaf", svm_driver, DRIVER_DEAF, MODEL, AFTER, STALE, DROPPED),
	RIGHT("evict", evict_driver, AFTER, EVICTED),
	WRONG("evict!no-retry", evict_driver, DRIVER_NO_RETRY, MODEL, RESTORING, STALE, EVICTED),
	WRONG("evict!no-recount", evict_driver, DRIVER_NO_RECOUNT, MODEL, RESTORED, STALE, EVICTED),
	RIGHT("evict+munmap", evict_driver, AFTER, UNMAPPED),
	WRONG("evict+munmap!removes-at-once", evict_driver, DRIVER_REMOVES_AT_ONCE, MODEL, AFTER, CONTRACT, UNMAPPED),
	RIGHT("evict+exit", evict_driver, AFTER, EXITED),
	WRONG("evict+exit!flushes", evict_driver, DRIVER_FLUSHES, "6225bb3a88d2", RESTORING, DEADLOCK, EXITED),
	RIGHT("evict+move", evict_driver, NULL, MOVED),
	WRONG("evict+move!puts-in-callback", evict_driver, DRIVER_PUTS_IN_CALLBACK, "a29e067bd389", INSIDE, LOCKGRAPH, MOVED),
	RIGHT("odp", odp_driver, BETWEEN, DROPPED),
	WRONG("odp!no-retry", odp_driver, DRIVER_NO_RETRY, MODEL, BETWEEN, STALE, DROPPED),
	RIGHT("odp+munmap", odp_driver, AFTER, UNMAPPED),
	RIGHT("odp+again", odp_driver, TWICE, AGAIN),
	WRONG("odp+again!stays-listed", odp_driver, DRIVER_STAYS_LISTED, "CVE-2025-21714", TWICE, UAF, AGAIN),
	RIGHT("odp+exit", odp_driver, BETWEEN, EXITED),
	WRONG("odp+exit!puts-under-lock", odp_driver, DRIVER_PUTS_UNDER_LOCK, "Romanovsky, 2022-08-23, 74d93541ea53",
	      BETWEEN, DEADLOCK, EXITED),
	{},
};
