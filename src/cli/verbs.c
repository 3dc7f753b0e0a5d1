#include "cli/cli.h"
#include "cli/when.h"

static const struct cli_flag dlq_edit_flags[] = {
    {"--body", "FILE",
     "The whole new body, a JSON object of column groups; - reads standard input."},
    {"--set", "COLUMN=VALUE", "One column; the same as a word behind the id."},
    {0},
};

static const struct cli_flag dlq_retry_flags[] = {
    {"--all", NULL, "All of them."},
    {"--sink", "NAME", "Those of this sink."},
    {"--target", "NAME", "Those of this table."},
    {0},
};

static const struct cli_flag dlq_drop_flags[] = {
    {"--why", "TEXT", "Why; it is kept in the audit log."},
    {0},
};

static const struct cli_flag health_flags[] = {
    {"--live", NULL, "Only whether it is there and its store answers; for HEALTHCHECK."},
    {0},
};

static const struct cli_flag migrate_flags[] = {
    {"--dry-run", NULL, "Only say what would be done."},
    {0},
};

static const struct cli_verb migrate_acts[] = {
    {.name = "students",
     .words = "",
     .summary = "Rows of an older program: every lesson gets paid and message_count.",
     .examples = "  sluice migrate students --dry-run\n"
                 "  sluice migrate students\n",
     .about = "In student_stats, wherever the sink is. Only what is missing is written; where no "
              "lesson has a\n"
              "count of messages yet, total_messages becomes that of the current one. Safe to run "
              "twice; do it\n"
              "before the first run. Not beside a running `serve`. Ends with 2 when a row was left "
              "out.\n",
     .flags = migrate_flags,
     .run = cli_migrate_students},
    {0},
};

static const struct cli_flag init_flags[] = {
    {"--profile", "NAME", "drops (reviews of drop numbers) or rows (a row for each message)."},
    {"--bridge", "FILE", "The WhatsApp bridge's file."},
    {"--project", "NAME", "drops: how the first project is called."},
    {"--group", "ID", "drops: the id of its group, ending in @g.us."},
    {"--words", "WORDS", "rows: only messages with one of these words, parted by commas."},
    {"--zone", "NAME", "The time zone."},
    {"--yes", NULL, "Ask nothing: take the default for what no flag says."},
    {0},
};

static const struct cli_flag audit_flags[] = {
    {"--act", "ACT", "Only such acts: dlq.drop, or all of dlq."},
    {"--actor", "NAME", "Only those of somebody."},
    WHEN_SINCE,
    WHEN_UNTIL,
    {"--limit", "N", "At most so many (50)."},
    {0},
};

static const struct cli_verb audit_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "Acts of people, newest first.",
     .examples = "  sluice audit list\n"
                 "  sluice audit list --act dlq --since 7d\n",
     .about = "Who did what, when, to what. Values of records are never in it.\n",
     .flags = audit_flags,
     .run = cli_audit_list},
    {.name = "verify",
     .words = "",
     .summary = "Whether anybody changed the audit log.",
     .examples = "  sluice audit verify\n",
     .about = "Walks the chain of hashes from its first entry. Ends with 0 when it holds, with 1 "
              "when it does\n"
              "not, and says where.\n",
     .run = cli_audit_verify},
    {0},
};

static const struct cli_flag token_add_flags[] = {
    {"--scope", "SCOPES", "What it is for, parted by commas: read, people, run, metrics, admin."},
    {"--expires", "DURATION",
     "After this long it is worth nothing: 90d. Never unless it is given."},
    {0},
};

static const struct cli_verb token_acts[] = {
    {.name = "add",
     .words = "NAME",
     .summary = "Make a token for the API; it is shown this once.",
     .examples = "  sluice token add grafana --scope metrics\n"
                 "  sluice token add shop --scope read,run --expires 90d\n",
     .about = "Only its SHA-256 is kept. `read` sees everything with people masked; `people` sees "
              "their names\n"
              "and numbers; `run` starts runs; `metrics` is for /metrics; `admin` is all but "
              "`people`, and\n"
              "reloads.\n",
     .flags = token_add_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_token_add},
    {.name = "list",
     .words = "",
     .summary = "Names, scopes and ends of all tokens.",
     .examples = "  sluice token list\n"
                 "  sluice token list --json\n",
     .about = "The tokens themselves are not kept and cannot be shown again.\n",
     .run = cli_token_list},
    {.name = "remove",
     .words = "NAME",
     .summary = "Take a token back; it stops to work within a second.",
     .examples = "  sluice token remove shop\n",
     .about = "Calls that have begun are answered.\n",
     .words_min = 1,
     .words_max = 1,
     .run = cli_token_remove},
    {0},
};

static const struct cli_verb alerts_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "What is wrong, since when, and which channels were told.",
     .examples = "  sluice alerts list\n"
                 "  sluice alerts list --json\n",
     .about = "A running `serve` notes it; without `alerts:` in the configuration there is nothing "
              "to see.\n",
     .run = cli_alerts_list},
    {.name = "test",
     .words = "[CHANNEL]",
     .summary = "Tell a channel something, to see whether it arrives; or all of them.",
     .examples = "  sluice alerts test\n"
                 "  sluice alerts test phone\n",
     .about = "What is told says that it is only a test.\n",
     .words_max = 1,
     .run = cli_alerts_test},
    {0},
};

static const struct cli_flag bundle_flags[] = {
    {"--list", NULL, "Only list what would be inside; with --verbose show it."},
    {"--force", NULL, "Replace a file that is there."},
    {0},
};

