#include "sink/sheet_page.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "text/csv.h"

enum { SHOWN_MAX = 300, LOOKS_MAX = 3 };

static struct str title_of(const struct sheet_book *book, const struct sheet_tab *tab)
{
    return book->titles[tab->worksheet];
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of step memory for a worksheet");
}

bool sheet_tab_make(struct sheet_tab *tab, const struct target *target, size_t worksheet,
                    struct arena *arena, struct err *err)
{
    *tab = (struct sheet_tab){.target = target, .worksheet = worksheet};
    bool keyed = false;
    for (const struct column *column = target->columns; column->name != NULL; column++) {
        if (strcmp(column->name, target->key) == 0) {
            tab->key = tab->columns;
            keyed = true;
        }
        tab->columns++;
    }
    if (!keyed || tab->columns > SHEET_COLUMNS_MAX) {
        return err_set(err, ERR_CONFIG, "table %s has no key column, or more than %d columns",
                       target->name, SHEET_COLUMNS_MAX);
    }
    tab->places = arena_array(arena, tab->columns, sizeof *tab->places);
    return tab->places != NULL || no_memory(err);
}

/* ---- The header ---- */

struct str sheet_page_header(const struct sheet_book *book, struct str column)
{
    for (size_t i = 0; i < book->rename->count; i++) {
        if (str_equal(book->rename->items[i].text, column)) {
            return book->rename->items[i].name;
        }
    }
    return column;
}

/* The place of a header among the cells, from 1; 0 for none. ERR_CONFIG when it is there twice. */
static bool find_header(const struct sheet_book *book, const struct sheet_tab *tab,
                        const struct json_value *row, struct str header, struct arena *arena,
                        int64_t *place, struct err *err)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    int64_t at = 0;
    *place = 0;
    json_iter_init(&iter, row);
    while (json_next(&iter, NULL, &cell)) {
        at++;
        if (!str_equal(csv_bare(sheets_text(cell, arena)), csv_bare(header))) {
            continue;
        }
        if (*place > 0) {
            return err_set(err, ERR_CONFIG,
                           "worksheet '%.*s' row %" PRId64
                           ": the header '%.*s' stands there twice, "
                           "as column %" PRId64 " and column %" PRId64 ": rename one of them",
                           STR_ARG(title_of(book, tab)), book->header_row,
                           STR_ARG(str_slice(header, 0, SHOWN_MAX)), *place, at);
        }
        *place = at;
    }
    return at <= SHEETS_COLUMNS_MAX ||
           err_set(err, ERR_CONFIG, "worksheet '%.*s' has too many columns",
                   STR_ARG(title_of(book, tab)));
}

static void add_name(struct buf *list, struct str name)
{
    buf_printf(list, "%s'%.*s'", list->len > 0 ? ", " : "", STR_ARG(name));
}

bool sheet_page_headers(const struct sheet_book *book, struct sheet_tab *tab,
                        const struct json_value *row, struct arena *arena, struct str *missing,
                        struct err *err)
{
    struct buf list;
    buf_init(&list, arena, 256);
    tab->width = (int64_t)json_count(row);
    for (size_t i = 0; i < tab->columns; i++) {
        struct str header = sheet_page_header(book, str_of(tab->target->columns[i].name));
        if (!find_header(book, tab, row, header, arena, &tab->places[i], err)) {
            return false;
        }
        if (tab->places[i] == 0) {
            add_name(&list, header);
        }
    }
    tab->ledger = 0;
    if (book->ledger.len > 0 &&
        !find_header(book, tab, row, book->ledger, arena, &tab->ledger, err)) {
        return false;
    }
    *missing = list.len > 0 ? buf_str(&list) : STR("");
    return missing->ptr != NULL || no_memory(err);
}

