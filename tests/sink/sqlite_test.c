/* sink sqlite: made and adopted tables, exactly once, refusals, locks, crashes, altered files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/sqlite.h"
#include "sink/sqlite.h"
#include "test.h"

enum { BATCH = 600 };

static struct arena arena;  /* Of a step. */
static struct arena opened; /* From open to close. */
static struct err err;
static char home[64];
static char path[128];
static struct sink *sink;
static struct parcel parcels[BATCH];

/* A clock that stands still, or runs by a step at each look. */
static int64_t mono_ms;
static int64_t mono_step_ms;
static int exit_at_look; /* Die at this look; 0 for never. */

static int64_t fake_mono(struct clock *clock)
{
    (void)clock;
    if (exit_at_look == 1) {
        _exit(9);
    }
    exit_at_look -= exit_at_look > 0 ? 1 : 0;
    mono_ms += mono_step_ms;
    return mono_ms;
}

static int64_t fake_wall(struct clock *clock)
{
    (void)clock;
    return 1765306302998;
}

static struct clock clock_fake = {.wall_ms = fake_wall, .mono_ms = fake_mono};

static const struct column review_columns[] = {
    {"drop_number", COLUMN_TEXT, true, NULL, ""},
    {"user_name", COLUMN_TEXT, false, NULL, ""},
    {"step_01", COLUMN_BOOL, false, "false", ""},
    {"comment", COLUMN_TEXT, false, NULL, ""},
    {"incomplete", COLUMN_BOOL, false, "false", ""},
    {"feedback_sent", COLUMN_TIME, false, NULL, ""},
    {"resubmitted", COLUMN_BOOL, false, NULL, ""},
    {0},
};
static const char *const review_indexes[] = {"user_name", NULL};
static const struct target reviews = {
    .name = "reviews", .key = "drop_number", .columns = review_columns, .indexes = review_indexes};

static const struct column student_columns[] = {
    {"uniq_id", COLUMN_TEXT, true, NULL, ""},
    {"name", COLUMN_TEXT, false, "\"it's new\"", ""},
    {"practice_count", COLUMN_INT, false, "7", ""},
    {"score", COLUMN_DOUBLE, false, NULL, ""},
    {"lessons", COLUMN_JSON, false, "[]", ""},
    {"paid", COLUMN_BOOL, false, "null", ""},
    {"day", COLUMN_DATE, false, NULL, ""},
    {0},
};
static const struct target students = {
    .name = "students", .key = "uniq_id", .columns = student_columns};
static const struct target *const targets[] = {&reviews, &students, NULL};

static const char first_body[] =
    "{\"insert\":{\"drop_number\":\"%s\",\"user_name\":\"dana\",\"comment\":\"new\"},"
    "\"update\":{\"incomplete\":false,\"feedback_sent\":null,\"resubmitted\":true},"
    "\"append\":{\"comment\":\"\\n--- again\"}}";

static void sink_up(void)
{
    sink = mem_alloc(sink_sqlite.connector.size);
    assert_non_null(sink);
    sink->type = &sink_sqlite;
    sink->connector.name = STR("records");
    sink->connector.env = (struct connector_env){
        .clock = &clock_fake,
        .arena = &opened,
        .data_dir = str_of(home),
        .targets = targets,
    };
    assert_true(sink_sqlite.connector.open(&sink->connector, &err));
}

static void sink_down(void)
{
    if (sink != NULL) {
        sink_sqlite.connector.close(&sink->connector);
        mem_free(sink);
        sink = NULL;
    }
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 32 << 20);
    arena_init(&opened, 1 << 20);
    memset(&err, 0, sizeof err);
    memset(parcels, 0, sizeof parcels);
    mono_ms = 1000;
    mono_step_ms = 0;
    exit_at_look = 0;
    (void)snprintf(home, sizeof home, "/tmp/sluice-sink-XXXXXX");
    assert_non_null(mkdtemp(home));
    (void)snprintf(path, sizeof path, "%s/records.db", home);
    sink_up();
    return 0;
}

static void remove_file(const char *suffix)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    (void)unlink(name);
}

static int teardown(void **state)
{
    (void)state;
    sink_down();
    remove_file("");
    remove_file("-wal");
    remove_file("-shm");
    remove_file("-journal");
    assert_int_equal(rmdir(home), 0); /* Nothing else was left behind. */
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

/* Run SQL as another program would. */
static void outside(const char *sql)
{
    struct sqlite *db = NULL;
    struct err why = {0};
    struct sqlite_options options = {.create = true};
    if (!sqlite_open(&db, str_of(path), &options, &why) || !sqlite_exec(db, sql, &why)) {
        fail_msg("%s", why.text);
    }
    sqlite_close(db);
}

/* The first column of the only row, as text. */
static struct str answer(const char *sql)
{
    struct sqlite *db = NULL;
    struct err why = {0};
    bool row = false;
    struct sqlite_options options = {0};
    assert_true(sqlite_open(&db, str_of(path), &options, &why));
    struct query *query = sqlite_query(db, sql, &why);
    if (query == NULL || !query_step(query, &row, &why)) {
        fail_msg("%s", why.text);
    }
    struct str text = row ? arena_copy(&arena, query_text(query, 0)) : STR("no row");
    text = text.ptr != NULL ? text : STR("NULL");
    if (row) {
        query_end(query);
    }
    sqlite_close(db);
    return text;
}

#define assert_answer(sql, text) assert_str_equal(answer(sql), STR(text))

static struct parcel *put(size_t at, enum record_kind kind, const char *target, const char *entity,
                          int64_t message, const char *body)
{
    parcels[at] = (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("drops"),
                   .generation = 1,
                   .message = message,
                   .origin = arena_printf(&arena, "message %012lld", (long long)message)},
        .target = str_of(target),
        .entity = arena_copy(&arena, str_of(entity)),
        .body = arena_copy(&arena, str_of(body)),
    };
    return &parcels[at];
}