static const struct cli_flag backup_flags[] = {
    {"--keep", "N", "In a folder: keep the newest N backups, remove older ones."},
    {"--force", NULL, "Replace a file that is there."},
    {0},
};

static const struct cli_flag restore_flags[] = {
    {"--verify", NULL, "Only check the backup; changes nothing."},
    {"--force", NULL, "Move aside what is there, and keep it."},
    {"--only-store", NULL, "Leave the targets as they are, when only the store was lost."},
    {"--rows", NULL, "Put back the rows of tables and collections elsewhere, and nothing else."},
    {"--sink", "NAME", "With --rows: only those of this sink."},
    {"--replace", NULL, "With --rows: take away what is in these tables now."},
    {"--dry-run", NULL, "With --rows: only say what would be done."},
    {0},
};

static const struct cli_verb dlq_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "All dead letters, oldest first.",
     .examples = "  sluice dlq list\n"
                 "  sluice dlq list --json\n",
     .about = "Each with its sink, its table and row, how often it was tried, and why it failed.\n",
     .run = cli_dlq_list},
    {.name = "show",
     .words = "ID",
     .summary = "One dead letter with all that it says.",
     .examples = "  sluice dlq show 7\n"
                 "  sluice dlq show 7 --json\n",
     .about = "Shows the record's body as it is, with what people wrote.\n",
     .words_min = 1,
     .words_max = 1,
     .run = cli_dlq_show},
    {.name = "edit",
     .words = "ID [COLUMN=VALUE...]",
     .summary = "Correct what a dead letter says.",
     .examples = "  sluice dlq edit 7\n"
                 "  sluice dlq edit 7 qa_date=2025-11-24 project=Lawley\n"
                 "  sluice dlq edit 7 --body corrected.json\n",
     .about = "Opens the body in $EDITOR, or takes it from a file, or changes single columns. The "
              "sink is\n"
              "asked whether it would take it. The letter stays where it is: then comes `dlq "
              "retry`.\n",
     .flags = dlq_edit_flags,
     .no_json = true,
     .words_min = 1,
     .words_max = CLI_ANY,
     .run = cli_dlq_edit},
    {.name = "retry",
     .words = "[ID...]",
     .summary = "Put dead letters back on their way.",
     .examples = "  sluice dlq retry 7 8\n"
                 "  sluice dlq retry --sink records\n"
                 "  sluice dlq retry --all\n",
     .about = "Each with fresh attempts and the effect that names it, so what the target has "
              "already is not\n"
              "done twice. A running `serve` delivers them within seconds; else: sluice run.\n",
     .flags = dlq_retry_flags,
     .words_max = CLI_ANY,
     .run = cli_dlq_retry},
    {.name = "drop",
     .words = "ID...",
     .summary = "Give dead letters up, with a reason.",
     .examples = "  sluice dlq drop 7 8 --why \"test messages\"\n",
     .about = "They are gone and counted; who, when and why stays in: sluice audit list --act "
              "dlq.drop\n",
     .flags = dlq_drop_flags,
     .words_min = 1,
     .words_max = CLI_ANY,
     .run = cli_dlq_drop},
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

static const struct cli_flag messages_flags[] = {
    {"--source", "NAME", "Only of this source."},
    {"--chat", "CHAT", "Only of chats with this name, or with this in their id."},
    {"--sender", "TEXT", "Only of people with this in their name or number."},
    WHEN_SINCE,
    WHEN_UNTIL,
    {"--limit", "N", "At most so many; 50 without it, 1000 at most."},
    {"--before", "ID", "Go on: only messages with lower numbers."},
    {"--oldest-first", NULL, "In the order of arrival, not the newest first."},
    {"--revisions", NULL, "Also what was edited or deleted later."},
    {"--show-people", NULL, "Show numbers and names of people, which are masked otherwise."},
    {0},
};

#define EXPORT_FLAGS                                                                               \
    {"--format", "FORMAT", "csv, json (one array) or ndjson (an object a line); else by FILE."},   \
        {"--output", "FILE", "Write there, whole or not at all; -o is short for it."},             \
        {"--bom", NULL, "CSV begins with a byte order mark, which makes Excel read Hebrew."},      \
        {"--no-guard", NULL, "Leave texts alone that a spreadsheet would take for formulas."}

static const struct cli_flag export_messages_flags[] = {
    EXPORT_FLAGS,
    {"--source", "NAME", "Only of this source."},
    {"--chat", "CHAT", "Only of chats with this name, or with this in their id."},
    {"--sender", "TEXT", "Only of people with this in their name or number."},
    WHEN_SINCE,
    WHEN_UNTIL,
    {"--revisions", NULL, "Also what was edited or deleted later."},
    {"--everything", NULL, "Also ticks, answers, receipts, ends of runs, tables."},
    {0},
};

static const struct cli_flag export_records_flags[] = {
    EXPORT_FLAGS,
    {"--sink", "NAME", "The sink that holds it, where several do."},
    {0},
};

static const struct cli_verb export_acts[] = {
    {.name = "messages",
     .words = "",
     .summary = "Messages of the archive, oldest first.",
     .examples = "  sluice export messages -o messages.csv\n"
                 "  sluice export messages --chat Lawley --since 30d --format json -o lawley.json\n"
                 "  sluice export messages --json\n",
     .about = "Numbers and names of people are written out: it is for the owner of the data, and "
              "the file has\n"
              "mode 0600. With --json one object a line, on standard output unless -o is given. "
              "Ctrl-C leaves\n"
              "no half file.\n",
     .flags = export_messages_flags,
     .run = cli_export_messages},
    {.name = "records",
     .words = "TARGET",
     .summary = "Rows of a table that pipelines write.",
     .examples = "  sluice export records qa_photo_reviews -o reviews.csv\n"
                 "  sluice export records qa_photo_reviews --json\n",
     .about = "As the sink holds them now, in its order; only the columns that sluice knows.\n",
     .flags = export_records_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_export_records},
    {0},
};

