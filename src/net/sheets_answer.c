#include "net/sheets_answer.h"

#include <inttypes.h>

enum { SAID_MAX = 300 };

static bool says(struct str text, const char *words)
{
    return str_find(text, str_of(words), 0) != STR_NONE;
}

/* 400: what we ask cannot be. Where a person can put it right, the records wait for that. */
static enum sheets_trouble why_invalid(struct str said, struct err *err)
{
    if (says(said, "Unable to parse range") || says(said, "exceeds grid limits") ||
        says(said, "No grid with id")) {
        (void)err_set(err, ERR_CONFIG, "Google Sheets: %.*s", STR_ARG(said));
        return SHEETS_NO_PLACE;
    }
    if (says(said, "protected")) {
        (void)err_set(err, ERR_LOGIN, "Google Sheets: %.*s", STR_ARG(said));
        return SHEETS_REFUSED;
    }
    if (says(said, "10000000 cells") || says(said, "limit of 10")) {
        (void)err_set(err, ERR_CONFIG,
                      "the spreadsheet is full (Google allows 10 million cells): move old rows "
                      "elsewhere. Google says: %.*s",
                      STR_ARG(said));
        return SHEETS_REFUSED;
    }
    (void)err_set(err, ERR_REJECT, "Google Sheets refuses what was to be written: %.*s",
                  STR_ARG(said));
    return SHEETS_REQUEST;
}

static void why_forbidden(struct str said, const struct sheets_answer_place *place, struct err *err)
{
    if (says(said, "has not been used") || says(said, "is disabled")) {
        (void)err_set(err, ERR_LOGIN,
                      "the Google Sheets API is not switched on in the project of %.*s: do so in "
                      "the console (APIs & Services, Library, Google Sheets API, Enable) and wait "
                      "a minute",
                      STR_ARG(place->account));
    } else if (says(said, "scopes")) {
        (void)err_set(err, ERR_LOGIN, "the token of %.*s has no right to %s spreadsheets",
                      STR_ARG(place->account), place->write ? "write into" : "read");
    } else {
        (void)err_set(err, ERR_LOGIN,
                      "the spreadsheet is not shared with %.*s as %s: open it, Share, and add this "
                      "address",
                      STR_ARG(place->account), place->write ? "Editor" : "Viewer or Editor");
    }
}

enum sheets_trouble sheets_answer_why(const struct http_answer *answer,
                                      const struct sheets_answer_place *place, struct arena *arena,
                                      struct err *err)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    struct str said = {0};
    struct str status = {0};
    if (json_parse(arena, answer->body, NULL, &root, &ignored)) {
        said = str_slice(json_str(json_find(root, STR("error/message"))), 0, SAID_MAX);
        status = json_str(json_find(root, STR("error/status")));
    }
    bool quota = answer->status == 429 || str_equal(status, STR("RESOURCE_EXHAUSTED")) ||
                 (answer->status == 403 && says(said, "ate Limit"));
    if (quota) {
        (void)err_set(err, ERR_RETRY,
                      "Google Sheets is asked too often for now (60 requests a minute for an "
                      "account; others may use it, too)");
        err->retry_after_ms =
            answer->retry_after_ms > 0 ? answer->retry_after_ms : (int64_t)SHEETS_QUOTA_MS;
        return SHEETS_REFUSED;
    }
    switch (answer->status) {
    case 400:
        return why_invalid(said, err);
    case 401:
        (void)err_set(err, ERR_LOGIN, "Google Sheets does not take the token of %.*s",
                      STR_ARG(place->account));
        return SHEETS_REFUSED;
    case 403:
        why_forbidden(said, place, err);
        return SHEETS_REFUSED;
    case 404:
        (void)err_set(err, ERR_CONFIG,
                      "there is no spreadsheet with this id, or it is not shared with %.*s",
                      STR_ARG(place->account));
        return SHEETS_REFUSED;
    default:
        break;
    }
    (void)http_grade(answer, "Google Sheets", err);
    /* Trouble of the server, which may come when the work was done. */
    return place->write && answer->status >= 500 ? SHEETS_UNKNOWN : SHEETS_REFUSED;
}

/* A letter of a column, or a digit of a row; the others end a cell. */
static size_t read_cell(struct str text, int64_t *row, int64_t *column)
{
    size_t at = 0;
    *row = 0;
    *column = 0;
    while (at < text.len && text.ptr[at] >= 'A' && text.ptr[at] <= 'Z' &&
           *column <= SHEETS_COLUMNS_MAX) {
        *column = *column * 26 + (text.ptr[at++] - 'A' + 1);
    }
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' && *row < INT32_MAX) {
        *row = *row * 10 + (text.ptr[at++] - '0');
    }
    return at;
}

bool sheets_answer_range(struct str text, struct sheets_area *area)
{
    size_t bang = STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        bang = text.ptr[i] == '!' ? i : bang;
    }
    if (bang == STR_NONE) {
        return false;
    }
    struct str cells = str_slice(text, bang + 1, text.len);
    size_t at = read_cell(cells, &area->top, &area->left);
    area->bottom = area->top;
    area->right = area->left;
    if (at < cells.len && cells.ptr[at] == ':') {
        struct str rest = str_slice(cells, at + 1, cells.len);
        at += 1 + read_cell(rest, &area->bottom, &area->right);
    }
    return at == cells.len && area->top > 0 && area->left > 0 && area->bottom >= area->top &&
           area->right >= area->left;
}
