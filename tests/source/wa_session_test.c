/*
 * wa_session and wa_look against the look-alike of WhatsApp Web in a real Chromium: pairing, each
 * state of the page, each end of a browser. Hours pass by a clock that is pushed forward.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "net/webdriver_fake.h"
#include "rig/outside.h"
#include "source/wa_kept.h"
#include "source/wa_pack.h"
#include "source/wa_session.h"
#include "test.h"

enum { PATIENCE_MS = 25000, NOTES_MAX = 16, TOLD_MAX = 4096, HOUR_MS = 3600 * 1000 };

static struct outside sim;
static struct outside browsers;
static bool started;
static struct arena arena;
static struct arena opened;
static struct wa_packs *packs;
static struct wa_session *session;
static struct wa_session_options options;
static struct connector connector;
static int64_t skew_ms;
static char told[TOLD_MAX]; /* The states of the events, in order. */
static struct err err;

/* ---- A clock that can be pushed, and notes ---- */

static int64_t wall(struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system()) + skew_ms;
}

static int64_t mono(struct clock *clock)
{
    (void)clock;
    return clock_mono_ms(clock_system()) + skew_ms;
}

static void sleep_until(struct clock *clock, int64_t mono_ms)
{
    (void)clock;
    clock_system()->sleep_until(clock_system(), mono_ms - skew_ms);
}

static struct clock skewed = {wall, mono, sleep_until};

static struct {
    char *key;
    char *value;
} notes[NOTES_MAX];

static char *copy_of(struct str text)
{
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return copy;
}

static size_t note_at(struct str key)
{
    size_t at = 0;
    while (at < NOTES_MAX && notes[at].key != NULL && !str_equal(str_of(notes[at].key), key)) {
        at++;
    }
    assert_true(at < NOTES_MAX);
    return at;
}

static bool keep_get(struct keep *keep, struct str key, struct arena *into, struct str *value,
                     struct err *why)
{
    size_t at = note_at(key);
    (void)keep;
    (void)why;
    *value = notes[at].value != NULL ? arena_copy(into, str_of(notes[at].value)) : (struct str){0};
    return true;
}

static bool keep_put(struct keep *keep, struct str key, struct str value, struct err *why)
{
    size_t at = note_at(key);
    (void)keep;
    (void)why;
    if (notes[at].key == NULL) {
        notes[at].key = copy_of(key);
    }
    free(notes[at].value);
    notes[at].value = value.ptr != NULL ? copy_of(value) : NULL;
    return true;
}

static struct keep keep = {NULL, keep_get, keep_put};

static const char *note(const char *key)
{
    const char *value = notes[note_at(str_of(key))].value;
    return value != NULL ? value : "";
}

static void forget_notes(void)
{
    for (size_t i = 0; i < NOTES_MAX; i++) {
        free(notes[i].key);
        free(notes[i].value);
        notes[i].key = notes[i].value = NULL;
    }
    told[0] = '\0';
}

/* ---- The world ---- */

static void ask(const char *line)
{
    outside_ask(&sim, line);
}

/* A world with a page that is quick. */
static void scene(const char *more)
{
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "PUT /ctl/scenario {\"fill\":5,\"chats\":[{\"title\":\"לידים\",\"count\":20}],"
                   "\"delays\":{\"blank\":0,\"splash\":40,\"code\":60,\"chats\":40,"
                   "\"code_life\":%s}%s}",
                   strstr(more, "\"code_refreshes\"") != NULL ? "150" : "20000", more);
    ask(line);
    if (strstr(more, "\"paired\":true") == NULL) {
        ask("POST /ctl/logout {\"silent\":true}");
    }
}

static struct str file_of(const char *name)
{
    struct str text = {0};
    assert_true(file_read(&arena, str_of(outside_path(&sim, name)), 1 << 20, &text, &err));
    return text;
}

static bool journal_has(const char *type)
{
    char line[128];
    (void)snprintf(line, sizeof line, "GET /ctl/journal?type=%s journal.json", type);
    ask(line);
    return str_find(file_of("journal.json"), STR("\"type\""), 0) != STR_NONE;
}

static void open_session(void)
{
    assert_true(wa_session_open(&session, &connector, &options, packs, &err));
}

static void close_session(void)
{
    wa_session_close(session);
    session = NULL;
}

