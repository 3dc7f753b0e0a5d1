#include "source/whatsapp_web.h"

#include <inttypes.h>

#include "base/buf.h"
#include "source/wa_pack.h"
#include "source/wa_reader.h"
#include "source/wa_session.h"
#include "source/wa_sweep.h"
#include "text/json.h"

enum {
    PICTURE_MAX = 32 * 1024 * 1024, /* The browser's answers hold no larger one. */
    SPOOL_MAX = 512 * 1024 * 1024,
    KEEP_ARENA = 4096,
    PACE_MORE = 5, /* Of two: the longest pause is 2.5 times the shortest. */
};

struct whatsapp_web {
    struct source source; /* First. */

    /* Options. */
    struct wa_session_options browser;
    struct str selectors;
    struct str locale;
    struct str zone;
    int order;
    int64_t lookback_ms;
    int64_t first_look;
    int64_t pace_ms;
    int64_t steps;
    int64_t messages;
    int64_t overlap;
    int64_t revisit_ms;
    bool pictures;
    int64_t picture_max;
    bool system;
    bool search;
    bool enrich;

    /* From open to close. */
    struct wa_packs *boot_packs; /* Each of the two notes by itself when a file has changed. */
    struct wa_packs *page_packs;
    struct wa_session *session;
    struct wa_reader *reader; /* NULL before the first page. */
    struct wa_spool spool;
    struct wa_sweep sweep;
    bool swept; /* `sweep` was begun. */
    uint64_t browser_print;
    bool told_known;
    uint64_t told_broken; /* What the last event about the page said; 0: that it is well. */
};

static const char *const orders[] = {"auto", "day-first", "month-first", NULL};

static const struct option options[] = {
    WA_SESSION_OPTIONS(struct whatsapp_web, browser),
    OPTION_PATH(struct whatsapp_web, selectors, "selectors", NULL,
                "Folder with files of selectors that are tried before those of the program."),
    OPTION_TEXT(struct whatsapp_web, locale, "locale", NULL,
                "Language of the page, such as he-IL; by default the page's own word counts."),
    OPTION_ZONE(struct whatsapp_web, zone, "zone", NULL,
                "Where the browser's clock stands; by default what the browser says."),
    OPTION_CHOICE(struct whatsapp_web, order, "dates", "auto", orders,
                  "Which number of a date is the day. By default the page's language says; where "
                  "that is not certain, a date is refused and not guessed."),
    OPTION_DURATION(struct whatsapp_web, lookback_ms, "lookback", "30d",
                    "How far back the first look at a chat goes."),
    OPTION_INT(struct whatsapp_web, first_look, "first_look", "0", 0, 100000,
               "The first look at a chat takes only its newest so many messages, whatever their "
               "age; 0: as far back as `lookback`."),
    OPTION_DURATION(struct whatsapp_web, pace_ms, "pace", "400ms",
                    "The shortest pause between two scroll steps; the longest is 2.5 times that."),
    OPTION_INT(struct whatsapp_web, steps, "steps", "300", 1, 100000,
               "Scroll steps in one chat in one look at most; what is left then is a gap, and the "
               "next look goes on with it."),
    OPTION_INT(struct whatsapp_web, messages, "messages", "20000", 10, 200000,
               "Messages of one chat in one look at most; as with `steps`."),
    OPTION_INT(struct whatsapp_web, overlap, "overlap", "60", 4, WA_KNOWN_MAX,
               "Messages at the end of a chat that are remembered: they prove that nothing is "
               "missing, and are looked at again for edits and deletions."),
    OPTION_DURATION(struct whatsapp_web, revisit_ms, "revisit", "1h",
                    "How often a chat in which nothing new came is opened all the same, for edits "
                    "and deletions."),
    OPTION_BOOL(struct whatsapp_web, pictures, "media", "true",
                "Keep the pictures, as files named by their content."),
    OPTION_SIZE(struct whatsapp_web, picture_max, "media_max", "16MiB",
                "Larger pictures are left out, and counted in `extra`; at most 32MiB."),
    OPTION_BOOL(struct whatsapp_web, system, "system_rows", "false",
                "Also keep what nobody wrote: that somebody joined, that numbers changed."),
    OPTION_BOOL(struct whatsapp_web, search, "search", "true",
                "Type a chat's title into the page's search box when the list does not show it."),
    OPTION_BOOL(struct whatsapp_web, enrich, "enrich", "false",
                "Also ask the page's own database, only read, for the second in which a message "
                "was sent and its author's address (`jid` in `extra`)."),
    OPTION_END,
};

