/* SPDX-License-Identifier: MIT */
/*
 * Modules: drivers in shared objects of their own.
 *
 *	dlopen()            its struct module, which every module brings along, and its memory as it is: saved once a process
 *	insert              claimed for a world; memory put back; parameters; init()
 *	remove              exit(); the claim stays: one life an execution, because the simulated machine may still point at it
 *	end of execution    the claim goes
 *
 * The book-keeping lies in the module's own struct module, not in the library: one copy a process, like the data that it guards.
 * Left out compared with the kernel: dependencies, symbols of other modules, unloading (the file stays mapped), versions.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <p2psim/check.h>
#include <p2psim/module.h>

#include "core/internal.h"
#include "core/module.h"

static int complain(struct p2psim_world *world, int error)
{
	const char *said = dlerror();

	snprintf(world->module_error, sizeof(world->module_error), "%s", said ? said : "it is no module");
	return error;
}

const char *p2psim_module_error(void)
{
	return p2psim_world_missing("p2psim_module_error") ? "" : p2psim_world_here()->module_error;
}

/* What a process that was forked inherits is a copy: whoever had it there does not have it here. */
static bool is_claimed(const struct module *module, const struct p2psim_world *seen)
{
	return seen && module->process == (long)getpid();
}

static int claim(struct p2psim_world *world, struct module *module)
{
	struct p2psim_world *seen = __atomic_load_n(&module->world, __ATOMIC_ACQUIRE);

	if (is_claimed(module, seen))
		return seen == world ? -EEXIST : -EBUSY;
	if (!__atomic_compare_exchange_n(&module->world, &seen, world, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return -EBUSY;
	module->process = (long)getpid();
	module->next = world->modules;
	world->modules = module;
	return 0;
}

void p2psim_modules_let_go(struct p2psim_world *world)
{
	struct module *module = world->modules, *next;

	for (world->modules = NULL; module; module = next) {
		next = module->next;
		module->next = NULL;
		__atomic_store_n(&module->world, NULL, __ATOMIC_RELEASE);
	}
}

/* "./path/test_hmm.so" is "test_hmm". */
static void set_name(struct module *module, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strchr(base, '.');
	int length = dot ? (int)(dot - base) : (int)strlen(base);

	snprintf(module->name, sizeof(module->name), "%.*s", length, base);
}

/* As it was when the file was loaded; only the loader's own words stay. */
static int put_back(struct module *module, void *handle)
{
	struct module kept;

	if (!module->memory)
		module->memory = p2psim_module_memory_save(handle);
	if (!module->memory)
		return -ENOMEM;
	kept = *module;
	p2psim_module_memory_restore(module->memory);
	*module = kept;
	module->refs = 0;
	module->live = false;
	return 0;
}

static int start(struct module *module, void *handle, const char *path, const char *params)
{
	int (*init)(void) = (int (*)(void))dlsym(handle, "init_module");
	int error;

	if (!init)
		return complain(p2psim_world_here(), -ENOEXEC);
	error = put_back(module, handle);
	if (error)
		return error;
	set_name(module, path);
	module->exit = (void (*)(void))dlsym(handle, "cleanup_module");
	p2psim_object_init(&module->obj, module->name);
	error = p2psim_module_set_params(module, params);
	if (error)
		return error;
	module->live = true; /* init() may take references for what it starts */
	error = init();
	if (error)
		module->live = false;
	return error;
}

int(p2psim_module_insert)(const char *path, const char *params, struct module **inserted)
{
	struct p2psim_world *world = p2psim_world_here();
	struct module *module;
	void *handle;
	int error;

	if (p2psim_world_missing("p2psim_module_insert"))
		return -EINVAL;
	if (inserted)
		*inserted = NULL;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays: the simulated machine may point at it until the reset */
	if (!handle)
		return complain(world, access(path, F_OK) ? -ENOENT : -ENOEXEC);
	module = dlsym(handle, "__this_module");
	if (!module)
		return complain(world, -ENOEXEC);
	error = claim(world, module);
	if (error)
		return error;
	error = start(module, handle, path, params);
	if (!error && inserted)
		*inserted = module;
	return error;
}

int(p2psim_module_remove)(struct module *module)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&module->obj), true, "rmmod");
	if (!module->live || module->refs || !module->exit)
		return module->live ? -EBUSY : -ENOENT;
	module->live = false;
	module->exit();
	return 0;
}

bool try_module_get(struct module *module)
{
	if (!module)
		return true;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&module->obj), true, "try_module_get");
	if (!module->live)
		return false;
	module->refs++;
	return true;
}

void __module_get(struct module *module)
{
	if (!try_module_get(module))
		p2psim_violate(P2PSIM_UAF, 0, module->obj.id, 0, "a reference is taken of module %s, which is going",
			       module->name);
}

void module_put(struct module *module)
{
	if (!module)
		return;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&module->obj), true, "module_put");
	if (module->refs)
		module->refs--;
	else
		p2psim_violate(P2PSIM_BALANCE, 0, module->obj.id, 0, "module_put() of %s, which has no reference", module->name);
}
