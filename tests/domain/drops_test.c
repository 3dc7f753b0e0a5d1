/* drops: which texts hold numbers, what is recorded, what an edit adds, what is refused. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "domain/drops.h"
#include "test.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { RECORDS_MAX = 300, STATES_MAX = 16 };

static struct arena arena;
static struct err err;
static struct drops drops;

/* A state and an outbox of its own, instead of the engine. */
static struct record emitted[RECORDS_MAX];
static size_t emitted_count;
static struct str state_keys[STATES_MAX];
static struct str state_values[STATES_MAX];
static size_t state_count;
static size_t state_calls;
static bool emit_fails;

static bool fake_get(struct op_env *env, struct str key, struct str *value, struct err *failure)
{
    (void)env;
    (void)failure;
    state_calls++;
    *value = (struct str){0};
    for (size_t i = 0; i < state_count; i++) {
        if (str_equal(state_keys[i], key)) {
            *value = state_values[i];
        }
    }
    return true;
}

static bool fake_put(struct op_env *env, struct str key, struct str value, struct err *failure)
{
    (void)env;
    (void)failure;
    state_calls++;
    size_t at = 0;
    while (at < state_count && !str_equal(state_keys[at], key)) {
        at++;
    }
    assert_true(at < STATES_MAX);
    state_count = at == state_count ? at + 1 : state_count;
    state_keys[at] = arena_copy(&arena, key);
    state_values[at] = arena_copy(&arena, value);
    return true;
}

static bool fake_emit(struct op_env *env, const struct record *record, struct err *failure)
{
    (void)env;
    if (emit_fails) {
        return err_set(failure, ERR_RETRY, "the store is busy");
    }
    assert_true(emitted_count < RECORDS_MAX);
    emitted[emitted_count] = *record;
    emitted[emitted_count].entity = arena_copy(&arena, record->entity);
    emitted[emitted_count++].body = arena_copy(&arena, record->body);
    return true;
}

static struct op_env env = {
    .arena = &arena,
    .get = fake_get,
    .put = fake_put,
    .emit = fake_emit,
};

static const struct named_chat lawley[] = {
    {STR_INIT("Lawley"), STR_INIT("120363000000000001@g.us")},
    {STR_INIT("Velo \"Test\""), STR_INIT("120363000000000002@g.us")},
};

/* 2025-12-09 18:51:42.998 UTC, 20:51:42 in Jerusalem. */
static const int64_t noon_ms = 1765306302998;

static struct message message_of(const char *text)
{
    return (struct message){
        .id = 17,
        .chat = lawley[0].chat,
        .external_id = STR("3EB0A1"),
        .sender = STR("27820000001"),
        .text = str_of(text),
        .sent_ms = noon_ms - 61000,
        .archived_ms = noon_ms,
    };
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    memset(&err, 0, sizeof err);
    emitted_count = 0;
    state_count = 0;
    state_calls = 0;
    emit_fails = false;
    drops = (struct drops){
        .zone_name = STR("Asia/Jerusalem"),
        .pattern = STR("\\bDR\\d{8}\\b"),
        .sink = STR("records"),
        .projects = {.items = lawley, .count = COUNT(lawley)},
    };
    assert_true(op_drops.open(&drops.op, &arena, &err));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    op_drops.close(&drops.op);
    arena_free(&arena);
    return 0;
}

static void reopen(struct str pattern, struct str zone)
{
    op_drops.close(&drops.op);
    drops.pattern = pattern;
    drops.zone_name = zone;
    assert_true(op_drops.open(&drops.op, &arena, &err));
}

static bool apply(const struct message *message)
{
    return op_drops.apply(&drops.op, &env, message, &err);
}

/* The entities that were emitted, with a space between them. */
static struct str entities(void)
{
    struct buf buf;
    buf_init(&buf, &arena, 64);
    for (size_t i = 0; i < emitted_count; i++) {
        buf_add(&buf, i > 0 ? STR(" ") : STR(""));
        buf_add(&buf, emitted[i].entity);
    }
    return buf_str(&buf);
}

