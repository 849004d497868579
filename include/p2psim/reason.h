/* SPDX-License-Identifier: MIT */
/*
 * Why an import was refused.
 *
 * An errno cannot tell "your policy forbids it" from "no path on the bus": both reach a driver as -EFAULT through HMM.
 * So every refusal is typed, has one errno, and a sentence that names the bridge, the policy or the VMA.  The last one
 * of each task is kept; the trial call, the report and a test read it.
 *
 *	if (!device_test_p2p(&gpu->dev, importer))
 *		return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "%s has no path to %s", ...);
 */
#ifndef P2PSIM_REASON_H
#define P2PSIM_REASON_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

enum p2psim_reason {
	P2PSIM_REASON_NONE,
	P2PSIM_REASON_NO_VMA,		/* -EFAULT: nothing is mapped there */
	P2PSIM_REASON_NO_READ,		/* -EFAULT: the VMA may not be read */
	P2PSIM_REASON_READ_ONLY,	/* -EPERM: a write to a VMA that may not be written */
	P2PSIM_REASON_NOT_EXPORTABLE,	/* -EOPNOTSUPP: the VMA's driver has no p2p_map() */
	P2PSIM_REASON_POLICY,		/* -EACCES: the exporter does not want to */
	P2PSIM_REASON_NOT_ROUTABLE,	/* -EREMOTEIO: no path on the bus, or beyond the importer's DMA mask */
	P2PSIM_REASON_NOT_PCI,		/* -EINVAL: the importer is no PCI device */
	P2PSIM_REASON_NO_BAR_SPACE,	/* -ENOSPC: no window of the BAR is free */
	P2PSIM_REASON_PIN_REFUSED,	/* -EOPNOTSUPP: the exporter lets nobody pin */
	P2PSIM_REASON_DEVICE_GONE,	/* -ENODEV: the exporter or the importer was unplugged */
	P2PSIM_REASON_BUSY,		/* -EBUSY: the exporter is moving it, or a collision; try again */
	P2PSIM_REASON_NO_MEMORY,	/* -ENOMEM */
	P2PSIM_REASON_NR
};

struct p2psim_refusal {
	enum p2psim_reason reason;
	int error;			/* -errno of the reason; 0 for NONE */
	char sentence[256];		/* without a full stop; "" for NONE */
};

/*
 * Keeps the reason and the sentence for p2psim_last_refusal() of the calling task and leaves a note in the trace.
 * Context: any; takes no step.
 * Return: the reason's -errno (never what HMM makes of it), so that a driver can `return p2psim_refuse(...)`.
 */
P2PSIM_EXPORT int p2psim_refuse(enum p2psim_reason reason, const char *fmt, ...) P2PSIM_PRINTF(2, 3);
/* The last refusal of the calling task.  Never NULL: reason NONE when there was none since it was forgotten. */
P2PSIM_EXPORT const struct p2psim_refusal *p2psim_last_refusal(void);
/* Forgets it: what a trial does first, so that an old refusal is not taken for its own. */
P2PSIM_EXPORT void p2psim_refusal_clear(void);

/* "NOT_ROUTABLE", ...  Never NULL. */
P2PSIM_EXPORT const char *p2psim_reason_name(enum p2psim_reason reason);
/* The reason's -errno, 0 for NONE. */
P2PSIM_EXPORT int p2psim_reason_error(enum p2psim_reason reason);

P2PSIM_END_DECLS

#endif
