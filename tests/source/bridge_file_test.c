/* The bridge's file is only read, whatever state it is in; what is wrong with it is said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/bridge_chats.h"
#include "source/bridge_file.h"
#include "source/bridge_rig.h"
#include "source/whatsapp_bridge.h"

#define A "120363000000000001@g.us"

enum { NOBODY = 65534 };

static void fill(struct rig *rig, int first, int last)
{
    rig_sql_printf(rig,
                   "WITH RECURSIVE n(i) AS (VALUES(%d) UNION ALL SELECT i+1 FROM n WHERE i<%d) "
                   "INSERT INTO messages(id,chat_jid,sender,content,timestamp) "
                   "SELECT 'm'||i,'" A "','s','text '||i,1765306302+i FROM n",
                   first, last);
}

static void make_filled(struct rig *rig, const char *journal_mode)
{
    rig_make(rig);
    rig_sql_printf(rig, "PRAGMA journal_mode=%s", journal_mode);
    rig_sql(rig, RIG_PUBLIC);
    fill(rig, 1, 100);
    rig_ask(rig, A);
}

static void assert_says(const struct rig *rig, enum err_kind kind, const char *words)
{
    if (rig->err.kind != kind || strstr(rig->err.text, words) == NULL ||
        strstr(rig->err.text, rig->path) == NULL) {
        fail_msg("%s: \"%s\" should be %s and say \"%s\"", err_kind_name(rig->err.kind),
                 rig->err.text, err_kind_name(kind), words);
    }
}

/* ---- What may be wrong ---- */

static void a_missing_file_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_open(&rig);
    rig_ask(&rig, A);
    assert_false(rig_fetch(&rig));
    assert_says(&rig, ERR_RETRY, "no such file yet");
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 3);
    rig_drain(&rig);
    assert_int_equal(rig.known, 3);
    rig_free(&rig);
}

static void a_missing_folder_is_told_apart(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_set(&rig, "path", "/tmp/bridge-of-nobody/store/messages.db");
    rig_open(&rig);
    rig_ask(&rig, A);
    assert_false(rig_fetch(&rig));
    assert_int_equal(rig.err.kind, ERR_RETRY);
    assert_non_null(strstr(rig.err.text, "its folder is not there"));
    rig_free(&rig);
}

static void wrong_files_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *bytes; /* NULL: a directory. */
        size_t len;
        enum err_kind kind;
        const char *words;
    } cases[] = {
        {"", 0, ERR_RETRY, "is empty"},
        {"PK\003\004 this is another kind of file, and long enough to have a header", 60,
         ERR_CONFIG, "not a SQLite database"},
        {"x", 1, ERR_CONFIG, "not a SQLite database"},
        {"SQLite format 3\0\020\0", 18, ERR_RETRY, "cut off after 18 bytes"},
        {NULL, 0, ERR_CONFIG, "not a file"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;
        rig_make(&rig);
        if (cases[i].bytes == NULL) {
            assert_int_equal(mkdir(rig.path, 0700), 0);
        } else {
            rig_write(&rig, "", (struct str){cases[i].bytes, cases[i].len});
        }
        rig_open(&rig);
        rig_ask(&rig, A);
        assert_false(rig_fetch(&rig));
        assert_says(&rig, cases[i].kind, cases[i].words);
        rig_free(&rig);
    }
}

/* Cut off or overwritten: an error and no half batch; once it is whole again, all arrives. */
static void a_broken_file_is_explained(void **state)
{
    (void)state;
    for (int broken = 0; broken < 4; broken++) {
        struct rig rig;
        make_filled(&rig, "DELETE");
        fill(&rig, 101, 3000);
        rig_writer_close(&rig);
        struct str whole = rig_read(&rig, "");
        char *bytes = malloc(whole.len);
        size_t len = broken == 0 ? whole.len / 2 + 1000 : broken == 1 ? 4096 : whole.len;
        assert_non_null(bytes);
        memcpy(bytes, whole.ptr, whole.len);
        if (broken == 2) {
            memset(bytes + 4096, 0xA5, whole.len - 4096); /* All but the schema. */
        } else if (broken == 3) {
            memset(bytes + 100, 0xA5, 3900); /* The schema. */
        }
        rig_write(&rig, "", (struct str){bytes, len});
        free(bytes);
        rig_open(&rig);
        assert_false(rig_fetch(&rig));
        assert_says(&rig, ERR_RETRY, "malformed");
        assert_says(&rig, ERR_RETRY, "restore the file from a backup");
        assert_int_equal(rig.batch.count, 0);
        assert_null(rig.chats[0].next.ptr);
        rig_write(&rig, "", whole);
        rig_drain(&rig);
        assert_int_equal(rig.known, 3000);
        rig_free(&rig);
    }
}

