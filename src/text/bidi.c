#include "text/bidi.h"

#include <string.h>

#include "text/unicode.h"
#include "text/utf8.h"

bool bidi_is_control(uint32_t code)
{
    return code == 0x61C || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

static bool has_control(struct str text)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (bidi_is_control(code)) {
            return true;
        }
    }
    return false;
}

/* Copy without controls of direction; with `one_line` also without line ends and the like. */
static size_t copy_plain(char *out, struct str text, bool one_line)
{
    size_t used = 0;
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        bool breaks =
            code < ' ' || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
        if (bidi_is_control(code)) {
            continue;
        }
        if (one_line && breaks) {
            out[used++] = ' ';
        } else {
            memcpy(out + used, text.ptr + at, len);
            used += len;
        }
    }
    return used;
}

struct str bidi_strip(struct arena *arena, struct str text)
{
    if (text.len == 0) {
        return STR("");
    }
    if (!has_control(text)) {
        return text;
    }
    char *out = arena_bytes(arena, text.len + 1);
    if (out == NULL) {
        return (struct str){0};
    }
    size_t used = copy_plain(out, text, false);
    out[used] = '\0';
    return (struct str){out, used};
}

struct str bidi_isolate(struct arena *arena, struct str text)
{
    static const char isolate[] = "\xE2\x81\xA8"; /* U+2068: direction by the first letter. */
    static const char end[] = "\xE2\x81\xA9";
    enum { MARK_LEN = 3 };
    if (text.len > arena->limit) {
        return (struct str){0};
    }
    char *out = arena_bytes(arena, text.len + (size_t)2 * MARK_LEN + 1);
    if (out == NULL) {
        return (struct str){0};
    }
    size_t used = 0;
    bool rtl = bidi_has_rtl(text);
    if (rtl) {
        memcpy(out, isolate, MARK_LEN);
        used += MARK_LEN;
    }
    used += copy_plain(out + used, text, true);
    if (rtl) {
        memcpy(out + used, end, MARK_LEN);
        used += MARK_LEN;
    }
    out[used] = '\0';
    return (struct str){out, used};
}

bool bidi_is_rtl(struct str text)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (unicode_is_rtl(code)) {
            return true;
        }
        if (unicode_is_ltr(code)) {
            return false;
        }
    }
    return false;
}

bool bidi_has_rtl(struct str text)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (unicode_is_rtl(code)) {
            return true;
        }
    }
    return false;
}
