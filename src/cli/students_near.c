/*
 * students near-misses: messages that almost counted, and senders who are almost in the roster.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/message_view.h"
#include "cli/students.h"
#include "cli/when.h"
#include "domain/student_near.h"
#include "store/browse.h"
#include "store/state.h"
#include "text/fold.h"

enum {
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 10000,
    DAYS_DEFAULT = 30,
    MS_PER_DAY = 24 * 60 * 60 * 1000,
    BATCH_MAX = 64 * 1024 * 1024,
    TEXT_WIDTH = 60,
    FIX_WIDTH = 300,
};

struct miss {
    int64_t id;
    int64_t sent_ms;
    struct str sender; /* As it may be shown. */
    struct str text;
    struct student_near near;
};

/* Somebody who writes what would count. */
struct stranger {
    struct str who; /* Digits, or a name. */
    int64_t waiting;
    const struct pupil *near; /* NULL: near to nobody, or to several. */
    size_t candidates;
};

struct missing {
    struct school school;
    struct arena batch;
    enum show_privacy privacy;
    struct browse browse;
    int64_t limit;
    struct miss *misses;
    size_t count;
    bool more;
    struct stranger *strangers; /* Those who are near to somebody first come first. */
    size_t stranger_count;
    size_t stranger_room;
    int64_t others; /* Near to nobody. */
    bool failed;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "out of memory for near misses");
}

/* ---- Messages ---- */

static bool keep_miss(struct missing *missing, const struct message *message,
                      const struct student_near *near, struct err *err)
{
    struct arena *arena = &missing->school.arena;
    if (missing->count == (size_t)missing->limit) {
        missing->more = true;
        return true;
    }
    struct miss *miss = &missing->misses[missing->count++];
    *miss = (struct miss){.id = message->id, .sent_ms = message->sent_ms, .near = *near};
    miss->sender = arena_copy(arena, message_sender(arena, message, missing->privacy));
    miss->text = arena_copy(arena, message->text);
    miss->near.found = arena_copy(arena, near->found);
    return (miss->text.ptr != NULL && miss->near.found.ptr != NULL) || no_memory(err);
}

static bool judge_batch(struct missing *missing, const struct student_near_words *words,
                        struct str chat, const struct message *messages, size_t count,
                        struct err *err)
{
    for (size_t i = 0; i < count && !missing->more; i++) {
        struct student_near near;
        struct arena_mark mark = arena_mark(&missing->batch);
        if (messages[i].deleted || (chat.len > 0 && !str_equal(messages[i].chat, chat))) {
            continue;
        }
        if (!student_near_judge(words, &missing->batch, messages[i].text, &near, err) ||
            (near.how != NEAR_NOT && !keep_miss(missing, &messages[i], &near, err))) {
            return false;
        }
        arena_rewind(&missing->batch, mark);
    }
    return true;
}

/* One chat of the pipeline, the newest first, in batches. */
static bool look_at_chat(struct missing *missing, const struct student_near_words *words,
                         const struct plan_chat *chat, struct err *err)
{
    struct store *store = missing->school.look.store;
    struct browse browse = missing->browse;
    bool more = true;
    browse.source = chat->source;
    browse.chat = chat->chat;
    browse.before_id = INT64_MAX;
    while (more && !missing->more) {
        struct message *messages = NULL;
        size_t count = 0;
        bool ok =
            store_begin_read(store, err) && store_browse(store, &missing->batch, &browse,
                                                         BROWSE_MAX, &messages, &count, &more, err);
        store_rollback(store);
        if (!ok || !judge_batch(missing, words, chat->chat, messages, count, err)) {
            return false;
        }
        browse.before_id = count > 0 ? messages[count - 1].id : 0;
        more = more && count > 0;
        arena_reset(&missing->batch);
    }
    return true;
}

static bool look_at_messages(struct missing *missing, struct err *err)
{
    const struct plan_pipeline *pipeline = missing->school.pipeline;
    struct student_near_words *words = NULL;
    missing->misses =
        arena_array(&missing->school.arena, (size_t)missing->limit, sizeof *missing->misses);
    bool ok = (missing->misses != NULL || no_memory(err)) &&
              student_near_open(&words, missing->school.op, &missing->school.arena, err);
    for (size_t i = 0; ok && i < pipeline->chat_count; i++) {
        ok = look_at_chat(missing, words, &pipeline->chats[i], err);
    }
    student_near_close(words);
    return ok;
}

/* ---- Senders ---- */

/* "w WHO/CHAT/ID": entries of one writer come one after the other. */
static bool take_waiting(void *context, struct str key, struct str value)
{
    struct missing *missing = context;
    size_t slash = str_find_byte(key, '/', 0);
    struct str who = str_slice(key, 2, slash == STR_NONE ? key.len : slash);
    (void)value;
    if (missing->stranger_count > 0 &&
        str_equal(missing->strangers[missing->stranger_count - 1].who, who)) {
        missing->strangers[missing->stranger_count - 1].waiting++;
        return true;
    }
    if (missing->stranger_count == missing->stranger_room) {
        return false; /* As many as may wait at all. */
    }
    missing->strangers[missing->stranger_count++] = (struct stranger){.who = who, .waiting = 1};
    return true;
}

