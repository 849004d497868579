/* SPDX-License-Identifier: MIT */
/* Worlds: several, on several OS threads, reset; ids, names, trace, hash, UUIDs. */
#include "core_world.h"

#include <pthread.h>
#include <stdio.h>

#include <p2psim/quirk.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/slab.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>

#include "core/layer.h"

static void locks_thrice(void *arg)
{
	int i;

	for (i = 0; i < 3; i++) {
		mutex_lock((struct mutex *)arg);
		p2psim_step("inside");
		mutex_unlock((struct mutex *)arg);
	}
}

static uint64_t two_tasks(struct p2psim_world *world)
{
	struct mutex lock;
	struct task_struct *task;

	mutex_init(&lock);
	p2psim_task_spawn("a", locks_thrice, &lock);
	task = p2psim_task_spawn("b", locks_thrice, &lock);
	p2psim_run_until(task, "inside");
	p2psim_run();
	return p2psim_world_trace_hash(world);
}

static void test_the_same_run_has_the_same_hash_after_a_reset(void **state)
{
	uint64_t first = two_tasks(*state);

	p2psim_world_reset(*state);
	assert_int_equal(p2psim_world_steps(*state), 0);
	assert_true(two_tasks(*state) == first);
	assert_int_equal(p2psim_world_steps(*state), 18);
}

/* Pinned: gcc and clang, -O0 and -O2, with and without address randomisation must all come to this number. */
static void test_the_hash_is_the_same_everywhere(void **state)
{
	char text[32];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)two_tasks(*state));
	assert_string_equal(text, "5e27ca830e64ef98");
}

static void test_two_worlds_do_not_see_each_other(void **state)
{
	struct p2psim_world *first = *state, *second = p2psim_world_create(NULL);
	char *p;

	assert_ptr_equal(p2psim_world_current(), second);
	p = kmalloc(10, GFP_KERNEL);
	p2psim_step("x");
	assert_int_equal(p2psim_world_steps(second), 1);
	assert_ptr_equal(p2psim_world_enter(first), second);
	assert_int_equal(p2psim_world_steps(first), 0);
	assert_int_equal(p2psim_world_check_quiescent(first), 0);
	p2psim_world_enter(second);
	kfree(p);
	p2psim_world_destroy(second);
	assert_null(p2psim_world_current());
	p2psim_world_enter(first);
}

static void *thread_main(void *arg)
{
	static const struct p2psim_config config = { .trace_events = 64 };
	struct p2psim_world *world = p2psim_world_create(&config);

	*(uint64_t *)arg = two_tasks(world);
	p2psim_world_destroy(world);
	return NULL;
}

