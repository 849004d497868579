/* SPDX-License-Identifier: MIT */
/*
 * What every header of p2psim stands on: export marks, source sites, object ids, and the few words that
 * the inline parts of the API touch.  A program includes <p2psim/p2psim.h>; nobody needs this one directly.
 */
#ifndef P2PSIM_BASE_H
#define P2PSIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define P2PSIM_VERSION "0.1.0"

/* The kernels whose behaviour is imitated: mm, notifiers and HMM; and PCI peer-to-peer. */
#define P2PSIM_MIRRORS_LINUX	 0x060100
#define P2PSIM_MIRRORS_LINUX_P2P 0x060c00

#define P2PSIM_EXPORT __attribute__((visibility("default")))
#define P2PSIM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

#ifdef __cplusplus
#define P2PSIM_BEGIN_DECLS extern "C" {
#define P2PSIM_END_DECLS }
#else
#define P2PSIM_BEGIN_DECLS
#define P2PSIM_END_DECLS
#endif

#if defined(__SANITIZE_ADDRESS__)
#define P2PSIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define P2PSIM_ASAN 1
#endif
#endif

/* The including file is one whose plain accesses are race-checked (p2psim-tsan). */
#if defined(__SANITIZE_THREAD__)
#define P2PSIM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define P2PSIM_TSAN 1
#endif
#endif

/* An inline function that has taken the step of the access it makes: that access is not plain. */
#ifdef P2PSIM_TSAN
#define P2PSIM_MARKED __attribute__((no_sanitize("thread")))
#else
#define P2PSIM_MARKED
#endif

P2PSIM_BEGIN_DECLS

struct task_struct;

/* A place in the source: who allocated, who took the lock.  Always a static object, so a pointer is enough. */
struct p2psim_site {
	const char *file;
	const char *func;
	int line;
};

/*
 * Everything that tasks can meet at has one of these inside it.  The id is (creator task << 24 | n-th object of that
 * task): it does not change between schedules and is never an address.  `epoch` tells an object of an earlier
 * execution, a statically initialised one and a freed one from a live one.
 */
struct p2psim_object {
	uint32_t id;
	uint32_t epoch;
	const char *name;
};

/* The words of the running world that inline code reads: one cache line, reached through one thread-local pointer. */
struct p2psim_hot {
	uint64_t steps;			/* steps taken in this execution */
	uint32_t busy;			/* P2PSIM_BUSY_*: somebody wants to see each step */
	uint32_t epoch;			/* of this execution; never 0 */
	const struct p2psim_site *site;	/* where the last kernel-named macro was written */
	struct task_struct *task;	/* the running task: `current` */
};

enum p2psim_busy {
	P2PSIM_BUSY_TRACE = 1 << 0,
	P2PSIM_BUSY_STRATEGY = 1 << 1,
	P2PSIM_BUSY_ENDED = 1 << 2,
	P2PSIM_BUSY_STOP = 1 << 3,
	P2PSIM_BUSY_RACE = 1 << 4,
	P2PSIM_BUSY_RETRY = 1 << 5,
};

/* NULL while the OS thread is in no world.  The only mutable global of the library. */
extern P2PSIM_EXPORT __thread struct p2psim_hot *p2psim_hot __attribute__((tls_model("initial-exec")));

/* Remembers this line for the next kernel-named call: `#define mutex_lock(l) (P2PSIM_HERE(), mutex_lock(l))`. */
#define P2PSIM_HERE()                                                                                                  \
	__extension__({                                                                                                \
		static const struct p2psim_site p2psim_here_ = { __FILE__, __func__, __LINE__ };                       \
		if (p2psim_hot)                                                                                        \
			p2psim_hot->site = &p2psim_here_;                                                              \
		(void)0;                                                                                               \
	})

P2PSIM_END_DECLS

#endif
