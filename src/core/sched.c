/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: who takes the next step.
 *
 * Every task but the running one stands before a pending step.  p2psim_step_op() makes the caller's step pending, chooses
 * among the enabled ones, switches if another was chosen, and returns when the caller's own turn has come: the step is
 * taken at that moment.  Task 0 is a task like the others, except while it waits in p2psim_run() (until all are done) or
 * directs (p2psim_run_until()).
 *
 * When nobody is enabled: the clock advances to the earliest deadline; else task 0 goes on if it was only waiting for
 * that; else it is a deadlock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

#define BITS(mask, bit)                                                                                                \
	for (uint64_t bits_ = (mask); bits_ && ((bit) = (unsigned int)__builtin_ctzll(bits_), 1); bits_ &= bits_ - 1)

static bool is_enabled(struct p2psim_world *world, struct p2psim_task *task)
{
	const struct p2psim_op *op = &task->pending;
	bool open;

	if (!op->enabled)
		return true;
	world->asked = task;
	open = op->enabled(op->arg);
	world->asked = NULL;
	return open || (op->deadline && world->now >= op->deadline);
}

/* A condition is looked at by whoever chooses: a step in it would choose again.  The execution ends. */
static bool is_asked(struct p2psim_world *world)
{
	const struct p2psim_task *task = world->asked;

	if (__builtin_expect(!task, 1))
		return false;
	world->asked = NULL;
	p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "the condition that %s waits for takes a step: it may only look",
		       task->ts.comm);
	p2psim_world_end(world);
	return true;
}

static uint64_t enabled_mask(struct p2psim_world *world)
{
	uint64_t mask = 0;
	unsigned int i;

	BITS(world->live, i)
		if (is_enabled(world, world->tasks[i]))
			mask |= 1ull << i;
	if (world->main_wait == P2PSIM_MAIN_RUNS && world->main->state == P2PSIM_TASK_LIVE &&
	    is_enabled(world, world->main))
		mask |= 1;
	return mask;
}

uint64_t p2psim_ready_besides(struct p2psim_world *world, const struct p2psim_task *task)
{
	uint64_t mask = 0;
	unsigned int i;

	BITS(world->live & ~(1ull << task->ts.pid), i)
		if (is_enabled(world, world->tasks[i]))
			mask |= 1ull << i;
	return mask;
}

static bool all_done(const struct p2psim_world *world)
{
	unsigned int i;

	BITS(world->live, i)
		if (!world->tasks[i]->daemon)
			return false;
	return true;
}

/* Nobody can run: time passes until the first deadline.  False if there is none. */
static bool advance_clock(struct p2psim_world *world)
{
	uint64_t first = UINT64_MAX;
	unsigned int i;

	BITS(world->live, i)
		if (world->tasks[i]->pending.deadline > world->now && world->tasks[i]->pending.deadline < first)
			first = world->tasks[i]->pending.deadline;
	if (world->main_wait == P2PSIM_MAIN_RUNS && world->main->pending.deadline > world->now &&
	    world->main->pending.deadline < first)
		first = world->main->pending.deadline;
	if (first == UINT64_MAX)
		return false;
	world->now = first;
	return true;
}

static int describe_wait(const struct p2psim_world *world, const struct p2psim_task *task, char *text, size_t size)
{
	const struct p2psim_op *op = &task->pending;
	const struct p2psim_lock *lock = p2psim_mutex_waited_for(op);
	const char *object = p2psim_world_object_name(world, op->access_count ? op->access[0].obj : 0);

	if (!lock)
		lock = p2psim_rwsem_waited_for(op);
	if (lock) {
		if (lock->owner)
			return snprintf(text, size, "%s waits for %s, held by %s (%s:%d)", task->ts.comm, object,
					lock->owner->comm, lock->site ? lock->site->func : "?",
					lock->site ? lock->site->line : 0);
		return snprintf(text, size, "%s waits for %s, held by %u reader(s)", task->ts.comm, object, lock->readers);
	}
	return snprintf(text, size, "%s waits for %s", task->ts.comm, op->access_count ? object : op->label ?: "an event");
}

