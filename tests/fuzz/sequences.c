/* SPDX-License-Identifier: MIT */
/*
 * The running kernel and the simulation answer alike; and the fuzzer finds it when they do not.  usage: sequences P2PSIM
 */
#include "cli_tool.h"

#include "fuzz.h"

#define SEQUENCES 2000

static struct fuzz_sequence sequence;

static struct fuzz_report begin(void)
{
	struct fuzz_report report = {};

	fuzz_real_kernel(&report.major, &report.minor);
	report.kernel = fuzz_kernel_of(report.major, report.minor);
	return report;
}

static void test_2000_sequences_have_no_difference_that_nothing_explains(void **state)
{
	struct fuzz_report report = begin();
	const char *difference = NULL;
	uint64_t seed;
	int at;

	(void)state;
	if (!fuzz_real_is_linux()) {
		print_message("# this is not Linux: nothing to compare with\n");
		return;
	}
	for (seed = 1; seed <= SEQUENCES && !difference; seed++) {
		fuzz_generate(&sequence, seed, 24);
		difference = fuzz_run(&sequence, &report, &at);
	}
	fuzz_print_report(&report, "# ", stdout);
	if (!difference)
		return;
	fuzz_shrink(&sequence, &report);
	fuzz_print(&sequence, stderr);
	fail_msg("seed %llu: %s", (unsigned long long)sequence.seed, difference);
}

/* mmap, then an mprotect() whose cut stays: two operations are enough to see it. */
static void test_a_broken_merge_rule_is_found_and_shrunk_to_a_handful(void **state)
{
	struct fuzz_report report = begin();
	const char *difference = NULL;
	uint64_t seed;
	int at;

	(void)state;
	if (report.kernel == FUZZ_KERNEL_UNKNOWN)
		report.kernel = FUZZ_KERNEL_SAME; /* joined VMAs would hide it */
	fuzz_sim_break_merging(true);
	for (seed = 1; seed <= 100 && !difference; seed++) {
		fuzz_generate(&sequence, seed, 24);
		difference = fuzz_run(&sequence, &report, &at);
	}
	fuzz_shrink(&sequence, &report);
	fuzz_sim_break_merging(false);
	assert_non_null(difference);
	assert_in_range(sequence.count, 1, 4);
	assert_null(fuzz_run(&sequence, &report, &at));
}

/* The window has two mappings, one of them written, moved and cut: whatever the kernel's version, it answers like 6.1. */
static void test_a_sequence_is_printed_as_a_recording_that_replays(void **state)
{
	static const struct fuzz_op ops[] = {
		{ .verb = FUZZ_MMAP, .addr = 0x4000, .len = 0x4000, .prot = 3,
		  .flags = FUZZ_PRIVATE | FUZZ_FIXED | FUZZ_ANONYMOUS, .file = -1 },
		{ .verb = FUZZ_WRITE, .addr = 0x5000, .value = 7, .file = -1 },
		{ .verb = FUZZ_MPROTECT, .addr = 0x5000, .len = 0x1000, .prot = 1, .file = -1 },
		{ .verb = FUZZ_MMAP, .addr = 0x10000, .len = 0x2000, .prot = 1, .flags = FUZZ_SHARED | FUZZ_FIXED, .file = 1 },
		{ .verb = FUZZ_MREMAP, .addr = 0x5000, .len = 0x1000, .new_len = 0x1000,
		  .flags = FUZZ_MAYMOVE | FUZZ_MREMAP_FIXED, .new_addr = 0x20000, .file = -1 },
		{ .verb = FUZZ_MADVISE, .addr = 0x4000, .len = 0x8000, .advice = 4, .file = -1 },
		{ .verb = FUZZ_READ, .addr = 0x20000, .file = -1 },
	};
	char path[] = "/tmp/p2psim-test-XXXXXX.txt";
	FILE *file = fdopen(mkstemps(path, 4), "w");

	(void)state;
	assert_non_null(file);
	memcpy(sequence.ops, ops, sizeof(ops));
	sequence.count = sizeof(ops) / sizeof(ops[0]);
	fuzz_print(&sequence, file);
	fclose(file);
	assert_tool(0, "ops 7 mismatches 0 unsupported 0\n", NULL, "conform", path);
	unlink(path);
}

