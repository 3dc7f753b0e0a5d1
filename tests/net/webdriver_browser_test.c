/*
 * webdriver against real ones: chromedriver with Chromium (headless, and with a window where there
 * is an Xvfb), and a Selenium Grid where there is Java; see browser_server.py. What cannot be had
 * is skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/webdriver.h"
#include "rig/outside.h"
#include "test.h"

enum { PATIENCE_MS = 30000, LARGE = 7 * 1024 * 1024, GROWTH_MAX_KB = 24 * 1024 };

static struct outside server;
static bool started;
static struct arena arena;
static struct webdriver *driver;

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int64_t soon(void)
{
    return now_ms() + PATIENCE_MS;
}

static bool has(const char *name)
{
    for (int i = 0; i < server.count; i++) {
        if (strcmp(server.ports[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct webdriver *open_another(void)
{
    struct webdriver *made = NULL;
    struct err err = {0};
    struct webdriver_options options = {
        .url = arena_printf(&arena, "http://127.0.0.1:%d",
                            outside_port(&server, has("grid") ? "grid" : "driver"))};
    assert_true(webdriver_open(&made, &options, &err));
    return made;
}

static int start_server(bool grid)
{
    const char *const words[] = {"python3", "tests/net/browser_server.py", "{folder}",
                                 grid ? "grid" : NULL, NULL};
    arena_init(&arena, 512 << 20);
    started = outside_start(&server, words, 60);
    driver = started ? open_another() : NULL;
    return 0;
}

static int start_driver(void **state)
{
    (void)state;
    return start_server(false);
}

static int start_grid(void **state)
{
    (void)state;
    return start_server(true);
}

static int stop_server(void **state)
{
    struct err err = {0};
    (void)state;
    if (started && !webdriver_quit(driver, soon(), &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
    }
    webdriver_close(driver);
    driver = NULL;
    outside_stop(&server);
    arena_free(&arena);
    return 0;
}

#define NEED_SERVER()                                                                              \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!started) {                                                                            \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void good(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s (%s)", err->text, webdriver_fault_name(webdriver_fault(driver)));
    }
}

/* Failed as it should. */
static void bad(bool ok, enum webdriver_fault fault, enum webdriver_fate fate,
                const struct err *err)
{
    if (ok || webdriver_fault(driver) != fault) {
        fail_msg("%s is not %s: %s", webdriver_fault_name(webdriver_fault(driver)),
                 webdriver_fault_name(fault), err->text);
    }
    assert_int_equal(webdriver_fate(driver), fate);
    assert_null(strstr(err->text, "words-of-the-page"));
}

static struct str page(const char *path)
{
    return arena_printf(&arena, "http://127.0.0.1:%d%s", outside_port(&server, "page"), path);
}

static struct str profile_of(const char *name)
{
    return arena_copy(&arena, str_of(outside_path(&server, name)));
}

static bool start_of(struct webdriver *one, bool headless, struct str profile, struct err *err)
{
    static const struct str args[] = {STR_INIT("--no-sandbox"), STR_INIT("--disable-dev-shm-usage"),
                                      STR_INIT("--disable-gpu")};
    struct webdriver_browser browser = {.profile = profile,
                                        .headless = headless,
                                        .width = 1000,
                                        .height = 700,
                                        .args = args,
                                        .arg_count = COUNT(args),
                                        .script_ms = 10000,
                                        .page_ms = 15000};
    return webdriver_start(one, &browser, soon(), err);
}

/* A session that is well, with the page as it is at first. */
static void start(void)
{
    struct err err = {0};
    if (!webdriver_alive(driver)) {
        good(start_of(driver, true, profile_of("profile"), &err), &err);
    }
    good(webdriver_timeouts(driver, 1000, 15000, soon(), &err), &err);
    good(webdriver_go(driver, page("/"), soon(), &err), &err);
}

