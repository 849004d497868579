/* SPDX-License-Identifier: MIT */
/*
 * The running kernel's side: system calls of this very process, and what /proc/self says of them.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct {
	int files[FUZZ_FILES], maps;
	bool open;
	unsigned long shared[FUZZ_VMAS_MAX];	/* inodes of shared anonymous memory, in order of first sight */
	int shared_count;
	sigjmp_buf fault;
	char signal[24];
} real;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (signo == SIGBUS)
		strcpy(real.signal, "SIGBUS/ADRERR");
	else
		strcpy(real.signal, info->si_code == SEGV_MAPERR ? "SIGSEGV/MAPERR" : "SIGSEGV/ACCERR");
	siglongjmp(real.fault, 1);
}

static bool open_once(void)
{
	char name[4];
	int i;

	if (real.open)
		return true;
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	real.maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	for (i = 0; i < FUZZ_FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		real.files[i] = memfd_create(name, MFD_CLOEXEC);
		if (real.files[i] < 0)
			return false;
	}
	real.open = true;
	return real.maps >= 0;
}

static struct sigaction old_segv, old_bus;

bool fuzz_real_begin(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	int i;

	if (!open_once())
		return false;
	munmap((void *)FUZZ_BASE, FUZZ_SPAN);
	for (i = 0; i < FUZZ_FILES; i++)
		if (ftruncate(real.files[i], 0) || ftruncate(real.files[i], (16 - 8 * i) * (long)FUZZ_PAGE))
			return false;
	real.shared_count = 0;
	sigaction(SIGSEGV, &action, &old_segv);
	sigaction(SIGBUS, &action, &old_bus);
	return true;
}

void fuzz_real_end(void)
{
	munmap((void *)FUZZ_BASE, FUZZ_SPAN);
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
}

static void say_status(int status, char *ret, size_t size)
{
	snprintf(ret, size, "%s", status ? strerrorname_np(errno) : "0");
}

/* What came to lie outside of the window goes at once. */
static void say_address(void *addr, unsigned long len, char *ret, size_t size)
{
	unsigned long offset = (unsigned long)addr - FUZZ_BASE;

	if (addr == MAP_FAILED) {
		say_status(-1, ret, size);
	} else if (offset < FUZZ_SPAN) {
		snprintf(ret, size, "0x%lx", offset);
	} else {
		munmap(addr, len);
		snprintf(ret, size, "OUT");
	}
}

static void touch(const struct fuzz_op *op, char *ret, size_t size)
{
	volatile unsigned char *byte = (volatile unsigned char *)(FUZZ_BASE + op->addr);

	if (sigsetjmp(real.fault, 1)) {
		snprintf(ret, size, "%s", real.signal);
	} else if (op->verb == FUZZ_READ) {
		snprintf(ret, size, "%d", *byte);
	} else {
		*byte = (unsigned char)op->value;
		snprintf(ret, size, "0");
	}
}

static void perform(const struct fuzz_op *op, char *ret, size_t size)
{
	void *addr = (void *)(FUZZ_BASE + op->addr);

	switch (op->verb) {
	case FUZZ_MMAP:
		say_address(mmap(addr, op->len, op->prot, op->flags, op->file < 0 ? -1 : real.files[op->file],
				 (off_t)op->offset), op->len, ret, size);
		break;
	case FUZZ_MUNMAP:
		say_status(munmap(addr, op->len), ret, size);
		break;
	case FUZZ_MPROTECT:
		say_status(mprotect(addr, op->len, op->prot), ret, size);
		break;
	case FUZZ_MREMAP:
		say_address(mremap(addr, op->len, op->new_len, op->flags, (void *)(FUZZ_BASE + op->new_addr)), op->new_len, ret,
			    size);
		break;
	case FUZZ_MADVISE:
		say_status(madvise(addr, op->len, op->advice), ret, size);
		break;
	case FUZZ_MLOCK:
		say_status(mlock(addr, op->len), ret, size);
		break;
	case FUZZ_MUNLOCK:
		say_status(munlock(addr, op->len), ret, size);
		break;
	default:
		touch(op, ret, size);
		break;
	}
}