#define ALEF            "\xD7\x90"
#define SHEVA           "\xD6\xB0" /* A mark: no word character for Python. */
#define BEH             "\xD8\xA8"
#define ARABIC_ONE      "\xD9\xA1"
#define CAMERA          "\xF0\x9F\x93\xB7"
#define VS16            "\xEF\xB8\x8F"
#define SUPERSCRIPT_TWO "\xC2\xB2"
#define RLM             "\xE2\x80\x8F"

/* Expected values are what Python's re gives for \bDR\d{8}\b; the last group is where we differ. */
static const struct {
    const char *text;
    const char *numbers;
} texts[] = {
    {"", ""},
    {"DR", ""},
    {"DR1234567", ""},
    {"DR12345678", "DR12345678"},
    {"DR123456789", ""},
    {"dr12345678", ""},
    {"D R12345678", ""},
    {"DR 12345678", ""},
    {"DR1234567 DR12345678", "DR12345678"},
    {"new DR12345678 done", "DR12345678"},
    {"DR12345678.", "DR12345678"},
    {"(DR12345678)", "DR12345678"},
    {"XDR12345678", ""},
    {"_DR12345678", ""},
    {"DR12345678_", ""},
    {"DR12345678x", ""},
    {"1DR12345678", ""},
    {"-DR12345678-", "DR12345678"},
    {"DRDR12345678", ""},
    {"DR1234DR12345678", ""},
    {"DDR12345678 RDR12345678", ""},
    {"DR12345678DR87654321", ""},
    {"DR12345678,DR87654321", "DR12345678 DR87654321"},
    {"DR12345678\nDR87654321\nDR12345678", "DR12345678 DR87654321"},
    {"DR87654321 and DR12345678", "DR87654321 DR12345678"},
    {"tel 0821234567 0821234568 DR00000000", "DR00000000"},
    {"99999999999999999999999999999999 DR11111111 99999999", "DR11111111"},
    {ALEF "DR12345678", ""},
    {"DR12345678" ALEF, ""},
    {ALEF " DR12345678 " ALEF, "DR12345678"},
    {ALEF "-DR12345678", "DR12345678"},
    {ALEF SHEVA "DR12345678", "DR12345678"},
    {BEH "DR12345678", ""},
    {"DR12345678" BEH, ""},
    {"DR12345678" ARABIC_ONE, ""},
    {"DR12345678" SUPERSCRIPT_TWO, ""},
    {CAMERA "DR12345678" CAMERA, "DR12345678"},
    {CAMERA VS16 "DR12345678" VS16, "DR12345678"},
    {RLM "DR12345678" RLM, "DR12345678"},
    {"\xC3\xA9"
     "DR12345678",
     ""},
    {"DR12345678\xE2\x80\x94", "DR12345678"},
    {"\xFF"
     "DR12345678\xD7",
     "DR12345678"}, /* Not UTF-8: no letter. */
    /* Digits of other scripts: Python takes them, we do not. */
    {"DR1234567" ARABIC_ONE, ""},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct message message = message_of(texts[i].text);
        emitted_count = 0;
        assert_true(apply(&message));
        if (!str_equal(entities(), str_of(texts[i].numbers))) {
            fail_msg("row %zu \"%s\": \"%.*s\"", i, texts[i].text, STR_ARG(entities()));
        }
    }
}

/* The same table through a regular expression: both ways must agree. */
static void test_texts_by_regex(void **state)
{
    (void)state;
    reopen(STR("(?:\\bDR[0-9]{8}\\b)"), STR("UTC"));
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct message message = message_of(texts[i].text);
        bool marks = strstr(texts[i].text, SHEVA) != NULL || strstr(texts[i].text, VS16) != NULL;
        emitted_count = 0;
        assert_true(apply(&message));
        if (!marks && !str_equal(entities(), str_of(texts[i].numbers))) {
            fail_msg("row %zu \"%s\": \"%.*s\"", i, texts[i].text, STR_ARG(entities()));
        }
    }
}

