#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "store/fixture.h"

enum { BIG_BATCH = 70000, MODEL_OPERATIONS = 20000 };

#define IS(text) STR_INIT(text)

static struct message said(const char *id, const char *text)
{
    return (struct message){
        .source = STR("bridge"),
        .chat = STR("lobby"),
        .external_id = str_of(id),
        .sender = STR("Dana"),
        .text = str_of(text),
        .sent_ms = 1,
    };
}

static struct intake_counts put(struct fixture *f, struct message *messages, size_t count)
{
    struct intake_counts counts;
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, messages, count, &counts, &f->err));
    fixture_commit(f);
    return counts;
}

static struct message get(struct fixture *f, int64_t id)
{
    struct message message;
    fixture_ok(f, store_archive_get(f->store, &f->arena, id, &message, &f->err));
    return message;
}

static struct message find(struct fixture *f, struct str chat, struct str id)
{
    struct message message;
    fixture_ok(f,
               store_archive_find(f->store, &f->arena, STR("bridge"), chat, id, &message, &f->err));
    return message;
}

enum outcome { FRESH, REVISED, REPEATED };

static enum outcome outcome_of(const struct intake_counts *counts)
{
    assert_int_equal(counts->fresh + counts->revised + counts->repeated, 1);
    return counts->fresh == 1 ? FRESH : counts->revised == 1 ? REVISED : REPEATED;
}

/* One message after another, each in a change of its own. */
static void a_message_is_fresh_revised_or_repeated(void **state)
{
    static const struct {
        const char *id;
        const char *text;
        const char *attachments;
        bool deleted;
        int64_t version_ms;
        enum outcome outcome;
        int revision;
    } table[] = {
        {"1", "a", NULL, false, 0, FRESH, 0},
        {"1", "a", NULL, false, 0, REPEATED, 0},
        {"1", "b", NULL, false, 0, REVISED, 1},
        {"1", "b", NULL, false, 0, REPEATED, 0},
        {"1", "a", NULL, false, 0, REVISED, 2}, /* Back to what it was: an edit, too. */
        {"1", "a", "[1]", false, 0, REVISED, 3},
        {"1", "a", "[1]", false, 0, REPEATED, 0},
        {"1", "a", NULL, false, 0, REVISED, 4},
        {"1", "a", NULL, true, 0, REVISED, 5},
        {"1", "a", NULL, true, 0, REPEATED, 0},
        {"1", "a", NULL, false, 0, REVISED, 6},
        {"1", "", NULL, false, 0, REVISED, 7},
        {"2", "x", NULL, false, 100, FRESH, 0},
        {"2", "old", NULL, false, 99, REPEATED, 0}, /* Older than what is known. */
        {"2", "y", NULL, false, 100, REVISED, 1},
        {"2", "z", NULL, false, 101, REVISED, 2},
        {"2", "y", NULL, false, 100, REPEATED, 0},
        {"2", "gone", NULL, true, 100, REPEATED, 0},
        {"2", "no version", NULL, false, 0, REVISED, 3},
        {"2", "any version", NULL, false, 1, REVISED, 4},
        {"3", "", NULL, true, 0, FRESH, 0}, /* First seen as a deletion. */
        {"3", "", NULL, true, 0, REPEATED, 0},
    };
    struct fixture *f = *state;
    int64_t last_id = 0;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct message message = said(table[i].id, table[i].text);
        message.attachments = str_of(table[i].attachments);
        message.deleted = table[i].deleted;
        message.version_ms = table[i].version_ms;
        struct intake_counts counts = put(f, &message, 1);
        enum outcome outcome = outcome_of(&counts);
        if (outcome != table[i].outcome || message.revision != table[i].revision) {
            fail_msg("row %zu: outcome %d, revision %d", i, (int)outcome, message.revision);
        }
        if (outcome == REPEATED) {
            assert_int_equal(message.id, 0);
            assert_int_equal(counts.last_id, 0);
            continue;
        }
        assert_true(message.id > last_id);
        assert_int_equal(counts.last_id, message.id);
        last_id = message.id;
        struct message kept = find(f, STR("lobby"), str_of(table[i].id));
        assert_int_equal(kept.id, message.id);
        assert_int_equal(kept.revision, table[i].revision);
        assert_int_equal(kept.deleted, table[i].deleted);
        assert_str_equal(kept.text, str_of(table[i].text));
        assert_str_equal(kept.attachments, str_of(table[i].attachments));
    }
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), 14);
    assert_int_equal(fixture_int(f, "SELECT sum(length(entries)) / 8 FROM seen_block"), 3);
}

