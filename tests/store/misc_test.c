#include "store/fixture.h"

static struct str keep_get(struct fixture *f, const char *connector, const char *key)
{
    struct str value;
    fixture_ok(
        f, store_keep_get(f->store, &f->arena, str_of(connector), str_of(key), &value, &f->err));
    return value;
}

static void keep_put(struct fixture *f, const char *connector, const char *key, struct str value)
{
    fixture_begin(f);
    fixture_ok(f, store_keep_put(f->store, str_of(connector), str_of(key), value, &f->err));
    fixture_commit(f);
}

static void notes_of_connectors_survive(void **state)
{
    struct fixture *f = *state;
    assert_null(keep_get(f, "browser", "session").ptr);
    keep_put(f, "browser", "session", STR("ab\0\xff"));
    keep_put(f, "other", "session", STR("else"));
    keep_put(f, "browser", "empty", STR(""));
    fixture_reopen(f);
    assert_str_equal(keep_get(f, "browser", "session"), STR("ab\0\xff"));
    assert_str_equal(keep_get(f, "other", "session"), STR("else"));
    assert_non_null(keep_get(f, "browser", "empty").ptr);
    keep_put(f, "browser", "session", STR("new"));
    assert_str_equal(keep_get(f, "browser", "session"), STR("new"));
    keep_put(f, "browser", "session", (struct str){0});
    assert_null(keep_get(f, "browser", "session").ptr);
    assert_str_equal(keep_get(f, "other", "session"), STR("else"));
}

static void notes_of_a_connector_are_listed_by_key(void **state)
{
    struct fixture *f = *state;
    struct keep_row *rows = NULL;
    size_t count = 7;
    fixture_ok(f, store_keep_list(f->store, &f->arena, STR("browser"), &rows, &count, &f->err));
    assert_int_equal(count, 0);
    keep_put(f, "browser", "b", STR("2"));
    keep_put(f, "browser", "a", STR("1\0"));
    keep_put(f, "other", "c", STR("3"));
    keep_put(f, "browser", "d", STR("4"));
    keep_put(f, "browser", "d", (struct str){0});
    fixture_ok(f, store_keep_list(f->store, &f->arena, STR("browser"), &rows, &count, &f->err));
    assert_int_equal(count, 2);
    assert_str_equal(rows[0].key, STR("a"));
    assert_str_equal(rows[0].value, STR("1\0"));
    assert_str_equal(rows[1].key, STR("b"));
}

static void refuse(struct fixture *f, const char *worker, const char *place, int64_t at_ms)
{
    struct refused refused = {
        .worker = str_of(worker),
        .chat = STR("lobby"),
        .place = str_of(place),
        .why = STR("not a message"),
        .at_ms = at_ms,
    };
    fixture_ok(f, store_refused_put(f->store, &refused, &f->err));
}

static void refusals_are_counted_and_listed(void **state)
{
    struct fixture *f = *state;
    struct refused *list = NULL;
    size_t count = 0;
    int64_t total = 0;
    fixture_begin(f);
    refuse(f, "bridge", "row 1", 77);
    refuse(f, "drops", "row 2", 0);
    refuse(f, "drops", "row 3", 0);
    fixture_commit(f);
    fixture_ok(f, store_refused_list(f->store, &f->arena, 0, 2, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_str_equal(list[0].place, STR("row 3"));
    assert_int_equal(list[0].at_ms, f->now_ms);
    assert_str_equal(list[1].worker, STR("drops"));
    fixture_ok(f, store_refused_list(f->store, &f->arena, list[1].id, 2, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str_equal(list[0].worker, STR("bridge"));
    assert_str_equal(list[0].chat, STR("lobby"));
    assert_str_equal(list[0].why, STR("not a message"));
    assert_int_equal(list[0].at_ms, 77);
    fixture_ok(f, store_count_get(f->store, "refused", &total, &f->err));
    assert_int_equal(total, 3);
}

static void old_refusals_go_and_the_count_stays(void **state)
{
    struct fixture *f = *state;
    int64_t total = 0;
    fixture_begin(f);
    for (int i = 0; i < STORE_REFUSED_MAX + 10; i++) {
        refuse(f, "bridge", "row", 1);
    }
    fixture_commit(f);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM refused"), STORE_REFUSED_MAX);
    assert_int_equal(fixture_int(f, "SELECT min(id) FROM refused"), 11);
    fixture_ok(f, store_count_get(f->store, "refused", &total, &f->err));
    assert_int_equal(total, STORE_REFUSED_MAX + 10);
}

static void events_have_a_bound(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    for (int i = 0; i < 10050; i++) {
        fixture_ok(f, store_event_put(f->store, STR("bridge"), STR("gap"), (struct str){0},
                                      STR("{}"), &f->err));
    }
    fixture_commit(f);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM event"), 10000);
    assert_int_equal(fixture_int(f, "SELECT max(id) FROM event"), 10050);
    assert_int_equal(fixture_int(f, "SELECT max(at_ms) FROM event"), f->now_ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(notes_of_connectors_survive),
        TEST(notes_of_a_connector_are_listed_by_key),
        TEST(refusals_are_counted_and_listed),
        TEST(old_refusals_go_and_the_count_stays),
        TEST(events_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
