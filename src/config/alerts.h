/*
 * alerts: the section `alerts:` of the configuration: who is told when something is wrong.
 *
 *     alerts:
 *       settle: 2m                        # wrong for so long before anybody is told
 *       to:
 *         desk:  {kind: email, server: "smtps://mail.example:465", from: …, to: […], …}
 *         phone: {kind: telegram, token: env:BOT_TOKEN, chat: "12345", only: [session_expired]}
 *
 * What can be wrong has names that stay (`session_expired`, `dead_letters`, …); they are those of
 * the culprits in /health, and `disk_low`. A channel hears all of them, or those in `only`.
 */
#ifndef SLUICE_CONFIG_ALERTS_H
#define SLUICE_CONFIG_ALERTS_H

#include "config/reader.h"
#include "model/option.h"

enum { ALERT_CHANNELS_MAX = 16, ALERT_CHANNEL_NAME_MAX = 64 };

enum alert_kind {
    ALERT_EMAIL = 0,
    ALERT_SLACK,
    ALERT_TELEGRAM,
    ALERT_GREEN_API,
    ALERT_ALERTMANAGER,
    ALERT_WEBHOOK,
    ALERT_KINDS,
};

struct alert_channel {
    struct str name;
    enum alert_kind kind;
    struct str_list only; /* Empty: everything. */
    struct str server;    /* email: smtps://…; others: where the service is. */
    struct str root;
    bool allow_clear;
    struct str user; /* email */
    struct secret password;
    struct str from;
    struct str_list to;
    struct secret url;   /* slack: all of it is a secret. */
    struct secret token; /* telegram, green-api */
    struct str chat;
    struct str instance;  /* green-api */
    struct secret secret; /* webhook: signs. */
};

struct config_alerts {
    int64_t settle_ms;
    bool details;         /* The words of errors go along; they may name chats. */
    int64_t dead_letters; /* More than so many are worth a word. */
    int64_t disk_free;    /* Less than so many bytes are, too. */
    struct alert_channel *channels;
    size_t count;
};

/* Faults are added; false when there was one. */
bool config_alerts_read(struct config_alerts *alerts, struct reader *reader,
                        const struct yaml_node *root);

const char *config_alert_kind(enum alert_kind kind);

/* What can be wrong, ended by NULL. */
const char *const *config_alert_names(void);

/* For the reference: of the section, and of a kind of channel. */
const struct option *config_alerts_options(void);
const struct option *config_alerts_described(void); /* What is read by hand: `to`. */
const struct option *config_alert_channel_options(enum alert_kind kind);

/* Does the channel want to hear of this? */
bool config_alert_wants(const struct alert_channel *channel, struct str what);

#endif
