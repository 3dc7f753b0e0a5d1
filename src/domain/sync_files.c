#include "domain/sync_files.h"

#include "base/buf.h"
#include "text/datetime.h"
#include "text/json.h"
#include "text/mediatype.h"

enum { HEX_LEN = 64, PART_LEN = 2 };

enum job_status { JOB_QUEUED = 0, JOB_SENT, JOB_DONE, JOB_FAILED };

static const char *const status_names[] = {"queued", "sent", "done", "failed"};

/* One file of a message. */
struct file {
    struct str sha256;
    struct str type;
    struct str id; /* Of its row. */
    struct str path;
};

/* ---- What the message says of its files ---- */

static bool is_digest(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return text.len == HEX_LEN;
}

static bool read_file(const struct sync_work *work, const struct json_value *item,
                      struct file *file, struct err *err)
{
    struct arena *arena = work->env->arena;
    const struct str folder = work->sync->files;
    *file = (struct file){.sha256 = json_str(json_get(item, STR("sha256"))),
                          .type = json_str(json_get(item, STR("type")))};
    if (!is_digest(file->sha256)) {
        file->sha256 = (struct str){0};
        return true;
    }
    struct str ending = mediatype_ending(file->type);
    file->id = arena_printf(arena, "%.*s/%.*s", STR_ARG(work->row), STR_ARG(file->sha256));
    file->path =
        arena_printf(arena, "%.*s%s%.2s/%.2s/%.*s.%.*s", STR_ARG(folder),
                     folder.len > 0 && !str_ends(folder, STR("/")) ? "/" : "", file->sha256.ptr,
                     file->sha256.ptr + PART_LEN, STR_ARG(file->sha256), STR_ARG(ending));
    return (file->id.ptr != NULL && file->path.ptr != NULL) || sync_out_of_memory(err);
}

/* ---- Jobs ---- */

static struct str job_key(struct op_env *env, struct str attachment)
{
    return arena_printf(env->arena, "job:%.*s", STR_ARG(attachment));
}

static struct str queue_key(struct op_env *env, struct str attachment)
{
    return arena_printf(env->arena, "queue:%.*s", STR_ARG(attachment));
}

/* What the extractor is asked; it also is all that is remembered of a job. */
static struct str question_of(const struct sync_work *work, const struct file *file)
{
    char now[DATETIME_TEXT_MAX];
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, work->env->arena, 512);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_str(&json, STR("attachment_id"), file->id);
    json_field_str(&json, STR("message_id"), work->row);
    json_field_str(&json, STR("platform"), work->sync->platform);
    json_field_str(&json, STR("thread_external_id"), work->message->chat);
    json_field_str(&json, STR("external_id"), work->external_id);
    json_field_str(&json, STR("media_type"), file->type);
    json_field_str(&json, STR("file_path"), file->path);
    json_field_str(&json, STR("checksum"), file->sha256);
    json_field_str(&json, STR("enqueued_at"), datetime_format_iso(work->message->archived_ms, now));
    json_object_end(&json);
    json_writer_done(&json);
    return buf_str(&buf);
}

static void copy_field(struct json_writer *json, const struct json_value *from, const char *name)
{
    json_field_str(json, str_of(name), json_str(json_get(from, str_of(name))));
}

static void put_status(struct json_writer *json, enum job_status status, int64_t ended_ms,
                       struct str why)
{
    char ended[DATETIME_TEXT_MAX];
    json_field_str(json, STR("status"), str_of(status_names[status]));
    json_key(json, STR("ended_at"));
    if (ended_ms != 0) {
        json_put_str(json, datetime_format_iso(ended_ms, ended));
    } else {
        json_put_null(json);
    }
    json_key(json, STR("error"));
    if (why.len > 0) {
        json_put_str(json, why);
    } else {
        json_put_null(json);
    }
}

/* The row of a job as it stands now. That it is queued is no news to a row of before, which may be
   done though the store was lost. */
