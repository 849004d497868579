/* SPDX-License-Identifier: MIT */
/* The p2psim program: the command line over the scenarios of the mails and of the defects of 2019. */
#include <p2psim/main.h>

#include "eras.h"
#include "mails.h"
#include "scenarios.h"

int main(int argc, char **argv)
{
	const struct p2psim_scenario *const sets[] = { p2psim_mail_000, p2psim_mail_001, p2psim_mail_002,
						       p2psim_mail_003, p2psim_mail_004, p2psim_era_hmm,
						       p2psim_era_reason, p2psim_era_rfc, p2psim_era_pages,
						       p2psim_era_memory, p2psim_rfc_pages, p2psim_drivers,
						       NULL };

	return p2psim_main_sets(argc, argv, sets);
}
