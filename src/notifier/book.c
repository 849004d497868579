/* SPDX-License-Identifier: MIT */
/*
 * What the oracles keep about invalidations and callbacks.
 *
 * The simulated machine does not see it: no step is taken here, no simulated memory used.  A book is changed together
 * with the step that its event is (start, end), so that its answer fits the order of the steps.  When the arena has no
 * room for a record, the rules that need it are not checked any more (`blind`): never a false accusation.
 *
 *	start() called ---- told one by one ---- start() returns ---- end() called
 *	     begin                                    told                 end	      the past (a ring of 64)
 *	     `--------------------> refused: -EAGAIN, no end to come
 */
#include "notifier/internal.h"
#include "notifier/driver_line.h"

struct notifier_world *notifier_world(void)
{
	struct notifier_world *world = p2psim_layer_peek(P2PSIM_LAYER_NOTIFIER);

	if (world)
		return world;
	world = p2psim_layer_state(P2PSIM_LAYER_NOTIFIER, sizeof(*world));
	if (!world)
		return NULL;
	INIT_LIST_HEAD(&world->books);
	INIT_LIST_HEAD(&world->spare_books);
	INIT_LIST_HEAD(&world->spare_running);
	p2psim_layer_on_quiescent(P2PSIM_LAYER_NOTIFIER, notifier_check_quiescent);
	return world;
}

static struct notifier_book *make_book(struct notifier_world *world, struct mm_struct *mm)
{
	struct notifier_book *book = list_first_entry_or_null(&world->spare_books, struct notifier_book, entry);

	if (book)
		list_del(&book->entry);
	else
		book = p2psim_arena_alloc(sizeof(*book));
	if (!book) {
		world->blind = true;
		return NULL;
	}
	*book = (struct notifier_book){ .mm = mm };
	INIT_LIST_HEAD(&book->running);
	list_add_tail(&book->entry, &world->books);
	return book;
}

struct notifier_book *notifier_book(struct mm_struct *mm, bool make)
{
	struct notifier_world *world = make ? notifier_world() : p2psim_layer_peek(P2PSIM_LAYER_NOTIFIER);
	struct notifier_book *book;

	if (!world)
		return NULL;
	list_for_each_entry(book, &world->books, entry)
		if (book->mm == mm)
			return book;
	return make ? make_book(world, mm) : NULL;
}

static void spare_running(struct notifier_book *book, struct notifier_running *running)
{
	book->running_count--;
	list_move_tail(&running->entry, &notifier_world()->spare_running);
}

void notifier_book_drop(struct mm_struct *mm)
{
	struct notifier_book *book = notifier_book(mm, false);
	struct notifier_running *running;

	if (!book)
		return;
	while (!list_empty(&book->running)) {
		running = list_first_entry(&book->running, struct notifier_running, entry);
		p2psim_violate(P2PSIM_BALANCE, running->what.step_begin, mm->obj.id, 0,
			       "%s is freed while an invalidation of it is under way", mm->obj.name);
		spare_running(book, running);
	}
	list_move_tail(&book->entry, &notifier_world()->spare_books);
}

static struct notifier_running *find_running(const struct notifier_book *book, const struct mmu_notifier_range *range)
{
	struct notifier_running *running;

	list_for_each_entry(running, &book->running, entry)
		if (running->range == range)
			return running;
	return NULL;
}

static struct notifier_running *make_running(struct notifier_book *book)
{
	struct notifier_world *world = notifier_world();
	struct notifier_running *running;

	running = list_first_entry_or_null(&world->spare_running, struct notifier_running, entry);
	if (running)
		list_del(&running->entry);
	else
		running = p2psim_arena_alloc(sizeof(*running));
	if (!running) {
		world->blind = true;
		return NULL;
	}
	list_add_tail(&running->entry, &book->running);
	book->running_count++;
	return running;
}

static void forget_refusal(struct notifier_book *book, const struct mmu_notifier_range *range)
{
	unsigned int i;

	for (i = 0; i < NOTIFIER_REFUSED_MAX; i++)
		if (book->refused[i].range == range)
			book->refused[i].range = NULL;
}

