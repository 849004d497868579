/* SPDX-License-Identifier: MIT */
/* Pictures of small scripted runs, letter by letter. */
#include "drawn.h"

#include <errno.h>

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_two_tasks_are_two_columns_and_time_goes_down(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("read_begin() = 4", "hmm_range_fault() = 0", "|", "read_retry() = true -> again") },
		{ "app", LINES("munmap(0x10000, 2000)") },
	};

	play(scripts, 2);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0                                  app\n"
		     "  ----                                  ---\n"
		     "  read_begin() = 4\n"
		     "  hmm_range_fault() = 0\n"
		     "                                        munmap(0x10000, 2000)\n"
		     "  read_retry() = true -> again\n");
}

static void test_sections_are_indented_and_their_ends_are_not(void **state)
{
	struct script scripts[] = {
		{ "app", LINES("+munmap()", "+nic0.invalidate()", "set_seq(3)", "-nic0.invalidate() = true", "-munmap = 0") },
	};

	play(scripts, 1);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  app\n"
		     "  ---\n"
		     "  munmap()\n"
		     "    nic0.invalidate()\n"
		     "      set_seq(3)\n"
		     "    nic0.invalidate() = true\n"
		     "  munmap = 0\n");
}

/* Three columns and more are indented by one. */
static void test_three_tasks_are_three_columns(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("+write", "read_begin() = 1") },
		{ "app", LINES("+mprotect()", "set_seq(3)") },
		{ "kswapd", LINES("+reclaim page 100", "set_seq(5)") },
	};

	play(scripts, 3);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0                     app                      kswapd\n"
		     "  ----                     ---                      ------\n"
		     "  write\n"
		     "   read_begin() = 1\n"
		     "                           mprotect()\n"
		     "                            set_seq(3)\n"
		     "                                                    reclaim page 100\n"
		     "                                                     set_seq(5)\n");
}

static void test_four_tasks_are_four_columns(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("one") }, { "gpu0", LINES("two") }, { "app", LINES("three") }, { "kswapd", LINES("four") },
	};

	play(scripts, 4);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0               gpu0               app                kswapd\n"
		     "  ----               ----               ---                ------\n"
		     "  one\n"
		     "                     two\n"
		     "                                        three\n"
		     "                                                           four\n");
}

static void test_more_than_four_tasks_share_the_last_column_under_their_names(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("one") },   { "gpu0", LINES("two") },  { "app", LINES("three") },
		{ "kswapd", LINES("four") }, { "disk0", LINES("five") }, { "dma", LINES("six") },
	};

	play(scripts, 6);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0               gpu0               app                the others\n"
		     "  ----               ----               ---                ----------\n"
		     "  one\n"
		     "                     two\n"
		     "                                        three\n"
		     "                                                           kswapd: four\n"
		     "                                                           disk0: five\n"
		     "                                                           dma: six\n");
}

/* gpu0 needs few characters: nic0 gets them, and nothing is wrapped. */
static void test_a_column_that_needs_little_gives_its_room_away(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("hmm_range_dma_map(0x20000, 0x21000) of 1 page = -EBUSY") },
		{ "gpu0", LINES("moved 1") },
	};

	play(scripts, 2);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0                                                    gpu0\n"
		     "  ----                                                    ----\n"
		     "  hmm_range_dma_map(0x20000, 0x21000) of 1 page = -EBUSY\n"
		     "                                                          moved 1\n");
}

/* Rather before a bracket than in it; rather behind an opening one than in a word; continuation lines hang. */
static void test_a_long_line_is_broken_where_it_reads_well(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("+invalidate_start PROT_VMA and more words [seq 2->3]",
				"p2p_map_of_many(0x20000,0x21000,0x22000,nic0)") },
		{ "app", LINES("+invalidate_start PROT_VMA and more words [seq 2->3]",
			       "p2p_map_of_many(0x20000,0x21000,0x22000,nic0)") },
	};

	play(scripts, 2);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0                                  app\n"
		     "  ----                                  ---\n"
		     "  invalidate_start PROT_VMA and more\n"
		     "    words [seq 2->3]\n"
		     "    p2p_map_of_many(0x20000,0x21000,\n"
		     "      0x22000,nic0)\n"
		     "                                        invalidate_start PROT_VMA and more\n"
		     "                                          words [seq 2->3]\n"
		     "                                          p2p_map_of_many(0x20000,0x21000,\n"
		     "                                            0x22000,nic0)\n");
}

static void test_a_line_that_comes_again_and_again_is_drawn_once_with_a_count(void **state)
{
	struct script scripts[] = {
		{ "nic0", LINES("again", "again", "again", "again", "twice", "twice", "done", "+again", "again") },
	};

	play(scripts, 1);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  nic0\n"
		     "  ----\n"
		     "  again\n"
		     "  ... 3 more times\n"
		     "  twice\n"
		     "  twice\n"
		     "  done\n"
		     "  again\n"
		     "    again\n");
}

static void test_the_same_line_of_another_task_is_no_repetition(void **state)
{
	struct script scripts[] = { { "a", LINES("again") }, { "b", LINES("again") } };

	play(scripts, 2);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  a                                     b\n"
		     "  -                                     -\n"
		     "  again\n"
		     "                                        again\n");
}

