/* SPDX-License-Identifier: MIT */
/*
 * Strategies agree on random small programs.
 *
 * A race scan that forgets a case loses traces and says nothing: all other tests stay green.  So thousands of programs
 * are explored by naive (every interleaving: nothing to get wrong), sleep, dpor and icb; the sets of ends (final states
 * and deadlocks) and of traces must be equal.  Where the operations are this file's own, an enumerator that knows
 * neither the library's scheduler nor its locks counts the interleavings and the traces as well.
 *
 * A program as text, tasks separated by '|'; an operation is its letter and the object's, of a range first and last:
 *
 *	La Ua Ta	mutex a or b: lock, unlock, trylock (the unlock of one that failed is left out)
 *	Sp sp Xp Up Gp	reader/writer lock p or q: read lock and unlock, write lock and unlock, downgrade
 *	Rx Wx Zx Ax	variable x or y: read, write something, write zero, add
 *	Ex Dx		wait until x is not zero; the same and count it down, in one step
 *	r02 w13		read, write the cells [0, 2], [1, 3]
 *	Cx		write zero, if it goes wrong: a decision of the explorer, at most once (p2psim_adverse())
 *
 * "abstract" programs are steps on objects; their reader/writer locks have no queue.  "real" programs call
 * mutex_lock(), down_read(), READ_ONCE(), wait_event() ... and have more words:
 *
 *	Bx Hx		wait_event_timeout(); prepare_to_wait(), look once, schedule()
 *	Ou Vu Mu Yu	completion u or v: complete(), wait, wait with a timeout, try
 *	Ix		wake_up_all()
 *	Fx		an allocation
 *
 * and by one of "allocation", "trylock", "wakeup", "timer" at the front, this may go wrong once by itself.
 *
 * A failing program is made smaller and printed; "explore_agreement 'real Sp sp | Xp Up'" runs it again, alone.
 * By itself the test takes hundreds of programs, with --many [COUNT] thousands.
 */
#include "core_world.h"
#include "ends.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/adversary.h>
#include <p2psim/explore.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/wait.h>
#include <p2psim/step.h>

#define TASKS 3
#define OPS 10
#define CELLS 4
#define ADVERSITIES 1
#define NAIVE_MOST 1000
#define ICB_MOST 100

struct op {
	char kind, object, last;
};

struct program {
	bool real;
	enum p2psim_adversity wrong; /* P2PSIM_ADVERSE_OTHER: nothing but its own choices */
	unsigned int tasks, count[TASKS];
	struct op op[TASKS][OPS];
};

/* ---- What operations do: known to nobody but this file ---- */

struct machine {
	uint8_t holder[2], writer[2], readers[2], left; /* left: what may still go wrong */
	uint32_t var[2], cell[CELLS];
	struct {
		uint8_t pc, failed, wrong; /* failed: mutexes whose trylock failed; wrong: its choice */
		uint32_t seen;	    /* all that it has read */
	} task[TASKS];
};

static unsigned int index_of(const struct op *op)
{
	switch (op->object) {
	case 'b':
	case 'q':
	case 'v':
	case 'y':
		return 1;
	default:
		return 0;
	}
}

static bool may_go(const struct machine *m, const struct op *op)
{
	unsigned int i = index_of(op);

	switch (op->kind) {
	case 'L':
		return !m->holder[i];
	case 'S':
		return !m->writer[i];
	case 'X':
		return !m->writer[i] && !m->readers[i];
	case 'E':
	case 'D':
		return m->var[i];
	default:
		return true;
	}
}

static void see(struct machine *m, unsigned int task, uint32_t value)
{
	m->task[task].seen = (m->task[task].seen ^ value) * 0x9e3779b1u + 1;
}

static void apply_to_cells(struct machine *m, unsigned int task, const struct op *op)
{
	int i;

	for (i = op->object - '0'; i <= op->last - '0'; i++)
		if (op->kind == 'r')
			see(m, task, m->cell[i]);
		else
			m->cell[i] = m->cell[i] * 5 + task * OPS + m->task[task].pc + 1;
}

