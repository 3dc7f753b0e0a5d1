/* csv: headers, encodings, growing and rewritten files, bad rows, references. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "source/csv.h"
#include "test.h"
#include "text/duration.h"

static struct arena arena;
static struct arena opened;
static int64_t wall_ms;
static struct source *source;
static char home[64];
static char path[96];
static char cursor[256];
static bool has_cursor;
static char seen[64 * 1024];
static struct str_pair renames[] = {{STR_INIT("טלפון"), STR_INIT("phone")}};

static int64_t fake_wall(struct clock *clock)
{
    (void)clock;
    return wall_ms;
}

static struct clock clock_fake = {.wall_ms = fake_wall, .mono_ms = fake_wall};

static void set(const char *name, const char *text)
{
    struct err err = {0};
    const struct option *option = source_csv.connector.options;
    while (strcmp(option->name, name) != 0) {
        option++;
    }
    void *to = (char *)source + option->offset;
    int choice = 0;
    if (option->type == OPTION_TYPE_BOOL) {
        *(bool *)to = strcmp(text, "true") == 0;
    } else if (option->type == OPTION_TYPE_DURATION) {
        assert_true(duration_parse(str_of(text), to, &err));
    } else if (option->type == OPTION_TYPE_CHOICE) {
        while (strcmp(option->choices[choice], text) != 0) {
            choice++;
        }
        *(int *)to = choice;
    } else if (option->type == OPTION_TYPE_MAP) {
        *(struct str_map *)to = (struct str_map){renames, COUNT(renames)};
    } else {
        *(struct str *)to = str_of(text);
    }
}

/* `options` is "name=text|name=text". */
static bool make(const char *options, struct err *err)
{
    static char copy[512];
    if (source != NULL) {
        source_csv.connector.close(&source->connector);
        mem_free(source);
    }
    source = mem_alloc(source_csv.connector.size);
    assert_non_null(source);
    source->type = &source_csv;
    source->connector.name = STR("roster");
    source->connector.env = (struct connector_env){.clock = &clock_fake, .arena = &opened};
    set("path", path);
    set("zone", "Asia/Jerusalem");
    set("settle", "1s");
    set("chat", "rows");
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
    return source_csv.connector.open(&source->connector, err);
}

static void begin(const char *options)
{
    struct err err = {0};
    has_cursor = false;
    if (!make(options, &err)) {
        fail_msg("%s", err.text);
    }
}

/* The clock shows `age_ms` after the file was written last. */
static void age(int64_t age_ms)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    wall_ms = info.st_mtim.tv_sec * INT64_C(1000) + info.st_mtim.tv_nsec / 1000000 + age_ms;
}

static void put_bytes(const char *mode, const char *bytes, size_t len)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        fail_msg("a file cannot be written");
        return;
    }
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
    age(10);
}

static void put(const char *text)
{
    put_bytes("w", text, strlen(text));
}

static void append(const char *text)
{
    put_bytes("a", text, strlen(text));
}

static void add_seen(const char *prefix, struct str text)
{
    size_t len = strlen(seen);
    (void)snprintf(seen + len, sizeof seen - len, "%s%s%.*s", len > 0 ? "|" : "", prefix,
                   STR_ARG(text));
}

