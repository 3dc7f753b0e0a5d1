/* tokens: what the store keeps of them, who is let in, and what guessing gets. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve/guesses.h"
#include "serve/tokens.h"
#include "store/fixture.h"

static struct token_row made(struct fixture *f, const char *name, unsigned scopes,
                             int64_t expires_ms, char text[TOKENS_TEXT_SIZE])
{
    struct token_row row = {
        .name = str_of(name), .scopes = scopes, .made_ms = 1, .expires_ms = expires_ms};
    token_new(&row, text);
    fixture_begin(f);
    fixture_ok(f, token_row_add(f->store, &f->arena, &row, &f->err));
    fixture_commit(f);
    return row;
}

static void only_its_hash_is_kept(void **state)
{
    struct fixture *f = *state;
    char text[TOKENS_TEXT_SIZE];
    struct token_row *rows = NULL;
    size_t count = 0;
    struct token_row row = made(f, "shop", TOKEN_READ | TOKEN_RUN, 77, text);
    assert_true(str_starts(str_of(text), STR("slc_")));
    assert_int_equal(str_of(text).len, 47);
    fixture_reopen(f);
    fixture_ok(f, token_rows(f->store, &f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 1);
    assert_str_equal(rows[0].name, STR("shop"));
    assert_int_equal(rows[0].scopes, TOKEN_READ | TOKEN_RUN);
    assert_int_equal(rows[0].expires_ms, 77);
    assert_memory_equal(rows[0].digest, row.digest, sizeof row.digest);
    assert_false(fixture_file_holds(f, text + 4));
    assert_true(fixture_file_holds(f, "sha256"));
}

static void a_name_is_taken_once(void **state)
{
    struct fixture *f = *state;
    char text[TOKENS_TEXT_SIZE];
    bool found = false;
    struct token_row row = made(f, "shop", TOKEN_READ, 0, text);
    fixture_begin(f);
    assert_false(token_row_add(f->store, &f->arena, &row, &f->err));
    assert_int_equal(f->err.kind, ERR_REJECT);
    f->err = (struct err){0};
    fixture_ok(f, token_row_remove(f->store, &f->arena, STR("shop"), &found, &f->err));
    assert_true(found);
    fixture_ok(f, token_row_remove(f->store, &f->arena, STR("shop"), &found, &f->err));
    assert_false(found);
    fixture_ok(f, token_row_add(f->store, &f->arena, &row, &f->err));
    fixture_commit(f);
}

static void a_note_that_is_damaged_lets_nobody_in(void **state)
{
    static const char *const notes[] = {
        "",
        "{}",
        "[]",
        "{\"sha256\":\"00\",\"scopes\":\"read\",\"made_ms\":1,\"expires_ms\":0}",
        "{\"sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"scopes\":\"everything\",\"made_ms\":1,\"expires_ms\":0}",
        "{\"sha256\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"scopes\":\"read\",\"made_ms\":1}",
    };
    struct fixture *f = *state;
    struct token_row *rows = NULL;
    size_t count = 0;
    for (size_t i = 0; i < COUNT(notes); i++) {
        fixture_begin(f);
        fixture_ok(
            f, store_keep_put(f->store, TOKENS_CONNECTOR, STR("shop"), str_of(notes[i]), &f->err));
        fixture_commit(f);
        fixture_ok(f, token_rows(f->store, &f->arena, &rows, &count, &f->err));
        assert_int_equal(count, 0);
    }
}

static void scopes_are_words(void **state)
{
    static const struct {
        const char *text;
        unsigned scopes;
    } table[] = {
        {"read", TOKEN_READ},
        {"run, read", TOKEN_READ | TOKEN_RUN},
        {"admin,people,metrics", TOKEN_ADMIN | TOKEN_PEOPLE | TOKEN_METRICS},
        {"", 0},
        {"all", 0},
        {"read,", 0},
        {"read,Run", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        unsigned scopes = 0;
        struct str wrong = {0};
        bool good = token_scopes_parse(str_of(table[i].text), &scopes, &wrong);
        assert_int_equal(good, table[i].scopes != 0);
        if (good) {
            assert_int_equal(scopes, table[i].scopes);
        }
    }
    assert_true(token_allows(TOKEN_ADMIN, TOKEN_RUN));
    assert_true(token_allows(TOKEN_ADMIN, TOKEN_READ));
    assert_false(token_allows(TOKEN_ADMIN, TOKEN_PEOPLE));
    assert_true(token_allows(TOKEN_PEOPLE, TOKEN_READ));
    assert_false(token_allows(TOKEN_READ | TOKEN_PEOPLE | TOKEN_RUN, TOKEN_METRICS));
    assert_false(token_allows(TOKEN_RUN | TOKEN_METRICS, TOKEN_READ));
    assert_false(token_allows(0, TOKEN_READ));
}

static struct str header(const char *word, const char *token)
{
    static char text[128];
    (void)snprintf(text, sizeof text, "%s%s", word, token);
    return str_of(text);
}

/* The clock of tokens is the system's: an end is long ago or far away. */
static void who_is_known_is_let_in(void **state)
{
    struct fixture *f = *state;
    char good[TOKENS_TEXT_SIZE];
    char old[TOKENS_TEXT_SIZE];
    char damaged[TOKENS_TEXT_SIZE];
    struct tokens *tokens = NULL;
    struct token_holder holder = {.scopes = 0};
    struct str here = STR("192.0.2.7");
    (void)made(f, "good", TOKEN_READ, INT64_MAX, good);
    (void)made(f, "old", TOKEN_READ, 1000, old);
    memcpy(damaged, good, sizeof damaged);
    damaged[sizeof damaged - 2] = damaged[sizeof damaged - 2] == 'A' ? 'B' : 'A';
    fixture_ok(f, tokens_start(&tokens, fixture_handle(f), &f->err));
    assert_int_equal(tokens_check(tokens, header("Bearer ", good), here, &holder), TOKENS_GOOD);
    assert_string_equal(holder.name, "good");
    assert_int_equal(holder.scopes, TOKEN_READ);
    assert_int_equal(tokens_check(tokens, header("bearer   ", good), here, &holder), TOKENS_GOOD);
    assert_int_equal(tokens_refused(tokens), 0);
    struct str wrong[] = {STR("Bearer"),        STR("Bearer "),         {0},
                          str_of(good),         header("Bearer ", old), STR("Basic eDp5"),
                          STR("Bearer slc_AAA")};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(tokens_check(tokens, wrong[i], here, &holder), TOKENS_WRONG);
    }
    assert_int_equal(tokens_check(tokens, header("Bearer ", damaged), here, &holder), TOKENS_WRONG);
    assert_int_equal(tokens_refused(tokens), COUNT(wrong) + 1);

    /* Past the limit a guess is told to wait, and a good one is as good as before. */
    for (int i = 0; i < GUESSES_FREE; i++) {
        (void)tokens_check(tokens, header("Bearer ", damaged), here, &holder);
    }
    assert_int_equal(tokens_check(tokens, header("Bearer ", damaged), here, &holder),
                     TOKENS_TOO_MANY);
    assert_int_equal(tokens_check(tokens, header("Bearer ", good), here, &holder), TOKENS_GOOD);
    assert_int_equal(tokens_check(tokens, header("Bearer ", damaged), STR("192.0.2.8"), &holder),
                     TOKENS_WRONG);
    tokens_stop(tokens);
}

