/* SPDX-License-Identifier: MIT */
/*
 * Litmus programs: a few threads over variables and locks, in a text of ten lines, with the answers expected.
 * The format is docs/litmus-format.txt.
 */
#ifndef P2PSIM_CLI_LITMUS_H
#define P2PSIM_CLI_LITMUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <p2psim/scenario.h>
#include <p2psim/step.h>

#define LITMUS_OBJECTS 8	/* of each kind */
#define LITMUS_THREADS P2PSIM_SCENARIO_TASKS
#define LITMUS_REGISTERS 8
#define LITMUS_OPS 128		/* of a thread */
#define LITMUS_TERMS 6		/* of a final line */
#define LITMUS_LINES 32		/* final or expect */

enum litmus_verb {
	LITMUS_LOCK, LITMUS_UNLOCK, LITMUS_RDLOCK, LITMUS_RDUNLOCK, LITMUS_WRLOCK, LITMUS_WRUNLOCK,
	LITMUS_READ, LITMUS_WRITE, LITMUS_ADD, LITMUS_AWAIT, LITMUS_ASSERT_VAR, LITMUS_ASSERT_REG,
	LITMUS_IFEQ, LITMUS_IFNE,
};

/* A number or a register. */
struct litmus_operand {
	bool is_register;
	int reg;
	long value;
};

struct litmus_op {
	enum litmus_verb verb;
	int object;			/* index of the variable or lock; of the register for ASSERT_REG, IFEQ, IFNE */
	bool equal;			/* ==, not != */
	struct litmus_operand operand;
	int target;			/* register that gets the value, -1 = none */
	int skip;
};

struct litmus_thread {
	char name[32];
	struct litmus_op ops[LITMUS_OPS];
	int op_count;
};

struct litmus_term {
	bool is_register, equal;
	int thread, object;		/* variable, or register of the thread */
	long value;
};

struct litmus_expect {
	char what[32], value[48];
	unsigned int line;
};

struct litmus_final {
	struct litmus_term terms[LITMUS_TERMS];
	int count;
};

struct litmus {
	const char *path;
	char name[64];
	char vars[LITMUS_OBJECTS][32], locks[LITMUS_OBJECTS][32], rwlocks[LITMUS_OBJECTS][32];
	long initial[LITMUS_OBJECTS];
	int var_count, lock_count, rwlock_count;
	struct litmus_thread threads[LITMUS_THREADS];
	int thread_count;
	struct litmus_final finals[LITMUS_LINES];
	int final_count;
	struct litmus_expect expects[LITMUS_LINES];
	int expect_count;
	char error[256];		/* "path:line: what" */
};

/* The state of one execution. */
struct litmus_state {
	struct p2psim_object var_obj[LITMUS_OBJECTS], lock_obj[LITMUS_OBJECTS], rwlock_obj[LITMUS_OBJECTS];
	long var[LITMUS_OBJECTS];
	int locked[LITMUS_OBJECTS];	/* by a mutex's holder or a writer: thread + 1 */
	int writer[LITMUS_OBJECTS], readers[LITMUS_OBJECTS];
	long reg[LITMUS_THREADS][LITMUS_REGISTERS];
	bool failing;			/* an assertion in a thread */
};

/* 0; -EINVAL with program->error; the errno of reading the file. */
int litmus_read(struct litmus *program, const char *path);
/* The program as a scenario; it stays the program's. */
void litmus_scenario(const struct litmus *program, struct p2psim_scenario *scenario);
/* Do all final lines hold? */
bool litmus_finals_hold(const struct litmus *program, const struct litmus_state *state);
/* "X=1,Y=0;T0:r0=0,...;" */
void litmus_state_text(const struct litmus *program, const struct litmus_state *state, char *text, size_t size);

#endif