static bool look(size_t limit, bool *more, struct err *err)
{
    struct batch batch;
    struct chat_cursor chat = {.cursor = has_cursor ? str_of(cursor) : (struct str){0}};
    arena_reset(&arena);
    batch_init(&batch, &arena, &chat, 1);
    batch.limit = limit;
    if (!source_csv.fetch(source, &batch, INT64_MAX, err)) {
        assert_null(chat.next.ptr);
        assert_int_equal(batch.count, 0);
        return false;
    }
    for (size_t i = 0; i < batch.count; i++) {
        add_seen("", batch.messages[i].text);
    }
    for (size_t i = 0; i < batch.refusal_count; i++) {
        add_seen("!", batch.refusals[i].where);
        add_seen(": ", batch.refusals[i].why);
    }
    for (size_t i = 0; batch.snapshot != NULL && i < batch.snapshot->count; i++) {
        add_seen("", batch.snapshot->rows[i].key);
        add_seen("=", batch.snapshot->rows[i].body);
    }
    if (chat.next.ptr != NULL) {
        (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
        has_cursor = true;
    }
    *more = batch.more;
    return true;
}

/* Texts of what came, joined by '|', with refusals as "!where|: why". */
static const char *fetched(void)
{
    bool more = true;
    seen[0] = '\0';
    while (more) {
        struct err err = {0};
        if (!look(3, &more, &err)) {
            fail_msg("%s", err.text);
        }
    }
    return seen;
}

static const char *failed(void)
{
    static struct err err;
    bool more = false;
    memset(&err, 0, sizeof err);
    seen[0] = '\0';
    assert_false(look(100, &more, &err));
    return err.text;
}

static void test_grows(void **state)
{
    (void)state;
    put("id,text\n1,one\n2,two\n");
    begin("id_column=id|text_column=text");
    assert_string_equal(fetched(), "one|two");
    assert_string_equal(fetched(), "");
    append("3,thr");
    assert_true(source_csv.changed(source));
    assert_string_equal(fetched(), ""); /* Half a line waits. */
    append("ee\r\n4,\"fo\nur\"\r\n");
    assert_string_equal(fetched(), "three|fo\nur");
    append("5,five\n");
    assert_string_equal(fetched(), "five");
    assert_false(source_csv.changed(source));
}

/* A file that ends without a line end counts once it was left alone; and may go on all the same. */
static void test_last_line(void **state)
{
    (void)state;
    put("id,text\n1,one\n2,two");
    begin("id_column=id|text_column=text");
    assert_string_equal(fetched(), "one");
    assert_false(source_csv.changed(source));
    age(1500);
    assert_true(source_csv.changed(source));
    assert_string_equal(fetched(), "two");
    append("\n3,three\n");
    assert_string_equal(fetched(), "three");
    append("4,fo");
    age(1500);
    assert_string_equal(fetched(), "fo");
    append("ur\nx\n5\n");
    assert_string_equal(fetched(), "four||"); /* Read again, as an edit; then two rows that are
                                                 short. */
    append("6,six,seven\n7,\"a\"b\n8,eight\n");
    assert_string_equal(fetched(),
                        "eight|!in.csv line 8|: it has 3 cells, and the header has 2|"
                        "!in.csv line 9|: csv: row 9 (line 9), column 2: text behind the "
                        "closing quote");
}

static void test_rewritten(void **state)
{
    (void)state;
    put("id,text\n1,one\n2,two\n3,three\n");
    begin("id_column=id|text_column=text");
    assert_string_equal(fetched(), "one|two|three");
    put("id,text\n1,one\n2,TWO\n3,three\n4,four\n"); /* Written anew in place, and longer. */
    assert_string_equal(fetched(), "one|TWO|three|four");
    put("id,text\n9,nine\n"); /* Cut. */
    assert_string_equal(fetched(), "nine");
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(failed(), "in.csv"));
    put("id,text\n9,nine\n"); /* Swapped for an equal one: nothing new. */
    assert_string_equal(fetched(), "");
    put("text,id\nten,10\n"); /* Other columns, too. */
    assert_string_equal(fetched(), "ten");
}

