/* sink email: columns to mails, repeats with one id, verdicts (tests/net/mail_server.py). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "rig/outside.h"
#include "sink/email.h"
#include "sink/one_rig.h"
#include "test.h"
#include "text/json.h"

enum { PARCELS_MAX = 4 };

static struct outside server;
static bool started;
static struct arena arena;
static struct arena opened;
static struct err err;
static struct sink *sink;
static struct parcel parcels[PARCELS_MAX];

static int group_setup(void **state)
{
    static const char *const words[] = {"python3", "tests/net/mail_server.py", "{folder}", NULL};
    (void)state;
    started = outside_start(&server, words, 60);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    outside_stop(&server);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    arena_init(&opened, 1 << 20);
    memset(&err, 0, sizeof err);
    memset(parcels, 0, sizeof parcels);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    one_rig_drop(&sink);
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

static bool sink_up(const char *name, const char *from, const char *password)
{
    static const struct str one[] = {STR_INIT("office@example.org")};
    one_rig_drop(&sink);
    sink = one_rig_new(&sink_email, "post", &opened, NULL);
    *(struct str *)one_rig_member(sink, "server") =
        arena_printf(&opened, "smtps://localhost:%d", outside_port(&server, name));
    *(struct str *)one_rig_member(sink, "user") = STR("desk");
    assert_true(secret_make(one_rig_member(sink, "password"), &opened, str_of(password)));
    *(struct str *)one_rig_member(sink, "from") = str_of(from);
    *(struct str_list *)one_rig_member(sink, "to") = (struct str_list){one, 1};
    *(struct str *)one_rig_member(sink, "authorities") = str_of(outside_path(&server, "ca.crt"));
    *(int64_t *)one_rig_member(sink, "timeout") = 2000;
    return one_rig_open(&sink, &err);
}

static void parcel_set(size_t i, enum record_kind kind, const char *body)
{
    parcels[i] = (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("desk"),
                   .generation = 3,
                   .message = 100 + (int64_t)i,
                   .origin = arena_printf(&arena, "origin-of-20-bytes-%zu", i)},
        .target = STR("mails"),
        .entity = arena_printf(&arena, "M-%zu", i),
        .body = str_of(body),
    };
}

static bool write_all(size_t count)
{
    return sink_email.write(sink, parcels, count, &arena, clock_mono_ms(clock_system()) + 8000,
                            &err);
}

/* The n-th mail that the server took, from the end. */
static const struct json_value *taken(size_t from_end)
{
    struct str text = {0};
    struct str lines[64];
    size_t count = 0;
    const struct json_value *root = NULL;
    assert_true(file_read(&arena, str_of(outside_path(&server, "mails")), 8 << 20, &text, &err));
    while (count < COUNT(lines) && str_split(&text, '\n', &lines[count])) {
        count += lines[count].len > 0;
    }
    assert_true(from_end < count);
    assert_true(json_parse(&arena, lines[count - 1 - from_end], NULL, &root, &err));
    return root;
}

static void mails(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("smtps", "desk@example.org", "secret")); /* invented */
    parcel_set(0, RECORD_EFFECT,
               "{\"set\":{\"to\":\"a@example.org, b@example.org\",\"subject\":\"שיעור\"},"
               "\"insert\":{\"text\":\"שלום\"}}");
    parcel_set(1, RECORD_EFFECT, "{\"set\":{\"subject\":\"To the office\"}}");
    parcel_set(2, RECORD_EFFECT, "{\"set\":{\"to\":[\"c@example.org\"],\"text\":\"x\"}}");
    assert_true(write_all(3));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(parcels[i].verdict, VERDICT_DONE);
    }
    const struct json_value *first = taken(2);
    assert_str_equal(json_str(json_get(first, STR("subject"))), STR("שיעור"));
    assert_str_equal(json_str(json_get(first, STR("text"))), STR("שלום"));
    assert_str_equal(json_str(json_find(first, STR("to/1"))), STR("b@example.org"));
    assert_str_equal(json_str(json_find(taken(1), STR("to/0"))), STR("office@example.org"));
    assert_str_equal(json_str(json_find(taken(0), STR("to/0"))), STR("c@example.org"));

    /* A repeat is the same mail for whoever looks at its id; another store gives it the same. */
    struct str id = json_str(json_get(first, STR("id")));
    assert_false(str_equal(id, json_str(json_get(taken(1), STR("id")))));
    parcels[0].effect.generation = 9;
    parcels[0].effect.message = 7;
    assert_true(write_all(1));
    assert_str_equal(json_str(json_get(taken(0), STR("id"))), id);
}

