/*
 * regex: patterns that users write, on text that strangers write.
 *
 * A thin face of PCRE2 with its JIT. Patterns come from the configuration and mean what they mean
 * in Python or in the browser: the text is Unicode, and \w, \d, \b and (?i) know all scripts (with
 * REGEX_ASCII they know ASCII only). A mistake in a pattern is reported with the place where it is.
 *
 * A text can be hostile. Bytes that are not UTF-8 are safe: a match never covers them. The work of
 * one search is limited (REGEX_STEPS_MAX, REGEX_HEAP_KIB_MAX), and reaching a limit is an error of
 * this text (ERR_REJECT), not a hang.
 *
 * Where memory must not be executable the JIT is not there, and patterns are interpreted: slower,
 * the same results.
 *
 * A compiled pattern holds the room its searches need, so a search allocates nothing; therefore it
 * belongs to one thread at a time. Groups are views into the searched text.
 *
 * Not for many keywords: text/keywords is made for that, and 50 times faster.
 */
#ifndef SLUICE_TEXT_REGEX_H
#define SLUICE_TEXT_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum {
    REGEX_PATTERN_MAX = 16 * 1024,  /* Bytes of a pattern. */
    REGEX_GROUPS_MAX = 32,          /* Groups of a pattern, the whole match included. */
    REGEX_STEPS_MAX = 1000 * 1000,  /* Backtracks of one search. */
    REGEX_HEAP_KIB_MAX = 16 * 1024, /* Memory of one interpreted search, in KiB. */
};

enum regex_flag {
    REGEX_CASELESS = 1,  /* (?i) */
    REGEX_MULTILINE = 2, /* (?m): ^ and $ at every line. */
    REGEX_DOTALL = 4,    /* (?s): a dot also matches line ends. */
    REGEX_ASCII = 8,     /* \w, \d, \s and \b know ASCII only. */
    REGEX_LITERAL = 16,  /* The pattern is plain text. */
    REGEX_NO_JIT = 32,   /* Interpret; for tests and comparisons. */
};

struct regex;

/*
 * What a search found. `groups[0]` is the whole match; a group that took no part is absent (its
 * ptr is NULL), which is not the same as empty. `next` is where to search on: behind the match, and
 * one character further after an empty one.
 */
struct regex_match {
    bool found;
    size_t from;
    size_t to;
    size_t next;
    size_t count;
    struct str groups[REGEX_GROUPS_MAX];
};

/*
 * Compile. False with ERR_CONFIG for a pattern that is wrong: the text names the fault and the
 * character it was seen at, counted from 1.
 */
bool regex_open(struct regex **regex, struct str pattern, unsigned flags, struct err *err);

/* Takes NULL. */
void regex_close(struct regex *regex);

/* The first match at or after `from`. Nothing found is true as well, with `found` not set. */
bool regex_find(struct regex *regex, struct str text, size_t from, struct regex_match *match,
                struct err *err);

/* Number of a named group, or 0 (which is the whole match) when the pattern has none such. */
size_t regex_group(const struct regex *regex, struct str name);

/* The name of a group; absent for one that has none. It lives as long as the pattern. */
struct str regex_group_name(const struct regex *regex, size_t group);

/* Groups of the pattern, the whole match included. */
size_t regex_group_count(const struct regex *regex);

/* The pattern runs as machine code. */
bool regex_is_jit(const struct regex *regex);

#endif
