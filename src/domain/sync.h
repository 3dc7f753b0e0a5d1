/*
 * sync: chats as rows of a database, for the programs of a house that work on them.
 *
 * Each message is one row of `messages`, whole and absolute: whatever is seen of it again (an edit,
 * a deletion, the same chat under a new title, a store that was lost) makes the same row say what
 * is so now. What was said before stays in the archive.
 *
 *   messages         one a message            sync_row.h, sync_id.h
 *   attachments      one a file of a message  sync_files.h
 *   extraction_jobs  one an image             sync_files.h
 *   extractions      what was read out of it  sync_files.h
 *   sync_state       how far it has come      sync_mark.h
 *
 * Identity. A message is (platform, external_id), the id that WhatsApp itself gives it and nothing
 * of ours; the row's `id` is just that as one text, "whatsapp:3EB0…". So a chat that gets another
 * title, the same account read through the page instead of the bridge, and a new store all come to
 * the same rows, and what refers to a message (attachments.message_id) refers to it for ever.
 *
 * The archive knows ids within a chat only, because nobody promises more. Three things may bring an
 * id under a second chat, and they are told apart by when and in which direction it was sent:
 *
 *   the same minute and direction  the same message: a chat that was renamed, or one that was sent
 *                                  to several chats at once. One row; its thread is where it was
 *                                  seen last, and its recipients are those of all sightings.
 *   anything else                  another message whose sender chose an id that was taken. It gets
 *                                  a row of its own, its external_id is "<id>@<thread>", and
 *                                  nothing of the first is covered.
 *
 * Edits set `edited`, which stays; an attachment that came late is no edit. A deletion sets
 * `deleted` and empties content_snippet; attachments stay. Direction, sender and recipients that
 * are not known are null (recipients: an empty list, and recipients_known false), never a guess;
 * a row that knew them before the store was lost keeps them.
 *
 * Messages of the assistant's channel (agent.h) are marked is_agent_channel and
 * exclude_from_automation, as the text stands now. Handing them over is the op `proposals`.
 *
 * Nothing is ever sent by this op or its sources. `sending` exists because the variable
 * WHATSAPP_ENABLE_SENDING does: it takes false, and refuses true with the reason.
 */
#ifndef SLUICE_DOMAIN_SYNC_H
#define SLUICE_DOMAIN_SYNC_H

#include <stdbool.h>

#include "domain/agent.h"
#include "domain/chat_facts.h"
#include "model/op.h"

enum { SYNC_PLATFORM_MAX = 32 };

struct sync {
    struct op op; /* First. */

    /* From the configuration. */
    struct str sink;
    struct str extractor; /* Absent: jobs are only queued. */
    struct str platform;
    struct str source_app;
    struct str files; /* What a file_path begins with; absent: it is relative. */
    struct str_list me;
    struct agent agent;
    bool extract;
    bool sending;

    /* Made by open. */
    struct str self; /* The first of `me` that is not empty; absent for none. */
};

/* One message on its way through the op. */
struct sync_work {
    const struct sync *sync;
    struct op_env *env;
    const struct message *message;
    struct chat_facts facts;
    struct str external_id; /* As the row has it. */
    struct str row;         /* The row's id. */
};

/* ERR_RETRY: the message is innocent. Always false. */
bool sync_out_of_memory(struct err *err);

/* A record of this kind of row; `body` is the finished text. */
bool sync_emit(const struct sync *sync, struct op_env *env, const struct record *record,
               struct err *err);

extern const struct op_type op_sync;
extern const struct target sync_messages;
extern const struct target sync_attachments;
extern const struct target sync_jobs;
extern const struct target sync_extractions;
extern const struct target sync_state;

#endif
