#include "text/phone.h"

#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* What remains of a text when the look is taken off: digits, and where a plus stood. */
struct plain {
    char digits[PHONE_TEXT_MAX];
    size_t len;
    bool plus;
    bool trunk_zero; /* "+972 (0)55": the zero in brackets belongs to the national form. */
};

static bool is_plus(uint32_t code)
{
    return code == '+' || code == 0xFF0B || code == 0xFE62;
}

static bool is_dash(uint32_t code)
{
    return code == '-' || (code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0xFF0D ||
           code == 0x05BE || code == 0xFE63 || code == 0xFE58;
}

static bool is_ornament(uint32_t code)
{
    return unicode_is_space(code) || unicode_is_format(code) || is_dash(code) || code == '(' ||
           code == ')' || code == '[' || code == ']' || code == '.' || code == '/';
}

/* The national zero in brackets, dropped where a country code stands before it. */
static bool skip_bracket_zero(struct str text, size_t *at, struct plain *plain)
{
    enum { CODE_LEN_MAX = 5 }; /* A country code, with 00 before it. */
    if (plain->len == 0 || plain->len > CODE_LEN_MAX || plain->trunk_zero ||
        !str_equal(str_slice(text, *at, *at + 3), STR("(0)"))) {
        return false;
    }
    plain->trunk_zero = true;
    *at += 3;
    return true;
}

static bool take_off_look(struct str text, struct plain *plain, struct err *err)
{
    bool plus_behind = false;
    for (size_t at = 0; at < text.len;) {
        if (skip_bracket_zero(text, &at, plain)) {
            continue;
        }
        uint32_t code = 0;
        size_t start = at;
        at += utf8_next(text, at, &code);
        int digit = unicode_digit(code);
        if (digit >= 0 && !plus_behind) {
            must(plain->len < sizeof plain->digits); /* PHONE_TEXT_MAX bounds the text. */
            plain->digits[plain->len++] = (char)('0' + digit);
        } else if (is_plus(code) && !plain->plus) {
            /* Copied out of right-to-left text, the plus may stand behind. */
            plain->plus = true;
            plus_behind = plain->len > 0;
        } else if (!is_ornament(code)) {
            return err_set(err, ERR_REJECT,
                           "phone: has a character that no number has, at byte %zu", start);
        }
    }
    return true;
}

/* Country codes of E.164 by their first digits: one digit, two, or three. */
static size_t country_code_len(const char *digits)
{
    if (digits[0] == '1' || digits[0] == '7') {
        return 1;
    }
    static const char *const two_digits =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 "
        "52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
        "90 91 92 93 94 95 98 ";
    for (const char *code = two_digits; *code != '\0'; code += 3) {
        if (memcmp(code, digits, 2) == 0) {
            return 2;
        }
    }
    static const struct {
        char tens[3];
        char units[11]; /* The third digits that are in use. */
    } three_digits[] = {
        {"21", "12368"},      {"22", "0123456789"}, {"23", "0123456789"}, {"24", "0123456789"},
        {"25", "012345678"},  {"26", "0123456789"}, {"29", "01789"},      {"35", "0123456789"},
        {"37", "012345678"},  {"38", "01235679"},   {"42", "013"},        {"50", "0123456789"},
        {"59", "0123456789"}, {"67", "023456789"},  {"68", "0123456789"}, {"69", "0123456789"},
        {"80", "08"},         {"85", "02356"},      {"87", "08"},         {"88", "01236789"},
        {"96", "012345678"},  {"97", "01234567"},   {"99", "2345678"},
    };
    for (size_t i = 0; i < sizeof three_digits / sizeof three_digits[0]; i++) {
        if (memcmp(three_digits[i].tens, digits, 2) == 0) {
            return strchr(three_digits[i].units, digits[2]) != NULL ? 3 : 0;
        }
    }
    return 0;
}

/* Digits that a national number has without its leading zero; 0: no such prefix. */
static size_t israel_len(const char *national)
{
    switch (national[0]) {
    case '2':
    case '3':
    case '4':
    case '8':
    case '9':
        return 8;
    case '5':
    case '7':
        return 9;
    case '1':
        return 10; /* 1-700, 1-800 and the like. */
    default:
        return 0;
    }
}

static size_t south_africa_len(const char *national)
{
    return national[0] >= '1' && national[0] <= '8' ? 9 : 0;
}

static size_t national_len(enum phone_country country, const char *national)
{
    switch (country) {
    case PHONE_ISRAEL:
        return israel_len(national);
    case PHONE_SOUTH_AFRICA:
        return south_africa_len(national);
    case PHONE_ANYWHERE:
        break;
    }
    return 0;
}

static const char *country_name(enum phone_country country)
{
    return country == PHONE_ISRAEL ? "Israel" : "South Africa";
}

static bool check_national(enum phone_country country, const char *national, size_t len,
                           struct err *err)
{
    if (len == 0) {
        return err_set(err, ERR_REJECT, "phone: too short: nothing follows the prefix of %s",
                       country_name(country));
    }
    size_t want = national_len(country, national);
    if (want == 0) {
        return err_set(err, ERR_REJECT, "phone: no number of %s begins with %c after its prefix",
                       country_name(country), national[0]);
    }
    if (len != want) {
        return err_set(err, ERR_REJECT, "phone: too %s for a number of %s: %zu digits, not %zu",
                       len < want ? "short" : "long", country_name(country), len, want);
    }
    return true;
}

static void set_phone(struct phone *phone, enum phone_country country, const char *digits,
                      size_t len)
{
    *phone = (struct phone){0};
    const char *code = country == PHONE_ISRAEL ? "972" : country == PHONE_SOUTH_AFRICA ? "27" : "";
    size_t code_len = strlen(code);
    must(code_len + len <= PHONE_DIGITS_MAX);
    memcpy(phone->digits, code, code_len);
    memcpy(phone->digits + code_len, digits, len);
    phone->len = (uint8_t)(code_len + len);
}

static enum phone_country country_of(const char *digits, size_t len)
{
    if (len >= 3 && memcmp(digits, "972", 3) == 0) {
        return PHONE_ISRAEL;
    }
    if (len >= 2 && memcmp(digits, "27", 2) == 0) {
        return PHONE_SOUTH_AFRICA;
    }
    return PHONE_ANYWHERE;
}

/* `digits` begin with a country code. */
static bool parse_international(const char *digits, size_t len, struct phone *phone,
                                struct err *err)
{
    enum phone_country country = country_of(digits, len);
    if (country != PHONE_ANYWHERE) {
        size_t code_len = country == PHONE_ISRAEL ? 3 : 2;
        const char *national = digits + code_len;
        size_t national_digits = len - code_len;
        if (national_digits > 0 && national[0] == '0') { /* "+972 055…" is a common slip. */
            national++;
            national_digits--;
        }
        if (!check_national(country, national, national_digits, err)) {
            return false;
        }
        set_phone(phone, country, national, national_digits);
        return true;
    }
    if (len < PHONE_DIGITS_MIN || len > PHONE_DIGITS_MAX) {
        return err_set(err, ERR_REJECT, "phone: too %s: %zu digits, a number has %d to %d",
                       len < PHONE_DIGITS_MIN ? "short" : "long", len, PHONE_DIGITS_MIN,
                       PHONE_DIGITS_MAX);
    }
    if (country_code_len(digits) == 0) {
        return err_set(err, ERR_REJECT, "phone: no country has the code that %.3s begins with",
                       digits);
    }
    set_phone(phone, PHONE_ANYWHERE, digits, len);
    return true;
}

/* No zero and no plus: a sheet took a national number for a quantity and dropped its zero. */
static bool lost_its_zero(enum phone_country home, const struct plain *plain)
{
    if (plain->len == 0 || home == PHONE_ANYWHERE) {
        return false;
    }
    return plain->len < 10 && plain->len == national_len(home, plain->digits);
}

static bool parse_plain(const struct plain *plain, enum phone_country home, struct phone *phone,
                        struct err *err)
{
    if (plain->len == 0) {
        return err_set(err, ERR_REJECT, "phone: no digits");
    }
    if (plain->plus) {
        return parse_international(plain->digits, plain->len, phone, err);
    }
    if (plain->len > 2 && memcmp(plain->digits, "00", 2) == 0) {
        return parse_international(plain->digits + 2, plain->len - 2, phone, err);
    }
    if (plain->digits[0] == '0') {
        if (home == PHONE_ANYWHERE) {
            return err_set(err, ERR_REJECT, "phone: a national number, and no home country is set");
        }
        if (!check_national(home, plain->digits + 1, plain->len - 1, err)) {
            return false;
        }
        set_phone(phone, home, plain->digits + 1, plain->len - 1);
        return true;
    }
    if (lost_its_zero(home, plain)) {
        set_phone(phone, home, plain->digits, plain->len);
        return true;
    }
    return parse_international(plain->digits, plain->len, phone, err);
}

static const char *jid_refusal(enum phone_jid kind)
{
    switch (kind) {
    case PHONE_JID_GROUP:
        return "a group, not a person";
    case PHONE_JID_LID:
        return "a LID, which hides the number";
    case PHONE_JID_BROADCAST:
        return "a broadcast list, not a person";
    case PHONE_JID_CHANNEL:
        return "a channel, not a person";
    case PHONE_JID_OTHER:
        return "an address that is none of WhatsApp's";
    case PHONE_JID_NONE:
    case PHONE_JID_PERSON:
        break;
    }
    return NULL;
}

bool phone_parse(struct str text, enum phone_country home, struct phone *phone, struct err *err)
{
    *phone = (struct phone){0};
    if (text.len > PHONE_TEXT_MAX) {
        return err_set(err, ERR_REJECT, "phone: %zu bytes are too long for a number", text.len);
    }
    struct plain plain = {.len = 0};
    enum phone_jid kind = phone_jid_kind(text);
    if (jid_refusal(kind) != NULL) {
        return err_set(err, ERR_REJECT, "phone: %s", jid_refusal(kind));
    }
    if (kind == PHONE_JID_PERSON) {
        text = phone_jid_user(text);
        plain.plus = true;
    } else if (str_equal_ascii_case(str_slice(text, 0, 4), STR("tel:"))) {
        text = str_slice(text, 4, text.len);
    }
    if (!take_off_look(text, &plain, err)) {
        return false;
    }
    return parse_plain(&plain, home, phone, err);
}

struct str phone_str(const struct phone *phone)
{
    return (struct str){phone->digits, phone->len};
}

bool phone_equal(const struct phone *a, const struct phone *b)
{
    return a->len > 0 && str_equal(phone_str(a), phone_str(b));
}

size_t phone_digits(struct str text, char *out, size_t size)
{
    size_t used = 0;
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0 && used < size; at += len) {
        int digit = unicode_digit(code);
        if (digit >= 0) {
            out[used++] = (char)('0' + digit);
        }
    }
    return used;
}

