#include "engine/pending.h"

#include <string.h>

#include "store/outbox.h"

enum { FIRST = 64, SLOTS_A_RECORD = 4 };

struct pending_record {
    struct record record;
    struct effect effect;
    int64_t partition;
    uint64_t hash;
    char *body;
    size_t body_room;
    char origin[EFFECT_ORIGIN_SIZE];
    bool dropped;
};

void pending_forget(struct pending *pending)
{
    if (pending->items == NULL) {
        return;
    }
    arena_reset(&pending->arena);
    pending->items = NULL;
    pending->slots = NULL;
    pending->count = 0;
    pending->room = 0;
}

void pending_free(struct pending *pending)
{
    pending_forget(pending);
    arena_free(&pending->arena);
    *pending = (struct pending){0};
}

static uint64_t hash_of(const struct record *record)
{
    return str_hash(record->entity, str_hash(record->target, str_hash(record->sink, 0)));
}

/* Its slot, or the free one where it belongs. */
static size_t slot_of(const struct pending *pending, uint64_t hash, const struct record *record)
{
    size_t slots = SLOTS_A_RECORD * pending->room;
    size_t at = hash % slots;
    for (; pending->slots[at] != 0; at = (at + 1) % slots) {
        const struct pending_record *one = &pending->items[pending->slots[at] - 1];
        if (one->hash == hash && str_equal(one->record.entity, record->entity) &&
            str_equal(one->record.target, record->target) &&
            str_equal(one->record.sink, record->sink)) {
            break;
        }
    }
    return at;
}

static struct pending_record *find(const struct pending *pending, const struct record *record)
{
    uint32_t place =
        pending->room == 0 ? 0 : pending->slots[slot_of(pending, hash_of(record), record)];
    return place == 0 ? NULL : &pending->items[place - 1];
}

static bool make_room(struct pending *pending)
{
    size_t room = pending->room == 0 ? FIRST : pending->room * 2;
    if (pending->arena.limit == 0) {
        arena_init(&pending->arena, PENDING_BYTES_MAX);
    }
    struct pending_record *items = arena_array(&pending->arena, room, sizeof *items);
    uint32_t *slots = arena_array(&pending->arena, SLOTS_A_RECORD * room, sizeof *slots);
    if (items == NULL || slots == NULL) {
        return false;
    }
    if (pending->count > 0) {
        memcpy(items, pending->items, pending->count * sizeof *items);
    }
    pending->items = items;
    pending->slots = slots;
    pending->room = room;
    for (size_t i = 0; i < pending->count; i++) {
        slots[slot_of(pending, items[i].hash, &items[i].record)] = (uint32_t)i + 1;
    }
    return true;
}

/* A new one, with its row's names; NULL when there is no room. */
static struct pending_record *add(struct pending *pending, const struct record *record)
{
    if (pending->count == pending->room && !make_room(pending)) {
        return NULL;
    }
    struct str target = record->target.ptr != NULL ? record->target : STR("");
    struct record names = {.sink = arena_copy(&pending->arena, record->sink),
                           .target = arena_copy(&pending->arena, target),
                           .entity = arena_copy(&pending->arena, record->entity)};
    if (names.sink.ptr == NULL || names.target.ptr == NULL || names.entity.ptr == NULL) {
        return NULL;
    }
    uint64_t hash = hash_of(record);
    struct pending_record *one = &pending->items[pending->count++];
    *one = (struct pending_record){.record = names, .hash = hash};
    pending->slots[slot_of(pending, hash, &names)] = (uint32_t)pending->count;
    return one;
}

static bool make_body(struct pending *pending, struct pending_record *one, size_t len)
{
    if (one->body == NULL || one->body_room < len) {
        char *bytes = arena_bytes(&pending->arena, len + 1);
        if (bytes == NULL) {
            return false;
        }
        one->body = bytes;
        one->body_room = len;
    }
    return true;
}

bool pending_put(struct pending *pending, const struct effect *effect, int64_t partition,
                 const struct record *record)
{
    struct pending_record *one = find(pending, record);
    bool is_new = one == NULL;
    one = is_new ? add(pending, record) : one;
    if (one == NULL) {
        return false;
    }
    if (!make_body(pending, one, record->body.len)) {
        one->dropped = one->dropped || is_new;
        return false;
    }
    struct record names = one->record;
    one->record = *record;
    one->record.sink = names.sink;
    one->record.target = names.target;
    one->record.entity = names.entity;
    if (record->body.ptr != NULL) {
        memcpy(one->body, record->body.ptr, record->body.len);
        one->record.body = (struct str){one->body, record->body.len};
    }
    memcpy(one->origin, effect->origin.ptr, sizeof one->origin);
    one->effect = *effect;
    one->partition = partition;
    one->dropped = false;
    return true;
}

void pending_drop(struct pending *pending, const struct record *record)
{
    struct pending_record *one = find(pending, record);
    if (one != NULL) {
        one->dropped = true;
    }
}

bool pending_flush(struct pending *pending, struct store *store, int64_t *queued, struct err *err)
{
    *queued = 0;
    for (size_t i = 0; i < pending->count; i++) {
        struct pending_record *one = &pending->items[i];
        bool news = false;
        if (one->dropped) {
            continue;
        }
        one->effect.origin = (struct str){one->origin, sizeof one->origin};
        if (!store_outbox_put(store, &one->effect, one->partition, &one->record, &news, err)) {
            return false;
        }
        *queued += news;
    }
    pending_forget(pending);
    return true;
}