void notifier_book_begin(struct mmu_notifier_range *range)
{
	struct notifier_book *book = notifier_book(range->mm, true);
	struct notifier_running *running;

	if (!book)
		return;
	running = find_running(book, range);
	if (running) {
		p2psim_violate(P2PSIM_BALANCE, running->what.step_begin, range->mm->obj.id, 0,
			       "an invalidation [0x%lx, 0x%lx) is started again before its end", range->start,
			       range->end);
		spare_running(book, running);
	}
	if (range->start >= range->end)
		p2psim_violate(P2PSIM_RANGE, 0, range->mm->obj.id, 0, "an invalidation of nothing: [0x%lx, 0x%lx)",
			       range->start, range->end);
	forget_refusal(book, range);
	running = make_running(book);
	if (!running)
		return;
	running->range = range;
	running->task = current;
	running->what = (struct p2psim_invalidation){
		.start = range->start,
		.end = range->end,
		.event = range->event,
		.step_begin = p2psim_hot->steps,
	};
}

void notifier_book_told(struct mmu_notifier_range *range)
{
	struct notifier_book *book = notifier_book(range->mm, false);
	struct notifier_running *running = book ? find_running(book, range) : NULL;

	if (running)
		running->what.step_told = p2psim_hot->steps;
}

void notifier_book_refused(struct mmu_notifier_range *range)
{
	struct notifier_book *book = notifier_book(range->mm, false);
	struct notifier_running *running = book ? find_running(book, range) : NULL;
	unsigned int slot;

	if (!running)
		return;
	spare_running(book, running);
	slot = book->refused_count++ % NOTIFIER_REFUSED_MAX;
	book->refused[slot].range = range;
	book->refused[slot].step = p2psim_hot->steps;
}

/* Nobody started it, or its start was refused. */
static void report_no_start(const struct notifier_book *book, const struct mmu_notifier_range *range)
{
	unsigned int i;

	for (i = 0; book && i < NOTIFIER_REFUSED_MAX; i++) {
		if (book->refused[i].range != range)
			continue;
		p2psim_violate(P2PSIM_BALANCE, book->refused[i].step, range->mm->obj.id, 0,
			       "invalidate_range_end() of [0x%lx, 0x%lx) after its start returned -EAGAIN",
			       range->start, range->end);
		return;
	}
	p2psim_violate(P2PSIM_BALANCE, 0, range->mm->obj.id, 0,
		       "invalidate_range_end() of [0x%lx, 0x%lx) without a start", range->start, range->end);
}

bool notifier_book_was_started(const struct mmu_notifier_range *range)
{
	struct notifier_world *world = notifier_world();
	struct notifier_book *book = notifier_book(range->mm, false);
	struct notifier_running *running = book ? find_running(book, range) : NULL;

	if (!world || (!running && world->blind))
		return true;
	if (!running || running->what.step_end) {
		report_no_start(book, range);
		return false;
	}
	if (running->what.start != range->start || running->what.end != range->end)
		p2psim_violate(P2PSIM_RANGE, running->what.step_begin, range->mm->obj.id, 0,
			       "an invalidation began as [0x%lx, 0x%lx) and ends as [0x%lx, 0x%lx)",
			       running->what.start, running->what.end, range->start, range->end);
	return true;
}

void notifier_book_end(const struct mmu_notifier_range *range)
{
	struct notifier_book *book = notifier_book(range->mm, false);
	struct notifier_running *running = book ? find_running(book, range) : NULL;

	if (!running)
		return;
	running->what.step_end = p2psim_hot->steps;
	book->past[book->past_count++ % P2PSIM_INVALIDATIONS_KEPT] = running->what;
}

void notifier_book_close(const struct mmu_notifier_range *range)
{
	struct notifier_book *book = notifier_book(range->mm, false);
	struct notifier_running *running = book ? find_running(book, range) : NULL;

	if (running)
		spare_running(book, running);
}

static bool overlaps(const struct p2psim_invalidation *what, unsigned long start, unsigned long end)
{
	return what->start < end && start < what->end;
}

