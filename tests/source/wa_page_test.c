/*
 * WhatsApp Web as it is read from a real Chromium, against the look-alike in tests/wa-sim: what was
 * read is what was there, in every generation and language, and nothing was changed by it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "rig/outside.h"
#include "source/wa_data.h"
#include "source/wa_reader.h"
#include "source/wa_rows.h"
#include "test.h"
#include "text/utf8.h"

enum { PATIENCE_MS = 60000, READY_MS = 20000, STEPS_MAX = 60 };

static struct outside browser;
static struct outside sim;
static bool started;
static struct webdriver *driver;
static struct wa_packs *packs;
static struct wa_reader *reader;
static struct rng rng;
static struct arena arena;

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static int64_t soon(void)
{
    return now_ms() + PATIENCE_MS;
}

static void good(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s (%s)", err->text, webdriver_fault_name(webdriver_fault(driver)));
    }
}

static bool start_browser(struct err *err)
{
    static const struct str args[] = {STR_INIT("--no-sandbox"), STR_INIT("--disable-dev-shm-usage"),
                                      STR_INIT("--disable-gpu")};
    struct webdriver_options options = {
        .url = arena_printf(&arena, "http://127.0.0.1:%d", outside_port(&browser, "driver"))};
    struct webdriver_browser wanted = {
        .headless = true, .width = 1100, .height = 900, .args = args, .arg_count = COUNT(args)};
    return webdriver_open(&driver, &options, err) && webdriver_start(driver, &wanted, soon(), err);
}

static void open_reader(const struct wa_reader_options *more)
{
    struct err err = {0};
    struct wa_reader_options options = *more;
    options.driver = driver;
    options.packs = packs;
    options.clock = clock_system();
    options.rng = &rng;
    wa_reader_close(reader);
    good(wa_reader_open(&reader, &options, &err), &err);
}

static int start(void **state)
{
    static const char *const browser_words[] = {"python3", "tests/net/browser_server.py",
                                                "{folder}", NULL};
    static const char *const sim_words[] = {"python3", "tests/wa-sim/server.py", "{folder}", NULL};
    struct err err = {0};
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    rng_seed(&rng, 7);
    assert_int_equal(setenv("TZ", "Asia/Jerusalem", 1), 0);
    bool have_browser = outside_start(&browser, browser_words, 60);
    bool have_sim = have_browser && outside_start(&sim, sim_words, 20);
    started = have_sim && start_browser(&err) && wa_packs_open(&packs, (struct str){0}, &err);
    if (have_sim && !started) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return 0;
}

static int stop(void **state)
{
    struct err err = {0};
    (void)state;
    wa_reader_close(reader);
    wa_packs_close(packs);
    if (driver != NULL) {
        (void)webdriver_quit(driver, soon(), &err);
    }
    webdriver_close(driver);
    outside_stop(&sim);
    outside_stop(&browser);
    arena_free(&arena);
    return 0;
}

#define NEED_BROWSER()                                                                             \
    do {                                                                                           \
        (void)state;                                                                               \
        if (!started) {                                                                            \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* ---- The look-alike ---- */

static struct wa_page *page(void)
{
    return wa_reader_page(reader);
}

#define DELAYS                                                                                     \
    "\"delays\":{\"blank\":0,\"splash\":10,\"chats\":0,\"batch\":5,\"open\":5,\"search\":[20,40]," \
    "\"hydrate\":[4,12]}"

static void ask(const char *line)
{
    outside_ask(&sim, line);
}

/* Another world: `rest` is JSON without its braces. The page is loaded, and its list is there. */
static void scene(const char *rest, const struct wa_reader_options *options)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    struct webdriver_script ready = {.code =
                                         STR("return !!document.querySelector('[role=grid] > *')")};
    ask(arena_printf(&arena, "PUT /ctl/scenario {\"paired\":true,\"fill\":0," DELAYS ",%s}", rest)
            .ptr);
    good(webdriver_go(driver,
                      arena_printf(&arena, "http://127.0.0.1:%d/", outside_port(&sim, "wa")),
                      soon(), &err),
         &err);
    bool there = false;
    for (int64_t end = now_ms() + READY_MS; !there && now_ms() < end;) {
        good(webdriver_run(driver, &ready, soon(), &arena, &value, &err), &err);
        (void)json_bool(value, &there);
    }
    assert_true(there);
    open_reader(options != NULL ? options : &(struct wa_reader_options){0});
}

static const struct json_value *told(const char *what)
{
    struct err err = {0};
    struct str text = {0};
    const struct json_value *value = NULL;
    ask(arena_printf(&arena, "GET /ctl/%s answer.json", what).ptr);
    good(file_read(&arena, str_of(outside_path(&sim, "answer.json")), 64 << 20, &text, &err), &err);
    struct json_limits limits = {.size_max = 64 << 20};
    good(json_parse(&arena, text, &limits, &value, &err), &err);
    return value;
}

