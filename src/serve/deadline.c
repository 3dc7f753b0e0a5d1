#include "serve/deadline.h"

#include <sys/socket.h>

enum { LOOK_MS = 500 };

static const char too_late[] =
    "HTTP/1.1 408 Request Timeout\r\n"
    "Connection: close\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Length: 0\r\n\r\n";

static void end_late(struct deadline *deadline, int64_t now_ms)
{
    for (size_t i = 0; i < DEADLINE_SLOTS; i++) {
        struct deadline_slot *slot = &deadline->slots[i];
        if (slot->socket >= 0 && slot->late_ms != 0 && now_ms >= slot->late_ms) {
            (void)send(slot->socket, too_late, sizeof too_late - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            (void)shutdown(slot->socket, SHUT_RDWR);
            slot->late_ms = 0;
        }
    }
}

static void *watch(void *argument)
{
    struct deadline *deadline = argument;
    lock_take(&deadline->lock);
    while (!deadline->stop) {
        int64_t now_ms = clock_mono_ms(deadline->clock);
        end_late(deadline, now_ms);
        (void)signal_wait(&deadline->woken, &deadline->lock, now_ms + LOOK_MS);
    }
    lock_give(&deadline->lock);
    return NULL;
}

bool deadline_start(struct deadline *deadline, struct clock *clock, struct err *err)
{
    deadline->clock = clock;
    deadline->stop = false;
    deadline->free = 0;
    for (size_t i = 0; i < DEADLINE_SLOTS; i++) {
        deadline->slots[i] = (struct deadline_slot){.socket = -1};
    }
    lock_init(&deadline->lock);
    signal_init(&deadline->woken);
    return thread_start(&deadline->thread, watch, deadline, false, err);
}

void deadline_stop(struct deadline *deadline)
{
    lock_take(&deadline->lock);
    deadline->stop = true;
    signal_all(&deadline->woken);
    lock_give(&deadline->lock);
    thread_join(&deadline->thread);
}

struct deadline_slot *deadline_enter(struct deadline *deadline, int socket, int64_t within_ms)
{
    struct deadline_slot *found = NULL;
    lock_take(&deadline->lock);
    for (size_t i = 0; found == NULL && i < DEADLINE_SLOTS; i++) {
        struct deadline_slot *slot = &deadline->slots[(deadline->free + i) % DEADLINE_SLOTS];
        if (slot->socket < 0) {
            found = slot;
            deadline->free = (deadline->free + i + 1) % DEADLINE_SLOTS;
            slot->socket = socket;
            slot->late_ms = clock_mono_ms(deadline->clock) + within_ms;
        }
    }
    lock_give(&deadline->lock);
    return found;
}

void deadline_leave(struct deadline *deadline, struct deadline_slot *slot)
{
    lock_take(&deadline->lock);
    slot->socket = -1;
    slot->late_ms = 0;
    lock_give(&deadline->lock);
}

void deadline_set(struct deadline *deadline, struct deadline_slot *slot, int64_t within_ms)
{
    if (slot != NULL) {
        lock_take(&deadline->lock);
        slot->late_ms = within_ms > 0 ? clock_mono_ms(deadline->clock) + within_ms : 0;
        lock_give(&deadline->lock);
    }
}
