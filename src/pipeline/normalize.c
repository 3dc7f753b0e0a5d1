#include "pipeline/normalize.h"

#include "base/must.h"
#include "pipeline/number.h"
#include "text/fold.h"
#include "text/phone.h"

enum { DIGITS_MAX = 256, EMAIL_MAX = 254 };

static const struct str form_names[NORMALIZE_FORMS] = {
    STR_INIT("trim"),  STR_INIT("fold"),  STR_INIT("lower"),  STR_INIT("digits"),
    STR_INIT("phone"), STR_INIT("email"), STR_INIT("number"), STR_INIT("integer"),
    STR_INIT("date"),  STR_INIT("time"),
};

static const char *const failure_names[] = {"keep", "empty", "drop", "reject", NULL};
static const char *const country_names[] = {"israel", "south-africa", "none", NULL};
static const enum phone_country countries[] = {PHONE_ISRAEL, PHONE_SOUTH_AFRICA, PHONE_ANYWHERE};
static const char *const decimal_names[] = {"point", "comma", NULL};

static enum value_kind form_type(enum normalize_form form)
{
    switch (form) {
    case NORMALIZE_NUMBER:
        return VALUE_DOUBLE;
    case NORMALIZE_INTEGER:
        return VALUE_INT;
    case NORMALIZE_TIME:
        return VALUE_TIME;
    case NORMALIZE_TRIM:
    case NORMALIZE_FOLD:
    case NORMALIZE_LOWER:
    case NORMALIZE_DIGITS:
    case NORMALIZE_PHONE:
    case NORMALIZE_EMAIL:
    case NORMALIZE_DATE:
    case NORMALIZE_FORMS:
        break;
    }
    return VALUE_TEXT;
}

static bool prepare_field(struct normalize_field *made, struct step_scope *scope,
                          const struct str_pair *pair)
{
    struct step_spot spot = {.option = "fields", .key = pair->name};
    size_t form = 0;
    while (form < NORMALIZE_FORMS && !str_equal(form_names[form], pair->text)) {
        form++;
    }
    if (form == NORMALIZE_FORMS) {
        return step_fault(scope, spot,
                          "'%.*s' is none of trim, fold, lower, digits, phone, email, number, "
                          "integer, date, time",
                          STR_ARG(pair->text));
    }
    made->name = pair->name;
    made->form = (enum normalize_form)form;
    return step_reads(scope, spot, pair->name, &made->from) &&
           step_sets(scope, spot, pair->name, form_type(made->form), &made->to);
}

static bool prepare_pattern(struct normalize *normalize, struct step_scope *scope)
{
    struct step_spot spot = {.option = "pattern"};
    struct err err = {0};
    if (normalize->pattern.len == 0) {
        return true;
    }
    normalize->timepattern = arena_alloc(scope->arena, sizeof *normalize->timepattern);
    if (normalize->timepattern == NULL) {
        return step_fault(scope, spot, "out of memory");
    }
    if (!timepattern_compile(normalize->pattern, normalize->timepattern, &err)) {
        return step_fault_err(scope, spot, &err);
    }
    return normalize->timepattern->reads ||
           step_fault(scope, spot,
                      "the pattern lacks a part of the date, so nothing can be read "
                      "with it");
}

