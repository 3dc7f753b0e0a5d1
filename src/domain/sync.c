#include "domain/sync.h"

#include "domain/sync_files.h"
#include "domain/sync_mark.h"
#include "domain/sync_row.h"

bool sync_out_of_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "sync: out of step memory");
}

bool sync_emit(const struct sync *sync, struct op_env *env, const struct record *record,
               struct err *err)
{
    struct record whole = *record;
    whole.sink = record->sink.ptr != NULL ? record->sink : sync->sink;
    return whole.body.ptr != NULL && whole.entity.ptr != NULL ? env->emit(env, &whole, err)
                                                              : sync_out_of_memory(err);
}

/*
 * A chat that is only known by its title is a person's once somebody of that name wrote in it: a
 * group shows its members' names. What the source says of the chat goes before.
 */
static bool know_person(struct sync_work *work, struct err *err)
{
    const struct message *message = work->message;
    struct str key = arena_printf(work->env->arena, "person:%.*s", STR_ARG(message->chat));
    struct str known = {0};
    if (work->facts.kind != CHAT_UNKNOWN || message->direction == MESSAGE_DIRECTION_UNKNOWN) {
        return true;
    }
    if (key.ptr == NULL) {
        return sync_out_of_memory(err);
    }
    if (!work->env->get(work->env, key, &known, err)) {
        return false;
    }
    bool named =
        message->direction == MESSAGE_INCOMING && str_equal(message->sender, message->chat);
    if (known.ptr != NULL || named) {
        work->facts.kind = CHAT_PERSON;
    }
    return known.ptr != NULL || !named || work->env->put(work->env, key, STR("1"), err);
}

static bool take_chat(struct sync *sync, struct op_env *env, const struct message *message,
                      struct err *err)
{
    struct sync_work work = {.sync = sync, .env = env, .message = message};
    return chat_facts_read(env->arena, message, &work.facts, err) && know_person(&work, err) &&
           sync_row_put(&work, err) && sync_files_put(&work, err);
}

static bool sync_apply(struct op *op, struct op_env *env, const struct message *message,
                       struct err *err)
{
    struct sync *sync = (struct sync *)op;
    bool ok = true;
    switch (message->kind) {
    case MESSAGE_CHAT:
        ok = take_chat(sync, env, message, err);
        break;
    case MESSAGE_RECEIPT:
        ok = sync_mark_receipt(sync, env, message, err);
        break;
    case MESSAGE_ANSWER:
        ok = sync_files_answer(sync, env, message, err);
        break;
    case MESSAGE_TICK:
    case MESSAGE_RUN:
    case MESSAGE_REFERENCE:
    case MESSAGE_ACT:
        break;
    }
    return ok && sync_files_ask(sync, env, message, err);
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
              byte == '-')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= SYNC_PLATFORM_MAX;
}

static void sync_check(const struct op *op, struct report *report)
{
    const struct sync *sync = (const struct sync *)op;
    if (sync->sending) {
        report->fault(report, "sending", 0,
                      "this program reads WhatsApp and never writes there, so sending cannot be "
                      "enabled; set WHATSAPP_ENABLE_SENDING=false (or leave it out)");
    }
    if (sync->extract && sync->extractor.len == 0) {
        report->fault(report, "extract", 0,
                      "nobody is named who reads images; name a sink that answers in `extractor`, "
                      "or set IMAGE_PROCESSING_ENABLED=false: jobs are queued all the same");
    }
    if (!is_plain(sync->platform)) {
        report->fault(report, "platform", 0,
                      "small letters, digits, _ and - only: it begins every row's id");
    }
}

static bool sync_open(struct op *op, struct arena *arena, struct err *err)
{
    struct sync *sync = (struct sync *)op;
    sync->self = (struct str){0};
    for (size_t i = 0; sync->self.len == 0 && i < sync->me.count; i++) {
        sync->self = str_trim(sync->me.items[i]);
    }
    return agent_open(&sync->agent, arena, err);
}

static const struct target *const targets[] = {&sync_messages,    &sync_attachments, &sync_jobs,
                                               &sync_extractions, &sync_state,       NULL};

static const struct option options[] = {
    OPTION_SINK(struct sync, sink, "sink", "records", "Name of the sink that holds the rows."),
    OPTION_TEXT(struct sync, platform, "platform", "whatsapp",
                "What the rows call the place where messages were said; it begins their ids."),
    OPTION_TEXT(struct sync, source_app, "source_app", "WhatsApp Web",
                "What the rows call the program that messages were read through."),
    OPTION_LIST(struct sync, me, "me", NULL,
                "Our own number or name: the recipient of what comes in a 1:1 chat."),
    AGENT_OPTIONS(struct sync, agent),
    OPTION_PATH(struct sync, files, "files", NULL,
                "What file_path begins with: the folder of `files:` as the readers of the rows "
                "see it; without it paths are relative to that folder."),
    OPTION_BOOL(struct sync, extract, "extract", "false",
                "Ask `extractor` what images show; jobs are queued in any case."),
    OPTION_SINK(struct sync, extractor, "extractor", NULL,
                "Name of the sink that is asked what an image shows (kind http or command)."),
    OPTION_BOOL(struct sync, sending, "sending", "false",
                "Takes false only: nothing is ever sent."),
    OPTION_END,
};

static const struct metric metrics[] = {
    {METRIC_FETCHED, "whatsapp_sync_messages_fetched", NULL,
     "Messages taken in from WhatsApp, new and changed ones."},
    {METRIC_WRITTEN, "whatsapp_sync_upserts", "messages", "Rows of messages written."},
    {METRIC_WRITTEN, "whatsapp_attachments_saved", "attachments", "Attachments saved with a row."},
    {METRIC_COUNTED, "whatsapp_extraction_jobs_enqueued", "jobs", "Extraction jobs queued."},
    {METRIC_ERRORS, "whatsapp_sync_errors", NULL,
     "Looks at WhatsApp, writes, records and messages that failed."},
    {METRIC_CYCLE, "whatsapp_sync_cycle_seconds", NULL, "How long a synchronisation took."},
    {0},
};

static const char *const key_options[] = {"platform", NULL};

const struct op_type op_sync = {
    .kind = "sync",
    .summary = "Keep chats as rows: messages, attachments, extraction jobs, how far it has come.",
    .options = options,
    .size = sizeof(struct sync),
    .targets = targets,
    .shared_state = true,
    .metrics = metrics,
    .key_options = key_options,
    .check = sync_check,
    .open = sync_open,
    .apply = sync_apply,
};
