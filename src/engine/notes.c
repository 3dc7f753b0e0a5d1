#include "engine/notes.h"

#include <string.h>

#include "store/state.h"

enum { FIRST = 64, SLOTS_A_NOTE = 4 };

struct note {
    struct str key;
    struct str value; /* NULL: there is none. */
    char *bytes;
    size_t bytes_room;
    int64_t partition;
    uint64_t hash;
    bool changed;
};

void notes_forget(struct notes *notes)
{
    notes->scanning = false;
    if (notes->items == NULL) {
        return;
    }
    arena_reset(&notes->arena);
    notes->items = NULL;
    notes->slots = NULL;
    notes->count = 0;
    notes->room = 0;
}

void notes_free(struct notes *notes)
{
    notes_forget(notes);
    arena_free(&notes->arena);
    *notes = (struct notes){0};
}

static uint64_t hash_of(int64_t partition, struct str key)
{
    return str_hash(key, (uint64_t)partition);
}

/* Its slot, or the free one where it belongs. */
static size_t slot_of(const struct notes *notes, uint64_t hash, int64_t partition, struct str key)
{
    size_t slots = SLOTS_A_NOTE * notes->room;
    size_t at = hash % slots;
    for (; notes->slots[at] != 0; at = (at + 1) % slots) {
        const struct note *note = &notes->items[notes->slots[at] - 1];
        if (note->hash == hash && note->partition == partition && str_equal(note->key, key)) {
            break;
        }
    }
    return at;
}

static struct note *find(const struct notes *notes, int64_t partition, struct str key)
{
    if (notes->room == 0) {
        return NULL;
    }
    uint32_t index = notes->slots[slot_of(notes, hash_of(partition, key), partition, key)];
    return index == 0 ? NULL : &notes->items[index - 1];
}

static bool make_room(struct notes *notes)
{
    size_t room = notes->room == 0 ? FIRST : notes->room * 2;
    if (notes->arena.limit == 0) {
        arena_init(&notes->arena, NOTES_BYTES_MAX);
    }
    struct note *items = arena_array(&notes->arena, room, sizeof *items);
    uint32_t *slots = arena_array(&notes->arena, SLOTS_A_NOTE * room, sizeof *slots);
    if (items == NULL || slots == NULL) {
        return false;
    }
    if (notes->count > 0) {
        memcpy(items, notes->items, notes->count * sizeof *items);
    }
    notes->items = items;
    notes->slots = slots;
    notes->room = room;
    for (size_t i = 0; i < notes->count; i++) {
        slots[slot_of(notes, items[i].hash, items[i].partition, items[i].key)] = (uint32_t)i + 1;
    }
    return true;
}

/* A new one, without a value; NULL when there is no room. */
static struct note *add(struct notes *notes, int64_t partition, struct str key)
{
    if (notes->count == notes->room && !make_room(notes)) {
        return NULL;
    }
    struct str kept = arena_copy(&notes->arena, key);
    if (kept.ptr == NULL) {
        return NULL;
    }
    uint64_t hash = hash_of(partition, key);
    struct note *note = &notes->items[notes->count++];
    *note = (struct note){.key = kept, .partition = partition, .hash = hash};
    notes->slots[slot_of(notes, hash, partition, key)] = (uint32_t)notes->count;
    return note;
}

/* Values grow a little with each message: some room to spare keeps them in their place. */
static bool set_value(struct notes *notes, struct note *note, struct str value)
{
    if (note->bytes == NULL || note->bytes_room < value.len) {
        size_t room = value.len + value.len / 4 + 1;
        char *bytes = arena_bytes(&notes->arena, room);
        if (bytes == NULL) {
            return false;
        }
        note->bytes = bytes;
        note->bytes_room = room;
    }
    memcpy(note->bytes, value.ptr, value.len);
    note->value = (struct str){note->bytes, value.len};
    return true;
}

/* Room is made before anything is noted: what is found is noted whole, or not at all. */
static void note_found(struct notes *notes, int64_t partition, struct str key, struct str value)
{
    struct note *note = add(notes, partition, key);
    if (note != NULL && value.ptr != NULL && !set_value(notes, note, value)) {
        notes->slots[slot_of(notes, note->hash, partition, key)] = 0;
        notes->count--;
    }
}

bool notes_get(struct notes *notes, const struct notes_place *place, struct arena *arena,
               struct str key, struct str *value, struct err *err)
{
    const struct note *note = find(notes, place->partition, key);
    if (note == NULL) {
        if (!store_state_get(place->store, arena, place->pipeline, place->partition, key, value,
                             err)) {
            return false;
        }
        if (!notes->scanning) {
            note_found(notes, place->partition, key, *value);
        }
        return true;
    }
    *value = (struct str){0};
    if (note->value.ptr != NULL) {
        *value = arena_copy(arena, note->value);
        return value->ptr != NULL || err_set(err, ERR_RETRY, "out of step memory for notes");
    }
    return true;
}

bool notes_put(struct notes *notes, const struct notes_place *place, struct str key,
               struct str value, struct err *err)
{
    if (!store_state_check(key, value, err)) {
        return false;
    }
    if (!notes->scanning) {
        struct note *note = find(notes, place->partition, key);
        note = note != NULL ? note : add(notes, place->partition, key);
        if (note != NULL && set_value(notes, note, value)) {
            note->changed = true;
            return true;
        }
        if (!notes_flush(notes, place->store, place->pipeline, err)) {
            return false;
        }
    }
    return store_state_put(place->store, place->pipeline, place->partition, key, value, err);
}

bool notes_del(struct notes *notes, const struct notes_place *place, struct str key,
               struct err *err)
{
    if (!notes->scanning) {
        struct note *note = find(notes, place->partition, key);
        note = note != NULL ? note : add(notes, place->partition, key);
        if (note != NULL) {
            note->value = (struct str){0};
            note->changed = true;
            return true;
        }
        if (!notes_flush(notes, place->store, place->pipeline, err)) {
            return false;
        }
    }
    return store_state_del(place->store, place->pipeline, place->partition, key, err);
}

bool notes_scan(struct notes *notes, const struct notes_place *place, struct arena *arena,
                struct str prefix, bool (*each)(void *context, struct str key, struct str value),
                void *context, struct err *err)
{
    bool within = notes->scanning;
    if (!within && !notes_flush(notes, place->store, place->pipeline, err)) {
        return false;
    }
    notes->scanning = true;
    bool ok = store_state_scan(place->store, arena, place->pipeline, place->partition, prefix, each,
                               context, err);
    notes->scanning = within;
    return ok;
}

bool notes_flush(struct notes *notes, struct store *store, int64_t pipeline, struct err *err)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct note *note = &notes->items[i];
        bool ok =
            !note->changed ||
            (note->value.ptr != NULL
                 ? store_state_put(store, pipeline, note->partition, note->key, note->value, err)
                 : store_state_del(store, pipeline, note->partition, note->key, err));
        if (!ok) {
            return false;
        }
    }
    notes_forget(notes);
    return true;
}