static bool why_missing(const struct sheet_page *page, const struct json_value *row,
                        struct str missing, struct err *err)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    struct buf list;
    buf_init(&list, page->arena, 256);
    json_iter_init(&iter, row);
    while (json_next(&iter, NULL, &cell)) {
        struct str name = csv_bare(sheets_text(cell, page->arena));
        if (name.len > 0 && list.len < SHOWN_MAX) {
            add_name(&list, name);
        }
    }
    return err_set(err, ERR_CONFIG,
                   "worksheet '%.*s' row %" PRId64 ": there is no header %.*s; there are: %.*s. "
                   "Correct the sheet or `rename`, or let `sluice migrate` add it",
                   STR_ARG(title_of(page->book, page->tab)), page->book->header_row,
                   STR_ARG(str_slice(missing, 0, SHOWN_MAX)),
                   STR_ARG(list.len > 0 ? str_slice(buf_str(&list), 0, SHOWN_MAX) : STR("none")));
}

/* ---- Reading ---- */

static bool why_no_place(const struct sheet_page *page, int64_t deadline_ms, struct err *err)
{
    struct sheets *sheets = page->book->sheets;
    struct sheets_grid grids[SHEETS_WORKSHEETS_MAX];
    struct str titles = {0};
    struct err ignored = {0};
    page->tab->known = false;
    if (sheets_trouble(sheets) == SHEETS_NO_PLACE &&
        sheets_look(sheets, grids, deadline_ms, page->arena, &titles, &ignored) &&
        !grids[page->tab->worksheet].there) {
        return err_set(err, ERR_CONFIG,
                       "the spreadsheet has no worksheet '%.*s'; it has: %.*s. `sluice migrate` "
                       "makes it",
                       STR_ARG(title_of(page->book, page->tab)), STR_ARG(titles));
    }
    return false;
}

/* The cells of the header row. */
static struct sheets_area header_area(const struct sheet_page *page)
{
    return (struct sheets_area){.worksheet = page->tab->worksheet,
                                .top = page->book->header_row,
                                .left = 1,
                                .bottom = page->book->header_row};
}

/* All cells of a column behind the header; its first row may be beyond the grid, so from there. */
static struct sheets_area column_area(const struct sheet_page *page, int64_t place)
{
    return (struct sheets_area){.worksheet = page->tab->worksheet,
                                .top = page->book->header_row,
                                .left = place,
                                .right = place};
}

/* What was asked for, as columns: index 0 is the header, 1 the ledger, then the declared ones. */
struct asked {
    struct sheets_area areas[SHEET_COLUMNS_MAX + 2];
    size_t columns[SHEET_COLUMNS_MAX + 2]; /* Which declared column an area is of. */
    size_t count;
    bool ledger; /* Area 1 is the ledger's. */
    const struct json_value *values[SHEET_COLUMNS_MAX + 2];
};

static void ask_for(const struct sheet_page *page, struct asked *asked)
{
    const struct sheet_tab *tab = page->tab;
    asked->count = 0;
    asked->areas[asked->count++] = header_area(page);
    asked->ledger = tab->known && tab->ledger > 0;
    if (asked->ledger) {
        asked->areas[asked->count++] = column_area(page, tab->ledger);
    }
    for (size_t i = 0; i < tab->columns && tab->known; i++) {
        if (tab->places[i] > 0 && (page->wide || i == tab->key)) {
            asked->columns[asked->count] = i;
            asked->areas[asked->count++] = column_area(page, tab->places[i]);
        }
    }
}

/* The header row as a list of cells: it comes as columns of one cell each. */
static bool header_row(const struct sheet_page *page, const struct json_value *columns,
                       struct str *text, const struct json_value **row, struct err *err)
{
    const struct json_limits limits = {.innocent = true};
    const struct json_value *column = NULL;
    struct json_iter iter;
    struct json_writer json;
    struct buf buf;
    buf_init(&buf, page->arena, 512);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    json_iter_init(&iter, columns);
    while (json_next(&iter, NULL, &column)) {
        const struct json_value *cell = json_at(column, 0);
        if (cell != NULL) {
            json_put_value(&json, cell);
        } else {
            json_put_str(&json, STR(""));
        }
    }
    json_array_end(&json);
    json_writer_done(&json);
    *text = buf_str(&buf);
    return text->ptr != NULL ? json_parse(page->arena, *text, &limits, row, err) : no_memory(err);
}

