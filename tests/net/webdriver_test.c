/* webdriver: against a server that answers as the test tells it to, also wrongly; see
 * webdriver_browser_test.c for real ones. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/webdriver.h"
#include "net/webdriver_call.h"
#include "net/webdriver_fake.h"
#include "test.h"

#define SESSION "0123456789abcdef0123456789abcdef"
#define AT      "/session/" SESSION
/* What a page might say; no error may hold it. */
#define OF_THE_PAGE "words-of-the-page"

enum { PATIENCE_MS = 10000 };

static struct fake *fake;
static struct arena arena;
static struct webdriver *driver;
static int64_t stop_ms; /* From then on we are asked to stop; 0: never. */

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int64_t soon(void)
{
    return now_ms() + PATIENCE_MS;
}

static bool is_stopping(void *context)
{
    (void)context;
    return stop_ms != 0 && now_ms() >= stop_ms;
}

static struct webdriver *open_at(int port, const char *path)
{
    struct webdriver *made = NULL;
    struct err err = {0};
    struct webdriver_options options = {
        .url = arena_printf(&arena, "http://127.0.0.1:%d%s", port, path), .stopping = is_stopping};
    if (!webdriver_open(&made, &options, &err)) {
        fail_msg("%s", err.text);
    }
    return made;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    stop_ms = 0;
    fake = fake_start();
    assert_non_null(fake);
    driver = open_at(fake_port(fake), "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    webdriver_close(driver);
    fake_stop(fake);
    arena_free(&arena);
    return 0;
}

static void tell(int status, const char *body)
{
    fake_answer(fake, &(struct fake_reply){.status = status, .body = body});
}

/* A session, with nothing seen by the server. */
static void start(void)
{
    struct err err = {0};
    tell(200, "{\"value\":{\"sessionId\":\"" SESSION
              "\",\"capabilities\":{\"browserVersion\":\"156.0\"}}}");
    if (!webdriver_start(driver, &(struct webdriver_browser){0}, soon(), &err)) {
        fail_msg("%s", err.text);
    }
    fake_forget(fake);
}

static bool run(struct err *err)
{
    const struct json_value *value = NULL;
    return webdriver_run(driver, &(struct webdriver_script){.code = STR("return 1")}, soon(),
                         &arena, &value, err);
}

/* ---- What goes out ---- */

static void asked(size_t index, const char *method, const char *path, const char *body)
{
    const struct fake_request *request = fake_seen(fake, index);
    assert_string_equal(request->method, method);
    assert_string_equal(request->path, path);
    assert_string_equal(request->body, body);
    assert_string_equal(request->type, body[0] != '\0' ? "application/json; charset=utf-8" : "");
}

static void a_browser_is_asked_for(void **state)
{
    struct err err = {0};
    static const struct str args[] = {STR_INIT("--lang=he"), STR_INIT("--no-sandbox")};
    (void)state;
    struct webdriver_browser browser = {.binary = STR("/opt/chrome"),
                                        .profile = STR("/data/פרופיל"),
                                        .headless = true,
                                        .width = 1280,
                                        .height = 900,
                                        .args = args,
                                        .arg_count = 2,
                                        .script_ms = 20000,
                                        .page_ms = 40000};
    tell(200, "{\"value\":{\"sessionId\":\"" SESSION
              "\",\"capabilities\":{\"browserVersion\":\"156.0\"}}}");
    assert_true(webdriver_start(driver, &browser, soon(), &err));
    asked(0, "POST", "/session",
          "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\","
          "\"unhandledPromptBehavior\":\"dismiss and notify\","
          "\"timeouts\":{\"script\":20000,\"pageLoad\":40000,\"implicit\":0},"
          "\"goog:chromeOptions\":{\"binary\":\"/opt/chrome\",\"args\":["
          "\"--user-data-dir=/data/פרופיל\",\"--headless=new\",\"--window-size=1280,900\","
          "\"--lang=he\",\"--no-sandbox\"]}},\"firstMatch\":[{}]}}");
    assert_str_equal(webdriver_session(driver), STR(SESSION));
    assert_str_equal(webdriver_browser_version(driver), STR("156.0"));
    assert_true(webdriver_alive(driver));
}

static void commands(void **state)
{
    struct err err = {0};
    struct str text = {0};
    struct webdriver_element element = {{0}};
    const struct json_value *value = NULL;
    struct webdriver_script script = {.code = STR("return [\"א\", arguments[0]]"),
                                      .args = STR("[7]")};
    (void)state;
    start();
    assert_true(webdriver_go(driver, STR("http://page.example/?a=ב"), soon(), &err));
    tell(200, "{\"value\":\"כותרת\"}");
    assert_true(webdriver_title(driver, soon(), &arena, &text, &err));
    assert_str_equal(text, STR("כותרת"));
    tell(200, "{\"value\":{\"" WEBDRIVER_ELEMENT_KEY "\":\"f.A-b_1.d.2\"}}");
    assert_true(webdriver_find(driver, STR("[data-id=\"x\"]"), soon(), &element, &err));
    assert_true(webdriver_click(driver, &element, soon(), &err));
    assert_true(webdriver_clear(driver, &element, soon(), &err));
    assert_true(webdriver_type(driver, &element, STR("שם 🙂"), soon(), &err));
    assert_true(webdriver_timeouts(driver, 5000, 6000, soon(), &err));
    assert_true(webdriver_window(driver, 800, 600, soon(), &err));
    tell(200, "{\"value\":\"[\\\"\xd7\x90\\\",7]\"}");
    assert_true(webdriver_run(driver, &script, soon(), &arena, &value, &err));
    assert_str_equal(json_str(json_at(value, 0)), STR("א"));
    asked(0, "POST", AT "/url", "{\"url\":\"http://page.example/?a=ב\"}");
    asked(1, "GET", AT "/title", "");
    asked(2, "POST", AT "/element",
          "{\"using\":\"css selector\",\"value\":\"[data-id=\\\"x\\\"]\"}");
    asked(3, "POST", AT "/element/f.A-b_1.d.2/click", "{}");
    asked(4, "POST", AT "/element/f.A-b_1.d.2/clear", "{}");
    asked(5, "POST", AT "/element/f.A-b_1.d.2/value", "{\"text\":\"שם 🙂\"}");
    asked(6, "POST", AT "/timeouts", "{\"script\":5000,\"pageLoad\":6000}");
    asked(7, "POST", AT "/window/rect", "{\"width\":800,\"height\":600}");
    assert_string_equal(fake_seen(fake, 8)->path, AT "/execute/sync");
    assert_non_null(strstr(fake_seen(fake, 8)->body, "\"args\":[7]}"));
    assert_true(webdriver_quit(driver, soon(), &err));
    asked(9, "DELETE", AT, "");
    assert_null(webdriver_session(driver).ptr);
    assert_true(webdriver_quit(driver, soon(), &err));
    assert_int_equal(fake_count(fake), 10);
}

/* A Grid may want a login; it stands in the address, and in no error. */
static void an_address_may_have_a_login(void **state)
{
    struct err err = {0};
    struct webdriver *other = NULL;
    struct webdriver_status status;
    (void)state;
    struct webdriver_options options = {
        .url = arena_printf(&arena, "http://desk:secret@127.0.0.1:%d/", /* invented */
                            fake_port(fake))};
    assert_true(webdriver_open(&other, &options, &err));
    tell(200, "{\"value\":{\"ready\":true}}");
    assert_true(webdriver_status(other, soon(), &status, &err));
    assert_string_equal(fake_seen(fake, 0)->authorization, "Basic ZGVzazpzZWNyZXQ=");
    for (int i = 0; i < 4; i++) { /* However often a kept connection is replaced. */
        fake_answer(fake, &(struct fake_reply){.manner = FAKE_HANG_UP});
    }
    assert_false(webdriver_status(other, soon(), &status, &err));
    assert_null(strstr(err.text, "secret"));
    tell(401, "");
    while (fake_count(fake) < 6 && !webdriver_status(other, soon(), &status, &err) &&
           err.kind != ERR_LOGIN) {
    }
    assert_int_equal(err.kind, ERR_LOGIN);
    assert_null(strstr(err.text, "secret"));
    webdriver_close(other);
}

static char noted[512];

static void take_note(void *context, const struct webdriver_note *note)
{
    (void)context;
    size_t len = strlen(noted);
    assert_true(note->took_ms >= 0);
    (void)snprintf(noted + len, sizeof noted - len, "%s:%s,%zu;", note->what,
                   webdriver_fault_name(note->fault), note->received);
}

static void each_command_is_noted(void **state)
{
    struct err err = {0};
    struct webdriver *other = NULL;
    struct webdriver_element element = {"e.1"};
    (void)state;
    noted[0] = '\0';
    struct webdriver_options options = {
        .url = arena_printf(&arena, "http://127.0.0.1:%d", fake_port(fake)), .note = take_note};
    assert_true(webdriver_open(&other, &options, &err));
    tell(200, "{\"value\":{\"sessionId\":\"one\"}}");
    assert_true(webdriver_start(other, &(struct webdriver_browser){0}, soon(), &err));
    assert_false(webdriver_type(other, &element, STR("\n"), soon(), &err)); /* Does not go out. */
    assert_true(webdriver_type(other, &element, STR("a"), soon(), &err));
    tell(400, "{\"value\":{\"error\":\"element click intercepted\"}}");
    assert_false(webdriver_click(other, &element, soon(), &err));
    assert_true(webdriver_quit(other, soon(), &err));
    assert_string_equal(noted, "start:fine,29;type:fine,14;click:covered,47;end:fine,14;");
    webdriver_close(other);
}

static void an_address_may_have_a_path(void **state)
{
    struct err err = {0};
    struct webdriver_status status;
    (void)state;
    struct webdriver *other = open_at(fake_port(fake), "/wd/hub/");
    tell(200, "{\"value\":{\"ready\":true}}");
    assert_true(webdriver_status(other, soon(), &status, &err));
    assert_string_equal(fake_seen(fake, 0)->path, "/wd/hub/status");
    webdriver_close(other);
    static const char *const bad[] = {"",        "chrome:4444", "ftp://chrome/",
                                      "http://", "http://a/?b", "http://a/#b"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct webdriver_options options = {.url = str_of(bad[i])};
        other = NULL;
        assert_false(webdriver_open(&other, &options, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

/* A hand that writes into a chat is not ours: no Enter, no special key, no control character. */
static void what_is_never_typed(void **state)
{
    static const char *const bad[] = {
        "a\n",
        "a\r",
        "\x1b",
        "a\tb",
        "\x7f",
        "\xEE\x80\x86",
        /* Return */ "\xEE\x80\x87",
        /* Enter */ "a\xEE\x80\x80",
        "\xEE\x81\x9D",
        "\xE2\x80\xA8",
        "\xC2\x85",
        "\xFF",
        "\xEE\x83\xBF",
    };
    struct webdriver_element element = {"e.1"};
    (void)state;
    start();
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        assert_false(webdriver_type(driver, &element, str_of(bad[i]), soon(), &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_BAD_ARGUMENT);
        assert_int_equal(webdriver_fate(driver), WEBDRIVER_CALL);
    }
    struct err err = {0};
    char *longer = arena_alloc(&arena, WEBDRIVER_TYPED_MAX + 1);
    memset(longer, 'a', WEBDRIVER_TYPED_MAX + 1);
    assert_false(webdriver_type(driver, &element, (struct str){longer, WEBDRIVER_TYPED_MAX + 1},
                                soon(), &err));
    assert_int_equal(fake_count(fake), 0);
    /* Directions, joined emoji and letters near the special ones are letters. */
    assert_true(webdriver_type(driver, &element, STR("\u202a+972\u202c \u2027 \uE100 👩‍👧"),
                               soon(), &err));
    assert_true(webdriver_alive(driver));
}

/* ---- What comes back ---- */

static const struct {
    int status;
    const char *error;
    const char *message; /* In front of the page's words. */
    enum webdriver_fault fault;
    enum webdriver_fate fate;
    enum err_kind kind;
    const char *words;
} errors[] = {
    {404, "invalid session id", "", WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, ERR_RETRY, "session"},
    {500, "tab crashed", "tab crashed\n", WEBDRIVER_TAB_CRASHED, WEBDRIVER_DROP, ERR_RETRY,
     "crashed"},
    {500, "unknown error", "unknown error: session deleted because of page crash\n",
     WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, ERR_RETRY, "session"},
    {500, "unknown error", "disconnected: not connected to DevTools\n", WEBDRIVER_BROWSER_GONE,
     WEBDRIVER_DROP, ERR_RETRY, "browser"},
    {500, "chrome not reachable", "", WEBDRIVER_BROWSER_GONE, WEBDRIVER_DROP, ERR_RETRY, "browser"},
    {404, "no such window", "", WEBDRIVER_WINDOW_LOST, WEBDRIVER_DROP, ERR_RETRY, "window"},
    {500, "unknown error", "java.util.concurrent.TimeoutException\nBuild info: ",
     WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, ERR_RETRY, "session"},
    {500, "unknown error",
     "Unable to execute request for an existing session: Timeout when executing request (POST ",
     WEBDRIVER_SESSION_LOST, WEBDRIVER_DROP, ERR_RETRY, "session"},
    {500, "unknown error", "Unable to execute request for an existing session: Connection refused",
     WEBDRIVER_BROWSER_GONE, WEBDRIVER_DROP, ERR_RETRY, "browser"},
    {500, "script timeout", "", WEBDRIVER_SCRIPT_TIMEOUT, WEBDRIVER_RETRY_SAME, ERR_RETRY,
     "script"},
    {500, "timeout", "", WEBDRIVER_PAGE_TIMEOUT, WEBDRIVER_RETRY_SAME, ERR_RETRY, "load"},
    {404, "no such element", "", WEBDRIVER_NO_ELEMENT, WEBDRIVER_CALL, ERR_RETRY, "element"},
    {404, "stale element reference", "", WEBDRIVER_STALE_ELEMENT, WEBDRIVER_CALL, ERR_RETRY,
     "replaced"},
    {400, "element click intercepted", "", WEBDRIVER_COVERED, WEBDRIVER_CALL, ERR_RETRY, "covers"},
    {400, "element not interactable", "", WEBDRIVER_NOT_INTERACTABLE, WEBDRIVER_CALL, ERR_RETRY,
     "hidden"},
    {500, "unexpected alert open", "{Alert text : ", WEBDRIVER_ALERT, WEBDRIVER_CALL, ERR_RETRY,
     "alert"},
    {500, "javascript error", "javascript error: ", WEBDRIVER_SCRIPT_FAILED, WEBDRIVER_CALL,
     ERR_RETRY, "script"},
    {400, "invalid argument", "", WEBDRIVER_BAD_ARGUMENT, WEBDRIVER_CALL, ERR_REJECT, "argument"},
    {400, "invalid selector", "", WEBDRIVER_BAD_SELECTOR, WEBDRIVER_CALL, ERR_CONFIG, "CSS"},
    {400, "insecure certificate", "", WEBDRIVER_BAD_CERTIFICATE, WEBDRIVER_CALL, ERR_CONFIG,
     "certificate"},
    {404, "unknown command", "", WEBDRIVER_UNKNOWN_COMMAND, WEBDRIVER_CALL, ERR_CONFIG, "/wd/hub"},
    {500, "unknown error", "unknown error: net::ERR_CONNECTION_REFUSED\n ", WEBDRIVER_NO_PAGE,
     WEBDRIVER_CALL, ERR_RETRY, "net::ERR_CONNECTION_REFUSED"},
    {500, "unknown error", "unknown error: net::ERR_x", WEBDRIVER_NO_PAGE, WEBDRIVER_CALL,
     ERR_RETRY, "net::ERR_)"},
    {500, "unknown error", "", WEBDRIVER_FAILED, WEBDRIVER_CALL, ERR_RETRY, "HTTP 500"},
    {400, "an error of tomorrow", "", WEBDRIVER_FAILED, WEBDRIVER_CALL, ERR_RETRY, "HTTP 400"},
    /* A page cannot pretend with its own words that the browser is gone. */
    {500, "unknown error", "unknown error: " OF_THE_PAGE " tab crashed", WEBDRIVER_FAILED,
     WEBDRIVER_CALL, ERR_RETRY, "HTTP 500"},
};

static void errors_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        struct err err = {0};
        start();
        struct str body =
            arena_printf(&arena, "{\"value\":{\"error\":\"%s\",\"message\":\"", errors[i].error);
        struct buf buf;
        buf_init(&buf, &arena, 0);
        buf_add(&buf, body);
        for (const char *at = errors[i].message; *at != '\0'; at++) {
            buf_add(&buf, *at == '\n' ? STR("\\n") : (struct str){at, 1});
        }
        buf_add(&buf, STR(OF_THE_PAGE "\",\"stacktrace\":\"" OF_THE_PAGE
                                      "\",\"data\":{\"text\":\"" OF_THE_PAGE "\"}}}"));
        tell(errors[i].status, buf_str(&buf).ptr);
        assert_false(run(&err));
        if (webdriver_fault(driver) != errors[i].fault ||
            webdriver_fate(driver) != errors[i].fate || err.kind != errors[i].kind ||
            strstr(err.text, errors[i].words) == NULL) {
            fail_msg("%s, %s: %s, %s, %s", errors[i].error, errors[i].message,
                     webdriver_fault_name(webdriver_fault(driver)), err_kind_name(err.kind),
                     err.text);
        }
        assert_null(strstr(err.text, OF_THE_PAGE));
        assert_null(strstr(err.text, SESSION));
        assert_int_equal(webdriver_alive(driver), errors[i].fate != WEBDRIVER_DROP);
        assert_non_null(webdriver_session(driver).ptr);
        tell(200, "{\"value\":null}");
        assert_true(webdriver_quit(driver, soon(), &err));
        fake_forget(fake);
    }
}

static void no_browser_says_why(void **state)
{
    static const struct {
        const char *message;
        const char *words;
    } cases[] = {
        {"session not created: Chrome instance exited. Examine the log.", "SingletonLock"},
        {"Could not start a new session. Response code 500. Message: session not created: Chrome "
         "instance exited.\\nHost info: x",
         "--no-sandbox"},
        {"session not created: This version of ChromeDriver only supports Chrome version 155",
         "only supports Chrome version 155"},
        {"session not created: no chrome binary at /nowhere", "`binary`"},
        {"session not created: a\\u0007b\\u05d0", "(a?b?"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        tell(500, arena_printf(&arena,
                               "{\"value\":{\"error\":\"session not created\",\"message\":\"%s\"}}",
                               cases[i].message)
                      .ptr);
        assert_false(webdriver_start(driver, &(struct webdriver_browser){0}, soon(), &err));
        if (strstr(err.text, cases[i].words) == NULL || strstr(err.text, "Host info") != NULL) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_NOT_CREATED);
        assert_int_equal(webdriver_fate(driver), WEBDRIVER_DROP);
        assert_false(webdriver_alive(driver));
    }
}

static void ways_to_answer(void **state)
{
    static const struct {
        struct fake_reply reply;
        enum webdriver_fault fault;
        const char *words;
    } cases[] = {
        {{.body = "{\"value\":\"{\\\"a\\\":1}\"}"}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":\"1\"}", .manner = FAKE_CHUNKED, .piece = 1}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":\"1\"}", .type = "application/json"}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":\"1\"}", .type = ""}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":\"1\"}", .type = "text/html"}, WEBDRIVER_FINE, ""},
        {{.body = " {\"sessionId\":\"\",\"status\":0,\"value\":\"1\"}\n"}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":\"\\\"\\\\ud83d\\\"\"}"}, WEBDRIVER_FINE, ""},
        {{.body = "{\"value\":1}"}, WEBDRIVER_FAILED, "driver failed"},
        {{.body = "{\"value\":\"{\"}"}, WEBDRIVER_FAILED, "driver failed"},
        {{.body = "{\"Value\":1}"}, WEBDRIVER_NONSENSE, "no WebDriver"},
        {{.body = "<html>" OF_THE_PAGE, .type = "text/html"}, WEBDRIVER_NONSENSE, "no WebDriver"},
        {{.body = ""}, WEBDRIVER_NONSENSE, "no WebDriver"},
        {{.body = "{\"value\":"}, WEBDRIVER_NONSENSE, "no WebDriver"},
        {{.status = 502, .body = "<html>" OF_THE_PAGE}, WEBDRIVER_NONSENSE, "HTTP 502"},
        {{.status = 503, .body = "{}"}, WEBDRIVER_NONSENSE, "HTTP 503"},
        {{.status = 401, .body = ""}, WEBDRIVER_NONSENSE, "HTTP 401"},
        {{.status = 403, .body = "Host header is wrong"}, WEBDRIVER_NONSENSE, "--allowed-ips"},
        {{.status = 302, .body = ""}, WEBDRIVER_NONSENSE, "HTTP 302"},
        {{.status = 500, .body = "{\"value\":{\"message\":\"" OF_THE_PAGE "\"}}"},
         WEBDRIVER_NONSENSE,
         "HTTP 500"},
        {{.body = "{\"value\":\"1\"}", .manner = FAKE_CUT, .piece = 5},
         WEBDRIVER_UNREACHABLE,
         "cut before the end"},
        {{.body = "", .manner = FAKE_GARBAGE}, WEBDRIVER_UNREACHABLE, "HTTP/1"},
        {{.manner = FAKE_ENDLESS}, WEBDRIVER_TOO_LARGE, "larger than"},
        {{.manner = FAKE_HUGE, .piece = 100000}, WEBDRIVER_TOO_LARGE, "larger than"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        const struct json_value *value = NULL;
        struct webdriver_script script = {.code = STR("return 1"), .answer_max = 65536};
        start();
        fake_answer(fake, &cases[i].reply);
        bool ok = webdriver_run(driver, &script, soon(), &arena, &value, &err);
        if (ok != (cases[i].fault == WEBDRIVER_FINE) || webdriver_fault(driver) != cases[i].fault ||
            (!ok && strstr(err.text, cases[i].words) == NULL)) {
            fail_msg("%zu: %s, %s", i, webdriver_fault_name(webdriver_fault(driver)), err.text);
        }
        assert_null(strstr(err.text, OF_THE_PAGE));
        assert_null(strstr(err.text, SESSION));
        assert_int_equal(webdriver_alive(driver), webdriver_fate(driver) != WEBDRIVER_DROP);
        assert_true(webdriver_quit(driver, soon(), &err));
        fake_forget(fake);
    }
}