/* What the look-alike's journal holds is what a reader of these chats may do. */
static void read_only_paced(const char *chats, int pace_ms)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    bool yes = false;
    struct webdriver_script script = {
        .code =
            STR("fetch('/ctl/verdict', {method: 'POST', body: JSON.stringify({chats: "
                "arguments[0], pace_ms: arguments[1]})}).then((a) => a.json()).then(arguments[2])"),
        .args = arena_printf(&arena, "[[%s],%d]", chats, pace_ms),
        .async = true};
    good(webdriver_run(driver, &script, soon(), &arena, &value, &err), &err);
    (void)json_bool(json_get(value, STR("read_only")), &yes);
    if (!yes) {
        struct buf buf;
        struct json_writer json;
        buf_init(&buf, &arena, 0);
        json_writer_init(&json, &buf);
        json_put_value(&json, value);
        fail_msg("not read only: %.1000s", buf_str(&buf).ptr);
    }
}

static void read_only(const char *chats)
{
    read_only_paced(chats, 0);
}

static void open_chat(const char *title, enum wa_opened how)
{
    struct err err = {0};
    struct wa_open open;
    good(wa_page_open(page(), str_of(title), soon(), &arena, &open, &err), &err);
    if (open.how != how) {
        fail_msg("%s: opened %d, expected %d", title, (int)open.how, (int)how);
    }
}

/* ---- A chat from its end to its beginning ---- */

struct chat {
    struct wa_row *rows; /* Oldest first. */
    size_t count;
    size_t steps;
    size_t calls;
    bool boundary;
};

static size_t find_row(const struct chat *chat, struct str id)
{
    for (size_t i = 0; i < chat->count; i++) {
        if (str_equal(chat->rows[i].id, id)) {
            return i;
        }
    }
    return chat->count;
}

/* As a sweep does it: a window goes before what is there already, and replaces what it repeats. */
static void merge(struct chat *chat, const struct wa_window *window)
{
    size_t overlap = 0;
    while (overlap < window->count && find_row(chat, window->rows[overlap].id) == chat->count) {
        overlap++;
    }
    if (chat->count > 0 && window->count > 0 && overlap == window->count) {
        fail_msg("the window does not end with rows that were there before");
    }
    struct wa_row *rows = arena_array(&arena, overlap + chat->count + 1, sizeof *rows);
    memcpy(rows, window->rows, overlap * sizeof *rows);
    memcpy(rows + overlap, chat->rows, chat->count * sizeof *rows);
    chat->rows = rows;
    chat->count += overlap;
    for (size_t i = overlap; i < window->count; i++) {
        size_t at = find_row(chat, window->rows[i].id);
        if (at != i) {
            fail_msg("row %zu of the window is row %zu of the chat", i, at);
        }
        chat->rows[at] = window->rows[i];
    }
}

/* Until `want` rows are there, or nothing is further up. */
static void read_chat(struct chat *chat, size_t want)
{
    struct err err = {0};
    struct wa_window window = {0};
    uint64_t before;
    struct webdriver_figures figures;
    webdriver_count(driver, &figures);
    before = figures.calls;
    *chat = (struct chat){0};
    good(wa_page_newest(page(), soon(), &arena, &window, &err), &err);
    merge(chat, &window);
    while (!window.top && !window.boundary && chat->count < want && chat->steps < STEPS_MAX) {
        good(wa_page_older(page(), soon(), &arena, &window, &err), &err);
        merge(chat, &window);
        chat->steps++;
    }
    chat->boundary = window.boundary;
    webdriver_count(driver, &figures);
    chat->calls = (size_t)(figures.calls - before);
}

/* ---- The truth ---- */

