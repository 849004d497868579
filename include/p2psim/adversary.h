/* SPDX-License-Identifier: MIT */
/*
 * What may go wrong without any other task's doing: an allocation fails, a trylock fails although the lock is free, a sleeper
 * wakes up for no reason, a timer has expired already.  Each is a decision of whoever explores, at most as often in one
 * execution as config.adversary allows, and a deviation of the schedule like a switch: it is replayed, minimised and drawn.
 *
 * Without a strategy, in setup and in teardown nothing goes wrong.
 */
#ifndef P2PSIM_ADVERSARY_H
#define P2PSIM_ADVERSARY_H

#include <p2psim/world.h>

P2PSIM_BEGIN_DECLS

/*
 * May it go wrong here?  `what` (static) is the line of the picture when it does, "the device does not answer".
 * No step: nobody else can run in between.  Context: any.
 */
P2PSIM_EXPORT bool p2psim_adverse(enum p2psim_adversity kind, const char *what);
/* "allocation", "trylock", "wakeup", "timer", "other". */
P2PSIM_EXPORT const char *p2psim_adversity_name(enum p2psim_adversity kind);

P2PSIM_END_DECLS

#endif
