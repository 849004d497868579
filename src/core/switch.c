/* SPDX-License-Identifier: MIT */
/*
 * Stacks and the switch between them.  A stack is mapped once, with a guard page below, and reused by all executions.
 */
#define _GNU_SOURCE
#include "core/switch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <p2psim/base.h>

#ifdef P2PSIM_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

#ifdef P2PSIM_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef P2PSIM_SWITCH_UCONTEXT
#include <ucontext.h>
#endif

static size_t guard_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int p2psim_context_create(struct p2psim_context *context, size_t stack_bytes)
{
	size_t guard = guard_bytes();
	char *map = mmap(NULL, stack_bytes + guard, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	mprotect(map, guard, PROT_NONE);
	context->stack = map + guard;
	context->bytes = stack_bytes;
	context->asan_bottom = context->stack;
	context->asan_bytes = stack_bytes;
	context->valgrind_id = VALGRIND_STACK_REGISTER(context->stack, map + guard + stack_bytes);
	return 0;
}

#ifdef P2PSIM_SWITCH_UCONTEXT

static void enter(unsigned int entry_high, unsigned int entry_low, unsigned int arg_high, unsigned int arg_low)
{
	void (*entry)(void *) = (void (*)(void *))(((uintptr_t)entry_high << 32) | entry_low);

	entry((void *)(((uintptr_t)arg_high << 32) | arg_low));
}

static void prepare(struct p2psim_context *context, void (*entry)(void *), void *arg)
{
	uintptr_t e = (uintptr_t)entry, a = (uintptr_t)arg;
	/* The ucontext_t lives at the far end of the stack that it describes. */
	ucontext_t *uc = (ucontext_t *)((uintptr_t)context->stack + 64);

	getcontext(uc);
	uc->uc_stack.ss_sp = (char *)context->stack + 8192;
	uc->uc_stack.ss_size = context->bytes - 8192;
	uc->uc_link = NULL;
	makecontext(uc, (void (*)(void))enter, 4, (unsigned int)(e >> 32), (unsigned int)e, (unsigned int)(a >> 32),
		    (unsigned int)a);
	context->sp = uc;
}

static void exchange(struct p2psim_context *from, struct p2psim_context *to)
{
	ucontext_t here;

	from->sp = from->stack ? (void *)((uintptr_t)from->stack + 64) : &here;
	swapcontext(from->sp, to->sp);
}

#else

void p2psim_switch_asm(void **save_sp, void *load_sp);

/* Where a fresh stack starts: the registers of prepare() hold the function and its argument. */
void p2psim_switch_trampoline(void);

#if defined(__x86_64__)
__asm__(".text\n"
	".hidden p2psim_switch_trampoline\n"
	".globl p2psim_switch_trampoline\n"
	".type p2psim_switch_trampoline, %function\n"
	"p2psim_switch_trampoline:\n"
	"	endbr64\n"
	"	movq %r12, %rdi\n"
	"	xorl %ebp, %ebp\n"
	"	callq *%rbx\n"
	"	ud2\n"
	".size p2psim_switch_trampoline, . - p2psim_switch_trampoline\n");

static void prepare(struct p2psim_context *context, void (*entry)(void *), void *arg)
{
	/* r15 r14 r13 r12 rbx rbp, return address; rsp is a multiple of 16 in the trampoline */
	uintptr_t *sp = (uintptr_t *)((char *)context->stack + context->bytes) - 9;

	sp[0] = sp[1] = sp[2] = 0;
	sp[3] = (uintptr_t)arg;
	sp[4] = (uintptr_t)entry;
	sp[5] = 0;
	sp[6] = (uintptr_t)p2psim_switch_trampoline;
	sp[7] = sp[8] = 0;
	context->sp = sp;
}
#elif defined(__aarch64__)
__asm__(".text\n"
	".hidden p2psim_switch_trampoline\n"
	".globl p2psim_switch_trampoline\n"
	".type p2psim_switch_trampoline, %function\n"
	"p2psim_switch_trampoline:\n"
	"	mov x0, x19\n"
	"	mov x29, xzr\n"
	"	blr x20\n"
	"	brk #1\n"
	".size p2psim_switch_trampoline, . - p2psim_switch_trampoline\n");

static void prepare(struct p2psim_context *context, void (*entry)(void *), void *arg)
{
	uintptr_t *sp = (uintptr_t *)((char *)context->stack + context->bytes) - 20;
	int i;

	for (i = 0; i < 20; i++)
		sp[i] = 0;
	sp[0] = (uintptr_t)arg;		/* x19 */
	sp[1] = (uintptr_t)entry;	/* x20 */
	sp[11] = (uintptr_t)p2psim_switch_trampoline; /* x30 */
	context->sp = sp;
}
#else
#error "no hand-written switch for this machine: configure with -Dswitch=ucontext"
#endif

static inline void exchange(struct p2psim_context *from, struct p2psim_context *to)
{
	p2psim_switch_asm(&from->sp, to->sp);
}

#endif

void p2psim_context_start(struct p2psim_context *context, void (*entry)(void *arg), void *arg)
{
#ifdef P2PSIM_ASAN
	__asan_unpoison_memory_region(context->stack, context->bytes);
#endif
	context->fake_stack = NULL;
	prepare(context, entry, arg);
}

void p2psim_context_destroy(struct p2psim_context *context)
{
	if (!context->stack)
		return;
	VALGRIND_STACK_DEREGISTER(context->valgrind_id);
#ifdef P2PSIM_ASAN
	__asan_unpoison_memory_region(context->stack, context->bytes);
#endif
	munmap((char *)context->stack - guard_bytes(), context->bytes + guard_bytes());
	context->stack = NULL;
}

void p2psim_context_of_thread(struct p2psim_context *context)
{
#ifdef P2PSIM_ASAN
	pthread_attr_t attr;
	void *bottom;

	if (pthread_getattr_np(pthread_self(), &attr))
		return;
	pthread_attr_getstack(&attr, &bottom, &context->asan_bytes);
	context->asan_bottom = bottom;
	pthread_attr_destroy(&attr);
#else
	(void)context;
#endif
}

void p2psim_context_entered(struct p2psim_context *self)
{
#ifdef P2PSIM_ASAN
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
	(void)self;
}

void p2psim_context_switch(struct p2psim_context *from, struct p2psim_context *to, int dying)
{
#ifdef P2PSIM_ASAN
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake_stack, to->asan_bottom, to->asan_bytes);
#endif
	exchange(from, to);
#ifdef P2PSIM_ASAN
	__sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
	(void)dying;
}
