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

/* Absent: there is none of this name; or, without a name, there are none or several. */
static struct str find_source(const struct plan *plan, struct str name)
{
    struct str found = {0};
    for (size_t i = 0; i < plan->source_count; i++) {
        const struct plan_source *source = &plan->sources[i];
        if (source->source->type->called && (name.len == 0 || str_equal(source->name, name))) {
            if (found.ptr != NULL) {
                return (struct str){0};
            }
            found = source->name;
        }
    }
    return found;
}

bool webhooks_take(struct inboxes *inboxes, const struct plan *plan, struct call *call,
                   struct str name)
{
    struct str source = find_source(plan, name);
    struct inbox_item *item = arena_array(&call->arena, 1, sizeof *item);
    if (source.ptr == NULL) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found",
                    name.len > 0 ? "no source of this name is called from outside"
                                 : "say which source: /webhook/NAME");
        return true;
    }
    struct inbox *inbox = inboxes_find(inboxes, source);
    if (inbox == NULL) {
        refuse_later(call, "the source is not open yet");
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
