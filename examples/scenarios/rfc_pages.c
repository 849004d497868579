/* SPDX-License-Identifier: MIT */
/*
 * Patch 4/5 of the RFC of 2019-01-29: pages of a process that lie in a gpu's memory, and devices that import them.
 *
 *	"peer access is allowed without migrating; CPU access migrates back" (Glisse, 2019-01-29 23:47, in short)
 *
 *	nic0 imports		p2p_map() of the pagemap: an address in the gpu's BAR, the page stays
 *	nic1 imports		refused: the page goes to main memory, nic0 hears of it before, and both find it there
 *	the CPU touches it	the same, without anybody's refusal
 */
#include "machine.h"

#include <errno.h>

#include <p2psim/check.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/step.h>

#include "eras.h"

#define START 0x10000UL
#define PAGES 2UL
#define AT(page) (START + (page) * PAGE_SIZE)

struct peers {
	struct machine m;
	bool wrong;
};

/* A scenario's ->data. */
struct world {
	unsigned int gpu_faults, nic_faults;
	unsigned long bar_pages;
	bool two_nics;
};

static const struct world *told(void)
{
	return p2psim_scenario_data();
}

/* nic1 comes from another country. */
static bool nic0_only(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	const struct peers *t = arg;

	return importer == p2psim_nic_dev(t->m.nic);
}

static void teardown(void *state)
{
	machine_demolish(&((struct peers *)state)->m);
}

static int fill(struct peers *t)
{
	struct mm_struct *mm = p2psim_process_mm(t->m.app);
	int ret = machine_map_anonymous(&t->m, START, PAGES);

	if (!ret)
		ret = p2psim_store_byte(t->m.app, AT(0), 'a') ?: p2psim_store_byte(t->m.app, AT(1), 'b');
	if (!ret)
		ret = p2psim_gpu_migrate(t->m.gpu, mm, AT(0), AT(PAGES)) == PAGES ? 0 : -ENOMEM;
	if (!ret)
		ret = machine_register(&t->m, AT(0), PAGES * PAGE_SIZE);
	if (!ret && told()->two_nics)
		ret = machine_add_nic(&t->m, AT(0), PAGES * PAGE_SIZE);
	return ret;
}

static int setup(void *state)
{
	struct peers *t = state;
	struct machine_config config = {
		.gpu_faults = told()->gpu_faults, .nic_faults = told()->nic_faults, .bar_pages = told()->bar_pages,
	};
	int ret = machine_build(&t->m, &config) ?: fill(t);

	if (ret)
		teardown(t);
	else if (!told()->bar_pages)
		p2psim_gpu_set_policy(t->m.gpu, nic0_only, t);
	return ret;
}

static void nic0_writes(void *state)
{
	struct peers *t = state;

	t->wrong |= p2psim_nic_write(t->m.mr, AT(0), "n", 1) != 0;
}

static void nic0_writes_twice(void *state)
{
	struct peers *t = state;

	nic0_writes(t);
	p2psim_step("rfc:written");
	t->wrong |= p2psim_nic_write(t->m.mr, AT(0), "N", 1) != 0;
}

static void nic1_reads(void *state)
{
	struct peers *t = state;
	char byte = 0;

	t->wrong |= p2psim_nic_read(t->m.mr1, AT(0), &byte, 1) != 0;
	t->wrong |= byte != 'a' && byte != 'n' && byte != 'N';
}

static void nic1_writes_the_other(void *state)
{
	struct peers *t = state;

	t->wrong |= p2psim_nic_write(t->m.mr1, AT(1), "m", 1) != 0;
}

static void app_loads(void *state)
{
	struct peers *t = state;
	int byte = p2psim_load_byte(t->m.app, AT(0));

	t->wrong |= byte != 'a' && byte != 'n' && byte != 'N';
}

