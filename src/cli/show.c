#include "cli/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "text/bidi.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum {
    ESCAPE_MAX = 12, /* "\u{10FFFF}" */
    SIZE_STEP = 1024,
    TEN = 10,
};

#define ZONE_USUAL STR("Asia/Jerusalem")

#define ISOLATE_BEGIN STR("\xE2\x81\xA8")
#define ISOLATE_END   STR("\xE2\x81\xA9")

/* ---- The screen ---- */

static size_t terminal_width(const struct cli *cli)
{
    struct winsize size = {0};
    int64_t columns = 0;
    if (isatty(STDOUT_FILENO) == 0) {
        return 0;
    }
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        columns = size.ws_col;
    } else if (!str_to_int64(cli_variable(cli, "COLUMNS"), &columns)) {
        columns = 80;
    }
    return columns < SHOW_WIDTH_MIN   ? SHOW_WIDTH_MIN
           : columns > SHOW_WIDTH_MAX ? SHOW_WIDTH_MAX
                                      : (size_t)columns;
}

static const struct zone *screen_zone(const struct cli *cli)
{
    struct str name = cli_variable(cli, "SLUICE_ZONE");
    const struct zone *zone = NULL;
    struct err err = {0};
    if (name.len > 0 && !zone_parse(name, &zone, &err)) {
        cli_say("SLUICE_ZONE: %s; times are shown in UTC", err.text);
        return zone_utc();
    }
    return zone;
}

static int64_t now_of(const struct cli *cli)
{
    struct err ignored = {0};
    int64_t now_ms = 0;
    struct str fixed = cli_variable(cli, "SLUICE_NOW");
    return fixed.len > 0 && datetime_parse_iso_ms(fixed, &now_ms, &ignored)
               ? now_ms
               : clock_wall_ms(clock_system());
}

void screen_refresh(struct screen *screen, const struct cli *cli)
{
    screen->width = terminal_width(cli);
    screen->now_ms = now_of(cli);
}

void screen_init(struct screen *screen, const struct cli *cli, const struct config *config)
{
    const struct zone *zone = screen_zone(cli);
    if (zone == NULL && config != NULL) {
        zone = config->zone;
    }
    if (zone == NULL) {
        zone = zone_find(ZONE_USUAL);
    }
    *screen = (struct screen){
        .colour = !cli->plain,
        .moving = !cli->plain,
        .zone = zone != NULL ? zone : zone_utc(),
    };
    screen_refresh(screen, cli);
}

void show_styled(struct buf *out, const struct screen *screen, enum show_style style,
                 struct str text)
{
    static const char *const codes[] = {
        [SHOW_NORMAL] = "",       [SHOW_GOOD] = "\x1b[32m", [SHOW_BAD] = "\x1b[31m",
        [SHOW_WARN] = "\x1b[33m", [SHOW_FAINT] = "\x1b[2m", [SHOW_TITLE] = "\x1b[1m",
    };
    bool coloured = screen->colour && style != SHOW_NORMAL;
    buf_add(out, str_of(coloured ? codes[style] : ""));
    buf_add(out, text);
    buf_add(out, str_of(coloured ? "\x1b[0m" : ""));
}

/* ---- Numbers and moments ---- */

static struct str printed(const char *out, int len)
{
    return (struct str){out, len < 0 ? 0 : len < SHOW_MAX ? (size_t)len : SHOW_MAX - 1};
}

struct str show_time(const struct screen *screen, int64_t ms, char out[SHOW_MAX])
{
    struct civil at = {0};
    if (ms == 0) {
        return STR("never");
    }
    if (!zone_to_civil(screen->zone, ms, &at)) {
        return STR("?");
    }
    return printed(out, snprintf(out, SHOW_MAX, "%04d-%02d-%02d %02d:%02d:%02d", at.year, at.month,
                                 at.day, at.hour, at.minute, at.second));
}

struct str show_age(const struct screen *screen, int64_t ms, char out[SHOW_MAX])
{
    if (ms == 0) {
        return STR("never");
    }
    bool past = ms <= screen->now_ms;
    int64_t away = past ? screen->now_ms - ms : ms - screen->now_ms;
    const char *unit = "days";
    int64_t count = away / DATETIME_DAY_MS;
    if (away < DATETIME_SECOND_MS) {
        return STR("now");
    }
    if (away < DATETIME_MINUTE_MS) {
        unit = "s";
        count = away / DATETIME_SECOND_MS;
    } else if (away < DATETIME_HOUR_MS) {
        unit = "min";
        count = away / DATETIME_MINUTE_MS;
    } else if (away < 2 * DATETIME_DAY_MS) {
        unit = "h";
        count = away / DATETIME_HOUR_MS;
    }
    return printed(out, snprintf(out, SHOW_MAX, "%s%" PRId64 " %s%s", past ? "" : "in ", count,
                                 unit, past ? " ago" : ""));
}