static void halves_of_letters(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: as it was. */
    } cases[] = {
        {"\"abc\"", NULL},
        {"\"\\ud83d\\ude00\"", NULL},
        {"\"\\uD83D\\uDE00x\"", NULL},
        {"\"\\\\ud83d\"", NULL},
        {"\"\\u05d0\\n\"", NULL},
        {"\"\\ud8", NULL},
        {"\\", NULL},
        {"\"\\ud83d\"", "\"\\ufffd\""},
        {"\"\\ude00\"", "\"\\ufffd\""},
        {"\"\\ud83d\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\""},
        {"\"\\ude00\\ud83d\"", "\"\\ufffd\\ufffd\""},
        {"\"\\\\\\ud83dx\"", "\"\\\\\\ufffdx\""},
        {"\"\\ud83d\\u0041\"", "\"\\ufffd\\u0041\""},
        {"\"\\ud83d\\\\ude00\"", "\"\\ufffd\\\\ude00\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str text = str_of(cases[i].text);
        struct str mended = webdriver_mend(text, &arena);
        assert_str_equal(mended, cases[i].expected != NULL ? str_of(cases[i].expected) : text);
        assert_true(cases[i].expected != NULL || mended.ptr == text.ptr);
    }
}

static void elements_with_bad_names(void **state)
{
    static const char *const bad[] = {"",    "a/b",   "a b",     "a?b",
                                      "a#b", "a%2fb", "\\u0001", "\xd7\x90"};
    struct webdriver_element element;
    (void)state;
    start();
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        tell(
            200,
            arena_printf(&arena, "{\"value\":{\"" WEBDRIVER_ELEMENT_KEY "\":\"%s\"}}", bad[i]).ptr);
        assert_false(webdriver_find(driver, STR("a"), soon(), &element, &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_FAILED);
    }
    struct err err = {0};
    tell(200, "{\"value\":null}");
    assert_false(webdriver_pick(driver, &(struct webdriver_script){.code = STR("return null")},
                                soon(), &element, &err));
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_NO_ELEMENT);
}

