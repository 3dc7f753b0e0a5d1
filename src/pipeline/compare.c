#include "pipeline/compare.h"

#include "pipeline/number.h"
#include "text/datetime.h"
#include "text/fold.h"
#include "text/utf8.h"

static const struct {
    struct str word;
    enum compare_how how;
    bool bare; /* Nothing stands behind it. */
} words[] = {
    {STR_INIT("="), COMPARE_EQUAL, false},        {STR_INIT("!="), COMPARE_UNEQUAL, false},
    {STR_INIT("<"), COMPARE_LESS, false},         {STR_INIT("<="), COMPARE_LESS_EQUAL, false},
    {STR_INIT(">"), COMPARE_MORE, false},         {STR_INIT(">="), COMPARE_MORE_EQUAL, false},
    {STR_INIT("in"), COMPARE_IN, false},          {STR_INIT("contains"), COMPARE_CONTAINS, false},
    {STR_INIT("starts"), COMPARE_STARTS, false},  {STR_INIT("ends"), COMPARE_ENDS, false},
    {STR_INIT("present"), COMPARE_PRESENT, true}, {STR_INIT("absent"), COMPARE_ABSENT, true},
};

/* The next word of `*rest`, which goes on behind it. */
static struct str cut_word(struct str *rest)
{
    struct str text = str_trim(*rest);
    size_t end = str_find_byte(text, ' ', 0);
    end = end == STR_NONE ? text.len : end;
    *rest = str_trim(str_slice(text, end, text.len));
    return str_slice(text, 0, end);
}

static struct str unquote(struct str text)
{
    bool quoted = text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
                  text.ptr[text.len - 1] == text.ptr[0];
    return quoted ? str_slice(text, 1, text.len - 1) : text;
}

static bool is_order(enum compare_how how)
{
    return how >= COMPARE_LESS && how <= COMPARE_MORE_EQUAL;
}

/* A number; or a moment, as ms. */
static bool read_number(struct str text, const struct zone *zone, double *out)
{
    struct stamp stamp;
    struct err err = {0};
    if (datetime_parse_iso(text, &stamp, &err)) {
        *out = (double)zone_stamp_ms(zone, &stamp, NULL);
        return true;
    }
    return number_parse(text, '.', out);
}

static bool prepare_choices(struct compare *compare, struct step_scope *scope,
                            struct step_spot spot)
{
    struct str rest = compare->value;
    struct str part = {0};
    struct str *choices = arena_array(scope->arena, COMPARE_CHOICES_MAX, sizeof *choices);
    if (choices == NULL) {
        return step_fault(scope, spot, "out of memory");
    }
    while (str_split(&rest, ',', &part)) {
        if (compare->choice_count == COMPARE_CHOICES_MAX) {
            return step_fault(scope, spot, "more than %d choices", COMPARE_CHOICES_MAX);
        }
        choices[compare->choice_count++] = unquote(str_trim(part));
    }
    compare->choices = choices;
    return true;
}

/* "{since}": another field; not inside of quotes, and not in a list. */
static bool is_field(const struct compare *compare, struct str rest)
{
    return compare->how < COMPARE_IN && rest.len > 2 && rest.ptr[0] == '{' &&
           rest.ptr[rest.len - 1] == '}';
}

static bool prepare_value(struct compare *compare, struct step_scope *scope, struct step_spot spot,
                          struct str rest)
{
    if (is_field(compare, rest)) {
        compare->by_field = true;
        return step_reads(scope, spot, str_slice(rest, 1, rest.len - 1), &compare->other);
    }
    if (is_order(compare->how) &&
        !read_number(compare->value, scope->chain->zone, &compare->number)) {
        return step_fault(scope, spot, "'%.*s' is neither a number nor a time (2026-01-31)",
                          STR_ARG(compare->value));
    }
    return compare->how != COMPARE_IN || prepare_choices(compare, scope, spot);
}

bool compare_prepare(struct compare *compare, struct step_scope *scope, struct step_spot spot,
                     struct str text)
{
    struct str rest = text;
    struct str name = cut_word(&rest);
    struct str word = cut_word(&rest);
    compare->text = text;
    compare->value = unquote(rest);
    if (!step_reads(scope, spot, name, &compare->field)) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!str_equal(words[i].word, word)) {
            continue;
        }
        compare->how = words[i].how;
        if (words[i].bare != (rest.len == 0)) {
            return step_fault(scope, spot,
                              words[i].bare ? "nothing may stand behind '%.*s'"
                                            : "something must stand behind '%.*s'",
                              STR_ARG(word));
        }
        return words[i].bare || prepare_value(compare, scope, spot, rest);
    }
    spot.character = utf8_count(name) + 2;
    return step_fault(scope, spot,
                      "'%.*s' compares nothing; write one of = != < <= > >= in contains starts "
                      "ends present absent",
                      STR_ARG(word));
}

