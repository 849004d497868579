/* SPDX-License-Identifier: MIT */
/*
 * Sequences: made from a seed, run on both sides, shrunk, printed.
 */
#include "fuzz.h"

#include <string.h>

/* ---- making ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned int below(uint64_t *state, unsigned int limit)
{
	return (unsigned int)(next_random(state) % limit);
}

/* A range within the window; one in 24 is unaligned or empty. */
static void choose_range(struct fuzz_op *op, uint64_t *r)
{
	unsigned long first = below(r, FUZZ_PAGES), most = FUZZ_PAGES - first;

	op->addr = first * FUZZ_PAGE;
	op->len = (1 + below(r, most < 16 ? (unsigned int)most : 16)) * FUZZ_PAGE;
	switch (below(r, 24)) {
	case 0:
		op->addr += 0x100;
		break;
	case 1:
		op->len = below(r, 2) ? 0 : op->len - 0x800;
		break;
	}
}

static int choose_prot(uint64_t *r)
{
	static const int prots[] = { 3, 3, 3, 3, 1, 1, 0, 5, 7 };

	return prots[below(r, 9)];
}

static void choose_mmap(struct fuzz_op *op, uint64_t *r)
{
	static const int how[] = { FUZZ_FIXED, FUZZ_FIXED, FUZZ_FIXED, FUZZ_FIXED, FUZZ_NOREPLACE, 0 };

	op->verb = FUZZ_MMAP;
	op->prot = choose_prot(r);
	op->flags = how[below(r, 6)] | (below(r, 3) ? FUZZ_PRIVATE : FUZZ_SHARED);
	op->file = (int)below(r, 5) - 3;
	op->file = op->file < 0 ? -1 : op->file;
	op->offset = op->file < 0 ? 0 : below(r, 12) * FUZZ_PAGE;
	op->flags |= op->file < 0 ? FUZZ_ANONYMOUS : 0;
}

static void choose_mremap(struct fuzz_op *op, uint64_t *r)
{
	static const int flags[] = { 0, FUZZ_MAYMOVE, FUZZ_MAYMOVE | FUZZ_MREMAP_FIXED, FUZZ_MAYMOVE | FUZZ_MREMAP_FIXED,
				     FUZZ_MAYMOVE | FUZZ_DONTUNMAP | FUZZ_MREMAP_FIXED };
	unsigned long pages;

	op->verb = FUZZ_MREMAP;
	op->flags = flags[below(r, 5)];
	op->new_len = below(r, 2) ? op->len : (1 + below(r, 16)) * FUZZ_PAGE;
	if (op->flags & FUZZ_DONTUNMAP)
		op->new_len = op->len; /* 6.1 compares them before it rounds them, 6.17 after */
	pages = (op->new_len + FUZZ_PAGE - 1) / FUZZ_PAGE;
	op->new_addr = below(r, (unsigned int)(FUZZ_PAGES - (pages < FUZZ_PAGES ? pages : 0))) * FUZZ_PAGE;
	/* What grows in place must not leave the window. */
	if (op->addr + op->new_len > FUZZ_SPAN)
		op->new_len = op->len;
}

static int choose_advice(uint64_t *r)
{
	/* DONTNEED, DONTFORK, DOFORK, RANDOM, NORMAL, SEQUENTIAL, WIPEONFORK, KEEPONFORK, DONTDUMP, DODUMP, NOHUGEPAGE */
	static const int advices[] = { 4, 4, 4, 10, 11, 1, 0, 2, 18, 19, 16, 17, 15, 999 };

	return advices[below(r, 14)];
}

static void choose(struct fuzz_op *op, uint64_t *r)
{
	unsigned int what = below(r, 100);

	memset(op, 0, sizeof(*op));
	op->file = -1;
	choose_range(op, r);
	if (what < 22) {
		choose_mmap(op, r);
	} else if (what < 30) {
		op->verb = FUZZ_MUNMAP;
	} else if (what < 48) {
		op->verb = FUZZ_MPROTECT;
		op->prot = choose_prot(r);
	} else if (what < 60) {
		choose_mremap(op, r);
	} else if (what < 70) {
		op->verb = FUZZ_MADVISE;
		op->advice = choose_advice(r);
	} else if (what < 76) {
		op->verb = fuzz_real_may_lock() ? (what < 74 ? FUZZ_MLOCK : FUZZ_MUNLOCK) : FUZZ_READ;
	} else {
		op->verb = what < 86 ? FUZZ_READ : FUZZ_WRITE;
		op->addr &= ~(FUZZ_PAGE - 1);
		op->value = 1 + (int)below(r, 255);
	}
}

