/* SPDX-License-Identifier: MIT */
/* Interrupt lines (rules I1-I5 of src/core/irq.c) and tasklets. */
#include "core_world.h"

#include <p2psim/irq.h>
#include <p2psim/inject.h>
#include <p2psim/linux/interrupt.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/task.h>

struct bench {
	unsigned int irq;
	int calls, other_calls, threads, inside;
	irqreturn_t answer;
	void (*meanwhile)(void);	/* called by the handler */
	struct tasklet_struct tasklet;
};

static struct bench b;

static irqreturn_t handler(int irq, void *dev_id)
{
	assert_int_equal(irq, b.irq);
	assert_ptr_equal(dev_id, &b);
	b.calls++;
	b.inside += in_interrupt();
	if (b.meanwhile)
		b.meanwhile();
	return b.answer;
}

static irqreturn_t other_handler(int irq, void *dev_id)
{
	b.other_calls++;
	return IRQ_NONE;
}

static irqreturn_t thread(int irq, void *dev_id)
{
	b.threads++;
	b.inside += in_interrupt();
	might_sleep();
	return IRQ_HANDLED;
}

static void softly(struct tasklet_struct *t)
{
	assert_ptr_equal(t, &b.tasklet);
	b.calls++;
	b.inside += in_interrupt();
	if (b.meanwhile)
		b.meanwhile();
}

static int setup(void **state)
{
	int ret = core_setup(state), irq = p2psim_irq_alloc(24, true);

	b = (struct bench){ .irq = (unsigned int)irq, .answer = IRQ_HANDLED };
	tasklet_setup(&b.tasklet, softly);
	return ret || irq < 0 ? -1 : 0;
}

static void request(unsigned long flags)
{
	assert_int_equal(request_irq(b.irq, handler, flags, "card", &b), 0);
}

static void raise_and_run(void)
{
	assert_int_equal(p2psim_irq_raise(b.irq), 0);
	assert_int_equal(p2psim_run(), 0);
}

/* I1 */
static void test_a_handler_runs_when_others_wait_and_once_for_several_raises(void **state)
{
	request(0);
	p2psim_irq_raise(b.irq);
	p2psim_irq_raise(b.irq);
	assert_int_equal(b.calls, 0);
	p2psim_run();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.inside, 1);
	assert_false(in_interrupt());
	raise_and_run();
	assert_int_equal(b.calls, 2);
	assert_string_equal(free_irq(b.irq, &b), "card");
	(void)state;
}

static void raise_again(void)
{
	if (b.calls == 1)
		p2psim_irq_raise(b.irq);
}

/* I1 */
static void test_what_is_raised_inside_the_handler_comes_afterwards(void **state)
{
	b.meanwhile = raise_again;
	request(0);
	raise_and_run();
	assert_int_equal(b.calls, 2);
	free_irq(b.irq, &b);
	(void)state;
}

static void test_a_line_that_nobody_asked_for_loses_what_is_raised(void **state)
{
	assert_int_equal(p2psim_irq_raise(b.irq), -ENOENT);
	assert_int_equal(p2psim_irq_raise(99), -EINVAL);
	request(0);
	p2psim_run();
	assert_int_equal(b.calls, 0);
	free_irq(b.irq, &b);
	(void)state;
}

static void test_a_request_that_makes_no_sense_is_refused(void **state)
{
	int wire = p2psim_irq_alloc(16, false), dev;

	assert_int_equal(wire, 16);
	assert_int_equal(p2psim_irq_alloc(16, false), 17);
	assert_int_equal(request_irq(99, handler, 0, "card", &b), -EINVAL);
	assert_int_equal(request_irq(b.irq, NULL, 0, "card", &b), -EINVAL);
	assert_int_equal(request_irq(b.irq, handler, IRQF_SHARED, "card", NULL), -EINVAL);
	assert_int_equal(request_threaded_irq((unsigned int)wire, NULL, thread, 0, "card", &b), -EINVAL);
	request(0);
	assert_int_equal(request_irq(b.irq, other_handler, IRQF_SHARED, "other", &dev), -EBUSY);
	free_irq(b.irq, &b);
	(void)state;
}