static bool is_one_of(struct str word, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (str_equal(word, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

static void compare_kind(const struct wa_row *row, struct str kind)
{
    static const struct {
        const char *name;
        enum wa_kind kind;
    } kinds[] = {
        {"image", WA_IMAGE},       {"image_caption", WA_IMAGE}, {"album", WA_ALBUM},
        {"video", WA_VIDEO},       {"gif", WA_VIDEO},           {"voice", WA_AUDIO},
        {"document", WA_DOCUMENT}, {"sticker", WA_STICKER},     {"vcard", WA_CONTACT},
        {"location", WA_LOCATION}, {"poll", WA_POLL},           {"waiting", WA_WAITING},
    };
    enum wa_kind expected = WA_TEXT;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        expected = str_equal(kind, str_of(kinds[i].name)) ? kinds[i].kind : expected;
    }
    if (row->kind != expected) {
        fail_msg("a %.*s is read as kind %d", STR_ARG(kind), (int)row->kind);
    }
}

static void compare_row(const struct wa_row *row, const struct json_value *truth)
{
    static const char *const without_text[] = {"deleted", "waiting", "vcard", "location", NULL};
    static const char *const system[] = {"system", "call", NULL};
    struct str kind = json_str(json_get(truth, STR("kind")));
    struct str id = json_str(json_get(truth, STR("id")));
    int64_t epoch = 0;
    bool from_me = false;
    bool ambiguous = false;
    (void)json_int(json_get(truth, STR("epoch")), &epoch);
    (void)json_bool(json_get(truth, STR("from_me")), &from_me);
    (void)json_bool(json_get(truth, STR("ambiguous")), &ambiguous);
    assert_str_equal(row->id, id);
    if (row->open) {
        fail_msg("%.*s (%.*s) is still open", STR_ARG(id), STR_ARG(kind));
    }
    if (is_one_of(kind, system)) {
        assert_int_equal(row->kind, WA_SYSTEM);
        return;
    }
    if (row->direction != (from_me ? MESSAGE_OUTGOING : MESSAGE_INCOMING)) {
        fail_msg("%.*s (%.*s): direction %d", STR_ARG(id), STR_ARG(kind), (int)row->direction);
    }
    struct str text =
        is_one_of(kind, without_text) ? STR("") : json_str(json_get(truth, STR("text")));
    if (!str_equal(row->text, text)) {
        fail_msg("%.*s (%.*s): text '%.*s', expected '%.*s'", STR_ARG(id), STR_ARG(kind),
                 STR_ARG(row->text), STR_ARG(text));
    }
    int64_t minute_ms = epoch / 60 * 60000;
    if (row->sent_ms != minute_ms && !(ambiguous && row->fold)) {
        fail_msg("%.*s (%.*s): %lld, expected %lld; mark '%.*s'", STR_ARG(id), STR_ARG(kind),
                 (long long)row->sent_ms, (long long)minute_ms, STR_ARG(row->mark));
    }
    assert_int_equal(row->fold, ambiguous);
    if (!from_me) {
        struct str author = wa_rows_clean(&arena, json_str(json_get(truth, STR("author"))));
        author = author.len > 0 && (author.ptr[0] == '~' || author.ptr[0] == '+')
                     ? str_slice(author, 1, author.len)
                     : author;
        if (!str_equal(row->author, author)) {
            fail_msg("%.*s (%.*s): author '%.*s', expected '%.*s'", STR_ARG(id), STR_ARG(kind),
                     STR_ARG(row->author), STR_ARG(author));
        }
    } else {
        assert_int_equal(row->author.len, 0);
    }
    assert_int_equal(row->deleted, str_equal(kind, STR("deleted")));
    bool edited = false;
    (void)json_bool(json_get(truth, STR("edited")), &edited);
    assert_int_equal(row->edited, edited);
    assert_int_equal(row->forwarded, str_equal(kind, STR("forwarded")));
    assert_str_equal(row->quoted, json_str(json_find(truth, STR("quoted/text"))));
    assert_str_equal(row->file_name, json_str(json_get(truth, STR("filename"))));
    static const char *const pictures[] = {"image", "image_caption", "album", "sticker", NULL};
    assert_int_equal(row->media,
                     is_one_of(kind, pictures) ? json_count(json_get(truth, STR("media"))) : 0);
    compare_kind(row, kind);
}

static void compare(const struct chat *chat, const char *title)
{
    const struct json_value *truth =
        told(arena_printf(&arena, "truth?zone=Asia/Jerusalem&chat=%s", title).ptr);
    struct json_iter iter;
    const struct json_value *one;
    assert_int_equal(chat->count, json_count(truth));
    json_iter_init(&iter, truth);
    for (size_t i = 0; json_next(&iter, NULL, &one); i++) {
        compare_row(&chat->rows[i], one);
    }
}

/* All that is the same in every generation, as one text. */
static struct str normal(const struct chat *chat)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    for (size_t i = 0; i < chat->count; i++) {
        const struct wa_row *row = &chat->rows[i];
        json_object_begin(&json);
        json_field_str(&json, STR("id"), row->id);
        json_field_int(&json, STR("kind"), (int64_t)row->kind);
        json_field_int(&json, STR("direction"), (int64_t)row->direction);
        json_field_str(&json, STR("author"), row->author);
        json_field_str(&json, STR("text"), row->text);
        json_field_int(&json, STR("sent_ms"), row->sent_ms);
        json_field_bool(&json, STR("fold"), row->fold);
        json_field_bool(&json, STR("deleted"), row->deleted);
        json_field_bool(&json, STR("edited"), row->edited);
        json_field_bool(&json, STR("forwarded"), row->forwarded);
        json_field_str(&json, STR("quoted"), row->quoted);
        json_field_str(&json, STR("file_name"), row->file_name);
        json_field_int(&json, STR("media"), (int64_t)row->media);
        json_object_end(&json);
    }
    json_array_end(&json);
    return buf_str(&buf);
}

/* ---- Tests ---- */

static void generations_read_the_same(void **state)
{
    static const char *const profiles[] = {"A", "B", "C", "rolling"};
    struct str first = {0};
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct chat chat;
        scene(arena_printf(&arena,
                           "\"profile\":\"%s\",\"locale\":\"he\",\"batch_size\":[30,60],"
                           "\"chats\":[{\"title\":\"Harvest\",\"count\":160}]",
                           profiles[i])
                  .ptr,
              &(struct wa_reader_options){.step_ms = 600});
        open_chat("Harvest", WA_OPENED);
        read_chat(&chat, SIZE_MAX);
        compare(&chat, "Harvest");
        struct str text = normal(&chat);
        if (first.ptr == NULL) {
            first = text;
        }
        if (!str_equal(text, first)) {
            fail_msg("profile %s reads otherwise than A", profiles[i]);
        }
        read_only("\"Harvest\"");
    }
}

