/* session: what is known of the browsers that sources live in, and of their logins. */
#include <inttypes.h>

#include "cli/browser.h"
#include "cli/look.h"

struct listing {
    struct look *look;
    const struct plan_source *source;
    struct browser_state state;
    bool served;
};

/* A command that helps; absent: none is needed. */
static struct str next_of(struct listing *one)
{
    struct arena *arena = &one->look->arena;
    struct str name = one->source->name;
    struct str state = one->state.state;
    if (browser_wants_pair(state) && !str_equal(state, STR("storage-broken"))) {
        return arena_printf(arena, "sluice pair %.*s", STR_ARG(name));
    }
    return browser_is_ready(&one->state) ? (struct str){0} : STR("sluice check --connect");
}

/* ---- For programs ---- */

static void put_commands(struct json_writer *json, const struct json_value *commands)
{
    json_key(json, STR("commands"));
    if (commands != NULL) {
        json_put_value(json, commands);
    } else {
        json_object_begin(json);
        json_object_end(json);
    }
}

static void put_number(struct json_writer *json, struct str key, int64_t value)
{
    json_key(json, key);
    if (value > 0) {
        json_put_int(json, value);
    } else {
        json_put_null(json);
    }
}

static void put_json(struct listing *one, struct json_writer *json)
{
    const struct browser_state *state = &one->state;
    json_object_begin(json);
    json_field_str(json, STR("source"), one->source->name);
    json_field_str(json, STR("kind"), str_of(one->source->source->type->connector.kind));
    json_field_str(json, STR("state"), browser_state_name(state));
    json_field_str(json, STR("words"), str_of(browser_words(state->state)));
    json_field_bool(json, STR("ready"), browser_is_ready(state));
    show_json_time(json, STR("since"), state->since_ms);
    show_json_time(json, STR("seen_at"), state->seen_ms);
    show_json_time(json, STR("ready_at"), state->ready_ms);
    show_json_time(json, STR("opened_at"), state->opened_ms);
    show_json_text(json, STR("browser"), state->browser);
    put_number(json, STR("memory"), state->memory);
    show_json_text(json, STR("locale"), state->locale);
    show_json_text(json, STR("zone"), state->zone);
    show_json_text(json, STR("selectors"), state->selectors);
    json_field_bool(json, STR("telephone_off"), state->telephone_off);
    put_commands(json, state->commands);
    show_json_text(json, STR("next"), next_of(one));
    json_object_end(json);
}

/* ---- For people ---- */

static void line(struct listing *one, const char *label, struct str value)
{
    if (value.len > 0) {
        buf_printf(&one->look->out, "  %-10s %.*s\n", label, STR_ARG(value));
    }
}

static struct str commands_of(struct listing *one)
{
    struct json_iter iter;
    struct str key = {0};
    const struct json_value *value = NULL;
    struct buf out;
    char text[SHOW_MAX];
    buf_init(&out, &one->look->arena, 128);
    json_iter_init(&iter, one->state.commands);
    while (json_next(&iter, &key, &value)) {
        int64_t times = 0;
        (void)json_int(value, &times);
        buf_printf(&out, "%s%.*s %.*s", buf_str(&out).len > 0 ? ", " : "", STR_ARG(key),
                   STR_ARG(show_count(times, text)));
    }
    return buf_str(&out);
}

static void put_text(struct listing *one)
{
    struct look *look = one->look;
    struct arena *arena = &look->arena;
    const struct browser_state *state = &one->state;
    char text[SHOW_MAX];
    char more[SHOW_MAX];
    buf_printf(&look->out, "%.*s: ", STR_ARG(one->source->name));
    show_styled(&look->out, &look->screen, browser_is_ready(state) ? SHOW_GOOD : SHOW_BAD,
                browser_state_name(state));
    buf_printf(&look->out, ", %s\n", browser_words(state->state));
    if (state->since_ms > 0) {
        line(one, "since",
             arena_printf(arena, "%.*s (%.*s)",
                          STR_ARG(show_time(&look->screen, state->since_ms, text)),
                          STR_ARG(show_age(&look->screen, state->since_ms, more))));
        line(one, "seen", show_age(&look->screen, state->seen_ms, text));
    }
    if (state->browser.len > 0) {
        struct str open =
            state->opened_ms > 0
                ? arena_printf(arena, "open since %.*s",
                               STR_ARG(show_time(&look->screen, state->opened_ms, text)))
                : STR("not open now");
        line(one, "browser",
             arena_printf(arena, "%.*s, %.*s%s%.*s", STR_ARG(state->browser), STR_ARG(open),
                          state->memory > 0 ? ", its page takes " : "",
                          STR_ARG(state->memory > 0 ? show_size(state->memory, more) : STR(""))));
    }
    if (state->locale.len + state->zone.len > 0) {
        line(one, "page",
             arena_printf(arena, "%.*s, %.*s, selectors %.*s", STR_ARG(state->locale),
                          STR_ARG(state->zone),
                          STR_ARG(state->selectors.len > 0 ? state->selectors : STR("none"))));
    }
    line(one, "telephone", state->telephone_off ? STR("not reached, as the page says") : STR(""));
    line(one, "commands", commands_of(one));
    line(one, "next", next_of(one));
}

static bool list(struct look *look, bool as_json, struct str name, struct err *err)
{
    const struct plan *plan = &look->config.plan;
    struct json_writer json;
    json_writer_init(&json, &look->out);
    if (as_json) {
        json_object_begin(&json);
        json_key(&json, STR("sessions"));
        json_array_begin(&json);
    }
    for (size_t i = 0; i < plan->source_count; i++) {
        struct listing one = {.look = look, .source = &plan->sources[i]};
        if (!browser_has(one.source) || (name.len > 0 && !str_equal(one.source->name, name))) {
            continue;
        }
        if (!browser_read(look->store, &look->arena, one.source->name, &one.state, err)) {
            return false;
        }
        if (as_json) {
            put_json(&one, &json);
        } else {
            put_text(&one);
        }
    }
    if (as_json) {
        json_array_end(&json);
        json_object_end(&json);
        json_writer_done(&json);
        buf_add_byte(&look->out, '\n');
    }
    return true;
}

int cli_session(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    const struct plan_source *source = NULL;
    struct str name = cli->word_count > 0 ? cli->words[0] : (struct str){0};
    int code = look_begin_configured(&look, cli);
    if (code == CLI_OK && name.len > 0) {
        code = browser_pick(cli, &look.config.plan, name, &source);
    }
    bool ok = code != CLI_OK || list(&look, cli->json, name, &err);
    if (code == CLI_OK && ok && !cli->json && buf_str(&look.out).len == 0) {
        cli_say("no source of this configuration lives in a browser (kind whatsapp-web)");
    }
    int end = look_end(&look, ok, &err);
    return code != CLI_OK ? code : end;
}