/* An entry of a nic that leads elsewhere than the CPU's page table, which names RAM by now. */
static bool is_elsewhere(const struct peers *t, const struct p2psim_nic_region *mr)
{
	const pte_t *pte = p2psim_pte_lookup(p2psim_process_mm(t->m.app), AT(0));
	uint64_t dma = mr ? p2psim_nic_entry_dma(mr, AT(0)) : ~(uint64_t)0;

	return dma != ~(uint64_t)0 && (!pte || !pte_present(*pte) || dma >> PAGE_SHIFT != pte_pfn(*pte));
}

/* A byte is lost, somebody fails, or a nic ends with another page than the process. */
static bool is_wrong(void *state)
{
	const struct peers *t = state;

	return t->wrong || is_elsewhere(t, t->m.mr) || is_elsewhere(t, t->m.mr1);
}

static bool has_failed(void *state)
{
	return ((struct peers *)state)->wrong;
}

#define SOURCE "Glisse, 2019-01-29, [RFC PATCH 4/5] mm/hmm: add support for peer to peer to HMM device memory"
#define PEERS(title, asked, how, verdict, which, ...)                                                                  \
	.name = "rfc/" title, .question = asked, .source = SOURCE, .state_size = sizeof(struct peers), .setup = setup, \
	.teardown = teardown, .schedule = how, .expect = verdict, .oracle = which,                                     \
	.data = &(const struct world){ __VA_ARGS__ }

#define REFUSED .exists = is_wrong, .tasks = { { "nic0", nic0_writes }, { "nic1", nic1_reads } }
#define TOUCHED .exists = is_wrong, .tasks = { { "nic0", nic0_writes_twice }, { "app", app_loads } }
#define CROWDED .exists = has_failed, .tasks = { { "nic0", nic0_writes_twice }, { "nic1", nic1_writes_the_other } }
/* nic0 has the page when somebody else comes. */
#define THEN_NIC1 "nic0>rfc:written nic1 nic0"
#define THEN_APP "nic0>rfc:written app nic0"

const struct p2psim_scenario p2psim_rfc_pages[] = {
	{ PEERS("peer-page+refused", "Do two nics end at the page's new place when the second is refused?", "nic0 nic1",
		P2PSIM_NEVER, 0, .two_nics = true),
	  REFUSED },
	{ PEERS("peer-page+refused!deaf", "And if the first does not listen when the page goes?", "nic0 nic1",
		P2PSIM_VIOLATION, P2PSIM_CONTRACT, .two_nics = true, .nic_faults = P2PSIM_NIC_IGNORE_INVALIDATE),
	  REFUSED },
	{ PEERS("peer-page+touched", "Is a page that a nic has mapped followed to main memory?", THEN_APP, P2PSIM_NEVER,
		0, .gpu_faults = 0),
	  TOUCHED },
	{ PEERS("peer-page+touched!frees-early", "And if the gpu gives the window away before it tells?",
		"nic0>rfc:written app>notifier:start nic0 app", P2PSIM_VIOLATION, P2PSIM_STALE,
		.gpu_faults = P2PSIM_GPU_FREE_EARLY),
	  TOUCHED },
	{ PEERS("peer-page+touched!no-retry", "And if the nic does not look for the collision?",
		"nic0>nic:lock app nic0", P2PSIM_VIOLATION, P2PSIM_CONTRACT, .nic_faults = P2PSIM_NIC_NO_RETRY_CHECK),
	  TOUCHED },
	{ PEERS("peer-page+crowded", "May two nics import two pages through a BAR of one?", THEN_NIC1, P2PSIM_NEVER, 0,
		.two_nics = true, .bar_pages = 1),
	  CROWDED },
	{ PEERS("peer-page+crowded!steals", "And if the gpu takes the first one's window and tells nobody?", THEN_NIC1,
		P2PSIM_VIOLATION, P2PSIM_STALE, .two_nics = true, .bar_pages = 1,
		.gpu_faults = P2PSIM_GPU_STEAL_WINDOW),
	  CROWDED },
	{},
};
