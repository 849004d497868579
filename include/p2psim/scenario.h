/* SPDX-License-Identifier: MIT */
/*
 * A scenario = a question + tasks + a verdict.  Run once, replayed, drawn and (later) explored from this one object.
 * Every correct scenario has a broken twin, named after it with "!what-is-broken", which must be caught.
 */
#ifndef P2PSIM_SCENARIO_H
#define P2PSIM_SCENARIO_H

#include <p2psim/base.h>
#include <p2psim/check.h>
#include <p2psim/world.h>

P2PSIM_BEGIN_DECLS

#define P2PSIM_SCENARIO_TASKS 8

enum p2psim_verdict {
	P2PSIM_NEVER,		/* no execution ended with exists() true */
	P2PSIM_SOMETIMES,
	P2PSIM_ALWAYS,
	P2PSIM_VIOLATION,	/* an oracle fired */
};

struct p2psim_scenario {
	const char *name;	/* "hmm/populate+munmap", broken twins "...!no-retry" */
	const char *question;	/* in one sentence */
	const char *source;	/* mail or kernel file */
	size_t state_size;	/* zeroed for each execution, passed to all functions */
	int (*setup)(void *state);	/* 0 or -errno; may be NULL.  Runs as task 0 */
	struct {
		const char *name;
		void (*fn)(void *state);
	} tasks[P2PSIM_SCENARIO_TASKS];
	bool (*exists)(void *state);	/* the question's answer at the end; NULL: only oracles judge */
	void (*teardown)(void *state);	/* as task 0, after exists(); may be NULL */
	enum p2psim_verdict expect;
	enum p2psim_oracle oracle;	/* for P2PSIM_VIOLATION */
	/*
	 * The interleaving that a plain run shows, as directed stops: "nic0>hmm:faulted app nic0" runs nic0 until it
	 * stands before the step "hmm:faulted", then app until it is done or blocked, then nic0.  NULL: default policy.
	 */
	const char *schedule;
	struct p2psim_config config;
	const void *data;	/* the author's, for functions that serve many scenarios: p2psim_scenario_data() */
};

/* `data` of the scenario whose execution is running, in its setup, tasks, exists or teardown; NULL outside. */
P2PSIM_EXPORT const void *p2psim_scenario_data(void);

enum p2psim_policy {
	P2PSIM_POLICY_SCENARIO,	/* the scenario's own schedule */
	P2PSIM_POLICY_DEFAULT,	/* continue the current task, else the lowest id */
	P2PSIM_POLICY_RANDOM,	/* uniform at every choice, from options.seed */
	P2PSIM_POLICY_REPLAY,	/* options.replay */
	P2PSIM_POLICY_DIRECTED,	/* options.directed, as scenario.schedule */
};

struct p2psim_run_options {
	enum p2psim_policy policy;
	uint64_t seed;
	const char *replay;		/* a replay string */
	bool replay_prefix;		/* after the string ends or diverges, go on by the default policy */
	const char *directed;
	uint64_t fail_nth;		/* inject; 0 = nothing fails */
	unsigned int trace_events;	/* 0 = the scenario's configuration */
	bool check_determinism;		/* run it twice and compare its steps */
	/*
	 * Run it in another process first: a driver under test that dies there is a CRASH at the step after which it did, one
	 * that takes no step for hang_ms (0: it may) is PROGRESS.  Else it is run again in this process, as always.
	 */
	bool isolate;
	uint64_t hang_ms;
	struct p2psim_config *config;	/* instead of the scenario's; NULL = the scenario's */
};

struct p2psim_run_result {
	enum p2psim_verdict verdict;	/* of this one execution: NEVER, ALWAYS or VIOLATION */
	bool as_expected;
	int setup_error;		/* -errno of setup(), 0 when it went well */
	struct p2psim_violation violation;
	uint64_t steps;
	uint64_t trace_hash;
	uint64_t end_hash;
	bool died;			/* isolate: it did, or hung */
	char schedule[128];		/* the replay string of this execution; "" when too long */
	char error[256];		/* why nothing ran or where a replay diverged; "" = fine */
};

/*
 * Runs one execution in `world` (reset before; NULL: a world of its own, gone afterwards).
 * Returns 0; -EINVAL with result->error for an unusable replay string or schedule; -EILSEQ with result->error when it
 * was checked and is not deterministic; -ENOMEM; -EAGAIN when it is to be isolated and there is no process to be had.
 * With a world of the caller's the trace can be read afterwards.
 */
P2PSIM_EXPORT int p2psim_scenario_run(const struct p2psim_scenario *scenario, struct p2psim_world *world,
				      const struct p2psim_run_options *options, struct p2psim_run_result *result);

/* "NEVER", "SOMETIMES", "ALWAYS", "VIOLATION". */
P2PSIM_EXPORT const char *p2psim_verdict_name(enum p2psim_verdict verdict);

P2PSIM_END_DECLS

#endif
