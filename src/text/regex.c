#include "text/regex.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "text/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { JIT_STACK_MIN = 32 * 1024, JIT_STACK_MAX = 512 * 1024, SHOWN_MAX = 120, TEXT_MAX = 160 };

struct regex {
    pcre2_general_context *general;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    bool jit;
    size_t group_count;
    char shown[SHOWN_MAX + 1]; /* The beginning of the pattern, for error texts. */
};

static void *take_memory(size_t size, void *unused)
{
    (void)unused;
    return mem_alloc_raw(size);
}

static void give_memory(void *memory, void *unused)
{
    (void)unused;
    mem_free(memory);
}

static uint32_t options_of(unsigned flags)
{
    /* Invalid UTF-8 in a text is then safe without a check before each search. */
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    options |= (flags & REGEX_CASELESS) != 0 ? PCRE2_CASELESS : 0;
    options |= (flags & REGEX_LITERAL) != 0 ? PCRE2_LITERAL : 0;
    if ((flags & REGEX_LITERAL) == 0) { /* PCRE2 refuses these beside PCRE2_LITERAL. */
        options |= (flags & REGEX_MULTILINE) != 0 ? PCRE2_MULTILINE : 0;
        options |= (flags & REGEX_DOTALL) != 0 ? PCRE2_DOTALL : 0;
        options |= (flags & REGEX_ASCII) != 0 ? 0 : PCRE2_UCP;
    } else {
        options &= ~PCRE2_NEVER_BACKSLASH_C;
    }
    return options;
}

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "regex: out of memory");
}

static bool compile(struct regex *regex, struct str pattern, unsigned flags, struct err *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(regex->general);
    if (context == NULL) {
        return out_of_memory(err);
    }
    PCRE2_SPTR bytes = (PCRE2_SPTR)(pattern.len > 0 ? pattern.ptr : "");
    regex->code = pcre2_compile(bytes, pattern.len, options_of(flags), &code, &at, context);
    pcre2_compile_context_free(context);
    if (regex->code != NULL) {
        return true;
    }
    if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY) {
        return out_of_memory(err);
    }
    PCRE2_UCHAR text[TEXT_MAX] = {0};
    (void)pcre2_get_error_message(code, text, sizeof text);
    size_t character = utf8_count(str_slice(pattern, 0, at)) + 1;
    return err_set(err, ERR_CONFIG, "regex: %s, at character %zu of \"%s\"", (const char *)text,
                   character, regex->shown);
}

static bool make_room(struct regex *regex, struct err *err)
{
    regex->data = pcre2_match_data_create_from_pattern(regex->code, regex->general);
    regex->context = pcre2_match_context_create(regex->general);
    if (regex->data == NULL || regex->context == NULL) {
        return out_of_memory(err);
    }
    (void)pcre2_set_match_limit(regex->context, REGEX_STEPS_MAX);
    (void)pcre2_set_heap_limit(regex->context, REGEX_HEAP_KIB_MAX);
    return true;
}

/* No JIT is no failure: the pattern is interpreted. */
static void try_jit(struct regex *regex)
{
    if (pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) != 0) {
        return;
    }
    regex->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, regex->general);
    if (regex->stack == NULL) {
        return;
    }
    pcre2_jit_stack_assign(regex->context, NULL, regex->stack);
    regex->jit = true;
}

static bool count_groups(struct regex *regex, struct err *err)
{
    uint32_t groups = 0;
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &groups) == 0);
    if (groups >= REGEX_GROUPS_MAX) {
        return err_set(err, ERR_CONFIG, "regex: %u groups, at most %d are possible, in \"%s\"",
                       (unsigned)groups, REGEX_GROUPS_MAX - 1, regex->shown);
    }
    regex->group_count = groups + 1;
    return true;
}

static void keep_shown(struct regex *regex, struct str pattern)
{
    struct str shown = utf8_cut(pattern, SHOWN_MAX);
    for (size_t i = 0; i < shown.len; i++) {
        regex->shown[i] = shown.ptr[i] == '\0' ? ' ' : shown.ptr[i];
    }
}

