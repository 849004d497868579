/* SPDX-License-Identifier: MIT */
/*
 * Kinds of accesses, and kinds of memory, as a compiler makes them of a driver's plain C.
 */
#include "gadget.h"

#include <string.h>

#include <p2psim/linux/rculist.h>
#include <p2psim/linux/slab.h>

static int opened;

static void adds_bare(void *state)
{
	((struct gadget *)state)->count++;
}

void gadget_adds_locked(void *state)
{
	struct gadget *g = state;

	mutex_lock(&g->mutex);
	g->count++;
	mutex_unlock(&g->mutex);
}

void gadget_adds_marked(void *state)
{
	struct gadget *g = state;

	WRITE_ONCE(g->count, READ_ONCE(g->count) + 1);
}

static void same_value(void *state)
{
	((struct gadget *)state)->count = 0;
}

static void opens(void *state)
{
	(void)state;
	P2PSIM_CHECK(opened++ >= 0);
}

static void low(void *state)
{
	((struct gadget *)state)->low = 3;
}

static void high(void *state)
{
	((struct gadget *)state)->high = 7;
}

static void locked_low(void *state)
{
	struct gadget *g = state;

	mutex_lock(&g->mutex);
	g->low = 3;
	mutex_unlock(&g->mutex);
}

static void locked_high(void *state)
{
	struct gadget *g = state;

	mutex_lock(&g->mutex);
	g->high = 7;
	mutex_unlock(&g->mutex);
}

static void first_byte(void *state)
{
	((struct gadget *)state)->bytes[3] = 1;
}

static void next_byte(void *state)
{
	((struct gadget *)state)->bytes[4] = 1;
}

static void copies(void *state)
{
	struct gadget *g = state;

	memcpy(&g->out, &g->in, sizeof(g->out));
}

static void copies_the_head(void *state)
{
	struct gadget *g = state;

	memmove(&g->out, &g->in, 40);
}

static void assigns(void *state)
{
	struct gadget *g = state;

	g->out = g->in;
}

static void clears(void *state)
{
	struct gadget *g = state;

	memset(&g->out, 0, sizeof(g->out));
}

static void reads_the_tail(void *state)
{
	P2PSIM_CHECK(((struct gadget *)state)->out.words[19] >= 0);
}

static void writes_the_source(void *state)
{
	((struct gadget *)state)->in.words[7] = 1;
}

static void copies_the_next_byte(void *state)
{
	struct gadget *g = state;

	memcpy(&g->bytes[4], &g->in, 4);
}

/* Who comes second finds the flag set and leaves the lock alone: unordered when it was set before, fine when not. */
static void sets_then_writes(void *state)
{
	struct gadget *g = state;

	WRITE_ONCE(g->ready, 1);
	gadget_adds_locked(state);
}

static void hurries_if_set(void *state)
{
	struct gadget *g = state;

	if (READ_ONCE(g->ready))
		g->count++;
	else
		gadget_adds_locked(state);
}

static void allocates(void *state)
{
	struct packet *packet;
	int i;

	(void)state;
	for (i = 0; i < 70; i++) {
		packet = kmalloc(sizeof(*packet), GFP_ATOMIC);
		memset(packet, i, sizeof(*packet));
		packet->words[i % 20]++;
		kfree(packet);
		if (i % 35 == 34)
			cond_resched();
	}
}

static void uses_after_free(void *state)
{
	int *p = kzalloc(sizeof(*p), GFP_ATOMIC);

	(void)state;
	kfree(p);
	P2PSIM_CHECK(*(volatile int *)p || true);
}

static void writes_after_free(void *state)
{
	int *p = kzalloc(sizeof(*p), GFP_ATOMIC);

	(void)state;
	kfree(p);
	__asm__("" : "+r"(p));
	*p = 1;
}

static void lends_its_stack(void *state)
{
	struct gadget *g = state;
	int answer = 0;

	smp_store_release(&g->published, &answer);
	wake_up_all(&g->wq);
	wait_for_completion(&g->done);
	P2PSIM_CHECK(answer == 42);
}

static void lends_and_looks(void *state)
{
	struct gadget *g = state;
	int answer = 0;

	smp_store_release(&g->published, &answer);
	wake_up_all(&g->wq);
	cond_resched();
	P2PSIM_CHECK(answer >= 0);
	wait_for_completion(&g->done);
}

static void answers(void *state)
{
	struct gadget *g = state;
	wait_event(g->wq, smp_load_acquire(&g->published) != &g->other);
	*smp_load_acquire(&g->published) = 42;
	complete(&g->done);
}

static void writes_volatile(void *state)
{
	struct gadget *g = state;

	g->raw = 1;
}

static void reads_volatile(void *state)
{
	P2PSIM_CHECK(((struct gadget *)state)->raw <= 1);
}

static void queues(void *state)
{
	struct gadget *g = state;

	mutex_lock(&g->mutex);
	list_add_tail(&g->entry, &g->queue);
	mutex_unlock(&g->mutex);
}

static void asks_if_empty(void *state)
{
	struct gadget *g = state;

	g->other = list_empty(&g->queue);
}

