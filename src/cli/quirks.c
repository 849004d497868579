/* SPDX-License-Identifier: MIT */
/*
 * Quirks on the command line: which there are, and a scenario with some of them on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"

/* What the model does otherwise than one may expect. */
static const char *const differences[] = {
	"tasks run between steps without interruption; memory is sequentially consistent",
	"a new task runs to its first step at once, in its creator's time",
	"page-table locks are not modelled: an entry is read or written in one step",
	"mprotect() of a device VMA without page tables is not announced (as in Linux 6.1)",
	"files live on a tmpfs; device-private memory and huge pages of files are not there yet",
	NULL,
};

int cli_list_quirks(const struct cli *cli)
{
	const struct p2psim_quirk_info *quirk;
	int i;

	for (i = 0; !cli->json && differences[i]; i++)
		printf("%s\n", differences[i]);
	for (i = 0; (quirk = p2psim_quirk_info((enum p2psim_quirk)i)); i++) {
		if (cli->json)
			cli_write_quirk(stdout, quirk);
		else
			printf("\n%s-%s\n  %s\n  (%s)\n", quirk->id, quirk->name, quirk->sentence, quirk->source);
	}
	return CLI_OK;
}

int cli_add_quirk(struct cli *cli, char *name)
{
	enum p2psim_quirk quirk = name ? p2psim_quirk_by_name(name) : P2PSIM_QUIRK_NR;
	size_t used = strlen(cli->quirk_words);
	int status = CLI_OK;

	if (quirk == P2PSIM_QUIRK_NR)
		status = cli_say(CLI_USAGE, "there is no quirk \"%s\" (see list --quirks)", name ? name : "");
	else if (!(cli->quirk_mask & (uint64_t)1 << quirk))
		snprintf(cli->quirk_words + used, sizeof(cli->quirk_words) - used, " --quirk %s",
			 p2psim_quirk_info(quirk)->id);
	if (!status)
		cli->quirk_mask |= (uint64_t)1 << quirk;
	free(name);
	return status;
}

const struct p2psim_scenario *cli_with_quirks(struct cli *cli, const struct p2psim_scenario *scenario)
{
	if (!cli->quirk_mask)
		return scenario;
	cli->quirky = *scenario;
	cli->quirky.config.quirks |= cli->quirk_mask;
	return &cli->quirky;
}
