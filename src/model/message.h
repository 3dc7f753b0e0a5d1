/*
 * message: one thing that was said, seen or answered somewhere, as the archive keeps it.
 *
 * Everything that a business rule may look at is a message, so that the same archive always gives
 * the same records. A walk through one day of a dispatch desk:
 *
 *   17  CHAT       green/9725…@c.us      "my tap is leaking, Haifa"        a customer writes
 *   18  ANSWER     answers/ai/dispatch   {"intent":"lead","city":"Haifa"}  what the model said
 *   19  ANSWER     answers/slots/dispatch {"won":true}                     the booking claim
 *   20  RECEIPT    receipts/green/dispatch                                 the reply was delivered
 *   21  TICK       clock                 planned 08:00                     time passes
 *   22  REFERENCE  roster                version 7                         a table changed
 *   23  RUN        runs/dispatch         {"outcome":"ok",…}                a run ended
 *
 * `source` and `chat` say where it came from. What sluice itself files uses these names:
 *
 *   kind       source             chat              external_id
 *   ANSWER     answers/<sink>     <pipeline>        the effect that asked
 *   RECEIPT    receipts/<sink>    <pipeline>        the effect that was delivered
 *   REFERENCE  references         <reference name>  a counter
 *   RUN        runs               <pipeline>        the run's number
 *   ACT        acts               <pipeline>        the moment and the archive's number then
 *
 * An act is what a person asked of a pipeline by a verb (a lesson was paid): its sender is who did
 * it, its text a JSON object that the pipeline's op understands.
 *
 * An answer's or receipt's text is what the sink said, its sender is the target that was asked, and
 * its extra is {"entity": …}, the row identity that was asked about; of an answer also "asked", a
 * digest of what the question said.
 *
 * `partition` is what order is kept within: the chat, or for answers and receipts the chat of the
 * message that asked. An edit or a deletion arrives as the same (source, chat, external_id) with
 * the next `revision`. All text is UTF-8; sources clean it before it gets here.
 */
#ifndef SLUICE_MODEL_MESSAGE_H
#define SLUICE_MODEL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Stored in the archive: never renumber. */
enum message_kind {
    MESSAGE_CHAT = 0,
    MESSAGE_TICK = 1,
    MESSAGE_ANSWER = 2,
    MESSAGE_RECEIPT = 3,
    MESSAGE_RUN = 4,
    MESSAGE_REFERENCE = 5,
    MESSAGE_ACT = 6,
};

/* Who wrote it. "Unknown" is an answer; nobody guesses. */
enum message_direction {
    MESSAGE_DIRECTION_UNKNOWN = 0,
    MESSAGE_INCOMING = 1,
    MESSAGE_OUTGOING = 2,
};

enum { MESSAGE_TEXT_MAX = 1024 * 1024, MESSAGE_ID_MAX = 512, MESSAGE_NAME_MAX = 512 };

struct message {
    int64_t id; /* Archive number, rising in order of arrival; 0 until archived. */
    int64_t partition;
    enum message_kind kind;
    enum message_direction direction;
    bool deleted;
    int32_t revision; /* 0 for the first; set by the store. */
    struct str source;
    struct str chat;
    struct str external_id; /* Unique within (source, chat); never empty. */
    struct str sender;      /* Number or name, as the source shows it. */
    struct str text;
    struct str attachments; /* JSON array of {sha256, name, type, size}; absent for none. The type
                               is by the bytes, and says how the file ends (text/mediatype.h). */
    struct str extra;       /* JSON object of what only this source knows; absent for none. */
    struct str sent_text; /* The source's own words for the time; absent when they were a number. */
    int64_t sent_ms;      /* Unix time at the source, UTC. */
    int64_t version_ms;   /* Version at the source, 0 for unknown; an older one is ignored. */
    int64_t archived_ms;  /* "Now" for an op: wall clock at intake, never falling; of a tick that
                             an op hears: its planned time. */
    int64_t about;        /* Answers and receipts: archive id of the message that asked. */
};

#endif
