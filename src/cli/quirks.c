/* SPDX-License-Identifier: MIT */
/*
 * What the command line wants of a world: quirks, of which it can list all, and things that go wrong by themselves.
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
	"files live on a tmpfs and have no huge pages; hugetlb is a small pool",
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
	size_t used = strlen(cli->config_words);
	int status = CLI_OK;

	if (quirk == P2PSIM_QUIRK_NR)
		status = cli_say(CLI_USAGE, "there is no quirk \"%s\" (see list --quirks)", name ? name : "");
	else if (!(cli->quirk_mask & (uint64_t)1 << quirk))
		snprintf(cli->config_words + used, sizeof(cli->config_words) - used, " --quirk %s",
			 p2psim_quirk_info(quirk)->id);
	if (!status)
		cli->quirk_mask |= (uint64_t)1 << quirk;
	free(name);
	return status;
}

/* "wakeup" or "wakeup=2": which kind, and how often; P2PSIM_ADVERSITIES: neither. */
static enum p2psim_adversity read_adversity(const char *text, unsigned long *count)
{
	const size_t length = text ? strcspn(text, "=") : 0;
	int kind;
	char *end;

	*count = 1;
	if (length && text[length] == '=') {
		*count = strtoul(text + length + 1, &end, 10);
		if (text[length + 1] < '0' || text[length + 1] > '9' || *end || !*count || *count > UINT8_MAX)
			return P2PSIM_ADVERSITIES;
	}
	for (kind = 0; kind < P2PSIM_ADVERSITIES; kind++) {
		const char *name = p2psim_adversity_name((enum p2psim_adversity)kind);

		if (length == strlen(name) && !strncmp(name, text, length))
			return (enum p2psim_adversity)kind;
	}
	return P2PSIM_ADVERSITIES;
}

int cli_add_adversary(struct cli *cli, char *text)
{
	const size_t used = strlen(cli->config_words);
	unsigned long count;
	const enum p2psim_adversity kind = read_adversity(text, &count);
	int status = CLI_OK;

	if (kind == P2PSIM_ADVERSITIES)
		status = cli_say(CLI_USAGE, "--adversary is allocation, trylock, wakeup, timer or other, and =N for more than "
					    "one; not \"%s\"", text ? text : "");
	else if (cli->adversary[kind])
		status = cli_say(CLI_USAGE, "--adversary %s is given twice", p2psim_adversity_name(kind));
	if (!status) {
		cli->adversary[kind] = (uint8_t)count;
		snprintf(cli->config_words + used, sizeof(cli->config_words) - used, " --adversary %s", text);
	}
	free(text);
	return status;
}

void cli_add_races(struct cli *cli)
{
	size_t used = strlen(cli->config_words);

	if (!cli->races)
		snprintf(cli->config_words + used, sizeof(cli->config_words) - used, " --races");
	cli->races = true;
}

const struct p2psim_scenario *cli_configured(struct cli *cli, const struct p2psim_scenario *scenario)
{
	int kind;

	cli->configured = *scenario;
	cli->configured.config.quirks |= cli->quirk_mask;
	cli->configured.config.races |= cli->races;
	for (kind = 0; kind < P2PSIM_ADVERSITIES; kind++)
		if (cli->adversary[kind])
			cli->configured.config.adversary[kind] = cli->adversary[kind];
	return &cli->configured;
}
