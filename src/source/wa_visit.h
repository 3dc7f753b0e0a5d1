/*
 * wa_visit: one chat, from its end up to what is known of it.
 *
 *     open ──▶ climb ──▶ give ──▶ seek ──▶ fill ──▶ done
 *               step by step,     the same for a gap further up
 *               until it is proved that nothing is missing
 *
 * A climb ends well when it meets a row that is known (overlap), or rows older than all that are
 * known, or the chat's beginning; on the first visit when it has gone back as far as was asked for.
 * It ends badly when its limits are reached, when the page brings no more, or when older messages
 * are only on the telephone: then what is missing becomes a gap, in the cursor and as an event.
 *
 * Rows are handed out after the climb, oldest first, so that rules see the order of the chat. With
 * each batch the cursor moves to the last row that was handed out, so a crash repeats little and
 * skips nothing. Rows that are known and look as before are not handed out; changed ones are, with
 * the attachments that they had. Rows whose direction, author or day is still open are kept back
 * until one step more has settled them.
 *
 * A visit takes as many fetches as it needs. Between them it is only in memory; a crash or a lost
 * browser begins it anew.
 */
#ifndef SLUICE_SOURCE_WA_VISIT_H
#define SLUICE_SOURCE_WA_VISIT_H

#include "base/clock.h"
#include "base/rng.h"
#include "model/source.h"
#include "source/wa_cursor.h"
#include "source/wa_give.h"
#include "source/wa_page.h"
#include "source/wa_scroll.h"
#include "source/wa_spool.h"

enum {
    WA_VISIT_MEMORY_MAX = 96 * 1024 * 1024,
    WA_PUSHED_MAX = 8,      /* Known rows that new ones may push out unseen. */
    WA_STUCK_MAX = 6,       /* Steps in a row that bring nothing. */
    WA_TRAVEL_MAX = 2000,   /* Steps to a gap, through what is known. */
    WA_UNSETTLED_STEPS = 4, /* Further up only to settle rows. */
    WA_VISIT_STEP_MS =
        20 * 1000,              /* A step is begun only when so much of the fetch's time is left. */
    WA_PEOPLE_BYTES_MAX = 1024, /* Names of a group that each of its messages carries. */
    WA_PICTURE_MS = 15 * 1000,  /* The same for a picture. */
};

struct wa_limits {
    int64_t pace_ms; /* At least so long between two steps, and up to 2.5 times that; 0: none. */
    int64_t steps;
    int64_t messages;
    int64_t watch;       /* Known rows that are looked at again for edits; at most WA_KNOWN_MAX. */
    bool pictures;       /* Fetch them. */
    int64_t picture_max; /* Bytes of one. */
    bool system;         /* Hand out rows that nobody wrote. */
};

struct wa_visit_env {
    struct wa_page *page;
    struct wa_limits limits;
    struct clock *clock;
    struct rng *rng;
    struct wa_spool *spool;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

/* What the visit is for. */
struct wa_wish {
    struct str chat; /* As messages name it. */
    struct str preview;
    int64_t floor_ms;   /* Without a past: back to here; */
    int64_t first_rows; /* or, when given, only the newest so many messages. */
    bool full;          /* Look at all rows that are known. */
    bool range;         /* Whatever is known: all from `floor_ms` to `until_ms`. */
    int64_t until_ms;   /* 0: no end. */
};

enum wa_visit_stage {
    WA_VISIT_NONE = 0,
    WA_VISIT_OPEN,
    WA_VISIT_CLIMB,
    WA_VISIT_GIVE,
    WA_VISIT_SEEK,
    WA_VISIT_FILL,
    WA_VISIT_DONE,
    WA_VISIT_SHUT, /* The chat could not be opened: `how` and `nearest`. */
};

struct wa_tally {
    int64_t steps;
    int64_t rows;
    int64_t given;
    int64_t changed;
    int64_t refused;
    int64_t system;
    int64_t pictures;
    int64_t missing;
};

struct wa_visit {
    const struct wa_visit_env *env;
    struct arena arena;
    struct wa_scroll scroll;
    struct wa_wish wish;
    struct wa_cursor past; /* What is known; moves with what is handed out. */
    enum wa_visit_stage stage;
    bool fresh; /* It had no past. */
    bool moved; /* `past` is another one since it was last taken over. */
    struct wa_tally tally;
    struct wa_place place;

    /* Climbing. */
    bool shown; /* The rows at the end were seen. */
    bool top;
    bool boundary;
    int stuck;
    int jumps;
    int unsettled;
    int64_t climbed;   /* Steps that count. */
    int64_t travelled; /* Steps to a gap, through what is known. */
    int64_t pace_until_ms;
    struct wa_node *checked; /* What is newer was looked at. */
    struct wa_node *overlap; /* The oldest row that is known. */
    bool met_oldest;         /* The oldest of those that are known was met, or its time passed. */
    const char *why;         /* Why it did not get far enough; NULL when it did. */

    /* Giving. */
    struct wa_node *first;
    struct wa_node *next;
    struct wa_node *last;
    size_t gap; /* That is being filled. */

    enum wa_opened how;
    struct str nearest[WA_NEAREST_MAX];
    size_t nearest_count;
};

/* `past` may be NULL; it is copied. False when memory ends. */
bool wa_visit_begin(struct wa_visit *visit, const struct wa_visit_env *env,
                    const struct wa_wish *wish, const struct wa_cursor *past, struct err *err);

/*
 * Go on until the time is over, the batch is full, or the visit is DONE or SHUT. On an error what
 * is in the batch still holds, and the visit may be tried again.
 */
bool wa_visit_run(struct wa_visit *visit, struct batch *batch, int64_t deadline_ms,
                  struct err *err);

/* Forget it. */
void wa_visit_end(struct wa_visit *visit);

#endif
