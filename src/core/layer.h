/* SPDX-License-Identifier: MIT */
/*
 * What the layers above get from the core besides the public API: a slot of the world for their state, and memory of the
 * arena for bookkeeping that the simulated machine does not see.
 */
#ifndef P2PSIM_CORE_LAYER_H
#define P2PSIM_CORE_LAYER_H

#include <p2psim/base.h>
#include <p2psim/world.h>

enum p2psim_layer {
	P2PSIM_LAYER_NOTIFIER,
	P2PSIM_LAYER_VMA,
	P2PSIM_LAYER_P2P,
	P2PSIM_LAYER_HMM,
	P2PSIM_LAYER_DEVICES,
	P2PSIM_LAYER_IOPORT,	/* regions of physical addresses (src/vma/ioport.c) */
	P2PSIM_LAYER_CHRDEV,	/* numbers of character devices and their nodes (src/p2p/chrdev.c) */
	P2PSIM_LAYER_REASON,	/* the last refusal of each task (src/vma/reason.c): all layers from vma up share it */
	P2PSIM_LAYER_IRQ,	/* interrupt lines (src/core/irq.c) */
	P2PSIM_LAYER_IOMEM,	/* addresses of ioremap() (src/p2p/iomem.c) */
	P2PSIM_LAYER_NR
};

/* The layer's state in this execution: zeroed at its first use, gone with the execution. NULL: the arena is full. */
void *p2psim_layer_state(enum p2psim_layer layer, size_t size);
/* The state if it was used in this execution, else NULL. */
void *p2psim_layer_peek(enum p2psim_layer layer);
/* `check` is called by p2psim_world_check_quiescent(), lower layers last; reports LEAK/BALANCE by p2psim_violate(). */
void p2psim_layer_on_quiescent(enum p2psim_layer layer, void (*check)(void *state));

/* Zeroed bookkeeping memory: no injection point, no leak, lives until the reset.  NULL: the arena is full. */
void *p2psim_arena_alloc(size_t size);

/*
 * Simulated memory in blocks of PAGE_SIZE (page tables, page contents): zeroed, aligned, an injection point.
 * What lives at the end is counted as LEAK under `what` (static).
 */
void *p2psim_block_alloc(const char *what);
/* The same, and no injection point: for what the machine has already, such as the bytes of a page of RAM. */
void *p2psim_block_alloc_sure(const char *what);
void p2psim_block_free(void *block, const char *what);

/* An injection point of one's own; true: this allocation has to fail. */
bool p2psim_inject_point(void);

/* Does `ptr` lie in freed memory of the arena?  Cheap enough for each entry of an API, not for each step. */
bool p2psim_ptr_is_freed(const void *ptr);

/* Where a pointer leads: whose memory, as far as the machine is concerned. */
enum p2psim_memory {
	P2PSIM_MEMORY_NONE,		/* a stack, a static variable, bookkeeping: nothing that a device could reach */
	P2PSIM_MEMORY_KMALLOC,
	P2PSIM_MEMORY_BLOCK,		/* p2psim_block_alloc() */
};
/* *start, *bytes: what lies together around it and is of one sort, a multiple of 64 KiB (KMALLOC) or a block of PAGE_SIZE. */
enum p2psim_memory p2psim_memory_at(const void *ptr, char **start, size_t *bytes);

/* The allocation of kmalloc() around a pointer; false: none was ever there. */
struct p2psim_kmalloc {
	uint32_t id;			/* what READ_ONCE() names in its step; units are bytes */
	uint32_t size;			/* asked for */
	uint64_t offset;		/* of the pointer in it */
	bool freed;
	const struct p2psim_site *site;	/* who allocated it, or who freed it */
};
bool p2psim_kmalloc_around(const void *ptr, struct p2psim_kmalloc *found);

/* src/core/pid.c: nobody finds the task any more; what stands for a process is freed with its last reference. */
void p2psim_pid_exit(struct task_struct *task);
/* It has no address space any more: get_task_mm() says NULL. */
void p2psim_pid_exit_mm(struct task_struct *task);

/* Mixes a value into the end-state hash that replay verifies: call it from quiescent checks in a fixed order. */
void p2psim_end_hash_add(uint64_t value);

#endif
