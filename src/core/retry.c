/* SPDX-License-Identifier: MIT */
/*
 * Retry loops: is a round justified, does it ever end, had it any effect?
 *
 * LASSO.  From the second time on that any loop comes round, the world is watched.  Its state at a back edge is
 *
 *	the memory of the arena, the clock, who is alive, ready, killed	... as it is
 *	where each task stands						... as a hash of what it has seen
 *
 * A task's locals are a function of what it read.  They die at its back edge, by promise, so there its hash starts over, from
 * (loop, seq).  At a step it takes in the step, and the memory if somebody else has run since its last one.  A task that has
 * not moved since the watch began is where it was.  So equal hashes (128 bits) are equal states, and what lies between
 * them can be repeated for ever; if all that were ready in between have run, by a fair scheduler too.
 *
 * PURE.  A round whose steps wrote nothing but locks and wait queues, and that let go of what it took, might as well have
 * begun later.  With config.pure_retry its task stops there, for good: the execution in which it did begin later is
 * another one.  What comes of the execution at hand says nothing new.
 */
#include <stdio.h>
#include <string.h>

#include <p2psim/retry.h>

#include "core/internal.h"

/* A watch without result ends after so many back edges: hashing all memory takes its time. */
#define LASSO_LOOKS 1000

static struct p2psim_state_hash mix_state(struct p2psim_state_hash hash, uint64_t value)
{
	hash.a = (hash.a ^ value) * 0x9e3779b97f4a7c15ull;
	hash.a ^= hash.a >> 29;
	hash.b = (hash.b + value) * 0xd6e8feb86659fd93ull;
	hash.b ^= hash.b >> 32;
	return hash;
}

/* ---- LASSO ---- */

/* Memory of the arena may be poisoned for others. */
__attribute__((no_sanitize("address"))) static struct p2psim_state_hash mix_words(struct p2psim_state_hash hash,
										const char *from, const char *to)
{
	const uint64_t *word = (const uint64_t *)from;

	for (; (const char *)word < to; word++)
		hash = mix_state(hash, *word);
	return hash;
}

/* Where the part of a span ends that has been handed out. */
static const char *used_end(const struct p2psim_arena *arena, const char *start, uint8_t span_class)
{
	const char *carve = span_class == P2PSIM_SPAN_BOOK   ? arena->book_carve :
			    span_class == P2PSIM_SPAN_BLOCKS ? arena->block_carve :
			    span_class < P2PSIM_SPAN_LARGE && span_class < 32 ? arena->carve[span_class] : NULL;

	return carve > start && carve <= start + P2PSIM_SPAN ? carve : start + P2PSIM_SPAN;
}

static struct p2psim_state_hash mix_memory(struct p2psim_state_hash hash, const struct p2psim_arena *arena)
{
	size_t span;

	for (span = 0; span < arena->used / P2PSIM_SPAN; span++) {
		const char *start = arena->base + span * P2PSIM_SPAN;

		if (arena->span_class[span] != P2PSIM_SPAN_TEXT)
			hash = mix_words(hash, start, used_end(arena, start, arena->span_class[span]));
	}
	return hash;
}

static struct p2psim_state_hash mix_task(struct p2psim_state_hash hash, const struct p2psim_task *task,
					 struct p2psim_state_hash stands)
{
	hash = mix_state(hash, (uint64_t)task->state << 2 | (uint64_t)task->killed << 1 | task->should_stop);
	hash = mix_state(hash, (uint64_t)(uintptr_t)task->arg);
	hash = mix_state(hash, stands.a);
	return mix_state(hash, stands.b);
}

static struct p2psim_state_hash state_of(const struct p2psim_world *world, uint64_t ready)
{
	struct p2psim_state_hash hash = { 1, 2 };
	unsigned int i;

	hash = mix_memory(hash, &world->arena);
	hash = mix_state(hash, world->now);
	hash = mix_state(hash, world->arena.fail_at ? world->arena.points : 0);
	hash = mix_state(hash, ready);
	for (i = 0; i < world->task_count; i++)
		hash = mix_task(hash, world->tasks[i], world->lasso.stands[i]);
	return hash;
}

