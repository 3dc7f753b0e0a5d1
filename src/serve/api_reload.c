/* The configuration is read again, and the call says what became of it. */
#include "serve/api_act.h"
#include "serve/renew.h"

enum { WAIT_MS = 20 * 1000, LOOK_MS = 50, ANSWER_FIRST = 256 };

struct asked {
    int64_t ticket;
    int64_t until_ms; /* Monotonic. */
};

static bool refuse_later(struct call *call)
{
    call_refuse_later(call, "try_later", "nothing reloads just now");
    return true;
}

static bool begin(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {NULL};
    struct err err = {0};
    struct asked *asked = arena_alloc(&call->arena, sizeof *asked);
    if (!api_arguments(call, names)) {
        return true;
    }
    bool ok = asked != NULL && store_begin(hand->store, NULL, &err) &&
              api_audit_act(hand, call, "reload", STR("configuration"), (struct str){0}, &err) &&
              store_commit(hand->store, &err);
    store_rollback(hand->store);
    if (!ok) {
        return asked != NULL ? api_fail(call, &err) : refuse_later(call);
    }
    if (!renew_ask(api->renew, &asked->ticket)) {
        return refuse_later(call);
    }
    asked->until_ms = clock_mono_ms(clock_system()) + WAIT_MS;
    call->state = asked;
    call->again_ms = LOOK_MS;
    return false;
}

bool api_reload(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct asked *asked = call->state;
    struct str words = {0};
    struct buf out;
    struct json_writer json;
    bool good = false;
    if (asked == NULL) {
        return begin(api, hand, call);
    }
    if (!renew_settled(api->renew, asked->ticket, &call->arena, &good, &words)) {
        return clock_mono_ms(clock_system()) >= asked->until_ms && refuse_later(call);
    }
    if (words.ptr == NULL) {
        return refuse_later(call);
    }
    if (!good) {
        call_refuse(call, STATUS_CONFLICT, "wrong_configuration", "%.*s", STR_ARG(words));
        return true;
    }
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_field_text(&json, STR("changed"), words.len > 0 ? words : (struct str){0});
    json_object_end(&json);
    return api_answer(call, STATUS_OK, &out);
}
