/*
 * archive: every message once, in order of arrival; and how far everyone has read.
 *
 * Intake hands a whole batch over. A message is known by (source, chat, external id): known and
 * unchanged is a repeat and leaves no trace; known with another text, attachments or deletion is a
 * new row, the next revision; unknown is a new row. Rows get rising numbers in the order of the
 * batch. The index that knows ids (seen.h) has integer keys: decimal ids as they are, so that
 * neighbours stay neighbours and share a row, others hashed with the store's own seed; the rare
 * collision is settled by comparing the ids themselves. It is filled in key order, batch by batch,
 * because random order would rewrite the whole index for each batch.
 *
 * Answers, receipts, ticks, run events and references are filed first-wins: a repeat is dropped
 * whatever it says.
 *
 * A pipeline reads the chats it subscribed to in archive order. It has one position for all of
 * them; a chat that was subscribed later has its own until it has caught up.
 */
#ifndef SLUICE_STORE_ARCHIVE_H
#define SLUICE_STORE_ARCHIVE_H

#include "model/message.h"
#include "model/source.h"
#include "store/store.h"

/* What became of a batch. */
struct intake_counts {
    int64_t fresh;
    int64_t revised;
    int64_t repeated;
    int64_t cut; /* Texts longer than MESSAGE_TEXT_MAX. */
    int64_t last_id;
};

/*
 * File messages. `source` and `chat` of each must be set; `partition` 0 means its chat. Ids,
 * revisions and archived_ms are written back; a repeat keeps id 0. Needs an open change.
 */
bool store_archive_put(struct store *store, struct arena *arena, struct message *messages,
                       size_t count, struct intake_counts *counts, struct err *err);

/* The latest row of (source, chat, external id), or id 0. */
bool store_archive_find(struct store *store, struct arena *arena, struct str source,
                        struct str chat, struct str external_id, struct message *out,
                        struct err *err);
bool store_archive_get(struct store *store, struct arena *arena, int64_t id, struct message *out,
                       struct err *err);

/* Number of the newest message, 0 for none. */
bool store_archive_head(struct store *store, int64_t *id, struct err *err);

/* How far a chat of a source has been read; absent for never. '' stands for all its chats. */
bool store_cursor_get(struct store *store, struct arena *arena, struct str source, struct str chat,
                      struct str *cursor, struct err *err);
bool store_cursor_put(struct store *store, struct str source, struct str chat, struct str cursor,
                      struct err *err);

/* Where all chats of all sources have been read to, in the order of their names. */
struct cursor_row {
    struct str source;
    struct str chat;
    struct str cursor;
};

bool store_cursor_list(struct store *store, struct arena *arena, struct cursor_row **rows,
                       size_t *count, struct err *err);

/* Notes of a connector that survive a crash. */
bool store_keep_get(struct store *store, struct arena *arena, struct str connector, struct str key,
                    struct str *value, struct err *err);
/* Why a sink that has records to take fails as a whole; the engine's own note. */
#define STORE_KEEP_TROUBLE STR("sluice/trouble")
bool store_keep_put(struct store *store, struct str connector, struct str key, struct str value,
                    struct err *err);

/* All notes of a connector, by their keys; at most KEEP_LIST_MAX. */
enum { KEEP_LIST_MAX = 1024 };
struct keep_row {
    struct str key;
    struct str value;
};
bool store_keep_list(struct store *store, struct arena *arena, struct str connector,
                     struct keep_row **rows, size_t *count, struct err *err);

/* What a pipeline listens to; an empty chat is all chats of the source. */
struct subscription {
    struct str source;
    struct str chat;
};

/*
 * A pipeline's view of the archive. Opening it takes note of subscriptions that are new: their
 * chats start from the beginning of the archive while the others go on. Answers to the pipeline,
 * its receipts and its references are part of the view without being named.
 */
struct reader;

struct reader_options {
    struct str pipeline;
    const struct subscription *subscriptions;
    size_t subscription_count;
    const struct str *references;
    size_t reference_count;
    struct str place; /* Under which name positions are kept; absent: the pipeline's. */
};

/*
 * Needs an open change. The reader belongs to the handle and lives in `arena`. A chat that was left
 * out of the subscriptions for a while goes on where it was left, so nothing is counted twice; nor
 * does it matter in which way a chat is wanted (by its name, or with all of its source).
 */
bool store_reader_open(struct store *store, struct arena *arena,
                       const struct reader_options *options, struct reader **out, struct err *err);

void store_reader_close(struct reader *reader); /* NULL is fine. */

/* Never read past this message; 0 for no limit. */
void store_reader_limit(struct reader *reader, int64_t upto);

/*
 * Start reading where the pipeline stands, within a look (store_begin_read) or a change; take
 * messages one by one; and within a change note how far it got. A tick comes with its planned time
 * as archived_ms, which is its "now". Texts of a message are borrowed until the next call. `found`
 * is false when there is nothing more, or after a long stretch of rows of other chats (then `more`
 * is true).
 *
 * What a look has shown still holds in the change that follows: a row of the archive is never
 * changed, none gets in before another, a row that a pipeline has not passed is not removed, and
 * only the holder of the pipeline's lease moves its position.
 */
bool store_reader_begin(struct store *store, struct reader *reader, struct err *err);
bool store_reader_next(struct store *store, struct reader *reader, struct message *out, bool *found,
                       struct err *err);
/* No more of this stretch. Of what was read, only messages up to `id` were worked on; 0: all. */
void store_reader_stop(struct reader *reader, int64_t id);
bool store_reader_end(struct store *store, struct reader *reader, bool *more, struct err *err);

/* Where the pipeline stands: every subscribed message up to here has been worked on. */
bool store_position_get(struct store *store, struct str pipeline, int64_t *id, struct err *err);

/* The same without the chats that are catching up. */
bool store_position_common(struct store *store, struct str pipeline, int64_t *id, struct err *err);

/* The newest answer or receipt to the pipeline that came after message `upto` about one up to
   there; 0 for none. */
bool store_replies_after(struct store *store, struct str pipeline, int64_t upto, int64_t *newest,
                         struct err *err);

/* Is there an end of a run of this pipeline (empty: of any) behind message `id`? */
bool store_runs_after(struct store *store, struct str pipeline, int64_t id, bool *any,
                      struct err *err);

/* Does the pipeline listen to this chat now, of whatever source, by its last opening? */
bool store_subscribed(struct store *store, struct str pipeline, struct str chat, bool *is,
                      struct err *err);

#endif
