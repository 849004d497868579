/* SPDX-License-Identifier: MIT */
/*
 * Verbs: the fake device dmirror, by the process or by its child.
 *
 * Commands and what they return go through a buffer of the process's own, outside the window.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/device_file.h>
#include <p2psim/dmirror.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mman.h>

#include "cli/replayer_verbs.h"

#define COMMAND_AT 0x600000000000UL
#define BUFFER_AT (COMMAND_AT + PAGE_SIZE)
#define BUFFER_PAGES 65536UL

/* Whose device: the verb without the c of a child's. */
struct caller {
	struct p2psim_process *process;
	struct file **mirrors;
	int number;		/* of the device */
	const char *verb;
};

/* False: it is said why not. */
static bool caller_of(struct replayer *r, const struct recorded_op *op, struct caller *c, char *ret, size_t size)
{
	bool child = op->words[0][0] == 'c';

	if (child && !replayer_has_child(r, ret, size))
		return false;
	c->process = child ? r->child : r->process;
	c->mirrors = child ? r->child_mirrors : r->mirrors;
	c->number = atoi(op->words[1]);
	c->verb = op->words[0] + child;
	return true;
}

static bool is_open(const struct caller *c)
{
	return c->number < RECORDING_MIRRORS && c->mirrors[c->number];
}

