#include "config/nearest.h"

#include <stdio.h>

#include "base/must.h"

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment over bytes; both texts are at most NEAREST_LEN_MAX long. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_LEN_MAX + 1];
    must(a.len <= NEAREST_LEN_MAX && b.len <= NEAREST_LEN_MAX);
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]);
            char y = lower(b.ptr[j - 1]);
            size_t best = least(above[j] + 1, now[j - 1] + 1);
            best = least(best, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && y == lower(a.ptr[i - 2])) {
                best = least(best, above2[j - 2] + 1);
            }
            now[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}

void nearest_begin(struct nearest *nearest, struct str word)
{
    *nearest = (struct nearest){.word = word};
    /* A third of the word may be wrong; of a short one, one letter. */
    nearest->distance = word.len / 3 + (word.len < 6 ? 2 : 1);
}

void nearest_try(struct nearest *nearest, struct str candidate)
{
    if (nearest->word.len == 0 || candidate.len == 0 || nearest->word.len > NEAREST_LEN_MAX ||
        candidate.len > NEAREST_LEN_MAX) {
        return;
    }
    size_t steps = distance(nearest->word, candidate);
    if (steps < nearest->distance && steps < nearest->word.len) {
        nearest->distance = steps;
        nearest->best = candidate;
    }
}

const char *nearest_hint(struct nearest *nearest)
{
    nearest->hint[0] = '\0';
    if (nearest->best.ptr != NULL) {
        (void)snprintf(nearest->hint, sizeof nearest->hint, "; did you mean '%.*s'?",
                       STR_ARG(nearest->best));
    }
    return nearest->hint;
}
