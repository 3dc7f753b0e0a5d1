#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "db/sqlite.h"
#include "store/backup.h"
#include "store/fixture.h"
#include "store/outbox.h"
#include "store/pack.h"

/* ---- What is delivered between the two copies ---- */

struct scene {
    struct fixture *f;
    struct str target;
    bool delivered;
};

static struct effect effect_of(int64_t message)
{
    return (struct effect){.pipeline = STR("desk"), .generation = 1, .message = message};
}

static void target_run(struct fixture *f, struct str path, const char *sql)
{
    struct sqlite *db = NULL;
    fixture_ok(f, sqlite_open(&db, path, &(struct sqlite_options){.create = true}, &f->err) &&
                      sqlite_exec(db, sql, &f->err));
    sqlite_close(db);
}

static int64_t target_int(struct fixture *f, struct str path, const char *sql)
{
    struct sqlite *db = NULL;
    int64_t value = 0;
    fixture_ok(f, sqlite_open(&db, path, &(struct sqlite_options){0}, &f->err) &&
                      sqlite_int(db, sql, 0, &value, &f->err));
    sqlite_close(db);
    return value;
}

/* Called while the first of the two is being copied: what its copy sees is decided already. */
static void deliver_meanwhile(void *context, const char *what, uint64_t done, uint64_t total)
{
    struct scene *scene = context;
    struct effect effect = effect_of(1);
    (void)what;
    if (scene->delivered || done < total) {
        return;
    }
    scene->delivered = true;
    target_run(scene->f, scene->target, "INSERT INTO done VALUES(1)");
    fixture_begin(scene->f);
    fixture_ok(scene->f, store_outbox_done(scene->f->store, STR("table"), &effect, &scene->f->err));
    fixture_commit(scene->f);
}

static struct str in_folder(struct fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", f->folder, name);
}

/* The fixture's store, named as in a data folder. */
static void make_desk(struct fixture *f, struct str data, struct str target)
{
    struct store *store = NULL;
    struct store_options options = {
        .path = arena_printf(&f->arena, "%.*s/sluice.db", STR_ARG(data)), .clock = &f->clock};
    struct effect effect = effect_of(1);
    struct record record = {.kind = RECORD_EFFECT,
                            .sink = STR("table"),
                            .target = STR("done"),
                            .entity = STR("one"),
                            .body = STR("{}")};
    bool queued = false;
    fixture_ok(f, file_make_dirs(data, DIR_PRIVATE, &f->err));
    store_close(f->store);
    f->store = NULL;
    fixture_ok(f, store_open(&store, &options, &f->err));
    f->store = store;
    fixture_begin(f);
    (void)fixture_say(f, "chat", "1", "hello");
    fixture_ok(f, store_outbox_put(store, &effect, 1, &record, &queued, &f->err));
    fixture_commit(f);
    target_run(f, target, "CREATE TABLE done(id INTEGER)");
}

static void what_the_store_calls_done_is_in_the_target(void **state)
{
    struct fixture *f = *state;
    struct str data = in_folder(f, "data");
    struct backup_target target = {.sink = STR("table"), .path = in_folder(f, "data/records.db")};
    struct scene scene = {.f = f, .target = target.path};
    struct backup_watch watch = {deliver_meanwhile, &scene};
    struct backup_facts facts;
    struct restore_result result;
    make_desk(f, data, target.path);
    struct backup_plan plan = {.data_dir = data,
                               .file = in_folder(f, "one.tar.gz"),
                               .targets = &target,
                               .target_count = 1,
                               .clock = &f->clock,
                               .watch = &watch};
    fixture_ok(f, backup_make(&plan, STR("0.0"), &f->arena, &facts, &f->err));
    assert_true(scene.delivered);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM outbox"), 0);

    struct restore_plan back = {.file = plan.file,
                                .data_dir = in_folder(f, "back"),
                                .actor = STR("test"),
                                .clock = &f->clock};
    fixture_ok(f, backup_restore(&back, &f->arena, &result, &f->err));
    int64_t waiting = target_int(f, in_folder(f, "back/sluice.db"), "SELECT count(*) FROM outbox");
    int64_t done = target_int(f, in_folder(f, "back/records.db"), "SELECT count(*) FROM done");
    assert_int_equal(waiting, 1); /* It comes again, and the ledger of the target knows it … */
    assert_int_equal(done, 1);    /* … because the target was copied after it was delivered. */
}

