/* SPDX-License-Identifier: MIT */
/* Who is called, in which order, with what; and the rules of ranges that must not block (N9-N11, 3.4, 3.5). */
#include "notifier_mm.h"

#include "notifier/internal.h"

/* A subscriber of the list that notes a letter a call into one common line: s e i c f y t r */
struct scribe {
	struct mmu_notifier mn;
	char *line;		/* shared by all */
	char name;
	int answer;		/* of start, young */
};

static struct scribe *scribe_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct scribe, mn);
}

static void note(struct scribe *s, char what)
{
	size_t used = strlen(s->line);

	s->line[used] = s->name;
	s->line[used + 1] = what;
	s->line[used + 2] = ' ';
	s->line[used + 3] = '\0';
}

static int scribe_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	note(scribe_of(mn), 's');
	return scribe_of(mn)->answer;
}

static void scribe_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	note(scribe_of(mn), 'e');
}

static void scribe_range(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)mm, (void)start, (void)end;
	note(scribe_of(mn), 'i');
}

static void scribe_change(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address, pte_t pte)
{
	(void)mm, (void)address, (void)pte;
	note(scribe_of(mn), 'c');
}

static int scribe_flush_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)mm, (void)start, (void)end;
	note(scribe_of(mn), 'f');
	return scribe_of(mn)->answer;
}

static int scribe_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	(void)mm, (void)start, (void)end;
	note(scribe_of(mn), 'y');
	return scribe_of(mn)->answer;
}

static int scribe_test(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	(void)mm, (void)address;
	note(scribe_of(mn), 't');
	return scribe_of(mn)->answer;
}

static const struct mmu_notifier_ops scribe_ops = {
	.clear_flush_young = scribe_flush_young,
	.clear_young = scribe_young,
	.test_young = scribe_test,
	.change_pte = scribe_change,
	.invalidate_range_start = scribe_start,
	.invalidate_range_end = scribe_end,
	.invalidate_range = scribe_range,
};
static const struct mmu_notifier_ops start_only_ops = { .invalidate_range_start = scribe_start };

struct scribes {
	char line[64];
	struct scribe a, b;
};

static void scribes_register(struct scribes *s, struct mm_struct *mm, const struct mmu_notifier_ops *a,
			     const struct mmu_notifier_ops *b)
{
	*s = (struct scribes){ .a = { { .ops = a }, s->line, 'a', 0 }, .b = { { .ops = b }, s->line, 'b', 0 } };
	assert_int_equal(mmu_notifier_register(&s->a.mn, mm), 0);
	assert_int_equal(mmu_notifier_register(&s->b.mn, mm), 0);
}

static void scribes_unregister(struct scribes *s, struct mm_struct *mm)
{
	mmu_notifier_unregister(&s->a.mn, mm);
	mmu_notifier_unregister(&s->b.mn, mm);
}

/* The latest registered first; end calls invalidate_range() too, unless it is only_end. */
static void test_the_list_is_told_latest_first_and_end_invalidates_the_range(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &scribe_ops, &scribe_ops);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_string_equal(s.line, "bs as ");
	mmu_notifier_invalidate_range_end(&t->range);
	assert_string_equal(s.line, "bs as bi be ai ae ");
	*s.line = '\0';
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_invalidate_range(t->mm, t->range.start, t->range.end);
	mmu_notifier_invalidate_range_only_end(&t->range);
	assert_string_equal(s.line, "bs as bi ai be ae ");
	scribes_unregister(&s, t->mm);
}

/* 3.4: a break of COW: change_pte between start and end. */
static void test_change_pte_reaches_all_of_the_list(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &scribe_ops, &start_only_ops);
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	mmu_notifier_invalidate_range_start(&t->range);
	mmu_notifier_change_pte(t->mm, 0, (pte_t){ 1 });
	mmu_notifier_invalidate_range_only_end(&t->range);
	assert_string_equal(s.line, "bs as ac ae ");
	assert_null(p2psim_world_violation(t->world));
	mmu_notifier_change_pte(t->mm, 0, (pte_t){ 1 });
	assert_violation(t->world, P2PSIM_CONTRACT, "outside an invalidation");
	scribes_unregister(&s, t->mm);
}

