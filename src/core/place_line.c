/* SPDX-License-Identifier: MIT */
/*
 * The line of the source for an address: the line programs of DWARF 2 to 5.
 *
 *	.debug_line = program, program, ...		one a compilation unit
 *	program     = header (tables of folders and files), opcodes
 *
 * The opcodes move an address and a line forward and emit rows; a row holds up to the address of the next one.  Damaged
 * input ends the search.  Left out: folders (names of files are told without them), the 64-bit format's vendor variants.
 */
#include <string.h>

#include "core/place.h"

enum {
	LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNS_SET_COLUMN, LNS_NEGATE_STMT, LNS_SET_BASIC_BLOCK,
	LNS_CONST_ADD_PC, LNS_FIXED_ADVANCE_PC,
	LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2,
	LNCT_PATH = 1,
	FORM_BLOCK = 0x09, FORM_DATA1 = 0x0b, FORM_DATA2 = 0x05, FORM_DATA4 = 0x06, FORM_DATA8 = 0x07, FORM_DATA16 = 0x1e,
	FORM_STRING = 0x08, FORM_STRP = 0x0e, FORM_UDATA = 0x0f, FORM_LINE_STRP = 0x1f,
};

/* Reading on behind the end gives zeros and sets `bad`. */
struct reader {
	const unsigned char *at, *end;
	bool bad;
};

struct program {
	const struct p2psim_line_info *info;
	struct reader files;		/* its table of files */
	struct reader code;
	unsigned int version, offset_bytes;
	unsigned int step, base, range, opcodes;	/* minimum_instruction_length, line_base ... */
	const unsigned char *operands;	/* how many each standard opcode has */
};

struct row {
	uint64_t address, file, line;
};

static uint64_t number(struct reader *r, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->bad = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, bytes); /* little endian, as the hosts are */
	r->at += bytes;
	return value;
}

static uint64_t leb(struct reader *r, bool is_signed)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = number(r, 1);
		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !r->bad);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= ~(uint64_t)0 << shift;
	return value;
}

static const char *string(struct reader *r)
{
	const char *text = (const char *)r->at;
	const unsigned char *nul = r->at < r->end ? memchr(r->at, 0, (size_t)(r->end - r->at)) : NULL;

	if (!nul) {
		r->bad = true;
		r->at = r->end;
		return "";
	}
	r->at = nul + 1;
	return text;
}

static const char *string_in(struct p2psim_bytes section, uint64_t offset)
{
	struct reader r = { section.start, section.end, false };

	if (offset >= (uint64_t)(section.end - section.start))
		return "";
	r.at += offset;
	return string(&r);
}

static const char *form(struct reader *r, const struct program *p, uint64_t kind)
{
	switch (kind) {
	case FORM_STRING: return string(r);
	case FORM_LINE_STRP: return string_in(p->info->line_str, number(r, p->offset_bytes));
	case FORM_STRP: return string_in(p->info->str, number(r, p->offset_bytes));
	case FORM_UDATA: leb(r, false); break;
	case FORM_DATA1: number(r, 1); break;
	case FORM_DATA2: number(r, 2); break;
	case FORM_DATA4: number(r, 4); break;
	case FORM_DATA8: number(r, 8); break;
	case FORM_DATA16: number(r, 8), number(r, 8); break;
	default: r->bad = true; break;
	}
	return NULL;
}

/* A table of version 5; the path of entry `wanted`, NULL if there are fewer.  `r` stands behind the table then. */
static const char *entry(struct reader *r, const struct program *p, uint64_t wanted)
{
	uint64_t kinds = number(r, 1), count, i, k;
	struct reader formats = *r;
	const char *path = NULL, *text;

	for (k = 0; k < 2 * kinds; k++)
		leb(r, false);
	count = leb(r, false);
	for (i = 0; i < count && !r->bad; i++) {
		struct reader f = formats;

		for (k = 0; k < kinds; k++) {
			uint64_t content = leb(&f, false);

			text = form(r, p, leb(&f, false));
			if (content == LNCT_PATH && i == wanted)
				path = text;
		}
	}
	return path;
}

static const char *file_name(const struct program *p, uint64_t wanted)
{
	struct reader r = p->files;
	const char *name;

	if (p->version >= 5) {
		entry(&r, p, 0);
		name = entry(&r, p, wanted);
		return name && *name ? name : NULL;
	}
	while (*string(&r) && !r.bad)
		;
	for (; *(name = string(&r)); wanted--) {
		if (wanted == 1)
			return name;
		leb(&r, false);
		leb(&r, false);
		leb(&r, false);
	}
	return NULL;
}