/* False for what is neither a number nor a time. */
static bool value_number(const struct value *value, const struct zone *zone, double *out)
{
    switch (value->kind) {
    case VALUE_INT:
    case VALUE_TIME:
        *out = (double)value->integer;
        return true;
    case VALUE_DOUBLE:
        *out = value->real;
        return true;
    case VALUE_TEXT:
        return read_number(str_trim(value->text), zone, out);
    case VALUE_ABSENT:
    case VALUE_BOOL:
        break;
    }
    return false;
}

static bool holds_order(const struct compare *compare, const struct value *value,
                        const struct value *other, const struct zone *zone)
{
    double number = 0;
    double with = compare->number;
    if (!value_number(value, zone, &number) ||
        (compare->by_field && !value_number(other, zone, &with))) {
        return false;
    }
    switch (compare->how) {
    case COMPARE_LESS:
        return number < with;
    case COMPARE_LESS_EQUAL:
        return number <= with;
    case COMPARE_MORE:
        return number > with;
    case COMPARE_MORE_EQUAL:
        return number >= with;
    case COMPARE_EQUAL:
    case COMPARE_UNEQUAL:
    case COMPARE_IN:
    case COMPARE_CONTAINS:
    case COMPARE_STARTS:
    case COMPARE_ENDS:
    case COMPARE_PRESENT:
    case COMPARE_ABSENT:
        break;
    }
    return false;
}

static bool is_equal(struct str a, struct str b, bool fold)
{
    return fold ? fold_equal(a, b, FOLD_NAME) : str_equal(a, b);
}

static bool is_one_of(const struct compare *compare, struct str text, bool fold)
{
    for (size_t i = 0; i < compare->choice_count; i++) {
        if (is_equal(text, compare->choices[i], fold)) {
            return true;
        }
    }
    return false;
}

static bool holds_text(const struct compare *compare, struct str text, struct str value, bool fold)
{
    switch (compare->how) {
    case COMPARE_EQUAL:
        return is_equal(text, value, fold);
    case COMPARE_UNEQUAL:
        return !is_equal(text, value, fold);
    case COMPARE_IN:
        return is_one_of(compare, text, fold);
    case COMPARE_CONTAINS:
        return str_find(text, value, 0) != STR_NONE;
    case COMPARE_STARTS:
        return str_starts(text, value);
    case COMPARE_ENDS:
        return str_ends(text, value);
    case COMPARE_LESS:
    case COMPARE_LESS_EQUAL:
    case COMPARE_MORE:
    case COMPARE_MORE_EQUAL:
    case COMPARE_PRESENT:
    case COMPARE_ABSENT:
        break;
    }
    return false;
}

bool compare_holds(const struct compare *compare, struct flow *flow, const struct step *step,
                   bool fold, bool *holds, struct err *err)
{
    const struct value *value = &flow->values[compare->field];
    struct arena *arena = flow->env->arena;
    bool present =
        value->kind != VALUE_ABSENT && (value->kind != VALUE_TEXT || value->text.len > 0);
    if (!present || compare->how >= COMPARE_PRESENT) {
        bool wants_none = compare->how == COMPARE_ABSENT || compare->how == COMPARE_UNEQUAL;
        *holds = present ? compare->how == COMPARE_PRESENT : wants_none;
        return true;
    }
    if (is_order(compare->how)) {
        *holds = holds_order(compare, value, &flow->values[compare->other], flow->chain->zone);
        return true;
    }
    struct str text = value_text(value, arena);
    struct str with =
        compare->by_field ? value_text(&flow->values[compare->other], arena) : compare->value;
    if (compare->by_field && flow->values[compare->other].kind == VALUE_ABSENT) {
        *holds = compare->how == COMPARE_UNEQUAL;
        return true;
    }
    bool inside = compare->how >= COMPARE_CONTAINS;
    if (fold && inside && text.ptr != NULL) {
        text = fold_text(arena, text, FOLD_SEARCH);
        with = fold_text(arena, with, FOLD_SEARCH);
    }
    if (text.ptr == NULL || with.ptr == NULL) {
        return flow_memory(step, err);
    }
    *holds = holds_text(compare, text, with, fold);
    return true;
}
