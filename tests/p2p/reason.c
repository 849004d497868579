/* SPDX-License-Identifier: MIT */
/* Typed refusals: reason, errno, sentence, one for each task. */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/kernel.h>
#include <p2psim/reason.h>
#include <p2psim/step.h>
#include <p2psim/task.h>

/* The middle column of the table of returns. */
static const struct row {
	enum p2psim_reason reason;
	const char *name;
	int error;
} rows[] = {
	{ P2PSIM_REASON_NONE, "NONE", 0 },
	{ P2PSIM_REASON_NO_VMA, "NO_VMA", -EFAULT },
	{ P2PSIM_REASON_NO_READ, "NO_READ", -EFAULT },
	{ P2PSIM_REASON_READ_ONLY, "READ_ONLY", -EPERM },
	{ P2PSIM_REASON_NOT_EXPORTABLE, "NOT_EXPORTABLE", -EOPNOTSUPP },
	{ P2PSIM_REASON_POLICY, "POLICY", -EACCES },
	{ P2PSIM_REASON_NOT_ROUTABLE, "NOT_ROUTABLE", -EREMOTEIO },
	{ P2PSIM_REASON_NOT_PCI, "NOT_PCI", -EINVAL },
	{ P2PSIM_REASON_NO_BAR_SPACE, "NO_BAR_SPACE", -ENOSPC },
	{ P2PSIM_REASON_PIN_REFUSED, "PIN_REFUSED", -EOPNOTSUPP },
	{ P2PSIM_REASON_DEVICE_GONE, "DEVICE_GONE", -ENODEV },
	{ P2PSIM_REASON_BUSY, "BUSY", -EBUSY },
	{ P2PSIM_REASON_NO_MEMORY, "NO_MEMORY", -ENOMEM },
};

static void test_each_reason_has_its_name_and_errno(void **state)
{
	size_t i;

	assert_int_equal(ARRAY_SIZE(rows), P2PSIM_REASON_NR);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(p2psim_reason_name(rows[i].reason), rows[i].name);
		assert_int_equal(p2psim_reason_error(rows[i].reason), rows[i].error);
		assert_int_equal(p2psim_refuse(rows[i].reason, "row %zu", i), rows[i].error);
		assert_int_equal(p2psim_last_refusal()->error, rows[i].error);
	}
	assert_string_equal(p2psim_reason_name((enum p2psim_reason)99), "?");
}

static void test_there_is_none_at_first_and_none_after_it_is_forgotten(void **state)
{
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
	assert_string_equal(p2psim_last_refusal()->sentence, "");
	p2psim_refuse(P2PSIM_REASON_POLICY, "gpu0 keeps %s out", "nic0");
	assert_string_equal(p2psim_last_refusal()->sentence, "gpu0 keeps nic0 out");
	p2psim_refusal_clear();
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
}

static void test_a_long_sentence_is_cut(void **state)
{
	char words[400];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = 0;
	assert_int_equal(p2psim_refuse(P2PSIM_REASON_BUSY, "%s", words), -EBUSY);
	assert_int_equal(strlen(p2psim_last_refusal()->sentence), sizeof(p2psim_last_refusal()->sentence) - 1);
}

static void refuses(void *arg)
{
	p2psim_refuse(P2PSIM_REASON_POLICY, "task %s", (const char *)arg);
	p2psim_step("both have refused");
	P2PSIM_CHECK(!strcmp(p2psim_last_refusal()->sentence + 5, arg));
}

static void test_each_task_keeps_its_own(void **state)
{
	p2psim_task_spawn("one", refuses, "one");
	p2psim_task_spawn("two", refuses, "two");
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
}

static void test_outside_a_world_the_errno_is_still_right(void **state)
{
	struct p2psim_world *world = p2psim_world_enter(NULL);

	assert_int_equal(p2psim_refuse(P2PSIM_REASON_DEVICE_GONE, "nobody is here"), -ENODEV);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
	p2psim_world_enter(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_each_reason_has_its_name_and_errno),
		core_test(test_there_is_none_at_first_and_none_after_it_is_forgotten),
		core_test(test_a_long_sentence_is_cut),
		core_test(test_each_task_keeps_its_own),
		core_test(test_outside_a_world_the_errno_is_still_right),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
