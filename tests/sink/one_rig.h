/*
 * one_rig: one sink of a kind, with options that a test sets, as the configuration would make it.
 *
 *     sink = one_rig_new(&sink_http, "hook", &opened, NULL);
 *     *(struct str *)one_rig_member(sink, "url") = …;
 *     if (!one_rig_open(&sink, &err)) …          sink is NULL then
 *     one_rig_drop(&sink);
 */
#ifndef SLUICE_TESTS_SINK_ONE_RIG_H
#define SLUICE_TESTS_SINK_ONE_RIG_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/sink.h"

/* `targets` may be NULL. */
struct sink *one_rig_new(const struct sink_type *type, const char *name, struct arena *opened,
                         const struct target *const *targets);

/* Where an option is kept; fails the test when there is no such option. */
void *one_rig_member(struct sink *sink, const char *name);

bool one_rig_open(struct sink **sink, struct err *err);

/* Closes what one_rig_open() opened; nothing happens when it is NULL already. */
void one_rig_drop(struct sink **sink);

#endif
