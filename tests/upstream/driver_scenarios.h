/* SPDX-License-Identifier: MIT */
/* The scenarios of parts of drivers: arrays that end with an entry whose name is NULL; and the process that each begins with. */
#ifndef TESTS_DRIVER_SCENARIOS_H
#define TESTS_DRIVER_SCENARIOS_H

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>
#include <p2psim/scenario.h>

#define REGION 0x200000UL
#define AT(page) (REGION + ((unsigned long)(page) << PAGE_SHIFT))

/*
 * With pages of its own at REGION.  The first `touched` are there: the first byte of one is an 'a', of the next a 'b'.
 * NULL: out of memory.
 */
static inline struct p2psim_process *process_with_region(unsigned long pages, unsigned long touched)
{
	struct p2psim_process *app = p2psim_process_create("app");
	unsigned long page;

	if (!app)
		return NULL;
	p2psim_mmap(app, REGION, pages << PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	for (page = 0; page < touched; page++)
		p2psim_store_byte(app, AT(page), (unsigned char)('a' + page));
	return app;
}

extern const struct p2psim_scenario odp_scenarios[], radeon_scenarios[];

#endif
