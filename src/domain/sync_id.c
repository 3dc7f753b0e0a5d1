#include "domain/sync_id.h"

#include "crypto/digest.h"

enum { SAME_MS = 60 * 1000 }; /* Pages show minutes, bridges seconds. */

bool sync_id_same(const struct sighting *seen, const struct message *message)
{
    int64_t apart = seen->sent_ms - message->sent_ms;
    bool both = seen->direction != MESSAGE_DIRECTION_UNKNOWN &&
                message->direction != MESSAGE_DIRECTION_UNKNOWN;
    return str_equal(seen->thread, message->chat) ||
           (apart < SAME_MS && apart > -SAME_MS &&
            (!both || seen->direction == message->direction));
}

/* An id that fits into keys everywhere. */
static struct str fitting(struct arena *arena, struct str id)
{
    char hex[DIGEST_HEX_MAX];
    return id.len <= SYNC_ID_MAX
               ? id
               : arena_printf(arena, "sha256-%.*s", STR_ARG(digest_hex(DIGEST_SHA256, id, hex)));
}

struct str sync_id_form(struct arena *arena, const struct message *message, int form)
{
    char hex[DIGEST_HEX_MAX];
    if (form == 0) {
        return fitting(arena, message->external_id);
    }
    struct str both =
        arena_printf(arena, "%.*s@%.*s", STR_ARG(message->external_id), STR_ARG(message->chat));
    if (both.ptr == NULL || form == 1) {
        return both.ptr != NULL ? fitting(arena, both) : both;
    }
    return arena_printf(arena, "sha256-%.*s", STR_ARG(digest_hex(DIGEST_SHA256, both, hex)));
}

struct str sync_id_row(struct arena *arena, struct str platform, struct str external_id)
{
    return arena_printf(arena, "%.*s:%.*s", STR_ARG(platform), STR_ARG(external_id));
}
