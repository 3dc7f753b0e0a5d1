#include "source/wa_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "source/wa_canary.h"
#include "source/wa_data.h"
#include "source/wa_enrich.h"
#include "source/wa_reader_call.h"
#include "text/utf8.h"

enum { ANSWER_SPARE = 64 * 1024, ROWS_ANSWER_MAX = 32 * 1024 * 1024 };

static const struct str section_names[WA_SECTIONS] = {STR_INIT("list"), STR_INIT("search"),
                                                      STR_INIT("header"), STR_INIT("messages"),
                                                      STR_INIT("words")};

static struct wa_reader *reader_of(struct wa_page *page)
{
    return (struct wa_reader *)page;
}

static int64_t now_ms(const struct wa_reader *reader)
{
    return clock_mono_ms(reader->options.clock);
}

/* ---- Selectors as arguments ---- */

static void suffixes_add(struct wa_reader *reader, const struct json_value *by_locale)
{
    struct json_iter locales;
    struct json_iter words;
    const struct json_value *list;
    const struct json_value *word;
    json_iter_init(&locales, by_locale);
    while (json_next(&locales, NULL, &list)) {
        json_iter_init(&words, list);
        while (json_next(&words, NULL, &word)) {
            if (reader->suffix_count < WA_SUFFIXES_MAX) {
                reader->suffixes[reader->suffix_count++] = json_str(word);
            }
        }
    }
}

static bool packs_write(struct wa_reader *reader, struct err *err)
{
    arena_reset(&reader->packs_text);
    reader->suffix_count = 0;
    for (size_t i = 0; i < WA_SECTIONS; i++) {
        struct buf buf;
        buf_init(&buf, &reader->packs_text, 0);
        wa_packs_section_all(reader->options.packs, section_names[i], &buf);
        reader->sections[i] = buf_str(&buf);
        if (!buf_ok(&buf)) {
            return err_set(err, ERR_RETRY, "whatsapp-web: selectors do not fit into memory");
        }
    }
    for (size_t i = 0; i < wa_packs_count(reader->options.packs); i++) {
        const struct json_value *words = NULL;
        struct str text = wa_packs_section(reader->options.packs, i, STR("words"));
        if (!json_parse(&reader->packs_text, text, NULL, &words, err)) {
            return false;
        }
        suffixes_add(reader, json_get(words, STR("suffix")));
    }
    return true;
}

/* A broken file of the user's is said once, and stops nothing. */
static bool packs_refresh(struct wa_reader *reader, struct err *err)
{
    bool changed = false;
    struct err why = {0};
    if (!wa_packs_look(reader->options.packs, &changed, &why)) {
        if (!reader->packs_bad) {
            log_warn("whatsapp-web: %s; the selectors stay as they were", why.text);
        }
        reader->packs_bad = true;
        return true;
    }
    if (!changed) {
        return true;
    }
    reader->packs_bad = false;
    return packs_write(reader, err);
}

/* ---- One call ---- */

bool wa_call_begin(struct wa_reader *reader, struct wa_call *call, int64_t deadline_ms,
                   struct arena *arena, struct err *err)
{
    int64_t budget_ms = deadline_ms - now_ms(reader) - WA_SPARE_MS;
    budget_ms = budget_ms > WA_CALL_MS ? WA_CALL_MS : budget_ms;
    budget_ms = budget_ms < WA_LEAST_MS ? WA_LEAST_MS : budget_ms;
    if (!packs_refresh(reader, err)) {
        return false;
    }
    *call = (struct wa_call){.deadline_ms = deadline_ms, .arena = arena};
    buf_init(&call->buf, arena, 16384);
    json_writer_init(&call->json, &call->buf);
    json_array_begin(&call->json);
    json_object_begin(&call->json);
    for (size_t i = 0; i < WA_SECTIONS; i++) {
        json_key(&call->json, section_names[i]);
        json_put_raw(&call->json, reader->sections[i]);
    }
    if (reader->options.zone.len > 0) {
        json_field_str(&call->json, STR("zone"), reader->options.zone);
    }
    json_field_int(&call->json, STR("budget_ms"), budget_ms);
    json_field_int(&call->json, STR("step_ms"), reader->options.step_ms);
    json_field_int(&call->json, STR("wait_ms"), WA_OPEN_MS);
    json_field_int(&call->json, STR("calm_ms"), WA_CALM_MS);
    return true;
}