static bool is_near(const struct stranger *stranger, const struct pupil *pupil)
{
    return pupil->listed && (student_near_by_one(stranger->who, pupil->digits) ||
                             fold_equal(stranger->who, pupil->name, FOLD_NAME) ||
                             (pupil->name.len >= STUDENT_NEAR_LETTERS_MIN &&
                              student_near_by_one(stranger->who, pupil->name)));
}

static bool look_at_senders(struct missing *missing, struct err *err)
{
    struct school *school = &missing->school;
    struct store *store = school->look.store;
    int64_t pipeline = 0;
    size_t kept = 0;
    missing->stranger_room = STUDENTS_PARKED_MAX;
    missing->strangers =
        arena_array(&school->arena, missing->stranger_room, sizeof *missing->strangers);
    if (missing->strangers == NULL) {
        return no_memory(err);
    }
    bool ok = store_begin_read(store, err) &&
              store_name_find(store, school->pipeline->name, &pipeline, err) &&
              (pipeline == 0 || store_state_scan(store, &school->arena, pipeline, 0, STR("w "),
                                                 take_waiting, missing, err));
    store_rollback(store);
    for (size_t i = 0; ok && i < missing->stranger_count; i++) {
        struct stranger stranger = missing->strangers[i];
        for (size_t j = 0; j < school->count; j++) {
            if (is_near(&stranger, &school->pupils[j])) {
                stranger.near = &school->pupils[j];
                stranger.candidates++;
            }
        }
        missing->others += stranger.candidates == 0;
        if (stranger.candidates > 0) {
            missing->strangers[kept++] = stranger;
        }
    }
    missing->stranger_count = kept;
    return ok;
}

/* ---- What is said ---- */

static const char *list_name(const struct student_near *near)
{
    return near->practice ? "practice_words" : "message_words";
}

static const char *const reasons[] = {
    [NEAR_NOT] = "", [NEAR_WRITTEN] = "written", [NEAR_WITHIN] = "within", [NEAR_TYPO] = "typo"};

static struct str miss_fix(struct missing *missing, const struct student_near *near)
{
    struct arena *arena = &missing->school.arena;
    struct str found = str_slice(near->found, 0, FIX_WIDTH);
    switch (near->how) {
    case NEAR_WRITTEN:
        return arena_printf(arena, "set `fold: true`, or add '%.*s' to %s", STR_ARG(found),
                            list_name(near));
    case NEAR_WITHIN:
        return arena_printf(arena, "add the longer word to %s, or set `whole_word: false`",
                            list_name(near));
    case NEAR_TYPO:
        return arena_printf(arena, "add '%.*s' to %s if people write it so", STR_ARG(found),
                            list_name(near));
    case NEAR_NOT:
        break;
    }
    return STR("");
}

static bool is_phone(const struct stranger *stranger)
{
    return stranger->near != NULL && student_near_by_one(stranger->who, stranger->near->digits);
}

static struct str stranger_fix(struct missing *missing, const struct stranger *stranger)
{
    struct arena *arena = &missing->school.arena;
    struct str name = stranger->near->name;
    if (stranger->candidates > 1) {
        return arena_printf(arena, "look at %zu rows of the roster that are near",
                            stranger->candidates);
    }
    return is_phone(stranger)
               ? arena_printf(arena, "correct phone_number in the roster's row of '%.*s'",
                              STR_ARG(name))
               : arena_printf(arena,
                              "write name in the roster's row of '%.*s' as WhatsApp shows it",
                              STR_ARG(name));
}

static struct str shown_who(struct missing *missing, struct str who)
{
    struct message message = {.sender = who};
    return message_sender(&missing->school.arena, &message, missing->privacy);
}

