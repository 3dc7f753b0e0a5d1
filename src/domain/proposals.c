#include "domain/proposals.h"

#include "base/buf.h"
#include "domain/sync_id.h"
#include "text/datetime.h"
#include "text/json.h"

/* One request, as it is remembered and as its row says. */
struct request {
    struct sighting seen;
    struct str external_id;
    struct str sender;
    struct str text;
    struct str status;
    struct str proposal; /* JSON; absent until it was answered. */
    int64_t answered_ms;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "proposals: out of step memory");
}

/* ---- What is remembered ---- */

static struct str state_key(struct op_env *env, struct str external_id)
{
    return arena_printf(env->arena, "r:%.*s", STR_ARG(external_id));
}

static bool request_get(struct op_env *env, struct str external_id, struct request *out,
                        bool *there, struct err *err)
{
    struct json_limits limits = {.innocent = true};
    const struct json_value *root = NULL;
    struct str key = state_key(env, external_id);
    struct str value = {0};
    int64_t direction = 0;
    *there = false;
    *out = (struct request){.external_id = external_id};
    if (external_id.ptr == NULL || key.ptr == NULL) {
        return out_of_memory(err);
    }
    if (!env->get(env, key, &value, err) ||
        (value.ptr != NULL && !json_parse(env->arena, value, &limits, &root, err))) {
        return false;
    }
    if (value.ptr == NULL) {
        return true;
    }
    *there = true;
    (void)json_int(json_get(root, STR("sent_ms")), &out->seen.sent_ms);
    (void)json_int(json_get(root, STR("direction")), &direction);
    (void)json_int(json_get(root, STR("answered_ms")), &out->answered_ms);
    out->seen.direction = (enum message_direction)direction;
    out->seen.thread = json_str(json_get(root, STR("thread")));
    out->sender = json_str(json_get(root, STR("sender")));
    out->text = json_str(json_get(root, STR("text")));
    out->status = json_str(json_get(root, STR("status")));
    out->proposal = json_str(json_get(root, STR("proposal")));
    return true;
}

static bool request_put(struct op_env *env, const struct request *request, struct err *err)
{
    struct str key = state_key(env, request->external_id);
    struct buf buf;
    struct json_writer json;
    buf_init(&buf, env->arena, request->text.len + 512);
    json_writer_init(&json, &buf);
    json_object_begin(&json);
    json_field_int(&json, STR("sent_ms"), request->seen.sent_ms);
    json_field_int(&json, STR("direction"), request->seen.direction);
    json_field_str(&json, STR("thread"), request->seen.thread);
    json_field_str(&json, STR("sender"), request->sender);
    json_field_str(&json, STR("text"), request->text);
    json_field_str(&json, STR("status"), request->status);
    if (request->proposal.ptr != NULL) {
        json_field_str(&json, STR("proposal"), request->proposal);
        json_field_int(&json, STR("answered_ms"), request->answered_ms);
    }
    json_object_end(&json);
    json_writer_done(&json);
    struct str value = buf_str(&buf);
    return key.ptr != NULL && value.ptr != NULL ? env->put(env, key, value, err)
                                                : out_of_memory(err);
}

/* ---- Records ---- */

static void put_text_or_null(struct json_writer *json, struct str key, struct str text)
{
    json_key(json, key);
    if (text.len > 0) {
        json_put_str(json, text);
    } else {
        json_put_null(json);
    }
}

/* What the row and the question have in common. */
static void put_request(struct json_writer *json, const struct proposals *self, struct str row,
                        const struct request *request)
{
    char sent[DATETIME_TEXT_MAX];
    json_field_str(json, STR("message_id"), row);
    json_field_str(json, STR("platform"), self->platform);
    json_field_str(json, STR("thread_external_id"), request->seen.thread);
    json_field_str(json, STR("external_id"), request->external_id);
    put_text_or_null(json, STR("sender_id"), request->sender);
    json_field_str(json, STR("request"), request->text);
    json_field_str(json, STR("ts"), datetime_format_iso(request->seen.sent_ms, sent));
}

static bool emit(struct op_env *env, const struct record *record, struct err *err)
{
    return record->entity.ptr != NULL && record->body.ptr != NULL ? env->emit(env, record, err)
                                                                  : out_of_memory(err);
}