static bool run(const char *code, const char *args, const struct json_value **value,
                struct err *err)
{
    struct webdriver_script script = {.code = str_of(code), .args = str_of(args)};
    return webdriver_run(driver, &script, soon(), &arena, value, err);
}

static struct str text_of(const char *code)
{
    const struct json_value *value = NULL;
    struct err err = {0};
    good(run(code, NULL, &value, &err), &err);
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    json_put_value(&json, value);
    return buf_str(&buf);
}

/* ---- One session, from its start to its end ---- */

static void scripts(void)
{
    const struct json_value *value = NULL;
    struct err err = {0};
    assert_str_equal(text_of("return {a: [1, 2.5, null, true], b: 'שלום 🙂'}"),
                     STR("{\"a\":[1,2.5,null,true],\"b\":\"שלום 🙂\"}"));
    assert_str_equal(text_of("return undefined"), STR("null"));
    assert_str_equal(text_of(""), STR("null"));
    assert_str_equal(text_of("return 'x\\ud83d' // a comment"), STR("\"x\xEF\xBF\xBD\""));
    assert_str_equal(text_of("return '\\u2028\\u202a\\u0000'.length"), STR("3"));
    assert_str_equal(text_of("return document.querySelectorAll('.row').length"), STR("60"));
    good(run("return arguments[0] + arguments[1].x + this", "[\"א\",{\"x\":7}]", &value, &err),
         &err);
    struct webdriver_script later = {
        .code = STR("setTimeout(() => arguments[arguments.length - 1]([arguments[0], 'ב']), 100)"),
        .args = STR("[5]"),
        .async = true};
    good(webdriver_run(driver, &later, soon(), &arena, &value, &err), &err);
    assert_str_equal(json_str(json_at(value, 1)), STR("ב"));
}

static void hands(void)
{
    struct err err = {0};
    struct webdriver_element button;
    struct webdriver_element field;
    struct str png = {0};
    const struct json_value *value = NULL;
    struct webdriver_script pick = {
        .code = STR("return [...document.querySelectorAll('button')].find(b => b.textContent === "
                    "arguments[0])"),
        .args = STR("[\"לחיצה\"]")};
    good(webdriver_pick(driver, &pick, soon(), &button, &err), &err);
    good(webdriver_click(driver, &button, soon(), &err), &err);
    assert_str_equal(
        text_of("return journal.filter(e => e[2] === 'button')"),
        STR("[[\"pointerdown\",true,\"button\",\"\"],[\"mousedown\",true,\"button\",\"\"],"
            "[\"click\",true,\"button\",\"\"]]"));
    good(webdriver_find(driver, STR("#field"), soon(), &field, &err), &err);
    good(webdriver_type(driver, &field, STR("‪שם‬ 🙂👩‍👧 x"), soon(), &err), &err);
    assert_str_equal(text_of("return document.getElementById('field').value"),
                     STR("\"‪שם‬ 🙂👩‍👧 x\""));
    assert_str_equal(text_of("return journal.some(e => e[3] === 'Enter' || !e[1])"), STR("false"));
    good(webdriver_clear(driver, &field, soon(), &err), &err);
    assert_str_equal(text_of("return document.getElementById('field').value"), STR("\"\""));
    struct buf args;
    struct json_writer json;
    buf_init(&args, &arena, 0);
    json_writer_init(&json, &args);
    json_array_begin(&json);
    webdriver_put_element(&json, &field);
    json_array_end(&json);
    good(run("return arguments[0].id", buf_str(&args).ptr, &value, &err), &err);
    assert_str_equal(json_str(value), STR("field"));
    good(webdriver_screenshot(driver, &button, soon(), &arena, &png, &err), &err);
    assert_true(png.len > 100);
    good(webdriver_screenshot(driver, NULL, soon(), &arena, &png, &err), &err);
    assert_true(png.len > 1000);
}