/* A step of a task, while the world is watched. */
static void follow(struct p2psim_world *world, const struct p2psim_task *task)
{
	struct p2psim_lasso *lasso = &world->lasso;
	struct p2psim_state_hash *stands = &lasso->stands[task->ts.pid];
	const struct p2psim_op *op = &task->pending;
	unsigned int i;

	if (lasso->last != task->ts.pid)
		*stands = mix_memory(*stands, &world->arena);
	lasso->last = task->ts.pid;
	*stands = mix_state(*stands, (uint64_t)op->kind << 32 | op->access_count);
	for (i = 0; i < op->access_count; i++)
		*stands = mix_state(*stands, (uint64_t)op->access[i].obj << 32 ^ op->access[i].start);
	lasso->ran |= 1ull << task->ts.pid;
	lasso->ready |= p2psim_ready_besides(world, task);
}

static void begin_watch(struct p2psim_world *world)
{
	memset(&world->lasso, 0, sizeof(world->lasso));
	world->lasso.on = true;
	world->lasso.last = -1;
	world->hot.busy |= P2PSIM_BUSY_RETRY;
}

static int names_of(const struct p2psim_world *world, uint64_t tasks, char *text, size_t size)
{
	int used = 0;
	unsigned int i;

	for (i = 0; i < world->task_count && (size_t)used < size; i++)
		if (tasks >> i & 1)
			used += snprintf(text + used, size - (size_t)used, "%s%s", used ? ", " : "",
					 world->tasks[i]->ts.comm);
	return used;
}

static void report_livelock(const struct p2psim_world *world, const struct p2psim_back_edge *then, uint64_t ran)
{
	char names[200] = "";

	names_of(world, ran, names, sizeof(names));
	p2psim_violate(P2PSIM_PROGRESS, then->step, 0, 0,
		       "livelock: everything is as it was after step %llu, and every task that could run since has run (%s): "
		       "this can go on for ever", (unsigned long long)then->step, names);
}

/* The task stands at a back edge: was everything like this before? */
static void look_for_lasso(struct p2psim_world *world, const struct p2psim_task *task,
			   const struct p2psim_retry *again)
{
	struct p2psim_lasso *lasso = &world->lasso;
	uint64_t ready = p2psim_ready_besides(world, task), ran = 0, could = 0;
	struct p2psim_back_edge *edge;
	unsigned int n;

	lasso->stands[task->ts.pid] = mix_state((struct p2psim_state_hash){ again->loop, 3 }, again->seq);
	edge = &lasso->edges[lasso->looks % P2PSIM_BACK_EDGES];
	*edge = (struct p2psim_back_edge){ state_of(world, ready), world->hot.steps, lasso->ran, lasso->ready | ready };
	lasso->ran = lasso->ready = 0;
	for (n = 0; n < lasso->looks && n + 1 < P2PSIM_BACK_EDGES; n++) {
		const struct p2psim_back_edge *later = &lasso->edges[(lasso->looks - n) % P2PSIM_BACK_EDGES];
		const struct p2psim_back_edge *then = &lasso->edges[(lasso->looks - n - 1) % P2PSIM_BACK_EDGES];

		ran |= later->ran;
		could |= later->ready;
		if (then->state.a != edge->state.a || then->state.b != edge->state.b || (could & ~ran))
			continue;
		report_livelock(world, then, ran);
		return;
	}
	if (++lasso->looks == LASSO_LOOKS)
		lasso->on = false;
}

/* ---- PURE ---- */

