/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines.
 *
 * A line that has handlers has a daemon, which stands before one guarded step: "raised, enabled, and no thread of a one-shot
 * handler under way".  A threaded handler has a daemon more.
 *
 *	quiet --raise--> pending --daemon's step--> running --all handlers called--> quiet
 *	                    ^                         |
 *	                    +-------- raise ----------+
 *
 * Rules (I = cited by the tests)
 *	I1  a raise leads to one call of each handler of the line after it; several before that call are one.
 *	I2  free_irq(), synchronize_irq(), disable_irq() return when no handler of theirs runs, nor its thread.
 *	I3  a handler does not sleep.
 *	I4  a line whose one-shot thread has not ended, or that is disabled, keeps what is raised for later.
 *	I5  what was requested is freed: else LEAK, and BALANCE when the line goes first.
 */
#include <stdio.h>

#include <p2psim/irq.h>
#include <p2psim/linux/interrupt.h>
#include <p2psim/linux/irqflags.h>
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/slab.h>

#include "core/internal.h"

struct action {
	struct action *next;
	struct line *line;
	irq_handler_t handler, thread_fn;
	void *dev_id;
	const char *name;
	unsigned long flags;
	struct task_struct *thread;	/* NULL: not threaded */
	bool thread_wanted, thread_runs, dying;
};

struct line {
	struct p2psim_object obj;
	unsigned int irq;
	bool message;
	bool pending, running;
	unsigned int generation;	/* of the daemon: one of an earlier ends */
	unsigned int depth;		/* of disable_irq() */
	struct action *actions;		/* in order of request */
	struct task_struct *daemon;
	char name[16];
};

struct irq_state {
	struct line *lines[P2PSIM_IRQS_MAX];
};

static struct line *line_of(unsigned int irq)
{
	struct irq_state *state = p2psim_layer_peek(P2PSIM_LAYER_IRQ);

	return state && irq < P2PSIM_IRQS_MAX ? state->lines[irq] : NULL;
}

static uint32_t line_id(struct line *line)
{
	return p2psim_object_id(&line->obj);
}

static void write_step(struct line *line, const char *label)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, line_id(line), true, label);
}

/* ---- lines ---- */

static void report_leaks(const struct line *line, enum p2psim_oracle oracle)
{
	const struct action *action;

	for (action = line->actions; action; action = action->next)
		p2psim_violate(oracle, 0, line->obj.id, 0, "%s has the handler of %s still: free_irq() was never called",
			       line->name, action->name);
}

static void check_lines(void *layer)
{
	const struct irq_state *state = layer;
	unsigned int irq;

	for (irq = 0; irq < P2PSIM_IRQS_MAX; irq++)
		if (state->lines[irq])
			report_leaks(state->lines[irq], P2PSIM_LEAK);
}

int p2psim_irq_alloc(unsigned int first, bool message)
{
	struct irq_state *state = p2psim_layer_state(P2PSIM_LAYER_IRQ, sizeof(*state));
	struct line *line;

	while (state && first < P2PSIM_IRQS_MAX && state->lines[first])
		first++;
	if (state && first >= P2PSIM_IRQS_MAX)
		return -ENOSPC;
	line = state ? p2psim_arena_alloc(sizeof(*line)) : NULL;
	if (!line)
		return -ENOMEM;
	p2psim_layer_on_quiescent(P2PSIM_LAYER_IRQ, check_lines);
	line->irq = first;
	line->message = message;
	snprintf(line->name, sizeof(line->name), "irq %u", first);
	p2psim_object_init(&line->obj, line->name);
	state->lines[first] = line;
	return (int)first;
}

void p2psim_irq_free(unsigned int irq)
{
	struct irq_state *state = p2psim_layer_peek(P2PSIM_LAYER_IRQ);
	struct line *line = line_of(irq);

	if (!line)
		return;
	report_leaks(line, P2PSIM_BALANCE);
	state->lines[irq] = NULL;
}

unsigned int p2psim_irq_handlers(unsigned int irq)
{
	const struct line *line = line_of(irq);
	const struct action *action = line ? line->actions : NULL;
	unsigned int count = 0;

	for (; action; action = action->next)
		count++;
	return count;
}

int p2psim_irq_raise(unsigned int irq)
{
	struct line *line = line_of(irq);

	if (!line)
		return -EINVAL;
	write_step(line, "irq: raise");
	if (!line->actions)
		return -ENOENT;
	line->pending = true;
	return 0;
}

/* ---- the daemons ---- */

