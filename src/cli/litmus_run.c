/* SPDX-License-Identifier: MIT */
/*
 * A litmus program as a scenario: its threads are tasks, its visible lines are steps.
 */
#include <string.h>

#include <p2psim/linux/sched.h>
#include <p2psim/trace.h>

#include "cli/litmus.h"

static long value_of(const struct litmus_state *state, int thread, const struct litmus_operand *operand)
{
	return operand->is_register ? state->reg[thread][operand->reg] : operand->value;
}

/* ---- guards: one at a time per thread, on its stack ---- */

struct guard {
	const struct litmus_state *state;
	const struct litmus_op *op;
	int thread;
};

static bool lock_is_free(void *arg)
{
	const struct guard *g = arg;

	return !g->state->locked[g->op->object];
}

static bool no_writer(void *arg)
{
	const struct guard *g = arg;

	return !g->state->writer[g->op->object];
}

static bool nobody_inside(void *arg)
{
	const struct guard *g = arg;

	return !g->state->writer[g->op->object] && !g->state->readers[g->op->object];
}

static bool condition_holds(void *arg)
{
	const struct guard *g = arg;

	return (g->state->var[g->op->object] == value_of(g->state, g->thread, &g->op->operand)) == g->op->equal;
}

/* ---- the operations ---- */

static void take(struct litmus_state *s, const struct litmus_op *op, int thread)
{
	struct guard guard = { s, op, thread };
	uint32_t lock = s->lock_obj[op->object].id, rwlock = s->rwlock_obj[op->object].id;

	switch (op->verb) {
	case LITMUS_LOCK:
		p2psim_step_guarded(P2PSIM_STEP_LOCK, lock, true, NULL, lock_is_free, &guard);
		s->locked[op->object] = thread + 1;
		break;
	case LITMUS_RDLOCK:
		p2psim_step_guarded(P2PSIM_STEP_RDLOCK, rwlock, false, NULL, no_writer, &guard);
		s->readers[op->object]++;
		break;
	default:
		p2psim_step_guarded(P2PSIM_STEP_LOCK, rwlock, true, "write", nobody_inside, &guard);
		s->writer[op->object] = thread + 1;
		break;
	}
}

static void let_go(struct litmus_state *s, const struct litmus_op *op)
{
	uint32_t lock = s->lock_obj[op->object].id, rwlock = s->rwlock_obj[op->object].id;

	switch (op->verb) {
	case LITMUS_UNLOCK:
		p2psim_step_on(P2PSIM_STEP_UNLOCK, lock, true, NULL);
		s->locked[op->object] = 0;
		break;
	case LITMUS_RDUNLOCK:
		p2psim_step_on(P2PSIM_STEP_RDUNLOCK, rwlock, false, NULL);
		s->readers[op->object]--;
		break;
	default:
		p2psim_step_on(P2PSIM_STEP_UNLOCK, rwlock, true, "write");
		s->writer[op->object] = 0;
		break;
	}
}

static void keep(struct litmus_state *s, const struct litmus_op *op, int thread, long value)
{
	if (op->target >= 0)
		s->reg[thread][op->target] = value;
}

static void touch(struct litmus_state *s, const struct litmus_op *op, int thread)
{
	struct guard guard = { s, op, thread };
	uint32_t id = s->var_obj[op->object].id;
	long *var = &s->var[op->object], old;

	switch (op->verb) {
	case LITMUS_READ:
		p2psim_step_on(P2PSIM_STEP_READ, id, false, NULL);
		keep(s, op, thread, *var);
		break;
	case LITMUS_WRITE:
		p2psim_step_on(P2PSIM_STEP_WRITE, id, true, NULL);
		*var = value_of(s, thread, &op->operand);
		break;
	case LITMUS_ADD:
		p2psim_step_on(P2PSIM_STEP_WRITE, id, true, "add");
		old = *var;
		*var += value_of(s, thread, &op->operand);
		keep(s, op, thread, old);
		break;
	case LITMUS_AWAIT:
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, id, false, NULL, condition_holds, &guard);
		keep(s, op, thread, *var);
		break;
	default: /* LITMUS_ASSERT_VAR */
		p2psim_step_on(P2PSIM_STEP_READ, id, false, "assert");
		s->failing |= !condition_holds(&guard);
		break;
	}
}

/* ---- the picture: a line of the program, with what it saw ---- */

static void tell_lock(const struct litmus *program, const struct litmus_op *op)
{
	static const char *const words[] = { "lock %s", "unlock %s", "rdlock %s", "rdunlock %s", "wrlock %s", "wrunlock %s" };
	const char *name = op->verb <= LITMUS_UNLOCK ? program->locks[op->object] : program->rwlocks[op->object];

	p2psim_note(words[op->verb - LITMUS_LOCK], P2PSIM_STR(name));
}

static void tell_variable(const struct litmus *program, const struct litmus_state *s, const struct litmus_op *op)
{
	uint64_t name = P2PSIM_STR(program->vars[op->object]), now = (uint64_t)s->var[op->object];

	switch (op->verb) {
	case LITMUS_WRITE:
		p2psim_note("%s = %d", name, now);
		break;
	case LITMUS_ADD:
		p2psim_note("%s += : %d", name, now);
		break;
	case LITMUS_AWAIT:
		p2psim_note("await %s: %d", name, now);
		break;
	case LITMUS_ASSERT_VAR:
		p2psim_note(s->failing ? "assert %s: %d  FAILS" : "assert %s: %d", name, now);
		break;
	default:
		p2psim_note("read %s: %d", name, now);
		break;
	}
}

