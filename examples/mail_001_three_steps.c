/* SPDX-License-Identifier: MIT */
/*
 * The three steps of an importer; a BAR that is packed under it (Glisse, 2019-01-29).
 *
 * Without arguments: runs every scenario of the mail as its own schedule says, and draws it.  With arguments: the command
 * line of the p2psim tool for these scenarios (list, run, replay ...).  What happens is in scenarios/001_three_steps.c.
 */
#include "scenarios/mails.h"
#include "show.h"

#ifdef P2PSIM_EXAMPLES_CLI
#include <p2psim/main.h>
#endif

int main(int argc, char **argv)
{
#ifdef P2PSIM_EXAMPLES_CLI
	if (argc > 1)
		return p2psim_main(argc, argv, p2psim_mail_001);
#endif
	(void)argc;
	(void)argv;
	return show_mail(p2psim_mail_001);
}