static void test_a_newer_kernel_is_compared_as_the_table_says(void **state)
{
	(void)state;
	assert_int_equal(fuzz_kernel_of(6, 1), FUZZ_KERNEL_SAME);
	assert_int_equal(fuzz_kernel_of(6, 12), FUZZ_KERNEL_KNOWN);
	assert_int_equal(fuzz_kernel_of(6, 2), FUZZ_KERNEL_UNKNOWN);
	assert_int_equal(fuzz_kernel_of(7, 0), FUZZ_KERNEL_UNKNOWN);
}

/* Two neighbours that look alike, one with what 6.12 would have taken away. */
static void test_an_exception_is_no_excuse_for_anything_else(void **state)
{
	struct fuzz_report known = { .kernel = FUZZ_KERNEL_KNOWN, .major = 6, .minor = 12 };
	struct fuzz_report same = { .kernel = FUZZ_KERNEL_SAME, .major = 6, .minor = 1 };
	struct fuzz_op op = { .verb = FUZZ_MPROTECT };
	struct fuzz_answer real = { .ret = "0", .vma_count = 1, .vmas = { { 0, 0x2000, 0, "r--p", "anon" } } };
	struct fuzz_answer sim = { .ret = "0", .vma_count = 2,
				   .vmas = { { 0, 0x1000, 0, "r--p", "anon", .vm_flags = 0x100071 },
					     { 0x1000, 0x2000, 0, "r--p", "anon", .vm_flags = 0x71 } } };

	(void)state;
	assert_null(fuzz_compare(&known, &op, &real, &sim));
	assert_int_equal(known.exceptions[FUZZ_ACCOUNT], 1);
	assert_non_null(fuzz_compare(&same, &op, &real, &sim));
	sim.vmas[0].vm_flags = 0x71;
	assert_null(fuzz_compare(&known, &op, &real, &sim)); /* excused before: it stays */
	memset(known.excused, 0, sizeof(known.excused));
	assert_non_null(fuzz_compare(&known, &op, &real, &sim));
	sim.vmas[1].anon_vma = 2;
	assert_null(fuzz_compare(&known, &op, &real, &sim));
	strcpy(sim.ret, "EINVAL");
	assert_string_equal(fuzz_compare(&known, &op, &real, &sim), "the results differ");
}

/* What came with a late 6.1 is not done anywhere: a version number does not tell early from late. */
static void test_dontunmap_beside_its_untouched_source_is_left_out(void **state)
{
	struct fuzz_report same = { .kernel = FUZZ_KERNEL_SAME, .major = 6, .minor = 1 };
	struct fuzz_answer vmas = { .ret = "0", .vma_count = 1, .vmas = { { 0x4000, 0x8000, 0, "rw-p", "anon" } } };
	struct fuzz_op op = { .verb = FUZZ_MREMAP, .flags = FUZZ_DONTUNMAP | FUZZ_MREMAP_FIXED, .addr = 0x6000, .len = 0x1000,
			      .new_len = 0x1000, .new_addr = 0x8000 };

	(void)state;
	assert_false(fuzz_may_mremap(&same, &op, &vmas, &vmas));
	op.new_addr = 0x3000;
	assert_false(fuzz_may_mremap(&same, &op, &vmas, &vmas));
	assert_int_equal(same.exceptions[FUZZ_DONTUNMAP_BESIDE], 2);
	op.new_addr = 0x9000;
	assert_true(fuzz_may_mremap(&same, &op, &vmas, &vmas));
	op.new_addr = 0x8000;
	vmas.vmas[0].anon_vma = 1;
	assert_true(fuzz_may_mremap(&same, &op, &vmas, &vmas));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_2000_sequences_have_no_difference_that_nothing_explains),
		cmocka_unit_test(test_a_broken_merge_rule_is_found_and_shrunk_to_a_handful),
		cmocka_unit_test(test_a_sequence_is_printed_as_a_recording_that_replays),
		cmocka_unit_test(test_a_newer_kernel_is_compared_as_the_table_says),
		cmocka_unit_test(test_an_exception_is_no_excuse_for_anything_else),
		cmocka_unit_test(test_dontunmap_beside_its_untouched_source_is_left_out),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("sequences", tests, NULL, NULL);
}
