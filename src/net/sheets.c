#include "net/sheets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/http.h"
#include "net/oauth.h"
#include "net/quota.h"
#include "net/sheets_answer.h"

enum {
    OPEN_ARENA = 1024 * 1024,
    ID_MAX = 128,
    NAP_MS = 100,
    PATH_ROOM = 1024,
    SMALL_ARENA = 8 * 1024 * 1024,
};

struct sheets {
    struct arena arena; /* From open to close. */
    struct http *http;
    struct oauth *oauth;
    struct clock *clock;
    bool (*stopping)(void *context);
    void *stopping_context;
    struct str api;
    struct str id;
    const struct str *worksheets;
    size_t worksheet_count;
    struct quota_share quota;
    enum sheets_trouble trouble;
};

/* ---- Life ---- */

bool sheets_id(struct str spreadsheet, struct str *id, struct err *err)
{
    static const struct str before = STR_INIT("/spreadsheets/d/");
    size_t at = str_find(spreadsheet, before, 0);
    struct str text = at == STR_NONE ? str_trim(spreadsheet)
                                     : str_slice(spreadsheet, at + before.len, spreadsheet.len);
    size_t len = 0;
    while (len < text.len && ((text.ptr[len] >= 'a' && text.ptr[len] <= 'z') ||
                              (text.ptr[len] >= 'A' && text.ptr[len] <= 'Z') ||
                              (text.ptr[len] >= '0' && text.ptr[len] <= '9') ||
                              text.ptr[len] == '-' || text.ptr[len] == '_')) {
        len++;
    }
    *id = str_slice(text, 0, len);
    bool whole = at != STR_NONE || len == text.len;
    return (whole && len > 0 && len <= ID_MAX) ||
           err_set(err, ERR_CONFIG,
                   "it is no id of a Google spreadsheet: copy what stands between /d/ and /edit in "
                   "its address, or the whole address");
}

static bool keep_names(struct sheets *sheets, const struct sheets_options *options, struct err *err)
{
    struct str id = {0};
    if (!sheets_id(options->spreadsheet, &id, err)) {
        return false;
    }
    must(options->worksheet_count <= SHEETS_WORKSHEETS_MAX);
    struct str *names = arena_array(&sheets->arena, options->worksheet_count + 1, sizeof *names);
    bool ok = names != NULL;
    for (size_t i = 0; ok && i < options->worksheet_count; i++) {
        names[i] = arena_copy(&sheets->arena, options->worksheets[i]);
        ok = names[i].ptr != NULL;
    }
    struct str api = options->api;
    while (str_ends(api, STR("/"))) {
        api = str_slice(api, 0, api.len - 1);
    }
    sheets->api = arena_copy(&sheets->arena, api);
    sheets->id = arena_copy(&sheets->arena, id);
    sheets->worksheets = names;
    sheets->worksheet_count = options->worksheet_count;
    return (ok && sheets->api.ptr != NULL && sheets->id.ptr != NULL) ||
           err_set(err, ERR_RETRY, "out of memory for a spreadsheet");
}

static bool open_parts(struct sheets *sheets, const struct sheets_options *options, struct err *err)
{
    struct http_options http = {
        .root = options->root,
        .anywhere = true, /* The configuration names it. */
        .clock = sheets->clock,
        .stopping = options->stopping,
        .stopping_context = options->stopping_context,
    };
    struct oauth_options oauth = {
        .credentials = options->credentials,
        .scope = options->write ? STR("https://www.googleapis.com/auth/spreadsheets")
                                : STR("https://www.googleapis.com/auth/spreadsheets.readonly"),
        .clock = sheets->clock,
    };
    return keep_names(sheets, options, err) && http_url_check(sheets->api, err) &&
           oauth_open(&sheets->oauth, &oauth, err) && http_open(&sheets->http, &http, err) &&
           quota_join(&sheets->quota, oauth_account(sheets->oauth), options->rate, err);
}

bool sheets_open(struct sheets **out, const struct sheets_options *options, struct err *err)
{
    struct sheets *sheets = mem_alloc(sizeof *sheets);
    if (sheets == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a spreadsheet");
    }
    must(options->rate > 0 && options->rate <= SHEETS_RATE_MAX);
    arena_init(&sheets->arena, OPEN_ARENA);
    sheets->clock = options->clock != NULL ? options->clock : clock_system();
    sheets->stopping = options->stopping;
    sheets->stopping_context = options->stopping_context;
    if (!open_parts(sheets, options, err)) {
        sheets_close(sheets);
        return false;
    }
    *out = sheets;
    return true;
}