struct str show_duration(int64_t ms, char out[SHOW_MAX])
{
    int64_t seconds = ms / DATETIME_SECOND_MS;
    int64_t minutes = ms / DATETIME_MINUTE_MS;
    int64_t hours = ms / DATETIME_HOUR_MS;
    int64_t days = ms / DATETIME_DAY_MS;
    if (ms < DATETIME_SECOND_MS) {
        return printed(out, snprintf(out, SHOW_MAX, "%" PRId64 " ms", ms < 0 ? 0 : ms));
    }
    if (minutes == 0) {
        return printed(out, snprintf(out, SHOW_MAX, "%" PRId64 ".%d s", seconds,
                                     (int)(ms % DATETIME_SECOND_MS / 100)));
    }
    if (hours == 0) {
        return printed(
            out, snprintf(out, SHOW_MAX, "%" PRId64 " min %" PRId64 " s", minutes, seconds % 60));
    }
    if (days == 0) {
        return printed(
            out, snprintf(out, SHOW_MAX, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60));
    }
    return printed(out, snprintf(out, SHOW_MAX, "%" PRId64 " d %" PRId64 " h", days, hours % 24));
}

struct str show_count(int64_t count, char out[SHOW_MAX])
{
    _Static_assert(SHOW_MAX >= LOG_COUNT_MAX, "a count fits");
    return str_of(log_count(count, out));
}

struct str show_size(int64_t bytes, char out[SHOW_MAX])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < SIZE_STEP) {
        return printed(out, snprintf(out, SHOW_MAX, "%" PRId64 " B", bytes));
    }
    size_t unit = 0;
    int64_t scale = SIZE_STEP;
    while (unit + 1 < sizeof units / sizeof units[0] && bytes / scale >= SIZE_STEP) {
        scale *= SIZE_STEP;
        unit++;
    }
    return printed(out, snprintf(out, SHOW_MAX, "%" PRId64 ".%d %s", bytes / scale,
                                 (int)(bytes % scale * TEN / scale), units[unit]));
}

/* ---- Text of outside ---- */

static bool is_hidden(uint32_t code)
{
    bool joiner = code == 0x200C || code == 0x200D;
    return code < ' ' || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           (unicode_is_format(code) && !joiner);
}

/* What terminals draw in different widths behind an emoji: joiner, selectors, skin tones. */
static bool is_unsure(uint32_t before, uint32_t code)
{
    return (code >= 0xFE00 && code <= 0xFE0F) ||
           (unicode_is_wide(before) &&
            (code == 0x200D || code == 0x20E3 || (code >= 0x1F3FB && code <= 0x1F3FF)));
}

static void add_hidden(struct buf *out, uint32_t code, unsigned byte)
{
    if (code == UTF8_BAD) {
        buf_printf(out, "\\x{%02X}", byte);
    } else if (code == '\n' || code == '\r' || code == '\t') {
        buf_printf(out, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    } else {
        buf_printf(out, "\\u{%X}", (unsigned)code);
    }
}

static struct str one_line(struct arena *arena, struct str text)
{
    struct buf out;
    uint32_t code = 0;
    uint32_t before = 0;
    buf_init(&out, arena, text.len + ESCAPE_MAX);
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (is_unsure(before, code)) {
            continue;
        }
        if (code == UTF8_BAD || is_hidden(code)) {
            add_hidden(&out, code, (unsigned char)text.ptr[at]);
        } else {
            buf_add(&out, str_slice(text, at, at + len));
        }
        before = code;
    }
    return buf_str(&out);
}

struct str show_text(struct arena *arena, struct str text, enum show_privacy privacy)
{
    struct str shown = utf8_cut(text, SHOW_TEXT_MAX);
    if (privacy == SHOW_MASKED && shown.len > 0) {
        size_t size = shown.len * ESCAPE_MAX + ESCAPE_MAX;
        char *room = arena_bytes(arena, size);
        shown = room != NULL ? log_mask(shown, room, size) : STR("?");
    }
    shown = one_line(arena, shown);
    if (shown.len > 0 && bidi_has_rtl(shown)) {
        shown = bidi_isolate(arena, shown);
    }
    return shown.ptr != NULL ? shown : STR("?");
}

struct str show_fit(struct arena *arena, struct str text, size_t width)
{
    if (utf8_width(text) <= width || width == 0) {
        return text;
    }
    size_t at = 0;
    size_t used = 0;
    while (at < text.len) {
        size_t end = utf8_cluster_end(text, at);
        size_t more = utf8_width(str_slice(text, at, end));
        if (used + more + 1 > width) {
            break;
        }
        used += more;
        at = end;
    }
    bool isolated = str_starts(text, ISOLATE_BEGIN);
    struct str cut = arena_printf(arena, "%.*s…%s", STR_ARG(str_slice(text, 0, at)),
                                  isolated && at > 0 ? ISOLATE_END.ptr : "");
    return cut.ptr != NULL ? cut : STR("?");
}

void show_wrapped(struct buf *out, struct str text, size_t width, size_t indent)
{
    struct str word = {0};
    size_t used = 0;
    while (str_split(&text, ' ', &word)) {
        size_t more = utf8_width(word);
        if (used > 0 && width > 0 && used + 1 + more > width) {
            buf_add_byte(out, '\n');
            for (size_t i = 0; i < indent; i++) {
                buf_add_byte(out, ' ');
            }
            used = 0;
        } else if (used > 0) {
            buf_add_byte(out, ' ');
            used++;
        }
        buf_add(out, width > 0 ? show_fit(out->arena, word, width) : word);
        used += more;
    }
}

/* ---- For programs ---- */

void show_json_time(struct json_writer *json, struct str key, int64_t ms)
{
    json_field_time(json, key, ms);
}

void show_json_text(struct json_writer *json, struct str key, struct str text)
{
    json_field_text(json, key, text);
}
