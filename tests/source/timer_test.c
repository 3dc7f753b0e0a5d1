/* timer: ticks that are neither lost nor repeated; changed clocks, misfires, wrong options. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "source/timer.h"
#include "test.h"
#include "text/datetime.h"
#include "text/duration.h"

static struct arena arena;
static struct arena opened;
static int64_t wall_ms;
static struct source *source;
static char cursor[64];
static bool has_cursor;
static char seen[4096];

static int64_t fake_wall(struct clock *clock)
{
    (void)clock;
    return wall_ms;
}

static struct clock clock_fake = {.wall_ms = fake_wall, .mono_ms = fake_wall};

static int64_t at(const char *iso)
{
    struct err err = {0};
    int64_t ms = 0;
    if (!datetime_parse_iso_ms(str_of(iso), &ms, &err)) {
        fail_msg("%s: %s", iso, err.text);
    }
    return ms;
}

static void set(const char *name, const char *text)
{
    struct err err = {0};
    const struct option *option = source_timer.connector.options;
    while (strcmp(option->name, name) != 0) {
        option++;
    }
    void *to = (char *)source + option->offset;
    if (option->type == OPTION_TYPE_DURATION) {
        assert_true(duration_parse(str_of(text), to, &err));
    } else if (option->type == OPTION_TYPE_CHOICE) {
        int choice = 0;
        while (strcmp(option->choices[choice], text) != 0) {
            choice++;
        }
        *(int *)to = choice;
    } else {
        *(struct str *)to = str_of(text);
    }
}

/* `options` is "name=text|name=text". */
static bool make(const char *options, struct err *err)
{
    static char copy[256];
    mem_free(source);
    source = mem_alloc(source_timer.connector.size);
    assert_non_null(source);
    source->type = &source_timer;
    source->connector.name = STR("clock");
    source->connector.env = (struct connector_env){.clock = &clock_fake, .arena = &opened};
    set("zone", "Asia/Jerusalem");
    (void)snprintf(copy, sizeof copy, "%s", options);
    for (char *name = copy; name != NULL && *name != '\0';) {
        char *next = strchr(name, '|');
        char *text = strchr(name, '=');
        if (next != NULL) {
            *next++ = '\0';
        }
        *text = '\0';
        set(name, text + 1);
        name = next;
    }
    return source_timer.connector.open(&source->connector, err);
}

static void begin(const char *options)
{
    struct err err = {0};
    has_cursor = false;
    if (!make(options, &err)) {
        fail_msg("%s", err.text);
    }
}