/* A sighting of a drop, as the drops domain writes it. */
static struct parcel *sight(size_t at, const char *drop, int64_t message)
{
    char body[512];
    (void)snprintf(body, sizeof body, first_body, drop);
    return put(at, RECORD_EFFECT, "reviews", drop, message, body);
}

static bool write_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        parcels[i].verdict = VERDICT_RETRY;
    }
    memset(&err, 0, sizeof err);
    return sink_sqlite.write(sink, parcels, count, &arena, mono_ms + 60000, &err);
}

static void assert_written(size_t count)
{
    if (!write_all(count)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict != VERDICT_DONE) {
            fail_msg("parcel %zu: verdict %d: %.*s", i, parcels[i].verdict,
                     STR_ARG(parcels[i].why));
        }
    }
}

static void assert_contains(struct str text, const char *what)
{
    if (str_find(text, str_of(what), 0) == STR_NONE) {
        fail_msg("\"%.*s\" does not hold \"%s\"", STR_ARG(text), what);
    }
}

/* Made tables. */

static void test_makes_file_and_tables(void **state)
{
    (void)state;
    struct stat file;
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_answer("PRAGMA journal_mode", "wal");
    assert_answer("SELECT group_concat(name||' '||type||' '||\"notnull\"||' '||"
                  "ifnull(dflt_value,'-')) FROM pragma_table_info('reviews')",
                  "id INTEGER 0 -,drop_number TEXT 1 -,user_name TEXT 0 -,step_01 BOOLEAN 0 0,"
                  "comment TEXT 0 -,incomplete BOOLEAN 0 0,feedback_sent TEXT 0 -,"
                  "resubmitted BOOLEAN 0 -");
    assert_answer("SELECT group_concat(name||' '||\"unique\") FROM pragma_index_list('reviews')",
                  "reviews_user_name_index 0,reviews_drop_number_key 1");
    assert_answer("SELECT id||drop_number||user_name||step_01||comment||incomplete||"
                  "ifnull(feedback_sent,'-')||ifnull(resubmitted,'-') FROM reviews",
                  "1DR00000001dana0new0--");
    assert_answer("SELECT effect FROM sluice_effect_names", "drops/1/1/0");
    assert_answer("SELECT applied_at FROM sluice_effects", "1765306302998");
}

static void test_resubmission(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    sight(1, "DR00000002", 1)->effect.nth = 1;
    assert_written(2);
    outside("UPDATE reviews SET incomplete=1, feedback_sent='x', step_01=1");
    (void)sight(0, "DR00000001", 2);
    assert_written(1);
    assert_answer("SELECT comment||incomplete||ifnull(feedback_sent,'-')||resubmitted||step_01 "
                  "FROM reviews WHERE drop_number='DR00000001'",
                  "new\n--- again0-11");
    assert_answer("SELECT comment||incomplete||feedback_sent||ifnull(resubmitted,'-')||step_01 "
                  "FROM reviews WHERE drop_number='DR00000002'",
                  "new1x-1");
}

static void test_same_effect_changes_nothing(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    (void)sight(1, "DR00000002", 2);
    assert_written(2);
    (void)sight(2, "DR00000001", 3);
    for (int again = 0; again < 3; again++) {
        assert_written(3);
    }
    sink_down();
    sink_up();
    assert_written(3);
    assert_answer("SELECT group_concat(comment,'|') FROM reviews", "new\n--- again|new");
    assert_answer("SELECT count(*) FROM sluice_effects", "3");
}

/* Pipeline, origin and place tell an effect from others. */
static void test_effects_differ(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    sight(1, "DR00000002", 1)->effect.nth = 1;
    sight(2, "DR00000004", 1)->effect.pipeline = STR("drops2");
    (void)sight(3, "DR00000005", 2);
    assert_written(4);
    assert_answer("SELECT count(*) FROM reviews", "4");
}

/* Another store archives the same message under another number, and another one under the same. */
static void test_effects_of_another_store(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    struct parcel *again = sight(0, "DR00000001", 1);
    again->effect.generation = 2;
    again->effect.message = 77;
    assert_written(1);
    assert_answer("SELECT group_concat(comment,'|') FROM reviews", "new");
    sight(0, "DR00000002", 1)->effect.origin = STR("another message here");
    assert_written(1);
    assert_answer("SELECT count(*) FROM reviews", "2");
}