/* Waits before each scroll step of the call, and how long ago the last one was. */
void wa_call_pace(struct wa_reader *reader, struct wa_call *call)
{
    int64_t least = reader->options.pace_least_ms;
    int64_t most = reader->options.pace_most_ms;
    if (least <= 0 && most <= 0) {
        return;
    }
    json_field_int(&call->json, STR("since_ms"),
                   reader->scrolled_ms > 0 ? now_ms(reader) - reader->scrolled_ms : most);
    json_key(&call->json, STR("pace"));
    json_array_begin(&call->json);
    for (int i = 0; i < WA_PACE_STEPS; i++) {
        uint64_t room = most > least ? (uint64_t)(most - least) + 1 : 1;
        json_put_int(&call->json, least + (int64_t)rng_below(reader->options.rng, room));
    }
    json_array_end(&call->json);
}

int64_t wa_answer_int(const struct json_value *answer, struct str key)
{
    int64_t value = 0;
    return json_int(json_get(answer, key), &value) ? value : 0;
}

bool wa_answer_set(const struct json_value *answer, struct str key)
{
    bool value = false;
    return json_bool(json_get(answer, key), &value) ? value : wa_answer_int(answer, key) != 0;
}

static struct str keep(char *room, size_t size, struct str text)
{
    (void)snprintf(room, size, "%.*s", (int)(text.len < size ? text.len : size - 1),
                   text.len > 0 ? text.ptr : "");
    return str_of(room);
}

/* Locale, zone and day, as the page says. */
static void learn(struct wa_reader *reader, const struct json_value *answer)
{
    struct str lang = json_str(json_get(answer, STR("lang")));
    struct str zone = json_str(json_get(answer, STR("zone")));
    struct str today = json_str(json_get(answer, STR("today")));
    struct stamp stamp;
    struct err ignored = {0};
    if (lang.len > 0) {
        reader->health.locale = keep(reader->locale, sizeof reader->locale, lang);
    }
    if (zone.len > 0) {
        reader->health.zone = keep(reader->zone, sizeof reader->zone, zone);
    }
    if (today.len > 0 && datetime_parse_iso(today, &stamp, &ignored)) {
        reader->today = datetime_days(stamp.civil.year, stamp.civil.month, stamp.civil.day);
    }
}

static struct str code_of(struct wa_call *call, const char *format, const char *name)
{
    struct str library = wa_data_find(STR("wa_page.js"));
    struct buf buf;
    buf_init(&buf, call->arena, library.len + 256);
    buf_add(&buf, library);
    buf_printf(&buf, "\n");
    buf_add(&buf, str_of(format));
    buf_add(&buf, str_of(name));
    buf_add(&buf, STR(", arguments[0], arguments[arguments.length - 1]);"));
    return buf_str(&buf);
}

static bool args_end(struct wa_call *call, struct str *args, struct err *err)
{
    json_object_end(&call->json);
    json_array_end(&call->json);
    json_writer_done(&call->json);
    *args = buf_str(&call->buf);
    return buf_ok(&call->buf) ||
           err_set(err, ERR_RETRY, "whatsapp-web: a script's arguments do not fit into memory");
}

bool wa_call_run(struct wa_reader *reader, struct wa_call *call, const char *name,
                 size_t answer_max, const struct json_value **answer, struct err *err)
{
    struct webdriver_script script = {
        .code = code_of(call, "run(", name), .async = true, .answer_max = answer_max};
    if (!args_end(call, &script.args, err)) {
        return false;
    }
    if (script.code.ptr == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: a script does not fit into memory");
    }
    if (!webdriver_run(reader->options.driver, &script, call->deadline_ms, call->arena, answer,
                       err)) {
        return false;
    }
    struct str failed = json_str(json_get(*answer, STR("failed")));
    if (failed.len > 0) {
        struct str line = json_str(json_get(*answer, STR("line")));
        return err_set(err, ERR_RETRY, "whatsapp-web: the page's script '%s' failed: %.*s (%.*s)",
                       name, STR_ARG(failed), STR_ARG(line));
    }
    learn(reader, *answer);
    return true;
}

bool wa_call_pick(struct wa_reader *reader, struct wa_call *call, const char *name,
                  struct webdriver_element *element, struct err *err)
{
    struct webdriver_script script = {.code = code_of(call, "return pick(", name)};
    if (!args_end(call, &script.args, err)) {
        return false;
    }
    if (script.code.ptr == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: a script does not fit into memory");
    }
    return webdriver_pick(reader->options.driver, &script, call->deadline_ms, element, err);
}

