#include "net/oauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/encode.h"
#include "crypto/rsa.h"
#include "crypto/token.h"
#include "net/http_url.h"
#include "text/datetime.h"
#include "text/host.h"
#include "text/json.h"

enum { PARTS_MAX = 512, STEP_ARENA = 4 * 1024 * 1024, SAID_MAX = 160 };

#define BEARER "Bearer "

/* What Google expects, whatever `token_uri` says: its own libraries write it so. */
#define AUDIENCE STR("https://oauth2.googleapis.com/token")
#define GRANT    STR("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")

struct oauth {
    struct clock *clock;
    struct rsa *rsa;
    struct arena arena;
    struct str account;
    struct str key_id;
    struct str token_uri;
    struct str scope;
    char value[OAUTH_TOKEN_MAX];
    size_t value_len; /* 0: no token. */
    int64_t end_ms;   /* Monotonic. */
};

/* ---- The key file ---- */

static bool wrong(struct err *err, const char *why)
{
    return err_set(err, ERR_CONFIG, "the key file of the Google service account: %s", why);
}

/* A text of the file that is short enough to be one. */
static bool take_part(struct oauth *oauth, const struct json_value *root, const char *name,
                      struct str *out, struct err *err)
{
    struct str text = json_str(json_get(root, str_of(name)));
    if (text.len == 0 || text.len > PARTS_MAX || str_find_byte(text, '\n', 0) != STR_NONE) {
        char why[64];
        (void)snprintf(why, sizeof why, "its field \"%s\" is missing or odd", name);
        return wrong(err, why);
    }
    *out = arena_copy(&oauth->arena, text);
    return out->ptr != NULL || err_set(err, ERR_RETRY, "out of memory for a key file");
}

static bool check_kind(const struct json_value *root, struct err *err)
{
    struct str type = json_str(json_get(root, STR("type")));
    if (str_equal(type, STR("service_account"))) {
        return true;
    }
    if (str_equal(type, STR("authorized_user"))) {
        return wrong(err, "it is of a person (authorized_user); make a key for a service account "
                          "(IAM, Service accounts, Keys, Add key, JSON)");
    }
    bool client = json_get(root, STR("installed")) != NULL || json_get(root, STR("web")) != NULL;
    return wrong(err, client ? "it is of an OAuth client, which asks people to log in; make a key "
                               "for a service account (IAM, Service accounts, Keys)"
                             : "its \"type\" is not \"service_account\"");
}

static bool check_uri(struct oauth *oauth, struct err *err)
{
    struct http_url url = {0};
    if (!http_url_read(oauth->token_uri, &oauth->arena, &url, err)) {
        return err_prefix(err, "the key file of the Google service account: \"token_uri\": ");
    }
    return url.secure || host_kind_of(url.host) == HOST_LOOPBACK ||
           wrong(err, "its \"token_uri\" is not https");
}

static bool read_file(struct oauth *oauth, struct str text, struct arena *scratch, struct err *err)
{
    const struct json_value *root = NULL;
    if (text.len == 0 || text.len > OAUTH_FILE_MAX) {
        return wrong(err, "it is empty, or longer than any");
    }
    if (!json_parse(scratch, text, NULL, &root, err)) {
        return wrong(err, "it is no JSON");
    }
    struct str pem = json_str(json_get(root, STR("private_key")));
    if (!check_kind(root, err) || !take_part(oauth, root, "client_email", &oauth->account, err) ||
        !take_part(oauth, root, "private_key_id", &oauth->key_id, err) ||
        !take_part(oauth, root, "token_uri", &oauth->token_uri, err) || !check_uri(oauth, err)) {
        return false;
    }
    if (pem.len == 0) {
        return wrong(err, "its field \"private_key\" is missing");
    }
    return rsa_open(&oauth->rsa, pem, err) ||
           err_prefix(err, "the key file of the Google service account: \"private_key\": ");
}

bool oauth_open(struct oauth **out, const struct oauth_options *options, struct err *err)
{
    struct arena scratch;
    struct oauth *oauth = mem_alloc(sizeof *oauth);
    if (oauth == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a service account");
    }
    oauth->clock = options->clock != NULL ? options->clock : clock_system();
    arena_init(&oauth->arena, STEP_ARENA);
    arena_init(&scratch, STEP_ARENA);
    oauth->scope = arena_copy(&oauth->arena, options->scope);
    bool ok = (oauth->scope.ptr != NULL || err_set(err, ERR_RETRY, "out of memory")) &&
              read_file(oauth, options->credentials, &scratch, err);
    arena_wipe(&scratch);
    arena_free(&scratch);
    if (!ok) {
        oauth_close(oauth);
        return false;
    }
    *out = oauth;
    return true;
}