/* What intake does: notes and events are filed, whether it failed or not. */
static bool ready_by(int64_t patience_ms)
{
    struct batch batch;
    err = (struct err){0};
    arena_reset(&arena);
    batch_init(&batch, &arena, NULL, 0);
    bool ok = wa_session_ready(session, mono(NULL) + patience_ms, &batch, &err);
    for (size_t i = 0; i < batch.note_count; i++) {
        (void)keep_put(&keep, batch.notes[i].key, batch.notes[i].value, &err);
    }
    for (size_t i = 0; i < batch.event_count; i++) {
        const struct json_value *detail = NULL;
        struct err why = {0};
        assert_str_equal(batch.events[i].kind, STR("session"));
        assert_true(json_parse(&arena, batch.events[i].detail, NULL, &detail, &why));
        struct str name = json_str(json_get(detail, STR("state")));
        assert_true(strlen(told) + name.len + 2 < sizeof told);
        (void)snprintf(told + strlen(told), sizeof told - strlen(told), "%s%.*s",
                       told[0] != '\0' ? " " : "", STR_ARG(name));
    }
    return ok;
}

static void is_told(const char *states)
{
    if (strcmp(told, states) != 0) {
        fail_msg("told: %s, not: %s", told, states);
    }
}

static void good(void)
{
    if (!ready_by(PATIENCE_MS)) {
        fail_msg("%s (%s)", err.text, wa_state_name(wa_session_state(session)));
    }
    assert_int_equal(wa_session_state(session), WA_READY);
}

static void bad_by(int64_t patience_ms, enum wa_state state, enum err_kind kind, const char *words)
{
    bool ok = ready_by(patience_ms);
    if (ok || wa_session_state(session) != state || err.kind != kind ||
        strstr(err.text, words) == NULL) {
        fail_msg("%s, kind %d: %s", wa_state_name(wa_session_state(session)), (int)err.kind,
                 ok ? "all is well" : err.text);
    }
}

static void bad(enum wa_state state, enum err_kind kind, const char *words)
{
    bad_by(PATIENCE_MS, state, kind, words);
}

/* A person is there, and gets a code to see. */
static void wait_for_code(void)
{
    for (int i = 0; i < 20 && note("code")[0] == '\0'; i++) {
        bool starts = !webdriver_alive(wa_session_driver(session));
        assert_false(ready_by(starts ? PATIENCE_MS / 2 : 3000));
    }
    assert_true(str_starts(str_of(note("code")), STR("2@")));
}

/* A person is there for the next seconds. */
static void wish(bool there)
{
    char until[32];
    (void)snprintf(until, sizeof until, "%lld", (long long)(wall(NULL) + (there ? 60000 : -1)));
    (void)keep_put(&keep, STR("wish"), str_of(until), &err);
}

