/* SPDX-License-Identifier: MIT */
/*
 * The model drivers at work: the device touches a page, and the process lets it go.
 *
 *	gpu0					app
 *	fault(page 0)				madvise(page 0, DONTNEED), or munmap()
 */
#include "scenarios.h"

#include <errno.h>

#include <p2psim/linux/mman.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/process.h>

#include "drivers.h"

#define START 0x10000UL

struct drivers {
	struct p2psim_process *app;
	struct mm_struct *mm;
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
}

static int setup(void *state)
{
	struct drivers *t = state;
	long ret = -ENOMEM;

	t->app = p2psim_process_create("app");
	if (!t->app)
		return -ENOMEM;
	t->mm = p2psim_process_mm(t->app);
	ret = p2psim_mmap(t->app, START, DRIVER_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	if (ret >= 0)
		ret = p2psim_store_byte(t->app, START, 'a');
	if (!ret) {
		t->driver = which()->ops->create(t->mm, START, which()->wrong);
		ret = t->driver ? 0 : -ENOMEM;
	}
	if (ret)
		teardown(t);
	return (int)ret;
}

static void gpu_faults(void *state)
{
	struct drivers *t = state;

	which()->ops->fault(t->driver, 0);
}

static void app_drops(void *state)
{
	p2psim_madvise(((struct drivers *)state)->app, START, PAGE_SIZE, MADV_DONTNEED);
}

/* The device has a page that the process has not, or another one. */
static bool is_stale(void *state)
{
	struct drivers *t = state;
	unsigned long i, pfn;

	for (i = 0; i < DRIVER_PAGES; i++) {
		const pte_t *pte = p2psim_pte_lookup(t->mm, START + i * PAGE_SIZE);

		pfn = which()->ops->pfn(t->driver, i);
		if (pfn && (!pte || !pte_present(*pte) || pte_pfn(*pte) != pfn))
			return true;
	}
	return false;
}

/* The process lets go after the page tables were read, or after the fault. */
#define BETWEEN "gpu0>hmm:faulted app gpu0"
#define AFTER "gpu0 app"
#define UNLOCKED "gpu0>gpu:lock app gpu0"
#define DRIVER(title, driver, fault, how, verdict, which_oracle)                                                         \
	{                                                                                                              \
		.name = "driver/" title, .question = "Does the device keep a page that the process has let go?",       \
		.source = "Documentation/mm/hmm.rst, 6.1", .state_size = sizeof(struct drivers), .setup = setup,       \
		.tasks = { { "gpu0", gpu_faults }, { "app", app_drops } }, .exists = is_stale, .teardown = teardown,   \
		.expect = verdict, .oracle = which_oracle, .data = &(const struct which){ &driver, fault },            \
		.schedule = how,                                                                                       \
	}

const struct p2psim_scenario p2psim_drivers[] = {
	DRIVER("mirror", mirror_driver, DRIVER_NO_FAULT, BETWEEN, P2PSIM_NEVER, 0),
	DRIVER("mirror!no-retry", mirror_driver, DRIVER_NO_RETRY, BETWEEN, P2PSIM_SOMETIMES, 0),
	DRIVER("mirror!check-before-lock", mirror_driver, DRIVER_CHECK_BEFORE_LOCK, UNLOCKED, P2PSIM_SOMETIMES, 0),
	DRIVER("mirror!deaf", mirror_driver, DRIVER_DEAF, AFTER, P2PSIM_SOMETIMES, 0),
	DRIVER("svm", svm_driver, DRIVER_NO_FAULT, BETWEEN, P2PSIM_NEVER, 0),
	DRIVER("svm!no-retry", svm_driver, DRIVER_NO_RETRY, BETWEEN, P2PSIM_SOMETIMES, 0),
	DRIVER("svm!no-sequence", svm_driver, DRIVER_NO_SEQUENCE, BETWEEN, P2PSIM_VIOLATION, P2PSIM_CONTRACT),
	DRIVER("svm!deaf", svm_driver, DRIVER_DEAF, AFTER, P2PSIM_SOMETIMES, 0),
	{},
};
