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

/* All cells of some columns, from the header down. */
static struct sheets_area columns_area(const struct sheet_page *page, int64_t left, int64_t right)
{
    return (struct sheets_area){.worksheet = page->tab->worksheet,
                                .top = page->book->header_row,
                                .left = left,
                                .right = right};
}

/* What is asked for, each as columns: the header; then the key's column and the ledger's, or, if
   wide, one block that has all of ours (an address with a range for each could become too long). */
enum { AREAS_MAX = 3 };

struct asked {
    struct sheets_area areas[AREAS_MAX];
    const struct json_value *values[AREAS_MAX];
    size_t count;
};

static void ask_for(const struct sheet_page *page, struct asked *asked)
{
    const struct sheet_tab *tab = page->tab;
    int64_t key = tab->places[tab->key];
    int64_t left = tab->ledger > 0 && tab->ledger < key ? tab->ledger : key;
    int64_t right = tab->ledger > key ? tab->ledger : key;
    *asked = (struct asked){.areas = {header_area(page)}, .count = 1};
    if (tab->known && !page->wide) {
        asked->areas[asked->count++] = columns_area(page, key, key);
    }
    if (tab->known && !page->wide && tab->ledger > 0) {
        asked->areas[asked->count++] = columns_area(page, tab->ledger, tab->ledger);
    }
    for (size_t i = 0; i < tab->columns; i++) {
        left = tab->places[i] < left ? tab->places[i] : left;
        right = tab->places[i] > right ? tab->places[i] : right;
    }
    if (tab->known && page->wide) {
        asked->areas[asked->count++] = columns_area(page, left, right);
    }
}

/* The cells of a column from its header down; NULL for none. */
static const struct json_value *cells_of(const struct asked *asked, int64_t place)
{
    for (size_t i = 1; i < asked->count; i++) {
        const struct sheets_area *area = &asked->areas[i];
        if (place >= area->left && place <= area->right) {
            return json_at(asked->values[i], (size_t)(place - area->left));
        }
    }
    return NULL;
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

static size_t rows_in(const struct sheet_page *page, const struct asked *asked)
{
    const struct sheet_tab *tab = page->tab;
    size_t rows = json_count(cells_of(asked, tab->ledger));
    for (size_t i = 0; i < tab->columns; i++) {
        size_t here = json_count(cells_of(asked, tab->places[i]));
        rows = here > rows ? here : rows;
    }
    return rows > 0 ? rows - 1 : 0;
}

static bool take_texts(const struct sheet_page *page, const struct json_value *cells, bool key,
                       struct str *out, struct err *err)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    size_t i = 0;
    json_iter_init(&iter, cells);
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

static void take_cells(const struct sheet_page *page, const struct json_value *cells,
                       const struct json_value **out)
{
    const struct json_value *cell = NULL;
    struct json_iter iter;
    size_t i = 0;
    json_iter_init(&iter, cells);
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
    const struct sheet_tab *tab = page->tab;
    page->count = rows_in(page, asked);
    if (page->count > SHEET_ROWS_MAX) {
        return err_set(err, ERR_CONFIG, "worksheet '%.*s' has more than %d rows",
                       STR_ARG(title_of(page->book, tab)), SHEET_ROWS_MAX);
    }
    page->keys = arena_array(page->arena, page->count + 1, sizeof *page->keys);
    page->ledgers = arena_array(page->arena, page->count + 1, sizeof *page->ledgers);
    page->cells =
        page->wide ? arena_array(page->arena, (page->count + 1) * tab->columns, sizeof *page->cells)
                   : NULL;
    if (page->keys == NULL || page->ledgers == NULL || (page->wide && page->cells == NULL)) {
        return no_memory(err);
    }
    for (size_t i = 0; i < tab->columns && page->wide; i++) {
        take_cells(page, cells_of(asked, tab->places[i]), &page->cells[i * page->count]);
    }
    return take_texts(page, cells_of(asked, tab->places[tab->key]), true, page->keys, err) &&
           (tab->ledger == 0 ||
            take_texts(page, cells_of(asked, tab->ledger), false, page->ledgers, err)) &&
           index_keys(page, err);
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
    if (!sheets_read(page->book->sheets, asked->areas, asked->count, SHEETS_BY_COLUMNS, deadline_ms,
                     page->arena, asked->values, err)) {
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
    struct asked asked;
    bool same = false;
    *page = (struct sheet_page){.book = book, .tab = tab, .arena = arena, .wide = wide};
    for (int looks = 0; looks < LOOKS_MAX && !same; looks++) {
        if (!read_once(page, &asked, deadline_ms, &same, err)) {
            return false;
        }
    }
    return same ? take_rows(page, &asked, err)
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