/* I4 */
static bool has_one_shot_thread(const struct line *line)
{
	const struct action *action;

	for (action = line->actions; action; action = action->next)
		if (action->flags & IRQF_ONESHOT && (action->thread_wanted || action->thread_runs))
			return true;
	return false;
}

struct daemon {
	struct line *line;
	unsigned int generation;
};

static bool is_over(const struct daemon *self)
{
	return self->generation != self->line->generation;
}

static bool line_may_run(void *arg)
{
	const struct daemon *self = arg;
	const struct line *line = self->line;

	return is_over(self) || (line->pending && !line->depth && !has_one_shot_thread(line));
}

static void call_handlers(struct line *line)
{
	struct action *action;

	p2psim_enter("%s", P2PSIM_STR(line->name));
	p2psim_nonblock_start("an interrupt handler");
	p2psim_task_here()->in_irq = true;
	for (action = line->actions; action; action = action->next) {
		irqreturn_t ret = action->handler ? action->handler((int)line->irq, action->dev_id) : IRQ_WAKE_THREAD;

		if (ret == IRQ_WAKE_THREAD && action->thread)
			action->thread_wanted = true;
		else if (ret == IRQ_WAKE_THREAD)
			p2psim_violate(P2PSIM_CONTRACT, 0, line->obj.id, 0, "the handler of %s wakes a thread that it has not",
				       action->name);
	}
	p2psim_task_here()->in_irq = false;
	p2psim_nonblock_end();
	p2psim_leave("%s: done", P2PSIM_STR(line->name));
}

static int line_daemon(void *data)
{
	struct line *line = data;
	struct daemon self = { line, line->generation };

	for (;;) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, line_id(line), true, "irq", line_may_run, &self);
		if (is_over(&self))
			return 0;
		line->pending = false;
		line->running = true;
		call_handlers(line);
		line->running = false;
		p2psim_race_publish(p2psim_world_here(), line_id(line));
	}
}

static bool thread_may_run(void *arg)
{
	const struct action *action = arg;

	return action->thread_wanted || action->dying;
}

static int action_thread(void *data)
{
	struct action *action = data;
	struct line *line = action->line;

	for (;;) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, line_id(line), true, "irq thread", thread_may_run, action);
		if (!action->thread_wanted)
			return 0;
		action->thread_wanted = false;
		action->thread_runs = true;
		action->thread_fn((int)line->irq, action->dev_id);
		action->thread_runs = false;
		p2psim_race_publish(p2psim_world_here(), line_id(line));
	}
}

static struct task_struct *start_daemon(int (*fn)(void *data), void *data, const char *name)
{
	struct task_struct *task = kthread_run(fn, data, "%s", name);

	if (!IS_ERR(task))
		p2psim_task_set_daemon(task);
	return task;
}

/* ---- asking for a line, and giving it back ---- */

static int check_request(const struct line *line, const struct action *action)
{
	const struct action *other = line ? line->actions : NULL;

	if (!line || (!action->handler && !action->thread_fn) || (action->flags & IRQF_SHARED && !action->dev_id))
		return -EINVAL;
	if (other && !(action->flags & other->flags & IRQF_SHARED && !((action->flags ^ other->flags) & IRQF_ONESHOT)))
		return -EBUSY;
	if (!action->handler && !(action->flags & IRQF_ONESHOT) && !line->message)
		return -EINVAL;
	return 0;
}

/* The line's daemon and the action's thread.  0 or -errno, and neither. */
static int start_tasks(struct line *line, struct action *action)
{
	struct task_struct *task;
	char name[32];

	if (action->thread_fn) {
		snprintf(name, sizeof(name), "irq/%u-%s", line->irq, action->name ? action->name : "?");
		task = start_daemon(action_thread, action, name);
		if (IS_ERR(task))
			return (int)PTR_ERR(task);
		action->thread = task;
	}
	if (line->daemon)
		return 0;
	task = start_daemon(line_daemon, line, line->name);
	if (!IS_ERR(task)) {
		line->daemon = task;
		return 0;
	}
	action->dying = true;
	if (action->thread)
		(kthread_stop)(action->thread);
	return (int)PTR_ERR(task);
}

static void link_action(struct line *line, struct action *action)
{
	struct action **link = &line->actions;

	if (!*link)
		line->depth = action->flags & IRQF_NO_AUTOEN ? 1 : 0;
	while (*link)
		link = &(*link)->next;
	*link = action;
}

