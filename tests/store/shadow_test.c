#include "store/fixture.h"
#include "store/outbox.h"
#include "store/replay.h"
#include "store/shadow.h"
#include "store/state.h"

static struct store *shadow_of(struct fixture *f, bool intake)
{
    struct store *shadow = NULL;
    struct shadow_options options = {.path = str_of(f->path), .clock = &f->clock, .intake = intake};
    fixture_ok(f, store_shadow_open(&shadow, &options, &f->err));
    return shadow;
}

static int64_t ask(struct fixture *f, struct store *store, const char *sql)
{
    int64_t value = -1;
    fixture_ok(f, store_int(store, sql, &value, &f->err));
    return value;
}

static int64_t say(struct fixture *f, struct store *store, const char *id, const char *text)
{
    struct intake_counts counts;
    struct message message = {.source = STR("bridge"),
                              .chat = STR("lobby"),
                              .external_id = str_of(id),
                              .sender = STR("Noa"),
                              .text = str_of(text),
                              .sent_ms = f->now_ms};
    fixture_ok(f, store_begin(store, NULL, &f->err));
    fixture_ok(f, store_archive_put(store, &f->arena, &message, 1, &counts, &f->err));
    fixture_ok(f, store_commit(store, &f->err));
    return message.id;
}

static void emit(struct fixture *f, struct store *store, const char *entity, const char *body,
                 int64_t message)
{
    bool queued = false;
    struct effect effect = {.pipeline = STR("desk"), .generation = 1, .message = message};
    struct record record = {.sink = STR("records"),
                            .target = STR("rows"),
                            .entity = str_of(entity),
                            .body = str_of(body)};
    fixture_ok(f, store_begin(store, NULL, &f->err));
    fixture_ok(f, store_outbox_put(store, &effect, 1, &record, &queued, &f->err));
    fixture_ok(f, store_commit(store, &f->err));
}

/* What is new lies behind what is there, repeats are known, and the store hears of nothing. */
static void intake_stays_private(void **state)
{
    struct fixture *f = *state;
    struct str cursor = {0};
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "one");
    (void)fixture_say(f, "lobby", "two", "two");
    fixture_ok(f, store_cursor_put(f->store, STR("bridge"), STR("lobby"), STR("c1"), &f->err));
    fixture_commit(f);
    int64_t changes = fixture_int(f, "SELECT total_changes()");
    struct store *shadow = shadow_of(f, true);
    assert_int_equal(say(f, shadow, "1", "one"), 0);
    assert_int_equal(say(f, shadow, "two", "two, edited"), 3);
    assert_int_equal(say(f, shadow, "3", "three"), 4);
    assert_int_equal(say(f, shadow, "3", "three"), 0);
    assert_int_equal(ask(f, shadow, "SELECT count(*) FROM archive"), 4);
    assert_int_equal(ask(f, shadow, "SELECT max(revision) FROM archive"), 1);
    fixture_ok(f,
               store_cursor_get(shadow, &f->arena, STR("bridge"), STR("lobby"), &cursor, &f->err));
    assert_str_equal(cursor, STR("c1"));
    fixture_ok(f, store_begin(shadow, NULL, &f->err));
    fixture_ok(f, store_cursor_put(shadow, STR("bridge"), STR("lobby"), STR("c2"), &f->err));
    store_rollback(shadow); /* Back to the point, and the shadow goes on. */
    fixture_ok(f,
               store_cursor_get(shadow, &f->arena, STR("bridge"), STR("lobby"), &cursor, &f->err));
    assert_str_equal(cursor, STR("c1"));
    assert_int_equal(ask(f, shadow, "SELECT count(*) FROM archive"), 4);
    store_close(shadow);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 2);
    assert_int_equal(fixture_int(f, "SELECT total_changes()"), changes);
}

/* It sees one moment, and holds nobody up. */
static void a_shadow_is_of_one_moment(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "one");
    fixture_commit(f);
    struct store *shadow = shadow_of(f, false);
    assert_false(store_shadow_at_rest(shadow));
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "2", "two");
    fixture_commit(f);
    assert_int_equal(ask(f, shadow, "SELECT count(*) FROM archive"), 1);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 2);
    assert_true(store_shadow_undisturbed(shadow));
    store_close(shadow);
}

/* At rest it leaves no file; and tells when somebody begins meanwhile. */
static void at_rest_nothing_appears(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    struct store *shadow = shadow_of(f, true);
    assert_true(store_shadow_at_rest(shadow));
    (void)say(f, shadow, "1", "one");
    assert_true(store_shadow_undisturbed(shadow));
    f->store = fixture_handle(f);
    fixture_begin(f);
    (void)fixture_say(f, "lobby", "1", "one");
    fixture_commit(f);
    assert_false(store_shadow_undisturbed(shadow));
    store_close(shadow);
}

struct seen {
    int changed;
    int equal;
    int waiting;
    int gone;
};

static bool on_change(void *context, const struct shadow_change *change, struct err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->gone += change->gone;
    seen->equal += change->equal;
    seen->changed += !change->gone && !change->equal;
    seen->waiting += change->waiting;
    return true;
}

