#include "sink/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/command.h"
#include "sink/effect_id.h"
#include "sink/envelope.h"
#include "text/json.h"

enum {
    SCRATCH_MAX = 64 * 1024 * 1024,
    EXIT_NOT_NOW = 75, /* EX_TEMPFAIL of sysexits.h. */
    ENVIRONMENT_MAX = 64,
};

static const char *const passed_on[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", NULL};

struct command_sink {
    struct sink sink; /* First. */

    /* Options. */
    struct str_list run;
    struct str_map env;
    int64_t timeout_ms;
    int64_t answer_max;

    /* From open to close. */
    struct str words[COMMAND_WORDS_MAX];
    size_t word_count;
    const char *environment[ENVIRONMENT_MAX + 1];
    struct arena scratch; /* For one record. */
};

static struct command_sink *self_of(struct connector *connector)
{
    return (struct command_sink *)(void *)connector; /* The connector is its first member. */
}

static bool explain(const struct command_sink *self, struct err *err)
{
    return err_prefix(err, "sink %.*s: ", STR_ARG(self->sink.connector.name));
}

/* A list is taken word by word; a single text is split at spaces. False: too many. */
static bool split_words(struct str_list run, struct str *words, size_t *count)
{
    struct str line = run.count == 1 ? run.items[0] : (struct str){0};
    struct str word = {0};
    *count = 0;
    for (size_t i = 0; run.count > 1 && i < run.count; i++) {
        if (*count == COMMAND_WORDS_MAX) {
            return false;
        }
        words[(*count)++] = run.items[i];
    }
    while (str_split(&line, ' ', &word)) {
        if (word.len == 0) {
            continue;
        }
        if (*count == COMMAND_WORDS_MAX) {
            return false;
        }
        words[(*count)++] = word;
    }
    return true;
}

static void sink_check(const struct connector *connector, struct report *report)
{
    const struct command_sink *self = (const struct command_sink *)(const void *)connector;
    struct str words[COMMAND_WORDS_MAX];
    size_t count = 0;
    if (!split_words(self->run, words, &count)) {
        report->fault(report, "run", 0, "it has too many words; put them into a script");
    }
    if (self->timeout_ms <= 0) {
        report->fault(report, "timeout", 0, "it must be above 0");
    }
    if (self->answer_max <= 0 || self->answer_max > COMMAND_OUTPUT_MAX) {
        report->fault(report, "answer_max", 0, "it must be between 1 byte and 1 MiB");
    }
    if (self->env.count + sizeof passed_on / sizeof passed_on[0] > ENVIRONMENT_MAX) {
        report->fault(report, "env", 0, "too many variables");
    }
}

static bool make_environment(struct command_sink *self, struct err *err)
{
    struct arena *arena = self->sink.connector.env.arena;
    size_t count = 0;
    for (size_t i = 0; passed_on[i] != NULL; i++) {
        const char *value = getenv(passed_on[i]);
        if (value != NULL) {
            self->environment[count++] = arena_printf(arena, "%s=%s", passed_on[i], value).ptr;
        }
    }
    for (size_t i = 0; i < self->env.count && count < ENVIRONMENT_MAX; i++) {
        const struct str_pair *pair = &self->env.items[i];
        self->environment[count++] =
            arena_printf(arena, "%.*s=%.*s", STR_ARG(pair->name), STR_ARG(pair->text)).ptr;
    }
    self->environment[count] = NULL;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ok = ok && self->environment[i] != NULL;
    }
    return ok || err_set(err, ERR_RETRY, "out of memory for an environment");
}

static bool sink_open(struct connector *connector, struct err *err)
{
    struct command_sink *self = self_of(connector);
    arena_init(&self->scratch, SCRATCH_MAX);
    bool ok = split_words(self->run, self->words, &self->word_count) ||
              err_set(err, ERR_CONFIG, "option `run`: too many words; put them into a script");
    return (ok && make_environment(self, err)) || explain(self, err);
}

/* ---- One record ---- */

static void settle(struct parcel *parcel, enum verdict verdict, struct str why, struct arena *arena)
{
    parcel->verdict = verdict;
    parcel->why = arena_copy(arena, why);
}

