/* sync and proposals: which row a message is, who is spoken to, what is asked, lack of memory. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "domain/agent.h"
#include "domain/proposals.h"
#include "domain/sync.h"
#include "domain/sync_id.h"
#include "test.h"

enum { RECORDS_MAX = 256, STATES_MAX = 128, SYNC_QUEUE = 20 };

static struct arena arena;
static struct arena step;
static struct err err;
static struct sync sync_op;

/* A state and an outbox of its own, instead of the engine. */
static struct record emitted[RECORDS_MAX];
static size_t emitted_count;
static struct str state_keys[STATES_MAX];
static struct str state_values[STATES_MAX];
static size_t state_count;
static int64_t jobs;

static size_t state_find(struct str key)
{
    size_t at = 0;
    while (at < state_count && !str_equal(state_keys[at], key)) {
        at++;
    }
    return at;
}

static bool fake_get(struct op_env *env, struct str key, struct str *value, struct err *failure)
{
    (void)env;
    (void)failure;
    size_t at = state_find(key);
    *value = at < state_count ? state_values[at] : (struct str){0};
    return true;
}

static bool fake_put(struct op_env *env, struct str key, struct str value, struct err *failure)
{
    (void)env;
    (void)failure;
    size_t at = state_find(key);
    assert_true(at < STATES_MAX);
    state_count = at == state_count ? at + 1 : state_count;
    state_keys[at] = arena_copy(&arena, key);
    state_values[at] = arena_copy(&arena, value);
    return true;
}

static bool fake_del(struct op_env *env, struct str key, struct err *failure)
{
    (void)env;
    (void)failure;
    size_t at = state_find(key);
    if (at < state_count) {
        state_count--;
        state_keys[at] = state_keys[state_count];
        state_values[at] = state_values[state_count];
    }
    return true;
}

static bool fake_scan(struct op_env *env, struct str prefix,
                      bool (*each)(void *context, struct str key, struct str value), void *context,
                      struct err *failure)
{
    (void)env;
    (void)failure;
    bool more = true;
    for (size_t i = 0; more && i < state_count; i++) {
        more = !str_starts(state_keys[i], prefix) || each(context, state_keys[i], state_values[i]);
    }
    return true;
}

static bool fake_emit(struct op_env *env, const struct record *record, struct err *failure)
{
    (void)env;
    (void)failure;
    assert_true(emitted_count < RECORDS_MAX);
    emitted[emitted_count] = *record;
    emitted[emitted_count].entity = arena_copy(&arena, record->entity);
    emitted[emitted_count++].body = arena_copy(&arena, record->body);
    return true;
}

static bool fake_count(struct op_env *env, const char *what, int64_t by, struct err *failure)
{
    (void)env;
    (void)failure;
    assert_string_equal(what, "jobs");
    jobs += by;
    return true;
}

static struct op_env env = {
    .arena = &step,
    .get = fake_get,
    .put = fake_put,
    .del = fake_del,
    .scan = fake_scan,
    .emit = fake_emit,
    .count = fake_count,
};

/* 2025-12-09 18:51:00 UTC */
static const int64_t noon_ms = 1765306260000;

