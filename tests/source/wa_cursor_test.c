/* wa_cursor: what is known of a chat survives being written down, and nothing else is believed. */
#include <stdio.h>
#include <string.h>

#include "source/wa_cursor.h"
#include "test.h"

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct wa_cursor *make_chat(struct wa_cursor *chat, const char *title, size_t known)
{
    *chat = (struct wa_cursor){.chat = str_of(title),
                               .preview = STR("0123abcd"),
                               .visited_ms = 1788433500000,
                               .floor_ms = 1785841500000};
    chat->known = arena_array(&arena, known + 1, sizeof *chat->known);
    assert_non_null(chat->known);
    for (size_t i = 0; i < known; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "3A%028zu", i);
        struct wa_row row = {.text = str_of(id), .sent_ms = i % 5 == 0 ? 0 : 1, .media = i % 3};
        chat->known[i] = (struct wa_known){.id = wa_digest_id(str_of(id)),
                                           .look = wa_digest_look(&row),
                                           .minute = i % 5 == 0 ? 0 : 29807225 + (int64_t)i,
                                           .owed = (int)(i % (WA_TRIES_MAX + 1))};
        if (i % 3 == 1) {
            chat->known[i].files = STR("[{\"sha256\":\"00ff\",\"name\":\"\xd7\x97.pdf\",\"type\":"
                                       "\"image/png\",\"size\":7}]");
        }
    }
    chat->known_count = known;
    return chat;
}

static struct wa_gap gap_at(int64_t from_ms, int64_t to_ms)
{
    return (struct wa_gap){.from_ms = from_ms,
                           .to_ms = to_ms,
                           .since_ms = 1788433500001,
                           .why = STR("steps"),
                           .below = {.ids = {1, UINT64_MAX}, .count = 2},
                           .above = {.ids = {3, 4, 5, 6}, .count = WA_MARKS_MAX}};
}

static void assert_same(const struct wa_cursor *a, const struct wa_cursor *b)
{
    assert_true(str_equal(a->chat, b->chat));
    assert_true(str_equal(a->preview, b->preview));
    assert_int_equal(a->visited_ms, b->visited_ms);
    assert_int_equal(a->floor_ms, b->floor_ms);
    assert_int_equal(a->known_count, b->known_count);
    for (size_t i = 0; i < a->known_count; i++) {
        assert_true(a->known[i].id == b->known[i].id && a->known[i].look == b->known[i].look);
        assert_int_equal(a->known[i].minute, b->known[i].minute);
        assert_int_equal(a->known[i].owed, b->known[i].owed);
        assert_true(str_equal(a->known[i].files, b->known[i].files));
    }
    assert_int_equal(a->gap_count, b->gap_count);
    for (size_t i = 0; i < a->gap_count; i++) {
        assert_int_equal(a->gaps[i].from_ms, b->gaps[i].from_ms);
        assert_int_equal(a->gaps[i].to_ms, b->gaps[i].to_ms);
        assert_int_equal(a->gaps[i].since_ms, b->gaps[i].since_ms);
        assert_true(str_equal(a->gaps[i].why, b->gaps[i].why));
        assert_memory_equal(&a->gaps[i].below, &b->gaps[i].below, sizeof a->gaps[i].below);
        assert_memory_equal(&a->gaps[i].above, &b->gaps[i].above, sizeof a->gaps[i].above);
    }
}

static void what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {0, 1, 60, WA_KNOWN_MAX};
    struct wa_cursor chats[COUNT(sizes)];
    struct wa_book book = {.turn = 7, .chats = chats};
    struct wa_book read = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char title[32];
        (void)snprintf(title, sizeof title, "\xd7\x9b\xd7\x99\xd7\xaa\xd7\x94 \"%zu\"", i);
        (void)make_chat(&chats[i], arena_copy(&arena, str_of(title)).ptr, sizes[i]);
        for (size_t j = 0; j < i; j++) {
            struct wa_gap gap = gap_at(1000 * (int64_t)j, 1000 * (int64_t)j + 500);
            wa_cursor_gap_add(&chats[i], &gap);
        }
    }
    book.count = COUNT(sizes);
    struct str text = wa_book_write(&book, &arena);
    assert_non_null(text.ptr);
    assert_true(wa_book_parse(text, &arena, &read));
    assert_int_equal(read.turn, 7);
    assert_int_equal(read.count, book.count);
    for (size_t i = 0; i < book.count; i++) {
        assert_same(&book.chats[i], &read.chats[i]);
        assert_ptr_equal(wa_book_find(&read, book.chats[i].chat), &read.chats[i]);
    }
    assert_null(wa_book_find(&read, STR("another")));
    struct str again = wa_book_write(&read, &arena);
    assert_true(str_equal(text, again));
}