/* Whether the page holds as the canary says; what was read is thrown away when it does not. */
static void changed_pages_are_refused(void **state)
{
    static const struct {
        const char *options;
        const char *says;
    } cases[] = {
        {"\"profile\":\"X\"", "no known name"},
        {"\"break\":[\"testids\"]", "no known name"},
        {"\"break\":[\"row_id\"]", "rows have no ids"},
        {"\"break\":[\"stamp\"]", "no marks of time and author"},
        {"\"break\":[\"text\"]", "their texts no known place"},
        {"\"break\":[\"direction\"]", "nothing shows who sent"},
        {"\"break\":[\"shell\"]", "the list of chats has no known name"},
        {"\"profile\":\"A\",\"break\":[\"row_id\"]", "rows have no ids"},
        {"\"profile\":\"A\",\"break\":[\"stamp\"]", "no marks of time and author"},
        {"\"profile\":\"A\",\"break\":[\"text\"]", "their texts no known place"},
        {"\"profile\":\"B\",\"break\":[\"stamp\"]", "no marks of time and author"},
        {"\"profile\":\"B\",\"break\":[\"text\"]", "their texts no known place"},
        {"\"profile\":\"B\",\"break\":[\"direction\"]", "nothing shows who sent"},
    };
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        struct wa_open open = {0};
        struct wa_window window = {0};
        scene(arena_printf(&arena,
                           "\"locale\":\"he\",%s,\"chats\":[{\"title\":\"Secret Title\","
                           "\"count\":40}]",
                           cases[i].options)
                  .ptr,
              NULL);
        bool ok = wa_page_open(page(), STR("Secret Title"), soon(), &arena, &open, &err) &&
                  open.how == WA_OPENED && wa_page_newest(page(), soon(), &arena, &window, &err);
        const struct wa_health *health = wa_page_health(page());
        if (ok || window.count > 0 || !health->broken || err.kind != ERR_RETRY ||
            strstr(err.text, cases[i].says) == NULL) {
            fail_msg("%s: %s, %zu rows, broken %d: \"%s\" should say \"%s\"", cases[i].options,
                     ok ? "read" : "refused", window.count, health->broken, err.text,
                     cases[i].says);
        }
        assert_true(health->snapshot.len > 200 && health->snapshot.len <= 64 * 1024);
        static const char *const private[] = {"Secret", "3A", "A5", "972", "כהן", "Title"};
        for (size_t n = 0; n < COUNT(private); n++) {
            if (str_find(health->snapshot, str_of(private[n]), 0) != STR_NONE) {
                fail_msg("the snapshot tells '%s': %.3000s", private[n], health->snapshot.ptr);
            }
        }
        read_only("\"Secret Title\"");
    }
}

static void languages_read_the_same(void **state)
{
    static const struct {
        const char *locale;
        const char *more;
    } cases[] = {
        {"en-US", "\"profile\":\"C\",\"narrow\":true"},
        {"de", "\"profile\":\"B\""},
        {"ar", "\"profile\":\"C\""},
        {"ar-EG", "\"profile\":\"A\""},
        {"fa", "\"profile\":\"rolling\""},
        {"he", "\"profile\":\"C\",\"name_suffix\":true"},
        {"zh-CN", "\"profile\":\"C\""},
    };
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct chat chat;
        scene(arena_printf(&arena,
                           "\"locale\":\"%s\",%s,\"batch_size\":60,"
                           "\"chats\":[{\"title\":\"Tongues\",\"count\":48,\"gap\":20000}]",
                           cases[i].locale, cases[i].more)
                  .ptr,
              NULL);
        open_chat("Tongues", WA_OPENED);
        read_chat(&chat, 48);
        compare(&chat, "Tongues");
        read_only("\"Tongues\"");
    }
}

