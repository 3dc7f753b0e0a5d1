/* What becomes of records: rows that are there are updated, others appended, in two requests. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "sink/files_row.h"
#include "sink/google_sheets_inside.h"
#include "sink/sheet_ledger.h"
#include "text/csv.h"

enum { WHY_MAX = 200 };

/* One record on its way into the sheet. */
struct change {
    struct parcel *parcel;
    int64_t row; /* Of the page; SHEET_NO_ROW for a new one. */
    struct str key;
    struct str ledger; /* What the cell remembers then; absent where there is none. */
    struct str cells;  /* JSON list, from `left` on. */
    int64_t left;
    int64_t right;
    bool *ours; /* Of the declared columns: which are written. */
};

struct changes {
    struct change *items;
    size_t count;
    size_t bytes;
    bool wants_wide; /* A row that is there has to change, and its cells were not read. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of step memory for a worksheet");
}

static void settle(struct sheet_job *job, struct parcel *parcel, enum verdict verdict,
                   const char *why)
{
    parcel->verdict = verdict;
    parcel->why = why != NULL ? arena_copy(job->arena, str_of(why)) : (struct str){0};
    job->settled = true;
}

static struct str title_of(const struct sheet_job *job)
{
    return job->self->book.titles[job->tab->worksheet];
}

/* ---- What a record makes of its row ---- */

static bool adds(const struct body *body)
{
    for (size_t i = 0; i < body->count; i++) {
        enum body_group group = body->fields[i].group;
        if (group == BODY_APPEND || group == BODY_INC || group == BODY_PUSH) {
            return true;
        }
    }
    return false;
}

/* May it be written without a column that remembers? */
static bool check_ledger(const struct sheet_job *job, const struct parcel *parcel,
                         const struct body *body, struct err *err)
{
    if (job->tab->ledger > 0 || parcel->kind == RECORD_ABSOLUTE) {
        return true;
    }
    if (job->self->book.ledger.len > 0) {
        return err_set(err, ERR_CONFIG,
                       "worksheet '%.*s' has no column '%.*s', which remembers what was done: "
                       "`sluice migrate` adds it (or write `ledger: none`)",
                       STR_ARG(title_of(job)), STR_ARG(job->self->book.ledger));
    }
    return !adds(body) || err_set(err, ERR_REJECT,
                                  "table %s: with `ledger: none` nothing can be added to what a "
                                  "row holds, because it could not be told whether it was done",
                                  job->tab->target->name);
}

static bool put_ledger(struct change *change, struct str before, struct arena *arena,
                       struct err *err)
{
    struct buf buf;
    buf_init(&buf, arena, before.len + 64);
    sheet_ledger_add(before, change->parcel, &buf);
    change->ledger = buf_str(&buf);
    return change->ledger.ptr != NULL || no_memory(err);
}

/* The cells from `left` to `right`; null leaves what is there. */
static bool put_cells(const struct sheet_job *job, struct change *change,
                      const struct json_value *row, struct err *err)
{
    const struct sheet_tab *tab = job->tab;
    struct json_writer json;
    struct buf buf;
    buf_init(&buf, job->scratch, 512);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (int64_t place = change->left; place <= change->right; place++) {
        size_t c = 0;
        while (c < tab->columns && !(tab->places[c] == place && change->ours[c])) {
            c++;
        }
        if (c == tab->columns && place == tab->ledger && change->ledger.ptr != NULL) {
            json_put_str(&json, change->ledger);
        } else if (c == tab->columns) {
            json_put_null(&json);
        } else if (!sheet_cell_put(&job->self->book.forms, tab->target, &tab->target->columns[c],
                                   json_get(row, str_of(tab->target->columns[c].name)),
                                   job->scratch, &json, err)) {
            return false;
        }
    }
    json_array_end(&json);
    json_writer_done(&json);
    change->cells = buf_str(&buf);
    return change->cells.ptr != NULL || no_memory(err);
}

/* From the first to the last cell that is written or looked at. */
static void span_cells(const struct sheet_tab *tab, struct change *change)
{
    change->left = tab->places[tab->key];
    change->right = tab->places[tab->key];
    if (change->ledger.ptr != NULL) {
        change->left = tab->ledger < change->left ? tab->ledger : change->left;
        change->right = tab->ledger > change->right ? tab->ledger : change->right;
    }
    for (size_t c = 0; c < tab->columns; c++) {
        if (change->ours[c]) {
            int64_t place = tab->places[c];
            change->left = place < change->left ? place : change->left;
            change->right = place > change->right ? place : change->right;
        }
    }
    if (change->row == SHEET_NO_ROW) {
        change->left = 1;
    }
}

/* Which columns the record writes, and whether any of them holds something else now. */
static bool choose(const struct sheet_page *page, const struct body *body, struct change *change,
                   const struct json_value *old, const struct json_value *row, bool *differs,
                   struct arena *arena, struct err *err)
{
    const struct sheet_tab *tab = page->tab;
    bool is_new = change->row == SHEET_NO_ROW;
    change->ours = arena_array(arena, tab->columns, sizeof *change->ours);
    if (change->ours == NULL) {
        return no_memory(err);
    }
    *differs = is_new;
    for (size_t c = 0; c < tab->columns; c++) {
        struct str name = str_of(tab->target->columns[c].name);
        const struct json_value *value = json_get(row, name);
        if (c == tab->key || (is_new && json_kind(value) == JSON_NULL)) {
            change->ours[c] = is_new && c == tab->key;
            continue;
        }
        change->ours[c] = is_new || body_find(body, name.ptr, BODY_ON_OLD) != NULL;
        if (change->ours[c] && !is_new) {
            struct buf a;
            struct buf b;
            struct json_writer json;
            buf_init(&a, arena, 64);
            buf_init(&b, arena, 64);
            json_writer_init(&json, &a);
            (void)sheet_cell_put(&page->book->forms, tab->target, &tab->target->columns[c], value,
                                 arena, &json, &(struct err){0});
            json_writer_init(&json, &b);
            (void)sheet_cell_put(&page->book->forms, tab->target, &tab->target->columns[c],
                                 json_get(old, name), arena, &json, &(struct err){0});
            *differs = *differs || !str_equal(buf_str(&a), buf_str(&b));
        }
    }
    return true;
}

/* `*needed`: something is to be written. The page is wide where a row is there. */
static bool make_change(const struct sheet_job *job, const struct sheet_page *page,
                        const struct body *body, struct change *change, bool *needed,
                        struct err *err)
{
    const struct json_limits limits = {.size_max = FILES_ROW_MAX, .innocent = true};
    struct arena *scratch = job->scratch;
    struct str before = {0};
    struct str after = {0};
    const struct json_value *old = NULL;
    const struct json_value *row = NULL;
    bool differs = false;
    bool is_new = change->row == SHEET_NO_ROW;
    if (!is_new && (!sheet_page_row(page, change->row, scratch, &before, err) ||
                    !json_parse(scratch, before, &limits, &old, err))) {
        return false;
    }
    if (!files_row_make(job->tab->target, change->parcel->entity, before, body, scratch, &after,
                        err) ||
        !json_parse(scratch, after, &limits, &row, err) ||
        !choose(page, body, change, old, row, &differs, scratch, err)) {
        return false;
    }
    struct str held = is_new ? (struct str){0} : page->ledgers[change->row];
    if (job->tab->ledger > 0 && !put_ledger(change, held, scratch, err)) {
        return false;
    }
    *needed = differs || change->ledger.ptr != NULL;
    span_cells(job->tab, change);
    return !*needed || put_cells(job, change, row, err);
}

/* ---- Which records have something to do ---- */

enum outcome { OUTCOME_TAKEN = 0, OUTCOME_SETTLED, OUTCOME_WAITS, OUTCOME_FAILED };

static bool taken_already(const struct changes *changes, struct str key)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (str_equal(changes->items[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* The row of the record; ERR_REJECT where that cannot be said. */
static bool find_row(const struct sheet_job *job, const struct sheet_page *page,
                     struct change *change, struct err *err)
{
    int64_t again = SHEET_NO_ROW;
    const char *key = job->tab->target->key;
    if (!key_form_apply(&job->self->form, change->parcel->entity, job->scratch, &change->key,
                        err)) {
        return err_prefix(err, "table %s: ", job->tab->target->name);
    }
    change->row = sheet_page_find(page, change->key, &again);
    if (again != SHEET_NO_ROW) {
        return err_set(err, ERR_REJECT,
                       "worksheet '%.*s': the record's key stands in rows %" PRId64 " and %" PRId64
                       " (column %s): remove one of them",
                       STR_ARG(title_of(job)), sheet_page_number(page, change->row),
                       sheet_page_number(page, again), key);
    }
    if (change->row == SHEET_NO_ROW && !job->self->new_rows) {
        return err_set(err, ERR_REJECT,
                       "worksheet '%.*s': no row has the record's key in column %s (any more), and "
                       "`new_rows` is false",
                       STR_ARG(title_of(job)), key);
    }
    return change->row != SHEET_NO_ROW || page->leads ||
           err_set(err, ERR_CONFIG,
                   "worksheet '%.*s': column A has no header in row %" PRId64
                   ", and Google would put new rows beside the table: give it one",
                   STR_ARG(title_of(job)), job->self->header_row);
}

static enum outcome plan_one(const struct sheet_job *job, const struct sheet_page *page,
                             struct changes *changes, struct parcel *parcel, struct err *err)
{
    struct body *body = arena_alloc(job->scratch, sizeof *body);
    struct change change = {.parcel = parcel};
    bool needed = false;
    if (body == NULL) {
        (void)no_memory(err);
        return OUTCOME_FAILED;
    }
    if (!google_sheets_check(job->self, parcel, job->scratch, body, err) ||
        !find_row(job, page, &change, err) || !check_ledger(job, parcel, body, err)) {
        return OUTCOME_FAILED;
    }
    if (change.row != SHEET_NO_ROW && !sheet_ledger_is_new(page->ledgers[change.row], parcel)) {
        return OUTCOME_SETTLED;
    }
    if (taken_already(changes, change.key)) {
        return OUTCOME_WAITS; /* Two looks of one key: the second sees what the first made. */
    }
    if (change.row != SHEET_NO_ROW && !page->wide) {
        changes->wants_wide = true;
        return OUTCOME_TAKEN;
    }
    if (!make_change(job, page, body, &change, &needed, err)) {
        return OUTCOME_FAILED;
    }
    if (!needed) {
        return OUTCOME_SETTLED;
    }
    if (changes->count > 0 && changes->bytes + change.cells.len > GOOGLE_SHEETS_BYTES_MAX) {
        return OUTCOME_WAITS;
    }
    changes->bytes += change.cells.len;
    changes->items[changes->count++] = change;
    return OUTCOME_TAKEN;
}

static bool is_ours(const struct sheet_job *job, const struct parcel *parcel)
{
    return google_sheets_tab(job->self, parcel->target) == job->tab &&
           parcel->verdict == VERDICT_UNTRIED;
}

/* All records of the tab against the page. False: an error of none of them alone. */
static bool plan(struct sheet_job *job, const struct sheet_page *page, struct changes *changes,
                 struct err *err)
{
    size_t most = job->self->one_by_one > 0 ? 1 : GOOGLE_SHEETS_ROWS_MAX;
    *changes = (struct changes){
        .items = arena_array(job->scratch, GOOGLE_SHEETS_ROWS_MAX, sizeof *changes->items)};
    if (changes->items == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < job->count && changes->count < most && !changes->wants_wide; i++) {
        struct parcel *parcel = &job->parcels[i];
        struct err why = {0};
        if (!is_ours(job, parcel)) {
            continue;
        }
        enum outcome outcome = plan_one(job, page, changes, parcel, &why);
        if (outcome == OUTCOME_SETTLED) {
            settle(job, parcel, VERDICT_DONE, NULL);
        } else if (outcome == OUTCOME_FAILED && why.kind == ERR_REJECT) {
            settle(job, parcel, VERDICT_REJECT, why.text);
        } else if (outcome == OUTCOME_FAILED) {
            *err = why;
            return false;
        }
    }
    return true;
}

/* ---- Rows that are there ---- */

static struct str key_in(const struct sheet_job *job, const struct change *change,
                         const struct json_value *after)
{
    struct err ignored = {0};
    struct str key = {0};
    const struct json_value *cell =
        json_at(json_at(after, 0), (size_t)(job->tab->places[job->tab->key] - change->left));
    struct str text = sheets_text(cell, job->scratch);
    return text.ptr != NULL &&
                   key_form_apply(&job->self->form, csv_bare(text), job->scratch, &key, &ignored)
               ? key
               : (struct str){0};
}

static struct sheets_area area_of(const struct sheet_page *page, const struct change *change)
{
    int64_t number = sheet_page_number(page, change->row);
    return (struct sheets_area){page->tab->worksheet, number, change->left, number, change->right};
}

static struct sheets_area header_of(const struct sheet_page *page)
{
    return (struct sheets_area){
        .worksheet = page->tab->worksheet,
        .top = page->book->header_row,
        .left = 1,
        .bottom = page->book->header_row,
    };
}

/* What the row of `key` held before in the cells that were written; for a blank key nothing. */
static bool old_cells(const struct sheet_job *job, const struct sheet_page *page,
                      const struct change *change, struct str key, struct str *cells)
{
    int64_t again = SHEET_NO_ROW;
    int64_t row = key.ptr != NULL ? sheet_page_find(page, key, &again) : SHEET_NO_ROW;
    const struct sheet_tab *tab = job->tab;
    struct json_writer json;
    struct buf buf;
    if (key.ptr != NULL && (row == SHEET_NO_ROW || again != SHEET_NO_ROW)) {
        return false;
    }
    buf_init(&buf, job->scratch, 256);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (int64_t place = change->left; place <= change->right; place++) {
        size_t c = 0;
        while (c < tab->columns && !(tab->places[c] == place && change->ours[c])) {
            c++;
        }
        const struct json_value *held = c < tab->columns && row != SHEET_NO_ROW
                                            ? page->cells[c * page->count + (size_t)row]
                                            : NULL;
        if (c == tab->columns && !(place == tab->ledger && change->ledger.ptr != NULL)) {
            json_put_null(&json);
        } else if (held != NULL) {
            json_put_value(&json, held);
        } else {
            json_put_str(&json,
                         c == tab->columns && row != SHEET_NO_ROW ? page->ledgers[row] : STR(""));
        }
    }
    json_array_end(&json);
    json_writer_done(&json);
    *cells = buf_str(&buf);
    return cells->ptr != NULL;
}

/* One request that changes something, and the note around it. */
static bool send_rows(const struct sheet_job *job, const struct sheets_row *rows, size_t count,
                      const struct json_value **after, struct err *err)
{
    struct sheets *sheets = job->self->book.sheets;
    if (!google_sheets_before(job->self, err)) {
        return false;
    }
    bool ok = sheets_write(sheets, rows, count, job->deadline_ms, job->scratch, after, err);
    bool known = ok || sheets_trouble(sheets) != SHEETS_UNKNOWN;
    struct err worse = {0};
    return google_sheets_after(job->self, known, ok ? err : &worse) && ok;
}

/* A row that was hit by mistake gets back what it held. */
static void put_back(struct sheet_job *job, const struct sheet_page *page,
                     const struct change *change, struct str key)
{
    struct sheets_row row = {.area = area_of(page, change)};
    const struct json_value *after = NULL;
    struct err err = {0};
    char why[WHY_MAX + ERR_TEXT_MAX];
    struct buf text;
    bool back =
        old_cells(job, page, change, key, &row.cells) && send_rows(job, &row, 1, &after, &err);
    struct str now = back ? key_in(job, change, after) : (struct str){0};
    back = back && str_equal(now, key);
    buf_init(&text, job->scratch, sizeof why);
    buf_printf(&text,
               "worksheet '%.*s': rows were moved while it was written, and row %" PRId64
               " was hit by mistake; %s",
               STR_ARG(str_slice(title_of(job), 0, WHY_MAX / 2)), row.area.top,
               back ? "it has what it held again"
                    : "what its cells held before is not known: look at it");
    log_warn("sink %.*s: %.*s", STR_ARG(job->self->sink.connector.name), STR_ARG(buf_str(&text)));
    settle(job, change->parcel, VERDICT_RETRY, buf_str(&text).ptr);
}

/* Were the columns where we thought while it was written? */
static bool header_held(const struct sheet_page *page, const struct json_value *after)
{
    const struct json_value *before = NULL;
    const struct json_value *now = json_at(after, 0);
    const struct json_value *a = NULL;
    struct err ignored = {0};
    struct json_iter iter;
    size_t i = 0;
    if (!json_parse(page->arena, page->header, NULL, &before, &ignored) ||
        json_count(now) != json_count(before)) {
        return false;
    }
    json_iter_init(&iter, now);
    for (bool same = true; json_next(&iter, NULL, &a); i++) {
        same = str_equal(sheets_text(a, page->arena), sheets_text(json_at(before, i), page->arena));
        if (!same) {
            return false;
        }
    }
    return true;
}

static void judge_rows(struct sheet_job *job, const struct sheet_page *page,
                       const struct change *const *list, size_t count,
                       const struct json_value *const *after)
{
    bool held = header_held(page, after[count]);
    for (size_t i = 0; i < count; i++) {
        struct str key = key_in(job, list[i], after[i]);
        if (!held) {
            job->tab->known = false;
            settle(job, list[i]->parcel, VERDICT_RETRY,
                   "columns were moved while the worksheet was written: look at what stands in the "
                   "record's row; it is written again");
        } else if (!str_equal(key, list[i]->key)) {
            put_back(job, page, list[i], key);
        } else {
            settle(job, list[i]->parcel, VERDICT_DONE, NULL);
        }
    }
    if (!held) {
        log_warn("sink %.*s: columns of worksheet '%.*s' were moved while it was written: %zu rows "
                 "may hold values in a wrong column",
                 STR_ARG(job->self->sink.connector.name), STR_ARG(title_of(job)), count);
    }
}

/* A request that can never be carried out: alone it is that record's end, else one by one. */
static bool refused(struct sheet_job *job, const struct change *const *list, size_t count,
                    struct err *err)
{
    if (sheets_trouble(job->self->book.sheets) != SHEETS_REQUEST || err->kind != ERR_REJECT) {
        return false;
    }
    if (count == 1) {
        settle(job, list[0]->parcel, VERDICT_REJECT, err->text);
        return true;
    }
    job->self->one_by_one = count;
    err->kind = ERR_RETRY;
    return false;
}

static bool update(struct sheet_job *job, const struct sheet_page *page,
                   const struct change *const *list, size_t count, struct err *err)
{
    struct sheets_row *rows = arena_array(job->scratch, count + 1, sizeof *rows);
    const struct json_value **after = arena_array(job->scratch, count + 1, sizeof *after);
    if (count == 0) {
        return true;
    }
    if (rows == NULL || after == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct sheets_row){area_of(page, list[i]), list[i]->cells};
    }
    rows[count] = (struct sheets_row){header_of(page), STR("[null]")};
    if (!send_rows(job, rows, count + 1, after, err)) {
        return refused(job, list, count, err);
    }
    judge_rows(job, page, list, count, after);
    return true;
}

/* ---- New rows ---- */

static bool send_new(struct sheet_job *job, struct str rows, struct sheets_area *where,
                     struct err *err)
{
    struct sheets *sheets = job->self->book.sheets;
    if (!google_sheets_before(job->self, err)) {
        return false;
    }
    bool ok = sheets_append(sheets, job->tab->worksheet, job->self->header_row, rows,
                            job->deadline_ms, job->scratch, where, err);
    bool known = ok || sheets_trouble(sheets) != SHEETS_UNKNOWN;
    struct err worse = {0};
    return google_sheets_after(job->self, known, ok ? err : &worse) && ok;
}

static bool append(struct sheet_job *job, const struct change *const *list, size_t count,
                   struct err *err)
{
    struct sheets_area where = {0};
    struct buf buf;
    if (count == 0) {
        return true;
    }
    buf_init(&buf, job->scratch, 4096);
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(&buf, i == 0 ? '[' : ',');
        buf_add(&buf, list[i]->cells);
    }
    buf_add_byte(&buf, ']');
    if (!buf_ok(&buf)) {
        return no_memory(err);
    }
    if (!send_new(job, buf_str(&buf), &where, err)) {
        return refused(job, list, count, err);
    }
    bool right = where.left == 1 && where.bottom - where.top + 1 == (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        settle(job, list[i]->parcel, right ? VERDICT_DONE : VERDICT_REJECT,
               right ? NULL
                     : "Google put the new row beside the table, where nobody would find it again: "
                       "look at the end of the worksheet, and give column A a header");
    }
    return true;
}

/* ---- The whole ---- */

/* The changes of one kind: of rows that are there, or new ones. */
static const struct change **chosen(const struct sheet_job *job, const struct changes *changes,
                                    bool is_new, size_t *count)
{
    const struct change **list = arena_array(job->scratch, changes->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; list != NULL && i < changes->count; i++) {
        if ((changes->items[i].row == SHEET_NO_ROW) == is_new) {
            list[(*count)++] = &changes->items[i];
        }
    }
    return list;
}

/* The page, and what the records make of it; read wide only where a row has to change. */
static bool look(struct sheet_job *job, struct sheet_page *page, struct changes *changes,
                 struct err *err)
{
    bool wide = false;
    do {
        wide = changes->wants_wide;
        if (!sheet_page_read(page, &job->self->book, job->tab, wide, job->deadline_ms, job->scratch,
                             err) ||
            !plan(job, page, changes, err)) {
            return false;
        }
    } while (changes->wants_wide && !wide);
    must(!changes->wants_wide);
    return true;
}

bool google_sheets_write_tab(struct sheet_job *job, struct err *err)
{
    struct sheet_page page;
    struct changes changes = {0};
    size_t old_count = 0;
    size_t new_count = 0;
    if (!google_sheets_may_write(job->self, err) || !look(job, &page, &changes, err)) {
        return false;
    }
    const struct change **old_rows = chosen(job, &changes, false, &old_count);
    const struct change **new_rows = chosen(job, &changes, true, &new_count);
    if (old_rows == NULL || new_rows == NULL) {
        return no_memory(err);
    }
    bool ok = update(job, &page, old_rows, old_count, err) && append(job, new_rows, new_count, err);
    job->self->one_by_one -= ok && job->self->one_by_one > 0 ? 1 : 0;
    return ok;
}