static void verdicts(void **state)
{
    static const struct {
        const char *body;
        enum record_kind kind;
        enum verdict verdict;
        const char *why;
    } cases[] = {
        {"{\"set\":{\"to\":\"gone@example.org\",\"text\":\"x\"}}", RECORD_EFFECT, VERDICT_REJECT,
         "550"},
        {"{\"set\":{\"to\":\"full@example.org\",\"text\":\"x\"}}", RECORD_EFFECT, VERDICT_RETRY,
         "452"},
        {"{\"set\":{\"to\":\"later@example.org\",\"text\":\"x\"}}", RECORD_EFFECT, VERDICT_RETRY,
         "451"},
        {"{\"set\":{\"to\":\"cut@example.org\",\"text\":\"x\"}}", RECORD_EFFECT, VERDICT_RETRY, ""},
        {"{\"set\":{\"to\":\"a@example.org\\r\\nBcc: b@example.org\",\"text\":\"x\"}}",
         RECORD_EFFECT, VERDICT_REJECT, "mail address"},
        {"{\"set\":{\"subject\":\"a\\nBcc: b@example.org\"}}", RECORD_EFFECT, VERDICT_REJECT,
         "subject"},
        {"{\"set\":{\"to\":\"a@example.org\"}}", RECORD_EFFECT, VERDICT_REJECT, "neither"},
        {"{\"set\":{\"text\":\"x\"}}", RECORD_QUESTION, VERDICT_REJECT, "question"},
        {"no json", RECORD_EFFECT, VERDICT_REJECT, "body"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("smtps", "desk@example.org", "secret")); /* invented */
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(&err, 0, sizeof err);
        parcel_set(0, cases[i].kind, cases[i].body);
        parcel_set(1, RECORD_EFFECT, "{\"set\":{\"text\":\"the next one\"}}");
        struct err why = {0};
        bool fine = sink->type->check(sink, &parcels[0], &arena, &why);
        assert_true(fine || cases[i].verdict == VERDICT_REJECT);
        if (!write_all(2) || parcels[0].verdict != cases[i].verdict ||
            strstr(parcels[0].why.ptr, cases[i].why) == NULL) {
            fail_msg("%s: %d %s %s", cases[i].body, (int)parcels[0].verdict,
                     parcels[0].why.ptr != NULL ? parcels[0].why.ptr : "", err.text);
        }
        assert_int_equal(parcels[1].verdict, VERDICT_DONE);
    }
}

static void nobody_there(void **state)
{
    static const struct {
        const char *server;
        const char *password;
        enum err_kind kind;
    } cases[] = {
        {"smtps", "wrong", ERR_LOGIN}, /* invented */
        {"expired", "secret", ERR_RETRY},
        {"silent", "secret", ERR_RETRY},
    };
    struct str found = {0};
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(&err, 0, sizeof err);
        assert_true(sink_up(cases[i].server, "desk@example.org", cases[i].password));
        parcel_set(0, RECORD_EFFECT, "{\"set\":{\"text\":\"x\"}}");
        assert_false(write_all(1));
        assert_int_equal(err.kind, cases[i].kind);
        assert_false(sink_email.connector.probe(
            &sink->connector, clock_mono_ms(clock_system()) + 2000, &found, &err));
    }
    assert_true(sink_up("smtps", "desk@example.org", "secret")); /* invented */
    assert_true(sink_email.connector.probe(&sink->connector, clock_mono_ms(clock_system()) + 5000,
                                           &found, &err));
    assert_non_null(strstr(found.ptr, "the login is right"));
    assert_false(sink_up("smtps", "Desk <desk@example.org>", "secret")); /* invented */
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mails, setup, teardown),
        cmocka_unit_test_setup_teardown(verdicts, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
