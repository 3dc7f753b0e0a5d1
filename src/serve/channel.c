#include "serve/channel.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "net/http.h"
#include "net/mail.h"
#include "text/json.h"

enum {
    BODY_FIRST = 1024,
    REPEAT_MS = 60 * 1000,
    /* Alertmanager takes it for over when it has not heard of it for so long. */
    FORGET_MS = 5 * 60 * 1000,
};

int64_t channel_repeat_ms(const struct alert_channel *channel)
{
    return channel->kind == ALERT_ALERTMANAGER ? REPEAT_MS : 0;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for an alert");
}

static bool tell_by_mail(const struct alert_channel *channel, const struct letter *letter,
                         const struct channel_env *env, int64_t deadline_ms, struct arena *arena,
                         struct err *err)
{
    struct mail *mail = NULL;
    struct mail_sent sent = {0};
    struct mail_options options = {
        .server = channel->server,
        .user = channel->user,
        .password = secret_reveal(&channel->password),
        .root = channel->root,
        .allow_clear = channel->allow_clear,
        .clock = env->clock,
        .stopping = env->stopping,
        .stopping_context = env->stopping_context,
    };
    struct mail_message message = {
        .from = channel->from,
        .to = channel->to.items,
        .to_count = channel->to.count,
        .subject = letter_title(letter, arena),
        .text = letter_text(letter, arena),
        .id = str_of(letter->id),
        .date_ms = letter->now_ms,
    };
    bool ok = mail_open(&mail, &options, err) &&
              mail_send(mail, &message, deadline_ms, arena, &sent, err);
    mail_close(mail);
    return ok;
}

/* ---- Bodies ---- */

static struct str title_and_text(const struct letter *letter, struct arena *arena)
{
    return arena_printf(arena, "%.*s\n%.*s", STR_ARG(letter_title(letter, arena)),
                        STR_ARG(letter_text(letter, arena)));
}