static void sessions_with_bad_names(void **state)
{
    static const char *const bad[] = {"", "a/b", "../x", "a b"};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        tell(200, arena_printf(&arena, "{\"value\":{\"sessionId\":\"%s\"}}", bad[i]).ptr);
        assert_false(webdriver_start(driver, &(struct webdriver_browser){0}, soon(), &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_NONSENSE);
        assert_false(webdriver_remove(driver, str_of(bad[i]), soon(), &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_BAD_ARGUMENT);
    }
}

/* ---- Deadlines and stopping ---- */

static void deadlines_hold(void **state)
{
    static const struct fake_reply replies[] = {
        {.manner = FAKE_MUTE},
        {.manner = FAKE_SLOW,
         .body = "{\"value\":\"a long text that never ends",
         .piece = 1,
         .ms = 50},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct err err = {0};
        struct str title = {0};
        start();
        fake_answer(fake, &replies[i]);
        int64_t began_ms = now_ms();
        assert_false(webdriver_title(driver, began_ms + 300, &arena, &title, &err));
        assert_true(now_ms() - began_ms < 1500);
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_LATE);
        assert_int_equal(webdriver_fate(driver), WEBDRIVER_DROP);
        assert_false(webdriver_title(driver, soon(), &arena, &title, &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_NO_SESSION);
        assert_int_equal(fake_count(fake), 1);
        assert_true(webdriver_quit(driver, soon(), &err));
        fake_forget(fake);
    }
}

/* The session is ended although we are asked to stop. */
static void stopping_ends_the_session(void **state)
{
    struct err err = {0};
    struct str title = {0};
    struct webdriver_status status;
    (void)state;
    start();
    fake_answer(fake, &(struct fake_reply){.manner = FAKE_MUTE});
    int64_t began_ms = now_ms();
    stop_ms = began_ms + 200;
    assert_false(webdriver_title(driver, soon(), &arena, &title, &err));
    assert_true(now_ms() - began_ms < 2500);
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_STOPPED);
    assert_int_equal(webdriver_fate(driver), WEBDRIVER_GO_HOME);
    assert_int_equal(err.kind, ERR_STOP);
    assert_true(webdriver_alive(driver));
    assert_false(webdriver_title(driver, soon(), &arena, &title, &err));
    assert_false(webdriver_wait_ready(driver, soon(), &status, &err));
    assert_int_equal(err.kind, ERR_STOP);
    assert_int_equal(fake_count(fake), 1);
    assert_true(webdriver_quit(driver, soon(), &err));
    asked(1, "DELETE", AT, "");
}