static void a_restored_store_decides_newer_than_all_before(void **state)
{
    struct fixture *f = *state;
    struct str data = in_folder(f, "data");
    struct backup_facts facts;
    struct restore_result result;
    make_desk(f, data, in_folder(f, "data/records.db"));
    struct backup_plan plan = {
        .data_dir = data, .file = in_folder(f, "one.tar.gz"), .clock = &f->clock};
    struct restore_plan back = {.file = plan.file,
                                .data_dir = in_folder(f, "back"),
                                .actor = STR("test"),
                                .clock = &f->clock};
    int64_t birth = store_birth_s(f->store);
    fixture_ok(f, backup_make(&plan, STR("0.0"), &f->arena, &facts, &f->err));
    fixture_ok(f, backup_restore(&back, &f->arena, &result, &f->err));
    static const char sql[] = "SELECT value FROM meta WHERE key='birth_s'";
    assert_true(target_int(f, in_folder(f, "back/sluice.db"), sql) > birth);
    assert_int_equal(facts.birth_s, birth);
    back.force = true; /* And again, even when the clock stands still. */
    fixture_ok(f, backup_restore(&back, &f->arena, &result, &f->err));
    assert_true(result.aside.len > 0);
}

/* ---- Packs ---- */

struct seen {
    struct buf names;
    uint64_t bytes;
    size_t ends;
};

static bool see_begin(void *context, struct str name, uint64_t size, struct err *err)
{
    struct seen *seen = context;
    (void)err;
    buf_printf(&seen->names, "%.*s:%llu ", STR_ARG(name), (unsigned long long)size);
    return true;
}

static bool see_bytes(void *context, struct str piece, struct err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->bytes += piece.len;
    return true;
}

static bool see_end(void *context, const char sha256[HASH_HEX_MAX], struct err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->ends += strlen(sha256) == HASH_HEX_MAX - 1;
    return true;
}

static void packs_give_back_what_was_packed(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 511, 512, 513, 70000, 200000};
    struct pack *pack = NULL;
    struct str path = in_folder(f, "a.tar.gz");
    uint64_t size = 0;
    uint64_t total = 0;
    char *bytes = arena_bytes(&f->arena, 200000);
    for (size_t i = 0; i < 200000; i++) {
        bytes[i] = (char)(i * 31 >> 3);
    }
    fixture_ok(f, pack_open(&pack, path, 1764000000, &f->err));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "part/%zu.bin", i);
        fixture_ok(f, pack_add_bytes(pack, str_of(name), (struct str){bytes, sizes[i]}, &f->err));
        total += sizes[i];
    }
    fixture_ok(f, pack_finish(pack, &size, &f->err));
    pack_close(pack);
    struct seen seen = {.bytes = 0};
    buf_init(&seen.names, &f->arena, 256);
    struct pack_visitor visitor = {&seen, see_begin, see_bytes, see_end};
    fixture_ok(f, pack_read(path, &visitor, NULL, &f->err));
    assert_str_equal(buf_str(&seen.names),
                     STR("part/0.bin:0 part/1.bin:1 part/2.bin:511 part/3.bin:512 part/4.bin:513 "
                         "part/5.bin:70000 part/6.bin:200000 "));
    assert_int_equal(seen.bytes, total);
    assert_int_equal(seen.ends, COUNT(sizes));
}

static void every_cut_of_a_pack_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct pack *pack = NULL;
    struct str path = in_folder(f, "a.tar.gz");
    struct str whole;
    uint64_t size = 0;
    fixture_ok(f, pack_open(&pack, path, 0, &f->err));
    fixture_ok(f, pack_add_bytes(pack, STR("one"), STR("the contents of one"), &f->err));
    fixture_ok(f, pack_add_bytes(pack, STR("two"), STR("the contents of two"), &f->err));
    fixture_ok(f, pack_finish(pack, &size, &f->err));
    pack_close(pack);
    fixture_ok(f, file_read(&f->arena, path, 100000, &whole, &f->err));
    for (size_t cut = 0; cut < whole.len; cut++) {
        struct seen seen = {.bytes = 0};
        struct pack_visitor visitor = {&seen, see_begin, see_bytes, see_end};
        buf_init(&seen.names, &f->arena, 64);
        fixture_ok(f, file_write(path, FILE_PRIVATE, str_slice(whole, 0, cut), &f->err));
        assert_false(pack_read(path, &visitor, NULL, &f->err));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_store_calls_done_is_in_the_target),
        TEST(a_restored_store_decides_newer_than_all_before),
        TEST(packs_give_back_what_was_packed),
        TEST(every_cut_of_a_pack_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
