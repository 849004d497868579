/* SPDX-License-Identifier: MIT */
/*
 * 05, 08, 16: a driver that hears of an address space by the list of notifiers, as drivers have since 2008.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/err.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>

static bool wrong(void)
{
	return p2psim_scenario_data();
}

/* What a table needs for the broken twins' `data`. */
static const char broken[] = "broken";

/* ---- 05: two devices register with the driver, which tells them what the notifier tells it ---- */

struct registration {
	struct registration *next;	/* read under RCU */
	bool registered;		/* its device's own: it has been through */
	struct copy copy;
};

struct registry {
	struct stage s;
	struct mmu_notifier mn;
	struct mutex lock;
	struct registration *first;	/* lock; read under RCU */
	struct registration nic0, nic1;
};

static int tell_registered(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct registry *r = container_of(mn, struct registry, mn);
	struct registration *reg;

	(void)range;
	rcu_read_lock();
	for (reg = rcu_dereference(r->first); reg; reg = rcu_dereference(reg->next))
		copy_unmap(&r->s, &reg->copy);
	rcu_read_unlock();
	return 0;
}

static const struct mmu_notifier_ops registry_ops = { .invalidate_range_start = tell_registered };

static int begin_registry(void *state)
{
	struct registry *r = state;

	mutex_init(&r->lock);
	r->mn.ops = &registry_ops;
	return stage_begin(&r->s, 1) ?: mmu_notifier_register(&r->mn, r->s.mm);
}

/* RCU is for readers: those who insert exclude each other. */
static void registers(struct registry *r, struct registration *reg)
{
	if (!wrong())
		mutex_lock(&r->lock);
	reg->next = rcu_dereference(r->first);
	rcu_assign_pointer(r->first, reg);
	if (!wrong())
		mutex_unlock(&r->lock);
	reg->registered = true;
}

static void nic0_registers(void *state)
{
	struct registry *r = state;

	registers(r, &r->nic0);
}

static void nic1_registers(void *state)
{
	struct registry *r = state;

	registers(r, &r->nic1);
}

/* Both map the page, it is unmapped, and both go on. */
static bool both_hear_of_munmap(void *state)
{
	struct registry *r = state;
	struct page *page = pfn_to_page(pte_pfn(*p2psim_pte_lookup(r->s.mm, AT(0))));

	if (r->nic0.registered)
		copy_map(&r->s, &r->nic0.copy, AT(0), page);
	if (r->nic1.registered)
		copy_map(&r->s, &r->nic1.copy, AT(0), page);
	p2psim_munmap(r->s.app, AT(0), PAGE_SIZE);
	copy_read_at_last(&r->s, &r->nic0.copy);
	copy_read_at_last(&r->s, &r->nic1.copy);
	return false;
}

static void end_registry(void *state)
{
	struct registry *r = state;

	mmu_notifier_unregister(&r->mn, r->s.mm);
	stage_end(&r->s);
}

#define REGISTER(title, ask, bug, verdict, which)                                                                      \
	.scenario = { .name = title, .question = ask, .source = "linux-rdma msg80339",                                 \
		      .state_size = sizeof(struct registry), .setup = begin_registry,                                  \
		      .tasks = { { "nic0", nic0_registers }, { "nic1", nic1_registers } },                             \
		      .exists = both_hear_of_munmap, .teardown = end_registry, .expect = verdict, .oracle = which,     \
		      .data = bug }

/* ---- 08: what a callback uses goes away ---- */

struct context {
	struct mutex lock;
	struct copy copy;	/* lock */
};

struct subscriber {
	struct mmu_notifier mn;
	struct stage *s;
	struct context *context;
};

struct subscribed {
	struct stage s;
	struct mmu_notifier *mn;
	struct context *context;
};

static int context_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct subscriber *sub = container_of(mn, struct subscriber, mn);

	(void)range;
	mutex_lock(&sub->context->lock);
	copy_unmap(sub->s, &sub->context->copy);
	mutex_unlock(&sub->context->lock);
	return 0;
}

static struct mmu_notifier *context_alloc(struct mm_struct *mm)
{
	struct subscriber *sub = kzalloc(sizeof(*sub), GFP_KERNEL);

	(void)mm;
	return sub ? &sub->mn : ERR_PTR(-ENOMEM);
}

static void context_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct subscriber, mn));
}

static const struct mmu_notifier_ops context_ops = {
	.invalidate_range_start = context_start,
	.alloc_notifier = context_alloc,
	.free_notifier = context_free,
};

static int begin_subscribed(void *state)
{
	struct subscribed *b = state;
	struct subscriber *sub;

	if (stage_begin(&b->s, 1))
		return -ENOMEM;
	b->context = kzalloc(sizeof(*b->context), GFP_KERNEL);
	b->mn = mmu_notifier_get(&context_ops, b->s.mm);
	if (!b->context || IS_ERR(b->mn))
		return -ENOMEM;
	mutex_init(&b->context->lock);
	sub = container_of(b->mn, struct subscriber, mn);
	sub->s = &b->s;
	sub->context = b->context;
	return 0;
}

static void app_unmaps(void *state)
{
	p2psim_munmap(((struct subscribed *)state)->s.app, AT(0), PAGE_SIZE);
}

