/* SPDX-License-Identifier: MIT */
/*
 * Verbs: system calls that change the address space.
 */
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>

#include "cli/replayer_verbs.h"

int replayer_prot(const char *word)
{
	return (word[0] == 'r' ? PROT_READ : 0) | (word[1] == 'w' ? PROT_WRITE : 0) | (word[2] == 'x' ? PROT_EXEC : 0);
}

/* "p,fixed,populate" to MAP_*; false: something that is not there yet. */
static bool read_map_flags(const char *word, int *flags)
{
	static const struct {
		const char *name;
		int flag;
	} names[] = {{"p", MAP_PRIVATE},
		     {"s", MAP_SHARED},
		     {"sv", MAP_SHARED_VALIDATE},
		     {"fixed", MAP_FIXED},
		     {"noreplace", MAP_FIXED_NOREPLACE},
		     {"hint", 0},
		     {"populate", MAP_POPULATE},
		     {"norsv", MAP_NORESERVE},
		     {"locked", MAP_LOCKED}};
	char copy[128], *part, *rest = NULL;
	size_t i;

	*flags = 0;
	snprintf(copy, sizeof(copy), "%s", word);
	for (part = strtok_r(copy, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i].name, part); i++)
			;
		if (i == sizeof(names) / sizeof(names[0]))
			return false;
		*flags |= names[i].flag;
	}
	return true;
}

static bool supports_mmap(const struct recorded_op *op)
{
	int flags;

	return read_map_flags(op->words[4], &flags);
}

static void do_mmap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = replayer_file(r, op->words[5]);
	int flags;

	read_map_flags(op->words[4], &flags);
	say_address(r,
		    p2psim_mmap(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]),
				replayer_prot(op->words[3]), flags | (file ? 0 : MAP_ANONYMOUS), file,
				replayer_hex(op->words[6])),
		    ret, size);
}

static void do_munmap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_munmap(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2])), ret, size);
}

static void do_mprotect(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_mprotect(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]),
				   replayer_prot(op->words[3])),
		   ret, size);
}

static void do_mremap(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	const char *word = op->words[4];
	int flags = (strchr(word, 'm') ? MREMAP_MAYMOVE : 0) | (strchr(word, 'f') ? MREMAP_FIXED : 0) |
		    (strchr(word, 'd') ? MREMAP_DONTUNMAP : 0);

	say_address(r,
		    p2psim_mremap(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]),
				  replayer_hex(op->words[3]), flags, replayer_address(op->words[5])),
		    ret, size);
}

static const struct {
	const char *name;
	int number;
} advices[] = {
	{"NORMAL", MADV_NORMAL},
	{"RANDOM", MADV_RANDOM},
	{"SEQUENTIAL", MADV_SEQUENTIAL},
	{"WILLNEED", MADV_WILLNEED},
	{"DONTNEED", MADV_DONTNEED},
	{"FREE", MADV_FREE},
	{"DONTFORK", MADV_DONTFORK},
	{"DOFORK", MADV_DOFORK},
	{"MERGEABLE", MADV_MERGEABLE},
	{"UNMERGEABLE", MADV_UNMERGEABLE},
	{"HUGEPAGE", MADV_HUGEPAGE},
	{"NOHUGEPAGE", MADV_NOHUGEPAGE},
	{"DONTDUMP", MADV_DONTDUMP},
	{"DODUMP", MADV_DODUMP},
	{"WIPEONFORK", MADV_WIPEONFORK},
	{"KEEPONFORK", MADV_KEEPONFORK},
	{"COLD", MADV_COLD},
	{"PAGEOUT", MADV_PAGEOUT},
	{"POPULATE_READ", MADV_POPULATE_READ},
	{"POPULATE_WRITE", MADV_POPULATE_WRITE},
	{"DONTNEED_LOCKED", MADV_DONTNEED_LOCKED},
	{"REMOVE", MADV_REMOVE},
	{"COLLAPSE", MADV_COLLAPSE},
	{"BAD", 9999},
};

static int advice_of(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (!strcmp(advices[i].name, word))
			return advices[i].number;
	return -1;
}

static bool supports_madvise(const struct recorded_op *op)
{
	return advice_of(op->words[3]) >= 0;
}

static void do_madvise(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_madvise(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]),
				  advice_of(op->words[3])),
		   ret, size);
}

static void do_mlock(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_mlock(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2])), ret, size);
}

static void do_mlockf(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_mlock2(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]), MLOCK_ONFAULT),
		   ret, size);
}

static void do_munlock(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	say_status(p2psim_munlock(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2])), ret, size);
}

const struct verb replayer_map_verbs[] = {
	{"mmap", 6, supports_mmap, do_mmap},
	{"munmap", 2, NULL, do_munmap},
	{"mprotect", 3, NULL, do_mprotect},
	{"mremap", 5, NULL, do_mremap},
	{"madvise", 3, supports_madvise, do_madvise},
	{"mlock", 2, NULL, do_mlock},
	{"mlockf", 2, NULL, do_mlockf},
	{"munlock", 2, NULL, do_munlock},
	{NULL, 0, NULL, NULL},
};