/* What changes beside text, attachments and deletion is no revision. */
static void other_fields_make_no_revision(void **state)
{
    struct fixture *f = *state;
    struct message first = said("1", "a");
    (void)put(f, &first, 1);
    struct message again = said("1", "a");
    again.sender = STR("Someone else");
    again.sent_ms = 999;
    again.extra = STR("{\"x\":1}");
    again.direction = MESSAGE_OUTGOING;
    struct intake_counts counts = put(f, &again, 1);
    assert_int_equal(counts.repeated, 1);
    assert_str_equal(get(f, first.id).sender, STR("Dana"));
}

static void answers_and_the_like_are_first_wins(void **state)
{
    static const enum message_kind kinds[] = {MESSAGE_TICK, MESSAGE_ANSWER, MESSAGE_RECEIPT,
                                              MESSAGE_RUN, MESSAGE_REFERENCE};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct message messages[3];
        char id[16];
        (void)snprintf(id, sizeof id, "k%zu", i);
        messages[0] = said(id, "first");
        messages[1] = said(id, "second");
        messages[2] = said(id, "first");
        messages[2].deleted = true;
        for (size_t j = 0; j < 3; j++) {
            messages[j].kind = kinds[i];
            struct intake_counts counts = put(f, &messages[j], 1);
            assert_int_equal(outcome_of(&counts), j == 0 ? FRESH : REPEATED);
        }
        struct message kept = find(f, STR("lobby"), str_of(id));
        assert_int_equal(kept.kind, kinds[i]);
        assert_str_equal(kept.text, STR("first"));
    }
}

/* Repeats and edits inside one batch behave as if they came one by one. */
static void a_batch_may_repeat_and_edit_itself(void **state)
{
    static const struct {
        const char *id;
        const char *text;
        int64_t offset; /* Of the number from the first; -1: a repeat. */
        int revision;
    } table[] = {
        {"9", "a", 0, 0},    {"text-id", "b", 1, 0},  {"9", "a", -1, 0},
        {"9", "c", 3, 1},    {"9", "c", -1, 0},       {"9", "a", 5, 2},
        {"8", "d", 6, 0},    {"text-id", "b", -1, 0}, {"text-id", "B", 8, 1},
        {"old", "o", -1, 0}, {"old", "p", 10, 1},     {"old", "p", -1, 0},
        {"old", "o", 12, 2},
    };
    struct fixture *f = *state;
    struct message messages[COUNT(table)];
    struct message old = said("old", "o");
    (void)put(f, &old, 1);
    for (size_t i = 0; i < COUNT(table); i++) {
        messages[i] = said(table[i].id, table[i].text);
    }
    struct intake_counts counts = put(f, messages, COUNT(table));
    assert_int_equal(counts.fresh, 3);
    assert_int_equal(counts.revised, 5);
    assert_int_equal(counts.repeated, 5);
    assert_int_equal(counts.last_id, old.id + 13);
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t expected = table[i].offset < 0 ? 0 : old.id + 1 + table[i].offset;
        if (messages[i].id != expected || messages[i].revision != table[i].revision) {
            fail_msg("row %zu: number %" PRId64 ", revision %d", i, messages[i].id,
                     messages[i].revision);
        }
    }
    assert_str_equal(find(f, STR("lobby"), STR("9")).text, STR("a"));
    assert_str_equal(find(f, STR("lobby"), STR("old")).text, STR("o"));
}

