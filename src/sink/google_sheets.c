#include "sink/google_sheets.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "net/oauth.h"
#include "sink/google_sheets_inside.h"

enum {
    HEADER_ROW_MAX = 100,
    STOP_GRACE_MS = 5000, /* A request that changes something may end first. */
    DUMP_MS = 60 * 1000,
    PROBE_ROOM = 512,
};

#define NOTE_ASKED STR("asked")

static struct google_sheets *self_of(struct connector *connector)
{
    return (struct google_sheets *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct google_sheets *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

static int64_t now_ms(const struct google_sheets *self)
{
    return clock_mono_ms(self->sink.connector.env.clock);
}

static int64_t wall_ms(const struct google_sheets *self)
{
    return clock_wall_ms(self->sink.connector.env.clock);
}

/* ---- Requests of which nobody knows ---- */

/* A request that changes something is let end, for a while: else nobody knows what it did. */
static bool stopping(void *context)
{
    struct google_sheets *self = context;
    if (!connector_stopping(&self->sink.connector)) {
        return false;
    }
    self->stop_ms = self->stop_ms == 0 ? now_ms(self) : self->stop_ms;
    return !self->asking || now_ms(self) - self->stop_ms >= STOP_GRACE_MS;
}

static bool note(struct google_sheets *self, int64_t asked_ms, struct err *err)
{
    struct keep *keep = self->sink.connector.env.keep;
    char text[24];
    self->asked_ms = asked_ms;
    (void)snprintf(text, sizeof text, "%" PRId64, asked_ms);
    return keep == NULL ||
           keep->put(keep, NOTE_ASKED, asked_ms > 0 ? str_of(text) : (struct str){0}, err);
}

static bool recall(struct google_sheets *self, struct err *err)
{
    struct keep *keep = self->sink.connector.env.keep;
    struct arena arena;
    struct str text = {0};
    if (self->recalled) {
        return true;
    }
    arena_init(&arena, 64 * (size_t)1024);
    self->recalled = keep == NULL || keep->get(keep, NOTE_ASKED, &arena, &text, err);
    self->asked_ms = 0;
    (void)str_to_int64(text, &self->asked_ms);
    arena_free(&arena);
    return self->recalled;
}

bool google_sheets_may_write(struct google_sheets *self, struct err *err)
{
    int64_t wall = wall_ms(self);
    if (!recall(self, err)) {
        return false;
    }
    if (self->asked_ms > wall) { /* The clock was put back. */
        self->asked_ms = wall;
    }
    int64_t left_ms = self->asked_ms + self->settle_ms - wall;
    if (self->asked_ms == 0 || left_ms <= 0) {
        return self->asked_ms == 0 || note(self, 0, err);
    }
    (void)err_set(err, ERR_RETRY,
                  "nobody knows whether Google carried out the last request; it may still do so "
                  "for %" PRId64 " seconds, and until then nothing is written (`settle`)",
                  (left_ms + 999) / 1000);
    err->retry_after_ms = left_ms;
    return false;
}

bool google_sheets_before(struct google_sheets *self, struct err *err)
{
    self->asking = true;
    return note(self, wall_ms(self), err);
}

bool google_sheets_after(struct google_sheets *self, bool known, struct err *err)
{
    self->asking = false;
    return !known || note(self, 0, err);
}

/* ---- Life ---- */

static bool check_options(const struct google_sheets *self, const char **option, struct err *err)
{
    struct str id = {0};
    struct timepattern pattern;
    const struct zone *zone = NULL;
    *option = "spreadsheet";
    if (!sheets_id(self->spreadsheet, &id, err)) {
        return false;
    }
    *option = "date_format";
    if (!timepattern_compile(self->date_format, &pattern, err)) {
        return false;
    }
    *option = "time_format";
    if (!timepattern_compile(self->time_format, &pattern, err)) {
        return false;
    }
    *option = "zone";
    return zone_parse(self->zone_name, &zone, err);
}

static void check_config(const struct connector *connector, struct report *report)
{
    const struct google_sheets *self = (const struct google_sheets *)(const void *)connector;
    const char *option = NULL;
    struct err err = {0};
    if (!check_options(self, &option, &err)) {
        report_err(report, option, &err);
    }
    if (secret_given(&self->credentials) && !oauth_check(secret_reveal(&self->credentials), &err)) {
        report_err(report, "credentials", &err);
    }
}

static struct str title_of(const struct google_sheets *self, const struct target *target)
{
    struct str name = str_of(target->name);
    for (size_t i = 0; i < self->worksheets.count; i++) {
        if (str_equal(self->worksheets.items[i].name, name)) {
            return self->worksheets.items[i].text;
        }
    }
    return name;
}

static bool make_tabs(struct google_sheets *self, struct err *err)
{
    struct arena *arena = self->sink.connector.env.arena;
    const struct target *const *targets = self->sink.connector.env.targets;
    size_t count = 0;
    while (targets != NULL && targets[count] != NULL) {
        count++;
    }
    if (count > SHEETS_WORKSHEETS_MAX) {
        return err_set(err, ERR_CONFIG, "more than %d tables in one sink", SHEETS_WORKSHEETS_MAX);
    }
    struct str *titles = arena_array(arena, count + 1, sizeof *titles);
    self->tabs = arena_array(arena, count + 1, sizeof *self->tabs);
    self->tab_count = count;
    self->book.titles = titles;
    if (titles == NULL || self->tabs == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        titles[i] = title_of(self, targets[i]);
        for (size_t j = 0; j < i; j++) {
            if (str_equal(titles[i], titles[j])) {
                return err_set(err, ERR_CONFIG,
                               "the tables %s and %s have one worksheet, '%.*s': give each its own "
                               "with `worksheets`",
                               targets[j]->name, targets[i]->name, STR_ARG(titles[i]));
            }
        }
        if (!sheet_tab_make(&self->tabs[i], targets[i], i, arena, err)) {
            return false;
        }
    }
    return true;
}

static bool open_book(struct google_sheets *self, struct err *err)
{
    const struct connector *connector = &self->sink.connector;
    struct sheets_options options = {
        .credentials = secret_reveal(&self->credentials),
        .spreadsheet = self->spreadsheet,
        .write = true,
        .worksheets = self->book.titles,
        .worksheet_count = self->tab_count,
        .api = self->api,
        .root = self->authorities,
        .rate = self->rate,
        .clock = connector->env.clock,
        .stopping = stopping,
        .stopping_context = self,
    };
    self->book.header_row = self->header_row;
    self->book.ledger = str_equal(self->ledger, STR("none")) ? (struct str){0} : self->ledger;
    self->book.rename = &self->rename;
    self->book.form = self->form;
    return timepattern_compile(self->date_format, &self->book.forms.date, err) &&
           timepattern_compile(self->time_format, &self->book.forms.time, err) &&
           zone_parse(self->zone_name, &self->book.forms.zone, err) &&
           sheets_open(&self->book.sheets, &options, err);
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct google_sheets *self = self_of(connector);
    self->book = (struct sheet_book){0};
    self->recalled = false;
    self->asked_ms = 0;
    self->asking = false;
    self->stop_ms = 0;
    self->one_by_one = 0;
    return (make_tabs(self, err) && open_book(self, err)) || explain(self, err);
}

static void sink_rest(struct connector *connector)
{
    sheets_rest(self_of(connector)->book.sheets);
}

static void sink_close(struct connector *connector)
{
    sheets_close(self_of(connector)->book.sheets);
    self_of(connector)->book.sheets = NULL;
}

/* ---- Writing ---- */

struct sheet_tab *google_sheets_tab(const struct google_sheets *self, struct str target)
{
    if (target.len == 0 && self->tab_count == 1) {
        return &self->tabs[0];
    }
    for (size_t i = 0; i < self->tab_count; i++) {
        if (str_equal(str_of(self->tabs[i].target->name), target)) {
            return &self->tabs[i];
        }
    }
    return NULL;
}

static bool check_sizes(const struct target *target, const struct body *body, struct err *err)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct body_field *field = &body->fields[i];
        size_t letters = sheet_cell_letters(field->text);
        if (letters > SHEETS_CELL_MAX) {
            return err_set(
                err, ERR_REJECT,
                "table %s: the text for column %.*s has %zu letters, and a cell holds %d",
                target->name, STR_ARG(field->name), letters, SHEETS_CELL_MAX);
        }
    }
    return true;
}

