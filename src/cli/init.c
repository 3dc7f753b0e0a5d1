/*
 * init: a configuration that passes `check`, from a few answers.
 *
 * What a flag does not say is asked on standard error and read from standard input, a line each; an
 * empty line takes the default. So answers may also come through a pipe. Nothing is overwritten.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "config/nearest.h"
#include "text/json.h"
#include "text/utf8.h"
#include "text/zone.h"

enum { INIT_ARENA = 1024 * 1024, ANSWER_MAX = 4096, TRIES_MAX = 3 };

struct init {
    struct cli *cli;
    struct arena arena;
    struct str folder;
    struct str profile;
    struct str bridge;
    struct str project;
    struct str group;
    struct str words;
    struct str zone;
    struct str path;          /* Of sluice.yaml. */
    struct str projects_path; /* Absent: the profile has none. */
    bool ended;               /* Standard input. */
};

struct question {
    const char *flag;
    const char *text;
    const char *standard; /* NULL: an answer is needed. */
    bool (*check)(struct str answer, char *why, size_t why_size);
};

/* ---- Checks ---- */

static const char *const profiles[] = {"drops", "rows", "sync", NULL};

static bool profile_check(struct str answer, char *why, size_t why_size)
{
    struct nearest nearest;
    nearest_begin(&nearest, answer);
    for (size_t i = 0; profiles[i] != NULL; i++) {
        if (str_equal(answer, str_of(profiles[i]))) {
            return true;
        }
        nearest_try(&nearest, str_of(profiles[i]));
    }
    (void)snprintf(why, why_size, "the profiles are drops, rows and sync%s",
                   nearest_hint(&nearest));
    return false;
}

static bool plain_check(struct str answer, char *why, size_t why_size)
{
    bool good = utf8_valid(answer);
    for (size_t i = 0; good && i < answer.len; i++) {
        good = (unsigned char)answer.ptr[i] >= ' ' && answer.ptr[i] != 0x7F;
    }
    (void)snprintf(why, why_size, "a line of text in UTF-8 is expected");
    return good;
}

static bool group_check(struct str answer, char *why, size_t why_size)
{
    bool good = str_ends(answer, STR("@g.us")) && answer.len > sizeof "@g.us" - 1;
    for (size_t i = 0; good && i + sizeof "@g.us" - 1 < answer.len; i++) {
        char c = answer.ptr[i];
        good = (c >= '0' && c <= '9') || c == '-';
    }
    (void)snprintf(why, why_size,
                   "a group's id looks like 120363000000000001@g.us; the bridge's table `chats` or "
                   "`messages` has it");
    return good;
}

static bool zone_check(struct str answer, char *why, size_t why_size)
{
    bool good = zone_find(answer) != NULL;
    (void)snprintf(why, why_size, "there is no such time zone; write one like Asia/Jerusalem");
    return good;
}

/* ---- Asking ---- */

