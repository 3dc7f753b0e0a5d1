#include "cli/cli.h"

/* In the order in which a person meets them. */
const struct cli_verb cli_verbs[] = {
    {"check", "Say all that is wrong with a configuration, or ok.",
     "  sluice check\n"
     "  sluice --config config/drops.yaml check\n"
     "\n"
     "Reads the configuration as `serve` does, opens nothing and changes nothing.\n"
     "Each mistake is a line file:line:column: text. Ends with 0 or 78.\n",
     cli_check},
    {"run", "Read, decide and deliver once, now.",
     "  sluice run\n"
     "  sluice run drops\n"
     "  sluice --config config/drops.yaml --data data run --json\n"
     "\n"
     "Runs the named pipelines (all of them without a name) until nothing is left to do. Beside a\n"
     "running `serve` it asks that one to do it, and waits. Ends with 0, or with 2 when something\n"
     "failed or waits for another try: `sluice status` and `sluice dlq list` say what.\n",
     cli_run},
    {"serve", "Read, decide and deliver, until stopped.",
     "  sluice serve\n"
     "  sluice --config config/drops.yaml --data data serve\n"
     "\n"
     "SIGTERM or Ctrl-C ends it within 8 seconds; nothing that was committed is lost, and the "
     "next\n"
     "start goes on where this one was. A second Ctrl-C stops at once.\n",
     cli_serve},
    {"status", "What arrived, what is stuck, what ran.",
     "  sluice status\n"
     "  sluice --data data status --json\n"
     "\n"
     "Only looks; works beside a running `serve`.\n",
     cli_status},
    {"dlq", "Records that could not be delivered.",
     "  sluice dlq list\n"
     "  sluice dlq list --json\n"
     "\n"
     "Each with its sink, its table and row, how often it was tried, and why it failed.\n",
     cli_dlq},
    {"refused", "Messages that could not be taken in.",
     "  sluice refused list\n"
     "  sluice refused list --json\n"
     "\n"
     "Each with its source or pipeline, where it stands there, and why it was refused.\n",
     cli_refused},
    {"version", "Which sluice this is.",
     "  sluice version\n"
     "  sluice version --verbose\n",
     cli_version},
    {"help", "This, or more about a command.",
     "  sluice help\n"
     "  sluice help run\n",
     cli_help},
    {0},
};