/* ---- The canary ---- */

bool wa_reader_broken(struct wa_reader *reader, const char *why, int64_t deadline_ms,
                      struct arena *arena, struct err *err)
{
    struct wa_call call;
    const struct json_value *answer = NULL;
    struct err ignored = {0};
    arena_reset(&reader->health_text);
    reader->health.broken = true;
    reader->health.broke_on = str_of(why);
    reader->health.snapshot = (struct str){0};
    reader->newest_read = false;
    if (wa_call_begin(reader, &call, deadline_ms, arena, &ignored)) {
        json_field_int(&call.json, STR("most"), WA_SNAPSHOT_MAX);
        if (wa_call_run(reader, &call, "bones", 0, &answer, &ignored)) {
            struct str text = utf8_cut(json_str(answer), WA_SNAPSHOT_MAX);
            reader->health.snapshot = arena_copy(&reader->health_text, text);
        }
    }
    return err_set(err, ERR_RETRY,
                   "whatsapp-web: the page is not as the selectors say: %s; nothing of it is "
                   "taken. A newer file of selectors may help (option 'selectors')",
                   why);
}

static void healthy(struct wa_reader *reader)
{
    reader->health.broken = false;
    reader->health.broke_on = (struct str){0};
    reader->health.snapshot = (struct str){0};
}

/* ---- Rows ---- */

static bool need_chat(const struct wa_reader *reader, struct err *err)
{
    return reader->chat_open || err_set(err, ERR_RETRY, "whatsapp-web: no chat is open");
}

static void rows_begin(struct wa_reader *reader)
{
    struct wa_setting setting = {
        .locale = reader->options.locale.len > 0 ? reader->options.locale : reader->health.locale,
        .zone =
            zone_find(reader->options.zone.len > 0 ? reader->options.zone : reader->health.zone),
        .order = reader->options.order,
        .today = reader->today,
        .suffix_count = reader->suffix_count};
    memcpy(setting.suffixes, reader->suffixes, sizeof setting.suffixes);
    wa_rows_end(&reader->rows);
    wa_rows_begin(&reader->rows, &setting);
}

/* What every window goes through, whichever call brought it. */
static bool window_take(struct wa_reader *reader, const struct json_value *answer, bool begins,
                        int64_t deadline_ms, struct arena *arena, struct wa_window *window,
                        struct err *err)
{
    if (wa_answer_set(answer, STR("wrong"))) {
        reader->chat_open = false;
        return err_set(err, ERR_RETRY, "whatsapp-web: another chat is open now than was selected");
    }
    if (json_str(json_get(answer, STR("broken"))).len > 0) {
        return wa_reader_broken(reader, "the list of messages has no known name", deadline_ms,
                                arena, err);
    }
    if (wa_answer_set(answer, STR("lost"))) {
        reader->newest_read = false;
        return err_set(err, ERR_RETRY,
                       "whatsapp-web: the rows that were read last are no longer "
                       "in the page; it is read anew from the end of the chat");
    }
    reader->scrolled_ms = now_ms(reader) - wa_answer_int(answer, STR("since"));
    if (!wa_rows_settle(&reader->rows, json_get(answer, STR("rows")), begins, arena, window, err)) {
        return false;
    }
    const char *why = wa_canary_window(&reader->rows.signs, &reader->rows.ever,
                                       wa_answer_int(answer, STR("noid")));
    if (why != NULL) {
        *window = (struct wa_window){0};
        return wa_reader_broken(reader, why, deadline_ms, arena, err);
    }
    healthy(reader);
    window->counts.seen = wa_answer_int(answer, STR("seen"));
    reader->health.counts = window->counts;
    reader->health.pack =
        wa_packs_name(reader->options.packs, (size_t)wa_answer_int(answer, STR("pack")));
    return true;
}

