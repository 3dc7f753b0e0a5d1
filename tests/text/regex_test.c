/* regex: what users may write, what they may get wrong, and texts that want to hurt. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"
#include "text/regex.h"
#include "text/utf8.h"

static const unsigned engines[] = {0, REGEX_NO_JIT};

static struct regex *open_pattern(struct str pattern, unsigned flags)
{
    struct regex *regex = NULL;
    struct err err = {0};
    if (!regex_open(&regex, pattern, flags, &err)) {
        fail_msg("%s", err.text);
    }
    return regex;
}

static void test_find_table(void **state)
{
    (void)state;
    static const struct {
        struct str pattern;
        unsigned flags;
        struct str text;
        const char *found; /* NULL: nothing. */
    } cases[] = {
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT("קו DR12345678 מוכן"), "DR12345678"},
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT("DR123456789"), NULL},
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT("xDR12345678"), NULL},
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT("אDR12345678"), NULL}, /* As in Python. */
        {STR_INIT("\\bDR\\d{8}\\b"), REGEX_ASCII, STR_INIT("אDR12345678"), "DR12345678"},
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT("DR12345678"), "DR12345678"},
        {STR_INIT("\\bDR\\d{8}\\b"), 0, STR_INIT(""), NULL},
        {STR_INIT("^שם:\\s*(.*)$"), REGEX_MULTILINE, STR_INIT("מקור: א\nשם: דנה\nx"), "שם: דנה"},
        {STR_INIT("^b"), 0, STR_INIT("a\nb"), NULL},
        {STR_INIT("a.c"), 0, STR_INIT("a\nc"), NULL},
        {STR_INIT("a.c"), REGEX_DOTALL, STR_INIT("a\nc"), "a\nc"},
        {STR_INIT("a.c"), 0, STR_INIT("aשc"), "aשc"}, /* A dot is a character, not a byte. */
        {STR_INIT("ПРИВЕТ"), REGEX_CASELESS, STR_INIT("привет"), "привет"},
        {STR_INIT("a.c"), REGEX_LITERAL, STR_INIT("abc a.c"), "a.c"},
        {STR_INIT("(a+"), REGEX_LITERAL | REGEX_MULTILINE | REGEX_ASCII, STR_INIT("x(a+"), "(a+"},
        {STR_INIT("\\w+"), 0, STR_INIT("-שלום-"), "שלום"},
        {STR_INIT("\\w+"), REGEX_ASCII, STR_INIT("-שלום-"), NULL},
        {STR_INIT(""), 0, STR_INIT("abc"), ""},
        {STR_INIT("b"), 0, STR_INIT("a\0b"), "b"},
        {STR_INIT("x"), 0, STR_INIT("\xFF\xFEx\xD7"), "x"}, /* Not UTF-8, and still found. */
        {STR_INIT("."), 0, STR_INIT("\xFF"), NULL},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        size_t at = i / 2;
        struct regex *regex = open_pattern(cases[at].pattern, cases[at].flags | engines[i % 2]);
        struct regex_match match;
        struct err err = {0};
        assert_true(regex_find(regex, cases[at].text, 0, &match, &err));
        if (match.found != (cases[at].found != NULL)) {
            fail_msg("case %zu, engine %zu", at, i % 2);
        }
        if (match.found) {
            assert_str_equal(match.groups[0], str_of(cases[at].found));
            assert_int_equal(match.to - match.from, match.groups[0].len);
        }
        regex_close(regex);
    }
}

static void test_wrong_patterns(void **state)
{
    (void)state;
    static const struct {
        struct str pattern;
        const char *where;
        const char *what;
    } cases[] = {
        {STR_INIT("(abc"), "at character 5", "parenthesis"},
        {STR_INIT("שלום)"), "at character 5", "parenthesis"}, /* Characters, not bytes. */
        {STR_INIT("[a-"), "at character 4", "character class"},
        {STR_INIT("a**"), NULL, NULL}, /* Possessive forms are fine … */
        {STR_INIT("*a"), "at character", "quantifier"},
        {STR_INIT("(?<a>x)(?<a>y)"), "at character", "same name"},
        {STR_INIT("\\p{Nope}"), "at character", "unknown property"},
        {STR_INIT("a\\C"), "at character", "\\C"},
        {STR_INIT("a\xFF"), "at byte 2", "not UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct regex *regex = NULL;
        struct err err = {0};
        bool opened = regex_open(&regex, cases[i].pattern, 0, &err);
        if (cases[i].where == NULL) {
            regex_close(regex);
            continue;
        }
        assert_false(opened);
        assert_null(regex);
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].where) == NULL || strstr(err.text, cases[i].what) == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
    }
}