/* Without a column of ids, what the row says is its id; equal rows are counted, over restarts. */
static void test_equal_rows(void **state)
{
    struct err err = {0};
    struct batch batch;
    struct chat_cursor chat = {0};
    char ids[4][64];
    (void)state;
    put("a,b\nx,1\nx,1\ny,2\nx,1,\n");
    begin("");
    wall_ms += 5000;
    batch_init(&batch, &arena, &chat, 1);
    assert_true(source_csv.fetch(source, &batch, INT64_MAX, &err));
    assert_int_equal(batch.count, 3); /* The last has a cell too many. */
    assert_int_equal(batch.refusal_count, 1);
    for (size_t i = 0; i < batch.count; i++) {
        (void)snprintf(ids[i], sizeof ids[0], "%.*s", STR_ARG(batch.messages[i].external_id));
    }
    assert_string_not_equal(ids[0], ids[1]);
    assert_true(str_starts(str_of(ids[1]), str_of(ids[0])));
    assert_true(str_ends(str_of(ids[1]), STR("-2")));
    (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
    append("x,1\n");
    for (int restart = 0; restart < 2; restart++) {
        if (restart == 1) {
            assert_true(make("", &err));
        }
        chat = (struct chat_cursor){.cursor = str_of(cursor)};
        batch_init(&batch, &arena, &chat, 1);
        assert_true(source_csv.fetch(source, &batch, INT64_MAX, &err));
        assert_int_equal(batch.count, 1);
        assert_true(str_ends(batch.messages[0].external_id, STR("-4")));
        assert_str_equal(batch.messages[0].text, STR("a: x\nb: 1"));
        assert_str_equal(batch.messages[0].extra, STR("{\"a\":\"x\",\"b\":\"1\"}"));
    }
}

static void test_bad_rows(void **state)
{
    (void)state;
    put("id,chat,when,text\n"
        "1,a,09.12.2025 10:00,one\n"
        ",a,09.12.2025 10:00,no id\n"
        "3,,09.12.2025 10:00,no chat\n"
        "4,a,yesterday,no time\n"
        "1,a,09.12.2025 10:00,again\n"
        "6,a,09.12.2025 10:00,six\n");
    begin("id_column=id|chat_column=chat|time_column=when|time_format=DD.MM.YYYY HH:MM|"
          "text_column=text");
    struct batch batch;
    struct err err = {0};
    struct chat_cursor chat = {0};
    batch_init(&batch, &arena, &chat, 1);
    assert_true(source_csv.fetch(source, &batch, INT64_MAX, &err));
    assert_int_equal(batch.count, 2);
    assert_int_equal(batch.messages[0].sent_ms, 1765267200000); /* 08:00 UTC */
    assert_str_equal(batch.messages[0].sent_text, STR("09.12.2025 10:00"));
    assert_int_equal(batch.refusal_count, 4);
    assert_str_equal(batch.refusals[0].where, STR("in.csv line 3"));
    assert_str_equal(batch.refusals[0].why, STR("its id is empty"));
    assert_str_equal(batch.refusals[1].why, STR("its chat is empty"));
    assert_true(str_starts(batch.refusals[2].why, STR("its time cannot be read: ")));
    assert_str_equal(batch.refusals[3].why, STR("its id stands on an earlier line, too"));
    assert_str_equal(batch.refusals[3].where, STR("in.csv line 6"));
}

struct encoded_case {
    const char *options;
    struct str bytes;
    const char *seen;
};

static const struct encoded_case encoded[] = {
    {"", STR_INIT("\xEF\xBB\xBFטקסט\nשלום\n"), "שלום"},
    {"", STR_INIT("\xE8\xF7\xF1\xE8\n\xF9\xEC\xE5\xED\nplain\nשלום\n"), "שלום|plain|שלום"},
    {"encoding=windows-1251|text=", STR_INIT("\xCF\n\xCF\xF0\n"), "Пр"},
    {"legacy=windows-1252", STR_INIT("text\ncaf\xE9\n"), "café"},
    {"encoding=utf-8", STR_INIT("text\nca\xE9\n"), "ca\uFFFD"},
    {"",
     STR_INIT("\xFF\xFE"
              "t\0\n\0"
              "\xE9\x05"
              "a\0\r\0\n\0"
              "\x3D\xD8\x00\xDE"
              "\n\0"),
     "שa|😀"},
    {"", STR_INIT("\xFE\xFF\0t\0\n\x05\xE9\0\n"), "ש"},
    {"separator=semicolon", STR_INIT("a;b,c\n1;2,3\n"), "a: 1\nb,c: 2,3"},
    {"", STR_INIT("\xE2\x80\x8Fשם \tטלפון\n דנה\t\"05\"\"5\"\n"), "שם: דנה\nטלפון: 05\"5"},
    {"", STR_INIT("a\0b\n1\0\n"), "a\uFFFDb: 1\uFFFD"},
};

static void test_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(encoded); i++) {
        bool whole = strchr(encoded[i].seen, ':') != NULL;
        char options[128];
        (void)snprintf(options, sizeof options, "%s", encoded[i].options);
        char *end = strstr(options, "|text=");
        if (end != NULL) {
            *end = '\0';
        }
        put_bytes("w", encoded[i].bytes.ptr, encoded[i].bytes.len);
        begin(options);
        const char *got = fetched();
        /* A table of one column shows as "header: cell": only the cells are compared. */
        char cells[512] = "";
        for (const char *at = got; !whole && *at != '\0';) {
            const char *colon = strstr(at, ": ");
            const char *bar = strchr(at, '|');
            assert_non_null(colon);
            size_t len = bar != NULL ? (size_t)(bar - colon) : strlen(colon);
            (void)strncat(cells, colon + 2, len - 2 + (bar != NULL));
            at = bar != NULL ? bar + 1 : "";
        }
        assert_string_equal(whole ? got : cells, encoded[i].seen);
        assert_string_equal(fetched(), ""); /* Its places are right in every encoding. */
    }
}

