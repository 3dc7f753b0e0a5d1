#include "pipeline/labels.h"

#include "base/must.h"
#include "text/fold.h"
#include "text/unicode.h"
#include "text/utf8.h"

static bool is_blank(uint32_t code)
{
    return unicode_is_space(code) || unicode_is_format(code);
}

/* Stars, dashes, bullets, telephones as pictures: what is no part of a word. */
static bool is_bullet(uint32_t code)
{
    return code == '_' || !unicode_is_word(code);
}

/* Without white space and invisible characters at the ends; and bullets, if asked for. */
static struct str trim(struct str text, bool bullets)
{
    uint32_t code = 0;
    size_t from = 0;
    size_t to = text.len;
    for (size_t len = 0; (len = utf8_next(text, from, &code)) > 0; from += len) {
        if (!is_blank(code) && !(bullets && is_bullet(code))) {
            break;
        }
    }
    for (size_t len = 0; to > from && (len = utf8_previous(text, to, &code)) > 0; to -= len) {
        if (!is_blank(code) && !(bullets && is_bullet(code))) {
            break;
        }
    }
    return str_slice(text, from, to);
}

struct str labels_fold(struct arena *arena, struct str word)
{
    return fold_text(arena, trim(word, true), FOLD_NAME);
}

void labels_begin(struct labels_scan *scan, const struct labels *labels, struct arena *arena,
                  struct str text, bool each)
{
    *scan = (struct labels_scan){.labels = labels, .arena = arena, .rest = text, .each = each};
    if (str_find_byte(text, ':', 0) == STR_NONE &&
        str_find(text, STR("\xEF\xBC\x9A"), 0) == STR_NONE) { /* Nor a full-width colon. */
        scan->rest = (struct str){0};
    }
}

/* Where the first colon is and what it takes; STR_NONE for none. */
static size_t find_colon(struct str line, size_t *len)
{
    size_t colon = str_find_byte(line, ':', 0);
    size_t wide = str_find(line, STR("\xEF\xBC\x9A"), 0);
    *len = wide < colon ? 3 : 1;
    return wide < colon ? wide : colon;
}

/* A bold line closes its star behind the value: "*שם: דנה*". */
static struct str value_of(struct str line, struct str before, size_t from)
{
    struct str value = trim(str_slice(line, from, line.len), false);
    size_t opened = str_find_byte(before, '*', 0);
    if (opened != STR_NONE && str_find_byte(before, '*', opened + 1) == STR_NONE) {
        if (str_starts(value, STR("*"))) { /* "*שם:* דנה" */
            return trim(str_slice(value, 1, value.len), false);
        }
        if (str_ends(value, STR("*"))) {
            return trim(str_slice(value, 0, value.len - 1), false);
        }
    }
    return value;
}

/* The field of a line's label and its value; STR_NONE for a line without one. */
static size_t read_line(struct labels_scan *scan, struct str line, struct str *value)
{
    size_t colon_len = 0;
    size_t colon = find_colon(line, &colon_len);
    if (colon == STR_NONE || colon > LABELS_LEN_MAX) {
        return STR_NONE;
    }
    struct str before = str_slice(line, 0, colon);
    struct str word = labels_fold(scan->arena, before);
    scan->memory_out = scan->memory_out || word.ptr == NULL;
    for (size_t i = 0; i < scan->labels->count && word.len > 0; i++) {
        if (str_equal(scan->labels->items[i].word, word)) {
            *value = value_of(line, before, colon + colon_len);
            return scan->labels->items[i].field;
        }
    }
    return STR_NONE;
}

/* Does the block that begins here have a label that the item has? */
static bool block_repeats(struct labels_scan *scan, struct str text, const struct labelled *item)
{
    struct str line = {0};
    struct str value = {0};
    while (str_split(&text, '\n', &line)) {
        if (trim(line, false).len == 0) {
            return false;
        }
        size_t field = read_line(scan, line, &value);
        if (field != STR_NONE) {
            must(field < LABELS_MAX);
            if (item->found[field]) {
                return true;
            }
        }
    }
    return false;
}

/* One line into the item; false when it begins the next one. */
static bool take_line(struct labels_scan *scan, struct str line, struct labelled *out, bool *any)
{
    struct str value = {0};
    size_t field = read_line(scan, line, &value);
    if (field == STR_NONE) {
        return true;
    }
    must(field < LABELS_MAX);
    if (out->found[field] && scan->each) {
        return false;
    }
    if (!out->found[field] || out->values[field].len == 0) {
        out->values[field] = value.len > 0 ? value : (struct str){0};
    }
    out->found[field] = true;
    *any = true;
    return true;
}

bool labels_next(struct labels_scan *scan, struct labelled *out)
{
    bool any = false;
    bool fresh = false; /* A blank line stands before. */
    *out = (struct labelled){0};
    while (scan->rest.ptr != NULL && !scan->memory_out) {
        struct str before = scan->rest;
        struct str line = {0};
        (void)str_split(&scan->rest, '\n', &line);
        bool blank = trim(line, false).len == 0;
        bool ends = !blank && fresh && any && scan->each && block_repeats(scan, before, out);
        if (ends || (!blank && !take_line(scan, line, out, &any))) {
            scan->rest = before;
            return !scan->memory_out;
        }
        fresh = blank;
    }
    return any && !scan->memory_out;
}