void sheets_close(struct sheets *sheets)
{
    if (sheets != NULL) {
        quota_leave(&sheets->quota);
        oauth_close(sheets->oauth);
        http_close(sheets->http);
        arena_free(&sheets->arena);
        mem_free(sheets);
    }
}

void sheets_rest(struct sheets *sheets)
{
    http_rest(sheets->http);
}

struct str sheets_account(const struct sheets *sheets)
{
    return oauth_account(sheets->oauth);
}

enum sheets_trouble sheets_trouble(const struct sheets *sheets)
{
    return sheets->trouble;
}

/* ---- Places: the only two functions that make an address or a range ---- */

struct str sheets_column(int64_t column, char out[SHEETS_COLUMN_TEXT])
{
    char back[SHEETS_COLUMN_TEXT];
    size_t len = 0;
    must(column >= 1 && column <= SHEETS_COLUMNS_MAX);
    for (; column > 0; column = (column - 1) / 26) {
        back[len++] = (char)('A' + (column - 1) % 26);
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = back[len - 1 - i];
    }
    out[len] = '\0';
    return (struct str){out, len};
}

/* 'Title'!A1:C9, 'Title'!B1:C for all rows, 'Title'!1:1 for a whole row, 'Title' for all. */
static void put_range(const struct sheets *sheets, const struct sheets_area *area, struct buf *out)
{
    char column[SHEETS_COLUMN_TEXT];
    must(area->worksheet < sheets->worksheet_count);
    must(area->top >= 1 && area->left >= 1);
    bool all = area->right == 0 && area->bottom == 0;
    must(area->right > 0 || (area->left == 1 && (area->bottom > 0 || area->top == 1)));
    struct str title = sheets->worksheets[area->worksheet];
    buf_add_byte(out, '\'');
    for (size_t i = 0; i < title.len; i++) {
        buf_add(out, title.ptr[i] == '\'' ? STR("''") : str_slice(title, i, i + 1));
    }
    buf_add_byte(out, '\'');
    if (all) {
        return;
    }
    buf_add_byte(out, '!');
    buf_add(out, area->right > 0 ? sheets_column(area->left, column) : STR(""));
    buf_add_int(out, area->top);
    buf_add_byte(out, ':');
    buf_add(out, area->right > 0 ? sheets_column(area->right, column) : STR(""));
    if (area->bottom > 0) {
        buf_add_int(out, area->bottom);
    }
}

static void put_escaped(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char letter = (unsigned char)text.ptr[i];
        bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                     (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
        if (plain) {
            buf_add_byte(out, (char)letter);
        } else {
            buf_add_byte(out, '%');
            buf_add_byte(out, hex[letter >> 4]);
            buf_add_byte(out, hex[letter & 15]);
        }
    }
}

static void put_address(const struct sheets *sheets, struct buf *out)
{
    buf_add(out, sheets->api);
    buf_add(out, STR("/v4/spreadsheets/"));
    buf_add(out, sheets->id);
}

static void put_range_escaped(const struct sheets *sheets, const struct sheets_area *area,
                              struct arena *arena, struct buf *out)
{
    struct buf range;
    buf_init(&range, arena, 256);
    put_range(sheets, area, &range);
    put_escaped(out, buf_str(&range));
}

/* ---- One request ---- */

/* Wait for our turn, if it comes before the deadline. */
static bool take_turn(struct sheets *sheets, enum quota_kind kind, int64_t deadline_ms,
                      struct err *err)
{
    for (;;) {
        int64_t now_ms = clock_mono_ms(sheets->clock);
        int64_t wait_ms = quota_take(&sheets->quota, kind, now_ms);
        if (wait_ms == 0) {
            return true;
        }
        if (now_ms + wait_ms >= deadline_ms) {
            (void)err_set(err, ERR_RETRY,
                          "%" PRId64 " requests a minute are sent to Google Sheets in the name of "
                          "%.*s (`rate`), and the next one's turn comes later",
                          quota_rate(&sheets->quota), STR_ARG(oauth_account(sheets->oauth)));
            err->retry_after_ms = wait_ms;
            return false;
        }
        if (sheets->stopping != NULL && sheets->stopping(sheets->stopping_context)) {
            return err_set(err, ERR_STOP, "asked to stop");
        }
        sheets->clock->sleep_until(sheets->clock, now_ms + (wait_ms < NAP_MS ? wait_ms : NAP_MS));
    }
}