/* The ticks that come at a moment, as "03-27T00:00 …". */
static const char *ticks_at(const char *iso)
{
    bool more = true;
    seen[0] = '\0';
    wall_ms = at(iso);
    while (more) {
        struct err err = {0};
        struct batch batch;
        struct chat_cursor chat = {.cursor = has_cursor ? str_of(cursor) : (struct str){0}};
        arena_reset(&arena);
        batch_init(&batch, &arena, &chat, 1);
        batch.limit = 2;
        assert_true(source_timer.fetch(source, &batch, INT64_MAX, &err));
        for (size_t i = 0; i < batch.count; i++) {
            const struct message *message = &batch.messages[i];
            size_t len = strlen(seen);
            assert_int_equal(message->kind, MESSAGE_TICK);
            assert_str_equal(message->chat, STR("ticks"));
            assert_str_equal(message->external_id, message->text);
            assert_int_equal(at(message->text.ptr), message->sent_ms);
            (void)snprintf(seen + len, sizeof seen - len, "%s%.*s", len > 0 ? " " : "",
                           STR_ARG(str_slice(message->text, 5, 16)));
        }
        if (chat.next.ptr != NULL) {
            (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
            has_cursor = true;
        }
        more = batch.more;
    }
    return seen;
}

static void test_every(void **state)
{
    (void)state;
    begin("every=10m");
    assert_string_equal(ticks_at("2026-01-05T08:03:00Z"), "01-05T08:03");
    assert_false(source_timer.changed(source));
    assert_string_equal(ticks_at("2026-01-05T08:12:59Z"), "");
    wall_ms = at("2026-01-05T08:13:00Z");
    assert_true(source_timer.changed(source));
    assert_string_equal(ticks_at("2026-01-05T08:13:01Z"), "01-05T08:13"); /* It does not drift. */
    assert_string_equal(ticks_at("2026-01-05T08:13:02Z"), "");
    struct err err = {0};
    assert_true(make("every=10m", &err)); /* A restart. */
    assert_string_equal(ticks_at("2026-01-05T08:14:00Z"), "");
    assert_string_equal(ticks_at("2026-01-05T09:05:00Z"), "01-05T09:03"); /* One for all. */
}

static void test_misfires(void **state)
{
    (void)state;
    begin("every=10m|misfire=all");
    (void)ticks_at("2026-01-05T08:00:00Z");
    assert_string_equal(ticks_at("2026-01-05T08:30:00Z"), "01-05T08:10 01-05T08:20 01-05T08:30");
    assert_string_equal(ticks_at("2026-01-06T08:35:00Z"), "01-06T08:30"); /* Too many for each. */
    begin("every=10m|misfire=skip");
    (void)ticks_at("2026-01-05T08:00:00Z");
    assert_string_equal(ticks_at("2026-01-05T08:35:00Z"), "");
    assert_string_equal(ticks_at("2026-01-05T08:40:00Z"), "01-05T08:40");
}

static void test_cron(void **state)
{
    (void)state;
    begin("cron=30 2 * * *"); /* 02:30 does not exist on 27 March 2026 in Jerusalem. */
    assert_string_equal(ticks_at("2026-03-25T12:00:00Z"), "");
    assert_string_equal(ticks_at("2026-03-26T00:30:00Z"), "03-26T00:30");
    assert_string_equal(ticks_at("2026-03-26T23:59:59Z"), "");
    assert_string_equal(ticks_at("2026-03-27T00:00:00Z"), "03-27T00:00"); /* Right after the gap. */
    assert_string_equal(ticks_at("2026-03-28T12:00:00Z"), "03-27T23:30");
    begin("cron=30 1 * * *"); /* 01:30 comes twice on 25 October 2026. */
    (void)ticks_at("2026-10-24T12:00:00Z");
    assert_string_equal(ticks_at("2026-10-24T22:30:00Z"), "10-24T22:30");
    assert_string_equal(ticks_at("2026-10-25T20:00:00Z"), "");
}

static void test_since(void **state)
{
    (void)state;
    begin("every=1h|since=2026-01-05T08:00|misfire=all"); /* On the wall in Jerusalem. */
    assert_string_equal(ticks_at("2026-01-05T05:59:00Z"), "");
    assert_false(source_timer.changed(source));
    assert_string_equal(ticks_at("2026-01-05T08:10:00Z"), "01-05T06:00 01-05T07:00 01-05T08:00");
    begin("cron=0 8 * * *|since=2026-01-05|misfire=all");
    assert_string_equal(ticks_at("2026-01-06T08:10:00Z"), "01-05T06:00 01-06T06:00");
}

/* A wall clock that is put back a little: wait for it, and repeat nothing. */
static void test_clock_put_back(void **state)
{
    (void)state;
    begin("every=10m");
    (void)ticks_at("2026-01-05T08:00:00Z");
    assert_string_equal(ticks_at("2026-01-05T07:55:00Z"), "");
    assert_string_equal(ticks_at("2026-01-05T08:10:00Z"), "01-05T08:10");
}

struct wrong_case {
    const char *options;
    const char *text;
};

static const struct wrong_case wrong[] = {
    {"misfire=all", "source clock: write exactly one of `every` and `cron`"},
    {"every=1h|cron=0 8 * * *", "source clock: write exactly one of `every` and `cron`"},
    {"every=10ms", "source clock: option `every`: at least one second"},
    {"cron=0 8 31 2 *",
     "source clock: option `cron`: '0 8 31 2 *' never comes: there is no such date"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct err err = {0};
        assert_false(make(wrong[i].options, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_string_equal(err.text, wrong[i].text);
    }
    struct err err = {0};
    assert_false(make("every=1h|since=yesterday", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(make("every=1h|zone=Asia/Jerusalme", &err));
    assert_non_null(strstr(err.text, "Asia/Jerusalem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every),          cmocka_unit_test(test_misfires),
        cmocka_unit_test(test_cron),           cmocka_unit_test(test_since),
        cmocka_unit_test(test_clock_put_back), cmocka_unit_test(test_wrong),
    };
    arena_init(&arena, 1 << 20);
    arena_init(&opened, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mem_free(source);
    arena_free(&arena);
    arena_free(&opened);
    return failed;
}
