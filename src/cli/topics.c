/* What can be read with `sluice help TOPIC`; sections of the man page too. */
#include "cli/help.h"

static const char config_text[] =
    "One YAML file says where messages come from, what is made of them, and where it goes:\n"
    "\n"
    "    store: data                      the data folder\n"
    "    zone: Asia/Jerusalem             in which times are shown\n"
    "    sources:\n"
    "      bridge: {kind: whatsapp-bridge, path: messages.db}\n"
    "    sinks:\n"
    "      records: {kind: sqlite}\n"
    "    pipelines:\n"
    "      drops: {kind: drops, source: bridge, sink: records, projects: projects.yaml}\n"
    "\n"
    "It is looked for at --config FILE, $SLUICE_CONFIG, ./sluice.yaml, /config/sluice.yaml, in "
    "this\n"
    "order. ${NAME} and ${NAME:default} stand for variables of the environment or of the .env "
    "file\n"
    "beside it. `sluice check` says all that is wrong with it, with file, line and column. Ready\n"
    "ones are in config/.\n";

static const char schedules_text[] =
    "A pipeline runs when its schedule says:\n"
    "\n"
    "    schedule: {on: message}                as soon as something comes\n"
    "    schedule: {every: 2h}\n"
    "    schedule: {cron: \"30 2 * * *\", zone: Asia/Jerusalem}\n"
    "    schedule: {on: demand}                 only with `sluice run`\n"
    "\n"
    "A time that is skipped because the clocks go forward runs right after the gap; one that "
    "comes\n"
    "twice runs the first time. `misfire: once|skip|all` says what becomes of times at which "
    "nothing\n"
    "was running, `overlap: skip|queue` what happens when a run takes too long. `sluice schedule`\n"
    "shows what comes.\n";

static const char times_text[] =
    "--since and --until take\n"
    "\n"
    "    2h  30d  1h30m               so long ago\n"
    "    now  today  yesterday  monday … sunday\n"
    "    2026-01-05                   a whole day: its beginning, or behind --until its end\n"
    "    2026-01-05T10:00             on the wall of the configured zone\n"
    "    2026-01-05T10:00Z            anywhere\n"
    "\n"
    "People are shown times in $SLUICE_ZONE, `zone` of the configuration, or Asia/Jerusalem;\n"
    "programs get them in UTC with --json.\n";

static const char exit_text[] =
    "    0    done\n"
    "    1    failed; standard error says why\n"
    "    2    done in part: the rest is tried again, or listed by `sluice status`\n"
    "    64   the command itself is wrong\n"
    "    69   something outside does not answer; the same command may work later\n"
    "    75   another process is at work on the store; try later\n"
    "    78   the configuration, or a path in it, is wrong\n"
    "    130  ended by a second Ctrl-C; nothing that was committed is lost\n"
    "\n"
    "They are the same with --json; the reason is still a text on standard error, and standard\n"
    "output then holds no JSON, or less than all of it.\n";

static const char environment_text[] =
    "    SLUICE_CONFIG  the configuration, unless --config names it\n"
    "    SLUICE_DATA    the data folder, unless --data names it\n"
    "    SLUICE_ZONE    the zone in which times are shown\n"
    "    LOG_LEVEL      DEBUG, INFO, WARNING or ERROR\n"
    "    LOG_FILE       where the log goes; standard error without it\n"
    "    LOG_FILE_MB    the log is turned at so many MiB (64; 0: never)\n"
    "    LOG_FILE_KEEP  how many turned logs are kept (7)\n"
    "    ENV            a word that is shown at start, such as production\n"
    "    NO_COLOR       no colours and no moving line, as --plain\n"
    "    TERM           dumb: the same\n"
    "    COLUMNS        width of the terminal, where it does not say so itself\n"
    "\n"
    "Others are those that a configuration names itself, as ${NAME}. What the environment says "
    "goes\n"
    "before what .env says.\n";

static const char files_text[] =
    "    DATA/sluice.db       the store: archive, state, outbox, runs, audit log\n"
    "    DATA/sluice.db-wal   its log; belongs to it\n"
    "    DATA/sluice.db.lock  who is at work\n"
    "    DATA/records.db      tables of the sqlite sink, which you may open\n"
    "    DATA/files/          attachments, unless `files:` says another folder\n"
    "    ./sluice.yaml, /config/sluice.yaml, .env beside it, projects.yaml\n"
    "\n"
    "DATA is --data DIR, $SLUICE_DATA, `store` of the configuration, or ./data.\n";

static const char json_text[] =
    "Every command that reads takes --json and prints one JSON value on one line; `tap` and `top`\n"
    "print one for each message or look. Times are UTC, as 2026-01-05T08:00:03.000Z; what is not\n"
    "known is null. Fields may be added, and are never renamed or removed: the schemas are in\n"
    "docs/reference/json. What goes wrong is said on standard error and by the exit code.\n";

static const char privacy_text[] =
    "Telephone numbers and names of people are masked in the log, in `tap` and in `messages`;\n"
    "--show-people shows them, to whoever may read the store anyway. Texts of messages are shown:\n"
    "they are what is searched for. Control characters and controls of direction are made visible\n"
    "(\\u{1B}, \\u{202E}), so that no message can steer a terminal.\n";

const struct cli_topic cli_topics[] = {
    {"config", "The configuration file.", config_text},
    {"schedules", "When pipelines run.", schedules_text},
    {"times", "How times are written and shown.", times_text},
    {"exit-codes", "What the exit code says.", exit_text},
    {"environment", "Variables that are looked at.", environment_text},
    {"files", "What lies where.", files_text},
    {"json", "Output for programs.", json_text},
    {"privacy", "Who is shown, and how.", privacy_text},
    {0},
};
