#include "model/record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"

struct str effect_text(const struct effect *effect, char out[EFFECT_TEXT_MAX])
{
    int len = snprintf(out, EFFECT_TEXT_MAX, "%.*s/%" PRId64 "/%" PRId64 "/%" PRId32,
                       STR_ARG(effect->pipeline), effect->generation, effect->message, effect->nth);
    must(len > 0 && len < EFFECT_TEXT_MAX);
    return (struct str){out, (size_t)len};
}

/* Cut the last "/number" off `text`. */
static bool cut_number(struct str *text, int64_t *out)
{
    for (size_t at = text->len; at > 0; at--) {
        if (text->ptr[at - 1] == '/') {
            struct str digits = str_slice(*text, at, text->len);
            *text = str_slice(*text, 0, at - 1);
            return str_to_int64(digits, out);
        }
    }
    return false;
}

bool effect_parse(struct str text, struct effect *out)
{
    int64_t nth = 0;
    struct effect effect = {0};
    if (!cut_number(&text, &nth) || !cut_number(&text, &effect.message) ||
        !cut_number(&text, &effect.generation) || nth < 0 || nth > INT32_MAX || text.len == 0) {
        return false;
    }
    effect.nth = (int32_t)nth;
    effect.pipeline = text;
    *out = effect;
    return true;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int effect_compare(const struct effect *a, const struct effect *b)
{
    int order = compare(a->generation, b->generation);
    order = order != 0 ? order : compare(a->message, b->message);
    return order != 0 ? order : compare(a->nth, b->nth);
}
