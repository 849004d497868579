/* SPDX-License-Identifier: MIT */
/*
 * hmm_mirror_is_maybe_supported(): the trial at the registration of a memory region (S14, S15; mails of 2019-01-30).
 */
#include "hmm_bench.h"

#include <p2psim/dma.h>
#include <p2psim/inject.h>
#include <p2psim/linux/hmm.h>

#define RW (PROT_READ | PROT_WRITE)

static int try_pages(struct hmm_bench *t, unsigned long page, unsigned long count)
{
	int ret;

	p2psim_process_attach(t->app);
	ret = hmm_mirror_is_maybe_supported(t->nic0_dev, AT(page), PAGES(count));
	p2psim_process_detach();
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	assert_int_equal(p2psim_vma_map_count(t->mm, NULL, 0, ~0UL), 0);
	assert_int_equal(p2psim_locks_held(), 0);
	return ret;
}

/*	|w|d0 d1|w|	S15: asked of the exporter, nothing is left behind, nothing is faulted in */
static void test_s15_a_trial_leaves_nothing_behind(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 2, 0, RW);
	hmm_bench_anon(t, 3, 1, RW);
	assert_int_equal(try_pages(t, 0, 4), 0);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NONE);
	assert_int_equal(t->gpu.maps, 1);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_true(t->gpu.last_write);
	assert_null(t->mm->pgd);
	assert_int_equal(p2psim_dma_live(t->nic0_dev), 0);
}

/* S14, S15: the trial tells apart what later is -EFAULT for all. */
static void test_s15_a_trial_tells_the_reasons_apart(void **state)
{
	static const struct {
		int error;
		enum p2psim_reason reason;
	} rows[] = {
		{ -EACCES, P2PSIM_REASON_POLICY },     { -EREMOTEIO, P2PSIM_REASON_NOT_ROUTABLE },
		{ -EINVAL, P2PSIM_REASON_NOT_PCI },    { -ENOSPC, P2PSIM_REASON_NO_BAR_SPACE },
		{ -ENODEV, P2PSIM_REASON_DEVICE_GONE }, { -EBUSY, P2PSIM_REASON_BUSY },
		{ -ENOMEM, P2PSIM_REASON_NO_MEMORY },
	};
	struct hmm_bench *t = *state;
	size_t i;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		t->gpu.error = rows[i].error;
		assert_int_equal(try_pages(t, 0, 1), rows[i].error);
		assert_int_equal(p2psim_last_refusal()->reason, rows[i].reason);
	}
}

/*	|.|d|n|	what the mm itself refuses: nothing there, no p2p_map(), not readable */
static void test_s14_what_the_mm_refuses(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.ops.p2p_map = NULL;
	hmm_bench_gpu(t, 1, 1, 0, RW);
	hmm_bench_anon(t, 2, 1, PROT_NONE);
	assert_int_equal(try_pages(t, 0, 1), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_VMA);
	assert_int_equal(try_pages(t, 1, 1), -EOPNOTSUPP);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_EXPORTABLE);
	assert_int_equal(try_pages(t, 2, 1), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_READ);
}

/*	|w|w|	HMM always succeeds with regular memory (mail of 2019-01-30, 17:59) */
static void test_s14_regular_memory_is_always_fine(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_anon(t, 1, 1, PROT_READ);
	assert_int_equal(try_pages(t, 0, 2), 0);
}

/* A read-only VMA is tried for reading. */
static void test_a_trial_asks_for_what_the_vma_allows(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.read_only = true;
	hmm_bench_gpu(t, 0, 1, 0, PROT_READ);
	hmm_bench_gpu(t, 1, 1, 1, RW);
	assert_int_equal(try_pages(t, 0, 1), 0);
	assert_false(t->gpu.last_write);
	assert_int_equal(try_pages(t, 0, 2), -EACCES);
}

/* C3: what the trial granted stays granted. */
static void test_c3_a_trial_is_a_promise(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(try_pages(t, 0, 1), 0);
	t->gpu.error = -EREMOTEIO;
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_WRITE), -EFAULT);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before (C3)");
}

/* The first refusal in ascending order; what was mapped before it is given back. */
static void test_9_12_a_trial_stops_at_the_first_refusal(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu1.error = -EACCES;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	hmm_bench_gpu1(t, 1, 1, 0, RW);
	assert_int_equal(try_pages(t, 0, 4), -EACCES);
	assert_int_equal(t->gpu.unmaps, 1);
}

static void test_a_trial_of_nothing_is_einval(void **state)
{
	struct hmm_bench *t = *state;

	assert_int_equal(try_pages(t, 0, 0), -EINVAL);
	assert_int_equal(hmm_mirror_is_maybe_supported(t->nic0_dev, ~0UL - 10, 100), -EINVAL);
	assert_int_equal(hmm_mirror_is_maybe_supported(t->nic0_dev, AT(0), 1), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_VMA);
}

/* Bytes, not pages: whatever page is touched is tried. */
static void test_a_trial_covers_every_page_touched(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	p2psim_process_attach(t->app);
	assert_int_equal(hmm_mirror_is_maybe_supported(t->nic0_dev, AT(1) - 8, 16), 0);
	p2psim_process_detach();
	assert_int_equal(t->gpu.last_start, AT(0));
	assert_int_equal(t->gpu.last_end, AT(2));
}

static void test_a_trial_without_memory_says_so(void **state)
{
	struct hmm_bench *t = *state;
	int n;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	for (n = 1; n <= 2; n++) {
		p2psim_inject_fail_nth(t->world, n);
		assert_int_equal(try_pages(t, 0, 2), -ENOMEM);
		assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NO_MEMORY);
		p2psim_inject_fail_nth(t->world, 0);
	}
	assert_int_equal(try_pages(t, 0, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hmm_test(test_s15_a_trial_leaves_nothing_behind),
		hmm_test(test_s15_a_trial_tells_the_reasons_apart),
		hmm_test(test_s14_what_the_mm_refuses),
		hmm_test(test_s14_regular_memory_is_always_fine),
		hmm_test(test_a_trial_asks_for_what_the_vma_allows),
		hmm_test(test_c3_a_trial_is_a_promise),
		hmm_test(test_9_12_a_trial_stops_at_the_first_refusal),
		hmm_test(test_a_trial_of_nothing_is_einval),
		hmm_test(test_a_trial_covers_every_page_touched),
		hmm_test(test_a_trial_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
