#include "text/pagestamp.h"

#include <string.h>

#include "text/timescan.h"

/* Zeros of the scripts whose digits browsers write, each followed by its other nine. */
static const uint32_t zeros[] = {
    0x0660, /* Arabic */
    0x06F0, /* Persian, Urdu */
    0x0966, /* Devanagari */
    0x09E6, /* Bengali */
    0x1040, /* Burmese */
};

/* How a half of the day is written once spaces, dots and marks are gone, ASCII in small letters. */
static const struct half {
    struct str word;
    bool afternoon;
} halves[] = {
    {STR_INIT("am"), false},    {STR_INIT("pm"), true},       {STR_INIT("ص"), false},
    {STR_INIT("م"), true},      {STR_INIT("قظ"), false},      {STR_INIT("بظ"), true},
    {STR_INIT("לפנהצ"), false}, {STR_INIT("אחהצ"), true},     {STR_INIT("לפנה״צ"), false},
    {STR_INIT("אחה״צ"), true},  {STR_INIT("לפנה\"צ"), false}, {STR_INIT("אחה\"צ"), true},
    {STR_INIT("上午"), false},  {STR_INIT("下午"), true},     {STR_INIT("凌晨"), false},
    {STR_INIT("清晨"), false},  {STR_INIT("早上"), false},    {STR_INIT("中午"), true},
    {STR_INIT("晚上"), true},   {STR_INIT("午前"), false},    {STR_INIT("午後"), true},
    {STR_INIT("오전"), false},  {STR_INIT("오후"), true},     {STR_INIT("पूर्वाह्न"), false},
    {STR_INIT("अपराह्न"), true}, {STR_INIT("πμ"), false},      {STR_INIT("μμ"), true},
    {STR_INIT("de"), false},    {STR_INIT("du"), true},       {STR_INIT("fm"), false},
    {STR_INIT("em"), true},     {STR_INIT("ap"), false},      {STR_INIT("ip"), true},
    {STR_INIT("sa"), false},    {STR_INIT("ch"), true},       {STR_INIT("pd"), false},
    {STR_INIT("md"), true},     {STR_INIT("öö"), false},      {STR_INIT("ös"), true},
    {STR_INIT("ÖÖ"), false},    {STR_INIT("ÖS"), true},       {STR_INIT("dop"), false},
    {STR_INIT("odp"), true},
};

/* Words that a date may have between or behind its numbers. */
static const struct str date_words[] = {
    STR_INIT("年"), STR_INIT("月"), STR_INIT("日"), STR_INIT("년"),
    STR_INIT("월"), STR_INIT("일"), STR_INIT("г"),
};

static uint32_t take_rune(const unsigned char *at, size_t left, size_t *len)
{
    *len = 1;
    if (at[0] >= 0xC2 && at[0] < 0xE0 && left >= 2 && (at[1] & 0xC0) == 0x80) {
        *len = 2;
        return (uint32_t)(at[0] & 0x1F) << 6 | (at[1] & 0x3F);
    }
    if (at[0] >= 0xE0 && at[0] < 0xF0 && left >= 3 && (at[1] & 0xC0) == 0x80 &&
        (at[2] & 0xC0) == 0x80) {
        *len = 3;
        return (uint32_t)(at[0] & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
    }
    return at[0];
}

static bool is_mark(uint32_t rune)
{
    return rune == 0x200B || rune == 0x200E || rune == 0x200F || rune == 0x061C || rune == 0xFEFF ||
           (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069);
}

static bool is_space(uint32_t rune)
{
    return rune == ' ' || rune == '\t' || rune == '\n' || rune == 0x00A0 || rune == 0x202F ||
           (rune >= 0x2000 && rune <= 0x200A);
}

/* What the rune is in plain writing: 0 for nothing at all, or the rune itself. */
static uint32_t plain_rune(uint32_t rune)
{
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        if (rune - zeros[i] <= 9) {
            return '0' + (rune - zeros[i]);
        }
    }
    if (is_mark(rune)) {
        return 0;
    }
    if (rune == 0x060C || rune == 0x3001 || rune == 0xFF0C) {
        return ',';
    }
    if (rune == 0xFF1A || rune == 0x2236) {
        return ':';
    }
    return is_space(rune) ? ' ' : rune;
}

/* ASCII digits, plain spaces and commas, small letters, no marks; never longer than the text. */
static struct str to_plain(struct str text, char out[PAGESTAMP_MARK_MAX])
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t size = 1;
        const unsigned char *bytes = (const unsigned char *)text.ptr + at;
        uint32_t rune = take_rune(bytes, text.len - at, &size);
        uint32_t plain = plain_rune(rune);
        if (plain == rune && size > 1) {
            memcpy(out + len, bytes, size);
            len += size;
        } else if (plain != 0) {
            out[len++] = (char)(plain >= 'A' && plain <= 'Z' ? plain - 'A' + 'a' : plain);
        }
        at += size;
    }
    return (struct str){out, len};
}