/* ---- Memory ---- */

static int allocations_left;

/* From the nth on: what fails once alone is sometimes made up for by asking for less. */
static bool deny(void *context)
{
    (void)context;
    return allocations_left-- <= 0;
}

static void missing_memory_is_an_error(void **state)
{
    bool ok = false;
    (void)state;
    start();
    for (int nth = 0; !ok; nth++) {
        struct err err = {0};
        const struct json_value *value = NULL;
        struct webdriver_script script = {.code = STR("return 1")};
        struct arena own;
        assert_true(nth < 100);
        if (!webdriver_alive(driver)) {
            start();
        }
        tell(200, "{\"value\":\"[\\\"\\\\ud83d\\\"]\"}");
        arena_init(&own, 1 << 20);
        arena_free(&driver->wire); /* Or nothing would have to be allocated. */
        arena_free(&driver->tree);
        allocations_left = nth;
        mem_fault_set(deny, NULL);
        ok = webdriver_run(driver, &script, soon(), &own, &value, &err);
        mem_fault_set(NULL, NULL);
        if (ok) {
            assert_str_equal(json_str(json_at(value, 0)), STR("\xEF\xBF\xBD"));
            assert_true(nth > 2);
        } else if (err.kind != ERR_RETRY) {
            fail_msg("%d: %s, %s", nth, err_kind_name(err.kind), err.text);
        }
        arena_free(&own);
        fake_forget(fake);
    }
}

