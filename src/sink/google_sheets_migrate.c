/* Worksheets and headers that are missing, made when a person asks for it. */
#include <inttypes.h>

#include "sink/google_sheets_inside.h"

enum { MIGRATE_MS = 60 * 1000, NEW_ROWS = 1000, SPARE_COLUMNS = 4 };

/* What one worksheet lacks. */
struct lack {
    struct google_sheets *self;
    struct sheet_tab *tab;
    const struct sheets_grid *grid;
    bool dry;
    struct arena *scratch;
    struct buf *done;
    int64_t deadline_ms;
};

static void say(const struct lack *lack, const char *what)
{
    struct str title = lack->self->book.titles[lack->tab->worksheet];
    buf_printf(lack->done, "%sworksheet '%.*s': %s", lack->done->len > 0 ? "\n" : "",
               STR_ARG(title), what);
}

/* The header row as a list of cells, and where our columns are; nothing for a new worksheet. */
static bool look_at_header(const struct lack *lack, struct str *missing, struct err *err)
{
    const struct sheets_area area = {.worksheet = lack->tab->worksheet,
                                     .top = lack->self->header_row,
                                     .left = 1,
                                     .bottom = lack->self->header_row};
    const struct json_value *rows = NULL;
    if (lack->grid->there && lack->grid->rows >= lack->self->header_row &&
        !sheets_read(lack->self->book.sheets, &area, 1, 0, lack->deadline_ms, lack->scratch, &rows,
                     err)) {
        return false;
    }
    return sheet_page_headers(&lack->self->book, lack->tab, json_at(rows, 0), lack->scratch,
                              missing, err);
}

/* The headers to add behind the others, as a JSON list; how many. */
static int64_t headers_of(const struct lack *lack, struct buf *cells, struct buf *names)
{
    const struct sheet_book *book = &lack->self->book;
    struct json_writer json;
    int64_t count = 0;
    json_writer_init(&json, cells);
    json_array_begin(&json);
    for (size_t i = 0; i < lack->tab->columns; i++) {
        struct str header = sheet_page_header(book, str_of(lack->tab->target->columns[i].name));
        if (lack->tab->places[i] == 0) {
            json_put_str(&json, header);
            buf_printf(names, "%s'%.*s'", count > 0 ? ", " : "", STR_ARG(header));
            count++;
        }
    }
    if (book->ledger.len > 0 && lack->tab->ledger == 0) {
        json_put_str(&json, book->ledger);
        buf_printf(names, "%s'%.*s'", count > 0 ? ", " : "", STR_ARG(book->ledger));
        count++;
    }
    json_array_end(&json);
    json_writer_done(&json);
    return count;
}

static bool make_worksheet(const struct lack *lack, struct err *err)
{
    say(lack, "made");
    return lack->dry ||
           sheets_add(lack->self->book.sheets, lack->tab->worksheet, NEW_ROWS,
                      (int64_t)lack->tab->columns + SPARE_COLUMNS, lack->deadline_ms, err);
}

static bool add_headers(const struct lack *lack, struct str cells, int64_t count, struct err *err)
{
    struct sheets *sheets = lack->self->book.sheets;
    int64_t from = lack->tab->width + 1;
    int64_t last = from + count - 1;
    const struct json_value *after = NULL;
    struct sheets_row row = {
        .area = {lack->tab->worksheet, lack->self->header_row, from, lack->self->header_row, last},
        .cells = cells,
    };
    if (lack->grid->there && last > lack->grid->columns &&
        !sheets_widen(sheets, lack->grid->id, last - lack->grid->columns, lack->deadline_ms, err)) {
        return false;
    }
    return sheets_write(sheets, &row, 1, lack->deadline_ms, lack->scratch, &after, err);
}

static bool complete(const struct lack *lack, struct err *err)
{
    struct str missing = {0};
    struct buf cells;
    struct buf names;
    buf_init(&cells, lack->scratch, 512);
    buf_init(&names, lack->scratch, 512);
    if ((!lack->grid->there && !make_worksheet(lack, err)) ||
        !look_at_header(lack, &missing, err)) {
        return false;
    }
    int64_t count = headers_of(lack, &cells, &names);
    if (count == 0) {
        return true;
    }
    buf_printf(&names, " added to row %" PRId64, lack->self->header_row);
    if (!buf_ok(&cells) || !buf_ok(&names)) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    say(lack, buf_str(&names).ptr);
    lack->tab->known = false;
    return lack->dry || add_headers(lack, buf_str(&cells), count, err);
}

bool google_sheets_migrate(struct sink *sink, bool dry, struct arena *arena, struct str *done,
                           struct err *err)
{
    struct google_sheets *self = (struct google_sheets *)(void *)sink;
    struct sheets_grid grids[SHEETS_WORKSHEETS_MAX];
    struct arena scratch;
    struct str titles = {0};
    struct buf lines;
    int64_t deadline_ms = clock_mono_ms(sink->connector.env.clock) + MIGRATE_MS;
    arena_init(&scratch, GOOGLE_SHEETS_ARENA);
    buf_init(&lines, arena, 256);
    bool ok = sheets_look(self->book.sheets, grids, deadline_ms, &scratch, &titles, err);
    for (size_t i = 0; ok && i < self->tab_count; i++) {
        struct lack lack = {.self = self,
                            .tab = &self->tabs[i],
                            .grid = &grids[i],
                            .dry = dry,
                            .scratch = &scratch,
                            .done = &lines,
                            .deadline_ms = deadline_ms};
        ok = complete(&lack, err);
    }
    arena_free(&scratch);
    *done = lines.len == 0 && buf_ok(&lines) ? STR("") : buf_str(&lines);
    ok = ok && (done->ptr != NULL || err_set(err, ERR_RETRY, "out of memory"));
    return ok || err_prefix(err, "sink %.*s: ", STR_ARG(sink->connector.name));
}
