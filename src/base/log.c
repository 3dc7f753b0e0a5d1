#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"

enum {
    RAW_MAX = 4096,        /* A text before masking. */
    PHONE_DIGITS_MIN = 7,  /* So many digits may be somebody's number. */
    LONG_DIGITS_MIN = 10,  /* From here three leading digits are shown, below two. */
    SEPARATORS_MAX = 4,    /* Between two groups of one number: ") - " */
    GROUP_DIGITS_MIN = 15, /* A group's id, before "@g.us". */
    GROUP_DIGITS_MAX = 20,
    DROP_DIGITS = 8,
    FRACTION_MAX = 6, /* Digits of a second; more could be anything. */
    TOKEN_MAX = 16,
};

#define CODE_BAD UINT32_MAX

static struct log *default_log;
static _Thread_local char run_text[LOG_RUN_MAX + 1];
static _Thread_local size_t run_len;

/* ---- A line that is filled by whole tokens, so that a cut never halves one. ---- */

struct line {
    char *ptr;
    size_t len;
    size_t size; /* What tokens may fill; the mark of a cut and the end of the line have more. */
    bool json;
    bool cut;
};

static size_t json_size(struct str token)
{
    size_t size = token.len;
    for (size_t i = 0; i < token.len; i++) {
        size += token.ptr[i] == '"' || token.ptr[i] == '\\';
    }
    return size;
}

/* Tokens hold no controls any more, so JSON needs only its two escapes. */
static void line_add(struct line *line, struct str token)
{
    size_t size = line->json ? json_size(token) : token.len;
    if (line->cut || size > line->size - line->len) {
        line->cut = true;
        return;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (line->json && (token.ptr[i] == '"' || token.ptr[i] == '\\')) {
            line->ptr[line->len++] = '\\';
        }
        line->ptr[line->len++] = token.ptr[i];
    }
}

/* For frames, whose room was counted beforehand. */
static void line_frame(struct line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->ptr + line->len, text, len);
    line->len += len;
}

/* ---- Characters ---- */

static unsigned byte_at(struct str text, size_t at)
{
    return at < text.len ? (unsigned char)text.ptr[at] : 0;
}

/* Strict UTF-8; what is none is CODE_BAD and one byte. */
static size_t decode(struct str text, size_t at, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t first = byte_at(text, at);
    size_t len = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    *code = first;
    if (len == 1) {
        return 1;
    }
    uint32_t value = first & (0x7FU >> len);
    bool ok = first >= 0xC2 && first <= 0xF4 && len <= text.len - at;
    for (size_t i = 1; ok && i < len; i++) {
        uint32_t next = byte_at(text, at + i);
        ok = (next & 0xC0U) == 0x80;
        value = value << 6 | (next & 0x3FU);
    }
    ok = ok && value >= least[len] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    *code = ok ? value : CODE_BAD;
    return ok ? len : 1;
}

/* The value of the digit at `at`, or -1. Latin, Arabic, Persian and full-width ones. */
static int digit_at(struct str text, size_t at, size_t *len)
{
    static const uint32_t zeros[] = {'0', 0x660, 0x6F0, 0xFF10};
    uint32_t code = CODE_BAD;
    if (at >= text.len) {
        return -1;
    }
    *len = decode(text, at, &code);
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        if (code >= zeros[i] && code <= zeros[i] + 9) {
            return (int)(code - zeros[i]);
        }
    }
    return -1;
}

static bool is_digit(unsigned byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_alnum(unsigned byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Spaces and dashes of all kinds, and what cannot be seen. */
static bool is_wide_separator(uint32_t code)
{
    return code == 0xA0 || code == 0xAD || code == 0x61C || code == 0x180E ||
           (code >= 0x2000 && code <= 0x2015) || (code >= 0x2028 && code <= 0x202F) ||
           (code >= 0x205F && code <= 0x2069) || code == 0x2212 || code == 0x3000 || code == 0xFEFF;
}

/* Length of one separator as numbers have between their groups, also in its URL form; or 0. */
static size_t separator_at(struct str text, size_t at)
{
    unsigned byte = byte_at(text, at);
    if (at < text.len && strchr(" -.()\t", (int)byte) != NULL && byte != 0) {
        return 1;
    }
    if (byte == '%' && byte_at(text, at + 1) == '2') {
        unsigned last = byte_at(text, at + 2);
        return last == '0' || last == '8' || last == '9' || last == 'D' || last == 'd' ? 3 : 0;
    }
    if (byte < 0x80) {
        return 0;
    }
    uint32_t code = CODE_BAD;
    size_t len = decode(text, at, &code);
    return code != CODE_BAD && is_wide_separator(code) ? len : 0;
}

/* ---- Numbers that stay readable ---- */

/* Exactly `count` digits at `at` with a value in the range. */
static bool field(struct str text, size_t at, size_t count, unsigned min, unsigned max)
{
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(byte_at(text, at + i))) {
            return false;
        }
        value = value * 10 + (byte_at(text, at + i) - '0');
    }
    return value >= min && value <= max;
}

