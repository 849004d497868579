/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/typecheck.h, 6.1 (same). */
#ifndef P2PSIM_LINUX_TYPECHECK_H
#define P2PSIM_LINUX_TYPECHECK_H

/* 1; the compiler warns when x has another type. */
#define typecheck(type, x)                                                                                             \
	__extension__({                                                                                                \
		type typecheck_wanted_;                                                                                \
		__typeof__(x) typecheck_given_;                                                                        \
		(void)(&typecheck_wanted_ == &typecheck_given_);                                                       \
		1;                                                                                                     \
	})
#define typecheck_fn(type, function)                                                                                   \
	__extension__({                                                                                                \
		__typeof__(type) typecheck_fn_ = (function);                                                           \
		(void)typecheck_fn_;                                                                                   \
	})

#endif
