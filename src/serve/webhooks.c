#include "serve/webhooks.h"

enum {
    STATUS_OK = 200,
    STATUS_WRONG = 400,
    STATUS_UNAUTHORIZED = 401,
    STATUS_NOT_FOUND = 404,
    STATUS_NO_ROOM = 503,
};

static void refuse_later(struct call *call, const char *why)
{
    call_refuse(call, STATUS_NO_ROOM, "try_later", "%s", why);
    call->header = "Retry-After";
    call->header_value = STR("2");
}

/* From the thread of the source's worker. */
static void answer(struct inbox_item *item, enum inbox_outcome outcome, const char *why)
{
    struct call *call = item->context;
    switch (outcome) {
    case INBOX_KEPT:
        call->status = STATUS_OK;
        call->answer = STR("{\"status\":\"ok\"}\n");
        break;
    case INBOX_IGNORED:
        call->status = STATUS_OK;
        call->answer = STR("{\"status\":\"ignored\"}\n");
        break;
    case INBOX_UNKNOWN:
        call_refuse(call, STATUS_UNAUTHORIZED, "unauthorized", "%s", why);
        call->header = "WWW-Authenticate";
        call->header_value = STR("Bearer realm=\"sluice\"");
        break;
    case INBOX_WRONG:
        call_refuse(call, STATUS_WRONG, "wrong", "%s", why);
        break;
    case INBOX_LATER:
        refuse_later(call, why);
        break;
    }
    server_resume(call);
}

bool webhooks_take(struct inboxes *inboxes, struct call *call, struct str source)
{
    struct inbox *inbox = inboxes_find(inboxes, source);
    struct inbox_item *item = arena_array(&call->arena, 1, sizeof *item);
    if (inbox == NULL) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found",
                    source.len > 0 ? "no source of this name is called from outside"
                                   : "say which source: /webhook/NAME");
        return true;
    }
    struct inbox_header *headers = NULL;
    size_t count = call_headers(call, &headers);
    if (item == NULL || (count > 0 && headers == NULL)) {
        refuse_later(call, "out of memory");
        return true;
    }
    *item = (struct inbox_item){
        .body = buf_str(&call->body),
        .headers = headers,
        .header_count = count,
        .context = call,
        .answer = answer,
    };
    server_defer(call); /* From here on it may be answered at any time. */
    if (!inbox_put(inbox, item)) {
        answer(item, INBOX_LATER, "the source takes nothing now, or too much waits");
    }
    return false;
}
