#include "source/wa_kept.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "text/json.h"

enum { NOTE_EVERY_MS = 60 * 1000, EVENT_ROOM = 256 };

#define KEY_SESSION STR("session")
#define KEY_BROWSER STR("browser")
#define KEY_TOLD    STR("told")
#define KEY_WISH    STR("wish")
#define KEY_CODE    STR("code")

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for what the browser session leaves");
}

static bool get(struct wa_kept *kept, struct str key, struct arena *arena, struct str *value,
                struct err *err)
{
    *value = (struct str){0};
    return kept->keep->get(kept->keep, key, arena, value, err);
}

static bool put(struct wa_kept *kept, struct str key, struct str value, struct err *err)
{
    return kept->keep->put(kept->keep, key, value, err);
}

void wa_commands_count(struct wa_commands *commands, const char *what)
{
    size_t at = 0;
    while (at < commands->count && strcmp(commands->of[at].what, what) != 0) {
        at++;
    }
    if (at == WA_COMMANDS_MAX) {
        return;
    }
    if (at == commands->count) {
        commands->of[commands->count++].what = what;
    }
    commands->of[at].times++;
}

/* ---- The note "session" ---- */

static void put_time(struct json_writer *json, struct str key, int64_t ms)
{
    json_key(json, key);
    if (ms > 0) {
        json_put_int(json, ms);
    } else {
        json_put_null(json);
    }
}

static void put_text(struct json_writer *json, struct str key, const char *text)
{
    json_key(json, key);
    if (text[0] != '\0') {
        json_put_str(json, str_of(text));
    } else {
        json_put_null(json);
    }
}

static void write_session(const struct wa_kept *kept, struct json_writer *json)
{
    json_object_begin(json);
    json_field_str(json, STR("state"), str_of(wa_state_name(kept->state)));
    json_field_str(json, STR("before"), str_of(wa_state_name(kept->before)));
    json_field_int(json, STR("since_ms"), kept->since_ms);
    json_field_str(json, STR("settled"), str_of(wa_state_name(kept->settled)));
    json_field_int(json, STR("settled_ms"), kept->settled_ms);
    json_field_int(json, STR("seen_ms"), kept->noted_ms);
    put_time(json, STR("ready_ms"), kept->ready_ms);
    put_time(json, STR("opened_ms"), kept->opened_ms);
    put_time(json, STR("memory"), kept->memory);
    put_text(json, STR("browser"), kept->version);
    put_text(json, STR("locale"), kept->look.locale);
    put_text(json, STR("zone"), kept->look.zone);
    put_text(json, STR("selectors"), kept->look.pack);
    json_field_bool(json, STR("telephone_off"), kept->look.telephone_off);
    json_key(json, STR("commands"));
    json_object_begin(json);
    for (size_t i = 0; i < kept->commands.count; i++) {
        json_field_int(json, str_of(kept->commands.of[i].what), kept->commands.of[i].times);
    }
    json_object_end(json);
    json_object_end(json);
    json_writer_done(json);
}

bool wa_kept_note(struct wa_kept *kept, bool at_once, struct err *err)
{
    int64_t now_ms = clock_wall_ms(kept->clock);
    if (!at_once && now_ms >= kept->noted_ms && now_ms - kept->noted_ms < NOTE_EVERY_MS) {
        return true;
    }
    struct arena arena;
    struct buf buf;
    struct json_writer json;
    arena_init(&arena, WA_KEPT_ARENA);
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    kept->noted_ms = now_ms;
    write_session(kept, &json);
    bool ok = buf_ok(&buf) ? put(kept, KEY_SESSION, buf_str(&buf), err) : no_memory(err);
    arena_free(&arena);
    return ok;
}

/* States that a page goes through by itself are told only when it stays in them (STRANGE). */
static bool passes(enum wa_state state)
{
    return state == WA_UNKNOWN || state == WA_BOOTING || state == WA_PAIRING;
}

static int64_t since_of(struct wa_kept *kept, int64_t now_ms)
{
    if (passes(kept->state)) {
        return now_ms;
    }
    if (kept->state != kept->settled) {
        kept->settled = kept->state;
        kept->settled_ms = now_ms;
    }
    return kept->settled_ms;
}

bool wa_kept_enter(struct wa_kept *kept, enum wa_state state, struct err *err)
{
    bool chats = state == WA_READY || state == WA_RESTRICTED;
    int64_t now_ms = clock_wall_ms(kept->clock);
    bool seen_first = chats && kept->ready_ms == 0;
    if (chats) {
        kept->ready_ms = now_ms;
    } else if (state == WA_CODE || state == WA_STORAGE_BROKEN) {
        kept->ready_ms = 0; /* The login is gone. */
    }
    if (state == kept->state) {
        return wa_kept_note(kept, seen_first, err);
    }
    kept->before = kept->state;
    kept->state = state;
    kept->since_ms = since_of(kept, now_ms);
    kept->shown++;
    log_info("session: %s (before: %s)", wa_state_name(state), wa_state_name(kept->before));
    return wa_kept_note(kept, true, err);
}

