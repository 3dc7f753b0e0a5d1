#include "engine/ahead.h"

#include "base/log.h"
#include "base/must.h"
#include "engine/worker.h"
#include "store/store.h"

static void *run_ahead(void *argument)
{
    struct ahead *ahead = argument;
    log_run_set_id(ahead->run);
    ahead->ok =
        ahead->source->type->fetch(ahead->source, &ahead->batch, ahead->deadline_ms, &ahead->err);
    log_run_set_id(0);
    store_leave_thread();
    return NULL;
}

/* The chats of the batch before, each from where that one ended. */
static struct chat_cursor *next_chats(struct arena *arena, const struct batch *before)
{
    struct chat_cursor *chats = arena_array(arena, before->chat_count + 1, sizeof *chats);
    for (size_t i = 0; chats != NULL && i < before->chat_count; i++) {
        const struct chat_cursor *chat = &before->chats[i];
        struct str cursor = chat->next.ptr != NULL ? chat->next : chat->cursor;
        chats[i].chat = chat->chat;
        chats[i].cursor = cursor.ptr != NULL ? arena_copy(arena, cursor) : cursor;
        if (cursor.ptr != NULL && chats[i].cursor.ptr == NULL) {
            return NULL;
        }
    }
    return chats;
}

bool ahead_start(struct ahead *ahead, struct source *source, const struct batch *before,
                 int64_t deadline_ms, int64_t run)
{
    must(!ahead->running && !ahead->ready);
    struct arena *arena = &ahead->arenas[ahead->turn ^= 1];
    struct err ignored = {0};
    if (arena->limit == 0) {
        arena_init(arena, WORKER_ARENA_LIMIT);
    }
    arena_reset(arena);
    struct chat_cursor *chats = next_chats(arena, before);
    if (chats == NULL) {
        return false;
    }
    ahead->source = source;
    ahead->run = run;
    ahead->deadline_ms = deadline_ms;
    ahead->err = (struct err){0};
    batch_init(&ahead->batch, arena, chats, before->chat_count);
    ahead->batch.limit = AHEAD_MESSAGES_MAX;
    ahead->running = thread_start(&ahead->thread, run_ahead, ahead, false, &ignored);
    return ahead->running;
}

void ahead_join(struct ahead *ahead)
{
    if (ahead->running) {
        thread_join(&ahead->thread);
        ahead->running = false;
        ahead->ready = true;
    }
}

bool ahead_take(struct ahead *ahead, struct batch *batch, bool *ok, struct err *err)
{
    must(!ahead->running);
    if (!ahead->ready) {
        return false;
    }
    ahead->ready = false;
    *batch = ahead->batch;
    *ok = ahead->ok;
    if (!ahead->ok) {
        *err = ahead->err;
    }
    return true;
}

void ahead_drop(struct ahead *ahead)
{
    ahead_join(ahead);
    ahead->ready = false;
    for (size_t i = 0; i < sizeof ahead->arenas / sizeof ahead->arenas[0]; i++) {
        if (ahead->arenas[i].limit > 0) {
            arena_free(&ahead->arenas[i]);
        }
    }
}
