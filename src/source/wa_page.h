/*
 * wa_page: what a sweep may do with WhatsApp Web, and nothing else.
 *
 * The page stands in a browser that somebody else keeps (wa_session) and is known by selectors that
 * are data (wa_pack). A sweep sees neither: it lists chats, opens one that was selected, reads its
 * newest rows, goes up step by step, and fetches pictures. There is no verb here that writes.
 *
 *     wa_page_list(page, ..., &list)         the chats, without opening any
 *     wa_page_open(page, title, ..., &open)  one of them, by its exact title, and proved
 *     wa_page_newest(page, ..., &window)     the rows at its end
 *     wa_page_older(page, ..., &window)      one step up: the rows that came to be there
 *     wa_page_media(page, row, n, ..., &bytes)
 *
 * Each is one or two round trips to the browser; newest and older are one.
 *
 * Rows come settled as far as the window allows: directions, authors and days are inherited along
 * runs and never guessed (wa_rows). The oldest rows of a window may still be `open`, because what
 * they inherit stands further up; a sweep keeps those back until it has gone one step further, or
 * until nothing is further up.
 *
 * A page that is not as the selectors say is no empty page. When the invariants of the canary do
 * not hold (rows without ids, texts all empty, times unreadable), the call fails with ERR_RETRY,
 * `broken` is set in the page's health, and what was read is thrown away: nothing is written on a
 * guess.
 *
 * It is an interface, so that a sweep can be tried against a page on paper.
 */
#ifndef SLUICE_SOURCE_WA_PAGE_H
#define SLUICE_SOURCE_WA_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/message.h"

enum {
    WA_TITLE_MAX = 512,
    WA_CHATS_MAX = 4096,
    WA_ROWS_MAX = 8192, /* Of one window. */
    WA_MEDIA_MAX = 32,  /* Of one row: an album has several. */
    WA_NEAREST_MAX = 5,
};

/* ---- Chats ---- */

struct wa_chat {
    struct str title;   /* Without marks of direction and odd spaces, as chats are configured. */
    struct str preview; /* A digest of what the list shows of it: when it is as it was, nothing new
                           has come. Never the words themselves. */
    struct str when;    /* The list's own words for the time of its last message. */
    int64_t newest_ms;  /* From `when`, as well as that tells; 0 for unknown. */
    int64_t unread;     /* -1: some. */
};

struct wa_list {
    const struct wa_chat *chats; /* From the top: newest first, pinned ones before. */
    size_t count;
    int64_t declared; /* How many there are by the page's own count; 0 for unknown. */
    bool whole;       /* Every chat was seen, and not only those at the top. */
};

enum wa_opened {
    WA_NOT_OPENED = 0, /* Something stood in the way; try again later. */
    WA_OPENED,
    WA_NOT_FOUND, /* `nearest` says what there is. */
    WA_EQUAL,     /* Two chats have this title: neither was opened. */
    WA_WRONG,     /* Another chat opened (the list moved): nothing of it was read. */
};

struct wa_open {
    enum wa_opened how;
    struct str nearest[WA_NEAREST_MAX];
    size_t nearest_count;
    bool group; /* As far as the header tells. */
    const struct str *members;
    size_t member_count; /* 0: unknown. */
};

/* ---- Rows ---- */

enum wa_kind {
    WA_TEXT = 0,
    WA_SYSTEM,  /* Somebody joined, encryption: nobody wrote it. */
    WA_WAITING, /* Its text has not come yet: it will be another one later. */
    WA_IMAGE,
    WA_VIDEO,
    WA_ALBUM,
    WA_AUDIO,
    WA_DOCUMENT,
    WA_STICKER,
    WA_CONTACT,
    WA_LOCATION,
    WA_POLL,
    WA_CALL,
    WA_OTHER,
};