/* The rows of one column, without its header. */
static const struct json_value *rows_of(const struct json_value *columns)
{
    return json_at(columns, 0);
}

static size_t rows_in(const struct asked *asked)
{
    size_t rows = 0;
    for (size_t i = 1; i < asked->count; i++) {
        size_t here = json_count(rows_of(asked->values[i]));
        rows = here > rows ? here : rows;
    }
    return rows > 0 ? rows - 1 : 0;
}

static bool take_texts(struct sheet_page *page, const struct json_value *columns, bool key,
                       struct str *out, struct err *err)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    size_t i = 0;
    json_iter_init(&iter, rows_of(columns));
    (void)json_next(&iter, NULL, &cell);
    for (; json_next(&iter, NULL, &cell) && i < page->count; i++) {
        struct err why = {0};
        struct str text = sheets_text(cell, page->arena);
        bool ok = text.ptr != NULL;
        if (ok && key &&
            !key_form_apply(&page->book->form, csv_bare(text), page->arena, &text, &why)) {
            ok = why.kind == ERR_REJECT; /* No key that counts. */
            text = (struct str){0};
        }
        if (!ok) {
            return no_memory(err);
        }
        out[i] = text;
    }
    return true;
}

static void take_cells(const struct sheet_page *page, const struct json_value *columns,
                       const struct json_value **out)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    size_t i = 0;
    json_iter_init(&iter, rows_of(columns));
    (void)json_next(&iter, NULL, &cell);
    for (; json_next(&iter, NULL, &cell) && i < page->count; i++) {
        out[i] = cell;
    }
}

static size_t slot_of(const struct sheet_page *page, struct str key)
{
    return (size_t)str_hash(key, 0) & (page->slot_count - 1);
}

