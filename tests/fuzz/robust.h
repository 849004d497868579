/* SPDX-License-Identifier: MIT */
/*
 * A random sequence of whatever can be asked of the simulation: the operations, and the machine on which they run.
 */
#ifndef TESTS_FUZZ_ROBUST_H
#define TESTS_FUZZ_ROBUST_H

#include <stdbool.h>
#include <stdint.h>

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>
#include <p2psim/world.h>

#define BASE 0x100000000000UL
#define AT(page) (BASE + ((unsigned long)(page) << PAGE_SHIFT))
#define PAGES(n) ((unsigned long)(n) << PAGE_SHIFT)
#define WINDOW 1536u	/* pages: three huge ones */
#define PROCESSES 3u
#define FILES 4u	/* two on a tmpfs, the first opened read-only, and one of a driver */
#define PINS 16u
#define WORDS 6u
#define OPS_MAX 256u

/* One line of a sequence: "verb who word ..."; what the words mean is in the table of verbs (robust_verbs.c). */
struct robust_op {
	unsigned int verb;
	unsigned int who;
	unsigned long word[WORDS];
};

struct robust_sequence {
	unsigned int count;
	unsigned int machine;	/* which of the configurations */
	struct robust_op op[OPS_MAX];
};

/* A process, and a device that mirrors its window: what an invalidation touches is thrown away. */
struct robust_process {
	struct p2psim_process *process;
	struct mm_struct *mm;
	struct mmu_interval_notifier mirror;
	bool mirrored;
	struct mutex lock;		/* of the entries */
	unsigned int entries;		/* of pfns that are not 0 */
	unsigned long pfns[WINDOW];	/* as hmm_range_fault() says them */
};

struct robust {
	struct p2psim_world *world;
	struct robust_process app[PROCESSES];
	struct file *file[FILES];
	struct page *pins[PINS];
	unsigned int pinned;
	uint8_t bytes[2 * PAGE_SIZE];
};

/* A verb takes the process, which is there, and the words.  What it says is looked at: an errno must be a known one. */
struct robust_verb {
	const char *name;
	const char *words;	/* what each is, for the generator and the simplifier: see robust_draw_word() */
	unsigned int weight;
	long (*act)(struct robust *r, struct robust_process *p, const unsigned long *word);
};

extern const struct robust_verb robust_verbs[];
extern const unsigned int robust_verb_count;

/* robust_machine.c */
#define ROBUST_MACHINES 6u
int robust_process_begin(struct robust_process *p, struct p2psim_process *process);
void robust_process_end(struct robust_process *p);
/*
 * Runs it in the entered world of its machine, which begins anew.  `done`: the index of the operation at work.
 * verdict: "" or one line, "KIND: ...".  Returns a hash of all that was answered.
 */
uint64_t robust_run(const struct robust_sequence *sequence, unsigned int *done, char *verdict, size_t size, bool broken);

/* robust_draw.c */
void robust_draw(struct robust_sequence *sequence, uint64_t seed, unsigned int ops);
/* The next simpler value of a word; false: there is none. */
bool robust_simpler(char what, unsigned int attempt, unsigned long *word);

#endif