static void report_deadlock(struct p2psim_world *world)
{
	char text[400] = "";
	size_t used = 0;
	unsigned int i;

	for (i = 0; i < world->task_count && used < sizeof(text) - 1; i++) {
		struct p2psim_task *task = world->tasks[i];

		if (task->state != P2PSIM_TASK_LIVE || task->daemon || (!i && world->main_wait != P2PSIM_MAIN_RUNS))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", used ? "; " : "");
		used += (size_t)describe_wait(world, task, text + used, sizeof(text) - used);
	}
	p2psim_violate(P2PSIM_DEADLOCK, 0, 0, 0, "nobody can run: %s", text);
}

/* A directed stop: NULL = keep going as usual, else who runs; task 0 when the stop is reached. */
static struct p2psim_task *choose_directed(struct p2psim_world *world, uint64_t enabled)
{
	struct p2psim_task *task = world->directed;
	const char *label = world->directed_label;

	if (task->state != P2PSIM_TASK_LIVE)
		return world->main;
	if (label && task->pending.label && !strcmp(task->pending.label, label))
		return world->main;
	if (enabled & (1ull << task->ts.pid))
		return task;
	if (world->directed_alone || !enabled)
		return world->main;
	return world->tasks[__builtin_ctzll(enabled)];
}

/* How many of the enabled ones come before `picked`: few, where counting bits is a call. */
static uint32_t rank_in(uint64_t enabled, unsigned int picked)
{
	uint64_t before = enabled & ((1ull << picked) - 1);
	uint32_t rank;

	for (rank = 0; before; rank++)
		before &= before - 1;
	return rank;
}

static void record_deviation(struct p2psim_world *world, uint64_t enabled, unsigned int picked)
{
	struct p2psim_schedule *schedule = &world->schedule;
	size_t space = schedule->space ? 2 * schedule->space : 64;
	struct p2psim_deviation *grown;

	if (schedule->count == schedule->space) {
		grown = realloc(schedule->deviations, space * sizeof(*grown));
		if (!grown) {
			schedule->truncated = true;
			return;
		}
		schedule->deviations = grown;
		schedule->space = space;
	}
	schedule->deviations[schedule->count].skip = (uint32_t)world->since_deviation;
	schedule->deviations[schedule->count++].rank = rank_in(enabled, picked);
	world->since_deviation = 0;
}

/* What the strategy picks, recorded. */
static unsigned int decide(struct p2psim_world *world, const struct p2psim_choice *choice)
{
	const uint64_t enabled = choice->enabled;
	unsigned int picked = world->strategy->pick(world->strategy, choice);

	if (!(enabled >> picked & 1))
		picked = choice->fallback;
	if (enabled & (enabled - 1)) {
		if (picked != choice->fallback)
			record_deviation(world, enabled, picked);
		else
			world->since_deviation++;
	}
	return picked;
}

static struct p2psim_task *choose_by_strategy(struct p2psim_world *world, uint64_t enabled, unsigned int last,
					      unsigned int fallback)
{
	const struct p2psim_choice choice = { world, enabled, last, fallback, 0 };
	unsigned int picked = decide(world, &choice);

	return world->ended ? world->main : world->tasks[picked];
}

bool p2psim_decide_adverse(struct p2psim_world *world, bool may, const char *what)
{
	struct p2psim_task *task = p2psim_task_here();
	const unsigned int pid = (unsigned int)task->ts.pid, adverse = P2PSIM_ADVERSE_BIT + pid;
	const struct p2psim_choice choice = { world, 1ull << pid | (uint64_t)may << adverse, pid, pid, adverse };
	unsigned int picked;

	task->pending = (struct p2psim_op){ .kind = P2PSIM_STEP_CHOICE, .label = what, .site = world->hot.site };
	picked = decide(world, &choice);
	if (world->ended)
		p2psim_end_execution(world);
	return picked == adverse;
}