/* One half of the mark: its numbers, its words as one, and what separates the numbers. */
struct part {
    int numbers[3];
    int digits[3];
    int count;
    char separator; /* Between the first two numbers. */
    char words[PAGESTAMP_MARK_MAX];
    size_t words_len;
};

static bool take_number(struct scan *scan, struct part *part)
{
    if (part->count == 3) {
        return scan_wants(scan, "three numbers at most");
    }
    int value = 0;
    int digits = 0;
    while (scan_next_is_digit(scan) && digits < 5) {
        value = value * 10 + (*scan->at++ - '0');
        digits++;
    }
    part->numbers[part->count] = value;
    part->digits[part->count++] = digits;
    return digits < 5 || scan_wants(scan, "a number of four digits at most");
}

static bool take_part(struct scan *scan, struct part *part)
{
    *part = (struct part){.count = 0};
    while (scan->at < scan->end) {
        if (scan_next_is_digit(scan)) {
            if (!take_number(scan, part)) {
                return false;
            }
            continue;
        }
        char byte = *scan->at++;
        if (byte == ' ' || byte == '.' || byte == '/' || byte == ':' || byte == '-') {
            bool first = part->count == 1 && (part->separator == 0 || part->separator == ' ');
            part->separator = first ? byte : part->separator;
        } else {
            part->words[part->words_len++] = byte;
        }
    }
    return true;
}

static bool settle_half(struct scan *scan, const struct part *part, int *hour)
{
    struct str words = {part->words, part->words_len};
    if (words.len == 0) {
        *hour = *hour == 24 ? 0 : *hour; /* Some browsers count midnight as 24. */
        return *hour <= 23 || scan_wants(scan, "an hour up to 23");
    }
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        if (str_equal(words, halves[i].word)) {
            *hour = *hour % 12 + (halves[i].afternoon ? 12 : 0);
            return true;
        }
    }
    return scan_wants(scan, "a known word for a half of the day");
}

static bool settle_time(struct scan *scan, const struct part *part, struct pagestamp *out)
{
    out->hour = part->numbers[0];
    out->minute = part->numbers[1];
    out->second_of_minute = part->count == 3 ? part->numbers[2] : 0;
    if (part->count < 2 || out->minute > 59 || out->second_of_minute > 59 || part->digits[1] != 2 ||
        (part->words_len > 0 && out->hour > 12)) {
        return scan_wants(scan, "a time such as 14:05 or 2:05 PM");
    }
    return settle_half(scan, part, &out->hour);
}

static bool are_date_words(struct str words)
{
    while (words.len > 0) {
        size_t before = words.len;
        for (size_t i = 0; i < sizeof date_words / sizeof date_words[0]; i++) {
            if (str_starts(words, date_words[i])) {
                words = str_slice(words, date_words[i].len, words.len);
            }
        }
        if (words.len == before) {
            return false;
        }
    }
    return true;
}

static bool settle_date(struct scan *scan, const struct part *part, struct pagestamp *out)
{
    if (part->count != 3 || !are_date_words((struct str){part->words, part->words_len})) {
        return scan_wants(scan, "a date of three numbers");
    }
    out->year_first = part->digits[0] == 4;
    int year = out->year_first ? 0 : 2;
    out->year = part->numbers[year];
    out->year_short = part->digits[year] == 2;
    out->first = part->numbers[out->year_first ? 1 : 0];
    out->second = part->numbers[out->year_first ? 2 : 1];
    if ((!out->year_short && part->digits[year] != 4) || out->first > 99 || out->second > 99) {
        return scan_wants(scan, "a year of two or four digits, first or last");
    }
    bool dots = part->separator == '.' && !out->year_short && !out->year_first;
    out->order = dots ? PAGESTAMP_ORDER_DMY : PAGESTAMP_ORDER_UNKNOWN;
    return true;
}