static bool index_keys(struct sheet_page *page, struct err *err)
{
    page->slot_count = 16;
    while (page->slot_count < page->count * 2) {
        page->slot_count *= 2;
    }
    page->slots = arena_array(page->arena, page->slot_count, sizeof *page->slots);
    if (page->slots == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (page->keys[i].ptr == NULL) {
            continue;
        }
        size_t slot = slot_of(page, page->keys[i]);
        while (page->slots[slot] != 0) {
            slot = (slot + 1) & (page->slot_count - 1);
        }
        page->slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

static bool take_rows(struct sheet_page *page, const struct asked *asked, struct err *err)
{
    page->count = rows_in(asked);
    if (page->count > SHEET_ROWS_MAX) {
        return err_set(err, ERR_CONFIG, "worksheet '%.*s' has more than %d rows",
                       STR_ARG(title_of(page->book, page->tab)), SHEET_ROWS_MAX);
    }
    page->keys = arena_array(page->arena, page->count + 1, sizeof *page->keys);
    page->ledgers = arena_array(page->arena, page->count + 1, sizeof *page->ledgers);
    page->cells = page->wide ? arena_array(page->arena, (page->count + 1) * page->tab->columns,
                                           sizeof *page->cells)
                             : NULL;
    if (page->keys == NULL || page->ledgers == NULL || (page->wide && page->cells == NULL)) {
        return no_memory(err);
    }
    if (asked->ledger && !take_texts(page, asked->values[1], false, page->ledgers, err)) {
        return false;
    }
    for (size_t i = asked->ledger ? 2 : 1; i < asked->count; i++) {
        size_t column = asked->columns[i];
        if (column == page->tab->key &&
            !take_texts(page, asked->values[i], true, page->keys, err)) {
            return false;
        }
        if (page->wide) {
            take_cells(page, asked->values[i], &page->cells[column * page->count]);
        }
    }
    return index_keys(page, err);
}

/* One request. `*same`: the columns are where they were thought to be. */
static bool read_once(struct sheet_page *page, struct asked *asked, int64_t deadline_ms, bool *same,
                      struct err *err)
{
    struct sheet_tab *tab = page->tab;
    const struct json_value *row = NULL;
    struct str missing = {0};
    struct sheet_tab before = *tab;
    int64_t places[SHEET_COLUMNS_MAX];
    memcpy(places, tab->places, tab->columns * sizeof *places);
    ask_for(page, asked);
    if (!sheets_read(page->book->sheets, asked->areas, asked->count, true, SHEETS_PLAIN,
                     deadline_ms, page->arena, asked->values, err)) {
        return why_no_place(page, deadline_ms, err);
    }
    if (!header_row(page, asked->values[0], &page->header, &row, err) ||
        !sheet_page_headers(page->book, tab, row, page->arena, &missing, err)) {
        tab->known = false;
        return false;
    }
    if (missing.len > 0) {
        tab->known = false;
        return why_missing(page, row, missing, err);
    }
    page->leads = csv_bare(sheets_text(json_at(row, 0), page->arena)).len > 0;
    *same = before.known && before.ledger == tab->ledger &&
            memcmp(places, tab->places, tab->columns * sizeof *places) == 0;
    tab->known = true;
    return true;
}

bool sheet_page_read(struct sheet_page *page, const struct sheet_book *book, struct sheet_tab *tab,
                     bool wide, int64_t deadline_ms, struct arena *arena, struct err *err)
{
    struct asked *asked = arena_alloc(arena, sizeof *asked);
    bool same = false;
    *page = (struct sheet_page){.book = book, .tab = tab, .arena = arena, .wide = wide};
    if (asked == NULL) {
        return no_memory(err);
    }
    for (int looks = 0; looks < LOOKS_MAX && !same; looks++) {
        if (!read_once(page, asked, deadline_ms, &same, err)) {
            return false;
        }
    }
    return same ? take_rows(page, asked, err)
                : err_set(err, ERR_RETRY, "the columns of worksheet '%.*s' are being moved now",
                          STR_ARG(title_of(book, tab)));
}

/* ---- Looking things up ---- */

int64_t sheet_page_find(const struct sheet_page *page, struct str key, int64_t *again)
{
    int64_t first = SHEET_NO_ROW;
    *again = SHEET_NO_ROW;
    for (size_t slot = slot_of(page, key); page->slots[slot] != 0;
         slot = (slot + 1) & (page->slot_count - 1)) {
        int64_t row = (int64_t)page->slots[slot] - 1;
        if (str_equal(page->keys[row], key)) {
            *again = first != SHEET_NO_ROW && *again == SHEET_NO_ROW ? row : *again;
            first = first == SHEET_NO_ROW ? row : first;
        }
    }
    return first;
}

int64_t sheet_page_number(const struct sheet_page *page, int64_t i)
{
    return page->book->header_row + 1 + i;
}

bool sheet_page_row(const struct sheet_page *page, int64_t i, struct arena *arena, struct str *row,
                    struct err *err)
{
    const struct sheet_tab *tab = page->tab;
    struct json_writer json;
    struct buf buf;
    must(page->wide && i >= 0 && (size_t)i < page->count);
    buf_init(&buf, arena, 512);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    for (size_t c = 0; c < tab->columns; c++) {
        const struct column *column = &tab->target->columns[c];
        json_key(&json, str_of(column->name));
        if (!sheet_cell_get(&page->book->forms, column, page->cells[c * page->count + (size_t)i],
                            arena, &json, err)) {
            return false;
        }
    }
    json_object_end(&json);
    json_writer_done(&json);
    *row = buf_str(&buf);
    return row->ptr != NULL || no_memory(err);
}
