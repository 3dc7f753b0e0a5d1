/*
 * sync_id: which row a message is (the reasons stand in sync.h).
 */
#ifndef SLUICE_DOMAIN_SYNC_ID_H
#define SLUICE_DOMAIN_SYNC_ID_H

#include "base/arena.h"
#include "model/message.h"

enum { SYNC_ID_MAX = 380 }; /* Bytes of an external_id; a longer one is written as its digest. */

/* A message as it was seen before. */
struct sighting {
    int64_t sent_ms;
    enum message_direction direction;
    struct str thread;
};

/* Is it this message again, though perhaps in another chat? */
bool sync_id_same(const struct sighting *seen, const struct message *message);

/* What the row calls it: its own id; when that belongs to another message, with the thread; and
   when somebody took that for an id as well, a digest of both. Absent when the arena is full. */
enum { SYNC_ID_FORMS = 3 };
struct str sync_id_form(struct arena *arena, const struct message *message, int form);

/* "whatsapp:3EB0…" */
struct str sync_id_row(struct arena *arena, struct str platform, struct str external_id);

#endif
