#include "domain/student_near.h"

#include "text/fold.h"
#include "text/keywords.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { LISTS = 2, WORDS_MAX = 1024 };

/* One of the lists, in the ways in which it is looked for. */
struct near_list {
    struct str all;           /* As it was given. */
    struct keywords *exact;   /* As the op does. */
    struct keywords *written; /* Folded. */
    struct keywords *within;  /* As the op does, and not only whole words. */
    struct str *words;        /* As they are written, and folded, */
    struct str *folded;
    size_t count; /* of those in which a typo is looked for. */
};

struct student_near_words {
    struct near_list lists[LISTS]; /* Practices, messages. */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for near misses");
}

/* ---- One letter ---- */

struct letters {
    uint32_t codes[STUDENT_NEAR_LETTERS_MAX];
    size_t count;
};

static bool read_letters(struct str text, struct letters *out)
{
    size_t at = 0;
    out->count = 0;
    while (at < text.len) {
        if (out->count == STUDENT_NEAR_LETTERS_MAX) {
            return false;
        }
        at += utf8_next(text, at, &out->codes[out->count++]);
    }
    return true;
}

static bool same_rest(const struct letters *a, size_t from_a, const struct letters *b,
                      size_t from_b)
{
    if (a->count - from_a != b->count - from_b) {
        return false;
    }
    for (size_t i = 0; from_a + i < a->count; i++) {
        if (a->codes[from_a + i] != b->codes[from_b + i]) {
            return false;
        }
    }
    return true;
}

bool student_near_by_one(struct str a, struct str b)
{
    struct letters one;
    struct letters two;
    size_t at = 0;
    if (!read_letters(a, &one) || !read_letters(b, &two)) {
        return false;
    }
    while (at < one.count && at < two.count && one.codes[at] == two.codes[at]) {
        at++;
    }
    if (at == one.count && at == two.count) {
        return false;
    }
    return (at < one.count && at < two.count && same_rest(&one, at + 1, &two, at + 1)) ||
           (at < one.count && same_rest(&one, at + 1, &two, at)) ||
           (at < two.count && same_rest(&one, at, &two, at + 1)) ||
           (at + 1 < one.count && at + 1 < two.count && one.codes[at] == two.codes[at + 1] &&
            one.codes[at + 1] == two.codes[at] && same_rest(&one, at + 2, &two, at + 2));
}

/* ---- The lists ---- */

static bool is_one_word(struct str text)
{
    uint32_t code = 0;
    for (size_t at = 0, len = 0; (len = utf8_next(text, at, &code)) > 0; at += len) {
        if (!unicode_is_word(code)) {
            return false;
        }
    }
    return true;
}

static bool keep_words(struct near_list *list, struct str text, struct arena *arena,
                       struct err *err)
{
    struct str word = {0};
    list->words = arena_array(arena, WORDS_MAX, sizeof *list->words);
    list->folded = arena_array(arena, WORDS_MAX, sizeof *list->folded);
    if (list->words == NULL || list->folded == NULL) {
        return no_memory(err);
    }
    while (list->count < WORDS_MAX && str_split(&text, ',', &word)) {
        word = str_trim(word);
        struct str folded = fold_text(arena, word, FOLD_SEARCH);
        if (folded.ptr == NULL) {
            return no_memory(err);
        }
        if (utf8_count(folded) >= STUDENT_NEAR_LETTERS_MIN && is_one_word(folded)) {
            list->words[list->count] = word;
            list->folded[list->count++] = folded;
        }
    }
    return true;
}

static bool open_list(struct near_list *list, const struct students *op, struct str text,
                      struct arena *arena, struct err *err)
{
    struct keywords_options exact = {.whole_word = op->whole_word,
                                     .fold = op->fold ? FOLD_SEARCH : 0};
    struct keywords_options written = {.whole_word = op->whole_word, .fold = FOLD_SEARCH};
    struct keywords_options within = {.fold = exact.fold};
    list->all = text;
    return keywords_open_list(&list->exact, text, exact, err) &&
           keywords_open_list(&list->written, text, written, err) &&
           keywords_open_list(&list->within, text, within, err) &&
           keep_words(list, text, arena, err);
}

