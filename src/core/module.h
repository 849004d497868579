/* SPDX-License-Identifier: MIT */
/* Modules from inside: the loader, its parameters, and the memory of a shared object. */
#ifndef P2PSIM_CORE_MODULE_H
#define P2PSIM_CORE_MODULE_H

#include <p2psim/linux/module.h>

struct p2psim_module_memory;

/* Writable memory of the object behind a dlopen() handle.  NULL: out of memory, or not to be found. */
struct p2psim_module_memory *p2psim_module_memory_save(void *handle);
void p2psim_module_memory_restore(const struct p2psim_module_memory *memory);

/* "name=value name=value".  0; -EINVAL: there is no such parameter, or that is no value of its type; -ENOMEM. */
int p2psim_module_set_params(const struct module *module, const char *text);

/* The world's execution is over: others may have its modules. */
void p2psim_modules_let_go(struct p2psim_world *world);

#endif
