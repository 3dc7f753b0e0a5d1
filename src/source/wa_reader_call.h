/* wa_reader_call: what the parts of wa_reader share. */
#ifndef SLUICE_SOURCE_WA_READER_CALL_H
#define SLUICE_SOURCE_WA_READER_CALL_H

#include "source/wa_reader.h"
#include "source/wa_rows.h"
#include "text/json.h"

enum {
    WA_SECTIONS = 5,
    WA_HEALTH_ARENA_MAX = 1024 * 1024,
    WA_TITLES_ARENA_MAX = 16 * 1024 * 1024,
    WA_PACE_STEPS = 16, /* Waits that a script is given. */
    WA_OPEN_MS = 6000,  /* How long a chat takes to open at most. */
    WA_CALM_MS = 40,    /* The newest rows stay as they are so long before they are read. */
    WA_SPARE_MS = 2000, /* Between the end of a script and that of its call. */
    WA_LEAST_MS = 500,
    WA_LOCALE_MAX = 32,
};

struct wa_reader {
    struct wa_page page; /* First: this is what callers hold. */
    struct wa_reader_options options;
    struct arena packs_text;
    struct str sections[WA_SECTIONS]; /* Arguments of scripts, as JSON. */
    bool packs_bad;                   /* The user's folder is broken; it was said. */

    struct arena health_text;
    struct wa_health health;

    struct arena titles_text;
    const struct str *titles; /* Of the whole list, from the top. */
    size_t title_count;
    int64_t titles_ms; /* When; 0: not known. */

    bool chat_open;
    char title_text[WA_TITLE_MAX * 4];
    struct str title;
    struct wa_rows rows;
    char chat_text[WA_ID_MAX]; /* The open chat's address, when the page's database told it. */
    struct str chat;
    char locale[WA_LOCALE_MAX];
    char zone[ZONE_NAME_MAX];
    int64_t today;
    struct str suffixes[WA_SUFFIXES_MAX];
    size_t suffix_count;
    bool newest_read;
    int64_t scrolled_ms; /* On the monotonic clock. */
    int64_t looks;       /* Steps in turn at the top that brought nothing. */
};

/* The arguments of a script: begin, put what it wants beside the selectors, and run. */
struct wa_call {
    struct buf buf;
    struct json_writer json;
    int64_t deadline_ms;
    struct arena *arena;
};

bool wa_call_begin(struct wa_reader *reader, struct wa_call *call, int64_t deadline_ms,
                   struct arena *arena, struct err *err);
void wa_call_pace(struct wa_reader *reader, struct wa_call *call);

/* `name` is a function of wa_page.js. Tells the page's locale, zone and day to the reader. */
bool wa_call_run(struct wa_reader *reader, struct wa_call *call, const char *name,
                 size_t answer_max, const struct json_value **answer, struct err *err);

/* An element that a function gives at once; NO_ELEMENT when it gives none. */
bool wa_call_pick(struct wa_reader *reader, struct wa_call *call, const char *name,
                  struct webdriver_element *element, struct err *err);

/* The page is not as the selectors say: takes its bones, and fails. */
bool wa_reader_broken(struct wa_reader *reader, const char *why, int64_t deadline_ms,
                      struct arena *arena, struct err *err);

int64_t wa_answer_int(const struct json_value *answer, struct str key);
bool wa_answer_set(const struct json_value *answer, struct str key);

bool wa_reader_list(struct wa_page *page, size_t want, int64_t deadline_ms, struct arena *arena,
                    struct wa_list *list, struct err *err);
bool wa_reader_open_chat(struct wa_page *page, struct str title, int64_t deadline_ms,
                         struct arena *arena, struct wa_open *open, struct err *err);

#endif