/* ---- Connections ---- */

static void dead_connections_are_replaced(void **state)
{
    struct err err = {0};
    struct str title = {0};
    struct webdriver_element element = {"e.1"};
    (void)state;
    start();
    fake_answer(fake, &(struct fake_reply){.body = "{\"value\":\"a\"}", .manner = FAKE_LAST});
    tell(200, "{\"value\":\"b\"}");
    tell(200, "{\"value\":\"c\"}");
    for (int i = 0; i < 3; i++) {
        assert_true(webdriver_title(driver, soon(), &arena, &title, &err));
    }
    assert_str_equal(title, STR("c"));
    assert_int_equal(fake_seen(fake, 1)->connection, fake_seen(fake, 2)->connection);
    assert_true(fake_seen(fake, 0)->connection != fake_seen(fake, 1)->connection);
    /* What must not be done twice goes over a new one, and is not sent again. */
    fake_forget(fake);
    fake_answer(fake, &(struct fake_reply){.manner = FAKE_HANG_UP});
    assert_false(webdriver_click(driver, &element, soon(), &err));
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_UNREACHABLE);
    assert_int_equal(fake_count(fake), 1);
    assert_false(webdriver_alive(driver));
}

/* ---- Is there a browser to be had? ---- */

#define NODE(availability, slots)                                                                  \
    "{\"availability\":\"" availability "\",\"sessionTimeout\":30000,\"slots\":[" slots "]}"
