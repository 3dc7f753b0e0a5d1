/* Messages as they arrive, masked. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/message_view.h"
#include "store/archive.h"
#include "store/browse.h"

enum { TAP_LOOK_MS = 200, TAP_STEP_MAX = 200 };

struct tap {
    struct look *look;
    struct browse browse;
    struct message_privacy privacy;
    bool as_json;
    int64_t left; /* Messages to show before the end; below 0: no end. */
};

static void write_text(struct tap *tap, const struct message *message)
{
    struct look *look = tap->look;
    struct arena *arena = &look->arena;
    char time[SHOW_MAX];
    struct buf *out = &look->out;
    struct str chat = show_text(arena, look_chat_name(look, message->chat), tap->privacy.people);
    struct str sender =
        show_text(arena, message_sender(arena, message, tap->privacy.people), tap->privacy.people);
    struct str text = show_text(arena, message->text, tap->privacy.text);
    struct str head = arena_printf(arena, "%.*s  %.*s  %.*s",
                                   STR_ARG(show_time(&look->screen, message->sent_ms, time)),
                                   STR_ARG(chat), STR_ARG(sender));
    show_styled(out, &look->screen, SHOW_FAINT, head);
    buf_printf(out, "%s  %.*s\n",
               message->deleted        ? " (deleted)"
               : message->revision > 0 ? " (edited)"
                                       : "",
               STR_ARG(text));
}

/* False: standard output is gone, or enough was shown. */
static bool write_all(struct tap *tap, const struct message *items, size_t count)
{
    struct look *look = tap->look;
    for (size_t i = 0; i < count && tap->left != 0; i++) {
        if (tap->as_json) {
            struct json_writer json;
            json_writer_init(&json, &look->out);
            message_json(&json, look, &items[i], tap->privacy);
            buf_add_byte(&look->out, '\n');
        } else {
            write_text(tap, &items[i]);
        }
        tap->left -= tap->left > 0;
    }
    struct str text = buf_str(&look->out);
    bool ok = buf_ok(&look->out) && fwrite(text.ptr, 1, text.len, stdout) == text.len &&
              fflush(stdout) == 0;
    return ok && tap->left != 0;
}

/* One look: all that came since the last one. */
static bool look_once(struct tap *tap, bool *go_on, struct err *err)
{
    struct look *look = tap->look;
    struct message *items = NULL;
    size_t count = 0;
    int64_t head = 0;
    bool more = true;
    *go_on = true;
    if (!store_archive_head(look->store, &head, err)) {
        return false;
    }
    while (more && *go_on) {
        arena_reset(&look->arena);
        buf_init(&look->out, &look->arena, 4096);
        tap->browse.before_id = head + 1;
        if (!store_browse(look->store, &look->arena, &tap->browse, TAP_STEP_MAX, &items, &count,
                          &more, err)) {
            return false;
        }
        if (count > 0) {
            tap->browse.after_id = items[count - 1].id;
            *go_on = write_all(tap, items, count);
        }
    }
    if (*go_on && head > tap->browse.after_id) {
        tap->browse.after_id = head; /* What was filtered out is not looked at again. */
    }
    return true;
}

static bool follow(struct tap *tap, struct err *err)
{
    struct clock *clock = clock_system();
    bool go_on = true;
    bool changed = true;
    bool ok = true;
    for (;;) {
        ok = store_changed(tap->look->store, &changed, err);
        if (ok && changed) {
            ok = look_once(tap, &go_on, err);
        }
        if (!ok || !go_on) {
            return ok;
        }
        clock->sleep_until(clock, clock_mono_ms(clock) + TAP_LOOK_MS);
    }
}

/* The last ones first, if they were asked for; then from the head on. */
static bool begin(struct tap *tap, int64_t last, bool *go_on, struct err *err)
{
    struct look *look = tap->look;
    struct message *items = NULL;
    size_t count = 0;
    bool more = false;
    *go_on = true;
    if (last == 0) {
        return store_archive_head(look->store, &tap->browse.after_id, err);
    }
    struct browse newest = tap->browse;
    newest.oldest_first = false;
    if (!store_archive_head(look->store, &tap->browse.after_id, err) ||
        !store_browse(look->store, &look->arena, &newest, (size_t)last, &items, &count, &more,
                      err)) {
        return false;
    }
    for (size_t i = 0; i < count / 2; i++) {
        struct message other = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = other;
    }
    *go_on = count == 0 || write_all(tap, items, count);
    return true;
}

static int run(struct cli *cli, struct tap *tap, int64_t last)
{
    struct look *look = tap->look;
    struct err err = {0};
    bool go_on = true;
    if (look->store == NULL) {
        cli_say("nothing has run here yet: there is no %.*s", STR_ARG(look->path));
        return look_end(look, true, &err);
    }
    if (tap->left < 0 && !cli->plain) {
        cli_say("waiting for messages; Ctrl-C ends");
    }
    bool ok = begin(tap, last, &go_on, &err) && (!go_on || tap->left == 0 || follow(tap, &err));
    arena_reset(&look->arena);
    buf_init(&look->out, &look->arena, 64);
    return look_end(look, ok, &err);
}

int cli_tap(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct tap tap = {.look = &look, .as_json = cli->json, .left = -1};
    int64_t last = 0;
    int code = cli_number(cli, "--last", 0, TAP_STEP_MAX, &last);
    code = code == CLI_OK ? cli_number(cli, "--count", 1, INT64_MAX, &tap.left) : code;
    if (code != CLI_OK) {
        return code;
    }
    code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    (void)look_configured(&look, cli);
    bool people = cli_given(cli, "--show-people");
    tap.privacy = (struct message_privacy){.text = people ? SHOW_PEOPLE : SHOW_MASKED,
                                           .people = people ? SHOW_PEOPLE : SHOW_MASKED};
    tap.browse = (struct browse){.source = cli_value(cli, "--source"),
                                 .chat = look_chat_id(&look, cli_value(cli, "--chat")),
                                 .oldest_first = true,
                                 .revisions = true};
    return run(cli, &tap, last);
}