/* Each is another message, however much two look alike; and each comes back byte for byte. */
static void ids_that_look_alike_are_different(void **state)
{
    static const struct str ids[] = {
        IS("7"),
        IS("07"),
        IS("007"),
        IS("+7"),
        IS("-7"),
        IS(" 7"),
        IS("7 "),
        IS("7.0"),
        IS("7e0"),
        IS("0"),
        IS("00"),
        IS("-0"),
        IS("-1"),
        IS("1"),
        IS("0x7"),
        IS("7\0"),
        IS("7\0a"),
        IS("\0"),
        IS("999999999999999999"),
        IS("999999999999999998"),
        IS("1000000000000000000"),
        IS("9223372036854775807"),
        IS("9223372036854775808"),
        IS("-9223372036854775808"),
        IS("18446744073709551615"),
        IS("4611686018427387903"),
        IS("4611686018427387904"),
        IS("100000000000000000000000000000"),
        IS("abc"),
        IS("ABC"),
        IS("Abc"),
        IS("ab"),
        IS("abcd"),
        IS("\xc3\xa9"),
        IS("e\xcc\x81"),
        IS("\xff\xfe"),
        IS("\xff"),
        IS("\xd7\xa9"),
        IS("false_972500000000@c.us_3EB0"),
        IS("false_972500000000@c.us_3EB1"),
    };
    struct fixture *f = *state;
    struct message messages[COUNT(ids)];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(ids); i++) {
            messages[i] = said("", "same text");
            messages[i].external_id = ids[i];
        }
        struct intake_counts counts = put(f, messages, COUNT(ids));
        assert_int_equal(counts.fresh, round == 0 ? COUNT(ids) : 0);
        assert_int_equal(counts.repeated, round == 0 ? 0 : COUNT(ids));
        fixture_reopen(f);
    }
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct message kept = find(f, STR("lobby"), ids[i]);
        assert_int_equal(kept.id, i + 1);
        assert_str_equal(kept.external_id, ids[i]);
    }
    assert_int_equal(find(f, STR("lobby"), STR("8")).id, 0);
    assert_int_equal(find(f, STR("elsewhere"), STR("7")).id, 0);
}

static void the_same_id_in_another_chat_or_source_is_another_message(void **state)
{
    struct fixture *f = *state;
    struct message messages[4];
    for (size_t i = 0; i < 4; i++) {
        messages[i] = said("1", "hello");
    }
    messages[1].chat = STR("kitchen");
    messages[2].source = STR("other");
    messages[3].chat = (struct str){0}; /* Absent reads as the empty name. */
    struct intake_counts counts = put(f, messages, 4);
    assert_int_equal(counts.fresh, 4);
    for (size_t i = 0; i < 4; i++) {
        struct message kept = get(f, messages[i].id);
        assert_str_equal(kept.chat, messages[i].chat);
        assert_str_equal(kept.source, messages[i].source);
    }
}

/* Give the row `from` the index key that `key` would get. */
static void collide(struct fixture *f, int64_t row, int64_t key)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "UPDATE seen SET key=%" PRId64 " WHERE id=%" PRId64, key, row);
    fixture_tamper(f, sql);
}

static int64_t key_of_fresh(struct fixture *f, const char *id)
{
    struct message message = said(id, "to learn its key");
    (void)put(f, &message, 1);
    int64_t key = fixture_int(f, "SELECT key FROM seen ORDER BY id DESC LIMIT 1");
    fixture_tamper(f, "DELETE FROM seen WHERE id=(SELECT max(id) FROM seen)");
    return key;
}

static void colliding_hashes_keep_both_messages(void **state)
{
    struct fixture *f = *state;
    int64_t key = key_of_fresh(f, "alpha");
    assert_true(key < 0);
    struct message beta = said("beta", "b");
    struct message gamma = said("gamma", "c");
    (void)put(f, &beta, 1);
    (void)put(f, &gamma, 1);
    collide(f, beta.id, key);
    collide(f, gamma.id, key - 1);
    /* Three of one batch meet the two others on their way, and each other. */
    struct message batch[] = {said("alpha", "a"), said("alpha", "a"), said("alpha", "A")};
    struct intake_counts counts = put(f, batch, COUNT(batch));
    assert_int_equal(counts.fresh, 1);
    assert_int_equal(counts.repeated, 1);
    assert_int_equal(counts.revised, 1);
    assert_int_equal(fixture_int(f, "SELECT key FROM seen ORDER BY id DESC LIMIT 1"), key - 2);
    assert_str_equal(find(f, STR("lobby"), STR("alpha")).text, STR("A"));
    struct message again = said("alpha", "A");
    counts = put(f, &again, 1);
    assert_int_equal(counts.repeated, 1);
    struct message edit = said("alpha", "AA");
    counts = put(f, &edit, 1);
    assert_int_equal(counts.revised, 1);
    assert_int_equal(edit.revision, 2);
    assert_str_equal(get(f, beta.id).text, STR("b"));
    assert_str_equal(get(f, gamma.id).text, STR("c"));
}

