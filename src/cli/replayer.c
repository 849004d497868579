/* SPDX-License-Identifier: MIT */
/*
 * The verbs.
 */
#define _GNU_SOURCE
#include "cli/replayer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/slab.h>
#include <p2psim/world.h>

#define ELSEWHERE 0x400000UL

struct verb {
	const char *name;
	int arguments;
	bool (*supports)(const struct recorded_op *op);	/* NULL: always */
	void (*perform)(struct replayer *r, const struct recorded_op *op, char *ret, size_t size);
};

static unsigned long hex(const char *word)
{
	return strtoul(word, NULL, 16);
}

static unsigned long address(const char *word)
{
	return WINDOW_BASE + hex(word);
}

static void say_error(int error, char *ret, size_t size)
{
	const char *name = strerrorname_np(-error);

	snprintf(ret, size, "%s", name ? name : "?");
}

static void say_status(long status, char *ret, size_t size)
{
	if (status < 0)
		say_error((int)status, ret, size);
	else
		snprintf(ret, size, "%ld", status);
}

static void say_address(const struct replayer *r, long addr, char *ret, size_t size)
{
	unsigned long offset = (unsigned long)addr - WINDOW_BASE;

	if ((unsigned long)addr >= (unsigned long)-4095)
		say_error((int)addr, ret, size);
	else if (offset < r->window)
		snprintf(ret, size, "0x%lx", offset);
	else
		snprintf(ret, size, "OUT");
}

static void say_signal(const struct replayer *r, char *ret, size_t size)
{
	const struct p2psim_signal *signal = p2psim_process_signal(r->process);

	if (signal->signo == SIGBUS)
		snprintf(ret, size, "SIGBUS/ADRERR");
	else
		snprintf(ret, size, "SIGSEGV/%s", signal->code == P2PSIM_SEGV_MAPERR ? "MAPERR" : "ACCERR");
}

static int prot_of(const char *word)
{
	return (word[0] == 'r' ? PROT_READ : 0) | (word[1] == 'w' ? PROT_WRITE : 0) | (word[2] == 'x' ? PROT_EXEC : 0);
}

/* "p,fixed,populate" to MAP_*; false: something that is not there yet. */
static bool read_map_flags(const char *word, int *flags)
{
	static const struct {
		const char *name;
		int flag;
	} names[] = { { "p", MAP_PRIVATE },	  { "fixed", MAP_FIXED }, { "noreplace", MAP_FIXED_NOREPLACE },
		      { "hint", 0 },		  { "populate", MAP_POPULATE }, { "norsv", MAP_NORESERVE } };
	char copy[128], *part, *rest = NULL;
	size_t i;

	*flags = MAP_ANONYMOUS;
	snprintf(copy, sizeof(copy), "%s", word);
	for (part = strtok_r(copy, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i].name, part); i++)
			;
		if (i == sizeof(names) / sizeof(names[0]))
			return false;
		*flags |= names[i].flag;
	}
	return *flags & MAP_PRIVATE;
}

static bool supports_mmap(const struct recorded_op *op)
{
	int flags;

	return !strcmp(op->words[5], "anon") && read_map_flags(op->words[4], &flags);
}

static void do_mmap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	int flags;

	read_map_flags(op->words[4], &flags);
	say_address(r,
		    p2psim_mmap(r->process, address(op->words[1]), hex(op->words[2]), prot_of(op->words[3]), flags, NULL,
				hex(op->words[6])),
		    ret, size);
}

static void do_munmap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_munmap(r->process, address(op->words[1]), hex(op->words[2])), ret, size);
}

static void do_mprotect(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_mprotect(r->process, address(op->words[1]), hex(op->words[2]), prot_of(op->words[3])), ret,
		   size);
}

static void do_mremap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	const char *word = op->words[4];
	int flags = (strchr(word, 'm') ? MREMAP_MAYMOVE : 0) | (strchr(word, 'f') ? MREMAP_FIXED : 0) |
		    (strchr(word, 'd') ? MREMAP_DONTUNMAP : 0);

	say_address(r, p2psim_mremap(r->process, address(op->words[1]), hex(op->words[2]), hex(op->words[3]), flags,
				     address(op->words[5])),
		    ret, size);
}

static bool supports_madvise(const struct recorded_op *op)
{
	return !strcmp(op->words[3], "DONTNEED");
}

static void do_madvise(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_madvise(r->process, address(op->words[1]), hex(op->words[2]), MADV_DONTNEED), ret, size);
}

static void do_rd(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	int byte = p2psim_load_byte(r->process, address(op->words[1]));

	if (byte < 0)
		say_signal(r, ret, size);
	else
		snprintf(ret, size, "%d", byte);
}

static void do_wr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	if (p2psim_store_byte(r->process, address(op->words[1]), (uint8_t)atoi(op->words[2])))
		say_signal(r, ret, size);
	else
		snprintf(ret, size, "0");
}