static void a_locked_file_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    make_filled(&rig, "DELETE");
    rig_open(&rig);
    rig_drain(&rig);
    rig_sql(&rig, "BEGIN EXCLUSIVE");
    fill(&rig, 101, 110);
    int64_t before = clock_mono_ms(&rig.clock);
    arena_reset(&rig.arena);
    batch_init(&rig.batch, &rig.arena, rig.chats, rig.chat_count);
    assert_false(source_whatsapp_bridge.fetch(rig.source, &rig.batch, before + 300, &rig.err));
    int64_t waited = clock_mono_ms(&rig.clock) - before;
    assert_says(&rig, ERR_RETRY, "locked");
    assert_true(waited >= 200 && waited < 3000); /* It ends by its deadline. */
    rig_sql(&rig, "COMMIT");
    rig_drain(&rig);
    assert_int_equal(rig.known, 110);
    rig_free(&rig);
}

/* What `run` says as a user without any right to the file; -1 when this test cannot play it. */
static int as_nobody(struct rig *rig, int (*run)(struct rig *rig))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool ok = getuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        _exit(ok ? run(rig) : 99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int expect_refused(struct rig *rig)
{
    rig_open(rig);
    return !rig_fetch(rig) && rig->err.kind == ERR_CONFIG &&
                   strstr(rig->err.text, "permission denied") != NULL &&
                   strstr(rig->err.text, "let this user read") != NULL
               ? 0
               : 1;
}

static void missing_rights_are_explained(void **state)
{
    (void)state;
    struct rig rig;
    make_filled(&rig, "DELETE");
    rig_writer_close(&rig);
    assert_int_equal(chmod(rig.folder, 0755), 0);
    assert_int_equal(chmod(rig.path, 0000), 0);
    assert_int_equal(as_nobody(&rig, expect_refused), 0);
    assert_int_equal(chmod(rig.path, 0600), 0);
    rig_free(&rig);
}

/* The bridge died in the middle of a write: only a writer may roll that back. */
static void a_hot_journal_is_left_alone(void **state)
{
    (void)state;
    struct rig rig;
    make_filled(&rig, "DELETE");
    int status = 0;
    rig_writer_close(&rig);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rig_sql(&rig, "PRAGMA cache_size=1; PRAGMA synchronous=FULL; BEGIN IMMEDIATE");
        fill(&rig, 101, 5000); /* More than its cache: pages reach the file. */
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    uint64_t before = rig_folder_hash(&rig, NULL);
    rig_open(&rig);
    assert_false(rig_fetch(&rig));
    assert_says(&rig, ERR_RETRY, "it repairs its file");
    assert_true(rig_folder_hash(&rig, NULL) == before);
    fill(&rig, 7001, 7001); /* The bridge is back. */
    rig_drain(&rig);
    assert_int_equal(rig.known, 101);
    rig_free(&rig);
}

/* ---- Nothing is changed ---- */

static void reading_changes_no_byte(void **state)
{
    (void)state;
    static const char *const modes[] = {"DELETE", "TRUNCATE", "PERSIST", "WAL"};
    for (size_t i = 0; i < COUNT(modes); i++) {
        for (int running = 0; running < 2; running++) {
            struct rig rig;
            make_filled(&rig, modes[i]);
            if (running == 0) {
                rig_writer_close(&rig);
            }
            /* A running bridge shares its -shm with all readers: that is where the locks are. */
            const char *except = running == 1 ? "-shm" : NULL;
            uint64_t before = rig_folder_hash(&rig, except);
            struct str found = {0};
            rig_open(&rig);
            rig_drain(&rig);
            rig_drain(&rig);
            assert_true(source_whatsapp_bridge.connector.probe(
                &rig.source->connector, clock_mono_ms(&rig.clock) + 5000, &found, &rig.err));
            rig_close(&rig);
            assert_int_equal(rig.known, 100);
            if (rig_folder_hash(&rig, except) != before) {
                fail_msg("mode %s, running %d: the folder was changed", modes[i], running);
            }
            rig_free(&rig);
        }
    }
}

/* A bridge in WAL mode that was killed: its -wal holds what its file does not yet. */
static void a_wal_left_behind_is_read(void **state)
{
    (void)state;
    struct rig rig;
    make_filled(&rig, "DELETE");
    int status = 0;
    rig_writer_close(&rig);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rig_sql(&rig, "PRAGMA journal_mode=WAL");
        fill(&rig, 101, 150);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    uint64_t before = rig_folder_hash(&rig, "-shm");
    rig_open(&rig);
    rig_drain(&rig);
    rig_close(&rig);
    assert_int_equal(rig.known, 150);
    assert_true(rig_folder_hash(&rig, "-shm") == before);
    rig_free(&rig);
}

static int expect_all(struct rig *rig)
{
    rig_open(rig);
    for (int i = 0; i < 2; i++) {
        if (!rig_fetch(rig)) {
            (void)fprintf(stderr, "%s\n", rig->err.text);
            return 1;
        }
        rig_accept(rig);
    }
    rig_close(rig);
    return rig->known == 100 ? 0 : 2;
}

/* Another process that has the file open, as a bridge has; until its end of the pipe is closed. */
static pid_t bridge_start(struct rig *rig, int *stop)
{
    int ends[2];
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[1]);
        fill(rig, 91, 100);
        bool told = write(ready[1], "r", 1) == 1;
        (void)read(ends[0], &byte, 1);
        _exit(told ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ready[0]);
    (void)close(ready[1]);
    *stop = ends[1];
    return child;
}

