/* sink command: what a program gets, what its exit code means, answers, time, what it must not see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "sink/command.h"
#include "sink/one_rig.h"
#include "test.h"

enum { PARCELS_MAX = 4 };

static struct arena arena;
static struct arena opened;
static struct err err;
static struct sink *sink;
static struct parcel parcels[PARCELS_MAX];
static char folder[] = "/tmp/sluice-command-XXXXXX";

static int group_setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int group_teardown(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/out", folder);
    (void)unlink(path);
    return rmdir(folder);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
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

/* The program is `sh -c SCRIPT`, in the test's folder. */
static void sink_up(const char *script, int64_t timeout_ms)
{
    static struct str words[4];
    char line[1024];
    (void)snprintf(line, sizeof line, "cd %s; %s", folder, script);
    words[0] = STR("/bin/sh");
    words[1] = STR("-c");
    words[2] = arena_copy(&arena, str_of(line));
    sink = one_rig_new(&sink_command, "reader", &opened, NULL);
    *(struct str_list *)one_rig_member(sink, "run") = (struct str_list){words, 3};
    *(int64_t *)one_rig_member(sink, "timeout") = timeout_ms;
    *(int64_t *)one_rig_member(sink, "answer_max") = 1000;
    assert_true(one_rig_open(&sink, &err));
}

static void parcel_fill(size_t at, enum record_kind kind, const char *body)
{
    static const char origin[EFFECT_ORIGIN_SIZE] = "an invented origin.";
    parcels[at] = (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("messages"),
                   .generation = 1,
                   .message = (int64_t)at + 7,
                   .origin = {origin, sizeof origin}},
        .target = STR("extractions"),
        .entity = STR("whatsapp:A1/00"),
        .body = str_of(body),
    };
    parcels[at].effect.nth = (int32_t)at;
}

static bool write_them(size_t count)
{
    return sink->type->write(sink, parcels, count, &arena, clock_mono_ms(clock_system()) + 20000,
                             &err);
}

static void exit_codes_are_verdicts(void **context)
{
    static const struct {
        const char *script;
        enum record_kind kind;
        enum verdict verdict;
        const char *why;
        const char *answer;
    } rows[] = {
        {"true", RECORD_ABSOLUTE, VERDICT_DONE, NULL, NULL},
        {"true", RECORD_EFFECT, VERDICT_DONE, NULL, NULL},
        {"echo ' {\"text\":\"a\"} '", RECORD_QUESTION, VERDICT_DONE, NULL, "{\"text\":\"a\"}"},
        {"true", RECORD_QUESTION, VERDICT_REJECT, "the answer is not JSON", NULL},
        {"echo nothing", RECORD_QUESTION, VERDICT_REJECT, "the answer is not JSON", NULL},
        {"exit 75", RECORD_QUESTION, VERDICT_RETRY, "not now", NULL},
        {"exit 3", RECORD_EFFECT, VERDICT_RETRY, "exit code 3", NULL},
        {"kill -9 $$", RECORD_EFFECT, VERDICT_RETRY, "exit code 137", NULL},
        {"exec cat /dev/zero", RECORD_QUESTION, VERDICT_REJECT, "more than 1000 bytes", NULL},
    };
    (void)context;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sink_up(rows[i].script, 10000);
        parcel_fill(0, rows[i].kind, "{\"set\":{}}");
        assert_true(write_them(1));
        assert_int_equal(parcels[0].verdict, rows[i].verdict);
        if (rows[i].why != NULL) {
            assert_true(str_find(parcels[0].why, str_of(rows[i].why), 0) != STR_NONE);
        }
        assert_true(str_equal(parcels[0].answer, str_of(rows[i].answer)));
        one_rig_drop(&sink);
    }
}