/* What stands in the row for good: an answer, or that it was withdrawn. Else only a new row gets a
   status, as one of before may have been answered though the store was lost. */
static void put_status(struct json_writer *json, const struct request *request)
{
    char answered[DATETIME_TEXT_MAX];
    bool settled = request->proposal.ptr != NULL || str_equal(request->status, STR("withdrawn"));
    if (request->proposal.ptr != NULL) {
        json_key(json, STR("proposal"));
        json_put_raw(json, request->proposal);
        json_field_str(json, STR("answered_at"),
                       datetime_format_iso(request->answered_ms, answered));
    }
    if (!settled) {
        json_object_end(json);
        json_key(json, STR("insert"));
        json_object_begin(json);
    }
    json_field_str(json, STR("status"), request->status);
}

static bool emit_row(const struct proposals *self, struct op_env *env,
                     const struct request *request, struct err *err)
{
    struct str row = sync_id_row(env->arena, self->platform, request->external_id);
    struct buf body;
    struct json_writer json;
    buf_init(&body, env->arena, request->text.len + request->proposal.len + 512);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    json_key(&json, STR("set"));
    json_object_begin(&json);
    put_request(&json, self, row, request);
    put_status(&json, request);
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {
        .sink = self->sink, .target = STR("proposals"), .entity = row, .body = buf_str(&body)};
    return emit(env, &record, err);
}

static bool emit_question(const struct proposals *self, struct op_env *env,
                          const struct request *request, struct err *err)
{
    struct str row = sync_id_row(env->arena, self->platform, request->external_id);
    struct buf body;
    struct json_writer json;
    buf_init(&body, env->arena, request->text.len + 512);
    json_writer_init(&json, &body);
    json_object_begin(&json);
    put_request(&json, self, row, request);
    json_object_end(&json);
    json_writer_done(&json);
    struct record record = {.kind = RECORD_QUESTION,
                            .sink = self->ask,
                            .target = STR("proposals"),
                            .entity = row,
                            .body = buf_str(&body)};
    return emit(env, &record, err);
}

/* ---- Messages ---- */

/* The request that the message is, new or known. */
static bool find_request(struct op_env *env, const struct message *message, struct request *out,
                         bool *there, struct err *err)
{
    bool ok = true;
    for (int form = 0; form < SYNC_ID_FORMS; form++) {
        ok = request_get(env, sync_id_form(env->arena, message, form), out, there, err);
        if (!ok || !*there || sync_id_same(&out->seen, message)) {
            break;
        }
    }
    return ok;
}

/* Is it for the assistant, as it stands now? */
static bool is_request(const struct proposals *self, struct op_env *env,
                       const struct message *message, bool *is, struct err *err)
{
    struct chat_facts facts;
    if (!chat_facts_read(env->arena, message, &facts, err)) {
        return false;
    }
    enum agent_answer answer = agent_channel(&self->agent, env->arena, message, &facts);
    if (answer == AGENT_NO_MEMORY) {
        return out_of_memory(err);
    }
    *is = answer != AGENT_NO && !message->deleted && !agent_wrote(&self->agent, message);
    return true;
}

static bool take_chat(const struct proposals *self, struct op_env *env,
                      const struct message *message, struct err *err)
{
    struct request request;
    bool there = false;
    bool is = false;
    if (!is_request(self, env, message, &is, err)) {
        return false;
    }
    if (!is && message->revision == 0) {
        return true;
    }
    if (!find_request(env, message, &request, &there, err)) {
        return false;
    }
    if (!there && !is) {
        return true;
    }
    request.seen = (struct sighting){message->sent_ms, message->direction, message->chat};
    request.sender = message->sender;
    request.text = message->deleted ? request.text : message->text;
    bool old = message->archived_ms - message->sent_ms > self->max_age_ms;
    bool asks = !there && !old && self->ask.len > 0;
    request.status = message->deleted ? STR("withdrawn")
                     : there          ? request.status
                     : old            ? STR("old")
                     : asks           ? STR("asked")
                                      : STR("open");
    return request_put(env, &request, err) && emit_row(self, env, &request, err) &&
           (!asks || emit_question(self, env, &request, err));
}

