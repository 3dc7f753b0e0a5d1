/* What is said, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "serve/channel.h"
#include "text/datetime.h"

static const struct {
    const char *what;
    const char *is;
    const char *todo; /* "%s": the name of the part. */
} known[] = {
    {"session_expired", "needs a person",
     "Run `sluice pair %s`, and scan the code with the phone."},
    {"no_good_look", "cannot be read any more",
     "`sluice status` and `sluice check --connect` say why; nothing is lost, it goes on where it "
     "stopped."},
    {"look_failed", "could not be read the last time",
     "It is tried again by itself; `sluice status` says why."},
    {"gap", "has a gap: messages are missing",
     "`sluice gaps` says which; `sluice backfill %s` reads them once more."},
    {"silent", "is silent for longer than usual",
     "Is the phone online, and does somebody write there? `sluice status` says when it was read "
     "last."},
    {"chat_silent", "has chats that are silent for longer than usual",
     "The details of /health name them."},
    {"records_wait", "takes no records",
     "They wait and are not lost. `sluice status` and `sluice check --connect` say why."},
    {"not_ready", "is not ready", "`sluice check --connect` says what it lacks."},
    {"tried_again", "refuses records for now",
     "They are tried again by themselves; `sluice status` says why."},
    {"dead_letters", "refused records for good",
     "`sluice dlq list` shows them; `sluice dlq retry` tries them once more."},
    {"run_failed", "failed in its last run", "`sluice runs` says why."},
    {"run_partial", "did only a part in its last run", "`sluice runs` says why."},
    {"backup_failed", "could not be made or did not stand its test",
     "The log says why; the older ones are kept. `sluice backup` makes one now."},
    {"backup_missing", "is overdue", "The log says why; `sluice backup` makes one now."},
    {"disk_low", "has little room left on its disk",
     "Make room, or shorten `keep:`; when it is full nothing is taken in, and nothing is lost."},
    {"test", "is only a test", "Nothing has to be done."},
};

enum { KNOWN = sizeof known / sizeof known[0] };

static size_t which(const char *what)
{
    size_t at = 0;
    while (at < KNOWN && strcmp(known[at].what, what) != 0) {
        at++;
    }
    return at;
}

void letter_make(struct letter *letter, const struct alert *alert, enum alert_news news,
                 bool details, int64_t now_ms)
{
    *letter = (struct letter){.alert = alert, .news = news, .details = details, .now_ms = now_ms};
    (void)snprintf(letter->id, sizeof letter->id, "alert-%016" PRIx64 "-%" PRId64 "-%s",
                   str_hash(str_of(alert->key), 0), alert->fired_ms / 1000,
                   news == ALERT_OVER ? "over" : "firing");
}

struct str letter_title(const struct letter *letter, struct arena *arena)
{
    const struct alert *alert = letter->alert;
    size_t at = which(alert->what);
    if (letter->news == ALERT_OVER) {
        return arena_printf(arena, "sluice: %s %s is well again (%s)", alert->part, alert->name,
                            alert->what);
    }
    return arena_printf(arena, "sluice: %s %s %s (%s)", alert->part, alert->name,
                        at < KNOWN ? known[at].is : "needs a look", alert->what);
}

static void put_todo(struct buf *out, const char *todo, const char *name)
{
    const char *hole = strstr(todo, "%s");
    if (hole == NULL) {
        buf_add(out, str_of(todo));
    } else {
        buf_printf(out, "%.*s%s%s", (int)(hole - todo), todo, name, hole + 2);
    }
}

struct str letter_text(const struct letter *letter, struct arena *arena)
{
    const struct alert *alert = letter->alert;
    char since[DATETIME_TEXT_MAX];
    char gone[DATETIME_TEXT_MAX];
    struct buf out;
    size_t at = which(alert->what);
    buf_init(&out, arena, 512);
    buf_printf(&out, "%s %s %s, since %.*s.", alert->part, alert->name,
               letter->news == ALERT_OVER ? "is well again: it was not"
               : at < KNOWN               ? known[at].is
                                          : "needs a look",
               STR_ARG(datetime_format_iso(alert->since_ms, since)));
    if (letter->news == ALERT_OVER) {
        buf_printf(&out, " It is since %.*s.", STR_ARG(datetime_format_iso(alert->gone_ms, gone)));
    } else if (at < KNOWN) {
        buf_add(&out, STR("\n"));
        put_todo(&out, known[at].todo, alert->name);
    }
    if (letter->details && letter->news == ALERT_FIRING && alert->words[0] != '\0') {
        buf_printf(&out, "\n\n%s", alert->words);
    }
    buf_add_byte(&out, '\n');
    return buf_str(&out);
}
