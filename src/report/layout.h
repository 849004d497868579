/* SPDX-License-Identifier: MIT */
/*
 * Where the columns of a picture stand and how wide they are, from inside.
 */
#ifndef P2PSIM_REPORT_LAYOUT_H
#define P2PSIM_REPORT_LAYOUT_H

#include <stddef.h>

#define REPORT_COLUMNS_MAX 4
#define REPORT_MARGIN 2
#define REPORT_GAP 2
#define REPORT_WIDTH_MAX 76

/* How long the lines are that each column is to hold; longer ones than the picture count as that long. */
struct report_need {
	unsigned int columns;
	unsigned int lines[REPORT_COLUMNS_MAX][4 * REPORT_WIDTH_MAX];	/* [column][length]: how many */
};

struct report_layout {
	unsigned int start[REPORT_COLUMNS_MAX];
	unsigned int width[REPORT_COLUMNS_MAX];
};

void report_need_add(struct report_need *need, unsigned int column, size_t length);
/* Widths with the fewest wrapped lines; among those, the most even ones. */
void report_layout_choose(const struct report_need *need, struct report_layout *layout);
/* How many characters of `text` go on a line of `room` (at least 1, unless the text is empty). */
size_t report_fit(const char *text, size_t room);

#endif
