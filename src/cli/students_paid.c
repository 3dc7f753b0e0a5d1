/*
 * students paid: a person says that a lesson was paid, or was not after all.
 *
 * It is filed as a message, with the entry of the audit log in one change: the pipeline comes by it
 * like by any other and makes one effect of it. So it happens once, whatever is killed, also beside
 * a running `serve`, and a replay knows it.
 */
#include <inttypes.h>

#include "cli/act.h"
#include "cli/students.h"
#include "store/archive.h"
#include "text/fold.h"

struct paying {
    struct act act;
    struct school school;
    const struct pupil *pupil;
    struct str lesson;
    bool paid;
    bool dry;
};

/* The lesson as it is called; absent after saying which there are. */
static struct str find_lesson(struct paying *paying, struct str wanted)
{
    const struct pupil *pupil = paying->pupil;
    struct arena *arena = &paying->school.arena;
    struct buf known;
    buf_init(&known, arena, 128);
    wanted = str_trim(wanted);
    if (student_find_lesson(&pupil->student, wanted) != NULL ||
        (wanted.len > 0 && str_equal(pupil->lesson, wanted))) {
        return wanted;
    }
    for (size_t i = 0; i < pupil->student.count; i++) {
        struct str lesson = pupil->student.lessons[i].lesson;
        if (fold_equal(lesson, wanted, FOLD_NAME)) {
            return lesson;
        }
        buf_printf(&known, "%s%.*s", known.len > 0 ? ", " : "", STR_ARG(lesson));
    }
    struct str text = known.len > 0 ? buf_str(&known) : pupil->lesson;
    struct str name = show_text(arena, pupil->name, SHOW_PEOPLE);
    cli_say("%.*s has no lesson '%.*s'; there are: %.*s", STR_ARG(name), STR_ARG(wanted),
            STR_ARG(text));
    return (struct str){0};
}

static struct str act_text(struct paying *paying)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &paying->act.arena, 128);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("act"), STR("paid"));
    json_field_str(&json, STR("student"), paying->pupil->digits);
    json_field_str(&json, STR("lesson"), paying->lesson);
    json_field_bool(&json, STR("paid"), paying->paid);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

/* In the audit log a student is the row's key: no name, no number. */
static struct str audit_detail(struct paying *paying)
{
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, &paying->act.arena, 128);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("lesson"), paying->lesson);
    json_field_bool(&json, STR("paid"), paying->paid);
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static bool file_act(struct paying *paying, struct err *err)
{
    struct act *act = &paying->act;
    struct intake_counts counts = {0};
    int64_t head = 0;
    int64_t now_ms = clock_wall_ms(clock_system());
    struct str id = paying->pupil->student.id;
    id = id.len > 0 ? id
                    : student_id(&act->arena, pupil_phone(&act->arena, paying->pupil),
                                 paying->pupil->name);
    struct str object =
        arena_printf(&act->arena, "%.*s/%.*s", STR_ARG(paying->school.pipeline->name), STR_ARG(id));
    struct str detail = audit_detail(paying);
    struct message message = {
        .kind = MESSAGE_ACT,
        .source = STR("acts"),
        .chat = paying->school.pipeline->name,
        .sender = str_of(act->actor),
        .text = act_text(paying),
        .sent_ms = now_ms,
    };
    if (object.ptr == NULL || detail.ptr == NULL || message.text.ptr == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    if (!act_change(act, err) || !store_archive_head(act->store, &head, err)) {
        return false;
    }
    message.external_id = arena_printf(&act->arena, "%" PRId64 "-%" PRId64, now_ms, head);
    return (message.external_id.ptr != NULL || err_set(err, ERR_RETRY, "out of memory")) &&
           act_audit(act, paying->paid ? "students.paid" : "students.unpaid", object, detail,
                     err) &&
           store_archive_put(act->store, &act->arena, &message, 1, &counts, err) &&
           act_keep(act, err);
}

static void say_done(struct paying *paying, const struct cli *cli)
{
    struct buf *out = &paying->act.out;
    struct json_writer json;
    if (cli->json) {
        json_writer_init(&json, out);
        json_object_begin(&json);
        show_json_text(&json, STR("uniq_id"), paying->pupil->student.id);
        json_field_str(&json, STR("lesson"), paying->lesson);
        json_field_bool(&json, STR("paid"), paying->paid);
        json_field_bool(&json, STR("dry_run"), paying->dry);
        json_object_end(&json);
        json_writer_done(&json);
        buf_add_byte(out, '\n');
        return;
    }
    struct str name = show_text(&paying->school.arena, paying->pupil->name, SHOW_PEOPLE);
    struct str lesson = show_text(&paying->school.arena, paying->lesson, SHOW_PEOPLE);
    buf_printf(out, "%.*s, lesson %.*s: %s%s%s\n", STR_ARG(name), STR_ARG(lesson),
               paying->dry ? "would be marked as " : "", paying->paid ? "paid" : "not paid",
               paying->dry ? "" : "; a running `serve` writes it within seconds, else: sluice run");
}

static int pay(struct paying *paying, struct cli *cli)
{
    struct err err = {0};
    struct school *school = &paying->school;
    school->pipeline = school_pipeline(&paying->act.config.plan, cli);
    if (school->pipeline == NULL) {
        return CLI_USAGE;
    }
    bool ok =
        store_begin_read(paying->act.store, &err) && school_load(school, paying->act.store, &err);
    store_rollback(paying->act.store);
    if (!ok) {
        return act_fail(&paying->act, &err);
    }
    paying->pupil = school_find(school, cli->words[0]);
    if (paying->pupil == NULL) {
        return CLI_FAILED;
    }
    paying->lesson = find_lesson(paying, cli->words[1]);
    if (paying->lesson.ptr == NULL) {
        return CLI_FAILED;
    }
    if (!paying->dry && !file_act(paying, &err)) {
        return act_fail(&paying->act, &err);
    }
    say_done(paying, cli);
    return CLI_OK;
}

int cli_students_paid(struct cli *cli)
{
    static struct paying paying; /* Large, and one a process. */
    paying = (struct paying){.paid = !cli_given(cli, "--undo"), .dry = cli_given(cli, "--dry-run")};
    int code = act_begin(&paying.act, cli, true);
    if (code == CLI_OK) {
        code = pay(&paying, cli);
    }
    code = act_end(&paying.act, code);
    arena_free(&paying.school.arena);
    return code;
}
