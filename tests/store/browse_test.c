/* browse: which messages are listed, in which order; how sources and sinks stand. */
#include <stdio.h>
#include <string.h>

#include "store/browse.h"
#include "store/fixture.h"
#include "store/lease.h"
#include "store/outbox.h"
#include "store/search.h"

/* Numbers of the messages, "3 2 1 ", and a "+" when there are more. */
static const char *listed(struct fixture *f, struct browse browse, size_t limit)
{
    static char text[256];
    struct message *list = NULL;
    size_t count = 0;
    bool more = false;
    size_t used = 0;
    fixture_ok(f, store_browse(f->store, &f->arena, &browse, limit, &list, &count, &more, &f->err));
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%d ", (int)list[i].id);
    }
    (void)snprintf(text + used, sizeof text - used, "%s", more ? "+" : "");
    return text;
}

static void messages(void **state)
{
    struct fixture *f = *state;
    bool more = true;
    fixture_begin(f);
    (void)fixture_say(f, "north", "a", "the tap leaks"); /* 1 */
    (void)fixture_say(f, "south", "b", "שָׁלוֹם");          /* 2 */
    (void)fixture_say(f, "north", "a", "the tap drips"); /* 3: an edit of 1. */
    (void)fixture_say(f, "north", "c", "thanks");        /* 4 */
    fixture_commit(f);
    while (more) {
        fixture_ok(f, store_search_fill(f->store, &f->arena, 0, &more, &f->err));
    }
    struct message first;
    fixture_ok(f, store_archive_get(f->store, &f->arena, 1, &first, &f->err));
    const struct {
        struct browse browse;
        size_t limit;
        const char *ids;
    } cases[] = {
        {{0}, 10, "4 3 2 "},
        {{0}, 2, "4 3 +"},
        {{0}, 3, "4 3 2 "},
        {{.revisions = true}, 10, "4 3 2 1 "},
        {{.oldest_first = true}, 10, "2 3 4 "},
        {{.before_id = 4}, 10, "3 2 "},
        {{.after_id = 3, .oldest_first = true}, 10, "4 "},
        {{.chat = STR("NOR")}, 10, "4 3 "},
        {{.chat = STR("nowhere")}, 10, ""},
        {{.source = first.source, .chat = STR("south")}, 10, "2 "},
        {{.source = STR("another")}, 10, ""},
        {{.sender = STR("nobody")}, 10, ""},
        {{.words = STR("tap")}, 10, "3 "},
        {{.words = STR("tap"), .chat = STR("south")}, 10, ""},
        {{.words = STR("שלום")}, 10, "2 "},
        {{.words = STR("th* tap"), .oldest_first = true}, 10, "3 "},
        {{.words = STR("***")}, 10, ""},
        {{.since_ms = first.sent_ms}, 10, "4 3 2 "},
        {{.since_ms = INT64_C(4102444800000)}, 10, ""},
        {{.until_ms = 1}, 10, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *found = listed(f, cases[i].browse, cases[i].limit);
        if (strcmp(found, cases[i].ids) != 0) {
            fail_msg("case %zu: '%s' instead of '%s'", i, found, cases[i].ids);
        }
    }
}

static void index_behind(void **state)
{
    struct fixture *f = *state;
    int64_t behind = -1;
    bool more = true;
    fixture_begin(f);
    (void)fixture_say(f, "north", "a", "one");
    (void)fixture_say(f, "north", "b", "two");
    fixture_commit(f);
    fixture_ok(f, store_search_behind(f->store, &behind, &f->err));
    assert_int_equal(behind, 2);
    fixture_ok(f, store_search_fill(f->store, &f->arena, 0, &more, &f->err));
    fixture_ok(f, store_search_behind(f->store, &behind, &f->err));
    assert_int_equal(behind, 0);
}

/* Only young numbers are looked at for --since, and none that would count is missed. */
static void since_by_halves(void **state)
{
    struct fixture *f = *state;
    const int64_t day = INT64_C(86400000);
    int64_t begin = f->now_ms;
    for (int i = 0; i < 40; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "m%d", i);
        struct message one = {.source = STR("bridge"),
                              .chat = STR("north"),
                              .external_id = str_of(id),
                              .text = STR("x"),
                              .sent_ms = f->now_ms};
        struct intake_counts counts = {0};
        fixture_begin(f);
        fixture_ok(f, store_archive_put(f->store, &f->arena, &one, 1, &counts, &f->err));
        fixture_commit(f);
        f->now_ms += day;
    }
    for (int i = 0; i < 40; i++) {
        struct message *list = NULL;
        size_t count = 0;
        bool more = false;
        struct browse browse = {.since_ms = begin + i * day};
        fixture_ok(f,
                   store_browse(f->store, &f->arena, &browse, 100, &list, &count, &more, &f->err));
        assert_int_equal(count, 40 - i);
    }
}