static struct whatsapp_web *web_of(struct connector *connector)
{
    return (struct whatsapp_web *)(void *)connector; /* The connector is its first member. */
}

static void web_check(const struct connector *connector, struct report *report)
{
    const struct whatsapp_web *web = (const struct whatsapp_web *)(const void *)connector;
    wa_session_check(&web->browser, report);
    if (web->picture_max > PICTURE_MAX) {
        report->fault(report, "media_max", 0, "a picture may have at most 32MiB");
    }
}

static void web_close(struct connector *connector)
{
    struct whatsapp_web *web = web_of(connector);
    if (web->swept) {
        wa_sweep_free(&web->sweep);
    }
    wa_spool_clear(&web->spool);
    wa_reader_close(web->reader);
    wa_session_close(web->session);
    wa_packs_close(web->boot_packs);
    wa_packs_close(web->page_packs);
    web->swept = false;
    web->reader = NULL;
    web->session = NULL;
    web->boot_packs = NULL;
    web->page_packs = NULL;
}

static bool web_open(struct connector *connector, struct err *err)
{
    struct whatsapp_web *web = web_of(connector);
    web->told_known = false;
    web->browser_print = 0;
    wa_spool_init(&web->spool, connector->env.data_dir, SPOOL_MAX);
    if (!wa_packs_open(&web->boot_packs, web->selectors, err) ||
        !wa_packs_open(&web->page_packs, web->selectors, err) ||
        !wa_session_open(&web->session, connector, &web->browser, web->boot_packs, err)) {
        web_close(connector);
        return false;
    }
    return true;
}

/* ---- A fetch ---- */

static bool begin_reading(struct whatsapp_web *web, struct err *err)
{
    const struct connector_env *env = &web->source.connector.env;
    struct wa_reader_options reader = {.driver = wa_session_driver(web->session),
                                       .packs = web->page_packs,
                                       .clock = env->clock,
                                       .rng = env->rng,
                                       .locale = web->locale,
                                       .zone = web->zone,
                                       .order = (enum pagestamp_order)web->order,
                                       .pace_least_ms = web->pace_ms,
                                       .pace_most_ms = web->pace_ms * PACE_MORE / 2,
                                       .enrich = web->enrich,
                                       .never_search = !web->search};
    if (!wa_reader_open(&web->reader, &reader, err)) {
        return false;
    }
    struct wa_visit_env visit = {
        .page = wa_reader_page(web->reader),
        .limits = {.steps = web->steps,
                   .messages = web->messages,
                   .watch = web->overlap,
                   .pictures = web->pictures,
                   .picture_max = web->picture_max < PICTURE_MAX ? web->picture_max : PICTURE_MAX,
                   .system = web->system},
        .clock = env->clock,
        .rng = env->rng,
        .spool = &web->spool,
        .stopping = env->stopping,
        .stopping_context = env->stopping_context};
    struct wa_sweep_options sweep = {.lookback_ms = web->lookback_ms,
                                     .first_rows = web->first_look,
                                     .revisit_ms = web->revisit_ms};
    wa_sweep_init(&web->sweep, &visit, &sweep);
    web->swept = true;
    return true;
}

/* Another browser than that of the last fetch shows another page. */
static void see_browser(struct whatsapp_web *web)
{
    struct str name = webdriver_session(wa_session_driver(web->session));
    uint64_t print = name.len > 0 ? str_hash(name, 1) : 0;
    if (print != web->browser_print || print == 0) {
        wa_sweep_lost(&web->sweep);
    }
    web->browser_print = print;
}

