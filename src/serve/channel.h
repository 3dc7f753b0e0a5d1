/*
 * channel: tells one thing by one channel of `alerts:`.
 *
 * What is told names parts of the configuration, since when it is so, and what to do; the words of
 * an error only when the configuration allows them. Never a message, a number or a person.
 *
 * A connection is made for each letter: there are few. Everything ends by the deadline.
 */
#ifndef SLUICE_SERVE_CHANNEL_H
#define SLUICE_SERVE_CHANNEL_H

#include "base/clock.h"
#include "serve/alert_book.h"

enum { CHANNEL_ID_MAX = 64 };

struct letter {
    char id[CHANNEL_ID_MAX]; /* The same when the same thing is told again. */
    const struct alert *alert;
    enum alert_news news;
    bool details;
    int64_t now_ms;
};

struct channel_env {
    struct clock *clock;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

void letter_make(struct letter *letter, const struct alert *alert, enum alert_news news,
                 bool details, int64_t now_ms);

/* "sluice: source wa needs a person (session_expired)" */
struct str letter_title(const struct letter *letter, struct arena *arena);

/* What it is, since when, what to do. */
struct str letter_text(const struct letter *letter, struct arena *arena);

bool channel_tell(const struct alert_channel *channel, const struct letter *letter,
                  const struct channel_env *env, int64_t deadline_ms, struct arena *arena,
                  struct err *err);

/* Does it want to hear again and again that something is still so? 0: no. */
int64_t channel_repeat_ms(const struct alert_channel *channel);

#endif
