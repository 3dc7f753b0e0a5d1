#include "serve/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "crypto/encode.h"
#include "store/archive.h"
#include "store/audit.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/utf8.h"

/* Notes of the store that seal cursors. */
#define API_CURSORS STR("sluice/cursors")

enum { CURSOR_MAX = 64, MINUTE_MS = 60 * 1000, DETAIL_MAX = 1024 };

/* ---- Beginning and end ---- */

static bool work(void *context, struct calls_hand *hand, struct call *call)
{
    return call->work(context, hand, call);
}

bool api_start(struct api *api, struct err *err)
{
    struct store *store = NULL;
    lock_init(&api->lock);
    token_random(&api->seed, sizeof api->seed);
    return engine_store(api->engine, &store, err) && tokens_start(&api->tokens, store, err) &&
           calls_start(&api->calls, api->engine, work, api, err);
}

void api_stop(struct api *api)
{
    lock_take(&api->lock);
    api->stop = true;
    lock_give(&api->lock);
    calls_stop(api->calls);
}

void api_free(struct api *api)
{
    calls_free(api->calls);
    tokens_stop(api->tokens);
}

/* ---- Who calls ---- */

static bool refuse_unknown(struct call *call, enum tokens_verdict verdict)
{
    if (verdict == TOKENS_BLIND) {
        call_refuse_later(call, "no_answer", "the store does not answer, so no token is believed");
        return false;
    }
    if (verdict == TOKENS_TOO_MANY) {
        call_refuse(call, STATUS_TOO_MANY, "too_many_guesses",
                    "too many wrong tokens from this address; a good one is taken all the same");
        call->header = "Retry-After";
        call->header_value = STR("60");
        return false;
    }
    call_refuse(
        call, STATUS_UNAUTHORIZED, "unauthorized",
        "this needs a token that is known and has not expired: Authorization: Bearer slc_…");
    call->header = "WWW-Authenticate";
    call->header_value = STR("Bearer realm=\"sluice\"");
    return false;
}

static bool refuse_scope(struct call *call, unsigned scope)
{
    char text[TOKENS_SCOPES_TEXT_MAX];
    call_refuse(call, STATUS_FORBIDDEN, "forbidden",
                "the token '%.*s' has not the scope %.*s that this needs", STR_ARG(call->holder),
                STR_ARG(token_scopes_text(scope, text)));
    return false;
}

/* Whose token it is, into the call; false after a refusal. */
static bool know(struct api *api, struct call *call, struct str authorization)
{
    struct token_holder holder = {.scopes = 0};
    enum tokens_verdict verdict = tokens_check(api->tokens, authorization, call->caller, &holder);
    if (verdict != TOKENS_GOOD) {
        return refuse_unknown(call, verdict);
    }
    call->holder = arena_copy(&call->arena, str_of(holder.name));
    call->scopes = holder.scopes;
    if (call->holder.ptr == NULL) {
        call_refuse_later(call, "memory", "out of memory");
        return false;
    }
    return true;
}

static void note_caller(struct api *api, struct call *call)
{
    struct str forwarded = call_header_all(call, "X-Forwarded-For");
    call->caller = address_caller(call->peer, forwarded, &api->http->proxies);
}

bool api_admit(struct api *api, struct call *call, unsigned scope)
{
    note_caller(api, call);
    if (scope == 0) {
        return true;
    }
    struct str authorization = call_header(call, "Authorization");
    if (authorization.ptr == NULL) { /* Nobody guessed. */
        return refuse_unknown(call, TOKENS_WRONG);
    }
    return know(api, call, authorization) &&
           (token_allows(call->scopes, scope) || refuse_scope(call, scope));
}

bool api_shows(struct api *api, struct call *call, unsigned scope)
{
    struct str authorization = call_header(call, "Authorization");
    return authorization.ptr != NULL && know(api, call, authorization) &&
           (token_allows(call->scopes, scope) || refuse_scope(call, scope));
}

bool api_sees_people(const struct call *call)
{
    return token_allows(call->scopes, TOKEN_PEOPLE);
}

bool api_take(struct api *api, struct call *call, api_work *todo)
{
    struct inbox_header *arguments = NULL;
    struct str type = call_header(call, "Content-Type");
    call->argument_count = call_arguments(call, &arguments);
    call->arguments = arguments;
    call->work = todo;
    if (call->argument_count > 0 && arguments == NULL) {
        call_refuse_later(call, "memory", "out of memory");
        return true;
    }
    struct str kind = STR("application/json");
    if (call->body.len > 0 &&
        (!str_equal_ascii_case(str_slice(type, 0, kind.len), kind) ||
         (type.len > kind.len && type.ptr[kind.len] != ';' && type.ptr[kind.len] != ' '))) {
        call_refuse(call, STATUS_WRONG_TYPE, "wrong_type", "a body must be application/json");
        return true;
    }
    calls_put(api->calls, call);
    return false;
}