int(request_threaded_irq)(unsigned int irq, irq_handler_t handler, irq_handler_t thread_fn, unsigned long flags,
			  const char *name, void *dev_id)
{
	struct action *action = p2psim_world_missing("request_irq") ? NULL : (kzalloc)(sizeof(*action), GFP_KERNEL);
	struct line *line = line_of(irq);
	int error;

	if (!action)
		return -ENOMEM;
	*action = (struct action){ .line = line, .handler = handler, .thread_fn = thread_fn, .dev_id = dev_id };
	action->name = name;
	action->flags = flags;
	if (line)
		write_step(line, "request_irq");
	error = check_request(line, action);
	if (!error)
		error = start_tasks(line, action);
	if (error)
		(kfree)(action);
	else
		link_action(line, action);
	return error;
}

static bool is_quiet(void *arg)
{
	const struct line *line = arg;
	const struct action *action;

	for (action = line->actions; action; action = action->next)
		if (action->thread_wanted || action->thread_runs)
			return false;
	return !line->running;
}

static bool handlers_are_through(void *arg)
{
	return !((const struct line *)arg)->running;
}

/* True, after saying so: a handler waits for its own end. */
static bool waits_for_itself(const struct line *line, const char *call)
{
	const struct action *action;
	bool itself = line->daemon == current && line->running;

	for (action = line->actions; action; action = action->next)
		itself |= action->thread == current;
	if (itself)
		p2psim_violate(P2PSIM_DEADLOCK, 0, line->obj.id, 0, "%s of %s waits for its caller's own end", call, line->name);
	return itself;
}

/* In one step with the end of the handlers, so that none begins again.  Another request may come while they go. */
static void stop_tasks(struct line *line, struct action *action)
{
	struct task_struct *daemon = line->actions ? NULL : line->daemon;

	action->dying = true;
	if (daemon) {
		line->generation++;
		line->pending = false;
		line->daemon = NULL;
	}
	if (action->thread)
		(kthread_stop)(action->thread);
	if (daemon)
		(kthread_stop)(daemon);
}

const void *(free_irq)(unsigned int irq, void *dev_id)
{
	struct line *line = line_of(irq);
	struct action **link = line ? &line->actions : NULL, *action;
	const char *name;

	(might_sleep)();
	if (line)
		write_step(line, "free_irq");
	while (link && *link && (*link)->dev_id != dev_id)
		link = &(*link)->next;
	if (!link || !*link) {
		p2psim_violate(P2PSIM_BALANCE, 0, line ? line->obj.id : 0, 0,
			       "free_irq() of irq %u, which has no such handler", irq);
		return NULL;
	}
	if (waits_for_itself(line, "free_irq()"))
		return NULL;
	action = *link;
	*link = action->next;
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, line_id(line), true, "free_irq: the end", handlers_are_through, line);
	stop_tasks(line, action);
	name = action->name;
	(kfree)(action);
	return name;
}

/* ---- quiet for a while ---- */

static struct line *line_or_contract(unsigned int irq, const char *call)
{
	struct line *line = line_of(irq);

	if (!line)
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "%s of irq %u: there is no such line", call, irq);
	return line;
}

void(synchronize_irq)(unsigned int irq)
{
	struct line *line = line_or_contract(irq, "synchronize_irq()");

	(might_sleep)();
	if (line && !waits_for_itself(line, "synchronize_irq()"))
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, line_id(line), false, "synchronize_irq", is_quiet, line);
}

void disable_irq_nosync(unsigned int irq)
{
	struct line *line = line_or_contract(irq, "disable_irq()");

	if (!line)
		return;
	write_step(line, "disable_irq");
	line->depth++;
}

void(disable_irq)(unsigned int irq)
{
	disable_irq_nosync(irq);
	if (line_of(irq))
		(synchronize_irq)(irq);
}

void(enable_irq)(unsigned int irq)
{
	struct line *line = line_or_contract(irq, "enable_irq()");

	if (!line)
		return;
	write_step(line, "enable_irq");
	if (line->depth)
		line->depth--;
	else
		p2psim_violate(P2PSIM_BALANCE, 0, line->obj.id, 0, "enable_irq() of %s, which is not disabled", line->name);
}

/* ---- the current task's own processor ---- */

bool in_interrupt(void)
{
	const struct p2psim_task *task = p2psim_hot ? p2psim_task_here() : NULL;

	return task && (task->in_irq || (task->nonblock_depth && p2psim_softirq_is(current)));
}

unsigned long p2psim_irqs_set(bool off)
{
	bool was_off = p2psim_hot && p2psim_task_here()->irqs_off;

	if (p2psim_hot)
		p2psim_task_here()->irqs_off = off;
	return was_off;
}

bool irqs_disabled(void)
{
	return p2psim_hot && (p2psim_task_here()->irqs_off || p2psim_task_here()->in_irq);
}