bool google_sheets_check(const struct google_sheets *self, const struct parcel *parcel,
                         struct arena *arena, struct body *body, struct err *err)
{
    const struct sheet_tab *tab = google_sheets_tab(self, parcel->target);
    if (parcel->kind == RECORD_QUESTION) {
        return err_set(err, ERR_REJECT, "a spreadsheet cannot answer questions");
    }
    if (tab == NULL) {
        return err_set(err, ERR_REJECT, "no pipeline declares a table '%.*s' for this sink",
                       STR_ARG(str_slice(parcel->target, 0, BODY_NAME_SHOWN)));
    }
    if (parcel->entity.len == 0 || parcel->entity.len > RECORD_ENTITY_MAX) {
        return err_set(err, ERR_REJECT, "table %s: the key is empty or longer than %d bytes",
                       tab->target->name, RECORD_ENTITY_MAX);
    }
    if (!body_read(parcel->body, arena, body, err) || !body_suits_kind(body, parcel->kind, err)) {
        return err_prefix(err, "table %s: ", tab->target->name);
    }
    return body_check(tab->target, parcel->entity, body, err) &&
           check_sizes(tab->target, body, err);
}

static bool sink_check(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                       struct err *err)
{
    struct body *body = arena_alloc(arena, sizeof *body);
    if (body == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    return google_sheets_check((const struct google_sheets *)(const void *)sink, parcel, arena,
                               body, err);
}

/* What no tab would take. */
static bool refuse_homeless(const struct google_sheets *self, struct parcel *parcels, size_t count,
                            struct arena *arena, struct arena *scratch)
{
    bool settled = false;
    for (size_t i = 0; i < count; i++) {
        struct body *body = arena_alloc(scratch, sizeof *body);
        struct err why = {0};
        parcels[i].verdict = VERDICT_UNTRIED;
        if (body != NULL && google_sheets_tab(self, parcels[i].target) == NULL) {
            (void)google_sheets_check(self, &parcels[i], scratch, body, &why);
            parcels[i].verdict = VERDICT_REJECT;
            parcels[i].why = arena_copy(arena, str_of(why.text));
            settled = true;
        }
    }
    return settled;
}

static bool is_wanted(const struct google_sheets *self, const struct sheet_tab *tab,
                      const struct parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict == VERDICT_UNTRIED &&
            google_sheets_tab(self, parcels[i].target) == tab) {
            return true;
        }
    }
    return false;
}