/* ---- Arguments ---- */

static bool refuse_argument(struct call *call, struct str name, const char *why)
{
    char shown[API_TEXT_MAX];
    struct str text = log_mask(str_slice(name, 0, TOKENS_NAME_MAX), shown, sizeof shown);
    call_refuse(call, STATUS_WRONG, "wrong_argument", "the argument '%.*s' %s", STR_ARG(text), why);
    return false;
}

static bool is_named(const char *const *names, struct str name)
{
    bool named = false;
    for (; *names != NULL; names++) {
        named = named || str_equal(str_of(*names), name);
    }
    return named;
}

static bool is_text(struct str text)
{
    return text.ptr != NULL && text.len <= API_TEXT_MAX && utf8_valid(text) &&
           str_find_byte(text, '\0', 0) == STR_NONE;
}

bool api_arguments(struct call *call, const char *const *names)
{
    for (size_t i = 0; i < call->argument_count; i++) {
        struct inbox_header one = call->arguments[i];
        if (!is_named(names, one.name)) {
            return refuse_argument(call, one.name, "is not known here");
        }
        if (!is_text(one.value)) {
            return refuse_argument(call, one.name, "is no text, or longer than 1,024 bytes");
        }
        for (size_t j = 0; j < i; j++) {
            if (str_equal(call->arguments[j].name, one.name)) {
                return refuse_argument(call, one.name, "is there twice");
            }
        }
    }
    return true;
}

struct str api_argument(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->argument_count; i++) {
        if (str_equal(call->arguments[i].name, str_of(name))) {
            return call->arguments[i].value;
        }
    }
    return (struct str){0};
}

bool api_limit(struct call *call, size_t *limit)
{
    int64_t number = API_LIMIT_USUAL;
    struct str text = api_argument(call, "limit");
    if (text.ptr != NULL &&
        (!str_to_int64(text, &number) || number < 1 || number > API_LIMIT_MAX)) {
        return refuse_argument(call, STR("limit"), "must be a whole number from 1 to 1000");
    }
    *limit = (size_t)number;
    return true;
}

bool api_time(struct call *call, const char *name, int64_t *ms)
{
    struct err ignored = {0};
    struct str text = api_argument(call, name);
    *ms = 0;
    if (text.ptr == NULL || datetime_parse_iso_ms(text, ms, &ignored)) {
        return true;
    }
    return refuse_argument(call, str_of(name),
                           "must be a time with its zone, such as 2026-01-05T10:00:00Z (a + is "
                           "written %2B)");
}

bool api_id(struct call *call, const char *what, int64_t *id)
{
    if (str_to_int64(call->word, id) && *id > 0) {
        return true;
    }
    call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such %s", what);
    return false;
}

/* ---- Pages ---- */

void api_put_next(struct json_writer *json, char kind, int64_t id)
{
    char plain[CURSOR_MAX];
    struct buf text;
    json_key(json, STR("next"));
    if (id == 0) {
        json_put_null(json);
        return;
    }
    int len = snprintf(plain, sizeof plain, "%c%" PRId64, kind, id);
    buf_init(&text, json->buf->arena, CURSOR_MAX);
    encode_base64url(&text, (struct str){plain, (size_t)len});
    json_put_str(json, buf_str(&text));
}

bool api_cursor(struct calls_hand *hand, struct call *call, char kind, int64_t *id)
{
    struct err ignored = {0};
    struct str plain = {0};
    struct str text = api_argument(call, "cursor");
    *id = 0;
    if (text.ptr == NULL) {
        return true;
    }
    if (encode_from_base64url(&hand->scratch, text, &plain, &ignored) && plain.len > 1 &&
        plain.ptr[0] == kind && str_to_int64(str_slice(plain, 1, plain.len), id) && *id > 0) {
        return true;
    }
    return refuse_argument(call, STR("cursor"), "is none that this list gave");
}

/* Made when it is needed for the first time, by whoever comes first. */
static bool make_key(struct calls_hand *hand, struct str *key, struct err *err)
{
    struct aead_key fresh;
    token_random(&fresh, sizeof fresh);
    struct str text = {(const char *)fresh.bytes, sizeof fresh.bytes};
    bool ok = store_begin(hand->store, NULL, err) &&
              store_keep_get(hand->store, &hand->scratch, API_CURSORS, STR("key"), key, err) &&
              (key->len == AEAD_KEY_SIZE ||
               store_keep_put(hand->store, API_CURSORS, STR("key"), text, err)) &&
              store_commit(hand->store, err);
    store_rollback(hand->store);
    if (ok && key->len != AEAD_KEY_SIZE) {
        *key = arena_copy(&hand->scratch, text);
        ok = key->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
    }
    return ok;
}

