#include "pipeline/dedupe.h"

#include "base/buf.h"

enum { BUCKET_DIGITS = 12, NOTE_ROOM = 64 };

static bool dedupe_prepare(struct step *step, struct step_scope *scope)
{
    struct dedupe *dedupe = (struct dedupe *)step;
    bool good = step_keeps(scope, step);
    good = compose_prepare(&dedupe->key_text, scope, (struct step_spot){.option = "key"},
                           dedupe->key) &&
           good;
    good = compose_prepare(&dedupe->show_text, scope, (struct step_spot){.option = "show"},
                           dedupe->show) &&
           good;
    if (dedupe->action == DEDUPE_FLAG || step->otherwise.count > 0) {
        good = step_sets(scope, (struct step_spot){.option = "as"}, dedupe->as, VALUE_TEXT,
                         &dedupe->field) &&
               good;
    }
    return good;
}

/* Which window of arrival a time lies in; those before 1970 are all the first. */
static int64_t bucket_of(const struct dedupe *dedupe, int64_t now_ms)
{
    return dedupe->window_ms > 0 && now_ms > 0 ? now_ms / dedupe->window_ms : 0;
}

/* Digits sort as numbers do, so that the oldest stand first. */
static struct str note_name(const struct dedupe *dedupe, struct flow *flow, int64_t bucket,
                            struct str key)
{
    key = note_fit(flow, key);
    if (dedupe->window_ms == 0 || key.ptr == NULL) {
        return key;
    }
    struct buf buf;
    char digits[BUCKET_DIGITS];
    for (size_t i = BUCKET_DIGITS; i > 0; i--) {
        digits[i - 1] = (char)('0' + bucket % 10);
        bucket /= 10;
    }
    buf_init(&buf, flow->env->arena, BUCKET_DIGITS + 1 + key.len);
    buf_add(&buf, (struct str){digits, BUCKET_DIGITS});
    buf_add_byte(&buf, '/');
    buf_add(&buf, key);
    return buf_str(&buf);
}

/* What is remembered of a first one: "time item\nshown". */
struct first {
    bool found;
    int64_t time_ms;
    struct str item;
    struct str shown;
};

static bool read_first(struct dedupe *dedupe, struct flow *flow, struct str name,
                       struct first *first, struct err *err)
{
    struct str note = {0};
    struct str time = {0};
    *first = (struct first){0};
    if (name.ptr == NULL) {
        return flow_memory(&dedupe->step, err);
    }
    if (!note_get(flow, &dedupe->step, 'k', name, &note, err)) {
        return false;
    }
    if (note.ptr == NULL) {
        return true;
    }
    first->found = str_split(&note, ' ', &time) && str_to_int64(time, &first->time_ms) &&
                   str_split(&note, '\n', &first->item);
    first->shown = note;
    return true;
}

static bool is_within(const struct dedupe *dedupe, const struct first *first, int64_t time_ms)
{
    int64_t apart = time_ms > first->time_ms ? time_ms - first->time_ms : first->time_ms - time_ms;
    return first->found && (dedupe->window_ms == 0 || apart <= dedupe->window_ms);
}

/* The first one that counts: of this stretch of arrival, or of the one before. */
static bool find_first(struct dedupe *dedupe, struct flow *flow, struct str key, int64_t time_ms,
                       struct first *first, struct err *err)
{
    int64_t bucket = bucket_of(dedupe, flow->now_ms);
    if (!read_first(dedupe, flow, note_name(dedupe, flow, bucket, key), first, err)) {
        return false;
    }
    if (is_within(dedupe, first, time_ms)) {
        return true;
    }
    if (dedupe->window_ms > 0 && bucket > 0 &&
        !read_first(dedupe, flow, note_name(dedupe, flow, bucket - 1, key), first, err)) {
        return false;
    }
    first->found = is_within(dedupe, first, time_ms);
    return true;
}

struct clearing {
    struct str prefix;
    struct str until; /* Keys below it are too old. */
    struct str keys[DEDUPE_CLEARED_MAX];
    size_t count;
};

static bool note_old(void *context, struct str key, struct str value)
{
    struct clearing *clearing = context;
    (void)value;
    if (str_compare(key, clearing->until) >= 0) {
        return false;
    }
    clearing->keys[clearing->count++] = key;
    return clearing->count < DEDUPE_CLEARED_MAX;
}