static void apply_to_lock(struct machine *m, unsigned int task, const struct op *op)
{
	unsigned int i = index_of(op);

	switch (op->kind) {
	case 'T':
		see(m, task, !m->holder[i]);
		if (m->holder[i]) {
			m->task[task].failed |= 1u << i;
			break;
		}
		/* fall through */
	case 'L':
		m->holder[i] = (uint8_t)(task + 1);
		break;
	case 'S':
		m->readers[i]++;
		break;
	case 's':
		m->readers[i]--;
		break;
	case 'X':
		m->writer[i] = (uint8_t)(task + 1);
		break;
	case 'G':
		m->readers[i]++;
		/* fall through */
	case 'U':
		*(op->object >= 'p' ? &m->writer[i] : &m->holder[i]) = 0;
		break;
	}
}

static void apply(struct machine *m, unsigned int task, const struct op *op)
{
	uint32_t *var = &m->var[index_of(op)];

	switch (op->kind) {
	case 'R':
	case 'E':
		see(m, task, *var);
		break;
	case 'W':
		*var = task * OPS + m->task[task].pc + 1;
		break;
	case 'C':
		m->task[task].wrong = 0;
		/* fall through */
	case 'Z':
		*var = 0;
		break;
	case 'A':
		*var += 100;
		break;
	case 'D':
		see(m, task, (*var)--);
		break;
	case 'r':
	case 'w':
		apply_to_cells(m, task, op);
		break;
	default:
		apply_to_lock(m, task, op);
		break;
	}
	m->task[task].pc++;
}

/* The outcome of the task's choice: all is well, and it goes on, or it has a zero to write. */
static void choose(struct machine *m, unsigned int task, bool wrong)
{
	see(m, task, wrong);
	m->left = (uint8_t)(m->left - wrong);
	m->task[task].wrong = wrong;
	m->task[task].pc = (uint8_t)(m->task[task].pc + !wrong);
}

/* The next operation, or NULL. */
static const struct op *next_op(const struct program *p, struct machine *m, unsigned int task)
{
	while (m->task[task].pc < p->count[task]) {
		const struct op *op = &p->op[task][m->task[task].pc];
		uint8_t mutex = (uint8_t)(1u << index_of(op));

		if (op->kind != 'U' || op->object >= 'p' || !(m->task[task].failed & mutex))
			return op;
		m->task[task].failed &= (uint8_t)~mutex;
		m->task[task].pc++;
	}
	return NULL;
}

static uint64_t hash_of(const struct machine *m)
{
	return end_hash(m, sizeof(*m));
}

/* An operation that was taken, and how many of each task happen before or at it. */
struct taken {
	const struct op *op;	/* NULL: a choice */
	unsigned int task;
	uint8_t wrong;
	uint8_t clock[TASKS];
};

static bool only_reads(const struct op *op)
{
	return strchr("SsREr", op->kind);
}

static bool depend(const struct op *a, const struct op *b)
{
	if (!a || !b)
		return false;
	if (only_reads(a) && only_reads(b))
		return false;
	if (a->last && b->last)
		return a->object <= b->last && b->object <= a->last;
	return a->object == b->object;
}

static uint64_t trace_of(struct taken *taken, unsigned int count)
{
	uint64_t sum = 0, hash;
	unsigned int i, j, t;

	for (i = 0; i < count; i++) {
		memset(taken[i].clock, 0, TASKS);
		for (j = 0; j < i; j++) {
			if (taken[j].task != taken[i].task && !depend(taken[j].op, taken[i].op))
				continue;
			for (t = 0; t < TASKS; t++)
				if (taken[j].clock[t] > taken[i].clock[t])
					taken[i].clock[t] = taken[j].clock[t];
		}
		hash = taken[i].task + 1 + 16u * taken[i].wrong;
		taken[i].clock[taken[i].task]++;
		for (t = 0; t < TASKS; t++)
			hash = (hash * 257 + taken[i].clock[t] + 1) * 0x9e3779b97f4a7c15ull;
		sum += hash ^ hash >> 29;
	}
	return sum | 1;
}

struct known {
	struct ends ends, traces;
	struct taken taken[2 * TASKS * OPS];
};

static bool enumerate(const struct program *p, const struct machine *m, struct known *known, unsigned int depth);

/* The task's choice, before anybody else goes on. */
static bool enumerate_outcomes(const struct program *p, const struct machine *m, unsigned int task, struct known *known,
			       unsigned int depth)
{
	struct machine next = *m;

	known->taken[depth] = (struct taken){ .task = task };
	choose(&next, task, false);
	if (!enumerate(p, &next, known, depth + 1) || !m->left)
		return known->ends.told <= NAIVE_MOST;
	next = *m;
	known->taken[depth] = (struct taken){ .task = task, .wrong = 1 };
	choose(&next, task, true);
	return enumerate(p, &next, known, depth + 1);
}

