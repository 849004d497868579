/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/trace_seq.h, 6.1 (reduced): a name.  Events are not printed (tracepoint.h). */
#ifndef P2PSIM_LINUX_TRACE_SEQ_H
#define P2PSIM_LINUX_TRACE_SEQ_H

struct trace_seq;

#endif