static void test_two_os_threads_run_a_world_each(void **state)
{
	uint64_t hash[2] = { 1, 2 };
	pthread_t thread[2];
	int i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, thread_main, &hash[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_true(hash[0] == hash[1]);
}

static void test_without_a_world_calls_complain_and_return(void **state)
{
	struct p2psim_world *world = p2psim_world_enter(NULL);
	struct mutex lock = __MUTEX_INITIALIZER(lock);

	(void)state;
	mutex_lock(&lock);
	mutex_unlock(&lock);
	p2psim_step("nowhere");
	assert_null(kmalloc(8, GFP_KERNEL));
	assert_null(p2psim_task_spawn("t", locks_thrice, NULL));
	assert_int_equal(p2psim_now(), 0);
	p2psim_world_enter(world);
}

static void test_a_static_lock_is_known_from_its_first_use_in_each_execution(void **state)
{
	static DEFINE_MUTEX(lock);
	uint32_t first;

	mutex_lock(&lock);
	mutex_unlock(&lock);
	first = lock.lock.obj.id;
	assert_string_equal(p2psim_world_object_name(*state, first), "lock");
	p2psim_world_reset(*state);
	mutex_lock(&lock);
	mutex_unlock(&lock);
	assert_int_equal(lock.lock.obj.id, first);
}

static void test_events_become_text_when_they_are_read(void **state)
{
	struct p2psim_world *world = *state;
	struct mutex lock;
	char text[80];

	mutex_init(&lock);
	p2psim_object_rename(&lock.lock.obj, "nic%d.update", 0);
	mutex_lock(&lock);
	p2psim_note("%s(%p, %x) = %e, %d%% of %o by %t", P2PSIM_STR("map"), 0x1000, 255, (uint64_t)-14, (uint64_t)-3,
		    lock.lock.obj.id, 0);
	mutex_unlock(&lock);
	assert_int_equal(p2psim_trace_count(world), 3);
	p2psim_event_format(world, p2psim_trace_at(world, 0), text, sizeof(text));
	assert_string_equal(text, "lock nic0.update");
	p2psim_event_format(world, p2psim_trace_at(world, 1), text, sizeof(text));
	assert_string_equal(text, "map(0x1000, ff) = -EFAULT, -3% of nic0.update by main");
	assert_int_equal(p2psim_event_format(world, p2psim_trace_at(world, 1), text, 5), 53);
	assert_string_equal(text, "map(");
}

static void test_a_string_of_a_note_may_go_before_the_trace_is_read(void **state)
{
	char name[8] = "gpu0", text[32];
	char *heap = kstrdup("nic0", GFP_KERNEL);

	p2psim_note("%s and %s", P2PSIM_STR(name), P2PSIM_STR(heap));
	strcpy(name, "xxxx");
	kfree(heap);
	p2psim_event_format(*state, p2psim_trace_at(*state, 0), text, sizeof(text));
	assert_string_equal(text, "gpu0 and nic0");
}

static void test_the_ring_keeps_the_newest_and_counts_the_lost(void **state)
{
	struct p2psim_world *world = *state;
	int i;

	for (i = 0; i < 600; i++)
		p2psim_note("%d", (uint64_t)i);
	assert_int_equal(p2psim_trace_count(world), 512);
	assert_int_equal(p2psim_trace_lost(world), 88);
	assert_int_equal(p2psim_trace_at(world, 0)->arg[0], 88);
	assert_int_equal(p2psim_trace_at(world, 511)->arg[0], 599);
}

static void test_uuids_depend_on_seed_and_path_only(void **state)
{
	static const struct p2psim_config other = { .seed = 1 };
	struct p2psim_world *world = p2psim_world_create(&other);
	char a[37], b[37], c[37];

	p2psim_world_uuid(*state, "gpu0", a);
	p2psim_world_uuid(*state, "gpu0", b);
	assert_string_equal(a, b);
	assert_int_equal(a[14], '5');
	p2psim_world_uuid(world, "gpu0", c);
	assert_string_not_equal(a, c);
	p2psim_world_destroy(world);
	p2psim_world_enter(*state);
}

static void test_an_oracle_can_be_switched_off(void **state)
{
	static const struct p2psim_config deaf = { .oracles_off = 1u << P2PSIM_LEAK };
	struct p2psim_world *world = p2psim_world_create(&deaf);

	assert_non_null(kmalloc(1, GFP_KERNEL));
	assert_int_equal(p2psim_world_check_quiescent(world), 0);
	p2psim_world_destroy(world);
	p2psim_world_enter(*state);
	assert_int_equal(p2psim_oracle_by_name("lockgraph"), P2PSIM_LOCKGRAPH);
	assert_int_equal(p2psim_oracle_by_name("nonsense"), P2PSIM_NO_ORACLE);
}

static void test_a_quirk_is_on_in_the_world_that_says_so_and_off_by_default(void **state)
{
	static const struct p2psim_config old = { .quirks = P2PSIM_QUIRK(D2_FREE_UNDER_NOTIFIER) };
	struct p2psim_world *world;

	assert_false(p2psim_quirk_on(P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER));
	world = p2psim_world_create(&old);
	assert_true(p2psim_quirk_on(P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER));
	assert_false(p2psim_quirk_on(P2PSIM_QUIRK_D1_ABA));
	p2psim_world_destroy(world);
	p2psim_world_enter(*state);
	assert_string_equal(p2psim_quirk_info(p2psim_quirk_by_name("r13"))->id, "R13");
	assert_int_equal(p2psim_quirk_by_name("R14"), P2PSIM_QUIRK_NR);
	assert_null(p2psim_quirk_info(P2PSIM_QUIRK_NR));
}

static int checks;

static void count_checks(void *layer)
{
	checks += *(int *)layer;
}

static void test_layers_are_checked_at_the_end_and_gone_after_a_reset(void **state)
{
	int *layer = p2psim_layer_state(P2PSIM_LAYER_P2P, sizeof(*layer));

	assert_int_equal(*layer, 0);
	*layer = 5;
	checks = 0;
	assert_ptr_equal(p2psim_layer_state(P2PSIM_LAYER_P2P, sizeof(*layer)), layer);
	p2psim_layer_on_quiescent(P2PSIM_LAYER_P2P, count_checks);
	p2psim_world_check_quiescent(*state);
	assert_int_equal(checks, 5);
	p2psim_world_reset(*state);
	assert_null(p2psim_layer_peek(P2PSIM_LAYER_P2P));
	p2psim_world_check_quiescent(*state);
	assert_int_equal(checks, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_the_same_run_has_the_same_hash_after_a_reset),
		core_test(test_the_hash_is_the_same_everywhere),
		core_test(test_two_worlds_do_not_see_each_other),
		core_test(test_two_os_threads_run_a_world_each),
		core_test(test_without_a_world_calls_complain_and_return),
		core_test(test_a_static_lock_is_known_from_its_first_use_in_each_execution),
		core_test(test_events_become_text_when_they_are_read),
		core_test(test_a_string_of_a_note_may_go_before_the_trace_is_read),
		core_test(test_the_ring_keeps_the_newest_and_counts_the_lost),
		core_test(test_uuids_depend_on_seed_and_path_only),
		core_test(test_an_oracle_can_be_switched_off),
		core_test(test_a_quirk_is_on_in_the_world_that_says_so_and_off_by_default),
		core_test(test_layers_are_checked_at_the_end_and_gone_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
