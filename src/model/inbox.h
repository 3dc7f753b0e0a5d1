/*
 * inbox: what is brought to a source from outside.
 *
 * Most sources look for messages. A webhook is called: whoever calls wants to know that what he
 * brought is kept. The door (serve) puts each call into the inbox of the source; the source takes
 * all that lies there in one fetch, so that many calls are kept by one commit; and each is answered
 * once that commit is on disk, or it is known that there will be none.
 *
 *   door     inbox_put()        the item is the inbox's now; false: nobody takes it, and why
 *   source   inbox_take()       all of them, after waiting for the first one
 *   source   inbox_answer()     each exactly once, from its worker's thread
 *
 * Inboxes belong to the engine and go by the name of the source, so that an instance which a reload
 * puts in the place of another goes on with what came meanwhile. What lies in an inbox was promised
 * to nobody: it may be answered with "try later" at any time.
 */
#ifndef SLUICE_MODEL_INBOX_H
#define SLUICE_MODEL_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { INBOX_ITEMS_MAX = 1024, INBOX_BYTES_MAX = 64 * 1024 * 1024, INBOX_NAMES_MAX = 256 };

/* What became of a call. */
enum inbox_outcome {
    INBOX_LATER = 0, /* It is not kept; it may be brought again. */
    INBOX_KEPT,      /* On disk, or it was there before. */
    INBOX_IGNORED,   /* Well formed, and no chat that anybody listens to. */
    INBOX_UNKNOWN,   /* Whoever brought it did not prove who he is. */
    INBOX_WRONG,     /* It cannot be understood; bringing it again will not help. */
};

struct inbox_header {
    struct str name;
    struct str value;
};

/* Memory of whoever puts it in, until it is answered. */
struct inbox_item {
    struct inbox_item *next;
    struct str body;
    const struct inbox_header *headers;
    size_t header_count;
    void *context;
    void (*answer)(struct inbox_item *item, enum inbox_outcome outcome, const char *why);
};

struct inbox;
struct inboxes;

bool inboxes_new(struct inboxes **out, struct err *err);
void inboxes_free(struct inboxes *inboxes); /* NULL is fine. Nothing may lie in them. */

/* Is there a door? Without one nobody waits for what might come. */
void inboxes_set_door(struct inboxes *inboxes, bool door);
bool inboxes_have_door(struct inboxes *inboxes);

/* The inbox of a source, made when there is none. NULL: out of memory, or too many. */
struct inbox *inboxes_make(struct inboxes *inboxes, struct str source);

/* The same for the door. NULL: its source was never opened. */
struct inbox *inboxes_find(struct inboxes *inboxes, struct str source);

/* The source begins to take; and takes nothing any more: what lies there is answered. */
void inbox_open(struct inbox *inbox);
void inbox_close(struct inbox *inbox);

/* False: it is full, or nobody takes from it now. */
bool inbox_put(struct inbox *inbox, struct inbox_item *item);

/* A chain in the order of arrival, of at most so many items and bytes; waits for the first one
   until the deadline when there is a door. NULL: nothing came. */
struct inbox_item *inbox_take(struct inbox *inbox, size_t items_max, size_t bytes_max,
                              int64_t deadline_mono_ms);

/* A header of the call, whatever its letters' case; absent when it has none. */
struct str inbox_header(const struct inbox_item *item, struct str name);

/* All of a chain. */
void inbox_answer(struct inbox_item *items, enum inbox_outcome outcome, const char *why);

#endif