/* What the page's database adds. A database that is another one than is thought adds nothing. */
static bool window_enrich(struct wa_reader *reader, int64_t deadline_ms, struct arena *arena,
                          struct wa_window *window, struct err *err)
{
    const struct json_value *answer = NULL;
    struct wa_call call;
    struct wa_row *rows = arena_array(arena, window->count + 1, sizeof *rows);
    if (!reader->options.enrich || window->count == 0) {
        return true;
    }
    if (rows == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: rows do not fit into memory");
    }
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_int(&call.json, STR("most"), WA_ENRICH_KEYS_MAX);
    if (reader->chat.len > 0) {
        json_field_str(&call.json, STR("chat"), reader->chat);
    }
    json_key(&call.json, STR("ids"));
    json_array_begin(&call.json);
    for (size_t i = 0; i < window->count; i++) {
        rows[i] = window->rows[i];
        json_put_str(&call.json, rows[i].id);
    }
    json_array_end(&call.json);
    if (!wa_call_run(reader, &call, "enrich", 0, &answer, err)) {
        bool usable = webdriver_fault(reader->options.driver) == WEBDRIVER_FINE;
        log_debug("whatsapp-web: the page's database: %s", err->text);
        return usable;
    }
    (void)wa_enrich_rows(rows, window->count, json_get(answer, STR("found")));
    struct str chat = json_str(json_get(answer, STR("chat")));
    reader->chat = keep(reader->chat_text, sizeof reader->chat_text, chat);
    window->rows = rows;
    return true;
}

