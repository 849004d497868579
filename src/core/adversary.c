/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong by itself, as decisions of the strategy.  It is asked also when nothing more may go wrong, so that two
 * executions which differ in the order of independent decisions only have the same steps.
 */
#include "core/internal.h"

static const char *const names[P2PSIM_ADVERSITIES] = { "allocation", "trylock", "wakeup", "timer", "other" };

const char *p2psim_adversity_name(enum p2psim_adversity kind)
{
	return (unsigned int)kind < P2PSIM_ADVERSITIES ? names[kind] : "?";
}

bool p2psim_goes_wrong_slow(struct p2psim_world *world, enum p2psim_adversity kind, const char *what)
{
	const int pid = world->hot.task->pid;

	if (!world->strategy || world->ended || !pid || pid >= P2PSIM_ADVERSE_BIT ||
	    !p2psim_decide_adverse(world, world->adversary_left[kind], what))
		return false;
	world->adversary_left[kind]--;
	return true;
}

bool p2psim_adverse(enum p2psim_adversity kind, const char *what)
{
	if (p2psim_world_missing("p2psim_adverse") || (unsigned int)kind >= P2PSIM_ADVERSITIES || !p2psim_goes_wrong(kind, what))
		return false;
	p2psim_note("%s", P2PSIM_STR(what));
	return true;
}