static void the_list_is_seen_whole(void **state)
{
    struct err err = {0};
    struct wa_list list;
    NEED_BROWSER();
    scene("\"fill\":500,\"chats\":[{\"title\":\"First\",\"pinned\":true,\"unread\":3,\"count\":9}]",
          NULL);
    good(wa_page_list(page(), 20, soon(), &arena, &list, &err), &err);
    assert_true(list.count >= 20 && list.count < 200 && !list.whole);
    assert_str_equal(list.chats[0].title, STR("First"));
    assert_int_equal(list.chats[0].unread, 3);
    assert_int_equal(list.declared, 500);
    struct str digest = list.chats[0].preview;
    good(wa_page_list(page(), 0, soon(), &arena, &list, &err), &err);
    assert_true(list.whole);
    assert_str_equal(list.chats[0].preview, digest);
    const struct json_value *chats = told("chats");
    struct json_iter iter;
    const struct json_value *one;
    size_t expected = 0;
    json_iter_init(&iter, chats);
    while (json_next(&iter, NULL, &one)) {
        bool archived = false;
        struct str title = wa_rows_clean(&arena, json_str(json_get(one, STR("title"))));
        (void)json_bool(json_get(one, STR("archived")), &archived);
        size_t found = 0;
        for (size_t i = 0; i < list.count; i++) {
            found += str_equal(list.chats[i].title, title) ? 1 : 0;
        }
        if (!archived && found == 0) {
            fail_msg("'%.*s' was not seen", STR_ARG(title));
        }
        expected += archived ? 0 : 1;
    }
    assert_int_equal(list.count, expected);
    ask("POST /ctl/message {\"chat\":\"First\",\"text\":\"new\"}");
    bool changed = false;
    for (int i = 0; i < 100 && !changed; i++) {
        good(wa_page_list(page(), 1, soon(), &arena, &list, &err), &err);
        changed = !str_equal(list.chats[0].preview, digest);
    }
    assert_true(changed);
    read_only("");
}

static void chats_open_by_their_exact_title(void **state)
{
    struct err err = {0};
    struct wa_open open;
    NEED_BROWSER();
    scene("\"fill\":60,\"chats\":[{\"title\":\"Top\"}]", NULL);
    open_chat("Sales", WA_OPENED); /* "Sales Team" is another one. */
    open_chat("Leading and trailing", WA_OPENED);
    open_chat("Wrapped in marks", WA_OPENED);
    open_chat("\xE2\x80\xAA+972\xC2\xA0"
              "55\xE2\x80\x91"
              "000\xE2\x80\x91"
              "0006\xE2\x80\xAC",
              WA_OPENED); /* invented */
    open_chat("שיעור פסנתר (א׳)", WA_OPENED);
    open_chat("Family 👨‍👩‍👧‍👦 ❤️", WA_OPENED);
    open_chat("אותו שם", WA_EQUAL);
    good(wa_page_open(page(), STR("Sales Taem"), soon(), &arena, &open, &err), &err);
    assert_int_equal(open.how, WA_NOT_FOUND);
    assert_true(open.nearest_count >= 1);
    assert_str_equal(open.nearest[0], STR("Sales Team"));
    /* The one that is put away is found by its name. */
    const struct json_value *chats = told("chats");
    struct json_iter iter;
    const struct json_value *one;
    bool archived = false;
    json_iter_init(&iter, chats);
    while (!archived && json_next(&iter, NULL, &one)) {
        (void)json_bool(json_get(one, STR("archived")), &archived);
    }
    assert_true(archived);
    struct str away = json_str(json_get(one, STR("title")));
    open_chat(away.ptr, WA_OPENED);
    open_chat(away.ptr, WA_OPENED); /* It is open already. */
    open_chat("Top", WA_OPENED);
    assert_true(wa_page_health(page())->locale.len > 0);
    read_only(
        arena_printf(&arena,
                     "\"Sales\",\"Leading and trailing\",\"Wrapped in marks\","
                     "\"\\u202a+972\\u00a055\\u2011000\\u20110006\\u202c\",\"Top\","
                     "\"שיעור פסנתר\\u200f (א׳)\",\"Family 👨‍👩‍👧‍👦 "
                     "❤️\",\"%.*s\"",
                     STR_ARG(away))
            .ptr);
}

/* Messages come in all the time, so the list never stands still while it is looked through. */
static void a_list_that_never_rests_is_searched(void **state)
{
    struct err err = {0};
    const struct json_value *value = NULL;
    struct webdriver_script stir = {
        .code = STR("setInterval(() => { if (chat_list) chat_list.reorder(); }, 10)")};
    NEED_BROWSER();
    scene("\"fill\":500,\"chats\":[{\"title\":\"Calm\",\"count\":5}]", NULL);
    good(webdriver_run(driver, &stir, soon(), &arena, &value, &err), &err);
    open_chat("Calm", WA_OPENED);
    open_chat("אותו שם", WA_EQUAL);
    open_chat("Nobody at all", WA_NOT_FOUND);
    read_only("\"Calm\"");
}