static void write_json(struct missing *missing)
{
    struct json_writer json;
    json_writer_init(&json, &missing->school.look.out);
    json_object_begin(&json);
    json_field_str(&json, STR("pipeline"), missing->school.pipeline->name);
    json_key(&json, STR("messages"));
    json_array_begin(&json);
    for (size_t i = 0; i < missing->count; i++) {
        const struct miss *miss = &missing->misses[i];
        json_object_begin(&json);
        json_field_int(&json, STR("id"), miss->id);
        show_json_time(&json, STR("sent_at"), miss->sent_ms);
        json_field_str(&json, STR("sender"), miss->sender);
        json_field_str(&json, STR("reason"), str_of(reasons[miss->near.how]));
        json_field_str(&json, STR("list"), str_of(list_name(&miss->near)));
        json_field_str(&json, STR("word"), miss->near.word);
        json_field_str(&json, STR("found"), miss->near.found);
        json_field_str(&json, STR("fix"), miss_fix(missing, &miss->near));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_field_bool(&json, STR("more"), missing->more);
    json_key(&json, STR("senders"));
    json_array_begin(&json);
    for (size_t i = 0; i < missing->stranger_count; i++) {
        const struct stranger *stranger = &missing->strangers[i];
        json_object_begin(&json);
        json_field_str(&json, STR("sender"), shown_who(missing, stranger->who));
        json_field_int(&json, STR("waiting"), stranger->waiting);
        json_field_str(&json, STR("reason"), is_phone(stranger) ? STR("phone") : STR("name"));
        json_field_str(&json, STR("near"), stranger->near->name);
        json_field_int(&json, STR("candidates"), (int64_t)stranger->candidates);
        json_field_str(&json, STR("fix"), stranger_fix(missing, stranger));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_field_int(&json, STR("other_senders"), missing->others);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&missing->school.look.out, '\n');
}

static void write_misses(struct missing *missing)
{
    static const struct table_column columns[] = {
        {"message", TABLE_RIGHT, 0}, {"sent", TABLE_LEFT, 0},  {"from", TABLE_LEFT, 8},
        {"near to", TABLE_LEFT, 8},  {"text", TABLE_LEFT, 16}, {"fix", TABLE_LEFT, 24},
    };
    struct arena *arena = &missing->school.arena;
    struct table table;
    table_init(&table, arena, &missing->school.look.screen, columns,
               sizeof columns / sizeof columns[0]);
    table.privacy = missing->privacy;
    for (size_t i = 0; i < missing->count; i++) {
        const struct miss *miss = &missing->misses[i];
        table_id(&table, miss->id);
        table_time(&table, miss->sent_ms);
        table_text(&table, miss->sender);
        table_text(&table, miss->near.word);
        table_word(&table,
                   show_fit(arena, show_text(arena, miss->text, missing->privacy), TEXT_WIDTH));
        table_text(&table, miss_fix(missing, &miss->near));
    }
    table_print(&table, &missing->school.look.out);
}

static void write_text(struct missing *missing)
{
    static const struct table_column columns[] = {
        {"sender", TABLE_LEFT, 8},
        {"waiting", TABLE_RIGHT, 0},
        {"near to", TABLE_LEFT, 8},
        {"fix", TABLE_LEFT, 24},
    };
    struct school *school = &missing->school;
    struct table table;
    write_misses(missing);
    if (missing->count > 0 && missing->stranger_count > 0) {
        buf_add_byte(&school->look.out, '\n');
    }
    table_init(&table, &school->arena, &school->look.screen, columns,
               sizeof columns / sizeof columns[0]);
    table.privacy = SHOW_PEOPLE; /* Senders are masked where they stand. */
    for (size_t i = 0; i < missing->stranger_count; i++) {
        const struct stranger *stranger = &missing->strangers[i];
        table_text(&table, shown_who(missing, stranger->who));
        table_count(&table, stranger->waiting);
        table_text(&table, stranger->near->name);
        table_text(&table, stranger_fix(missing, stranger));
    }
    table_print(&table, &school->look.out);
    if (missing->count == 0 && missing->stranger_count == 0) {
        cli_say("nothing was near");
    }
    if (missing->more) {
        cli_say("older messages are left out; see more with --limit N");
    }
    if (missing->others > 0) {
        cli_say("%" PRId64 " other senders are not in the roster; they are in student_warnings",
                missing->others);
    }
}

static int read_flags(struct missing *missing, const struct cli *cli)
{
    const struct screen *screen = &missing->school.look.screen;
    struct when_range range;
    int code = when_range(cli, missing->school.zone, screen->now_ms, &range);
    bool always = range.since_ms == INT64_MIN && range.until_ms == INT64_MAX;
    int64_t usual_ms = screen->now_ms - (int64_t)DAYS_DEFAULT * MS_PER_DAY;
    missing->browse.since_ms = always ? usual_ms : range.since_ms == INT64_MIN ? 0 : range.since_ms;
    missing->browse.until_ms = range.until_ms == INT64_MAX ? 0 : range.until_ms;
    missing->privacy = cli_given(cli, "--show-people") ? SHOW_PEOPLE : SHOW_MASKED;
    return code;
}

int cli_students_near(struct cli *cli)
{
    static struct missing missing; /* Large, and one a process. */
    struct err err = {0};
    missing = (struct missing){.limit = LIMIT_DEFAULT};
    int code = cli_number(cli, "--limit", 1, LIMIT_MAX, &missing.limit);
    if (code != CLI_OK) {
        return code;
    }
    code = school_begin(&missing.school, cli);
    arena_init(&missing.batch, BATCH_MAX);
    code = code == CLI_OK ? read_flags(&missing, cli) : code;
    if (code == CLI_OK && missing.school.look.store != NULL &&
        (!look_at_messages(&missing, &err) || !look_at_senders(&missing, &err))) {
        code = cli_fail(&err);
    }
    if (code == CLI_OK && cli->json) {
        write_json(&missing);
    } else if (code == CLI_OK) {
        write_text(&missing);
    }
    arena_free(&missing.batch);
    return school_end(&missing.school, code);
}