/* Killed after the commit, or in the middle of the transaction: repeated, it comes out the same. */
static void test_crash(void **state)
{
    (void)state;
    for (int look = 1; look < 12; look++) {
        for (size_t i = 0; i < BATCH; i++) {
            char drop[16];
            (void)snprintf(drop, sizeof drop, "DR%08zu", i % (BATCH / 2));
            (void)sight(i, drop, (int64_t)i);
        }
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            exit_at_look = look;
            (void)write_all(BATCH);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_written(BATCH);
        assert_answer("SELECT count(*)||' '||count(DISTINCT drop_number)||' '||"
                      "sum(comment=char(110,101,119,10)||'--- again') FROM reviews",
                      "300 300 300");
        assert_answer("SELECT count(*) FROM sluice_effects", "600");
        sink_down();
        remove_file("");
        remove_file("-wal");
        remove_file("-shm");
        sink_up();
    }
}

/* Adopted tables. */

static void test_adopts_rows(void **state)
{
    (void)state;
    outside("CREATE TABLE Reviews(DROP_NUMBER TEXT PRIMARY KEY, User_Name TEXT, step_01 INT,"
            "comment TEXT, incomplete INT, feedback_sent TEXT, resubmitted INT, notes TEXT, "
            "owner TEXT NOT NULL DEFAULT 'qa', twice TEXT AS (notes||notes)) STRICT;"
            "INSERT INTO reviews VALUES('DR00000001','them',1,NULL,1,'sent',0,'keep','x');");
    (void)sight(0, "DR00000001", 1);
    (void)sight(1, "DR00000002", 2);
    assert_written(2);
    assert_answer("SELECT user_name||step_01||comment||incomplete||ifnull(feedback_sent,'-')||"
                  "resubmitted||notes||owner||twice FROM reviews WHERE drop_number='DR00000001'",
                  "them1\n--- again0-1keepxkeepkeep");
    assert_answer("SELECT user_name||step_01||comment||incomplete||ifnull(notes,'-')||owner "
                  "FROM reviews WHERE drop_number='DR00000002'",
                  "dana0new0-qa");
    assert_answer("SELECT count(*) FROM pragma_index_list('reviews')", "1"); /* Not altered. */
}

static const char loose_table[] =
    "CREATE TABLE reviews(drop_number TEXT, user_name TEXT, step_01 INT, comment TEXT,"
    "incomplete INT, feedback_sent TEXT, resubmitted INT, notes TEXT)";

static void test_adopts_without_unique_index(void **state)
{
    (void)state;
    outside(loose_table);
    outside("INSERT INTO reviews(drop_number,comment,notes) VALUES('DR00000001','a','n'),"
            "('DR00000001','b','n')");
    (void)sight(0, "DR00000001", 1);
    (void)sight(1, "DR00000002", 2);
    (void)put(2, RECORD_EFFECT, "reviews", "DR00000003", 3, "{\"insert\":{\"comment\":\"only\"}}");
    (void)put(3, RECORD_EFFECT, "reviews", "DR00000001", 4, "{\"insert\":{\"comment\":\"no\"}}");
    assert_written(4);
    (void)sight(0, "DR00000002", 5);
    assert_written(1);
    assert_written(1);
    assert_answer("SELECT group_concat(drop_number||comment||ifnull(notes,'-'),'|') FROM "
                  "(SELECT * FROM reviews ORDER BY rowid)",
                  "DR00000001a\n--- againn|DR00000001b\n--- againn|DR00000002new\n--- again-|"
                  "DR00000003only-");
    assert_answer("SELECT count(*) FROM pragma_index_list('reviews')", "0");
}

/* A partial unique index cannot serve ON CONFLICT(key): the slower way is taken. */
static void test_adopts_with_partial_index(void **state)
{
    (void)state;
    outside(loose_table);
    outside("CREATE UNIQUE INDEX part ON reviews(drop_number) WHERE notes IS NULL;"
            "INSERT INTO reviews(drop_number,comment,notes) VALUES('DR00000001','a','n');");
    (void)sight(0, "DR00000001", 1);
    (void)sight(1, "DR00000002", 2);
    assert_written(2);
    assert_answer("SELECT group_concat(comment) FROM reviews", "a\n--- again,new");
}

/* Users who index the key without case mean that case makes no other row. */
static void test_adopts_with_caseless_index(void **state)
{
    (void)state;
    outside(loose_table);
    outside("CREATE UNIQUE INDEX caseless ON reviews(drop_number COLLATE NOCASE)");
    (void)sight(0, "DR00000001", 1);
    (void)sight(1, "dr00000001", 2);
    assert_written(2);
    assert_answer("SELECT group_concat(drop_number||comment) FROM reviews",
                  "DR00000001new\n--- again");
}

/* What stands in the way of adopting, in words; nothing is written. */
static void test_refuses_tables(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *text;
    } rows[] = {
        {"CREATE TABLE reviews(drop_number, user_name, step_01, comment, incomplete, "
         "feedback_sent)",
         "sink records: records.db: table reviews has no column 'resubmitted'; add it or run "
         "sluice migrate"},
        {"CREATE TABLE reviews(id INTEGER PRIMARY KEY)",
         "records.db: table reviews has no column 'drop_number'"},
        {"CREATE TABLE reviews(drop_number, user_name, step_01, comment, incomplete, "
         "feedback_sent, resubmitted, owner TEXT NOT NULL)",
         "records.db: table reviews demands a value for column 'owner', which sluice does not "
         "write; give it a default or allow NULL"},
        {"CREATE TABLE reviews(drop_number, user_name, step_01, comment, incomplete, "
         "feedback_sent, resubmitted AS (1))",
         "records.db: column 'resubmitted' of table reviews is computed"},
        {"CREATE VIEW reviews AS SELECT 1 AS drop_number", "records.db: reviews is a view"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        outside(rows[i].sql);
        (void)put(0, RECORD_EFFECT, "students", "s1", 1, "{\"set\":{\"practice_count\":1}}");
        (void)sight(1, "DR00000001", 1);
        assert_false(write_all(2));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_contains(str_of(err.text), rows[i].text);
        assert_answer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sluice%'", "0");
        struct str found = {0};
        assert_false(sink_sqlite.connector.probe(&sink->connector, mono_ms + 1000, &found, &err));
        assert_contains(str_of(err.text), rows[i].text);
        outside(i == COUNT(rows) - 1 ? "DROP VIEW reviews" : "DROP TABLE reviews");
    }
}

