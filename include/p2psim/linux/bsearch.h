/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bsearch.h, 6.1 (same): bsearch() is libc's. */
#ifndef P2PSIM_LINUX_BSEARCH_H
#define P2PSIM_LINUX_BSEARCH_H
#include <stdlib.h>
#endif
