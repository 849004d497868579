/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of five mails of 2019 that shaped peer-to-peer through VMAs, each right and wrong.  One array a mail, ended
 * by an entry without name; the example programs and the p2psim tool register the same objects.
 */
#ifndef P2PSIM_EXAMPLES_MAILS_H
#define P2PSIM_EXAMPLES_MAILS_H

#include <p2psim/scenario.h>

extern const struct p2psim_scenario p2psim_mail_000[]; /* Glisse, 2019-01-30 17:59: the trial call */
extern const struct p2psim_scenario p2psim_mail_001[]; /* Glisse, 2019-01-29 14:44: three steps; BARs may move */
extern const struct p2psim_scenario p2psim_mail_002[]; /* Gunthorpe, 2019-01-30 12:44: no struct page, no O_DIRECT */
extern const struct p2psim_scenario p2psim_mail_003[]; /* Gunthorpe, 2019-01-30 20:50: one VMA is not workable */
extern const struct p2psim_scenario p2psim_mail_004[]; /* Gunthorpe, 2019-06-08: the range says why */

#endif