/* Every interleaving, without the library.  False: too many. */
static bool enumerate(const struct program *p, const struct machine *m, struct known *known, unsigned int depth)
{
	struct machine here = *m, next;
	bool ended = true;
	unsigned int t;

	for (t = 0; t < p->tasks; t++) {
		const struct op *op = next_op(p, &here, t);

		if (op && op->kind == 'C' && !here.task[t].wrong)
			return enumerate_outcomes(p, &here, t, known, depth);
	}
	for (t = 0; t < p->tasks; t++) {
		const struct op *op = next_op(p, &here, t);

		if (!op || !may_go(&here, op))
			continue;
		ended = false;
		next = here;
		apply(&next, t, op);
		known->taken[depth] = (struct taken){ .op = op, .task = t };
		if (!enumerate(p, &next, known, depth + 1))
			return false;
	}
	if (ended) {
		add_end(&known->ends, hash_of(&here));
		add_end(&known->traces, trace_of(known->taken, depth));
	}
	return known->ends.told <= NAIVE_MOST;
}

/* ---- The same as a scenario ---- */

struct running {
	struct machine m; /* first: what is compared */
	struct p2psim_object obj[7]; /* a b p q x y cells */
	struct mutex mutex[2];
	struct rw_semaphore rwsem[2];
	struct completion done[2];
	wait_queue_head_t wq;
};

static int begin(void *state)
{
	struct running *r = state;
	int i;

	r->m.left = ADVERSITIES;
	for (i = 0; i < 7; i++)
		p2psim_object_init(&r->obj[i], "object");
	for (i = 0; i < 2; i++) {
		mutex_init(&r->mutex[i]);
		init_rwsem(&r->rwsem[i]);
		init_completion(&r->done[i]);
	}
	init_waitqueue_head(&r->wq);
	return 0;
}

struct actor {
	struct running *r;
	const struct op *op;
};

static bool actor_may_go(void *arg)
{
	struct actor *actor = arg;

	return may_go(&actor->r->m, actor->op);
}

static uint32_t id_of(struct running *r, const struct op *op)
{
	unsigned int i = op->object >= 'x' ? 4 : op->object >= 'p' ? 2 : 0;

	return p2psim_object_id(&r->obj[op->object <= '9' ? 6 : i + index_of(op)]);
}

static void step_of(struct running *r, const struct op *op)
{
	static const struct {
		char op;
		enum p2psim_step_kind kind;
		bool write, guarded;
	} kinds[] = {
		{ 'L', P2PSIM_STEP_LOCK, true, true },	    { 'X', P2PSIM_STEP_LOCK, true, true },
		{ 'U', P2PSIM_STEP_UNLOCK, true, false },   { 'T', P2PSIM_STEP_TRYLOCK, true, false },
		{ 'S', P2PSIM_STEP_RDLOCK, false, true },   { 's', P2PSIM_STEP_RDUNLOCK, false, false },
		{ 'G', P2PSIM_STEP_DOWNGRADE, true, false }, { 'R', P2PSIM_STEP_READ, false, false },
		{ 'W', P2PSIM_STEP_WRITE, true, false },    { 'Z', P2PSIM_STEP_WRITE, true, false },
		{ 'A', P2PSIM_STEP_WRITE, true, false },    { 'E', P2PSIM_STEP_AWAIT, false, true },
		{ 'D', P2PSIM_STEP_AWAIT, true, true },	    { 'C', P2PSIM_STEP_WRITE, true, false },
	};
	struct actor actor = { r, op };
	size_t i = 0;

	if (op->kind == 'r' || op->kind == 'w') {
		p2psim_step_range(op->kind == 'r' ? P2PSIM_STEP_PTE_READ : P2PSIM_STEP_PTE_WRITE, id_of(r, op),
				  op->kind == 'w', (uint64_t)op->object - '0', (uint64_t)op->last - '0', NULL);
		return;
	}
	while (kinds[i].op != op->kind)
		i++;
	if (kinds[i].guarded)
		p2psim_step_guarded(kinds[i].kind, id_of(r, op), kinds[i].write, NULL, actor_may_go, &actor);
	else
		p2psim_step_on(kinds[i].kind, id_of(r, op), kinds[i].write, NULL);
}

