/*
 * sync_files: attachments of messages, and reading what they show.
 *
 * A file lies under the digest of its bytes, <files>/ab/cd/<sha256>.<ending>, once however often it
 * is sent (store/blobs.h); the ending follows from its type (text/mediatype.h), never from a name.
 * Its row belongs to one message: id is "<message>/<sha256>", the same in every store. Only what
 * was fetched has a row; that there is more shows in has_attachments.
 *
 * Each image gets a job in `extraction_jobs`, whether anybody works on it or not:
 *
 *   queued   nobody was asked yet; with `extract: false` all of them stay so
 *   sent     the sink `extractor` was asked (a record of kind QUESTION)
 *   done     it answered: the answer stands in `extractions`, with where it comes from
 *   failed   it answered {"error": "…"}
 *
 * Once `extract` is on, what was queued before is sent too, some with each message. The question is
 *
 *   {"attachment_id", "message_id", "platform", "thread_external_id", "external_id", "media_type",
 *    "file_path", "checksum", "enqueued_at"}
 *
 * and the answer may be any JSON object; its "text", if it is one, gets a column of its own.
 */
#ifndef SLUICE_DOMAIN_SYNC_FILES_H
#define SLUICE_DOMAIN_SYNC_FILES_H

#include "domain/sync.h"

enum { SYNC_FILES_MAX = 256, SYNC_QUEUE_STEP = 16 };

/* Rows and jobs of the files of the message. */
bool sync_files_put(const struct sync_work *work, struct err *err);

/* Ask for some of what is queued, if anybody may be asked. */
bool sync_files_ask(const struct sync *sync, struct op_env *env, const struct message *message,
                    struct err *err);

/* The extractor answered. */
bool sync_files_answer(const struct sync *sync, struct op_env *env, const struct message *answer,
                       struct err *err);

#endif