static void what_stands_in_the_way_is_told(void **state)
{
    struct chat chat;
    struct err err = {0};
    struct wa_window window;
    NEED_BROWSER();
    scene("\"chats\":[{\"title\":\"One\"},{\"title\":\"Two\"}],\"faults\":{\"wrong_open\":1}",
          NULL);
    open_chat("One", WA_WRONG);
    assert_false(wa_page_newest(page(), soon(), &arena, &window, &err));
    open_chat("One", WA_OPENED);
    read_chat(&chat, 12);
    compare(&chat, "One");
    scene("\"fill\":40,\"chats\":[{\"title\":\"Mid\",\"count\":20}],\"faults\":{\"reorder\":true}",
          NULL);
    open_chat("Mid", WA_OPENED);
    read_chat(&chat, 20);
    compare(&chat, "Mid");
    read_only("\"Mid\"");
    scene("\"chats\":[{\"title\":\"Covered\"}],\"faults\":{\"promo\":true}", NULL);
    open_chat("Covered", WA_NOT_OPENED);
    read_only("");
}

static void restless_pages_are_read_whole(void **state)
{
    struct chat chat;
    static const char *const profiles[] = {"A", "C"};
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(profiles); i++) {
        scene(
            arena_printf(&arena,
                         "\"profile\":\"%s\",\"batch_size\":40,\"chats\":[{\"title\":\"Restless\","
                         "\"count\":100}],\"faults\":{\"rerender\":20,\"empty_first\":1}",
                         profiles[i])
                .ptr,
            NULL);
        open_chat("Restless", WA_OPENED);
        read_chat(&chat, 100);
        compare(&chat, "Restless");
        read_only("\"Restless\"");
    }
}

static void what_only_the_telephone_has_is_a_boundary(void **state)
{
    struct chat chat;
    NEED_BROWSER();
    scene("\"locale\":\"de\",\"chats\":[{\"title\":\"Phone\",\"count\":90,\"phone_only\":40}]",
          NULL);
    open_chat("Phone", WA_OPENED);
    read_chat(&chat, SIZE_MAX);
    assert_true(chat.boundary);
    assert_int_equal(chat.count, 50);
    read_only("\"Phone\"");
}

static void steps_keep_their_pace(void **state)
{
    struct chat chat;
    NEED_BROWSER();
    scene("\"batch_size\":40,\"chats\":[{\"title\":\"Paced\",\"count\":70}]",
          &(struct wa_reader_options){.pace_least_ms = 150, .pace_most_ms = 250});
    open_chat("Paced", WA_OPENED);
    read_chat(&chat, 70);
    compare(&chat, "Paced");
    read_only_paced("\"Paced\"", 120);
}

/* Another generation, another language, while a chat is read: the same rows go on. */
static void a_page_may_change_under_way(void **state)
{
    struct chat chat = {0};
    struct wa_window window;
    struct err err = {0};
    NEED_BROWSER();
    scene("\"profile\":\"A\",\"locale\":\"he\",\"batch_size\":40,"
          "\"chats\":[{\"title\":\"Change\",\"count\":90}]",
          NULL);
    open_chat("Change", WA_OPENED);
    good(wa_page_newest(page(), soon(), &arena, &window, &err), &err);
    merge(&chat, &window);
    good(wa_page_older(page(), soon(), &arena, &window, &err), &err);
    merge(&chat, &window);
    ask("POST /ctl/change {\"profile\":\"C\"}");
    for (int i = 0; i < STEPS_MAX && chat.count < 90; i++) {
        good(wa_page_older(page(), soon(), &arena, &window, &err), &err);
        merge(&chat, &window);
    }
    compare(&chat, "Change");
    read_only("\"Change\"");
}

/* The page and we say the same of a title and of an id. */
static void both_sides_clean_alike(void **state)
{
    static const char *const texts[] = {
        "plain",
        "  a  b ",
        "\xC2\xA0x\xE2\x80\xAFy\xE3\x80\x80",
        "\xE2\x80\xAA+972\xC2\xA0-5\xE2\x80\x91-1\xE2\x80\xAC",
        "שיעור\xE2\x80\x8F (א׳)",
        "👨‍👩‍👧‍👦 ❤️",
        "a\tb\nc\rd",
        "\xEF\xBB\xBFx\xE2\x80\x8B",
        "\xE2\x81\xA6x\xE2\x81\xA9",
        "\xC2\xAD-\xE2\x80\x90",
        "e\xCC\x81",
        "\xC2\x85z\xE1\x9A\x80",
        "",
        " ",
    };
    struct buf buf;
    struct json_writer json;
    struct err err = {0};
    const struct json_value *value = NULL;
    NEED_BROWSER();
    buf_init(&buf, &arena, 0);
    json_writer_init(&json, &buf);
    json_array_begin(&json);
    json_array_begin(&json);
    for (size_t i = 0; i < COUNT(texts); i++) {
        json_put_str(&json, str_of(texts[i]));
    }
    json_array_end(&json);
    json_array_end(&json);
    struct webdriver_script script = {
        .code = arena_printf(&arena, "%.*s\nreturn arguments[0].map(clean)",
                             STR_ARG(wa_data_find(STR("wa_page.js")))),
        .args = buf_str(&buf)};
    good(webdriver_run(driver, &script, soon(), &arena, &value, &err), &err);
    assert_int_equal(json_count(value), COUNT(texts));
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_str_equal(wa_rows_clean(&arena, str_of(texts[i])), json_str(json_at(value, i)));
    }
}