/* Joiners shape names and emoji, so a look keeps them; the controls of direction go. */
static bool is_bidi_control(uint32_t code)
{
    return code == 0x200E || code == 0x200F || code == 0x061C ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0x200B || code == 0xFEFF || code == 0xAD;
}

struct str phone_look(struct arena *arena, struct str text)
{
    struct buf out;
    buf_init(&out, arena, text.len + 1);
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (is_bidi_control(code) || (is_plus(code) && out.len == 0)) {
            continue;
        }
        if (unicode_is_space(code)) {
            buf_add_byte(&out, ' ');
        } else if (is_dash(code) && code != 0x05BE) {
            buf_add_byte(&out, '-');
        } else {
            buf_add(&out, str_slice(text, at, at + len));
        }
    }
    return buf_ok(&out) ? str_trim(buf_str(&out)) : (struct str){0};
}

/* Copy groups of digits with what stands between them: "3 2-3-4" is 972 55-660-2298. */
static struct str group_digits(const struct phone *phone, const char *pattern,
                               char out[PHONE_LOOK_MAX])
{
    size_t used = 0;
    size_t from = 0;
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            out[used++] = *p;
            continue;
        }
        for (int count = *p - '0'; count > 0 && from < phone->len; count--) {
            out[used++] = phone->digits[from++];
        }
    }
    must(from == phone->len && used < PHONE_LOOK_MAX);
    out[used] = '\0';
    return (struct str){out, used};
}