void oauth_close(struct oauth *oauth)
{
    if (oauth != NULL) {
        rsa_close(oauth->rsa);
        token_wipe(oauth->value, sizeof oauth->value);
        arena_free(&oauth->arena);
        mem_free(oauth);
    }
}

bool oauth_check(struct str credentials, struct err *err)
{
    struct oauth_options options = {.credentials = credentials, .scope = STR("none")};
    struct oauth *oauth = NULL;
    bool ok = oauth_open(&oauth, &options, err);
    oauth_close(ok ? oauth : NULL);
    return ok;
}

struct str oauth_account(const struct oauth *oauth)
{
    return oauth->account;
}

void oauth_forget(struct oauth *oauth)
{
    oauth->value_len = 0;
}

/* ---- The signed statement ---- */

static void put_part(struct buf *out, struct buf *json)
{
    encode_base64url(out, buf_str(json));
}

static void head_of(const struct oauth *oauth, struct buf *buf)
{
    struct json_writer json;
    json_writer_init(&json, buf);
    json_object_begin(&json);
    json_field_str(&json, STR("alg"), STR("RS256"));
    json_field_str(&json, STR("typ"), STR("JWT"));
    json_field_str(&json, STR("kid"), oauth->key_id);
    json_object_end(&json);
    json_writer_done(&json);
}

static void claims_of(const struct oauth *oauth, struct buf *buf)
{
    struct json_writer json;
    int64_t now_s = clock_wall_ms(oauth->clock) / 1000;
    json_writer_init(&json, buf);
    json_object_begin(&json);
    json_field_str(&json, STR("iss"), oauth->account);
    json_field_str(&json, STR("scope"), oauth->scope);
    json_field_str(&json, STR("aud"), AUDIENCE);
    json_field_int(&json, STR("iat"), now_s);
    json_field_int(&json, STR("exp"), now_s + OAUTH_LIFE_S);
    json_object_end(&json);
    json_writer_done(&json);
}

/* The body of the request; letters of base64url and dots need no escapes in a form. */
static bool make_form(const struct oauth *oauth, struct arena *arena, struct str *form,
                      struct err *err)
{
    char memory[RSA_SIGNATURE_MAX];
    struct str signature = {0};
    struct buf head;
    struct buf claims;
    struct buf jwt;
    struct buf body;
    buf_init(&head, arena, 256);
    buf_init(&claims, arena, 512);
    buf_init(&jwt, arena, 2048);
    buf_init(&body, arena, 2048);
    head_of(oauth, &head);
    claims_of(oauth, &claims);
    put_part(&jwt, &head);
    buf_add_byte(&jwt, '.');
    put_part(&jwt, &claims);
    if (!buf_ok(&jwt) || !buf_ok(&head) || !buf_ok(&claims)) {
        return err_set(err, ERR_RETRY, "out of memory for a token's request");
    }
    if (!rsa_sign_sha256(oauth->rsa, buf_str(&jwt), memory, &signature, err)) {
        return err_prefix(err, "the key file of the Google service account: ");
    }
    buf_add_byte(&jwt, '.');
    encode_base64url(&jwt, signature);
    buf_add(&body, GRANT);
    buf_add(&body, buf_str(&jwt));
    *form = buf_str(&body);
    return (buf_ok(&jwt) && buf_ok(&body)) ||
           err_set(err, ERR_RETRY, "out of memory for a token's request");
}

/* ---- What the service answers ---- */

/* How far this machine's clock is ahead of the server's; false where it does not say. */
static bool clock_skew(const struct oauth *oauth, const struct http_answer *answer, int64_t *ahead)
{
    struct stamp stamp;
    struct err ignored = {0};
    int64_t server_ms = 0;
    if (!datetime_parse_mail(http_header_get(answer, STR("Date")), &stamp, &ignored) ||
        !datetime_stamp_ms(&stamp, &server_ms)) {
        return false;
    }
    *ahead = clock_wall_ms(oauth->clock) - server_ms;
    return true;
}

static bool why_clock(const struct oauth *oauth, int64_t ahead_ms, struct err *err)
{
    int64_t off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    int64_t off_min = (off_ms + DATETIME_MINUTE_MS / 2) / DATETIME_MINUTE_MS;
    bool hours = off_min >= 120;
    return err_set(err, ERR_LOGIN,
                   "Google does not take the key of %.*s because this machine's clock is %" PRId64
                   " %s %s Google's: set the clock (or switch on time synchronisation)",
                   STR_ARG(oauth->account), hours ? off_min / 60 : off_min,
                   hours ? "hours" : "minutes", ahead_ms < 0 ? "behind" : "ahead of");
}

