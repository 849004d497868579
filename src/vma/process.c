/* SPDX-License-Identifier: MIT */
/*
 * The simulated process: a name, an mm, the last signal.
 */
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/step.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>

#include "vma/fork.h"
#include "vma/internal.h"

struct p2psim_process {
	struct task_struct leader;	/* first; never runs: the group_leader of whoever makes a system call for it */
	char name[32];
	struct mm_struct *mm;
	struct p2psim_signal signal;
};

static void leader_free(struct task_struct *leader)
{
	kfree(container_of(leader, struct p2psim_process, leader));
}

/* What pid.h sees of a process: a number from the id of its mm, which is the same in every schedule. */
static void leader_init(struct p2psim_process *process)
{
	struct task_struct *leader = &process->leader;

	leader->pid = P2PSIM_TASKS_MAX + (int)process->mm->obj.id;
	leader->group_leader = leader;
	leader->mm = process->mm;
	leader->free = leader_free;
	snprintf(leader->comm, sizeof(leader->comm), "%s", process->name);
	process->mm->owner = leader;
}

struct p2psim_process *(p2psim_process_create)(const char *name)
{
	struct p2psim_process *process = kzalloc(sizeof(*process), GFP_KERNEL);

	if (!process)
		return NULL;
	snprintf(process->name, sizeof(process->name), "%s", name);
	process->mm = mm_alloc(name);
	if (!process->mm) {
		kfree(process);
		return NULL;
	}
	leader_init(process);
	return process;
}

static int copy_process(struct p2psim_process *parent, struct p2psim_process *child, const char *name)
{
	struct system_call call;
	int error;

	snprintf(child->name, sizeof(child->name), "%s", name);
	child->mm = mm_alloc(name);
	if (!child->mm)
		return -ENOMEM;
	memcpy(child->mm->limits, parent->mm->limits, sizeof(child->mm->limits));
	system_call_begin(&call, parent->mm);
	error = dup_mmap(child->mm, parent->mm);
	if (error)
		mmput(child->mm);
	system_call_end(&call);
	return error;
}

int(p2psim_fork)(struct p2psim_process *parent, const char *name, struct p2psim_process **child)
{
	struct p2psim_process *process = kzalloc(sizeof(*process), GFP_KERNEL);
	int error;

	*child = NULL;
	if (!process)
		return -ENOMEM;
	p2psim_enter("%s: fork", P2PSIM_STR(parent->mm->comm));
	error = copy_process(parent, process, name);
	p2psim_leave("fork = %e", (uint64_t)(int64_t)error);
	if (error) {
		kfree(process);
		return error;
	}
	leader_init(process);
	*child = process;
	return 0;
}

void(p2psim_process_exit)(struct p2psim_process *process)
{
	p2psim_enter("%s: exit", P2PSIM_STR(process->mm->comm));
	if (current->mm == process->mm)
		p2psim_process_detach();
	process->mm->owner = NULL;
	p2psim_pid_exit_mm(&process->leader);
	mmput(process->mm);
	p2psim_leave("exited");
	p2psim_pid_exit(&process->leader);
}

struct mm_struct *p2psim_process_mm(const struct p2psim_process *process)
{
	return process->mm;
}

const char *p2psim_process_name(const struct p2psim_process *process)
{
	return process->name;
}

void p2psim_process_attach(struct p2psim_process *process)
{
	current->mm = process->mm;
	current->group_leader = &process->leader;
}

void p2psim_process_detach(void)
{
	current->mm = NULL;
	current->group_leader = current;
}

/* ---- system calls ---- */

void system_call_begin(struct system_call *call, struct mm_struct *mm)
{
	call->outer_mm = current->mm;
	call->outer_leader = current->group_leader;
	call->outer = current->private_data;
	call->released = NULL;
	current->mm = mm;
	if (mm && mm->owner)
		current->group_leader = mm->owner;
	current->private_data = call;
}

void system_call_end(struct system_call *call)
{
	struct file *file;

	current->mm = call->outer_mm;
	current->group_leader = call->outer_leader;
	current->private_data = call->outer;
	while ((file = call->released)) {
		call->released = file->next_released;
		file_release(file);
	}
}

static int access_memory(struct p2psim_process *process, unsigned long addr, void *buf, size_t len, bool write)
{
	struct system_call call;
	int error;

	system_call_begin(&call, process->mm);
	error = p2psim_access_user(process->mm, addr, buf, len, write, &process->signal);
	system_call_end(&call);

	if (len == 1)
		p2psim_note(write ? "*%p = %x: %e" : "*%p is %x: %e", addr, error ? 0 : *(unsigned char *)buf,
			    (uint64_t)(int64_t)error);
	else
		p2psim_note(write ? "store(%p, %x) = %e" : "load(%p, %x) = %e", addr, len, (uint64_t)(int64_t)error);
	return error;
}

int p2psim_load(struct p2psim_process *process, unsigned long addr, void *buf, size_t len)
{
	return access_memory(process, addr, buf, len, false);
}

int p2psim_store(struct p2psim_process *process, unsigned long addr, const void *buf, size_t len)
{
	return access_memory(process, addr, (void *)(uintptr_t)buf, len, true);
}

int p2psim_load_byte(struct p2psim_process *process, unsigned long addr)
{
	unsigned char byte = 0;
	int error = p2psim_load(process, addr, &byte, 1);

	return error ? error : byte;
}

int p2psim_store_byte(struct p2psim_process *process, unsigned long addr, uint8_t value)
{
	return p2psim_store(process, addr, &value, 1);
}

const struct p2psim_signal *p2psim_process_signal(const struct p2psim_process *process)
{
	return &process->signal;
}