/* Nothing behind it that would make it a part of a longer number. */
static bool ends_number(struct str text, size_t at)
{
    unsigned byte = byte_at(text, at);
    return !is_digit(byte) && !((byte == '-' || byte == '.') && is_digit(byte_at(text, at + 1)));
}

/* "10:00", "10:00:00", "10:00:00.123456"; 0 when there is no time. */
static size_t time_len(struct str text, size_t at)
{
    if (!field(text, at, 2, 0, 24) || byte_at(text, at + 2) != ':' ||
        !field(text, at + 3, 2, 0, 59)) {
        return 0;
    }
    size_t end = at + 5;
    if (byte_at(text, end) == ':' && field(text, end + 1, 2, 0, 60)) {
        end += 3;
        size_t digits = 0;
        while (byte_at(text, end) == '.' && digits < FRACTION_MAX &&
               is_digit(byte_at(text, end + 1 + digits))) {
            digits++;
        }
        end += digits > 0 ? digits + 1 : 0;
    }
    return ends_number(text, end) ? end - at : 0;
}

/* "2025-11-21", alone or with "T10:00:00.123" behind it; 0 when it is none. */
static size_t iso_len(struct str text, size_t at)
{
    if (!field(text, at, 4, 1900, 2199) || byte_at(text, at + 4) != '-' ||
        !field(text, at + 5, 2, 1, 12) || byte_at(text, at + 7) != '-' ||
        !field(text, at + 8, 2, 1, 31)) {
        return 0;
    }
    unsigned next = byte_at(text, at + 10);
    size_t time = next == 'T' || next == 't' || next == ' ' ? time_len(text, at + 11) : 0;
    if (time > 0) {
        return 11 + time;
    }
    return ends_number(text, at + 10) ? 10 : 0;
}

/* "21.11.2025" or "21-11-2025", day and month in either order; 0 when it is none. */
static size_t day_first_len(struct str text, size_t at)
{
    unsigned mark = byte_at(text, at + 2);
    bool date = (mark == '.' || mark == '-') && byte_at(text, at + 5) == mark &&
                field(text, at, 2, 1, 31) && field(text, at + 3, 2, 1, 31) &&
                field(text, at + 6, 4, 1900, 2199);
    return date && ends_number(text, at + 10) ? 10 : 0;
}

/* "192.168.0.1"; 0 when it is none. Leading zeros make it a telephone number. */
static size_t ipv4_len(struct str text, size_t at)
{
    size_t end = at;
    for (int part = 0; part < 4; part++) {
        size_t digits = 0;
        while (digits < 3 && is_digit(byte_at(text, end + digits))) {
            digits++;
        }
        if (digits == 0 || (digits > 1 && byte_at(text, end) == '0') ||
            !field(text, end, digits, 0, 255)) {
            return 0;
        }
        end += digits;
        if (part < 3 && byte_at(text, end++) != '.') {
            return 0;
        }
    }
    return ends_number(text, end) ? end - at : 0;
}

static size_t digits_len(struct str text, size_t at)
{
    size_t end = at;
    while (is_digit(byte_at(text, end))) {
        end++;
    }
    return end - at;
}

/* "120363418298130331@g.us"; 0 when it is none. Older ids begin with a phone: masked. */
static size_t group_len(struct str text, size_t at)
{
    size_t digits = digits_len(text, at);
    struct str tail = str_slice(text, at + digits, at + digits + 5);
    bool group = digits >= GROUP_DIGITS_MIN && digits <= GROUP_DIGITS_MAX &&
                 str_equal(tail, STR("@g.us")) && !is_alnum(byte_at(text, at + digits + 5));
    return group ? digits + tail.len : 0;
}

