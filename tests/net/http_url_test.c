/*
 * http_url: addresses made by chance out of what addresses are made of. They may be refused; what
 * is taken is one host and one port, and nothing that is shown holds a secret or a control
 * character. The seed is fixed, so a failure repeats.
 */
#include <stdio.h>
#include <string.h>

#include "net/http.h"
#include "net/http_url.h"
#include "test.h"
#include "text/host.h"

enum { ROUNDS = 60000, PIECES_MAX = 14, URL_MAX = 600 };

static struct arena arena;
static uint64_t chance = 88172645463325252U;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static uint64_t draw(void)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance;
}

/* Pieces of addresses, honest and not. "Hunter2" stands for a password. */
static struct str make_url(char out[URL_MAX])
{
    static const char *const pieces[] = {
        "https://",
        "http://",
        "HTTPS://",
        "ftp://",
        "file://",
        "//",
        ":",
        "/",
        "?",
        "#",
        "@",
        "user:",
        "user:Hunter2@",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[fe80::1%25eth0]",
        "2130706433",
        "0x7f.1",
        "api.example",
        "xn--4db",
        "דוגמה",
        ":443",
        ":0",
        ":99999",
        ":80:80",
        "%2f",
        "%00",
        "%0d%0a",
        "\r\n",
        "\t",
        " ",
        "\\",
        "..",
        "/../",
        "a=b&c=d",
        ";",
        "\xFF",
        "\x1B",
        "'\"<>",
        "{}",
        "[",
        "]",
        "169.254.169.254",
    };
    size_t len = 0;
    size_t count = 1 + draw() % PIECES_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *piece = i == 0 && draw() % 4 != 0 ? "https://" : pieces[draw() % COUNT(pieces)];
        len += (size_t)snprintf(out + len, URL_MAX - len, "%s", piece);
    }
    if (draw() % 8 == 0) {
        out[draw() % len] = (char)(draw() & 0xFF);
    }
    return (struct str){out, len};
}

static void check_taken(struct str url, const struct http_url *taken)
{
    bool ok = taken->host.len > 0 && taken->port.len > 0 && taken->text.len > 0;
    for (size_t i = 0; ok && i < taken->host.len; i++) {
        unsigned char letter = (unsigned char)taken->host.ptr[i];
        ok = letter > ' ' && letter != 0x7F && strchr("/?#@\\", letter) == NULL;
    }
    for (size_t i = 0; ok && i < taken->text.len; i++) {
        unsigned char letter = (unsigned char)taken->text.ptr[i];
        ok = letter >= ' ' && letter != 0x7F;
    }
    if (!ok) {
        fail_msg("%.*s: host %.*s", STR_ARG(url), STR_ARG(taken->host));
    }
    (void)host_kind_of(taken->host);
    (void)host_is_address(taken->host);
}

static void check_shown(struct str url, bool secret)
{
    struct buf buf;
    buf_init(&buf, &arena, 0);
    http_show(&buf, url, secret);
    struct str shown = buf_str(&buf);
    for (size_t i = 0; i < shown.len; i++) {
        if ((unsigned char)shown.ptr[i] < ' ' || shown.ptr[i] == 0x7F) {
            fail_msg("a control character is shown");
        }
    }
    /* What stands before an @ or in the query is a secret; a path may be anything. */
    bool hidden = str_find(url, STR("user:Hunter2@"), 0) == STR_NONE ||
                  str_find(shown, STR("Hunter2"), 0) == STR_NONE ||
                  str_find(url, STR("user:Hunter2@"), 0) > str_find(url, STR("://"), 0) + 3;
    if (!hidden) {
        fail_msg("%.*s is shown as %.*s", STR_ARG(url), STR_ARG(shown));
    }
}

static void any_address(void **state)
{
    size_t taken_count = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char text[URL_MAX];
        struct http_url taken;
        struct http_url next;
        struct err err = {0};
        struct str url = make_url(text);
        arena_reset(&arena);
        if (http_url_read(url, &arena, &taken, &err)) {
            taken_count++;
            check_taken(url, &taken);
            char more[URL_MAX];
            struct str location = make_url(more);
            if (http_url_follow(&taken, location, &arena, &next, &err)) {
                check_taken(location, &next);
                assert_true(http_url_same_origin(&next, &next));
            }
        } else {
            assert_int_equal(err.kind, ERR_CONFIG);
        }
        check_shown(url, draw() % 2 == 0);
        (void)host_kind_of(url);
        (void)http_retry_after(url, 0);
    }
    print_message("%zu of %d were taken\n", taken_count, (int)ROUNDS);
    assert_true(taken_count > ROUNDS / 100);
}

/* A password in front of the host is never shown, whatever it is made of. */
static void passwords(void **state)
{
    static const char letters[] = "Aa0:/?#@%&=+;,.-_~!$'()*[] \\";
    (void)state;
    for (int i = 0; i < ROUNDS / 4; i++) {
        char url[URL_MAX];
        char password[32];
        size_t len = 4 + draw() % 20;
        arena_reset(&arena);
        for (size_t j = 0; j < len; j++) {
            password[j] = letters[draw() % (sizeof letters - 1)];
        }
        password[len] = '\0';
        (void)snprintf(url, sizeof url, "https://user:%sZZTOP@api.example/path", password);
        struct buf buf;
        buf_init(&buf, &arena, 0);
        http_show(&buf, str_of(url), false);
        if (str_find(buf_str(&buf), STR("ZZTOP"), 0) != STR_NONE) {
            fail_msg("%s is shown as %.*s", url, STR_ARG(buf_str(&buf)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_address),
        cmocka_unit_test(passwords),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