static void test_limits_of_patterns(void **state)
{
    (void)state;
    static char pattern[REGEX_PATTERN_MAX + 1];
    memset(pattern, 'a', sizeof pattern);
    struct regex *regex = NULL;
    struct err err = {0};
    assert_false(regex_open(&regex, (struct str){pattern, sizeof pattern}, 0, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(regex_open(&regex, (struct str){pattern, sizeof pattern - 1}, 0, &err));
    regex_close(regex);
    for (size_t groups = REGEX_GROUPS_MAX - 1; groups <= REGEX_GROUPS_MAX; groups++) {
        for (size_t i = 0; i < groups; i++) {
            memcpy(pattern + 3 * i, "(a)", 3);
        }
        bool opened = regex_open(&regex, (struct str){pattern, 3 * groups}, 0, &err);
        assert_int_equal(opened, groups < REGEX_GROUPS_MAX);
        if (opened) {
            assert_int_equal(regex_group_count(regex), REGEX_GROUPS_MAX);
        }
        regex_close(regex);
    }
}

static void test_groups(void **state)
{
    (void)state;
    struct str pattern = STR("(?<day>\\d+)\\.(?<month>\\d+)(?:\\.(?<year>\\d+))?(x)?()");
    for (size_t i = 0; i < COUNT(engines); i++) {
        struct regex *regex = open_pattern(pattern, engines[i]);
        assert_int_equal(regex_group_count(regex), 6);
        assert_int_equal(regex_group(regex, STR("day")), 1);
        assert_int_equal(regex_group(regex, STR("month")), 2);
        assert_int_equal(regex_group(regex, STR("year")), 3);
        assert_int_equal(regex_group(regex, STR("hour")), 0);
        assert_int_equal(regex_group(regex, STR("da")), 0);
        struct regex_match match;
        struct err err = {0};
        assert_true(regex_find(regex, STR("ב 3.9."), 0, &match, &err) && match.found);
        assert_int_equal(match.count, 6);
        assert_str_equal(match.groups[1], STR("3"));
        assert_str_equal(match.groups[2], STR("9"));
        assert_null(match.groups[3].ptr);
        assert_null(match.groups[4].ptr);
        assert_non_null(match.groups[5].ptr);
        assert_int_equal(match.groups[5].len, 0);
        assert_int_equal(match.from, 3);
        assert_int_equal(match.to, 6);
        regex_close(regex);
    }
}

static size_t count_matches(struct regex *regex, struct str text)
{
    struct regex_match match;
    struct err err = {0};
    size_t count = 0;
    for (size_t from = 0;; from = match.next) {
        assert_true(regex_find(regex, text, from, &match, &err));
        if (!match.found) {
            return count;
        }
        assert_true(match.next > from || match.next > match.from);
        count++;
        assert_true(count <= text.len + 1);
    }
}

static void test_find_all(void **state)
{
    (void)state;
    static const struct {
        struct str pattern;
        struct str text;
        size_t count;
    } cases[] = {
        {STR_INIT("DR\\d{8}"), STR_INIT("DR11111111,DR22222222 DR33333333"), 3},
        {STR_INIT("a"), STR_INIT("banana"), 3},
        {STR_INIT("x*"), STR_INIT("שלום"), 5}, /* Empty between characters, not between bytes. */
        {STR_INIT("(?=a)"), STR_INIT("aa"), 2},
        {STR_INIT("^"), STR_INIT("aa"), 1},
        {STR_INIT("a\\Kb?"), STR_INIT("aab"), 1},
        {STR_INIT("b*"), STR_INIT("\xFF\xFF"), 3},
        {STR_INIT("(?<=a)b"), STR_INIT("abab"), 2}, /* Looks back over `from`. */
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        struct regex *regex = open_pattern(cases[i / 2].pattern, engines[i % 2]);
        size_t count = count_matches(regex, cases[i / 2].text);
        if (count != cases[i / 2].count) {
            fail_msg("case %zu engine %zu: %zu", i / 2, i % 2, count);
        }
        struct regex_match match;
        struct err err = {0};
        assert_true(regex_find(regex, cases[i / 2].text, 1000, &match, &err));
        assert_false(match.found);
        regex_close(regex);
    }
}

/* Patterns that explode end with an error of the text, soon, in both engines. */
static void test_explosion_is_bounded(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 'b';
    static const struct str patterns[] = {STR_INIT("(a+)+$"), STR_INIT("(a|aa)+$"),
                                          STR_INIT("(?:a?){50}a{50}c"), STR_INIT("(a|b|ab)*c")};
    for (size_t i = 0; i < 2 * COUNT(patterns); i++) {
        struct regex *regex = open_pattern(patterns[i / 2], engines[i % 2]);
        struct regex_match match;
        struct err err = {0};
        if (!regex_find(regex, (struct str){text, sizeof text}, 0, &match, &err)) {
            assert_int_equal(err.kind, ERR_REJECT);
            assert_non_null(strstr(err.text, "gave up"));
        }
        assert_false(match.found);
        /* The same object still works. */
        assert_true(regex_find(regex, STR("x"), 0, &match, &err));
        regex_close(regex);
    }
}

/* A match that needs more stack than the JIT has goes on interpreted. */
static void test_deep_match(void **state)
{
    (void)state;
    enum { LEN = 20000 };
    static char text[LEN];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < COUNT(engines); i++) {
        struct regex *regex = open_pattern(STR("^(a|b)*$"), engines[i]);
        struct regex_match match;
        struct err err = {0};
        if (!regex_find(regex, (struct str){text, LEN}, 0, &match, &err)) {
            fail_msg("engine %zu: %s", i, err.text);
        }
        assert_true(match.found);
        assert_int_equal(match.to, LEN);
        regex_close(regex);
    }
}

/* Random patterns on random bytes: no crash, and on text both engines say the same. */
static void test_random(void **state)
{
    (void)state;
    static const char alphabet[] = "ab(|)*+?[]^$.\\dwb{}1,-:<>=!\xD7\x90\xFF";
    struct rng rng;
    rng_seed(&rng, 99);
    size_t opened = 0;
    size_t found = 0;
    for (int round = 0; round < 30000; round++) {
        char pattern[12];
        char text[24];
        size_t pattern_len = (size_t)rng_below(&rng, sizeof pattern);
        size_t text_len = (size_t)rng_below(&rng, sizeof text);
        for (size_t i = 0; i < pattern_len; i++) {
            pattern[i] = alphabet[rng_below(&rng, sizeof alphabet)];
        }
        char *exact = malloc(text_len + 1);
        assert_non_null(exact);
        for (size_t i = 0; i < text_len; i++) {
            exact[i] = alphabet[rng_below(&rng, sizeof alphabet)];
        }
        struct err err = {0};
        struct regex *jit = NULL;
        struct regex *plain = NULL;
        if (regex_open(&jit, (struct str){pattern, pattern_len}, 0, &err) &&
            regex_open(&plain, (struct str){pattern, pattern_len}, REGEX_NO_JIT, &err)) {
            opened++;
            struct regex_match one;
            struct regex_match two;
            assert_true(regex_find(jit, (struct str){exact, text_len}, 0, &one, &err));
            assert_true(regex_find(plain, (struct str){exact, text_len}, 0, &two, &err));
            /* Where an empty match lies among broken bytes, the engines may see differently. */
            bool valid = utf8_valid((struct str){exact, text_len});
            if (valid) {
                assert_int_equal(one.found, two.found);
            }
            if (valid && one.found) {
                found++;
                assert_int_equal(one.from, two.from);
                assert_int_equal(one.to, two.to);
                assert_true(one.next <= text_len + 1);
            }
        }
        regex_close(jit);
        regex_close(plain);
        free(exact);
    }
    assert_true(opened > 1000 && found > 500);
}

static bool fail_nth(void *context)
{
    int *left = context;
    return --*left == 0;
}

/* Each allocation of opening fails once: an error, no leak (the sanitizer looks). */
static void test_out_of_memory(void **state)
{
    (void)state;
    bool opened = false;
    for (int nth = 1; nth < 100 && !opened; nth++) {
        int left = nth;
        struct regex *regex = NULL;
        struct err err = {0};
        mem_fault_set(fail_nth, &left);
        opened = regex_open(&regex, STR("(?<a>b+)|c"), 0, &err) && left > 0;
        bool jit_only = regex != NULL;
        mem_fault_set(NULL, NULL);
        if (!jit_only) {
            assert_int_equal(err.kind, ERR_RETRY);
        }
        regex_close(regex);
    }
    assert_true(opened);
}

/* In a child: 0 when the pattern works, without the JIT where the kernel refuses it its memory. */
static int run_without_executable_memory(void)
{
    enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 }; /* Linux 6.3; older ones refuse the call. */
    bool refused = prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0L, 0L, 0L) == 0;
    struct regex *regex = NULL;
    struct regex_match match;
    struct err err = {0};
    if (!regex_open(&regex, STR("(\\w+):"), 0, &err)) {
        return 1;
    }
    bool found = regex_find(regex, STR("- שם: דנה"), 0, &match, &err) && match.found &&
                 str_equal(match.groups[1], STR("שם"));
    bool engine_right = !refused || !regex_is_jit(regex);
    regex_close(regex);
    return found && engine_right ? 0 : 2;
}

/* Stands first: the JIT keeps executable memory that it was once given. */
static void test_without_executable_memory(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(run_without_executable_memory());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_executable_memory),
        cmocka_unit_test(test_find_table),
        cmocka_unit_test(test_wrong_patterns),
        cmocka_unit_test(test_limits_of_patterns),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_find_all),
        cmocka_unit_test(test_explosion_is_bounded),
        cmocka_unit_test(test_deep_match),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
