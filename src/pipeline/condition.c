#include "pipeline/condition.h"

#include "text/fold.h"

const char *const condition_directions[] = {"any", "in", "out", NULL};
const char *const condition_attachments[] = {"any", "yes", "no", NULL};

static unsigned regex_flags(const struct condition *condition)
{
    return condition->ignore_case ? REGEX_CASELESS : 0;
}

static bool open_words(struct condition *condition, struct err *err)
{
    struct keywords_options options = {.whole_word = condition->whole_words,
                                       .fold = condition->fold ? FOLD_SEARCH : 0};
    return condition->words.count == 0 ||
           keywords_open(&condition->keywords, condition->words.items, condition->words.count,
                         options, err);
}

static bool open_pattern(struct condition *condition, struct err *err)
{
    return condition->pattern.len == 0 ||
           regex_open(&condition->regex, condition->pattern, regex_flags(condition), err);
}

/* What would fail when it is opened is a fault of the configuration. */
static bool try_opening(struct condition *condition, struct step_scope *scope)
{
    struct err err = {0};
    bool good = true;
    if (!open_words(condition, &err)) {
        good = step_fault_err(scope, (struct step_spot){.option = "words"}, &err);
    }
    if (!open_pattern(condition, &err)) {
        good = step_fault_err(scope, (struct step_spot){.option = "pattern"}, &err);
    }
    condition_close(condition);
    return good;
}

static bool prepare_kinds(const struct condition *condition, struct step_scope *scope)
{
    bool good = true;
    for (size_t i = 0; i < condition->kinds.count; i++) {
        struct str kind = condition->kinds.items[i];
        if (!str_equal(kind, STR("message")) && !str_equal(kind, STR("tick")) &&
            !str_equal(kind, STR("run")) && !str_equal(kind, STR("receipt"))) {
            struct step_spot spot = {.option = "on", .index = i + 1};
            good = step_fault(scope, spot, "'%.*s' is none of message, tick, run, receipt",
                              STR_ARG(kind));
        }
    }
    return good;
}

static bool prepare_where(struct condition *condition, struct step_scope *scope)
{
    size_t count = condition->where.count;
    struct compare *compares = arena_array(scope->arena, count + 1, sizeof *compares);
    bool good = compares != NULL;
    for (size_t i = 0; compares != NULL && i < count; i++) {
        struct step_spot spot = {.option = "where", .index = i + 1};
        good = compare_prepare(&compares[i], scope, spot, condition->where.items[i]) && good;
    }
    condition->compares = compares;
    return good;
}

static bool prepare_senders(struct condition *condition, struct step_scope *scope)
{
    size_t count = condition->senders.count;
    struct phone *phones = arena_array(scope->arena, count + 1, sizeof *phones);
    for (size_t i = 0; phones != NULL && i < count; i++) {
        struct err ignored = {0};
        (void)phone_parse(condition->senders.items[i], PHONE_ANYWHERE, &phones[i], &ignored);
    }
    condition->phones = phones;
    return phones != NULL;
}

bool condition_prepare(struct condition *condition, struct step_scope *scope)
{
    bool good =
        step_reads(scope, (struct step_spot){.option = "in"}, condition->in, &condition->field);
    good = try_opening(condition, scope) && good;
    good = prepare_kinds(condition, scope) && good;
    good = prepare_where(condition, scope) && good;
    return prepare_senders(condition, scope) && good;
}

bool condition_open(struct condition *condition, struct err *err)
{
    return open_words(condition, err) && open_pattern(condition, err);
}

void condition_close(struct condition *condition)
{
    keywords_close(condition->keywords);
    regex_close(condition->regex);
    condition->keywords = NULL;
    condition->regex = NULL;
}

static bool is_in(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], text)) {
            return true;
        }
    }
    return list->count == 0;
}

static bool sender_is_meant(const struct condition *condition, struct str sender)
{
    struct phone phone;
    struct err ignored = {0};
    if (is_in(&condition->senders, sender)) {
        return true;
    }
    if (!phone_parse(sender, PHONE_ANYWHERE, &phone, &ignored)) {
        return false;
    }
    for (size_t i = 0; i < condition->senders.count; i++) {
        if (phone_equal(&condition->phones[i], &phone)) {
            return true;
        }
    }
    return false;
}

/* The cheap tests; NULL when all of them hold. */
static const char *first_wrong(const struct condition *condition, const struct value *values)
{
    struct str wanted = condition->direction == CONDITION_FIRST ? STR("in") : STR("out");
    bool attached = values[FIELD_HAS_ATTACHMENT].integer != 0;
    if (!is_in(&condition->kinds, values[FIELD_KIND].text)) {
        return "another kind of message";
    }
    if (!is_in(&condition->chats, values[FIELD_CHAT].text)) {
        return "another chat";
    }
    if (condition->direction != CONDITION_ANY && !str_equal(values[FIELD_DIRECTION].text, wanted)) {
        return "the other direction, or none that is known";
    }
    if (condition->attachment != CONDITION_ANY &&
        attached != (condition->attachment == CONDITION_FIRST)) {
        return attached ? "something is attached" : "nothing is attached";
    }
    if (condition->senders.count > 0 && !sender_is_meant(condition, values[FIELD_SENDER].text)) {
        return "another sender";
    }
    return NULL;
}

/* Words and pattern. */
static bool look_into_text(const struct condition *condition, struct flow *flow, const char **wrong,
                           struct err *err)
{
    struct str text = value_text(&flow->values[condition->field], flow->env->arena);
    struct keywords_hit hit = {.found = true};
    struct regex_match match = {.found = true};
    if (condition->keywords != NULL &&
        !keywords_find(condition->keywords, flow->env->arena, text, &hit, err)) {
        return false;
    }
    *wrong = hit.found ? *wrong : "none of the words is there";
    if (hit.found && condition->regex != NULL &&
        !regex_find(condition->regex, text, 0, &match, err)) {
        return false;
    }
    *wrong = match.found ? *wrong : "the pattern does not match";
    return true;
}

static bool compare_all(const struct condition *condition, struct flow *flow,
                        const struct step *step, struct str *wrong, struct err *err)
{
    for (size_t i = 0; i < condition->where.count; i++) {
        bool holds = false;
        if (!compare_holds(&condition->compares[i], flow, step, condition->fold, &holds, err)) {
            return false;
        }
        if (!holds) {
            *wrong = condition->compares[i].text;
            return true;
        }
    }
    return true;
}

bool condition_holds(const struct condition *condition, struct flow *flow, const struct step *step,
                     bool *holds, struct str *why, struct err *err)
{
    const char *wrong = first_wrong(condition, flow->values);
    bool in_text = condition->keywords != NULL || condition->regex != NULL;
    if (wrong == NULL && in_text && !look_into_text(condition, flow, &wrong, err)) {
        return false;
    }
    *why = str_of(wrong);
    if (wrong == NULL && !compare_all(condition, flow, step, why, err)) {
        return false;
    }
    *holds = (why->ptr == NULL) != condition->negate;
    *why = condition->negate ? STR("it is what `not` excludes") : *why;
    return true;
}
