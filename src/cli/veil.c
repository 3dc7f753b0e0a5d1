#include "cli/veil.h"

#include <string.h>

#include "base/log.h"

enum { DIGITS_SHOWN = 6 };

void veil_add(struct veil *veil, struct str value, struct str word)
{
    if (value.len >= VEIL_VALUE_MIN && veil->count < VEIL_VALUES_MAX) {
        veil->known[veil->count].value = value;
        veil->known[veil->count].word = word;
        veil->count++;
    }
}

/* The longest known value that begins here: one may be the start of another. */
static size_t known_at(const struct veil *veil, struct str text, size_t at)
{
    size_t best = veil->count;
    struct str rest = str_slice(text, at, text.len);
    for (size_t i = 0; i < veil->count; i++) {
        bool longer = best == veil->count || veil->known[i].value.len > veil->known[best].value.len;
        if (longer && str_starts(rest, veil->known[i].value)) {
            best = i;
        }
    }
    return best;
}

/* Into `room`; what does not fit is left out. */
static struct str replace_known(const struct veil *veil, struct str text, char room[VEIL_LINE_MAX])
{
    size_t len = 0;
    size_t at = 0;
    while (at < text.len && len < VEIL_LINE_MAX) {
        size_t known = known_at(veil, text, at);
        struct str part =
            known < veil->count ? veil->known[known].word : str_slice(text, at, at + 1);
        part = str_slice(part, 0, VEIL_LINE_MAX - len);
        memcpy(room + len, part.ptr, part.len);
        len += part.len;
        at += known < veil->count ? veil->known[known].value.len : 1;
    }
    return (struct str){room, len};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_without_digits(struct buf *out, struct str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t end = at;
        while (end < text.len && is_digit(text.ptr[end])) {
            end++;
        }
        if (end - at > DIGITS_SHOWN) {
            buf_printf(out, "%.2s•••%.2s", text.ptr + at, text.ptr + end - 2);
            at = end;
        } else {
            end = end > at ? end : at + 1;
            buf_add(out, str_slice(text, at, end));
            at = end;
        }
    }
}

static void put_line(struct veil *veil, struct buf *out, struct str line)
{
    char room[VEIL_LINE_MAX];
    char masked[VEIL_LINE_MAX];
    put_without_digits(out, log_mask(replace_known(veil, line, room), masked, sizeof masked));
}

void veil_put(struct veil *veil, struct buf *out, struct str text)
{
    struct str rest = text;
    struct str line;
    bool first = true;
    while (str_split(&rest, '\n', &line)) {
        buf_add(out, first ? STR("") : STR("\n"));
        put_line(veil, out, line);
        first = false;
    }
}