/* The digits of "DR12345678", which is a business key. */
static size_t drop_len(struct str text, size_t at)
{
    bool drop = at >= 2 && text.ptr[at - 2] == 'D' && text.ptr[at - 1] == 'R' &&
                (at == 2 || !is_alnum(byte_at(text, at - 3))) &&
                digits_len(text, at) == DROP_DIGITS && !is_alnum(byte_at(text, at + DROP_DIGITS));
    return drop ? DROP_DIGITS : 0;
}

/* Length of what may be shown as it is, where a number begins; or 0. */
static size_t readable_len(struct str text, size_t at)
{
    static size_t (*const forms[])(struct str, size_t) = {
        group_len, drop_len, iso_len, day_first_len, time_len, ipv4_len,
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = forms[i](text, at);
        if (len > 0) {
            return len;
        }
    }
    return 0;
}

/* ---- Numbers that are masked ---- */

struct number {
    size_t end;       /* Behind the last digit. */
    size_t first_end; /* Behind the first group of digits. */
    size_t count;
    char lead[3];
    char tail[2];
};

static void number_digit(struct number *number, int digit)
{
    char letter = (char)('0' + digit);
    if (number->count < sizeof number->lead) {
        number->lead[number->count] = letter;
    }
    number->tail[0] = number->tail[1];
    number->tail[1] = letter;
    number->count++;
}

static size_t skip_digits(struct str text, size_t at, struct number *number)
{
    size_t len = 0;
    for (int digit = digit_at(text, at, &len); digit >= 0; digit = digit_at(text, at, &len)) {
        number_digit(number, digit);
        at += len;
    }
    return at;
}

/* Where the next group of the same number begins, or `at` when the number ends here. */
static size_t next_group(struct str text, size_t at)
{
    size_t next = at;
    size_t len = 0;
    bool only_spaces = true;
    for (int i = 0; i < SEPARATORS_MAX; i++) {
        len = separator_at(text, next);
        if (len == 0) {
            break;
        }
        only_spaces = only_spaces && text.ptr[next] == ' ';
        next += len;
    }
    if (next == at || digit_at(text, next, &len) < 0) {
        return at;
    }
    /* "3 2025-11-21": a date or a group behind a space is a thing of its own. */
    bool apart = only_spaces && (iso_len(text, next) > 0 || group_len(text, next) > 0);
    return apart ? at : next;
}

static struct number number_at(struct str text, size_t at)
{
    struct number number = {0};
    size_t end = skip_digits(text, at, &number);
    number.first_end = end;
    for (size_t next = next_group(text, end); next != end; next = next_group(text, end)) {
        end = skip_digits(text, next, &number);
    }
    number.end = end;
    return number;
}

static void line_masked(struct line *line, const struct number *number)
{
    char token[TOKEN_MAX];
    int lead = number->count >= LONG_DIGITS_MIN ? 3 : 2;
    int len = snprintf(token, sizeof token, "%.*s•••%.2s", lead, number->lead, number->tail);
    must(len > 0 && (size_t)len < sizeof token);
    line_add(line, (struct str){token, (size_t)len});
}

/* What begins with a digit; the length that was used up. */
static size_t line_number(struct line *line, struct str text, size_t at)
{
    size_t readable = readable_len(text, at);
    if (readable > 0) {
        line_add(line, str_slice(text, at, at + readable));
        return readable;
    }
    struct number number = number_at(text, at);
    if (number.count < PHONE_DIGITS_MIN) {
        line_add(line, str_slice(text, at, number.first_end));
        return number.first_end - at;
    }
    line_masked(line, &number);
    return number.end - at;
}

/* ---- Characters that are escaped ---- */