static void judge(struct command_sink *self, struct parcel *parcel, int code, struct str output,
                  struct arena *arena)
{
    const struct json_value *root = NULL;
    struct err err = {0};
    if (code != 0) {
        settle(parcel, VERDICT_RETRY,
               code == EXIT_NOT_NOW
                   ? STR("the command said: not now (exit code 75)")
                   : arena_printf(arena, "the command failed with exit code %d", code),
               arena);
        return;
    }
    parcel->verdict = VERDICT_DONE;
    if (parcel->kind != RECORD_QUESTION) {
        return;
    }
    if (!json_parse(&self->scratch, output, NULL, &root, &err)) {
        (void)err_prefix(&err, "the answer is not JSON: ");
        settle(parcel, VERDICT_REJECT, str_of(err.text), arena);
        return;
    }
    parcel->answer = arena_copy(arena, str_trim(output));
    if (parcel->answer.ptr == NULL) {
        settle(parcel, VERDICT_RETRY, STR("out of memory for its answer"), arena);
    }
}

/* False: the program cannot be started, so no other record could be handed over either. */
static bool hand_over(struct command_sink *self, struct parcel *parcel, struct arena *arena,
                      int64_t deadline_ms, struct err *err)
{
    char memory[EFFECT_ID_MAX];
    struct str output = {0};
    int code = 0;
    int64_t last_ms = clock_mono_ms(self->sink.connector.env.clock) + self->timeout_ms;
    struct command command = {
        .words = self->words,
        .count = self->word_count,
        .environment = self->environment,
        .deadline_ms = last_ms < deadline_ms ? last_ms : deadline_ms,
        .output_max = (size_t)self->answer_max,
        .exit_code = &code,
    };
    struct err why = {0};
    arena_reset(&self->scratch);
    if (!envelope_of(parcel, effect_id(&parcel->effect, memory), &self->scratch, &command.input,
                     &why)) {
        settle(parcel, why.kind == ERR_REJECT ? VERDICT_REJECT : VERDICT_RETRY, str_of(why.text),
               arena);
        return true;
    }
    if (command_run(&self->scratch, &command, &output, &why)) {
        judge(self, parcel, code, output, arena);
        return true;
    }
    if (why.kind == ERR_RETRY || why.kind == ERR_REJECT) {
        settle(parcel, why.kind == ERR_RETRY ? VERDICT_RETRY : VERDICT_REJECT, str_of(why.text),
               arena);
        return true;
    }
    *err = why;
    return false;
}

static bool time_for_next(const struct command_sink *self, int64_t deadline_ms)
{
    return clock_mono_ms(self->sink.connector.env.clock) < deadline_ms - self->timeout_ms / 2 &&
           !connector_stopping(&self->sink.connector);
}

static bool write_parcels(struct sink *sink, struct parcel *parcels, size_t count,
                          struct arena *arena, int64_t deadline_ms, struct err *err)
{
    struct command_sink *self = (struct command_sink *)(void *)sink;
    size_t at = 0;
    if (self->word_count == 0) {
        (void)err_set(err, ERR_CONFIG,
                      "no command is named, so nothing can be handed over; name one in `run`");
        return explain(self, err);
    }
    for (bool more = true; more && at < count; more = time_for_next(self, deadline_ms)) {
        struct err why = {0};
        if (!hand_over(self, &parcels[at], arena, deadline_ms, &why)) {
            if (at == 0) {
                *err = why;
                return explain(self, err);
            }
            break;
        }
        at++;
    }
    for (; at < count; at++) {
        parcels[at].verdict = VERDICT_UNTRIED;
    }
    return true;
}

/* Starting it would be doing something: only its name is said. */
static bool sink_probe(struct connector *connector, int64_t deadline_ms, struct str *found,
                       struct err *err)
{
    struct command_sink *self = self_of(connector);
    (void)deadline_ms;
    (void)err;
    *found = self->word_count == 0 ? STR("no command is named: nothing can be handed over")
                                   : arena_printf(connector->env.arena, "%.*s; it was not started",
                                                  STR_ARG(self->words[0]));
    return true;
}

static void sink_close(struct connector *connector)
{
    arena_free(&self_of(connector)->scratch);
}

static const struct option options[] = {
    OPTION_LIST(struct command_sink, run, "run", NULL,
                "The program and its words: a list, or one text that is split at spaces."),
    OPTION_MAP(struct command_sink, env, "env", NULL,
               "Variables for it, besides PATH, HOME, LANG, TZ and TMPDIR."),
    OPTION_DURATION(struct command_sink, timeout_ms, "timeout", "30s",
                    "How long it may take for one record."),
    OPTION_SIZE(struct command_sink, answer_max, "answer_max", "256KiB",
                "How much it may write to standard output."),
    OPTION_END,
};

const struct sink_type sink_command = {
    .connector =
        {
            .kind = "command",
            .summary = "Each record to a program of your own, on its standard input.",
            .options = options,
            .size = sizeof(struct command_sink),
            .check = sink_check,
            .open = sink_open,
            .probe = sink_probe,
            .close = sink_close,
        },
    .write = write_parcels,
};