/* Every picture of a chat, byte by byte. */
static void pictures_arrive_whole(void **state)
{
    static const char *const profiles[] = {"A", "C"};
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct chat chat;
        struct err err = {0};
        size_t fetched = 0;
        scene(
            arena_printf(&arena,
                         "\"profile\":\"%s\",\"batch_size\":50,\"chats\":[{\"title\":\"Pictures\","
                         "\"count\":60,\"kinds\":{\"text\":8,\"image\":2,\"image_caption\":1,"
                         "\"album\":1,\"sticker\":1,\"quoted\":2}}]",
                         profiles[i])
                .ptr,
            NULL);
        open_chat("Pictures", WA_OPENED);
        read_chat(&chat, 60);
        compare(&chat, "Pictures");
        const struct json_value *truth = told("truth?chat=Pictures");
        for (size_t n = 0; n < chat.count; n += 2) {
            for (size_t nth = 0; nth < chat.rows[n].media; nth++) {
                struct str bytes;
                struct str ending;
                char hex[DIGEST_HEX_MAX];
                good(wa_page_media(page(), &chat.rows[n], nth, 1 << 20, soon(), &arena, &bytes,
                                   &ending, &err),
                     &err);
                assert_str_equal(ending, STR("png"));
                struct str path = arena_printf(&arena, "%zu/media/%zu/sha256", n, nth);
                assert_str_equal(digest_hex(DIGEST_SHA256, bytes, hex),
                                 json_str(json_find(truth, path)));
                fetched++;
            }
        }
        assert_true(fetched > 5);
        size_t with = 0;
        while (chat.rows[with].media == 0) {
            with++;
        }
        struct str bytes;
        struct str ending;
        assert_false(
            wa_page_media(page(), &chat.rows[with], 0, 20, soon(), &arena, &bytes, &ending, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        assert_false(wa_page_media(page(), &chat.rows[with], WA_MEDIA_MAX, 1 << 20, soon(), &arena,
                                   &bytes, &ending, &err));
        assert_int_equal(err.kind, ERR_REJECT);
        read_only("\"Pictures\"");
    }
}

/* Both nights on which the clock is changed, an hour that is there twice, and an hour that is not.
 */
static void nights_of_the_clock(void **state)
{
    static const char *const from[] = {"2026-03-26T22:00:00Z", "2026-10-24T20:00:00Z"};
    static const char *const profiles[] = {"C", "B"};
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(from); i++) {
        struct chat chat;
        struct err err = {0};
        struct stamp stamp;
        struct buf buf;
        int64_t begin = 0;
        size_t folds = 0;
        assert_true(datetime_parse_iso(str_of(from[i]), &stamp, &err));
        assert_true(datetime_stamp_ms(&stamp, &begin));
        buf_init(&buf, &arena, 0);
        for (int n = 0; n < 24; n++) {
            buf_printf(&buf, "%s{\"at\":%lld,\"author\":\"Dana\",\"kind\":\"%s\",\"text\":\"%s\"}",
                       n > 0 ? "," : "", (long long)begin / 1000 + (long long)n * 20 * 60,
                       n % 3 == 1 ? "image" : "text", n % 3 == 1 ? "" : "words");
        }
        scene(arena_printf(&arena,
                           "\"profile\":\"%s\",\"chats\":[{\"title\":\"Nights\",\"messages\":"
                           "[%.*s]}]",
                           profiles[i], STR_ARG(buf_str(&buf)))
                  .ptr,
              NULL);
        open_chat("Nights", WA_OPENED);
        read_chat(&chat, 24);
        assert_int_equal(chat.count, 24);
        compare(&chat, "Nights");
        for (size_t n = 0; n < chat.count; n++) {
            folds += chat.rows[n].fold ? 1 : 0;
        }
        assert_int_equal(folds, i == 0 ? 0 : 6);
    }
}

/* The page's own database, when it is asked for, adds the second and the address, and changes no
   word. */
