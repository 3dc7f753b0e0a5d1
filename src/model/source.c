#include "model/source.h"

#include <string.h>

#include "base/must.h"

enum { MESSAGES_FIRST = 64 };

void batch_init(struct batch *batch, struct arena *arena, struct chat_cursor *chats,
                size_t chat_count)
{
    *batch = (struct batch){
        .arena = arena,
        .limit = BATCH_MESSAGES_MAX,
        .chats = chats,
        .chat_count = chat_count,
    };
}

bool batch_full(const struct batch *batch, size_t bytes)
{
    must(batch->limit <= BATCH_MESSAGES_MAX);
    return batch->count > 0 && (batch->count >= batch->limit || batch->bytes >= BATCH_BYTES_MAX ||
                                bytes > BATCH_BYTES_MAX - batch->bytes);
}

static bool grow(struct batch *batch)
{
    size_t room = batch->room == 0 ? MESSAGES_FIRST : batch->room * 4;
    struct message *messages = arena_array(batch->arena, room, sizeof *messages);
    if (messages == NULL) {
        return false;
    }
    if (batch->count > 0) {
        memcpy(messages, batch->messages, batch->count * sizeof *messages);
    }
    batch->messages = messages;
    batch->room = room;
    return true;
}

struct message *batch_add(struct batch *batch, size_t bytes)
{
    must(!batch_full(batch, bytes));
    if (batch->count == batch->room && !grow(batch)) {
        return NULL;
    }
    batch->bytes += bytes;
    return &batch->messages[batch->count++];
}

void batch_refuse(struct batch *batch, struct str chat, struct str where, const char *why)
{
    if (batch->refusals == NULL) {
        batch->refusals = arena_array(batch->arena, BATCH_REFUSALS_MAX, sizeof(struct refusal));
    }
    if (batch->refusals != NULL && batch->refusal_count < BATCH_REFUSALS_MAX) {
        batch->refusals[batch->refusal_count] = (struct refusal){
            .chat = arena_copy(batch->arena, chat),
            .where = arena_copy(batch->arena, where),
            .why = arena_copy(batch->arena, str_of(why)),
        };
    }
    batch->refusal_count++;
}

bool batch_blob(struct batch *batch, struct blob blob)
{
    if (batch->blobs == NULL) {
        batch->blobs = arena_array(batch->arena, BATCH_BLOBS_MAX, sizeof(struct blob));
    }
    if (batch->blobs == NULL || batch->blob_count == BATCH_BLOBS_MAX) {
        return false;
    }
    batch->blobs[batch->blob_count++] = blob;
    return true;
}

bool batch_event(struct batch *batch, struct event event)
{
    if (batch->events == NULL) {
        batch->events = arena_array(batch->arena, BATCH_EVENTS_MAX, sizeof(struct event));
    }
    if (batch->events == NULL || batch->event_count == BATCH_EVENTS_MAX) {
        return false;
    }
    batch->events[batch->event_count++] = event;
    return true;
}

bool batch_note(struct batch *batch, struct str key, struct str value)
{
    if (batch->notes == NULL) {
        batch->notes = arena_array(batch->arena, BATCH_NOTES_MAX, sizeof(struct note));
    }
    if (batch->notes == NULL || batch->note_count == BATCH_NOTES_MAX) {
        return false;
    }
    batch->notes[batch->note_count++] = (struct note){key, value};
    return true;
}

static const struct {
    struct str why;
    const char *words;
} reasons[] = {
    {STR_INIT("steps"), "the limit of steps a visit was reached"},
    {STR_INIT("messages"), "the limit of messages a visit was reached"},
    {STR_INIT("memory"), "there was no memory for more"},
    {STR_INIT("stuck"), "the page brought no older messages"},
    {STR_INIT("phone"), "older messages are only on the telephone"},
    {STR_INIT("jump"), "the page jumped while it was read"},
    {STR_INIT("unsettled"), "who wrote the oldest rows, or when, could not be told yet"},
};

const char *source_gap_words(struct str why)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (str_equal(reasons[i].why, why)) {
            return reasons[i].words;
        }
    }
    return "for a reason of another version";
}

bool source_wrong(const struct connector *connector, const char *option, struct err *err)
{
    if (option != NULL) {
        (void)err_prefix(err, "option `%s`: ", option);
    }
    return err_prefix(err, "source %.*s: ", STR_ARG(connector->name));
}
