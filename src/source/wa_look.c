#include "source/wa_look.h"

#include <string.h>

#include "base/buf.h"
#include "source/wa_data.h"
#include "text/json.h"

enum { LOOK_ARENA = 1024 * 1024, LOOK_ANSWER_MAX = 64 * 1024 };

static const char *const names[WA_STATES] = {
    [WA_UNKNOWN] = "unknown",
    [WA_BOOTING] = "booting",
    [WA_PAIRING] = "pairing",
    [WA_CODE] = "code",
    [WA_CODE_EXPIRED] = "code-expired",
    [WA_READY] = "ready",
    [WA_RESTRICTED] = "restricted",
    [WA_OFFLINE] = "offline",
    [WA_TAKEN_OVER] = "taken-over",
    [WA_UNSUPPORTED] = "unsupported",
    [WA_STORAGE_BROKEN] = "storage-broken",
    [WA_NO_BROWSER] = "no-browser",
    [WA_BROWSER_BUSY] = "browser-busy",
    [WA_LOCKED] = "locked",
    [WA_NO_PAGE] = "no-page",
    [WA_STRANGE] = "strange",
};

const char *wa_state_name(enum wa_state state)
{
    return state < WA_STATES ? names[state] : names[WA_UNKNOWN];
}

enum wa_state wa_state_of(struct str name)
{
    for (int i = 0; i < WA_STATES; i++) {
        if (str_equal(name, str_of(names[i]))) {
            return (enum wa_state)i;
        }
    }
    return WA_UNKNOWN;
}

static struct webdriver_script script_of(struct arena *arena, const char *asked, struct str packs,
                                         bool with_code)
{
    struct buf args;
    struct json_writer json;
    buf_init(&args, arena, packs.len + 64);
    json_writer_init(&json, &args);
    json_array_begin(&json);
    json_put_str(&json, str_of(asked));
    json_put_raw(&json, packs);
    json_put_bool(&json, with_code);
    json_array_end(&json);
    json_writer_done(&json);
    return (struct webdriver_script){.code = wa_data_find(STR("wa_look.js")),
                                     .args = buf_str(&args),
                                     .answer_max = LOOK_ANSWER_MAX};
}

/* What is longer than it may be is not cut, it is left out. */
static void take_text(char *out, size_t size, const struct json_value *value)
{
    struct str text = json_str(value);
    memset(out, 0, size);
    if (text.len > 0 && text.len < size) {
        memcpy(out, text.ptr, text.len);
    }
}

static void take_flag(bool *flag, const struct json_value *value)
{
    *flag = false;
    (void)json_bool(value, flag);
}

static void take_look(struct wa_look *look, const struct json_value *told)
{
    look->state = wa_state_of(json_str(json_get(told, STR("state"))));
    take_flag(&look->chats, json_get(told, STR("chats")));
    take_flag(&look->promo, json_get(told, STR("promo")));
    take_flag(&look->dialog, json_get(told, STR("dialog")));
    take_flag(&look->takeover_words, json_get(told, STR("takeover")));
    take_flag(&look->telephone_off, json_get(told, STR("telephone")));
    take_text(look->pack, sizeof look->pack, json_get(told, STR("pack")));
    take_text(look->locale, sizeof look->locale, json_get(told, STR("locale")));
    take_text(look->zone, sizeof look->zone, json_get(told, STR("zone")));
    take_text(look->code, sizeof look->code, json_get(told, STR("code")));
}

bool wa_look_at(struct webdriver *driver, struct str packs, bool with_code, int64_t deadline_ms,
                struct wa_look *look, struct err *err)
{
    struct arena arena;
    const struct json_value *told = NULL;
    arena_init(&arena, LOOK_ARENA);
    struct webdriver_script script = script_of(&arena, "look", packs, with_code);
    bool ok = webdriver_run(driver, &script, deadline_ms, &arena, &told, err);
    if (ok) {
        take_look(look, told);
    }
    arena_wipe(&arena);
    arena_free(&arena);
    return ok;
}

bool wa_look_click(struct webdriver *driver, struct str packs, enum wa_button button,
                   int64_t deadline_ms, struct err *err)
{
    static const char *const buttons[] = {
        [WA_BUTTON_RENEW] = "renew",
        [WA_BUTTON_PROMO] = "promo",
        [WA_BUTTON_TAKEOVER] = "takeover",
    };
    struct arena arena;
    struct webdriver_element element;
    arena_init(&arena, LOOK_ARENA);
    struct webdriver_script script = script_of(&arena, buttons[button], packs, false);
    bool ok = webdriver_pick(driver, &script, deadline_ms, &element, err) &&
              webdriver_click(driver, &element, deadline_ms, err);
    arena_free(&arena);
    return ok;
}
