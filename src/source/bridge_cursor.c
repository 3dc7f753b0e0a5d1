#include "source/bridge_cursor.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/must.h"

enum { HEX64_DIGITS = 16, HEX32_DIGITS = 8, CURSOR_SIZE = 192 };

static bool parse_hex(struct str text, size_t digits_max, uint64_t *out)
{
    if (text.len == 0 || text.len > digits_max) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else {
            return false;
        }
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

/* "-" is "no floor". */
static bool parse_floor(struct str text, int64_t *out)
{
    if (str_equal(text, STR("-"))) {
        *out = BRIDGE_FLOOR_NONE;
        return true;
    }
    return str_to_int64(text, out);
}

static void write_floor(struct buf *buf, int64_t floor_ms)
{
    if (floor_ms == BRIDGE_FLOOR_NONE) {
        buf_add_byte(buf, '-');
    } else {
        buf_add_int(buf, floor_ms);
    }
}

static bool parse_anchor(struct str text, struct bridge_anchor *out)
{
    struct str rowid;
    struct str rest = text;
    uint64_t hash = 0;
    if (!str_split(&rest, '.', &rowid) || !str_to_int64(rowid, &out->rowid) ||
        !parse_hex(rest, HEX32_DIGITS, &hash)) {
        return false;
    }
    out->hash = (uint32_t)hash;
    return true;
}

static bool parse_anchors(struct str text, struct bridge_cursor *out)
{
    struct str part;
    while (text.len > 0 && str_split(&text, ',', &part)) {
        if (out->anchor_count == BRIDGE_ANCHORS_MAX ||
            !parse_anchor(part, &out->anchors[out->anchor_count])) {
            return false;
        }
        const struct bridge_anchor *anchor = &out->anchors[out->anchor_count];
        if (anchor->rowid > out->last ||
            (out->anchor_count > 0 && anchor->rowid < anchor[-1].rowid)) {
            return false;
        }
        out->anchor_count++;
    }
    /* A place behind a row knows that row. */
    return out->last == BRIDGE_ROWID_NONE || out->anchor_count > 0;
}

bool bridge_cursor_parse(struct str text, struct bridge_cursor *out)
{
    struct bridge_cursor cursor = {0};
    struct str version;
    struct str last;
    struct str window;
    struct str floor;
    if (!str_split(&text, ':', &version) || !str_equal(version, STR("2")) ||
        !str_split(&text, ':', &last) || !str_to_int64(last, &cursor.last) ||
        !str_split(&text, ':', &window) || !parse_hex(window, HEX64_DIGITS, &cursor.window) ||
        !str_split(&text, ':', &floor) || !parse_floor(floor, &cursor.floor_ms) ||
        text.ptr == NULL || !parse_anchors(text, &cursor)) {
        return false;
    }
    *out = cursor;
    return true;
}

struct str bridge_cursor_write(const struct bridge_cursor *cursor, struct arena *arena)
{
    must(cursor->anchor_count <= BRIDGE_ANCHORS_MAX);
    struct buf buf;
    buf_init(&buf, arena, CURSOR_SIZE);
    buf_printf(&buf, "2:%" PRId64 ":%" PRIx64 ":", cursor->last, cursor->window);
    write_floor(&buf, cursor->floor_ms);
    for (size_t i = 0; i < cursor->anchor_count; i++) {
        buf_add_byte(&buf, i == 0 ? ':' : ',');
        buf_printf(&buf, "%" PRId64 ".%" PRIx32, cursor->anchors[i].rowid, cursor->anchors[i].hash);
    }
    if (cursor->anchor_count == 0) {
        buf_add_byte(&buf, ':');
    }
    return buf_str(&buf);
}

bool bridge_sweep_cursor_parse(struct str text, struct bridge_sweep_cursor *out)
{
    struct bridge_sweep_cursor cursor = {0};
    struct str version;
    struct str sum;
    struct str floor;
    if (!str_split(&text, ':', &version) || !str_equal(version, STR("2w")) ||
        !str_split(&text, ':', &sum) || !parse_hex(sum, HEX64_DIGITS, &cursor.sum) ||
        !str_split(&text, ':', &floor) || !parse_floor(floor, &cursor.floor_ms) ||
        text.ptr == NULL) {
        return false;
    }
    cursor.done = str_equal(text, STR("done"));
    if (!cursor.done && (!str_split(&text, ':', &cursor.chat) || text.ptr == NULL)) {
        return false;
    }
    cursor.id = cursor.done ? (struct str){0} : text;
    *out = cursor;
    return true;
}

struct str bridge_sweep_cursor_write(const struct bridge_sweep_cursor *cursor, struct arena *arena)
{
    struct buf buf;
    buf_init(&buf, arena, CURSOR_SIZE);
    buf_printf(&buf, "2w:%" PRIx64 ":", cursor->sum);
    write_floor(&buf, cursor->floor_ms);
    buf_add_byte(&buf, ':');
    if (cursor->done) {
        buf_add(&buf, STR("done"));
    } else {
        buf_add(&buf, cursor->chat);
        buf_add_byte(&buf, ':');
        buf_add(&buf, cursor->id);
    }
    return buf_str(&buf);
}
