/*
 * Messages of the archive.
 *
 * Who may not see people may not ask for them either: a filter that says yes or no to a part of a
 * number would give it away digit by digit. So without the scope `people` there is no filter by
 * sender, none by a chat that is a person's, and no search for digits.
 */
#include <string.h>

#include "serve/api_look.h"
#include "serve/view.h"
#include "store/archive.h"
#include "store/browse.h"

enum { CHUNK = 32, ANSWER_FIRST = 16 * 1024, DIGITS_FREE = 2 };

struct page {
    struct api *api;
    struct calls_hand *hand;
    struct call *call;
    struct planned_plan *plan;
    struct browse browse;
    size_t limit;
    struct buf out;
    struct json_writer json;
    int64_t last_id;
};

static struct str chat_name(const struct page *page, struct str chat)
{
    struct str name = page->api->words.chat_name(page->plan->owner.owner, chat);
    return str_equal(name, chat) ? (struct str){0} : name;
}

/* A group, or a chat that the configuration names. */
static bool is_open_chat(const struct page *page, struct str typed)
{
    const struct plan *plan = page->plan->plan;
    bool open = str_ends(typed, STR("@g.us")) ||
                !str_equal(page->api->words.chat_id(page->plan->owner.owner, typed), typed);
    for (size_t i = 0; !open && i < plan->pipeline_count; i++) {
        for (size_t j = 0; !open && j < plan->pipelines[i].chat_count; j++) {
            open = str_equal(plan->pipelines[i].chats[j].chat, typed);
        }
    }
    return open;
}

static bool has_digits(struct str text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.len && run <= DIGITS_FREE; i++) {
        run = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? run + 1 : 0;
    }
    return run > DIGITS_FREE;
}

static bool may_filter(const struct page *page)
{
    struct call *call = page->call;
    struct str chat = api_argument(call, "chat");
    const char *what = NULL;
    if (api_sees_people(call)) {
        return true;
    }
    what = api_argument(call, "sender").len > 0 ? "to filter by sender" : what;
    what = chat.len > 0 && !is_open_chat(page, chat)
               ? "to filter by a chat that the configuration does not name"
               : what;
    what = has_digits(api_argument(call, "q")) ? "to search for digits" : what;
    if (what != NULL) {
        call_refuse(call, STATUS_FORBIDDEN, "forbidden",
                    "the token '%.*s' has not the scope people, which is needed %s",
                    STR_ARG(call->holder), what);
    }
    return what == NULL;
}

static bool read_order(struct page *page)
{
    struct str order = api_argument(page->call, "order");
    page->browse.oldest_first = str_equal(order, STR("oldest"));
    if (order.ptr == NULL || page->browse.oldest_first || str_equal(order, STR("newest"))) {
        return true;
    }
    call_refuse(page->call, STATUS_WRONG, "wrong_argument", "order is newest or oldest");
    return false;
}

static bool read_arguments(struct page *page)
{
    static const char *const names[] = {"source", "chat",  "sender", "q",     "since",
                                        "until",  "limit", "cursor", "order", NULL};
    struct call *call = page->call;
    struct browse *browse = &page->browse;
    int64_t last = 0;
    if (!api_arguments(call, names) || !may_filter(page) || !read_order(page) ||
        !api_limit(call, &page->limit) || !api_time(call, "since", &browse->since_ms) ||
        !api_time(call, "until", &browse->until_ms) ||
        !api_cursor(page->hand, call, browse->oldest_first ? 'o' : 'n', &last)) {
        return false;
    }
    struct str chat = api_argument(call, "chat");
    browse->words = api_argument(call, "q");
    browse->source = api_argument(call, "source");
    browse->chat =
        chat.len > 0 ? page->api->words.chat_id(page->plan->owner.owner, chat) : (struct str){0};
    browse->sender = api_argument(call, "sender");
    browse->after_id = browse->oldest_first ? last : 0;
    browse->before_id = browse->oldest_first ? 0 : last;
    return true;
}

