/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/uidgid.h, 6.1 (reduced: one user namespace, so that a kuid_t holds what user space sees). */
#ifndef P2PSIM_LINUX_UIDGID_H
#define P2PSIM_LINUX_UIDGID_H

#include <p2psim/linux/types.h>

typedef struct {
	uid_t val;
} kuid_t;

typedef struct {
	gid_t val;
} kgid_t;

#define KUIDT_INIT(value) (kuid_t){ value }
#define KGIDT_INIT(value) (kgid_t){ value }
#define GLOBAL_ROOT_UID KUIDT_INIT(0)
#define GLOBAL_ROOT_GID KGIDT_INIT(0)
#define INVALID_UID KUIDT_INIT((uid_t)-1)
#define INVALID_GID KGIDT_INIT((gid_t)-1)

/* It has no contents. */
struct user_namespace;
#define current_user_ns() ((struct user_namespace *)NULL)
#define make_kuid(ns, uid) ((void)(ns), KUIDT_INIT(uid))
#define from_kuid(ns, kuid) ((void)(ns), (kuid).val)
#define from_kuid_munged(ns, kuid) from_kuid((ns), (kuid))

static inline uid_t __kuid_val(kuid_t uid)
{
	return uid.val;
}

static inline gid_t __kgid_val(kgid_t gid)
{
	return gid.val;
}

static inline bool uid_eq(kuid_t a, kuid_t b)
{
	return a.val == b.val;
}

static inline bool gid_eq(kgid_t a, kgid_t b)
{
	return a.val == b.val;
}

#endif
