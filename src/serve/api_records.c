/* Records: what each row was told last, and what did not get through. */
#include <stdio.h>
#include <string.h>

#include "serve/api_look.h"
#include "serve/view.h"
#include "store/browse.h"
#include "store/outbox.h"

enum { CHUNK = 64, ANSWER_FIRST = 16 * 1024 };

#define RECORDS_CONTEXT STR("records")

struct list {
    struct api *api;
    struct calls_hand *hand;
    struct call *call;
    size_t limit;
    struct buf out;
    struct json_writer json;
    bool people;
};

static void begin(struct list *list, const char *key)
{
    list->people = api_sees_people(list->call);
    buf_init(&list->out, &list->call->arena, ANSWER_FIRST);
    json_writer_init(&list->json, &list->out);
    json_object_begin(&list->json);
    json_key(&list->json, str_of(key));
    json_array_begin(&list->json);
}

static bool has_room(const struct list *list, size_t left)
{
    return left > 0 && list->out.len < API_ANSWER_MAX;
}

/* ---- Records ---- */

static void put_record(struct list *list, const struct emitted *record)
{
    struct arena *scratch = &list->hand->scratch;
    struct arena_mark mark = arena_mark(scratch);
    struct json_writer *json = &list->json;
    json_object_begin(json);
    json_field_str(json, STR("pipeline"), record->pipeline);
    json_field_str(json, STR("sink"), record->sink);
    json_field_str(json, STR("target"), record->target);
    json_field_str(json, STR("entity"), view_entity(scratch, record->entity, list->people));
    json_field_int(json, STR("message"), record->message);
    json_key(json, STR("body"));
    view_body(json, scratch, record->body, list->people);
    json_object_end(json);
    arena_rewind(scratch, mark);
}

/* Three numbers and the row's name, as they are in memory: nobody but this store opens it. */
static bool read_place(struct str plain, struct emitted_place *after)
{
    if (plain.ptr == NULL) {
        return true;
    }
    if (plain.len < sizeof after->place) {
        return false;
    }
    memcpy(after->place, plain.ptr, sizeof after->place);
    after->entity = str_slice(plain, sizeof after->place, plain.len);
    return true;
}

static bool seal_place(struct list *list, const struct emitted_place *after, struct str *text,
                       struct err *err)
{
    struct arena *scratch = &list->hand->scratch;
    size_t size = sizeof after->place + after->entity.len;
    char *plain = arena_bytes(scratch, size);
    if (plain == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    memcpy(plain, after->place, sizeof after->place);
    memcpy(plain + sizeof after->place, after->entity.ptr, after->entity.len);
    return api_seal(list->api, list->hand, RECORDS_CONTEXT, (struct str){plain, size}, text, err);
}

/* `after` becomes the last one that was put; its text is in the call's arena. */
static bool put_records(struct list *list, struct emitted_place *after, bool *more, struct err *err)
{
    struct arena *scratch = &list->hand->scratch;
    struct str target = api_argument(list->call, "target");
    size_t left = list->limit;
    *more = true;
    while (*more && has_room(list, left)) {
        struct emitted rows[CHUNK + 1];
        size_t count = 0;
        size_t wanted = left < CHUNK ? left : CHUNK;
        struct arena_mark mark = arena_mark(scratch);
        if (!store_emitted_list(list->hand->store, scratch, after, target, wanted + 1, rows, &count,
                                err)) {
            return false;
        }
        *more = count > wanted;
        count = count < wanted ? count : wanted;
        for (size_t i = 0; i < count; i++) {
            put_record(list, &rows[i]);
        }
        if (count > 0) {
            memcpy(after->place, rows[count - 1].place, sizeof after->place);
            after->entity = arena_copy(&list->call->arena, rows[count - 1].entity);
        }
        arena_rewind(scratch, mark);
        left -= count;
        if (after->entity.ptr == NULL && count > 0) {
            return err_set(err, ERR_RETRY, "out of memory");
        }
    }
    return true;
}

bool api_records(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {"target", "limit", "cursor", NULL};
    struct list list = {.api = api, .hand = hand, .call = call};
    struct emitted_place after = {.entity = STR("")};
    struct err err = {0};
    struct str plain = {0};
    struct str next = {0};
    bool more = false;
    if (!api_arguments(call, names) || !api_limit(call, &list.limit) ||
        !api_unseal(api, hand, call, RECORDS_CONTEXT, &plain) || !api_audit_read(api, hand, call)) {
        return true;
    }
    begin(&list, "records");
    bool ok = read_place(plain, &after) && store_begin_read(hand->store, &err) &&
              put_records(&list, &after, &more, &err);
    store_rollback(hand->store);
    if (!ok || (more && !seal_place(&list, &after, &next, &err))) {
        return api_fail(call, &err);
    }
    json_array_end(&list.json);
    json_field_text(&list.json, STR("next"), next);
    json_object_end(&list.json);
    return api_answer(call, STATUS_OK, &list.out);
}

/* ---- Dead letters ---- */

static bool put_dead_letters(struct list *list, int64_t *after, bool *more, struct err *err)
{
    struct arena *scratch = &list->hand->scratch;
    size_t left = list->limit;
    *more = true;
    while (*more && has_room(list, left)) {
        struct dead_letter rows[CHUNK + 1];
        size_t count = 0;
        size_t wanted = left < CHUNK ? left : CHUNK;
        struct arena_mark mark = arena_mark(scratch);
        if (!store_dead_list(list->hand->store, scratch, *after, wanted + 1, rows, &count, err)) {
            return false;
        }
        *more = count > wanted;
        count = count < wanted ? count : wanted;
        for (size_t i = 0; i < count; i++) {
            struct arena_mark inner = arena_mark(scratch);
            view_dead(&list->json, scratch, &rows[i], false, list->people);
            arena_rewind(scratch, inner);
        }
        *after = count > 0 ? rows[count - 1].id : *after;
        arena_rewind(scratch, mark);
        left -= count;
    }
    return true;
}

bool api_dead_letters(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {"limit", "cursor", NULL};
    struct list list = {.api = api, .hand = hand, .call = call};
    struct err err = {0};
    int64_t after = 0;
    bool more = false;
    if (!api_arguments(call, names) || !api_limit(call, &list.limit) ||
        !api_cursor(hand, call, 'd', &after) || !api_audit_read(api, hand, call)) {
        return true;
    }
    begin(&list, "dead_letters");
    bool ok = store_begin_read(hand->store, &err) && put_dead_letters(&list, &after, &more, &err);
    store_rollback(hand->store);
    if (!ok) {
        return api_fail(call, &err);
    }
    json_array_end(&list.json);
    api_put_next(&list.json, 'd', more ? after : 0);
    json_object_end(&list.json);
    return api_answer(call, STATUS_OK, &list.out);
}

bool api_dead_letter(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {NULL};
    struct dead_letter dead = {0};
    struct err err = {0};
    struct buf out;
    struct json_writer json;
    int64_t id = 0;
    if (!api_arguments(call, names) || !api_id(call, "dead letter", &id) ||
        !api_audit_read(api, hand, call)) {
        return true;
    }
    if (!store_dead_get(hand->store, &hand->scratch, id, &dead, &err)) {
        return api_fail(call, &err);
    }
    if (dead.id == 0) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such dead letter");
        return true;
    }
    buf_init(&out, &call->arena, ANSWER_FIRST);
    json_writer_init(&json, &out);
    view_dead(&json, &hand->scratch, &dead, true, api_sees_people(call));
    return api_answer(call, STATUS_OK, &out);
}