static struct message message_of(const char *id, const char *chat, const char *text)
{
    return (struct message){
        .id = 17,
        .chat = str_of(chat),
        .external_id = str_of(id),
        .sender = STR("972550000002"),
        .direction = MESSAGE_INCOMING,
        .text = str_of(text),
        .sent_ms = noon_ms,
        .archived_ms = noon_ms + 1000,
    };
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    arena_init(&step, 16 << 20);
    memset(&err, 0, sizeof err);
    emitted_count = 0;
    state_count = 0;
    jobs = 0;
    sync_op = (struct sync){
        .sink = STR("records"),
        .platform = STR("whatsapp"),
        .source_app = STR("WhatsApp Web"),
    };
    assert_true(op_sync.open(&sync_op.op, &arena, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    arena_free(&step);
    return 0;
}

static bool apply(const struct message *message)
{
    arena_reset(&step);
    return op_sync.apply(&sync_op.op, &env, message, &err);
}

static const struct record *last_of(const char *target)
{
    for (size_t i = emitted_count; i > 0; i--) {
        if (str_equal(emitted[i - 1].target, str_of(target))) {
            return &emitted[i - 1];
        }
    }
    return NULL;
}

static size_t count_of(const char *target)
{
    size_t count = 0;
    for (size_t i = 0; i < emitted_count; i++) {
        count += str_equal(emitted[i].target, str_of(target));
    }
    return count;
}

static void body_has(const char *target, const char *part)
{
    const struct record *record = last_of(target);
    assert_non_null(record);
    if (str_find(record->body, str_of(part), 0) == STR_NONE) {
        fail_msg("%s is not in %.*s", part, STR_ARG(record->body));
    }
}

/* The columns of the document, to the letter, and in their kinds. */
static void a_row_has_the_columns_of_the_document(void **context)
{
    struct message message = message_of("A1", "972550000003@s.whatsapp.net", "hello");
    (void)context;
    message.direction = MESSAGE_OUTGOING;
    message.sender = STR("");
    assert_true(apply(&message));
    const struct record *record = last_of("messages");
    assert_non_null(record);
    assert_true(str_equal(record->entity, STR("whatsapp:A1")));
    assert_int_equal(record->kind, RECORD_ABSOLUTE);
    assert_true(str_equal(
        record->body,
        STR("{\"set\":{\"platform\":\"whatsapp\",\"external_id\":\"A1\","
            "\"thread_external_id\":\"972550000003@s.whatsapp.net\","
            "\"recipient_ids\":[\"972550000003\"],\"recipients_known\":true,"
            "\"content_snippet\":\"hello\",\"ts\":\"2025-12-09T18:51:00.000Z\","
            "\"is_outgoing\":true,\"source_app\":\"WhatsApp Web\",\"is_agent_channel\":false,"
            "\"exclude_from_automation\":false,\"has_attachments\":false,\"deleted\":false},"
            "\"insert\":{\"edited\":false}}")));
}

static const char thread_a[] = "Thread A";
static const char thread_b[] = "Thread B";

static void ids_are_told_apart(void **context)
{
    static const struct {
        int64_t later_ms;
        enum message_direction direction;
        bool same;
    } rows[] = {
        {0, MESSAGE_INCOMING, true},          {59000, MESSAGE_INCOMING, true},
        {-59000, MESSAGE_INCOMING, true},     {60000, MESSAGE_INCOMING, false},
        {-60000, MESSAGE_INCOMING, false},    {0, MESSAGE_OUTGOING, false},
        {0, MESSAGE_DIRECTION_UNKNOWN, true},
    };
    (void)context;
    struct sighting seen = {noon_ms, MESSAGE_INCOMING, str_of(thread_a)};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct message message = message_of("A1", thread_b, "x");
        message.sent_ms += rows[i].later_ms;
        message.direction = rows[i].direction;
        assert_int_equal(sync_id_same(&seen, &message), rows[i].same);
        message.chat = str_of(thread_a); /* Within its chat an id is one message, always. */
        assert_true(sync_id_same(&seen, &message));
    }
}

static void long_ids_stay_apart(void **context)
{
    char a[MESSAGE_ID_MAX + 1];
    char b[MESSAGE_ID_MAX + 1];
    (void)context;
    memset(a, 'a', MESSAGE_ID_MAX);
    a[MESSAGE_ID_MAX] = '\0';
    memcpy(b, a, sizeof b);
    b[MESSAGE_ID_MAX - 1] = 'b';
    struct message first = message_of(a, thread_a, "x");
    struct message second = message_of(b, thread_a, "x");
    assert_true(apply(&first) && apply(&second));
    assert_int_equal(emitted_count, 2);
    assert_false(str_equal(emitted[0].entity, emitted[1].entity));
    assert_true(emitted[0].entity.len < RECORD_ENTITY_MAX);
    body_has("messages", "\"external_id\":\"sha256-");
}

/* Whatever order two chats are read in, the same rows come of it. */
static void a_new_store_makes_the_same_rows(void **context)
{
    struct message messages[] = {message_of("A1", thread_a, "one"),
                                 message_of("A2", thread_a, "two"),
                                 message_of("A1", thread_b, "one")};
    (void)context;
    for (size_t i = 0; i < COUNT(messages); i++) {
        assert_true(apply(&messages[i]));
    }
    assert_true(str_equal(emitted[0].entity, emitted[2].entity));
    state_count = 0;
    for (size_t i = COUNT(messages); i > 0; i--) {
        assert_true(apply(&messages[i - 1]));
    }
    for (size_t i = 0; i < COUNT(messages); i++) {
        assert_true(str_equal(emitted[i].entity, emitted[COUNT(messages) * 2 - 1 - i].entity));
    }
}

static void broken_extra_loses_no_message(void **context)
{
    static const char *const extras[] = {
        "{", "[]", "7", "\"x\"", "{\"members\":7}", "{\"members\":[1]}", "{\"group\":\"yes\"}"};
    (void)context;
    for (size_t i = 0; i < COUNT(extras); i++) {
        struct message message = message_of("A1", thread_a, "x");
        message.extra = str_of(extras[i]);
        assert_true(apply(&message));
        body_has("messages", "\"recipient_ids\":[],\"recipients_known\":false");
    }
    struct message message = message_of("A2", thread_a, "x");
    message.attachments = STR("{\"sha256\":");
    assert_false(apply(&message));
    assert_int_equal(err.kind, ERR_REJECT); /* Listed for a person: a file would be lost. */
}

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void paths_are_made_of_the_digest_only(void **context)
{
    static const struct {
        const char *item;
        const char *path; /* NULL: no row. */
    } rows[] = {
        {"{\"sha256\":\"" SHA "\",\"name\":\"a.png\",\"type\":\"image/jpeg\"}",
         "01/23/" SHA ".jpg"},
        {"{\"sha256\":\"" SHA "\",\"type\":\"image/png\"}", "01/23/" SHA ".png"},
        {"{\"sha256\":\"" SHA "\",\"type\":\"image/heic\"}", "01/23/" SHA ".heic"},
        {"{\"sha256\":\"" SHA "\",\"type\":\"image/x-new\"}", "01/23/" SHA ".bin"},
        {"{\"sha256\":\"" SHA "\",\"name\":\"a.b/../c\",\"type\":\"../x\"}", "01/23/" SHA ".bin"},
        {"{\"sha256\":\"" SHA "\"}", "01/23/" SHA ".bin"},
        {"{\"sha256\":\"../../../../../../../../../../../../../../../../../../../../../../x\"}",
         NULL},
        {"{\"sha256\":\"0123\",\"name\":\"a.jpg\"}", NULL},
        {"{\"name\":\"a.jpg\"}", NULL},
        {"7", NULL},
    };
    (void)context;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char list[512];
        char part[160];
        struct message message = message_of("A1", thread_a, "x");
        emitted_count = 0;
        (void)snprintf(list, sizeof list, "[%s]", rows[i].item);
        message.attachments = str_of(list);
        assert_true(apply(&message));
        assert_int_equal(count_of("attachments"), rows[i].path != NULL);
        if (rows[i].path != NULL) {
            (void)snprintf(part, sizeof part, "\"file_path\":\"%s\",\"checksum\":\"" SHA "\"",
                           rows[i].path);
            body_has("attachments", part);
        }
        body_has("messages", "\"has_attachments\":true");
    }
}