static bool normalize_prepare(struct step *step, struct step_scope *scope)
{
    struct normalize *normalize = (struct normalize *)step;
    size_t count = normalize->fields.count;
    bool good = true;
    normalize->made = arena_array(scope->arena, count + 1, sizeof *normalize->made);
    if (normalize->made == NULL) {
        return step_fault(scope, (struct step_spot){0}, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        good = prepare_field(&normalize->made[i], scope, &normalize->fields.items[i]) && good;
    }
    if (normalize->problem.len > 0) {
        good = step_sets(scope, (struct step_spot){.option = "problem"}, normalize->problem,
                         VALUE_TEXT, &normalize->problem_field) &&
               good;
    }
    return prepare_pattern(normalize, scope) && good;
}

static struct str make_email(struct str text, struct arena *arena)
{
    struct str plain = fold_text(
        arena, text, FOLD_INVISIBLE | FOLD_JOINERS | FOLD_CASE | FOLD_WIDTH | FOLD_SPACES);
    size_t at = str_find_byte(plain, '@', 0);
    struct str host = at == STR_NONE ? (struct str){0} : str_slice(plain, at + 1, plain.len);
    bool good = at != STR_NONE && at > 0 && plain.len <= EMAIL_MAX &&
                str_find_byte(host, '@', 0) == STR_NONE && str_find_byte(plain, ' ', 0) == STR_NONE;
    size_t dot = str_find_byte(host, '.', 0);
    good = good && dot != STR_NONE && dot > 0 && !str_ends(host, STR(".")) &&
           str_find(host, STR(".."), 0) == STR_NONE;
    return good ? plain : (struct str){0};
}

static struct str make_digits(struct str text, struct arena *arena)
{
    char digits[DIGITS_MAX];
    size_t count = phone_digits(text, digits, sizeof digits);
    return count > 0 ? arena_copy(arena, (struct str){digits, count}) : (struct str){0};
}

static struct str make_phone(const struct normalize *normalize, struct str text,
                             struct arena *arena, struct err *why)
{
    struct phone phone;
    if (!phone_parse(text, countries[normalize->country], &phone, why)) {
        return (struct str){0};
    }
    return arena_copy(arena, phone_str(&phone));
}

static bool read_stamp(const struct normalize *normalize, struct str text, struct stamp *stamp,
                       struct err *why)
{
    return normalize->timepattern != NULL
               ? timepattern_read(normalize->timepattern, text, stamp, why)
               : datetime_parse_iso(text, stamp, why);
}

/* A moment, or the date in it as it was written. */
static struct value make_time(const struct normalize *normalize, struct flow *flow, struct str text,
                              bool date, struct err *why)
{
    struct stamp stamp;
    struct arena *arena = flow->env->arena;
    text = fold_text(arena, text, FOLD_INVISIBLE | FOLD_JOINERS | FOLD_WIDTH | FOLD_SPACES);
    if (!read_stamp(normalize, text, &stamp, why)) {
        return (struct value){0};
    }
    if (date) {
        return value_of_text(arena_printf(arena, "%04d-%02d-%02d", stamp.civil.year,
                                          stamp.civil.month, stamp.civil.day));
    }
    return value_of_time(zone_stamp_ms(flow->chain->zone, &stamp, NULL));
}

static struct value make_number(struct str text, char decimal, bool whole)
{
    struct value value = {0};
    if (whole && number_parse_whole(text, decimal, &value.integer)) {
        value.kind = VALUE_INT;
    }
    if (!whole && number_parse(text, decimal, &value.real)) {
        value.kind = VALUE_DOUBLE;
    }
    return value;
}

/* Absent when the text cannot be made into the form. */
static struct value make(const struct normalize *normalize, struct flow *flow,
                         enum normalize_form form, struct str text, struct err *why)
{
    struct arena *arena = flow->env->arena;
    char decimal = normalize->decimal == 0 ? '.' : ',';
    switch (form) {
    case NORMALIZE_TRIM:
        return value_of_text(fold_text(arena, text, FOLD_INVISIBLE | FOLD_SPACES));
    case NORMALIZE_FOLD:
        return value_of_text(fold_text(arena, text, FOLD_NAME));
    case NORMALIZE_LOWER:
        return value_of_text(fold_text(arena, text, FOLD_CASE));
    case NORMALIZE_DIGITS:
        return value_of_text(make_digits(text, arena));
    case NORMALIZE_PHONE:
        return value_of_text(make_phone(normalize, text, arena, why));
    case NORMALIZE_EMAIL:
        return value_of_text(make_email(text, arena));
    case NORMALIZE_NUMBER:
    case NORMALIZE_INTEGER:
        return make_number(text, decimal, form == NORMALIZE_INTEGER);
    case NORMALIZE_DATE:
    case NORMALIZE_TIME:
        return make_time(normalize, flow, text, form == NORMALIZE_DATE, why);
    case NORMALIZE_FORMS:
        break;
    }
    must(false);
}

static struct str describe(const struct normalize_field *field, struct flow *flow,
                           const struct err *why)
{
    return arena_printf(flow->env->arena, "%.*s is no %.*s%s%s", STR_ARG(field->name),
                        STR_ARG(form_names[field->form]), why->text[0] != '\0' ? ": " : "",
                        why->text);
}

/* One field; `*problem` is set when it failed. */
static void apply_field(const struct normalize *normalize, const struct normalize_field *field,
                        struct flow *flow, struct str *problem)
{
    struct value *value = &flow->values[field->to];
    *value = flow->values[field->from];
    struct str text = value_text(value, flow->env->arena);
    struct err why = {0};
    if (text.len == 0) {
        *value = (struct value){0};
        return;
    }
    if (value->kind == form_type(field->form) && value->kind != VALUE_TEXT) {
        return;
    }
    struct value made = make(normalize, flow, field->form, text, &why);
    if (made.kind == VALUE_ABSENT) {
        *problem = describe(field, flow, &why);
        bool keeps =
            normalize->on_failure != NORMALIZE_EMPTY && form_type(field->form) == VALUE_TEXT;
        *value = keeps ? value_of_text(text) : (struct value){0};
        return;
    }
    *value = made.kind == VALUE_TEXT && made.text.len == 0 ? (struct value){0} : made;
}

static bool normalize_apply(struct step *step, struct flow *flow, struct err *err)
{
    const struct normalize *normalize = (const struct normalize *)step;
    struct str problem = {0};
    for (size_t i = 0; i < normalize->fields.count; i++) {
        struct str wrong = {0};
        apply_field(normalize, &normalize->made[i], flow, &wrong);
        problem = problem.ptr == NULL ? wrong : problem; /* The first one. */
    }
    if (normalize->problem.len > 0) {
        flow->values[normalize->problem_field] = value_of_text(problem);
    }
    if (problem.ptr == NULL || normalize->on_failure <= NORMALIZE_EMPTY) {
        return flow_pass(flow, step, err);
    }
    return normalize->on_failure == NORMALIZE_DROP
               ? flow_leave(flow, step, problem, err)
               : err_set(err, ERR_REJECT, "normalize: %.*s", STR_ARG(problem));
}

static const struct option options[] = {
    OPTION_MAP(struct normalize, fields, "fields", OPTION_REQUIRED,
               "Fields, and the form of each: trim, fold, lower, digits, phone, email, number, "
               "integer, date, time."),
    OPTION_CHOICE(struct normalize, on_failure, "on_failure", "keep", failure_names,
                  "What becomes of a value that cannot have its form: `keep` it, make it `empty`, "
                  "`drop` the item, `reject` the message."),
    OPTION_TEXT(struct normalize, problem, "problem", NULL,
                "A field that gets what was wrong, in words."),
    OPTION_CHOICE(struct normalize, country, "country", "israel", country_names,
                  "Whose local telephone numbers are understood."),
    OPTION_CHOICE(struct normalize, decimal, "decimal", "point", decimal_names,
                  "What parts a fraction: 1,200.50 or 1.200,50."),
    OPTION_TEXT(struct normalize, pattern, "pattern", NULL,
                "How dates and times are written, such as DD.MM.YYYY HH:MM; by default ISO 8601."),
    OPTION_END,
};

const struct step_type step_normalize = {
    .kind = "normalize",
    .summary = "Gives values one form: phones, e-mail addresses, numbers, dates, plain text.",
    .options = options,
    .size = sizeof(struct normalize),
    .leaves = true,
    .prepare = normalize_prepare,
    .apply = normalize_apply,
};