static void test_own_pattern(void **state)
{
    (void)state;
    reopen(STR("\\bAB-\\d{3}\\b|x*"), STR("UTC"));
    struct message message = message_of("AB-123 xx DR12345678 AB-124");
    assert_true(apply(&message));
    assert_str_equal(entities(), STR("AB-123 xx AB-124"));
}

static void test_body(void **state)
{
    (void)state;
    struct message message = message_of("DR12345678");
    message.sender = STR("Dana \"the\\one\"\n from the office");
    message.chat = lawley[1].chat;
    message.direction = MESSAGE_OUTGOING; /* Counts like any other. */
    assert_true(apply(&message));
    assert_int_equal(emitted_count, 1);
    assert_int_equal(emitted[0].kind, RECORD_EFFECT);
    assert_false(emitted[0].receipt);
    assert_str_equal(emitted[0].sink, STR("records"));
    assert_str_equal(emitted[0].target, STR("qa_photo_reviews"));
    assert_str_equal(
        emitted[0].body,
        STR("{\"insert\":{\"drop_number\":\"DR12345678\",\"review_date\":\"2025-12-09\","
            "\"user_name\":\"Dana \\\"the\\\\one\\\"\\n from\",\"project\":\"Velo \\\"Test\\\"\","
            "\"whatsapp_message_date\":\"2025-12-09T18:50:41.998Z\","
            "\"comment\":\"Created from WhatsApp message\"},"
            "\"update\":{\"incomplete\":false,\"feedback_sent\":null,\"resubmitted\":true,"
            "\"updated_at\":\"2025-12-09T18:51:42.998Z\"},"
            "\"append\":{\"comment\":\"\\n--- PHOTOS UPDATED 2025-12-09 20:51:42 ---\\n"
            "Agent updated photos in 1MAP. QA can continue review.\\n\"}}"));
}