/* An own number, NOT NULL, is given by SQLite: that is no demand. */
static void test_adopts_numbered_rows(void **state)
{
    (void)state;
    outside("CREATE TABLE reviews(id INTEGER NOT NULL PRIMARY KEY, drop_number UNIQUE, user_name, "
            "step_01, comment, incomplete, feedback_sent, resubmitted)");
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    assert_answer("SELECT id||drop_number FROM reviews", "1DR00000001");
}

/* Absolute records. */

static struct parcel *count_of(size_t at, const char *entity, int64_t generation, int64_t message,
                               int count)
{
    char body[128];
    (void)snprintf(body, sizeof body,
                   "{\"set\":{\"practice_count\":%d},\"update\":{\"paid\":true}}", count);
    struct parcel *parcel = put(at, RECORD_ABSOLUTE, "students", entity, message, body);
    parcel->effect.generation = generation;
    return parcel;
}

static void test_absolute_only_newer(void **state)
{
    (void)state;
    static const struct {
        int64_t generation;
        int64_t message;
        int32_t nth;
        const char *held;
    } rows[] = {
        {1, 10, 0, "0"},  {1, 10, 0, "0"}, /* The same again. */
        {1, 9, 5, "0"},                    /* Older. */
        {1, 10, 1, "3"},  {1, 11, 0, "4"}, {1, 10, 7, "4"}, {2, 3, 0, "6"},
        {1, 99, 99, "6"}, {2, 4, 0, "8"},  {2, 3, 9, "8"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        count_of(0, "s1", rows[i].generation, rows[i].message, (int)i)->effect.nth = rows[i].nth;
        assert_written(1);
        struct str held = answer("SELECT practice_count FROM students");
        if (!str_equal(held, str_of(rows[i].held))) {
            fail_msg("row %zu: %.*s", i, STR_ARG(held));
        }
    }
    assert_answer("SELECT name||lessons||paid FROM students", "it's new[]1");
    assert_answer("SELECT count(*) FROM sluice_effects", "0");
    assert_answer("SELECT pipeline||target||entity||generation||archive_id||nth FROM sluice_seq",
                  "dropsstudentss1240");
    (void)count_of(0, "s2", 1, 1, 50);
    count_of(1, "s1", 1, 1, 60)->effect.pipeline = STR("other"); /* Has a sequence of its own. */
    assert_written(2);
    assert_answer("SELECT group_concat(practice_count) FROM students", "60,50");
}

/* A row goes only when nothing newer was written to it, and may come back by what is newer. */
static void test_removes_rows(void **state)
{
    (void)state;
    assert_true(sink_sqlite.removes);
    (void)count_of(0, "s1", 1, 10, 5);
    (void)count_of(1, "s2", 1, 10, 6);
    assert_written(2);
    count_of(0, "s1", 1, 9, 0)->removed = true; /* Older: stays. */
    count_of(1, "s2", 2, 10, 0)->removed = true;
    assert_written(2);
    assert_answer("SELECT group_concat(uniq_id) FROM students", "s1");
    count_of(0, "s2", 2, 10, 0)->removed = true; /* The same again, and one that never was. */
    count_of(1, "s3", 2, 10, 0)->removed = true;
    assert_written(2);
    assert_answer("SELECT group_concat(uniq_id) FROM students", "s1");
    (void)count_of(0, "s2", 2, 9, 7); /* Older than its removal: stays away. */
    assert_written(1);
    assert_answer("SELECT group_concat(uniq_id) FROM students", "s1");
    (void)count_of(0, "s2", 2, 11, 8);
    assert_written(1);
    assert_answer("SELECT practice_count FROM students WHERE uniq_id='s2'", "8");
}

/* Values. */

static void test_values(void **state)
{
    (void)state;
    (void)put(0, RECORD_ABSOLUTE, "students", "s1", 1,
              "{\"set\":{\"name\":\"\\u05d0\\n\\\"q\\\" 'x'\",\"practice_count\":-9007199254740993,"
              "\"score\":1.5e3,\"lessons\":[1, {\"a\":\"\\u00e9\"}],\"paid\":false,"
              "\"day\":\"2025-12-09\"}}");
    (void)put(1, RECORD_ABSOLUTE, "students", "s2", 2,
              "{\"set\":{\"name\":42,\"practice_count\":null,\"score\":3,\"lessons\":true,"
              "\"paid\":1}}");
    (void)put(2, RECORD_ABSOLUTE, "students", "s3", 3, "{}");
    (void)put(3, RECORD_ABSOLUTE, "students", "s4", 4, "{\"set\":{\"PAID\":true}}");
    assert_written(4);
    assert_answer("SELECT name FROM students WHERE uniq_id='s1'", "\xD7\x90\n\"q\" 'x'");
    assert_answer("SELECT practice_count||typeof(practice_count)||score||typeof(score)||lessons||"
                  "paid||day FROM students WHERE uniq_id='s1'",
                  "-9007199254740993integer1500.0real[1,{\"a\":\"\xC3\xA9\"}]02025-12-09");
    assert_answer("SELECT name||typeof(name)||ifnull(practice_count,'-')||score||lessons||paid "
                  "FROM students WHERE uniq_id='s2'",
                  "42text-3.0true1");
    assert_answer("SELECT name||practice_count||lessons||ifnull(paid,'-') FROM students "
                  "WHERE uniq_id='s3'",
                  "it's new7[]-");
    assert_answer("SELECT paid FROM students WHERE uniq_id='s4'", "1");
    assert_true(write_all(0));
}

/* What is refused, and how it is said. None of it may stop the parcels around it. */
static const struct {
    const char *target;
    const char *entity;
    const char *body;
    const char *text;
} bad[] = {
    {"students", "s", "", "table students: the body: "},
    {"students", "s", "[]", "table students: the body is no object"},
    {"students", "s", "{\"set\":{\"name\":\"x\"}} x", "table students: the body: "},
    {"students", "s", "{\"set\":{\"name\":\"\xFF\"}}", "table students: the body: "},
    {"students", "s", "{\"set\":{},\"set\":{}}", "table students: the body: "},
    {"students", "s", "{\"sets\":{}}", "table students: the body has an unknown group 'sets'"},
    {"students", "s", "{\"set\":[]}", "\"set\" of the body is no object"},
    {"students", "s", "{\"set\":{\"name\":\"a\\u0000b\"}}",
     "the text for column 'name' holds a NUL"},
    {"students", "s", "{\"set\":{\"practice_count\":9223372036854775808}}",
     "the number for column 'practice_count' is too large"},
    {"students", "s", "{\"set\":{\"practice_count\":1e999}}", "table students: "},
    {"students", "s", "{\"set\":{\"shoe\":1}}", "table students: a column 'shoe' is not declared"},
    {"students", "s", "{\"set\":{\"x\\\"; DROP TABLE students; --\":1}}", "is not declared"},
    {"students", "s", "{\"set\":{\"name\":\"a\",\"NAME\":\"b\"}}",
     "table students: column 'name' is written by both set and set"},
    {"students", "s", "{\"set\":{\"name\":\"a\"},\"append\":{\"name\":\"b\"}}",
     "table students: column 'name' is written by both set and append"},
    {"students", "s", "{\"set\":{\"practice_count\":\"secret\"}}",
     "table students: column practice_count takes whole numbers, not text"},
    {"students", "s", "{\"set\":{\"practice_count\":1.5}}",
     "table students: column practice_count takes whole numbers, not a number"},
    {"students", "s", "{\"set\":{\"paid\":2}}",
     "table students: column paid takes true or false, not a whole number"},
    {"students", "s", "{\"set\":{\"name\":[1]}}",
     "table students: column name takes text, not a list or an object"},
    {"students", "s", "{\"set\":{\"day\":true}}",
     "table students: column day takes a date as text, not true"},
    {"students", "s", "{\"append\":{\"name\":7}}",
     "table students: column name takes text, not a whole number to append"},
    {"students", "s", "{\"append\":{\"lessons\":\"x\"}}", "column lessons takes JSON, not text"},
    {"students", "s", "{\"inc\":{\"practice_count\":1.5}}",
     "table students: column practice_count takes whole numbers, not a number to add"},
    {"students", "s", "{\"push\":{\"name\":1}}",
     "table students: column name takes text, not a list or an object to push"},
    {"students", "s", "{\"set\":{\"uniq_id\":\"t\"}}",
     "table students: column uniq_id is the key and must hold the record's entity"},
    {"students", "", "{}", "table students: the key is empty or longer than 512 bytes"},
    {"teachers", "s", "{}", "no pipeline declares a table 'teachers' for this sink"},
    {"", "s", "{}", "no pipeline declares a table '' for this sink"},
};

static void test_refuses_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        (void)sight(0, "DR00000001", 1);
        (void)put(1, RECORD_EFFECT, bad[i].target, bad[i].entity, 2, bad[i].body);
        (void)sight(2, "DR00000002", 3);
        if (!write_all(3)) {
            fail_msg("row %zu: %s", i, err.text);
        }
        assert_int_equal(parcels[0].verdict, VERDICT_DONE);
        assert_int_equal(parcels[1].verdict, VERDICT_REJECT);
        assert_int_equal(parcels[2].verdict, VERDICT_DONE);
        assert_contains(parcels[1].why, bad[i].text);
        assert_int_equal(str_find(parcels[1].why, STR("secret"), 0), STR_NONE);
    }
    assert_answer("SELECT count(*) FROM students", "0");
    assert_answer("SELECT count(*) FROM sluice_effects", "2");
}

