#include "sink/sheet_ledger.h"

#include <inttypes.h>

#include "crypto/encode.h"
#include "sink/effect_id.h"

enum { NAME_SIZE = 32 };

/* The effect's name as a word. */
static struct str name_of(const struct parcel *parcel, char out[2 * DIGEST_SIZE_MAX])
{
    char digest[DIGEST_SIZE_MAX];
    encode_hex_into(effect_digest(&parcel->effect, digest), out);
    return (struct str){out, NAME_SIZE};
}

static bool is_name(struct str word)
{
    bool ok = word.len == NAME_SIZE;
    for (size_t i = 0; ok && i < word.len; i++) {
        char letter = word.ptr[i];
        ok = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
    }
    return ok;
}

/* "NAME=GENERATION.MESSAGE.NTH" of this pipeline. */
static bool read_sequence(struct str word, struct str pipeline, struct effect *out)
{
    struct str rest = str_slice(word, pipeline.len + 1, word.len);
    struct str part[3] = {{0}};
    int64_t nth = 0;
    if (word.len <= pipeline.len || word.ptr[pipeline.len] != '=' || !str_starts(word, pipeline)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!str_split(&rest, '.', &part[i])) {
            return false;
        }
    }
    bool ok = rest.ptr == NULL && str_to_int64(part[0], &out->generation) &&
              str_to_int64(part[1], &out->message) && str_to_int64(part[2], &nth) && nth >= 0 &&
              nth <= INT32_MAX;
    out->nth = (int32_t)nth;
    return ok;
}

bool sheet_ledger_is_new(struct str cell, const struct parcel *parcel)
{
    char memory[2 * DIGEST_SIZE_MAX];
    struct str name = name_of(parcel, memory);
    struct str word = {0};
    while (str_split(&cell, ' ', &word)) {
        struct effect held = {0};
        if (parcel->kind == RECORD_EFFECT && str_equal(word, name)) {
            return false;
        }
        if (parcel->kind == RECORD_ABSOLUTE &&
            read_sequence(word, parcel->effect.pipeline, &held) &&
            effect_compare(&parcel->effect, &held) <= 0) {
            return false;
        }
    }
    return true;
}

static void put_word(struct buf *out, size_t from, struct str word)
{
    if (word.len > 0) {
        buf_add(out, out->len > from ? STR(" ") : STR(""));
        buf_add(out, word);
    }
}

void sheet_ledger_add(struct str cell, const struct parcel *parcel, struct buf *out)
{
    char memory[2 * DIGEST_SIZE_MAX];
    const struct effect *effect = &parcel->effect;
    bool absolute = parcel->kind == RECORD_ABSOLUTE;
    struct str rest = cell;
    struct str word = {0};
    struct effect held = {0};
    size_t from = out->len;
    size_t names = absolute ? 0 : 1;
    while (str_split(&rest, ' ', &word)) {
        names += is_name(word);
    }
    while (str_split(&cell, ' ', &word)) {
        bool old = is_name(word) && names > SHEET_LEDGER_EFFECTS_MAX;
        names -= old;
        if (!old && !(absolute && read_sequence(word, effect->pipeline, &held))) {
            put_word(out, from, word);
        }
    }
    if (!absolute) {
        put_word(out, from, name_of(parcel, memory));
        return;
    }
    buf_add(out, out->len > from ? STR(" ") : STR(""));
    buf_printf(out, "%.*s=%" PRId64 ".%" PRId64 ".%" PRId32, STR_ARG(effect->pipeline),
               effect->generation, effect->message, effect->nth);
}
