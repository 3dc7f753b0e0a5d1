/*
 * table: rows for people, in columns that stand.
 *
 *     static const struct table_column columns[] = {
 *         {"id", TABLE_RIGHT, 0}, {"when", TABLE_LEFT, 0}, {"why", TABLE_LEFT, 20},
 *     };
 *     struct table table;
 *     table_init(&table, &arena, &screen, columns, 3);
 *     for each: table_count(&table, id); table_time(&table, at_ms); table_text(&table, why);
 *     table_print(&table, &out);
 *
 * Cells are put one after another, a row is full after the last column. Widths are counted as a
 * terminal draws (two columns for wide characters, none for marks), and text that runs from right
 * to left is isolated, so that Hebrew and digits beside it do not trade places. On a terminal the
 * table is fitted to its width: columns with a `least` give way, the widest first, and cells are
 * cut with "…"; when even that is too wide each row becomes a block of "title  value" lines.
 * Elsewhere (a pipe, a file) nothing is cut.
 *
 * A column title of NULL in all columns means no line of titles. The cells live in the arena; a
 * full arena is remembered and makes buf_ok(out) false.
 */
#ifndef SLUICE_CLI_TABLE_H
#define SLUICE_CLI_TABLE_H

#include "cli/show.h"

enum { TABLE_COLUMNS_MAX = 16 };

enum table_align { TABLE_LEFT = 0, TABLE_RIGHT };

struct table_column {
    const char *title;
    enum table_align align;
    size_t least; /* It may be cut to so many columns; 0: never. */
};

struct table_cell {
    struct str text;
    size_t width;
    enum show_style style;
};

struct table {
    struct arena *arena;
    const struct screen *screen;
    const struct table_column *columns;
    size_t column_count;
    enum show_privacy privacy; /* Of table_text(); masked unless it is set. */
    struct table_cell *cells;
    size_t count;
    size_t room;
    bool failed;
};

void table_init(struct table *table, struct arena *arena, const struct screen *screen,
                const struct table_column *columns, size_t column_count);

/* A cell of text from outside; the view is copied. */
void table_text(struct table *table, struct str text);

/* A cell of our own words, taken as they are: a literal, or what show_*() gave. */
void table_word(struct table *table, struct str text);

/* In a colour. */
void table_styled(struct table *table, enum show_style style, struct str text);

void table_count(struct table *table, int64_t count);
void table_id(struct table *table, int64_t id); /* Without separators: it is typed again. */
void table_time(struct table *table, int64_t ms);
void table_age(struct table *table, int64_t ms);

/* The row must be full. Nothing for a table without rows. */
void table_print(struct table *table, struct buf *out);

#endif