struct str phone_format(const struct phone *phone, char out[PHONE_LOOK_MAX])
{
    must(phone->len <= PHONE_DIGITS_MAX);
    enum phone_country country = country_of(phone->digits, phone->len);
    if (country == PHONE_ISRAEL && phone->len == 12) {
        return group_digits(phone, "3 2-3-4", out);
    }
    if (country == PHONE_ISRAEL && phone->len == 11) {
        return group_digits(phone, "3 1-3-4", out);
    }
    if (country == PHONE_SOUTH_AFRICA && phone->len == 11) {
        return group_digits(phone, "2 2 3 4", out);
    }
    memcpy(out, phone->digits, phone->len);
    out[phone->len] = '\0';
    return (struct str){out, phone->len};
}

struct str phone_mask(struct str text, char out[PHONE_LOOK_MAX])
{
    enum { KEEP_FIRST = 5, KEEP_LAST = 2 };
    char digits[PHONE_LOOK_MAX - 1];
    size_t len = phone_digits(text, digits, sizeof digits);
    for (size_t i = 0; i < len; i++) {
        bool keep = len >= PHONE_DIGITS_MIN + KEEP_LAST && (i < KEEP_FIRST || i >= len - KEEP_LAST);
        out[i] = keep ? digits[i] : '*';
    }
    out[len] = '\0';
    return (struct str){out, len};
}

enum phone_jid phone_jid_kind(struct str jid)
{
    size_t at = str_find_byte(jid, '@', 0);
    if (at == STR_NONE) {
        return PHONE_JID_NONE;
    }
    static const struct {
        struct str domain;
        enum phone_jid kind;
    } domains[] = {
        {STR_INIT("s.whatsapp.net"), PHONE_JID_PERSON},
        {STR_INIT("c.us"), PHONE_JID_PERSON},
        {STR_INIT("g.us"), PHONE_JID_GROUP},
        {STR_INIT("lid"), PHONE_JID_LID},
        {STR_INIT("hosted.lid"), PHONE_JID_LID},
        {STR_INIT("hosted"), PHONE_JID_PERSON},
        {STR_INIT("broadcast"), PHONE_JID_BROADCAST},
        {STR_INIT("newsletter"), PHONE_JID_CHANNEL},
    };
    struct str domain = str_slice(jid, at + 1, jid.len);
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++) {
        if (str_equal_ascii_case(domain, domains[i].domain)) {
            return domains[i].kind;
        }
    }
    return PHONE_JID_OTHER;
}

struct str phone_jid_user(struct str jid)
{
    size_t end = 0;
    while (end < jid.len && strchr("@:._", jid.ptr[end]) == NULL) {
        end++;
    }
    return str_slice(jid, 0, end);
}
