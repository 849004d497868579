/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/module.h, moduleparam.h, init.h, export.h, 6.1 (reduced: a driver is linked, not loaded.  What it
 * says about itself is dropped, and its init and exit functions are called by whoever wants them.)
 */
#ifndef P2PSIM_LINUX_MODULE_H
#define P2PSIM_LINUX_MODULE_H

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/printk.h>

struct module;

#define THIS_MODULE ((struct module *)0)
#define MODULE_LICENSE(text) struct module
#define MODULE_AUTHOR(text) struct module
#define MODULE_DESCRIPTION(text) struct module
#define MODULE_VERSION(text) struct module
#define MODULE_DEVICE_TABLE(type, name) struct module
#define MODULE_PARM_DESC(name, text) struct module
#define module_param(name, type, mode) struct module
#define EXPORT_SYMBOL(name) struct module
#define EXPORT_SYMBOL_GPL(name) struct module
#define module_init(fn) static __maybe_unused int (*const p2psim_module_init)(void) = fn
#define module_exit(fn) static __maybe_unused void (*const p2psim_module_exit)(void) = fn

#endif