static void endless_collisions_are_an_error(void **state)
{
    struct fixture *f = *state;
    int64_t key = key_of_fresh(f, "alpha");
    char sql[256];
    struct message beta = said("beta", "b");
    (void)put(f, &beta, 1);
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<63)"
                   " INSERT INTO seen SELECT 1, %" PRId64 "-i, %" PRId64 " FROM n",
                   key, beta.id);
    fixture_tamper(f, sql);
    struct message alpha = said("alpha", "a");
    struct intake_counts counts;
    fixture_begin(f);
    assert_false(store_archive_put(f->store, &f->arena, &alpha, 1, &counts, &f->err));
    assert_int_equal(f->err.kind, ERR_STORE);
    store_rollback(f->store);
}

static char *filled(const char *unit, size_t len)
{
    char *text = malloc(len + 1);
    assert_non_null(text);
    size_t size = strlen(unit);
    for (size_t i = 0; i < len; i++) {
        text[i] = unit[i % size];
    }
    text[len] = '\0';
    return text;
}

static void a_long_text_is_cut_between_characters(void **state)
{
    static const struct {
        const char *name;
        const char *unit;
        size_t len;
        size_t kept;
    } table[] = {
        {"fits", "a", MESSAGE_TEXT_MAX, MESSAGE_TEXT_MAX},
        {"one too many", "a", MESSAGE_TEXT_MAX + 1, MESSAGE_TEXT_MAX},
        {"ten times", "a", 10 * MESSAGE_TEXT_MAX, MESSAGE_TEXT_MAX},
        {"two bytes, even", "\xd7\x90", MESSAGE_TEXT_MAX + 2, MESSAGE_TEXT_MAX},
        {"three bytes", "\xe2\x82\xac", MESSAGE_TEXT_MAX + 2, MESSAGE_TEXT_MAX - 1},
        {"four bytes, odd start", "\xf0\x9f\x98\x80-", MESSAGE_TEXT_MAX + 4, MESSAGE_TEXT_MAX - 1},
        {"no character begins", "\x80", MESSAGE_TEXT_MAX + 9, MESSAGE_TEXT_MAX - 3},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char id[16];
        char *text = filled(table[i].unit, table[i].len);
        bool cut = table[i].kept < table[i].len;
        (void)snprintf(id, sizeof id, "%zu", i);
        for (int round = 0; round < 2; round++) {
            struct message message = said(id, "");
            message.text = (struct str){text, table[i].len};
            struct intake_counts counts = put(f, &message, 1);
            if (outcome_of(&counts) != (round == 0 ? FRESH : REPEATED)) {
                fail_msg("%s: outcome in round %d", table[i].name, round);
            }
            if (counts.cut != (cut && round == 0)) { /* Seen again, it is not cut again. */
                fail_msg("%s: %" PRId64 " cut in round %d", table[i].name, counts.cut, round);
            }
        }
        struct message kept = find(f, STR("lobby"), str_of(id));
        if (kept.text.len != table[i].kept) {
            fail_msg("%s: %zu bytes kept, not %zu", table[i].name, kept.text.len, table[i].kept);
        }
        assert_memory_equal(kept.text.ptr, text, kept.text.len);
        free(text);
        arena_reset(&f->arena);
    }
}