static void test_a_shared_line_calls_everybody(void **state)
{
	int dev;

	request(IRQF_SHARED);
	assert_int_equal(request_irq(b.irq, other_handler, IRQF_SHARED, "other", &dev), 0);
	assert_int_equal(p2psim_irq_handlers(b.irq), 2);
	raise_and_run();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.other_calls, 1);
	free_irq(b.irq, &b);
	raise_and_run();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.other_calls, 2);
	free_irq(b.irq, &dev);
	(void)state;
}

static void test_a_thread_does_what_the_handler_leaves_to_it(void **state)
{
	b.answer = IRQ_WAKE_THREAD;
	assert_int_equal(request_threaded_irq(b.irq, handler, thread, 0, "card", &b), 0);
	raise_and_run();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.threads, 1);
	assert_int_equal(b.inside, 1);
	free_irq(b.irq, &b);
	assert_int_equal(request_threaded_irq(b.irq, NULL, thread, IRQF_ONESHOT, "card", &b), 0);
	raise_and_run();
	assert_int_equal(b.threads, 2);
	free_irq(b.irq, &b);
	(void)state;
}

static irqreturn_t raising_thread(int irq, void *dev_id)
{
	if (++b.threads == 1) {
		p2psim_irq_raise(b.irq);
		p2psim_step("here");
		b.inside = b.calls;
	}
	return IRQ_HANDLED;
}

/* I4: with a one-shot handler the line waits for its thread; without, it does not. */
static void test_a_one_shot_line_waits_for_its_thread(void **state)
{
	unsigned long flags;

	for (flags = 0; flags <= IRQF_ONESHOT; flags += IRQF_ONESHOT) {
		b.answer = IRQ_WAKE_THREAD;
		b.calls = b.threads = 0;
		assert_int_equal(request_threaded_irq(b.irq, handler, raising_thread, flags, "card", &b), 0);
		p2psim_irq_raise(b.irq);
		p2psim_run();
		assert_int_equal(b.threads, 2);
		assert_int_equal(b.calls, 2);
		free_irq(b.irq, &b);
	}
	(void)state;
}

/* I4 */
static void test_a_disabled_line_keeps_what_is_raised(void **state)
{
	request(IRQF_NO_AUTOEN);
	raise_and_run();
	assert_int_equal(b.calls, 0);
	enable_irq(b.irq);
	p2psim_run();
	assert_int_equal(b.calls, 1);
	disable_irq(b.irq);
	disable_irq_nosync(b.irq);
	raise_and_run();
	enable_irq(b.irq);
	p2psim_run();
	assert_int_equal(b.calls, 1);
	enable_irq(b.irq);
	p2psim_run();
	assert_int_equal(b.calls, 2);
	enable_irq(b.irq);
	assert_violation(*state, P2PSIM_BALANCE, "enable_irq() of irq 24");
	free_irq(b.irq, &b);
}

static void sleeps(void)
{
	struct mutex lock;

	mutex_init(&lock);
	mutex_lock(&lock);
	mutex_unlock(&lock);
}

static void frees_itself(void)
{
	free_irq(b.irq, &b);
}

static void waits_for_itself(void)
{
	synchronize_irq(b.irq);
}