static void do_open(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct caller c;
	char name[32];

	if (!caller_of(r, op, &c, ret, size))
		return;
	if (c.number >= RECORDING_MIRRORS) {
		say_error(-ENODEV, ret, size);
		return;
	}
	if (is_open(&c)) {
		snprintf(ret, size, "OPEN");
		return;
	}
	if (!r->dmirror)
		p2psim_dmirror_load(NULL, &r->dmirror);
	p2psim_mmap(c.process, COMMAND_AT, (1 + BUFFER_PAGES) * PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	snprintf(name, sizeof(name), "hmm_dmirror%d", c.number);
	say_status(p2psim_device_open(c.process, name, O_RDWR, &c.mirrors[c.number]), ret, size);
}

static void do_close(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct caller c;

	if (!caller_of(r, op, &c, ret, size))
		return;
	if (!is_open(&c)) {
		snprintf(ret, size, "NOTOPEN");
		return;
	}
	say_status(p2psim_close(c.process, c.mirrors[c.number]), ret, size);
	c.mirrors[c.number] = NULL;
}

void replayer_close_mirrors(struct file **mirrors)
{
	int i;

	for (i = 0; i < RECORDING_MIRRORS; i++) {
		if (mirrors[i])
			fput(mirrors[i]);
		mirrors[i] = NULL;
	}
}

void replayer_end_dmirror(struct replayer *r)
{
	replayer_close_mirrors(r->mirrors);
	replayer_close_mirrors(r->child_mirrors);
	p2psim_dmirror_unload(r->dmirror);
}

/* ---- commands ---- */

static const struct {
	const char *verb;
	unsigned int command;
	unsigned long unit;	/* bytes a page of what it returns; 0: nothing */
} commands[] = {
	{ "dread", P2PSIM_DMIRROR_READ, PAGE_SIZE },
	{ "dwrite", P2PSIM_DMIRROR_WRITE, 0 },
	{ "dmig", P2PSIM_DMIRROR_MIGRATE_TO_DEV, PAGE_SIZE },
	{ "dsys", P2PSIM_DMIRROR_MIGRATE_TO_SYS, 0 },
	{ "dsnap", P2PSIM_DMIRROR_SNAPSHOT, 1 },
	{ "dexcl", P2PSIM_DMIRROR_EXCLUSIVE, PAGE_SIZE },
	{ "dchk", P2PSIM_DMIRROR_CHECK_EXCLUSIVE, 0 },
	{ "drel", P2PSIM_DMIRROR_RELEASE, 0 },
};

static int command_of(const char *verb)
{
	int i;

	for (i = 0; strcmp(commands[i].verb, verb); i++)
		;
	return i;
}

/* "04x2,00x2", and the sum of all bytes. */
static void say_data(const unsigned char *bytes, unsigned long pages, unsigned long unit, char *text, size_t size)
{
	unsigned long i, run, sum = 0;
	size_t used = 0;

	for (i = 0; i < pages && used < size; i += run) {
		for (run = 1; i + run < pages && bytes[(i + run) * unit] == bytes[i * unit]; run++)
			;
		used += (size_t)snprintf(text + used, size - used, "%s%02xx%lu", i ? "," : "", bytes[i * unit], run);
	}
	for (i = 0; unit == PAGE_SIZE && i < pages * unit; i++)
		sum += bytes[i];
	if (used < size)
		snprintf(text + used, size - used, "%s %lu", used ? "" : "-", sum);
}

static void say_outcome(const struct caller *c, const struct p2psim_dmirror_cmd *cmd, unsigned long unit, char *ret,
			size_t size)
{
	size_t used = (size_t)snprintf(ret, size, "0 %llu %llu ", (unsigned long long)cmd->cpages,
				       (unsigned long long)cmd->faults);
	unsigned char *bytes = malloc(cmd->npages * PAGE_SIZE);

	if (!bytes || (unit && p2psim_load(c->process, BUFFER_AT, bytes, cmd->npages * unit)))
		say_error(-ENOMEM, ret, size);
	else
		say_data(bytes, unit ? cmd->npages : 0, unit, ret + used, size - used);
	free(bytes);
}

/* What the device writes: VAL in every byte. */
static int fill_buffer(const struct caller *c, unsigned long pages, int value)
{
	unsigned char bytes[PAGE_SIZE];
	unsigned long i;
	int error = 0;

	memset(bytes, value, sizeof(bytes));
	for (i = 0; i < pages && i < BUFFER_PAGES && !error; i++)
		error = p2psim_store(c->process, BUFFER_AT + i * PAGE_SIZE, bytes, sizeof(bytes));
	return error;
}

static long carry_out(const struct caller *c, unsigned int command, struct p2psim_dmirror_cmd *cmd)
{
	long error = p2psim_store(c->process, COMMAND_AT, cmd, sizeof(*cmd));

	if (!error)
		error = p2psim_ioctl(c->process, c->mirrors[c->number], command, COMMAND_AT);
	return error ? error : p2psim_load(c->process, COMMAND_AT, cmd, sizeof(*cmd));
}

static void do_command(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct p2psim_dmirror_cmd cmd = { .addr = WINDOW_BASE, .ptr = BUFFER_AT, .npages = 1 };
	struct caller c;
	long error = 0;
	int i;

	if (!caller_of(r, op, &c, ret, size))
		return;
	if (!is_open(&c)) {
		snprintf(ret, size, "NOTOPEN");
		return;
	}
	i = command_of(c.verb);
	if (op->word_count > 3) {
		cmd.addr = replayer_address(op->words[2]);
		cmd.npages = strtoul(op->words[3], NULL, 10);
	}
	if (op->word_count > 4)
		error = fill_buffer(&c, cmd.npages, atoi(op->words[4]));
	if (!error)
		error = carry_out(&c, commands[i].command, &cmd);
	if (error)
		say_error((int)error, ret, size);
	else
		say_outcome(&c, &cmd, commands[i].unit, ret, size);
}

const struct verb replayer_dmirror_verbs[] = {
	{ "dopen", 1, NULL, do_open },	   { "cdopen", 1, NULL, do_open },
	{ "dclose", 1, NULL, do_close },   { "cdclose", 1, NULL, do_close },
	{ "dread", 3, NULL, do_command },  { "cdread", 3, NULL, do_command },
	{ "dwrite", 4, NULL, do_command }, { "cdwrite", 4, NULL, do_command },
	{ "dmig", 3, NULL, do_command },   { "cdmig", 3, NULL, do_command },
	{ "dsys", 3, NULL, do_command },   { "cdsys", 3, NULL, do_command },
	{ "dsnap", 3, NULL, do_command },  { "cdsnap", 3, NULL, do_command },
	{ "dexcl", 3, NULL, do_command },  { "cdexcl", 3, NULL, do_command },
	{ "dchk", 3, NULL, do_command },   { "cdchk", 3, NULL, do_command },
	{ "drel", 1, NULL, do_command },   { "cdrel", 1, NULL, do_command },
	{ NULL, 0, NULL, NULL },
};
