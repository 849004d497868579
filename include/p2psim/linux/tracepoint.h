/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/tracepoint.h, 6.1, of a kernel without CONFIG_TRACEPOINTS: trace_<event>() takes what TP_PROTO() says
 * and does nothing, and no event is ever enabled.  What happened is in the model's own trace (<p2psim/trace.h>).
 */
#ifndef P2PSIM_LINUX_TRACEPOINT_H
#define P2PSIM_LINUX_TRACEPOINT_H

#include <p2psim/linux/kernel.h>

#define TP_PROTO(...) __VA_ARGS__
#define TP_ARGS(...) __VA_ARGS__
#define TP_CONDITION(...) __VA_ARGS__

#define DECLARE_TRACE(event, proto, args)                                                                              \
	static inline void trace_##event(proto)                                                                        \
	{                                                                                                              \
	}                                                                                                              \
	static inline bool trace_##event##_enabled(void)                                                               \
	{                                                                                                              \
		return false;                                                                                          \
	}
#define DECLARE_TRACE_CONDITION(event, proto, args, cond) DECLARE_TRACE(event, proto, args)
#define DECLARE_EVENT_CLASS(name, ...)
#define DEFINE_EVENT(class, event, proto, args) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define DEFINE_EVENT_PRINT(class, event, proto, args, print) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define DEFINE_EVENT_CONDITION(class, event, proto, args, cond) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define TRACE_EVENT(event, proto, args, ...) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define TRACE_EVENT_FN(event, proto, args, ...) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define TRACE_EVENT_CONDITION(event, proto, args, ...) DECLARE_TRACE(event, TP_PROTO(proto), TP_ARGS(args))
#define TRACE_DEFINE_ENUM(name)
#define TRACE_DEFINE_SIZEOF(name)
#define EXPORT_TRACEPOINT_SYMBOL(event)
#define EXPORT_TRACEPOINT_SYMBOL_GPL(event)

#endif