/* The time stands first nearly everywhere; what has a colon or two numbers is the time. */
static bool take_mark(struct scan *scan, struct pagestamp *out)
{
    struct str rest = {scan->start, (size_t)(scan->end - scan->start)};
    struct str halves_text[2] = {{0}};
    struct part part[2];
    if (!str_split(&rest, ',', &halves_text[0]) || !str_split(&rest, ',', &halves_text[1]) ||
        rest.ptr != NULL) {
        return scan_wants(scan, "a time and a date with one comma between them");
    }
    for (int i = 0; i < 2; i++) {
        struct scan inner = scan_of(halves_text[i]);
        if (!take_part(&inner, &part[i])) {
            scan->wanted = inner.wanted;
            return false;
        }
    }
    bool date_first = str_find_byte(halves_text[1], ':', 0) != STR_NONE ||
                      (part[0].count == 3 && part[1].count == 2);
    return settle_time(scan, &part[date_first ? 1 : 0], out) &&
           settle_date(scan, &part[date_first ? 0 : 1], out);
}

/* Bytes of spaces and marks at the start of a text. */
static size_t blank_prefix(struct str text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t size = 1;
        uint32_t rune = take_rune((const unsigned char *)text.ptr + at, text.len - at, &size);
        if (!is_space(rune) && !is_mark(rune)) {
            break;
        }
        at += size;
    }
    return at;
}

/* Without spaces and marks at either end; those inside belong to a name. */
static struct str trim_blank(struct str text)
{
    size_t end = 0;
    text = str_slice(text, blank_prefix(text), text.len);
    for (size_t at = 0; at < text.len;) {
        size_t size = 1;
        uint32_t rune = take_rune((const unsigned char *)text.ptr + at, text.len - at, &size);
        at += size;
        end = is_space(rune) || is_mark(rune) ? end : at;
    }
    return str_slice(text, 0, end);
}

/* Behind the bracket: the name and a colon. */
static struct str author_of(struct str text)
{
    text = trim_blank(text);
    return str_ends(text, STR(":")) ? trim_blank(str_slice(text, 0, text.len - 1)) : text;
}

bool pagestamp_parse(struct str text, struct pagestamp *out, struct err *err)
{
    char plain[PAGESTAMP_MARK_MAX];
    size_t open = blank_prefix(text);
    size_t close = str_find_byte(text, ']', open);
    if (open == text.len || text.ptr[open] != '[' || close == STR_NONE ||
        close - open > PAGESTAMP_MARK_MAX) {
        return err_set(err, ERR_REJECT, "mark of a message: expected [time, date] in brackets");
    }
    struct pagestamp mark = {.author = author_of(str_slice(text, close + 1, text.len))};
    struct scan scan = scan_of(to_plain(str_slice(text, open + 1, close), plain));
    if (!take_mark(&scan, &mark)) {
        return err_set(err, ERR_REJECT, "mark of a message: expected %s", scan.wanted);
    }
    *out = mark;
    return true;
}

/* Days from 1970 to a date of the Persian calendar; the rule of 33 years holds from 1178 to 1633.
 */
static int64_t persian_days(int year, int month, int day)
{
    int64_t leaps = (8 * year + 21) / 33 - (8 * 1404 + 21) / 33;
    int64_t first = datetime_days(2025, 3, 21) + INT64_C(365) * (year - 1404) + leaps;
    int months = month - 1;
    int day_of_year = months * 30 + (months < 6 ? months : 6) + day - 1;
    return first + day_of_year;
}

static bool persian_date(int year, int month, int day, struct civil *out)
{
    bool leap = (8 * year + 29) % 33 < 8;
    int last = month <= 6 ? 31 : (month < 12 || leap ? 30 : 29);
    if (month < 1 || month > 12 || day < 1 || day > last) {
        return false;
    }
    return datetime_to_civil(persian_days(year, month, day) * DATETIME_DAY_MS, out);
}

/*
 * By its size, a year tells its calendar for as long as messages have been sent by telephone: the
 * Persian 1348 to 1439 are 1969 to 2061, the Islamic calendar (not known here) is past 1440.
 */
static bool date_in_calendar(int year, int month, int day, struct civil *out)
{
    if (year >= 1348 && year <= 1439) {
        return persian_date(year, month, day, out);
    }
    *out = (struct civil){.year = year >= 2500 ? year - 543 : year, .month = month, .day = day};
    return out->year >= 1970 && out->year <= 2199 && datetime_civil_valid(out);
}

static bool date_in_order(const struct pagestamp *mark, bool month_first, struct civil *out)
{
    int year = mark->year_short ? 2000 + mark->year : mark->year;
    int month = month_first ? mark->first : mark->second;
    int day = month_first ? mark->second : mark->first;
    if (!date_in_calendar(year, month, day, out)) {
        return false;
    }
    out->hour = mark->hour;
    out->minute = mark->minute;
    out->second = mark->second_of_minute;
    return true;
}