/* What was not reached stays untried; only where nothing at all was settled it is a failure. */
static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct google_sheets *self = (struct google_sheets *)(void *)sink;
    struct arena scratch;
    struct err why = {0};
    bool ok = true;
    must(count <= SINK_BATCH_MAX);
    arena_init(&scratch, GOOGLE_SHEETS_ARENA);
    bool settled = refuse_homeless(self, parcels, count, arena, &scratch);
    for (size_t i = 0; ok && i < self->tab_count; i++) {
        struct sheet_job job = {
            .self = self,
            .tab = &self->tabs[i],
            .parcels = parcels,
            .count = count,
            .arena = arena,
            .scratch = &scratch,
            .deadline_ms = deadline_ms,
        };
        if (is_wanted(self, job.tab, parcels, count)) {
            ok = google_sheets_write_tab(&job, &why);
            settled = settled || job.settled;
        }
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    if (!ok && !settled) {
        *err = why;
        return explain(self, err);
    }
    return true;
}

/* ---- Looking ---- */

static bool unknown_target(const struct google_sheets *self, struct str target, struct err *err)
{
    (void)err_set(err, ERR_CONFIG, "no pipeline declares a table '%.*s' for this sink",
                  STR_ARG(str_slice(target, 0, BODY_NAME_SHOWN)));
    return explain(self, err);
}

static bool read_rows(const struct sheet_page *page, struct held *rows, size_t count,
                      struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct str key = {0};
        struct err none = {0};
        int64_t again = SHEET_NO_ROW;
        struct str target = rows[i].target;
        bool here = str_equal(target, str_of(page->tab->target->name)) || target.len == 0;
        if (!here || !key_form_apply(&page->book->form, rows[i].entity, page->arena, &key, &none)) {
            continue;
        }
        int64_t row = sheet_page_find(page, key, &again);
        if (row != SHEET_NO_ROW && !sheet_page_row(page, row, arena, &rows[i].body, err)) {
            return false;
        }
    }
    return true;
}

static bool read_back(struct sink *sink, struct held *rows, size_t count, struct arena *arena,
                      int64_t deadline_ms, struct err *err)
{
    struct google_sheets *self = (struct google_sheets *)(void *)sink;
    struct arena scratch;
    struct sheet_page page;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        rows[i].body = (struct str){0};
        if (google_sheets_tab(self, rows[i].target) == NULL) {
            return unknown_target(self, rows[i].target, err);
        }
    }
    arena_init(&scratch, GOOGLE_SHEETS_ARENA);
    for (size_t i = 0; ok && i < self->tab_count; i++) {
        bool wanted = false;
        for (size_t j = 0; j < count; j++) {
            wanted = wanted || google_sheets_tab(self, rows[j].target) == &self->tabs[i];
        }
        ok = !wanted || (sheet_page_read(&page, &self->book, &self->tabs[i], true, deadline_ms,
                                         &scratch, err) &&
                         read_rows(&page, rows, count, arena, err));
        arena_reset(&scratch);
    }
    arena_free(&scratch);
    return ok || explain(self, err);
}

static bool dump_rows(const struct sheet_page *page, sink_row *each, void *context, struct err *err)
{
    for (size_t i = 0; i < page->count; i++) {
        struct arena_mark mark = arena_mark(page->arena);
        struct str row = {0};
        if (page->keys[i].ptr == NULL) {
            continue;
        }
        if (!sheet_page_row(page, (int64_t)i, page->arena, &row, err) ||
            !each(context, page->keys[i], row, err)) {
            return false;
        }
        arena_rewind(page->arena, mark);
    }
    return true;
}