/* A Grid gives the place back a moment after the session. */
static void is_free(struct webdriver *one)
{
    struct err err = {0};
    struct webdriver_status status;
    int64_t until_ms = now_ms() + 5000;
    do {
        good(webdriver_status(one, soon(), &status, &err), &err);
    } while (status.taken != 0 && now_ms() < until_ms);
    assert_int_equal(status.ready, WEBDRIVER_READY);
    assert_int_equal(status.taken, 0);
}

/* Leaves no session. */
static void whole_session(bool headless)
{
    struct err err = {0};
    struct str text = {0};
    struct webdriver_status status;
    struct webdriver_figures figures;
    good(webdriver_wait_ready(driver, soon(), &status, &err), &err);
    assert_int_equal(status.ready, WEBDRIVER_READY);
    assert_int_equal(status.grid, has("grid"));
    good(start_of(driver, headless, profile_of("profile"), &err), &err);
    good(webdriver_go(driver, page("/a?b=%D7%90"), soon(), &err), &err);
    good(webdriver_url(driver, soon(), &arena, &text, &err), &err);
    assert_str_equal(text, page("/a?b=%D7%90"));
    good(webdriver_title(driver, soon(), &arena, &text, &err), &err);
    assert_str_equal(text, STR("דף הבדיקה"));
    assert_int_equal(
        str_find(text_of("return navigator.userAgent"), STR("Headless"), 0) != STR_NONE, headless);
    scripts();
    hands();
    good(webdriver_window(driver, 900, 640, soon(), &err), &err);
    assert_str_equal(text_of("return [outerWidth, outerHeight]"), STR("[900,640]"));
    good(webdriver_timeouts(driver, 200, 5000, soon(), &err), &err);
    good(webdriver_measure(driver, soon(), &figures, &err), &err);
    assert_true(figures.measured && figures.heap_used > 100000 && figures.nodes > 100);
    assert_true(figures.age_ms > 0 && figures.calls > 20 && figures.received > 10000);
    good(webdriver_quit(driver, soon(), &err), &err);
    is_free(driver);
}

static void headless(void **state)
{
    NEED_SERVER();
    whole_session(true);
}

static void with_a_window(void **state)
{
    NEED_SERVER();
    if (!has("display")) {
        skip();
    }
    whole_session(false);
}

/* ---- What goes wrong, and the session lives ---- */

static void only_the_call_fails(void **state)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    struct webdriver_element element;
    NEED_SERVER();
    start();
    bad(run("throw new Error('words-of-the-page')", NULL, &value, &err), WEBDRIVER_SCRIPT_FAILED,
        WEBDRIVER_CALL, &err);
    bad(run("this is none", NULL, &value, &err), WEBDRIVER_SCRIPT_FAILED, WEBDRIVER_CALL, &err);
    bad(run("const a = {}; a.a = a; return a", NULL, &value, &err), WEBDRIVER_SCRIPT_FAILED,
        WEBDRIVER_CALL, &err);
    bad(webdriver_find(driver, STR("#none"), soon(), &element, &err), WEBDRIVER_NO_ELEMENT,
        WEBDRIVER_CALL, &err);
    bad(webdriver_find(driver, STR("[["), soon(), &element, &err), WEBDRIVER_BAD_SELECTOR,
        WEBDRIVER_CALL, &err);
    good(webdriver_find(driver, STR("#button"), soon(), &element, &err), &err);
    (void)text_of("document.getElementById('cover').textContent = 'words-of-the-page';"
                  "document.getElementById('cover').style.display = 'block'");
    bad(webdriver_click(driver, &element, soon(), &err), WEBDRIVER_COVERED, WEBDRIVER_CALL, &err);
    (void)text_of("document.getElementById('cover').style.display = 'none';"
                  "document.getElementById('button').style.display = 'none'");
    bad(webdriver_click(driver, &element, soon(), &err), WEBDRIVER_NOT_INTERACTABLE, WEBDRIVER_CALL,
        &err);
    (void)text_of("document.getElementById('button').remove()");
    bad(webdriver_click(driver, &element, soon(), &err), WEBDRIVER_STALE_ELEMENT, WEBDRIVER_CALL,
        &err);
    struct str closed =
        arena_printf(&arena, "http://127.0.0.1:%d/", outside_port(&server, "closed"));
    (void)text_of("setTimeout(() => alert('words-of-the-page'), 0)");
    int64_t until_ms = now_ms() + 3000;
    struct str title = {0};
    while (webdriver_title(driver, soon(), &arena, &title, &err) && now_ms() < until_ms) {
    }
    bad(false, WEBDRIVER_ALERT, WEBDRIVER_CALL, &err);
    good(webdriver_title(driver, soon(), &arena, &title, &err), &err);
    bad(webdriver_go(driver, closed, soon(), &err), WEBDRIVER_NO_PAGE, WEBDRIVER_CALL, &err);
    assert_non_null(strstr(err.text, "net::ERR_CONNECTION_REFUSED"));
    assert_true(webdriver_alive(driver));
}