static const struct cli_flag tap_flags[] = {
    {"--source", "NAME", "Only of this source."},
    {"--chat", "CHAT", "Only of chats with this name, or with this in their id."},
    {"--last", "N", "Begin with the last N messages."},
    {"--count", "N", "End after N messages."},
    {"--show-people", NULL, "Show numbers and names of people, which are masked otherwise."},
    {0},
};

static const struct cli_flag top_flags[] = {
    {"--interval", "TIME", "Pause between two looks; 1s without it."},
    {"--count", "N", "End after N looks; one where standard output is no terminal."},
    {0},
};

static const struct cli_flag seal_flags[] = {
    {"--profile", "FOLDER", "The browser's folder, as this machine sees it."},
    {"--key", "NAME", "The secret, by its name in the section `secrets:`."},
    {0},
};

static const struct cli_verb session_acts[] = {
    {.name = "list",
     .words = "[SOURCE]",
     .summary = "State of each browser and its login.",
     .examples = "  sluice session list\n"
                 "  sluice session list whatsapp --json\n",
     .about = "As `sluice session`, where a source has the name of an act.\n",
     .words_max = 1,
     .run = cli_session},
    {.name = "seal",
     .words = "FILE",
     .summary = "The browser's profile as one sealed file.",
     .examples =
         "  sluice session seal login.sealed --profile /data/whatsapp_profile --key backup\n",
     .about = "The profile is the login. It is sealed (ChaCha20-Poly1305) with a key from the "
              "secret, and opens\n"
              "only with it; the file has mode 0600. Caches are left out. The browser must be "
              "closed: stop sluice\n"
              "first.\n",
     .flags = seal_flags,
     .words_min = 1,
     .words_max = 1,
     .no_json = true,
     .run = cli_session_seal},
    {.name = "unseal",
     .words = "FILE",
     .summary = "A sealed profile put back.",
     .examples =
         "  sluice session unseal login.sealed --profile /data/whatsapp_profile --key backup\n",
     .about = "Into a folder that is not there yet: the whole profile or nothing. A file that was "
              "changed, cut or\n"
              "sealed with another secret is refused. Never run the same login in two places.\n",
     .flags = seal_flags,
     .words_min = 1,
     .words_max = 1,
     .no_json = true,
     .run = cli_session_unseal},
    {0},
};

static const struct cli_flag pair_flags[] = {
    {"--svg", "FILE", "Write the code there as a picture (mode 0600), and not to the terminal."},
    {"--timeout", "TIME", "Give up after this; 10m without it."},
    {"--light", NULL, "Without colours: the terminal is dark on light."},
    {"--print", NULL, "Also where standard output is no terminal; the code is a login."},
    {0},
};

static const struct cli_flag schedule_flags[] = {
    {"--count", "N", "So many runs of each pipeline; 5 without it."},
    {"--from", "TIME", "As if it were then: 2026-03-26, 2026-03-26T10:00."},
    {0},
};

static const struct cli_flag runs_flags[] = {
    {"--pipeline", "NAME", "Only of this pipeline."},
    {"--limit", "N", "At most so many; 20 without it."},
    {"--before", "ID", "Go on: only runs with lower numbers."},
    {0},
};

static const struct cli_verb runs_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "The latest runs, newest first.",
     .examples = "  sluice runs list\n"
                 "  sluice runs list --pipeline drops --limit 5\n",
     .about = "Each with its result, when it began, how long it took and what it counted.\n",
     .flags = runs_flags,
     .run = cli_runs_list},
    {.name = "show",
     .words = "ID",
     .summary = "All about one run.",
     .examples = "  sluice runs show 7\n",
     .about = "Ends with 1 when there is no such run.\n",
     .words_min = 1,
     .words_max = 1,
     .run = cli_runs_show},
    {0},
};

static const struct cli_verb completion_acts[] = {
    {.name = "bash",
     .words = "",
     .summary = "For bash.",
     .examples = "  sluice completion bash\n",
     .about = "Put this into ~/.bashrc: source <(sluice completion bash)\n",
     .no_json = true,
     .run = cli_completion_bash},
    {.name = "zsh",
     .words = "",
     .summary = "For zsh.",
     .examples = "  sluice completion zsh\n",
     .about = "Save it as _sluice in a folder of $fpath, or put into ~/.zshrc:\n"
              "source <(sluice completion zsh)\n",
     .no_json = true,
     .run = cli_completion_zsh},
    {.name = "fish",
     .words = "",
     .summary = "For fish.",
     .examples = "  sluice completion fish\n",
     .about = "Save it as ~/.config/fish/completions/sluice.fish\n",
     .no_json = true,
     .run = cli_completion_fish},
    {0},
};

#define FLAG_LIMIT {"--limit", "N", "How many rows are shown of each sink; 20 unless said."}

static const struct cli_flag run_flags[] = {
    {"--dry-run", NULL, "Show what would be written, and write nothing."},
    WHEN_SINCE,
    WHEN_UNTIL,
    FLAG_LIMIT,
    {0},
};

static const struct cli_flag gaps_flags[] = {
    {"--chat", "CHAT", "Only of the chat with this name."},
    {0},
};

static const struct cli_flag backfill_flags[] = {
    WHEN_SINCE,
    WHEN_UNTIL,
    {0},
};

static const struct cli_flag explain_flags[] = {
    {"--item", "NAME", "Only what changed this object of a list: a student's lesson."},
    {"--show-people", NULL, "Show numbers and names of people, which are masked otherwise."},
    {0},
};

