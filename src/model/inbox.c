#include "model/inbox.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"
#include "model/message.h"

struct inbox {
    struct inbox *next;
    struct inboxes *all;
    char name[MESSAGE_NAME_MAX + 1];

    /* Under the lock of all. */
    bool open;
    struct inbox_item *first;
    struct inbox_item **end;
    size_t items;
    size_t bytes;
    struct signal came;
};

struct inboxes {
    struct lock lock;
    bool door;
    struct inbox *first;
    size_t count;
};

bool inboxes_new(struct inboxes **out, struct err *err)
{
    struct inboxes *inboxes = mem_alloc(sizeof *inboxes);
    if (inboxes == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    lock_init(&inboxes->lock);
    *out = inboxes;
    return true;
}

void inboxes_free(struct inboxes *inboxes)
{
    while (inboxes != NULL && inboxes->first != NULL) {
        struct inbox *inbox = inboxes->first;
        must(inbox->first == NULL);
        inboxes->first = inbox->next;
        mem_free(inbox);
    }
    mem_free(inboxes);
}

void inboxes_set_door(struct inboxes *inboxes, bool door)
{
    lock_take(&inboxes->lock);
    inboxes->door = door;
    for (struct inbox *inbox = inboxes->first; inbox != NULL; inbox = inbox->next) {
        signal_all(&inbox->came);
    }
    lock_give(&inboxes->lock);
}

bool inboxes_have_door(struct inboxes *inboxes)
{
    lock_take(&inboxes->lock);
    bool door = inboxes->door;
    lock_give(&inboxes->lock);
    return door;
}

static struct inbox *find_named(const struct inboxes *inboxes, struct str source)
{
    struct inbox *inbox = inboxes->first;
    while (inbox != NULL && !str_equal(str_of(inbox->name), source)) {
        inbox = inbox->next;
    }
    return inbox;
}

static struct inbox *make(struct inboxes *inboxes, struct str source)
{
    bool room = inboxes->count < INBOX_NAMES_MAX && source.len <= MESSAGE_NAME_MAX;
    struct inbox *inbox = room ? mem_alloc(sizeof *inbox) : NULL;
    if (inbox != NULL) {
        memcpy(inbox->name, source.ptr, source.len);
        inbox->all = inboxes;
        inbox->end = &inbox->first;
        signal_init(&inbox->came);
        inbox->next = inboxes->first;
        inboxes->first = inbox;
        inboxes->count++;
    }
    return inbox;
}

struct inbox *inboxes_make(struct inboxes *inboxes, struct str source)
{
    lock_take(&inboxes->lock);
    struct inbox *inbox = find_named(inboxes, source);
    inbox = inbox != NULL ? inbox : make(inboxes, source);
    lock_give(&inboxes->lock);
    return inbox;
}

struct inbox *inboxes_find(struct inboxes *inboxes, struct str source)
{
    lock_take(&inboxes->lock);
    struct inbox *inbox = find_named(inboxes, source);
    lock_give(&inboxes->lock);
    return inbox;
}

void inbox_open(struct inbox *inbox)
{
    lock_take(&inbox->all->lock);
    inbox->open = true;
    lock_give(&inbox->all->lock);
}

/* The first items of those that lie there, as a chain. Under the lock. */
static struct inbox_item *cut(struct inbox *inbox, size_t items_max, size_t bytes_max)
{
    struct inbox_item *chain = inbox->first;
    struct inbox_item **end = &inbox->first;
    size_t items = 0;
    size_t bytes = 0;
    while (*end != NULL && items < items_max &&
           (items == 0 || bytes + (*end)->body.len <= bytes_max)) {
        items++;
        bytes += (*end)->body.len;
        end = &(*end)->next;
    }
    inbox->first = *end;
    inbox->end = inbox->first != NULL ? inbox->end : &inbox->first;
    *end = NULL;
    inbox->items -= items;
    inbox->bytes -= bytes;
    return items > 0 ? chain : NULL;
}

void inbox_close(struct inbox *inbox)
{
    lock_take(&inbox->all->lock);
    inbox->open = false;
    struct inbox_item *left = cut(inbox, SIZE_MAX, SIZE_MAX);
    lock_give(&inbox->all->lock);
    inbox_answer(left, INBOX_LATER, "sluice is stopping, or reads its configuration anew");
}

bool inbox_put(struct inbox *inbox, struct inbox_item *item)
{
    lock_take(&inbox->all->lock);
    bool room = inbox->open && inbox->items < INBOX_ITEMS_MAX &&
                inbox->bytes + item->body.len <= INBOX_BYTES_MAX;
    if (room) {
        item->next = NULL;
        *inbox->end = item;
        inbox->end = &item->next;
        inbox->items++;
        inbox->bytes += item->body.len;
        if (inbox->items == 1) {
            signal_all(&inbox->came);
        }
    }
    lock_give(&inbox->all->lock);
    return room;
}

struct inbox_item *inbox_take(struct inbox *inbox, size_t items_max, size_t bytes_max,
                              int64_t deadline_mono_ms)
{
    bool waits = true;
    lock_take(&inbox->all->lock);
    while (inbox->first == NULL && inbox->all->door && waits) {
        waits = signal_wait(&inbox->came, &inbox->all->lock, deadline_mono_ms);
    }
    struct inbox_item *chain = cut(inbox, items_max, bytes_max);
    lock_give(&inbox->all->lock);
    return chain;
}

struct str inbox_header(const struct inbox_item *item, struct str name)
{
    for (size_t i = 0; i < item->header_count; i++) {
        if (str_equal_ascii_case(item->headers[i].name, name)) {
            return item->headers[i].value;
        }
    }
    return (struct str){0};
}

void inbox_answer(struct inbox_item *items, enum inbox_outcome outcome, const char *why)
{
    while (items != NULL) {
        struct inbox_item *next = items->next; /* An answered one is gone. */
        items->answer(items, outcome, why);
        items = next;
    }
}
