/*
 * view: how things of the store are written for programs, by the commands' --json and by the API.
 *
 * The two say the same thing with the same words, so that who has read docs/reference/json knows
 * the answers of the API as well. People are masked unless the caller may see them: numbers as in
 * the log (base/log.h), and names of senders but for their first letter.
 */
#ifndef SLUICE_SERVE_VIEW_H
#define SLUICE_SERVE_VIEW_H

#include "base/arena.h"
#include "model/message.h"
#include "model/plan.h"
#include "store/outbox.h"
#include "store/run.h"
#include "text/json.h"

/* What is shown as it is. */
struct view_open {
    bool text;
    bool people; /* Senders, and chats that are a person's. */
};

/* As the log would show it, of any length. */
struct str view_masked(struct arena *arena, struct str text);

/* "Dana Invented" as "D•••", a number as the log shows it. */
struct str view_name(struct arena *arena, struct str name);

const char *view_message_kind(const struct message *message);

/* `chat_name` is what the configuration calls the chat; absent when it has no name for it. */
void view_message(struct json_writer *json, struct arena *arena, const struct message *message,
                  struct str chat_name, struct view_open open);

/* "ok", "partial", "failed", "stopped", "running". */
const char *view_run_outcome(const struct run *run);

/* "schedule", "message", "hand", "webhook". */
const char *view_run_trigger(const struct run *run);

/* "intake", "pipeline", "delivery", "ended". */
const char *view_run_phase(const struct run *run);

/* `error` is what may be shown of the run's. */
void view_run(struct json_writer *json, const struct run *run, struct str error);

/* "on message", "every 2h", "at 06:00 (Asia/Jerusalem)", "on webhook", "by hand". */
struct str view_schedule(struct arena *arena, const struct schedule *schedule);

/* "absolute", "effect", "question". */
const char *view_record_kind(enum record_kind kind);

/* A dead letter, with its kind or without. */
void view_dead(struct json_writer *json, struct arena *arena, const struct dead_letter *dead,
               bool kind, bool people);

/* What a row is called, and what it is told: a value of JSON. Masked, every text but a time is
   as view_name() has it, and a long number is a text. */
struct str view_entity(struct arena *arena, struct str entity, bool people);
void view_body(struct json_writer *json, struct arena *arena, struct str body, bool people);

#endif
