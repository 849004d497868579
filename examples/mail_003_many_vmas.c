/* SPDX-License-Identifier: MIT */
/*
 * One memory region over many VMAs whose boundaries move (Gunthorpe, 2019-01-30).
 *
 * Without arguments: runs every scenario of the mail as its own schedule says, and draws it.  With arguments: the command
 * line of the p2psim tool for these scenarios (list, run, replay ...).  What happens is in scenarios/003_many_vmas.c.
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
		return p2psim_main(argc, argv, p2psim_mail_003);
#endif
	(void)argc;
	(void)argv;
	return show_mail(p2psim_mail_003);
}
