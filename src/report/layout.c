/* SPDX-License-Identifier: MIT */
/*
 * Column widths by need, and where a line is broken.
 *
 * The picture is at most 76 characters wide.  A column that needs little gives its room to those whose lines would have
 * to be wrapped: all divisions are tried (four columns at most), the cheapest one wins.  A wrapped line costs far more
 * than an uneven division, so that widths stay even as long as nothing is gained by moving them.
 */
#include "report/layout.h"

#include <limits.h>
#include <string.h>

#define WIDTH_MIN 12
#define WRAP_COST 4096
#define HANG 6		/* what a continuation line loses to its indentation, roughly */

struct division {
	unsigned int width[REPORT_COLUMNS_MAX];
	unsigned long cost;
};

struct search {
	unsigned int columns;
	unsigned long cost[REPORT_COLUMNS_MAX][REPORT_WIDTH_MAX + 1];	/* [column][width] */
};

void report_need_add(struct report_need *need, unsigned int column, size_t length)
{
	const size_t most = sizeof(need->lines[0]) / sizeof(need->lines[0][0]) - 1;

	need->lines[column][length < most ? length : most]++;
}

static unsigned long wraps_at(const unsigned int *lines, unsigned int width)
{
	unsigned long wraps = 0;
	unsigned int length, room = width > WIDTH_MIN ? width - HANG : HANG;

	for (length = width + 1; length < 4 * REPORT_WIDTH_MAX; length++)
		wraps += (unsigned long)lines[length] * ((length - width + room - 1) / room);
	return wraps;
}

static void fill_costs(struct search *search, const struct report_need *need, unsigned int even)
{
	unsigned int column, width;
	unsigned long off;

	for (column = 0; column < need->columns; column++) {
		for (width = WIDTH_MIN; width <= REPORT_WIDTH_MAX; width++) {
			off = width < even ? even - width : width - even;
			search->cost[column][width] = wraps_at(need->lines[column], width) * WRAP_COST + off * off;
		}
	}
}

/* The cheapest division of `room` among the columns from `column` on. */
static struct division divide(const struct search *search, unsigned int column, unsigned int room)
{
	const unsigned int behind = search->columns - 1 - column;
	struct division best = { .cost = ULONG_MAX }, rest;
	unsigned int width;

	if (!behind || column == REPORT_COLUMNS_MAX - 1) {
		best.width[column] = room;
		best.cost = search->cost[column][room];
		return best;
	}
	for (width = WIDTH_MIN; width + behind * (REPORT_GAP + WIDTH_MIN) <= room; width++) {
		rest = divide(search, column + 1, room - width - REPORT_GAP);
		rest.cost += search->cost[column][width];
		rest.width[column] = width;
		if (rest.cost < best.cost)
			best = rest;
	}
	return best;
}

void report_layout_choose(const struct report_need *need, struct report_layout *layout)
{
	const unsigned int room = REPORT_WIDTH_MAX - REPORT_MARGIN;
	struct search search = { .columns = need->columns };
	struct division best;
	unsigned int column, at = REPORT_MARGIN;

	fill_costs(&search, need, (room - REPORT_GAP * (need->columns - 1)) / need->columns);
	best = divide(&search, 0, room);
	for (column = 0; column < need->columns; column++) {
		layout->start[column] = at;
		layout->width[column] = best.width[column];
		at += best.width[column] + REPORT_GAP;
	}
}

/* The last blank within `room`; `outside` of all brackets only.  0: there is none worth taking. */
static size_t blank_before(const char *text, size_t room, int outside)
{
	size_t at, best = 0;
	int depth = 0;

	for (at = 0; at <= room; at++) {
		depth += strchr("([", text[at]) != NULL;
		depth -= strchr(")]", text[at]) != NULL;
		if (text[at] == ' ' && (!outside || depth <= 0))
			best = at;
	}
	return best > room / 3 ? best : 0;
}

/* Behind the last opening bracket or comma within `room`. */
static size_t bracket_before(const char *text, size_t room)
{
	size_t at;

	for (at = room; at > room / 3; at--)
		if (strchr("(,", text[at - 1]))
			return at;
	return 0;
}

size_t report_fit(const char *text, size_t room)
{
	size_t at;

	if (strlen(text) <= room)
		return strlen(text);
	at = blank_before(text, room, 1);
	if (!at)
		at = blank_before(text, room, 0);
	if (!at)
		at = bracket_before(text, room);
	return at ? at : room;
}
