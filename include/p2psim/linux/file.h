/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/file.h, 6.1 (reduced): get_file() and fput() are in fs.h. */
#ifndef P2PSIM_LINUX_FILE_H
#define P2PSIM_LINUX_FILE_H
#include <p2psim/linux/fs.h>
#endif