static bool dump(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                 void *context, struct err *err)
{
    struct google_sheets *self = (struct google_sheets *)(void *)sink;
    struct sheet_tab *tab = google_sheets_tab(self, target);
    struct sheet_page page;
    struct arena scratch;
    (void)arena;
    if (tab == NULL) {
        return unknown_target(self, target, err);
    }
    arena_init(&scratch, GOOGLE_SHEETS_ARENA);
    bool ok =
        sheet_page_read(&page, &self->book, tab, true, now_ms(self) + DUMP_MS, &scratch, err) &&
        dump_rows(&page, each, context, err);
    arena_free(&scratch);
    return ok || explain(self, err);
}

static bool probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                  struct err *err)
{
    struct google_sheets *self = self_of(connector);
    struct arena scratch;
    struct sheet_page page;
    struct buf buf;
    bool ok = true;
    arena_init(&scratch, GOOGLE_SHEETS_ARENA);
    buf_init(&buf, connector->env.arena, PROBE_ROOM);
    for (size_t i = 0; ok && i < self->tab_count; i++) {
        struct sheet_tab *tab = &self->tabs[i];
        ok = sheet_page_read(&page, &self->book, tab, false, deadline_ms, &scratch, err);
        buf_printf(&buf, "worksheet '%.*s': %zu rows%s, ", STR_ARG(self->book.titles[i]),
                   ok ? page.count : 0,
                   tab->ledger > 0             ? ""
                   : self->book.ledger.len > 0 ? " (no column that remembers effects)"
                                               : "");
    }
    arena_free(&scratch);
    buf_printf(&buf, "written as %.*s", STR_ARG(sheets_account(self->book.sheets)));
    *found = buf_str(&buf);
    ok = ok && (found->ptr != NULL || err_set(err, ERR_RETRY, "out of memory"));
    return ok || explain(self, err);
}

/* ---- The kind ---- */

static const struct option options[] = {
    OPTION_SECRET(
        struct google_sheets, credentials, "credentials", OPTION_REQUIRED,
        "The key file of a Google service account with which the spreadsheet is shared as "
        "Editor: file:credentials.json."),
    OPTION_TEXT(struct google_sheets, spreadsheet, "spreadsheet", OPTION_REQUIRED,
                "The spreadsheet: its id, or its address in a browser."),
    OPTION_MAP(struct google_sheets, worksheets, "worksheets", NULL,
               "The worksheets of tables, by the titles on their tabs: {table: title}; by default "
               "the table's name."),
    OPTION_INT(struct google_sheets, header_row, "header_row", "1", 1, HEADER_ROW_MAX,
               "The row that holds the headers."),
    OPTION_MAP(struct google_sheets, rename, "rename", NULL,
               "Headers that are called otherwise than their column: {header: column}."),
    KEY_FORM_OPTIONS(struct google_sheets, form),
    OPTION_TEXT(struct google_sheets, ledger, "ledger", "sluice",
                "Header of the column that remembers what was done to each row; none: without one "
                "(see above)."),
    OPTION_BOOL(struct google_sheets, new_rows, "new_rows", "true",
                "Append a row for a key that has none; false: refuse the record."),
    OPTION_TEXT(struct google_sheets, date_format, "date_format", "DD/MM/YYYY",
                "How dates are written."),
    OPTION_TEXT(struct google_sheets, time_format, "time_format", "DD/MM/YYYY HH:MM",
                "How times are written."),
    OPTION_ZONE(struct google_sheets, zone_name, "zone", "Asia/Jerusalem",
                "Where the clock stands that times are written by."),
    OPTION_DURATION(struct google_sheets, settle_ms, "settle", "3m",
                    "How long nothing is written when nobody knows whether the last request was "
                    "carried out; Google works on one for up to three minutes."),
    OPTION_INT(
        struct google_sheets, rate, "rate", "50", 1, SHEETS_RATE_MAX,
        "How many requests a minute may be sent, of reads and of writes, by all that use this "
        "account together; the lowest rate of them counts. Google allows an account 60."),
    OPTION_TEXT(struct google_sheets, api, "api", "https://sheets.googleapis.com",
                "Where the interface is."),
    OPTION_PATH(struct google_sheets, authorities, "authorities", NULL,
                "File of certificate authorities (PEM); the machine's own when left out."),
    OPTION_END,
};

const struct sink_type sink_google_sheets = {
    .connector =
        {
            .kind = "google-sheets",
            .summary = "Records as rows of a Google spreadsheet, each once, by header and key.",
            .options = options,
            .size = sizeof(struct google_sheets),
            .check = check_config,
            .open = sink_open,
            .probe = probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = write_parcels,
    .read_back = read_back,
    .migrate = google_sheets_migrate,
    .check = sink_check,
    .dump = dump,
};