static void walks_unlocked(void *state)
{
	struct gadget *g = state, *pos;

	list_for_each_entry(pos, &g->queue, entry)
		P2PSIM_CHECK(pos == g);
}

static void queues_filled(void *state)
{
	struct gadget *g = state;

	g->count = 1;
	list_add_rcu(&g->entry, &g->queue);
}

static void queues_then_fills(void *state)
{
	struct gadget *g = state;

	list_add_rcu(&g->entry, &g->queue);
	g->count = 1;
}

static void walks_under_rcu(void *state)
{
	struct gadget *g = state, *pos;

	rcu_read_lock();
	list_for_each_entry_rcu(pos, &g->queue, entry)
		P2PSIM_CHECK(pos->count >= 0);
	rcu_read_unlock();
}

static void sets_a_bit(void *state)
{
	set_bit(3, &((struct gadget *)state)->bits);
}

static void sets_plainly(void *state)
{
	__set_bit(3, &((struct gadget *)state)->bits);
}

static void sets_and_asks(void *state)
{
	struct gadget *g = state;

	P2PSIM_CHECK(!test_and_set_bit(4, &g->bits));
	P2PSIM_CHECK(test_bit(4, &g->bits));
}

static void adds_64(void *state)
{
	atomic64_add_return(3, &((struct gadget *)state)->big);
}

static void exchanges_64(void *state)
{
	struct gadget *g = state;

	P2PSIM_CHECK(atomic64_xchg(&g->big, 1) >= 0);
	P2PSIM_CHECK(atomic64_read(&g->big) >= 1);
}

static void pushes(void *state)
{
	struct gadget *g = state;

	g->count = 1;
	llist_add(&g->pushed, &g->stack);
}

static void takes_all(void *state)
{
	struct gadget *g = state, *pos;

	llist_for_each_entry(pos, llist_del_all(&g->stack), pushed)
		P2PSIM_CHECK(pos->count == 1);
}

const struct story shapes[] = {
	{ "unmarked sharing", adds_bare, adds_bare, P2PSIM_RACE },
	{ "unmarked sharing, fixed", gadget_adds_locked, gadget_adds_locked, P2PSIM_NO_ORACLE },
	{ "marked on both sides", gadget_adds_marked, gadget_adds_marked, P2PSIM_NO_ORACLE },
	{ "marked on one side", gadget_adds_marked, adds_bare, P2PSIM_RACE },
	{ "the same value written", same_value, same_value, P2PSIM_RACE },
	{ "static variable", opens, opens, P2PSIM_RACE },
	{ "bits of one byte", low, high, P2PSIM_RACE },
	{ "bits of one byte, locked", locked_low, locked_high, P2PSIM_NO_ORACLE },
	{ "bytes side by side", first_byte, next_byte, P2PSIM_NO_ORACLE },
	{ "memcpy() and its target's tail", copies, reads_the_tail, P2PSIM_RACE },
	{ "memcpy() and its source", copies, writes_the_source, P2PSIM_RACE },
	{ "memmove() of the head, and the tail", copies_the_head, reads_the_tail, P2PSIM_NO_ORACLE },
	{ "memcpy() beside a byte", first_byte, copies_the_next_byte, P2PSIM_NO_ORACLE },
	{ "memcpy() over a byte", next_byte, copies_the_next_byte, P2PSIM_RACE },
	{ "structure assigned", assigns, reads_the_tail, P2PSIM_RACE },
	{ "memset()", clears, reads_the_tail, P2PSIM_RACE },
	{ "only when the flag is seen", sets_then_writes, hurries_if_set, P2PSIM_RACE },
	{ "memory used again", allocates, allocates, P2PSIM_NO_ORACLE },
	{ "memory read after it was freed", uses_after_free, uses_after_free, P2PSIM_UAF },
	{ "memory written after it was freed", writes_after_free, writes_after_free, P2PSIM_UAF },
	{ "a stack lent", lends_its_stack, answers, P2PSIM_NO_ORACLE },
	{ "a stack lent, looked at too early", lends_and_looks, answers, P2PSIM_RACE },
	{ "volatile", writes_volatile, reads_volatile, P2PSIM_NO_ORACLE },
	{ "list_empty() without the lock", queues, asks_if_empty, P2PSIM_NO_ORACLE },
	{ "list walked under RCU", queues_filled, walks_under_rcu, P2PSIM_NO_ORACLE },
	{ "list filled after it was queued", queues_then_fills, walks_under_rcu, P2PSIM_RACE },
	{ "bits set by atomics", sets_a_bit, sets_and_asks, P2PSIM_NO_ORACLE },
	{ "bits set plainly", sets_plainly, sets_and_asks, P2PSIM_RACE },
	{ "atomic_t of the headers", adds_64, exchanges_64, P2PSIM_NO_ORACLE },
	{ "list without a lock", pushes, takes_all, P2PSIM_NO_ORACLE },
	{ "list walked without the lock", queues, walks_unlocked, P2PSIM_RACE },
	{ NULL, NULL, NULL, P2PSIM_NO_ORACLE },
};