static const struct cli_flag replay_flags[] = {
    {"--apply", NULL, "Put it in place of what was decided before."},
    {"--delete", NULL, "With --apply: take rows away that are no longer produced."},
    {"--effects", "TABLE,...", "With --apply: repeat what happens once, for these tables."},
    {"--references", "latest", "Look references up in their newest version."},
    WHEN_SINCE,
    WHEN_UNTIL,
    FLAG_LIMIT,
    {0},
};

static const struct cli_flag project_flags[] = {
    {"--pipeline", "NAME", "Whose projects; not needed where only one pipeline has some."},
    {0},
};

static const struct cli_flag project_add_flags[] = {
    {"--description", "TEXT", "What it is; the name without it."},
    {"--disabled", NULL, "Write it down, and do not read it yet."},
    {"--pipeline", "NAME", "Whose projects; not needed where only one pipeline has some."},
    {0},
};

static const struct cli_verb project_acts[] = {
    {.name = "add",
     .words = "NAME GROUP",
     .summary = "Write a project into projects.yaml, and see it taken up.",
     .examples = "  sluice project add Lawley 120363000000000003@g.us\n"
                 "  sluice project add מודיעין 120363000000000004@g.us --description Phase2\n",
     .about =
         "Comments and order of the file stay. A running `serve` takes the project up by itself, "
         "which is\n"
         "waited for; what was posted in the group before counts too. Ends with 2 when it was not "
         "taken up.\n",
     .flags = project_add_flags,
     .words_min = 2,
     .words_max = 2,
     .run = cli_project_add},
    {.name = "list",
     .words = "",
     .summary = "All projects, those that are not enabled too.",
     .examples = "  sluice project list\n"
                 "  sluice project list --json\n",
     .about = "In the order of the file.\n",
     .flags = project_flags,
     .run = cli_project_list},
    {.name = "enable",
     .words = "NAME",
     .summary = "Read a project's group (again).",
     .examples = "  sluice project enable Lawley\n",
     .about =
         "NAME is its name or its group. It goes on where it was left; nothing is done twice.\n",
     .flags = project_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_project_enable},
    {.name = "disable",
     .words = "NAME",
     .summary = "Stop reading a project's group.",
     .examples = "  sluice project disable Lawley\n",
     .about = "NAME is its name or its group. What was written stays.\n",
     .flags = project_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_project_disable},
    {0},
};

static const struct cli_flag drops_status_flags[] = {
    {"--pipeline", "NAME", "Whose numbers; not needed where there is only one desk."},
    {0},
};

static const struct cli_flag drops_list_flags[] = {
    {"--project", "NAME", "Only those of this project (its name or its group)."},
    {"--today", NULL, "Only those that were posted today."},
    {"--again", NULL, "Only those that were posted more than once."},
    {"--limit", "N", "At most so many; 50 without it."},
    {"--pipeline", "NAME", "Whose numbers; not needed where there is only one desk."},
    {0},
};

static const struct cli_verb drops_acts[] = {
    {.name = "status",
     .words = "",
     .summary = "Numbers and resubmissions by project, today and in all.",
     .examples = "  sluice drops status\n"
                 "  sluice drops status --json\n",
     .about = "Counted from the archive, so rows that others made in the table are not in it.\n",
     .flags = drops_status_flags,
     .run = cli_drops_status},
    {.name = "list",
     .words = "",
     .summary = "Drop numbers, the latest first.",
     .examples = "  sluice drops list --today\n"
                 "  sluice drops list --project Lawley --again\n"
                 "  sluice drops list --json --limit 1000\n",
     .about = "Each with the project of its first sight and how often it was posted.\n",
     .flags = drops_list_flags,
     .run = cli_drops_list},
    {0},
};

static const struct cli_verb keys_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "What decides about the keys of rows, and whether it would change.",
     .examples = "  sluice keys list\n"
                 "  sluice keys list --json\n",
     .about = "As the store knows it of each pipeline that has emitted a record.\n",
     .run = cli_keys_list},
    {.name = "accept",
     .words = "PIPELINE",
     .summary = "Take a change of how keys are made for intended.",
     .examples = "  sluice keys accept drops\n",
     .about =
         "Rows that were written under the old keys stay, and are not found again under the new "
         "ones.\n"
         "The change is written into the audit log. Nothing else is touched.\n",
     .words_min = 1,
     .words_max = 1,
     .run = cli_keys_accept},
    {0},
};

static const struct cli_flag check_flags[] = {
    {"--connect", NULL, "Also ask each source and each sink whether it can be used, and how fast."},
    {0},
};

/* In the order in which a person meets them. */
#define STUDENTS_FLAGS                                                                             \
    {"--pipeline", "NAME", "Which pipeline of kind students, where there are several."},           \
        {"--show-people", NULL, "Show phone numbers, which are masked otherwise."}

static const struct cli_flag students_list_flags[] = {
    {"--teacher", "NAME", "Only those of this teacher."},
    {"--lesson", "NAME", "Only those in this lesson."},
    {"--silent", "DAYS", "Only those who wrote nothing that counts for so many days."},
    {"--limit", "N", "At most so many; 100 without it."},
    STUDENTS_FLAGS,
    {0},
};

static const struct cli_flag students_show_flags[] = {STUDENTS_FLAGS, {0}};

static const struct cli_flag students_paid_flags[] = {
    {"--undo", NULL, "It is not paid after all."},
    {"--dry-run", NULL, "Only say what would be done."},
    {"--pipeline", "NAME", "Which pipeline of kind students, where there are several."},
    {0},
};