/* The real calls for locks.  What `holder` and its like say is not looked at. */
static bool call_lock(struct running *r, unsigned int task, const struct op *op)
{
	unsigned int i = index_of(op);

	switch (op->kind) {
	case 'L':
		mutex_lock(&r->mutex[i]);
		return true;
	case 'T':
		if (!mutex_trylock(&r->mutex[i]))
			r->m.task[task].failed |= (uint8_t)(1u << i);
		see(&r->m, task, r->m.task[task].failed);
		return true;
	case 'U':
		if (op->object >= 'p')
			up_write(&r->rwsem[i]);
		else
			mutex_unlock(&r->mutex[i]);
		return true;
	case 'S':
		down_read(&r->rwsem[i]);
		return true;
	case 's':
		up_read(&r->rwsem[i]);
		return true;
	case 'X':
		down_write(&r->rwsem[i]);
		return true;
	case 'G':
		downgrade_write(&r->rwsem[i]);
		return true;
	default:
		return false;
	}
}

static void look_once(struct running *r, unsigned int task, const uint32_t *var)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(&r->wq, &wait, TASK_UNINTERRUPTIBLE);
	see(&r->m, task, READ_ONCE(*var));
	if (!*var)
		schedule();
	finish_wait(&r->wq, &wait);
}

/* Waits, and what ends them.  Timeouts differ from task to task. */
static bool call_wait(struct running *r, unsigned int task, const struct op *op)
{
	uint32_t *var = &r->m.var[index_of(op)];
	struct completion *done = &r->done[index_of(op)];
	void *memory;

	switch (op->kind) {
	case 'E':
		wait_event(r->wq, READ_ONCE(*var));
		return true;
	case 'B':
		see(&r->m, task, wait_event_timeout(r->wq, READ_ONCE(*var), 5 + (task & 1)) > 0);
		return true;
	case 'H':
		look_once(r, task, var);
		return true;
	case 'O':
		complete(done);
		return true;
	case 'V':
		wait_for_completion(done);
		return true;
	case 'M':
		see(&r->m, task, wait_for_completion_timeout(done, 5 + (task & 1)) > 0);
		return true;
	case 'Y':
		see(&r->m, task, try_wait_for_completion(done));
		return true;
	case 'I':
		wake_up_all(&r->wq);
		return true;
	case 'F':
		memory = kmalloc(8, GFP_KERNEL);
		see(&r->m, task, memory != NULL);
		kfree(memory);
		return true;
	default:
		return false;
	}
}

static void call(struct running *r, unsigned int task, const struct op *op)
{
	uint32_t *var = &r->m.var[index_of(op)];
	uint8_t pc = r->m.task[task].pc;

	if (call_lock(r, task, op) || call_wait(r, task, op)) {
		r->m.task[task].pc = pc + 1;
		return;
	}
	switch (op->kind) {
	case 'R':
		see(&r->m, task, READ_ONCE(*var));
		break;
	case 'W':
		WRITE_ONCE(*var, task * OPS + pc + 1u);
		wake_up_all(&r->wq);
		break;
	case 'A':
		WRITE_ONCE(*var, READ_ONCE(*var) + 100);
		break;
	case 'C':
		r->m.task[task].wrong = 0;
		WRITE_ONCE(*var, 0);
		break;
	default: /* cells: no call stands for them */
		step_of(r, op);
		apply(&r->m, task, op);
		return;
	}
	r->m.task[task].pc = pc + 1;
}

static void perform(struct running *r, unsigned int task)
{
	const struct program *p = p2psim_scenario_data();
	const struct op *op;

	while ((op = next_op(p, &r->m, task))) {
		if (op->kind == 'C' && !r->m.task[task].wrong) {
			choose(&r->m, task, p2psim_adverse(P2PSIM_ADVERSE_OTHER, "choice"));
			continue;
		}
		if (p->real) {
			call(r, task, op);
			continue;
		}
		step_of(r, op);
		apply(&r->m, task, op);
	}
}

static void task0(void *state)
{
	perform(state, 0);
}

static void task1(void *state)
{
	perform(state, 1);
}

static void task2(void *state)
{
	perform(state, 2);
}

