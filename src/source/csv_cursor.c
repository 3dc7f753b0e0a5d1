#include "source/csv_cursor.h"

#include <inttypes.h>

enum { HEX_DIGITS = 16 };

static bool number_next(struct str *rest, int64_t *out)
{
    struct str part = {0};
    return str_split(rest, ':', &part) && str_to_int64(part, out) && *out >= 0;
}

static bool hex_read(struct str text, uint64_t *out)
{
    static const struct str digits = STR_INIT("0123456789abcdef");
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t digit = str_find_byte(digits, text.ptr[i], 0);
        if (digit == STR_NONE) {
            return false;
        }
        *out = *out << 4 | digit;
    }
    return text.len == HEX_DIGITS;
}

bool csv_cursor_parse(struct str text, struct csv_cursor *out)
{
    int64_t version = 0;
    int64_t open = 0;
    struct csv_cursor cursor = {0};
    if (!number_next(&text, &version) || version != 1 || !number_next(&text, &cursor.end) ||
        !number_next(&text, &cursor.line) || !number_next(&text, &cursor.begin) ||
        !number_next(&text, &open) || open > 1 || !hex_read(text, &cursor.hash) ||
        cursor.begin > cursor.end || cursor.line < 1) {
        return false;
    }
    cursor.open = open == 1;
    *out = cursor;
    return true;
}

struct str csv_cursor_write(const struct csv_cursor *cursor, struct arena *arena)
{
    return arena_printf(arena, "1:%" PRId64 ":%" PRId64 ":%" PRId64 ":%d:%016" PRIx64, cursor->end,
                        cursor->line, cursor->begin, cursor->open, cursor->hash);
}