static void bridge_stop(pid_t bridge, int stop)
{
    int status = 0;
    (void)close(stop);
    assert_int_equal(waitpid(bridge, &status, 0), bridge);
    assert_int_equal(status, 0);
}

static void make_readonly(struct rig *rig)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT(endings); i++) {
        char path[RIG_PATH_MAX + 16];
        (void)snprintf(path, sizeof path, "%s%s", rig->path, endings[i]);
        assert_true(chmod(path, 0444) == 0 || errno == ENOENT);
    }
    assert_int_equal(chmod(rig->folder, 0555), 0);
}

/* As on a read-only mount: nothing in the folder can be made or written. */
static void a_readonly_folder_is_enough(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        bool running;
    } cases[] = {{"DELETE", false}, {"DELETE", true}, {"WAL", false}, {"WAL", true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;
        make_filled(&rig, cases[i].mode);
        rig_sql(&rig, "DELETE FROM messages WHERE rowid>90");
        rig_writer_close(&rig);
        int stop = -1;
        pid_t bridge = bridge_start(&rig, &stop);
        if (!cases[i].running) {
            bridge_stop(bridge, stop);
            rig_sql(&rig, "SELECT 1");
            rig_writer_close(&rig); /* Which clears up after it. */
        }
        make_readonly(&rig);
        uint64_t before = rig_folder_hash(&rig, NULL);
        int result = as_nobody(&rig, expect_all);
        if (result != 0 || rig_folder_hash(&rig, NULL) != before) {
            fail_msg("mode %s, running %d: %d", cases[i].mode, cases[i].running, result);
        }
        if (cases[i].running) {
            bridge_stop(bridge, stop);
        }
        rig_free(&rig);
    }
}

/* The -shm got lost and cannot be made: said, not guessed. */
static int expect_advice(struct rig *rig)
{
    rig_open(rig);
    return !rig_fetch(rig) && rig->err.kind == ERR_RETRY &&
                   strstr(rig->err.text, "-wal without its -shm") != NULL
               ? 0
               : 1;
}

static void a_wal_without_shm_is_explained(void **state)
{
    (void)state;
    struct rig rig;
    make_filled(&rig, "WAL");
    struct str db = rig_read(&rig, "");
    struct str wal = rig_read(&rig, "-wal");
    rig_writer_close(&rig);
    rig_write(&rig, "", db);
    rig_write(&rig, "-wal", wal);
    make_readonly(&rig);
    assert_int_equal(as_nobody(&rig, expect_advice), 0);
    rig_free(&rig);
}