static const struct cli_flag students_report_flags[] = {
    {"--format", "FORMAT", "csv, json or html (a page to print); else by the file's name."},
    {"--out", "FILE", "Write there, whole or not at all; the file has mode 0600."},
    {"--output", "FILE", "The same; -o is short for it."},
    {"--teacher", "NAME", "Only lessons with this teacher."},
    WHEN_SINCE,
    WHEN_UNTIL,
    {"--by", "PERIOD",
     "Practices over time by day, week (from Sunday) or month; month without it."},
    {"--silent", "DAYS",
     "Who wrote nothing that counts for so many days is silent; 14 without it."},
    {"--per", "WHOM", "CSV: a row for each lesson of a student (student), or for each teacher."},
    {"--bom", NULL, "CSV begins with a byte order mark, which makes Excel read Hebrew."},
    {"--no-guard", NULL, "Leave texts alone that a spreadsheet would take for formulas."},
    {"--pipeline", "NAME", "Which pipeline of kind students, where there are several."},
    {0},
};

static const struct cli_flag students_near_flags[] = {
    WHEN_SINCE,     WHEN_UNTIL, {"--limit", "N", "At most so many messages; 100 without it."},
    STUDENTS_FLAGS, {0},
};

static const struct cli_verb students_acts[] = {
    {.name = "list",
     .words = "",
     .summary = "All students, the latest activity first.",
     .examples = "  sluice students list\n"
                 "  sluice students list --teacher Noa --silent 14\n",
     .about = "Practices and messages are those of the current lesson; \"in all\" is both, of all "
              "lessons.\n"
              "From what the op counted, so no server is asked. Numbers are masked without "
              "--show-people.\n",
     .flags = students_list_flags,
     .run = cli_students_list},
    {.name = "show",
     .words = "WHO",
     .summary = "One student, lesson by lesson.",
     .examples = "  sluice students show 055-000-0001\n"
                 "  sluice students show \"Dana\" --json\n",
     .about = "WHO is a name or a part of one, a phone in any look, or a uniq_id. Where several "
              "could be meant,\n"
              "they are listed and the verb ends with 1. Whether a lesson is paid is asked of the "
              "sink.\n",
     .flags = students_show_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_students_show},
    {.name = "paid",
     .words = "WHO LESSON",
     .summary = "Mark a lesson as paid, or as not paid after all.",
     .examples = "  sluice students paid 055-000-0001 7\n"
                 "  sluice students paid Dana 7 --undo\n",
     .about = "The only thing that changes `paid`: no run does. It is written once, by the "
              "pipeline's sink, with\n"
              "who did it in: sluice audit list --act students. Beside a running `serve` it takes "
              "seconds.\n",
     .flags = students_paid_flags,
     .words_min = 2,
     .words_max = 2,
     .run = cli_students_paid},
    {.name = "report",
     .words = "",
     .summary = "Practices over time, silent students, unpaid lessons, by student and teacher.",
     .examples =
         "  sluice students report --out school.html\n"
         "  sluice students report --teacher Noa --since 30d --by week --out noa.csv --bom\n"
         "  sluice students report --json\n",
     .about = "Names and numbers are written out: it is for the owner of the data. The page needs "
              "nothing else,\n"
              "has no scripts, and runs from right to left where most names do. Ends with 2 when "
              "the sink could\n"
              "not be asked what is paid.\n",
     .flags = students_report_flags,
     .run = cli_students_report},
    {.name = "near-misses",
     .words = "",
     .summary = "What almost counted, and who is almost in the roster.",
     .examples = "  sluice students near-misses\n"
                 "  sluice students near-misses --since 7d --json\n",
     .about = "Messages of the last 30 days without a word that counts, and with one that is "
              "written with points,\n"
              "other final letters or one letter off; and senders whose number is one digit off, "
              "or whose name\n"
              "is written otherwise. Each with the fix to make.\n",
     .flags = students_near_flags,
     .run = cli_students_near},
    {0},
};