static int begin(void **state)
{
    static struct str args[] = {
        STR_INIT("--no-sandbox"), STR_INIT("--disable-gpu"),
        STR_INIT("--disable-background-networking"), STR_INIT("--disable-component-update"),
        STR_INIT("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")};
    const char *const sim_words[] = {"python3", "tests/wa-sim/server.py", "{folder}", NULL};
    const char *const driver_words[] = {"python3", "tests/net/browser_server.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 64 << 20);
    arena_init(&opened, 1 << 20);
    started = outside_start(&browsers, driver_words, 60) && outside_start(&sim, sim_words, 20);
    if (!started) {
        return 0;
    }
    assert_true(wa_packs_open(&packs, (struct str){0}, &err));
    connector = (struct connector){
        .name = STR("family"),
        .env = {.clock = &skewed, .arena = &opened, .keep = &keep},
    };
    options = (struct wa_session_options){
        .webdriver =
            arena_printf(&opened, "http://127.0.0.1:%d", outside_port(&browsers, "driver")),
        .page = arena_printf(&opened, "http://127.0.0.1:%d/", outside_port(&sim, "wa")),
        .profile = arena_copy(&opened, str_of(outside_path(&browsers, "profile"))),
        .headless = true,
        .width = 1000,
        .height = 700,
        .args = {args, COUNT(args)},
        .cold_ms = 8000,
        .warm_ms = 8000,
        .recycle_age_ms = 24 * HOUR_MS,
        .recycle_bytes = 512 << 20,
    };
    return 0;
}

static int end(void **state)
{
    (void)state;
    wa_session_close(session);
    session = NULL;
    forget_notes();
    if (started) {
        wa_packs_close(packs);
        outside_stop(&sim);
        outside_stop(&browsers);
    }
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

/* A session that is open; the page is loaded anew. */
static void fresh(const char *more)
{
    forget_notes();
    scene(more);
    if (session == NULL) {
        open_session();
    } else {
        close_session();
        open_session();
    }
}

/* The same browser as before, with another world. */
static void same_browser(const char *more)
{
    told[0] = '\0';
    wish(false);
    (void)keep_put(&keep, STR("told"), (struct str){0}, &err);
    skew_ms += 10 * 60 * 1000;
    scene(more);
    if (session == NULL) {
        open_session();
    }
    if (webdriver_alive(wa_session_driver(session))) {
        assert_true(
            webdriver_go(wa_session_driver(session), options.page, mono(NULL) + PATIENCE_MS, &err));
    }
}

#define NEED()                                                                                     \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!started) {                                                                            \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* ---- Pairing ---- */

static void pairing(void **state)
{
    char first[WA_CODE_TEXT_MAX];
    NEED();
    fresh("");
    bad(WA_CODE, ERR_LOGIN, "sluice pair family");
    assert_true(err.retry_after_ms > 0 && err.retry_after_ms < 10000);
    assert_string_equal(note("code"), ""); /* Nobody is there. */
    is_told("code");
    bad(WA_CODE, ERR_LOGIN, "not logged in");
    is_told("code"); /* Once. */
    wish(true);
    assert_false(wa_session_glance(session)); /* It looks once a second, */
    skew_ms += 1100;
    assert_true(wa_session_glance(session)); /* and then asks to be called. */
    bad_by(2500, WA_CODE, ERR_LOGIN, "scanned");
    wait_for_code();
    (void)snprintf(first, sizeof first, "%s", note("code"));
    assert_null(strstr(err.text, first));
    assert_null(strstr(note("session"), first));
    ask("POST /ctl/pair {}");
    good();
    assert_string_equal(note("code"), "");
    is_told("code ready");
    assert_non_null(strstr(note("session"), "\"state\":\"ready\""));
    assert_string_equal(wa_session_look(session)->locale, "he");
    assert_true(strlen(wa_session_look(session)->zone) > 2);
    wish(false);
    good();
    skew_ms += 1100;
    assert_false(wa_session_glance(session));
    /* And after a restart no code is needed, and nothing is told again. */
    close_session();
    assert_string_equal(note("browser"), "");
    open_session();
    good();
    is_told("code ready");
}

static void nobody_sees_a_code_for_long(void **state)
{
    NEED();
    fresh("");
    wish(true);
    wait_for_code();
    wish(false);
    bad(WA_CODE, ERR_LOGIN, "not logged in");
    assert_string_equal(note("code"), "");
    /* What a killed process left is removed by the next. */
    (void)keep_put(&keep, STR("code"), STR("2@invented"), &err);
    close_session();
    open_session();
    bad(WA_CODE, ERR_LOGIN, "not logged in");
    assert_string_equal(note("code"), "");
}

static void a_stale_code(void **state)
{
    NEED();
    same_browser(",\"code_refreshes\":1");
    for (int i = 0; i < 100 && !ready_by(PATIENCE_MS); i++) {
        if (wa_session_state(session) != WA_CODE) {
            break;
        }
        usleep(50000);
    }
    bad(WA_CODE_EXPIRED, ERR_LOGIN, "went stale");
    bad(WA_CODE_EXPIRED, ERR_LOGIN, "went stale");
    assert_true(str_ends(str_of(told), STR("code-expired")));
    assert_true(strlen(told) <= strlen("code code-expired"));
    assert_false(journal_has("code_renewed"));
    wish(true);
    for (int i = 0; i < 10 && !journal_has("code_renewed"); i++) {
        assert_false(ready_by(2500));
    }
    assert_true(journal_has("code_renewed"));
    wish(false);
}

/* ---- Screens ---- */

static void taken_over(void **state)
{
    NEED();
    same_browser(",\"paired\":true");
    good();
    told[0] = '\0';
    ask("POST /ctl/conflict {}");
    for (int i = 0; i < 100 && ready_by(PATIENCE_MS); i++) {
        usleep(50000);
    }
    bad(WA_TAKEN_OVER, ERR_LOGIN, "takeover: true");
    is_told("taken-over");
    assert_false(journal_has("takeover"));
    skew_ms += 30 * (int64_t)HOUR_MS; /* It is not recycled: that would take it from the person. */
    bad(WA_TAKEN_OVER, ERR_LOGIN, "sluice pair");
    assert_false(journal_has("takeover"));
    options.takeover = true;
    good();
    assert_true(journal_has("takeover"));
    is_told("taken-over ready");
    options.takeover = false;
}

static void dialogs(void **state)
{
    NEED();
    same_browser(",\"paired\":true,\"faults\":{\"promo\":true}");
    good();
    assert_true(journal_has("dialog_closed"));
    assert_false(wa_session_look(session)->promo);
    ask("POST /ctl/hang {\"seconds\":1.5}"); /* The page's scripts stand still meanwhile. */
    good();
    ask("POST /ctl/dialog {\"kind\":\"destructive\"}");
    usleep(100000);
    good();
    assert_true(wa_session_look(session)->dialog);
    same_browser(",\"paired\":true,\"locale\":\"en-US\",\"faults\":{\"alert\":\"invented\"}");
    good();
    assert_string_equal(wa_session_look(session)->locale, "en-US");
    ask("POST /ctl/verdict {\"chats\":[],\"takeover\":false}");
    assert_false(journal_has("destructive"));
    assert_false(journal_has("chat_opened"));
}

static void screens(void **state)
{
    static const struct {
        const char *more;
        enum wa_state state;
        enum err_kind kind;
        const char *words;
    } table[] = {
        {",\"paired\":true,\"faults\":{\"unsupported\":true}", WA_UNSUPPORTED, ERR_CONFIG,
         "headless: false"},
        {",\"paired\":true,\"locale\":\"en-US\",\"faults\":{\"block_headless\":true}",
         WA_UNSUPPORTED, ERR_CONFIG, "headless: false"},
        {",\"paired\":true,\"faults\":{\"storage_full\":true}", WA_STORAGE_BROKEN, ERR_LOGIN,
         "sluice pair family"},
        {",\"paired\":true,\"faults\":{\"offline\":\"computer\"}", WA_OFFLINE, ERR_RETRY,
         "no connection"},
        {",\"paired\":true,\"profile\":\"A\",\"faults\":{\"offline\":\"computer\"}", WA_OFFLINE,
         ERR_RETRY, "no connection"},
        {",\"profile\":\"A\"", WA_CODE, ERR_LOGIN, "sluice pair"},
        {",\"profile\":\"B\"", WA_CODE, ERR_LOGIN, "sluice pair"},
    };
    NEED();
    for (size_t i = 0; i < COUNT(table); i++) {
        same_browser(table[i].more);
        bad(table[i].state, table[i].kind, table[i].words);
        is_told(wa_state_name(table[i].state));
    }
    same_browser(",\"paired\":true,\"faults\":{\"offline\":\"phone\"}");
    good();
    assert_true(wa_session_look(session)->telephone_off);
    for (const char *profile = "ABCX"; *profile != '\0'; profile++) {
        char more[64];
        (void)snprintf(more, sizeof more, ",\"paired\":true,\"profile\":\"%c\"", *profile);
        same_browser(more);
        good();
    }
}

static void slow_and_strange(void **state)
{
    NEED();
    options.warm_ms = options.cold_ms = 1200;
    same_browser(",\"paired\":true,\"faults\":{\"never_ready\":true}");
    bad_by(1800, WA_BOOTING, ERR_RETRY, "on its way");
    assert_int_equal(err.retry_after_ms, 1);
    bad(WA_STRANGE, ERR_RETRY, "still loads");
    assert_null(strstr(err.text, "selectors"));
    is_told("strange");
    same_browser(",\"break\":[\"shell\",\"testids\"]");
    bad(WA_STRANGE, ERR_RETRY, "selectors are to be updated");
    is_told("strange");
    options.warm_ms = options.cold_ms = 8000;
}

/* ---- Ends of browsers ---- */

/* A login that a killed browser does not lose: the browser was closed since. */
static void settled(void)
{
    same_browser(",\"paired\":true");
    good();
    close_session();
    open_session();
    good();
    told[0] = '\0';
}

/* What a test did to a profile is none of the next one's. */
static void new_profile(void)
{
    static int number;
    char name[32];
    close_session();
    forget_notes();
    (void)snprintf(name, sizeof name, "profile%d", ++number);
    options.profile = arena_copy(&opened, str_of(outside_path(&browsers, name)));
}

static void a_browser_that_ends(void **state)
{
    char before[WEBDRIVER_ID_MAX];
    NEED();
    settled();
    (void)snprintf(before, sizeof before, "%s", note("browser"));
    outside_ask(&browsers, "kill-browser");
    good();
    assert_string_not_equal(before, note("browser"));
    skew_ms += 5 * 60 * 1000;
    good();
    assert_false(webdriver_go(wa_session_driver(session), STR("chrome://crash"),
                              mono(NULL) + PATIENCE_MS, &err));
    good();
    /* Another client ends it, as a Grid does when it is idle for long. */
    skew_ms += 5 * 60 * 1000;
    good();
    struct webdriver *other = NULL;
    struct webdriver_options driver = {.url = options.webdriver};
    assert_true(webdriver_open(&other, &driver, &err));
    assert_true(
        webdriver_remove(other, str_of(note("browser")), mono(NULL) - skew_ms + 10000, &err));
    good();
    webdriver_close(other);
    is_told("");
    /* One that ends again and again is left alone for a while, and for longer each time. */
    bool refused = false;
    for (int i = 0; i < 12 && !refused; i++) {
        outside_ask(&browsers, "kill-browser");
        refused = !ready_by(PATIENCE_MS) && strstr(err.text, "the next is started in") != NULL;
    }
    assert_true(refused && err.retry_after_ms > 0);
    assert_int_equal(err.kind, ERR_RETRY);
    skew_ms += 10 * 60 * 1000;
    good();
}

static void old_ones_are_recycled(void **state)
{
    char before[WEBDRIVER_ID_MAX];
    NEED();
    settled();
    (void)snprintf(before, sizeof before, "%s", note("browser"));
    skew_ms += 25 * (int64_t)HOUR_MS;
    wa_session_hold(session, true);
    good();
    assert_string_equal(before, note("browser"));
    wa_session_hold(session, false);
    good();
    assert_string_not_equal(before, note("browser"));
    (void)snprintf(before, sizeof before, "%s", note("browser"));
    options.recycle_bytes = 1;
    skew_ms += HOUR_MS;
    good();
    assert_string_not_equal(before, note("browser"));
    options.recycle_bytes = 512 << 20;
    skew_ms += 61 * 1000;
    (void)wa_session_glance(session);
    skew_ms += 61 * 1000;
    good();
    assert_non_null(strstr(note("session"), "\"title\":1"));
    assert_non_null(strstr(note("session"), "\"script\":"));
    assert_null(strstr(note("session"), "\"click\""));
}

static void a_killed_predecessor(void **state)
{
    char before[WEBDRIVER_ID_MAX];
    NEED();
    settled();
    (void)snprintf(before, sizeof before, "%s", note("browser"));
    struct wa_session *killed = session;
    open_session();
    good();
    assert_string_not_equal(before, note("browser"));
    /* And one whose name was never learnt. */
    struct wa_session *nameless = session;
    (void)keep_put(&keep, STR("browser"), (struct str){0}, &err);
    open_session();
    good();
    is_told("");
    char mine[WEBDRIVER_ID_MAX];
    (void)snprintf(mine, sizeof mine, "%s", note("browser"));
    wa_session_close(killed);
    wa_session_close(nameless);
    (void)keep_put(&keep, STR("browser"), str_of(mine), &err);
    good();
}

static void killed_just_after_pairing(void **state)
{
    NEED();
    fresh("");
    wish(true);
    wait_for_code();
    ask("POST /ctl/pair {}");
    good();
    wish(false);
    outside_ask(&browsers, "kill-browser");
    /* The half that is left is told as such (or none of it was lost): no loop of codes. */
    bool ok = ready_by(PATIENCE_MS);
    if (!ok) {
        assert_int_equal(wa_session_state(session), WA_STORAGE_BROKEN);
        assert_int_equal(err.kind, ERR_LOGIN);
        is_told("code ready storage-broken");
    }
    new_profile();
}

static void a_lock_of_another_machine(void **state)
{
    char link[512];
    NEED();
    fresh(",\"paired\":true");
    good();
    close_session();
    told[0] = '\0';
    (void)snprintf(link, sizeof link, "%.*s/SingletonLock", STR_ARG(options.profile));
    (void)unlink(link);
    assert_int_equal(symlink("another-machine-77", link), 0);
    open_session();
    bad_by(5000, WA_LOCKED, ERR_RETRY, "rm ");
    assert_non_null(strstr(err.text, "hostname"));
    is_told("locked");
    (void)unlink(link);
    outside_ask(&browsers, "kill-browser"); /* It asks a person whether to unlock. */
    skew_ms += HOUR_MS;
    good();
    is_told("locked ready");
}

static void a_server_that_is_away(void **state)
{
    struct str found = {0};
    NEED();
    settled();
    assert_true(wa_session_probe(session, mono(NULL) + 5000, &found, &err));
    assert_true(str_find(found, STR("ready"), 0) != STR_NONE);
    told[0] = '\0';
    outside_ask(&browsers, "stop");
    bad(WA_NO_BROWSER, ERR_RETRY, "");
    is_told("no-browser");
    assert_false(wa_session_probe(session, mono(NULL) + 5000, &found, &err));
    outside_ask(&browsers, "start");
    skew_ms += HOUR_MS;
    good();
    is_told("no-browser ready");
    close_session();
    /* A page that is not there. */
    struct str page = options.page;
    options.page = arena_printf(&opened, "http://127.0.0.1:%d/", outside_port(&browsers, "closed"));
    open_session();
    bad(WA_NO_PAGE, ERR_RETRY, "");
    options.page = page;
    close_session();
}

/* Somebody else has the Grid's only place: busy is not down. */
static void a_place_that_others_have(void **state)
{
    static const char busy[] =
        "{\"value\":{\"ready\":false,\"nodes\":[{\"availability\":\"UP\",\"maxSessions\":1,"
        "\"sessionTimeout\":300000,\"slots\":[{\"session\":{\"sessionId\":\"others\","
        "\"capabilities\":"
        "{\"chrome\":{\"userDataDir\":\"/of/others\"}}}}]}]}}";
    NEED();
    close_session();
    forget_notes();
    struct fake *fake = fake_start();
    struct str server = options.webdriver;
    options.webdriver = arena_printf(&opened, "http://127.0.0.1:%d", fake_port(fake));
    fake_answer(fake, &(struct fake_reply){.body = busy});
    fake_answer(fake, &(struct fake_reply){.body = busy});
    fake_answer(fake, &(struct fake_reply){.manner = FAKE_MUTE});
    open_session();
    bad_by(3000, WA_BROWSER_BUSY, ERR_RETRY, "SE_NODE_MAX_SESSIONS");
    is_told("browser-busy");
    for (size_t i = 0; i < fake_count(fake); i++) { /* The other one's session is left alone. */
        assert_string_not_equal(fake_seen(fake, i)->method, "DELETE");
    }
    close_session();
    fake_stop(fake);
    options.webdriver = server;
}

static void nothing_was_written(void **state)
{
    NEED();
    ask("GET /ctl/journal journal.json");
    ask("POST /ctl/verdict {\"chats\":[]}");
    struct str journal = file_of("journal.json");
    assert_true(str_find(journal, STR("\"send\""), 0) == STR_NONE);
    assert_true(str_find(journal, STR("\"composer\""), 0) == STR_NONE);
    assert_true(str_find(journal, STR("\"key\""), 0) == STR_NONE);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pairing),
        CASE(nobody_sees_a_code_for_long),
        CASE(a_stale_code),
        CASE(taken_over),
        CASE(dialogs),
        CASE(screens),
        CASE(slow_and_strange),
        CASE(a_browser_that_ends),
        CASE(old_ones_are_recycled),
        CASE(a_killed_predecessor),
        CASE(a_place_that_others_have),
        CASE(nothing_was_written),
        CASE(killed_just_after_pairing),
        CASE(a_lock_of_another_machine),
        CASE(a_server_that_is_away),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