void fuzz_generate(struct fuzz_sequence *sequence, uint64_t seed, int ops)
{
	uint64_t state = seed;

	sequence->seed = seed;
	for (sequence->count = 0; sequence->count < ops; sequence->count++)
		choose(&sequence->ops[sequence->count], &state);
}

/* ---- running ---- */

/* Every page, at the end: what was moved, copied and dropped must read the same. */
static const char *compare_values(struct fuzz_answer *real, struct fuzz_answer *sim)
{
	struct fuzz_op op = { .verb = FUZZ_READ };

	for (op.addr = 0; op.addr < FUZZ_SPAN; op.addr += FUZZ_PAGE) {
		fuzz_real_do(&op, real);
		fuzz_sim_do(&op, sim);
		if (strcmp(real->ret, sim->ret))
			return "the values differ";
	}
	return NULL;
}

/* The target of a refused move goes on both sides; the results stay. */
static void level(const struct fuzz_op *op, struct fuzz_answer *real, struct fuzz_answer *sim)
{
	struct fuzz_op unmap = { .verb = FUZZ_MUNMAP, .addr = op->new_addr, .len = op->new_len, .file = -1 };
	struct fuzz_answer kept = *real;

	fuzz_real_do(&unmap, real);
	memcpy(real->ret, kept.ret, sizeof(kept.ret));
	kept = *sim;
	fuzz_sim_do(&unmap, sim);
	memcpy(sim->ret, kept.ret, sizeof(kept.ret));
}

const char *fuzz_run(const struct fuzz_sequence *sequence, struct fuzz_report *report, int *at)
{
	static struct fuzz_answer real, sim;
	const char *difference = NULL;

	real.vma_count = sim.vma_count = 0;
	memset(report->excused, 0, sizeof(report->excused));
	if (!fuzz_real_begin() || !fuzz_sim_begin())
		return "no window";
	for (*at = 0; *at < sequence->count && !difference; ++*at) {
		const struct fuzz_op *op = &sequence->ops[*at];

		if (op->verb == FUZZ_MREMAP && !fuzz_may_mremap(report, op, &real, &sim))
			continue;
		fuzz_real_do(op, &real);
		fuzz_sim_do(op, &sim);
		if (fuzz_is_to_be_levelled(report, op, &real, &sim))
			level(op, &real, &sim);
		difference = fuzz_compare(report, op, &real, &sim);
		report->ops++;
	}
	if (difference)
		--*at;
	else
		difference = compare_values(&real, &sim);
	fuzz_real_end();
	fuzz_sim_end();
	report->sequences++;
	return difference;
}

static bool fails(const struct fuzz_sequence *sequence, const struct fuzz_report *like, int *at)
{
	struct fuzz_report scratch = { .kernel = like->kernel, .major = like->major, .minor = like->minor };

	return fuzz_run(sequence, &scratch, at) != NULL;
}

/* Leaves out one operation after the other, as long as some can be left out. */
void fuzz_shrink(struct fuzz_sequence *sequence, struct fuzz_report *report)
{
	struct fuzz_sequence less;
	bool smaller = true;
	int i, at;

	while (smaller) {
		smaller = false;
		if (fails(sequence, report, &at) && at + 1 < sequence->count)
			sequence->count = at + 1;
		for (i = sequence->count - 1; i >= 0; i--) {
			less = *sequence;
			less.count--;
			memmove(&less.ops[i], &less.ops[i + 1], (size_t)(less.count - i) * sizeof(less.ops[0]));
			if (!fails(&less, report, &at))
				continue;
			*sequence = less;
			smaller = true;
		}
	}
}

/* ---- printing ---- */

static const char *advice_name(int advice)
{
	static const struct {
		int number;
		const char *name;
	} names[] = { { 0, "NORMAL" },	    { 1, "RANDOM" },	 { 2, "SEQUENTIAL" },  { 4, "DONTNEED" },
		      { 10, "DONTFORK" },   { 11, "DOFORK" },	 { 15, "NOHUGEPAGE" }, { 16, "DONTDUMP" },
		      { 17, "DODUMP" },	    { 18, "WIPEONFORK" }, { 19, "KEEPONFORK" } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == advice)
			return names[i].name;
	return "BAD";
}