static struct message picture(const char *id, const char *sha)
{
    struct message message = message_of(id, thread_a, "look");
    message.attachments = arena_printf(
        &arena, "[{\"sha256\":\"%s\",\"name\":\"a.png\",\"type\":\"image/png\"}]", sha);
    return message;
}

/* Queued while nobody is asked, and asked once somebody may be. */
static void what_waits_is_asked_later(void **context)
{
    (void)context;
    for (int i = 0; i < SYNC_QUEUE; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "P%d", i);
        struct message message = picture(id, SHA);
        assert_true(apply(&message));
        body_has("extraction_jobs", "\"status\":\"queued\"");
    }
    assert_int_equal(jobs, SYNC_QUEUE);
    assert_int_equal(count_of("extractions"), 0);

    sync_op.extract = true;
    sync_op.extractor = STR("reader");
    emitted_count = 0;
    struct message other = message_of("B1", thread_a, "hi");
    for (int i = 0; i < 3; i++) {
        assert_true(apply(&other));
    }
    assert_int_equal(count_of("extractions"), SYNC_QUEUE);
    assert_int_equal(jobs, SYNC_QUEUE);
    const struct record *asked = last_of("extractions");
    assert_int_equal(asked->kind, RECORD_QUESTION);
    assert_true(str_equal(asked->sink, STR("reader")));
    body_has("extraction_jobs", "\"status\":\"sent\"");

    struct message answer = {
        .id = 99,
        .kind = MESSAGE_ANSWER,
        .extra = arena_printf(&arena, "{\"entity\":\"%.*s\"}", STR_ARG(asked->entity)),
        .text = STR("{\"text\":\"total 120\"}"),
        .archived_ms = noon_ms + 5000,
    };
    assert_true(apply(&answer));
    body_has("extractions", "\"text\":\"total 120\",\"result\":{\"text\":\"total 120\"}");
    body_has("extractions", "\"provenance\":{\"platform\":\"whatsapp\",\"thread_external_id\":"
                            "\"Thread A\",\"external_id\":\"P");
    body_has("extraction_jobs", "\"status\":\"done\"");
    answer.extra = STR("{\"entity\":\"whatsapp:Z/1\"}"); /* Nothing of ours. */
    emitted_count = 0;
    assert_true(apply(&answer));
    assert_int_equal(emitted_count, 0);
}