/* What one of us is told by Google holds for all who use the account. */
static void hold_turns(struct sheets *sheets, enum quota_kind kind, const struct err *err)
{
    if (err->retry_after_ms > 0) {
        quota_hold(&sheets->quota, kind, clock_mono_ms(sheets->clock) + err->retry_after_ms);
    }
}

/* One request with a token; a token that is not taken is replaced once. */
static bool ask_once(struct sheets *sheets, const struct http_request *asked, int64_t deadline_ms,
                     struct arena *arena, struct http_answer *answer, struct err *err)
{
    struct http_header headers[2] = {{STR("Authorization"), {0}},
                                     {STR("Content-Type"), STR("application/json")}};
    struct http_request request = *asked;
    request.headers = headers;
    request.header_count = request.body.ptr != NULL ? 2 : 1;
    for (int times = 0; times < 2; times++) {
        *answer = (struct http_answer){0};
        if (!oauth_token(sheets->oauth, sheets->http, deadline_ms, &headers[0].value, err)) {
            return false;
        }
        if (!http_send(sheets->http, &request, deadline_ms, arena, answer, err)) {
            return false;
        }
        if (answer->status != 401) {
            break;
        }
        oauth_forget(sheets->oauth);
    }
    return true;
}

/* `*root` is the answer. `write`: it changes something, so it is never sent twice unasked. */
static bool ask(struct sheets *sheets, struct buf *url, struct str body, bool write,
                int64_t deadline_ms, struct arena *arena, const struct json_value **root,
                struct err *err)
{
    const struct json_limits limits = {.size_max = SHEETS_ANSWER_MAX, .innocent = true};
    const enum quota_kind kind = write ? QUOTA_WRITES : QUOTA_READS;
    struct http_answer answer = {0};
    struct http_request request = {
        .url = buf_str(url), .body = body, .answer_max = SHEETS_ANSWER_MAX, .once = write};
    sheets->trouble = SHEETS_REFUSED;
    if (request.url.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a request to Google Sheets");
    }
    if (!take_turn(sheets, kind, deadline_ms, err)) {
        return false;
    }
    if (!ask_once(sheets, &request, deadline_ms, arena, &answer, err)) {
        sheets->trouble = write && answer.may_have_arrived ? SHEETS_UNKNOWN : SHEETS_REFUSED;
        if (err->kind == ERR_REJECT) { /* Too large for us, or odd: of no record alone. */
            err->kind = ERR_RETRY;
        }
        return false;
    }
    if (answer.status < 200 || answer.status >= 300) {
        struct sheets_answer_place place = {.account = oauth_account(sheets->oauth),
                                            .write = write};
        sheets->trouble = sheets_answer_why(&answer, &place, arena, err);
        hold_turns(sheets, kind, err);
        return false;
    }
    struct err why = {0};
    if (!json_parse(arena, answer.body, &limits, root, &why)) {
        sheets->trouble = write ? SHEETS_UNKNOWN : SHEETS_REFUSED;
        return err_set(err, ERR_RETRY, "Google Sheets answers what cannot be read: %s", why.text);
    }
    return true;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for a request to Google Sheets");
}

/* What a sound answer must have; else nobody knows what was done. */
static bool odd_answer(struct sheets *sheets, bool write, struct err *err)
{
    sheets->trouble = write ? SHEETS_UNKNOWN : SHEETS_REFUSED;
    return err_set(err, ERR_RETRY, "Google Sheets answers something else than was asked");
}

/* ---- Looking and reading ---- */