static bool read_line(struct init *init, char line[ANSWER_MAX])
{
    if (init->ended || fgets(line, ANSWER_MAX, stdin) == NULL) {
        init->ended = true;
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static void show_question(const struct question *question)
{
    if (question->standard != NULL && question->standard[0] != '\0') {
        (void)fprintf(stderr, "%s [%s]: ", question->text, question->standard);
    } else {
        (void)fprintf(stderr, "%s%s: ", question->text,
                      question->standard != NULL ? " (may stay empty)" : "");
    }
    (void)fflush(stderr);
}

/* By flag, by answer, or by default; CLI_OK or what to end with. */
static int ask(struct init *init, const struct question *question, struct str *out)
{
    char why[256] = "";
    char line[ANSWER_MAX];
    struct str given = cli_value(init->cli, question->flag);
    if (given.ptr != NULL) {
        *out = given;
        return plain_check(given, why, sizeof why) && question->check(given, why, sizeof why)
                   ? CLI_OK
                   : cli_misused(init->cli, "%s: %s", question->flag, why);
    }
    for (int i = 0; i < TRIES_MAX; i++) {
        bool silent = cli_given(init->cli, "--yes");
        if (!silent) {
            show_question(question);
        }
        bool read = !silent && read_line(init, line);
        struct str answer = read ? str_trim(str_of(line)) : STR("");
        if (answer.len == 0 && question->standard != NULL) {
            *out = str_of(question->standard);
            return CLI_OK;
        }
        if (!read) {
            return cli_misused(init->cli, "%s is needed: %s", question->flag, question->text);
        }
        if (answer.len > 0 && plain_check(answer, why, sizeof why) &&
            question->check(answer, why, sizeof why)) {
            *out = arena_copy(&init->arena, answer);
            return CLI_OK;
        }
        cli_say("%s", answer.len > 0 ? why : "an answer is needed");
    }
    return CLI_USAGE;
}

static int ask_all(struct init *init)
{
    static const struct question profile = {
        "--profile",
        "What for: drops (reviews of drop numbers), rows (a row for each message, yours to shape) "
        "or "
        "sync (messages, attachments and who spoke to the assistant)",
        "drops", profile_check};
    static const struct question bridge = {"--bridge", "The WhatsApp bridge's file", "messages.db",
                                           plain_check};
    static const struct question project = {"--project", "How the first project is called", NULL,
                                            plain_check};
    static const struct question group = {"--group", "The id of its WhatsApp group", NULL,
                                          group_check};
    static const struct question words = {
        "--words", "Only messages that hold one of these words, parted by commas", "", plain_check};
    static const struct question zone = {"--zone", "The time zone", "Asia/Jerusalem", zone_check};
    int code = ask(init, &profile, &init->profile);
    bool drops = str_equal(init->profile, STR("drops"));
    code = code == CLI_OK ? ask(init, &bridge, &init->bridge) : code;
    code = code == CLI_OK && drops ? ask(init, &project, &init->project) : code;
    code = code == CLI_OK && drops ? ask(init, &group, &init->group) : code;
    code = code == CLI_OK && str_equal(init->profile, STR("rows")) ? ask(init, &words, &init->words)
                                                                   : code;
    return code == CLI_OK ? ask(init, &zone, &init->zone) : code;
}

/* ---- Writing ---- */

static void put_head(const struct init *init, struct buf *out)
{
    buf_add(out, STR("# Made by `sluice init`; it is yours to change. What is wrong with it says: "
                     "sluice check\n\nstore: data\n\nsources:\n  bridge:\n"
                     "    kind: whatsapp-bridge\n    path: "));
    json_quote(out, init->bridge);
    buf_add(out, STR("\n\nsinks:\n  records: # data/records.db, a SQLite file that any tool opens\n"
                     "    kind: sqlite\n\npipelines:\n"));
}

static void put_drops(const struct init *init, struct buf *out)
{
    buf_add(out, STR("  drops:\n    kind: drops\n    source: bridge\n    sink: records\n"
                     "    projects: projects.yaml\n    zone: "));
    json_quote(out, init->zone);
    buf_add(out, STR("\n    schedule:\n      on: message\n"));
}

static void put_projects(const struct init *init, struct buf *out)
{
    buf_add(out, STR("# Projects and their groups; a disabled one is not read.\n\nprojects:\n"
                     "  - name: "));
    json_quote(out, init->project);
    buf_add(out, STR("\n    enabled: true\n    group_jid: "));
    json_quote(out, init->group);
    buf_add(out, STR("\n    description: \"\"\n"));
}

static void put_words(const struct init *init, struct buf *out)
{
    struct str rest = init->words;
    struct str word;
    bool first = true;
    if (str_trim(rest).len == 0) {
        return;
    }
    buf_add(out, STR("      - kind: filter\n        fold: true # capitals, niqqud, final letters: "
                     "all the same\n"
                     "        words: ["));
    while (str_split(&rest, ',', &word)) {
        if (str_trim(word).len > 0) {
            buf_add(out, first ? STR("") : STR(", "));
            json_quote(out, str_trim(word));
            first = false;
        }
    }
    buf_add(out, STR("]\n"));
}

static void put_rows(const struct init *init, struct buf *out)
{
    buf_add(out, STR("  rows:\n    source: bridge\n    chats: all # or a list of chat ids\n"
                     "    zone: "));
    json_quote(out, init->zone);
    buf_add(out, STR("\n    schedule:\n      on: message\n    ops:\n"));
    put_words(init, out);
    buf_add(out, STR("      - kind: write\n        sink: records\n        target: messages\n"
                     "        key: \"{uid}\"\n        set:\n          chat: \"{chat}\"\n"
                     "          sender: \"{sender}\"\n          sent: \"{sent}\"\n"
                     "          text: \"{text}\"\n"));
}

static void put_sync(const struct init *init, struct buf *out)
{
    (void)init;
    buf_add(out,
            STR("  messages:\n    kind: sync\n    source: bridge\n    chats: all # or a list of "
                "chat ids\n    sink: records\n    source_app: WhatsApp bridge\n"
                "    agent_names: [Kenny] # a message that begins with \"Kenny,\" or \"@Kenny\" "
                "is the assistant's\n    schedule:\n      on: message\n"));
}

static bool is_free(struct str path, struct err *err)
{
    struct file_info info = {0};
    return file_look(path, &info, err) &&
           (info.kind == FILE_MISSING ||
            err_set(err, ERR_REJECT, "%.*s is there already; nothing was written", STR_ARG(path)));
}

/* The bridge's file is named from where the command was typed, not from the folder. */
static bool settle_bridge(struct init *init, struct err *err)
{
    char here[FILE_PATH_MAX];
    if (init->bridge.ptr[0] == '/' || str_equal(init->folder, STR("."))) {
        return true;
    }
    if (getcwd(here, sizeof here) == NULL) {
        return err_set(err, ERR_CONFIG, "the current folder has no name; write whole paths");
    }
    init->bridge = arena_printf(&init->arena, "%s/%.*s", here, STR_ARG(init->bridge));
    return init->bridge.ptr != NULL || err_set(err, ERR_RETRY, "out of memory");
}

static bool write_files(struct init *init, struct err *err)
{
    struct buf main_file;
    struct buf projects;
    bool drops = str_equal(init->profile, STR("drops"));
    init->path = arena_printf(&init->arena, "%.*s/sluice.yaml", STR_ARG(init->folder));
    init->projects_path =
        drops ? arena_printf(&init->arena, "%.*s/projects.yaml", STR_ARG(init->folder))
              : (struct str){0};
    buf_init(&main_file, &init->arena, 2048);
    buf_init(&projects, &init->arena, 512);
    if (!settle_bridge(init, err) || !file_make_dirs(init->folder, DIR_PRIVATE, err) ||
        !is_free(init->path, err) || (drops && !is_free(init->projects_path, err))) {
        return false;
    }
    put_head(init, &main_file);
    if (drops) {
        put_drops(init, &main_file);
        put_projects(init, &projects);
    } else if (str_equal(init->profile, STR("sync"))) {
        put_sync(init, &main_file);
    } else {
        put_rows(init, &main_file);
    }
    if (!buf_ok(&main_file) || !buf_ok(&projects)) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    return (!drops || file_write(init->projects_path, FILE_PRIVATE, buf_str(&projects), err)) &&
           file_write(init->path, FILE_PRIVATE, buf_str(&main_file), err);
}

/* By the same code as `check` and `serve`; what does not pass does not stay. */
static int check_files(struct init *init)
{
    struct config config;
    struct err ignored = {0};
    init->cli->config_path = init->path;
    int code = cli_config_load(init->cli, &config);
    config_free(&config);
    if (code != CLI_OK) {
        (void)file_remove(init->path, &ignored);
        (void)(init->projects_path.ptr != NULL && file_remove(init->projects_path, &ignored));
        cli_say("with these answers the configuration is not sound; nothing was kept");
    }
    return code;
}

static void say_next(const struct init *init)
{
    bool here = str_equal(init->folder, STR("."));
    (void)printf("%.*s%s%.*s\n", STR_ARG(init->path), init->projects_path.ptr != NULL ? "\n" : "",
                 STR_ARG(init->projects_path));
    if (here) {
        (void)printf("next:\n  sluice check\n  sluice serve\n");
    } else {
        (void)printf("next:\n  cd '%.*s' && sluice check\n  sluice serve\n", STR_ARG(init->folder));
    }
}

int cli_init(struct cli *cli)
{
    struct init init = {.cli = cli};
    struct err err = {0};
    arena_init(&init.arena, INIT_ARENA);
    init.folder = cli->word_count > 0 ? cli->words[0] : STR(".");
    while (init.folder.len > 1 && str_ends(init.folder, STR("/"))) {
        init.folder.len--;
    }
    int code = ask_all(&init);
    if (code == CLI_OK && !write_files(&init, &err)) {
        code = cli_fail(&err);
    } else if (code == CLI_OK) {
        code = check_files(&init);
    }
    if (code == CLI_OK) {
        say_next(&init);
    }
    arena_free(&init.arena);
    return code;
}