/* What was prepared for bodies that are refused takes no memory away from others. */
static void test_refused_shapes_leave_nothing(void **state)
{
    (void)state;
    struct arena_mark mark = arena_mark(&arena);
    for (int round = 0; round < 150; round++) {
        arena_rewind(&arena, mark);
        for (size_t i = 0; i < BATCH; i++) {
            (void)put(i, RECORD_EFFECT, "students", "s", 1, "{\"set\":{\"name\":1,\"shoe\":1}}");
        }
        if (!write_all(BATCH)) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(parcels[BATCH - 1].verdict, VERDICT_REJECT);
    }
}

static void test_refuses_questions(void **state)
{
    (void)state;
    (void)put(0, RECORD_QUESTION, "students", "s", 1, "{}");
    assert_true(write_all(1));
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_str_equal(parcels[0].why, STR("a SQLite file cannot answer questions"));
}

/* What the table itself refuses, anywhere in the batch, whatever it does to the transaction. */
static void test_refused_by_table(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *text;
    } rows[] = {
        {"CHECK(drop_number NOT LIKE '%3')", "table reviews: "},
        {"UNIQUE(user_name) ON CONFLICT ROLLBACK", "UNIQUE constraint failed: reviews.user_name"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        char sql[512];
        (void)snprintf(sql, sizeof sql,
                       "DROP TABLE IF EXISTS sluice_effects; DROP TABLE IF EXISTS reviews;"
                       "CREATE TABLE reviews(drop_number TEXT UNIQUE, user_name TEXT, step_01, "
                       "comment, incomplete, feedback_sent, resubmitted, %s);"
                       "INSERT INTO reviews(drop_number, user_name) VALUES('x','third')",
                       rows[r].sql);
        outside(sql);
        for (size_t i = 0; i < 10; i++) {
            char drop[16];
            char body[128];
            bool third = i % 5 == 3;
            (void)snprintf(drop, sizeof drop, "DR%08zu", third ? 13 + i * 10 : 100 + i * 10);
            (void)snprintf(body, sizeof body, "{\"insert\":{\"user_name\":\"%s%s\"}}",
                           third ? "third" : "u", third ? "" : drop);
            (void)put(i, RECORD_EFFECT, "reviews", drop, (int64_t)i, body);
        }
        for (int again = 0; again < 2; again++) {
            if (!write_all(10)) {
                fail_msg("%s", err.text);
            }
            for (size_t i = 0; i < 10; i++) {
                bool third = i % 5 == 3;
                assert_int_equal(parcels[i].verdict, third ? VERDICT_REJECT : VERDICT_DONE);
                if (third) {
                    assert_contains(parcels[i].why, rows[r].text);
                }
            }
            assert_answer("SELECT count(*) FROM reviews", "9");
            assert_answer("SELECT count(*) FROM sluice_effects", "8");
        }
    }
}