/* The next program; `r` stands behind it then.  False: the end, or something unknown. */
static bool next_program(struct reader *r, struct program *p)
{
	uint64_t bytes = number(r, 4), header;

	p->offset_bytes = 4;
	if (bytes == UINT32_MAX) {
		p->offset_bytes = 8;
		bytes = number(r, 8);
	}
	if (r->bad || bytes > (uint64_t)(r->end - r->at))
		return false;
	p->code = (struct reader){ r->at, r->at + bytes, false };
	r->at += bytes;
	p->version = (unsigned int)number(&p->code, 2);
	if (p->version < 2 || p->version > 5)
		return false;
	if (p->version >= 5)
		number(&p->code, 2);
	header = number(&p->code, p->offset_bytes);
	p->files = p->code;
	if (header > (uint64_t)(p->code.end - p->code.at))
		return false;
	p->code.at += header;
	p->step = (unsigned int)number(&p->files, 1);
	number(&p->files, p->version >= 4 ? 2 : 1);
	p->base = (unsigned int)number(&p->files, 1);
	p->range = (unsigned int)number(&p->files, 1);
	p->opcodes = (unsigned int)number(&p->files, 1);
	p->operands = p->files.at;
	if (p->opcodes)
		p->files.at += p->opcodes - 1;
	return p->range && p->files.at <= p->files.end;
}

/* An opcode below opcode_base.  Returns whether it emits a row. */
static bool standard(struct program *p, unsigned int opcode, struct row *row)
{
	unsigned int i;

	switch (opcode) {
	case LNS_COPY: return true;
	case LNS_ADVANCE_PC: row->address += leb(&p->code, false) * p->step; return false;
	case LNS_ADVANCE_LINE: row->line += leb(&p->code, true); return false;
	case LNS_SET_FILE: row->file = leb(&p->code, false); return false;
	case LNS_CONST_ADD_PC: row->address += (255 - p->opcodes) / p->range * (uint64_t)p->step; return false;
	case LNS_FIXED_ADVANCE_PC: row->address += number(&p->code, 2); return false;
	default:
		for (i = 0; i < p->operands[opcode - 1]; i++)
			leb(&p->code, false);
		return false;
	}
}

/* Returns whether the sequence of rows ends. */
static bool extended(struct program *p, struct row *row)
{
	uint64_t bytes = leb(&p->code, false);
	struct reader r = p->code;
	unsigned int opcode;

	if (!bytes || bytes > (uint64_t)(p->code.end - p->code.at)) {
		p->code.bad = true;
		return false;
	}
	p->code.at += bytes;
	opcode = (unsigned int)number(&r, 1);
	if (opcode == LNE_SET_ADDRESS && bytes <= 9)
		row->address = number(&r, bytes - 1);
	return opcode == LNE_END_SEQUENCE;
}

static void special(const struct program *p, unsigned int opcode, struct row *row)
{
	opcode -= p->opcodes;
	row->address += opcode / p->range * (uint64_t)p->step;
	row->line += (uint64_t)(int8_t)p->base + opcode % p->range;
}

/* Runs the program until a row covers the address. */
static bool run(struct program *p, uint64_t address, struct row *found)
{
	static const struct row start = { 0, 1, 1 };
	struct row row = start, last = { UINT64_MAX, 1, 1 };

	while (p->code.at < p->code.end && !p->code.bad) {
		unsigned int opcode = (unsigned int)number(&p->code, 1);
		bool ends = !opcode && extended(p, &row), emits = ends;

		if (opcode >= p->opcodes)
			special(p, opcode, &row), emits = true;
		else if (opcode)
			emits = standard(p, opcode, &row);
		if (!emits)
			continue;
		if (last.address <= address && address < row.address) {
			*found = last;
			return true;
		}
		last = row;
		if (ends) {
			row = start;
			last.address = UINT64_MAX;
		}
	}
	return false;
}

bool p2psim_line_find(const struct p2psim_line_info *info, uint64_t address, const char **file, unsigned int *line)
{
	struct reader r = { info->line.start, info->line.end, false };
	struct program p = { .info = info };
	struct row row;

	while (r.at < r.end && next_program(&r, &p)) {
		if (!run(&p, address, &row))
			continue;
		*file = file_name(&p, row.file);
		*line = (unsigned int)row.line;
		return *file && row.line;
	}
	return false;
}
