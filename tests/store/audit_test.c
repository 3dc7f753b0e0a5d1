#include <stdio.h>
#include <string.h>

#include "store/audit.h"
#include "store/fixture.h"

enum { ENTRIES = 5 };

static bool put(struct fixture *f, struct str actor, struct str act, struct str object,
                struct str detail)
{
    fixture_begin(f);
    bool ok = store_audit_put(f->store, actor, act, object, detail, &f->err);
    if (ok) {
        fixture_commit(f);
    }
    store_rollback(f->store);
    return ok;
}

static void put_some(struct fixture *f)
{
    for (int i = 0; i < ENTRIES; i++) {
        f->now_ms += 1000;
        fixture_ok(f, put(f, STR("user:dana"), STR("run"), STR("drops"), STR("{\"n\":1}")));
    }
}

static int64_t broken(struct fixture *f, int64_t *entries)
{
    int64_t id = -1;
    fixture_ok(f, store_audit_verify(f->store, entries, &id, &f->err));
    return id;
}

static void a_chain_that_nobody_touched_holds(void **state)
{
    struct fixture *f = *state;
    int64_t entries = -1;
    assert_int_equal(broken(f, &entries), 0);
    assert_int_equal(entries, 0);
    put_some(f);
    fixture_ok(f, put(f, STR("schedule"), STR("run"), (struct str){0}, (struct str){0}));
    fixture_reopen(f);
    assert_int_equal(broken(f, &entries), 0);
    assert_int_equal(entries, ENTRIES + 1);
    fixture_begin(f); /* Within a change as well. */
    assert_int_equal(broken(f, &entries), 0);
    store_rollback(f->store);
}

static void entries_come_newest_first(void **state)
{
    struct fixture *f = *state;
    struct audit_entry *list = NULL;
    size_t count = 0;
    put_some(f);
    fixture_ok(f, put(f, STR("cli:root"), STR("dlq.drop"), STR("17"), (struct str){0}));
    fixture_ok(f, store_audit_list(f->store, &f->arena, 0, 3, &list, &count, &f->err));
    assert_int_equal(count, 3);
    assert_int_equal(list[0].id, ENTRIES + 1);
    assert_str_equal(list[0].actor, STR("cli:root"));
    assert_str_equal(list[0].act, STR("dlq.drop"));
    assert_str_equal(list[0].object, STR("17"));
    assert_null(list[0].detail.ptr);
    assert_int_equal(list[0].hash.len, 64);
    assert_str_equal(list[1].detail, STR("{\"n\":1}"));
    assert_int_equal(list[1].at_ms, f->now_ms);
    fixture_ok(f, store_audit_list(f->store, &f->arena, list[2].id, 99, &list, &count, &f->err));
    assert_int_equal(count, ENTRIES - 2);
    assert_int_equal(list[0].id, ENTRIES - 2);
}

/* Each column, each way of taking out, putting in and swapping; and where it must show. */
static const struct {
    const char *sql;
    int64_t broken_id;
} tampers[] = {
    {"UPDATE audit SET at_ms=at_ms+1 WHERE id=2", 2},
    {"UPDATE audit SET actor='user:eve' WHERE id=1", 1},
    {"UPDATE audit SET act='stop' WHERE id=3", 3},
    {"UPDATE audit SET object='drop' WHERE id=4", 4},
    {"UPDATE audit SET detail='{}' WHERE id=5", 5},
    {"UPDATE audit SET detail=NULL WHERE id=5", 5},
    {"UPDATE audit SET detail='' WHERE id=6", 6},
    {"UPDATE audit SET hash=zeroblob(32) WHERE id=2", 2},
    {"UPDATE audit SET hash=x'00' WHERE id=2", 2},
    {"UPDATE audit SET actor='user:danar', act='un' WHERE id=2",
     2}, /* Same bytes, cut elsewhere. */
    {"DELETE FROM audit WHERE id=1", 2},
    {"DELETE FROM audit WHERE id=3", 4},
    {"DELETE FROM audit WHERE id=6", 6},
    {"DELETE FROM audit WHERE id>=4", 4},
    {"DELETE FROM audit", 1},
    {"INSERT INTO audit(id, at_ms, actor, act, object, hash) SELECT 7, at_ms, actor, act, object,"
     " hash FROM audit WHERE id=6",
     7},
    {"INSERT INTO audit(id, at_ms, actor, act, object, hash) SELECT 0, at_ms, actor, act, object,"
     " hash FROM audit WHERE id=1",
     1},
    {"UPDATE audit SET id=9 WHERE id=6", 9},
    {"UPDATE audit SET hash=(SELECT o.hash FROM audit o WHERE o.id=1) WHERE id=2", 2},
};

static void every_tampering_shows_at_its_place(void **state)
{
    struct fixture *f = *state;
    char undo[128];
    (void)snprintf(undo, sizeof undo, "CREATE TABLE safe AS SELECT * FROM audit");
    put_some(f);
    fixture_ok(f, put(f, STR("user:dana"), STR("run"), STR("drops"), (struct str){0}));
    fixture_tamper(f, undo);
    for (size_t i = 0; i < COUNT(tampers); i++) {
        int64_t entries = 0;
        fixture_tamper(f, tampers[i].sql);
        int64_t id = broken(f, &entries);
        if (id != tampers[i].broken_id) {
            fail_msg("%s: broken at %lld, not %lld", tampers[i].sql, (long long)id,
                     (long long)tampers[i].broken_id);
        }
        fixture_tamper(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM safe");
        assert_int_equal(broken(f, &entries), 0);
    }
}

static void what_cannot_be_noted_refuses_the_act(void **state)
{
    static char large[AUDIT_DETAIL_MAX + 1];
    struct fixture *f = *state;
    int64_t entries = 0;
    memset(large, 'x', sizeof large);
    struct str word = {large, AUDIT_WORD_MAX + 1};
    struct str detail = {large, sizeof large};
    assert_false(put(f, word, STR("a"), STR("o"), STR("{}")));
    assert_int_equal(f->err.kind, ERR_REJECT);
    assert_false(put(f, STR("a"), word, STR("o"), STR("{}")));
    assert_false(put(f, STR("a"), STR("a"), word, STR("{}")));
    assert_false(put(f, STR("a"), STR("a"), STR("o"), detail));
    assert_int_equal(broken(f, &entries), 0);
    assert_int_equal(entries, 0);
    word.len--;
    detail.len--;
    fixture_ok(f, put(f, word, word, word, detail));
    fixture_ok(f, put(f, STR("x\0y"), STR("\xff"), STR("'); DROP TABLE audit;--"), STR("")));
    assert_int_equal(broken(f, &entries), 0);
    assert_int_equal(entries, 2);
}

static void an_entry_that_was_rolled_back_leaves_no_hole(void **state)
{
    struct fixture *f = *state;
    int64_t entries = 0;
    put_some(f);
    fixture_begin(f);
    fixture_ok(f, store_audit_put(f->store, STR("a"), STR("b"), STR("c"), STR("{}"), &f->err));
    store_rollback(f->store);
    put_some(f);
    assert_int_equal(broken(f, &entries), 0);
    assert_int_equal(entries, 2 * ENTRIES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chain_that_nobody_touched_holds),
        TEST(entries_come_newest_first),
        TEST(every_tampering_shows_at_its_place),
        TEST(what_cannot_be_noted_refuses_the_act),
        TEST(an_entry_that_was_rolled_back_leaves_no_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
