/* Help: ten lines, the list of all, or all about one; from the tables. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/nearest.h"

enum { FLAG_WIDTH = 20 };

static const char first_steps[] =
    "  sluice --config config/drops.yaml check    is the configuration right?\n"
    "  sluice --config config/drops.yaml run      read, decide, deliver: once\n"
    "  sluice --config config/drops.yaml serve    the same, until stopped\n\n";

/* Ten lines, led by examples. */
static void show_short(void)
{
    (void)fputs("sluice turns the chats that a business runs on into records it can act on.\n\n",
                stdout);
    (void)fputs(first_steps, stdout);
    (void)fputs("Without --config: $SLUICE_CONFIG, ./sluice.yaml, /config/sluice.yaml.\n"
                "Data lies in --data DIR, $SLUICE_DATA, `store` of the configuration, or ./data.\n"
                "What arrived and what is stuck: sluice status. All commands: sluice help\n",
                stdout);
}

static void show_flags(const char *title, const struct cli_flag *flags)
{
    if (flags == NULL || flags->name == NULL) {
        return;
    }
    (void)printf("\n%s\n", title);
    for (; flags->name != NULL; flags++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s%s%s", flags->name, flags->value != NULL ? " " : "",
                       flags->value != NULL ? flags->value : "");
        (void)printf("  %-*s %s\n", FLAG_WIDTH, text, flags->doc);
    }
}

static void show_list(const struct cli_verb *verbs)
{
    for (; verbs->name != NULL; verbs++) {
        (void)printf("  %-10s %s\n", verbs->name, verbs->summary);
    }
}

static void show_all(void)
{
    (void)fputs(first_steps, stdout);
    show_list(cli_verbs);
    show_flags("For every command:", cli_global_flags);
    (void)fputs("\nMore about a command: sluice help COMMAND\n", stdout);
}

/* All about a verb, or about one of its acts. */
static void show_one(const struct cli_verb *verb, const struct cli_verb *act)
{
    const struct cli_verb *last = act != NULL ? act : verb;
    if (last->examples != NULL) {
        (void)printf("%s\n", last->examples);
    }
    (void)printf("%s\n\nusage: sluice %s%s%s%s%s%s%s\n", last->summary, verb->name,
                 act != NULL ? " " : "", act != NULL ? act->name : "",
                 last->acts != NULL ? (last->run != NULL ? " [ACT]" : " ACT") : "",
                 last->flags != NULL ? " [FLAGS]" : "", last->words[0] != '\0' ? " " : "",
                 last->words);
    if (last->acts != NULL) {
        (void)printf("\n");
        show_list(last->acts);
    }
    if (last->about != NULL) {
        (void)printf("\n%s", last->about);
    }
    show_flags("Flags:", last->flags);
}

static const struct cli_verb *find(const struct cli_verb *verbs, struct str name)
{
    for (; verbs != NULL && verbs->name != NULL; verbs++) {
        if (str_equal(name, str_of(verbs->name))) {
            return verbs;
        }
    }
    return NULL;
}

static int help_on(struct str name, struct str act_name)
{
    const struct cli_verb *verb = find(cli_verbs, name);
    const struct cli_verb *act =
        verb != NULL && act_name.len > 0 ? find(verb->acts, act_name) : NULL;
    if (verb == NULL || (act_name.len > 0 && act == NULL)) {
        struct str missing = verb == NULL ? name : act_name;
        struct nearest nearest;
        nearest_begin(&nearest, missing);
        for (const struct cli_verb *one = verb == NULL ? cli_verbs : verb->acts;
             one != NULL && one->name != NULL; one++) {
            nearest_try(&nearest, str_of(one->name));
        }
        cli_say("there is no command '%.*s'%s", STR_ARG(missing), nearest_hint(&nearest));
        cli_say("`sluice help` lists them all");
        return CLI_USAGE;
    }
    show_one(verb, act);
    return CLI_OK;
}

int cli_help(struct cli *cli)
{
    if (cli->verb == NULL) { /* Just `sluice`, or `sluice --help`. */
        if (cli->help) {
            show_all();
        } else {
            show_short();
        }
        return CLI_OK;
    }
    if (cli->help && strcmp(cli->verb->name, "help") != 0) {
        return help_on(str_of(cli->verb->name),
                       cli->act != NULL ? str_of(cli->act->name) : STR(""));
    }
    if (cli->word_count == 0) {
        show_all();
        return CLI_OK;
    }
    return help_on(cli->words[0], cli->word_count > 1 ? cli->words[1] : STR(""));
}