/* UTF-16 that grows, piece by piece, also in the middle of a letter. */
static void test_wide_grows(void **state)
{
    static const char more[] = "\xE9\x05\xDC\x05\n\0";
    (void)state;
    put_bytes("w",
              "\xFF\xFEt\0\n\0"
              "a\0\n\0",
              10);
    begin("text_column=t");
    assert_string_equal(fetched(), "a");
    for (size_t i = 0; i < sizeof more - 1; i++) {
        put_bytes("a", more + i, 1);
        assert_string_equal(fetched(), i == sizeof more - 2 ? "של" : "");
    }
}

static void test_large(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail_msg("a file cannot be written");
        return;
    }
    (void)fputs("id,text\n", file);
    for (int i = 0; i < 40000; i++) { /* Several pieces, */
        (void)fprintf(file, "%d,\"row %d\nof many, with a text that has some length\"\n", i, i);
    }
    (void)fputs("long,", file); /* and a row that is longer than one. */
    for (int i = 0; i < 250000; i++) {
        (void)fputs("word ", file);
    }
    (void)fputs("x\nlast,end\n", file);
    (void)fclose(file);
    age(5000);
    begin("id_column=id|text_column=text");
    size_t count = 0;
    bool more = true;
    char long_text[64] = "";
    while (more) {
        struct batch batch;
        struct err err = {0};
        struct chat_cursor chat = {.cursor = has_cursor ? str_of(cursor) : (struct str){0}};
        arena_reset(&arena);
        batch_init(&batch, &arena, &chat, 1);
        batch.limit = 5000;
        assert_true(source_csv.fetch(source, &batch, INT64_MAX, &err));
        for (size_t i = 0; i < batch.refusal_count; i++) {
            (void)snprintf(long_text, sizeof long_text, "%.*s", STR_ARG(batch.refusals[i].where));
        }
        count += batch.count;
        more = batch.more;
        (void)snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(chat.next));
        has_cursor = true;
    }
    assert_int_equal(count, 40001);
    assert_string_equal(long_text, "in.csv line 80002"); /* More than 1 MiB in one cell. */
}

struct header_case {
    const char *file;
    const char *options;
    const char *text;
};