/* {"text": …}, with who gets it. */
static struct str write_chat(const struct alert_channel *channel, const struct letter *letter,
                             struct arena *arena)
{
    struct buf out;
    struct json_writer json;
    bool green = channel->kind == ALERT_GREEN_API;
    buf_init(&out, arena, BODY_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    if (channel->kind != ALERT_SLACK) {
        json_field_str(&json, green ? STR("chatId") : STR("chat_id"), channel->chat);
    }
    json_field_str(&json, green ? STR("message") : STR("text"), title_and_text(letter, arena));
    json_object_end(&json);
    return buf_str(&out);
}

/* For a program: the parts, besides the words. */
static struct str write_event(const struct letter *letter, struct arena *arena)
{
    const struct alert *alert = letter->alert;
    struct buf out;
    struct json_writer json;
    bool over = letter->news == ALERT_OVER;
    buf_init(&out, arena, BODY_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_str(&json, STR("type"), over ? STR("alert.over") : STR("alert.firing"));
    json_field_time(&json, STR("timestamp"), letter->now_ms);
    json_key(&json, STR("data"));
    json_object_begin(&json);
    json_field_str(&json, STR("what"), str_of(alert->what));
    json_field_str(&json, STR("part"), str_of(alert->part));
    json_field_str(&json, STR("name"), str_of(alert->name));
    json_field_str(&json, STR("status"), alert->failing ? STR("failing") : STR("degraded"));
    json_field_time(&json, STR("since"), alert->since_ms);
    json_field_time(&json, STR("over_since"), over ? alert->gone_ms : 0);
    json_field_str(&json, STR("title"), letter_title(letter, arena));
    json_field_str(&json, STR("text"), letter_text(letter, arena));
    json_object_end(&json);
    json_object_end(&json);
    return buf_str(&out);
}

static struct str write_alertmanager(const struct letter *letter, struct arena *arena)
{
    const struct alert *alert = letter->alert;
    struct buf out;
    struct json_writer json;
    bool over = letter->news == ALERT_OVER;
    buf_init(&out, arena, BODY_FIRST);
    json_writer_init(&json, &out);
    json_array_begin(&json);
    json_object_begin(&json);
    json_key(&json, STR("labels"));
    json_object_begin(&json);
    json_field_str(&json, STR("alertname"), str_of(alert->what));
    json_field_str(&json, STR("part"), str_of(alert->part));
    json_field_str(&json, STR("name"), str_of(alert->name));
    json_field_str(&json, STR("service"), STR("sluice"));
    json_object_end(&json);
    json_key(&json, STR("annotations"));
    json_object_begin(&json);
    json_field_str(&json, STR("summary"), letter_title(letter, arena));
    json_field_str(&json, STR("description"), letter_text(letter, arena));
    json_object_end(&json);
    json_field_time(&json, STR("startsAt"), alert->since_ms);
    json_field_time(&json, STR("endsAt"), over ? letter->now_ms : letter->now_ms + FORGET_MS);
    json_object_end(&json);
    json_array_end(&json);
    return buf_str(&out);
}

static bool make_request(const struct alert_channel *channel, const struct letter *letter,
                         struct arena *arena, struct http_request *request)
{
    struct str server = str_ends(channel->server, STR("/"))
                            ? str_slice(channel->server, 0, channel->server.len - 1)
                            : channel->server;
    struct str token = secret_reveal(&channel->token);
    switch (channel->kind) {
    case ALERT_SLACK:
        request->url = secret_reveal(&channel->url);
        request->body = write_chat(channel, letter, arena);
        break;
    case ALERT_TELEGRAM:
        request->url =
            arena_printf(arena, "%.*s/bot%.*s/sendMessage", STR_ARG(server), STR_ARG(token));
        request->body = write_chat(channel, letter, arena);
        break;
    case ALERT_GREEN_API:
        request->url = arena_printf(arena, "%.*s/waInstance%.*s/sendMessage/%.*s", STR_ARG(server),
                                    STR_ARG(channel->instance), STR_ARG(token));
        request->body = write_chat(channel, letter, arena);
        break;
    case ALERT_ALERTMANAGER:
        request->url = arena_printf(arena, "%.*s/api/v2/alerts", STR_ARG(server));
        request->body = write_alertmanager(letter, arena);
        break;
    case ALERT_WEBHOOK:
    case ALERT_EMAIL:
    case ALERT_KINDS:
        request->url = channel->server;
        request->body = write_event(letter, arena);
        break;
    }
    request->secret_url = channel->kind != ALERT_ALERTMANAGER && channel->kind != ALERT_WEBHOOK;
    return request->url.ptr != NULL && request->body.ptr != NULL;
}

/* ---- The signature of Standard Webhooks ---- */

struct signing {
    const struct alert_channel *channel;
    const struct letter *letter;
};

static bool read_key(const struct alert_channel *channel, struct arena *arena, struct str *key,
                     struct err *err)
{
    struct str text = secret_reveal(&channel->secret);
    *key = text;
    return !str_starts(text, STR("whsec_")) ||
           encode_from_base64(arena, str_slice(text, 6, text.len), key, err);
}

static bool sign(void *context, const struct http_request *request, struct arena *arena,
                 struct http_header *headers, size_t *count, struct err *err)
{
    const struct signing *signing = context;
    char value[DIGEST_SIZE_MAX];
    struct str key = {0};
    struct buf content;
    struct buf signature;
    struct str time = arena_printf(arena, "%" PRId64, signing->letter->now_ms / 1000);
    if (!read_key(signing->channel, arena, &key, err)) {
        return false;
    }
    buf_init(&content, arena, request->body.len + 128);
    buf_init(&signature, arena, 128);
    buf_printf(&content, "%s.%.*s.", signing->letter->id, STR_ARG(time));
    buf_add(&content, request->body);
    buf_add(&signature, STR("v1,"));
    if (!buf_ok(&content) || time.ptr == NULL) {
        return no_memory(err);
    }
    encode_base64(&signature, hmac_of(DIGEST_SHA256, key, buf_str(&content), value));
    headers[0] = (struct http_header){STR("webhook-id"), str_of(signing->letter->id)};
    headers[1] = (struct http_header){STR("webhook-timestamp"), time};
    headers[2] = (struct http_header){STR("webhook-signature"), buf_str(&signature)};
    *count = 3;
    return buf_ok(&signature) || no_memory(err);
}

static bool tell_by_http(const struct alert_channel *channel, const struct letter *letter,
                         const struct channel_env *env, int64_t deadline_ms, struct arena *arena,
                         struct err *err)
{
    static const struct http_header json = {STR_INIT("Content-Type"), STR_INIT("application/json")};
    struct signing signing = {channel, letter};
    struct http *http = NULL;
    struct http_answer answer = {0};
    struct http_options options = {
        .root = channel->root,
        .anywhere = true, /* The configuration names it. */
        .allow_clear = channel->allow_clear,
        .clock = env->clock,
        .stopping = env->stopping,
        .stopping_context = env->stopping_context,
    };
    struct http_request request = {.headers = &json, .header_count = 1, .once = true};
    if (!make_request(channel, letter, arena, &request)) {
        return no_memory(err);
    }
    if (channel->kind == ALERT_WEBHOOK) {
        request.sign = sign;
        request.sign_context = &signing;
    }
    bool ok = http_open(&http, &options, err) &&
              http_send(http, &request, deadline_ms, arena, &answer, err) &&
              http_grade(&answer, config_alert_kind(channel->kind), err);
    http_close(http);
    return ok;
}

bool channel_tell(const struct alert_channel *channel, const struct letter *letter,
                  const struct channel_env *env, int64_t deadline_ms, struct arena *arena,
                  struct err *err)
{
    bool ok = channel->kind == ALERT_EMAIL
                  ? tell_by_mail(channel, letter, env, deadline_ms, arena, err)
                  : tell_by_http(channel, letter, env, deadline_ms, arena, err);
    return ok || err_prefix(err, "channel %.*s: ", STR_ARG(channel->name));
}