static void states(void **state)
{
    struct fixture *f = *state;
    struct source_state *sources = NULL;
    struct sink_state *sinks = NULL;
    struct str *names = NULL;
    size_t count = 0;
    fixture_begin(f);
    (void)fixture_say(f, "north", "a", "one");
    fixture_ok(f, store_sweep_put(f->store, STR("bridge"), 0, NULL, &f->err));
    fixture_ok(f, store_sweep_put(f->store, STR("archive"), 0, "gone", &f->err));
    struct record record = {.kind = RECORD_EFFECT,
                            .sink = STR("records"),
                            .target = STR("t"),
                            .entity = STR("e"),
                            .body = STR("{}")};
    bool queued = false;
    for (int nth = 0; nth < 3; nth++) {
        struct effect effect = {.pipeline = STR("drops"), .message = 1, .nth = nth};
        fixture_ok(f, store_outbox_put(f->store, &effect, 1, &record, &queued, &f->err));
        assert_true(queued);
    }
    struct effect first = {.pipeline = STR("drops"), .message = 1, .nth = 0};
    struct effect second = {.pipeline = STR("drops"), .message = 1, .nth = 1};
    fixture_ok(f, store_outbox_dead(f->store, STR("records"), &first, STR("never"), &f->err));
    fixture_ok(f, store_outbox_later(f->store, STR("records"), &second, f->now_ms + 5000,
                                     STR("busy"), &f->err));
    fixture_commit(f);

    fixture_ok(f, store_source_states(f->store, &f->arena, &sources, &count, &f->err));
    assert_int_equal(count, 2);
    assert_str_equal(sources[0].name, STR("archive"));
    assert_str_equal(sources[0].sweep.error, STR("gone"));
    assert_int_equal(sources[0].sweep.good_ms, 0);
    assert_null(sources[1].sweep.error.ptr);

    fixture_ok(f, store_sink_states(f->store, &f->arena, &sinks, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str_equal(sinks[0].name, STR("records"));
    assert_int_equal(sinks[0].waiting, 2);
    assert_int_equal(sinks[0].failing, 1);
    assert_int_equal(sinks[0].next_ms, f->now_ms + 5000);
    assert_str_equal(sinks[0].why, STR("busy"));
    assert_int_equal(sinks[0].dead, 1);

    fixture_ok(f, store_pipeline_names(f->store, &f->arena, &names, &count, &f->err));
    assert_int_equal(count, 0);
}

static void served(void **state)
{
    struct fixture *f = *state;
    struct lease_file *leases = NULL;
    struct lease lease = {0};
    struct str owner = {0};
    int64_t since_ms = 0;
    bool is = true;
    fixture_ok(f, store_is_served(f->store, str_of(f->path), &is, &f->err));
    assert_false(is);
    fixture_ok(f, lease_file_open(&leases, str_of(f->path), &f->err));
    fixture_ok(
        f, store_lease_take(f->store, leases, STR("conductor"), STR("desk/7"), &lease, &f->err));
    fixture_ok(f, store_is_served(f->store, str_of(f->path), &is, &f->err));
    assert_true(is);
    fixture_ok(f, store_owner(f->store, &f->arena, &owner, &since_ms, &f->err));
    assert_true(str_starts(owner, STR("desk/7")));
    lease_file_close(leases);
    fixture_ok(f, store_is_served(f->store, str_of(f->path), &is, &f->err));
    assert_false(is);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(index_behind, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(since_by_halves, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(states, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(served, fixture_open_quick, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