/* A file at rest is read without locks: if its bridge starts meanwhile, nothing of it counts. */
static void a_start_during_the_reading_is_noticed(void **state)
{
    (void)state;
    struct rig rig;
    struct bridge_file file;
    bool fresh = false;
    make_filled(&rig, "WAL");
    rig_writer_close(&rig);
    bridge_file_init(&file, str_of(rig.path));
    assert_true(bridge_file_open(&file, 100, &fresh, &rig.err));
    assert_true(fresh && file.still);
    assert_true(bridge_file_still(&file, &rig.err));
    assert_true(bridge_file_open(&file, 100, &fresh, &rig.err));
    assert_false(fresh);
    fill(&rig, 101, 2000);
    rig_writer_close(&rig); /* Which brings the -wal into the file. */
    assert_false(bridge_file_still(&file, &rig.err));
    assert_int_equal(rig.err.kind, ERR_RETRY);
    assert_true(bridge_file_open(&file, 100, &fresh, &rig.err));
    assert_true(fresh && file.still);
    fill(&rig, 2001, 2002); /* And while its -wal is there, it is not at rest. */
    assert_true(bridge_file_open(&file, 100, &fresh, &rig.err));
    assert_true(fresh && !file.still);
    bridge_file_close(&file);
    rig_open(&rig);
    rig_drain(&rig);
    assert_int_equal(rig.known, 2002);
    rig_free(&rig);
}

static void strange_paths_are_paths(void **state)
{
    (void)state;
    static const char *const names[] = {"a b?c=d&e#f%41.db", ":memory:", "file:x?mode=memory",
                                        "שלום.db", "it's \"quoted\".db"};
    static const char *const modes[] = {"DELETE", "WAL"};
    char cwd[RIG_PATH_MAX];
    assert_non_null(getcwd(cwd, sizeof cwd));
    for (size_t i = 0; i < COUNT(names) * COUNT(modes); i++) {
        struct rig rig;
        make_filled(&rig, modes[i % COUNT(modes)]);
        rig_writer_close(&rig);
        assert_int_equal(chdir(rig.folder), 0);
        assert_int_equal(rename("messages.db", names[i / COUNT(modes)]), 0);
        rig_set(&rig, "path", names[i / COUNT(modes)]);
        rig_open(&rig);
        rig_drain(&rig);
        assert_int_equal(rig.known, 100);
        assert_int_equal(chdir(cwd), 0);
        rig_free(&rig);
    }
}

/* ---- Looking without reading ---- */

static bool changed(struct rig *rig)
{
    return source_whatsapp_bridge.changed(rig->source);
}

static void wait_until_old(struct rig *rig)
{
    int64_t until = clock_mono_ms(&rig->clock) + 2 * (int64_t)BRIDGE_FRESH_MS;
    clock_system()->sleep_until(clock_system(), until);
}

static void changes_are_noticed(void **state)
{
    (void)state;
    static const char *const modes[] = {"DELETE", "WAL"};
    for (size_t i = 0; i < COUNT(modes); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_open(&rig);
        rig_ask(&rig, A);
        assert_true(changed(&rig)); /* Never read. */
        assert_false(rig_fetch(&rig));
        assert_false(changed(&rig)); /* Still missing. */
        rig_sql_printf(&rig, "PRAGMA journal_mode=%s", modes[i]);
        rig_sql(&rig, RIG_PUBLIC);
        assert_true(changed(&rig));
        rig_drain(&rig);
        assert_true(changed(&rig)); /* Too fresh to tell a second write from the first. */
        wait_until_old(&rig);
        rig_drain(&rig);
        for (int j = 0; j < 5; j++) {
            assert_false(changed(&rig));
            fill(&rig, j, j);
            assert_true(changed(&rig));
            wait_until_old(&rig);
            rig_drain(&rig);
            assert_false(changed(&rig));
        }
        assert_int_equal(rig.known, 5);
        rig_free(&rig);
    }
}

/* ---- Telling what is there ---- */