/* The current task goes on; one that cannot, or yields, makes room for the lowest (the next) of the others. */
static unsigned int default_pick(uint64_t enabled, const struct p2psim_task *last)
{
	unsigned int pid = (unsigned int)last->ts.pid;
	uint64_t after = pid < 63 ? enabled & ~((2ull << pid) - 1) : 0;

	if (!(enabled >> pid & 1))
		return (unsigned int)__builtin_ctzll(enabled);
	if (!last->pending.yields)
		return pid;
	return (unsigned int)__builtin_ctzll(after ? after : enabled);
}

/* One CPU: whoever has it goes on until it waits or yields.  A watchdog looks at those that never do. */
static uint64_t without_preemption(struct p2psim_world *world, const struct p2psim_task *last, uint64_t enabled)
{
	uint64_t self = 1ull << last->ts.pid;

	if (!(enabled & self) || last->pending.yields) {
		world->cpu_since = world->hot.steps;
		return enabled;
	}
	if (enabled != self && world->hot.steps - world->cpu_since >= P2PSIM_LOCKUP_STEPS)
		p2psim_violate(P2PSIM_PROGRESS, world->cpu_since, 0, 0,
			       "lockup: %s has kept the CPU for %u steps without waiting or yielding; %s is ready for it",
			       last->ts.comm, P2PSIM_LOCKUP_STEPS,
			       world->tasks[__builtin_ctzll(enabled & ~self)]->ts.comm);
	return self;
}

/* Whose step is next.  Ends the execution, and returns task 0, when there is nobody. */
struct p2psim_task *p2psim_choose(struct p2psim_world *world)
{
	struct p2psim_task *last = p2psim_task_here();
	unsigned int fallback;
	uint64_t enabled;

	for (;;) {
		enabled = enabled_mask(world);
		if (__builtin_expect(world->ended, 0))
			return world->main;
		if (world->main_wait == P2PSIM_MAIN_DIRECTS && (enabled || !advance_clock(world)))
			return choose_directed(world, enabled);
		if (enabled)
			break;
		if (world->main_wait == P2PSIM_MAIN_WAITS_ALL && all_done(world))
			return world->main;
		if (!advance_clock(world)) {
			if (!world->collapsed)
				report_deadlock(world);
			world->ended = true;
			return world->main;
		}
	}
	if (world->config.nonpreemptive)
		enabled = without_preemption(world, last, enabled);
	fallback = default_pick(enabled, last);
	if (world->strategy)
		return choose_by_strategy(world, enabled, (unsigned int)last->ts.pid, fallback);
	return world->tasks[fallback];
}

/* next NULL: the current task has ended. */
void p2psim_switch_to(struct p2psim_world *world, struct p2psim_task *next)
{
	struct p2psim_task *self = p2psim_task_here();
	int dying = !next;

	if (dying)
		next = world->starting == self ? world->starter : world->ended ? world->main : p2psim_choose(world);
	world->hot.task = &next->ts;
	world->switches++;
	p2psim_context_switch(&self->context, &next->context, dying);
}

/* From inside a task: never comes back.  Task 0 goes on, wherever it was waiting. */
void p2psim_end_execution(struct p2psim_world *world)
{
	world->ended = true;
	world->asked = NULL; /* it may be a condition that found what is wrong */
	world->hot.busy |= P2PSIM_BUSY_ENDED;
	if (p2psim_task_here() != world->main)
		p2psim_switch_to(world, world->main);
}

void p2psim_world_end(struct p2psim_world *world)
{
	world->ended = true;
	world->hot.busy |= P2PSIM_BUSY_ENDED;
}