static void any_bytes_come_back(void **state)
{
    static const struct str texts[] = {
        IS(""),
        IS("\0"),
        IS("a\0b\0"),
        IS("\xff\xfe\x80"),
        IS("\xed\xa0\x80"),
        IS("\xc0\x80"),
        IS("'; DROP TABLE archive; --"),
        IS("123"),
        IS("1e3"),
        IS("0007"),
        IS("\xef\xbb\xbf"),
        IS("\xe2\x80\x8f\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"),
    };
    struct fixture *f = *state;
    struct message messages[COUNT(texts)];
    char ids[COUNT(texts)][16];
    for (size_t i = 0; i < COUNT(texts); i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%zu", i);
        messages[i] = said(ids[i], "");
        messages[i].text = texts[i];
        messages[i].chat = texts[i];
        messages[i].sender = texts[i];
        messages[i].sent_text = texts[i];
        messages[i].attachments = texts[i];
        messages[i].extra = texts[i];
    }
    (void)put(f, messages, COUNT(texts));
    fixture_reopen(f);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct message kept = get(f, messages[i].id);
        assert_str_equal(kept.text, texts[i]);
        assert_str_equal(kept.chat, texts[i]);
        assert_str_equal(kept.sender, texts[i]);
        assert_str_equal(kept.sent_text, texts[i]);
        assert_str_equal(kept.attachments, texts[i]);
        assert_str_equal(kept.extra, texts[i]);
        assert_int_equal(find(f, texts[i], str_of(ids[i])).id, messages[i].id);
    }
}

static void every_field_comes_back(void **state)
{
    struct fixture *f = *state;
    struct message plain = said("1", "plain");
    struct message full = {
        .kind = MESSAGE_ANSWER,
        .direction = MESSAGE_OUTGOING,
        .deleted = true,
        .source = STR("answers/model"),
        .chat = STR("desk"),
        .external_id = STR("desk/1/17/0"),
        .sender = STR("intent"),
        .text = STR("{}"),
        .attachments = STR("[]"),
        .extra = STR("{\"entity\":\"x\"}"),
        .sent_text = STR("9/12/2025, 18:51"),
        .sent_ms = -1,
        .version_ms = INT64_MAX,
        .about = 17,
        .partition = 4711,
    };
    (void)put(f, &plain, 1);
    (void)put(f, &full, 1);
    struct message kept = get(f, full.id);
    assert_int_equal(kept.kind, MESSAGE_ANSWER);
    assert_int_equal(kept.direction, MESSAGE_OUTGOING);
    assert_true(kept.deleted);
    assert_str_equal(kept.source, full.source);
    assert_str_equal(kept.chat, full.chat);
    assert_str_equal(kept.external_id, full.external_id);
    assert_str_equal(kept.sender, full.sender);
    assert_str_equal(kept.attachments, full.attachments);
    assert_str_equal(kept.extra, full.extra);
    assert_str_equal(kept.sent_text, full.sent_text);
    assert_int_equal(kept.sent_ms, -1);
    assert_true(kept.version_ms == INT64_MAX);
    assert_int_equal(kept.about, 17);
    assert_int_equal(kept.partition, 4711);
    assert_int_equal(kept.archived_ms, f->now_ms);
    kept = get(f, plain.id);
    assert_true(kept.partition > 0);
    assert_int_equal(kept.partition, plain.partition);
    assert_int_equal(kept.about, 0);
    assert_null(kept.attachments.ptr);
    assert_null(kept.extra.ptr);
    assert_null(kept.sent_text.ptr);
    assert_int_equal(get(f, 99).id, 0);
    assert_int_equal(get(f, 0).id, 0);
    assert_int_equal(get(f, INT64_MIN).id, 0);
}

static void time_never_falls(void **state)
{
    static const struct {
        int64_t jump_ms;
        int64_t expected_ms; /* Since the start. */
    } table[] = {{0, 0},           {1000, 1000}, {-500, 1000}, {-86400000, 1000},
                 {86400500, 1000}, {1, 1001}};
    struct fixture *f = *state;
    int64_t start = f->now_ms;
    for (size_t i = 0; i < COUNT(table); i++) {
        char id[16];
        f->now_ms += table[i].jump_ms;
        (void)snprintf(id, sizeof id, "%zu", i);
        struct message message = said(id, "x");
        (void)put(f, &message, 1);
        assert_int_equal(message.archived_ms - start, table[i].expected_ms);
        assert_int_equal(get(f, message.id).archived_ms - start, table[i].expected_ms);
    }
}

