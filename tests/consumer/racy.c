/* SPDX-License-Identifier: MIT */
/* A driver that counts its openings, and forgot a lock. */
#include "racy.h"

void racy_open(void *state)
{
	((struct racy *)state)->opened++;
}
