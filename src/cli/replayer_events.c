/* SPDX-License-Identifier: MIT */
/*
 * The notifier log: what the subscribers of the recording's process heard, in the recording's words.  An interval
 * callback is told only where no list callback says the same thing right after it.
 */
#include "cli/replayer.h"

#include <stdio.h>
#include <string.h>

#include <p2psim/dmirror.h>
#include <p2psim/linux/mm.h>

static const char *event_name(enum mmu_notifier_event event)
{
	static const char *const names[] = {"UNMAP",	  "CLEAR",   "PROT_VMA", "PROT_PAGE",
					    "SOFT_DIRTY", "RELEASE", "MIGRATE",	 "EXCLUSIVE"};

	return names[event];
}

static void put(struct replayer *r, char kind, const char *what, unsigned long start, unsigned long end,
		const char *flags)
{
	struct logged *entry = &r->log[r->logged];
	unsigned long limit = WINDOW_BASE + r->window;
	char letters[16];

	if (end <= WINDOW_BASE || start >= limit || r->logged == ANSWER_EVENTS)
		return;
	snprintf(letters, sizeof(letters), "%s%s", flags,
		 *flags != '-' && (start < WINDOW_BASE || end > limit) ? "*" : "");
	entry->kind = kind;
	entry->matched = false;
	snprintf(entry->text, sizeof(entry->text), "%s %lx %lx %s", what, start < WINDOW_BASE ? 0 : start - WINDOW_BASE,
		 end > limit ? ~0UL : end - WINDOW_BASE, letters);
	r->logged++;
}

/* Of MIGRATE and EXCLUSIVE: who asked for it. */
static const char *owner_letters(const struct replayer *r, const struct mmu_notifier_range *range)
{
	static const char *const devices[] = { "o0", "o1", "o2", "o3" };
	int number = p2psim_dmirror_number_of(r->dmirror, range->owner);

	if (!r->modern || (range->event != MMU_NOTIFY_MIGRATE && range->event != MMU_NOTIFY_EXCLUSIVE))
		return "";
	return range->owner == r ? "om" : number >= 0 ? devices[number] : "";
}

static void put_range(struct replayer *r, char kind, const struct mmu_notifier_range *range)
{
	char flags[8];

	snprintf(flags, sizeof(flags), "%s%s%s", mmu_notifier_range_blockable(range) ? "b" : "n", range->vma ? "v" : "",
		 owner_letters(r, range));
	put(r, kind, event_name(range->event), range->start, range->end, flags);
}

static struct replayer *of_list(struct mmu_notifier *list)
{
	return container_of(list, struct replayer, list);
}

static int on_start(struct mmu_notifier *list, const struct mmu_notifier_range *range)
{
	put_range(of_list(list), 'S', range);
	return 0;
}

static void on_end(struct mmu_notifier *list, const struct mmu_notifier_range *range)
{
	put_range(of_list(list), 'E', range);
}

static void on_change_pte(struct mmu_notifier *list, struct mm_struct *mm, unsigned long addr, pte_t pte)
{
	(void)mm;
	put(of_list(list), 'C', pte_present(pte) && pte_write(pte) ? "w" : "r", addr, addr + PAGE_SIZE, "-");
}

static int on_clear_flush_young(struct mmu_notifier *list, struct mm_struct *mm, unsigned long start,
				unsigned long end)
{
	(void)mm;
	put(of_list(list), 'Y', "cfy", start, end, "-");
	return 0;
}

static void on_release(struct mmu_notifier *list, struct mm_struct *mm)
{
	struct replayer *r = of_list(list);

	(void)mm;
	put(r, 'X', "-", 0, ~0UL, "-");
}

static const struct mmu_notifier_ops list_ops = {
	.release = on_release,
	.change_pte = on_change_pte,
	.clear_flush_young = on_clear_flush_young,
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
};

static bool on_invalidate(struct mmu_interval_notifier *interval, const struct mmu_notifier_range *range,
			  unsigned long cur_seq)
{
	struct replayer *r = container_of(interval, struct replayer, interval);

	mutex_lock(&r->lock);
	mmu_interval_set_seq(interval, cur_seq);
	put_range(r, 'I', range);
	mutex_unlock(&r->lock);
	return true;
}

static const struct mmu_interval_notifier_ops interval_ops = {.invalidate = on_invalidate};

int replayer_subscribe(struct replayer *r)
{
	int error;

	mutex_init(&r->lock);
	r->list.ops = &list_ops;
	error = mmu_notifier_register(&r->list, r->mm);
	if (error)
		return error;
	error = mmu_interval_notifier_insert(&r->interval, r->mm, WINDOW_BASE, r->window, &interval_ops);
	r->subscribed = !error;
	return error;
}

void replayer_unsubscribe(struct replayer *r)
{
	if (!r->subscribed)
		return;
	mmu_notifier_unregister(&r->list, r->mm);
	mmu_interval_notifier_remove(&r->interval);
}

static bool has_twin(struct replayer *r, int at)
{
	int i;

	for (i = at + 1; i < r->logged; i++) {
		if (r->log[i].kind == 'S' && !r->log[i].matched && !strcmp(r->log[i].text, r->log[at].text)) {
			r->log[i].matched = true;
			return true;
		}
	}
	return false;
}

static void give(struct answer *answer, const char *kind, const char *text)
{
	if (answer->event_count < ANSWER_EVENTS)
		snprintf(answer->events[answer->event_count++], ANSWER_LINE, "%s %s", kind, text);
}

void replayer_events(struct replayer *r, struct answer *answer)
{
	char kind[2] = "";
	int i;

	answer->event_count = 0;
	for (i = 0; i < r->logged; i++) {
		if (r->log[i].kind == 'I' && has_twin(r, i))
			continue;
		if (r->log[i].kind == 'S' && !r->log[i].matched)
			give(answer, "I MISSING", r->log[i].text);
		kind[0] = r->log[i].kind;
		give(answer, kind, r->log[i].text);
	}
}
