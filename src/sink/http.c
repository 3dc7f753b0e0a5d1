#include "sink/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/token.h"
#include "net/http.h"
#include "sink/effect_id.h"
#include "sink/envelope.h"
#include "text/json.h"

enum {
    SECRET_BYTES_MIN = 16,
    SECRET_BYTES_MAX = 512,
    HEADERS_OWN = 3,
    SHOWN_MAX = 200,
};

struct http_sink {
    struct sink sink; /* First. */

    /* Options. */
    struct str url;
    struct secret secret;
    struct secret authorization;
    struct str_map headers;
    struct str root;
    bool secret_url;
    bool allow_clear;
    int64_t timeout_ms;
    int64_t answer_max;

    /* From open to close. */
    struct http *http;
    char key[SECRET_BYTES_MAX];
    size_t key_len;
    char shown[SHOWN_MAX]; /* The URL as messages may show it. */
};

/* What the signature of one request is made of. */
struct signing {
    const struct http_sink *self;
    struct str id;
};

static struct http_sink *self_of(struct connector *connector)
{
    return (struct http_sink *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct http_sink *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

/* ---- Life ---- */

/* "whsec_" and base64, as services hand it out; or any long text, taken as it is. */
static bool read_secret(struct http_sink *self, struct err *err)
{
    struct arena *arena = self->sink.connector.env.arena;
    struct str key = secret_reveal(&self->secret);
    if (str_starts(key, STR("whsec_")) &&
        !encode_from_base64(arena, str_slice(key, 6, key.len), &key, err)) {
        return err_set(err, ERR_CONFIG, "option `secret`: behind whsec_ stands no base64");
    }
    if (secret_given(&self->secret) && (key.len < SECRET_BYTES_MIN || key.len > SECRET_BYTES_MAX)) {
        return err_set(err, ERR_CONFIG, "option `secret`: it must have %d to %d bytes",
                       SECRET_BYTES_MIN, SECRET_BYTES_MAX);
    }
    self->key_len = key.len;
    if (key.len > 0) {
        memcpy(self->key, key.ptr, key.len);
    }
    return true;
}

static void show(struct http_sink *self)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena, 64 * (size_t)1024);
    buf_init(&buf, &arena, 0);
    http_show(&buf, self->url, self->secret_url);
    (void)snprintf(self->shown, sizeof self->shown, "%.*s", STR_ARG(buf_str(&buf)));
    arena_free(&arena);
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct http_sink *self = self_of(connector);
    struct http_options options = {
        .root = self->root,
        .anywhere = true, /* The configuration names it. */
        .allow_clear = self->allow_clear,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    self->http = NULL;
    if (self->answer_max <= 0 || self->answer_max > HTTP_ANSWER_LIMIT || self->timeout_ms <= 0) {
        return err_set(err, ERR_CONFIG,
                       "sink %.*s: `answer_max` is 1 to %d bytes, `timeout` above 0",
                       STR_ARG(connector->name), HTTP_ANSWER_LIMIT);
    }
    if (self->headers.count + HEADERS_OWN > HTTP_HEADERS_MAX) {
        return err_set(err, ERR_CONFIG, "sink %.*s: option `headers`: %d at most",
                       STR_ARG(connector->name), HTTP_HEADERS_MAX - HEADERS_OWN);
    }
    bool ok = http_url_check(self->url, err) && read_secret(self, err) &&
              http_open(&self->http, &options, err);
    show(self);
    return ok || explain(self, err);
}

static void sink_close(struct connector *connector)
{
    struct http_sink *self = self_of(connector);
    http_close(self->http);
    self->http = NULL;
    token_wipe(self->key, sizeof self->key);
}

static void sink_rest(struct connector *connector)
{
    http_rest(self_of(connector)->http);
}

/* ---- One record as a request ---- */

/* Standard Webhooks, version 1. Called for each attempt, so that the timestamp is new. */
static bool sign(void *context, const struct http_request *request, struct arena *arena,
                 struct http_header *headers, size_t *count, struct err *err)
{
    const struct signing *signing = context;
    const struct http_sink *self = signing->self;
    char value[DIGEST_SIZE_MAX];
    int64_t seconds = clock_wall_ms(self->sink.connector.env.clock) / 1000;
    struct str time = arena_printf(arena, "%" PRId64, seconds);
    struct buf content;
    struct buf signature;
    buf_init(&content, arena, request->body.len + 128);
    buf_init(&signature, arena, 128);
    buf_printf(&content, "%.*s.%.*s.", STR_ARG(signing->id), STR_ARG(time));
    buf_add(&content, request->body);
    buf_add(&signature, STR("v1,"));
    if (!buf_ok(&content) || time.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a signature");
    }
    encode_base64(&signature, hmac_of(DIGEST_SHA256, (struct str){self->key, self->key_len},
                                      buf_str(&content), value));
    headers[0] = (struct http_header){STR("webhook-timestamp"), time};
    headers[1] = (struct http_header){STR("webhook-signature"), buf_str(&signature)};
    *count = 2;
    return buf_ok(&signature) || err_set(err, ERR_RETRY, "out of memory for a signature");
}

/* Ours, then those of the configuration. */
static size_t make_headers(const struct http_sink *self, struct str id, struct arena *arena,
                           struct http_header **out)
{
    struct http_header *headers = arena_array(arena, HTTP_HEADERS_MAX, sizeof *headers);
    size_t count = 0;
    *out = headers;
    if (headers == NULL) {
        return 0;
    }
    headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    headers[count++] = (struct http_header){STR("webhook-id"), id};
    headers[count++] = (struct http_header){STR("Idempotency-Key"), id};
    if (secret_given(&self->authorization)) {
        headers[count++] =
            (struct http_header){STR("Authorization"), secret_reveal(&self->authorization)};
    }
    for (size_t i = 0; i < self->headers.count && count < HTTP_HEADERS_MAX; i++) {
        headers[count++] =
            (struct http_header){self->headers.items[i].name, self->headers.items[i].text};
    }
    return count;
}

static bool post(struct http_sink *self, const struct parcel *parcel, struct arena *arena,
                 int64_t deadline_ms, struct http_answer *answer, struct err *err)
{
    char memory[EFFECT_ID_MAX];
    struct str id = effect_id(&parcel->effect, memory);
    struct signing signing = {self, id};
    struct http_header *headers = NULL;
    struct http_request request = {
        .url = self->url,
        .header_count = make_headers(self, id, arena, &headers),
        .answer_max = (size_t)self->answer_max,
        .secret_url = self->secret_url,
        .sign = self->key_len > 0 ? sign : NULL,
        .sign_context = &signing,
    };
    request.headers = headers;
    int64_t last_ms = clock_mono_ms(self->sink.connector.env.clock) + self->timeout_ms;
    if (headers == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a request");
    }
    return envelope_of(parcel, id, arena, &request.body, err) &&
           http_send(self->http, &request, last_ms < deadline_ms ? last_ms : deadline_ms, arena,
                     answer, err);
}

/* ---- Verdicts ---- */

enum outcome {
    OUTCOME_SETTLED = 0, /* The parcel has its verdict; on with the next. */
    OUTCOME_STOP,        /* It has its verdict; the next ones must wait. */
    OUTCOME_NOT_THERE,   /* It was not taken, and no other would be. */
};

static void settle(struct parcel *parcel, enum verdict verdict, const struct err *why,
                   struct arena *arena)
{
    parcel->verdict = verdict;
    parcel->why = arena_copy(arena, str_of(why->text));
    parcel->retry_after_ms = why->retry_after_ms;
}

/* No answer: was anything sent, then only this parcel is in doubt; else nobody is there. */
static enum outcome without_answer(const struct http_answer *answer, struct parcel *parcel,
                                   struct arena *arena, const struct err *why)
{
    bool cannot = why->kind == ERR_REJECT && !answer->may_have_arrived;
    if (cannot) {
        settle(parcel, VERDICT_REJECT, why, arena);
        return OUTCOME_SETTLED;
    }
    if (!answer->may_have_arrived || why->kind == ERR_STOP) {
        return OUTCOME_NOT_THERE;
    }
    settle(parcel, VERDICT_RETRY, why, arena);
    return OUTCOME_STOP;
}

static bool is_away(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* The answer to a question has to be JSON: it becomes a message. */
static enum outcome keep_answer(const struct http_answer *answer, struct parcel *parcel,
                                struct arena *arena)
{
    const struct json_value *root = NULL;
    struct err err = {0};
    parcel->verdict = VERDICT_DONE;
    if (parcel->kind != RECORD_QUESTION) {
        return OUTCOME_SETTLED;
    }
    if (!json_parse(arena, answer->body, NULL, &root, &err)) {
        (void)err_prefix(&err, "the answer is not JSON: ");
        settle(parcel, VERDICT_REJECT, &err, arena);
        return OUTCOME_SETTLED;
    }
    parcel->answer = str_trim(answer->body);
    return OUTCOME_SETTLED;
}

static enum outcome with_answer(const struct http_sink *self, const struct http_answer *answer,
                                struct parcel *parcel, struct arena *arena, struct err *err)
{
    if (http_grade(answer, self->shown, err)) {
        return keep_answer(answer, parcel, arena);
    }
    if (err->kind == ERR_REJECT) {
        settle(parcel, VERDICT_REJECT, err, arena);
        return OUTCOME_SETTLED;
    }
    if (err->kind != ERR_RETRY || is_away(answer->status)) {
        return OUTCOME_NOT_THERE;
    }
    settle(parcel, VERDICT_RETRY, err, arena);
    return OUTCOME_SETTLED;
}

static enum outcome deliver(struct http_sink *self, struct parcel *parcel, struct arena *arena,
                            int64_t deadline_ms, struct err *err)
{
    struct http_answer answer = {0};
    if (post(self, parcel, arena, deadline_ms, &answer, err)) {
        return with_answer(self, &answer, parcel, arena, err);
    }
    return without_answer(&answer, parcel, arena, err);
}

/* Time for one more request? The first is always tried. */
static bool time_for_next(const struct http_sink *self, int64_t deadline_ms)
{
    return clock_mono_ms(self->sink.connector.env.clock) < deadline_ms - self->timeout_ms / 2 &&
           !connector_stopping(&self->sink.connector);
}

static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct http_sink *self = (struct http_sink *)(void *)sink;
    size_t at = 0;
    for (bool more = true; more && at < count; more = more && time_for_next(self, deadline_ms)) {
        struct err why = {0};
        enum outcome outcome = deliver(self, &parcels[at], arena, deadline_ms, &why);
        if (outcome == OUTCOME_NOT_THERE && at == 0) {
            *err = why;
            return explain(self, err);
        }
        at += outcome != OUTCOME_NOT_THERE;
        more = outcome == OUTCOME_SETTLED;
    }
    for (; at < count; at++) {
        parcels[at].verdict = VERDICT_UNTRIED;
    }
    return true;
}

/* Any answer shows that a server is there; nothing is sent that it could act on. */
static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct http_sink *self = self_of(connector);
    struct arena arena;
    struct http_answer answer;
    struct http_request request = {
        .url = self->url, .method = STR("HEAD"), .secret_url = self->secret_url};
    arena_init(&arena, 4 * (size_t)HTTP_ANSWER_MAX);
    bool ok = http_send(self->http, &request, deadline_ms, &arena, &answer, err);
    if (ok) {
        bool built_in = str_equal(http_authorities(self->http), STR("built-in"));
        *found = arena_printf(
            connector->env.arena, "%s answers (HTTP %d)%s%s", self->shown, answer.status,
            self->key_len > 0 ? "" : "; requests are not signed (no `secret`)",
            built_in ? "; this machine has no list of certificate authorities, so the built-in "
                       "one judged"
                     : "");
    }
    arena_free(&arena);
    return ok || explain(self, err);
}

