/* The table of verbs: its examples are commands that exist, its texts fit a screen. */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/parse.h"
#include "test.h"
#include "text/utf8.h"

enum { LINE_MAX = 98, WORDS_MAX = 32, TEXT_MAX = 256 };

/* One line as a shell would cut it: words, and "quoted words". */
static int cut(char *line, char **words)
{
    int count = 0;
    char *at = line;
    while (*at != '\0' && count < WORDS_MAX - 1) {
        while (*at == ' ') {
            at++;
        }
        if (*at == '\0' || *at == '>') { /* What is behind it, the shell takes. */
            break;
        }
        char until = *at == '"' ? '"' : ' ';
        at += until == '"';
        words[count++] = at;
        while (*at != '\0' && *at != until) {
            at++;
        }
        if (*at != '\0') {
            *at++ = '\0';
        }
    }
    words[count] = NULL;
    return count;
}

static void check_example(const struct cli_verb *verb, struct str example)
{
    char line[TEXT_MAX];
    char *words[WORDS_MAX];
    struct cli cli = {0};
    (void)snprintf(line, sizeof line, "%.*s", STR_ARG(example));
    int count = cut(line, words);
    if (count < 2 || strcmp(words[0], "sluice") != 0 || cli_parse(&cli, count, words) != CLI_OK) {
        fail_msg("%s: this example does not parse: %.*s", verb->name, STR_ARG(example));
    }
    if (cli.verb == NULL || cli.act == verb || cli.verb == verb) {
        return;
    }
    fail_msg("%s: this example is about %s: %.*s", verb->name, cli.verb->name, STR_ARG(example));
}

static void check_lines(const char *name, const char *text)
{
    struct str rest = str_of(text);
    struct str line = {0};
    assert_true(text == NULL || str_ends(rest, STR("\n")));
    while (str_split(&rest, '\n', &line)) {
        if (utf8_width(line) > LINE_MAX) {
            fail_msg("%s: longer than %d columns: %.*s", name, LINE_MAX, STR_ARG(line));
        }
    }
}

static bool is_global(const char *name)
{
    for (const struct cli_flag *flag = cli_global_flags; flag->name != NULL; flag++) {
        if (strcmp(flag->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_flags(const struct cli_verb *verb)
{
    int count = 0;
    for (const struct cli_flag *flag = verb->flags; flag != NULL && flag->name != NULL; flag++) {
        if (strncmp(flag->name, "--", 2) != 0 || is_global(flag->name) ||
            !str_ends(str_of(flag->doc), STR("."))) {
            fail_msg("%s %s: a flag begins with --, is no global one, and has a sentence",
                     verb->name, flag->name);
        }
        for (const struct cli_flag *other = flag + 1; other->name != NULL; other++) {
            assert_string_not_equal(flag->name, other->name);
        }
        count++;
    }
    assert_true(count <= CLI_FLAGS_MAX);
}

static void check_verb(const struct cli_verb *verb)
{
    struct str rest = str_of(verb->examples);
    struct str line = {0};
    if (verb->examples == NULL || verb->words == NULL ||
        !str_ends(str_of(verb->summary), STR(".")) ||
        (verb->run == NULL) != (verb->acts != NULL && verb->run == NULL)) {
        fail_msg("%s needs words, examples, a summary that is a sentence, and run or acts",
                 verb->name);
    }
    check_lines(verb->name, verb->examples);
    check_lines(verb->name, verb->about);
    check_flags(verb);
    while (str_split(&rest, '\n', &line)) {
        if (line.len > 0) {
            check_example(verb, str_trim(line));
        }
    }
}

static void verbs(void **state)
{
    (void)state;
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        check_verb(verb);
        for (const struct cli_verb *act = verb->acts; act != NULL && act->name != NULL; act++) {
            check_verb(act);
            assert_non_null(act->run);
            assert_null(act->acts);
        }
        for (const struct cli_verb *other = verb + 1; other->name != NULL; other++) {
            assert_string_not_equal(verb->name, other->name);
        }
    }
}

static void topics(void **state)
{
    (void)state;
    for (const struct cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
        check_lines(topic->name, topic->text);
        for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
            assert_string_not_equal(topic->name, verb->name); /* It would hide the topic. */
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs),
        cmocka_unit_test(topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
