/*
 * wa_paper: a page on paper: chats that the test lays down and changes, read through the contract
 * of source/wa_page.h, with everything that the real page does to a reader, by a seed.
 */
#ifndef SLUICE_TESTS_SOURCE_WA_PAPER_H
#define SLUICE_TESTS_SOURCE_WA_PAPER_H

#include "base/clock.h"
#include "base/rng.h"
#include "source/wa_page.h"

enum { PAPER_ROWS_MAX = 4096, PAPER_CHATS_MAX = 8, PAPER_TEXT_MAX = 48, PAPER_WINDOW_MAX = 512 };

struct paper_row {
    int number; /* Its id, and its place among those that were ever there. */
    char id[24];
    char text[PAPER_TEXT_MAX];
    int64_t sent_ms;
    enum wa_kind kind;
    enum message_direction direction;
    bool first; /* Of a run: author and direction stand here, and followers inherit them. */
    bool deleted;
    bool edited;
    bool timeless;
    bool vanished;
    int changes; /* That a reader may see. */
    int media;
};

struct paper_chat {
    const char *title;
    struct paper_row rows[PAPER_ROWS_MAX];
    int count;
    int64_t unread;
    int boundary;  /* Rows before this one are only on the telephone. */
    int dead_step; /* Nothing comes above this row; 0: never. */
    int opened;
};

/* Chances in a hundred, of each call. */
struct paper_faults {
    unsigned live;  /* Something happens in the open chat. */
    unsigned fails; /* The call fails, and may work the next time. */
    unsigned stuck; /* A step brings nothing. */
    unsigned jumps; /* The window shares no row with the one before. */
    unsigned wrong; /* Another chat opens. */
    unsigned blind; /* A picture cannot be had now. */
    bool vanishing;
};

struct paper {
    struct wa_page page;
    struct rng rng;
    struct wa_health health;
    struct paper_chat chats[PAPER_CHATS_MAX];
    int chat_count;
    struct paper_faults faults;
    int live_left; /* So many more times. */
    int span;      /* Rows of a window. */
    int batch;     /* Rows that a step brings at most. */
    bool whole;    /* A window reaches down to the end, as where rows stay. */
    int open;      /* Which chat; -1: none. */
    int top;       /* The oldest row that is shown. */
    bool broken;
    int64_t wall_ms;
    int64_t mono_ms;
    int64_t call_ms; /* What a call costs. */
    struct clock clock;
    int calls;
    int lists;
    int steps;
    int64_t stepped_ms;  /* When the last step began. */
    int64_t shortest_ms; /* Between two steps. */
};

void paper_init(struct paper *paper, uint64_t seed);
struct paper_chat *paper_chat_add(struct paper *paper, const char *title);
struct paper_row *paper_add(struct paper *paper, struct paper_chat *chat);

/* One of the newest rows is edited, deleted or resolved, one is taken away, or some are added. */
void paper_happen(struct paper *paper, struct paper_chat *chat);

#endif