static void take_step(struct p2psim_world *world, struct p2psim_task *task, uint64_t enabled)
{
	world->hot.steps++;
	if (__builtin_expect(world->hot.busy & (P2PSIM_BUSY_RACE | P2PSIM_BUSY_RETRY), 0)) {
		if (world->hot.busy & P2PSIM_BUSY_RACE)
			p2psim_race_step(world, &task->pending);
		if (world->hot.busy & P2PSIM_BUSY_RETRY)
			p2psim_retry_step(world, task);
	}
	if (world->hot.busy & (P2PSIM_BUSY_TRACE | P2PSIM_BUSY_STRATEGY))
		p2psim_trace_step(world, task, enabled);
}

/* Only for the record: nobody goes on, nothing is judged. */
void p2psim_take_step(struct p2psim_world *world, struct p2psim_task *task)
{
	world->hot.site = task->pending.site;
	world->hot.steps++;
	if (world->hot.busy & (P2PSIM_BUSY_TRACE | P2PSIM_BUSY_STRATEGY))
		p2psim_trace_step(world, task, world->live);
}

/* The caller stands before task->pending: returns when its turn has come and the step is taken. */
static void await_turn(struct p2psim_world *world, struct p2psim_task *task)
{
	struct p2psim_task *next = world->starting == task ? world->starter : p2psim_choose(world);

	if (next != task)
		p2psim_switch_to(world, next);
	world->hot.site = task->pending.site;
	if (!world->ended)
		take_step(world, task, world->live);
}

void p2psim_step_op(const struct p2psim_op *op)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_task *task;

	if (p2psim_world_missing("a step") || world->ended || is_asked(world))
		return;
	task = p2psim_task_here();
	task->pending = *op;
	if (!task->pending.site)
		task->pending.site = world->hot.site;
	await_turn(world, task);
}

/* Fills the pending step of the running task in place; NULL when there is no world or its execution has ended. */
static struct p2psim_op *stand_before(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_op *op;

	if (p2psim_world_missing("a step") || world->ended || is_asked(world))
		return NULL;
	op = &p2psim_task_here()->pending;
	op->kind = (uint16_t)kind;
	op->access_count = obj != 0;
	op->yields = 0;
	op->label = label;
	op->site = world->hot.site;
	op->enabled = NULL;
	op->deadline = 0;
	op->access[0].obj = obj;
	op->access[0].write = write;
	op->access[0].start = 0;
	op->access[0].last = UINT64_MAX;
	return op;
}

static void step_with(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
		      bool (*enabled)(void *arg), void *arg, uint64_t deadline)
{
	struct p2psim_op *op = stand_before(kind, obj, write, label);

	if (!op)
		return;
	op->enabled = enabled;
	op->arg = arg;
	op->deadline = deadline;
	await_turn(p2psim_world_here(), p2psim_task_here());
}

void p2psim_step_slow(enum p2psim_step_kind kind, uint32_t obj, bool write, uint64_t start, uint64_t last,
		      const char *label)
{
	struct p2psim_op *op = stand_before(kind, obj, write, label);

	if (!op)
		return;
	op->access[0].start = start;
	op->access[0].last = last;
	await_turn(p2psim_world_here(), p2psim_task_here());
}

void p2psim_step_guarded(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
			 bool (*enabled)(void *arg), void *arg)
{
	struct p2psim_hot *hot = p2psim_hot;

	if (__builtin_expect(hot && !hot->busy, 1) && enabled(arg))
		hot->steps++;
	else
		step_with(kind, obj, write, label, enabled, arg, 0);
}

bool p2psim_step_timed(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
		       bool (*enabled)(void *arg), void *arg, uint64_t ticks, bool early)
{
	const uint64_t deadline = p2psim_now() + ticks;

	step_with(kind, obj, write, label, early ? NULL : enabled, arg, deadline ? deadline : 1);
	if (enabled(arg))
		return true;
	if (early) {
		p2psim_task_here()->now = deadline;
		p2psim_note("the time is up already");
	}
	return false;
}