enum pagestamp_fit pagestamp_date(const struct pagestamp *mark, enum pagestamp_order order,
                                  struct civil *out)
{
    struct civil by_day = {0};
    struct civil by_month = {0};
    order = mark->order != PAGESTAMP_ORDER_UNKNOWN ? mark->order : order;
    bool month_first = mark->year_first || order == PAGESTAMP_ORDER_MDY;
    bool day_fits = !month_first && date_in_order(mark, false, &by_day);
    bool month_fits =
        (month_first || order == PAGESTAMP_ORDER_UNKNOWN) && date_in_order(mark, true, &by_month);
    if (!day_fits && !month_fits) {
        return PAGESTAMP_IMPOSSIBLE;
    }
    bool told = month_first || order == PAGESTAMP_ORDER_DMY;
    /* Two digits could also be the day, with the year first: only a given order tells. */
    if (!told && (mark->year_short || (day_fits && month_fits && mark->first != mark->second))) {
        return PAGESTAMP_AMBIGUOUS;
    }
    *out = day_fits ? by_day : by_month;
    return PAGESTAMP_DATE;
}

void pagestamp_learn(struct pagestamp_evidence *evidence, const struct pagestamp *mark)
{
    struct civil civil;
    if (mark->year_first || mark->year_short) {
        return;
    }
    bool day_first = date_in_order(mark, false, &civil);
    bool month_first = date_in_order(mark, true, &civil);
    if (day_first && (!month_first || mark->order == PAGESTAMP_ORDER_DMY)) {
        evidence->day_first += evidence->day_first < UINT32_MAX ? 1 : 0;
    } else if (month_first && !day_first) {
        evidence->month_first += evidence->month_first < UINT32_MAX ? 1 : 0;
    }
}

enum pagestamp_order pagestamp_evidence_order(const struct pagestamp_evidence *evidence)
{
    if ((evidence->day_first > 0) == (evidence->month_first > 0)) {
        return PAGESTAMP_ORDER_UNKNOWN;
    }
    return evidence->day_first > 0 ? PAGESTAMP_ORDER_DMY : PAGESTAMP_ORDER_MDY;
}

enum pagestamp_order pagestamp_order_of_locale(struct str locale)
{
    /* Languages that write the day first wherever they are spoken. */
    static const struct str day_first[] = {
        STR_INIT("he"), STR_INIT("iw"), STR_INIT("ar"), STR_INIT("ru"), STR_INIT("uk"),
        STR_INIT("de"), STR_INIT("nl"), STR_INIT("it"), STR_INIT("pt"), STR_INIT("pl"),
        STR_INIT("tr"), STR_INIT("ro"), STR_INIT("cs"), STR_INIT("sk"), STR_INIT("el"),
        STR_INIT("hi"), STR_INIT("id"), STR_INIT("vi"), STR_INIT("th"), STR_INIT("da"),
        STR_INIT("fi"), STR_INIT("nb"), STR_INIT("bg"), STR_INIT("hr"), STR_INIT("sr"),
    };
    static const struct str day_first_exactly[] = {
        STR_INIT("en-GB"), STR_INIT("en-IL"), STR_INIT("en-AU"), STR_INIT("en-NZ"),
        STR_INIT("en-IE"), STR_INIT("en-IN"), STR_INIT("fr"),    STR_INIT("fr-FR"),
        STR_INIT("fr-BE"), STR_INIT("fr-CH"), STR_INIT("es"),    STR_INIT("es-ES"),
        STR_INIT("es-MX"), STR_INIT("es-AR"), STR_INIT("es-CO"), STR_INIT("es-419"),
    };
    char tag[16];
    if (locale.len >= sizeof tag) {
        return PAGESTAMP_ORDER_UNKNOWN;
    }
    for (size_t i = 0; i < locale.len; i++) {
        tag[i] = locale.ptr[i] == '_' ? '-' : locale.ptr[i];
    }
    struct str whole = {tag, locale.len};
    size_t dash = str_find_byte(whole, '-', 0);
    struct str language = str_slice(whole, 0, dash == STR_NONE ? whole.len : dash);
    if (str_equal_ascii_case(whole, STR("en-US"))) {
        return PAGESTAMP_ORDER_MDY;
    }
    for (size_t i = 0; i < sizeof day_first / sizeof day_first[0]; i++) {
        if (str_equal_ascii_case(language, day_first[i])) {
            return PAGESTAMP_ORDER_DMY;
        }
    }
    for (size_t i = 0; i < sizeof day_first_exactly / sizeof day_first_exactly[0]; i++) {
        if (str_equal_ascii_case(whole, day_first_exactly[i])) {
            return PAGESTAMP_ORDER_DMY;
        }
    }
    return PAGESTAMP_ORDER_UNKNOWN;
}
