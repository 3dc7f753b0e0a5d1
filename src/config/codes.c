#include "config/codes.h"

#include "base/must.h"

static const struct code codes[FAULT_CODES] = {
    [FAULT_MEMORY] =
        {"E0100", "Out of memory", "a configuration may take 64 MiB",
         "The configuration, with all files that it names, needs more memory than is "
         "set aside for it.\nMake it smaller: the usual reason is a list of chats that "
         "a program wrote.\n",
         "  (no example: any file of a sensible size is read)\n"},
    [FAULT_FILE_MISSING] =
        {"E0101", "A file does not exist", "a file that is named has to be there",
         "The configuration itself, a file under `include:`, or a file that an "
         "option names, such as\n`projects: projects.yaml`. Relative paths count "
         "from the folder of the file that names them;\nonly what comes from a "
         "variable of the environment counts from the working folder.\n",
         "  include: [teams/north.yaml]     # beside this file: teams/ is missing\n"},
    [FAULT_FILE_UNREADABLE] =
        {"E0102", "A file cannot be read", "a file that is named has to be readable",
         "The path is a directory, a pipe or a device, or the user that sluice runs as may not "
         "read "
         "it.\n`ls -l` shows who may; in a container look at the user and at the mount.\n",
         "  include: [teams/]               # a folder: name the files in it\n"},
    [FAULT_FILE_LARGE] = {"E0103", "A file is too large", "4 MiB are more than a person writes",
                          "A file of a configuration has at most 4 MiB. Split it with `include:`, "
                          "or look whether it "
                          "is the\nright file at all.\n",
                          "  projects: messages.db           # not a list of projects\n"},
    [FAULT_ENCODING] =
        {"E0104", "Not UTF-8", "another encoding would change names silently",
         "Files are UTF-8, with or without a byte order mark. Other encodings (Windows-1255, "
         "UTF-16) would\nturn Hebrew names into others without a word, so they are refused at the "
         "first byte that does not\nfit. Choose UTF-8 when the editor saves; on a command line: "
         "iconv -f WINDOWS-1255 -t UTF-8.\n",
         "  name: \\xf9\\xec\\xe5\\xed             # Windows-1255\n"},
    [FAULT_SYNTAX] =
        {"E0105", "Not YAML", "what cannot be read cannot be checked further",
         "The file is not well-formed YAML at this place. Usual reasons: a line that is indented "
         "differently\nfrom its neighbours, a quote that is not closed, or a text with `: ` or a "
         "leading special character\nthat needs quotes. The rest of this file is not looked at "
         "before this is corrected.\n",
         "  note: ends: here                # write: note: \"ends: here\"\n"},
    [FAULT_TAB] =
        {"E0106", "A tab in front of a line", "YAML counts spaces, and a tab has no width",
         "Lines are indented by spaces only. Set the editor to insert spaces, or replace the tabs: "
         "expand -t 2.\n",
         "  sources:\n"
         "  <tab>bridge:                    # write two spaces\n"},
    [FAULT_UNKNOWN_KEY] =
        {"E0107", "Unknown key", "a key that nobody reads would be ignored in silence",
         "There is no such key at this place. Keys are checked at every depth, because a setting "
         "that is\nmisspelt and ignored is found when it is too late. `sluice help KIND` lists the "
         "options of a kind,\nand docs/reference/ has them all.\n",
         "  sources:\n"
         "    bridge: {kind: whatsapp-bridge, path: a.db, pol: 5s}     # write: poll\n"},
    [FAULT_KEY_TWICE] =
        {"E0108", "A key stands twice", "which of both is meant cannot be known",
         "A map has the same key a second time. YAML readers take the first or the last without a "
         "word; here\none of both has to go.\n",
         "  keep:\n"
         "    runs: 30d\n"
         "    runs: 90d                     # remove one\n"},
    [FAULT_FILE_EMPTY] =
        {"E0109", "An empty file", "an empty file says nothing",
         "The file holds nothing but white space and comments. Perhaps it was not "
         "saved, or a mount put an\nempty file in its place. `sluice init` writes a "
         "file to start from.\n",
         "  # only a comment\n"},
    [FAULT_YAML_FEATURE] =
        {"E0110", "A part of YAML that is not read", "what a map holds should stand in it",
         "Merge keys (<<), tags of one's own (!env), keys that are lists, and a second document "
         "(---) in one\nfile are refused: an error could not name one place for them. Anchors and "
         "aliases (&a, *a) work.\n",
         "  records: {<<: *base, kind: sqlite}     # write the keys out\n"},
    [FAULT_YAML_LIMIT] =
        {"E0111", "Too deep or too much", "a few lines of aliases can stand for a billion values",
         "Lists and maps are nested at most 32 levels deep, and a file holds at most 200000 "
         "values, "
         "with aliases\nwritten out, and 1000 anchors.\n",
         "  a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"},
    [FAULT_INCLUDE_CYCLE] = {"E0112", "Files include each other", "such a chain has no end",
                             "A file under `include:` includes, directly or through others, the "
                             "file that named it. The "
                             "text shows\nthe chain.\n",
                             "  # a.yaml\n"
                             "  include: [b.yaml]\n"
                             "  # b.yaml\n"
                             "  include: [a.yaml]               # remove this\n"},
    [FAULT_INCLUDE_LIMIT] =
        {"E0113", "Too many includes", "nobody can follow a longer chain",
         "Files include files at most 8 levels deep, and a configuration has at most 64 files.\n",
         "  include: [level9.yaml]          # in level8.yaml\n"},
    [FAULT_INCLUDE_TWICE] =
        {"E0114", "A file is included twice", "everything in it would be defined twice",
         "The same file stands under `include:` twice, or two files include it. "
         "Name it once, best in the\nfile on top.\n",
         "  include: [team.yaml, ./team.yaml]\n"},
    [FAULT_DEFINED_TWICE] =
        {"E0115", "Defined in two files", "no file wins silently over another",
         "The same key, or the same name of a source, sink, pipeline or secret, is defined in two "
         "files of one\nconfiguration. Neither wins: an include that changes what another file "
         "said "
         "is how settings get\nlost. Remove one of both; the text names both places.\n",
         "  # sluice.yaml\n"
         "  include: [team.yaml]\n"
         "  store: data\n"
         "  # team.yaml\n"
         "  store: other                    # remove one\n"},
    [FAULT_TYPE] = {"E0201", "Another kind of value is expected",
                    "a value of another kind cannot be used here",
                    "A map of keys, a list, or a single value is needed here, and something else "
                    "stands there. "
                    "Often an\nindentation is missing, or a list was written as one text.\n",
                    "  sources: bridge                 # a map of names is needed\n"},
    [FAULT_MISSING] =
        {"E0202", "A key is missing", "there is no sensible default for it",
         "Something that has no default was left out. The text says what it is for, and the place "
         "is that of\nthe map that lacks it.\n",
         "  sources:\n"
         "    bridge: {kind: whatsapp-bridge}          # add: path: messages.db\n"},
    [FAULT_EMPTY] =
        {"E0203", "An empty value", "an empty value is rarely meant",
         "A key stands there without a value, or with ''. Leave the key out to get its default.\n",
         "  path:                           # write a path\n"},
    [FAULT_NUMBER] =
        {"E0204", "Not a whole number", "a whole number is needed",
         "Digits only, with an optional minus sign: no fractions, no 1_000, no units.\n",
         "  attempts: many                  # write: attempts: 20\n"},
    [FAULT_BOUNDS] =
        {"E0205", "Out of bounds", "values beyond the bounds have hurt people",
         "The value is read, but is smaller or larger than what makes sense here. The text names "
         "the bounds.\n",
         "  attempts: 0                     # at least 1\n"},
    [FAULT_DURATION] =
        {"E0206", "Not a duration", "a number alone does not say of what",
         "A duration is numbers with units: 250ms, 15s, 2h, 1h30m, 30d, 1w. A day is 24 hours.\n",
         "  poll: 15                        # write: poll: 15s\n"},
    [FAULT_SIZE] =
        {"E0207", "Not a size", "the unit has to be one of those that are known",
         "A size is a whole number and a unit: B, kB, MB, GB (thousands), KiB, MiB, GiB (1024s). "
         "Without a\nunit it is bytes.\n",
         "  room: 5 megs                    # write: room: 5MB\n"},
    [FAULT_BOOL] = {"E0208", "Neither true nor false", "`yes` and `on` are text in YAML 1.2",
                    "Write true or false, without quotes. yes, no, on and off are plain text.\n",
                    "  enabled: yes                    # write: enabled: true\n"},
    [FAULT_CHOICE] = {"E0209", "Not one of the choices", "only these are known",
                      "The value has to be one of a few words; the help lists them.\n",
                      "  schedule: {on: mesage}          # write: on: message\n"},
    [FAULT_ZONE] =
        {"E0210", "No such time zone", "a wrong zone moves every time by hours",
         "Zones are IANA's names (Asia/Jerusalem), UTC, or offsets such as +02:00. The zones are "
         "part of the\nbinary, so nothing has to be installed.\n",
         "  zone: Asia/Jerusalm             # write: zone: Asia/Jerusalem\n"},
    [FAULT_COUNT] =
        {"E0211", "Too few or too many entries", "an empty list does nothing, a huge one is a slip",
         "A list or a section has fewer entries than it needs, or more than sluice keeps. There "
         "are at most\n64 sources, 64 sinks, 256 pipelines, and 4096 chats a pipeline.\n",
         "  chats: []                       # write: chats: all\n"},
    [FAULT_NAME] = {"E0212", "A name with other letters",
                    "names stand in URLs, tables and commands",
                    "Names of sources, sinks, pipelines and secrets have at most 64 letters (A to "
                    "Z), digits, '-' and '_',\nand begin with a letter.\n",
                    "  sources:\n"
                    "    my bridge: {kind: whatsapp-bridge}       # write: my-bridge\n"},
    [FAULT_OPTION] =
        {"E0213", "A value that its kind refuses", "the kind itself looked at the value",
         "The value has the right form, but the source, sink or op that it is for cannot use it: a "
         "regular\nexpression with a mistake, for example. The caret stands at the mistake where "
         "that is known.\n",
         "  pattern: 'DR[0-9{8}'            # a ] is missing\n"},
    [FAULT_STEP] =
        {"E0214", "A step that does not fit", "the steps of a pipeline are checked as a whole",
         "A step of `ops:` refers to a field, a column, a table or a template that cannot be: no "
         "step before it\nmakes that field, another pipeline writes that column, a pattern has a "
         "mistake. The caret stands at\nthe entry or the very character. Fields live from the step "
         "that makes them to the end of the list.\n",
         "  ops:\n"
         "    - kind: filter\n"
         "      field: txet               # write: text\n"},
    [FAULT_OPS] = {"E0215", "A kind and ops", "which of both is meant cannot be known",
                   "A pipeline has one op by its `kind`, or a list of steps under `ops`.\n",
                   "  pipelines:\n"
                   "    p: {kind: drops, ops: [{kind: count}]}     # remove one\n"},
    [FAULT_UNKNOWN_KIND] =
        {"E0301", "Unknown kind", "this version has no such kind",
         "There is no source, sink or op of this name. `sluice help` and docs/reference/ list "
         "them; "
         "a kind\nof another section (a sink under sources) is not found either.\n",
         "  records: {kind: sqlte}          # write: kind: sqlite\n"},
    [FAULT_UNKNOWN_SOURCE] =
        {"E0302", "No such source", "a pipeline has to listen to something",
         "A pipeline refers to a name that does not stand under `sources:`.\n",
         "  pipelines:\n"
         "    drops: {kind: drops, source: brigde}     # sources: {bridge: …}\n"},
    [FAULT_UNKNOWN_SINK] =
        {"E0303", "No such sink", "records have to go somewhere",
         "An option refers to a name that does not stand under `sinks:`. Some "
         "options have a default\n(`records`): then a sink of that name is needed, "
         "or the option.\n",
         "  sink: recods                    # sinks: {records: …}\n"},
    [FAULT_COLUMN_TWICE] =
        {"E0304", "Two pipelines write one column", "the later one would overwrite the other",
         "Two pipelines write the same column of the same table in the same sink. Each would undo "
         "what the\nother wrote, in an order that nobody can foresee. Give one of them another "
         "sink, or join them.\n",
         "  pipelines:\n"
         "    north: {kind: drops, source: a, projects: north.yaml}\n"
         "    south: {kind: drops, source: a, projects: south.yaml}    # one pipeline, one list\n"},
    [FAULT_CHATS_TWICE] =
        {"E0305", "Chats are said twice", "which of both is meant cannot be known",
         "The kind of this pipeline takes its chats from an option of its own (such as "
         "`projects`); `chats`\nbeside it would contradict. Leave `chats` out.\n",
         "  drops: {kind: drops, source: a, projects: p.yaml, chats: all}\n"},
    [FAULT_CHATS_NONE] = {"E0306", "No chats", "sluice reads only chats that were chosen",
                          "A pipeline says which chats it listens to: `chats: all`, or a list of "
                          "chat ids.\n",
                          "  p: {kind: count, source: a}     # add: chats: all\n"},
    [FAULT_UNKNOWN_REFERENCE] =
        {"E0307", "No such table", "what is looked up has to come from somewhere",
         "An option refers to a table that no source brings. A source brings one with `reference: "
         "true`; the\ntable then has the name of the source.\n",
         "  sources: {roster: {kind: csv, path: roster.csv, reference: true, key: phone}}\n"
         "  …\n"
         "  roster: rostre                  # roster: roster\n"},
    [FAULT_VARIABLE_MISSING] =
        {"E0401", "A variable is not set", "an empty value in its place would be wrong silently",
         "${NAME} is replaced by the variable of the environment, or of the .env file beside the\n"
         "configuration. A variable that is empty counts as not set. ${NAME:default} has a value "
         "without it.\n",
         "  path: ${WHATSAPP_DB_PATH}       # export WHATSAPP_DB_PATH=messages.db\n"},
    [FAULT_VARIABLE_NAME] =
        {"E0402", "Not the name of a variable", "no variable can be called so",
         "Names have letters, digits and _, and begin with no digit. For the two "
         "characters ${ themselves\nwrite $${.\n",
         "  note: ${a b}\n"},
    [FAULT_VARIABLE_OPEN] = {"E0403", "A ${ that is never closed",
                             "where the name ends cannot be known",
                             "A `}` is missing. For the two characters ${ themselves write $${.\n",
                             "  path: ${WHATSAPP_DB_PATH        # write: ${WHATSAPP_DB_PATH}\n"},
    [FAULT_DOTENV] =
        {"E0404", "A line of .env that is not NAME=value", "half a secret could stand in it",
         "Lines of .env are NAME=value, comments (#) or empty; `export` in front is allowed. A "
         "value in quotes\nends at the closing quote, in the same line. The line is not shown, for "
         "it may hold a secret.\n",
         "  DB PASSWORD=x                   # a name has no spaces\n"},
    [FAULT_VARIABLE_REFUSED] = {"E0405", "A variable that the configuration does not follow",
                                "ignoring it would look like success",
                                "NEON_DATABASE_URL says where rows shall go, and no sink is of "
                                "kind postgres. Add one, or leave\nthe variable empty.\n",
                                "  NEON_DATABASE_URL=postgresql://…   # and only a sink of kind "
                                "sqlite\n"},
    [FAULT_VARIABLE_VALUE] = {"E0406", "A variable with a wrong value", "only these are known",
                              "LOG_LEVEL is one of DEBUG, INFO, WARNING and ERROR.\n",
                              "  LOG_LEVEL=LOUD\n"},
    [FAULT_VARIABLE_DASH] =
        {"W0407", "A default that begins with a dash", "a shell writes it so, sluice does not",
         "${NAME:-x} is how a shell writes a default. Here the default stands behind the colon, so "
         "it would be\n\"-x\". Write ${NAME:x}; a negative number is the one good reason for a "
         "dash, and is not warned about.\n",
         "  zone: ${ZONE:-UTC}              # write: ${ZONE:UTC}\n"},
    [FAULT_SCHEDULE] = {"E0501", "Not one way to be scheduled", "two clocks cannot both be right",
                        "A schedule has exactly one of `on`, `every` and `cron`.\n",
                        "  schedule: {on: message, every: 2h}\n"},
    [FAULT_CRON] =
        {"E0502", "Not a cron line", "a wrong field would run at another time",
         "Five fields: minute (0-59), hour (0-23), day (1-31 or L), month (1-12 or JAN), weekday "
         "(0-7 or SUN).\nThe text names the field and the offset in the line. @daily and its kind "
         "work as well.\n",
         "  cron: \"0 25 * * *\"              # there is no hour 25\n"},
    [FAULT_CRON_NEVER] = {"E0503", "A time that never comes", "the pipeline would never run",
                          "The fields are right one by one, but there is no such date.\n",
                          "  cron: \"0 0 31 2 *\"              # 31 February; L is the last day\n"},
    [FAULT_CRON_GAP] =
        {"W0504", "A time that the clock skips once a year", "the clocks are put forward over it",
         "On one day a year the clock of this zone is put forward over the planned time, so that "
         "the time does\nnot exist. The run is not lost: it takes place right after the gap. Plan "
         "another hour, or UTC, if that\nmatters. (A time that comes twice in autumn runs once.)\n",
         "  schedule: {cron: \"30 2 * * *\", zone: Asia/Jerusalem}\n"},
    [FAULT_CHAT_SUFFIX] =
        {"E0601", "Not a group", "only groups can be projects",
         "The id of a group ends in @g.us (120363…@g.us). An id that ends in @s.whatsapp.net or "
         "@lid is a\nperson, and @newsletter is a channel.\n",
         "  group_jid: 15551230000@s.whatsapp.net        # invented\n"},
    [FAULT_CHAT_NUMBER] =
        {"E0602", "A group id with other characters", "an id that is nearly right matches nothing",
         "In front of @g.us stand digits, in old groups two numbers with a dash. Spaces and "
         "invisible marks\ncome along when an id is copied from a chat; the text says where.\n",
         "  group_jid: \"12036 3000000000001@g.us\"\n"},
    [FAULT_CHAT_TAKEN] = {"E0603", "A project stands twice", "records could not tell them apart",
                          "Two projects have the same name, or the same group. The text names the "
                          "line of the first; disabled\nprojects count as well.\n",
                          "  - {name: Lawley, …}\n"
                          "  - {name: Lawley, …}\n"},
    [FAULT_INVISIBLE] =
        {"E0604", "An invisible character in a name",
         "two names that look alike would not be equal",
         "The name holds a character that is not drawn: a mark of direction (U+200E, U+200F, "
         "U+202A …), a\nzero-width space or joiner, or a byte order mark. It came along when the "
         "name was copied, and what\nlooks equal on the screen is not. Type the name anew; the "
         "help shows it without the character.\n",
         "  - name: \"<U+200F>Lawley\"\n"},
    [FAULT_INVISIBLE_VALUE] =
        {"W0605", "An invisible character in a value", "it is there, but nobody can see it",
         "A value holds a character that is not drawn. It may be meant (a pattern that looks for "
         "it), so it is\nonly said. In a pattern, \\x{200F} shows what is meant.\n",
         "  pattern: \"<U+200E>DR[0-9]+\"\n"},
    [FAULT_SECRET_CLEAR] =
        {"E0701", "A secret in clear", "files are copied, shown and committed",
         "A password, token or key stands in the configuration itself. Write where it is instead:\n"
         "    file:/run/secrets/x     a file that only its owner can read\n"
         "    env:NAME                a variable of the environment\n"
         "    cmd:pass show db        what a command prints\n"
         "    secret:NAME             an entry of `secrets:`\n"
         "    ${NAME}                 a variable, also as a part: postgresql://u:${PW}@host/db\n"
         "The value may stand in .env, which is not committed. Whoever saw the file has seen the "
         "secret: change it.\n",
         "  password: hunter2               # invented; write: password: ${DB_PASSWORD}\n"},
    [FAULT_SECRET_FORM] =
        {"E0702", "Not a way to name a secret", "where the secret is cannot be known",
         "The forms are file:PATH, env:NAME, cmd:COMMAND, secret:NAME and ${NAME}. A command is "
         "run "
         "without a\nshell and split at spaces only; with quotes or other shell characters in it, "
         "write a list under\n`secrets:`. vault: comes with a later version.\n",
         "  secrets:\n"
         "    db: {cmd: [pass, show, \"my db\"]}\n"},
    [FAULT_SECRET_LOST] =
        {"E0703", "A secret cannot be had", "what it opens would stay closed",
         "The file is missing, empty, too large or not readable; the variable is not set; or the "
         "command failed,\nsaid nothing, said too much or took longer than 10 seconds. What the "
         "command said on standard error goes\nto yours. `sluice secrets` lists all of them.\n",
         "  password: file:/run/secrets/db  # not mounted\n"},
    [FAULT_SECRET_EXPOSED] =
        {"E0704", "A secret that others can read", "every user of the machine could read it",
         "The file may be read or written by users that are neither its owner nor of its group: "
         "chmod o= FILE,\nbetter chmod 600 FILE. The secret mounts of containers (/run/secrets, "
         "/var/run/secrets,\n/secrets) are excepted: they are 0444 by design, and nobody else is "
         "in "
         "there.\n",
         "  password: file:db.txt           # -rw-r--r--\n"},
    [FAULT_SECRET_UNKNOWN] = {"E0705", "No such secret", "the name has to stand under `secrets:`",
                              "secret:NAME refers to a name that `secrets:` does not have.\n",
                              "  secrets: {db: env:DB_PASSWORD}\n"
                              "  …\n"
                              "  password: secret:bd\n"},
    [FAULT_SECRET_UNUSED] =
        {"W0706", "A secret that nobody uses", "it may be left over",
         "An entry of `secrets:` is not referred to by any option. It is fetched "
         "nevertheless; remove it if it\nis left over.\n",
         "  secrets: {old: env:OLD}\n"},
    [FAULT_DOTENV_EXPOSED] =
        {"W0707", ".env can be read by others", "it often holds secrets",
         "Every user of the machine can read .env: chmod 600 .env. It is only said, since old "
         "installations have\nit so.\n",
         "  -rw-r--r-- .env\n"},
};

const struct code *code_of(enum fault_code code)
{
    must(code < FAULT_CODES && codes[code].code != NULL);
    return &codes[code];
}

bool code_is_warning(enum fault_code code)
{
    return code_of(code)->code[0] == 'W';
}

bool code_find(struct str text, enum fault_code *code)
{
    for (int i = 0; i < FAULT_CODES; i++) {
        if (str_equal_ascii_case(text, str_of(codes[i].code))) {
            *code = (enum fault_code)i;
            return true;
        }
    }
    return false;
}