bool sheets_look(struct sheets *sheets, struct sheets_grid *grids, int64_t deadline_ms,
                 struct arena *arena, struct str *titles, struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *one = NULL;
    struct json_iter iter;
    struct buf url;
    struct buf list;
    buf_init(&url, arena, PATH_ROOM);
    buf_init(&list, arena, 256);
    put_address(sheets, &url);
    buf_add(&url, STR("?fields=sheets(properties(sheetId%2Ctitle%2CgridProperties))"));
    memset(grids, 0, sheets->worksheet_count * sizeof *grids);
    if (!ask(sheets, &url, (struct str){0}, false, deadline_ms, arena, &root, err)) {
        return false;
    }
    json_iter_init(&iter, json_get(root, STR("sheets")));
    while (json_next(&iter, NULL, &one)) {
        const struct json_value *properties = json_get(one, STR("properties"));
        struct str title = json_str(json_get(properties, STR("title")));
        buf_printf(&list, "%s'%.*s'", list.len > 0 ? ", " : "", STR_ARG(title));
        for (size_t i = 0; i < sheets->worksheet_count; i++) {
            struct sheets_grid *grid = &grids[i];
            if (str_equal(sheets->worksheets[i], title)) {
                grid->there = true;
                (void)json_int(json_get(properties, STR("sheetId")), &grid->id);
                (void)json_int(json_find(properties, STR("gridProperties/rowCount")), &grid->rows);
                (void)json_int(json_find(properties, STR("gridProperties/columnCount")),
                               &grid->columns);
            }
        }
    }
    *titles = buf_ok(&list) && list.len == 0 ? STR("none") : buf_str(&list);
    return titles->ptr != NULL || no_memory(err);
}

bool sheets_read(struct sheets *sheets, const struct sheets_area *areas, size_t count, unsigned how,
                 int64_t deadline_ms, struct arena *arena, const struct json_value **values,
                 struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *one = NULL;
    struct json_iter iter;
    struct buf url;
    size_t got = 0;
    must(count > 0 && count <= SHEETS_AREAS_MAX);
    buf_init(&url, arena, PATH_ROOM);
    put_address(sheets, &url);
    buf_printf(&url,
               "/values:batchGet?majorDimension=%s&valueRenderOption=%s"
               "&dateTimeRenderOption=FORMATTED_STRING",
               (how & SHEETS_BY_COLUMNS) != 0 ? "COLUMNS" : "ROWS",
               (how & SHEETS_SHOWN) != 0 ? "FORMATTED_VALUE" : "UNFORMATTED_VALUE");
    for (size_t i = 0; i < count; i++) {
        buf_add(&url, STR("&ranges="));
        put_range_escaped(sheets, &areas[i], arena, &url);
    }
    if (!ask(sheets, &url, (struct str){0}, false, deadline_ms, arena, &root, err)) {
        return false;
    }
    json_iter_init(&iter, json_get(root, STR("valueRanges")));
    while (got < count && json_next(&iter, NULL, &one)) {
        values[got++] = json_get(one, STR("values"));
    }
    return got == count || odd_answer(sheets, false, err);
}

/* ---- Writing ---- */

static void put_rows(const struct sheets *sheets, const struct sheets_row *rows, size_t count,
                     struct arena *arena, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_field_str(&json, STR("valueInputOption"), STR("RAW"));
    json_field_bool(&json, STR("includeValuesInResponse"), true);
    json_field_str(&json, STR("responseValueRenderOption"), STR("UNFORMATTED_VALUE"));
    json_field_str(&json, STR("responseDateTimeRenderOption"), STR("FORMATTED_STRING"));
    json_key(&json, STR("data"));
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++) {
        struct buf range;
        buf_init(&range, arena, 256);
        put_range(sheets, &rows[i].area, &range);
        json_object_begin(&json);
        json_field_str(&json, STR("range"), buf_str(&range));
        json_key(&json, STR("values"));
        json_array_begin(&json);
        json_put_raw(&json, rows[i].cells);
        json_array_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
}

bool sheets_write(struct sheets *sheets, const struct sheets_row *rows, size_t count,
                  int64_t deadline_ms, struct arena *arena, const struct json_value **after,
                  struct err *err)
{
    const struct json_value *root = NULL;
    const struct json_value *one = NULL;
    struct json_iter iter;
    struct buf url;
    struct buf body;
    size_t got = 0;
    must(count > 0);
    buf_init(&url, arena, PATH_ROOM);
    buf_init(&body, arena, 4096);
    put_address(sheets, &url);
    buf_add(&url, STR("/values:batchUpdate"));
    put_rows(sheets, rows, count, arena, &body);
    if (!buf_ok(&body)) {
        return no_memory(err);
    }
    if (!ask(sheets, &url, buf_str(&body), true, deadline_ms, arena, &root, err)) {
        return false;
    }
    json_iter_init(&iter, json_get(root, STR("responses")));
    while (got < count && json_next(&iter, NULL, &one)) {
        after[got++] = json_find(one, STR("updatedData/values"));
    }
    return got == count || odd_answer(sheets, true, err);
}