static bool put_job(const struct sync *sync, struct op_env *env, const struct json_value *question,
                    enum job_status status, int64_t ended_ms, struct str why, struct err *err)
{
    static const char *const same[] = {"attachment_id", "message_id", "media_type", "file_path"};
    struct buf body;
    struct json_writer json;
    buf_init(&body, env->arena, 512);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        copy_field(&json, question, same[i]);
    }
    if (status != JOB_QUEUED) {
        put_status(&json, status, ended_ms, why);
    }
    json_object_end(&json);
    json_key(&json, STR("insert"));
    json_object_begin(&json);
    copy_field(&json, question, "enqueued_at");
    if (status == JOB_QUEUED) {
        json_field_str(&json, STR("status"), str_of(status_names[status]));
    }
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {
        .target = STR("extraction_jobs"),
        .entity = json_str(json_get(question, STR("attachment_id"))),
        .body = buf_str(&body),
    };
    return sync_emit(sync, env, &record, err);
}

static bool parse_question(struct op_env *env, struct str text, const struct json_value **out,
                           struct err *err)
{
    struct json_limits limits = {.innocent = true};
    return json_parse(env->arena, text, &limits, out, err) ||
           err_prefix(err, "sync: what is remembered of a job: ");
}

static bool ask(const struct sync *sync, struct op_env *env, struct str question, struct err *err)
{
    const struct json_value *root = NULL;
    if (!parse_question(env, question, &root, err)) {
        return false;
    }
    struct record record = {
        .kind = RECORD_QUESTION,
        .sink = sync->extractor,
        .target = STR("extractions"),
        .entity = json_str(json_get(root, STR("attachment_id"))),
        .body = question,
    };
    return sync_emit(sync, env, &record, err) &&
           put_job(sync, env, root, JOB_SENT, 0, (struct str){0}, err);
}

/* A job for an image that has none yet. */
static bool enqueue(const struct sync_work *work, const struct file *file, struct err *err)
{
    struct op_env *env = work->env;
    struct str key = job_key(env, file->id);
    struct str queued = queue_key(env, file->id);
    struct str there = {0};
    const struct json_value *root = NULL;
    if (key.ptr == NULL || queued.ptr == NULL) {
        return sync_out_of_memory(err);
    }
    if (!env->get(env, key, &there, err)) {
        return false;
    }
    if (there.ptr != NULL) {
        return true;
    }
    struct str question = question_of(work, file);
    if (question.ptr == NULL) {
        return sync_out_of_memory(err);
    }
    if (!parse_question(env, question, &root, err) || !env->put(env, key, question, err) ||
        (env->count != NULL && !env->count(env, "jobs", 1, err))) {
        return false;
    }
    return work->sync->extract
               ? ask(work->sync, env, question, err)
               : env->put(env, queued, STR(""), err) &&
                     put_job(work->sync, env, root, JOB_QUEUED, 0, (struct str){0}, err);
}

static bool put_file(const struct sync_work *work, const struct file *file, struct err *err)
{
    struct buf body;
    struct json_writer json;
    buf_init(&body, work->env->arena, 512);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("message_id"), work->row);
    json_field_str(&json, STR("source"), work->sync->platform);
    json_field_str(&json, STR("media_type"), file->type);
    json_field_str(&json, STR("file_path"), file->path);
    json_field_str(&json, STR("checksum"), file->sha256);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {
        .target = STR("attachments"), .entity = file->id, .body = buf_str(&body)};
    return sync_emit(work->sync, work->env, &record, err) &&
           (!str_starts(file->type, STR("image/")) || enqueue(work, file, err));
}