/* What an earlier process told of the page, so that a restart does not tell it again. */
static bool know_told(struct whatsapp_web *web, struct err *err)
{
    struct keep *keep = web->source.connector.env.keep;
    struct arena arena;
    struct str value = {0};
    int64_t told = 0;
    if (web->told_known || keep == NULL) {
        return true;
    }
    arena_init(&arena, KEEP_ARENA);
    bool ok = keep->get(keep, STR("broken"), &arena, &value, err);
    web->told_broken = ok && str_to_int64(value, &told) ? (uint64_t)told : 0;
    web->told_known = ok;
    arena_free(&arena);
    return ok;
}

static void put_counts(struct json_writer *json, const struct wa_counts *counts)
{
    json_key(json, STR("rows"));
    json_object_begin(json);
    json_field_int(json, STR("seen"), counts->seen);
    json_field_int(json, STR("hydrated"), counts->hydrated);
    json_field_int(json, STR("with_id"), counts->with_id);
    json_field_int(json, STR("with_text"), counts->with_text);
    json_field_int(json, STR("with_time"), counts->with_time);
    json_field_int(json, STR("with_direction"), counts->with_direction);
    json_object_end(json);
}

/* The page broke, or is well again: one event for each, and none for every look. */
static bool tell_health(struct whatsapp_web *web, struct batch *batch, struct err *err)
{
    const struct wa_health *health = wa_page_health(wa_reader_page(web->reader));
    struct buf buf;
    struct json_writer json;
    uint64_t print = health->broken ? str_hash(health->broke_on, 1) >> 1 | 1 : 0;
    if (print == web->told_broken) {
        return true;
    }
    buf_init(&buf, batch->arena, health->snapshot.len + 1024);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("state"), health->broken ? STR("broken") : STR("well"));
    if (health->broken) {
        json_field_str(&json, STR("why"), health->broke_on);
    }
    json_field_str(&json, STR("selectors"), health->pack);
    json_field_str(&json, STR("locale"), health->locale);
    json_field_str(&json, STR("zone"), health->zone);
    put_counts(&json, &health->counts);
    if (health->broken) {
        json_field_str(&json, STR("page"), health->snapshot);
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct str told = arena_printf(batch->arena, "%" PRIu64, print);
    if (!buf_ok(&buf) || told.ptr == NULL ||
        !batch_event(batch, (struct event){.kind = STR("snapshot"), .detail = buf_str(&buf)}) ||
        !batch_note(batch, STR("broken"), told)) {
        return err_set(err, ERR_RETRY, "out of memory for an event");
    }
    web->told_broken = print;
    return true;
}

static bool web_fetch(struct source *source, struct batch *batch, int64_t deadline_ms,
                      struct err *err)
{
    struct whatsapp_web *web = web_of(&source->connector);
    struct err other = {0};
    if (batch->chat_count == 0) {
        return true;
    }
    if (!know_told(web, err) || !wa_session_ready(web->session, deadline_ms, batch, err) ||
        (web->reader == NULL && !begin_reading(web, err))) {
        return false;
    }
    see_browser(web);
    wa_session_hold(web->session, true);
    bool ok = wa_sweep_fetch(&web->sweep, batch, deadline_ms, err);
    if (!ok && !webdriver_alive(wa_session_driver(web->session))) {
        wa_sweep_lost(&web->sweep);
    }
    wa_session_hold(web->session, ok && batch->more);
    if (!tell_health(web, batch, &other)) {
        *err = ok ? other : *err;
        return false;
    }
    return ok || err_prefix(err, "source %.*s: ", STR_ARG(source->connector.name));
}

static bool web_changed(struct source *source)
{
    return wa_session_glance(web_of(&source->connector)->session);
}

static bool web_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                      struct err *err)
{
    return wa_session_probe(web_of(connector)->session, deadline_ms, found, err);
}

static bool web_attend(struct connector *connector, int64_t deadline_ms, struct err *err)
{
    return wa_session_attend(web_of(connector)->session, deadline_ms, err);
}

const struct source_type source_whatsapp_web = {
    .connector =
        {
            .kind = "whatsapp-web",
            .summary = "Chats of WhatsApp Web, read in a browser and never written to.",
            .options = options,
            .size = sizeof(struct whatsapp_web),
            .check = web_check,
            .open = web_open,
            .probe = web_probe,
            .attend = web_attend,
            .close = web_close,
        },
    .fetch = web_fetch,
    .changed = web_changed,
};
