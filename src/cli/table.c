#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "text/utf8.h"

enum { GAP = 2, CELLS_FIRST = 64 };

void table_init(struct table *table, struct arena *arena, const struct screen *screen,
                const struct table_column *columns, size_t column_count)
{
    must(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){
        .arena = arena, .screen = screen, .columns = columns, .column_count = column_count};
}

static bool grow(struct table *table)
{
    size_t room = table->room == 0 ? CELLS_FIRST : table->room * 2;
    struct table_cell *cells = arena_array(table->arena, room, sizeof *cells);
    if (cells == NULL) {
        return false;
    }
    if (table->count > 0) {
        memcpy(cells, table->cells, table->count * sizeof *cells);
    }
    table->cells = cells;
    table->room = room;
    return true;
}

static void put(struct table *table, enum show_style style, struct str text)
{
    if (table->failed || (table->count == table->room && !grow(table))) {
        table->failed = true;
        return;
    }
    table->cells[table->count++] =
        (struct table_cell){.text = text, .width = utf8_width(text), .style = style};
}

void table_text(struct table *table, struct str text)
{
    struct str shown = show_text(table->arena, text, table->privacy);
    put(table, SHOW_NORMAL, arena_copy(table->arena, shown));
}

void table_word(struct table *table, struct str text)
{
    table_styled(table, SHOW_NORMAL, text);
}

void table_styled(struct table *table, enum show_style style, struct str text)
{
    put(table, style, arena_copy(table->arena, text));
}

void table_count(struct table *table, int64_t count)
{
    char out[SHOW_MAX];
    table_word(table, show_count(count, out));
}

void table_id(struct table *table, int64_t id)
{
    char out[SHOW_MAX];
    int len = snprintf(out, sizeof out, "%" PRId64, id);
    table_word(table, (struct str){out, len > 0 ? (size_t)len : 0});
}

void table_time(struct table *table, int64_t ms)
{
    char out[SHOW_MAX];
    table_word(table, show_time(table->screen, ms, out));
}

void table_age(struct table *table, int64_t ms)
{
    char out[SHOW_MAX];
    table_word(table, show_age(table->screen, ms, out));
}

static bool has_titles(const struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].title != NULL) {
            return true;
        }
    }
    return false;
}

static struct str title_of(const struct table_column *column)
{
    return column->title != NULL ? str_of(column->title) : STR("");
}

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = utf8_width(title_of(&table->columns[i]));
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->column_count;
        if (table->cells[i].width > widths[column]) {
            widths[column] = table->cells[i].width;
        }
    }
}

static size_t total(const struct table *table, const size_t widths[TABLE_COLUMNS_MAX])
{
    size_t sum = (table->column_count - 1) * GAP;
    for (size_t i = 0; i < table->column_count; i++) {
        sum += widths[i];
    }
    return sum;
}

/* Take columns away from the widest that may give; false when it still does not fit. */
static bool fit(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t limit = table->screen->width;
    size_t sum = total(table, widths);
    while (limit > 0 && sum > limit) {
        size_t widest = TABLE_COLUMNS_MAX;
        for (size_t i = 0; i < table->column_count; i++) {
            size_t least = table->columns[i].least;
            if (least > 0 && widths[i] > least &&
                (widest == TABLE_COLUMNS_MAX || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == TABLE_COLUMNS_MAX) {
            return false;
        }
        widths[widest]--;
        sum--;
    }
    return true;
}

static void pad(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(out, ' ');
    }
}

struct slot {
    size_t width;
    enum table_align align;
    bool last; /* Nothing is behind it that would need padding. */
};

static void print_cell(struct table *table, struct buf *out, const struct table_cell *cell,
                       struct slot slot)
{
    struct str text = show_fit(table->arena, cell->text, slot.width);
    size_t width = cell->width <= slot.width ? cell->width : utf8_width(text);
    size_t rest = slot.width > width ? slot.width - width : 0;
    if (slot.align == TABLE_RIGHT) {
        pad(out, rest);
    }
    show_styled(out, table->screen, cell->style, text);
    if (slot.align == TABLE_LEFT && !slot.last) {
        pad(out, rest);
    }
    if (!slot.last) {
        pad(out, GAP);
    }
}

static void print_row(struct table *table, struct buf *out, const struct table_cell *cells,
                      const size_t widths[TABLE_COLUMNS_MAX])
{
    size_t last = table->column_count;
    while (last > 1 && cells[last - 1].text.len == 0) {
        last--; /* No blanks at the end of a line. */
    }
    for (size_t i = 0; i < last; i++) {
        struct slot slot = {widths[i], table->columns[i].align, i + 1 == last};
        print_cell(table, out, &cells[i], slot);
    }
    buf_add_byte(out, '\n');
}

static void print_titles(struct table *table, struct buf *out,
                         const size_t widths[TABLE_COLUMNS_MAX])
{
    struct table_cell cells[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < table->column_count; i++) {
        struct str title = title_of(&table->columns[i]);
        cells[i] = (struct table_cell){title, utf8_width(title), SHOW_FAINT};
    }
    print_row(table, out, cells, widths);
}

/* For screens that are too narrow for columns: each row a block. */
static void print_blocks(struct table *table, struct buf *out)
{
    size_t name_width = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        size_t width = utf8_width(title_of(&table->columns[i]));
        name_width = width > name_width ? width : name_width;
    }
    size_t limit = table->screen->width;
    size_t room = limit > name_width + GAP ? limit - name_width - GAP : 1;
    for (size_t i = 0; i < table->count; i++) {
        struct str title = title_of(&table->columns[i % table->column_count]);
        if (i > 0 && i % table->column_count == 0) {
            buf_add_byte(out, '\n');
        }
        if (table->cells[i].text.len == 0) {
            continue;
        }
        if (name_width > 0) {
            show_styled(out, table->screen, SHOW_FAINT, title);
            pad(out, name_width - utf8_width(title) + GAP);
        }
        show_styled(out, table->screen, table->cells[i].style,
                    show_fit(table->arena, table->cells[i].text, room));
        buf_add_byte(out, '\n');
    }
}

void table_print(struct table *table, struct buf *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    if (table->failed) {
        out->failed = true;
        return;
    }
    must(table->count % table->column_count == 0);
    if (table->count == 0) {
        return;
    }
    measure(table, widths);
    if (!fit(table, widths)) {
        print_blocks(table, out);
        return;
    }
    if (has_titles(table)) {
        print_titles(table, out, widths);
    }
    for (size_t i = 0; i < table->count; i += table->column_count) {
        print_row(table, out, &table->cells[i], widths);
    }
}
