#include "cli/browser.h"

#include "config/nearest.h"
#include "model/source.h"
#include "store/archive.h"

static const struct {
    const char *state;
    const char *words;
    bool pair;
} states[] = {
    {"ready", "logged in, its chats can be read", false},
    {"restricted", "WhatsApp restricts this account", false},
    {"code", "not logged in: a code is to be scanned", true},
    {"code-expired", "not logged in: its code went stale", true},
    {"taken-over", "open elsewhere: the session was taken over", true},
    {"storage-broken", "the profile lost a part of the login", true},
    {"unsupported", "WhatsApp refuses this browser", false},
    {"offline", "the browser has no connection", false},
    {"booting", "the page is loading", false},
    {"pairing", "a code is being made", false},
    {"no-browser", "no browser can be had", false},
    {"browser-busy", "the browser server has no place free", false},
    {"locked", "the browser does not start: is the profile in use?", false},
    {"no-page", "the browser cannot reach the page", false},
    {"strange", "the page shows nothing that sluice knows", false},
    {"unknown", "nothing is known yet", false},
};

static size_t state_at(struct str state)
{
    size_t count = sizeof states / sizeof states[0];
    size_t at = 0;
    while (at + 1 < count && !str_equal(state, str_of(states[at].state))) {
        at++;
    }
    return at; /* The last for what is none of them. */
}

const char *browser_words(struct str state)
{
    return states[state_at(state)].words;
}

bool browser_wants_pair(struct str state)
{
    return state.len == 0 || states[state_at(state)].pair;
}

struct str browser_state_name(const struct browser_state *state)
{
    return state->state.len > 0 ? state->state : STR("unknown");
}

bool browser_is_ready(const struct browser_state *state)
{
    return str_equal(state->state, STR("ready")) || str_equal(state->state, STR("restricted"));
}

bool browser_has(const struct plan_source *source)
{
    return source->source->type->connector.attend != NULL;
}

int browser_pick(const struct cli *cli, const struct plan *plan, struct str name,
                 const struct plan_source **out)
{
    const struct plan_source *found = NULL;
    struct nearest nearest;
    size_t count = 0;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < plan->source_count; i++) {
        const struct plan_source *source = &plan->sources[i];
        if (!browser_has(source)) {
            continue;
        }
        nearest_try(&nearest, source->name);
        count++;
        found = name.len == 0 || str_equal(source->name, name) ? source : found;
    }
    *out = found;
    if (count == 0) {
        return cli_misused(cli, "no source of this configuration is one that is logged in with a "
                                "code (kind whatsapp-web)");
    }
    if (found == NULL) {
        return cli_misused(cli, "there is no source '%.*s' that is logged in with a code%s",
                           STR_ARG(name), nearest_hint(&nearest));
    }
    if (name.len == 0 && count > 1) {
        return cli_misused(cli, "there are %zu sources that are logged in with a code: name one",
                           count);
    }
    return CLI_OK;
}

static void take(struct browser_state *state, const struct json_value *note)
{
    const struct json_value *commands = json_get(note, STR("commands"));
    state->state = json_str(json_get(note, STR("state")));
    (void)json_int(json_get(note, STR("since_ms")), &state->since_ms);
    (void)json_int(json_get(note, STR("seen_ms")), &state->seen_ms);
    (void)json_int(json_get(note, STR("ready_ms")), &state->ready_ms);
    (void)json_int(json_get(note, STR("opened_ms")), &state->opened_ms);
    (void)json_int(json_get(note, STR("memory")), &state->memory);
    (void)json_bool(json_get(note, STR("telephone_off")), &state->telephone_off);
    state->browser = json_str(json_get(note, STR("browser")));
    state->locale = json_str(json_get(note, STR("locale")));
    state->zone = json_str(json_get(note, STR("zone")));
    state->selectors = json_str(json_get(note, STR("selectors")));
    state->commands = json_kind(commands) == JSON_OBJECT ? commands : NULL;
}

bool browser_read(struct store *store, struct arena *arena, struct str source,
                  struct browser_state *state, struct err *err)
{
    struct str text = {0};
    const struct json_value *note = NULL;
    struct err ignored = {0};
    *state = (struct browser_state){0};
    if (store == NULL) {
        return true;
    }
    if (!store_keep_get(store, arena, source, STR("session"), &text, err)) {
        return false;
    }
    if (text.len > 0 && json_parse(arena, text, NULL, &note, &ignored)) {
        take(state, note);
    }
    return true;
}
