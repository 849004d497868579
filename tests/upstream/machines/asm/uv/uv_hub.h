/* SPDX-License-Identifier: MIT */
/* What drivers/misc/sgi-gru asks of an SGI UV, a machine of blades.  Declared: linking says what is missing. */
#ifndef TESTS_UPSTREAM_UV_HUB_H
#define TESTS_UPSTREAM_UV_HUB_H

int uv_blade_processor_id(void);
int uv_numa_blade_id(void);
int uv_blade_nr_possible_cpus(int blade);

#endif