/* The day and the hour are those of the zone, on both sides of a change of clocks. */
static void test_zone(void **state)
{
    (void)state;
    static const struct {
        struct str zone;
        int64_t now_ms;
        const char *date;
        const char *stamp;
    } rows[] = {
        {STR_INIT("Asia/Jerusalem"), 1766700000000, "2025-12-26", "2025-12-26 00:00:00"},
        {STR_INIT("Asia/Jerusalem"), 1766699999999, "2025-12-25", "2025-12-25 23:59:59"},
        {STR_INIT("Asia/Jerusalem"), 1774569599000, "2026-03-27", "2026-03-27 01:59:59"},
        {STR_INIT("Asia/Jerusalem"), 1774569600000, "2026-03-27", "2026-03-27 03:00:00"},
        {STR_INIT("Africa/Johannesburg"), 1774569600000, "2026-03-27", "2026-03-27 02:00:00"},
        {STR_INIT("UTC"), 1774569600000, "2026-03-27", "2026-03-27 00:00:00"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char want[64];
        struct message message = message_of("DR12345678");
        reopen(drops.pattern, rows[i].zone);
        message.archived_ms = rows[i].now_ms;
        emitted_count = 0;
        assert_true(apply(&message));
        (void)snprintf(want, sizeof want, "\"review_date\":\"%s\"", rows[i].date);
        assert_int_not_equal(str_find(emitted[0].body, str_of(want), 0), STR_NONE);
        (void)snprintf(want, sizeof want, "--- PHOTOS UPDATED %s ---", rows[i].stamp);
        assert_int_not_equal(str_find(emitted[0].body, str_of(want), 0), STR_NONE);
    }
}

static void test_user_name(void **state)
{
    (void)state;
    static const struct {
        const char *sender;
        const char *name;
    } rows[] = {
        {"", ""},
        {"12345678901234567890", "12345678901234567890"},
        {"123456789012345678901", "12345678901234567890"},
        {"\xD7\x93\xD7\xA0\xD7\x94", "\xD7\x93\xD7\xA0\xD7\x94"},
        /* The twentieth character is a letter with a mark: 21 code points, so it goes whole. */
        {"1234567890123456789\xD7\x90\xD6\xB0z", "1234567890123456789"},
        {"123456789012345678\xD7\x90\xD6\xB0z", "123456789012345678\xD7\x90\xD6\xB0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char want[128];
        struct message message = message_of("DR12345678");
        message.sender = str_of(rows[i].sender);
        emitted_count = 0;
        assert_true(apply(&message));
        (void)snprintf(want, sizeof want, "\"user_name\":\"%s\",", rows[i].name);
        if (str_find(emitted[0].body, str_of(want), 0) == STR_NONE) {
            fail_msg("row %zu: %.*s", i, STR_ARG(emitted[0].body));
        }
    }
}

static void test_ignored(void **state)
{
    (void)state;
    struct message message = message_of("DR12345678");
    message.chat = STR("120363000000000009@g.us");
    assert_true(apply(&message));
    message = message_of("DR12345678");
    message.kind = MESSAGE_RECEIPT;
    assert_true(apply(&message));
    message = message_of("DR12345678");
    message.deleted = true;
    message.revision = 1;
    assert_true(apply(&message));
    message = message_of("nothing here");
    message.revision = 1;
    assert_true(apply(&message));
    message = message_of("x");
    message.text = (struct str){0};
    assert_true(apply(&message));
    assert_int_equal(emitted_count, 0);
    assert_int_equal(state_calls, 0); /* The state is for messages with a number only. */
}

/* Edits: the numbers of all earlier revisions do not count again, whatever was between. */
static void test_edits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool deleted;
        const char *numbers;
    } revisions[] = {
        {"DR00000001 DR00000002", false, "DR00000001 DR00000002"},
        {"DR00000001 DR00000002!", false, ""},
        {"DR00000003 DR00000001", false, "DR00000003"},
        {"oops", false, ""},
        {"DR00000003 DR00000002", false, ""},
        {"DR00000004", true, ""},
        {"DR00000004", false, "DR00000004"},
        {"DR00000004 DR00000003 DR00000002 DR00000001", false, ""},
    };
    for (size_t i = 0; i < COUNT(revisions); i++) {
        struct message message = message_of(revisions[i].text);
        message.id = 17 + (int64_t)i;
        message.revision = (int32_t)i;
        message.deleted = revisions[i].deleted;
        emitted_count = 0;
        assert_true(apply(&message));
        if (!str_equal(entities(), str_of(revisions[i].numbers))) {
            fail_msg("revision %zu: \"%.*s\"", i, STR_ARG(entities()));
        }
    }
    struct message other = message_of("DR00000001");
    other.external_id = STR("3EB0A2");
    emitted_count = 0;
    assert_true(apply(&other)); /* Another message: a resubmission. */
    assert_str_equal(entities(), STR("DR00000001"));
}

static void test_edit_brings_the_first_number(void **state)
{
    (void)state;
    struct message message = message_of("no number yet");
    assert_true(apply(&message));
    message = message_of("here it is: DR00000001");
    message.revision = 1;
    assert_true(apply(&message));
    assert_str_equal(entities(), STR("DR00000001"));
    message.revision = 2;
    assert_true(apply(&message));
    assert_int_equal(emitted_count, 1);
}

static void test_too_many(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, &arena, 4096);
    for (int i = 0; i < DROPS_NUMBERS_MAX; i++) {
        buf_printf(&text, "DR%08d ", i);
    }
    buf_add(&text, STR("DR00000000")); /* Known already: still allowed. */
    struct message message = message_of("");
    message.text = buf_str(&text);
    assert_true(apply(&message));
    assert_int_equal(emitted_count, DROPS_NUMBERS_MAX);
    buf_add(&text, STR(" DR99999999"));
    message.text = buf_str(&text);
    emitted_count = 0;
    assert_false(apply(&message));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_int_equal(emitted_count, 0);
}

