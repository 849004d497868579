/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/pid_namespace.h, 6.1 (reduced: there is one, and nobody looks into it). */
#ifndef P2PSIM_LINUX_PID_NAMESPACE_H
#define P2PSIM_LINUX_PID_NAMESPACE_H

struct pid_namespace;

#endif