/* ---- Opening ---- */

static void read_session(struct wa_kept *kept, const struct json_value *note)
{
    kept->state = wa_state_of(json_str(json_get(note, STR("state"))));
    kept->before = wa_state_of(json_str(json_get(note, STR("before"))));
    kept->settled = wa_state_of(json_str(json_get(note, STR("settled"))));
    (void)json_int(json_get(note, STR("settled_ms")), &kept->settled_ms);
    (void)json_int(json_get(note, STR("since_ms")), &kept->since_ms);
    (void)json_int(json_get(note, STR("ready_ms")), &kept->ready_ms);
}

bool wa_kept_open(struct wa_kept *kept, const struct connector_env *env, struct err *err)
{
    struct arena arena;
    struct str text = {0};
    struct str code = {0};
    const struct json_value *note = NULL;
    struct err ignored = {0};
    *kept = (struct wa_kept){.keep = env->keep, .clock = env->clock};
    arena_init(&arena, WA_KEPT_ARENA);
    bool ok = get(kept, KEY_SESSION, &arena, &text, err) && get(kept, KEY_CODE, &arena, &code, err);
    if (ok && text.len > 0 && json_parse(&arena, text, NULL, &note, &ignored)) {
        read_session(kept, note);
    }
    kept->showing = code.len > 0;
    arena_wipe(&arena);
    arena_free(&arena);
    return ok && wa_kept_show(kept, (struct str){0}, err);
}

/* ---- Events ---- */

bool wa_kept_tell(struct wa_kept *kept, struct batch *batch, struct err *err)
{
    struct str told = {0};
    struct str name = str_of(wa_state_name(kept->state));
    struct buf detail;
    struct json_writer json;
    if (passes(kept->state)) {
        return true;
    }
    if (!get(kept, KEY_TOLD, batch->arena, &told, err)) {
        return false;
    }
    if (str_equal(told, name)) {
        return true;
    }
    buf_init(&detail, batch->arena, EVENT_ROOM);
    json_writer_init(&json, &detail);
    json_object_begin(&json);
    json_field_str(&json, STR("state"), name);
    json_field_int(&json, STR("since_ms"), kept->since_ms);
    json_key(&json, STR("before"));
    if (told.len > 0) {
        json_put_str(&json, told);
    } else {
        json_put_null(&json);
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct event event = {.kind = STR("session"), .chat = STR(""), .detail = buf_str(&detail)};
    return (buf_ok(&detail) && batch_event(batch, event) && batch_note(batch, KEY_TOLD, name)) ||
           no_memory(err);
}

/* ---- Codes, and who is there to see them ---- */

bool wa_kept_show(struct wa_kept *kept, struct str code, struct err *err)
{
    struct arena arena;
    struct str before = {0};
    if (code.len == 0 && !kept->showing) {
        return true;
    }
    arena_init(&arena, WA_KEPT_ARENA);
    bool ok = get(kept, KEY_CODE, &arena, &before, err);
    if (ok && !str_equal(before, code)) {
        ok = put(kept, KEY_CODE, code, err);
        kept->shown++;
    }
    kept->showing = ok ? code.len > 0 : kept->showing;
    arena_wipe(&arena);
    arena_free(&arena);
    return ok;
}

bool wa_kept_wish(struct wa_kept *kept, int64_t *until_ms, struct err *err)
{
    struct arena arena;
    struct str text = {0};
    arena_init(&arena, WA_KEPT_ARENA);
    bool ok = get(kept, KEY_WISH, &arena, &text, err);
    *until_ms = 0;
    (void)str_to_int64(text, until_ms);
    arena_free(&arena);
    return ok;
}

bool wa_kept_browser(struct wa_kept *kept, char out[WEBDRIVER_ID_MAX], struct err *err)
{
    struct arena arena;
    struct str text = {0};
    arena_init(&arena, WA_KEPT_ARENA);
    bool ok = get(kept, KEY_BROWSER, &arena, &text, err);
    memset(out, 0, WEBDRIVER_ID_MAX);
    if (ok && text.len > 0 && text.len < WEBDRIVER_ID_MAX) {
        memcpy(out, text.ptr, text.len);
    }
    arena_free(&arena);
    return ok;
}

bool wa_kept_set_browser(struct wa_kept *kept, struct str session, struct err *err)
{
    return put(kept, KEY_BROWSER, session, err);
}
