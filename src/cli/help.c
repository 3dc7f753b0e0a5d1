#include <stdio.h>

#include "cli/cli.h"

static void show_all(void)
{
    (void)fputs("  sluice --config config/drops.yaml check    is the configuration right?\n"
                "  sluice --config config/drops.yaml run      read, decide, deliver: once\n"
                "  sluice --config config/drops.yaml serve    the same, until stopped\n\n",
                stdout);
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        (void)printf("  %-8s %s\n", verb->name, verb->summary);
    }
}

/* Ten lines, led by examples. */
static void show_short(void)
{
    (void)fputs("sluice turns the chats that a business runs on into records it can act on.\n\n"
                "  sluice --config config/drops.yaml check    is the configuration right?\n"
                "  sluice --config config/drops.yaml run      read, decide, deliver: once\n"
                "  sluice --config config/drops.yaml serve    the same, until stopped\n\n"
                "Without --config: $SLUICE_CONFIG, ./sluice.yaml, /config/sluice.yaml.\n"
                "Data lies in --data DIR, $SLUICE_DATA, `store` of the configuration, or ./data.\n"
                "Others: status, dlq, refused, version. More: sluice help, sluice help COMMAND\n",
                stdout);
}

int cli_help(struct cli *cli)
{
    if (cli->word_count == 0 && !cli->help) {
        show_short();
        return CLI_OK;
    }
    struct str topic = cli->word_count > 0 ? cli->words[cli->word_count - 1] : STR("help");
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if (str_equal(topic, str_of(verb->name)) && !str_equal(topic, STR("help"))) {
            (void)printf("%s\n\n%s", verb->summary, verb->usage);
            return CLI_OK;
        }
    }
    if (!str_equal(topic, STR("help"))) {
        cli_say("there is no command '%.*s'; these are all:", STR_ARG(topic));
    }
    show_all();
    return str_equal(topic, STR("help")) ? CLI_OK : CLI_USAGE;
}
