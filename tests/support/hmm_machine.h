/* SPDX-License-Identifier: MIT */
/*
 * What the cases of the kernel's own HMM selftest need: the fake device's driver, a process with buffers, and words for what the
 * device is told to do.  With TEST_HMM (a path) the driver is that module instead of ours: the commands are the same.
 */
#ifndef P2PSIM_TESTS_HMM_MACHINE_H
#define P2PSIM_TESTS_HMM_MACHINE_H

#include "core_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/device_file.h>
#include <p2psim/dmirror.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/module.h>
#include <p2psim/process.h>

#define COMMAND 0x10000UL
#define COPY 0x40000000UL		/* what the device gives and takes */
#define BUFFER 0x80000000UL		/* what it mirrors */
#define PAGES 1024UL			/* of both: 4 MiB */
#define WORDS(pages) ((pages) << (PAGE_SHIFT - 2))
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TIMES 10

struct hmm_machine {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct p2psim_dmirror *driver;
	struct module *module;
	struct file *device[2];		/* of one kind */
	bool coherent;
	uint32_t *words;		/* PAGES of them, on their way */
	struct p2psim_dmirror_cmd cmd;	/* the last one, as it came back */
};

static inline int hmm_load(struct hmm_machine *m, const struct p2psim_dmirror_config *config)
{
#ifdef TEST_HMM
	(void)config;
	return p2psim_module_insert(TEST_HMM, "spm_addr_dev0=0x200000000 spm_addr_dev1=0x210000000", &m->module);
#else
	return p2psim_dmirror_load(config, &m->driver);
#endif
}

static inline void hmm_map(struct p2psim_process *process, unsigned long at, unsigned long pages, int prot, int flags)
{
	p2psim_mmap(process, at, pages << PAGE_SHIFT, prot, flags | MAP_FIXED, NULL, 0);
}

static inline struct file *hmm_open(const struct hmm_machine *m, struct p2psim_process *process, int which)
{
	struct file *file = NULL;
	char name[32];

	snprintf(name, sizeof(name), "hmm_dmirror%d", which + (m->coherent ? 2 : 0));
	p2psim_device_open(process, name, O_RDWR, &file);
	return file;
}

static inline int hmm_begin(void **state, bool coherent)
{
	const struct p2psim_config config = { .thp = P2PSIM_THP_MADVISE, .hugetlb_pages = 2 };
	struct hmm_machine *m = calloc(1, sizeof(*m));

	*state = m;
	m->coherent = coherent;
	m->words = calloc(PAGES, PAGE_SIZE);
	m->world = p2psim_world_create(&config);
	p2psim_world_on_violation(m->world, core_quiet, NULL);
	if (hmm_load(m, NULL))
		return -1;
	m->app = p2psim_process_create("app");
	hmm_map(m->app, COMMAND, 1, RW, ANON);
	hmm_map(m->app, COPY, PAGES, RW, ANON);
	m->device[0] = hmm_open(m, m->app, 0);
	m->device[1] = hmm_open(m, m->app, 1);
	return m->device[0] && m->device[1] ? 0 : -1;
}

static inline int hmm_private(void **state)
{
	return hmm_begin(state, false);
}

static inline int hmm_coherent(void **state)
{
	return hmm_begin(state, true);
}

/* The kernel's driver forgets references of its devices: that, and nothing else. */
static inline unsigned int hmm_unload(struct hmm_machine *m)
{
	p2psim_dmirror_unload(m->driver);
	if (m->module)
		p2psim_module_remove(m->module);
	return p2psim_world_violation(m->world) ? 1 : p2psim_world_check_quiescent(m->world) - (m->module ? 4 : 0);
}

static inline int hmm_end(void **state)
{
	struct hmm_machine *m = *state;
	unsigned int i, left;

	for (i = 0; i < 2; i++)
		p2psim_close(m->app, m->device[i]);
	p2psim_process_exit(m->app);
	left = hmm_unload(m);
	if (left)
		print_error("left over: %s\n", p2psim_world_violation(m->world)->sentence);
	p2psim_world_destroy(m->world);
	free(m->words);
	free(m);
	return left ? -1 : 0;
}

/* ---- what the device is told ---- */

static inline long hmm_tell(struct hmm_machine *m, struct p2psim_process *process, struct file *file, unsigned int command,
			    unsigned long addr, unsigned long pages)
{
	long ret;

	m->cmd = (struct p2psim_dmirror_cmd){ .addr = addr, .ptr = COPY, .npages = pages };
	p2psim_store(process, COMMAND, &m->cmd, sizeof(m->cmd));
	ret = p2psim_ioctl(process, file, command, COMMAND);
	p2psim_load(process, COMMAND, &m->cmd, sizeof(m->cmd));
	return ret;
}

static inline long hmm_do(struct hmm_machine *m, int which, unsigned int command, unsigned long addr, unsigned long pages)
{
	return hmm_tell(m, m->app, m->device[which], command, addr, pages);
}

/* All pages, in so many rounds of faults. */
#define assert_hmm(m, which, command, addr, pages, rounds)                                                             \
	do {                                                                                                           \
		assert_int_equal(hmm_do((m), (which), P2PSIM_DMIRROR_##command, (addr), (pages)), 0);                  \
		assert_int_equal((m)->cmd.cpages, (pages));                                                            \
		assert_int_equal((m)->cmd.faults, (rounds));                                                           \
	} while (0)

/* The byte of each page that SNAPSHOT gave. */
static inline unsigned char hmm_byte(struct hmm_machine *m, unsigned long page)
{
	return (unsigned char)p2psim_load_byte(m->app, COPY + page);
}

/* ---- what is in memory: word i is first + i * step ---- */

static inline void hmm_fill_of(struct hmm_machine *m, struct p2psim_process *process, unsigned long at, unsigned long pages,
			       uint32_t first, int step)
{
	unsigned long i;

	for (i = 0; i < WORDS(pages); i++)
		m->words[i] = first + (uint32_t)((long)i * step);
	assert_int_equal(p2psim_store(process, at, m->words, pages << PAGE_SHIFT), 0);
}

static inline void hmm_fill(struct hmm_machine *m, unsigned long at, unsigned long pages, uint32_t first, int step)
{
	hmm_fill_of(m, m->app, at, pages, first, step);
}

/* How many words are not so. */
static inline unsigned long hmm_wrong_of(struct hmm_machine *m, struct p2psim_process *process, unsigned long at,
					 unsigned long pages, uint32_t first, int step)
{
	unsigned long i, wrong = 0;

	if (p2psim_load(process, at, m->words, pages << PAGE_SHIFT))
		return ULONG_MAX;
	for (i = 0; i < WORDS(pages); i++)
		wrong += m->words[i] != first + (uint32_t)((long)i * step);
	return wrong;
}

static inline unsigned long hmm_wrong(struct hmm_machine *m, unsigned long at, unsigned long pages, uint32_t first, int step)
{
	return hmm_wrong_of(m, m->app, at, pages, first, step);
}

#endif
