/* SPDX-License-Identifier: MIT */
/* A driver that counts its openings. */
#ifndef RACY_H
#define RACY_H

struct racy {
	int opened;
};

void racy_open(void *state);

#endif
