/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/acpi.h, 6.1 (declared: the machine has no firmware tables; linking names what is asked for). */
#ifndef P2PSIM_LINUX_ACPI_H
#define P2PSIM_LINUX_ACPI_H

typedef void *acpi_handle;

#endif