static void the_database_adds_what_the_page_does_not_show(void **state)
{
    static const char *const profiles[] = {"C", "A"};
    NEED_BROWSER();
    for (size_t i = 0; i < COUNT(profiles); i++) {
        struct chat chat;
        struct json_iter iter;
        const struct json_value *one;
        scene(arena_printf(&arena,
                           "\"profile\":\"%s\",\"model_storage\":true,\"batch_size\":40,"
                           "\"chats\":[{\"title\":\"Model\",\"count\":60}]",
                           profiles[i])
                  .ptr,
              &(struct wa_reader_options){.enrich = true});
        open_chat("Model", WA_OPENED);
        read_chat(&chat, 60);
        json_iter_init(&iter, told("truth?chat=Model"));
        for (size_t n = 0; json_next(&iter, NULL, &one); n++) {
            int64_t epoch = 0;
            (void)json_int(json_get(one, STR("epoch")), &epoch);
            assert_int_equal(chat.rows[n].sent_ms, epoch * 1000);
            if (chat.rows[n].kind != WA_SYSTEM) {
                assert_str_equal(chat.rows[n].jid, json_str(json_get(one, STR("jid"))));
            }
            chat.rows[n].sent_ms = epoch / 60 * 60000;
        }
        compare(&chat, "Model");
        read_only("\"Model\"");
    }
    /* And where there is none, nothing is made. */
    struct chat chat;
    struct err err = {0};
    const struct json_value *value = NULL;
    struct webdriver_script forget = {
        .code = STR("const d = indexedDB.deleteDatabase('model-storage'); "
                    "d.onsuccess = d.onblocked = () => arguments[0](1)"),
        .async = true};
    struct webdriver_script names = {
        .code = STR("indexedDB.databases().then((all) => arguments[0](all.map((d) => d.name)))"),
        .async = true};
    scene("\"chats\":[{\"title\":\"Bare\",\"count\":9}]",
          &(struct wa_reader_options){.enrich = true});
    good(webdriver_run(driver, &forget, soon(), &arena, &value, &err), &err);
    open_chat("Bare", WA_OPENED);
    read_chat(&chat, 9);
    compare(&chat, "Bare");
    good(webdriver_run(driver, &names, soon(), &arena, &value, &err), &err);
    assert_int_equal(json_count(value), 1);
    assert_str_equal(json_str(json_at(value, 0)), STR("wawc"));
}

static void long_and_odd_texts_are_whole(void **state)
{
    struct chat chat;
    struct buf buf;
    NEED_BROWSER();
    buf_init(&buf, &arena, 0);
    for (int i = 0; i < 5000; i++) {
        buf_add(&buf, STR("אב🙂 "));
    }
    for (int i = 0; i < 2; i++) {
        scene(arena_printf(
                  &arena,
                  "\"profile\":\"%s\",\"chats\":[{\"title\":\"Long\",\"messages\":["
                  "{\"author\":\"Dana\",\"text\":\"%.*s\"},"
                  "{\"author\":\"Dana\",\"kind\":\"image_caption\",\"text\":\"%.*s\"},"
                  "{\"author\":\"Dana\",\"text\":\"👨‍👩‍👧‍👦👍🏽🇮🇱 "
                  "a\\nb\\n\\n<b>&amp;  x \"},"
                  "{\"from_me\":true,\"text\":\"…\"}]}]",
                  i == 0 ? "A" : "C", STR_ARG(buf_str(&buf)), STR_ARG(buf_str(&buf)))
                  .ptr,
              NULL);
        open_chat("Long", WA_OPENED);
        read_chat(&chat, 4);
        compare(&chat, "Long");
        assert_true(utf8_count(chat.rows[0].text) == 20000);
        read_only("\"Long\"");
    }
}

int main(void)
{
    if (getenv("ONLY") != NULL) {
        cmocka_set_test_filter(getenv("ONLY"));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_read_the_same),
        cmocka_unit_test(languages_read_the_same),
        cmocka_unit_test(changed_pages_are_refused),
        cmocka_unit_test(the_list_is_seen_whole),
        cmocka_unit_test(chats_open_by_their_exact_title),
        cmocka_unit_test(a_list_that_never_rests_is_searched),
        cmocka_unit_test(what_stands_in_the_way_is_told),
        cmocka_unit_test(restless_pages_are_read_whole),
        cmocka_unit_test(what_only_the_telephone_has_is_a_boundary),
        cmocka_unit_test(pictures_arrive_whole),
        cmocka_unit_test(steps_keep_their_pace),
        cmocka_unit_test(a_page_may_change_under_way),
        cmocka_unit_test(both_sides_clean_alike),
        cmocka_unit_test(nights_of_the_clock),
        cmocka_unit_test(the_database_adds_what_the_page_does_not_show),
        cmocka_unit_test(long_and_odd_texts_are_whole),
    };
    return cmocka_run_group_tests_name("source/wa_page", tests, start, stop);
}
