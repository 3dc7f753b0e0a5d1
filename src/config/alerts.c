#include "config/alerts.h"

#include <stdio.h>

#include "config/nearest.h"
#include "config/options.h"

enum { WHAT_SIZE = 128 };

/* Those of /health (serve/health.c), and what only the machine knows. */
static const char *const names[] = {
    "session_expired", "no_good_look",   "look_failed", "gap",          "silent",     "chat_silent",
    "records_wait",    "not_ready",      "tried_again", "dead_letters", "run_failed", "run_partial",
    "backup_failed",   "backup_missing", "disk_low",    NULL,
};

static const char *const kind_names[ALERT_KINDS] = {"email",     "slack",        "telegram",
                                                    "green-api", "alertmanager", "webhook"};

struct section {
    int64_t settle_ms;
    bool details;
    int64_t dead_letters;
    int64_t disk_free;
};

static const struct option options[] = {
    OPTION_DURATION(struct section, settle_ms, "settle", "2m",
                    "How long something must be wrong before it is told, and right again before "
                    "that is told."),
    OPTION_BOOL(struct section, details, "details", "false",
                "The words of errors go along, which may name chats; never texts of messages."),
    OPTION_INT(struct section, dead_letters, "dead_letters", "0", 0, 1000000000,
               "More dead letters than this are told."),
    OPTION_SIZE(struct section, disk_free, "disk_free", "500MiB",
                "Less room than this on the disk of the data folder is told."),
    OPTION_END,
};

#define CHANNEL_OPTIONS                                                                            \
    OPTION_LIST(struct alert_channel, only, "only", NULL,                                          \
                "Only these: session_expired, no_good_look, look_failed, gap, silent, "            \
                "chat_silent, records_wait, "                                                      \
                "not_ready, tried_again, dead_letters, run_failed, run_partial, backup_failed, "   \
                "backup_missing, disk_low."),                                                      \
        OPTION_PATH(struct alert_channel, root, "authorities", NULL,                               \
                    "File of certificate authorities; by default those of the machine."),          \
        OPTION_BOOL(struct alert_channel, allow_clear, "allow_clear", "false",                     \
                    "Without TLS to a public host."),                                              \
        OPTION_END

static const struct option email_options[] = {
    OPTION_TEXT(struct alert_channel, server, "server", OPTION_REQUIRED,
                "The mail server: smtps://HOST (port 465) or smtp://HOST (587, STARTTLS)."),
    OPTION_TEXT(struct alert_channel, user, "user", NULL, "Who logs in there."),
    OPTION_SECRET(struct alert_channel, password, "password", NULL, "With which password."),
    OPTION_TEXT(struct alert_channel, from, "from", OPTION_REQUIRED, "Whose mail it is."),
    OPTION_LIST(struct alert_channel, to, "to", OPTION_REQUIRED, "Who gets it."),
    CHANNEL_OPTIONS,
};
static const struct option slack_options[] = {
    OPTION_SECRET(struct alert_channel, url, "url", OPTION_REQUIRED,
                  "The address of the incoming webhook; whoever has it can write there."),
    CHANNEL_OPTIONS,
};
static const struct option telegram_options[] = {
    OPTION_SECRET(struct alert_channel, token, "token", OPTION_REQUIRED, "The bot's token."),
    OPTION_TEXT(struct alert_channel, chat, "chat", OPTION_REQUIRED, "The chat's id."),
    OPTION_TEXT(struct alert_channel, server, "server", "https://api.telegram.org",
                "Where the Bot API is."),
    CHANNEL_OPTIONS,
};
static const struct option green_api_options[] = {
    OPTION_TEXT(struct alert_channel, instance, "instance", OPTION_REQUIRED, "The instance's id."),
    OPTION_SECRET(struct alert_channel, token, "token", OPTION_REQUIRED, "The instance's token."),
    OPTION_TEXT(struct alert_channel, chat, "chat", OPTION_REQUIRED,
                "Who gets it in WhatsApp: NUMBER@c.us or GROUP@g.us."),
    OPTION_TEXT(struct alert_channel, server, "server", "https://api.green-api.com",
                "Where the service is."),
    CHANNEL_OPTIONS,
};
static const struct option alertmanager_options[] = {
    OPTION_TEXT(struct alert_channel, server, "server", OPTION_REQUIRED,
                "Where Alertmanager is: http://HOST:9093."),
    CHANNEL_OPTIONS,
};
static const struct option webhook_options[] = {
    OPTION_TEXT(struct alert_channel, server, "url", OPTION_REQUIRED, "Where it is posted."),
    OPTION_SECRET(struct alert_channel, secret, "secret", OPTION_REQUIRED,
                  "Signs the call (Standard Webhooks): whsec_… or any text of 16 bytes or more."),
    CHANNEL_OPTIONS,
};

static const struct option *const kind_options[ALERT_KINDS] = {
    email_options,     slack_options,        telegram_options,
    green_api_options, alertmanager_options, webhook_options,
};

const char *config_alert_kind(enum alert_kind kind)
{
    return kind_names[kind];
}

const char *const *config_alert_names(void)
{
    return names;
}

const struct option *config_alerts_options(void)
{
    return options;
}