static void a_removed_one_stops_within_a_second(void **state)
{
    struct fixture *f = *state;
    char text[TOKENS_TEXT_SIZE];
    bool found = false;
    struct tokens *tokens = NULL;
    struct token_holder holder;
    struct clock *clock = clock_system();
    (void)made(f, "shop", TOKEN_READ, 0, text);
    fixture_ok(f, tokens_start(&tokens, fixture_handle(f), &f->err));
    assert_int_equal(tokens_check(tokens, header("Bearer ", text), STR("::1"), &holder),
                     TOKENS_GOOD);
    fixture_begin(f);
    fixture_ok(f, token_row_remove(f->store, &f->arena, STR("shop"), &found, &f->err));
    fixture_commit(f);
    int64_t began_ms = clock_mono_ms(clock);
    while (tokens_check(tokens, header("Bearer ", text), STR("::1"), &holder) == TOKENS_GOOD) {
        assert_true(clock_mono_ms(clock) - began_ms < 1000);
        (void)usleep(10000);
    }
    tokens_stop(tokens);
}

static void guesses_are_bounded_and_forgotten(void **state)
{
    static struct guesses guesses;
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    guesses_init(&guesses, 7);
    for (int64_t i = 1; i <= GUESSES_FREE + 5; i++) {
        assert_int_equal(guesses_note(&guesses, STR("192.0.2.7"), 1000 + i), i);
    }
    assert_int_equal(guesses_note(&guesses, STR("192.0.2.8"), 1100), 1);
    assert_int_equal(guesses_note(&guesses, STR("192.0.2.7"), 1001 + GUESSES_WINDOW_MS), 1);

    /* A network of IPv6 is one guesser, however many addresses it has. */
    assert_int_equal(guesses_note(&guesses, STR("2001:db8:0:1::1"), 2000), 1);
    assert_int_equal(guesses_note(&guesses, STR("2001:db8:0:1:ffff::9"), 2000), 2);
    assert_int_equal(guesses_note(&guesses, STR("2001:db8:0:2::1"), 2000), 1);
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        assert_true(guesses_note(&guesses, str_of(address), 3000 + i) >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_its_hash_is_kept, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(a_name_is_taken_once, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(a_note_that_is_damaged_lets_nobody_in, fixture_open_quick,
                                        fixture_close),
        cmocka_unit_test(scopes_are_words),
        cmocka_unit_test_setup_teardown(who_is_known_is_let_in, fixture_open_quick, fixture_close),
        cmocka_unit_test_setup_teardown(a_removed_one_stops_within_a_second, fixture_open_quick,
                                        fixture_close),
        cmocka_unit_test(guesses_are_bounded_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
