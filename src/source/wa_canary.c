#include "source/wa_canary.h"

#include <stdbool.h>
#include <stddef.h>

/* More than half, and not just one or two. */
static bool most(int64_t some, int64_t all)
{
    return some >= WA_STRANGE_MIN && 2 * some > all;
}

const char *wa_canary_window(const struct wa_signs *signs, int64_t nameless)
{
    if (signs->rows == 0) {
        return nameless > 0 ? "rows have no ids" : NULL;
    }
    if (signs->with_id == 0 || most(signs->rows - signs->with_id, signs->rows)) {
        return "rows have no ids that could be one";
    }
    if (signs->contained == 0 || most(signs->rows - signs->contained, signs->rows)) {
        return "the bodies of messages have no known name";
    }
    if (4 * signs->marks_bare > signs->marked) {
        return "messages have marks, and their texts no known place";
    }
    if (2 * signs->unmarked > signs->named && signs->unmarked > 0) {
        return "texts have no marks of time and author";
    }
    if (signs->marked > 0 && signs->marks_read == 0) {
        return "marks of time and author cannot be read";
    }
    if (signs->named == 0 && signs->shaped > WA_SHAPED_MAX) {
        return "texts have no known name";
    }
    if (signs->cut > 0) {
        return "a long text ends at a button that has no known name";
    }
    if (most(signs->unknown, signs->messages) ||
        (signs->strange > 0 && signs->strange == signs->messages)) {
        return "most messages are of no known kind";
    }
    if (signs->timed == 0 && signs->messages > 0) {
        return "no message has a time";
    }
    if (signs->directed == 0 && signs->changes > 0) {
        return "nothing shows who sent a message";
    }
    return NULL;
}