static void nothing_else_is_believed(void **state)
{
    static const char *const texts[] = {
        "",
        "nonsense",
        "2:17:0:-:",
        "{}",
        "{\"v\":2,\"turn\":1,\"chats\":[]}",
        "{\"v\":1,\"chats\":[]}",
        "{\"v\":1,\"turn\":1,\"chats\":{}}",
        "{\"v\":1,\"turn\":1,\"chats\":[{}]}",
        "{\"v\":1,\"turn\":1,\"chats\":[{\"chat\":\"\",\"visited_ms\":0,\"floor_ms\":0,\"known\":"
        "\"\"}]}",
        "{\"v\":1,\"turn\":1,\"chats\":[{\"chat\":\"x\",\"visited_ms\":0,\"floor_ms\":0,\"known\":"
        "\"short\"}]}",
        "{\"v\":1,\"turn\":1,\"chats\":[{\"chat\":\"x\",\"visited_ms\":0,\"floor_ms\":0,\"known\":"
        "\"AAAAAAAAAAAAAAAAAAA1!9\"}]}",
        "{\"v\":1,\"turn\":1,\"chats\":[{\"chat\":\"x\",\"visited_ms\":0,\"floor_ms\":0,\"known\":"
        "\"\",\"gaps\":[{\"from_ms\":1}]}]}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct wa_book book = {.count = 3};
        assert_false(wa_book_parse(str_of(texts[i]), &arena, &book));
        assert_int_equal(book.count, 0);
    }
}

/* Cut anywhere, or one byte changed: read as something that holds together, or not at all. */
static void broken_texts_do_no_harm(void **state)
{
    struct wa_cursor chat;
    struct wa_gap gap = gap_at(10, 20);
    (void)make_chat(&chat, "chat", 20);
    wa_cursor_gap_add(&chat, &gap);
    struct wa_book book = {.turn = 1, .chats = &chat, .count = 1};
    struct wa_book read = {0};
    (void)state;
    struct str text = wa_book_write(&book, &arena);
    for (size_t cut = 0; cut < text.len; cut++) {
        assert_false(wa_book_parse(str_slice(text, 0, cut), &arena, &read));
    }
    for (size_t at = 0; at < text.len; at++) {
        struct arena_mark mark = arena_mark(&arena);
        char *copy = arena_bytes(&arena, text.len);
        assert_non_null(copy);
        memcpy(copy, text.ptr, text.len);
        copy[at] = copy[at] == 'A' ? '}' : 'A';
        if (wa_book_parse((struct str){copy, text.len}, &arena, &read)) {
            assert_true(read.count <= 1);
            assert_non_null(wa_book_write(&read, &arena).ptr);
        }
        arena_rewind(&arena, mark);
    }
}

static void gaps_are_ordered_and_bounded(void **state)
{
    struct wa_cursor chat;
    (void)state;
    (void)make_chat(&chat, "chat", 0);
    for (int i = 0; i < 3 * WA_GAPS_MAX; i++) {
        struct wa_gap gap =
            gap_at(1000 * (int64_t)(i * 7 % 24), 1000 * (int64_t)(i * 7 % 24) + 500);
        wa_cursor_gap_add(&chat, &gap);
        assert_true(chat.gap_count <= WA_GAPS_MAX);
        for (size_t j = 1; j < chat.gap_count; j++) {
            assert_true(chat.gaps[j - 1].to_ms > chat.gaps[j].to_ms);
        }
    }
    for (int i = 0; i < 24; i++) { /* Each of them still lies within one. */
        bool within = false;
        for (size_t j = 0; j < chat.gap_count; j++) {
            within = within || (chat.gaps[j].from_ms <= 1000 * (int64_t)i &&
                                chat.gaps[j].to_ms >= 1000 * (int64_t)i + 500);
        }
        assert_true(within);
    }
}

static void a_look_tells_what_can_be_seen(void **state)
{
    struct wa_row row = {.text = STR("text"), .sent_ms = 60000, .media = 1};
    uint64_t look = wa_digest_look(&row);
    struct wa_row others[] = {row, row, row, row, row};
    (void)state;
    others[0].text = STR("texT");
    others[1].deleted = true;
    others[2].edited = true;
    others[3].media = 2;
    others[4].sent_ms = 0;
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_true(look != wa_digest_look(&others[i]));
    }
    row.author = STR("somebody");
    row.direction = MESSAGE_OUTGOING;
    row.open = true;
    row.sent_ms = 120000;
    assert_true(look == wa_digest_look(&row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, begin, end),
        cmocka_unit_test_setup_teardown(nothing_else_is_believed, begin, end),
        cmocka_unit_test_setup_teardown(broken_texts_do_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(gaps_are_ordered_and_bounded, begin, end),
        cmocka_unit_test_setup_teardown(a_look_tells_what_can_be_seen, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
