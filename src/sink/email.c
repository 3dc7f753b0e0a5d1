#include "sink/email.h"

#include "net/mail.h"
#include "sink/effect_id.h"
#include "text/json.h"

struct email_sink {
    struct sink sink; /* First. */

    /* Options. */
    struct str server;
    struct str user;
    struct secret password;
    struct str from;
    struct str_list to;
    struct str root;
    bool allow_clear;
    int64_t timeout_ms;

    /* From open to close. */
    struct mail *mail;
};

static struct email_sink *self_of(struct connector *connector)
{
    return (struct email_sink *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct email_sink *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

/* ---- Life ---- */

static bool check_options(const struct email_sink *self, struct err *err)
{
    bool ok = mail_address_check(self->from, err) || err_prefix(err, "option `from`: ");
    for (size_t i = 0; ok && i < self->to.count; i++) {
        ok = mail_address_check(self->to.items[i], err) || err_prefix(err, "option `to`: ");
    }
    if (!ok) {
        err->kind = ERR_CONFIG;
    } else if (self->timeout_ms <= 0 || self->to.count > MAIL_TO_MAX) {
        ok = err_set(err, ERR_CONFIG, "`timeout` is above 0, and `to` has %d addresses at most",
                     MAIL_TO_MAX);
    }
    return ok;
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct email_sink *self = self_of(connector);
    struct mail_options options = {
        .server = self->server,
        .user = self->user,
        .password = secret_reveal(&self->password),
        .root = self->root,
        .allow_clear = self->allow_clear,
        .clock = connector->env.clock,
        .stopping = connector->env.stopping,
        .stopping_context = connector->env.stopping_context,
    };
    self->mail = NULL;
    return (check_options(self, err) && mail_open(&self->mail, &options, err)) ||
           explain(self, err);
}

static void sink_close(struct connector *connector)
{
    struct email_sink *self = self_of(connector);
    mail_close(self->mail);
    self->mail = NULL;
}

static void sink_rest(struct connector *connector)
{
    mail_rest(self_of(connector)->mail);
}

static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct email_sink *self = self_of(connector);
    if (!mail_probe(self->mail, deadline_ms, err)) {
        return explain(self, err);
    }
    *found =
        arena_printf(connector->env.arena, "%.*s answers%s%s", STR_ARG(mail_server(self->mail)),
                     self->user.len > 0 ? ", the login is right" : "",
                     mail_sealed(self->mail) ? "" : "; TLS is not demanded there");
    return true;
}

/* ---- One record as a mail ---- */

/* A column, whether it is always written or only for a new row. */
static const struct json_value *column(const struct json_value *body, struct str name)
{
    const struct json_value *found = json_get(json_get(body, STR("set")), name);
    return json_kind(found) != JSON_ABSENT ? found : json_get(json_get(body, STR("insert")), name);
}

static bool too_many(struct err *err)
{
    return err_set(err, ERR_REJECT, "the record names more than %d recipients", MAIL_TO_MAX);
}

/* "a@x, b@y", or a list of them; nothing: those of the configuration. */
static bool read_to(const struct email_sink *self, const struct json_value *value,
                    struct arena *arena, struct mail_message *message, struct err *err)
{
    struct str *list = arena_array(arena, MAIL_TO_MAX, sizeof *list);
    if (list == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a mail");
    }
    size_t count = 0;
    struct str rest = json_str(value);
    struct str one;
    while (rest.len > 0 && str_split(&rest, ',', &one)) {
        if (count == MAIL_TO_MAX) {
            return too_many(err);
        }
        list[count++] = str_trim(one);
    }
    for (size_t i = 0; i < json_count(value) && json_kind(value) == JSON_ARRAY; i++) {
        if (count == MAIL_TO_MAX) {
            return too_many(err);
        }
        list[count++] = str_trim(json_str(json_at(value, i)));
    }
    message->to = count > 0 ? list : self->to.items;
    message->to_count = count > 0 ? count : self->to.count;
    return message->to_count > 0 ||
           err_set(err, ERR_REJECT, "the record has no column `to`, and neither has the sink");
}

static bool make_mail(const struct email_sink *self, const struct parcel *parcel,
                      char id[EFFECT_ID_MAX], struct arena *arena, struct mail_message *message,
                      struct err *err)
{
    const struct json_value *body = NULL;
    if (!json_parse(arena, parcel->body, NULL, &body, err)) {
        return err_prefix(err, "the record's body: ");
    }
    struct str subject = json_str(column(body, STR("subject")));
    struct str text = json_str(column(body, STR("text")));
    if (parcel->kind == RECORD_QUESTION || (subject.len == 0 && text.len == 0)) {
        return err_set(err, ERR_REJECT, "%s",
                       parcel->kind == RECORD_QUESTION
                           ? "a mail cannot answer a question"
                           : "the record has neither a column `subject` nor a column `text`");
    }
    *message = (struct mail_message){
        .from = self->from,
        .subject = subject,
        .text = text,
        .id = effect_id(&parcel->effect, id),
        .date_ms = clock_wall_ms(self->sink.connector.env.clock),
    };
    return read_to(self, column(body, STR("to")), arena, message, err);
}

/* ---- Verdicts ---- */

static void settle(struct parcel *parcel, enum verdict verdict, const struct err *why,
                   struct arena *arena)
{
    parcel->verdict = verdict;
    parcel->why = arena_copy(arena, str_of(why->text));
}

/* False: it was not taken, and no other would be for now. */
static bool deliver(struct email_sink *self, struct parcel *parcel, struct arena *arena,
                    int64_t deadline_ms, struct err *err)
{
    char id[EFFECT_ID_MAX];
    struct mail_message message;
    struct mail_sent sent = {0};
    int64_t last_ms = clock_mono_ms(self->sink.connector.env.clock) + self->timeout_ms;
    if (make_mail(self, parcel, id, arena, &message, err) &&
        mail_send(self->mail, &message, last_ms < deadline_ms ? last_ms : deadline_ms, arena, &sent,
                  err)) {
        parcel->verdict = VERDICT_DONE;
        return true;
    }
    bool about_this = err->kind == ERR_REJECT || sent.in_doubt ||
                      (err->kind == ERR_RETRY && sent.code >= 400 && sent.code != 421);
    if (!about_this) {
        return false;
    }
    settle(parcel, err->kind == ERR_REJECT ? VERDICT_REJECT : VERDICT_RETRY, err, arena);
    return true;
}

/* Time for one more mail? The first is always tried. */
static bool time_for_next(const struct email_sink *self, int64_t deadline_ms)
{
    return clock_mono_ms(self->sink.connector.env.clock) < deadline_ms - self->timeout_ms / 2 &&
           !connector_stopping(&self->sink.connector);
}

static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct email_sink *self = (struct email_sink *)(void *)sink;
    size_t at = 0;
    for (bool more = true; more && at < count; more = more && time_for_next(self, deadline_ms)) {
        struct err why = {0};
        more = deliver(self, &parcels[at], arena, deadline_ms, &why);
        if (!more && at == 0) {
            *err = why;
            return explain(self, err);
        }
        at += more;
    }
    for (; at < count; at++) {
        parcels[at].verdict = VERDICT_UNTRIED;
    }
    return true;
}