/* I2, I3: each ends the run that it happens in. */
static void test_what_a_handler_must_not_do(void **state)
{
	static const struct {
		void (*does)(void);
		enum p2psim_oracle oracle;
		const char *words;
	} wrong[] = {
		{ sleeps, P2PSIM_LOCKGRAPH, "an interrupt handler" },
		{ frees_itself, P2PSIM_LOCKGRAPH, "an interrupt handler" },
		{ waits_for_itself, P2PSIM_LOCKGRAPH, "an interrupt handler" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		p2psim_world_reset(*state);
		assert_int_equal(p2psim_irq_alloc(24, true), b.irq);
		b.meanwhile = wrong[i].does;
		request(0);
		p2psim_irq_raise(b.irq);
		assert_int_equal(p2psim_run(), -ECANCELED);
		assert_violation(*state, wrong[i].oracle, wrong[i].words);
	}
}

static irqreturn_t thread_that_frees(int irq, void *dev_id)
{
	free_irq(b.irq, &b);
	return IRQ_HANDLED;
}

/* I2 */
static void test_a_thread_cannot_free_its_own_line(void **state)
{
	assert_int_equal(request_threaded_irq(b.irq, NULL, thread_that_frees, IRQF_ONESHOT, "card", &b), 0);
	p2psim_irq_raise(b.irq);
	p2psim_run();
	assert_violation(*state, P2PSIM_DEADLOCK, "free_irq() of irq 24 waits for its caller's own end");
}

static void test_a_thread_that_is_not_there_cannot_be_woken(void **state)
{
	b.answer = IRQ_WAKE_THREAD;
	request(0);
	p2psim_irq_raise(b.irq);
	p2psim_run();
	assert_violation(*state, P2PSIM_CONTRACT, "the handler of card wakes a thread that it has not");
}

/* I5 */
static void test_a_handler_that_is_never_freed_is_a_leak(void **state)
{
	request(0);
	p2psim_world_check_quiescent(*state);
	assert_violation(*state, P2PSIM_LEAK, "irq 24 has the handler of card still");
	p2psim_irq_free(b.irq);
	assert_violation(*state, P2PSIM_BALANCE, "free_irq() was never called");
}

static void test_freeing_what_was_not_requested_is_unbalanced(void **state)
{
	assert_null(free_irq(b.irq, &b));
	assert_violation(*state, P2PSIM_BALANCE, "free_irq() of irq 24, which has no such handler");
	disable_irq(99);
	assert_violation(*state, P2PSIM_CONTRACT, "there is no such line");
}

static void test_every_allocation_of_a_request_may_fail(void **state)
{
	uint64_t n;

	for (n = 1; n < 10; n++) {
		p2psim_inject_fail_nth(*state, n);
		if (!request_threaded_irq(b.irq, handler, thread, 0, "card", &b))
			break;
		assert_int_equal(p2psim_irq_handlers(b.irq), 0);
	}
	p2psim_inject_fail_nth(*state, 0);
	assert_true(n > 1 && n < 10);
	free_irq(b.irq, &b);
}

/* ---- tasklets ---- */

static void test_a_tasklet_runs_once_for_several_calls(void **state)
{
	tasklet_schedule(&b.tasklet);
	tasklet_schedule(&b.tasklet);
	assert_int_equal(b.calls, 0);
	p2psim_run();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.inside, 1);
	tasklet_schedule(&b.tasklet);
	tasklet_kill(&b.tasklet);
	assert_int_equal(b.calls, 2);
	(void)state;
}

static void test_a_disabled_tasklet_waits(void **state)
{
	tasklet_disable(&b.tasklet);
	tasklet_schedule(&b.tasklet);
	p2psim_run();
	assert_int_equal(b.calls, 0);
	tasklet_enable(&b.tasklet);
	p2psim_run();
	assert_int_equal(b.calls, 1);
	tasklet_enable(&b.tasklet);
	assert_violation(*state, P2PSIM_BALANCE, "tasklet_enable()");
}

static void kills_itself(void)
{
	tasklet_kill(&b.tasklet);
}

static void test_a_tasklet_cannot_wait_for_its_own_end(void **state)
{
	b.meanwhile = kills_itself;
	tasklet_schedule(&b.tasklet);
	p2psim_run();
	assert_violation(*state, P2PSIM_DEADLOCK, "tasklet_kill() by a tasklet");
}

static void test_a_tasklet_must_not_sleep(void **state)
{
	b.meanwhile = sleeps;
	tasklet_schedule(&b.tasklet);
	p2psim_run();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "a tasklet");
}

static void test_a_handler_cannot_kill_a_tasklet(void **state)
{
	b.meanwhile = kills_itself;
	request(0);
	p2psim_irq_raise(b.irq);
	p2psim_run();
	assert_violation(*state, P2PSIM_CONTRACT, "tasklet_kill() in an interrupt handler");
}

static void test_a_tasklet_freed_while_it_is_scheduled_is_found(void **state)
{
	struct tasklet_struct *t = kzalloc(sizeof(*t), GFP_KERNEL);

	tasklet_setup(t, softly);
	tasklet_schedule(t);
	kfree(t);
	p2psim_run();
	assert_violation(*state, P2PSIM_UAF, "a tasklet is freed while it is scheduled");
}

/* ---- the lock graph and interrupts (L5, L6 of src/core/lockdep.c) ---- */