static void a_probe_tells_what_is_there(void **state)
{
    (void)state;
    struct rig rig;
    struct str found = {0};
    make_filled(&rig, "DELETE");
    rig_sql(&rig, "INSERT INTO chats(jid,name) VALUES('" A "','Lawley Activation')");
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                  "('x','120363999999999999@g.us','a','2025-12-09 20:51:42+02:00')");
    rig_set(&rig, "expect", "120363000000000011@g.us");
    rig_open(&rig);
    struct connector *connector = &rig.source->connector;
    int64_t deadline_ms = clock_mono_ms(&rig.clock) + 5000;
    assert_true(source_whatsapp_bridge.connector.probe(connector, deadline_ms, &found, &rig.err));
    static const char nearest[] = "nearest are " A " (Lawley Activation), 120363999999999999@g.us";
    static const char *const words[] = {
        "messages.db",  "chat_jid and content",
        "101 messages", "newest 2025-12-09T18:51:42.000Z",
        "2 chats",      "0 of 1 expected are there",
        nearest,
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (str_find(found, str_of(words[i]), 0) == STR_NONE) {
            fail_msg("\"%.*s\" does not say %s", STR_ARG(found), words[i]);
        }
    }
    rig_set(&rig, "expect", A);
    assert_true(source_whatsapp_bridge.connector.probe(connector, deadline_ms, &found, &rig.err));
    assert_true(str_find(found, STR("1 of 1 expected"), 0) != STR_NONE);
    assert_true(str_find(found, STR("nearest"), 0) == STR_NONE);
    rig_set(&rig, "expect", "lawley activations");
    assert_true(source_whatsapp_bridge.connector.probe(connector, deadline_ms, &found, &rig.err));
    assert_true(str_find(found, STR("nearest are " A " (Lawley Activation)"), 0) != STR_NONE);
    rig_free(&rig);
}

static void a_probe_fails_as_a_fetch_does(void **state)
{
    (void)state;
    struct rig rig;
    struct str found = {0};
    rig_make(&rig);
    rig_open(&rig);
    assert_false(source_whatsapp_bridge.connector.probe(
        &rig.source->connector, clock_mono_ms(&rig.clock) + 5000, &found, &rig.err));
    assert_says(&rig, ERR_RETRY, "no such file yet");
    assert_null(found.ptr);
    rig_free(&rig);
}

static void distances_are_those_of_edits(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},     {"a", "", 1},        {"", "abc", 3}, {"kitten", "sitting", 3},
        {"ab", "ba", 2}, {"same", "same", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(bridge_chats_distance(str_of(cases[i].a), str_of(cases[i].b)),
                         cases[i].distance);
        assert_int_equal(bridge_chats_distance(str_of(cases[i].b), str_of(cases[i].a)),
                         cases[i].distance);
    }
    char longer[BRIDGE_DISTANCE_MAX * 2];
    memset(longer, 'x', sizeof longer);
    assert_int_equal(bridge_chats_distance((struct str){longer, sizeof longer}, STR("")),
                     BRIDGE_DISTANCE_MAX);
}

static void a_wrong_zone_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_open(&rig);
    rig_close(&rig);
    rig_set(&rig, "zone", "Asia/Jerusalim");
    assert_false(source_whatsapp_bridge.connector.open(&rig.source->connector, &rig.err));
    assert_int_equal(rig.err.kind, ERR_CONFIG);
    assert_non_null(strstr(rig.err.text, "Asia/Jerusalem"));
    rig_free(&rig);
}

int main(void)
{
    struct err err = {0};
    if (!sqlite_setup(&err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_waited_for),
        cmocka_unit_test(a_missing_folder_is_told_apart),
        cmocka_unit_test(wrong_files_are_explained),
        cmocka_unit_test(a_broken_file_is_explained),
        cmocka_unit_test(a_locked_file_is_waited_for),
        cmocka_unit_test(missing_rights_are_explained),
        cmocka_unit_test(a_hot_journal_is_left_alone),
        cmocka_unit_test(reading_changes_no_byte),
        cmocka_unit_test(a_wal_left_behind_is_read),
        cmocka_unit_test(a_readonly_folder_is_enough),
        cmocka_unit_test(a_wal_without_shm_is_explained),
        cmocka_unit_test(a_start_during_the_reading_is_noticed),
        cmocka_unit_test(strange_paths_are_paths),
        cmocka_unit_test(changes_are_noticed),
        cmocka_unit_test(a_probe_tells_what_is_there),
        cmocka_unit_test(a_probe_fails_as_a_fetch_does),
        cmocka_unit_test(distances_are_those_of_edits),
        cmocka_unit_test(a_wrong_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
