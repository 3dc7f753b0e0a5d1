#include "net/webdriver_call.h"

#include <string.h>

#include "base/must.h"

enum {
    WIRE_KEPT_MAX = 1024 * 1024, /* More than this is given back after a command. */
    REQUEST_FIRST = 4096,
    CLOSE_MS = 20, /* So near the deadline, it is what ended the call. */
};

void webdriver_begin(struct webdriver *driver, struct buf *body)
{
    bool large = driver->wire.used > WIRE_KEPT_MAX || driver->tree.used > WIRE_KEPT_MAX;
    if (large) {
        arena_free(&driver->wire);
        arena_free(&driver->tree);
    }
    arena_reset(&driver->wire);
    arena_reset(&driver->tree);
    if (body != NULL) {
        buf_init(body, &driver->wire, REQUEST_FIRST);
    }
}

/* ---- Halves of pairs ---- */

/* What an escape of "\u" and four digits at `at` stands for; 0 for anything else. */
static unsigned unit_at(struct str text, size_t at)
{
    unsigned unit = 0;
    if (at + 6 > text.len || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u') {
        return 0;
    }
    for (size_t i = at + 2; i < at + 6; i++) {
        char letter = text.ptr[i];
        unsigned digit = letter >= '0' && letter <= '9'   ? (unsigned)(letter - '0')
                         : letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a') + 10
                         : letter >= 'A' && letter <= 'F' ? (unsigned)(letter - 'A') + 10
                                                          : 16;
        if (digit > 15) {
            return 0;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(unsigned unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(unsigned unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Where the next half that stands alone is written, or STR_NONE. */
static size_t find_half(struct str text, size_t at)
{
    while ((at = str_find_byte(text, '\\', at)) != STR_NONE) {
        unsigned unit = unit_at(text, at);
        if (is_high(unit) && is_low(unit_at(text, at + 6))) {
            at += 12;
        } else if (is_high(unit) || is_low(unit)) {
            return at;
        } else {
            at += 2; /* Behind "\\" and its like, or into the digits of a whole letter. */
        }
    }
    return STR_NONE;
}

struct str webdriver_mend(struct str text, struct arena *arena)
{
    size_t at = find_half(text, 0);
    if (at == STR_NONE) {
        return text;
    }
    char *bytes = arena_bytes(arena, text.len);
    if (bytes == NULL) {
        return (struct str){0};
    }
    memcpy(bytes, text.ptr, text.len);
    struct str mended = {bytes, text.len};
    for (; at != STR_NONE; at = find_half(mended, at + 6)) {
        memcpy(bytes + at + 2, "fffd", 4);
    }
    return mended;
}

/* ---- One command ---- */

/* What is known about the session when a call failed on the way. */
static bool lost_on_the_way(struct webdriver *driver, const struct webdriver_call *call,
                            const struct http_answer *answer, int64_t deadline_ms, struct err *err)
{
    enum webdriver_fault fault = WEBDRIVER_UNREACHABLE;
    if (err->kind == ERR_STOP) {
        fault = WEBDRIVER_STOPPED;
    } else if (answer->too_large) {
        fault = WEBDRIVER_TOO_LARGE;
    } else if (clock_mono_ms(driver->clock) >= deadline_ms - CLOSE_MS) {
        fault = WEBDRIVER_LATE;
    }
    driver->fault = fault;
    return err_prefix(err, "webdriver, %s: ", call->what);
}

/* An answer that is none of WebDriver's: whose is it? */
static bool nonsense(struct webdriver *driver, const struct webdriver_call *call,
                     const struct http_answer *answer, struct err *err)
{
    (void)webdriver_fail(driver, WEBDRIVER_NONSENSE, call->what, err);
    if (answer->status == 403) {
        return err_set(err, ERR_CONFIG,
                       "webdriver, %s: the server refuses us (HTTP 403): a chromedriver that is "
                       "called from another machine needs --allowed-ips and --allowed-origins",
                       call->what);
    }
    if (answer->status >= 200 && answer->status < 300) {
        return false;
    }
    (void)http_grade(answer, "the server of the browser", err);
    return err_prefix(err, "webdriver, %s: ", call->what);
}

static bool read_answer(struct webdriver *driver, const struct webdriver_call *call,
                        const struct http_answer *answer, const struct json_value **value,
                        struct err *err)
{
    const struct json_value *root = NULL;
    struct json_limits limits = {
        .size_max = WEBDRIVER_ANSWER_LIMIT, .allow_duplicate_keys = true, .innocent = true};
    struct err why = {0};
    struct str text = webdriver_mend(answer->body, &driver->wire);
    if (text.ptr == NULL || !json_parse(&driver->tree, text, &limits, &root, &why)) {
        bool memory = text.ptr == NULL || why.kind == ERR_RETRY;
        return memory ? webdriver_fail(driver, WEBDRIVER_NO_MEMORY, call->what, err)
                      : nonsense(driver, call, answer, err);
    }
    const struct json_value *found = json_get(root, STR("value"));
    if (found == NULL) {
        return nonsense(driver, call, answer, err);
    }
    if (answer->status < 200 || answer->status >= 300) {
        return json_str(json_get(found, STR("error"))).ptr != NULL
                   ? webdriver_blame(driver, call->what, answer->status, found, err)
                   : nonsense(driver, call, answer, err);
    }
    if (value != NULL) {
        *value = found;
    }
    return true;
}

static bool ask(struct webdriver *driver, const struct webdriver_call *call, struct buf *body,
                int64_t deadline_ms, struct http_answer *answer, struct err *err)
{
    const struct http_header type = {STR("Content-Type"), STR("application/json; charset=utf-8")};
    struct str session = call->bare ? STR("") : str_of(driver->session);
    struct http_request request = {
        .url = arena_printf(&driver->wire, "%s%s%.*s%s", driver->url, call->bare ? "" : "/session/",
                            STR_ARG(session), call->path),
        .method = call->method != NULL ? str_of(call->method) : (struct str){0},
        .headers = &type,
        .header_count = body != NULL ? 1 : 0,
        .body = body != NULL ? buf_str(body) : (struct str){0},
        .answer_max = call->answer_max > 0 ? call->answer_max : WEBDRIVER_ANSWER_MAX,
        .once = call->once,
    };
    if (request.url.ptr == NULL || (body != NULL && !buf_ok(body))) {
        return webdriver_fail(driver, WEBDRIVER_NO_MEMORY, call->what, err);
    }
    if (!http_send(driver->http, &request, deadline_ms, &driver->wire, answer, err)) {
        return lost_on_the_way(driver, call, answer, deadline_ms, err);
    }
    driver->calls++;
    driver->received += answer->body.len;
    return true;
}

bool webdriver_send(struct webdriver *driver, const struct webdriver_call *call, struct buf *body,
                    int64_t deadline_ms, const struct json_value **value, struct err *err)
{
    struct http_answer answer = {0};
    driver->fault = WEBDRIVER_FINE;
    if (!driver->closing && driver->stopping != NULL &&
        driver->stopping(driver->stopping_context)) {
        return webdriver_fail(driver, WEBDRIVER_STOPPED, call->what, err);
    }
    if (!call->bare && !webdriver_alive(driver)) {
        return webdriver_fail(driver, WEBDRIVER_NO_SESSION, call->what, err);
    }
    int64_t began_ms = clock_mono_ms(driver->clock);
    bool ok = ask(driver, call, body, deadline_ms, &answer, err) &&
              read_answer(driver, call, &answer, value, err);
    if (driver->note != NULL) {
        struct webdriver_note note = {.what = call->what,
                                      .fault = driver->fault,
                                      .took_ms = clock_mono_ms(driver->clock) - began_ms,
                                      .received = answer.body.len};
        driver->note(driver->note_context, &note);
    }
    must(ok == (driver->fault == WEBDRIVER_FINE));
    if (!ok && !call->bare && webdriver_fate(driver) == WEBDRIVER_DROP) {
        driver->lost = true;
    }
    return ok;
}