bool sync_files_put(const struct sync_work *work, struct err *err)
{
    struct json_limits limits = {.innocent = true};
    const struct json_value *list = NULL;
    const struct json_value *item = NULL;
    struct json_iter iter;
    if (work->message->attachments.len == 0) {
        return true;
    }
    if (!json_parse(work->env->arena, work->message->attachments, &limits, &list, err)) {
        return err_prefix(err, "sync: the list of attachments: ");
    }
    if (json_count(list) > SYNC_FILES_MAX) {
        return err_set(err, ERR_REJECT, "sync: more than %d files in one message", SYNC_FILES_MAX);
    }
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &item)) {
        struct file file;
        if (!read_file(work, item, &file, err) ||
            (file.sha256.len > 0 && !put_file(work, &file, err))) {
            return false;
        }
    }
    return true;
}

/* ---- Asking, and what comes back ---- */

struct waiting {
    struct arena *arena;
    struct str attachments[SYNC_QUEUE_STEP];
    size_t count;
    bool no_memory;
};

static bool collect(void *context, struct str key, struct str value)
{
    struct waiting *waiting = context;
    struct str id = arena_copy(waiting->arena, str_slice(key, sizeof "queue:" - 1, key.len));
    (void)value;
    waiting->no_memory = id.ptr == NULL;
    waiting->attachments[waiting->count++] = id;
    return !waiting->no_memory && waiting->count < SYNC_QUEUE_STEP;
}

bool sync_files_ask(const struct sync *sync, struct op_env *env, const struct message *message,
                    struct err *err)
{
    struct waiting waiting = {.arena = env->arena};
    (void)message;
    if (!sync->extract) {
        return true;
    }
    if (!env->scan(env, STR("queue:"), collect, &waiting, err)) {
        return false;
    }
    for (size_t i = 0; !waiting.no_memory && i < waiting.count; i++) {
        struct str key = job_key(env, waiting.attachments[i]);
        struct str queued = queue_key(env, waiting.attachments[i]);
        struct str question = {0};
        if (key.ptr == NULL || queued.ptr == NULL) {
            return sync_out_of_memory(err);
        }
        if (!env->get(env, key, &question, err) || !env->del(env, queued, err) ||
            (question.len > 0 && !ask(sync, env, question, err))) {
            return false;
        }
    }
    return !waiting.no_memory || sync_out_of_memory(err);
}

/* Where the answer comes from, for those who doubt it later. */
static void put_provenance(struct json_writer *json, const struct json_value *question,
                           const struct sync *sync, struct str now)
{
    static const char *const same[] = {"platform",   "thread_external_id", "external_id",
                                       "message_id", "file_path",          "checksum",
                                       "enqueued_at"};
    json_object_begin(json);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        copy_field(json, question, same[i]);
    }
    json_field_str(json, STR("extractor"), sync->extractor);
    json_field_str(json, STR("answered_at"), now);
    json_object_end(json);
}

static bool put_extraction(const struct sync *sync, struct op_env *env,
                           const struct json_value *question, const struct json_value *answer,
                           const struct message *message, struct err *err)
{
    char now_text[DATETIME_TEXT_MAX];
    struct str now = datetime_format_iso(message->archived_ms, now_text);
    struct str text = json_str(json_get(answer, STR("text")));
    struct str id = json_str(json_get(question, STR("attachment_id")));
    struct buf body;
    struct json_writer json;
    buf_init(&body, env->arena, message->text.len + 1024);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    json_field_str(&json, STR("attachment_id"), id);
    json_key(&json, STR("text"));
    if (text.ptr != NULL) {
        json_put_str(&json, text);
    } else {
        json_put_null(&json);
    }
    json_key(&json, STR("result"));
    json_put_value(&json, answer);
    json_key(&json, STR("provenance"));
    put_provenance(&json, question, sync, now);
    json_field_str(&json, STR("created_at"), now);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {.target = STR("extractions"), .entity = id, .body = buf_str(&body)};
    return sync_emit(sync, env, &record, err);
}