struct wa_row {
    struct str id; /* Bare, the same in every version of the page. */
    enum wa_kind kind;
    enum message_direction direction;
    struct str author; /* Name or number as it is shown, without marks; absent for own messages and
                          where nobody can tell. */
    struct str jid;    /* The author's address, where the page's own database was asked for it. */
    struct str text;   /* Whole: what hides behind "read more" included. */
    struct str mark;   /* The page's own words for time and author. */
    int64_t sent_ms;   /* To the minute; 0: not to be had. */
    bool fold;         /* The hour stands twice on that day: sent_ms is the first. */
    bool open;         /* Direction, author or day hang on what stands further up. */
    bool deleted;
    bool edited;
    bool forwarded;
    struct str quoted;    /* Of the message that is answered: its text as shown. */
    struct str file_name; /* Of a document. */
    size_t media;         /* Pictures that wa_page_media() can fetch. */
};

/* How many rows got how far: what a canary looks at, and what people are shown. */
struct wa_counts {
    int64_t seen;
    int64_t hydrated; /* Not an empty shell. */
    int64_t with_id;
    int64_t with_text;
    int64_t with_time;
    int64_t with_direction;
};

struct wa_window {
    const struct wa_row *rows; /* Oldest first, without gaps between them. */
    size_t count;
    struct wa_counts counts;
    bool top;      /* Nothing is further up: the chat's beginning. */
    bool boundary; /* Older ones are only on the telephone. */
    bool stuck;    /* The step brought nothing; perhaps the next one does. */
};

struct wa_media {
    struct str bytes;
    struct str extension; /* "png" */
};

/* ---- The page ---- */

/* What is known of the page's build, for status, events and bundle. No words of any message. */
struct wa_health {
    struct str pack;   /* Name of the selectors that fit. */
    struct str locale; /* As the page says. */
    struct str zone;
    bool broken;         /* The canary does not hold. */
    struct str broke_on; /* Which invariant, in words. */
    struct str snapshot; /* The page's bones: tags, attributes' names and test ids, no text. */
    struct wa_counts counts;
};

struct wa_page {
    const struct wa_page_type *type;
};

struct wa_page_type {
    /* Chats from the top of the list, at least until `want` were seen, or all with 0. */
    bool (*list)(struct wa_page *page, size_t want, int64_t deadline_ms, struct arena *arena,
                 struct wa_list *list, struct err *err);
    bool (*open)(struct wa_page *page, struct str title, int64_t deadline_ms, struct arena *arena,
                 struct wa_open *open, struct err *err);
    bool (*newest)(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                   struct wa_window *window, struct err *err);
    /* The window begins with what is new further up and ends with rows that the one before had. */
    bool (*older)(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                  struct wa_window *window, struct err *err);
    /* The nth picture of a row; what is larger than `most` bytes is ERR_REJECT, and so is what the
       page no longer has. The name's ending comes from the bytes. */
    bool (*media)(struct wa_page *page, const struct wa_row *row, size_t nth, size_t most,
                  int64_t deadline_ms, struct arena *arena, struct wa_media *media,
                  struct err *err);
    const struct wa_health *(*health)(struct wa_page *page);
};

static inline bool wa_page_list(struct wa_page *page, size_t want, int64_t deadline_ms,
                                struct arena *arena, struct wa_list *list, struct err *err)
{
    return page->type->list(page, want, deadline_ms, arena, list, err);
}

static inline bool wa_page_open(struct wa_page *page, struct str title, int64_t deadline_ms,
                                struct arena *arena, struct wa_open *open, struct err *err)
{
    return page->type->open(page, title, deadline_ms, arena, open, err);
}

static inline bool wa_page_newest(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                                  struct wa_window *window, struct err *err)
{
    return page->type->newest(page, deadline_ms, arena, window, err);
}

static inline bool wa_page_older(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                                 struct wa_window *window, struct err *err)
{
    return page->type->older(page, deadline_ms, arena, window, err);
}

static inline bool wa_page_media(struct wa_page *page, const struct wa_row *row, size_t nth,
                                 size_t most, int64_t deadline_ms, struct arena *arena,
                                 struct str *bytes, struct str *extension, struct err *err)
{
    struct wa_media media = {0};
    if (!page->type->media(page, row, nth, most, deadline_ms, arena, &media, err)) {
        return false;
    }
    *bytes = media.bytes;
    *extension = media.extension;
    return true;
}

static inline const struct wa_health *wa_page_health(struct wa_page *page)
{
    return page->type->health(page);
}

#endif
