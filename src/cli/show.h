/*
 * show: how single values are shown to people, everywhere in the same way.
 *
 *     moments     2026-01-05 10:00:03, in the configured zone ("never" for 0)
 *     ages        3 min ago, in 2 h
 *     durations   1 min 20 s
 *     counts      1,000,000
 *     sizes       1.5 MiB
 *     text        what strangers wrote: on one line, harmless, and at its place
 *
 * The zone is $SLUICE_ZONE, else `zone` of the configuration, else Asia/Jerusalem. Programs get
 * moments in UTC with --json (show_json_time); only people get the zone's.
 *
 * Texts of outside may steer a terminal or turn its line around. show_text() makes control
 * characters and controls of direction visible (\n, \u{202E}), isolates what has right-to-left
 * letters (U+2068 … U+2069), and takes apart what terminals draw in different widths: joined emoji
 * are shown one by one, without their skin tones and variation selectors. With SHOW_MASKED numbers
 * of people are masked as in the log; without it the owner reads his own data as it is.
 *
 * A `struct screen` says what the output takes. Nothing here writes; texts are put into the
 * caller's room or arena.
 */
#ifndef SLUICE_CLI_SHOW_H
#define SLUICE_CLI_SHOW_H

#include "base/buf.h"
#include "cli/cli.h"
#include "text/json.h"
#include "text/zone.h"

enum { SHOW_MAX = 64, SHOW_WIDTH_MAX = 1000, SHOW_WIDTH_MIN = 20, SHOW_TEXT_MAX = 64 * 1024 };

struct screen {
    size_t width; /* Columns; 0: as wide as it gets (a file, a pipe). */
    bool colour;
    bool moving; /* A terminal on which lines may be written over. */
    const struct zone *zone;
    int64_t now_ms;
};

/* `config` may be NULL. A zone that does not exist is said once and taken for UTC. */
void screen_init(struct screen *screen, const struct cli *cli, const struct config *config);

/*
 * The time and the width anew, for what is drawn again and again. $SLUICE_NOW (ISO 8601) stops the
 * clock, so that tests can compare screens.
 */
void screen_refresh(struct screen *screen, const struct cli *cli);

enum show_style {
    SHOW_NORMAL = 0,
    SHOW_GOOD,
    SHOW_BAD,
    SHOW_WARN,
    SHOW_FAINT,
    SHOW_TITLE,
};

/* The text in its colour, or just the text. */
void show_styled(struct buf *out, const struct screen *screen, enum show_style style,
                 struct str text);

struct str show_time(const struct screen *screen, int64_t ms, char out[SHOW_MAX]);
struct str show_age(const struct screen *screen, int64_t ms, char out[SHOW_MAX]);
struct str show_duration(int64_t ms, char out[SHOW_MAX]);
struct str show_count(int64_t count, char out[SHOW_MAX]);
struct str show_size(int64_t bytes, char out[SHOW_MAX]);

enum show_privacy { SHOW_MASKED = 0, SHOW_PEOPLE };

/* Of outside, on one line; what is longer than SHOW_TEXT_MAX is cut. Never the absent view. */
struct str show_text(struct arena *arena, struct str text, enum show_privacy privacy);

/* Lines of at most `width` columns (0: one line), each behind `indent` blanks but the first. */
void show_wrapped(struct buf *out, struct str text, size_t width, size_t indent);

/* At most `width` columns, the last one of them "…" when it was cut; isolates stay closed. */
struct str show_fit(struct arena *arena, struct str text, size_t width);

/* "key":"2026-01-05T08:00:03.000Z", or null for 0. */
void show_json_time(struct json_writer *json, struct str key, int64_t ms);

/* "key":"text", or null for a text that is absent or empty. */
void show_json_text(struct json_writer *json, struct str key, struct str text);

#endif