bool p2psim_mm_last_invalidation(struct mm_struct *mm, unsigned long start, unsigned long end,
				 struct p2psim_invalidation *last)
{
	const struct notifier_book *book = notifier_book(mm, false);
	unsigned int i = book ? book->past_count : 0;
	unsigned int oldest = i > P2PSIM_INVALIDATIONS_KEPT ? i - P2PSIM_INVALIDATIONS_KEPT : 0;

	while (i-- > oldest) {
		const struct p2psim_invalidation *past = &book->past[i % P2PSIM_INVALIDATIONS_KEPT];

		if (!overlaps(past, start, end))
			continue;
		if (last)
			*last = *past;
		return true;
	}
	return false;
}

bool p2psim_mm_invalidating(struct mm_struct *mm, unsigned long start, unsigned long end, uint64_t *last_completed_step)
{
	const struct notifier_book *book = notifier_book(mm, false);
	const struct notifier_running *running;
	struct p2psim_invalidation last;

	if (last_completed_step)
		*last_completed_step = p2psim_mm_last_invalidation(mm, start, end, &last) ? last.step_end : 0;
	if (!book)
		return false;
	list_for_each_entry(running, &book->running, entry)
		if (running->what.step_told && !running->what.step_end && overlaps(&running->what, start, end))
			return true;
	return false;
}

bool p2psim_invalidation_running(const struct mmu_notifier_range *range, struct p2psim_invalidation *what)
{
	const struct notifier_book *book = notifier_book(range->mm, false);
	const struct notifier_running *running = book ? find_running(book, range) : NULL;

	if (running && what)
		*what = running->what;
	return running != NULL;
}

unsigned int p2psim_mm_active_invalidations(struct mm_struct *mm)
{
	const struct notifier_book *book = notifier_book(mm, false);

	const struct notifier_running *running;
	unsigned int count = 0;

	if (!book)
		return 0;
	list_for_each_entry(running, &book->running, entry)
		count += !running->what.step_end;
	return count;
}

const char *p2psim_notifier_event_name(unsigned int event)
{
	static const char *const names[] = {
		[MMU_NOTIFY_UNMAP] = "UNMAP",
		[MMU_NOTIFY_CLEAR] = "CLEAR",
		[MMU_NOTIFY_PROTECTION_VMA] = "PROT_VMA",
		[MMU_NOTIFY_PROTECTION_PAGE] = "PROT_PAGE",
		[MMU_NOTIFY_SOFT_DIRTY] = "SOFT_DIRTY",
		[MMU_NOTIFY_RELEASE] = "RELEASE",
		[MMU_NOTIFY_MIGRATE] = "MIGRATE",
		[MMU_NOTIFY_EXCLUSIVE] = "EXCLUSIVE",
	};

	return event < ARRAY_SIZE(names) ? names[event] : "?";
}

/* ---- Callbacks ---- */

static struct notifier_callback *free_slot(struct notifier_world *world)
{
	unsigned int i;

	for (i = 0; i < NOTIFIER_CALLBACKS_MAX; i++)
		if (!world->callbacks[i].task)
			break;
	if (i == NOTIFIER_CALLBACKS_MAX)
		return NULL;
	world->callbacks_top = max(world->callbacks_top, i + 1);
	return &world->callbacks[i];
}

struct notifier_callback *notifier_callback_enter(const void *sub, struct mm_struct *mm, unsigned long cur_seq)
{
	struct notifier_world *world = notifier_world();
	struct notifier_callback *callback = world ? free_slot(world) : NULL;

	if (!callback) {
		if (world)
			world->blind = true;
		return NULL;
	}
	callback->task = current;
	callback->sub = sub;
	callback->mm = mm;
	callback->cur_seq = cur_seq;
	callback->locks_held = p2psim_locks_held();
	callback->seq_is_set = false;
	return callback;
}