static bool newest(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                   struct wa_window *window, struct err *err)
{
    struct wa_reader *reader = reader_of(page);
    const struct json_value *answer = NULL;
    struct wa_call call;
    *window = (struct wa_window){0};
    reader->newest_read = false;
    if (!need_chat(reader, err) || !wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_str(&call.json, STR("title"), reader->title);
    if (!wa_call_run(reader, &call, "newest", ROWS_ANSWER_MAX, &answer, err)) {
        return false;
    }
    rows_begin(reader);
    if (!window_take(reader, answer, false, deadline_ms, arena, window, err) ||
        !window_enrich(reader, deadline_ms, arena, window, err)) {
        return false;
    }
    window->stuck = window->count == 0;
    reader->newest_read = window->count > 0;
    reader->looks = 0;
    return true;
}

static bool older(struct wa_page *page, int64_t deadline_ms, struct arena *arena,
                  struct wa_window *window, struct err *err)
{
    struct wa_reader *reader = reader_of(page);
    const struct json_value *answer = NULL;
    struct wa_call call;
    struct str edge[WA_KEPT_ROWS];
    *window = (struct wa_window){0};
    if (!need_chat(reader, err)) {
        return false;
    }
    if (!reader->newest_read) {
        return newest(page, deadline_ms, arena, window, err);
    }
    if (!wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_str(&call.json, STR("title"), reader->title);
    json_field_int(&call.json, STR("most"), WA_STEP_ROWS_MAX);
    json_key(&call.json, STR("edge"));
    json_array_begin(&call.json);
    size_t count = wa_rows_edge(&reader->rows, edge);
    for (size_t i = 0; i < count; i++) {
        json_put_str(&call.json, edge[i]);
    }
    json_array_end(&call.json);
    wa_call_pace(reader, &call);
    if (!wa_call_run(reader, &call, "older", ROWS_ANSWER_MAX, &answer, err)) {
        return false;
    }
    bool stuck = wa_answer_set(answer, STR("stuck"));
    bool at_top = wa_answer_set(answer, STR("at_top"));
    int64_t banner = wa_answer_int(answer, STR("banner"));
    reader->looks = stuck && at_top ? reader->looks + 1 : 0;
    bool waited = reader->looks >= reader->options.top_looks;
    bool boundary = stuck && (banner == 2 || (banner == 1 && waited));
    bool top = waited && banner == 0;
    if (!window_take(reader, answer, top || boundary, deadline_ms, arena, window, err) ||
        !window_enrich(reader, deadline_ms, arena, window, err)) {
        return false;
    }
    window->stuck = stuck && !top && !boundary;
    window->top = top;
    window->boundary = boundary;
    return true;
}

/* ---- Pictures ---- */

/* By their first bytes; what a page or a name says of them proves nothing. */
static struct str extension_of(struct str bytes)
{
    static const struct {
        size_t at;
        struct str magic;
        struct str name;
    } kinds[] = {
        {0, STR_INIT("\x89PNG\r\n\x1a\n"), STR_INIT("png")},
        {0, STR_INIT("\xff\xd8\xff"), STR_INIT("jpg")},
        {0, STR_INIT("GIF8"), STR_INIT("gif")},
        {8, STR_INIT("WEBP"), STR_INIT("webp")},
        {4, STR_INIT("ftypavif"), STR_INIT("avif")},
        {4, STR_INIT("ftypheic"), STR_INIT("heic")},
        {4, STR_INIT("ftyp"), STR_INIT("mp4")},
        {0, STR_INIT("OggS"), STR_INIT("ogg")},
        {0, STR_INIT("%PDF-"), STR_INIT("pdf")},
        {0, STR_INIT("BM"), STR_INIT("bmp")},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (str_equal(str_slice(bytes, kinds[i].at, kinds[i].at + kinds[i].magic.len),
                      kinds[i].magic)) {
            return kinds[i].name;
        }
    }
    return STR("bin");
}

static bool picture_take(struct wa_reader *reader, const struct json_value *answer, size_t most,
                         struct arena *arena, struct str *bytes, struct err *err)
{
    int64_t large = wa_answer_int(answer, STR("large"));
    if (wa_answer_set(answer, STR("wrong"))) {
        reader->chat_open = false;
        return err_set(err, ERR_RETRY, "whatsapp-web: another chat is open now than was selected");
    }
    if (wa_answer_set(answer, STR("gone"))) {
        return err_set(err, ERR_REJECT, "whatsapp-web: the page does not have this picture");
    }
    if (large > 0) {
        return err_set(err, ERR_REJECT,
                       "whatsapp-web: the picture has %lld bytes, more than the %zu that are taken",
                       (long long)large, most);
    }
    if (!encode_from_base64(arena, json_str(json_get(answer, STR("data"))), bytes, err) ||
        bytes->len > most) {
        return err_set(err, ERR_RETRY, "whatsapp-web: the picture did not arrive whole");
    }
    return true;
}

static bool media(struct wa_page *page, const struct wa_row *row, size_t nth, size_t most,
                  int64_t deadline_ms, struct arena *arena, struct wa_media *picture,
                  struct err *err)
{
    struct wa_reader *reader = reader_of(page);
    const struct json_value *answer = NULL;
    struct wa_call call;
    size_t answer_max = most / 3 * 4 + ANSWER_SPARE;
    answer_max = answer_max < WEBDRIVER_ANSWER_LIMIT ? answer_max : WEBDRIVER_ANSWER_LIMIT;
    if (!need_chat(reader, err) || !wa_call_begin(reader, &call, deadline_ms, arena, err)) {
        return false;
    }
    json_field_str(&call.json, STR("title"), reader->title);
    json_field_str(&call.json, STR("id"), row->id);
    json_field_int(&call.json, STR("nth"), (int64_t)nth);
    json_field_int(&call.json, STR("most"), (int64_t)most);
    wa_call_pace(reader, &call);
    if (!wa_call_run(reader, &call, "media", answer_max, &answer, err) ||
        !picture_take(reader, answer, most, arena, &picture->bytes, err)) {
        return false;
    }
    picture->extension = extension_of(picture->bytes);
    return true;
}

/* ---- Life ---- */

static const struct wa_health *health(struct wa_page *page)
{
    return &reader_of(page)->health;
}

static const struct wa_page_type reader_type = {
    .list = wa_reader_list,
    .open = wa_reader_open_chat,
    .newest = newest,
    .older = older,
    .media = media,
    .health = health,
};

bool wa_reader_open(struct wa_reader **out, const struct wa_reader_options *options,
                    struct err *err)
{
    struct wa_reader *reader = mem_alloc(sizeof *reader);
    if (reader == NULL) {
        return err_set(err, ERR_RETRY, "whatsapp-web: out of memory");
    }
    reader->page.type = &reader_type;
    reader->options = *options;
    if (reader->options.step_ms <= 0) {
        reader->options.step_ms = WA_STEP_MS;
    }
    if (reader->options.top_looks <= 0) {
        reader->options.top_looks = WA_TOP_LOOKS;
    }
    arena_init(&reader->packs_text, WA_TITLES_ARENA_MAX);
    arena_init(&reader->health_text, WA_HEALTH_ARENA_MAX);
    arena_init(&reader->titles_text, WA_TITLES_ARENA_MAX);
    if (!packs_write(reader, err)) {
        wa_reader_close(reader);
        return false;
    }
    *out = reader;
    return true;
}

void wa_reader_close(struct wa_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    wa_rows_end(&reader->rows);
    arena_free(&reader->packs_text);
    arena_free(&reader->health_text);
    arena_free(&reader->titles_text);
    mem_free(reader);
}

struct wa_page *wa_reader_page(struct wa_reader *reader)
{
    return &reader->page;
}