/* A lock that is held at the end of a real program is not what is asked here. */
static const struct p2psim_scenario base = {
	.name = "agreement",
	.state_size = sizeof(struct running),
	.setup = begin,
	.expect = P2PSIM_NEVER,
	.config = { .oracles_off = 1u << P2PSIM_LOCKGRAPH | 1u << P2PSIM_BALANCE,
		    .adversary = { [P2PSIM_ADVERSE_OTHER] = ADVERSITIES } },
};

struct outcome {
	struct ends ends;
	struct p2psim_explore_result result;
};

static void on_execution(const struct p2psim_explored *explored, void *arg)
{
	struct ends *ends = arg;

	if (explored->preemptions > ends->preemptions)
		ends->preemptions = explored->preemptions;
	add_end(ends, hash_of(explored->state));
}

static int explore(const struct program *p, enum p2psim_strategy_kind kind, unsigned int preemptions,
		   struct outcome *out)
{
	static void (*const fn[])(void *) = { task0, task1, task2 };
	struct p2psim_scenario scenario = base;
	struct p2psim_explore_options options = {
		.strategy = kind, .preemptions = preemptions, .keep_going = true, .count_traces = true,
		.budget = kind == P2PSIM_EXPLORE_ICB ? 0 : NAIVE_MOST,
		.on_execution = on_execution, .on_execution_arg = &out->ends,
	};
	unsigned int t;

	memset(out, 0, sizeof(*out));
	scenario.data = p;
	scenario.config.adversary[p->wrong] = ADVERSITIES;
	for (t = 0; t < p->tasks; t++) {
		scenario.tasks[t].name = "task";
		scenario.tasks[t].fn = fn[t];
	}
	return p2psim_explore(&scenario, &options, &out->result);
}

static bool agree(const struct outcome *a, const struct outcome *b)
{
	return same_ends(&a->ends, &b->ends) && a->result.traces == b->result.traces &&
	       a->result.traces_hash == b->result.traces_hash && !a->result.deadlocks == !b->result.deadlocks &&
	       !a->result.violations == !a->result.deadlocks;
}

struct tally {
	unsigned int programs, skipped, deadlocks, redundant;
	uint64_t interleavings, traces;
};

/* NULL, or what is wrong.  Too large: fine, and counted in `tally` (which may be NULL). */
static const char *disagreement(const struct program *p, struct tally *tally)
{
	static struct outcome naive, other;
	static struct known known;
	static const struct machine start = { .left = ADVERSITIES };

	if (explore(p, P2PSIM_EXPLORE_NAIVE, 0, &naive))
		return naive.result.error;
	if (tally)
		tally->skipped += !naive.result.complete, tally->programs++;
	if (!naive.result.complete)
		return NULL;
	memset(&known, 0, sizeof(known));
	if (!p->real && (!enumerate(p, &start, &known, 0) || known.ends.told != naive.ends.told ||
			 !same_ends(&known.ends, &naive.ends) || known.traces.count != naive.result.traces))
		return "naive and the enumerator differ";
	if (explore(p, P2PSIM_EXPLORE_SLEEP, 0, &other) || !agree(&naive, &other) || !other.result.complete)
		return "naive and sleep differ";
	if (explore(p, P2PSIM_EXPLORE_DPOR, 0, &other) || !agree(&naive, &other) || !other.result.complete)
		return "naive and dpor differ";
	if (other.result.executions != other.result.traces)
		return "dpor runs a trace twice";
	if (tally) {
		tally->deadlocks += naive.result.deadlocks > 0;
		tally->redundant += other.result.redundant > 0;
		tally->interleavings += naive.result.executions;
		tally->traces += naive.result.traces;
	}
	if (naive.result.executions > ICB_MOST)
		return NULL; /* icb starts over at each bound */
	if (explore(p, P2PSIM_EXPLORE_ICB, naive.ends.preemptions, &other) || !agree(&naive, &other) ||
	    other.result.executions != naive.result.executions)
		return "naive and icb differ";
	return NULL;
}

/* ---- Programs: text, chance, smaller ones ---- */

static const char *text_of(const struct program *p)
{
	static char text[512];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s%s%s", p->real ? "real" : "abstract",
				       p->wrong == P2PSIM_ADVERSE_OTHER ? "" : " ",
				       p->wrong == P2PSIM_ADVERSE_OTHER ? "" : p2psim_adversity_name(p->wrong));
	unsigned int t, i;

	for (t = 0; t < p->tasks; t++) {
		if (t)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " |");
		for (i = 0; i < p->count[t]; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %c%c%.1s", p->op[t][i].kind,
						 p->op[t][i].object, p->op[t][i].last ? &p->op[t][i].last : "");
	}
	return text;
}