void notifier_callback_leave(struct notifier_callback *callback, uint32_t id, const char *name)
{
	struct notifier_world *world = notifier_world();
	unsigned int held = p2psim_locks_held();

	if (!callback)
		return;
	callback->task = NULL;
	while (world->callbacks_top && !world->callbacks[world->callbacks_top - 1].task)
		world->callbacks_top--;
	if (held != callback->locks_held)
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s.%s() was entered with %u lock(s) held and left with %u",
			       notifier_name(id), name, callback->locks_held, held);
}

struct notifier_callback *notifier_callback_here(const void *sub)
{
	struct notifier_world *world = p2psim_layer_peek(P2PSIM_LAYER_NOTIFIER);
	unsigned int i;

	for (i = world ? world->callbacks_top : 0; i-- > 0;)
		if (world->callbacks[i].task == current && (!sub || world->callbacks[i].sub == sub))
			return &world->callbacks[i];
	return NULL;
}

bool notifier_may_wait(struct mm_struct *mm, uint32_t id, const char *call)
{
	const struct notifier_book *book = notifier_book(mm, false);
	const struct notifier_running *running;

	if (notifier_callback_here(NULL)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, id, mm->obj.id,
			       "%s() of %s is called from inside a notifier callback", call, notifier_name(id));
		return false;
	}
	if (!book)
		return true;
	list_for_each_entry(running, &book->running, entry) {
		if (running->task != current || running->what.step_end)
			continue;
		p2psim_violate(P2PSIM_CONTRACT, running->what.step_begin, id, mm->obj.id,
			       "%s() of %s is called by %s between its own start and end of an invalidation", call,
			       notifier_name(id), current->comm);
		return false;
	}
	return true;
}

/* ---- Subscribers known ---- */

void notifier_known_add(struct notifier_known *known, void *sub)
{
	if (known->count < NOTIFIER_KNOWN_MAX)
		known->sub[known->count] = sub;
	else
		known->overflowed = true;
	known->count++;
}

void notifier_known_del(struct notifier_known *known, const void *sub)
{
	unsigned int i;

	known->count--;
	if (known->overflowed) {
		known->overflowed = known->count != 0;
		return;
	}
	for (i = 0; i < known->count && known->sub[i] != sub; i++)
		;
	for (; i < known->count; i++)
		known->sub[i] = known->sub[i + 1];
}

void *notifier_known_take_freed(struct notifier_known *known)
{
	unsigned int i;

	for (i = 0; !known->overflowed && i < known->count; i++) {
		void *sub = known->sub[i];

		if (!p2psim_ptr_is_freed(sub))
			continue;
		notifier_known_del(known, sub);
		return sub;
	}
	return NULL;
}

static bool is_in(const struct notifier_known *known, const void *sub)
{
	unsigned int i;

	for (i = 0; !known->overflowed && i < known->count; i++)
		if (known->sub[i] == sub)
			return true;
	return false;
}

bool notifier_is_known(const void *sub)
{
	struct notifier_world *world = notifier_world();
	struct notifier_book *book;

	if (!world)
		return false;
	list_for_each_entry(book, &world->books, entry) {
		const struct mmu_notifier_subscriptions *subs;

		if (p2psim_ptr_is_freed(book->mm))
			continue;
		subs = book->mm->notifier_subscriptions;
		if (subs && (is_in(&subs->intervals, sub) || is_in(&subs->listed, sub)))
			return true;
	}
	return false;
}

bool notifier_is_usable(const void *sub, const struct p2psim_object *obj, const unsigned int *state, const char *call)
{
	if (p2psim_ptr_is_freed(sub)) {
		p2psim_violate(P2PSIM_UAF, 0, 0, 0, "%s() of a subscription that lies in freed memory", call);
		return false;
	}
	if (p2psim_hot && obj->epoch == p2psim_hot->epoch && *state == NOTIFIER_GONE) {
		p2psim_violate(P2PSIM_UAF, 0, obj->id, 0, "%s() of %s after its removal", call, notifier_name(obj->id));
		return false;
	}
	if (!p2psim_hot || obj->epoch != p2psim_hot->epoch || *state < NOTIFIER_LISTED || *state > NOTIFIER_GONE) {
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "%s() of a subscription that was never registered", call);
		return false;
	}
	return true;
}