#define FREE  "{\"session\":null}"
#define TAKEN "{\"session\":{\"sessionId\":\"x\",\"capabilities\":{}}}"

static void a_busy_grid_is_well(void **state)
{
    static const struct {
        const char *value;
        struct webdriver_status status;
    } cases[] = {
        {"{\"ready\":true,\"message\":\"ChromeDriver ready\"}", {.ready = WEBDRIVER_READY}},
        {"{\"ready\":false,\"message\":\"a session is there\"}", {.ready = WEBDRIVER_BUSY}},
        {"{\"ready\":true,\"nodes\":[" NODE("UP", FREE) "]}",
         {WEBDRIVER_READY, true, 1, 1, 0, 30000}},
        {"{\"ready\":false,\"nodes\":[" NODE("UP", TAKEN) "]}",
         {WEBDRIVER_BUSY, true, 1, 1, 1, 30000}},
        {"{\"ready\":false,\"nodes\":[]}", {WEBDRIVER_STARTING, true, 0, 0, 0, 0}},
        {"{\"ready\":false,\"nodes\":[" NODE("DOWN", FREE) "]}",
         {WEBDRIVER_STARTING, true, 0, 0, 0, 0}},
        {"{\"ready\":false,\"nodes\":[" NODE("DRAINING", TAKEN) "," NODE("UP",
                                                                         TAKEN "," TAKEN) "]}",
         {WEBDRIVER_BUSY, true, 1, 2, 2, 30000}},
        {"{\"ready\":false,\"nodes\":[{\"availability\":\"UP\",\"maxSessions\":1,\"slots\":[" TAKEN
         "," FREE "]}]}",
         {WEBDRIVER_BUSY, true, 1, 1, 1, 0}},
        {"{\"ready\":false,\"nodes\":[{\"availability\":\"UP\",\"slots\":[]},7]}",
         {WEBDRIVER_STARTING, true, 1, 0, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct webdriver_status status;
        tell(200, arena_printf(&arena, "{\"value\":%s}", cases[i].value).ptr);
        assert_true(webdriver_status(driver, soon(), &status, &err));
        if (status.ready != cases[i].status.ready || status.grid != cases[i].status.grid ||
            status.up != cases[i].status.up || status.places != cases[i].status.places ||
            status.taken != cases[i].status.taken || status.idle_ms != cases[i].status.idle_ms) {
            fail_msg("%s: %d, %d up, %d of %d", cases[i].value, (int)status.ready, (int)status.up,
                     (int)status.taken, (int)status.places);
        }
    }
    struct err err = {0};
    struct webdriver_status status;
    tell(200, "{\"value\":null}");
    assert_false(webdriver_status(driver, soon(), &status, &err));
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_NONSENSE);
    assert_int_equal(status.ready, WEBDRIVER_AWAY);
}

static void a_late_server_is_waited_for(void **state)
{
    struct err err = {0};
    struct webdriver_status status;
    (void)state;
    fake_answer(fake, &(struct fake_reply){.manner = FAKE_HANG_UP});
    tell(502, "<html>");
    tell(200, "{\"value\":{\"ready\":false,\"nodes\":[]}}");
    tell(200, "{\"value\":{\"ready\":false,\"nodes\":[" NODE("UP", TAKEN) "]}}");
    assert_true(webdriver_wait_ready(driver, soon(), &status, &err));
    assert_int_equal(status.ready, WEBDRIVER_BUSY);
    assert_int_equal(fake_count(fake), 4);
}

static void why_there_is_none(void **state)
{
    struct err err = {0};
    struct webdriver_status status;
    (void)state;
    for (int i = 0; i < 20; i++) {
        tell(200, "{\"value\":{\"ready\":false,\"nodes\":[" NODE("DOWN", FREE) "]}}");
    }
    assert_false(webdriver_wait_ready(driver, now_ms() + 500, &status, &err));
    assert_non_null(strstr(err.text, "no machine of the Grid is up"));
    assert_int_equal(status.ready, WEBDRIVER_STARTING);
    int port = fake_port(fake);
    fake_stop(fake);
    int64_t began_ms = now_ms();
    assert_false(webdriver_wait_ready(driver, began_ms + 700, &status, &err));
    assert_true(now_ms() - began_ms < 2000);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_UNREACHABLE);
    assert_non_null(strstr(err.text, "nobody answers there"));
    assert_non_null(strstr(err.text, arena_printf(&arena, ":%d/status", port).ptr));
    fake = fake_start();
}

