/* sink http: signed requests, repeats, verdicts by status, answers, a service that goes away. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rig/outside.h"
#include "sink/http.h"
#include "sink/one_rig.h"
#include "test.h"
#include "text/json.h"

enum { PARCELS_MAX = 8 };

/* What servers.py signs with, as a receiver would hand it out. */
#define SECRET "whsec_YW4gaW52ZW50ZWQga2V5IG9mIDMyIGJ5dGVzIGhlcmU=" /* invented */

static struct outside servers;
static bool started;
static struct arena arena;
static struct arena opened;
static struct err err;
static struct sink *sink;
static struct parcel parcels[PARCELS_MAX];

static int group_setup(void **state)
{
    static const char *const words[] = {
        "python3", "tests/net/servers.py", "{folder}", "rsa", "expired", "silent", NULL};
    (void)state;
    started = outside_start(&servers, words, 60);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    outside_stop(&servers);
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

static bool sink_up(const char *server, const char *path, const char *secret, int64_t timeout_ms)
{
    one_rig_drop(&sink);
    sink = one_rig_new(&sink_http, "hook", &opened, NULL);
    *(struct str *)one_rig_member(sink, "url") =
        server == NULL
            ? str_of(path)
            : arena_printf(&opened, "https://localhost:%d%s", outside_port(&servers, server), path);
    if (secret != NULL) {
        assert_true(secret_make(one_rig_member(sink, "secret"), &opened, str_of(secret)));
    }
    *(struct str *)one_rig_member(sink, "authorities") = str_of(outside_path(&servers, "ca.crt"));
    *(int64_t *)one_rig_member(sink, "timeout") = timeout_ms;
    *(int64_t *)one_rig_member(sink, "answer_max") = 65536;
    return one_rig_open(&sink, &err);
}

static void fill(size_t count, enum record_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i] = (struct parcel){
            .kind = kind,
            .effect = {.pipeline = STR("desk"),
                       .generation = 3,
                       .message = 100 + (int64_t)i,
                       .origin = arena_printf(&arena, "origin-of-20-bytes-%zu", i)},
            .target = STR("bookings"),
            .entity = arena_printf(&arena, "B-%zu", i),
            .body = STR("{\"set\":{\"city\":\"חיפה\",\"n\":1}}"),
        };
    }
}

static bool write_all(size_t count, int64_t patience_ms)
{
    return sink_http.write(sink, parcels, count, &arena,
                           clock_mono_ms(clock_system()) + patience_ms, &err);
}

static void requests_are_signed(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("rsa", "/signed", SECRET, 5000));
    fill(2, RECORD_EFFECT);
    assert_true(write_all(2, 10000));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_DONE);
    assert_true(sink_up("rsa", "/signed", "another key, of which nobody knows", 5000));
    assert_false(write_all(2, 10000)); /* Refused for want of a signature: a person must act. */
    assert_int_equal(err.kind, ERR_LOGIN);
}

/* A repeat has the same id and the same bytes; other records have others. */
static void repeats_are_known(void **state)
{
    const struct json_value *root = NULL;
    const struct json_value *body = NULL;
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("rsa", "/hook", NULL, 5000));
    fill(2, RECORD_QUESTION);
    assert_true(write_all(2, 10000));
    assert_str_equal(parcels[0].answer, STR("{\"again\": false}"));
    assert_str_equal(parcels[1].answer, STR("{\"again\": false}"));
    fill(2, RECORD_QUESTION);
    parcels[0].effect.generation = 9; /* A store that was lost and filled again. */
    parcels[0].effect.message = 7;
    assert_true(write_all(2, 10000));
    assert_str_equal(parcels[0].answer, STR("{\"again\": true}"));
    assert_str_equal(parcels[1].answer, STR("{\"again\": true}"));

    assert_true(sink_up("rsa", "/echo", NULL, 5000));
    fill(1, RECORD_QUESTION);
    assert_true(write_all(1, 10000));
    assert_true(json_parse(&arena, parcels[0].answer, NULL, &root, &err));
    assert_str_equal(json_str(json_find(root, STR("headers/content-type"))),
                     STR("application/json"));
    assert_str_equal(json_str(json_find(root, STR("headers/idempotency-key"))),
                     json_str(json_find(root, STR("headers/webhook-id"))));
    assert_null(json_str(json_find(root, STR("headers/webhook-signature"))).ptr);
    assert_true(json_parse(&arena, json_str(json_find(root, STR("body"))), NULL, &body, &err));
    assert_str_equal(json_str(json_find(body, STR("type"))), STR("bookings"));
    assert_str_equal(json_str(json_find(body, STR("entity"))), STR("B-0"));
    assert_str_equal(json_str(json_find(body, STR("effect"))), STR("desk/3/100/0"));
    assert_str_equal(json_str(json_find(body, STR("data/set/city"))), STR("חיפה"));
}