static void slow_pages(void **state)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    NEED_SERVER();
    start();
    good(webdriver_timeouts(driver, 300, 300, soon(), &err), &err);
    struct webdriver_script never = {.code = STR(""), .async = true};
    int64_t began_ms = now_ms();
    bad(webdriver_run(driver, &never, soon(), &arena, &value, &err), WEBDRIVER_SCRIPT_TIMEOUT,
        WEBDRIVER_RETRY_SAME, &err);
    assert_true(now_ms() - began_ms < 5000);
    assert_str_equal(text_of("return 1"), STR("1"));
    bad(webdriver_go(driver, page("/never"), soon(), &err), WEBDRIVER_PAGE_TIMEOUT,
        WEBDRIVER_RETRY_SAME, &err);
    assert_str_equal(text_of("return 1"), STR("1"));
    /* A page that computes without end holds the driver up, past the script's time; our deadline
     * ends it for us, and the next start waits for the browser. */
    struct webdriver_script busy = {
        .code = STR("const t = Date.now(); while (Date.now() - t < 1000) {}")};
    began_ms = now_ms();
    bad(webdriver_run(driver, &busy, began_ms + 300, &arena, &value, &err), WEBDRIVER_LATE,
        WEBDRIVER_DROP, &err);
    assert_true(now_ms() - began_ms < 1200);
    start();
    assert_str_equal(text_of("return 1"), STR("1"));
}

/* ---- What ends the session ---- */

static void the_tab_crashes(void **state)
{
    struct err err = {0};
    NEED_SERVER();
    start();
    bad(webdriver_go(driver, STR("chrome://crash"), soon(), &err), WEBDRIVER_TAB_CRASHED,
        WEBDRIVER_DROP, &err);
    assert_false(webdriver_alive(driver));
    start(); /* The old one ends first, so the profile is free. */
    assert_str_equal(text_of("return 1"), STR("1"));
}

static void the_browser_is_killed(void **state)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    NEED_SERVER();
    start();
    outside_ask(&server, "kill-browser");
    bad(run("return 1", NULL, &value, &err), WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, &err);
    start();
    assert_str_equal(text_of("return 1"), STR("1"));
}

static void a_profile_is_for_one(void **state)
{
    struct err err = {0};
    size_t ended = 0;
    NEED_SERVER();
    start();
    struct webdriver *next = open_another();
    assert_false(start_of(next, true, profile_of("profile"), &err));
    assert_int_equal(webdriver_fault(next), WEBDRIVER_NOT_CREATED);
    assert_non_null(strstr(err.text, "another browser using the profile"));
    /* We were killed; who comes after us knows the session's name, */
    struct str old = arena_copy(&arena, webdriver_session(driver));
    good(webdriver_remove(next, old, soon(), &err), &err);
    good(webdriver_remove(next, old, soon(), &err), &err);
    good(start_of(next, true, profile_of("profile"), &err), &err);
    /* or only its profile. */
    good(webdriver_evict(driver, profile_of("other"), soon(), &ended, &err), &err);
    assert_int_equal(ended, 0);
    good(webdriver_evict(driver, profile_of("profile"), soon(), &ended, &err), &err);
    assert_int_equal(ended, 1);
    const struct json_value *value = NULL;
    bad(run("return 1", NULL, &value, &err), WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, &err);
    webdriver_close(next);
}