static void test_young_is_the_or_of_all_answers(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &scribe_ops, &scribe_ops);
	assert_int_equal(mmu_notifier_clear_flush_young(t->mm, 0, PAGES(1)), 0);
	s.a.answer = 1;
	assert_int_equal(mmu_notifier_clear_flush_young(t->mm, 0, PAGES(1)), 1);
	assert_int_equal(mmu_notifier_clear_young(t->mm, 0, PAGES(1)), 1);
	assert_int_equal(mmu_notifier_test_young(t->mm, 0), 1);
	assert_string_equal(s.line, "bf af bf af by ay bt at ");
	scribes_unregister(&s, t->mm);
	assert_int_equal(mmu_notifier_test_young(t->mm, 0), 0);
}

/* N9: "The interval callback always comes BEFORE invalidate_range_start of the same range." */
static void test_intervals_hear_before_the_list(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;
	char *end;

	scribes_register(&s, t->mm, &scribe_ops, &start_only_ops);
	mirror_insert(&t->m, t->mm, 0, 4);
	t->m.letter = 'm';
	t->m.order = s.line;
	range_of(&t->range, t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	mmu_notifier_invalidate_range_start(&t->range);
	end = s.line + strlen(s.line);
	assert_string_equal(s.line, "mbs as ");
	t->m.order = NULL;
	mmu_notifier_invalidate_range_end(&t->range);
	assert_string_equal(end, "ai ae ");
	mmu_interval_notifier_remove(&t->m.sub);
	scribes_unregister(&s, t->mm);
}

/* Registered twice over, told once; the flavour says whether a callback may block. */
static void test_start_says_whether_it_may_block(void **state)
{
	struct notifier_test *t = *state;

	mirror_insert(&t->m, t->mm, 0, 4);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 1);
	mmu_notifier_invalidate_range_start(&t->range);
	assert_true(t->m.blockable);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), 0);
	assert_false(t->m.blockable);
	mmu_notifier_invalidate_range_end(&t->range);
	mmu_interval_notifier_remove(&t->m.sub);
}

/*
 * T6, 3.5: an interval refuses: the walk stops, the list is not told, everything is undone at once.
 *
 *	reaper				nic0
 *					lock n
 *	start_nonblock
 *	  m.invalidate() = true
 *	  n.invalidate() = false
 *	= -EAGAIN, [3->4]
 *					unlock
 *	start_nonblock = 0
 */
static void test_T6_an_interval_that_would_block_undoes_the_start(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &scribe_ops, &scribe_ops);
	mirror_insert(&t->m, t->mm, 0, 8);
	mirror_insert(&t->n, t->mm, 4, 8);
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 8);
	mutex_lock(&t->n.lock);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	assert_int_equal(t->m.calls + 10 * t->n.refused, 11);
	assert_string_equal(s.line, "");
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	mutex_unlock(&t->n.lock);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), 0);
	mmu_notifier_invalidate_range_end(&t->range);
	assert_int_equal(t->n.calls, 1);
	assert_string_equal(s.line, "bs as bi be ai ae ");
	mmu_interval_notifier_remove(&t->m.sub);
	mmu_interval_notifier_remove(&t->n.sub);
	scribes_unregister(&s, t->mm);
}

/*
 * The shape of B13, 3.5: of two on the list the first to be told (b) refuses: a is told all the same, and hears the
 * end.
 */
