/*
 * keywords: many words at once, in one pass.
 *
 * An Aho-Corasick automaton over bytes, compiled to a dense table: each byte of a text costs one
 * look-up, whether there are ten words or ten thousand. Words are found anywhere, exactly as they
 * are written; two options change that:
 *
 *   whole_word  the character before and the one behind must not be letters, digits or marks of
 *               any script ("גן" is not found in "מגן")
 *   fold        flags of text/fold: both the words and the text are folded before they are compared
 *
 * Hits come in the order in which they end; of those that end at one place the longest first.
 * A word that is given twice, or is the same as another when folded, is reported as the first.
 *
 * An opened object is never changed again and may be used by several threads; a scan belongs to
 * one. Searching allocates nothing unless it folds, and then only in the arena it is given.
 */
#ifndef SLUICE_TEXT_KEYWORDS_H
#define SLUICE_TEXT_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    KEYWORDS_COUNT_MAX = 20000,            /* Words. */
    KEYWORDS_BYTES_MAX = 256 * 1024,       /* All of them together. */
    KEYWORDS_TABLE_MAX = 64 * 1024 * 1024, /* The compiled table, in bytes. */
};

struct keywords;

struct keywords_options {
    bool whole_word;
    unsigned fold; /* enum fold_flag; 0: as written. */
};

/* Where a word was found. `where` is a part of the text as it was given, not as it was folded. */
struct keywords_hit {
    bool found;
    size_t word; /* Index of the word as it was given. */
    struct str where;
};

/*
 * Compile. The words are copied. Empty words are skipped (their indices stay); no words at all are
 * allowed and are never found. False with ERR_CONFIG past a limit or for a word that is not UTF-8.
 */
bool keywords_open(struct keywords **keywords, const struct str *words, size_t count,
                   struct keywords_options options, struct err *err);

/* The same from a comma list, as in an environment variable; white space around words goes. */
bool keywords_open_list(struct keywords **keywords, struct str list,
                        struct keywords_options options, struct err *err);

/* Takes NULL. */
void keywords_close(struct keywords *keywords);

/* Words as they were given, the skipped ones included. */
size_t keywords_count(const struct keywords *keywords);

/* The first hit. `arena` is only needed to fold; false with ERR_REJECT only when it is full. */
bool keywords_find(const struct keywords *keywords, struct arena *arena, struct str text,
                   struct keywords_hit *hit, struct err *err);

/* A walk over all hits, also over those that overlap. */
struct keywords_scan {
    const struct keywords *keywords;
    struct str original;
    struct str text; /* Folded, or the original. */
    const uint32_t *origins;
    size_t at;
    uint32_t state;
    uint32_t output; /* The next word that ends at `at`, plus 1; 0 for none. */
};

bool keywords_scan_start(struct keywords_scan *scan, const struct keywords *keywords,
                         struct arena *arena, struct str text, struct err *err);

/* The next hit; false after the last one. */
bool keywords_scan_next(struct keywords_scan *scan, struct keywords_hit *hit);

#endif