static void a_record_arrives_on_standard_input(void **context)
{
    (void)context;
    sink_up("cat", 10000);
    parcel_fill(0, RECORD_QUESTION, "{\"file_path\":\"/a b/$x'\\\"\"}");
    assert_true(write_them(1));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    struct str got = parcels[0].answer;
    assert_true(str_find(got, STR("\"type\":\"extractions\""), 0) != STR_NONE);
    assert_true(str_find(got, STR("\"entity\":\"whatsapp:A1/00\",\"kind\":\"question\""), 0) !=
                STR_NONE);
    assert_true(str_find(got, STR("\"data\":{\"file_path\":\"/a b/$x'\\\"\"}"), 0) != STR_NONE);
    /* The id is the same in the second attempt. */
    struct str first = got;
    parcels[0].attempts = 1;
    parcels[0].verdict = VERDICT_RETRY;
    assert_true(write_them(1));
    assert_true(str_equal(first, parcels[0].answer));
}

static void one_that_hangs_is_ended(void **context)
{
    (void)context;
    sink_up("sleep 60 & wait", 300);
    parcel_fill(0, RECORD_EFFECT, "{\"set\":{}}");
    int64_t begin = clock_mono_ms(clock_system());
    assert_true(write_them(1));
    assert_int_equal(parcels[0].verdict, VERDICT_RETRY);
    assert_true(str_find(parcels[0].why, STR("took too long"), 0) != STR_NONE);
    assert_true(clock_mono_ms(clock_system()) - begin < 10000);
}

static void one_that_is_not_there_loses_nothing(void **context)
{
    static struct str words[] = {STR_INIT("/no/such/program")};
    (void)context;
    sink = one_rig_new(&sink_command, "reader", &opened, NULL);
    *(struct str_list *)one_rig_member(sink, "run") = (struct str_list){words, 1};
    assert_true(one_rig_open(&sink, &err));
    parcel_fill(0, RECORD_EFFECT, "{\"set\":{}}");
    assert_false(write_them(1));
    assert_true(strstr(err.text, "/no/such/program") != NULL);
    one_rig_drop(&sink);
    memset(&err, 0, sizeof err);
    sink = one_rig_new(&sink_command, "reader", &opened, NULL);
    assert_true(one_rig_open(&sink, &err));
    assert_false(write_them(1));
    assert_true(strstr(err.text, "no command is named") != NULL);
}

static void several_are_handed_over_in_order(void **context)
{
    (void)context;
    sink_up("cat >> out; echo >> out; echo 1", 10000);
    for (size_t i = 0; i < PARCELS_MAX; i++) {
        parcel_fill(i, RECORD_EFFECT, "{\"set\":{}}");
    }
    assert_true(write_them(PARCELS_MAX));
    char path[128];
    char line[1024];
    (void)snprintf(path, sizeof path, "%s/out", folder);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t i = 0; i < PARCELS_MAX; i++) {
        char effect[64];
        assert_int_equal(parcels[i].verdict, VERDICT_DONE);
        assert_non_null(fgets(line, sizeof line, file));
        (void)snprintf(effect, sizeof effect, "\"messages/1/%zu/%zu\"", i + 7, i);
        assert_non_null(strstr(line, effect));
    }
    (void)fclose(file);
}

static void our_environment_stays_ours(void **context)
{
    static const struct str_pair pairs[] = {{STR_INIT("MODEL"), STR_INIT("m1")}};
    (void)context;
    assert_int_equal(setenv("PG_URL", "postgresql://app:secret@h/d", 1), 0); /* invented */
    sink_up("printf '{\"pg\":\"%s\",\"model\":\"%s\"}' \"$PG_URL\" \"$MODEL\"", 10000);
    sink->type->connector.close(&sink->connector);
    *(struct str_map *)one_rig_member(sink, "env") = (struct str_map){pairs, 1};
    assert_true(sink->type->connector.open(&sink->connector, &err));
    parcel_fill(0, RECORD_QUESTION, "{}");
    assert_true(write_them(1));
    assert_true(str_equal(parcels[0].answer, STR("{\"pg\":\"\",\"model\":\"m1\"}")));
    (void)unsetenv("PG_URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exit_codes_are_verdicts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_arrives_on_standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_hangs_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_not_there_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(several_are_handed_over_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(our_environment_stays_ours, setup, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
