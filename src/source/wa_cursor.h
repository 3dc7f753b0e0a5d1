/*
 * wa_cursor: what is known of a chat on a page that has neither numbers nor a log.
 *
 * WhatsApp Web shows the end of a chat and more of it the further one scrolls up. The only proof
 * that nothing was missed is a row that is known already. So a cursor keeps of each chat
 *
 *   known    the newest rows that were delivered, in the page's order: each row's id and a digest
 * of what could be seen of it, so that an edit or a deletion is noticed, and what its attachments
 * were called, because a revision has to name the same ones floor    how far back it was read when
 * there was no past: below, nothing was promised gaps     stretches that are known to be missing,
 * with the rows at both ends: a visit that could not reach what is known says so here, and later
 * visits go on with it preview  a digest of the chat's line in the list: when that is as it was,
 * nothing new has come
 *
 * One text holds the cursors of several chats (a book), because a source that reads all of its
 * chats has one cursor. It is a JSON object:
 *
 *   {"v":1,"turn":7,"chats":[{"chat":"…","preview":"…","visited_ms":…,"floor_ms":…,
 *     "known":"<id 11><digest 8><minute>,…","files":{"<id>":[…]},
 *     "gaps":[{"from_ms":…,"to_ms":…,"since_ms":…,"why":"…","below":"<id 11>…","above":"…"}]}]}
 *
 * `sluice gaps` reads `chats`, `chat` and `gaps` of such cursors out of the store. Ids are digests
 * of 64 bits: the page's own are up to 32 letters. Everything is bounded; what is not understood is
 * no cursor, and then everything is read anew, which doubles nothing.
 *
 * All functions are pure; views point into the text that was parsed or into the arena.
 */
#ifndef SLUICE_SOURCE_WA_CURSOR_H
#define SLUICE_SOURCE_WA_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "source/wa_page.h"

enum {
    WA_KNOWN_MAX = 512,
    WA_GAPS_MAX = 8, /* Of one chat; further ones are joined with their neighbours. */
    WA_MARKS_MAX = 4,
    WA_TRIES_MAX = 5, /* So often pictures that did not come are asked for again. */
};

struct wa_known {
    uint64_t id;    /* wa_digest_id() */
    uint64_t look;  /* wa_digest_look(), 48 bits. */
    int64_t minute; /* Of sent_ms; 0 for unknown. */
    int owed;       /* Tries that are left for pictures that did not come; 0: nothing is missing. */
    struct str files; /* JSON array as it was delivered; absent for none. */
};

/* Some rows at one end of a gap: finding any of them again is enough. */
struct wa_marks {
    uint64_t ids[WA_MARKS_MAX];
    size_t count;
};

struct wa_gap {
    int64_t from_ms;  /* What was sent before this is there. */
    int64_t to_ms;    /* And what was sent after this. */
    int64_t since_ms; /* When it was noticed. */
    struct str why;   /* "steps", "messages", "stuck", "phone", "jump", "memory", "unsettled" */
    struct wa_marks below; /* Rows at its older end; none: it reaches down to the floor. */
    struct wa_marks above; /* Rows at its newer end. */
};

struct wa_cursor {
    struct str chat;
    struct str preview;
    int64_t visited_ms; /* Wall time of the last visit that looked at all of `known`; 0: never. */
    int64_t floor_ms;   /* 0: unknown, or from the chat's beginning. */
    struct wa_known *known; /* Oldest first. */
    size_t known_count;
    struct wa_gap gaps[WA_GAPS_MAX]; /* Newest first. */
    size_t gap_count;
};

struct wa_book {
    int64_t
        turn; /* Rises with each batch: a cursor that is as it was tells that nothing was kept. */
    struct wa_cursor *chats;
    size_t count;
};

uint64_t wa_digest_id(struct str id);

/* What is visible of a row: text, deleted or edited, how many pictures, and whether it has a time.
 * 48 bits. */
uint64_t wa_digest_look(const struct wa_row *row);

/* False, with an empty book, for what is no book of this version, or when memory ends. */
bool wa_book_parse(struct str text, struct arena *arena, struct wa_book *out);

/* The text, in the arena; absent when that is full. */
struct str wa_book_write(const struct wa_book *book, struct arena *arena);

/* NULL when the chat is not in the book. */
struct wa_cursor *wa_book_find(const struct wa_book *book, struct str chat);

/* NULL when the row is not known. */
const struct wa_known *wa_cursor_find(const struct wa_cursor *cursor, uint64_t id);

/* Note one more; the newest end first. Past the limit two neighbours become one that holds both. */
void wa_cursor_gap_add(struct wa_cursor *cursor, const struct wa_gap *gap);
void wa_cursor_gap_remove(struct wa_cursor *cursor, size_t index);

bool wa_marks_has(const struct wa_marks *marks, uint64_t id);

#endif
