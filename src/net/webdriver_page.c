/* Commands to the page. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "crypto/encode.h"
#include "net/webdriver_call.h"
#include "text/utf8.h"

enum { PATH_MAX_LEN = WEBDRIVER_ELEMENT_MAX + 32, PICTURE_MAX = 32 * 1024 * 1024 };

/* ---- Commands with one field, or none ---- */

static bool send_field(struct webdriver *driver, const struct webdriver_call *call, struct str key,
                       struct str value, int64_t deadline_ms, struct err *err)
{
    struct buf body;
    struct json_writer json;
    webdriver_begin(driver, &body);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    if (key.len > 0) {
        json_field_str(&json, key, value);
    }
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver, call, &body, deadline_ms, NULL, err);
}

/* An answer that is one text. */
static bool get_text(struct webdriver *driver, const struct webdriver_call *call,
                     int64_t deadline_ms, struct arena *arena, struct str *text, struct err *err)
{
    const struct json_value *value = NULL;
    webdriver_begin(driver, NULL);
    if (!webdriver_send(driver, call, NULL, deadline_ms, &value, err)) {
        return false;
    }
    if (json_kind(value) != JSON_STRING) {
        return webdriver_fail(driver, WEBDRIVER_FAILED, call->what, err);
    }
    *text = arena_copy(arena, json_str(value));
    return text->ptr != NULL || webdriver_fail(driver, WEBDRIVER_NO_MEMORY, call->what, err);
}

bool webdriver_go(struct webdriver *driver, struct str url, int64_t deadline_ms, struct err *err)
{
    static const struct webdriver_call call = {.what = "go to the page", .path = "/url"};
    return send_field(driver, &call, STR("url"), url, deadline_ms, err);
}

bool webdriver_url(struct webdriver *driver, int64_t deadline_ms, struct arena *arena,
                   struct str *url, struct err *err)
{
    static const struct webdriver_call call = {.what = "address", .method = "GET", .path = "/url"};
    return get_text(driver, &call, deadline_ms, arena, url, err);
}

bool webdriver_title(struct webdriver *driver, int64_t deadline_ms, struct arena *arena,
                     struct str *title, struct err *err)
{
    static const struct webdriver_call call = {.what = "title", .method = "GET", .path = "/title"};
    return get_text(driver, &call, deadline_ms, arena, title, err);
}

bool webdriver_timeouts(struct webdriver *driver, int64_t script_ms, int64_t page_ms,
                        int64_t deadline_ms, struct err *err)
{
    struct buf body;
    struct json_writer json;
    must(script_ms > 0 && script_ms <= WEBDRIVER_SCRIPT_MAX_MS && page_ms > 0);
    webdriver_begin(driver, &body);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_field_int(&json, STR("script"), script_ms);
    json_field_int(&json, STR("pageLoad"), page_ms);
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver, &(struct webdriver_call){.what = "timeouts", .path = "/timeouts"},
                          &body, deadline_ms, NULL, err);
}

bool webdriver_window(struct webdriver *driver, int width, int height, int64_t deadline_ms,
                      struct err *err)
{
    struct buf body;
    struct json_writer json;
    webdriver_begin(driver, &body);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_field_int(&json, STR("width"), width);
    json_field_int(&json, STR("height"), height);
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver,
                          &(struct webdriver_call){.what = "window", .path = "/window/rect"}, &body,
                          deadline_ms, NULL, err);
}

/* ---- Scripts ---- */

/* The page packs the result itself. */
static const struct str pack_now[2] = {
    STR_INIT("const r = (function () {"),
    STR_INIT("\n}).apply(null, arguments); return r === undefined ? 'null' : JSON.stringify(r);"),
};
static const struct str pack_later[2] = {
    STR_INIT("const a = Array.from(arguments), d = a.pop();"
             "a.push(r => d(r === undefined ? 'null' : JSON.stringify(r)));"
             "(function () {"),
    STR_INIT("\n}).apply(null, a);"),
};