static void test_B13_when_one_of_the_list_refuses_the_other_hears_its_end(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &scribe_ops, &start_only_ops);
	s.b.answer = -EAGAIN;
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 8);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	assert_string_equal(s.line, "bs as ae ");
	assert_int_equal(p2psim_mm_active_invalidations(t->mm), 0);
	assert_null(p2psim_world_violation(t->world));
	s.b.answer = 0;
	scribes_unregister(&s, t->mm);
}

/* N10: the list refuses after the intervals were told: they are counted out too, or no reader would begin again. */
static void test_when_the_list_refuses_the_sequence_becomes_even_again(void **state)
{
	struct notifier_test *t = *state;
	struct scribes s;

	scribes_register(&s, t->mm, &start_only_ops, &start_only_ops);
	mirror_insert(&t->m, t->mm, 0, 8);
	s.a.answer = -EAGAIN;
	range_of(&t->range, t->mm, MMU_NOTIFY_UNMAP, 0, 8);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&t->range), -EAGAIN);
	assert_int_equal(t->m.calls, 1);
	assert_int_equal(p2psim_mm_invalidate_seq(t->mm), 4);
	assert_true(p2psim_notifier_is_valid(t->mm));
	assert_int_equal(mmu_interval_read_begin(&t->m.sub), 3);
	s.a.answer = 0;
	mmu_interval_notifier_remove(&t->m.sub);
	scribes_unregister(&s, t->mm);
}

/* 6.1's own rule: the event, a VMA, and that it can still be read; not whether it could be written before. */
static void test_update_to_read_only_looks_at_event_and_vma(void **state)
{
	struct notifier_test *t = *state;
	struct vm_area_struct readable = { .vm_flags = VM_READ }, nothing = { .vm_flags = VM_NONE };

	range_of(&t->range, t->mm, MMU_NOTIFY_PROTECTION_VMA, 0, 1);
	assert_false(mmu_notifier_range_update_to_read_only(&t->range));
	t->range.vma = &readable;
	assert_true(mmu_notifier_range_update_to_read_only(&t->range));
	t->range.vma = &nothing;
	assert_false(mmu_notifier_range_update_to_read_only(&t->range));
	t->range.vma = &readable;
	t->range.event = MMU_NOTIFY_PROTECTION_PAGE;
	assert_false(mmu_notifier_range_update_to_read_only(&t->range));
}

/* The mm's own oracle is asked at each end while the sequence is still odd. */
static unsigned int asked;
static unsigned long asked_seq;

static void on_invalidated(struct mm_struct *mm, const struct mmu_notifier_range *range)
{
	(void)range;
	asked++;
	asked_seq = p2psim_mm_invalidate_seq(mm);
}

static void test_the_mm_is_asked_before_the_sequence_moves_on(void **state)
{
	struct notifier_test *t = *state;

	asked = 0;
	mirror_insert(&t->m, t->mm, 0, 8);
	t->mm->invalidated = on_invalidated;
	invalidate_pages(t->mm, MMU_NOTIFY_CLEAR, 0, 1);
	assert_int_equal(asked, 1);
	assert_int_equal(asked_seq, 3);
	mmu_interval_notifier_remove(&t->m.sub);
	t->mm->invalidated = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		notifier_test(test_the_list_is_told_latest_first_and_end_invalidates_the_range),
		notifier_test(test_change_pte_reaches_all_of_the_list),
		notifier_test(test_young_is_the_or_of_all_answers),
		notifier_test(test_intervals_hear_before_the_list),
		notifier_test(test_start_says_whether_it_may_block),
		notifier_test(test_T6_an_interval_that_would_block_undoes_the_start),
		notifier_test(test_B13_when_one_of_the_list_refuses_the_other_hears_its_end),
		notifier_test(test_when_the_list_refuses_the_sequence_becomes_even_again),
		notifier_test(test_update_to_read_only_looks_at_event_and_vma),
		notifier_test(test_the_mm_is_asked_before_the_sequence_moves_on),
	};

	return cmocka_run_group_tests_name("notifier/callbacks", tests, NULL, NULL);
}
