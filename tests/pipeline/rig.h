/*
 * rig: a chain made of a piece of YAML, and what it does with messages, without store and engine.
 *
 *     rig_open("ops:\n- {kind: write, sink: records, target: t, key: '{id}', set: {a: '{text}'}}");
 *     rig_say("hello");
 *     assert_string_equal(rig_records(), "t M1 {\"set\":{\"a\":\"hello\"}}");
 *
 * State is a table in memory. There is one reference, "cities", and one sink, "records".
 */
#ifndef SLUICE_TESTS_PIPELINE_RIG_H
#define SLUICE_TESTS_PIPELINE_RIG_H

#include "model/op.h"
#include "test.h"

enum { RIG_OUT_MAX = 1 << 20 };

/* 2025-11-24 10:00:00 in Jerusalem, where winter is. */
#define RIG_MORNING_MS INT64_C(1763971200000)

/* Open the chain of a pipeline; any fault fails the test. The state is empty. */
void rig_open(const char *yaml);

/* Another chain on the state that there is. */
void rig_reopen(const char *yaml);
void rig_close(void);

/* The faults of a pipeline, one on a line as "line:column text"; "ok" for none. */
const char *rig_faults(const char *yaml);

/* The next message: M1, M2, … of chat "lobby", by "Dana", a minute apart. */
struct message rig_message(const char *text);

/* Through the chain. False when it was refused; rig_why() says why, and its state is undone. */
bool rig_apply(const struct message *message);
const char *rig_why(void);

/* A message that must go through. */
void rig_say(const char *text);
void rig_tick(void);

/* A row of "cities" from now on; body NULL takes it away. rig_renew() tells the chain. */
void rig_city(const char *key, const char *body);
void rig_renew(void);

/* What was emitted since the last call: "target entity body" a line, "!" in front of an effect. */
const char *rig_records(void);

/* The keys of the state, sorted, one on a line. */
const char *rig_state(void);
size_t rig_state_count(void);

#endif