bool student_near_open(struct student_near_words **out, const struct students *op,
                       struct arena *arena, struct err *err)
{
    struct student_near_words *words = arena_alloc(arena, sizeof *words);
    *out = words;
    if (words == NULL) {
        return no_memory(err);
    }
    *words = (struct student_near_words){0};
    return open_list(&words->lists[0], op, op->practice_list, arena, err) &&
           open_list(&words->lists[1], op, op->message_list, arena, err);
}

void student_near_close(struct student_near_words *words)
{
    for (size_t i = 0; words != NULL && i < LISTS; i++) {
        keywords_close(words->lists[i].exact);
        keywords_close(words->lists[i].written);
        keywords_close(words->lists[i].within);
    }
}

/* ---- A text ---- */

/* The word of a list as it was given, without its blanks. */
static struct str word_at(struct str list, size_t index)
{
    struct str word = {0};
    for (size_t i = 0; i <= index; i++) {
        (void)str_split(&list, ',', &word);
    }
    return str_trim(word);
}

static bool find(const struct keywords *keywords, struct arena *scratch, struct str text,
                 struct keywords_hit *hit, struct err *err)
{
    *hit = (struct keywords_hit){0};
    return keywords_find(keywords, scratch, text, hit, err) || no_memory(err);
}

/* The next word of the text from `*at` on, with letters of any script; false after the last. */
static bool next_word(struct str text, size_t *at, struct str *word)
{
    uint32_t code = 0;
    size_t len = 0;
    while ((len = utf8_next(text, *at, &code)) > 0 && !unicode_is_word(code)) {
        *at += len;
    }
    size_t from = *at;
    while ((len = utf8_next(text, *at, &code)) > 0 && unicode_is_word(code)) {
        *at += len;
    }
    *word = str_slice(text, from, *at);
    return word->len > 0;
}

static bool find_typo(const struct near_list *list, struct arena *scratch, struct str text,
                      struct student_near *out, struct err *err)
{
    struct folded folded;
    struct str word = {0};
    if (!fold_map(scratch, text, FOLD_SEARCH, &folded)) {
        return no_memory(err);
    }
    for (size_t at = 0; next_word(folded.text, &at, &word);) {
        for (size_t i = 0; i < list->count; i++) {
            if (student_near_by_one(word, list->folded[i])) {
                size_t from = (size_t)(word.ptr - folded.text.ptr);
                out->how = NEAR_TYPO;
                out->word = list->words[i];
                out->found = fold_origin(&folded, text, from, from + word.len);
                return true;
            }
        }
    }
    return true;
}

static bool judge_list(const struct near_list *list, struct arena *scratch, struct str text,
                       struct student_near *out, struct err *err)
{
    struct keywords_hit hit;
    if (!find(list->written, scratch, text, &hit, err)) {
        return false;
    }
    out->how = hit.found ? NEAR_WRITTEN : NEAR_NOT;
    if (!hit.found) {
        if (!find(list->within, scratch, text, &hit, err)) {
            return false;
        }
        out->how = hit.found ? NEAR_WITHIN : NEAR_NOT;
    }
    if (hit.found) {
        out->word = word_at(list->all, hit.word);
        out->found = hit.where;
        return true;
    }
    return find_typo(list, scratch, text, out, err);
}

bool student_near_counts(const struct student_near_words *words, struct arena *scratch,
                         struct str text, struct student_near *out, struct err *err)
{
    struct keywords_hit hit;
    *out = (struct student_near){0};
    for (size_t i = 0; i < LISTS && out->word.len == 0; i++) {
        if (!find(words->lists[i].exact, scratch, text, &hit, err)) {
            return false;
        }
        if (hit.found) {
            out->practice = i == 0;
            out->word = word_at(words->lists[i].all, hit.word);
            out->found = hit.where;
        }
    }
    return true;
}

bool student_near_judge(const struct student_near_words *words, struct arena *scratch,
                        struct str text, struct student_near *out, struct err *err)
{
    if (!student_near_counts(words, scratch, text, out, err)) {
        return false;
    }
    if (out->word.len > 0) {
        *out = (struct student_near){0};
        return true;
    }
    for (size_t i = 0; i < LISTS && out->how == NEAR_NOT; i++) {
        out->practice = i == 0;
        if (!judge_list(&words->lists[i], scratch, text, out, err)) {
            return false;
        }
    }
    return true;
}