/* ---- What others left ---- */

static void starting_ends_what_is_left(void **state)
{
    struct err err = {0};
    (void)state;
    start();
    tell(500, "{\"value\":{\"error\":\"tab crashed\",\"message\":\"tab crashed\"}}");
    assert_false(run(&err));
    tell(200, "{\"value\":null}");
    tell(200, "{\"value\":{\"sessionId\":\"another\"}}");
    assert_true(webdriver_start(driver, &(struct webdriver_browser){0}, soon(), &err));
    asked(1, "DELETE", AT, "");
    assert_string_equal(fake_seen(fake, 2)->path, "/session");
    assert_str_equal(webdriver_session(driver), STR("another"));
    assert_true(webdriver_alive(driver));
    /* Also when it cannot be ended any more. */
    tell(404, "{\"value\":{\"error\":\"invalid session id\",\"message\":\"\"}}");
    assert_false(run(&err));
    tell(502, "<html>");
    tell(200, "{\"value\":{\"sessionId\":\"third\"}}");
    assert_true(webdriver_start(driver, &(struct webdriver_browser){0}, soon(), &err));
    assert_str_equal(webdriver_session(driver), STR("third"));
}

static void a_quit_can_be_tried_again(void **state)
{
    struct err err = {0};
    (void)state;
    start();
    tell(500, "{\"value\":{\"error\":\"unknown error\",\"message\":\"\"}}");
    assert_false(webdriver_quit(driver, soon(), &err));
    assert_false(webdriver_alive(driver));
    assert_str_equal(webdriver_session(driver), STR(SESSION));
    assert_true(webdriver_quit(driver, soon(), &err));
    assert_null(webdriver_session(driver).ptr);
}

