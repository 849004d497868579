/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/moduleparam.h, 6.1 (reduced: numbers, booleans and strings, set when the module is loaded; nothing in
 * sysfs).  In a driver that is linked in, a parameter is a variable.
 */
#ifndef P2PSIM_LINUX_MODULEPARAM_H
#define P2PSIM_LINUX_MODULEPARAM_H

#include <p2psim/linux/kernel.h>

enum p2psim_param_type {
	P2PSIM_PARAM_bool,
	P2PSIM_PARAM_short, P2PSIM_PARAM_ushort,
	P2PSIM_PARAM_int, P2PSIM_PARAM_uint,
	P2PSIM_PARAM_long, P2PSIM_PARAM_ulong,
	P2PSIM_PARAM_ullong,
	P2PSIM_PARAM_charp,
};

struct p2psim_param {
	const char *name;
	void *at;
	enum p2psim_param_type type;
};

#ifdef MODULE
#define p2psim_module_param(name, value, kind)                                                                         \
	static const struct p2psim_param p2psim_param_##name                                                           \
		__attribute__((section("p2psim_param"), used, aligned(sizeof(void *)))) = { #name, (void *)&(value), kind }
#else
#define p2psim_module_param(name, value, kind) struct p2psim_param
#endif
/* `type` is pasted at once: bool is a macro. */
#define module_param_named(name, value, type, mode) p2psim_module_param(name, value, P2PSIM_PARAM_##type)
#define module_param(name, type, mode) p2psim_module_param(name, name, P2PSIM_PARAM_##type)
#define MODULE_PARM_DESC(name, text) struct p2psim_param

#endif