static const struct option options[] = {
    OPTION_TEXT(struct http_sink, url, "url", OPTION_REQUIRED, "Where each record is sent."),
    OPTION_SECRET(
        struct http_sink, secret, "secret", NULL,
        "Signs the requests (Standard Webhooks): whsec_… or any text of 16 bytes or more."),
    OPTION_SECRET(struct http_sink, authorization, "authorization", NULL,
                  "Value of the header Authorization, such as \"Bearer …\"."),
    OPTION_MAP(struct http_sink, headers, "headers", NULL,
               "More headers, the same for each request."),
    OPTION_DURATION(struct http_sink, timeout_ms, "timeout", "10s",
                    "How long one request may take."),
    OPTION_SIZE(struct http_sink, answer_max, "answer_max", "1MiB", "How long an answer may be."),
    OPTION_PATH(struct http_sink, root, "authorities", NULL,
                "File of certificate authorities (PEM); the machine's own when left out."),
    OPTION_BOOL(struct http_sink, secret_url, "secret_url", "false",
                "The path of the URL is a secret: messages show the host only."),
    OPTION_BOOL(struct http_sink, allow_clear, "allow_clear", "false",
                "Allow http:// to hosts in a public network."),
    OPTION_END,
};

const struct sink_type sink_http = {
    .connector =
        {
            .kind = "http",
            .summary = "Each record as a signed POST to a URL (Standard Webhooks).",
            .options = options,
            .size = sizeof(struct http_sink),
            .open = sink_open,
            .probe = sink_probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = write_parcels,
};