/* One receipt at a time, and the time told never runs ahead. */
static void the_mark_follows_delivery(void **context)
{
    struct message first = message_of("A1", thread_a, "one");
    struct message second = message_of("A2", thread_a, "two");
    struct message receipt = {
        .id = 30, .kind = MESSAGE_RECEIPT, .about = 17, .archived_ms = noon_ms};
    (void)context;
    second.id = 18;
    second.sent_ms += 300000;
    assert_true(apply(&first) && apply(&second));
    assert_true(emitted[0].receipt);
    assert_false(emitted[1].receipt);
    receipt.about = 18; /* Of another question: nothing is told. */
    assert_true(apply(&receipt));
    assert_int_equal(count_of("sync_state"), 0);
    receipt.about = 17;
    assert_true(apply(&receipt));
    body_has("sync_state", "\"last_seen_ts\":\"2025-12-09T18:51:00.000Z\"");
    assert_true(last_of("sync_state")->receipt);
    receipt = (struct message){
        .id = 31, .kind = MESSAGE_RECEIPT, .about = 30, .archived_ms = noon_ms + 9000};
    assert_true(apply(&receipt));
    body_has("sync_state", "\"last_seen_ts\":\"2025-12-09T18:56:00.000Z\"");
    assert_false(last_of("sync_state")->receipt);

    /* Caught up: the next row asks. Its newer form takes its place in the outbox, and asks too. */
    struct message third = message_of("A3", thread_a, "three");
    third.id = 40;
    assert_true(apply(&third));
    assert_true(last_of("messages")->receipt);
    third.id = 41;
    third.revision = 1;
    third.text = STR("three!");
    assert_true(apply(&third));
    assert_true(last_of("messages")->receipt);
    /* A receipt that never comes is given up. */
    struct message fourth = message_of("A4", thread_a, "four");
    fourth.id = 42;
    assert_true(apply(&fourth));
    assert_false(last_of("messages")->receipt);
    fourth.external_id = STR("A5");
    fourth.archived_ms += 601000;
    assert_true(apply(&fourth));
    assert_true(last_of("messages")->receipt);
}