static void the_driver_goes(void **state)
{
    struct err err = {0};
    struct webdriver_status status;
    const struct json_value *value = NULL;
    NEED_SERVER();
    start();
    outside_ask(&server, "stop");
    bad(run("return 1", NULL, &value, &err), WEBDRIVER_UNREACHABLE, WEBDRIVER_DROP, &err);
    assert_false(webdriver_wait_ready(driver, now_ms() + 300, &status, &err));
    assert_int_equal(status.ready, WEBDRIVER_AWAY);
    outside_ask(&server, "start");
    good(webdriver_wait_ready(driver, soon(), &status, &err), &err);
    start();
    assert_str_equal(text_of("return 1"), STR("1"));
}

/* ---- Size ---- */

static long high_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    return kb;
}

static void large_answers(void **state)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    NEED_SERVER();
    start();
    long before_kb = high_kb();
    struct webdriver_script script = {.code = STR("return 'a'.repeat(arguments[0])"),
                                      .args = arena_printf(&arena, "[%d]", LARGE)};
    struct arena own;
    arena_init(&own, 64 << 20);
    good(webdriver_run(driver, &script, soon(), &own, &value, &err), &err);
    assert_int_equal(json_str(value).len, LARGE);
    long grown_kb = high_kb() - before_kb;
    print_message("an answer of 7 MiB: %ld KiB more memory\n", grown_kb);
    assert_true(grown_kb <= GROWTH_MAX_KB);
    arena_reset(&own);
    script.answer_max = 1024 * 1024;
    bad(webdriver_run(driver, &script, soon(), &own, &value, &err), WEBDRIVER_TOO_LARGE,
        WEBDRIVER_CALL, &err);
    assert_str_equal(text_of("return 1"), STR("1"));
    arena_free(&own);
}

/* ---- A Grid ---- */

static void a_grid_has_one_place(void **state)
{
    struct err err = {0};
    struct webdriver_status status;
    size_t ended = 0;
    NEED_SERVER();
    start();
    good(webdriver_wait_ready(driver, soon(), &status, &err), &err);
    assert_int_equal(status.ready, WEBDRIVER_BUSY);
    assert_int_equal(status.up, 1);
    assert_int_equal(status.taken, 1);
    assert_int_equal(status.idle_ms, 10000);
    /* Who waits in vain leaves nothing behind. */
    struct webdriver *next = open_another();
    struct webdriver_browser browser = {.headless = true};
    assert_false(webdriver_start(next, &browser, now_ms() + 1000, &err));
    assert_int_equal(webdriver_fault(next), WEBDRIVER_LATE);
    assert_str_equal(text_of("return 1"), STR("1"));
    good(webdriver_evict(next, profile_of("profile"), soon(), &ended, &err), &err);
    assert_int_equal(ended, 1);
    is_free(next);
    const struct json_value *value = NULL;
    bad(run("return 1", NULL, &value, &err), WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, &err);
    good(webdriver_remove(next, STR("0123456789abcdef0123456789abcdef"), soon(), &err), &err);
    webdriver_close(next);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest with_driver[] = {
        CASE(with_a_window),   CASE(headless),        CASE(only_the_call_fails),
        CASE(large_answers),   CASE(slow_pages),      CASE(a_profile_is_for_one),
        CASE(the_tab_crashes), CASE(the_driver_goes),
    };
    const struct CMUnitTest with_grid[] = {
        CASE(headless),
        CASE(a_grid_has_one_place),
        CASE(the_browser_is_killed),
    };
    int failed = cmocka_run_group_tests(with_driver, start_driver, stop_server);
    return failed + cmocka_run_group_tests(with_grid, start_grid, stop_server);
}
