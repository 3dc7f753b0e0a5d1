#include "serve/renew.h"

#include <string.h>

#include "text/utf8.h"

void renew_init(struct renew *renew)
{
    *renew = (struct renew){.asked = 0};
    lock_init(&renew->lock);
}

bool renew_ask(struct renew *renew, int64_t *ticket)
{
    lock_take(&renew->lock);
    bool heard = renew->wake != NULL;
    if (heard) {
        *ticket = ++renew->asked;
        renew->wake(renew->context);
    }
    lock_give(&renew->lock);
    return heard;
}

bool renew_settled(struct renew *renew, int64_t ticket, struct arena *arena, bool *good,
                   struct str *words)
{
    lock_take(&renew->lock);
    bool settled = renew->done >= ticket;
    *good = renew->good;
    *words = settled ? arena_copy(arena, str_of(renew->words)) : (struct str){0};
    lock_give(&renew->lock);
    return settled;
}

void renew_listen(struct renew *renew, void (*wake)(void *context), void *context)
{
    lock_take(&renew->lock);
    renew->wake = wake;
    renew->context = context;
    lock_give(&renew->lock);
}

int64_t renew_due(struct renew *renew)
{
    lock_take(&renew->lock);
    int64_t due = renew->asked > renew->done ? renew->asked : 0;
    lock_give(&renew->lock);
    return due;
}

void renew_done(struct renew *renew, int64_t ticket, bool good, struct str words)
{
    lock_take(&renew->lock);
    struct str fitting = utf8_cut(words, sizeof renew->words - 1);
    memcpy(renew->words, fitting.ptr != NULL ? fitting.ptr : "", fitting.len);
    renew->words[fitting.len] = '\0';
    renew->good = good;
    renew->done = ticket;
    lock_give(&renew->lock);
}