static void do_rdr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long addr = address(op->words[1]), end = addr + hex(op->words[2]);
	long sum = 0;
	int byte;

	for (; addr < end; addr += PAGE_SIZE) {
		byte = p2psim_load_byte(r->process, addr);
		if (byte < 0) {
			say_signal(r, ret, size);
			return;
		}
		sum += byte;
	}
	snprintf(ret, size, "%ld", sum);
}

static void do_wrr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long addr = address(op->words[1]), end = addr + hex(op->words[2]);

	for (; addr < end; addr += PAGE_SIZE) {
		if (p2psim_store_byte(r->process, addr, (uint8_t)atoi(op->words[3]))) {
			say_signal(r, ret, size);
			return;
		}
	}
	snprintf(ret, size, "0");
}

static char entry_letter(unsigned long entry)
{
	if (entry & HMM_PFN_ERROR)
		return 'e';
	if (!(entry & HMM_PFN_VALID))
		return '.';
	return entry & HMM_PFN_WRITE ? 'w' : 'r';
}

/* "w1r1.6" */
static void say_entries(const unsigned long *pfns, unsigned long count, char *text, size_t size)
{
	unsigned long i, run;
	size_t used = 0;

	for (i = 0; i < count && used < size; i += run) {
		for (run = 1; i + run < count && entry_letter(pfns[i + run]) == entry_letter(pfns[i]); run++)
			;
		used += (size_t)snprintf(text + used, size - used, "%c%lu", entry_letter(pfns[i]), run);
	}
}

static void do_hmm(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long start = address(op->words[1]), count = strtoul(op->words[2], NULL, 10);
	struct hmm_range range = { .notifier = &r->interval, .start = start, .end = start + count * PAGE_SIZE };
	unsigned long *pfns = kcalloc(count + 1, sizeof(*pfns), GFP_KERNEL);
	size_t used;
	int error;

	if (!pfns) {
		say_error(-ENOMEM, ret, size);
		return;
	}
	range.hmm_pfns = pfns;
	if (op->words[3][0] != 's')
		range.default_flags = HMM_PFN_REQ_FAULT | (op->words[3][0] == 'w' ? HMM_PFN_REQ_WRITE : 0);
	do {
		range.notifier_seq = mmu_interval_read_begin(&r->interval);
		mmap_read_lock(r->mm);
		error = hmm_range_fault(&range);
		mmap_read_unlock(r->mm);
	} while (error == -EBUSY);
	say_status(error, ret, size);
	used = strlen(ret);
	used += (size_t)snprintf(ret + used, size - used, "/");
	say_entries(pfns, count, ret + used, size - used);
	kfree(pfns);
}

static void do_exit(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	(void)op;
	p2psim_process_exit(r->process);
	r->process = NULL;
	snprintf(ret, size, "0");
}

static const struct verb verbs[] = {
	{ "mmap", 6, supports_mmap, do_mmap },
	{ "munmap", 2, NULL, do_munmap },
	{ "mprotect", 3, NULL, do_mprotect },
	{ "mremap", 5, NULL, do_mremap },
	{ "madvise", 3, supports_madvise, do_madvise },
	{ "rd", 1, NULL, do_rd },
	{ "wr", 2, NULL, do_wr },
	{ "rdr", 2, NULL, do_rdr },
	{ "wrr", 3, NULL, do_wrr },
	{ "hmm", 3, NULL, do_hmm },
	{ "exit", 0, NULL, do_exit },
};

static const struct verb *verb_of(const struct recorded_op *op)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, op->words[0]) && op->word_count == verbs[i].arguments + 1)
			return &verbs[i];
	return NULL;
}

bool replayer_supports(const struct recorded_op *op)
{
	const struct verb *verb = verb_of(op);

	return verb && (!verb->supports || verb->supports(op));
}

void replayer_do(struct replayer *r, const struct recorded_op *op, struct answer *answer)
{
	r->logged = 0;
	answer->vma_count = 0;
	verb_of(op)->perform(r, op, answer->ret, sizeof(answer->ret));
	replayer_events(r, answer);
	if (!r->process)
		return;
	replayer_vmas(r, answer);
	replayer_pages(r, answer);
}

int replayer_begin(struct replayer *r, unsigned long window_pages)
{
	memset(r, 0, sizeof(*r));
	r->window = window_pages * PAGE_SIZE;
	r->world = p2psim_world_create(NULL);
	if (!r->world)
		return -ENOMEM;
	r->process = p2psim_process_create("recorded");
	if (!r->process)
		return -ENOMEM;
	r->mm = p2psim_process_mm(r->process);
	/* A real process has a program and a stack outside the window: exit() finds something to unmap. */
	p2psim_mmap(r->process, ELSEWHERE, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return replayer_subscribe(r);
}

void replayer_end(struct replayer *r)
{
	if (r->process)
		p2psim_process_exit(r->process);
	replayer_unsubscribe(r);
	p2psim_world_destroy(r->world);
}