static void test_failing_store_is_passed_on(void **state)
{
    (void)state;
    struct message message = message_of("DR12345678");
    emit_fails = true;
    assert_false(apply(&message));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(state_count, 0);
}

static bool is_word_at(struct str text, size_t at, bool before)
{
    uint32_t code = 0;
    size_t len = before ? utf8_previous(text, at, &code) : utf8_next(text, at, &code);
    return len > 0 && unicode_is_word(code) && !unicode_is_mark(code);
}

/* The slow way: look at every place. */
static struct str slow_numbers(struct str text)
{
    struct buf found;
    buf_init(&found, &arena, 64);
    for (size_t at = 0; at + 10 <= text.len; at++) {
        struct str number = str_slice(text, at, at + 10);
        bool fits = str_starts(number, STR("DR"));
        for (size_t i = 2; i < 10; i++) {
            fits = fits && number.ptr[i] >= '0' && number.ptr[i] <= '9';
        }
        fits = fits && !is_word_at(text, at, true) && !is_word_at(text, at + 10, false);
        if (fits && str_find(buf_str(&found), number, 0) == STR_NONE) {
            buf_add(&found, found.len > 0 ? STR(" ") : STR(""));
            buf_add(&found, number);
        }
    }
    return buf_str(&found);
}

static void test_random_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {"DR", "D", "R",  "12345678", "0",  "77", " ",
                                        "x",  "-", ALEF, "\xFF",     VS16, "_",  "DR87654321",
                                        ".",  BEH, "\n", "1234567",  " DR"};
    uint64_t seed = 7;
    size_t found = 0;
    struct arena_mark mark = arena_mark(&arena);
    for (int round = 0; round < 50000; round++) {
        struct buf text;
        arena_rewind(&arena, mark);
        buf_init(&text, &arena, 128);
        for (int i = 0; i < 8; i++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            buf_add(&text, str_of(parts[(seed >> 33) % COUNT(parts)]));
        }
        struct message message = message_of("");
        message.text = buf_str(&text);
        emitted_count = 0;
        state_count = 0;
        assert_true(apply(&message));
        found += emitted_count;
        if (!str_equal(entities(), slow_numbers(message.text))) {
            fail_msg("\"%.*s\": \"%.*s\"", STR_ARG(message.text), STR_ARG(entities()));
        }
    }
    assert_true(found > 1000);
}