bool regex_open(struct regex **regex, struct str pattern, unsigned flags, struct err *err)
{
    *regex = NULL;
    if (pattern.len > REGEX_PATTERN_MAX) {
        return err_set(err, ERR_CONFIG, "regex: a pattern of %zu bytes, at most %d are possible",
                       pattern.len, REGEX_PATTERN_MAX);
    }
    if (!utf8_valid(pattern)) {
        return err_set(err, ERR_CONFIG, "regex: the pattern is not UTF-8, at byte %zu",
                       utf8_valid_len(pattern) + 1);
    }
    struct regex *made = mem_alloc(sizeof *made);
    if (made == NULL) {
        return out_of_memory(err);
    }
    keep_shown(made, pattern);
    made->general = pcre2_general_context_create(take_memory, give_memory, NULL);
    bool done = (made->general != NULL || out_of_memory(err)) &&
                compile(made, pattern, flags, err) && count_groups(made, err) &&
                make_room(made, err);
    if (!done) {
        regex_close(made);
        return false;
    }
    if ((flags & REGEX_NO_JIT) == 0) {
        try_jit(made);
    }
    *regex = made;
    return true;
}

void regex_close(struct regex *regex)
{
    if (regex == NULL) {
        return;
    }
    pcre2_jit_stack_free(regex->stack);
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
    pcre2_general_context_free(regex->general);
    mem_free(regex);
}

static int search(struct regex *regex, struct str text, size_t from)
{
    PCRE2_SPTR bytes = (PCRE2_SPTR)(text.ptr != NULL ? text.ptr : "");
    if (regex->jit) {
        int result =
            pcre2_jit_match(regex->code, bytes, text.len, from, 0, regex->data, regex->context);
        if (result != PCRE2_ERROR_JIT_STACKLIMIT) {
            return result;
        }
    }
    return pcre2_match(regex->code, bytes, text.len, from, PCRE2_NO_JIT, regex->data,
                       regex->context);
}

static bool search_failed(const struct regex *regex, int result, size_t len, struct err *err)
{
    if (result == PCRE2_ERROR_NOMEMORY) {
        return out_of_memory(err);
    }
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
        result == PCRE2_ERROR_HEAPLIMIT) {
        return err_set(err, ERR_REJECT,
                       "regex: \"%s\" gave up on a text of %zu bytes: too many ways to match it; "
                       "make the pattern less ambiguous",
                       regex->shown, len);
    }
    PCRE2_UCHAR text[TEXT_MAX] = {0};
    (void)pcre2_get_error_message(result, text, sizeof text);
    return err_set(err, ERR_REJECT, "regex: \"%s\": %s", regex->shown, (const char *)text);
}

bool regex_find(struct regex *regex, struct str text, size_t from, struct regex_match *match,
                struct err *err)
{
    match->found = false;
    match->count = 0;
    if (from > text.len) {
        return true;
    }
    int result = search(regex, text, from);
    if (result == PCRE2_ERROR_NOMATCH) {
        return true;
    }
    if (result < 0) {
        return search_failed(regex, result, text.len, err);
    }
    const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(regex->data);
    match->found = true;
    match->count = regex->group_count;
    for (size_t i = 0; i < regex->group_count; i++) {
        /* PCRE2 sets only the groups up to the last one that took part. */
        bool took_part = i < (size_t)result && pairs[2 * i] != PCRE2_UNSET;
        match->groups[i] = (struct str){0};
        if (took_part && pairs[2 * i] <= pairs[2 * i + 1]) {
            match->groups[i] = str_slice(text, pairs[2 * i], pairs[2 * i + 1]);
        }
    }
    match->from = pairs[0];
    match->to = pairs[1];
    match->next = match->to;
    if (match->to <= match->from) { /* Empty, or \K moved the start behind the end. */
        uint32_t code = 0;
        size_t len = utf8_next(text, match->to, &code);
        match->next = match->to + (len > 0 ? len : 1);
    }
    return true;
}

size_t regex_group(const struct regex *regex, struct str name)
{
    uint32_t count = 0;
    uint32_t size = 0;
    PCRE2_SPTR table = NULL;
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count) == 0);
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size) == 0);
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table) == 0);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *entry = table + (size_t)i * size; /* Number, name, NUL. */
        if (str_equal(str_of((const char *)entry + 2), name)) {
            return (size_t)entry[0] << 8 | entry[1];
        }
    }
    return 0;
}

struct str regex_group_name(const struct regex *regex, size_t group)
{
    uint32_t count = 0;
    uint32_t size = 0;
    PCRE2_SPTR table = NULL;
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count) == 0);
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size) == 0);
    must(pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table) == 0);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *entry = table + (size_t)i * size; /* Number, name, NUL. */
        if (((size_t)entry[0] << 8 | entry[1]) == group) {
            return str_of((const char *)entry + 2);
        }
    }
    return (struct str){0};
}

size_t regex_group_count(const struct regex *regex)
{
    return regex->group_count;
}

bool regex_is_jit(const struct regex *regex)
{
    return regex->jit;
}