bool sheets_append(struct sheets *sheets, size_t worksheet, int64_t header, struct str rows,
                   int64_t deadline_ms, struct arena *arena, struct sheets_area *where,
                   struct err *err)
{
    const struct sheets_area table = {worksheet, header, 1, header, 1};
    const struct json_value *root = NULL;
    struct buf url;
    struct buf body;
    buf_init(&url, arena, PATH_ROOM);
    buf_init(&body, arena, rows.len + 64);
    put_address(sheets, &url);
    buf_add(&url, STR("/values/"));
    put_range_escaped(sheets, &table, arena, &url);
    buf_add(&url, STR(":append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"));
    buf_add(&body, STR("{\"values\":"));
    buf_add(&body, rows);
    buf_add_byte(&body, '}');
    if (!buf_ok(&body)) {
        return no_memory(err);
    }
    if (!ask(sheets, &url, buf_str(&body), true, deadline_ms, arena, &root, err)) {
        return false;
    }
    *where = (struct sheets_area){.worksheet = worksheet};
    return sheets_answer_range(json_str(json_find(root, STR("updates/updatedRange"))), where) ||
           odd_answer(sheets, true, err);
}

/* ---- Changing the spreadsheet itself ---- */

static bool change(struct sheets *sheets, struct arena *arena, struct buf *body,
                   int64_t deadline_ms, struct err *err)
{
    const struct json_value *root = NULL;
    struct buf url;
    buf_init(&url, arena, PATH_ROOM);
    put_address(sheets, &url);
    buf_add(&url, STR(":batchUpdate"));
    bool ok = (buf_ok(body) || no_memory(err)) &&
              ask(sheets, &url, buf_str(body), true, deadline_ms, arena, &root, err);
    arena_free(arena);
    return ok;
}

bool sheets_add(struct sheets *sheets, size_t worksheet, int64_t rows, int64_t columns,
                int64_t deadline_ms, struct err *err)
{
    struct arena arena;
    struct buf body;
    must(worksheet < sheets->worksheet_count);
    arena_init(&arena, SMALL_ARENA);
    buf_init(&body, &arena, 512);
    buf_add(&body, STR("{\"requests\":[{\"addSheet\":{\"properties\":{\"title\":"));
    json_quote(&body, sheets->worksheets[worksheet]);
    buf_printf(&body,
               ",\"gridProperties\":{\"rowCount\":%" PRId64 ",\"columnCount\":%" PRId64 "}}}}]}",
               rows, columns);
    return change(sheets, &arena, &body, deadline_ms, err);
}

bool sheets_widen(struct sheets *sheets, int64_t grid_id, int64_t more, int64_t deadline_ms,
                  struct err *err)
{
    struct arena arena;
    struct buf body;
    arena_init(&arena, SMALL_ARENA);
    buf_init(&body, &arena, 512);
    buf_printf(&body,
               "{\"requests\":[{\"appendDimension\":{\"sheetId\":%" PRId64
               ",\"dimension\":\"COLUMNS\",\"length\":%" PRId64 "}}]}",
               grid_id, more);
    return change(sheets, &arena, &body, deadline_ms, err);
}

/* ---- Cells ---- */

struct str sheets_text(const struct json_value *cell, struct arena *arena)
{
    char number[JSON_NUMBER_MAX];
    int64_t whole = 0;
    double real = 0;
    bool truth = false;
    if (json_int(cell, &whole)) {
        return arena_printf(arena, "%" PRId64, whole);
    }
    if (json_double(cell, &real)) {
        return arena_copy(arena, json_double_text(real, number));
    }
    if (json_bool(cell, &truth)) {
        return truth ? STR("TRUE") : STR("FALSE");
    }
    struct str text = json_str(cell);
    return text.ptr != NULL ? text : STR("");
}
