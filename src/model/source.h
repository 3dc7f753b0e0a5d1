/*
 * source: where messages come from.
 *
 * A source is an account (one bridge file, one browser session, one workspace) with many chats.
 * The engine keeps a cursor for each chat, a short text that only the source understands, and
 * hands both to fetch(). Messages and the new cursors are stored in one transaction.
 *
 * Contract of fetch():
 *  - It looks past the cursors of the chats that it is given and adds what it finds to the batch,
 *    oldest first. It sets each chat's `next` to where the following fetch shall begin.
 *  - It may deliver a message twice (the archive drops repeats) but must never skip one: where it
 *    is not sure, it looks back a little further.
 *  - It opens only the chats it is given. A source that was configured for all of its chats gets
 *    one entry with the empty name and reports every chat it has.
 *  - It sets `more` when it stopped for a full batch and not because nothing was left.
 *  - It returns by `deadline_ms` (monotonic); too slow is ERR_RETRY. No transaction is open.
 *  - Memory of the batch comes from `batch->arena` and outlives the call.
 *  - Events and notes are filed also when it fails, and nothing else is then.
 *  - A line it cannot read is not an error of the whole: it is refused with batch_refuse(), which
 *    is counted and listed, and the rest goes on.
 */
#ifndef SLUICE_MODEL_SOURCE_H
#define SLUICE_MODEL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/connector.h"
#include "model/message.h"

enum {
    BATCH_MESSAGES_MAX = 65536,
    BATCH_BYTES_MAX = 16 * 1024 * 1024,
    BATCH_REFUSALS_MAX = 256, /* Kept with their reasons; further ones are only counted. */
    BATCH_BLOBS_MAX = 256,
    BATCH_EVENTS_MAX = 64,
    BATCH_NOTES_MAX = 16,
};

/*
 * A source that has no numbers to go by may have to leave something out for now, and it must say
 * so. It does that in the chat's cursor, which is then a JSON object
 *
 *     {"chats":[{"chat":"…","gaps":[{"from_ms":…,"to_ms":…,"since_ms":…,"why":"steps"}, …]}, …]}
 *
 * with what else it likes in it: `sluice gaps` lists them. An event "gap" tells when one opens and
 * closes ({"state":"open","from":…,"to":…,"why":…}).
 */
const char *source_gap_words(struct str why);

struct chat_cursor {
    struct str chat;   /* Empty: all chats of the source. */
    struct str cursor; /* Where to begin; absent on the very first fetch. */
    struct str next;   /* Set by fetch; absent means: as it was. */
};

/* What a source could not read: where it is, and why. */
struct refusal {
    struct str chat;
    struct str where; /* An id, a line number: enough for a person to find it. */
    struct str why;
};

/* Bytes of an attachment, stored under their SHA-256 before the batch's transaction. */
struct blob {
    struct str bytes;
    struct str extension; /* "jpg", by content and not by name. */
    struct str chat;      /* The message that it belongs to. */
    struct str external_id;
};

/* What a source noticed: a gap, a session's state, the snapshot of a page that broke. */
struct event {
    struct str kind; /* "gap", "session", "snapshot" */
    struct str chat;
    struct str detail; /* JSON object. */
};

/* For `keep`, written in the same change of the store as the rest of the batch. */
struct note {
    struct str key;
    struct str value;
};

/* A table that ops look things up in, as it is now; rows are (key, JSON body). */
struct snapshot_row {
    struct str key;
    struct str body;
};

struct snapshot {
    struct str name; /* Of the reference. */
    const struct snapshot_row *rows;
    size_t count;
};

struct batch {
    struct arena *arena;
    struct message *messages;
    size_t count;
    size_t room;
    size_t bytes;
    size_t limit; /* Messages; at most BATCH_MESSAGES_MAX. */
    struct chat_cursor *chats;
    size_t chat_count;
    bool more;
    struct refusal *refusals;
    size_t refusal_count; /* May be more than are kept. */
    struct blob *blobs;
    size_t blob_count;
    struct event *events;
    size_t event_count;
    struct note *notes;
    size_t note_count;
    const struct snapshot *snapshot; /* For a source that is a reference; else NULL. */

    /* Somebody asked for a range of dates: the cursors begin anew, and a source that would not look
       back as far by itself looks back to since_ms now. 0 for none. It may stop at until_ms. */
    int64_t since_ms;
    int64_t until_ms;
};

struct source {
    struct connector connector; /* First. */
    const struct source_type *type;
};

struct source_type {
    struct connector_type connector; /* First. */
    bool (*fetch)(struct source *source, struct batch *batch, int64_t deadline_ms, struct err *err);

    /*
     * Optional: has anything changed since the last fetch, without reading it? Called often (every
     * `SOURCE_GLANCE_MS`), so it must cost microseconds. NULL: only the interval counts.
     */
    bool (*changed)(struct source *source);

    /*
     * Optional: may the next fetch run while the batch before is being filed, on another thread?
     * Then fetch() knows what comes next from the batch's chats alone and touches neither the keep
     * nor the arena of its environment.
     */
    bool ahead;

    /* Optional: what the last fetch gave is on disk; or it is not, and will not be from there. */
    void (*filed)(struct source *source, bool kept);

    /* Messages are brought to it (model/inbox.h): fetch() waits for them, and is called again. */
    bool called;

    /* Optional: was it configured to bring a table that ops look things up in? Such a source has no
       chats: it gets one entry with the empty name, and sets the batch's snapshot. */
    bool (*is_reference)(const struct source *source);
};

enum { SOURCE_GLANCE_MS = 200 };

void batch_init(struct batch *batch, struct arena *arena, struct chat_cursor *chats,
                size_t chat_count);

/* No room for one more message of `bytes` bytes: set `more` and return. */
bool batch_full(const struct batch *batch, size_t bytes);

/* A new zeroed message at the end, or NULL when the arena is full. Its texts are not copied. */
struct message *batch_add(struct batch *batch, size_t bytes);

void batch_refuse(struct batch *batch, struct str chat, struct str where, const char *why);
bool batch_blob(struct batch *batch, struct blob blob);
bool batch_event(struct batch *batch, struct event event);
bool batch_note(struct batch *batch, struct str key, struct str value);

/* What open() says of options that `check` refuses; `option` is NULL for several together. False.
 */
bool source_wrong(const struct connector *connector, const char *option, struct err *err);

#endif
