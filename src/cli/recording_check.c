/* SPDX-License-Identifier: MIT */
/*
 * Is a record what the format says?  A recording that was cut, joined or edited by hand wrongly must not replay as
 * something else: each operation takes so many arguments of these kinds, each kind of record so many fields.
 */
#include "cli/recording_check.h"

#include <string.h>

/* x hexadecimal, d decimal, k a digit, p permissions, w a word.  What cannot be run yet stands here, too. */
static const struct {
	const char *name, *arguments;
} operations[] = {
	{ "mmap", "xxpwwx" },	{ "munmap", "xx" },	{ "mprotect", "xxp" },	{ "mremap", "xxxwx" },	{ "madvise", "xxw" },
	{ "mlock", "xx" },	{ "mlockf", "xx" },	{ "munlock", "xx" },	{ "msync", "xxw" },	{ "mincore", "xx" },
	{ "rd", "x" },		{ "wr", "xd" },		{ "rdr", "xx" },	{ "wrr", "xxd" },	{ "kread", "xx" },
	{ "kwrite", "xxd" },	{ "forcew", "xd" },	{ "pvr", "x" },		{ "pvw", "xd" },	{ "fwrite", "dxxd" },
	{ "fread", "dx" },	{ "ftrunc", "dx" },	{ "fpunch", "dxx" },	{ "falloc", "dxx" },	{ "fork", "" },
	{ "cr", "x" },		{ "cw", "xd" },		{ "crdr", "xx" },	{ "cwrr", "xxd" },	{ "cmunmap", "xx" },
	{ "cmprotect", "xxp" },	{ "cexit", "" },	{ "hmm", "xdw" },	{ "excl", "xx" },	{ "migr", "xx" },
	{ "gup", "xdw" },	{ "dopen", "k" },	{ "dclose", "k" },	{ "dread", "kxd" },	{ "dwrite", "kxdd" },
	{ "dmig", "kxd" },	{ "dsys", "kxd" },	{ "dsnap", "kxd" },	{ "dexcl", "kxd" },	{ "dchk", "kxd" },
	{ "drel", "k" },	{ "cdopen", "k" },	{ "cdclose", "k" },	{ "cdread", "kxd" },	{ "cdwrite", "kxdd" },
	{ "cdmig", "kxd" },	{ "cdsys", "kxd" },	{ "cdsnap", "kxd" },	{ "cdexcl", "kxd" },	{ "cdchk", "kxd" },
	{ "cdrel", "k" },	{ "exit", "" },		{ NULL, NULL },
};

#define HEX "0123456789abcdef"
#define DECIMAL "0123456789"

static bool is_number(const char *word, size_t length, const char *digits)
{
	return length && length <= 20 && strspn(word, digits) >= length;
}

bool recording_is_decimal(const char *word)
{
	return is_number(word, strlen(word), DECIMAL);
}

bool recording_is_hex(const char *word)
{
	return is_number(word, strlen(word), HEX);
}

/* "rw-", and "rw-p" of a VMA */
static bool is_prot(const char *word, size_t length, size_t wanted)
{
	return length == wanted && strchr("r-", word[0]) && strchr("w-", word[1]) && strchr("x-", word[2]) &&
	       (length == 3 || strchr("ps", word[3]));
}

static bool is_argument(char kind, const char *word)
{
	switch (kind) {
	case 'x':
		return recording_is_hex(word);
	case 'd': /* a count that a few scripts give in hexadecimal */
		return recording_is_hex(word);
	case 'k':
		return recording_is_decimal(word) && !word[1];
	case 'p':
		return is_prot(word, strlen(word), 3);
	default:
		return true;
	}
}

const char *recording_check_op(const struct recorded_op *op)
{
	const char *arguments;
	int i, at;

	for (i = 0; operations[i].name && strcmp(operations[i].name, op->words[0]); i++)
		;
	arguments = operations[i].arguments;
	if (!arguments)
		return "there is no such operation";
	if ((int)strlen(arguments) + 1 != op->word_count)
		return "the operation takes another number of arguments";
	for (at = 1; at < op->word_count; at++)
		if (!is_argument(arguments[at - 1], op->words[at]))
			return "an argument that cannot be read";
	return NULL;
}

struct field {
	const char *at;
	size_t length;
};

/* Fields with one blank between them; how many, or -1: more than `most`, or an empty one. */
static int fields_of(const char *text, struct field *fields, int most)
{
	int count = 0;

	for (;; text++) {
		if (count == most || !strcspn(text, " "))
			return -1;
		fields[count].at = text;
		fields[count].length = strcspn(text, " ");
		text += fields[count++].length;
		if (!*text)
			return count;
	}
}

static bool is_hex_field(const struct field *field)
{
	return is_number(field->at, field->length, HEX);
}

/* S UNMAP 4000 c000 bv */
const char *recording_check_event(const char *text)
{
	struct field f[8];
	int count = fields_of(text, f, 8);

	if (count >= 2 && f[1].length == 7 && !strncmp(f[1].at, "MISSING", 7))
		return NULL;
	if (count == 5 && f[0].length == 1 && strchr("SERCYIX", f[0].at[0]) && is_hex_field(&f[2]) && is_hex_field(&f[3]) &&
	    f[4].length <= 6)
		return NULL;
	return "an event reads: ev S|E|R|C|Y|I|X EVENT START END FLAGS";
}

/* 4000 c000 rw-p anon 0 ac */
const char *recording_check_vma(const char *text)
{
	struct field f[6];

	if (fields_of(text, f, 6) == 6 && is_hex_field(&f[0]) && is_hex_field(&f[1]) && is_prot(f[2].at, f[2].length, 4) &&
	    is_hex_field(&f[4]))
		return NULL;
	return "a VMA reads: vma START END PERM OBJ OFF FLAGS";
}

bool recording_has_owner(const char *text)
{
	const char *flags = strrchr(text, ' ');

	return flags && strchr(flags, 'o');
}

/* ". 4 A 2 . 58": pairs that fill the window, of these letters; NULL: any. */
static const char *check_pairs(const char *text, unsigned long window, const char *letters)
{
	unsigned long total = 0, count;
	char *end;

	for (;; text = end + 1) {
		if (!*text || *text == ' ' || (letters && !strchr(letters, *text)) || text[1] != ' ' || !strchr(DECIMAL, text[2]))
			break;
		count = strtoul(text + 2, &end, 10);
		if (!count || (*end && *end != ' '))
			break;
		total += count;
		if (!*end)
			return total == window ? NULL : "the page-table entries do not fill the window";
	}
	return letters ? "a device's page table reads: dpt DEVICE LETTER COUNT ..." :
			 "page-table entries read: pg LETTER COUNT LETTER COUNT ...";
}

const char *recording_check_pages(const char *text, unsigned long window)
{
	return check_pairs(text, window, NULL);
}

const char *recording_check_mirror(const char *text, unsigned long window)
{
	if (text[0] < '0' || text[0] >= '0' + RECORDING_MIRRORS || text[1] != ' ')
		return "a device's page table reads: dpt DEVICE LETTER COUNT ...";
	return strcmp(text + 2, "=") ? check_pairs(text + 2, window, ".rwx") : NULL;
}

bool recording_begins_with(const char *line)
{
	static const char *const words[] = { "window ", "thp ", "swap ", "events ", "op " };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(line, words[i], strlen(words[i])))
			return true;
	return !strncmp(line, "file ", 5) && line[5] >= '0' && line[5] <= '9';
}