/* As retention leaves it: no rows, and a floor under numbers and time. */
static void numbers_and_time_go_on_after_everything_was_removed(void **state)
{
    struct fixture *f = *state;
    int64_t start = f->now_ms;
    struct message messages[] = {said("1", "a"), said("2", "b"), said("3", "c")};
    char sql[256];
    int64_t head = -1;
    (void)put(f, messages, 3);
    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM archive; INSERT INTO meta VALUES('archive_floor', 3);"
                   "INSERT INTO meta VALUES('archive_floor_ms', %" PRId64 ")",
                   start);
    fixture_tamper(f, sql);
    f->now_ms -= 3600000;
    fixture_ok(f, store_archive_head(f->store, &head, &f->err));
    assert_int_equal(head, 3);
    struct message more[] = {said("2", "other text"), said("4", "d")};
    struct intake_counts counts = put(f, more, 2);
    assert_int_equal(counts.repeated, 1); /* It was known; that is all that is left of it. */
    assert_int_equal(counts.fresh, 1);
    assert_true(more[1].id > 3);
    assert_int_equal(more[1].archived_ms, start);
    assert_int_equal(find(f, STR("lobby"), STR("2")).id, 0);
}

static void what_was_rolled_back_never_was(void **state)
{
    struct fixture *f = *state;
    struct intake_counts counts;
    struct message lost = said("1", "lost");
    lost.chat = STR("nowhere");
    lost.sender = STR("Nobody");
    fixture_begin(f);
    fixture_ok(f, store_archive_put(f->store, &f->arena, &lost, 1, &counts, &f->err));
    store_rollback(f->store);
    assert_int_equal(
        fixture_int(f, "SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM seen_block)"),
        0);
    struct message other = said("1", "kept"); /* Takes the numbers that the lost one had. */
    (void)put(f, &other, 1);
    assert_int_equal(other.id, lost.id);
    struct message again = said("1", "now it comes");
    again.chat = STR("nowhere");
    again.sender = STR("Nobody");
    counts = put(f, &again, 1);
    assert_int_equal(counts.fresh, 1);
    assert_str_equal(get(f, other.id).chat, STR("lobby"));
    assert_str_equal(get(f, other.id).sender, STR("Dana"));
    assert_str_equal(get(f, again.id).chat, STR("nowhere"));
    assert_str_equal(get(f, again.id).sender, STR("Nobody"));
}

static void too_little_memory_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct arena small;
    struct message *messages = calloc(1000, sizeof *messages);
    struct intake_counts counts;
    assert_non_null(messages);
    for (size_t i = 0; i < 1000; i++) {
        messages[i] = said("1", "x");
    }
    arena_init(&small, 50 * 1000); /* Room for the items, none for their order. */
    fixture_begin(f);
    assert_false(store_archive_put(f->store, &small, messages, 1000, &counts, &f->err));
    assert_int_equal(f->err.kind, ERR_RETRY);
    store_rollback(f->store);
    f->err = (struct err){0};
    counts = put(f, messages, 1000);
    assert_int_equal(counts.fresh, 1);
    assert_int_equal(counts.repeated, 999);
    assert_false(store_archive_get(f->store, &(struct arena){.limit = 1}, messages[0].id,
                                   &messages[1], &f->err));
    assert_int_equal(f->err.kind, ERR_RETRY);
    free(messages);
    arena_free(&small);
}

static void a_very_large_batch_is_filed(void **state)
{
    struct fixture *f = *state;
    struct message *messages = calloc(BIG_BATCH, sizeof *messages);
    char (*ids)[16] = calloc(BIG_BATCH, sizeof *ids);
    assert_true(messages != NULL && ids != NULL);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < BIG_BATCH; i++) {
            /* Numbers and names, falling, in 20 chats, the last tenth repeats the first. */
            size_t n = i % (BIG_BATCH / 10 * 9);
            (void)snprintf(ids[i], sizeof *ids, n % 2 == 0 ? "%zu" : "id-%zu", BIG_BATCH - n);
            messages[i] = said(ids[i], "text");
            messages[i].chat = str_slice(STR("abcdefghijklmnopqrst"), n % 20, n % 20 + 1);
        }
        struct intake_counts counts = put(f, messages, BIG_BATCH);
        assert_int_equal(counts.fresh, round == 0 ? BIG_BATCH / 10 * 9 : 0);
        assert_int_equal(counts.repeated, round == 0 ? BIG_BATCH / 10 : BIG_BATCH);
    }
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), BIG_BATCH / 10 * 9);
    assert_int_equal(fixture_int(f, "SELECT count(DISTINCT chat) FROM archive"), 20);
    free(messages);
    free(ids);
}