/* Would it be a mail? */
static bool check_parcel(struct sink *sink, const struct parcel *parcel, struct arena *arena,
                         struct err *err)
{
    struct email_sink *self = (struct email_sink *)(void *)sink;
    char id[EFFECT_ID_MAX];
    struct mail_message message;
    struct buf buf;
    buf_init(&buf, arena, 0);
    return make_mail(self, parcel, id, arena, &message, err) && mail_compose(&message, &buf, err);
}

static const struct option options[] = {
    OPTION_TEXT(struct email_sink, server, "server", OPTION_REQUIRED,
                "The mail server: smtps://HOST or smtp://HOST, with :PORT unless 465 or 587."),
    OPTION_TEXT(struct email_sink, user, "user", NULL, "The user of the login, if it wants one."),
    OPTION_SECRET(struct email_sink, password, "password", NULL, "The password of the login."),
    OPTION_TEXT(struct email_sink, from, "from", OPTION_REQUIRED, "The address of the sender."),
    OPTION_LIST(struct email_sink, to, "to", NULL,
                "The addresses of mails whose record has no column `to`."),
    OPTION_DURATION(struct email_sink, timeout_ms, "timeout", "30s", "How long one mail may take."),
    OPTION_PATH(struct email_sink, root, "authorities", NULL,
                "File of certificate authorities (PEM); the machine's own when left out."),
    OPTION_BOOL(struct email_sink, allow_clear, "allow_clear", "false",
                "Allow a server in a public network that has no TLS; never with a login."),
    OPTION_END,
};

const struct sink_type sink_email = {
    .connector =
        {
            .kind = "email",
            .summary = "Each record as a mail (SMTP): columns `to`, `subject` and `text`.",
            .options = options,
            .size = sizeof(struct email_sink),
            .open = sink_open,
            .probe = sink_probe,
            .rest = sink_rest,
            .close = sink_close,
        },
    .write = write_parcels,
    .check = check_parcel,
};
