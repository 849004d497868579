/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kgdb.h, 6.1, as without CONFIG_KGDB: nobody is in a debugger. */
#ifndef P2PSIM_LINUX_KGDB_H
#define P2PSIM_LINUX_KGDB_H

#define in_dbg_master() 0

#endif