static void an_empty_batch_is_nothing(void **state)
{
    struct fixture *f = *state;
    struct intake_counts counts = put(f, NULL, 0);
    assert_int_equal(counts.fresh + counts.revised + counts.repeated + counts.last_id, 0);
}

static void cursors_are_kept(void **state)
{
    static const struct {
        struct str source;
        struct str chat;
        struct str value;
    } table[] = {
        {IS("bridge"), IS(""), IS("everything")},  {IS("bridge"), IS("a"), IS("1")},
        {IS("bridge"), IS("a\0b"), IS("2\0\xff")}, {IS("other"), IS("a"), IS("")},
        {IS("other"), IS("b"), IS("3")},
    };
    struct fixture *f = *state;
    struct str cursor = STR("untouched");
    fixture_ok(f, store_cursor_get(f->store, &f->arena, STR("bridge"), STR("a"), &cursor, &f->err));
    assert_null(cursor.ptr);
    fixture_begin(f);
    for (size_t i = 0; i < COUNT(table); i++) {
        fixture_ok(f,
                   store_cursor_put(f->store, table[i].source, table[i].chat, STR("old"), &f->err));
        fixture_ok(
            f, store_cursor_put(f->store, table[i].source, table[i].chat, table[i].value, &f->err));
    }
    fixture_commit(f);
    fixture_reopen(f);
    for (size_t i = 0; i < COUNT(table); i++) {
        fixture_ok(f, store_cursor_get(f->store, &f->arena, table[i].source, table[i].chat, &cursor,
                                       &f->err));
        assert_non_null(cursor.ptr);
        assert_str_equal(cursor, table[i].value);
    }
    fixture_ok(f, store_cursor_get(f->store, &f->arena, STR("other"), STR(""), &cursor, &f->err));
    assert_null(cursor.ptr);
    struct cursor_row *rows = NULL;
    size_t count = 0;
    fixture_ok(f, store_cursor_list(f->store, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, COUNT(table));
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t times = 0;
        for (size_t j = 0; j < count; j++) {
            times += str_equal(rows[j].source, table[i].source) &&
                     str_equal(rows[j].chat, table[i].chat) &&
                     str_equal(rows[j].cursor, table[i].value);
        }
        assert_int_equal(times, 1);
    }
    fixture_begin(f);
    fixture_ok(f, store_cursor_put(f->store, STR("bridge"), STR("a"), STR("9"), &f->err));
    store_rollback(f->store);
    fixture_ok(f, store_cursor_get(f->store, &f->arena, STR("bridge"), STR("a"), &cursor, &f->err));
    assert_str_equal(cursor, STR("1"));
}

/* The model: what the archive should know of each id, in plain arrays. */
enum { MODEL_CHATS = 3, MODEL_IDS = 150, MODEL_TEXTS = 4, MODEL_BATCH_MAX = 40 };

static const char *const model_chats[MODEL_CHATS] = {"a", "b", "c"};
static const char *const model_texts[MODEL_TEXTS] = {"", "one", "two", "two "};

struct known {
    int64_t id; /* 0: unknown. */
    int text;
    bool deleted;
    int64_t version_ms;
    int revision;
};

struct model {
    struct known known[MODEL_CHATS][MODEL_IDS];
    char ids[MODEL_IDS][24];
    struct message batch[MODEL_BATCH_MAX];
    struct known expected[MODEL_BATCH_MAX]; /* What each becomes; id 0: a repeat. */
    int64_t next_id;
    int64_t fresh;
    int64_t revised;
};

static void model_fill(struct model *model, struct rng *rng, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t chat = (size_t)rng_below(rng, MODEL_CHATS);
        size_t id = (size_t)rng_below(rng, MODEL_IDS);
        int text = (int)rng_below(rng, MODEL_TEXTS);
        struct known *known = &model->known[chat][id];
        struct known now = {
            .id = model->next_id + (int64_t)i,
            .text = text,
            .deleted = rng_chance(rng, 10),
            .version_ms = rng_chance(rng, 50) ? (int64_t)rng_below(rng, 5) : 0,
        };
        struct message *message = &model->batch[i];
        *message = said(model->ids[id], model_texts[text]);
        message->chat = str_of(model_chats[chat]);
        message->deleted = now.deleted;
        message->version_ms = now.version_ms;
        bool older =
            now.version_ms != 0 && known->version_ms != 0 && now.version_ms < known->version_ms;
        bool same = now.text == known->text && now.deleted == known->deleted;
        model->expected[i] = (struct known){0};
        if (known->id != 0 && (older || same)) {
            continue;
        }
        model->fresh += known->id == 0;
        model->revised += known->id != 0;
        now.revision = known->id == 0 ? 0 : known->revision + 1;
        *known = now;
        model->expected[i] = now;
    }
}

