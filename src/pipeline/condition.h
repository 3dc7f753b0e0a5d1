/*
 * condition: whether an item is meant: the tests that `filter` and the branches of `route` share.
 *
 * All tests that are given must hold; `not: true` turns the outcome round. Words are found in one
 * pass however many there are; `fold` makes letters equal that people take for the same (niqqud,
 * final letters, geresh, capitals, marks of direction), for words and in `where`. A sender is
 * compared as it is written and, where both are telephone numbers, as a number.
 */
#ifndef SLUICE_PIPELINE_CONDITION_H
#define SLUICE_PIPELINE_CONDITION_H

#include "pipeline/compare.h"
#include "text/keywords.h"
#include "text/phone.h"
#include "text/regex.h"

enum condition_choice { CONDITION_ANY = 0, CONDITION_FIRST, CONDITION_SECOND };

struct condition {
    /* Options. */
    struct str in;
    struct str_list words;
    bool whole_words;
    bool fold;
    struct str pattern;
    bool ignore_case;
    struct str_list senders;
    struct str_list chats;
    struct str_list kinds;
    int direction;  /* any, in, out */
    int attachment; /* any, yes, no */
    struct str_list where;
    bool negate;

    /* Made by prepare. */
    size_t field;
    const struct compare *compares;
    const struct phone *phones; /* Of the senders; length 0 for one that is none. */

    /* Made by open. */
    struct keywords *keywords;
    struct regex *regex;
};

extern const char *const condition_directions[];
extern const char *const condition_attachments[];

/* For the option table of a step that has a condition as `m`. */
#define CONDITION_OPTIONS(s, m)                                                                    \
    OPTION_TEXT(s, m.in, "in", "text", "The field that `words` and `pattern` look into."),         \
        OPTION_LIST(s, m.words, "words", NULL, "Words of which one must be there."),               \
        OPTION_BOOL(s, m.whole_words, "whole_words", "false",                                      \
                    "Words count only with no letter or digit on either side."),                   \
        OPTION_BOOL(s, m.fold, "fold", "false",                                                    \
                    "Take letters for the same that people do: niqqud, final letters, capitals."), \
        OPTION_TEXT(s, m.pattern, "pattern", NULL, "Regular expression that must match."),         \
        OPTION_BOOL(s, m.ignore_case, "ignore_case", "false",                                      \
                    "The pattern takes capital and small letters for the same."),                  \
        OPTION_LIST(s, m.senders, "sender", NULL, "Senders, as names or telephone numbers."),      \
        OPTION_LIST(s, m.chats, "chat", NULL, "Chats, by their ids."),                             \
        OPTION_LIST(s, m.kinds, "on", NULL, "Kinds of messages: message, tick, run, receipt."),    \
        OPTION_CHOICE(s, m.direction, "direction", "any", condition_directions,                    \
                      "Who wrote it: others (in), the account itself (out)."),                     \
        OPTION_CHOICE(s, m.attachment, "attachment", "any", condition_attachments,                 \
                      "Whether something is attached."),                                           \
        OPTION_LIST(s, m.where, "where", NULL,                                                     \
                    "Comparisons of fields, such as `total >= 100` or `city in חיפה, עכו`."),      \
        OPTION_BOOL(s, m.negate, "not", "false", "Turn the outcome of all the tests round.")

bool condition_prepare(struct condition *condition, struct step_scope *scope);
bool condition_open(struct condition *condition, struct err *err);
void condition_close(struct condition *condition);

/* `*why` says which test did not hold. */
bool condition_holds(const struct condition *condition, struct flow *flow, const struct step *step,
                     bool *holds, struct str *why, struct err *err);

#endif