static DEFINE_SPINLOCK(lock);
static DEFINE_RWLOCK(rwlock);

static void locks(void)
{
	spin_lock(&lock);
	spin_unlock(&lock);
}

static void reads(void)
{
	read_lock(&rwlock);
	read_unlock(&rwlock);
}

static void raise_with(void (*meanwhile)(void))
{
	b.meanwhile = meanwhile;
	request(0);
	raise_and_run();
	free_irq(b.irq, &b);
}

static void test_a_lock_that_a_handler_takes_is_taken_with_interrupts_off(void **state)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	assert_true(irqs_disabled());
	spin_unlock_irqrestore(&lock, flags);
	assert_false(irqs_disabled());
	raise_with(locks);
	spin_lock_irq(&lock);
	spin_unlock_irq(&lock);
	assert_null(p2psim_world_violation(*state));
	spin_lock(&lock);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "is taken by an interrupt handler (locks:");
	spin_unlock(&lock);
}

/* The order does not matter: the handler comes second. */
static void test_a_handler_takes_no_lock_that_is_taken_with_interrupts_on(void **state)
{
	spin_lock(&lock);
	spin_unlock(&lock);
	b.meanwhile = locks;
	request(0);
	p2psim_irq_raise(b.irq);
	assert_int_equal(p2psim_run(), -ECANCELED);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "and elsewhere with interrupts on (test_a_handler_takes_no_lock");
}

static void test_readers_do_not_disturb_a_handler_that_reads(void **state)
{
	read_lock(&rwlock);
	read_unlock(&rwlock);
	raise_with(reads);
	assert_null(p2psim_world_violation(*state));
	write_lock(&rwlock);
	assert_violation(*state, P2PSIM_LOCKGRAPH, "is taken by an interrupt handler (reads:");
	write_unlock(&rwlock);
}

static void test_nobody_sleeps_with_interrupts_off(void **state)
{
	local_irq_disable();
	might_sleep();
	assert_violation(*state, P2PSIM_LOCKGRAPH, "may sleep with interrupts off");
	local_irq_enable();
	might_sleep();
	assert_null(p2psim_world_violation(*state));
}

#define irq_test(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown)
#define irq_test_rubble(f) cmocka_unit_test_setup_teardown(f, setup, core_teardown_rubble)

int main(void)
{
	const struct CMUnitTest tests[] = {
		irq_test(test_a_handler_runs_when_others_wait_and_once_for_several_raises),
		irq_test(test_what_is_raised_inside_the_handler_comes_afterwards),
		irq_test(test_a_line_that_nobody_asked_for_loses_what_is_raised),
		irq_test(test_a_request_that_makes_no_sense_is_refused),
		irq_test(test_a_shared_line_calls_everybody),
		irq_test(test_a_thread_does_what_the_handler_leaves_to_it),
		irq_test(test_a_one_shot_line_waits_for_its_thread),
		irq_test(test_a_disabled_line_keeps_what_is_raised),
		irq_test_rubble(test_what_a_handler_must_not_do),
		irq_test_rubble(test_a_thread_cannot_free_its_own_line),
		irq_test_rubble(test_a_thread_that_is_not_there_cannot_be_woken),
		irq_test_rubble(test_a_handler_that_is_never_freed_is_a_leak),
		irq_test(test_freeing_what_was_not_requested_is_unbalanced),
		irq_test(test_every_allocation_of_a_request_may_fail),
		irq_test(test_a_tasklet_runs_once_for_several_calls),
		irq_test(test_a_disabled_tasklet_waits),
		irq_test_rubble(test_a_tasklet_cannot_wait_for_its_own_end),
		irq_test_rubble(test_a_tasklet_must_not_sleep),
		irq_test_rubble(test_a_handler_cannot_kill_a_tasklet),
		irq_test_rubble(test_a_tasklet_freed_while_it_is_scheduled_is_found),
		irq_test(test_a_lock_that_a_handler_takes_is_taken_with_interrupts_off),
		irq_test_rubble(test_a_handler_takes_no_lock_that_is_taken_with_interrupts_on),
		irq_test(test_readers_do_not_disturb_a_handler_that_reads),
		irq_test(test_nobody_sleeps_with_interrupts_off),
	};

	return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
