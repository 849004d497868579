/* SPDX-License-Identifier: MIT */
/* A violation in words, its mark in the picture, and the step that caused it. */
#include "drawn.h"

#include <errno.h>

static char *told(const struct p2psim_violation *violation)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(p2psim_report_violation(violation, out), 0);
	fclose(out);
	return text;
}

#define assert_told(violation, expected)                                                                               \
	do {                                                                                                           \
		char *told_ = told(violation);                                                                         \
		assert_string_equal(told_, expected);                                                                  \
		free(told_);                                                                                           \
	} while (0)

static void test_a_violation_says_oracle_task_step_cause_line_and_sentence(void **state)
{
	static const struct p2psim_site site = { .func = "nic_commit", .file = "nic.c", .line = 91 };
	struct p2psim_violation violation = {
		.oracle = P2PSIM_STALE, .task = "nic0", .step = 76, .cause_step = 62, .site = &site,
		.sentence = "a device writes page 100 through 0x10000, which maps another page now",
	};

	(void)state;
	assert_told(&violation,
		    "\n"
		    "  STALE by nic0 at step 76 (since step 62), nic_commit() line 91\n"
		    "  a device writes page 100 through 0x10000, which maps another page now\n");
}

static void test_what_is_not_known_is_left_out(void **state)
{
	struct p2psim_violation violation = { .oracle = P2PSIM_LEAK, .task = "main", .step = 1, .sentence = "short" };

	(void)state;
	assert_told(&violation, "\n"
				"  LEAK by main at step 1\n"
				"  short\n");
}

static void test_a_long_sentence_is_wrapped_and_an_endless_word_is_cut(void **state)
{
	struct p2psim_violation violation = { .oracle = P2PSIM_UAF, .task = "app", .step = 2 };
	size_t letters = 0;
	char *text, *at;

	(void)state;
	memset(violation.sentence, 'x', sizeof(violation.sentence) - 1);
	violation.sentence[100] = ' ';
	text = told(&violation);
	assert_in_range(widest(text), 70, P2PSIM_REPORT_COLUMNS);
	for (at = text; *at; at++)
		letters += *at == 'x';
	assert_int_equal(letters, sizeof(violation.sentence) - 2);
	free(text);
}

static void test_a_full_disk_is_an_error(void **state)
{
	struct p2psim_violation violation = { .oracle = P2PSIM_UAF, .task = "app", .step = 2, .sentence = "lost" };
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(p2psim_report_violation(&violation, full), -EIO);
	fclose(full);
}

/*
 *	app				nic0
 *	+munmap
 *	step 2: frees
 *	-munmap
 *					step 4: writes		<- wrong since step 2
 */
static void app_frees(void *arg)
{
	(void)arg;
	p2psim_enter("munmap(0x10000)");
	p2psim_step("app:frees");
	p2psim_leave("munmap = 0");
	p2psim_step("app:rests");
}

static void nic_writes(void *arg)
{
	p2psim_step("nic:writes");
	p2psim_note("DMA -> RAM 0x10000");
	p2psim_violate(P2PSIM_STALE, *(const uint64_t *)arg, 0, 0, "page 10 is gone");
}

static void act(uint64_t *cause)
{
	struct task_struct *app = p2psim_task_spawn("app", app_frees, NULL);

	assert_int_equal(p2psim_run_until(app, NULL), 0);
	p2psim_task_spawn("nic0", nic_writes, cause);
	assert_int_equal(p2psim_run(), -ECANCELED);
}

static void test_a_violation_and_its_cause_are_marked_in_the_picture(void **state)
{
	uint64_t cause = 1;

	act(&cause);
	assert_drawn(*state, P2PSIM_REPORT_NO_FLAGS,
		     "  app                                   nic0\n"
		     "  ---                                   ----\n"
		     "  munmap(0x10000)\n"
		     "  munmap = 0\n"
		     "  <-- cause of STALE\n"
		     "                                        DMA -> RAM 0x10000\n"
		     "                                        <== STALE\n");
}

static void test_a_cause_that_is_not_known_is_not_marked(void **state)
{
	uint64_t cause = 0;
	char *text;

	act(&cause);
	text = drawn(*state, P2PSIM_REPORT_NO_FLAGS);
	assert_non_null(strstr(text, "<== STALE"));
	assert_null(strstr(text, "cause"));
	free(text);
}

static void test_the_cause_is_told_with_the_section_in_which_it_was(void **state)
{
	struct p2psim_violation violation;
	uint64_t cause = 1;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	act(&cause);
	violation = *p2psim_world_violation(*state);
	assert_int_equal(p2psim_report_cause(*state, &violation, out), 0);
	violation.cause_step = 2;	/* after the section */
	assert_int_equal(p2psim_report_cause(*state, &violation, out), 0);
	violation.cause_step = 99;	/* not in the trace */
	assert_int_equal(p2psim_report_cause(*state, &violation, out), 0);
	fclose(out);
	assert_string_equal(text, "  Cause: step 1 by app: app:frees, in munmap(0x10000)\n"
				  "  Cause: step 2 by app: app:rests\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_violation_says_oracle_task_step_cause_line_and_sentence),
		core_test(test_what_is_not_known_is_left_out),
		core_test(test_a_long_sentence_is_wrapped_and_an_endless_word_is_cut),
		core_test(test_a_full_disk_is_an_error),
		core_test_rubble(test_a_violation_and_its_cause_are_marked_in_the_picture),
		core_test_rubble(test_a_cause_that_is_not_known_is_not_marked),
		core_test_rubble(test_the_cause_is_told_with_the_section_in_which_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
