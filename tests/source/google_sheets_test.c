/* google-sheets: a roster by its headers, versions by change, keys in all looks, what goes wrong.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/google_rig.h"
#include "net/sheets.h"
#include "source/google_sheets.h"
#include "test.h"

static bool started;
static struct arena arena;
static struct arena opened;
static struct source *source;
static char cursor[64];
static char seen[16 * 1024];
static int64_t ahead_ms;
static struct str_pair renames[] = {{STR_INIT("טלפון"), STR_INIT("phone")}};

static int64_t mono_ms(struct clock *clock)
{
    (void)clock;
    return clock_mono_ms(clock_system()) + ahead_ms;
}

static int64_t wall_ms(struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system());
}

static struct clock clock_ahead = {.wall_ms = wall_ms, .mono_ms = mono_ms};

static void *member(const char *name)
{
    const struct option *option = option_find(source_google_sheets.connector.options, str_of(name));
    assert_non_null(option);
    return (char *)source + option->offset;
}

static void drop(void)
{
    if (source != NULL) {
        source_google_sheets.connector.close(&source->connector);
        mem_free(source);
        source = NULL;
    }
}

/* A new instance for a worksheet of the book R. */
static void begin(const char *worksheet, const char *key)
{
    struct err err = {0};
    drop();
    cursor[0] = '\0';
    source = mem_alloc(source_google_sheets.connector.size);
    assert_non_null(source);
    source->type = &source_google_sheets;
    source->connector.name = STR("roster");
    source->connector.env = (struct connector_env){.clock = &clock_ahead, .arena = &opened};
    assert_true(secret_make(member("credentials"), &opened, google_credentials(&arena)));
    *(struct str *)member("spreadsheet") = STR("R");
    *(struct str *)member("worksheet") = str_of(worksheet);
    *(struct str *)member("key") = str_of(key);
    *(struct str *)member("api") = google_api(&opened);
    *(struct str *)member("authorities") = str_of(outside_path(&google, "ca.crt"));
    *(int64_t *)member("header_row") = 1;
    *(int64_t *)member("refresh") = 300000;
    *(int64_t *)member("rate") = SHEETS_RATE_MAX;
    if (!source_google_sheets.connector.open(&source->connector, &err)) {
        fail_msg("%s", err.text);
    }
}

static void note(const char *prefix, struct str text)
{
    size_t len = strlen(seen);
    (void)snprintf(seen + len, sizeof seen - len, "%s%s%.*s", len > 0 ? "|" : "", prefix,
                   STR_ARG(text));
}

static bool look(struct err *err)
{
    struct batch batch;
    struct chat_cursor chat = {.cursor = cursor[0] != '\0' ? str_of(cursor) : (struct str){0}};
    seen[0] = '\0';
    batch_init(&batch, &arena, &chat, 1);
    if (!source_google_sheets.fetch(source, &batch, outside_soon() + ahead_ms, err)) {
        assert_null(batch.snapshot);
        assert_null(chat.next.ptr);
        return false;
    }
    for (size_t i = 0; i < batch.refusal_count; i++) {
        note("!", batch.refusals[i].where);
        note("", batch.refusals[i].why);
    }
    if (batch.snapshot != NULL) {
        assert_str_equal(batch.snapshot->name, STR("roster"));
        for (size_t i = 0; i < batch.snapshot->count; i++) {
            note("", batch.snapshot->rows[i].key);
            note("=", batch.snapshot->rows[i].body);
        }
        (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
    }
    return true;
}

static const char *fetched(void)
{
    struct err err = {0};
    if (!look(&err)) {
        fail_msg("%s", err.text);
    }
    return seen;
}

static const char *failed(enum err_kind kind)
{
    static struct err err;
    err = (struct err){0};
    assert_false(look(&err));
    assert_int_equal(err.kind, kind);
    return err.text;
}

static void later(void)
{
    ahead_ms += 301000;
}

static void rosters(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\" שם\",\"טלפון \",\"שיעור\"],"
               "[\"דנה\",\"972 55-660-2298\",12],[],[\"רון\",556602299,true],"
               "[\"טל\",\"x\",{\"v\":46000,\"shown\":\"09/12/2025\",\"date\":true},0.5]]}");
    begin("main", "טלפון");
    assert_true(source_google_sheets.is_reference(source));
    assert_string_equal(
        fetched(), "!worksheet main line 5|it has more cells than the header|972 55-660-2298|="
                   "{\"שם\":\"דנה\",\"טלפון\":\"972 55-660-2298\",\"שיעור\":\"12\"}|556602299|="
                   "{\"שם\":\"רון\",\"טלפון\":\"556602299\",\"שיעור\":\"TRUE\"}");
    /* Not read again before it is due, and no new version of what is the same. */
    int64_t reads = google_calls(&arena, "read");
    assert_string_equal(fetched(), "");
    assert_string_equal(fetched(), "");
    assert_int_equal(google_calls(&arena, "read"), reads + 1);
    later();
    assert_string_equal(fetched(), "");
    assert_int_equal(google_calls(&arena, "read"), reads + 2);
    /* Columns in another order: other bodies, the same keys. */
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"טלפון\",\"שם\"],"
               "[\"972 55-660-2298\",\"דנה\"]]}");
    later();
    assert_string_equal(fetched(),
                        "972 55-660-2298|={\"טלפון\":\"972 55-660-2298\",\"שם\":\"דנה\"}");
}