static void who_is_spoken_to(void **context)
{
    static const struct {
        const char *chat;
        const char *extra; /* NULL for none. */
        const char *text;
        enum agent_answer answer;
    } rows[] = {
        {"972550000009@s.whatsapp.net", NULL, "x", AGENT_THREAD},
        {"972550000009@c.us", NULL, "x", AGENT_THREAD},
        {"+972 55-000-0009", NULL, "x", AGENT_THREAD},
        {"\u202A+972\u00A055\u2011000\u20110009\u202C", NULL, "x", AGENT_THREAD},
        {"055-0000009", NULL, "x", AGENT_THREAD},
        {"972550000008@s.whatsapp.net", NULL, "x", AGENT_NO},
        {"Kenny the Bot", NULL, "x", AGENT_THREAD},
        {"kenny the bot", NULL, "x", AGENT_THREAD},
        {"Kenny the Bot", "{\"group\":true}", "x", AGENT_NO},
        {"Office", "{\"group\":true}", "x", AGENT_THREAD},
        {"Office", NULL, "x", AGENT_THREAD},
        {"Office", "{\"group\":false}", "x", AGENT_NO},
        {"Office 2", NULL, "x", AGENT_NO},
        {"120363000000000007@g.us", NULL, "x", AGENT_THREAD},
        {"Dana", NULL, "Kenny, book", AGENT_ADDRESSED},
        {"Dana", NULL, "KENNY, book", AGENT_ADDRESSED},
        {"Dana", NULL, "Kenny\uFF0C book", AGENT_ADDRESSED},
        {"Dana", NULL, "\u05E7\u05E0\u05D9, \u05EA\u05D6\u05DE\u05D9\u05DF", AGENT_ADDRESSED},
        {"Dana", NULL, "@Kenny", AGENT_ADDRESSED},
        {"Dana", NULL, "@\u2068Kenny\u2069 book", AGENT_ADDRESSED},
        {"Dana", NULL, "@kenny: book", AGENT_ADDRESSED},
        {"Dana", NULL, "Kenny book", AGENT_NO},
        {"Dana", NULL, "Kenny", AGENT_NO},
        {"Dana", NULL, "@Kennyson", AGENT_NO},
        {"Dana", NULL, "hey Kenny, book", AGENT_NO},
        {"Dana", NULL, "mail@Kenny", AGENT_NO},
        {"Dana", NULL, "", AGENT_NO},
    };
    static const struct str contacts[] = {STR_INIT(""), STR_INIT("+972 55-000-0009"),
                                          STR_INIT("Kenny the Bot")};
    static const struct str threads[] = {STR_INIT("Office"), STR_INIT("120363000000000007@g.us")};
    static const struct str names[] = {STR_INIT("Kenny"), STR_INIT("@\u05E7\u05E0\u05D9,")};
    struct agent agent = {.contact_texts = {contacts, COUNT(contacts)},
                          .thread_texts = {threads, COUNT(threads)},
                          .name_texts = {names, COUNT(names)}};
    (void)context;
    assert_true(agent_open(&agent, &arena, &err));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct chat_facts facts;
        struct message message = message_of("A1", rows[i].chat, rows[i].text);
        message.extra = str_of(rows[i].extra);
        assert_true(chat_facts_read(&step, &message, &facts, &err));
        if (agent_channel(&agent, &step, &message, &facts) != rows[i].answer) {
            fail_msg("%s: %s", rows[i].chat, rows[i].text);
        }
    }
    /* Nothing is configured: nobody is the assistant. */
    static const struct str nothing[] = {STR_INIT("")};
    struct agent none = {
        .contact_texts = {nothing, 1}, .thread_texts = {nothing, 1}, .name_texts = {nothing, 1}};
    struct message message = message_of("A1", "", ", @");
    struct chat_facts facts = {0};
    assert_true(agent_open(&none, &arena, &err));
    assert_int_equal(agent_channel(&none, &step, &message, &facts), AGENT_NO);
}

/* The first look finds a month of requests: those of long ago are kept, and nobody is asked. */
static void old_requests_are_only_kept(void **context)
{
    static const struct str names[] = {STR_INIT("Kenny")};
    static const struct {
        int64_t age_ms;
        bool can_ask;
        const char *status;
    } rows[] = {
        {0, true, "asked"}, {86400000, true, "asked"}, {86400001, true, "old"},
        {0, false, "open"}, {86400001, false, "old"},
    };
    (void)context;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char part[64];
        struct proposals op = {.sink = STR("records"),
                               .ask = rows[i].can_ask ? STR("desk") : STR(""),
                               .platform = STR("whatsapp"),
                               .agent = {.name_texts = {names, 1}},
                               .max_age_ms = 86400000};
        struct message message = message_of("A1", thread_a, "Kenny, dinner");
        message.archived_ms = message.sent_ms + rows[i].age_ms;
        emitted_count = 0;
        state_count = 0;
        assert_true(op_proposals.open(&op.op, &arena, &err));
        assert_true(op_proposals.apply(&op.op, &env, &message, &err));
        bool asks = strcmp(rows[i].status, "asked") == 0;
        assert_int_equal(emitted_count, asks ? 2 : 1);
        assert_int_equal(emitted[emitted_count - 1].kind, asks ? RECORD_QUESTION : RECORD_ABSOLUTE);
        (void)snprintf(part, sizeof part, "\"insert\":{\"status\":\"%s\"}", rows[i].status);
        assert_true(str_find(emitted[0].body, str_of(part), 0) != STR_NONE);
    }
}