static bool is_hidden(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x61C || code == 0x200B ||
           code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x2069) || code == 0xFEFF ||
           (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

static size_t line_character(struct line *line, struct str text, size_t at)
{
    uint32_t code = 0;
    size_t len = decode(text, at, &code);
    if (code != CODE_BAD && !is_hidden(code)) {
        line_add(line, str_slice(text, at, at + len));
        return len;
    }
    char token[TOKEN_MAX];
    int used = 0;
    if (code == '\n' || code == '\r' || code == '\t') {
        used = snprintf(token, sizeof token, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    } else if (code == CODE_BAD) {
        used = snprintf(token, sizeof token, "\\x{%02X}", byte_at(text, at));
    } else {
        used = snprintf(token, sizeof token, "\\u{%X}", (unsigned)code);
    }
    must(used > 0 && (size_t)used < sizeof token);
    line_add(line, (struct str){token, (size_t)used});
    return len;
}

static void line_text(struct line *line, struct str text)
{
    size_t at = 0;
    while (at < text.len && !line->cut) {
        size_t unused = 0;
        at += digit_at(text, at, &unused) >= 0 ? line_number(line, text, at)
                                               : line_character(line, text, at);
    }
}

struct str log_mask(struct str text, char *room, size_t room_size)
{
    static const char mark[] = "…";
    must(room_size >= sizeof mark);
    struct line line = {.ptr = room, .size = room_size - sizeof mark};
    line_text(&line, text);
    if (line.cut) {
        line_frame(&line, mark);
    }
    room[line.len] = '\0';
    return (struct str){room, line.len};
}

/* ---- Lines ---- */

struct moment {
    int64_t year;
    unsigned month, day, hour, minute, second, ms;
};

/* Civil time in UTC, after Howard Hinnant's days-to-civil; years count from March. */
static struct moment moment_of(int64_t wall_ms)
{
    const int64_t day_ms = 86400000;
    const int64_t era_days = 146097;
    int64_t rest = ((wall_ms % day_ms) + day_ms) % day_ms;
    int64_t days = (wall_ms - rest) / day_ms + 719468;
    int64_t era = (days >= 0 ? days : days - (era_days - 1)) / era_days;
    int64_t in_era = days - era * era_days;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    bool winter = month >= 10; /* January and February end the counted year. */
    return (struct moment){
        .year = year + era * 400 + (winter ? 1 : 0),
        .month = (unsigned)(winter ? month - 9 : month + 3),
        .day = (unsigned)(in_year - (153 * month + 2) / 5 + 1),
        .hour = (unsigned)(rest / 3600000),
        .minute = (unsigned)(rest / 60000 % 60),
        .second = (unsigned)(rest / 1000 % 60),
        .ms = (unsigned)(rest % 1000),
    };
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_DEBUG:
        return "debug";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_ERROR:
        return "error";
    }
    must_failed("unknown log_level", __FILE__, __LINE__);
}

const char *log_count(int64_t count, char room[LOG_COUNT_MAX])
{
    uint64_t left = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    size_t at = LOG_COUNT_MAX - 1;
    int digits = 0;
    room[at] = '\0';
    do {
        if (digits > 0 && digits % 3 == 0) {
            room[--at] = ',';
        }
        room[--at] = (char)('0' + left % 10);
        left /= 10;
        digits++;
    } while (left > 0);
    if (count < 0) {
        room[--at] = '-';
    }
    return room + at;
}

bool log_level_parse(struct str name, enum log_level *level)
{
    for (enum log_level each = LOG_LEVEL_DEBUG; each <= LOG_LEVEL_ERROR; each++) {
        if (str_equal(name, str_of(level_name(each)))) {
            *level = each;
            return true;
        }
    }
    return false;
}

static void line_head(struct line *line, const struct log *log, enum log_level level)
{
    struct moment at = moment_of(clock_wall_ms(log->clock));
    bool has_run = run_len > 0;
    char head[160];
    if (log->json) {
        (void)snprintf(head, sizeof head,
                       "{\"time\":\"%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"level\":\"%s\"",
                       (long long)at.year, at.month, at.day, at.hour, at.minute, at.second, at.ms,
                       level_name(level));
        line_frame(line, head);
        line_frame(line, has_run ? ",\"run\":\"" : "");
        line_add(line, (struct str){run_text, run_len});
        line_frame(line, has_run ? "\",\"text\":\"" : ",\"text\":\"");
        return;
    }
    (void)snprintf(head, sizeof head, "%04lld-%02u-%02u %02u:%02u:%02uZ %-5s ", (long long)at.year,
                   at.month, at.day, at.hour, at.minute, at.second, level_name(level));
    line_frame(line, head);
    line_frame(line, has_run ? "[run " : "");
    line_add(line, (struct str){run_text, run_len});
    line_frame(line, has_run ? "] " : "");
}

/* A text that was too long: a number at its end may be half of one, and goes too. */
static struct str trim_cut(struct str text)
{
    while (text.len > 0) {
        unsigned last = byte_at(text, text.len - 1);
        if (is_alnum(last) && !is_digit(last)) {
            break;
        }
        text.len--;
    }
    return text;
}

/* One write(2) a line; only a line that was taken in part is continued. */
static bool send_stderr(struct str line)
{
    size_t done = 0;
    while (done < line.len) {
        ssize_t count = write(STDERR_FILENO, line.ptr + done, line.len - done);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static void send_line(struct log *log, struct str line)
{
    bool sent = log->to_file ? log_file_put(&log->file, line) : send_stderr(line);
    if (!sent) {
        (void)atomic_fetch_add(&log->lost, 1);
    }
}

__attribute__((format(printf, 3, 0))) static void write_args(struct log *log, enum log_level level,
                                                             const char *format, va_list args)
{
    if (log == NULL || level < log->level) {
        return;
    }
    int number = errno; /* Logging never changes what a caller is about to look at. */
    char raw[RAW_MAX];
    int len = vsnprintf(raw, sizeof raw, format, args);
    struct str text = {raw, len > 0 ? (size_t)len : 0};
    bool cut = text.len >= sizeof raw;
    if (cut) {
        text = trim_cut((struct str){raw, sizeof raw - 1});
    }
    static const char mark[] = "…";
    const char *tail = log->json ? "\"}\n" : "\n";
    char room[LOG_LINE_MAX];
    struct line line = {.ptr = room, .json = log->json};
    line.size = sizeof room - sizeof mark - strlen(tail);
    line_head(&line, log, level);
    line_text(&line, text);
    line_frame(&line, cut || line.cut ? mark : "");
    line_frame(&line, tail);
    send_line(log, (struct str){room, line.len});
    errno = number;
}

void log_write(struct log *log, enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_args(log, level, format, args);
    va_end(args);
}

void log_debug(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_args(default_log, LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_args(default_log, LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_args(default_log, LOG_LEVEL_WARN, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_args(default_log, LOG_LEVEL_ERROR, format, args);
    va_end(args);
}

/* ---- Life ---- */

static void set_form(struct log *log, const struct log_options *options)
{
    int fd = log->to_file ? log->file.fd : STDERR_FILENO;
    must(fd >= 0);
    log->level = (int)options->level;
    log->json =
        options->form == LOG_FORM_JSON || (options->form == LOG_FORM_AUTO && isatty(fd) == 0);
}

bool log_open(struct log *log, struct clock *clock, const struct log_options *options,
              struct err *err)
{
    *log = (struct log){.clock = clock};
    log_file_init(&log->file);
    return log_change(log, options, err);
}

bool log_change(struct log *log, const struct log_options *options, struct err *err)
{
    bool to_file = options->path.len > 0;
    if (to_file &&
        !log_file_open(&log->file, options->path, options->size_max, options->keep, err)) {
        return false;
    }
    log->to_file = to_file;
    set_form(log, options);
    return true;
}

void log_close(struct log *log)
{
    if (default_log == log) {
        default_log = NULL;
    }
    log_file_close(&log->file);
    log->to_file = false;
}

void log_default_set(struct log *log)
{
    default_log = log;
}

/* A run's name is ours, but it is a line's part all the same: letters, digits, dashes. */
void log_run_set(struct str run)
{
    run_len = 0;
    for (size_t i = 0; i < run.len && run_len < LOG_RUN_MAX; i++) {
        unsigned byte = byte_at(run, i);
        bool plain = is_alnum(byte) || strchr("-_.:/", (int)byte) != NULL;
        run_text[run_len++] = plain && byte != 0 ? (char)byte : '?';
    }
    run_text[run_len] = '\0';
}

void log_run_set_id(int64_t run)
{
    char text[24];
    int len = run > 0 ? snprintf(text, sizeof text, "%lld", (long long)run) : 0;
    log_run_set((struct str){text, len > 0 ? (size_t)len : 0});
}

const char *log_run(void)
{
    return run_text;
}