static bool send_script(struct webdriver *driver, const struct webdriver_script *script,
                        bool packed, int64_t deadline_ms, const struct json_value **value,
                        struct err *err)
{
    struct buf body;
    struct json_writer json;
    struct webdriver_call call = {.what = "script",
                                  .path = script->async ? "/execute/async" : "/execute/sync",
                                  .once = script->once,
                                  .answer_max = script->answer_max};
    must(script->answer_max <= WEBDRIVER_ANSWER_LIMIT);
    webdriver_begin(driver, &body);
    const struct str *pack = script->async ? pack_later : pack_now;
    struct buf code;
    buf_init(&code, &driver->tree, script->code.len + pack[0].len + pack[1].len + 1);
    buf_add(&code, packed ? pack[0] : STR(""));
    buf_add(&code, script->code);
    buf_add(&code, packed ? pack[1] : STR(""));
    if (!buf_ok(&code)) {
        return webdriver_fail(driver, WEBDRIVER_NO_MEMORY, call.what, err);
    }
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_field_str(&json, STR("script"), buf_str(&code));
    json_key(&json, STR("args"));
    json_put_raw(&json, script->args.len > 0 ? script->args : STR("[]"));
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver, &call, &body, deadline_ms, value, err);
}

bool webdriver_run(struct webdriver *driver, const struct webdriver_script *script,
                   int64_t deadline_ms, struct arena *arena, const struct json_value **value,
                   struct err *err)
{
    const struct json_value *outer = NULL;
    struct json_limits limits = {
        .size_max = WEBDRIVER_ANSWER_LIMIT, .allow_duplicate_keys = true, .innocent = true};
    if (!send_script(driver, script, true, deadline_ms, &outer, err)) {
        return false;
    }
    if (json_kind(outer) != JSON_STRING) {
        return webdriver_fail(driver, WEBDRIVER_FAILED, "script", err);
    }
    arena_free(&driver->wire); /* Before the second copy of what may be large. */
    struct str text = webdriver_mend(json_str(outer), &driver->wire);
    struct err why = {0};
    if (text.ptr == NULL || !json_parse(arena, text, &limits, value, &why)) {
        bool memory = text.ptr == NULL || why.kind == ERR_RETRY;
        return webdriver_fail(driver, memory ? WEBDRIVER_NO_MEMORY : WEBDRIVER_FAILED, "script",
                              err);
    }
    return true;
}

/* ---- Elements ---- */

static bool take_element(struct webdriver *driver, const struct json_value *value, const char *what,
                         struct webdriver_element *element, struct err *err)
{
    struct str id = json_str(json_get(value, STR(WEBDRIVER_ELEMENT_KEY)));
    if (json_kind(value) == JSON_NULL) {
        return webdriver_fail(driver, WEBDRIVER_NO_ELEMENT, what, err);
    }
    bool sound = id.len > 0 && id.len < sizeof element->id;
    for (size_t i = 0; sound && i < id.len; i++) { /* It becomes a part of addresses. */
        sound = id.ptr[i] > ' ' && id.ptr[i] < 0x7F && strchr("/?#%\\\"", id.ptr[i]) == NULL;
    }
    if (!sound) {
        return webdriver_fail(driver, WEBDRIVER_FAILED, what, err);
    }
    memset(element, 0, sizeof *element);
    memcpy(element->id, id.ptr, id.len);
    return true;
}

bool webdriver_find(struct webdriver *driver, struct str selector, int64_t deadline_ms,
                    struct webdriver_element *element, struct err *err)
{
    struct buf body;
    struct json_writer json;
    const struct json_value *value = NULL;
    webdriver_begin(driver, &body);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_field_str(&json, STR("using"), STR("css selector"));
    json_field_str(&json, STR("value"), selector);
    json_object_end(&json);
    json_writer_done(&json);
    return webdriver_send(driver, &(struct webdriver_call){.what = "find", .path = "/element"},
                          &body, deadline_ms, &value, err) &&
           take_element(driver, value, "find", element, err);
}