const struct cli_verb cli_verbs[] = {
    {.name = "init",
     .words = "[FOLDER]",
     .summary = "Write a configuration, from a few answers.",
     .examples = "  sluice init desk\n"
                 "  sluice init desk --profile drops --project Lawley --group "
                 "120363000000000001@g.us --yes\n"
                 "  sluice init --profile rows --words invoice,חשבונית --yes\n",
     .about = "Asks what no flag says (an empty line takes the default), writes sluice.yaml, and "
              "checks it.\n"
              "Nothing is overwritten.\n",
     .flags = init_flags,
     .words_max = 1,
     .no_json = true,
     .run = cli_init},
    {.name = "check",
     .words = "",
     .summary = "Say all that is wrong with a configuration, or ok.",
     .examples = "  sluice check\n"
                 "  sluice check --connect\n"
                 "  sluice --config config/drops.yaml check\n",
     .about = "Reads the configuration as `serve` does and changes nothing. Each mistake has its "
              "place,\n"
              "file:line:column, a code, and what to write instead. Ends with 0 or 78; with "
              "--connect also\n"
              "with 69, when a source or a sink cannot be used.\n",
     .flags = check_flags,
     .run = cli_check},
    {.name = "explain-error",
     .words = "[CODE]",
     .summary = "What a mistake of a configuration means.",
     .examples = "  sluice explain-error E0107\n"
                 "  sluice explain-error\n",
     .about = "Every mistake that `check` finds has a code, which stays the same. Without one, all "
              "of them\n"
              "are listed. Codes with a W are warnings: they are said, and stop nothing.\n",
     .words_max = 1,
     .run = cli_explain_error},
    {.name = "secrets",
     .words = "",
     .summary = "Where each secret comes from, and whether it is there.",
     .examples = "  sluice secrets\n"
                 "  sluice secrets --json\n",
     .about = "Never shows a value. Fetches them as `check` does: files and variables are read, "
              "commands\n"
              "are run. Ends with 78 when one cannot be had.\n",
     .run = cli_secrets},
    {.name = "schema",
     .words = "",
     .summary = "A JSON schema of the configuration, for editors.",
     .examples = "  sluice schema > sluice.schema.json\n",
     .about = "An editor that knows it completes keys and marks mistakes while one types. In a "
              "YAML file:\n"
              "# yaml-language-server: $schema=sluice.schema.json\n",
     .no_json = true,
     .run = cli_schema},
    {.name = "reference",
     .words = "FOLDER",
     .summary = "Write the pages of docs/reference.",
     .examples = "  sluice reference docs/reference\n",
     .about = "One page for each kind of source, sink, op and step, one for the configuration, one "
              "for the\n"
              "mistakes, and the schema; made from the same tables that read the configuration.\n",
     .words_min = 1,
     .words_max = 1,
     .no_json = true,
     .run = cli_reference},
    {.name = "run",
     .words = "[PIPELINE...]",
     .summary = "Read, decide and deliver once, now.",
     .examples = "  sluice run\n"
                 "  sluice run drops\n"
                 "  sluice run --dry-run\n"
                 "  sluice --config config/drops.yaml --data data run --json\n",
     .about = "Runs the named pipelines (all of them without a name) until nothing is left to do. "
              "Beside a\n"
              "running `serve` it asks that one to do it, and waits. Ends with 0, or with 2 when "
              "something\n"
              "failed or waits for another try: `sluice status` and `sluice dlq list` say what.\n"
              "With --since its sources are read once more from then on, beside where they stand; "
              "what is\n"
              "archived already is a repeat and changes nothing.\n"
              "With --dry-run nothing is written anywhere: the rows that would be new or changed "
              "are shown\n"
              "for each sink. Beside a running `serve` it looks at what is archived already.\n",
     .flags = run_flags,
     .words_max = CLI_ANY,
     .run = cli_run},
    {.name = "test",
     .words = "[FILE.case|FOLDER...]",
     .summary = "Your own cases against the configuration: messages in, rows out.",
     .examples = "  sluice test\n"
                 "  sluice test cases/drops.case\n",
     .about = "A case says in YAML what is written in a chat and which rows shall come of it; "
              "nothing is opened\n"
              "or written. Without a word: all *.case below the present folder. Ends with 0, or "
              "with 1 when a\n"
              "case failed.\n",
     .words_max = CLI_ANY,
     .run = cli_test},
    {.name = "explain",
     .words = "[PIPELINE|TABLE] RECORD",
     .summary = "Which messages, rule and run made a row, and where it went.",
     .examples = "  sluice explain drops DR10000001\n"
                 "  sluice explain qa_photo_reviews DR10000001 --json\n"
                 "  sluice explain student_stats/0d9f3b6a1c2e4f508192a3b4c5d6e7f8 --item 7\n",
     .about = "Works the archive through once more, in private, so it is exact and takes as long "
              "as a replay.\n"
              "Ends with 1 when no rule made such a row.\n",
     .flags = explain_flags,
     .words_min = 1,
     .words_max = 2,
     .run = cli_explain},
    {.name = "replay",
     .words = "PIPELINE",
     .summary = "Today's rules over all that is archived: a diff, and --apply.",
     .examples = "  sluice replay drops\n"
                 "  sluice replay drops --since 30d --json\n"
                 "  sluice replay drops --apply\n",
     .about = "Shows which rows would be another if today's rules had been there from the "
              "beginning, and\n"
              "writes nothing. --since and --until limit what is shown. --apply puts it in place, "
              "also beside a\n"
              "running `serve`; doing so twice changes nothing the second time. What happens once "
              "(a message to\n"
              "a person, a block in a comment) is listed and not repeated, unless --effects names "
              "its table.\n",
     .flags = replay_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_replay},
    {.name = "serve",
     .words = "",
     .summary = "Read, decide and deliver, until stopped.",
     .examples = "  sluice serve\n"
                 "  sluice --config config/drops.yaml --data data serve\n",
     .about = "SIGTERM or Ctrl-C ends it within 8 seconds; nothing that was committed is lost, and "
              "the next\n"
              "start goes on where this one was. A second Ctrl-C stops at once.\n",
     .no_json = true,
     .run = cli_serve},
    {.name = "status",
     .words = "",
     .summary = "What arrived, what is stuck, what ran.",
     .examples = "  sluice status\n"
                 "  sluice --data data status --json\n",
     .about =
         "Begins with what needs a look, and the command to go on with. Then how each source, "
         "sink and\n"
         "pipeline stands: the last good look and the error of a source, what waits for a sink "
         "and\n"
         "since when, when a pipeline runs next. Looks of sources are noted once a minute. Only "
         "looks;\n"
         "works beside a running `serve`.\n",
     .run = cli_status},
    {.name = "top",
     .words = "",
     .summary = "Rates, live.",
     .examples = "  sluice top\n"
                 "  sluice top --json --count 10 --interval 1s\n",
     .about =
         "On a terminal a screen that is drawn every second; q or Ctrl-C ends it. Elsewhere one "
         "look.\n"
         "With --json one line for each look.\n",
     .flags = top_flags,
     .run = cli_top},
    {.name = "tap",
     .words = "",
     .summary = "Messages as they arrive, masked.",
     .examples = "  sluice tap\n"
                 "  sluice tap --chat Lawley --last 10\n"
                 "  sluice tap --json --count 5\n",
     .about =
         "Follows the archive until Ctrl-C. Telephone numbers and names of senders are masked; "
         "with\n"
         "--show-people they are not. With --json one line for each message.\n",
     .flags = tap_flags,
     .run = cli_tap},
    {.name = "messages",
     .words = "[WORD...]",
     .summary = "Search the archive.",
     .examples = "  sluice messages tap leaks --since 30d\n"
                 "  sluice messages \"tap leaks\" --chat Lawley\n"
                 "  sluice messages --since yesterday --until yesterday --oldest-first\n",
     .about =
         "All words must be in a message; \"several words\" must stand together, and word* is "
         "the\n"
         "beginning of one. Hebrew is found with and without points and final letters. Without "
         "words\n"
         "the newest messages. Texts are shown, numbers and names of people are masked: with\n"
         "--show-people they are not.\n"
         "The search index is filled behind; when it lags, that is said.\n",
     .flags = messages_flags,
     .words_max = CLI_ANY,
     .run = cli_messages},
    {.name = "export",
     .words = "",
     .summary = "Messages and rows, out.",
     .examples = "  sluice export messages -o messages.csv\n"
                 "  sluice export records qa_photo_reviews -o reviews.csv\n",
     .acts = export_acts},
    {.name = "runs",
     .words = "",
     .summary = "What ran, and how it ended.",
     .examples = "  sluice runs\n"
                 "  sluice runs show 7\n",
     .about = "Without an act: the list.\n",
     .flags = runs_flags,
     .acts = runs_acts,
     .run = cli_runs_list},
    {.name = "pair",
     .words = "[SOURCE]",
     .summary = "Log a WhatsApp Web source in: shows the code to scan.",
     .examples = "  sluice pair\n"
                 "  sluice pair whatsapp --svg code.svg\n",
     .about = "Scan it with the telephone: Settings, Linked devices, Link a device. It is renewed "
              "here whenever\n"
              "it changes or goes stale. Beside a running `serve` it shows the code of serve's "
              "browser; without\n"
              "one it starts the browser itself. A session that was taken over elsewhere is taken "
              "back. The\n"
              "login stays in the browser's profile, so this is done once.\n",
     .flags = pair_flags,
     .words_max = 1,
     .no_json = true,
     .run = cli_pair},
    {.name = "session",
     .words = "[SOURCE]",
     .summary = "Browsers of WhatsApp Web sources, and their logins.",
     .examples = "  sluice session\n"
                 "  sluice session whatsapp --json\n",
     .about = "State and since when, the browser and its memory, language and zone of the page, "
              "the selectors\n"
              "that fit, and how often each command went to the browser. Opens no browser: it "
              "shows what was seen\n"
              "last.\n",
     .words_max = 1,
     .acts = session_acts,
     .run = cli_session},
    {.name = "schedule",
     .words = "[PIPELINE...]",
     .summary = "When pipelines run next.",
     .examples = "  sluice schedule\n"
                 "  sluice schedule drops --count 10\n"
                 "  sluice schedule --from 2026-03-26\n",
     .about = "On the wall of the pipeline's zone and in UTC. Where the clocks are changed it says "
              "what\n"
              "becomes of a time: 02:30 does not exist on that day → 03:00.\n",
     .flags = schedule_flags,
     .words_max = CLI_ANY,
     .run = cli_schedule},
    {.name = "dlq",
     .words = "",
     .summary = "Records that could not be delivered.",
     .examples = "  sluice dlq list\n"
                 "  sluice dlq show 7\n"
                 "  sluice dlq retry --all\n",
     .acts = dlq_acts},
    {.name = "refused",
     .words = "",
     .summary = "Messages that could not be taken in.",
     .examples = "  sluice refused list\n",
     .acts = refused_acts},
    {.name = "gaps",
     .words = "[SOURCE]",
     .summary = "What is known to be missing of chats.",
     .examples = "  sluice gaps\n"
                 "  sluice gaps web --chat \"Lesson updates\"\n"
                 "  sluice gaps --json\n",
     .about = "A page that is read by scrolling has no numbers that would prove that nothing was "
              "passed over.\n"
              "Where a source could not go back to what it knows, the stretch is listed here, and "
              "nowhere\n"
              "else is anything missing. Later looks go on with it by themselves; what only the "
              "telephone\n"
              "has is asked for again by: sluice backfill\n",
     .flags = gaps_flags,
     .words_max = 1,
     .run = cli_gaps},
    {.name = "backfill",
     .words = "SOURCE|PIPELINE [CHAT]",
     .summary = "Read a stretch of the past again.",
     .examples = "  sluice backfill web\n"
                 "  sluice backfill web \"Lesson updates\" --since 60d\n"
                 "  sluice backfill web --since 2026-01-01 --until 2026-01-31\n",
     .about =
         "Without --since from where the oldest open gap begins. What is archived already is a "
         "repeat\n"
         "and changes nothing; the limits of a look do not count, the pace does. Beside a "
         "running\n"
         "`serve` it asks that one to do it, and waits. Ends with 2 when something is left; "
         "`sluice gaps`\n"
         "says what.\n",
     .flags = backfill_flags,
     .words_min = 1,
     .words_max = 2,
     .run = cli_backfill},
    {.name = "backup",
     .words = "[FILE|FOLDER]",
     .summary = "Save the store, its targets and attachments.",
     .examples = "  sluice backup\n"
                 "  sluice backup /mnt/backups/ --keep 14\n"
                 "  sluice backup before-upgrade.tar.gz\n",
     .about = "Works under full load beside a running `serve`, holds up nobody, and is consistent: "
              "after a\n"
              "restore nothing is lost and nothing is done twice. Without a name it goes into "
              "DATA/backups.\n"
              "Tables of a database elsewhere are in it, too, unless it is down.\n"
              "The configuration and secrets are not in it. Ends with 2 when something could not "
              "be saved.\n",
     .flags = backup_flags,
     .words_max = 1,
     .run = cli_backup},
    {.name = "restore",
     .words = "FILE",
     .summary = "Put a backup back in place, or check it.",
     .examples = "  sluice restore --verify sluice-20251124T100000000Z.tar.gz\n"
                 "  sluice restore sluice-20251124T100000000Z.tar.gz --data data\n"
                 "  sluice restore sluice-20251124T100000000Z.tar.gz --rows --dry-run\n",
     .about =
         "Checks every sum, the structure of the databases and the audit chain before anything "
         "is\n"
         "touched. What is there is never overwritten. One that was cut short is run once "
         "more.\n"
         "Tables of a database elsewhere are left alone; --rows puts them back, and only them, "
         "through the\n"
         "sinks of the configuration: into empty or missing tables, all of it or nothing.\n",
     .flags = restore_flags,
     .words_min = 1,
     .words_max = 1,
     .run = cli_restore},
    {.name = "migrate",
     .words = "",
     .summary = "Prepare or bring up to date what is written into.",
     .examples = "  sluice migrate --dry-run\n"
                 "  sluice migrate\n",
     .about =
         "The store of an older sluice (a copy is kept beside it), and the tables of the sinks: "
         "what is\n"
         "missing is made, and a table of yours gets an index on its key where it can have "
         "one. Rows are\n"
         "never touched. Not beside a running `serve`.\n",
     .flags = migrate_flags,
     .acts = migrate_acts,
     .run = cli_migrate},
    {.name = "audit",
     .words = "",
     .summary = "Who did what, and whether that log is untouched.",
     .examples = "  sluice audit list\n"
                 "  sluice audit verify\n",
     .acts = audit_acts},
    {.name = "token",
     .words = "",
     .summary = "Who may use the API of `sluice serve`.",
     .examples = "  sluice token add shop --scope read,run\n"
                 "  sluice token list\n"
                 "  sluice token remove shop\n",
     .acts = token_acts},
    {.name = "alerts",
     .words = "",
     .summary = "Who is told when something is wrong, and of what.",
     .examples = "  sluice alerts list\n"
                 "  sluice alerts test\n",
     .acts = alerts_acts},
    {.name = "bundle",
     .words = "[FILE]",
     .summary = "What somebody who helps needs, without secrets.",
     .examples = "  sluice bundle --list\n"
                 "  sluice bundle --list --verbose\n"
                 "  sluice bundle help.tar.gz\n",
     .about =
         "Version, counts, reasons, the last runs and lines of the log. No message, no secret, "
         "no\n"
         "number or name of anybody is in it; --list --verbose shows all of it before.\n",
     .flags = bundle_flags,
     .words_max = 1,
     .run = cli_bundle},
    {.name = "project",
     .words = "",
     .summary = "The groups that are read: add, list, enable, disable.",
     .examples = "  sluice project list\n"
                 "  sluice project add Lawley 120363000000000003@g.us\n",
     .acts = project_acts},
    {.name = "drops",
     .words = "",
     .summary = "The drops desk's numbers: by project, today, resubmitted.",
     .examples = "  sluice drops status\n"
                 "  sluice drops list --today\n",
     .acts = drops_acts},
    {.name = "students",
     .words = "",
     .summary = "A school's students: who, where they stand, what is paid.",
     .examples = "  sluice students\n"
                 "  sluice students show Dana\n"
                 "  sluice students paid Dana 7\n",
     .about = "Without an act: the list.\n",
     .flags = students_list_flags,
     .acts = students_acts,
     .run = cli_students_list},
    {.name = "keys",
     .words = "",
     .summary = "How rows get their keys, and the consent to another way.",
     .examples = "  sluice keys list\n"
                 "  sluice keys accept drops\n",
     .acts = keys_acts},
    {.name = "version",
     .words = "",
     .summary = "Which sluice this is.",
     .examples = "  sluice version\n"
                 "  sluice version --verbose\n",
     .run = cli_version},
    {.name = "completion",
     .words = "",
     .summary = "Completions for a shell.",
     .examples = "  sluice completion bash\n",
     .acts = completion_acts},
    {.name = "man",
     .words = "",
     .summary = "The manual page.",
     .examples = "  sluice man\n",
     .about = "To read it: sluice man | man -l -   To keep it: sluice man > "
              "/usr/local/share/man/man1/sluice.1\n",
     .no_json = true,
     .run = cli_man},
    {.name = "health",
     .words = "",
     .summary = "Ask a running `serve` how it is.",
     .examples = "  sluice health\n"
                 "  sluice health --live\n",
     .about = "Asks over HTTP, at the address of the configuration. Ends with 0 when all is well, "
              "with 2 when\n"
              "something needs a look and work goes on, with 1 when nothing arrives or leaves any "
              "more, and with\n"
              "69 when nobody answers. With --live any answer but a good one is 1.\n",
     .flags = health_flags,
     .run = cli_health},
    {.name = "help",
     .words = "[COMMAND [ACT] | TOPIC]",
     .summary = "This, or more about a command or a topic.",
     .examples = "  sluice help\n"
                 "  sluice help run\n"
                 "  sluice help dlq list\n"
                 "  sluice help exit-codes\n",
     .about = "With --json the whole table of commands.\n",
     .words_max = 2,
     .run = cli_help},
    {0},
};
