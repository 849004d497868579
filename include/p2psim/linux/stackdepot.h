/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/stackdepot.h, 6.1 (declared: no stack is kept; linking names what is asked for). */
#ifndef P2PSIM_LINUX_STACKDEPOT_H
#define P2PSIM_LINUX_STACKDEPOT_H

#include <p2psim/linux/types.h>

typedef u32 depot_stack_handle_t;

depot_stack_handle_t stack_depot_save(unsigned long *entries, unsigned int count, gfp_t flags);
unsigned int stack_depot_fetch(depot_stack_handle_t handle, unsigned long **entries);
void stack_depot_print(depot_stack_handle_t stack);

#endif
