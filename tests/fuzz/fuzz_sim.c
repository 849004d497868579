/* SPDX-License-Identifier: MIT */
/*
 * The simulated side: the same calls of a simulated process.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <signal.h>
#include <string.h>

#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/process.h>
#include <p2psim/tmpfs.h>
#include <p2psim/world.h>

#define ELSEWHERE 0x400000UL

static struct {
	struct p2psim_world *world;
	struct p2psim_process *process;
	struct file *files[FUZZ_FILES];
	const void *shared[FUZZ_VMAS_MAX], *anon_vmas[FUZZ_VMAS_MAX];
	int shared_count, anon_vma_count;
	bool broken;
	unsigned long cuts[2];		/* of the last mprotect(), if it is broken */
} sim;

void fuzz_sim_break_merging(bool broken)
{
	sim.broken = broken;
}

bool fuzz_sim_begin(void)
{
	static const char *const names[FUZZ_FILES] = { "f0", "f1" };
	int i;

	if (sim.world)
		p2psim_world_reset(sim.world);
	else
		sim.world = p2psim_world_create(NULL);
	if (!sim.world)
		return false;
	sim.process = p2psim_process_create("fuzz");
	for (i = 0; i < FUZZ_FILES; i++)
		sim.files[i] = p2psim_tmpfs_create(names[i], (16 - 8 * (unsigned int)i) * FUZZ_PAGE);
	p2psim_mmap(sim.process, ELSEWHERE, FUZZ_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	sim.shared_count = sim.anon_vma_count = 0;
	sim.cuts[0] = sim.cuts[1] = 0;
	return sim.process && sim.files[0] && sim.files[1];
}

void fuzz_sim_end(void)
{
	int i;

	p2psim_process_exit(sim.process);
	for (i = 0; i < FUZZ_FILES; i++)
		fput(sim.files[i]);
}

static void say_status(long status, char *ret, size_t size)
{
	if (status < 0)
		snprintf(ret, size, "%s", strerrorname_np((int)-status));
	else
		snprintf(ret, size, "%ld", status);
}

static void say_address(long addr, unsigned long len, char *ret, size_t size)
{
	unsigned long offset = (unsigned long)addr - FUZZ_BASE;

	if ((unsigned long)addr >= (unsigned long)-4095) {
		say_status(addr, ret, size);
	} else if (offset < FUZZ_SPAN) {
		snprintf(ret, size, "0x%lx", offset);
	} else {
		p2psim_munmap(sim.process, (unsigned long)addr, len);
		snprintf(ret, size, "OUT");
	}
}

static void say_signal(char *ret, size_t size)
{
	const struct p2psim_signal *signal = p2psim_process_signal(sim.process);

	if (signal->signo == SIGBUS)
		snprintf(ret, size, "SIGBUS/ADRERR");
	else
		snprintf(ret, size, "SIGSEGV/%s", signal->code == P2PSIM_SEGV_MAPERR ? "MAPERR" : "ACCERR");
}

static void touch(const struct fuzz_op *op, char *ret, size_t size)
{
	int byte = 0;

	if (op->verb == FUZZ_READ)
		byte = p2psim_load_byte(sim.process, FUZZ_BASE + op->addr);
	else
		byte = p2psim_store_byte(sim.process, FUZZ_BASE + op->addr, (uint8_t)op->value);
	if (byte < 0)
		say_signal(ret, size);
	else
		snprintf(ret, size, "%d", byte);
}

static void perform(const struct fuzz_op *op, char *ret, size_t size)
{
	struct file *file = op->file < 0 ? NULL : sim.files[op->file];
	unsigned long addr = FUZZ_BASE + op->addr;

	switch (op->verb) {
	case FUZZ_MMAP:
		say_address(p2psim_mmap(sim.process, addr, op->len, op->prot, op->flags, file, op->offset), op->len, ret, size);
		break;
	case FUZZ_MUNMAP:
		say_status(p2psim_munmap(sim.process, addr, op->len), ret, size);
		break;
	case FUZZ_MPROTECT:
		say_status(p2psim_mprotect(sim.process, addr, op->len, op->prot), ret, size);
		sim.cuts[0] = op->addr;
		sim.cuts[1] = op->addr + op->len;
		break;
	case FUZZ_MREMAP:
		say_address(p2psim_mremap(sim.process, addr, op->len, op->new_len, op->flags, FUZZ_BASE + op->new_addr),
			    op->new_len, ret, size);
		break;
	case FUZZ_MADVISE:
		say_status(p2psim_madvise(sim.process, addr, op->len, op->advice), ret, size);
		break;
	case FUZZ_MLOCK:
		say_status(p2psim_mlock(sim.process, addr, op->len), ret, size);
		break;
	case FUZZ_MUNLOCK:
		say_status(p2psim_munlock(sim.process, addr, op->len), ret, size);
		break;
	default:
		touch(op, ret, size);
		break;
	}
}

static int number_in(const void **list, int *count, const void *what)
{
	int i;

	for (i = 0; i < *count && list[i] != what; i++)
		;
	if (i == *count && i < FUZZ_VMAS_MAX)
		list[(*count)++] = what;
	return i + 1;
}

static void describe(const struct vm_area_struct *from, struct fuzz_vma *vma)
{
	unsigned long flags = from->vm_flags;
	int i;

	vma->start = from->vm_start - FUZZ_BASE;
	vma->end = from->vm_end - FUZZ_BASE;
	vma->offset = from->vm_file ? from->vm_pgoff << PAGE_SHIFT : 0;
	snprintf(vma->perm, sizeof(vma->perm), "%c%c%c%c", flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
		 flags & VM_EXEC ? 'x' : '-', flags & VM_MAYSHARE ? 's' : 'p');
	for (i = 0; i < FUZZ_FILES && from->vm_file != sim.files[i]; i++)
		;
	if (!from->vm_file)
		strcpy(vma->object, "anon");
	else if (i < FUZZ_FILES)
		snprintf(vma->object, sizeof(vma->object), "f%d", i);
	else
		snprintf(vma->object, sizeof(vma->object), "z%d", number_in(sim.shared, &sim.shared_count, from->vm_file));
	vma->vm_flags = flags & ~VM_SOFTDIRTY;
	vma->pgoff = from->vm_pgoff;
	vma->anon_vma = from->anon_vma ? number_in(sim.anon_vmas, &sim.anon_vma_count, from->anon_vma) : 0;
	vma->only_anon_vma = from->anon_vma_chain.next == from->anon_vma_chain.prev;
}

static void cut(struct fuzz_answer *answer, unsigned long at)
{
	struct fuzz_vma *vma = answer->vmas;
	int i;

	for (i = 0; i < answer->vma_count && !(vma[i].start < at && at < vma[i].end); i++)
		;
	if (i == answer->vma_count || answer->vma_count == FUZZ_VMAS_MAX)
		return;
	memmove(&vma[i + 1], &vma[i], (size_t)(answer->vma_count++ - i) * sizeof(*vma));
	vma[i].end = at;
	vma[i + 1].offset += strcmp(vma[i].object, "anon") ? at - vma[i + 1].start : 0;
	vma[i + 1].start = at;
}

void fuzz_sim_do(const struct fuzz_op *op, struct fuzz_answer *answer)
{
	const struct vm_area_struct *vma;

	perform(op, answer->ret, sizeof(answer->ret));
	answer->vma_count = 0;
	for (vma = p2psim_vma_first(p2psim_process_mm(sim.process)); vma; vma = p2psim_vma_next(vma))
		if (vma->vm_end > FUZZ_BASE && vma->vm_start < FUZZ_BASE + FUZZ_SPAN && answer->vma_count < FUZZ_VMAS_MAX)
			describe(vma, &answer->vmas[answer->vma_count++]);
	if (sim.broken && sim.cuts[1]) {
		cut(answer, sim.cuts[0]);
		cut(answer, sim.cuts[1]);
	}
}