bool webdriver_pick(struct webdriver *driver, const struct webdriver_script *script,
                    int64_t deadline_ms, struct webdriver_element *element, struct err *err)
{
    const struct json_value *value = NULL;
    must(!script->async);
    return send_script(driver, script, false, deadline_ms, &value, err) &&
           take_element(driver, value, "pick", element, err);
}

void webdriver_put_element(struct json_writer *json, const struct webdriver_element *element)
{
    json_object_begin(json);
    json_field_str(json, STR(WEBDRIVER_ELEMENT_KEY), str_of(element->id));
    json_object_end(json);
}

static const char *element_path(char path[PATH_MAX_LEN], const struct webdriver_element *element,
                                const char *verb)
{
    must(element->id[0] != '\0');
    (void)snprintf(path, PATH_MAX_LEN, "/element/%s%s", element->id, verb);
    return path;
}

bool webdriver_click(struct webdriver *driver, const struct webdriver_element *element,
                     int64_t deadline_ms, struct err *err)
{
    char path[PATH_MAX_LEN];
    struct webdriver_call call = {
        .what = "click", .path = element_path(path, element, "/click"), .once = true};
    return send_field(driver, &call, STR(""), STR(""), deadline_ms, err);
}

bool webdriver_clear(struct webdriver *driver, const struct webdriver_element *element,
                     int64_t deadline_ms, struct err *err)
{
    char path[PATH_MAX_LEN];
    struct webdriver_call call = {.what = "clear", .path = element_path(path, element, "/clear")};
    return send_field(driver, &call, STR(""), STR(""), deadline_ms, err);
}

/* Letters only: U+E000 and its neighbours are the special keys of WebDriver. */
static bool is_typed(struct str text)
{
    if (text.len > WEBDRIVER_TYPED_MAX || !utf8_valid(text)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool special = byte == 0xEE && i + 1 < text.len &&
                       ((unsigned char)text.ptr[i + 1] & 0xFC) == 0x80; /* U+E000 to U+E0FF */
        bool ends = byte == 0xE2 && i + 2 < text.len && (unsigned char)text.ptr[i + 1] == 0x80 &&
                    ((unsigned char)text.ptr[i + 2] & 0xFE) == 0xA8; /* U+2028, U+2029 */
        bool c1 = byte == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0;
        if (byte < 0x20 || byte == 0x7F || special || ends || c1) {
            return false;
        }
    }
    return true;
}

bool webdriver_type(struct webdriver *driver, const struct webdriver_element *element,
                    struct str text, int64_t deadline_ms, struct err *err)
{
    char path[PATH_MAX_LEN];
    struct webdriver_call call = {
        .what = "type", .path = element_path(path, element, "/value"), .once = true};
    if (!is_typed(text)) {
        (void)webdriver_fail(driver, WEBDRIVER_BAD_ARGUMENT, call.what, err);
        return err_set(err, ERR_REJECT,
                       "webdriver, type: only up to %d bytes of plain text can be typed: no line "
                       "end, no special key",
                       WEBDRIVER_TYPED_MAX);
    }
    return send_field(driver, &call, STR("text"), text, deadline_ms, err);
}

/* ---- Pictures ---- */

bool webdriver_screenshot(struct webdriver *driver, const struct webdriver_element *element,
                          int64_t deadline_ms, struct arena *arena, struct str *png,
                          struct err *err)
{
    char path[PATH_MAX_LEN];
    const struct json_value *value = NULL;
    struct err why = {0};
    struct webdriver_call call = {
        .what = "screenshot",
        .method = "GET",
        .path = element != NULL ? element_path(path, element, "/screenshot") : "/screenshot",
        .answer_max = PICTURE_MAX};
    webdriver_begin(driver, NULL);
    if (!webdriver_send(driver, &call, NULL, deadline_ms, &value, err)) {
        return false;
    }
    if (!encode_from_base64(arena, json_str(value), png, &why) ||
        !str_starts(*png, STR("\x89PNG\r\n"))) {
        return webdriver_fail(
            driver, why.kind == ERR_RETRY ? WEBDRIVER_NO_MEMORY : WEBDRIVER_FAILED, call.what, err);
    }
    return true;
}
