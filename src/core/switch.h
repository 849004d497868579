/* SPDX-License-Identifier: MIT */
/*
 * One stack to another.  By hand on x86-64 and aarch64 (callee-saved registers pushed, stack pointer exchanged), by
 * ucontext elsewhere or with -Dswitch=ucontext.  All three tell AddressSanitizer and valgrind what they do.
 */
#ifndef P2PSIM_CORE_SWITCH_H
#define P2PSIM_CORE_SWITCH_H

#include <stddef.h>

struct p2psim_context {
	void *sp;			/* saved stack pointer, or the ucontext_t */
	void *stack;			/* lowest address, above the guard page; NULL: the OS thread's own */
	size_t bytes;
	unsigned int valgrind_id;
	void *fake_stack;		/* AddressSanitizer's */
	const void *asan_bottom;
	size_t asan_bytes;
};

/* The context of the calling OS thread's own stack. */
void p2psim_context_of_thread(struct p2psim_context *context);
/* 0 or -ENOMEM.  `entry(arg)` starts at the first switch and must never return. */
int p2psim_context_create(struct p2psim_context *context, size_t stack_bytes);
/* Makes the context start over; the stack is reused. */
void p2psim_context_start(struct p2psim_context *context, void (*entry)(void *arg), void *arg);
void p2psim_context_destroy(struct p2psim_context *context);
/* `dying`: from will never run again. */
void p2psim_context_switch(struct p2psim_context *from, struct p2psim_context *to, int dying);
/* First thing in entry: tells the sanitizer that the switch has happened. */
void p2psim_context_entered(struct p2psim_context *self);

#endif