/* The ring keeps 8 events; what fell out is said, and an end without a beginning does no harm. */
static void test_events_that_were_lost_are_said_to_be(void **state)
{
	static const struct p2psim_config config = { .trace_events = 8 };
	struct p2psim_world *entered = p2psim_world_current(), *world = p2psim_world_create(&config);
	struct script scripts[] = {
		{ "app", LINES("+munmap()", "1", "2", "3", "4", "5", "6", "-munmap = 0", "7") },
	};

	(void)state;
	play(scripts, 1);
	assert_drawn(world, P2PSIM_REPORT_NO_FLAGS,
		     "  app\n"
		     "  ---\n"
		     "  (2 earlier events were not kept)\n"
		     "  1\n"
		     "  2\n"
		     "  3\n"
		     "  4\n"
		     "  5\n"
		     "  6\n"
		     "  munmap = 0\n"
		     "  7\n");
	p2psim_world_destroy(world);
	p2psim_world_enter(entered);
}

static void test_nothing_traced_is_said(void **state)
{
	p2psim_note("task 0 is not drawn");
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS, "  (nothing was traced)\n");
	assert_drawn(*state, P2PSIM_REPORT_SETUP, "  main\n"
						  "  ----\n"
						  "  task 0 is not drawn\n");
}

static void test_steps_are_drawn_on_demand(void **state)
{
	struct script scripts[] = { { "app", LINES("first", "|", "second") } };

	play(scripts, 1);
	assert_drawn(*state, P2PSIM_REPORT_STEPS,
		     "  app\n"
		     "  ---\n"
		     "  even turn\n"
		     "  first\n"
		     "  odd turn\n"
		     "  second\n");
}

/* A name may hold anything: no byte of it moves the columns or reaches the terminal. */
static void test_what_is_not_ascii_becomes_a_question_mark(void **state)
{
	struct script scripts[] = { { "a\nb", LINES("bell \a, escape \033[31m, umlaut \303\274") } };

	play(scripts, 1);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  a?b\n"
		     "  ---\n"
		     "  bell ?, escape ?[31m, umlaut ??\n");
}

static void test_a_name_longer_than_its_column_is_cut(void **state)
{
	struct script scripts[] = {
		{ "a-task-with-a-long-name", LINES("1") }, { "b-task-with-a-long-name", LINES("2") },
		{ "c-task-with-a-long-name", LINES("3") }, { "d-task-with-a-long-name", LINES("4") },
	};
	char *text;

	play(scripts, 4);
	text = drawn(*state, P2PSIM_REPORT_NO_FLAGS);
	assert_in_range(widest(text), 60, P2PSIM_REPORT_COLUMNS);
	free(text);
}

/* One word of 400 letters is cut, and every letter is there. */
static void test_an_endless_word_is_cut_and_nothing_of_it_is_lost(void **state)
{
	static char word[401];
	struct script scripts[] = { { "a", LINES(word) }, { "b", LINES("short") } };
	size_t letters = 0;
	char *text, *at;

	memset(word, 'x', 400);
	play(scripts, 2);
	text = drawn(*state, P2PSIM_REPORT_NO_FLAGS);
	assert_in_range(widest(text), 1, P2PSIM_REPORT_COLUMNS);
	for (at = text; *at; at++)
		letters += *at == 'x';
	assert_int_equal(letters, 400);
	free(text);
}

static void test_the_same_trace_gives_the_same_bytes(void **state)
{
	struct script scripts[] = { { "a", LINES("+one", "|", "-two") }, { "b", LINES("three", "|", "four") } };
	char *first, *second;

	play(scripts, 2);
	first = drawn(*state, P2PSIM_REPORT_STEPS);
	second = drawn(*state, P2PSIM_REPORT_STEPS);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void test_a_full_disk_is_an_error(void **state)
{
	struct script scripts[] = { { "a", LINES("one") } };
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(p2psim_report_text(*state, full, P2PSIM_REPORT_NO_FLAGS), -EIO);
	play(scripts, 1);
	assert_int_equal(p2psim_report_text(*state, full, P2PSIM_REPORT_NO_FLAGS), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_two_tasks_are_two_columns_and_time_goes_down),
		core_test(test_sections_are_indented_and_their_ends_are_not),
		core_test(test_three_tasks_are_three_columns),
		core_test(test_four_tasks_are_four_columns),
		core_test(test_more_than_four_tasks_share_the_last_column_under_their_names),
		core_test(test_a_column_that_needs_little_gives_its_room_away),
		core_test(test_a_long_line_is_broken_where_it_reads_well),
		core_test(test_a_line_that_comes_again_and_again_is_drawn_once_with_a_count),
		core_test(test_the_same_line_of_another_task_is_no_repetition),
		core_test(test_events_that_were_lost_are_said_to_be),
		core_test(test_nothing_traced_is_said),
		core_test(test_steps_are_drawn_on_demand),
		core_test(test_what_is_not_ascii_becomes_a_question_mark),
		core_test(test_a_name_longer_than_its_column_is_cut),
		core_test(test_an_endless_word_is_cut_and_nothing_of_it_is_lost),
		core_test(test_the_same_trace_gives_the_same_bytes),
		core_test(test_a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
