#include "source/wa_canary.h"

#include <stdbool.h>
#include <stddef.h>

/* More than half, and not just one or two. */
static bool most(int64_t some, int64_t all)
{
    return some >= WA_STRANGE_MIN && 2 * some > all;
}

/* None at all since the chat was opened, or none of several in this window. */
static bool none(int64_t now, int64_t now_all, int64_t ever, int64_t ever_all)
{
    return (ever == 0 && ever_all > 0) || (now == 0 && now_all >= WA_STRANGE_MIN);
}

static const char *bodies(const struct wa_signs *now, const struct wa_signs *ever)
{
    if (none(now->with_id, now->rows, ever->with_id, ever->rows) ||
        most(now->rows - now->with_id, now->rows)) {
        return "rows have no ids that could be one";
    }
    if (none(now->contained, now->rows, ever->contained, ever->rows) ||
        most(now->rows - now->contained, now->rows)) {
        return "the bodies of messages have no known name";
    }
    return NULL;
}

static const char *texts(const struct wa_signs *now, const struct wa_signs *ever)
{
    if (4 * ever->marks_bare > ever->marked || most(now->marks_bare, now->marked)) {
        return "messages have marks, and their texts no known place";
    }
    if (2 * ever->unmarked > ever->named || most(now->unmarked, now->named)) {
        return "texts have no marks of time and author";
    }
    if (none(now->marks_read, now->marked, ever->marks_read, ever->marked)) {
        return "marks of time and author cannot be read";
    }
    if (now->named == 0 && now->shaped > WA_SHAPED_MAX) {
        return "texts have no known name";
    }
    return now->cut > 0 ? "a long text ends at a button that has no known name" : NULL;
}

const char *wa_canary_window(const struct wa_signs *now, const struct wa_signs *ever,
                             int64_t nameless)
{
    if (now->rows == 0) {
        return nameless > 0 ? "rows have no ids" : NULL;
    }
    const char *why = bodies(now, ever);
    why = why != NULL ? why : texts(now, ever);
    if (why != NULL) {
        return why;
    }
    if (most(now->unknown, now->messages) ||
        (ever->strange > 1 && ever->strange == ever->messages)) {
        return "most messages are of no known kind";
    }
    if (none(now->timed, now->messages, ever->timed, ever->messages)) {
        return "no message has a time";
    }
    if (none(now->directed, now->changes, ever->directed, ever->changes)) {
        return "nothing shows who sent a message";
    }
    return NULL;
}