static bool take_answer(const struct proposals *self, struct op_env *env,
                        const struct message *answer, struct err *err)
{
    struct json_limits limits = {.innocent = true};
    const struct json_value *extra = NULL;
    const struct json_value *said = NULL;
    struct request request;
    struct buf buf;
    struct json_writer json;
    bool there = false;
    if (!json_parse(env->arena, answer->extra, &limits, &extra, err)) {
        return false;
    }
    struct str row = json_str(json_get(extra, STR("entity")));
    struct str external_id = str_slice(row, self->platform.len + 1, row.len);
    if (!request_get(env, external_id, &request, &there, err)) {
        return false;
    }
    if (!there) {
        return true; /* Nothing of ours. */
    }
    if (!json_parse(env->arena, answer->text, &limits, &said, err)) {
        return err_prefix(err, "proposals: the answer: ");
    }
    buf_init(&buf, env->arena, answer->text.len + 64);
    json_writer_init(&json, &buf);
    json_put_value(&json, said); /* In the one form that records have. */
    json_writer_done(&json);
    request.proposal = buf_str(&buf);
    request.answered_ms = answer->archived_ms;
    request.status = str_equal(request.status, STR("withdrawn")) ? request.status : STR("answered");
    return (request.proposal.ptr != NULL || out_of_memory(err)) &&
           request_put(env, &request, err) && emit_row(self, env, &request, err);
}

static bool proposals_apply(struct op *op, struct op_env *env, const struct message *message,
                            struct err *err)
{
    const struct proposals *self = (const struct proposals *)op;
    if (message->kind == MESSAGE_CHAT) {
        return take_chat(self, env, message, err);
    }
    return message->kind != MESSAGE_ANSWER || take_answer(self, env, message, err);
}

static bool proposals_open(struct op *op, struct arena *arena, struct err *err)
{
    return agent_open(&((struct proposals *)op)->agent, arena, err);
}

static const struct column columns[] = {
    {"id", COLUMN_TEXT, true, NULL, "messages.id"},
    {"message_id", COLUMN_TEXT, true, NULL, "messages.id"},
    {"platform", COLUMN_TEXT, true, NULL, "Where it was said: whatsapp."},
    {"thread_external_id", COLUMN_TEXT, true, NULL, "The chat: its id or title."},
    {"external_id", COLUMN_TEXT, true, NULL, "The message's id there."},
    {"sender_id", COLUMN_TEXT, false, NULL, "Who asks."},
    {"request", COLUMN_TEXT, false, NULL, "What was said to the assistant."},
    {"ts", COLUMN_TIME, false, NULL, "When, UTC."},
    {"status", COLUMN_TEXT, true, NULL, "open, asked, old, answered or withdrawn."},
    {"proposal", COLUMN_JSON, false, NULL, "What the assistant answered."},
    {"answered_at", COLUMN_TIME, false, NULL, "When, UTC."},
    {"decision", COLUMN_TEXT, false, NULL, "Set by people; never touched."},
    {0},
};

static const char *const indexes[] = {"status", NULL};

static const struct target table = {
    .name = "proposals", .key = "id", .key_is_words = true, .columns = columns, .indexes = indexes};

static const struct target *const targets[] = {&table, NULL};

static const struct option options[] = {
    OPTION_SINK(struct proposals, sink, "sink", "records", "Name of the sink that holds the rows."),
    OPTION_SINK(struct proposals, ask, "ask", NULL,
                "Name of the sink that is asked for proposals (kind http or command)."),
    OPTION_DURATION(struct proposals, max_age_ms, "max_age", "1d",
                    "An older request is only kept: the first look finds those of a month."),
    OPTION_TEXT(struct proposals, platform, "platform", "whatsapp",
                "What the rows call the place where messages were said."),
    AGENT_OPTIONS(struct proposals, agent),
    OPTION_END,
};

static const char *const key_options[] = {"platform", NULL};

const struct op_type op_proposals = {
    .kind = "proposals",
    .summary = "Hand over what is said to the house's assistant, and keep its proposals.",
    .options = options,
    .size = sizeof(struct proposals),
    .targets = targets,
    .shared_state = true,
    .key_options = key_options,
    .open = proposals_open,
    .apply = proposals_apply,
};