static void test_open_refuses(void **state)
{
    (void)state;
    static const struct named_chat twice[] = {
        {STR_INIT("A"), STR_INIT("1@g.us")},
        {STR_INIT("B"), STR_INIT("1@g.us")},
    };
    static const struct named_chat nameless[] = {{STR_INIT(""), STR_INIT("1@g.us")}};
    static const struct {
        struct drops drops;
        const char *text;
    } rows[] = {
        {{.zone_name = STR_INIT("Asia/Jerusalm"), .pattern = STR_INIT("x")}, "Asia/Jerusalem"},
        {{.zone_name = STR_INIT("UTC"), .pattern = STR_INIT("DR(")}, "drops: pattern: "},
        {{.zone_name = STR_INIT("UTC"),
          .pattern = STR_INIT("x"),
          .projects = {.items = twice, .count = 2}},
         "drops: projects A and B name the same chat 1@g.us"},
        {{.zone_name = STR_INIT("UTC"),
          .pattern = STR_INIT("x"),
          .projects = {.items = nameless, .count = 1}},
         "drops: project 1 has no name or no chat"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct drops wrong = rows[i].drops;
        struct err why = {0};
        assert_false(op_drops.open(&wrong.op, &arena, &why));
        assert_int_equal(why.kind, ERR_CONFIG);
        if (str_find(str_of(why.text), str_of(rows[i].text), 0) == STR_NONE) {
            fail_msg("row %zu: %s", i, why.text);
        }
        op_drops.close(&wrong.op);
    }
}

static void test_many_projects(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct named_chat *items = arena_array(&arena, MANY, sizeof *items);
    for (size_t i = 0; i < MANY; i++) {
        items[i].name = arena_printf(&arena, "P%zu", i);
        items[i].chat = arena_printf(&arena, "12036300%zu@g.us", i);
    }
    drops.projects = (struct named_chats){.items = items, .count = MANY};
    reopen(drops.pattern, drops.zone_name);
    for (size_t i = 0; i < MANY; i += 499) {
        struct message message = message_of("DR12345678");
        message.chat = items[i].chat;
        emitted_count = 0;
        assert_true(apply(&message));
        struct str want = arena_printf(&arena, "\"project\":\"P%zu\"", i);
        assert_int_not_equal(str_find(emitted[0].body, want, 0), STR_NONE);
    }
}

/* The columns that the users' own statements name, to the letter. */
static void test_target(void **state)
{
    (void)state;
    static const char *const names[] = {
        "drop_number",
        "review_date",
        "user_name",
        "project",
        "whatsapp_message_date",
        "step_01_property_frontage",
        "step_02_location_before_install",
        "step_03_outside_cable_span",
        "step_04_home_entry_outside",
        "step_05_home_entry_inside",
        "step_06_fibre_entry_to_ont",
        "step_07_patched_labelled_drop",
        "step_08_work_area_completion",
        "step_09_ont_barcode_scan",
        "step_10_ups_serial_number",
        "step_11_powermeter_reading",
        "step_12_powermeter_at_ont",
        "step_13_active_broadband_light",
        "step_14_customer_signature",
        "outstanding_photos_loaded_to_1map",
        "comment",
        "incomplete",
        "completed",
        "feedback_sent",
        "resubmitted",
        "updated_at",
    };
    const struct target *target = op_drops.targets[0];
    assert_null(op_drops.targets[1]);
    assert_string_equal(target->name, "qa_photo_reviews");
    assert_string_equal(target->key, "drop_number");
    size_t count = 0;
    for (; target->columns[count].name != NULL; count++) {
        assert_true(count < COUNT(names));
        assert_string_equal(target->columns[count].name, names[count]);
        bool starts_false = target->columns[count].initial != NULL;
        bool is_false = (count >= 5 && count <= 19) || count == 21 || count == 22;
        assert_int_equal(starts_false, is_false);
    }
    assert_int_equal(count, COUNT(names));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A message that came while memory was short is tried again, never refused. */
static void no_room_is_no_refusal(void **state)
{
    (void)state;
    struct buf text;
    bool passed = false;
    size_t kinds = 0;
    buf_init(&text, &arena, 4096);
    for (int i = 0; i < 200; i++) {
        buf_printf(&text, "DR%08d ", i);
    }
    struct message message = message_of("");
    message.text = buf_str(&text);
    for (size_t limit = 1; !passed; limit += 512) {
        struct arena tight;
        arena_init(&tight, limit);
        env.arena = &tight;
        err = (struct err){0};
        emitted_count = 0;
        state_count = 0;
        passed = apply(&message);
        if (!passed && err.kind != ERR_RETRY) {
            fail_msg("with %zu bytes: %s", limit, err.text);
        }
        kinds |= strstr(err.text, "drops: out of step memory") != NULL ? 1 : 0;
        arena_free(&tight);
    }
    env.arena = &arena;
    assert_int_equal(emitted_count, 200);
    assert_int_equal(kinds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_texts),
        TEST(test_texts_by_regex),
        TEST(test_own_pattern),
        TEST(test_body),
        TEST(test_zone),
        TEST(test_user_name),
        TEST(test_ignored),
        TEST(test_edits),
        TEST(test_edit_brings_the_first_number),
        TEST(test_too_many),
        TEST(test_failing_store_is_passed_on),
        TEST(test_random_texts),
        TEST(test_open_refuses),
        TEST(test_many_projects),
        TEST(test_target),
        TEST(no_room_is_no_refusal),
    };
    return cmocka_run_group_tests_name("domain/drops", tests, NULL, NULL);
}
