/* SPDX-License-Identifier: MIT */
/*
 * Drivers as modules: a kernel driver, unchanged, compiled with MODULE defined into a shared object of its own.
 *
 *	cc -shared -fPIC -DMODULE $(pkg-config --cflags --libs p2psim-kernel) driver.c -o driver.so
 *
 *	p2psim_module_insert("./driver.so", "debug=1", &module);	the driver's init(), in the entered world
 *	... open its device file, map, explore ...
 *	p2psim_module_remove(module);				its exit()
 *
 * Before init() the driver's static data are put back to what they were when the file was loaded into the process: every
 * execution finds a driver that has just been loaded.  There is one copy of them in a process, so that a module belongs to one
 * world at a time; another world's insert is refused until that execution has ended.  Many worlds at once: many processes
 * (p2psim explore --jobs).
 * The program has to be linked with the shared libp2psim: a module brings its own reference to it.
 */
#ifndef P2PSIM_MODULE_H
#define P2PSIM_MODULE_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct module;

/*
 * params: NULL, or "name=value name=value" of the driver's module_param()s; numbers in C's notation.
 * Return: 0 and *module (may be NULL); -ENOENT: no such file; -ENOEXEC: it cannot be loaded or is no module
 * (p2psim_module_error() says why); -EINVAL: no such parameter, or not its type; -EBUSY: another world has it; -EEXIST: this
 * execution has had it; -ENOMEM; or what init() says.
 * Context: may sleep; no step of its own.
 */
P2PSIM_EXPORT int p2psim_module_insert(const char *path, const char *params, struct module **module);
/* 0; -EBUSY: somebody has a reference (an open file), or the driver has no exit(); -ENOENT: it is going already. */
P2PSIM_EXPORT int p2psim_module_remove(struct module *module);
/* What the dynamic loader said about the last -ENOEXEC or -ENOENT of the entered world; "" if nothing. */
P2PSIM_EXPORT const char *p2psim_module_error(void);

#define p2psim_module_insert(path, params, module) (P2PSIM_HERE(), p2psim_module_insert((path), (params), (module)))
#define p2psim_module_remove(module) (P2PSIM_HERE(), p2psim_module_remove(module))

P2PSIM_END_DECLS

#endif