static void tell(const struct litmus *program, const struct litmus_state *s, const struct litmus_op *op)
{
	if (op->verb <= LITMUS_WRUNLOCK)
		tell_lock(program, op);
	else if (op->verb <= LITMUS_ASSERT_VAR)
		tell_variable(program, s, op);
	else if (op->verb == LITMUS_ASSERT_REG && s->failing)
		p2psim_note("assert r%d  FAILS", (uint64_t)op->object);
}

/* Returns the next line. */
static int perform(struct litmus_state *s, const struct litmus_op *op, int thread, int pc)
{
	long reg = op->object < LITMUS_REGISTERS ? s->reg[thread][op->object] : 0;

	switch (op->verb) {
	case LITMUS_IFEQ:
		return pc + 1 + (reg == value_of(s, thread, &op->operand) ? op->skip : 0);
	case LITMUS_IFNE:
		return pc + 1 + (reg != value_of(s, thread, &op->operand) ? op->skip : 0);
	case LITMUS_ASSERT_REG:
		s->failing |= (reg == op->operand.value) != op->equal;
		break;
	case LITMUS_LOCK:
	case LITMUS_RDLOCK:
	case LITMUS_WRLOCK:
		take(s, op, thread);
		break;
	case LITMUS_UNLOCK:
	case LITMUS_RDUNLOCK:
	case LITMUS_WRUNLOCK:
		let_go(s, op);
		break;
	default:
		touch(s, op, thread);
		break;
	}
	return pc + 1;
}

static void thread_main(void *arg)
{
	const struct litmus *program = p2psim_scenario_data();
	int index = current->pid - 1, pc = 0, next; /* tasks come in the order of the program */
	const struct litmus_thread *thread = &program->threads[index];

	for (; pc < thread->op_count; pc = next) {
		next = perform(arg, &thread->ops[pc], index, pc);
		tell(program, arg, &thread->ops[pc]);
	}
}

static int set_up(void *arg)
{
	const struct litmus *program = p2psim_scenario_data();
	struct litmus_state *s = arg;
	int i;

	for (i = 0; i < program->var_count; i++) {
		p2psim_object_init(&s->var_obj[i], program->vars[i]);
		s->var[i] = program->initial[i];
	}
	for (i = 0; i < program->lock_count; i++)
		p2psim_object_init(&s->lock_obj[i], program->locks[i]);
	for (i = 0; i < program->rwlock_count; i++)
		p2psim_object_init(&s->rwlock_obj[i], program->rwlocks[i]);
	return 0;
}

static bool term_holds(const struct litmus_term *term, const struct litmus_state *s)
{
	long value = term->is_register ? s->reg[term->thread][term->object] : s->var[term->object];

	return (value == term->value) == term->equal;
}

bool litmus_finals_hold(const struct litmus *program, const struct litmus_state *state)
{
	int i, t;

	for (i = 0; i < program->final_count; i++) {
		const struct litmus_final *final = &program->finals[i];

		for (t = 0; t < final->count && !term_holds(&final->terms[t], state); t++)
			;
		if (t == final->count)
			return false;
	}
	return true;
}

static bool is_failing(void *arg)
{
	const struct litmus_state *s = arg;

	return s->failing || !litmus_finals_hold(p2psim_scenario_data(), s);
}

void litmus_state_text(const struct litmus *program, const struct litmus_state *s, char *text, size_t size)
{
	size_t used = 0;
	int i, t;

	for (i = 0; i < program->var_count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s=%ld", i ? "," : "", program->vars[i], s->var[i]);
	used += (size_t)snprintf(text + used, size - used, ";");
	for (t = 0; t < program->thread_count; t++)
		for (i = 0; i < LITMUS_REGISTERS; i++)
			used += (size_t)snprintf(text + used, size - used, "%s%sr%d=%ld%s", i ? "" : program->threads[t].name,
						 i ? "," : ":", i, s->reg[t][i], i == LITMUS_REGISTERS - 1 ? ";" : "");
}

/* Is there an answer `what` that is more than none? */
static bool expects_some(const struct litmus *program, const char *what)
{
	int i;

	for (i = 0; i < program->expect_count; i++)
		if (!strcmp(program->expects[i].what, what))
			return strcmp(program->expects[i].value, "0") != 0;
	return false;
}

static void expect_verdict(const struct litmus *program, struct p2psim_scenario *scenario)
{
	if (expects_some(program, "deadlock_traces")) {
		scenario->expect = P2PSIM_VIOLATION;
		scenario->oracle = P2PSIM_DEADLOCK;
	} else {
		scenario->expect = expects_some(program, "failing_traces") ? P2PSIM_SOMETIMES : P2PSIM_NEVER;
	}
}

void litmus_scenario(const struct litmus *program, struct p2psim_scenario *scenario)
{
	int t;

	*scenario = (struct p2psim_scenario){
		.name = program->name,
		.question = "Can an assertion fail?",
		.state_size = sizeof(struct litmus_state),
		.setup = set_up,
		.exists = is_failing,
		.data = program,
	};
	expect_verdict(program, scenario);
	for (t = 0; t < program->thread_count; t++) {
		scenario->tasks[t].name = program->threads[t].name;
		scenario->tasks[t].fn = thread_main;
	}
}