static enum p2psim_adversity adversity_of(const char *name)
{
	int kind = 0;

	while (kind < P2PSIM_ADVERSITIES && strcmp(name, p2psim_adversity_name((enum p2psim_adversity)kind)))
		kind++;
	return (enum p2psim_adversity)kind;
}

static struct program program_of(const char *text)
{
	struct program p = { .tasks = 1, .wrong = P2PSIM_ADVERSE_OTHER };
	enum p2psim_adversity wrong;
	char word[16];
	int used;

	for (; sscanf(text, "%15s%n", word, &used) == 1; text += used) {
		unsigned int t = p.tasks - 1;

		if ((wrong = adversity_of(word)) != P2PSIM_ADVERSITIES)
			p.wrong = wrong;
		else if (!strcmp(word, "real") || !strcmp(word, "abstract"))
			p.real = *word == 'r';
		else if (*word == '|')
			p.tasks += p.tasks < TASKS;
		else if (p.count[t] < OPS)
			p.op[t][p.count[t]++] = (struct op){ word[0], word[1], word[2] };
	}
	return p;
}

static unsigned int chance(uint64_t *seed, unsigned int n)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (unsigned int)((x ^ x >> 31) >> 20) % n;
}

static void insert(struct program *p, unsigned int task, unsigned int at, char kind, char object, char last)
{
	unsigned int i;

	if (p->count[task] == OPS)
		return;
	for (i = p->count[task]++; i > at; i--)
		p->op[task][i] = p->op[task][i - 1];
	p->op[task][at] = (struct op){ kind, object, last };
}

static bool uses(const struct program *p, unsigned int task, char object)
{
	unsigned int i;

	for (i = 0; i < p->count[task]; i++)
		if (p->op[task][i].object == object && p->op[task][i].last == 0)
			return true;
	return false;
}

/* A section of a lock around whatever follows `at`, perhaps crossing another one. */
static void insert_section(struct program *p, unsigned int task, unsigned int at, uint64_t *seed)
{
	char object = "aabppq"[chance(seed, 6)], kind;
	unsigned int end = at + 1 + chance(seed, p->count[task] - at + 1);

	if (p->count[task] + 2 > OPS)
		return;
	if (object <= 'b') {
		if (uses(p, task, object))
			return; /* taken twice by one task: not a question of schedules */
		insert(p, task, at, chance(seed, 4) ? 'L' : 'T', object, 0);
		insert(p, task, end, 'U', object, 0);
		return;
	}
	kind = chance(seed, 2) ? 'S' : 'X';
	if (kind == 'X' && uses(p, task, object))
		return;
	insert(p, task, at, kind, object, 0);
	if (kind == 'X' && !chance(seed, 3)) {
		insert(p, task, at + 1 + chance(seed, end - at), 'G', object, 0);
		insert(p, task, end + 1, 's', object, 0);
		return;
	}
	insert(p, task, end, kind == 'X' ? 'U' : 's', object, 0);
}

static void insert_access(struct program *p, unsigned int task, unsigned int at, uint64_t *seed)
{
	char kind = p->real ? "RRWWAErwC"[chance(seed, 9)] : "RRWWZAEDrrwwC"[chance(seed, 13)];
	char first = (char)('0' + chance(seed, CELLS));

	if (kind == 'r' || kind == 'w')
		insert(p, task, at, kind, first, (char)(first + chance(seed, (unsigned int)('0' + CELLS - first))));
	else
		insert(p, task, at, kind, "xxy"[chance(seed, 3)], 0);
}

/* What waits, what is waited for, and what may go wrong there. */
static void insert_wait(struct program *p, unsigned int task, unsigned int at, uint64_t *seed)
{
	char kind = "EBBHOVMMYIF"[chance(seed, 11)];

	insert(p, task, at, kind, strchr("OVMY", kind) ? "uuv"[chance(seed, 3)] : "xxy"[chance(seed, 3)], 0);
}

/* What a task holds of one lock. */
struct held {
	int shared, exclusive;
};

