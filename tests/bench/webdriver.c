/*
 * webdriver: what our WebDriver client takes for what sources do.
 *
 *     webdriver URL SESSION ROUNDS
 *
 * In a session that is there already and shows browser_server.py's page: reads its 60 rows ROUNDS
 * times with one script each, as a source does, and asks for the title as often. One line of JSON:
 * rows read, seconds of both, and our own CPU seconds. A row too few is an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/webdriver_call.h"

enum { PATIENCE_MS = 30000, ROWS = 60, ARENA_LIMIT = 64 << 20, WARM_ROUNDS = 5 };

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int64_t soon(void)
{
    return now_ms() + PATIENCE_MS;
}

static bool is_whole(const struct json_value *rows)
{
    struct json_iter iter;
    const struct json_value *row = NULL;
    size_t count = 0;
    json_iter_init(&iter, rows);
    while (json_next(&iter, NULL, &row)) {
        count += json_str(json_get(row, STR("id"))).len > 0 &&
                 json_str(json_get(row, STR("stamp"))).len > 0 &&
                 json_str(json_get(row, STR("text"))).len > 0;
    }
    return count == ROWS;
}

static bool read_rows(struct webdriver *driver, int rounds, struct err *err)
{
    static const struct webdriver_script script = {
        .code = STR_INIT("return [...document.querySelectorAll('div.row')].map(r => ({"
                         "id: r.dataset.id, "
                         "stamp: r.querySelector('.copyable-text').dataset.prePlainText, "
                         "text: r.querySelector('.selectable-text').textContent}))")};
    struct arena arena;
    arena_init(&arena, ARENA_LIMIT);
    bool ok = true;
    for (int i = 0; ok && i < rounds; i++) {
        const struct json_value *rows = NULL;
        arena_reset(&arena);
        ok = webdriver_run(driver, &script, soon(), &arena, &rows, err) &&
             (is_whole(rows) || err_set(err, ERR_REJECT, "rows are missing"));
    }
    arena_free(&arena);
    return ok;
}

static bool read_titles(struct webdriver *driver, int rounds, struct err *err)
{
    struct arena arena;
    struct str title = {0};
    arena_init(&arena, ARENA_LIMIT);
    bool ok = true;
    for (int i = 0; ok && i < rounds; i++) {
        arena_reset(&arena);
        ok = webdriver_title(driver, soon(), &arena, &title, err);
    }
    arena_free(&arena);
    return ok;
}

static bool measure(struct webdriver *driver, int rounds, struct err *err)
{
    if (!read_rows(driver, WARM_ROUNDS, err)) {
        return false;
    }
    int64_t cpu_us = clock_cpu_us();
    int64_t began_ms = now_ms();
    if (!read_rows(driver, rounds, err)) {
        return false;
    }
    cpu_us = clock_cpu_us() - cpu_us;
    int64_t rows_ms = now_ms() - began_ms;
    began_ms = now_ms();
    if (!read_titles(driver, rounds, err)) {
        return false;
    }
    (void)printf("{\"rows\":%d,\"rows_s\":%.3f,\"cpu_s\":%.4f,\"titles\":%d,\"titles_s\":%.3f}\n",
                 rounds * ROWS, (double)rows_ms / 1e3, (double)cpu_us / 1e6, rounds,
                 (double)(now_ms() - began_ms) / 1e3);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct webdriver *driver = NULL;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: webdriver URL SESSION ROUNDS\n");
        return 64;
    }
    struct webdriver_options options = {.url = str_of(argv[1])};
    bool ok = webdriver_open(&driver, &options, &err);
    if (ok) {
        /* The rival's session, so that nothing but the clients differs. */
        (void)snprintf(driver->session, sizeof driver->session, "%s", argv[2]);
        ok = measure(driver, (int)strtol(argv[3], NULL, 10), &err);
        webdriver_close(driver);
    }
    if (!ok) {
        (void)fprintf(stderr, "%s\n", err.text);
    }
    return ok ? 0 : 1;
}