static void model_check_batch(struct model *model, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(model->batch[i].id, model->expected[i].id);
        assert_int_equal(model->batch[i].revision, model->expected[i].revision);
        if (model->batch[i].id != 0) {
            model->next_id = model->batch[i].id + 1;
        }
    }
}

static void model_check_all(struct fixture *f, const struct model *model)
{
    for (size_t chat = 0; chat < MODEL_CHATS; chat++) {
        for (size_t id = 0; id < MODEL_IDS; id++) {
            const struct known *known = &model->known[chat][id];
            struct message kept = find(f, str_of(model_chats[chat]), str_of(model->ids[id]));
            assert_int_equal(kept.id, known->id);
            if (known->id != 0) {
                assert_str_equal(kept.text, str_of(model_texts[known->text]));
                assert_int_equal(kept.revision, known->revision);
                assert_int_equal(kept.deleted, known->deleted);
                assert_int_equal(kept.version_ms, known->version_ms);
            }
        }
        arena_reset(&f->arena);
    }
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM archive"), model->fresh + model->revised);
    assert_int_equal(fixture_int(f, "SELECT value FROM counter WHERE name='archived'"),
                     model->fresh + model->revised);
}

static void random_batches_agree_with_a_model(void **state)
{
    struct fixture *f = *state;
    struct model *model = calloc(1, sizeof *model);
    struct model *before = calloc(1, sizeof *before);
    struct rng rng;
    struct intake_counts counts;
    assert_true(model != NULL && before != NULL);
    rng_seed(&rng, 20251209);
    model->next_id = 1;
    for (size_t i = 0; i < MODEL_IDS; i++) {
        (void)snprintf(model->ids[i], sizeof model->ids[i], i % 2 == 0 ? "%zu" : "id %zu", i);
    }
    for (size_t done = 0; done < MODEL_OPERATIONS;) {
        size_t count = 1 + (size_t)rng_below(&rng, MODEL_BATCH_MAX);
        *before = *model;
        model_fill(model, &rng, count);
        fixture_begin(f);
        fixture_ok(f,
                   store_archive_put(f->store, &f->arena, model->batch, count, &counts, &f->err));
        model_check_batch(model, count);
        assert_int_equal(counts.fresh, model->fresh - before->fresh);
        assert_int_equal(counts.revised, model->revised - before->revised);
        if (rng_chance(&rng, 10)) {
            store_rollback(f->store);
            *model = *before;
        } else {
            fixture_commit(f);
        }
        if (rng_chance(&rng, 2)) {
            fixture_reopen(f);
        }
        done += count;
        arena_reset(&f->arena);
    }
    model_check_all(f, model);
    free(model);
    free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_is_fresh_revised_or_repeated),
        TEST(other_fields_make_no_revision),
        TEST(answers_and_the_like_are_first_wins),
        TEST(a_batch_may_repeat_and_edit_itself),
        TEST(ids_that_look_alike_are_different),
        TEST(the_same_id_in_another_chat_or_source_is_another_message),
        TEST(colliding_hashes_keep_both_messages),
        TEST(endless_collisions_are_an_error),
        TEST(a_long_text_is_cut_between_characters),
        TEST(any_bytes_come_back),
        TEST(every_field_comes_back),
        TEST(time_never_falls),
        TEST(numbers_and_time_go_on_after_everything_was_removed),
        TEST(what_was_rolled_back_never_was),
        TEST(too_little_memory_is_tried_again),
        TEST(a_very_large_batch_is_filed),
        TEST(an_empty_batch_is_nothing),
        TEST(cursors_are_kept),
        TEST(random_batches_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