static const struct header_case headers[] = {
    {"שם,טלפון\n", "text_column=הודעה",
     "source roster: in.csv line 1: there is no column 'הודעה' (option `text_column`); there are: "
     "שם, טלפון"},
    {"a,b, a\n1,2,3\n", "text_column=b",
     "source roster: in.csv line 1: the column 'a' stands there twice, as column 1 and column 3: "
     "rename one of them"},
    {"\n\na,b,a\n", "",
     "source roster: in.csv line 3: the column 'a' stands there twice, as column 1 and column 3: "
     "rename one of them"},
    {"a\n", "reference=true|key=b",
     "source roster: in.csv line 1: there is no column 'b' (option `key`); there are: a"},
};

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        put(headers[i].file);
        age(5000);
        begin(headers[i].options);
        assert_string_equal(failed(), headers[i].text);
    }
    struct err err = {0};
    assert_false(make("reference=true", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(make("key=a", &err));
    assert_false(make("time_format=HH:MM", &err));
    assert_false(make("zone=Nowhere", &err));
}

static void test_reference(void **state)
{
    (void)state;
    put("שם,טלפון\nדנה,055-1\nיוסי,055-2\n");
    begin("reference=true|key=טלפון|rename=");
    assert_true(source_csv.is_reference(source));
    assert_string_equal(fetched(), ""); /* Perhaps it is still being written. */
    age(1200);
    assert_true(source_csv.changed(source));
    assert_string_equal(fetched(), "055-1|={\"שם\":\"דנה\",\"phone\":\"055-1\"}|055-2|={\"שם\":"
                                   "\"יוסי\",\"phone\":\"055-2\"}");
    assert_string_equal(fetched(), "");
    assert_false(source_csv.changed(source));
    put("שם,טלפון\nדנה,055-1\nיוסי,055-2\n"); /* Written anew, the same. */
    age(1200);
    assert_string_equal(fetched(), "");
    put("טלפון,שם\n055-1,דנה\n055-3,רון\n055-1,דנה ב\n,אין\n055-4,טל"); /* Another order, one twice.
                                                                         */
    assert_false(source_csv.changed(source));
    age(1200);
    assert_string_equal(fetched(),
                        "!in.csv line 4|: its key stands on line 2, too; that row counts|"
                        "!in.csv line 5|: its key is empty, or longer than 1024 bytes|"
                        "055-1|={\"phone\":\"055-1\",\"שם\":\"דנה\"}|055-3|={\"phone\":\"055-3\","
                        "\"שם\":\"רון\"}|055-4|={\"phone\":\"055-4\",\"שם\":\"טל\"}");
    put("שם,טלפון\nדנה,055-660-2298\nיוסי,556602299\nשוב,+972 55 660 2298\nטל,9.7E+11\n");
    begin("reference=true|key=טלפון|key_form=phone|key_country=israel");
    age(1200);
    const char *phones = fetched();
    assert_non_null(strstr(phones, "!in.csv line 4|: its key stands on line 2, too"));
    assert_non_null(strstr(phones, "!in.csv line 5|: its key is no telephone number"));
    assert_non_null(strstr(phones, "|972556602298|={\"שם\":\"דנה\",\"טלפון\":\"055-660-2298\"}|"
                                   "972556602299|={"));
    put("");
    age(1200);
    assert_string_equal(failed(),
                        "source roster: in.csv is empty; what was read before stays as it is");
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/sluice-csv-XXXXXX");
    assert_non_null(mkdtemp(home));
    (void)snprintf(path, sizeof path, "%s/in.csv", home);
    arena_init(&arena, 64 << 20);
    arena_init(&opened, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (source != NULL) {
        source_csv.connector.close(&source->connector);
        mem_free(source);
        source = NULL;
    }
    (void)unlink(path);
    (void)rmdir(home);
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_grows),    TEST(test_last_line), TEST(test_rewritten),  TEST(test_equal_rows),
        TEST(test_bad_rows), TEST(test_encodings), TEST(test_wide_grows), TEST(test_large),
        TEST(test_headers),  TEST(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