bool p2psim_step_guarded_timeout(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
				 bool (*enabled)(void *arg), void *arg, uint64_t ticks)
{
	if (p2psim_world_missing("a timed wait"))
		return false;
	return p2psim_step_timed(kind, obj, write, label, enabled, arg, ticks, p2psim_timer_goes_wrong());
}

void p2psim_step_await(struct p2psim_object *obj, bool (*cond)(void *arg), void *arg)
{
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(obj), false, NULL, cond, arg);
}

void p2psim_yield(void)
{
	struct p2psim_op op = {};

	if (p2psim_world_missing("p2psim_yield"))
		return;
	op.kind = P2PSIM_STEP_LABEL;
	op.label = "yield";
	op.yields = 1;
	p2psim_step_op(&op);
}

static int run(struct p2psim_world *world, enum p2psim_main_wait wait)
{
	struct p2psim_task *next;
	uint32_t stop = world->hot.busy & P2PSIM_BUSY_STOP;

	if (p2psim_task_here() != world->main) {
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "p2psim_run() is for task 0");
		return -EINVAL;
	}
	if (world->ended)
		return -ECANCELED;
	world->main_wait = wait;
	if (wait == P2PSIM_MAIN_DIRECTS)
		world->hot.busy |= P2PSIM_BUSY_STOP;
	if (world->hot.busy & P2PSIM_BUSY_RACE)
		p2psim_race_hand_over(world);
	next = p2psim_choose(world);
	if (next != world->main)
		p2psim_switch_to(world, next);
	world->main_wait = P2PSIM_MAIN_RUNS;
	if (world->hot.busy & P2PSIM_BUSY_RACE)
		p2psim_race_hand_over(world);
	if (!stop)
		world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_STOP;
	if (!world->ended)
		return 0;
	return world->violated && world->violation.oracle == P2PSIM_DEADLOCK ? -EDEADLK : -ECANCELED;
}

int p2psim_run(void)
{
	return p2psim_world_missing("p2psim_run") ? -EINVAL : run(p2psim_world_here(), P2PSIM_MAIN_WAITS_ALL);
}

static int direct(struct task_struct *ts, const char *label, bool alone)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_task *task = p2psim_task_of(ts);
	int error;

	if (p2psim_world_missing("p2psim_run_until"))
		return -EINVAL;
	world->directed = task;
	world->directed_label = label;
	world->directed_alone = alone;
	error = run(world, P2PSIM_MAIN_DIRECTS);
	world->directed = NULL;
	if (error)
		return error;
	if (task->state != P2PSIM_TASK_LIVE)
		return label ? -ENOENT : 0;
	if (label && task->pending.label && !strcmp(task->pending.label, label))
		return 0;
	return -EAGAIN;
}

int p2psim_run_until(struct task_struct *task, const char *label)
{
	return direct(task, label, false);
}

int p2psim_run_alone(struct task_struct *task)
{
	return direct(task, NULL, true);
}

void p2psim_world_set_strategy(struct p2psim_world *world, struct p2psim_strategy *strategy)
{
	world->strategy = strategy;
	if (strategy)
		world->hot.busy |= P2PSIM_BUSY_STRATEGY;
	else
		world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_STRATEGY;
}

const struct p2psim_schedule *p2psim_world_schedule(const struct p2psim_world *world)
{
	return &world->schedule;
}

const struct p2psim_op *p2psim_task_pending(const struct p2psim_world *world, unsigned int index)
{
	return &world->tasks[index]->pending;
}

bool p2psim_world_collapsed(const struct p2psim_world *world)
{
	return world->collapsed;
}

bool p2psim_task_is_live(const struct p2psim_world *world, unsigned int index)
{
	return world->tasks[index]->state == P2PSIM_TASK_LIVE;
}
