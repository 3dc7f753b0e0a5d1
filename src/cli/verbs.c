#include "cli/cli.h"

static const struct cli_verb dlq_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "All dead letters, oldest first.",
     .examples = "  sluice dlq list\n"
                 "  sluice dlq list --json\n",
     .about = "Each with its sink, its table and row, how often it was tried, and why it failed.\n",
     .run = cli_dlq_list},
    {0},
};

static const struct cli_verb refused_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "All refused messages, newest first.",
     .examples = "  sluice refused list\n"
                 "  sluice refused list --json\n",
     .about = "Each with its source or pipeline, where it stands there, and why it was refused.\n",
     .run = cli_refused_list},
    {0},
};

/* In the order in which a person meets them. */
const struct cli_verb cli_verbs[] = {
    {.name = "check",
     .words = "",
     .summary = "Say all that is wrong with a configuration, or ok.",
     .examples = "  sluice check\n"
                 "  sluice --config config/drops.yaml check\n",
     .about = "Reads the configuration as `serve` does, opens nothing and changes nothing.\n"
              "Each mistake is a line file:line:column: text. Ends with 0 or 78.\n",
     .run = cli_check},
    {.name = "run",
     .words = "[PIPELINE...]",
     .summary = "Read, decide and deliver once, now.",
     .examples = "  sluice run\n"
                 "  sluice run drops\n"
                 "  sluice --config config/drops.yaml --data data run --json\n",
     .about = "Runs the named pipelines (all of them without a name) until nothing is left to do. "
              "Beside a\n"
              "running `serve` it asks that one to do it, and waits. Ends with 0, or with 2 when "
              "something\n"
              "failed or waits for another try: `sluice status` and `sluice dlq list` say what.\n",
     .words_max = CLI_ANY,
     .run = cli_run},
    {.name = "serve",
     .words = "",
     .summary = "Read, decide and deliver, until stopped.",
     .examples = "  sluice serve\n"
                 "  sluice --config config/drops.yaml --data data serve\n",
     .about = "SIGTERM or Ctrl-C ends it within 8 seconds; nothing that was committed is lost, and "
              "the next\n"
              "start goes on where this one was. A second Ctrl-C stops at once.\n",
     .run = cli_serve},
    {.name = "status",
     .words = "",
     .summary = "What arrived, what is stuck, what ran.",
     .examples = "  sluice status\n"
                 "  sluice --data data status --json\n",
     .about = "Only looks; works beside a running `serve`.\n",
     .run = cli_status},
    {.name = "dlq",
     .words = "",
     .summary = "Records that could not be delivered.",
     .examples = "  sluice dlq list\n",
     .acts = dlq_acts},
    {.name = "refused",
     .words = "",
     .summary = "Messages that could not be taken in.",
     .examples = "  sluice refused list\n",
     .acts = refused_acts},
    {.name = "version",
     .words = "",
     .summary = "Which sluice this is.",
     .examples = "  sluice version\n"
                 "  sluice version --verbose\n",
     .run = cli_version},
    {.name = "help",
     .words = "[COMMAND [ACT]]",
     .summary = "This, or more about a command.",
     .examples = "  sluice help\n"
                 "  sluice help run\n"
                 "  sluice help dlq list\n",
     .words_max = 2,
     .run = cli_help},
    {0},
};