static void test_all_refused(void **state)
{
    (void)state;
    outside("CREATE TABLE students(uniq_id TEXT UNIQUE, name, practice_count CHECK(0), score, "
            "lessons, paid, day)");
    for (size_t i = 0; i < BATCH; i++) {
        char entity[16];
        (void)snprintf(entity, sizeof entity, "s%zu", i);
        (void)put(i, RECORD_EFFECT, "students", entity, (int64_t)i,
                  "{\"set\":{\"practice_count\":1}}");
    }
    assert_true(write_all(BATCH));
    for (size_t i = 0; i < BATCH; i++) {
        assert_int_equal(parcels[i].verdict, VERDICT_REJECT);
    }
    assert_answer("SELECT count(*) FROM sluice_effects", "0");
}

/* Other programs at the same file. */

static void test_locked(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    struct sqlite *other = NULL;
    struct sqlite_options options = {0};
    assert_true(sqlite_open(&other, str_of(path), &options, &err));
    assert_true(sqlite_begin(other, &err));
    (void)sight(0, "DR00000002", 2);
    assert_false(sink_sqlite.write(sink, parcels, 1, &arena, mono_ms + 50, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_contains(str_of(err.text), "sink records: ");
    assert_contains(str_of(err.text), "database is locked; another program is writing to it");
    assert_int_equal(parcels[0].verdict, VERDICT_RETRY);
    sqlite_close(other);
    assert_written(1);
    assert_answer("SELECT count(*) FROM reviews", "2");
}

static void test_no_time(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    assert_false(sink_sqlite.write(sink, parcels, 1, &arena, mono_ms, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_str_equal(str_of(err.text), STR("sink records: records.db: no time left"));
}

/* Too slow for one call: what was done stays, and the next call goes on. */
static void test_slow(void **state)
{
    (void)state;
    for (size_t i = 0; i < BATCH; i++) {
        char drop[16];
        (void)snprintf(drop, sizeof drop, "DR%08zu", i);
        (void)sight(i, drop, (int64_t)i);
    }
    mono_step_ms = 10;
    assert_false(sink_sqlite.write(sink, parcels, BATCH, &arena, mono_ms + 35, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_contains(str_of(err.text), "records.db is slow: 192 of 600 rows are written");
    assert_answer("SELECT count(*) FROM reviews", "192");
    mono_step_ms = 0;
    assert_written(BATCH);
    assert_answer("SELECT count(*)||' '||sum(comment='new') FROM reviews", "600 600");
}

static bool asked_to_stop(void *context)
{
    (void)context;
    return true;
}

static void test_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < BATCH; i++) {
        (void)sight(i, "DR00000001", (int64_t)i);
    }
    sink->connector.env.stopping = asked_to_stop;
    assert_false(write_all(BATCH));
    sink->connector.env.stopping = NULL;
    assert_int_equal(err.kind, ERR_STOP);
    assert_answer("SELECT count(*) FROM sluice_effects", "64");
}

/* Someone alters the tables, or replaces the file, while it is open. */
static void test_altered(void **state)
{
    (void)state;
    outside(loose_table);
    outside("CREATE UNIQUE INDEX good ON reviews(drop_number)");
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    outside("DROP INDEX good; INSERT INTO reviews(drop_number,comment) VALUES('DR00000001','b')");
    (void)sight(0, "DR00000001", 2);
    assert_written(1);
    assert_answer("SELECT group_concat(comment) FROM reviews", "new\n--- again,b\n--- again");
    outside("ALTER TABLE reviews DROP COLUMN comment");
    (void)sight(0, "DR00000001", 3);
    assert_false(write_all(1));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_contains(str_of(err.text), "table reviews has no column 'comment'");
    outside("ALTER TABLE reviews ADD COLUMN comment");
    assert_written(1);
    outside("DROP TABLE reviews");
    (void)sight(0, "DR00000001", 4);
    assert_written(1); /* Gone is gone: it is made anew. */
    assert_answer("SELECT group_concat(comment) FROM reviews", "new");
}

static void test_replaced(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    remove_file("");
    remove_file("-wal");
    remove_file("-shm");
    (void)sight(0, "DR00000001", 2);
    assert_written(1);
    assert_answer("SELECT group_concat(comment) FROM reviews", "new");
}

static void test_many_shapes(void **state)
{
    (void)state;
    static const char *const names[] = {"name",    "practice_count", "score",
                                        "lessons", "paid",           "day"};
    for (size_t i = 0; i < 300; i++) {
        struct buf body;
        char entity[16];
        const char *separator = "";
        (void)snprintf(entity, sizeof entity, "s%zu", i);
        buf_init(&body, &arena, 256);
        buf_add(&body, i % 3 == 0 ? STR("{\"insert\":{") : STR("{\"set\":{"));
        for (size_t n = 0; n < COUNT(names); n++) {
            if ((i >> n & 1) != 0) {
                buf_printf(&body, "%s\"%s\":null", separator, names[n]);
                separator = ",";
            }
        }
        buf_add(&body, STR("}}"));
        (void)put(i, RECORD_EFFECT, "students", entity, (int64_t)i, buf_str(&body).ptr);
    }
    assert_written(300);
    assert_written(300);
    assert_answer("SELECT count(*)||' '||count(name)||' '||count(practice_count) FROM students",
                  "300 150 150");
}

/* Files that cannot be used. */

static void write_junk(size_t size)
{
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    assert_true(size <= sizeof junk);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, junk, size), (ssize_t)size);
    assert_int_equal(close(file), 0);
}

static void test_bad_files(void **state)
{
    (void)state;
    (void)sight(0, "DR00000001", 1);
    write_junk(5000);
    assert_false(write_all(1));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_contains(str_of(err.text), "not a database; is it the right file, and is it whole?");
    remove_file("");
    assert_written(1);
    sink_down();
    outside("PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(truncate(path, 4096 * 3), 0); /* Cut in the middle. */
    sink_up();
    assert_false(write_all(1));
    assert_true(err.kind == ERR_CONFIG || err.kind == ERR_RETRY);
    assert_contains(str_of(err.text), "malformed");
    write_junk(0); /* An empty file is a new database. */
    remove_file("-wal");
    remove_file("-shm");
    assert_written(1);
}

static void test_missing_folder(void **state)
{
    (void)state;
    sink_down();
    char real[64];
    memcpy(real, home, sizeof real);
    (void)snprintf(home, sizeof home, "%.40s/none", real);
    sink_up();
    (void)sight(0, "DR00000001", 1);
    assert_false(write_all(1));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_contains(str_of(err.text), "/none/records.db cannot be made; is the path right");
    memcpy(home, real, sizeof home);
}

/* Reading back, probing, migrating. */

static void test_read_back(void **state)
{
    (void)state;
    struct held rows[] = {
        {.target = STR_INIT("students"), .entity = STR_INIT("s1")},
        {.target = STR_INIT("reviews"), .entity = STR_INIT("DR00000001")},
        {.target = STR_INIT("students"), .entity = STR_INIT("s9")},
    };
    struct stat file;
    assert_true(sink_sqlite.read_back(sink, rows, 3, &arena, mono_ms + 1000, &err));
    assert_null(rows[0].body.ptr);
    assert_int_not_equal(stat(path, &file), 0); /* Looking leaves nothing behind. */
    outside("CREATE TABLE other(x)");
    assert_true(sink_sqlite.read_back(sink, rows, 3, &arena, mono_ms + 1000, &err));
    assert_null(rows[1].body.ptr);
    assert_answer("SELECT count(*) FROM sqlite_schema", "1");
    (void)put(0, RECORD_ABSOLUTE, "students", "s1", 1,
              "{\"set\":{\"name\":\"\\\"q\\\"\",\"score\":0.5,\"lessons\":{\"b\":1,\"a\":[]},"
              "\"paid\":true}}");
    (void)sight(1, "DR00000001", 1);
    assert_written(2);
    outside("UPDATE students SET day=x'00ff'");
    assert_true(sink_sqlite.read_back(sink, rows, 3, &arena, mono_ms + 1000, &err));
    assert_str_equal(rows[0].body,
                     STR("{\"uniq_id\":\"s1\",\"name\":\"\\\"q\\\"\",\"practice_count\":7,"
                         "\"score\":0.5,\"lessons\":{\"b\":1,\"a\":[]},\"paid\":true,"
                         "\"day\":null}"));
    assert_str_equal(rows[1].body, STR("{\"drop_number\":\"DR00000001\",\"user_name\":\"dana\","
                                       "\"step_01\":false,\"comment\":\"new\",\"incomplete\":false,"
                                       "\"feedback_sent\":null,\"resubmitted\":null}"));
    assert_null(rows[2].body.ptr);
    rows[0].target = STR("teachers");
    assert_false(sink_sqlite.read_back(sink, rows, 1, &arena, mono_ms + 1000, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void test_probe(void **state)
{
    (void)state;
    struct str found = {0};
    struct stat file;
    assert_true(sink_sqlite.connector.probe(&sink->connector, mono_ms + 1000, &found, &err));
    assert_str_equal(found, STR("records.db: to be made, 0 tables are there, 2 to be made"));
    assert_int_not_equal(stat(path, &file), 0);
    outside(loose_table);
    assert_true(sink_sqlite.connector.probe(&sink->connector, mono_ms + 1000, &found, &err));
    assert_str_equal(found, STR("records.db: exists, 1 tables are there, 1 to be made"));
}

static void test_migrate(void **state)
{
    (void)state;
    struct str done = {0};
    outside("CREATE TABLE reviews(drop_number TEXT, comment TEXT, notes TEXT);"
            "INSERT INTO reviews VALUES('DR00000001','a','n'),('DR00000001','b','n');");
    assert_true(sink_sqlite.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(done, STR("table reviews: added column user_name (TEXT)\n"
                               "table reviews: added column step_01 (BOOLEAN)\n"
                               "table reviews: added column incomplete (BOOLEAN)\n"
                               "table reviews: added column feedback_sent (TEXT)\n"
                               "table reviews: added column resubmitted (BOOLEAN)\n"
                               "table reviews: no unique index on drop_number, because 1 of its "
                               "values stand in several rows; sluice works without it, only "
                               "slower\n"
                               "table students: created\n"));
    outside("DELETE FROM reviews WHERE comment='b'");
    assert_true(sink_sqlite.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(done, STR("table reviews: added a unique index on drop_number\n"));
    assert_true(sink_sqlite.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(done, STR("nothing to do"));
    (void)sight(0, "DR00000001", 1);
    assert_written(1);
    assert_answer("SELECT comment||notes||step_01 FROM reviews", "a\n--- againn0");
}

/* Whichever allocation fails, no row is half written and a later call completes the batch. */
static bool countdown(void *context)
{
    int *left = context;
    return --*left == 0;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    bool failed = true;
    for (int at = 1; failed && at < 5000; at += at < 300 ? 1 : 37) {
        sink_down();
        remove_file("");
        remove_file("-wal");
        remove_file("-shm");
        sink_up();
        for (size_t i = 0; i < 4; i++) {
            (void)sight(i, i % 2 == 0 ? "DR00000001" : "DR00000002", (int64_t)i);
        }
        int left = at;
        mem_fault_set(countdown, &left);
        failed = !write_all(4);
        mem_fault_set(NULL, NULL);
        failed = failed || left <= 0;
        for (size_t i = 0; i < 4; i++) {
            assert_int_not_equal(parcels[i].verdict, VERDICT_REJECT);
        }
        assert_written(4);
        assert_answer("SELECT group_concat(comment,'|') FROM reviews",
                      "new\n--- again|new\n--- again");
        assert_answer("SELECT count(*) FROM sluice_effects", "4");
        arena_reset(&arena);
        arena_reset(&opened);
    }
    assert_false(failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err why = {0};
    if (!sqlite_setup(&why)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_makes_file_and_tables),
        TEST(test_resubmission),
        TEST(test_same_effect_changes_nothing),
        TEST(test_effects_differ),
        TEST(test_effects_of_another_store),
        TEST(test_crash),
        TEST(test_adopts_rows),
        TEST(test_adopts_without_unique_index),
        TEST(test_adopts_with_partial_index),
        TEST(test_adopts_with_caseless_index),
        TEST(test_refuses_tables),
        TEST(test_adopts_numbered_rows),
        TEST(test_absolute_only_newer),
        TEST(test_removes_rows),
        TEST(test_values),
        TEST(test_refuses_bodies),
        TEST(test_refused_shapes_leave_nothing),
        TEST(test_refuses_questions),
        TEST(test_refused_by_table),
        TEST(test_all_refused),
        TEST(test_locked),
        TEST(test_no_time),
        TEST(test_slow),
        TEST(test_stops),
        TEST(test_altered),
        TEST(test_replaced),
        TEST(test_many_shapes),
        TEST(test_bad_files),
        TEST(test_missing_folder),
        TEST(test_read_back),
        TEST(test_probe),
        TEST(test_migrate),
        TEST(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("sink/sqlite", tests, NULL, NULL);
}