static void records_are_compared_with_the_last_ones(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct shadow_start start;
    struct effect sent = {.pipeline = STR("desk"), .generation = 1, .message = 1};
    emit(f, f->store, "same", "{\"set\":{\"n\":1}}", 1);
    emit(f, f->store, "other", "{\"set\":{\"n\":1}}", 2);
    emit(f, f->store, "gone", "{\"set\":{\"n\":1}}", 3);
    fixture_begin(f);
    fixture_ok(f, store_outbox_done(f->store, STR("records"), &sent, &f->err));
    fixture_ok(f, store_generation_put(f->store, STR("desk"), 4, &f->err));
    fixture_commit(f);
    struct store *shadow = shadow_of(f, false);
    fixture_ok(f, store_shadow_start(shadow, STR("desk"), SHADOW_FROM_BASELINE, &start, &f->err));
    assert_int_equal(start.generation, 4);
    emit(f, shadow, "same", "{\"set\":{\"n\":1}}", 1);
    emit(f, shadow, "other", "{\"set\":{\"n\":2}}", 2);
    emit(f, shadow, "new", "{\"set\":{\"n\":1}}", 3);
    fixture_ok(f, store_shadow_absolutes(shadow, STR("desk"), on_change, &seen, &f->err));
    fixture_ok(f, store_shadow_gone(shadow, STR("desk"), 0, on_change, &seen, &f->err));
    assert_int_equal(seen.equal, 1);
    assert_int_equal(seen.changed, 2);
    assert_int_equal(seen.gone, 1);
    assert_int_equal(seen.waiting, 2); /* "other" and "gone" were not delivered yet. */
    seen = (struct seen){0};
    fixture_ok(f, store_shadow_gone(shadow, STR("desk"), 3, on_change, &seen, &f->err));
    assert_int_equal(seen.gone, 0); /* What was decided before the baseline is not asked about. */
    store_close(shadow);
}

static void answers_answer_their_words(void **state)
{
    struct fixture *f = *state;
    bool is = false;
    struct store *shadow = shadow_of(f, false);
    fixture_ok(f, store_begin(shadow, NULL, &f->err));
    fixture_ok(f, store_shadow_asked(shadow, 1, 7, 0, STR("abc"), &f->err));
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 0, STR("abd"), &is, &f->err));
    assert_false(is);
    fixture_ok(f, store_shadow_answered(shadow, 1, 8, 0, STR("abc"), &is, &f->err));
    assert_false(is);
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 0, STR("abc"), &is, &f->err));
    assert_true(is);
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 0, STR("abc"), &is, &f->err));
    assert_false(is); /* Answered once. */
    fixture_ok(f, store_shadow_asked(shadow, 1, 7, 3, STR("abc"), &f->err));
    fixture_ok(f, store_shadow_asked(shadow, 1, 70, 0, STR("abc"), &f->err));
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 1, STR("abc"), &is, &f->err));
    assert_true(is); /* It stood elsewhere among the records of its message. */
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 1, STR("abc"), &is, &f->err));
    assert_false(is);
    fixture_ok(f, store_shadow_answered(shadow, 1, 7, 1, (struct str){0}, &is, &f->err));
    assert_false(is);
    fixture_ok(f, store_commit(shadow, &f->err));
    store_close(shadow);
}

static void state_is_taken_over(void **state)
{
    struct fixture *f = *state;
    struct shadow_start start;
    struct str value = {0};
    int64_t id = 0;
    fixture_begin(f);
    fixture_ok(f, store_name(f->store, STR("desk"), &id, &f->err));
    fixture_ok(f, store_state_put(f->store, id, 1, STR("old"), STR("1"), &f->err));
    fixture_commit(f);
    struct store *shadow = shadow_of(f, false);
    fixture_ok(f, store_shadow_start(shadow, STR("desk"), SHADOW_FROM_NOW, &start, &f->err));
    fixture_ok(f, store_state_get(shadow, &f->arena, id, 1, STR("old"), &value, &f->err));
    assert_str_equal(value, STR("1"));
    fixture_ok(f, store_begin(shadow, NULL, &f->err));
    fixture_ok(f, store_state_del(shadow, id, 1, STR("old"), &f->err));
    fixture_ok(f, store_state_put(shadow, id, 2, STR("new"), STR("2"), &f->err));
    fixture_ok(f, store_shadow_asked(shadow, id, 7, 0, STR("abc"), &f->err));
    fixture_ok(f, store_commit(shadow, &f->err));
    fixture_begin(f);
    fixture_ok(f, store_shadow_take_over(shadow, f->store, STR("desk"), &f->err));
    fixture_commit(f);
    store_close(shadow);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM state"), 1);
    fixture_ok(f, store_state_get(f->store, &f->arena, id, 2, STR("new"), &value, &f->err));
    assert_str_equal(value, STR("2"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open_quick, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(intake_stays_private),       TEST(a_shadow_is_of_one_moment),
        TEST(at_rest_nothing_appears),    TEST(records_are_compared_with_the_last_ones),
        TEST(answers_answer_their_words), TEST(state_is_taken_over),
    };
    return cmocka_run_group_tests_name("shadow", tests, NULL, NULL);
}
