/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/module.h, moduleparam.h, init.h, export.h, 6.1 (reduced: what a driver says about itself is dropped).
 *
 * A driver is linked into a program, and its init and exit functions are called by whoever wants them; or, compiled with MODULE
 * defined, it is a shared object of its own that <p2psim/module.h> loads: then its static data begin anew in every execution.
 */
#ifndef P2PSIM_LINUX_MODULE_H
#define P2PSIM_LINUX_MODULE_H

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/moduleparam.h>
#include <p2psim/linux/printk.h>

#define MODULE_NAME_LEN 56

struct p2psim_world;

struct module {
	char name[MODULE_NAME_LEN];	/* of the file that it was loaded from */

	/* p2psim's own: of the loader, kept when the driver's data are put back (src/core/module.c) */
	const struct p2psim_param *params, *params_end;
	struct p2psim_object obj;
	int refs;			/* of try_module_get(): it cannot go */
	bool live;			/* init() has succeeded, exit() has not begun */
	struct p2psim_world *world;	/* whose it is, until that execution's end */
	struct module *next;		/* of that world's */
	long process;			/* in which the world is */
	void *memory;			/* writable segments as they were */
	void (*exit)(void);
};

#ifdef MODULE
extern const struct p2psim_param __start_p2psim_param[] __attribute__((weak, visibility("hidden")));
extern const struct p2psim_param __stop_p2psim_param[] __attribute__((weak, visibility("hidden")));
extern struct module __this_module;
__attribute__((weak)) P2PSIM_EXPORT struct module __this_module = {
	.params = __start_p2psim_param,
	.params_end = __stop_p2psim_param,
};
#define THIS_MODULE (&__this_module)
#define module_init(fn)                                                                                                \
	P2PSIM_EXPORT int init_module(void);                                                                           \
	int init_module(void)                                                                                          \
	{                                                                                                              \
		return fn();                                                                                           \
	}                                                                                                              \
	struct module
#define module_exit(fn)                                                                                                \
	P2PSIM_EXPORT void cleanup_module(void);                                                                       \
	void cleanup_module(void)                                                                                      \
	{                                                                                                              \
		fn();                                                                                                  \
	}                                                                                                              \
	struct module
#else
#define THIS_MODULE ((struct module *)0)
#define module_init(fn) static __maybe_unused int (*const p2psim_module_init)(void) = fn
#define module_exit(fn) static __maybe_unused void (*const p2psim_module_exit)(void) = fn
#endif

/* False when it is going.  NULL, a driver that is linked in, stays for ever. */
P2PSIM_EXPORT bool try_module_get(struct module *module);
P2PSIM_EXPORT void __module_get(struct module *module);
/* BALANCE when there is no reference. */
P2PSIM_EXPORT void module_put(struct module *module);

static inline const char *module_name(const struct module *module)
{
	return module ? module->name : "kernel";
}

#define MODULE_LICENSE(text) struct module
#define MODULE_AUTHOR(text) struct module
#define MODULE_DESCRIPTION(text) struct module
#define MODULE_VERSION(text) struct module
#define MODULE_ALIAS(text) struct module
#define MODULE_INFO(tag, text) struct module
#define MODULE_FIRMWARE(name) struct module
#define MODULE_SOFTDEP(text) struct module
#define MODULE_IMPORT_NS(name) struct module
#define MODULE_DEVICE_TABLE(type, name) struct module
#define EXPORT_SYMBOL(name) struct module
#define EXPORT_SYMBOL_GPL(name) struct module
#define EXPORT_SYMBOL_NS_GPL(name, ns) struct module

#endif