static void name_object(struct fuzz_vma *vma, unsigned long inode, const char *path)
{
	int i;

	if (!strncmp(path, "/memfd:f", 8)) {
		snprintf(vma->object, sizeof(vma->object), "f%c", path[8]);
		return;
	}
	if (!inode) {
		strcpy(vma->object, "anon");
		vma->offset = 0;
		return;
	}
	for (i = 0; i < real.shared_count && real.shared[i] != inode; i++)
		;
	if (i == real.shared_count)
		real.shared[real.shared_count++] = inode;
	snprintf(vma->object, sizeof(vma->object), "z%d", i + 1);
}

/* False: behind the window. */
static bool read_line(const char *line, struct fuzz_answer *answer)
{
	struct fuzz_vma *vma = &answer->vmas[answer->vma_count];
	unsigned long start, end, inode;
	char path[64] = "";

	if (sscanf(line, "%lx-%lx %4s %lx %*s %lu %63s", &start, &end, vma->perm, &vma->offset, &inode, path) < 5)
		return true;
	if (start >= FUZZ_BASE + FUZZ_SPAN)
		return false;
	if (end <= FUZZ_BASE || answer->vma_count == FUZZ_VMAS_MAX - 1)
		return true;
	vma->start = start - FUZZ_BASE;
	vma->end = end - FUZZ_BASE;
	name_object(vma, inode, path);
	answer->vma_count++;
	return true;
}

/* Only as much as needed: the window lies in front of everything else. */
static void read_maps(struct fuzz_answer *answer)
{
	char text[32768], *line, *next;
	ssize_t got, used = 0;
	bool more = true;

	answer->vma_count = 0;
	lseek(real.maps, 0, SEEK_SET);
	while (more && (got = read(real.maps, text + used, sizeof(text) - 1 - (size_t)used)) > 0) {
		used += got;
		text[used] = '\0';
		for (line = text; more && (next = strchr(line, '\n')); line = next + 1) {
			*next = '\0';
			more = read_line(line, answer);
		}
		used -= line - text;
		memmove(text, line, (size_t)used);
	}
}

void fuzz_real_do(const struct fuzz_op *op, struct fuzz_answer *answer)
{
	perform(op, answer->ret, sizeof(answer->ret));
	read_maps(answer);
}

/* Those that a recording has, in the order of the file. */
static void keep_flags(const char *line, struct fuzz_vma *vma)
{
	static const char known[] = " ac lo dc wf hg nh rr sr dd mg gd nr ";
	char word[8], wanted[12];
	int used;

	vma->flags[0] = '\0';
	while (sscanf(line, " %7s%n", word, &used) == 1) {
		line += used;
		snprintf(wanted, sizeof(wanted), " %s ", word);
		if (strstr(known, wanted))
			snprintf(vma->flags + strlen(vma->flags), sizeof(vma->flags) - strlen(vma->flags), "%s%s",
				 vma->flags[0] ? "," : "", word);
	}
	if (!vma->flags[0])
		strcpy(vma->flags, "-");
}

void fuzz_real_flags(struct fuzz_answer *answer)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start = 0, end, from;
	char line[512];
	int i = 0;

	while (file && fgets(line, sizeof(line), file) && i < answer->vma_count) {
		if (sscanf(line, "%lx-%lx ", &from, &end) == 2)
			for (start = from; i < answer->vma_count && FUZZ_BASE + answer->vmas[i].end <= start; i++)
				;
		if (!strncmp(line, "VmFlags:", 8) && i < answer->vma_count && FUZZ_BASE + answer->vmas[i].start == start)
			keep_flags(line + 8, &answer->vmas[i]);
	}
	if (file)
		fclose(file);
}

void fuzz_real_kernel(int *major, int *minor)
{
	struct utsname name;

	*major = *minor = 0;
	if (!uname(&name))
		sscanf(name.release, "%d.%d", major, minor);
}

bool fuzz_real_may_lock(void)
{
	struct rlimit limit;

	return !geteuid() || (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur >= 4 * FUZZ_SPAN);
}

bool fuzz_real_is_linux(void)
{
	char text[256] = "";
	FILE *file = fopen("/proc/version", "r");
	bool read = file && fgets(text, sizeof(text), file);

	if (file)
		fclose(file);
	return read && !strncmp(text, "Linux version ", 14) && !strstr(text, "gVisor");
}