static void sessions_of_a_predecessor(void **state)
{
    struct err err = {0};
    size_t ended = 0;
    (void)state;
    start();
    tell(404, "{\"value\":{\"error\":\"invalid session id\",\"message\":\"" OF_THE_PAGE "\"}}");
    assert_true(webdriver_remove(driver, STR("gone-before"), soon(), &err));
    asked(0, "DELETE", "/session/gone-before", "");
    assert_int_equal(webdriver_fault(driver), WEBDRIVER_FINE);
    assert_true(webdriver_alive(driver)); /* It was not ours. */
    fake_forget(fake);
    tell(200, "{\"value\":{\"ready\":false,\"nodes\":[{\"slots\":[{\"session\":null},"
              "{\"session\":{\"sessionId\":\"one\",\"capabilities\":{\"chrome\":{\"userDataDir\":"
              "\"/p/a\"}}}},"
              "{\"session\":{\"sessionId\":\"two\",\"capabilities\":{\"chrome\":{\"userDataDir\":"
              "\"/p/b\"}}}},"
              "{\"session\":{\"sessionId\":\"../"
              "x\",\"capabilities\":{\"chrome\":{\"userDataDir\":\"/p/a\"}}}}"
              "]}]}}");
    assert_true(webdriver_evict(driver, STR("/p/a"), soon(), &ended, &err));
    assert_int_equal(ended, 1);
    assert_int_equal(fake_count(fake), 2);
    asked(1, "DELETE", "/session/one", "");
    fake_forget(fake);
    tell(200, "{\"value\":{\"ready\":true}}");
    tell(200, "{\"sessionId\":\"\",\"status\":0,\"value\":["
              "{\"id\":\"" SESSION "\",\"capabilities\":{\"chrome\":{\"userDataDir\":\"/p/a\"}}},"
              "{\"id\":\"four\",\"capabilities\":{\"chrome\":{\"userDataDir\":\"/p/a/b\"}}}]}");
    assert_true(webdriver_evict(driver, STR("/p/a"), soon(), &ended, &err));
    assert_int_equal(ended, 1);
    assert_int_equal(fake_count(fake), 3);
    assert_string_equal(fake_seen(fake, 1)->path, "/sessions");
    assert_false(webdriver_alive(driver)); /* That one was ours. */
    /* A browser that was being started when we were asked to stop. */
    fake_forget(fake);
    stop_ms = now_ms();
    tell(200, "{\"value\":{\"ready\":true}}");
    tell(200, "{\"value\":[{\"id\":\"five\",\"capabilities\":{\"chrome\":{\"userDataDir\":"
              "\"/p/a\"}}}]}");
    assert_true(webdriver_evict(driver, STR("/p/a"), soon(), &ended, &err));
    assert_int_equal(ended, 1);
}

/* ---- Figures ---- */

static void what_it_costs(void **state)
{
    struct err err = {0};
    struct webdriver_figures figures;
    (void)state;
    start();
    webdriver_count(driver, &figures);
    assert_int_equal(figures.calls, 0);
    tell(200, "{\"value\":{\"usedSize\":1000,\"totalSize\":2000,\"embedderHeapUsedSize\":300,"
              "\"backingStorageSize\":40}}");
    tell(200, "{\"value\":{\"documents\":2,\"jsEventListeners\":5,\"nodes\":15}}");
    assert_true(webdriver_measure(driver, soon(), &figures, &err));
    assert_true(figures.measured);
    assert_int_equal(figures.heap_used, 1000);
    assert_int_equal(figures.heap_total, 2340);
    assert_int_equal(figures.nodes, 15);
    assert_int_equal(figures.listeners, 5);
    asked(0, "POST", AT "/goog/cdp/execute", "{\"cmd\":\"Runtime.getHeapUsage\",\"params\":{}}");
    tell(404, "{\"value\":{\"error\":\"unknown command\",\"message\":\"\"}}");
    assert_true(webdriver_measure(driver, soon(), &figures, &err));
    assert_false(figures.measured);
    assert_int_equal(figures.calls, 3);
    tell(404, "{\"value\":{\"error\":\"invalid session id\",\"message\":\"\"}}");
    assert_false(webdriver_measure(driver, soon(), &figures, &err));
    assert_int_equal(webdriver_fate(driver), WEBDRIVER_DROP);
}

static void pictures(void **state)
{
    struct err err = {0};
    struct str png = {0};
    struct webdriver_element element = {"e.1"};
    (void)state;
    start();
    tell(200, "{\"value\":\"iVBORw0KGgo=\"}");
    assert_true(webdriver_screenshot(driver, &element, soon(), &arena, &png, &err));
    asked(0, "GET", AT "/element/e.1/screenshot", "");
    assert_int_equal(png.len, 8);
    static const char *const bad[] = {"{\"value\":null}", "{\"value\":\"*\"}",
                                      "{\"value\":\"AAAA\"}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        tell(200, bad[i]);
        assert_false(webdriver_screenshot(driver, NULL, soon(), &arena, &png, &err));
        assert_int_equal(webdriver_fault(driver), WEBDRIVER_FAILED);
    }
}

/* A zeroed fate is the safe one, and every fault has a name of its own. */
static void faults_have_names(void **state)
{
    (void)state;
    assert_int_equal((enum webdriver_fate)0, WEBDRIVER_DROP);
    for (int i = 0; i <= WEBDRIVER_FAILED; i++) {
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(webdriver_fault_name((enum webdriver_fault)i),
                                    webdriver_fault_name((enum webdriver_fault)k));
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_browser_is_asked_for),
        CASE(commands),
        CASE(an_address_may_have_a_path),
        CASE(an_address_may_have_a_login),
        CASE(each_command_is_noted),
        CASE(what_is_never_typed),
        CASE(errors_are_told_apart),
        CASE(no_browser_says_why),
        CASE(ways_to_answer),
        CASE(halves_of_letters),
        CASE(elements_with_bad_names),
        CASE(sessions_with_bad_names),
        CASE(deadlines_hold),
        CASE(stopping_ends_the_session),
        CASE(missing_memory_is_an_error),
        CASE(dead_connections_are_replaced),
        CASE(a_busy_grid_is_well),
        CASE(a_late_server_is_waited_for),
        CASE(why_there_is_none),
        CASE(starting_ends_what_is_left),
        CASE(a_quit_can_be_tried_again),
        CASE(sessions_of_a_predecessor),
        CASE(what_it_costs),
        CASE(pictures),
        CASE(faults_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