static void put_messages(struct page *page, const struct message *messages, size_t count)
{
    struct arena *scratch = &page->hand->scratch;
    bool people = api_sees_people(page->call);
    struct view_open open = {.text = people, .people = people};
    for (size_t i = 0; i < count; i++) {
        struct arena_mark mark = arena_mark(scratch);
        view_message(&page->json, scratch, &messages[i], chat_name(page, messages[i].chat), open);
        arena_rewind(scratch, mark);
    }
    page->last_id = messages[count - 1].id;
}

/* In small pieces, so that a page of long texts needs no more memory than one of short ones. */
static bool put_page(struct page *page, bool *more, struct err *err)
{
    struct arena *scratch = &page->hand->scratch;
    size_t left = page->limit;
    *more = true;
    while (*more && left > 0 && page->out.len < API_ANSWER_MAX) {
        struct message *messages = NULL;
        size_t count = 0;
        struct arena_mark mark = arena_mark(scratch);
        if (!store_browse(page->hand->store, scratch, &page->browse, left < CHUNK ? left : CHUNK,
                          &messages, &count, more, err)) {
            return false;
        }
        if (count > 0) {
            put_messages(page, messages, count);
        }
        arena_rewind(scratch, mark);
        left -= count;
        page->browse.after_id = page->browse.oldest_first ? page->last_id : 0;
        page->browse.before_id = page->browse.oldest_first ? 0 : page->last_id;
        *more = *more && count > 0;
    }
    return true;
}

static bool answer_page(struct page *page)
{
    struct err err = {0};
    bool more = false;
    int64_t behind = 0;
    buf_init(&page->out, &page->call->arena, ANSWER_FIRST);
    json_writer_init(&page->json, &page->out);
    json_object_begin(&page->json);
    json_key(&page->json, STR("messages"));
    json_array_begin(&page->json);
    bool ok = store_begin_read(page->hand->store, &err) && put_page(page, &more, &err) &&
              store_search_behind(page->hand->store, &behind, &err);
    store_rollback(page->hand->store);
    if (!ok) {
        return api_fail(page->call, &err);
    }
    json_array_end(&page->json);
    json_field_int(&page->json, STR("not_indexed"), behind);
    api_put_next(&page->json, page->browse.oldest_first ? 'o' : 'n', more ? page->last_id : 0);
    json_object_end(&page->json);
    return api_answer(page->call, STATUS_OK, &page->out);
}

bool api_messages(struct api *api, struct calls_hand *hand, struct call *call)
{
    struct page page = {.api = api, .hand = hand, .call = call};
    page.plan = planned_take(api->planned);
    bool answered =
        !read_arguments(&page) || !api_audit_read(api, hand, call) || answer_page(&page);
    planned_give(api->planned, page.plan);
    return answered;
}

bool api_message(struct api *api, struct calls_hand *hand, struct call *call)
{
    static const char *const names[] = {NULL};
    struct page page = {.api = api, .hand = hand, .call = call};
    struct message message = {0};
    struct err err = {0};
    int64_t id = 0;
    if (!api_arguments(call, names) || !api_id(call, "message", &id) ||
        !api_audit_read(api, hand, call)) {
        return true;
    }
    if (!store_archive_get(hand->store, &hand->scratch, id, &message, &err)) {
        return api_fail(call, &err);
    }
    if (message.id == 0) {
        call_refuse(call, STATUS_NOT_FOUND, "not_found", "there is no such message");
        return true;
    }
    page.plan = planned_take(api->planned);
    buf_init(&page.out, &call->arena, ANSWER_FIRST);
    json_writer_init(&page.json, &page.out);
    put_messages(&page, &message, 1);
    planned_give(api->planned, page.plan);
    return api_answer(call, STATUS_OK, &page.out);
}
