/* qr: each way of drawing is read again by a reader that is not ours (qr_reader.py). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "rig/outside.h"
#include "test.h"
#include "text/qr.h"

static struct outside reader;
static bool started;
static struct arena arena;
static struct err err;

static int begin(void **state)
{
    const char *const words[] = {"python3", "tests/text/qr_reader.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 8 << 20);
    started = outside_start(&reader, words, 60);
    return 0;
}

static int end(void **state)
{
    (void)state;
    outside_stop(&reader);
    arena_free(&arena);
    return 0;
}

static void write_file(const char *name, struct str text)
{
    assert_true(file_write(str_of(outside_path(&reader, name)), 0600, text, &err));
}

static void draw(const struct qr *qr, enum qr_look look, const char *name)
{
    struct buf buf;
    char line[128];
    buf_init(&buf, &arena, 0);
    qr_draw_blocks(qr, look, &buf);
    assert_true(buf_ok(&buf));
    write_file(name, buf_str(&buf));
    (void)snprintf(line, sizeof line, "%s text", name);
    outside_ask(&reader, line);
}

static void is_read_again(void **state)
{
    static const char *const texts[] = {
        "a",
        "שלום 🙂 עולם",
        "https://example.org/?q=1",
        /* As long as what WhatsApp shows; invented. */
        "2@inventedABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJKLMNOP"
        "QRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=,ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm="
        ",nopqrstuvwxyz0123456789+/ABCDEFGHIJKLMNOPQ=,1",
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct qr qr;
        struct buf svg;
        assert_true(qr_make(&qr, str_of(texts[i]), &err));
        write_file("text", str_of(texts[i]));
        draw(&qr, QR_COLOURS, "colours");
        draw(&qr, QR_ON_DARK, "dark");
        draw(&qr, QR_ON_LIGHT, "light");
        buf_init(&svg, &arena, 0);
        qr_draw_svg(&qr, &svg);
        write_file("svg", buf_str(&svg));
        outside_ask(&reader, "svg text");
        arena_reset(&arena);
    }
}

static void sizes_and_limits(void **state)
{
    struct qr qr;
    char text[QR_TEXT_MAX + 2];
    struct buf buf;
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t len = 1; len <= QR_TEXT_MAX; len += 93) {
        assert_true(qr_make(&qr, (struct str){text, len}, &err));
        assert_true(qr.side >= 21 && qr.side <= QR_SIDE_MAX && qr.side % 4 == 1);
        assert_true(qr_is_dark(&qr, 0, 0) && qr_is_dark(&qr, qr.side - 1, 0));
        assert_false(qr_is_dark(&qr, -1, 0) || qr_is_dark(&qr, 0, qr.side));
    }
    assert_true(qr_make(&qr, (struct str){text, QR_TEXT_MAX}, &err));
    assert_false(qr_make(&qr, (struct str){text, QR_TEXT_MAX + 1}, &err));
    assert_false(qr_make(&qr, STR(""), &err));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_null(strstr(err.text, "xxx"));
    assert_true(qr_make(&qr, STR("a"), &err));
    buf_init(&buf, &arena, 0);
    qr_draw_blocks(&qr, QR_ON_LIGHT, &buf);
    struct str rest = buf_str(&buf);
    struct str line = {0};
    int lines = 0;
    while (str_split(&rest, '\n', &line) && line.len > 0) {
        lines++;
    }
    assert_int_equal(lines, qr_blocks_lines(&qr));
    assert_int_equal(qr_blocks_columns(&qr), 21 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_read_again),
        cmocka_unit_test(sizes_and_limits),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
