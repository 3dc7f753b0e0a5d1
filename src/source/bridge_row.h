/*
 * bridge_row: one row of a bridge's table becomes one message.
 *
 * A row is refused only when it has no id or no chat, or an id of a chat that no archive could
 * hold. Everything else arrives, and what had to be changed is said in the message's `extra`:
 *
 *   {"media_type":"image","filename":"a.jpg"}  a picture, with or without text
 *   {"quoted":"3EB0…"}                         it answers that message
 *   {"cut_bytes":N}       the text was longer than MESSAGE_TEXT_MAX; N bytes at its end are gone
 *   {"replaced":N}        N broken UTF-8 sequences and NUL bytes became U+FFFD
 *   {"id_changed":true}   the id was too long or broken; it is cut and ends in "#" and a hash
 *   {"time":"unreadable"} `sent_ms` is that of the row before, `sent_text` is what stood there
 *
 * Times are read as text with an offset, as text without one (on the clocks of `zone`; in the hour
 * that comes twice a year it is the first), or as unix seconds, milliseconds, micro- or
 * nanoseconds, by size. `sent_text` keeps the words unless they are a number or plain UTC with no
 * more than milliseconds, which `sent_ms` says as well.
 *
 * The reader lives for one fetch. Each message's texts are copied once, into one piece of the
 * batch's arena.
 */
#ifndef SLUICE_SOURCE_BRIDGE_ROW_H
#define SLUICE_SOURCE_BRIDGE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/sqlite.h"
#include "model/source.h"
#include "source/bridge_schema.h"
#include "text/zone.h"

enum { BRIDGE_MINUTE_LEN = 16, BRIDGE_TAIL_MAX = 8 };

/* Rows in the order of arrival mostly share their minute: it is converted once. */
struct bridge_minute {
    char text[BRIDGE_MINUTE_LEN]; /* "2025-12-09 18:51" */
    char tail[BRIDGE_TAIL_MAX];   /* What stands behind the seconds: "+02:00", "Z", nothing. */
    size_t tail_len;
    bool known;
    bool is_utc;
    int64_t base_ms;
};

/* Of what happened how many, for the events of a fetch. */
struct bridge_tally {
    size_t cut;
    size_t cut_bytes;
    size_t replaced;
    size_t unreadable;
    struct str cut_id; /* The first one. */
    struct str unreadable_id;
};

struct bridge_reader {
    const struct bridge_schema *schema;
    const struct zone *zone;
    struct str source;
    struct bridge_minute minute;
    int64_t previous_ms; /* Stands in for a time that cannot be read. */
    struct bridge_tally tally;
};

enum bridge_read {
    BRIDGE_READ_NO_MEMORY = 0,
    BRIDGE_READ_ADDED,
    BRIDGE_READ_FULL,    /* The batch has no room for it: not taken. */
    BRIDGE_READ_REFUSED, /* And listed. */
    BRIDGE_READ_OLD,     /* Sent before `floor_ms`. */
};

/* Read the row that `query` stands on into the batch, as a message of `chat` (borrowed). */
enum bridge_read bridge_row_read(struct bridge_reader *reader, struct batch *batch,
                                 const struct query *query, struct str chat, int64_t floor_ms);

/* A time as the table holds it. `*words` is absent when `*unix_ms` says it all. */
bool bridge_time_read(struct bridge_minute *minute, const struct zone *zone, struct str text,
                      int64_t *unix_ms, struct str *words);

#endif