static void verdicts(void **state)
{
    static const struct {
        const char *path;
        bool told;          /* What write() returns. */
        enum verdict first; /* When told. */
        enum verdict second;
        enum err_kind kind; /* When not. */
        int64_t retry_after_ms;
    } cases[] = {
        {"/ok", true, VERDICT_DONE, VERDICT_DONE, ERR_NONE, 0},
        {"/status/204", true, VERDICT_DONE, VERDICT_DONE, ERR_NONE, 0},
        {"/status/400", true, VERDICT_REJECT, VERDICT_REJECT, ERR_NONE, 0},
        {"/status/422", true, VERDICT_REJECT, VERDICT_REJECT, ERR_NONE, 0},
        {"/status/500", true, VERDICT_RETRY, VERDICT_RETRY, ERR_NONE, 0},
        {"/status/500/9", true, VERDICT_RETRY, VERDICT_RETRY, ERR_NONE, 9000},
        {"/status/429/7", false, VERDICT_RETRY, VERDICT_RETRY, ERR_RETRY, 7000},
        {"/status/503", false, VERDICT_RETRY, VERDICT_RETRY, ERR_RETRY, 0},
        {"/status/401", false, VERDICT_RETRY, VERDICT_RETRY, ERR_LOGIN, 0},
        {"/status/404", false, VERDICT_RETRY, VERDICT_RETRY, ERR_CONFIG, 0},
        {"/status/301", false, VERDICT_RETRY, VERDICT_RETRY, ERR_CONFIG, 0},
        {"/cut", true, VERDICT_RETRY, VERDICT_UNTRIED, ERR_NONE, 0},
        {"/mute", true, VERDICT_RETRY, VERDICT_UNTRIED, ERR_NONE, 0},
        {"/flaky/503/0/a", true, VERDICT_DONE, VERDICT_DONE, ERR_NONE, 0},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(&err, 0, sizeof err);
        assert_true(sink_up("rsa", cases[i].path, SECRET, 700));
        fill(2, RECORD_EFFECT);
        bool told = write_all(2, 5000);
        if (told != cases[i].told ||
            (told &&
             (parcels[0].verdict != cases[i].first || parcels[1].verdict != cases[i].second)) ||
            (!told &&
             (err.kind != cases[i].kind || err.retry_after_ms != cases[i].retry_after_ms))) {
            fail_msg("%s: %d, %d and %d, %s %s", cases[i].path, told, (int)parcels[0].verdict,
                     (int)parcels[1].verdict, err_kind_name(err.kind), err.text);
        }
        if (told && parcels[0].verdict != VERDICT_DONE) {
            assert_true(parcels[0].why.len > 0);
            assert_int_equal(parcels[0].retry_after_ms, cases[i].retry_after_ms);
        }
    }
}

/* In the middle of a batch the service goes away: what is done is done, the rest was not tried. */
static void going_away(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("rsa", "/ok", SECRET, 5000));
    fill(3, RECORD_EFFECT);
    parcels[1].body = STR("not json");
    assert_true(write_all(3, 10000));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_REJECT);
    assert_int_equal(parcels[2].verdict, VERDICT_DONE);

    assert_true(sink_up(NULL, "https://localhost:1/hook", SECRET, 700));
    fill(2, RECORD_EFFECT);
    assert_false(write_all(2, 5000));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "nobody answers"));
    assert_true(sink_up("expired", "/ok", SECRET, 5000));
    assert_false(write_all(2, 5000));
    assert_non_null(strstr(err.text, "expired on 2025-01-01"));
    assert_true(sink_up("silent", "/ok", SECRET, 400));
    assert_false(write_all(2, 5000));

    /* The time is over after some: the rest comes again at once. */
    assert_true(sink_up("rsa", "/ok", SECRET, 20000));
    fill(8, RECORD_EFFECT);
    assert_true(
        write_all(8, 5000)); /* Less than half of a request's time is left from the start. */
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_UNTRIED);
}

static void questions_want_json(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    assert_true(sink_up("rsa", "/ok", SECRET, 5000));
    fill(1, RECORD_QUESTION);
    assert_true(write_all(1, 10000));
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_non_null(strstr(parcels[0].why.ptr, "not JSON"));
}

static void opening(void **state)
{
    struct str found = {0};
    (void)state;
    if (!started) {
        skip();
    }
    assert_false(sink_up(NULL, "hook.example/x", SECRET, 700));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(sink_up(NULL, "https://hook.example/x", "short", 700));
    assert_non_null(strstr(err.text, "16"));
    assert_false(sink_up(NULL, "https://hook.example/x", "whsec_%%%", 700));
    assert_non_null(strstr(err.text, "base64"));
    assert_true(sink_up("rsa", "/ok", NULL, 5000));
    assert_true(sink_http.connector.probe(&sink->connector, clock_mono_ms(clock_system()) + 5000,
                                          &found, &err));
    assert_non_null(strstr(found.ptr, "not signed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(repeats_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(verdicts, setup, teardown),
        cmocka_unit_test_setup_teardown(going_away, setup, teardown),
        cmocka_unit_test_setup_teardown(questions_want_json, setup, teardown),
        cmocka_unit_test_setup_teardown(opening, setup, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