/* The same number in its looks is one key; what cannot be one says so. */
static void phones(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[],[\"טלפון\",\"שם\"],"
               "[\"055-660-2298\",\"דנה\"],[556602299,\"רון\"],[\"9.72557E+11\",\"טל\"],"
               "[\"+972 55 660 2298\",\"שוב דנה\"],[\"\",\"אין\"]]}");
    begin("main", "phone");
    *(int64_t *)member("header_row") = 2;
    *(int *)member("key_form") = 1;
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    const char *got = fetched();
    assert_non_null(strstr(got, "972556602298|={\"phone\":\"055-660-2298\",\"שם\":\"דנה\"}|"
                                "972556602299|={\"phone\":\"556602299\",\"שם\":\"רון\"}"));
    assert_non_null(strstr(got, "line 5|its key is no telephone number"));
    assert_non_null(strstr(got, "line 6|its key stands on line 3, too; that row counts"));
    assert_non_null(strstr(got, "line 7|its key is empty"));
    /* Another row that is refused is told, although no key changed. */
    google_ask(
        "edit {\"id\":\"R\",\"title\":\"main\",\"op\":\"insert\",\"row\":8,\"cells\":[\"7\"]}");
    later();
    assert_non_null(strstr(fetched(), "line 8|its key is no telephone number"));
}

static void mistakes(void **state)
{
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(
        "sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"שם\",\"מורה\"],[\"a\",\"b\"]]}");
    begin("main", "טלפון");
    assert_string_equal(failed(ERR_CONFIG), "source roster: worksheet main line 1: there is no "
                                            "column 'טלפון' (option `key`); there are: שם, מורה");
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"שם\",\"טלפון\",\"שם \"]]}");
    assert_non_null(
        strstr(failed(ERR_CONFIG), "'שם' stands there twice, as column 1 and column 3"));
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"שם\",\"טלפון\"]]}");
    assert_non_null(strstr(failed(ERR_RETRY), "has no rows; what was read before stays"));
    *(bool *)member("allow_empty") = true;
    assert_string_equal(fetched(), "");
    assert_true(cursor[0] != '\0'); /* A version without rows. */
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[]}");
    later();
    assert_non_null(strstr(failed(ERR_CONFIG), "row 1 is empty, and should hold the headers"));
    begin("Main", "טלפון");
    assert_non_null(strstr(failed(ERR_CONFIG), "no worksheet 'Main'; it has: 'main'"));
    begin("main", "טלפון");
    google_ask("deny R");
    assert_non_null(strstr(failed(ERR_LOGIN), "not shared with robot@invented-project"));
    google_ask("allow R");
    google_ask("fault {\"on\":\"read\",\"what\":\"half\",\"times\":2}");
    (void)failed(ERR_RETRY);
    google_ask("calm");
    google_ask("stop");
    (void)failed(ERR_RETRY);
    google_ask("start");
    google_ask("sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"טלפון\"],[\"1\"]]}");
    assert_string_equal(fetched(), "1|={\"טלפון\":\"1\"}");
    struct str found = {0};
    assert_true(source_google_sheets.connector.probe(&source->connector, outside_soon() + ahead_ms,
                                                     &found, &err));
    assert_non_null(strstr(found.ptr, "worksheet main: 1 columns, 1 rows, read as robot@"));
}

static void large(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    char path[64];
    (void)snprintf(path, sizeof path, "%s", outside_path(&google, "large.json"));
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail_msg("a file cannot be written");
        return;
    }
    (void)fprintf(file, "sheet {\"id\":\"R\",\"title\":\"main\",\"rows\":[[\"phone\",\"name\"]");
    for (int i = 0; i < 5000; i++) {
        (void)fprintf(file, ",[\"97255%07d\",\"תלמידה %d\"]", i, i);
    }
    (void)fprintf(file, "]}\n");
    (void)fclose(file);
    google_ask("load large.json");
    begin("main", "phone");
    int64_t begun_ms = clock_mono_ms(clock_system());
    struct err err = {0};
    struct batch batch;
    struct chat_cursor chat = {0};
    batch_init(&batch, &arena, &chat, 1);
    assert_true(source_google_sheets.fetch(source, &batch, outside_soon() + ahead_ms, &err));
    assert_int_equal(batch.snapshot->count, 5000);
    assert_true(clock_mono_ms(clock_system()) - begun_ms < 10000);
}

static int group_setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    arena_init(&opened, 4 << 20);
    started = google_start(NULL);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    drop();
    if (started) {
        google_judge(&arena);
        assert_int_equal(google_calls(&arena, "update") + google_calls(&arena, "append"), 0);
    }
    outside_stop(&google);
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rosters),
        cmocka_unit_test(phones),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(large),
    };
    return cmocka_run_group_tests_name("google-sheets source", tests, group_setup, group_teardown);
}