static bool says(struct str text, const char *words)
{
    return str_find(text, str_of(words), 0) != STR_NONE;
}

/* A 400 or 401, in words that a person can act on. */
static bool why_refused(const struct oauth *oauth, const struct http_answer *answer,
                        const struct json_value *root, struct err *err)
{
    struct str error = json_str(json_get(root, STR("error")));
    struct str said = str_slice(json_str(json_get(root, STR("error_description"))), 0, SAID_MAX);
    int64_t ahead_ms = 0;
    bool off = clock_skew(oauth, answer, &ahead_ms) &&
               (ahead_ms > OAUTH_SKEW_MS || ahead_ms < -OAUTH_SKEW_MS);
    if (str_equal(error, STR("invalid_grant")) && off) {
        return why_clock(oauth, ahead_ms, err);
    }
    if (says(said, "account not found")) {
        return err_set(err, ERR_LOGIN,
                       "Google knows no service account %.*s: it was deleted or disabled; make "
                       "another one and its key file",
                       STR_ARG(oauth->account));
    }
    if (says(said, "Signature")) {
        return err_set(err, ERR_LOGIN,
                       "Google does not take the key of %.*s: it was deleted or replaced; make a "
                       "new key file (IAM, Service accounts, Keys)",
                       STR_ARG(oauth->account));
    }
    return err_set(err, ERR_LOGIN, "Google gives %.*s no token (HTTP %d%s%.*s%s%.*s)",
                   STR_ARG(oauth->account), answer->status, error.len > 0 ? ", " : "",
                   STR_ARG(str_slice(error, 0, SAID_MAX)), said.len > 0 ? ": " : "", STR_ARG(said));
}

static bool take_token(struct oauth *oauth, const struct json_value *root, struct err *err)
{
    struct str token = json_str(json_get(root, STR("access_token")));
    int64_t life_s = 0;
    int len = 0;
    (void)json_int(json_get(root, STR("expires_in")), &life_s);
    if (token.len == 0 || token.len + sizeof BEARER > sizeof oauth->value || life_s <= 0) {
        return err_set(err, ERR_RETRY, "the token service of Google answers without a token");
    }
    life_s = life_s < OAUTH_LIFE_S ? life_s : OAUTH_LIFE_S;
    len = snprintf(oauth->value, sizeof oauth->value, BEARER "%.*s", STR_ARG(token));
    oauth->value_len = (size_t)len;
    /* A short one is used for half of its life. */
    int64_t early_ms = OAUTH_EARLY_MS < life_s * 500 ? OAUTH_EARLY_MS : life_s * 500;
    oauth->end_ms = clock_mono_ms(oauth->clock) + life_s * 1000 - early_ms;
    return true;
}

static bool take_answer(struct oauth *oauth, const struct http_answer *answer, struct arena *arena,
                        struct err *err)
{
    const struct json_value *root = NULL;
    struct err ignored = {0};
    bool json = json_parse(arena, answer->body, NULL, &root, &ignored);
    if (answer->status == 400 || answer->status == 401 || answer->status == 403) {
        return why_refused(oauth, answer, root, err);
    }
    if (!http_grade(answer, "the token service of Google", err)) {
        return false;
    }
    return json ? take_token(oauth, root, err)
                : err_set(err, ERR_RETRY, "the token service of Google answers what is no JSON");
}

bool oauth_token(struct oauth *oauth, struct http *http, int64_t deadline_ms, struct str *value,
                 struct err *err)
{
    static const struct http_header headers[] = {
        {STR_INIT("Content-Type"), STR_INIT("application/x-www-form-urlencoded")}};
    struct arena arena;
    struct http_answer answer = {0};
    struct http_request request = {.url = oauth->token_uri, .headers = headers, .header_count = 1};
    if (oauth->value_len == 0 || clock_mono_ms(oauth->clock) >= oauth->end_ms) {
        arena_init(&arena, STEP_ARENA);
        oauth->value_len = 0;
        bool ok = make_form(oauth, &arena, &request.body, err) &&
                  http_send(http, &request, deadline_ms, &arena, &answer, err) &&
                  take_answer(oauth, &answer, &arena, err);
        arena_wipe(&arena);
        arena_free(&arena);
        if (!ok) {
            return false;
        }
    }
    *value = (struct str){oauth->value, oauth->value_len};
    return true;
}