static bool has_effect(const struct p2psim_op *op)
{
	unsigned int i;

	switch (op->kind) {
	case P2PSIM_STEP_LOCK:
	case P2PSIM_STEP_UNLOCK:
	case P2PSIM_STEP_TRYLOCK:
	case P2PSIM_STEP_RDLOCK:
	case P2PSIM_STEP_RDUNLOCK:
	case P2PSIM_STEP_WQ_PREPARE:
	case P2PSIM_STEP_WQ_CHECK:
	case P2PSIM_STEP_WQ_SLEEP:
		return op->deadline;
	default:
		break;
	}
	for (i = 0; i < op->access_count; i++)
		if (op->access[i].write)
			return true;
	return op->deadline; /* time passes */
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void stop_for_good(struct p2psim_world *world)
{
	struct p2psim_op op = { .kind = P2PSIM_STEP_LABEL, .label = "pure retry", .enabled = never };

	world->collapsed = true;
	p2psim_step_op(&op);
}

/* ---- back edges ---- */

void p2psim_retry_step(struct p2psim_world *world, struct p2psim_task *task)
{
	task->effects += has_effect(&task->pending);
	if (world->lasso.on)
		follow(world, task);
}

void p2psim_retry_reset(struct p2psim_world *world)
{
	world->switches = 0;
	world->collapsed = false;
	world->lasso.on = false;
	if (world->config.pure_retry)
		world->hot.busy |= P2PSIM_BUSY_RETRY;
}

static void remember(struct p2psim_retry *again, uint64_t seq)
{
	again->seq = seq;
	again->now = p2psim_world_here()->now;
	again->switches = p2psim_world_here()->switches;
	again->effects = p2psim_task_here()->effects;
}

void p2psim_retry_begin(struct p2psim_retry *again)
{
	memset(again, 0, sizeof(*again));
	if (p2psim_world_missing("p2psim_retry_begin"))
		return;
	remember(again, 0);
	again->loop = ++p2psim_task_here()->loops;
	again->held = p2psim_task_here()->held_count;
}

/* Whom the caller keeps from the only CPU; NULL = nobody. */
static const char *starved(struct p2psim_world *world)
{
	uint64_t ready = p2psim_ready_besides(world, p2psim_task_here());

	return world->config.nonpreemptive && ready ? world->tasks[__builtin_ctzll(ready)]->ts.comm : NULL;
}

static void report_unjustified(struct p2psim_world *world, const struct p2psim_task *task, uint64_t seq)
{
	const char *ready = starved(world);

	p2psim_violate(P2PSIM_PROGRESS, 0, 0, 0,
		       "unjustified retry: %s goes round again for %llu, as the time before, and nobody else has run since%s%s%s",
		       task->ts.comm, (unsigned long long)seq, ready ? "; " : "", ready ?: "",
		       ready ? " is ready, but waits for the CPU" : "");
}

void(p2psim_retry)(struct p2psim_retry *again, uint64_t seq)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_task *task;
	bool pure;

	if (p2psim_world_missing("p2psim_retry") || world->ended)
		return;
	task = p2psim_task_here();
	if (again->rounds++ && again->seq == seq && again->switches == world->switches && again->now == world->now) {
		report_unjustified(world, task, seq);
		return;
	}
	pure = world->config.pure_retry && again->effects == task->effects && again->held == task->held_count;
	remember(again, seq);
	if (pure) {
		stop_for_good(world);
		return;
	}
	if (!world->lasso.on && again->rounds == 2 && p2psim_oracle_on(P2PSIM_PROGRESS))
		begin_watch(world);
	if (world->lasso.on)
		look_for_lasso(world, task, again);
}

void(p2psim_spin_until)(struct p2psim_object *obj, bool (*cond)(void *arg), void *arg)
{
	struct p2psim_world *world = p2psim_world_here();
	const char *ready;

	if (p2psim_world_missing("p2psim_spin_until"))
		return;
	if (!world->config.nonpreemptive) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(obj), false, NULL, cond, arg);
		return;
	}
	p2psim_step_on(P2PSIM_STEP_AWAIT, p2psim_object_id(obj), false, NULL);
	if (world->ended || cond(arg))
		return;
	ready = starved(world);
	p2psim_violate(P2PSIM_PROGRESS, 0, obj->id, 0, "starvation: %s spins on %s and keeps the CPU; %s %s", current->comm,
		       obj->name, ready ?: "nobody", ready ? "is ready, but waits for it" : "else could run");
}