/* Whoever takes an id that was made for another message covers nothing either. */
static void made_up_ids_cover_nothing(void **context)
{
    struct message first = message_of("A1", "one", "first");
    struct message made_up = message_of("A1@two", "three", "made up");
    struct message second = message_of("A1", "two", "second");
    (void)context;
    made_up.sent_ms += 3600000;
    second.sent_ms += 7200000;
    assert_true(apply(&first) && apply(&made_up) && apply(&second) && apply(&second));
    assert_int_equal(emitted_count, 4);
    assert_true(str_equal(emitted[1].entity, STR("whatsapp:A1@two")));
    assert_true(str_starts(emitted[2].entity, STR("whatsapp:sha256-")));
    assert_true(str_equal(emitted[2].entity, emitted[3].entity));
}

struct complaints {
    struct report report; /* First. */
    char text[1024];
};

static void note_fault(struct report *report, const char *option, size_t character,
                       const char *text)
{
    struct complaints *complaints = (struct complaints *)report;
    (void)character;
    (void)snprintf(complaints->text, sizeof complaints->text, "%s: %s", option, text);
}

static void sending_is_refused_in_clear_words(void **context)
{
    struct complaints complaints = {.report = {.fault = note_fault}};
    (void)context;
    op_sync.check(&sync_op.op, &complaints.report);
    assert_string_equal(complaints.text, "");
    sync_op.sending = true;
    op_sync.check(&sync_op.op, &complaints.report);
    assert_non_null(
        strstr(complaints.text, "sending: this program reads WhatsApp and never writes"));
    assert_non_null(strstr(complaints.text, "WHATSAPP_ENABLE_SENDING=false"));
    sync_op.sending = false;
    sync_op.extract = true;
    op_sync.check(&sync_op.op, &complaints.report);
    assert_non_null(strstr(complaints.text, "extract: nobody is named who reads images"));
    sync_op.extract = false;
    sync_op.platform = STR("Whats App");
    op_sync.check(&sync_op.op, &complaints.report);
    assert_non_null(strstr(complaints.text, "platform: small letters"));
}

/* Lack of memory is never the message's fault. */
static void without_memory_it_is_tried_again(void **context)
{
    struct message message = picture("A1", SHA);
    struct arena *whole = env.arena;
    (void)context;
    message.extra = STR("{\"members\":[\"a\",\"b\"],\"group\":true}");
    for (size_t limit = 64; limit < 65536; limit += 64) {
        struct arena small;
        memset(&err, 0, sizeof err);
        emitted_count = 0;
        state_count = 0;
        arena_init(&small, limit);
        env.arena = &small;
        bool ok = op_sync.apply(&sync_op.op, &env, &message, &err);
        arena_free(&small);
        if (!ok) {
            assert_int_equal(err.kind, ERR_RETRY);
        } else {
            assert_int_equal(emitted_count, 3);
        }
    }
    env.arena = whole;
    assert_int_equal(emitted_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_has_the_columns_of_the_document, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(long_ids_stay_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_store_makes_the_same_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_extra_loses_no_message, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_are_made_of_the_digest_only, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_asked_later, setup, teardown),
        cmocka_unit_test_setup_teardown(the_mark_follows_delivery, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_spoken_to, setup, teardown),
        cmocka_unit_test_setup_teardown(old_requests_are_only_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(made_up_ids_cover_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(sending_is_refused_in_clear_words, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_it_is_tried_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