const struct option *config_alerts_described(void)
{
    static const struct option described[] = {
        {.type = OPTION_TYPE_MAP,
         .name = "to",
         .fallback = OPTION_REQUIRED,
         .doc = "Names, and how each is told: a `kind` with its options."},
        OPTION_END,
    };
    return described;
}

const struct option *config_alert_channel_options(enum alert_kind kind)
{
    return kind_options[kind];
}

bool config_alert_wants(const struct alert_channel *channel, struct str what)
{
    for (size_t i = 0; i < channel->only.count; i++) {
        if (str_equal(channel->only.items[i], what)) {
            return true;
        }
    }
    return channel->only.count == 0;
}

static bool read_kind(struct reader *reader, const struct yaml_node *map, const char *what,
                      enum alert_kind *kind)
{
    const struct yaml_node *node = yaml_get(map, STR("kind"));
    struct str text = {0};
    struct nearest nearest;
    if (node == NULL) {
        return fault_add(reader->faults, FAULT_MISSING, reader_place(map), "%s has no 'kind'",
                         what);
    }
    if (!reader_text(reader, node, "kind", &text)) {
        return false;
    }
    nearest_begin(&nearest, text);
    for (int i = 0; i < ALERT_KINDS; i++) {
        if (str_equal(text, str_of(kind_names[i]))) {
            *kind = (enum alert_kind)i;
            return true;
        }
        nearest_try(&nearest, str_of(kind_names[i]));
    }
    (void)fault_add(reader->faults, FAULT_UNKNOWN_KIND, reader_place(node),
                    "there is no channel of kind '%.*s'", STR_ARG(text));
    return reader_help_nearest(reader, &nearest);
}

static bool check_only(struct reader *reader, const struct yaml_node *map,
                       const struct alert_channel *channel)
{
    for (size_t i = 0; i < channel->only.count; i++) {
        struct nearest nearest;
        bool known = false;
        nearest_begin(&nearest, channel->only.items[i]);
        for (const char *const *name = names; *name != NULL; name++) {
            known = known || str_equal(channel->only.items[i], str_of(*name));
            nearest_try(&nearest, str_of(*name));
        }
        if (!known) {
            (void)fault_add(reader->faults, FAULT_CHOICE, reader_place(yaml_get(map, STR("only"))),
                            "nothing that is told is called '%.*s'",
                            STR_ARG(channel->only.items[i]));
            return reader_help_nearest(reader, &nearest);
        }
    }
    return true;
}

static bool read_channel(struct reader *reader, const struct yaml_node *map, struct str name,
                         struct alert_channel *channel)
{
    static const char *const also[] = {"kind", NULL};
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "channel '%.*s'", STR_ARG(str_slice(name, 0, WHAT_SIZE / 2)));
    *channel = (struct alert_channel){.name = name};
    if (!reader_is_map(reader, map, what) || !read_kind(reader, map, what, &channel->kind)) {
        return false;
    }
    struct option_set set = {kind_options[channel->kind], channel};
    reader->path = arena_printf(reader->arena, "alerts.to.%.*s", STR_ARG(name));
    return config_options_read(reader, map, what, &set, 1, also) &&
           check_only(reader, map, channel);
}

static bool read_channels(struct config_alerts *alerts, struct reader *reader,
                          const struct yaml_node *map)
{
    size_t count = yaml_count(map);
    bool good = true;
    if (!reader_is_map(reader, map, "alerts.to")) {
        return false;
    }
    if (count > ALERT_CHANNELS_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, reader_place(map),
                         "alerts.to: at most %d channels are kept", ALERT_CHANNELS_MAX);
    }
    alerts->channels = arena_array(reader->arena, count + 1, sizeof *alerts->channels);
    if (alerts->channels == NULL) {
        return reader_no_memory(reader);
    }
    for (size_t i = 0; i < count; i++) {
        struct str name = yaml_text(reader_key(map, i));
        if (name.len == 0 || name.len > ALERT_CHANNEL_NAME_MAX) {
            good = fault_add(reader->faults, FAULT_BOUNDS, reader_place(reader_key(map, i)),
                             "the name of a channel has 1 to %d bytes", ALERT_CHANNEL_NAME_MAX);
            continue;
        }
        good = read_channel(reader, reader_value(map, i), name, &alerts->channels[i]) && good;
        alerts->count = i + 1;
    }
    return good;
}

bool config_alerts_read(struct config_alerts *alerts, struct reader *reader,
                        const struct yaml_node *root)
{
    static const char *const also[] = {"to", NULL};
    struct section section = {0};
    struct option_set set = {options, &section};
    const struct yaml_node *map = yaml_get(root, STR("alerts"));
    *alerts = (struct config_alerts){0};
    if (map == NULL) {
        return true;
    }
    if (!reader_is_map(reader, map, "alerts") ||
        !config_options_read(reader, map, "alerts", &set, 1, also)) {
        return false;
    }
    alerts->settle_ms = section.settle_ms;
    alerts->details = section.details;
    alerts->dead_letters = section.dead_letters;
    alerts->disk_free = section.disk_free;
    const struct yaml_node *to = yaml_get(map, STR("to"));
    return to == NULL ? fault_add(reader->faults, FAULT_MISSING, reader_place(map),
                                  "alerts has no 'to': nobody would be told")
                      : read_channels(alerts, reader, to);
}
