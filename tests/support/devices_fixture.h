/* SPDX-License-Identifier: MIT */
/*
 * The fixture of the device tests: the machine of the mail scenarios (gpu0 and nic0 below one switch, a process "app") in a
 * world of its own, with a few one-line helpers.
 *
 * Teardown takes the machine down and asserts that nothing is left, unless the test has provoked a violation.
 */
#ifndef P2PSIM_TESTS_DEVICES_FIXTURE_H
#define P2PSIM_TESTS_DEVICES_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/check.h>
#include <p2psim/report.h>
#include <p2psim/task.h>
#include <p2psim/world.h>

#include "machine.h"

/* Pages of the process that the tests use. */
#define VA(n) (0x10000UL + (n) * PAGE_SIZE)

struct devices {
	struct p2psim_world *world;
	struct machine m;
	bool provoked;	/* the test made a violation: what is left over is its fault */
};

static inline void devices_quiet(const struct p2psim_violation *violation, void *arg)
{
	(void)violation;
	(void)arg;
}

static inline int devices_setup(void **state)
{
	struct p2psim_config config = { .trace_events = 2048 };
	struct machine_config machine = {};
	struct devices *d = calloc(1, sizeof(*d));

	if (!d)
		return -1;
	*state = d;
	d->world = p2psim_world_create(&config);
	return d->world ? machine_build(&d->m, &machine) : -1;
}

static inline int devices_teardown(void **state)
{
	struct devices *d = *state;
	const struct p2psim_violation *violation;
	int ret = 0;

	if (!d->provoked) {
		machine_demolish(&d->m);
		p2psim_world_check_quiescent(d->world);
		violation = p2psim_world_violation(d->world);
		if (violation) {
			p2psim_report_text(d->world, stderr, P2PSIM_REPORT_SETUP);
			p2psim_report_violation(violation, stderr);
			ret = -1;
		}
	}
	p2psim_world_destroy(d->world);
	free(d);
	return ret;
}

/* From here on violations are expected: they are not told on stderr, and teardown asks nothing. */
static inline void devices_provoke(struct devices *d)
{
	d->provoked = true;
	p2psim_world_on_violation(d->world, devices_quiet, NULL);
}

/* The first violation so far is one of `oracle`. */
static inline void assert_fired(struct devices *d, enum p2psim_oracle oracle)
{
	const struct p2psim_violation *violation = p2psim_world_violation(d->world);

	assert_non_null(violation);
	if (violation->oracle != oracle)
		print_error("%s: %s\n", p2psim_oracle_name(violation->oracle), violation->sentence);
	assert_int_equal(violation->oracle, oracle);
}

static inline void assert_nothing_fired(struct devices *d)
{
	const struct p2psim_violation *violation = p2psim_world_violation(d->world);

	if (violation)
		print_error("%s: %s\n", p2psim_oracle_name(violation->oracle), violation->sentence);
	assert_null(violation);
}

/* A one-byte access by the nic: what the byte is, or -errno. */
static inline int nic_get(struct devices *d, unsigned long va)
{
	unsigned char byte = 0;
	int ret = p2psim_nic_read(d->m.mr, va, &byte, 1);

	return ret ? ret : byte;
}

static inline int nic_put(struct devices *d, unsigned long va, char byte)
{
	return p2psim_nic_write(d->m.mr, va, &byte, 1);
}

/* The byte that the gpu's engine sees. */
static inline int engine_get(struct p2psim_gpu_object *bo, unsigned long offset)
{
	unsigned char byte = 0;
	int ret = p2psim_gpu_object_read(bo, offset, &byte, 1);

	return ret ? ret : byte;
}

static inline int engine_put(struct p2psim_gpu_object *bo, unsigned long offset, char byte)
{
	return p2psim_gpu_object_write(bo, offset, &byte, 1);
}

#define device_test(name) cmocka_unit_test_setup_teardown(name, devices_setup, devices_teardown)

#endif