static bool fits(struct held *held, char kind)
{
	switch (kind) {
	case 'L':
	case 'T':
	case 'X':
		return !held->shared && !held->exclusive++;
	case 'S':
		held->shared++;
		return !held->exclusive;
	case 's':
		return held->shared-- > 0;
	case 'G':
		held->shared++;
		/* fall through */
	default:
		return held->exclusive-- > 0;
	}
}

/* Shared sections of one lock may nest (the second of a real semaphore waits for a queued writer); others do not. */
static bool is_sound(const struct program *p)
{
	unsigned int t, i;

	for (t = 0; t < p->tasks; t++) {
		struct held held[2][2] = {};

		for (i = 0; i < p->count[t]; i++) {
			const struct op *op = &p->op[t][i];

			if (op->object < 'a' || op->object > 'q')
				continue;
			if (!fits(&held[op->object >= 'p'][index_of(op)], op->kind))
				return false;
		}
	}
	return true;
}

enum sort { STEPS, LOCKS, WAITS };

static struct program random_program(uint64_t seed, enum sort sort)
{
	const bool real = sort != STEPS;
	struct program p;
	unsigned int t, n;

	do {
		p = (struct program){ .real = real, .wrong = P2PSIM_ADVERSE_OTHER, .tasks = 2 + !chance(&seed, real ? 3 : 2) };
		if (sort == WAITS)
			p.wrong = (enum p2psim_adversity)chance(&seed, P2PSIM_ADVERSITIES);
		for (t = 0; t < p.tasks; t++)
			for (n = (p.tasks == 2 ? 2 : 1) + chance(&seed, p.tasks == 2 ? 4 : 3); n; n--) {
				unsigned int at = chance(&seed, p.count[t] + 1);

				if (sort == WAITS && chance(&seed, 3))
					insert_wait(&p, t, at, &seed);
				else if (chance(&seed, 3))
					insert_access(&p, t, at, &seed);
				else
					insert_section(&p, t, at, &seed);
			}
	} while (!is_sound(&p));
	return p;
}

static void remove_op(struct program *p, unsigned int task, unsigned int at)
{
	memmove(&p->op[task][at], &p->op[task][at + 1], (--p->count[task] - at) * sizeof(struct op));
}

/* Takes one operation after the other away, as long as something is wrong. */
static void shrink(struct program *p)
{
	struct program smaller;
	unsigned int t, i;

	for (t = 0; t < p->tasks; t++)
		for (i = 0; i < p->count[t]; i++) {
			smaller = *p;
			remove_op(&smaller, t, i);
			if (!is_sound(&smaller) || !disagreement(&smaller, NULL))
				continue;
			*p = smaller;
			t = 0;
			i = UINT32_MAX;
		}
}

static bool check(struct program p, struct tally *tally)
{
	const char *wrong = disagreement(&p, tally);

	if (!wrong)
		return true;
	print_error("%s: %s\n", wrong, text_of(&p));
	shrink(&p);
	print_error("smaller: %s: %s\n", disagreement(&p, NULL), text_of(&p));
	return false;
}

static struct tally agree_on_many(uint64_t first, unsigned int count, enum sort sort)
{
	struct tally tally = {};
	unsigned int bad = 0;
	uint64_t seed;

	for (seed = first; seed < first + count && bad < 3; seed++)
		bad += !check(random_program(seed << 8, sort), &tally);
	print_message("# %u programs, %u too large, %u with deadlocks, %u with redundant runs: %" PRIu64
		      " interleavings, %" PRIu64 " traces\n",
		      tally.programs, tally.skipped, tally.deadlocks, tally.redundant,
		      tally.interleavings, tally.traces);
	assert_int_equal(bad, 0);
	return tally;
}

/* ---- Tests ---- */

static unsigned int programs = 400; /* "--many": set once, before the tests */

static void test_strategies_agree_on_random_programs_of_steps(void **state)
{
	struct tally tally = agree_on_many(1, programs, STEPS);

	(void)state;
	assert_true(tally.skipped * 3 < tally.programs);
	assert_true(tally.deadlocks > tally.programs / 5);
	assert_true(tally.traces > 2 * tally.programs);
}

static void test_strategies_agree_on_random_programs_of_real_locks(void **state)
{
	struct tally tally = agree_on_many(100001, programs, LOCKS);

	(void)state;
	assert_true(tally.skipped * 2 < tally.programs);
	assert_true(tally.deadlocks > tally.programs / 10);
	assert_true(tally.traces > 2 * tally.programs);
}