static void driver_closes(void *state)
{
	struct subscribed *b = state;

	mmu_notifier_put(b->mn);
	if (!wrong())
		mmu_notifier_synchronize();
	kfree(b->context);
}

static void end_subscribed(void *state)
{
	mmu_notifier_synchronize();
	stage_end(&((struct subscribed *)state)->s);
}

#define CLOSE(title, ask, bug, verdict, which)                                                                         \
	.scenario = { .name = title, .question = ask, .source = "mm/hmm: fix use after free with struct hmm",          \
		      .state_size = sizeof(struct subscribed), .setup = begin_subscribed,                              \
		      .tasks = { { "app", app_unmaps }, { "driver", driver_closes } }, .teardown = end_subscribed,     \
		      .expect = verdict, .oracle = which, .data = bug }

/* ---- 16: a device that walks the CPU's page tables and caches what it finds ---- */

struct walker {
	struct stage s;
	struct p2psim_process *child;
	struct mmu_notifier mn;
	struct p2psim_object atc;	/* the cache, in steps */
	u64 pfn;			/* in the cache; 0 = nothing */
};

static void atc_flush(struct walker *w)
{
	p2psim_step_on(P2PSIM_STEP_TLB, p2psim_object_id(&w->atc), true, "atc:flush");
	w->pfn = 0;
}

static int flush_at_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	atc_flush(container_of(mn, struct walker, mn));
	return 0;
}

static void flush_after_clear(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)mm;
	(void)start;
	(void)end;
	atc_flush(container_of(mn, struct walker, mn));
}

static const struct mmu_notifier_ops early_ops = { .invalidate_range_start = flush_at_start };
static const struct mmu_notifier_ops walker_ops = { .invalidate_range = flush_after_clear };

/* The page is shared with a child: the next store copies it. */
static int begin_walker(void *state)
{
	struct walker *w = state;
	int error = stage_begin(&w->s, 1) ?: p2psim_fork(w->s.app, "child", &w->child);

	p2psim_object_init(&w->atc, "atc");
	w->mn.ops = wrong() ? &early_ops : &walker_ops;
	return error ?: mmu_notifier_register(&w->mn, w->s.mm);
}

static void app_writes(void *state)
{
	p2psim_store_byte(((struct walker *)state)->s.app, AT(0), 2);
}

/* What the nic's two steps read: the entry, its cache, and (for the oracle) whether an invalidation of it has ended. */
static void walker_step(struct walker *w, const char *label, bool fills)
{
	u64 unit = AT(0) >> PAGE_SHIFT;
	struct p2psim_op op = { .kind = P2PSIM_STEP_TLB, .label = label, .access_count = 3 };

	op.access[0] = (struct p2psim_access){ p2psim_object_id(&w->atc), fills, 0, UINT64_MAX };
	op.access[1] = (struct p2psim_access){ p2psim_object_id(&w->s.mm->obj), false, unit, unit };
	op.access[2] = (struct p2psim_access){ p2psim_object_id(&w->s.mm->obj), !fills, UINT64_MAX, UINT64_MAX };
	p2psim_step_op(&op);
}

/* A walk and its fill, then an access by the cache if the entry is still there. */
static void nic_reads(void *state)
{
	struct walker *w = state;
	const pte_t *pte;
	char byte;

	walker_step(w, "atc:fill", true);
	pte = p2psim_pte_lookup(w->s.mm, AT(0));
	w->pfn = pte && pte_present(*pte) ? pte_pfn(*pte) : 0;
	walker_step(w, "atc:hit", false);
	if (w->pfn && p2psim_translation_check(w->s.mm, AT(0), w->pfn << PAGE_SHIFT, false))
		p2psim_ram_read(w->pfn << PAGE_SHIFT, &byte, 1);
}

static void end_walker(void *state)
{
	struct walker *w = state;

	mmu_notifier_unregister(&w->mn, w->s.mm);
	p2psim_process_exit(w->child);
	stage_end(&w->s);
}

#define WALK(title, ask, bug, verdict, which)                                                                          \
	.scenario = { .name = title, .question = ask, .source = "arch_invalidate_secondary_tlbs()",                    \
		      .state_size = sizeof(struct walker), .setup = begin_walker,                                      \
		      .tasks = { { "app", app_writes }, { "nic0", nic_reads } },                                        \
		      .teardown = end_walker, .expect = verdict, .oracle = which, .data = bug }

const struct pattern patterns_of_subscribers[] = {
	{ REGISTER("05/register+register", "Is a registration lost?", NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 2 },
	{ REGISTER("05/register+register!no-lock", "And without the lock?", broken, P2PSIM_VIOLATION, P2PSIM_STALE),
	  .preemptions = 1 },
	{ CLOSE("08/munmap+close", "Does a callback use what its driver has freed?", NULL, P2PSIM_NEVER,
		P2PSIM_NO_ORACLE), .traces = 35 },
	{ CLOSE("08/munmap+close!no-grace", "And if the driver does not wait for callbacks?", broken, P2PSIM_VIOLATION,
		P2PSIM_UAF), .preemptions = 1 },
	{ WALK("16/walk+copy", "Does a cached translation outlive the page?", NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 43 },
	{ WALK("16/walk+copy!flush-first", "And if the cache is flushed before the entry is cleared?", broken,
	       P2PSIM_VIOLATION, P2PSIM_STALE), .preemptions = 2 },
	{},
};
