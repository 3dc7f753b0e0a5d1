/*
 * wa_give: a row of the page as a message.
 *
 * Texts, ids and names go over as they are. `sent_text` is the page's own words, `extra` says what
 * only this source knows, and only what every generation of the page shows alike, so that an update
 * of the page changes nothing:
 *
 *   {"kind":"image","quoted":"…","forwarded":true,"edited":true,"fold":true,"jid":"…","file":"…",
 *    "pictures":2,"missing":1,"group":true,"members":["…","…"]}
 *
 * Pictures are attachments [{"sha256","name","type","size"}], their bytes go with the batch. A row
 * without a time is refused: when it was said is not guessed.
 */
#ifndef SLUICE_SOURCE_WA_GIVE_H
#define SLUICE_SOURCE_WA_GIVE_H

#include "model/source.h"
#include "source/wa_cursor.h"
#include "source/wa_scroll.h"
#include "source/wa_spool.h"

enum wa_given {
    WA_GIVEN = 0,
    WA_REFUSED,
    WA_NO_ROOM, /* Of the batch: it is first in the next one. */
};

/* A chat, and who is in it where the page's header names them: it is a group then. */
struct wa_place {
    struct str chat;
    const struct str *names;
    size_t count;
};

/* `files` are attachments that were delivered before; absent: what the node has in the spool. */
bool wa_give_row(struct batch *batch, const struct wa_place *place, const struct wa_node *node,
                 struct str files, const struct wa_spool *spool, enum wa_given *given,
                 struct str *attachments, struct err *err);

/* {"state":"open","from":"…","to":"…","why":"…"} for `sluice` to list and to alert. */
bool wa_give_gap(struct batch *batch, struct str chat, const struct wa_gap *gap, const char *state,
                 struct err *err);

#endif