bool sync_files_answer(const struct sync *sync, struct op_env *env, const struct message *answer,
                       struct err *err)
{
    struct json_limits limits = {.innocent = true};
    const struct json_value *extra = NULL;
    const struct json_value *question = NULL;
    const struct json_value *said = NULL;
    struct str job = {0};
    if (!json_parse(env->arena, answer->extra, &limits, &extra, err)) {
        return false;
    }
    struct str key = job_key(env, json_str(json_get(extra, STR("entity"))));
    if (key.ptr == NULL) {
        return sync_out_of_memory(err);
    }
    if (!env->get(env, key, &job, err)) {
        return false;
    }
    if (job.ptr == NULL) {
        return true; /* Nothing of ours. */
    }
    if (!parse_question(env, job, &question, err)) {
        return false;
    }
    if (!json_parse(env->arena, answer->text, &limits, &said, err)) {
        return err_prefix(err, "sync: the extractor's answer: ");
    }
    struct str why = json_str(json_get(said, STR("error")));
    return (why.ptr != NULL || put_extraction(sync, env, question, said, answer, err)) &&
           put_job(sync, env, question, why.ptr != NULL ? JOB_FAILED : JOB_DONE,
                   answer->archived_ms, why, err);
}

/* ---- The tables ---- */

static const struct column attachment_columns[] = {
    {"id", COLUMN_TEXT, true, NULL, "message_id, a slash, and checksum."},
    {"message_id", COLUMN_TEXT, true, NULL, "messages.id"},
    {"source", COLUMN_TEXT, true, NULL, "The platform: whatsapp."},
    {"media_type", COLUMN_TEXT, false, NULL, "By the bytes: image/jpeg and its kind."},
    {"file_path", COLUMN_TEXT, false, NULL, "Where the file lies."},
    {"checksum", COLUMN_TEXT, true, NULL, "SHA-256 of the file, in hex."},
    {0},
};

static const struct column job_columns[] = {
    {"id", COLUMN_TEXT, true, NULL, "The attachment's id: an image has one job."},
    {"attachment_id", COLUMN_TEXT, true, NULL, "attachments.id"},
    {"message_id", COLUMN_TEXT, true, NULL, "messages.id"},
    {"media_type", COLUMN_TEXT, false, NULL, "As in attachments."},
    {"file_path", COLUMN_TEXT, false, NULL, "As in attachments."},
    {"status", COLUMN_TEXT, true, NULL, "queued, sent, done or failed."},
    {"enqueued_at", COLUMN_TIME, false, NULL, "When it was queued, UTC."},
    {"ended_at", COLUMN_TIME, false, NULL, "When it was answered, UTC."},
    {"error", COLUMN_TEXT, false, NULL, "What the extractor said when it failed."},
    {0},
};

static const struct column extraction_columns[] = {
    {"id", COLUMN_TEXT, true, NULL, "The attachment's id."},
    {"attachment_id", COLUMN_TEXT, true, NULL, "attachments.id"},
    {"text", COLUMN_TEXT, false, NULL, "The text of the answer, if it has one."},
    {"result", COLUMN_JSON, false, NULL, "The whole answer."},
    {"provenance", COLUMN_JSON, false, NULL,
     "Message, thread and file it was read out of, by whom, and when."},
    {"created_at", COLUMN_TIME, false, NULL, "When the answer came, UTC."},
    {0},
};

static const char *const by_message[] = {"message_id", "checksum", NULL};
static const char *const by_status[] = {"status", NULL};
static const char *const by_attachment[] = {"attachment_id", NULL};

const struct target sync_attachments = {.name = "attachments",
                                        .key = "id",
                                        .key_is_words = true,
                                        .columns = attachment_columns,
                                        .indexes = by_message};
const struct target sync_jobs = {.name = "extraction_jobs",
                                 .key = "id",
                                 .key_is_words = true,
                                 .columns = job_columns,
                                 .indexes = by_status};
const struct target sync_extractions = {.name = "extractions",
                                        .key = "id",
                                        .key_is_words = true,
                                        .columns = extraction_columns,
                                        .indexes = by_attachment};