static void print_prot(int prot, FILE *out)
{
	fprintf(out, " %c%c%c", prot & 1 ? 'r' : '-', prot & 2 ? 'w' : '-', prot & 4 ? 'x' : '-');
}

static void print_mmap(const struct fuzz_op *op, FILE *out)
{
	fprintf(out, "op mmap %lx %lx", op->addr, op->len);
	print_prot(op->prot, out);
	fprintf(out, " %s,%s", op->flags & FUZZ_SHARED ? "s" : "p",
		op->flags & FUZZ_FIXED ? "fixed" : op->flags & FUZZ_NOREPLACE ? "noreplace" : "hint");
	if (op->file < 0)
		fprintf(out, " anon %lx\n", op->offset);
	else
		fprintf(out, " f%d %lx\n", op->file, op->offset);
}

static void print_op(const struct fuzz_op *op, FILE *out)
{
	static const char *const verbs[] = { "mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "munlock", "rd", "wr" };

	if (op->verb == FUZZ_MMAP) {
		print_mmap(op, out);
		return;
	}
	fprintf(out, "op %s %lx", verbs[op->verb], op->addr);
	if (op->verb < FUZZ_READ)
		fprintf(out, " %lx", op->len);
	if (op->verb == FUZZ_MPROTECT)
		print_prot(op->prot, out);
	if (op->verb == FUZZ_MREMAP)
		fprintf(out, " %lx %s%s%s%s %lx", op->new_len, op->flags ? "" : "-", op->flags & FUZZ_MAYMOVE ? "m" : "",
			op->flags & FUZZ_MREMAP_FIXED ? "f" : "", op->flags & FUZZ_DONTUNMAP ? "d" : "", op->new_addr);
	if (op->verb == FUZZ_MADVISE)
		fprintf(out, " %s", advice_name(op->advice));
	if (op->verb == FUZZ_WRITE)
		fprintf(out, " %d", op->value);
	fputc('\n', out);
}

static void print_answer(const struct fuzz_answer *answer, FILE *out)
{
	const struct fuzz_vma *vma;

	fprintf(out, "ret %s\n", answer->ret);
	if (!answer->vma_count)
		fprintf(out, "vma none\n");
	for (vma = answer->vmas; vma < answer->vmas + answer->vma_count; vma++)
		fprintf(out, "vma %lx %lx %s %s %lx %s\n", vma->start, vma->end, vma->perm, vma->object, vma->offset,
			vma->flags[0] ? vma->flags : "-");
	fprintf(out, "end\n");
}

void fuzz_print(const struct fuzz_sequence *sequence, FILE *out)
{
	static struct fuzz_answer answer;
	int i, major, minor;

	fuzz_real_kernel(&major, &minor);
	fprintf(out, "# mmtruth 1\n# answers of Linux %d.%d; seed %llu\nwindow %lu\nfile 0 10000\nfile 1 8000\nevents 0\n", major,
		minor, (unsigned long long)sequence->seed, FUZZ_PAGES);
	if (!fuzz_real_begin())
		return;
	for (i = 0; i < sequence->count; i++) {
		fuzz_real_do(&sequence->ops[i], &answer);
		fuzz_real_flags(&answer);
		print_op(&sequence->ops[i], out);
		print_answer(&answer, out);
	}
	fuzz_real_end();
}

void fuzz_print_report(const struct fuzz_report *report, const char *prefix, FILE *out)
{
	static const char *const how[] = { "VMAs compared exactly", "VMAs compared exactly, but for known exceptions",
					   "an unknown version: VMAs compared after joining equal neighbours" };
	int i;

	fprintf(out, "%sLinux %d.%d: %s; %lu sequences, %lu operations; exceptions:", prefix, report->major, report->minor,
		how[report->kernel], report->sequences, report->ops);
	for (i = 0; i < FUZZ_EXCEPTIONS; i++)
		fprintf(out, "%s %s %lu", i ? "," : "", fuzz_exception_name((enum fuzz_exception)i), report->exceptions[i]);
	fputc('\n', out);
}
