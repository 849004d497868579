/* SPDX-License-Identifier: MIT */
/*
 * The trace: a ring of fixed-size events; text is made only when somebody reads it.
 *
 * Two sorts of event: *steps* (made by the scheduler) and *notes* (made by the layers and by drivers: a call with its
 * result, a callback, a refusal).  A note keeps the pointer of its static format and up to six integers.
 */
#ifndef P2PSIM_TRACE_H
#define P2PSIM_TRACE_H

#include <p2psim/base.h>
#include <p2psim/step.h>

P2PSIM_BEGIN_DECLS

struct p2psim_world;

#define P2PSIM_TRACE_ARGS 6

enum p2psim_event_type {
	P2PSIM_EVENT_STEP,
	P2PSIM_EVENT_NOTE,
	P2PSIM_EVENT_ENTER,	/* a note that opens an indented section: a callback, a system call */
	P2PSIM_EVENT_LEAVE,	/* closes it */
};

struct p2psim_event {
	uint64_t step;			/* number of the step that it is or follows */
	uint8_t type;			/* enum p2psim_event_type */
	uint8_t task;			/* index */
	uint8_t kind;			/* enum p2psim_step_kind, of a step */
	uint8_t write;
	uint32_t obj;			/* first object, or 0 */
	const char *text;		/* a step's label or a note's format; static */
	const struct p2psim_site *site;
	union {
		struct {
			uint64_t start, last;	/* of the first access */
			uint64_t enabled;	/* mask of task indexes that could have gone */
			uint64_t locks;		/* number of locks held */
		};
		uint64_t arg[P2PSIM_TRACE_ARGS];
	};
};

/*
 * Formats know: %d %u %x (64 bit each), %s (a string; it is copied), %o (an object's id: its name),
 * %t (task index: its name), %p (an address in the simulated process, 0x...), %e (an errno: -EFAULT), %%.
 * Use the macros: they cost one test when nobody traces.
 */
P2PSIM_EXPORT void p2psim_trace_add(enum p2psim_event_type type, const char *format, unsigned int count,
				    const uint64_t *args);

#define P2PSIM_TRACE_(type, fmt, ...)                                                                                  \
	do {                                                                                                           \
		if (__builtin_expect(p2psim_hot && (p2psim_hot->busy & P2PSIM_BUSY_TRACE), 0)) {                       \
			const uint64_t p2psim_args_[] = { 0, ##__VA_ARGS__ };                                          \
			p2psim_trace_add((type), (fmt), sizeof(p2psim_args_) / sizeof(uint64_t) - 1,                   \
					 p2psim_args_ + 1);                                                            \
		}                                                                                                      \
	} while (0)
/* Arguments are converted to uint64_t: cast pointers (P2PSIM_STR for strings). */
#define p2psim_note(fmt, ...)  P2PSIM_TRACE_(P2PSIM_EVENT_NOTE, fmt, ##__VA_ARGS__)
#define p2psim_enter(fmt, ...) P2PSIM_TRACE_(P2PSIM_EVENT_ENTER, fmt, ##__VA_ARGS__)
#define p2psim_leave(fmt, ...) P2PSIM_TRACE_(P2PSIM_EVENT_LEAVE, fmt, ##__VA_ARGS__)
#define P2PSIM_STR(s) ((uint64_t)(uintptr_t)(s))

/* Reading: events oldest first.  `lost` events fell out of the ring before them. */
P2PSIM_EXPORT size_t p2psim_trace_count(const struct p2psim_world *world);
P2PSIM_EXPORT uint64_t p2psim_trace_lost(const struct p2psim_world *world);
P2PSIM_EXPORT const struct p2psim_event *p2psim_trace_at(const struct p2psim_world *world, size_t i);
/* One line of text for an event; returns its length as snprintf does. */
P2PSIM_EXPORT int p2psim_event_format(const struct p2psim_world *world, const struct p2psim_event *event, char *text,
				      size_t size);
P2PSIM_EXPORT const char *p2psim_step_kind_name(enum p2psim_step_kind kind);
P2PSIM_EXPORT unsigned int p2psim_world_task_count(const struct p2psim_world *world);
P2PSIM_EXPORT const char *p2psim_world_task_name(const struct p2psim_world *world, unsigned int index);
/* The name of an object id, "?" if there is none such. */
P2PSIM_EXPORT const char *p2psim_world_object_name(const struct p2psim_world *world, uint32_t id);

P2PSIM_END_DECLS

#endif
