/*
 * alert_book: what is wrong, and who has been told.
 *
 * Each look at the state of health gives a list of culprits. Something that is wrong for
 * `settle_ms` becomes an alert: each channel that wants it is told once. When it has been right
 * again for as long, those that were told of it are told that too, and it is forgotten. What was
 * never told is forgotten in silence.
 *
 * Alerts are notes of the store (connector ALERTS_CONNECTOR), written when one begins, ends, or has
 * been told, so a restart tells nothing a second time and forgets nothing that is still to be told.
 * (Telling and noting it are two steps: a process that dies between them tells once more, with the
 * same id.)
 *
 * Belongs to one thread.
 */
#ifndef SLUICE_SERVE_ALERT_BOOK_H
#define SLUICE_SERVE_ALERT_BOOK_H

#include "config/alerts.h"
#include "serve/health.h"

#define ALERTS_CONNECTOR STR("sluice/alerts")

enum { ALERTS_MAX = 128, ALERT_NAME_MAX = 160, ALERT_KEY_MAX = 256, ALERT_WORDS_MAX = 512 };

enum alert_news { ALERT_NOTHING = 0, ALERT_FIRING, ALERT_OVER };

struct alert_told {
    char channel[ALERT_CHANNEL_NAME_MAX + 1];
    enum alert_news news;
    int64_t at_ms;
};

struct alert {
    char key[ALERT_KEY_MAX]; /* "dead_letters/sink/records" */
    char what[32];
    char part[32];
    char name[ALERT_NAME_MAX];
    char words[ALERT_WORDS_MAX]; /* Of the error, as last seen; not kept in the store. */
    bool failing;
    bool seen;        /* In the last look. */
    int64_t since_ms; /* Unix time: wrong since. */
    int64_t gone_ms;  /* Right again since; 0: it is wrong. */
    int64_t fired_ms; /* Worth telling since; 0: not yet. */
    bool over;        /* Worth telling, too. */
    struct alert_told told[ALERT_CHANNELS_MAX];
    size_t told_count;
};

struct alert_book {
    struct alert items[ALERTS_MAX];
    size_t count;
    int64_t dropped; /* Found no room. */
};

bool alert_book_load(struct alert_book *book, struct store *store, struct arena *arena,
                     struct err *err);

/* A look at `now_ms`. Opens its own changes. */
bool alert_book_look(struct alert_book *book, struct store *store,
                     const struct health_culprit *culprits, size_t count, int64_t now_ms,
                     int64_t settle_ms, struct arena *arena, struct err *err);

/* What this channel has not been told yet. */
enum alert_news alert_owed(const struct alert *alert, const struct alert_channel *channel);

/* When it was told last; 0: never. */
int64_t alert_told_ms(const struct alert *alert, struct str channel);

/* It has been told. */
bool alert_book_told(struct alert *alert, struct store *store, struct str channel,
                     enum alert_news news, int64_t now_ms, struct arena *arena, struct err *err);

/* Alerts that are over and owed to none of these channels are forgotten. */
bool alert_book_sweep(struct alert_book *book, struct store *store,
                      const struct alert_channel *channels, size_t count, struct err *err);

#endif