/* Nobody asks for what is two stretches old, so clearing it changes no answer. */
static bool clear_old(struct dedupe *dedupe, struct flow *flow, struct err *err)
{
    int64_t bucket = bucket_of(dedupe, flow->now_ms);
    struct clearing clearing = {0};
    if (dedupe->window_ms == 0 || bucket < 2 || dedupe->bucket_cleared >= (size_t)bucket) {
        return true;
    }
    struct str until = note_name(dedupe, flow, bucket - 1, STR(""));
    if (!note_key(flow, &dedupe->step, 'k', STR(""), &clearing.prefix, err) ||
        !note_key(flow, &dedupe->step, 'k', until, &clearing.until, err) ||
        !flow->env->scan(flow->env, clearing.prefix, note_old, &clearing, err)) {
        return false;
    }
    for (size_t i = 0; i < clearing.count; i++) {
        if (!flow->env->del(flow->env, clearing.keys[i], err)) {
            return false;
        }
    }
    if (clearing.count < DEDUPE_CLEARED_MAX) {
        dedupe->bucket_cleared = (size_t)bucket;
    }
    return true;
}

static bool remember(struct dedupe *dedupe, struct flow *flow, struct str key, int64_t time_ms,
                     struct str item, struct err *err)
{
    struct str shown = {0};
    struct str name = note_name(dedupe, flow, bucket_of(dedupe, flow->now_ms), key);
    struct buf buf;
    if (!compose_text(&dedupe->show_text, flow, &dedupe->step, &shown, err)) {
        return false;
    }
    buf_init(&buf, flow->env->arena, NOTE_ROOM + item.len + shown.len);
    buf_add_int(&buf, time_ms);
    buf_add_byte(&buf, ' ');
    buf_add(&buf, item);
    buf_add_byte(&buf, '\n');
    buf_add(&buf, shown);
    struct str note = buf_str(&buf);
    if (note.ptr == NULL || name.ptr == NULL) {
        return flow_memory(&dedupe->step, err);
    }
    return note_put(flow, &dedupe->step, 'k', name, note, err) && clear_old(dedupe, flow, err);
}

static bool dedupe_open(struct step *step, struct arena *arena, struct err *err)
{
    (void)arena;
    (void)err;
    ((struct dedupe *)step)->bucket_cleared = 0;
    return true;
}

static bool dedupe_apply(struct step *step, struct flow *flow, struct err *err)
{
    struct dedupe *dedupe = (struct dedupe *)step;
    struct value *flag = &flow->values[dedupe->field];
    struct str key = {0};
    struct first first;
    int64_t time_ms = dedupe->by == DEDUPE_SENT ? flow->values[FIELD_SENT].integer : flow->now_ms;
    bool flags = dedupe->action == DEDUPE_FLAG || step->otherwise.count > 0;
    if (!compose_text(&dedupe->key_text, flow, step, &key, err)) {
        return false;
    }
    if (flags) {
        *flag = (struct value){0};
    }
    if (key.ptr == NULL) {
        return flow_pass(flow, step, err);
    }
    struct str item = flow_item_name(flow);
    if (item.ptr == NULL) {
        return flow_memory(step, err);
    }
    if (!find_first(dedupe, flow, key, time_ms, &first, err)) {
        return false;
    }
    if (!first.found) {
        return remember(dedupe, flow, key, time_ms, item, err) && flow_pass(flow, step, err);
    }
    if (str_equal(first.item, item)) {
        return flow_pass(flow, step, err);
    }
    if (flags) {
        *flag = value_of_text(first.shown);
    }
    return dedupe->action == DEDUPE_FLAG ? flow_pass(flow, step, err)
                                         : flow_leave(flow, step, STR("a duplicate"), err);
}

static const char *const action_names[] = {"drop", "flag", NULL};
static const char *const by_names[] = {"sent", "now", NULL};

static const struct option options[] = {
    OPTION_TEXT(struct dedupe, key, "key", OPTION_REQUIRED,
                "Template of what makes two items the same, such as {phone}."),
    OPTION_DURATION(struct dedupe, window_ms, "window", NULL,
                    "How far apart two may be and still be the same; by default any time."),
    OPTION_CHOICE(struct dedupe, by, "by", "sent", by_names,
                  "The time that counts: when it was `sent`, or `now`, when it arrived."),
    OPTION_CHOICE(struct dedupe, action, "action", "drop", action_names,
                  "What becomes of a duplicate: `drop` it, or `flag` it and pass it on."),
    OPTION_TEXT(struct dedupe, as, "as", "duplicate_of",
                "The field that names the first one, in a duplicate."),
    OPTION_TEXT(struct dedupe, show, "show", "{uid}/{item}",
                "Template of how the first one is named there: best the key of its row."),
    OPTION_END,
};

const struct step_type step_dedupe = {
    .kind = "dedupe",
    .summary = "Drops or marks what was there already.",
    .options = options,
    .size = sizeof(struct dedupe),
    .leaves = true,
    .prepare = dedupe_prepare,
    .open = dedupe_open,
    .apply = dedupe_apply,
};