static void test_strategies_agree_on_random_programs_of_real_waits(void **state)
{
	struct tally tally = agree_on_many(200001, programs, WAITS);

	(void)state;
	assert_true(tally.skipped * 2 < tally.programs);
	assert_true(tally.deadlocks > tally.programs / 10);
	assert_true(tally.traces > 2 * tally.programs);
}

/* Shapes that broke something once. */
static void test_strategies_agree_on_shapes_that_are_easily_missed(void **state)
{
	static const char *const shapes[] = {
		"abstract Rx | Rx Wy | Ry Wx",			/* a read that happens before hides another one */
		"abstract Sp sp | Sp sp | Xp Up",		/* a write lock and each reader */
		"abstract Wy Ex | Ry Wx Zx",			/* a wait that closes again */
		"abstract La Lb Ub Ua | Lb La Ua Ub",
		"abstract Ta Ua | La Ua",
		"abstract w13 | Ry w22 | w11",			/* what must go first is neither of the two that race */
		"abstract Xp Gp sp | Sp sp",			/* what opens a guard hides what closed it */
		"abstract Ex Wy | Wy | Wx Zx",			/* a guard that stays closed while all others sleep */
		"abstract w02 r13 | w33 r00 | w11",
		"abstract Ax Dx | Dx Ax",
		"real Sp Sp sp sp | Xp Up",			/* a queued writer between two reads */
		"real Ex | Wx",
		"real Sp sp | Xp Gp sp",
		"real timer Ix | By",				/* woken, or the time is up: who sleeps names who wakes */
		"real wakeup Ix | Bx",				/* what is asked must not depend on who came first */
		"real timer By Ov | Mu | Bx",			/* a time that is up early is up for its task alone */
		"abstract Cx Rx | Cx Rx | Wx",			/* one budget of two tasks */
		"abstract Ax Ry Cx | Ex Wy",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		assert_true(check(program_of(shapes[i]), NULL));
}

/* The comparison is not blind: it tells programs apart that differ in one operation. */
static void test_different_programs_do_not_agree(void **state)
{
	static const char *const pairs[][2] = {
		{ "abstract Rx | Wx", "abstract Ry | Wx" },
		{ "abstract La Lb Ub Ua | Lb La Ua Ub", "abstract La Lb Ub Ua | La Lb Ub Ua" },
		{ "abstract Sp Rx sp | Sp Wx sp", "abstract Xp Rx Up | Sp Wx sp" },
		{ "abstract r02 | w23", "abstract r01 | w23" },
		{ "real Sp Sp sp sp | Xp Up", "real Sp sp | Xp Up" },
		{ "abstract Cx Rx | Wx", "abstract Rx | Wx" },
	};
	static struct outcome one, other;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct program a = program_of(pairs[i][0]), b = program_of(pairs[i][1]);

		assert_int_equal(explore(&a, P2PSIM_EXPLORE_NAIVE, 0, &one), 0);
		assert_int_equal(explore(&b, P2PSIM_EXPLORE_DPOR, 0, &other), 0);
		assert_false(agree(&one, &other));
		assert_int_equal(explore(&a, P2PSIM_EXPLORE_DPOR, 0, &other), 0);
		assert_true(agree(&one, &other));
	}
}

static void test_a_program_is_read_as_it_is_printed(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed < 50; seed++) {
		struct program p = random_program(seed, (enum sort)(seed % 3)), again = program_of(text_of(&p));
		char text[512];

		strcpy(text, text_of(&p));
		assert_string_equal(text_of(&again), text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strategies_agree_on_random_programs_of_steps),
		cmocka_unit_test(test_strategies_agree_on_random_programs_of_real_locks),
		cmocka_unit_test(test_strategies_agree_on_random_programs_of_real_waits),
		cmocka_unit_test(test_strategies_agree_on_shapes_that_are_easily_missed),
		cmocka_unit_test(test_different_programs_do_not_agree),
		cmocka_unit_test(test_a_program_is_read_as_it_is_printed),
	};

	if (argc > 1 && !strcmp(argv[1], "--many"))
		programs = argc > 2 ? (unsigned int)atoi(argv[2]) : 4000;
	else if (argc > 1)
		return !check(program_of(argv[1]), NULL);
	return cmocka_run_group_tests_name("explore/agreement", tests, NULL, NULL);
}
