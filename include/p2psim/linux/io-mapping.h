/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/io-mapping.h, 6.1 (declared: BARs are mapped by ioremap(); linking names what is asked for). */
#ifndef P2PSIM_LINUX_IO_MAPPING_H
#define P2PSIM_LINUX_IO_MAPPING_H

#include <p2psim/linux/io.h>

struct io_mapping;

#endif