static bool cursor_key(struct api *api, struct calls_hand *hand, struct aead_key *out,
                       struct err *err)
{
    struct str key = {0};
    lock_take(&api->lock);
    bool keyed = api->keyed;
    *out = api->key;
    lock_give(&api->lock);
    if (keyed) {
        return true;
    }
    if (!store_keep_get(hand->store, &hand->scratch, API_CURSORS, STR("key"), &key, err) ||
        (key.len != AEAD_KEY_SIZE && !make_key(hand, &key, err))) {
        return false;
    }
    memcpy(out->bytes, key.ptr, sizeof out->bytes);
    lock_take(&api->lock);
    api->key = *out;
    api->keyed = true;
    lock_give(&api->lock);
    return true;
}

bool api_seal(struct api *api, struct calls_hand *hand, struct str context, struct str plain,
              struct str *text, struct err *err)
{
    struct aead_key key;
    struct str sealed = {0};
    struct buf out;
    if (!cursor_key(api, hand, &key, err) ||
        !aead_seal(&hand->scratch, &key, context, plain, &sealed, err)) {
        return false;
    }
    buf_init(&out, &hand->scratch, 2 * sealed.len);
    encode_base64url(&out, sealed);
    *text = buf_str(&out);
    return text->ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

bool api_unseal(struct api *api, struct calls_hand *hand, struct call *call, struct str context,
                struct str *plain)
{
    struct aead_key key;
    struct str sealed = {0};
    struct err err = {0};
    struct str text = api_argument(call, "cursor");
    *plain = (struct str){0};
    if (text.ptr == NULL) {
        return true;
    }
    if (!cursor_key(api, hand, &key, &err)) {
        (void)api_fail(call, &err);
        return false;
    }
    return (encode_from_base64url(&hand->scratch, text, &sealed, &err) &&
            aead_open(&hand->scratch, &key, context, sealed, plain, &err)) ||
           refuse_argument(call, STR("cursor"), "is none that this list gave");
}

/* ---- The audit log ---- */

bool api_audit_act(struct calls_hand *hand, const struct call *call, const char *act,
                   struct str object, struct str detail, struct err *err)
{
    char actor[TOKENS_NAME_MAX + 8];
    char text[DETAIL_MAX];
    (void)snprintf(actor, sizeof actor, "token:%.*s", STR_ARG(call->holder));
    int len = snprintf(text, sizeof text, "{\"address\":\"%.*s\"%.*s}", STR_ARG(call->caller),
                       STR_ARG(detail));
    if (len < 0 || (size_t)len >= sizeof text) {
        return err_set(err, ERR_REJECT, "this is too long for the audit log");
    }
    return store_audit_put(hand->store, str_of(actor), str_of(act), object, str_of(text), err) ||
           err_prefix(err, "this cannot be written into the audit log, so it is not done: ");
}

/* The place of a read, and which one it is. */
static uint64_t read_hash(const struct api *api, const struct call *call)
{
    uint64_t hash = str_hash(call->path, api->seed);
    hash = str_hash(call->holder, hash);
    return str_hash(call->caller, hash) | 1;
}

static bool is_noted(struct api *api, uint64_t hash, int64_t minute)
{
    lock_take(&api->lock);
    size_t place = hash % API_NOTED;
    bool noted = api->noted[place].hash == hash && api->noted[place].minute == minute;
    lock_give(&api->lock);
    return noted;
}

bool api_audit_read(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct err err = {0};
    uint64_t hash = read_hash(api, call);
    int64_t minute = clock_wall_ms(clock_system()) / MINUTE_MS;
    if (is_noted(api, hash, minute)) {
        return true;
    }
    bool ok = store_begin(hand->store, NULL, &err) &&
              api_audit_act(hand, call, "api.read", call->path, (struct str){0}, &err) &&
              store_commit(hand->store, &err);
    store_rollback(hand->store);
    if (!ok) {
        (void)api_fail(call, &err);
        return false;
    }
    lock_take(&api->lock);
    api->noted[hash % API_NOTED].hash = hash;
    api->noted[hash % API_NOTED].minute = minute;
    lock_give(&api->lock);
    return true;
}

/* ---- Answers ---- */

bool api_fail(struct call *call, const struct err *err)
{
    if (err->kind == ERR_REJECT) {
        call_refuse(call, STATUS_WRONG, "wrong", "%s", err->text);
    } else if (err->kind == ERR_RETRY) {
        log_warn("http: %.*s: %s", STR_ARG(call->path), err->text);
        call_refuse_later(call, "try_later", "the store cannot do this now");
    } else {
        log_error("http: %.*s: %s", STR_ARG(call->path), err->text);
        call_refuse(call, STATUS_FAILED, "failed", "this failed; the log says why");
    }
    return true;
}

bool api_answer(struct call *call, int status, struct buf *body)
{
    buf_add_byte(body, '\n');
    call->answer = buf_str(body);
    call->status = status;
    if (call->answer.ptr == NULL) {
        call_refuse_later(call, "memory", "out of memory; ask for less at once");
    }
    return true;
}
